"""How a field equation begins: random fields of a given spectrum, and fields of one's own, from an
array, a function of the coordinates, or a file, on this grid or another one.
"""

import abc
import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float, Inexact, PRNGKeyArray

from physent.errors import ParameterError, nearest
from physent.numerics.basis import Basis
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


class Start(Declared):
    """The unknowns of a field equation at t = 0, and their exact evolution where it has a closed
    form.
    """

    @abc.abstractmethod
    def __call__(self, solver: Any, key: PRNGKeyArray) -> dict[str, Array]:
        """The unknowns at t = 0. It is traced.

        **Arguments:**

        - `solver`: the solver, whose `basis` has the grid and whose parameters are the equation's.
        - `key`: the random key of the member.

        **Returns:**

        Values at the points of the grid, `solver.basis.coordinates()`, by the name of the unknown.
        """

    def exact(self, solver: Any, t: Float[Array, ""]) -> dict[str, Array]:
        """The exact solution at time t, like `__call__`, where it is known. It is traced.

        **Arguments:**

        - `solver`: the solver.
        - `t`: the time.

        **Returns:**

        Values by the name of the observable; none by default.
        """
        return {}

    def check(self, solver: Any) -> None:
        """Raise ParameterError if the start does not fit the solver. By default any does.

        **Arguments:**

        - `solver`: the solver.
        """


class RandomStart(Start):
    """A smooth random field about a mean: Gaussian, with variance ~ exp(-(|m|/m_0)^2) in the modes
    with m wavelengths in the box.

    The same key gives the same function on every grid that resolves it. Each unknown has a field of
    its own, without a mean over the box unless it is odd at walls.
    """

    amplitude: Array = param(
        default=0.1, converter=as_number, ge=0, doc="root mean square of the field about its mean"
    )
    wavelengths: int = static(4, ge=1, doc="m_0, a typical number of wavelengths in the box")
    mean: Array = param(default=0.0, converter=as_number, doc="mean of the field")

    def __call__(self, solver: Any, key: PRNGKeyArray) -> dict[str, Array]:
        """See `Start`."""
        basis, names = solver.basis, solver.unknowns()
        keys = jax.random.split(key, len(names))
        return {
            name: self.mean
            + self.amplitude * random_field(basis, solver.parity(name), each, self.wavelengths)
            for name, each in zip(names, keys, strict=True)
        }


def random_field(
    basis: Basis, parity: tuple[int, ...], key: PRNGKeyArray, wavelengths: int
) -> Array:
    """A smooth random field of unit variance, typically with so many wavelengths in the box, drawn
    on a grid that knows nothing of this one.
    """
    shape = (8 * wavelengths,) * len(basis.shape)
    coarse = basis.with_points(shape)
    noise = jax.random.normal(key, (2 - basis.real, *shape), basis.dtype)
    drawn = noise[0] if basis.real else jax.lax.complex(noise[0], noise[1]) / math.sqrt(2)
    modes = coarse.modes(drawn, parity)
    square = sum(
        (np.reshape(coarse.numbers(i), [-1 if i == j else 1 for j in range(len(shape))])
         * (0.5 if wall else 1.0)) ** 2
        for i, wall in enumerate(basis.walls)
    )  # fmt: skip
    weight = np.exp(-0.5 * np.asarray(square) / wavelengths**2)
    weight[np.asarray(square) == 0] = 0
    counted = np.asarray(coarse.weights()) * weight**2
    for i, wall in enumerate(basis.walls):
        if wall:  # white noise has as much in each cosine, though each counts half
            numbers = coarse.numbers(i)
            own = np.where(numbers == 0, 1.0 if parity[i] > 0 else 0.0, 2.0)
            counted = counted * own.reshape([-1 if i == j else 1 for j in range(len(shape))])
    # the variance of white noise after the filter, mode by mode
    factor = weight / math.sqrt(counted.sum() / math.prod(shape))
    return coarse.values(modes * jnp.asarray(factor, basis.dtype), parity, basis.shape)


