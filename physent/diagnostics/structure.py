"""Structure of particle configurations: local density, clusters and hexatic order, from
positions.
"""

from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from physent.diagnostics.fields import real
from physent.entropy.discrete import count_symbols
from physent.errors import ParameterError
from physent.numerics.neighbors import NeighborList, find_neighbors, separations
from physent.numerics.space import Space
from physent.protocol.diagnostic import Instantaneous, Observed
from physent.protocol.parameters import (
    as_number,
    param,
    static,
)
from physent.protocol.variables import Variable

UNIT_BALL = {1: 2.0, 2: np.pi, 3: 4 * np.pi / 3}  # its volume by the number of dimensions


def space_of(
    observed: Observed, of: str, period: Array | Sequence[float] | None
) -> tuple[str, Space]:
    """The selected particle observable and the space it lives in: `period` (inf: not periodic), or
    else the domain.
    """
    name = real(observed, of)
    dims = observed.variables[name].dims
    if len(dims) != 2:
        raise ValueError(
            f"{name} does not hold particles and components (its dims: {', '.join(dims) or 'none'})"
        )
    d, dtype = observed[name].shape[-1], observed[name].dtype
    if period is not None:
        period = jnp.asarray(period)
        if period.shape != (d,):
            raise ParameterError(
                "period", f"given {period.size} numbers, allowed: {d}, one per component of {name}"
            )
        circles = tuple(bool(finite) for finite in np.isfinite(np.asarray(period)))
        return name, Space(
            jnp.where(jnp.asarray(circles), period, jnp.ones_like(period)).astype(dtype), circles
        )
    axes = [axis for axis in observed.domain.axes if axis.points is None]
    if len(axes) != d:
        raise ParameterError(
            "period",
            f"missing, and the domain does not declare the space of {name} (inf: not periodic)",
        )
    lengths = [
        jnp.ones((), dtype) if axis.length is None else axis.length.astype(dtype) for axis in axes
    ]
    return name, Space(jnp.stack(lengths), tuple(axis.periodic for axis in axes))


def neighborhood(
    position: Array, space: Space, radius: Array | float, slots: int
) -> tuple[NeighborList, Array]:
    """The neighbours within the radius, and a term to add: NaN if the slots did not suffice, else
    0.
    """
    position = space.shift(position, jnp.zeros_like(position))[0]
    found = find_neighbors(
        position, space, jnp.asarray(radius, position.dtype), min(slots, position.shape[0] - 1)
    )
    # a list with a slot for everybody holds everybody, however far
    _, squared = separations(position, found, space)
    own = jnp.arange(position.shape[0], dtype=jnp.int32)[None, :]
    near = jnp.where((squared < jnp.asarray(radius, squared.dtype) ** 2).T, found.slots, own)
    found = eqx.tree_at(lambda found: found.slots, found, near)
    return found, jnp.where(found.overflow() > 0, jnp.nan, 0.0).astype(position.dtype)


class LocalDensity(Instantaneous):
    """The number density around each particle, in a ball that includes the particle; in units of
    1/`volume`.

    With the volume of a particle it is the local packing fraction. `threshold` adds the share of
    denser particles.
    """

    of: str = static("position", doc="observable of particles and components, by name or role")
    radius: Array = param(default=5.0, converter=as_number, doc="radius of the ball", gt=0)
    volume: Array = param(default=1.0, converter=as_number, doc="volume of a particle", gt=0)
    threshold: Array | None = param(
        default=None, converter=as_number, doc="density above which a particle counts as dense"
    )
    slots: int = static(
        64, doc="maximum number of particles in the ball; NaN if there are more", ge=1
    )
    period: Array | None = param(
        default=None,
        converter=as_number,
        ndim=1,
        gt=0,
        finite=False,
        doc="edges of the box (default: the domain's)",
    )
    name: str | None = static(None, doc="name of the output variable", example="local_density")

    def variables(self, observed: Observed) -> dict[str, Variable]:
        """A field over particles, and a series if requested."""
        of, _ = space_of(observed, self.of, self.period)
        name, dims = self.name or "local_density", observed.variables[of].dims[:1]
        found = {name: Variable(dims, "density", "1", f"local density by {of}")}
        if self.threshold is not None:
            found[f"{name}_dense"] = Variable(
                (), "fraction", "1", "fraction of particles in dense places"
            )
        return found

    def values(self, observed: Observed) -> tuple[Array, ...]:
        """The densities at this time."""
        of, space = space_of(observed, self.of, self.period)
        found, missed = neighborhood(observed[of], space, self.radius, self.slots)
        count = 1 + jnp.sum(found.filled(), axis=1).astype(missed.dtype)
        ball = UNIT_BALL[space.dimension] * self.radius**space.dimension
        density = count * (self.volume / ball) + missed
        if self.threshold is None:
            return (density,)
        return density, jnp.mean((density > self.threshold).astype(density.dtype)) + missed


