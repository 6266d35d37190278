"""Fields in the place of an initial condition: arrays, functions of the coordinates, files."""

import dataclasses
from typing import Any, ClassVar, Self

import numpy as np
from jaxtyping import Array, Float

from physent.errors import ParameterError
from physent.protocol.declaration import Declaration, declarations
from physent.protocol.given import (
    Given,
    Stored,
    digest_of,
    is_function,
    opened,
    read_variable,
)
from physent.protocol.parameters import static

from .initial import Medium
from .profiles import Sampled


class GivenField(Given, Sampled):
    """phi and phi_t from arrays, a function of x (of x and y, of x, y and z) or a file, at the
    points of `sampled`, in one to three dimensions.

    In more than one dimension values stand in a row, of the shape `shape`.
    """

    coordinates: ClassVar[str] = "x"
    shape: tuple[int, ...] | None = static(None, doc="points along each axis, of several")

    @classmethod
    def fields(cls) -> dict[str, Declaration]:
        """The arrays by the names that users know."""
        return {name: each for name, each in declarations(cls).items() if each.form == "param"}

    def field(
        self, x: Float[Array, "..."], t: Float[Array, ""], medium: Medium
    ) -> Float[Array, "..."]:
        """phi + phi_t t."""
        values = super().field(x, t, medium)
        return values if self.shape is None else values.reshape(self.shape)

    def check(self, shape: tuple[int, ...], medium: Medium) -> None:
        """There must be n values of each."""
        if len(shape) == 1:
            self.fit("initial", shape, f"n = {shape[0]} grid points")

    def on(self, shape: tuple[int, ...]) -> Self:
        """The same values on a grid of this shape: which axes are of members is known now."""
        if self.shape is None and len(shape) == 1:
            return self
        found = {}
        for name in ("phi", "phi_t"):
            values = getattr(self, name)
            if values is None:
                continue
            natural = values if self.shape is None else values.reshape(self.shape)
            if self.shape == shape and values.ndim == 2:  # of members, in a row already
                natural = values.reshape(-1, *shape)
            before = natural.shape[: natural.ndim - len(shape)]
            if natural.shape[len(before) :] != shape or len(before) > 1:
                words = f"given {name} of shape {natural.shape}, allowed: {shape}, that of the grid"
                raise ParameterError("initial", f"{words}, or one for each member along an axis")
            found[name] = natural.reshape(*before, -1)
        return dataclasses.replace(self, shape=shape, **found)

    @classmethod
    def misfit(cls, value: Any, allowed: str) -> str | None:
        """A message on why these can be no values, as far as that is known before the grid is."""
        if not is_function(value) and _axes_of(value) > 2:
            named = cls._named(value)
            value = {name: np.ravel(each) for name, each in named.items()}
        return super().misfit(value, allowed)

    @classmethod
    def taken(cls, value: Any) -> Any:
        """The part that has these values."""
        if is_function(value) or _axes_of(value) <= 2:
            return super().taken(value)
        named = cls._named(value)
        shape = np.shape(next(iter(named.values())))
        return cls(**{k: np.ravel(each) for k, each in named.items()}, shape=shape)

    @classmethod
    def read(cls, stored: Stored) -> Self:
        """The values in a file; raises ParameterError about a key of `stored`."""
        names = stored.variable or ("phi", "phi_t")
        names = (names,) if isinstance(names, str) else names
        with opened(stored.file, "file") as file:
            there = [name for name in names if name in file.variables]
            axes = len(_space(file, there[0])) if there else 1
            if axes == 1 or len(names) > 2:
                return super().read(stored)
            listed = there if stored.variable is None else names
            found = {
                own: read_variable(file, name, axes, stored.index, stored.member, "variable")
                for own, name in zip(("phi", "phi_t"), listed, strict=False)
            }
        shape = next(iter(found.values())).shape
        before, shape = shape[: len(shape) - axes], shape[len(shape) - axes :]
        flat = {own: np.reshape(values, (*before, -1)) for own, values in found.items()}
        if stored.digest not in (None, digest_of(flat)):
            words = f"the values in {stored.file} are not those that this experiment began with"
            raise ParameterError("digest", words)
        return cls(**flat, shape=shape)

    def stored(self, name: str) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
        """The variables of `given.nc` by name, with their dimensions."""
        found = super().stored(name)
        if self.shape is None:
            return found
        dims = tuple(f"{name}_{axis}" for axis in range(len(self.shape)))
        return {
            own: ((*before[:-1], *dims), values.reshape(*values.shape[:-1], *self.shape))
            for own, (before, values) in found.items()
        }


def _axes_of(value: Any) -> int:
    """How many axes the largest array has."""
    several = value.values() if isinstance(value, dict) else [value]
    several = value if isinstance(value, tuple) else several
    try:
        return max((np.ndim(each) for each in several), default=0)
    except ValueError:  # a ragged list
        return 0


def _space(file: Any, name: str) -> list[str]:
    """The dims of a variable that are neither its times nor its members."""
    times = ("t", "t_snapshot", "time", "member")
    return [dim for dim in file.variables[name].dimensions if dim not in times]
