"""Particle displacements and spatial correlations."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from physent.diagnostics.structure import UNIT_BALL, neighborhood, space_of
from physent.entropy.discrete import as_floating, count_symbols, matmul, unit_of
from physent.entropy.discrete.power_sums import squared_modulus
from physent.entropy.outcomes.histogram import bin_index
from physent.numerics.neighbors import separations
from physent.protocol.diagnostic import Diagnostic, Observed
from physent.protocol.parameters import (
    as_number,
    known,
    param,
    static,
)
from physent.protocol.variables import Axis, Variable


class MeanSquareDisplacement(Diagnostic[Array]):
    """<|x(t) - x(0)|^2> over particles, and the kurtosis <|dx|^4>/<|dx|^2>^2, from unwrapped
    positions.

    The kurtosis is 0 at t = 0.
    """

    of: str = static(
        "unwrapped_position", doc="unwrapped position of particles and components, by name or role"
    )
    name: str | None = static(
        None, doc="name, and prefix, of the output variables", example="mean_square_displacement"
    )

    def variables(self, observed: Observed) -> dict[str, Variable]:
        """Two series."""
        of = observed.find(self.of)
        if len(observed.variables[of].dims) != 2:
            raise ValueError(f"{of} does not hold particles and components")
        boxed = any(axis.points is None and axis.periodic for axis in observed.domain.axes)
        if observed.variables[of].role == "position" and boxed:
            raise ValueError(
                f"{of} is wrapped into a periodic box, where displacements are lost: take "
                "unwrapped_position, or follow the particles across its edges (--unwrap, in Python "
                "unwrap=True)"
            )
        name, units = self.name or "mean_square_displacement", f"{observed.variables[of].units}^2"
        return {
            name: Variable((), "displacement", units, f"mean square displacement of {of}"),
            f"{name}_kurtosis": Variable(
                (), "kurtosis", "1", f"kurtosis of the displacement of {of}"
            ),
        }

    def init(self, observed: Observed) -> Array:
        """The positions at the start."""
        return as_floating(observed[observed.find(self.of)])

    def __call__(self, carry: Array, observed: Observed) -> tuple[Array, dict[str, Array]]:
        """The displacements since the start."""
        apart = as_floating(observed[observed.find(self.of)]) - carry
        unit = jnp.squeeze(unit_of(apart))
        squared = jnp.sum((apart * (1 / unit)) ** 2, axis=-1)
        mean = jnp.mean(squared)
        kurtosis = jnp.mean(squared**2) / jnp.where(mean > 0, mean**2, 1)
        return carry, self.named(observed, [mean * unit * unit, kurtosis])


class RadialDistribution(Diagnostic[tuple[Array, Array]]):
    """g(r) in `bins` equal bins up to `radius`, averaged over the rows so far; for fully periodic
    boxes.

    Pairs counted over those an ideal gas of the same density would have, N (N - 1)/V times the
    shell's volume.
    """

    of: str = static("position", doc="observable of particles and components, by name or role")
    radius: Array = param(default=6.0, converter=as_number, doc="largest distance", gt=0)
    bins: int = static(60, doc="number of bins", ge=1)
    slots: int = static(
        64, doc="maximum number of particles within the radius; NaN if there are more", ge=1
    )
    period: Array | None = param(
        default=None,
        converter=as_number,
        ndim=1,
        gt=0,
        doc="edges of the box (default: the domain's)",
    )
    name: str | None = static(
        None, doc="name of the output variable", example="radial_distribution"
    )

    def variables(self, observed: Observed) -> dict[str, Variable]:
        """A row of values."""
        of, space = space_of(observed, self.of, self.period)
        if not all(space.periodic):
            raise ValueError(f"{of} lives in a non-periodic box, for which g(r) is not defined")
        if known(self.radius, space.length) and float(self.radius) > (
            half := float(jnp.min(space.length)) / 2
        ):
            raise ValueError(
                f"radius: given {float(self.radius):g}, allowed: up to half the shortest edge, "
                f"{half:g}"
            )
        name = self.name or "radial_distribution"
        return {name: Variable((f"{name}_r",), "correlation", "1", f"radial distribution of {of}")}

    def axes(self, observed: Observed) -> tuple[Axis, ...]:
        """The middles of the bins."""
        r = (jnp.arange(self.bins) + 0.5) * (jnp.asarray(self.radius) / self.bins)
        name = f"{self.name or 'radial_distribution'}_r"
        units = observed.variables[observed.find(self.of)].units
        return (Axis(name, r, units=units, long_name="distance"),)

    def init(self, observed: Observed) -> tuple[Array, Array]:
        """Empty counts and no rows."""
        dtype = observed[observed.find(self.of)].dtype
        return jnp.zeros(self.bins, dtype), jnp.zeros((), dtype)

    def __call__(
        self, carry: tuple[Array, Array], observed: Observed
    ) -> tuple[tuple[Array, Array], dict[str, Array]]:
        """The mean so far."""
        of, space = space_of(observed, self.of, self.period)
        found, missed = neighborhood(observed[of], space, self.radius, self.slots)
        _, squared = separations(found.reference, found, space)
        radius = jnp.asarray(self.radius, squared.dtype)
        distance = jnp.sqrt(squared).reshape(1, -1)
        symbol = bin_index(distance, jnp.zeros_like(radius), radius, self.bins)
        symbol = jnp.where(found.filled().reshape(1, -1), symbol, -1)
        counts, rows = carry[0], carry[1] + 1
        counts = counts + count_symbols(symbol, self.bins, dtype=counts.dtype)[0] + missed
        n, d = found.index.shape[0], space.dimension
        edges = jnp.linspace(0, 1, self.bins + 1, dtype=counts.dtype) * radius
        density = n * (n - 1) / jnp.prod(space.length)
        ideal = density * UNIT_BALL[d] * (edges[1:] ** d - edges[:-1] ** d)
        return (counts, rows), self.named(observed, [counts / (ideal * rows)])


class StructureFactor(Diagnostic[tuple[Array, Array]]):
    """S(k) = |sum_j e^(-i k.x_j)|^2/N in shells |k| = 2 pi n/L, n = 1 ... `modes`, averaged over
    the rows so far.

    For particles in the plane or on a line, in a box periodic along every axis, square or not.
    Shell n averages the modes whose |k| L/(2 pi) rounds to n, L the longest edge of the box.
    """

    of: str = static("position", doc="observable of particles and components, by name or role")
    modes: int = static(16, doc="number of shells", ge=1, le=64)
    period: Array | None = param(
        default=None,
        converter=as_number,
        ndim=1,
        gt=0,
        doc="edges of the box (default: the domain's)",
    )
    name: str | None = static(None, doc="name of the output variable", example="structure_factor")

    def variables(self, observed: Observed) -> dict[str, Variable]:
        """A row of values."""
        of, space = space_of(observed, self.of, self.period)
        if not all(space.periodic) or space.dimension > 2:
            raise ValueError(
                f"the structure factor of {of} needs one or two dimensions, periodic along every "
                "axis"
            )
        name = self.name or "structure_factor"
        return {name: Variable((f"{name}_shell",), "correlation", "1", f"structure factor of {of}")}

    def axes(self, observed: Observed) -> tuple[Axis, ...]:
        """The wavenumbers |k| of the shells."""
        of, space = space_of(observed, self.of, self.period)
        k = (2 * jnp.pi / jnp.max(space.length)) * jnp.arange(1, self.modes + 1)
        name, units = f"{self.name or 'structure_factor'}_shell", observed.variables[of].units
        units = "1" if units == "1" else f"1/{units}"
        return (Axis(name, k, units=units, long_name="wavenumber |k|"),)

    def init(self, observed: Observed) -> tuple[Array, Array]:
        """No rows yet."""
        dtype = observed[observed.find(self.of)].dtype
        return jnp.zeros(self.modes, dtype), jnp.zeros((), dtype)

    def __call__(
        self, carry: tuple[Array, Array], observed: Observed
    ) -> tuple[tuple[Array, Array], dict[str, Array]]:
        """The mean so far."""
        of, space = space_of(observed, self.of, self.period)
        x, dtype = observed[of], observed[of].dtype
        k = [np.arange(-self.modes, self.modes + 1)] * space.dimension
        waves = [
            jnp.exp(
                -2j
                * np.pi
                * (x[:, axis] / space.length[axis])[:, None]
                * jnp.asarray(k[axis], dtype)[None, :]
            )
            for axis in range(space.dimension)
        ]
        amplitude = jnp.sum(waves[0], axis=0) if len(waves) == 1 else matmul(waves[0].T, waves[1])
        power = (squared_modulus(amplitude)) / x.shape[0]
        grid = np.meshgrid(*k, indexing="ij")
        # along a shorter edge fewer waves reach the last shell: so all modes of every shell are
        # among those of the grid
        edges = jnp.max(space.length) / space.length
        size = jnp.sqrt(sum((jnp.asarray(n, dtype) * edges[i]) ** 2 for i, n in enumerate(grid)))
        shell = (jnp.round(size).astype(jnp.int32) - 1).reshape(1, -1)
        total = count_symbols(shell, self.modes, power.reshape(1, -1))[0]
        members = count_symbols(shell, self.modes, dtype=dtype)[0]
        sums, rows = carry[0] + total / jnp.maximum(members, 1), carry[1] + 1
        return (sums, rows), self.named(observed, [sums / rows])
