"""Spatial boxes: particle numbers and particle means in each box."""

import jax.numpy as jnp
from jaxtyping import Array

from physent.entropy.discrete import combine_symbols, count_symbols, unit_of
from physent.entropy.outcomes.histogram import bin_index
from physent.protocol.diagnostic import Diagnostic, Observed
from physent.protocol.parameters import (
    as_number,
    param,
    static,
)
from physent.protocol.variables import Axis, Variable

Boxes = tuple[Array, Array]  # of values, of particles


def box_axes(observed: Observed) -> list[Axis]:
    """The axes of the box in which particles live, where it is periodic."""
    return [axis for axis in observed.domain.axes if axis.points is None and axis.periodic]


def map_dims(observed: Observed, name: str) -> tuple[str, ...]:
    """The dims of a map over the periodic box of the particles. Raises ValueError if there is
    none.
    """
    axes = box_axes(observed)
    if not axes or len(axes) != observed[observed.find("position")].shape[-1]:
        raise ValueError("a map needs particles in a domain that is periodic everywhere")
    return tuple(f"{name}_{axis.name}" for axis in axes)


def map_axes(observed: Observed, name: str, bins: int) -> tuple[Axis, ...]:
    """The middles of the boxes along each dim of a map."""
    along = []
    for dim, axis in zip(map_dims(observed, name), box_axes(observed), strict=True):
        assert axis.length is not None
        along.append(
            Axis(
                dim,
                (jnp.arange(bins) + 0.5) * (axis.length / bins),
                axis.length,
                periodic=True,
                units=axis.units,
                long_name=f"position {axis.name}",
            )
        )
    return tuple(along)


def box_of_particles(observed: Observed, bins: int) -> Array:
    """The index of each particle's box among bins^d; box 0 begins at 0, and negative positions wrap
    around.
    """
    position = observed[observed.find("position")]
    along = []
    for i, axis in enumerate(box_axes(observed)):
        x, length = position[:, i], axis.length
        assert length is not None
        wrapped = (x - length * jnp.floor(x / length))[None, :]
        index = bin_index(wrapped, jnp.zeros_like(length), length, bins)[0]
        along.append(jnp.clip(index, 0, bins - 1))
    return combine_symbols(along, [bins] * len(along))[0]


def no_boxes(observed: Observed, bins: int) -> Boxes:
    """Empty sums for bins^d boxes."""
    boxes = jnp.zeros(bins ** len(box_axes(observed)), observed.t.dtype)
    return boxes, boxes


def add_to_boxes(
    boxes: Boxes, observed: Observed, bins: int, value: Array, counted: Array
) -> tuple[Boxes, Array]:
    """Add a value of each particle with `counted` = 1 to the sums, and return its mean in each box,
    0 in empty boxes.
    """
    box = box_of_particles(observed, bins)[None, :]
    sums, visits = boxes
    sums = sums + counted * count_symbols(box, sums.size, value[None, :])[0]
    visits = visits + counted * count_symbols(box, sums.size, dtype=visits.dtype)[0]
    return (sums, visits), (sums / jnp.maximum(visits, 1)).reshape(
        (bins,) * len(box_axes(observed))
    )


class ParticleMap(Diagnostic[tuple[Boxes, Array]]):
    """Mean number of particles in each box of a periodic domain, and the mean modulus of a particle
    vector in the box.

    Means over the saved states since `after`: of the velocity it maps speed, of the propulsion or
    the force activity. An observable without components is taken as it is. 0 where nobody was.
    """

    of: str = static("velocity", doc="observable of particles, by name or role")
    bins: int = static(16, doc="boxes per axis", ge=1)
    after: Array = param(
        default=0.0, converter=as_number, doc="times before this are left out of the means", ge=0
    )
    name: str | None = static(
        None, doc="name, and prefix, of the output variables", example="velocity_map"
    )

    def variables(self, observed: Observed) -> dict[str, Variable]:
        """Two maps."""
        of = observed.find(self.of)
        variable = observed.variables[of]
        if (
            len(variable.dims) not in (1, 2)
            or variable.dims[0] != observed.variables[observed.find("position")].dims[0]
        ):
            raise ValueError(f"{of} is not an observable of particles")
        name = self.name or f"{of}_map"
        dims, words = (
            map_dims(observed, name),
            f"modulus of {of}" if len(variable.dims) == 2 else of,
        )
        words = f"mean {words} of a particle in each box"
        number = Variable(dims, "density", "1", "mean number of particles in each box")
        return {name: Variable(dims, "scalar", variable.units, words), f"{name}_number": number}

    def axes(self, observed: Observed) -> tuple[Axis, ...]:
        """The middles of the boxes."""
        return map_axes(observed, self.name or f"{observed.find(self.of)}_map", self.bins)

    def init(self, observed: Observed) -> tuple[Boxes, Array]:
        """Empty sums and counts."""
        return no_boxes(observed, self.bins), jnp.zeros((), observed.t.dtype)

    def __call__(
        self, carry: tuple[Boxes, Array], observed: Observed
    ) -> tuple[tuple[Boxes, Array], dict[str, Array]]:
        """The means so far (0 before `after`)."""
        value = observed[observed.find(self.of)]
        if value.ndim == 2:
            unit = unit_of(value, -1)
            value = jnp.sqrt(jnp.sum((value * (1 / unit)) ** 2, axis=-1)) * unit[:, 0]
        counted = (observed.t >= self.after).astype(value.dtype)
        boxes, states = carry
        boxes, means = add_to_boxes(boxes, observed, self.bins, value, counted)
        states = states + counted
        number = (boxes[1] / jnp.maximum(states, 1)).reshape(means.shape)
        return (boxes, states), self.named(observed, [means, number])
