"""What a program is made of, as a key: programs with equal keys are compiled to the same.

Two solvers of one class differ by the values of their arrays, which are arguments of a program, and
by all else, which is compiled in: sizes and names, the class and its functions, what those take
from around them. What libraries define is known by its identity. Your own classes and functions
count by their code and by all that it takes from outside, since a notebook may define anew what
they call; where that cannot be said for certain there is no key, and a program is compiled anew.
"""

import builtins
import dataclasses
import dis
import enum
import functools
import hashlib
import os
import re
import sys
import types
from collections.abc import Hashable, Iterator
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.core
import jax.numpy as jnp
import numpy as np

from physent.protocol.functions import Function
from physent.protocol.imports import INSTALLED

PLAIN = (bool, int, float, complex, str, bytes, type(None), type(...), enum.Enum, np.dtype)
SMALL = 2**26  # bytes of arrays; those of larger programs are not kept alive for others
OURS = str(Path(__file__).parents[1]) + os.sep


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


NAMES_CODE = re.compile(r"\S:\S")  # of a file, as my.py:force, and not as a sentence has colons
# modules whose functions give the same for the same arguments
PURE = ("jax", "numpy", "math", "cmath", "equinox", "physent", "scipy", "functools", "operator")
PURE += ("itertools", "dataclasses", "typing", "enum", "jaxtyping", "abc", "collections")
BUILTINS = _words(
    "abs all any bool bytes callable complex dict divmod enumerate filter float frozenset "
    "int isinstance issubclass iter len list map max min next object pow print property range "
    "repr reversed round set slice sorted staticmethod classmethod str sum super tuple type zip "
    "NotImplemented Ellipsis"
)
# attributes by which a pure module reads what is no argument
OUTSIDE = _words(
    "load loadtxt genfromtxt fromfile memmap open_memmap environ getenv lru_cache cache count"
)
# what Python, dataclasses and equinox put into a class
GIVEN = _words(
    "__module__ __qualname__ __doc__ __annotations__ __orig_bases__ __parameters__ __dict__ "
    "__weakref__ __abstractmethods__ _abc_impl __abstractvars__ __abstractclassvars__ __hash__ "
    "__dataclass_params__ __dataclass_fields__ __match_args__ __slots__ __static_attributes__ "
    "__firstlineno__ __annotate__ __annotate_func__ __annotations_cache__"
)


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
    config = jax.config
    settings = tuple((name, repr(getattr(config, name, None))) for name in config.values)
    try:
        return settings, _Walk(False).of(arguments), _Walk(True).of(constants)
    except (_Unknown, RecursionError):
        return None


