"""Values in place of a kind: arrays and functions of space from Python, variables of a file from
TOML.

A choice that takes them names a class of `Given`, whose `param` fields are the arrays. All ways
lead to an instance of it: a function is evaluated once, on the grid, when its owner is made, and a
file is read when an experiment is loaded. So they are leaves like any other number. A run folder
keeps them in `given.nc`, to which its `experiment.toml` refers.
"""

import contextlib
import hashlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, TypeVar

import equinox as eqx
import jax
import jax.core
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from physent.errors import ParameterError, nearest
from physent.protocol.choosing import Unsampled
from physent.protocol.declaration import Declaration, declarations, known
from physent.protocol.parameters import Declared, member_axes, static

if TYPE_CHECKING:
    import netCDF4

GIVEN = "given.nc"
NOWHERE = "(given in Python, kept in no file)"
M = TypeVar("M")


class Stored(Declared):
    """Variables of a NetCDF file, in the place of a kind."""

    file: str = static(doc="NetCDF file", path=True, example="mine.nc")
    variable: str | tuple[str, ...] | None = static(
        None, doc="names of its variables, x also for a pair x_re and x_im; default: as in run.nc"
    )
    index: int = static(-1, doc="index of the time; -1 is the last")
    member: int | Literal["all"] = static(
        0, doc="index of the member in a file with members; all: each member has its own"
    )
    digest: str | None = static(None, doc="SHA-256 of the values, by which a run knows them again")


