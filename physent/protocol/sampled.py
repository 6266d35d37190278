"""Functions on the grid of a field equation that are given by their values."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Self

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Inexact

from physent.errors import ParameterError, nearest
from physent.numerics.basis import Basis, Parity
from physent.protocol.choosing import Unsampled
from physent.protocol.declaration import known
from physent.protocol.given import (
    GIVEN,
    Given,
    Stored,
    digest_of,
    is_function,
    opened,
    points_of,
    read_variable,
)
from physent.protocol.parameters import Declared, as_number, param, static
from physent.protocol.variables import rows_between


class GivenOnGrid(Given):
    """Functions on a grid from arrays, a function of the coordinates, or a file; those of a file
    may be on another grid of the same box, from which they are interpolated mode by mode.

    `usual` has their names where they always have the same.
    """

    usual: ClassVar[tuple[str, ...]] = ()
    coordinates: ClassVar[str] = "the coordinates (x, in two dimensions x and y, ...)"
    fields_: Inexact[Array, "*members values"] | Complex[Array, "*members values"] = param(
        converter=as_number, ndim=1, doc="values of all unknowns in a row"
    )
    names: tuple[str, ...] = static(doc="names of the unknowns")
    shape: tuple[int, ...] = static(doc="points along each axis")
    ends: tuple[tuple[float, float], ...] | None = static(
        None, doc="first and last coordinate along each axis, where a file has them"
    )

    @classmethod
    def words(cls) -> str:
        """What may be given, in words."""
        return "an array, arrays by name, or a function of the coordinates (in TOML: file = ...)"

    @classmethod
    def misfit(cls, value: Any, allowed: str) -> str | None:
        """A message on why these can be no values, as far as that is known before the grid is."""
        if value is None or isinstance(value, type | Declared):
            return super().misfit(value, allowed)
        return None

    @classmethod
    def taken(cls, value: Any) -> Any:
        """The values, until their owner, who knows the grid, takes them."""
        return Unsampled(Held(value))

    def on_grid(self, basis: Basis, parities: Sequence[Parity]) -> list[Array]:
        """The values of each function, which have these parities, at the points of a grid."""
        found = []
        for own, parity in zip(
            self.fields_.reshape((len(self.names), *self.shape)), parities, strict=True
        ):
            if self.shape != basis.shape:
                coarse = basis.with_points(self.shape)
                own = coarse.values(coarse.modes(own, parity), parity, basis.shape)
            found.append(own)
        return found

    def fits(self, basis: Basis, key: str) -> None:
        """Raise ParameterError about `key` if the values are not on the axes of this grid's box."""
        if len(self.shape) != len(basis.shape):
            words = f"given values on {len(self.shape)} axes, allowed: {len(basis.shape)}"
            raise ParameterError(key, words)
        self._check_box(basis, key)

    def _check_box(self, basis: Basis, key: str) -> None:
        """The coordinates of a file must be those of its grid in this box."""
        if self.ends is None or not known(*basis.lengths):
            return
        own = basis.with_points(self.shape)
        for axis, (first, last) in enumerate(self.ends):
            points = np.asarray(own.points(axis))
            points = points.reshape(-1, points.shape[-1])  # one row a member
            step = np.abs(points[:, 1] - points[:, 0])
            if np.any(np.abs(points[:, 0] - first) > 1e-3 * step) or np.any(
                np.abs(points[:, -1] - last) > 1e-3 * step
            ):
                words = f"given a file whose {'xyz'[axis]} goes from {first:.6g} to {last:.6g}"
                box = f"{points[0, 0]:.6g} to {points[0, -1]:.6g}"
                raise ParameterError(key, f"{words}, allowed: {box}, those of this box")

    @classmethod
    def settled(cls, value: Any, owner: Any, names: tuple[str, ...], key: str) -> Self:
        """The functions with values that were held until the grid of `owner` was known."""
        shape = owner.basis.shape
        given = value.given if isinstance(value, Held) else value
        if is_function(given):
            every, _ = points_of(owner, lambda solver: solver.basis.coordinates())
            sets = [_named(_called(given, each, key), names, key, shape) for each in every]
            found = {n: jnp.stack([each[n] for each in sets]) for n in names}
            if len(sets) == 1:
                found = {n: values[0] for n, values in found.items()}
        else:
            found = _named(given, names, key)
        arrays = {name: _fitting(array, shape, name, key) for name, array in found.items()}
        before = max((array.shape[: array.ndim - len(shape)] for array in arrays.values()), key=len)
        flat = [jnp.broadcast_to(a, before + shape).reshape(*before, -1) for a in arrays.values()]
        return cls(fields_=jnp.concatenate(flat, -1), names=names, shape=shape)

    # ----------------------------------------------------------------------------------------------
    # files

    @classmethod
    def read(cls, stored: Stored) -> Self:
        """The values in a file; raises ParameterError about a key of `stored`."""
        given = stored.variable or cls.usual
        if not given:
            words = "missing: the names of the variables, in the order of the unknowns"
            raise ParameterError("variable", words)
        names = (given,) if isinstance(given, str) else given
        with opened(stored.file, "file") as file:
            found = {
                name: read_variable(
                    file, name, len(_axes(file, name)), stored.index, stored.member, "variable"
                )
                for name in names
            }
            ends = _ends(file, names[0])
        shapes = {array.shape for array in found.values()}
        if len(shapes) > 1:
            words = f"given variables of shapes {', '.join(map(str, sorted(shapes)))}"
            raise ParameterError("variable", f"{words}, allowed: those of one grid")
        members = 1 if stored.member == "all" else 0
        shape = next(iter(shapes))[members:]
        flat = [np.reshape(a, (*a.shape[:members], -1)) for a in found.values()]
        made = cls(fields_=np.concatenate(flat, -1), names=names, shape=shape, ends=ends)
        made = made.named(cls.usual or names)
        if stored.digest not in (None, made._digest()):
            words = f"the values in {stored.file} are not those that this experiment began with"
            raise ParameterError("digest", words)
        return made

    def as_table(self, name: str, options: Mapping[str, type]) -> dict[str, Any]:
        """The table that refers to `given.nc`."""
        members = {"member": "all"} if np.ndim(self.fields_) > 1 else {}
        called = [self._stored_as(name, each) for each in self.names]
        one = len(called) == 1 and bool(self.usual)
        table: dict[str, Any] = {"file": GIVEN, "variable": called[0] if one else called}
        return table | members | {"digest": self._digest()}

    def stored(self, name: str) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
        """The variables of `given.nc` by name, with their dimensions."""
        found, members = {}, ("member",) * (np.ndim(self.fields_) - 1)
        dims = (*members, *(f"{name}_{axis}" for axis in range(len(self.shape))))
        for own, values in self._arrays().items():
            if np.iscomplexobj(values):
                found[f"{self._stored_as(name, own)}_re"] = dims, np.real(values)
                found[f"{self._stored_as(name, own)}_im"] = dims, np.imag(values)
            else:
                found[self._stored_as(name, own)] = dims, values
        return found

    def named(self, names: tuple[str, ...]) -> Self:
        """The same values, of unknowns that are called so: those of a file have names of their
        own.
        """
        if names != self.names and sorted(names) == sorted(self.names):
            words = f"given {', '.join(self.names)}, allowed: in the order {', '.join(names)}"
            raise ParameterError("initial", words)
        same = names == self.names or len(names) != len(self.names)
        return self if same else dataclasses.replace(self, names=names)

    @staticmethod
    def _stored_as(name: str, own: str) -> str:
        return own if own == name else f"{name}_{own}"

    def _digest(self) -> str:
        arrays = self._arrays()
        return digest_of(
            arrays if self.usual else {str(i): each for i, each in enumerate(arrays.values())}
        )

    def _arrays(self) -> dict[str, np.ndarray]:
        """The values of each unknown, in their natural shape."""
        values = np.asarray(self.fields_)
        parts = np.split(values, len(self.names), -1)
        shape = (*values.shape[:-1], *self.shape)
        return {name: part.reshape(shape) for name, part in zip(self.names, parts, strict=True)}