class Clusters(Instantaneous):
    """Clusters of particles joined by distances below a radius: the fraction in the largest, their
    number and mean size.

    Labels spread along bonds, and along labels, until they stand still. The mean size is that of
    the cluster of a particle drawn at random.
    """

    of: str = static("position", doc="observable of particles and components, by name or role")
    radius: Array = param(default=2.4, converter=as_number, doc="longest bond", gt=0)
    slots: int = static(24, doc="maximum number of bonds per particle; NaN if there are more", ge=1)
    period: Array | None = param(
        default=None,
        converter=as_number,
        ndim=1,
        gt=0,
        finite=False,
        doc="edges of the box (default: the domain's)",
    )
    name: str | None = static(None, doc="prefix of the output variables", example="clusters")

    def variables(self, observed: Observed) -> dict[str, Variable]:
        """Three series."""
        of, _ = space_of(observed, self.of, self.period)
        name = self.name or "clusters"
        return {
            f"{name}_largest": Variable(
                (), "fraction", "1", f"fraction of particles in the largest cluster of {of}"
            ),
            f"{name}_number": Variable((), "count", "1", f"number of clusters of {of}"),
            f"{name}_mean_size": Variable(
                (), "count", "1", f"mean size of the cluster of a particle by {of}"
            ),
        }

    def values(self, observed: Observed) -> tuple[Array, ...]:
        """The clusters at this time."""
        of, space = space_of(observed, self.of, self.period)
        found, missed = neighborhood(observed[of], space, self.radius, self.slots)
        label = cluster_labels(found.index)
        size = count_symbols(label[None, :], label.size, dtype=missed.dtype)[0]
        return (
            jnp.max(size) / label.size + missed,
            jnp.sum((size > 0).astype(size.dtype)) + missed,
            jnp.sum(size**2) / label.size + missed,
        )


def cluster_labels(index: Array) -> Array:
    """The lowest index in the connected component of each of N particles; `index` (N, K) are its
    neighbours.
    """

    def spread(loop):
        label, _ = loop
        lower = jnp.minimum(label, jnp.min(label[index], axis=1))
        lower = lower[lower]  # a label's own label is as good, and far ahead
        return lower, jnp.any(lower != label)

    start = jnp.arange(index.shape[0], dtype=jnp.int32), jnp.ones((), bool)
    return jax.lax.while_loop(lambda loop: loop[1], spread, start)[0]


class HexaticOrder(Instantaneous):
    """Hexatic order in the plane, |psi_6| of each particle, psi_6 the mean of e^(6 i theta) over
    its neighbours.

    theta is the direction to a neighbour, and neighbours are the others within a radius; a particle
    without any has 0. `_mean` is the mean modulus, `_global` the modulus of the mean, which is near
    1 only if the lattice is one crystal.
    """

    of: str = static("position", doc="observable of particles and components, by name or role")
    radius: Array = param(default=3.0, converter=as_number, doc="distance of a neighbour", gt=0)
    slots: int = static(
        24, doc="maximum number of neighbours per particle; NaN if there are more", ge=1
    )
    period: Array | None = param(
        default=None,
        converter=as_number,
        ndim=1,
        gt=0,
        finite=False,
        doc="edges of the box (default: the domain's)",
    )
    name: str | None = static(
        None, doc="name, and prefix, of the output variables", example="hexatic_order"
    )

    def variables(self, observed: Observed) -> dict[str, Variable]:
        """A field over particles and two series."""
        of, space = space_of(observed, self.of, self.period)
        if space.dimension != 2:
            raise ValueError(
                f"hexatic order is defined in a plane, but {of} has {space.dimension} components"
            )
        name = self.name or "hexatic_order"
        return {
            name: Variable(
                observed.variables[of].dims[:1], "order", "1", f"modulus of psi_6 by {of}"
            ),
            f"{name}_mean": Variable((), "order", "1", f"mean modulus of psi_6 by {of}"),
            f"{name}_global": Variable((), "order", "1", f"modulus of the mean psi_6 by {of}"),
        }

    def values(self, observed: Observed) -> tuple[Array, Array, Array]:
        """The order at this time."""
        of, space = space_of(observed, self.of, self.period)
        found, missed = neighborhood(observed[of], space, self.radius, self.slots)
        (x, y), squared = separations(found.reference, found, space)
        there = squared > 0
        unit = jax.lax.complex(x, y) / jnp.sqrt(jnp.where(there, squared, 1))
        psi = jnp.sum(unit**6, axis=1) / jnp.maximum(jnp.sum(there.astype(missed.dtype), axis=1), 1)
        modulus = jnp.abs(psi) + missed
        return modulus, jnp.mean(modulus), jnp.abs(jnp.mean(psi)) + missed