class Given(Declared):
    """Arrays in the place of a kind, one `param` for each; one whose name a method has, too, ends
    with "_".

    `coordinates` says of what a function is that may stand for them, "x" or "x and z"; none: they
    are no field of space.
    """

    from_file: ClassVar[bool] = True
    coordinates: ClassVar[str] = ""

    @classmethod
    def is_made(cls, value: Any) -> bool:
        """Whether a value is a part already."""
        return isinstance(value, Declared | Unsampled)

    @classmethod
    def fields(cls) -> dict[str, Declaration]:
        """The arrays by the names that users know."""
        return {name.rstrip("_"): each for name, each in declarations(cls).items()}

    @classmethod
    def words(cls) -> str:
        """What may be given, in words."""
        names = list(cls.fields())
        arrays = "an array" if len(names) == 1 else f"arrays of {' and '.join(names)}"
        functions = f" or a function of {cls.coordinates}" if cls.coordinates else ""
        return f"{arrays}{functions} (in TOML: file = ...)"

    @classmethod
    def misfit(cls, value: Any, allowed: str) -> str | None:
        """A message on why these can be no values of this, or None; `allowed` says what a part may
        be.
        """
        if value is None or isinstance(value, type | Declared):
            given = "nothing" if value is None else f"an instance of {type(value).__name__}"
            given = f"the class {value.__name__}" if isinstance(value, type) else given
            return f"given {given}, allowed: {allowed}"
        if is_function(value):
            return None if cls.coordinates else f"given a function, allowed: {allowed}"
        named, fields = cls._named(value), cls.fields()
        strange = next((name for name in named if name not in fields), None)
        missing = next((n for n, each in fields.items() if each.required and n not in named), None)
        if strange is not None:
            return f"given {strange!r}{nearest(str(strange), fields)}, allowed: {', '.join(fields)}"
        if missing is not None:
            return f"given no {missing}, allowed: {allowed}"
        found = (_misfit(fields[name], each) for name, each in named.items())
        return next(filter(None, found), None)

    @classmethod
    def taken(cls, value: Any) -> Any:
        """The part that has these values."""
        if is_function(value):
            return Unsampled(value)
        named, fields = cls._named(value), cls.fields()
        arrays = {k: v if isinstance(v, jax.Array) else np.asarray(v) for k, v in named.items()}
        return cls(**{fields[name].name: values for name, values in arrays.items()})

    @classmethod
    def _named(cls, value: Any) -> dict[Any, Any]:
        """The values by name: a mapping, a tuple or list of arrays in order, or the first alone."""
        fields = cls.fields()
        if isinstance(value, Mapping):
            return dict(value)
        first = next(iter(fields.values()))
        several = isinstance(value, tuple | list) and len(fields) > 1 and len(value) > 0
        if several and (isinstance(value, tuple) or _rank(value[0]) == first.ndim):
            extra = range(len(fields), len(value))
            return dict(zip([*fields, *extra], value, strict=False))
        return {next(iter(fields)): value}

    def fit(self, key: str, shape: tuple[int, ...], axes: str) -> None:
        """Raise ParameterError about `key` for an array that is not of this shape, or has one of
        it for each member; `axes` says in words what they are.
        """
        for name, declaration in self.fields().items():
            value = getattr(self, declaration.name)
            if value is not None and np.shape(value)[np.ndim(value) - declaration.ndim :] != shape:
                raise ParameterError(
                    key,
                    f"given {name} of shape {np.shape(value)}, allowed: {shape}, {axes}, or one "
                    "for each member along an axis before",
                )

    @classmethod
    def sampled(cls, function: Callable[..., Any], points: tuple[Array, ...], key: str) -> Any:
        """The arrays that a function gives at these points, by name; raises ParameterError about
        `key`.
        """
        try:
            inspect.signature(function).bind(*points)
        except TypeError as error:
            words = f"given a function that does not take {cls.coordinates} ({error})"
            raise ParameterError(key, words) from None
        except ValueError:  # one of C says nothing of itself
            pass
        result = function(*points)
        result = cls._named(result)
        shape = np.shape(points[0])
        wide = {n: jnp.full(shape, v) if _rank(v) == 0 else v for n, v in result.items()}
        for name, value in wide.items():
            if _rank(value) is not None and np.shape(value) != shape:
                words = f"given a function with values of shape {np.shape(value)} for {name}"
                raise ParameterError(key, f"{words}, allowed: {shape}, that of its coordinates")
        if words := cls.misfit(wide, cls.words()):
            raise ParameterError(key, f"of its function: {words}")
        return wide

    @classmethod
    def read(cls, stored: Stored) -> Self:
        """The values in a file; raises ParameterError about a key of `stored`."""
        fields, given = cls.fields(), stored.variable
        least = sum(each.required for each in fields.values())
        with opened(stored.file, "file") as file:
            if given is None:
                names = {n: n for n, e in fields.items() if e.required or _is_there(file, n)}
            else:
                listed = (given,) if isinstance(given, str) else given
                if not least <= len(listed) <= len(fields):
                    words = f"given {len(listed)} names, allowed: those of {', '.join(fields)}"
                    raise ParameterError("variable", words)
                names = dict(zip(fields, listed, strict=False))
            found = {
                own: read_variable(
                    file, name, fields[own].ndim, stored.index, stored.member, "variable"
                )
                for own, name in names.items()
            }
        for own, values in found.items():
            if words := _misfit(fields[own], values):
                raise ParameterError("variable", words)
        if stored.digest not in (None, digest_of(found)):
            words = f"the values in {stored.file} are not those that this experiment began with"
            raise ParameterError("digest", words)
        return cls(**{fields[own].name: values for own, values in found.items()})

    def as_table(self, name: str, options: Mapping[str, type]) -> dict[str, Any]:
        """The table that refers to `given.nc`."""
        arrays = self._arrays()
        members = any(np.ndim(v) > self.fields()[n].ndim for n, v in arrays.items())
        given = [_stored_name(name, each) for each in arrays]
        table: dict[str, Any] = {"file": GIVEN, "variable": given[0] if len(given) == 1 else given}
        return table | ({"member": "all"} if members else {}) | {"digest": digest_of(arrays)}

    def stored(self, name: str) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
        """The variables of `given.nc` by name, with their dimensions."""
        found = {}
        for own, values in self._arrays().items():
            ndim = self.fields()[own].ndim
            dims = [f"{name}_{axis}" for axis in range(ndim)]
            dims = ("member",) * (values.ndim - ndim) + tuple(dims)
            called = _stored_name(name, own)
            if np.iscomplexobj(values):
                found[f"{called}_re"] = dims, np.real(values)
                found[f"{called}_im"] = dims, np.imag(values)
            else:
                found[called] = dims, values
        return found

    def _arrays(self) -> dict[str, np.ndarray]:
        every = ((name, getattr(self, each.name)) for name, each in self.fields().items())
        return {name: np.asarray(value) for name, value in every if value is not None}


