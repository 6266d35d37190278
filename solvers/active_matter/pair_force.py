"""Forces between pairs of particles, along the line between them."""

import abc
from collections.abc import Callable
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from physent.errors import ParameterError
from physent.protocol.law import Law
from physent.protocol.parameters import (
    Declared,
    as_number,
    param,
    static,
)
from physent.solvers.checks import on_host


class PairForce(Declared):
    """A central pair force f(r), positive where it repels. `CustomForce` has one of your own; for a
    potential U it is -U'(r).

    `diverges` says whether f has no bound as r -> 0, so that particles at random places must be
    pushed apart first.
    """

    diverges: ClassVar[bool] = True

    @abc.abstractmethod
    def reach(self) -> Float[Array, ""]:
        """The distance beyond which the force is 0."""

    @abc.abstractmethod
    def magnitude(self, r: Float[Array, "..."]) -> Float[Array, "..."]:
        """f(r) for 0 < r < reach; it is not asked for any other r."""

    def check(self) -> None:
        """Raise ParameterError if the force is inconsistent."""

    def over_distance(self, squared: Float[Array, "..."]) -> Float[Array, "..."]:
        """f(r)/r for squared distances, 0 beyond the reach and at 0."""
        inside, squared = self._inside(squared)
        inverse = jax.lax.rsqrt(squared)
        return jnp.where(
            inside, self.magnitude(squared * inverse) * inverse, jnp.zeros_like(squared)
        )

    def stiffness(self, squared: Float[Array, "..."], dimension: int) -> Float[Array, "..."]:
        """f'(r) + (d - 1) f(r)/r, the contribution of a pair to the divergence of the force on one
        of the two.
        """
        inside, squared = self._inside(squared)
        r = jnp.sqrt(squared)
        f, slope = jax.jvp(self.magnitude, (r,), (jnp.ones_like(r),))
        return jnp.where(inside, slope + (dimension - 1) * f / r, jnp.zeros_like(r))

    def _inside(self, squared: Float[Array, "..."]) -> tuple[Array, Array]:
        """Where there is a force, and the squares with that of a harmless distance elsewhere.

        A force that is asked for at r = 0, where empty slots are, or beyond its reach, may be
        infinite or NaN: `where` drops its value, but not its derivative, which would be 0 times
        that.
        """
        reach = jax.lax.stop_gradient(self.reach())
        harmless = jnp.where(jnp.isfinite(reach), 0.75 * reach, 1).astype(squared.dtype) ** 2
        inside = (squared > 0) & (squared < self.reach() ** 2)
        return inside, jnp.where(inside, squared, harmless)


def steepest(force: PairForce, push: Float[Array, ""]) -> Float[Array, ""]:
    """The largest |f'(r)| at distances to which a force `push` can press two particles, or all
    distances where the force has a bound.

    At least to nine tenths of the reach; looked for at 512 distances.
    """
    r = force.reach() * jnp.linspace(1 / 512, 1, 512, dtype=jnp.result_type(push))[:-1]
    r = jnp.where(r > 0, r, jnp.ones_like(r))
    f, slope = jax.jvp(force.magnitude, (r,), (jnp.ones_like(r),))
    usual = jnp.abs(force.magnitude(0.9 * r[-1:]))
    within = jnp.abs(f) <= jnp.maximum(push, usual) if force.diverges else jnp.full(r.shape, True)
    return jnp.max(jnp.where(within & jnp.isfinite(slope), jnp.abs(slope), 0))


class Softplus(PairForce):
    """The harmonic repulsion of overlapping discs with a smooth onset, f = k ln(1 + e^{beta (2 a -
    r)})/beta.

    Cut where it has fallen to 1e-5 k. (N. M. Boffi, E. Vanden-Eijnden, PNAS 121, e2318106121,
    2024.)
    """

    diverges: ClassVar[bool] = False
    strength: Array = param(default=1.0, converter=as_number, ge=0, doc="k", units="1/time")
    sharpness: Array = param(default=7.5, converter=as_number, gt=0, doc="beta", units="1/length")
    radius: Array = param(
        default=1.0, converter=as_number, gt=0, doc="a, radius of a particle", units="length"
    )

    def reach(self) -> Float[Array, ""]:
        """2 a - ln(1e-5 beta)/beta."""
        return 2 * self.radius - jnp.log(1e-5 * self.sharpness) / self.sharpness

    def magnitude(self, r: Float[Array, "..."]) -> Float[Array, "..."]:
        """See the class."""
        return (self.strength / self.sharpness) * _softplus(self.sharpness * (2 * self.radius - r))


@jax.custom_jvp
def _softplus(u: Float[Array, "..."]) -> Float[Array, "..."]:
    """ln(1 + e^u)."""
    # e^-|u| cannot overflow, and log1p of it keeps the tail
    return jnp.maximum(u, 0) + _log1p(jnp.exp(-jnp.abs(u)))


