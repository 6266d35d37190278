"""The unknowns of an equation by name, and the modes of what is made of them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array

from physent.numerics.basis import Basis, Parity
from physent.numerics.field import Field, Vector, mean_mode, together_to_modes


class Fields(Mapping[str, Field]):
    """The unknowns of an equation by name, `f.u` or `f["u"]`, with the time `t` and the coordinates
    `x`, `y`, `z` of the points at which products are formed.
    """

    def __init__(self, basis: Basis, fields: Mapping[str, Field], t: Any):
        self._basis, self._fields, self.t = basis, dict(fields), t
        Vector(self._fields.values())  # one family

    def __getitem__(self, name: str) -> Field:
        return self._fields[name]

    def __getattr__(self, name: str) -> Any:
        if name in ("x", "y", "z") and name not in self._fields:
            axis = "xyz".index(name)
            if axis < len(self._basis.shape):
                return self._basis.coordinates(self._basis.fine)[axis]
        if name.startswith("_") or name not in self._fields:
            raise AttributeError(f"no field {name!r}: there are {', '.join(self._fields)}")
        return self._fields[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    @property
    def basis(self) -> Basis:
        """The grid and its modes."""
        return self._basis


def stacked_modes(fields: Iterable[Any], basis: Basis, parities: Mapping[str, Parity]) -> Array:
    """The modes of fields along a first axis, transformed together, in the order of the unknowns,
    whose parities they must have; a number is a constant function, which is even.
    """
    every = []
    for each, (name, parity) in zip(fields, parities.items(), strict=True):
        zero = jnp.zeros(basis.modes_shape, mean_mode(basis).dtype)
        nothing = isinstance(each, int | float) and each == 0
        field = Field.of_modes(basis, zero, parity)
        field = field if nothing else field._taken(each)
        if field.parity != parity:
            raise ValueError(
                f"what is given for {name} has the parity {field.parity} at the walls, and {name} "
                f"has {parity}: allowed are equal ones (walls = 'odd' or 'even', or boundary = "
                "'periodic')"
            )
        every.append(field)
    together_to_modes(every)
    dtype = mean_mode(basis).dtype
    return jnp.stack([each.modes.astype(dtype) for each in every])