def settle(owner: M, coordinates: Callable[[M], tuple[Array, ...]]) -> None:
    """Evaluate the functions that stand for parts of an owner, at its own coordinates: before any
    of its checks, for it is not yet anybody's.
    """
    for name, declaration in declarations(type(owner)).items():
        value = getattr(owner, name)
        if isinstance(value, Unsampled):
            points, per_member = points_of(owner, coordinates)
            every = [declaration.given.sampled(value.function, each, name) for each in points]
            arrays = {own: jnp.stack([each[own] for each in every]) for own in every[0]}
            if not per_member:
                arrays = {own: values[0] for own, values in arrays.items()}
            object.__setattr__(owner, name, declaration.given.taken(arrays))


def points_of(
    owner: M, coordinates: Callable[[M], tuple[Array, ...]]
) -> tuple[list[tuple[Array, ...]], bool]:
    """The coordinates of each member, or of one where they are those of all."""
    axes = member_axes(owner)
    if all(axis is None for axis in jax.tree.leaves(axes, is_leaf=lambda axis: axis is None)):
        return [coordinates(owner)], False
    stacked = eqx.filter_vmap(coordinates, in_axes=(axes,))(owner)
    each = [tuple(c[i] for c in stacked) for i in range(stacked[0].shape[0])]
    if known(*stacked) and all(np.all(c == c[:1]) for c in map(np.asarray, stacked)):
        return each[:1], False
    return each, True


def arrays_given(module: Any) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
    """The variables of the `given.nc` of a run of this solver, with their dimensions."""
    found = {}
    for name, part in _parts(module):
        found |= part.stored(name) if isinstance(part, Given) else arrays_given(part)
    return found


def kept(table: Mapping[str, Any], module: Any) -> dict[str, Any]:
    """The settings of a module as a run folder has them, where `given.nc` holds what was given."""
    inside = {
        name: part.as_table(name, {}) if isinstance(part, Given) else kept(table[name], part)
        for name, part in _parts(module)
        if isinstance(table.get(name), Mapping)
    }
    return dict(table) | inside


def unkept(table: Mapping[str, Any], module: Any) -> dict[str, Any]:
    """The settings of a module as a run in memory has them: what was given in Python is in no file,
    and what is in a file stays there.
    """
    inside = {}
    for name, part in _parts(module):
        if isinstance(own := table.get(name), Mapping):
            if not isinstance(part, Given):
                inside[name] = unkept(own, part)
            elif own.get("file") == GIVEN:
                inside[name] = dict(own) | {"file": NOWHERE}
    return dict(table) | inside


def _parts(module: Any) -> Iterator[tuple[str, Any]]:
    for name, declaration in declarations(type(module)).items():
        if declaration.form == "choice":
            yield name, getattr(module, name)


# --------------------------------------------------------------------------------------------------
# files


@contextlib.contextmanager
def opened(path: str, key: str) -> Iterator["netCDF4.Dataset"]:
    """A NetCDF file for one look at it; raises ParameterError about a key where it cannot be
    read.
    """
    if not Path(path).is_file():
        raise ParameterError(key, f"no file {path!r} (working directory {Path.cwd()})")
    from physent.protocol.hdf5 import opened as read  # with xarray, which a check needs not

    try:
        with read(path) as file:
            yield file
    except OSError as error:
        raise ParameterError(key, f"{path!r} cannot be read as NetCDF ({error})") from None


def _is_there(file: "netCDF4.Dataset", name: str) -> bool:
    return name in file.variables or {f"{name}_re", f"{name}_im"} <= set(file.variables)


