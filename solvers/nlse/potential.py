"""External potentials V of the nonlinear Schroedinger equation."""

import abc
import math
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from physent.errors import ParameterError
from physent.numerics.basis import Basis
from physent.numerics.rotation import sech
from physent.protocol.parameters import (
    Declared,
    as_number,
    param,
    static,
)
from physent.protocol.sampled import GivenOnGrid
from physent.solvers.checks import require_length


class Potential(Declared):
    """A real V on the periodic box; `varies` says whether it depends on time."""

    varies: ClassVar[bool] = False

    @abc.abstractmethod
    def __call__(self, basis: Basis, t: Float[Array, ""]) -> Float[Array, "..."] | None:
        """V at the points of a grid at time t, or None if there is none. It is traced."""

    def check(self, solver: Any) -> None:
        """Raise ParameterError if the potential does not fit the solver."""


class NoPotential(Potential):
    """V = 0."""

    def __call__(self, basis: Basis, t: Float[Array, ""]) -> None:
        """None, so that nothing is computed."""
        return None


class Harmonic(Potential):
    """A trap, V = (1/2) sum_i frequency_i^2 (x_i - centre_i)^2, with the minimum-image distance."""

    n: Any = eqx.field(static=True, default=None, kw_only=True)  # of the grid, from the solver
    frequency: Array = param(
        default=1.0,
        converter=as_number,
        ge=0,
        per_axis=True,
        doc="trap frequency along each axis for beta = 1/2",
        units="1/time",
    )
    position: Array = param(
        default=0.0,
        converter=as_number,
        per_axis=True,
        doc="centre of the trap along each axis",
        units="length",
    )

    def __call__(self, basis: Basis, t: Float[Array, ""]) -> Float[Array, "..."]:
        """V at the grid points; its slope jumps at the points farthest from the centre."""
        v = None
        for i, (x, length) in enumerate(zip(basis.coordinates(), basis.lengths, strict=True)):
            distance = jnp.mod(x - along(self.position, i) + length / 2, length) - length / 2
            part = 0.5 * (along(self.frequency, i) * distance) ** 2
            v = part if v is None else v + part
        assert v is not None
        return v


class Lattice(Potential):
    """A cosine lattice, V = depth sum_i cos(2 pi periods x_i/length_i + phase)."""

    depth: Array = param(
        default=1.0,
        converter=as_number,
        doc="half the difference between the largest and the smallest V along an axis",
        units="1/time",
    )
    periods: int = static(1, ge=1, doc="number of periods in the box")
    phase: Array = param(
        default=0.0, converter=as_number, doc="phase of the cosine at x = 0", units="rad"
    )

    def __call__(self, basis: Basis, t: Float[Array, ""]) -> Float[Array, "..."]:
        """V at the grid points."""
        waves = [
            jnp.cos((2 * math.pi * self.periods / length) * x + self.phase)
            for x, length in zip(basis.coordinates(), basis.lengths, strict=True)
        ]
        return self.depth * sum(waves[1:], waves[0])


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

    def __call__(self, basis: Basis, t: Float[Array, ""]) -> Float[Array, "..."]:
        """V at the grid points, a wall across x."""
        x, length = basis.coordinates()[0], basis.lengths[0]
        distance = jnp.mod(x - self.position + length / 2, length) - length / 2
        return self.height * sech(distance / self.width) ** 2


class Box(Potential):
    """A box with soft walls, V = height sum_i [1 - tanh((size_i/2 - |x_i|)/softness)]/2."""

    n: Any = eqx.field(static=True, default=None, kw_only=True)  # of the grid, from the solver
    height: Array = param(default=10.0, converter=as_number, doc="V outside", units="1/time")
    size: Array = param(
        default=10.0,
        converter=as_number,
        gt=0,
        per_axis=True,
        doc="distance of the walls along each axis",
        units="length",
    )
    softness: Array = param(
        default=0.5, converter=as_number, gt=0, doc="width of the walls", units="length"
    )

    def __call__(self, basis: Basis, t: Float[Array, ""]) -> Float[Array, "..."]:
        """V at the grid points."""
        walls = [
            (1 - jnp.tanh((along(self.size, i) / 2 - jnp.abs(x)) / self.softness)) / 2
            for i, x in enumerate(basis.coordinates())
        ]
        return self.height * sum(walls[1:], walls[0])


class Spoon(Potential):
    """A Gaussian obstacle that moves along x, V = height exp(-|r - r_0(t)|^2/(2 width^2)), r_0 =
    position + velocity t along x.
    """

    varies: ClassVar[bool] = True
    n: Any = eqx.field(static=True, default=None, kw_only=True)  # of the grid, from the solver
    height: Array = param(default=1.0, converter=as_number, doc="V in the middle", units="1/time")
    width: Array = param(
        default=1.0, converter=as_number, gt=0, doc="of the obstacle", units="length"
    )
    position: Array = param(
        default=0.0,
        converter=as_number,
        per_axis=True,
        doc="place at t = 0 along each axis",
        units="length",
    )
    velocity: Array = param(
        default=0.0, converter=as_number, doc="along x, round the box", units="length/time"
    )

    def __call__(self, basis: Basis, t: Float[Array, ""]) -> Float[Array, "..."]:
        """V at the grid points at time t."""
        square = jnp.zeros(basis.shape, basis.dtype)
        for i, (x, length) in enumerate(zip(basis.coordinates(), basis.lengths, strict=True)):
            centre = along(self.position, i) + (self.velocity * t if i == 0 else 0)
            square = square + (jnp.mod(x - centre + length / 2, length) - length / 2) ** 2
        return self.height * jnp.exp(-square / (2 * self.width**2))


class SampledPotential(Potential):
    """V from its values at the n grid points x_j = (j/n - 1/2) length of a line."""

    values: Array = param(converter=as_number, ndim=1, doc="V at the grid points", units="1/time")

    def __call__(self, basis: Basis, t: Float[Array, ""]) -> Float[Array, "..."]:
        """The values, on a finer grid those of the interpolant."""
        if basis.shape == self.values.shape:
            return self.values
        own = basis.with_points(self.values.shape)
        return own.values(own.modes(self.values, own.even), own.even, basis.shape).real

    def check(self, solver: Any) -> None:
        """The number of values must equal the number of grid points."""
        n = solver.n
        require_length(self, ("values",), n, f"n = {n}", "potential.")


class GivenPotential(GivenOnGrid, Potential):
    """V from an array, a function of the coordinates or a file."""

    usual = ("potential",)

    def __call__(self, basis: Basis, t: Float[Array, ""]) -> Float[Array, "..."]:
        """The values."""
        return self.on_grid(basis, [basis.even])[0].real.astype(basis.dtype)

    def check(self, solver: Any) -> None:
        """They must be real, and on the axes of the grid."""
        self.fits(solver.basis, "potential")
        if jnp.iscomplexobj(self.fields_):
            raise ParameterError(
                "potential", "given complex numbers for potential, allowed: real numbers"
            )


def along(values: Float[Array, "..."], axis: int) -> Float[Array, ""]:
    """The entry of an axis, or the number that stands for all."""
    return values if values.ndim == 0 else values[axis]


POTENTIALS: dict[str, type[Potential]] = {
    "none": NoPotential,
    "harmonic": Harmonic,
    "lattice": Lattice,
    "barrier": Barrier,
    "sampled": SampledPotential,
    "box": Box,
    "spoon": Spoon,
}