class _Walk:
    def __init__(self, constant: bool):
        self.constant = constant
        self.seen: set[int] = set()
        self.bytes = 0

    def of(self, thing: Any) -> Hashable:
        """The key of a thing and of all that it is made of."""
        if isinstance(thing, Function):
            return Function, self.of(thing.function)
        if isinstance(thing, str) and NAMES_CODE.search(thing):
            raise _Unknown
        if isinstance(thing, str | Path):
            return type(thing), str(thing), _file(thing)
        if isinstance(thing, PLAIN):
            return type(thing), repr(thing)
        if eqx.is_array(thing):
            return self._array(thing)
        if type(thing) in (tuple, list) or (isinstance(thing, tuple) and hasattr(thing, "_fields")):
            return type(thing), tuple(map(self.of, thing))
        if isinstance(thing, dict | types.MappingProxyType):
            return type(thing), tuple((self.of(k), self.of(v)) for k, v in thing.items())
        if id(thing) in self.seen:  # once is enough, and some lead back to themselves
            return Same(thing)
        self.seen.add(id(thing))
        if isinstance(thing, types.ModuleType):
            if thing.__name__.partition(".")[0] not in PURE:
                raise _Unknown
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
        if self.bytes > SMALL or array.dtype == object:
            raise _Unknown
        said = (array.shape, str(array.dtype), getattr(array, "weak_type", False))
        if not self.constant:
            return said
        if jnp.issubdtype(array.dtype, jax.dtypes.prng_key):
            array = jax.random.key_data(array)
        return *said, hashlib.sha256(np.ascontiguousarray(array).tobytes()).digest()

    def _fields(self, thing: Any) -> Hashable:
        here, values, fields = self.constant, [], dataclasses.fields(thing)
        if not set(getattr(thing, "__dict__", {})) <= {field.name for field in fields}:
            raise _Unknown
        for field in fields:
            self.constant = here or field.metadata.get("static", False)
            values.append((field.name, self.of(getattr(thing, field.name, None))))
            self.constant = here
        return tuple(values)

    def _class(self, cls: type) -> Hashable:
        """What a class has of its own: what libraries have put into it by identity, for somebody
        may exchange a method, and the user's by what it is.
        """
        found: list[Hashable] = []
        for base in cls.__mro__:
            own = not _of_a_library(base.__module__)
            for name, value in vars(base).items():
                if name in GIVEN:
                    continue
                if not own:
                    found.append((name, Same(value)) if callable(value) else name)
                else:
                    found.append((name, self._member(value)))
            fields: dict[str, Any] = vars(base).get("__dataclass_fields__", {}) if own else {}
            for field in fields.values():
                made = [field.default, field.default_factory, field.metadata.get("converter")]
                found += [self.of(each) for each in made if each is not dataclasses.MISSING]
        return tuple(found)

    def _member(self, value: Any) -> Hashable:
        if isinstance(value, property):
            return self.of([value.fget, value.fset])
        if isinstance(value, staticmethod | classmethod):
            return self.of(value.__func__)
        if isinstance(value, functools.cached_property):
            return self.of(value.func)
        if isinstance(value, types.FunctionType) and _is_generated(value):
            return Same(value)
        return self.of(value)

    def _function(self, thing: Any) -> Hashable:
        if isinstance(thing, functools.partial):
            return self.of([thing.func, thing.args, thing.keywords])
        if isinstance(thing, types.MethodType):
            return self.of([thing.__func__, thing.__self__])
        if _is_of_a_library(thing):
            return Same(thing)
        # a wrapper may hold anything, as those of jax.jit and jax.grad do
        if not isinstance(thing, types.FunctionType) or thing.__dict__:
            raise _Unknown
        try:
            cells = [cell.cell_contents for cell in thing.__closure__ or ()]
        except ValueError:
            raise _Unknown from None
        around, here = [], self.constant
        for name in _taken(thing.__code__):
            if name in thing.__globals__:
                around.append(thing.__globals__[name])
            elif name not in BUILTINS and not _is_error(name):
                raise _Unknown
        numpy_here = any(value is np for value in around)
        if _attributes(thing.__code__) & (OUTSIDE | ({"random"} if numpy_here else set())):
            raise _Unknown
        self.constant = True
        given = self.of([thing.__defaults__, thing.__kwdefaults__, cells, around])
        self.constant = here
        return thing.__code__, given


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    """The code of a function and of those defined in it."""
    yield code
    for each in code.co_consts:
        if isinstance(each, types.CodeType):
            yield from _codes(each)


@functools.lru_cache(256)
def _taken(code: types.CodeType) -> tuple[str, ...]:
    """The names that a function takes from around it. Raises _Unknown for one that imports."""
    found: dict[str, None] = {}
    for each in _codes(code):
        for instruction in dis.get_instructions(each):
            if instruction.opname.startswith(("IMPORT", "STORE_GLOBAL", "DELETE_GLOBAL")):
                raise _Unknown
            if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
                found[instruction.argval] = None
    return tuple(found)


def _attributes(code: types.CodeType) -> set[str]:
    """All names that a function uses."""
    return {name for each in _codes(code) for name in each.co_names}


def _is_error(name: str) -> bool:
    """Whether a builtin is an exception."""
    found = getattr(builtins, name, None)
    return isinstance(found, type) and issubclass(found, BaseException)


def _is_generated(function: types.FunctionType) -> bool:
    """Whether a library has written a method of a class of the user."""
    code = function.__code__
    return code.co_qualname.startswith("__create_fn__") or code.co_filename.startswith(INSTALLED)


def _is_of_a_library(thing: Any) -> bool:
    """Whether a thing is what a library calls by its name, and not made by it for somebody."""
    module = getattr(thing, "__module__", None)
    if not callable(thing) or module is None or not _of_a_library(module):
        return False
    found: Any = sys.modules.get(module)
    for name in (getattr(thing, "__qualname__", None) or getattr(thing, "__name__", "")).split("."):
        found = getattr(found, name, None)
    return found is thing


@functools.cache
def _of_a_library(module: str) -> bool:
    """Whether a module is installed, or our own: nobody defines it anew while a program runs."""
    if module == "__main__":
        return False
    file = getattr(sys.modules.get(module), "__file__", None)
    if file is None:
        return module in sys.stdlib_module_names
    return file.startswith((*INSTALLED, OURS))


def _file(name: Any) -> Hashable:
    """When the file of a name was changed, if there is one: a program may have read it."""
    try:
        found = os.stat(name)
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