def read_variable(
    file: "netCDF4.Dataset",
    name: str,
    ndim: int,
    index: int,
    member: int | Literal["all"],
    key: str,
    before: str = "",
) -> np.ndarray:
    """A variable of an open file, without its axes t and member, on the host and finite; that of
    the members stays with `member` = "all".

    Raises ParameterError about `key` (its name), or the keys index and member, with `before` before
    them.
    """
    if name not in file.variables and _is_there(file, name):
        parts = (
            read_variable(file, f"{name}_{part}", ndim, index, member, key, before)
            for part in ("re", "im")
        )
        return next(parts) + 1j * next(parts)
    path = file.filepath()
    if name not in file.variables:
        names = ", ".join(file.variables)
        words = f"no variable {name!r} in {path!r}{nearest(name, file.variables)}, which has"
        raise ParameterError(key, f"{words} {names}")
    variable = file.variables[name]
    if np.dtype(variable.dtype).kind not in "fiub":
        words = f"{name!r} in {path!r} holds {variable.dtype}, allowed: real numbers"
        raise ParameterError(key, words)
    extra = variable.ndim - ndim
    if not 0 <= extra <= 2:
        words = f"{name!r} in {path!r} has shape {variable.shape}, allowed: {ndim} axes, preceded"
        raise ParameterError(key, f"{words} at most by t and member")
    of_members = extra == 2 or (extra == 1 and variable.dimensions[0] == "member")
    where: list[Any] = [index] * (extra - of_members) + [member] * of_members
    keys = ["index"] * (extra - of_members) + ["member"] * of_members
    for i, (at, size) in enumerate(zip(where, variable.shape, strict=False)):
        if at == "all":
            where[i] = slice(None)
        elif not -size <= at < size:
            words = f"given {at}, allowed: {-size} to {size - 1} for {name!r}"
            raise ParameterError(f"{before}{keys[i]}", words)
    values = np.ma.filled(np.ma.asarray(variable[(*where, ...)], float), np.nan)
    if not np.all(np.isfinite(values)):
        raise ParameterError(key, f"{name!r} in {path!r} is not finite everywhere")
    return values


# --------------------------------------------------------------------------------------------------
# values


def is_function(value: Any) -> bool:
    """Whether a value is a function, and not an array."""
    return callable(value) and not hasattr(value, "__array__")


def _rank(value: Any) -> int | None:
    """How many axes an array-like value has; None where it is none."""
    try:
        return np.ndim(value)
    except ValueError:  # a ragged list
        return None


def _misfit(declaration: Declaration, value: Any) -> str | None:
    name, ndim = declaration.name.rstrip("_"), declaration.ndim
    if isinstance(value, jax.core.Tracer):
        shape, kind = value.shape, value.dtype.kind
    else:
        try:
            array = np.asarray(value)
        except ValueError:
            return f"given {name} as a ragged list, allowed: an array"
        shape, kind = array.shape, array.dtype.kind
        if kind not in "fiuc":
            return f"given {name} of {array.dtype}, allowed: numbers"
        if not np.all(np.isfinite(array)):
            return f"given {name} with values that are not finite, allowed: finite numbers"
    if len(shape) - ndim not in (0, 1):
        axes = f"{ndim} {'axis' if ndim == 1 else 'axes'}, or one more for the members"
        return f"given {name} of shape {shape}, allowed: {axes}"
    if kind == "c" and declaration.real:
        return f"given complex numbers for {name}, allowed: real numbers"
    return None


def _stored_name(name: str, own: str) -> str:
    return own if own == name else f"{name}_{own}"


def digest_of(arrays: Mapping[str, Any]) -> str:
    """The SHA-256 of arrays, whatever their precision."""
    total = hashlib.sha256()
    for name, values in arrays.items():
        wide = np.ascontiguousarray(values, complex if np.iscomplexobj(values) else float)
        total.update(f"{name} {wide.shape} {wide.dtype.str}".encode())
        total.update(wide.tobytes())
    return total.hexdigest()
