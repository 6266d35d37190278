"""External potentials V(x) of the nonlinear Schroedinger equation."""

import abc
import math
from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Float

from physent.numerics.rotation import sech
from physent.protocol.given import Given
from physent.protocol.parameters import (
    Declared,
    as_number,
    param,
    static,
)
from physent.solvers.checks import require_length


class Potential(Declared):
    """A real, time-independent V(x) on the periodic box."""

    @abc.abstractmethod
    def __call__(
        self, x: Float[Array, " n"], length: Float[Array, ""]
    ) -> Float[Array, " n"] | None:
        """V at the grid points, or None if there is none."""

    def check(self, n: int) -> None:
        """Raise ParameterError if the potential does not fit a grid of n points."""


class NoPotential(Potential):
    """V = 0."""

    def __call__(self, x: Float[Array, " n"], length: Float[Array, ""]) -> None:
        """None, so that nothing is computed."""
        return None


class Harmonic(Potential):
    """A trap, V = (1/2) frequency^2 (x - centre)^2, with the minimum-image distance."""

    frequency: Array = param(
        default=1.0, converter=as_number, ge=0, doc="trap frequency for beta = 1/2", units="1/time"
    )
    position: Array = param(
        default=0.0, converter=as_number, doc="centre of the trap", units="length"
    )

    def __call__(self, x: Float[Array, " n"], length: Float[Array, ""]) -> Float[Array, " n"]:
        """V at the grid points; its slope jumps at the point farthest from the centre."""
        distance = jnp.mod(x - self.position + length / 2, length) - length / 2
        return 0.5 * (self.frequency * distance) ** 2


class Lattice(Potential):
    """A cosine lattice, V = depth cos(2 pi periods x / length + phase)."""

    depth: Array = param(
        default=1.0,
        converter=as_number,
        doc="half the difference between the largest and the smallest V",
        units="1/time",
    )
    periods: int = static(1, ge=1, doc="number of periods in the box")
    phase: Array = param(
        default=0.0, converter=as_number, doc="phase of the cosine at x = 0", units="rad"
    )

    def __call__(self, x: Float[Array, " n"], length: Float[Array, ""]) -> Float[Array, " n"]:
        """V at the grid points."""
        return self.depth * jnp.cos((2 * math.pi * self.periods / length) * x + self.phase)


class Barrier(Potential):
    """V = height / cosh^2((x - position)/width), with the minimum-image distance; a well where the
    height is negative.

    A wave of wavenumber k passes with the probability sinh^2(pi k w)/(sinh^2(pi k w) + cosh^2((pi/
    2) sqrt(4 height w^2/beta - 1))), w the width, for positive height. (L. D. Landau, E. M.
    Lifshitz, Quantum Mechanics, section 25, problem 4.)
    """

    height: Array = param(default=1.0, converter=as_number, doc="V at the top", units="1/time")
    width: Array = param(
        default=1.0, converter=as_number, gt=0, doc="width of the barrier", units="length"
    )
    position: Array = param(
        default=0.0, converter=as_number, doc="place of the barrier", units="length"
    )

    def __call__(self, x: Float[Array, " n"], length: Float[Array, ""]) -> Float[Array, " n"]:
        """V at the grid points."""
        distance = jnp.mod(x - self.position + length / 2, length) - length / 2
        return self.height * sech(distance / self.width) ** 2


class SampledPotential(Potential):
    """V from its values at the n grid points x_j = (j/n - 1/2) length."""

    values: Array = param(converter=as_number, ndim=1, doc="V at the grid points", units="1/time")

    def __call__(self, x: Float[Array, " n"], length: Float[Array, ""]) -> Float[Array, " n"]:
        """The values."""
        return self.values

    def check(self, n: int) -> None:
        """The number of values must equal the number of grid points."""
        require_length(self, ("values",), n, f"n = {n}", "potential.")


class GivenPotential(Given, Potential):
    """V from an array, a function of x or a file."""

    coordinates: ClassVar[str] = "x"
    potential: Array = param(
        converter=as_number, ndim=1, doc="V at the grid points", units="1/time"
    )

    def __call__(self, x: Float[Array, " n"], length: Float[Array, ""]) -> Float[Array, " n"]:
        """The values."""
        return self.potential

    def check(self, n: int) -> None:
        """There must be one value at each grid point."""
        self.fit("potential", (n,), f"n = {n} grid points")


POTENTIALS: dict[str, type[Potential]] = {
    "none": NoPotential,
    "harmonic": Harmonic,
    "lattice": Lattice,
    "barrier": Barrier,
    "sampled": SampledPotential,
}