class GivenFields(Given, Start):
    """The unknowns from arrays, a function of the coordinates, or a file; those of a file may be on
    another grid of the same box, from which they are interpolated mode by mode.
    """

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
        return Unsampled(_Held(value))

    def __call__(self, solver: Any, key: PRNGKeyArray) -> dict[str, Array]:
        """See `Start`."""
        basis, count = solver.basis, len(self.names)
        values = self.fields_.reshape((count, *self.shape))
        if basis.real:
            values = values.astype(basis.dtype)
        found = {}
        for name, own in zip(solver.unknowns(), values, strict=True):
            if self.shape != basis.shape:
                coarse = basis.with_points(self.shape)
                parity = solver.parity(name)
                own = coarse.values(coarse.modes(own, parity), parity, basis.shape)
            found[name] = own
        return found

    def check(self, solver: Any) -> None:
        """There must be a value for each unknown, on as many axes as the grid has."""
        names = solver.unknowns()
        if len(self.names) != len(names):
            words = (
                f"given {', '.join(self.names)}, allowed: values of {', '.join(names)}, in order"
            )
            raise ParameterError("initial", words)
        if len(self.shape) != len(solver.basis.shape):
            words = f"given values on {len(self.shape)} axes, allowed: {len(solver.basis.shape)}"
            raise ParameterError("initial", words)
        self._check_box(solver.basis)
        if jnp.iscomplexobj(self.fields_) and solver.basis.real:
            raise ParameterError("initial", "given complex values for a real field")

    def _check_box(self, basis: Basis) -> None:
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
                raise ParameterError("initial", f"{words}, allowed: {box}, those of this box")

    @classmethod
    def settled(cls, value: Any, owner: Any, key: str = "initial") -> Self:
        """The start with values that were held until the grid of `owner` was known."""
        names, shape = owner.unknowns(), owner.basis.shape
        given = value.given if isinstance(value, _Held) else value
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
        if stored.variable is None:
            words = "missing: the names of the variables, in the order of the unknowns"
            raise ParameterError("variable", words)
        names = (stored.variable,) if isinstance(stored.variable, str) else stored.variable
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
        if stored.digest not in (None, made._digest()):
            words = f"the values in {stored.file} are not those that this experiment began with"
            raise ParameterError("digest", words)
        return made

    def as_table(self, name: str, options: Mapping[str, type]) -> dict[str, Any]:
        """The table that refers to `given.nc`."""
        members = {"member": "all"} if np.ndim(self.fields_) > 1 else {}
        called = [f"{name}_{each}" for each in self.names]
        table: dict[str, Any] = {"file": GIVEN, "variable": called}
        return table | members | {"digest": self._digest()}

    def stored(self, name: str) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
        """The variables of `given.nc` by name, with their dimensions."""
        found, members = {}, ("member",) * (np.ndim(self.fields_) - 1)
        dims = (*members, *(f"{name}_{axis}" for axis in range(len(self.shape))))
        for own, values in self._arrays().items():
            if np.iscomplexobj(values):
                found[f"{name}_{own}_re"] = dims, np.real(values)
                found[f"{name}_{own}_im"] = dims, np.imag(values)
            else:
                found[f"{name}_{own}"] = dims, values
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

    def _digest(self) -> str:
        return digest_of({str(i): each for i, each in enumerate(self._arrays().values())})

    def _arrays(self) -> dict[str, np.ndarray]:
        """The values of each unknown, in their natural shape."""
        values = np.asarray(self.fields_)
        parts = np.split(values, len(self.names), -1)
        shape = (*values.shape[:-1], *self.shape)
        return {name: part.reshape(shape) for name, part in zip(self.names, parts, strict=True)}


class _Held:
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
        values = np.asarray(values)
        if values.dtype.kind not in "fiuc" or not np.all(np.isfinite(values)):
            raise ParameterError(key, f"given {name} with values that are no finite numbers")
    found = np.shape(values)
    if found[-len(shape) :] != shape or len(found) - len(shape) not in (0, 1):
        words = f"given {name} of shape {found}, allowed: {shape}, n points along each axis, or one"
        raise ParameterError(key, f"{words} for each member along an axis before")
    return as_number(values)


STARTS: dict[str, type[Start]] = {"random": RandomStart}