@_softplus.defjvp
def _(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    # of the pieces the derivative would be wrong where they meet, at contact
    (u,), (du,) = primals, tangents
    return _softplus(u), jax.nn.sigmoid(u) * du


def _log1p(w: Float[Array, "..."]) -> Float[Array, "..."]:
    """ln(1 + w) for 0 <= w <= 1; in float32 by 2 artanh(w/(2 + w)), to rounding, in half the time
    of log1p.
    """
    if w.dtype != jnp.float32:
        return jnp.log1p(w)
    s = w / (2 + w)
    square = s * s
    series = jnp.full_like(w, 1 / 11)
    for power in (9, 7, 5, 3, 1):
        series = series * square + 1 / power
    return 2 * s * series


class WCA(PairForce):
    """The repulsive part of the Lennard-Jones potential, f = 24 e [2 (s/r)^12 - (s/r)^6]/r for r <
    2^(1/6) s.

    (J. D. Weeks, D. Chandler, H. C. Andersen, J. Chem. Phys. 54, 5237, 1971.)
    """

    energy: Array = param(
        default=1.0,
        converter=as_number,
        ge=0,
        doc="e, energy over the friction",
        units="length^2/time",
    )
    diameter: Array = param(default=2.0, converter=as_number, gt=0, doc="s", units="length")

    def reach(self) -> Float[Array, ""]:
        """2^(1/6) s, where the force is 0."""
        return 2 ** (1 / 6) * self.diameter

    def magnitude(self, r: Float[Array, "..."]) -> Float[Array, "..."]:
        """See the class."""
        sixth = (self.diameter / r) ** 6
        return 24 * self.energy * sixth * (2 * sixth - 1) / r


class Yukawa(PairForce):
    """A screened Coulomb repulsion, U = e s e^{-(r - s)/l}/r, so f = U (1/r + 1/l), cut at
    `cutoff`.
    """

    energy: Array = param(
        default=1.0,
        converter=as_number,
        doc="e, U at r = s, over the friction",
        units="length^2/time",
    )
    diameter: Array = param(default=2.0, converter=as_number, gt=0, doc="s", units="length")
    screening: Array = param(
        default=0.5, converter=as_number, gt=0, doc="l, screening length", units="length"
    )
    cutoff: Array = param(
        default=8.0,
        converter=as_number,
        gt=0,
        doc="cutoff distance of the force",
        units="length",
    )

    def reach(self) -> Float[Array, ""]:
        """The cutoff."""
        return self.cutoff

    def magnitude(self, r: Float[Array, "..."]) -> Float[Array, "..."]:
        """See the class."""
        potential = self.energy * self.diameter / r * jnp.exp((self.diameter - r) / self.screening)
        return potential * (1 / r + 1 / self.screening)


class NoForce(PairForce):
    """Non-interacting particles."""

    diverges: ClassVar[bool] = False

    def reach(self) -> Float[Array, ""]:
        """0."""
        return jnp.zeros(())

    def magnitude(self, r: Float[Array, "..."]) -> Float[Array, "..."]:
        """0."""
        return jnp.zeros_like(r)


class CustomForce(Law, PairForce):
    """A force of your own, a function of r written with jax.numpy, cut at `cutoff`.

    It counts as one that diverges: overlaps of a random start are pushed apart. Without a `cutoff`
    it is cut at 4 and must have fallen there, to a thousandth of its largest value beyond 0.4.
    """

    arguments: ClassVar[str] = "r"
    function: str | Callable[..., Any] = static(
        function=True, doc="f(r) as 'path.py:function'", example="my.py:force"
    )
    cutoff: Array | None = param(
        default=None,
        converter=as_number,
        gt=0,
        doc="cutoff distance of the force (default: 4)",
        units="length",
    )

    def reach(self) -> Float[Array, ""]:
        """The cutoff."""
        return jnp.asarray(4.0) if self.cutoff is None else self.cutoff

    def magnitude(self, r: Float[Array, "..."]) -> Float[Array, "..."]:
        """The function."""
        return jnp.asarray(self.law()(r), r.dtype)

    def check(self) -> None:
        """The function must act elementwise and be finite within its reach, and small at its end
        where nobody has said that this is the end.
        """
        reach = on_host(self.reach())
        r = np.max(reach) * np.linspace(0.1, 1, 10)
        values = self.tried("force.function", r)
        if values is None:
            return
        if not np.all(np.isfinite(values)):
            where = r[~np.isfinite(values)][0]
            words = f"{self.function} is not finite at r = {where:.4g}, allowed: finite numbers"
            raise ParameterError("force.function", words)
        if self.cutoff is None and abs(values[-1]) > 1e-3 * np.max(np.abs(values)):
            words = f"{self.function} is {values[-1]:.4g} at r = 4, where it is cut without one"
            raise ParameterError("force.cutoff", f"{words}, allowed: CustomForce(f, cutoff=...)")


PAIR_FORCES: dict[str, type[PairForce]] = {
    "softplus": Softplus,
    "wca": WCA,
    "yukawa": Yukawa,
    "none": NoForce,
    "custom": CustomForce,
}
