"""What observables are, and the space they live in: declared, never guessed from arrays."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

T = TypeVar("T", bound=eqx.Module)


@dataclass(frozen=True)
class Variable:
    """What an observable or the value of a diagnostic is; declared, never guessed from the array.

    `dims` names its axes in order (an empty tuple makes it a series), `role` says what it stands
    for physically ("amplitude", "density", "scalar", "velocity", "position", "heading", ...), which
    is how diagnostics find it. `nan` says what NaN means in a variable that may have it, "no pair";
    in any other it is a failure.
    """

    dims: tuple[str, ...] = ()
    role: str = "scalar"
    units: str = "1"
    long_name: str = ""
    nan: str = ""


class Axis(eqx.Module):
    """One direction of space, or one list of labels.

    `points` has shape (n,) and holds the coordinate, or is None for particles, which live between
    the points of no grid; `length` is the extent of the domain, the period where `periodic`.
    """

    name: str = eqx.field(static=True)
    points: Array | None = None
    length: Array | None = None
    periodic: bool = eqx.field(static=True, default=False)
    uniform: bool = eqx.field(static=True, default=True)
    units: str = eqx.field(static=True, default="1")
    long_name: str = eqx.field(static=True, default="")

    @property
    def spacing(self) -> Array:
        """The grid spacing of a uniform axis; ValueError for any other."""
        if self.points is None:
            raise ValueError(f"axis {self.name!r} has no grid points")
        if not self.uniform:
            raise ValueError(f"the points of axis {self.name!r} are not equally spaced")
        if self.periodic and self.length is not None:
            return self.length / self.points.shape[-1]
        if self.points.shape[-1] < 2:
            raise ValueError(f"axis {self.name!r} has one point and so no spacing")
        return jnp.abs(self.points[1] - self.points[0])


class Domain(eqx.Module):
    """The axes that the dims of the observables refer to; a staggered grid has more than one axis a
    direction.
    """

    axes: tuple[Axis, ...]

    def __getitem__(self, name: str) -> Axis:
        """The axis of that name; KeyError if there is none."""
        for axis in self.axes:
            if axis.name == name:
                return axis
        raise KeyError(name)

    def __contains__(self, name: str) -> bool:
        """Whether an axis has that name."""
        return any(axis.name == name for axis in self.axes)


def substitute(state: T, values: Mapping[str, Array]) -> T:
    """The state with other values of some of its variables and everything else, as its neighbour
    list, as it is.
    """
    names = tuple(values)

    def where(state: Any) -> list[Any]:
        return [getattr(state, name) for name in names]

    return eqx.tree_at(where, state, [values[name] for name in names])
