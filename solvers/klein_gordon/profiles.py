"""Initial conditions without topology: a Gaussian, a plane wave, and given values."""

import math
from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Float

from physent.numerics.derivatives import root
from physent.protocol.given import Given
from physent.protocol.parameters import (
    as_number,
    param,
    static,
)
from physent.solvers.checks import require_length

from .boundary import Antiperiodic, Boundary, Periodic, Winding
from .initial import Initial, Medium
from .potential import Linear


class Gaussian(Initial):
    """A bump at rest on the vacuum, phi = vacuum + a exp(-((x - x0)/w)^2), phi_t = 0."""

    amplitude: Array = param(default=1.0, converter=as_number, doc="a, height of the bump")
    width: Array = param(
        default=2.0,
        converter=as_number,
        gt=0,
        doc="w, sqrt(2) times the standard deviation",
        units="length",
    )
    position: Array = param(default=0.0, converter=as_number, doc="x0, centre", units="length")

    def field(
        self, x: Float[Array, " n"], t: Float[Array, ""], medium: Medium
    ) -> Float[Array, " n"]:
        """The bump, at all times."""
        away, turns = medium.around(x, self.position)
        return medium.continued(
            medium.potential.rest() + self.amplitude * jnp.exp(-((away / self.width) ** 2)), turns
        )


class PlaneWave(Initial):
    """A wave on the vacuum, phi = vacuum + a cos(k x - omega t + phase), omega = sqrt(k^2 +
    V''(vacuum)).

    k = 2 pi mode/length, with mode + 1/2 on an antiperiodic box. Exact for the linear potential,
    nearly so for small a.
    """

    amplitude: Array = param(default=0.1, converter=as_number, doc="a")
    mode: int = static(1, doc="number of wavelengths in the box, negative for a left-moving wave")
    phase: Array = param(default=0.0, converter=as_number, doc="phase at x = 0, t = 0", units="rad")

    def field(
        self, x: Float[Array, " n"], t: Float[Array, ""], medium: Medium
    ) -> Float[Array, " n"]:
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
        self, x: Float[Array, " n"], t: Float[Array, ""], medium: Medium
    ) -> Float[Array, " n"]:
        """phi + phi_t t."""
        return self.phi if self.phi_t is None else self.phi + self.phi_t * t

    def boundaries(self, medium: Medium) -> tuple[Boundary, ...]:
        """Any: the values do not determine their continuation."""
        number = medium.boundary.number if isinstance(medium.boundary, Winding) else 1
        return (Periodic(), Antiperiodic(), Winding(number=number))

    def check(self, n: int, medium: Medium) -> None:
        """There must be n values of each."""
        require_length(self, ("phi", "phi_t"), n, f"n = {n}", "initial.")


class GivenField(Given, Sampled):
    """phi and phi_t from arrays, a function of x or a file, at the points of `sampled`."""

    coordinates: ClassVar[str] = "x"

    def check(self, n: int, medium: Medium) -> None:
        """There must be n values of each."""
        self.fit("initial", (n,), f"n = {n} grid points")
