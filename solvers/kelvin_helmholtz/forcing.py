"""Forcings of the flow during a run."""

from collections.abc import Callable
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PRNGKeyArray

from physent.numerics.products import matmul
from physent.protocol.law import Law
from physent.protocol.parameters import (
    Declared,
    as_number,
    param,
    static,
)
from physent.solvers.checks import on_host, refuse

from .box import Box, Centred, Sources, Velocity
from .initial import Initial


class Forcing(Declared):
    """Steady sources, a velocity added after every step if it is `random`, and an acceleration that
    depends on time if it is `timed`.
    """

    random: ClassVar[bool] = False
    timed: ClassVar[bool] = False

    def sources(self, box: Box, initial: Initial) -> Sources:
        """The steady sources."""
        return Sources()

    def kick(self, key: PRNGKeyArray, dt: Array, box: Box) -> Velocity:
        """The velocity added by a random forcing during dt."""
        raise NotImplementedError

    def mean_power(self, box: Box) -> Array:
        """The mean power that a random forcing supplies to the box."""
        return jnp.zeros_like(box.length)

    def push(self, t: Array, during: Array, box: Box) -> Velocity:
        """The velocity that a timed forcing adds during a time in which it is as at t."""
        raise NotImplementedError

    def supplied(self, flow: Centred, t: Array, box: Box) -> Array:
        """The power that it supplies to the box at time t, without that of steady sources."""
        if not self.timed:
            return self.mean_power(box)
        along, up = self.push(t, jnp.ones_like(t), box)(box.x(), box.z())
        return box.integral(flow.u * along + flow.w * up)

    def check(self, box: Box) -> None:
        """Raise ParameterError if the forcing does not fit."""


class Unforced(Forcing):
    """No forcing."""


class HoldBase(Forcing):
    """The sources -nu U'' and -kappa rho0'' that keep the initial mean profiles, for linear
    stability.

    Without them diffusion widens the layer while a disturbance grows, and no window gives its
    growth rate.
    """

    def sources(self, box: Box, initial: Initial) -> Sources:
        """The sources that balance the diffusion of the initial profiles."""
        return Sources(base=(lambda z: initial.stream(z, box), lambda z: initial.density(z, box)))


class Kolmogorov(Forcing):
    """A steady acceleration of u, amplitude sin(2 pi n z/height)."""

    amplitude: Array = param(
        default=0.1, converter=as_number, doc="largest acceleration", units="velocity/time"
    )
    n: int = static(1, ge=1, doc="waves in z")

    def sources(self, box: Box, initial: Initial) -> Sources:
        """The acceleration."""
        return Sources(
            acceleration=lambda z: self.amplitude * jnp.sin((2 * self.n * jnp.pi / box.height) * z)
        )

    def check(self, box: Box) -> None:
        """A wave is two half waves, of which walls admit any number."""
        box.check_waves(n=("forcing.n", self.n), per_wave=1 if box.periodic else 2)


class Stochastic(Forcing):
    """White noise in time on the waves m = 1 ... modes in x and n = 1 ... modes in z, without
    divergence.

    In z they are sines of the streamfunction, half waves between walls; in a periodic box whole
    waves, but no cosines, so that the forcing is not the same at all heights: none of it goes
    through z = 0 and z = height/2.

    Each wave of the streamfunction gets a Gaussian increment, such that all receive the same mean
    power; together `power` per area. The increments are added after every step (and so weakly of
    first order in time).
    """

    random: ClassVar[bool] = True
    power: Array = param(
        default=0.01, converter=as_number, ge=0, doc="mean power per area", units="velocity^2/time"
    )
    modes: int = static(5, ge=1, doc="waves in each direction")

    def kick(self, key: PRNGKeyArray, dt: Array, box: Box) -> Velocity:
        """psi_z and -psi_x, psi = sum over m, n of (a cos kx + b sin kx) sin(kappa z), a and b
        Gaussian.
        """
        number = jnp.arange(1, self.modes + 1, dtype=box.length.dtype)
        k, kappa = number * box.wave[0], number * box.wave[1]
        square = k[:, None] ** 2 + kappa[None, :] ** 2
        # <|v|^2>/2 of one wave is (a^2 + b^2) square/8, its mean sigma^2 square/4
        deviation = jnp.sqrt(4 * self.power * dt / (self.modes**2 * square))
        a, b = deviation[None] * jax.random.normal(
            key, (2, self.modes, self.modes), box.length.dtype
        )

        def velocity(x: Array, z: Array) -> tuple[Array, Array]:
            cosine, sine = jnp.cos(x * k[None, :]), jnp.sin(x * k[None, :])
            along = (matmul(cosine, a) + matmul(sine, b)) * kappa[None, :]
            across = matmul(sine * k[None, :], a) - matmul(cosine * k[None, :], b)
            u = matmul(along, jnp.cos(kappa[:, None] * z))
            w = matmul(across, jnp.sin(kappa[:, None] * z))
            return u, w

        return velocity

    def mean_power(self, box: Box) -> Array:
        """`power` times the area."""
        return self.power * box.length * box.height

    def check(self, box: Box) -> None:
        """Its waves need free-slip walls, and the grid must resolve them."""
        refuse(
            box.walls == "no_slip",
            "walls",
            "given 'no_slip', allowed with forcing 'stochastic': free_slip, periodic",
        )
        box.check_waves(("forcing.modes", self.modes), ("forcing.modes", self.modes))


class CustomForcing(Law, Forcing):
    """An acceleration of your own, a function of x, z and t written with jax.numpy, which returns
    that of u, or a pair, of u and of w.

    Half of what it adds in an inner step, as at its middle, is added before it and half after it:
    of second order in time. Its divergence and what would flow through walls are removed, and where
    z is periodic the mean of the acceleration of w. The inner steps do not count it.
    """

    arguments: ClassVar[str] = "x, z and t"
    timed: ClassVar[bool] = True
    function: str | Callable[..., Any] = static(
        function=True, doc="f(x, z, t) as 'path.py:function'", example="my.py:forcing"
    )

    def law(self) -> Callable[..., Any]:
        """The function, with a pair of values."""
        function = super().law()

        def pair(x: Array, z: Array, t: Array) -> tuple[Array, Array]:
            values = function(x, z, t)
            both = values if isinstance(values, tuple | list) else (values, 0)
            along, up = (jnp.broadcast_to(jnp.asarray(each), x.shape) for each in both)
            return along, up

        return pair

    def push(self, t: Array, during: Array, box: Box) -> Velocity:
        """The time times the function, at coordinates and a time of full shape."""
        function = self.law()

        def velocity(x: Array, z: Array) -> tuple[Array, Array]:
            x, z = jnp.broadcast_arrays(x, z)
            pair = function(x, z, jnp.full_like(x, t))
            along, up = (during * each.astype(x.dtype) for each in pair)
            return along, up - jnp.mean(up) if box.periodic else up

        return velocity

    def check(self, box: Box) -> None:
        """The function must act elementwise, and be finite at t = 0."""
        length, height = (float(np.max(each)) for each in on_host((box.length, box.height)))
        places = np.linspace(0.05, 0.95, 5)
        values = self.tried(
            "forcing.function", length * places, height * places[::-1], np.zeros(5), parts=2
        )
        refuse(
            values is not None and not np.all(np.isfinite(values)),
            "forcing.function",
            f"{self.function} is not finite at t = 0, allowed: finite numbers",
        )


FORCINGS: dict[str, type[Forcing]] = {
    "none": Unforced,
    "hold_base": HoldBase,
    "kolmogorov": Kolmogorov,
    "stochastic": Stochastic,
    "custom": CustomForcing,
}
