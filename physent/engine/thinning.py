"""Less to store of some fields: fewer times, fewer points, fewer digits. Only what is stored is
thinned: diagnostics and invariants are of the whole fields.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array

from physent.errors import ParameterError, brief, nearest

Thinned = tuple[tuple[str, "Thin"], ...]  # by the name of the field


@dataclass(frozen=True)
class Thin:
    """What is stored of a field: each `every`-th snapshot, each `stride`-th point along the axes of
    its grid, rounded to a `precision`.
    """

    every: int = 1
    stride: int = 1
    precision: str | None = None

    def of(self, values: Array, dims: tuple[str, ...], along: Collection[str]) -> Array:
        """The points and digits of a field that are stored; `along` are the axes of grids."""
        if self.stride > 1:
            values = values[tuple(slice(None, None, self.stride_along(d, along)) for d in dims)]
        if self.precision and jnp.issubdtype(values.dtype, jnp.inexact):
            complex_ = jnp.issubdtype(values.dtype, jnp.complexfloating)
            values = values.astype(jnp.complex64 if complex_ else jnp.float32)
        return values

    def stride_along(self, dim: str, along: Collection[str]) -> int:
        """Of how many points one is stored along a dim."""
        return self.stride if dim in along else 1

    def problem(
        self, dims: tuple[str, ...], shape: tuple[int, ...], along: Collection[str]
    ) -> tuple[str, str] | None:
        """The key that does not fit a field, and why."""
        if not dims:
            return "", "is a series, of which every row is kept, allowed: fields"
        if self.stride > 1 and not set(dims) & set(along):
            return "stride", f"given {self.stride}, but its axes ({', '.join(dims)}) are no grid's"
        for dim, size in zip(dims, shape, strict=True):
            if size % self.stride_along(dim, along):
                fitting = [s for s in range(1, size // 2 + 1) if size % s == 0]
                few = ", ".join(map(str, fitting[:8])) + ", ..." * (len(fitting) > 8)
                words = f"given {self.stride}, which does not divide the {size} points along {dim}"
                return "stride", f"{words}, allowed: {few}"
        return None

    def attributes(self) -> dict[str, Any]:
        """What the file says of it."""
        parts = [
            f"one in {self.every} snapshots" * (self.every > 1),
            f"one in {self.stride} points along each axis" * (self.stride > 1),
            f"rounded to {self.precision}" * bool(self.precision),
        ]
        said = {"thinned": ", ".join(filter(None, parts))} if any(parts) else {}
        return said | ({"stride": self.stride} if self.stride > 1 else {})


def thinned(given: Mapping[str, Any] | None) -> Thinned:
    """The fields of `output.fields` by name. Raises ParameterError, with its key."""
    found, keys = [], [each.name for each in fields(Thin)]
    for name, table in (given or {}).items():
        if not isinstance(table, Mapping):
            words = f"given {brief(table)}, allowed: a table such as {{ every = 4, stride = 2 }}"
            raise ParameterError(f"fields.{name}", words)
        for key, value in table.items():
            if key not in keys:
                words = f"unknown key{nearest(str(key), keys)} (allowed: {', '.join(keys)})"
                raise ParameterError(f"fields.{name}.{key}", words)
            right = value == "float32" if key == "precision" else _is_count(value)
            if not right:
                allowed = '"float32"' if key == "precision" else "an integer >= 1"
                words = f"given {brief(value)}, allowed: {allowed}"
                raise ParameterError(f"fields.{name}.{key}", words)
        found.append((str(name), Thin(**table)))
    return tuple(found)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
