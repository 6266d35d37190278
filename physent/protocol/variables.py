"""Declarations of observables and of their space, never guessed from arrays."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

T = TypeVar("T", bound=eqx.Module)


@dataclass(frozen=True)
class Variable:
    """The description of an observable or of an output of a diagnostic.

    **Arguments:**

    - `dims`: the names of its axes, in order; an empty tuple makes it a series.
    - `role`: what it stands for physically ("amplitude", "density", "scalar", "velocity",
        "position", "heading", ...), by which diagnostics find it.
    - `units`: as a word or a formula, "1" for a number.
    - `long_name`: its meaning, for the file and for labels; by default its name.
    - `nan`: what NaN means in a variable that may have it, as "no pair"; in any other variable a
        value that is not finite is a failure.
    """

    dims: tuple[str, ...] = ()
    role: str = "scalar"
    units: str = "1"
    long_name: str = ""
    nan: str = ""


class Axis(eqx.Module):
    """One direction of space, or one list of labels.

    **Arguments:**

    - `name`: of the dim.
    - `points`: the coordinate, (n,), or None where there is no grid, as for particles.
    - `length`: the extent of the domain, a scalar; the period where the axis is periodic.
    - `periodic`: whether the two ends are one point.
    - `uniform`: whether the points are equally spaced.
    - `units`: of points and length.
    - `long_name`: its meaning, for the file and for labels.
    - `widths`: of the cells round the points, (n,), where they are not all the spacing.
    - `unsized`: why the cells have no widths, as a sentence, where they have none.
    """

    name: str = eqx.field(static=True)
    points: Array | None = None
    length: Array | None = None
    periodic: bool = eqx.field(static=True, default=False)
    uniform: bool = eqx.field(static=True, default=True)
    units: str = eqx.field(static=True, default="1")
    long_name: str = eqx.field(static=True, default="")
    widths: Array | None = None
    unsized: str = eqx.field(static=True, default="")

    @property
    def sizes(self) -> Array:
        """The widths of the cells, (n,): those given, or the spacing. Raises ValueError where
        there is neither.
        """
        if self.widths is not None:
            return self.widths
        spacing = self.spacing
        assert self.points is not None
        return jnp.broadcast_to(spacing, self.points.shape[-1:])

    @property
    def spacing(self) -> Array:
        """The grid spacing of a uniform axis, a scalar. Raises ValueError for an axis with no
        points, with one, or with unequal spacing.
        """
        if self.points is None:
            raise ValueError(f"axis {self.name!r} has no grid points")
        if self.unsized:
            raise ValueError(self.unsized)
        if not self.uniform:
            raise ValueError(f"the points of axis {self.name!r} are not equally spaced")
        if self.periodic and self.length is not None:
            return self.length / self.points.shape[-1]
        if self.points.shape[-1] < 2:
            raise ValueError(f"axis {self.name!r} has only one point, so it has no spacing")
        return jnp.abs(self.points[1] - self.points[0])


class Domain(eqx.Module):
    """The axes that the dims of the observables refer to.

    **Arguments:**

    - `axes`: in order; a staggered grid has several for one direction.
    """

    axes: tuple[Axis, ...]

    def __getitem__(self, name: str) -> Axis:
        """The axis with a name.

        **Arguments:**

        - `name`: of the axis.

        **Returns:**

        The `Axis`. Raises a KeyError where there is none.
        """
        for axis in self.axes:
            if axis.name == name:
                return axis
        raise KeyError(name)

    def __contains__(self, name: str) -> bool:
        """Whether an axis has that name."""
        return any(axis.name == name for axis in self.axes)


_EVERY = re.compile(r"t_every_([1-9][0-9]{0,8})")


def rows_between(dim: str, per_snapshot: int = 1) -> int | None:
    """How many rows lie from one entry to the next along a time dimension of a run: t, t_snapshot,
    or t_every_k, which has each k-th snapshot; None of any other dimension.
    """
    if dim in ("t", "t_snapshot"):
        return 1 if dim == "t" else per_snapshot
    found = _EVERY.fullmatch(dim)
    return None if found is None else int(found[1]) * per_snapshot


def snapshots_between(dim: str) -> int:
    """How many snapshots lie from one entry to the next along a time dimension of fields."""
    return 1 if dim in ("t", "t_snapshot") else rows_between(dim) or 1


def substitute(state: T, values: Mapping[str, Array]) -> T:
    """The state with new values of some variables; everything else, such as its neighbour list, is
    unchanged.
    """
    names = tuple(values)

    def where(state: Any) -> list[Any]:
        return [getattr(state, name) for name in names]

    return eqx.tree_at(where, state, [values[name] for name in names])
