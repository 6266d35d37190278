"""Initial conditions without topology: a Gaussian, a plane wave, random fields, given values."""

import math

import jax.numpy as jnp
from jaxtyping import Array, Float

from physent.numerics.derivatives import root
from physent.protocol.parameters import (
    as_number,
    param,
    static,
)
from physent.protocol.starts import random_field
from physent.solvers.checks import refuse, require_length

from .boundary import Antiperiodic, Boundary, Periodic, Winding
from .initial import Initial, Medium
from .potential import Linear


def fitting_any(medium: Medium) -> tuple[Boundary, ...]:
    """Any boundary."""
    number = medium.boundary.number if isinstance(medium.boundary, Winding) else 1
    return (Periodic(), Antiperiodic(), Winding(number=number))


class Gaussian(Initial):
    """A bump at rest on the vacuum, phi = vacuum + a exp(-(r/w)^2), phi_t = 0, r the distance from
    its centre: an oscillon, where it lives long.
    """

    amplitude: Array = param(default=1.0, converter=as_number, doc="a, height of the bump")
    width: Array = param(
        default=2.0,
        converter=as_number,
        gt=0,
        doc="w, sqrt(2) times the standard deviation",
        units="length",
    )
    position: Array = param(default=0.0, converter=as_number, doc="x0, centre", units="length")
    position_y: Array | None = param(
        default=None,
        converter=as_number,
        doc="y0, centre in two and three dimensions (default: 0)",
        units="length",
    )
    position_z: Array | None = param(
        default=None,
        converter=as_number,
        doc="z0, centre in three dimensions (default: 0)",
        units="length",
    )

    def field(
        self, x: Float[Array, "..."], t: Float[Array, ""], medium: Medium
    ) -> Float[Array, "..."]:
        """The bump, at all times."""
        away, turns = medium.around(x, self.position)
        bump = jnp.exp(-((away / self.width) ** 2))
        for i, y in enumerate(medium.across):
            centre = (self.position_y, self.position_z)[i]
            centre = jnp.zeros_like(self.position) if centre is None else centre
            bump = bump * jnp.exp(-((medium.around(y, centre, i + 1)[0] / self.width) ** 2))
        return medium.continued(medium.potential.rest() + self.amplitude * bump, turns)


class PlaneWave(Initial):
    """A wave on the vacuum, phi = vacuum + a cos(k x - omega t + phase), omega = sqrt(k^2 +
    V''(vacuum)).

    k = 2 pi mode/length, with mode + 1/2 on an antiperiodic box; in two and three dimensions it
    goes along x. Exact for the linear potential, nearly so for small a.
    """

    amplitude: Array = param(default=0.1, converter=as_number, doc="a")
    mode: int = static(1, doc="number of wavelengths in the box, negative for a left-moving wave")
    phase: Array = param(default=0.0, converter=as_number, doc="phase at x = 0, t = 0", units="rad")

    def field(
        self, x: Float[Array, "..."], t: Float[Array, ""], medium: Medium
    ) -> Float[Array, "..."]:
        """The wave."""
        mode = self.mode + 0.5 if isinstance(medium.boundary, Antiperiodic) else self.mode
        k = 2 * math.pi * mode / medium.length
        omega = root(k**2 + medium.potential.mass_squared())
        return medium.potential.rest() + self.amplitude * jnp.cos(k * x - omega * t + self.phase)

    def is_solution(self, medium: Medium) -> bool:
        """True for the linear potential."""
        return isinstance(medium.potential, Linear)


class Sampled(Initial):
    """phi and phi_t from their values at the n grid points x_j = (j/n - 1/2) length."""

    phi: Array = param(converter=as_number, ndim=1, doc="phi at the grid points")
    phi_t: Array | None = param(
        default=None,
        converter=as_number,
        ndim=1,
        doc="phi_t at the grid points (default: 0)",
        units="1/time",
    )

    def field(
        self, x: Float[Array, "..."], t: Float[Array, ""], medium: Medium
    ) -> Float[Array, "..."]:
        """phi + phi_t t."""
        return self.phi if self.phi_t is None else self.phi + self.phi_t * t

    def boundaries(self, medium: Medium) -> tuple[Boundary, ...]:
        """Any: the values do not determine their continuation."""
        return fitting_any(medium)

    def check(self, shape: tuple[int, ...], medium: Medium) -> None:
        """There must be n values of each."""
        refuse(len(shape) > 1, "initial", "given 'sampled', allowed in one dimension")
        require_length(self, ("phi", "phi_t"), shape[0], f"n = {shape[0]}", "initial.")


class Random(Initial):
    """A smooth random field at rest, Gaussian, with variance ~ exp(-(|m|/m_0)^2) in the modes with
    m wavelengths in the box, about a mean: on the top of a double well, a quench.
    """

    amplitude: Array = param(
        default=0.1, converter=as_number, ge=0, doc="root mean square of the field about its mean"
    )
    wavelengths: int = static(8, ge=1, doc="m_0, a typical number of wavelengths in the box")
    mean: Array = param(default=0.0, converter=as_number, doc="mean of the field")

    def field(
        self, x: Float[Array, "..."], t: Float[Array, ""], medium: Medium
    ) -> Float[Array, "..."]:
        """The field, at all times; without a key its mean."""
        if medium.key is None:
            return self.mean + 0 * x
        parity = tuple(-1 if turned else 1 for turned in medium.basis.turned)
        drawn = random_field(medium.basis, parity, medium.key, self.wavelengths)
        background = medium.boundary.jump(medium.potential.repeat()) / medium.length * x
        return self.mean + self.amplitude * drawn + background

    def boundaries(self, medium: Medium) -> tuple[Boundary, ...]:
        """Any."""
        return fitting_any(medium)