class Held:
    """Values that were given before the grid is known; compared by identity."""

    def __init__(self, given: Any):
        self.given = given

    def __call__(self, *points: Array) -> Any:
        """What is given at these points."""
        return self.given(*points) if is_function(self.given) else self.given


def _axes(file: Any, name: str) -> list[str]:
    """The dims of a variable that are neither its times nor its members."""
    found = file.variables.get(name, file.variables.get(f"{name}_re"))
    if found is None:
        return ["x"]  # `read_variable` says that there is none
    times = ("time", "member")
    return [dim for dim in found.dimensions if dim not in times and not rows_between(dim)]


def _ends(file: Any, name: str) -> tuple[tuple[float, float], ...] | None:
    """The first and the last coordinate along each axis of a variable, where the file has them."""
    axes = _axes(file, name)
    if not all(dim in file.variables and file.variables[dim].ndim == 1 for dim in axes):
        return None
    return tuple((float(file.variables[d][0]), float(file.variables[d][-1])) for d in axes)


def _called(function: Callable[..., Any], points: tuple[Array, ...], key: str) -> Any:
    try:
        return function(*points)
    except TypeError as error:
        names = ", ".join("xyz"[: len(points)])
        words = f"given a function that does not take {names} ({error})"
        raise ParameterError(key, words) from None


def _named(
    given: Any, names: tuple[str, ...], key: str, shape: tuple[int, ...] | None = None
) -> dict[str, Any]:
    """Values by the name of the unknown; `shape` is that of the points of a function."""
    if isinstance(given, Mapping):
        for name in given:
            if name not in names:
                words = f"given {name!r}{nearest(str(name), names)}, allowed: {', '.join(names)}"
                raise ParameterError(key, words)
        missing = [name for name in names if name not in given]
        if missing:
            raise ParameterError(key, f"given no {missing[0]}, allowed: {', '.join(names)}")
        found = {name: given[name] for name in names}
    elif len(names) == 1:
        alone = isinstance(given, tuple) and len(given) == 1
        found: dict[str, Any] = {names[0]: given[0] if alone else given}
    elif isinstance(given, tuple | list) and len(given) == len(names):
        found = dict(zip(names, given, strict=True))
    else:
        words = f"given no names, allowed: arrays of {' and '.join(names)}, by name or in order"
        raise ParameterError(key, words)
    if shape is not None:
        found = {n: jnp.broadcast_to(v, shape) if np.ndim(v) == 0 else v for n, v in found.items()}
    return found


def _fitting(values: Any, shape: tuple[int, ...], name: str, key: str) -> Array:
    """An array of the grid's shape, preceded at most by the members."""
    if isinstance(values, list | tuple | np.ndarray):
        try:
            values = np.asarray(values)
        except ValueError:
            words = f"given {name} as a ragged list, allowed: an array"
            raise ParameterError(key, words) from None
        if values.dtype.kind not in "fiuc" or not np.all(np.isfinite(values)):
            raise ParameterError(key, f"given {name} with values that are no finite numbers")
    found = np.shape(values)
    if found[-len(shape) :] != shape or len(found) - len(shape) not in (0, 1):
        points = shape[0] if len(shape) == 1 else list(shape)
        words = f"given {name} of shape {found}, allowed: {shape}, n = {points} grid points, or one"
        raise ParameterError(key, f"{words} for each member along an axis before")
    return as_number(values)
