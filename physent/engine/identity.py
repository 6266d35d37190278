"""What a program is made of, as a key: programs with equal keys are compiled to the same.

Two solvers of one class differ by the values of their arrays, which are arguments of a program, and
by all else, which is compiled in: sizes and names, the class and its functions, what those take
from around them. Classes and functions of packages are known by their identity; your own also by
their code, since a notebook may define anew what they call.
"""

import dataclasses
import enum
import functools
import hashlib
import os
import sys
import sysconfig
import types
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.core
import jax.numpy as jnp
import numpy as np

PLAIN = (bool, int, float, complex, str, bytes, type(None), type(...), enum.Enum, np.dtype)
SMALL = 2**26  # bytes of arrays; those of larger programs are not kept alive for others
PLACES = tuple(sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib", "purelib"))
OURS = str(Path(__file__).parents[2])


class _Unknown(Exception):
    """Something that may change without a sign."""


class Same:
    """Equal only to what holds the same object, which it keeps alive."""

    def __init__(self, thing: Any):
        self.thing = thing

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self.thing is other.thing

    def __hash__(self) -> int:
        return id(self.thing)


def key_of(arguments: Any, constants: Any) -> Hashable | None:
    """A key of what a program is made of: of `arguments` the arrays count by shape and dtype, of
    `constants` by their values. None where something is not known well enough.
    """
    try:
        settings = tuple(
            (name, repr(getattr(jax.config, name, None))) for name in jax.config.values
        )
        return settings, _Walk(False).of(arguments), _Walk(True).of(constants)
    except _Unknown:
        return None


class _Walk:
    def __init__(self, constant: bool):
        self.constant = constant
        self.seen: set[int] = set()
        self.bytes = 0

    def of(self, thing: Any) -> Hashable:
        """The key of a thing and of all that it is made of."""
        if isinstance(thing, str | Path):
            return type(thing), str(thing), _file(thing)
        if isinstance(thing, PLAIN):
            return type(thing), repr(thing)
        if eqx.is_array(thing):
            return self._array(thing)
        if isinstance(thing, tuple | list):
            return type(thing), tuple(map(self.of, thing))
        if isinstance(thing, Mapping):
            return type(thing), tuple((self.of(k), self.of(v)) for k, v in thing.items())
        if id(thing) in self.seen:  # once is enough, and some lead back to themselves
            return Same(thing)
        self.seen.add(id(thing))
        if isinstance(thing, types.ModuleType):
            return thing.__name__
        if isinstance(thing, type):
            return Same(thing), self._class(thing)
        if dataclasses.is_dataclass(thing):
            return self.of(type(thing)), self._fields(thing)
        return self._function(thing)

    def _array(self, array: Any) -> Hashable:
        if isinstance(array, jax.core.Tracer):
            raise _Unknown
        self.bytes += array.nbytes
        if self.bytes > SMALL:
            raise _Unknown
        said = (array.shape, str(array.dtype), getattr(array, "weak_type", False))
        if not self.constant:
            return said
        if jnp.issubdtype(array.dtype, jax.dtypes.prng_key):
            array = jax.random.key_data(array)
        return *said, hashlib.sha256(np.ascontiguousarray(array).tobytes()).digest()

    def _fields(self, thing: Any) -> Hashable:
        here, values = self.constant, []
        for field in dataclasses.fields(thing):
            self.constant = here or field.metadata.get("static", False)
            values.append((field.name, self.of(getattr(thing, field.name, None))))
            self.constant = here
        return tuple(values)

    def _class(self, cls: type) -> Hashable:
        """What the user's own classes among the bases of a class have."""
        return tuple(
            (name, self._member(value))
            for base in cls.__mro__
            if not _of_a_package(base.__module__)
            for name, value in vars(base).items()
            if not name.startswith("__") or name == "__call__" or name == "__check_init__"
        )

    def _member(self, value: Any) -> Hashable:
        for part in ("method", "__func__", "fget", "func", "__wrapped__"):
            value = getattr(value, part, value)
        known = isinstance(value, (types.FunctionType, *PLAIN)) or eqx.is_array(value)
        return self.of(value) if known else None  # a field, or what Python and equinox put there

    def _function(self, thing: Any) -> Hashable:
        if isinstance(thing, functools.partial):
            return self.of(thing.func), self.of(thing.args), self.of(thing.keywords)
        if isinstance(thing, types.MethodType):
            return self.of(thing.__func__), self.of(thing.__self__)
        if not callable(thing):
            raise _Unknown
        if _of_a_package(getattr(thing, "__module__", None) or "builtins"):
            return Same(thing)
        inner = getattr(thing, "__wrapped__", thing)  # of jit and its like
        if not isinstance(inner, types.FunctionType):
            raise _Unknown
        try:
            cells = [cell.cell_contents for cell in inner.__closure__ or ()]
        except ValueError:
            raise _Unknown from None
        around = [inner.__globals__.get(name) for name in _names(inner.__code__)]
        own = [each for each in around if isinstance(each, types.ModuleType)]
        deeper = [
            getattr(module, name, None)
            for module in own
            if not _of_a_package(module.__name__)
            for name in _names(inner.__code__)
        ]
        self.constant, here = True, self.constant
        given = self.of([inner.__defaults__, inner.__kwdefaults__, cells, around, deeper])
        self.constant = here
        return inner.__code__, given


def _names(code: types.CodeType) -> tuple[str, ...]:
    """The names that a function, and those defined in it, take from around them."""
    inner = (each for each in code.co_consts if isinstance(each, types.CodeType))
    return (*code.co_names, *(name for each in inner for name in _names(each)))


@functools.cache
def _of_a_package(module: str) -> bool:
    """Whether a module is installed, or our own: nobody defines it anew while a program runs."""
    file = getattr(sys.modules.get(module), "__file__", None)
    if module == "__main__":
        return False
    if file is None:
        return module in sys.stdlib_module_names
    return file.startswith(PLACES) or file.startswith(f"{OURS}{os.sep}physent")


def _file(name: Any) -> Hashable:
    """When the file of a name was changed, if there is one: a program may have read it."""
    try:
        found = os.stat(name)
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
