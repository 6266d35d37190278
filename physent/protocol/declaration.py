"""Declared parameters: a `Declaration` for each field made by `param`, `static` or `choice`, and
the check of values against it.
"""

import dataclasses
import functools
import operator
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import jax
import jax.core
import jax.numpy as jnp
import numpy as np

from physent.errors import RegistryError, brief, nearest
from physent.protocol import registry

REQUIRED: Any = type(
    "Required", (), {"__repr__": lambda self: "REQUIRED"}
)()  # None is a value a field may have

# each bound with its sign and what holds where it is kept to
BOUNDS: dict[str, tuple[str, Callable[[Any, Any], Any]]] = {
    "gt": (">", operator.gt),
    "ge": (">=", operator.ge),
    "lt": ("<", operator.lt),
    "le": ("<=", operator.le),
}
_WORDS = {
    float: "a number",
    int: "an integer",
    str: "a string",
    bool: "true or false",
    dict: "a table",
    type(None): "nothing",
}


@dataclass(frozen=True)
class Declaration:
    """The declaration of one field of a class."""

    name: str
    form: Literal["param", "static", "choice"]
    doc: str
    annotation: Any = None
    default: Any = REQUIRED
    example: Any = None
    units: str = "1"
    bounds: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    ndim: int = 0
    per_axis: bool = False  # of a param, whether more than one dimension gives it an entry an axis
    axes: int = 0  # the number of those entries, once the dimension is known
    unsettled: bool = False  # a part whose owner has not told it the dimension yet
    table: bool = False  # of a param, whether it is several by names
    finite: bool = True
    real: bool = True
    path: bool = False
    function: bool = False  # of a static, whether what it names may be given itself
    options: Mapping[str, type] = dataclasses.field(default_factory=dict)
    # of a choice, what arrays or functions in its place are: a class of `given.Given` or `law.Law`
    given: Any = None

    @property
    def required(self) -> bool:
        """Whether the field has no default."""
        return self.default is REQUIRED

    @property
    def allowed(self) -> str:
        """The values the field takes, in words."""
        limits = " and ".join(f"{BOUNDS[key][0]} {bound:g}" for key, bound in self.bounds.items())
        if self.form == "choice":
            given = [] if self.given is None else [self.given.words()]
            words = "one of " + ", ".join([*self.options, *given])
        elif self.function:
            words = "a function, by 'path.py:function' or, in Python, itself"
        elif self.form == "param":
            words = "a number" if self.ndim == 0 else "a list of numbers"
            words = f"a number, or {self.axes} numbers, one for each axis" if self.axes else words
            words = "a table of numbers" if self.table else words
        else:
            words = _annotation_words(self.annotation).removesuffix(" or nothing")
        return f"{words} {limits}".strip() + (", or nothing" if self.default is None else "")

    def on(self, n: Any) -> "Declaration":
        """The declaration for a grid of `n` points, a list or tuple of them in several
        dimensions; None where it is not known yet.
        """
        if self.per_axis and n is None:
            return dataclasses.replace(self, unsettled=True)
        if not self.per_axis or not isinstance(n, list | tuple) or len(n) < 2 or self.axes:
            return self
        return dataclasses.replace(self, ndim=self.ndim + 1, axes=len(n))

    def option(self, kind: Any, folder: Path | None = None) -> type:
        """The class named by `kind`: one of the options, or 'path.py:Class' of their family, with
        files looked up in `folder` first.

        Raises RegistryError, a ValueError, where there is none.
        """
        if isinstance(kind, str) and ":" in kind:
            cls, family = registry.from_place(kind, folder), self.annotation
            if isinstance(cls, type) and isinstance(family, type) and issubclass(cls, family):
                return cls
            if self.given is not None and not self.given.from_file and callable(cls):
                named = next(each for each, law in self.options.items() if law is self.given)
                words = f'{{ kind = "{named}", function = "{kind}" }}'
                raise RegistryError(f"{kind} is a function, allowed for one: {words}")
            raise RegistryError(
                f"{kind} is not a {getattr(family, '__name__', family)} (allowed: "
                f"{', '.join(self.options)}, or a subclass)"
            )
        if not isinstance(kind, str) or kind not in self.options:
            raise RegistryError(
                f"unknown kind {kind!r}{nearest(str(kind), self.options)} (allowed: "
                f"{', '.join(self.options)})"
            )
        return self.options[kind]

    def misfit(self, value: Any) -> str | None:
        """A message on why `value`, as it was given, is not a choice or a setting of this field, or
        loses something when it becomes a number; None where it does not.
        """
        if self.form == "param":
            return self._loss(value)
        if self.form == "static":
            itself = self.function and callable(value) and not isinstance(value, type)
            return None if itself else self.violation(value)
        family = self.annotation
        if self.form != "choice" or not isinstance(family, type) or isinstance(value, family):
            return None
        if isinstance(value, str) and value in self.options:
            return None
        if self.given is not None and not isinstance(value, str):
            own = "" if self.given.from_file else f", or your own {family.__name__}"
            return self.given.misfit(value, self.allowed + own)
        hint = nearest(value, self.options) if isinstance(value, str) else ""
        return f"given {brief(value)}{hint}, allowed: {self.allowed}, or your own {family.__name__}"

    def entry(self) -> "Declaration":
        """The declaration of an entry of a table."""
        return dataclasses.replace(self, table=False)

    def _wrong(self, value: Any, words: Callable[["Declaration", Any], str | None]) -> str | None:
        """What is wrong with a table, or with the first of its entries where something is."""
        if not isinstance(value, Mapping):
            return f"given {brief(value)}, allowed: {self.allowed}"
        found = ((name, words(self.entry(), each)) for name, each in value.items())
        return next((f"{name}: {said}" for name, said in found if said), None)

    def _loss(self, value: Any) -> str | None:
        if self.table:
            return self._wrong(value, Declaration._loss)
        if isinstance(value, str | bool) or (value is None and self.default is not None):
            return f"given {brief(value)}, allowed: {self.allowed}"
        if value is None or isinstance(value, jax.core.Tracer):
            return None
        array = np.asarray(value)
        strange = not jnp.issubdtype(array.dtype, np.number) and array.dtype.kind != "b"
        if self.real and strange and not all(isinstance(each, Real) for each in array.flat):
            return f"given {brief(value)}, allowed: {self.allowed}"
        if self.real and array.dtype.kind == "c":
            some = str(array if array.ndim == 0 else array.flat[0])
            some += " and others" * (array.size > 1)
            return f"given complex numbers ({some}), whose imaginary part would be lost, " + (
                f"allowed: {self.allowed}"
            )
        if self.finite and array.dtype.kind == "f" and np.any(np.isnan(array)):
            return self.violation(value)
        return None

    def misshapen(self, value: Any) -> str | None:
        """A message on why an array has neither the axes of one value nor those of one for each
        member, or None.
        """
        if self.form != "param" or value is None:
            return None
        if self.table:
            return self._wrong(value, Declaration.misshapen)
        if self.axes and np.ndim(value) and np.shape(value)[-1] != self.axes:
            return self.of_axes(value)
        if self.axes and np.ndim(value) == 0:  # it stands for all of them
            return None
        if np.ndim(value) - self.ndim in (0, 1, 2 if self.unsettled else 1):
            return None
        given = (
            f"given an array of shape {np.shape(value)}" if np.ndim(value) else "given one number"
        )
        return f"{given}, allowed: {self.allowed}, or one for each member"

    def of_axes(self, value: Any) -> str | None:
        """A message on why this is no entry for each axis; a number stands for all of them."""
        if np.ndim(value) == 0 or np.shape(value)[-1] == self.axes:
            return None
        one = "[" + ", ".join(["20.0"] * self.axes) + "]"
        count = np.shape(value)[-1]
        return (
            f"given {count} numbers along the last axis, allowed: {self.allowed}; one for each "
            f"axis and each member are written [{one}, {one}, ...]"
        )

    def violation(self, value: Any) -> str | None:
        """A message on why the field cannot have `value`, or None; traced values pass."""
        if self.table:
            return self._wrong(value, Declaration.violation)
        if isinstance(value, jax.core.Tracer) or self._keeps(value):
            return None
        plain = value.tolist() if isinstance(value, np.ndarray | np.generic | jax.Array) else value
        plain = list(plain) if isinstance(plain, tuple) else plain
        spelt = [word for word in literals(self.annotation) if isinstance(word, str)]
        hint = nearest(value, spelt) if isinstance(value, str) else ""
        return f"given {brief(plain)}, allowed: {self.allowed}{hint}"

    def _keeps(self, value: Any) -> bool:
        if value is None and self.default is None:
            return True
        if self.form == "choice":
            return value is not None
        if self.form == "static" and not of_type(value, self.annotation):
            return False
        if isinstance(value, str | bool | None) or (self.form == "static" and not self.bounds):
            return self.form == "static"
        try:
            array = np.asarray(value)
            array = array if array.dtype.kind == "c" else array.astype(float)
        except (TypeError, ValueError, OverflowError):
            return False
        if self.finite and not np.all(np.isfinite(array)):
            return False
        return all(np.all(BOUNDS[key][1](array, bound)) for key, bound in self.bounds.items())


def plain(value: Any) -> Any:
    """A value that has a hash, so that programs are compiled once for equal ones; a number in
    float32 as the shortest decimal that it stands for, 0.02 and not 0.0199999996.
    """
    if isinstance(value, list | tuple):
        return tuple(map(plain, value))
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    array = isinstance(value, np.generic | np.ndarray | jax.Array)
    if not array or value.ndim or not known(value):
        return value
    return float(str(value)) if value.dtype in (np.float16, np.float32) else value.item()


def of_type(value: Any, annotation: Any) -> bool:
    """Whether a value is of an annotated type. A whole number may stand for a float, an array of
    one number and no axes for the number, a list for a tuple and a path for a string; true and
    false stand for nothing else.
    """
    value = plain(value)
    parts, origin = get_args(annotation), get_origin(annotation)
    if origin is Literal:
        return any(type(value) is type(part) and value == part for part in parts)
    if origin in (Union, UnionType):
        return any(of_type(value, part) for part in parts)
    if origin is tuple:
        if not isinstance(value, tuple | list):
            return False
        each = parts[:1] * len(value) if parts[-1] is ... else parts
        return len(each) == len(value) and all(map(of_type, value, each))
    if origin is Callable:
        return callable(value)
    if isinstance(value, bool | np.bool_):
        return annotation in (bool, Any)
    if annotation in (int, float) and isinstance(value, int) and abs(value) >= 2**63:
        return False  # more than any array can have
    wider = {int: Integral, float: Real, str: str | os.PathLike}
    return not isinstance(annotation, type) or isinstance(value, wider.get(annotation, annotation))


def literals(annotation: Any) -> tuple[Any, ...]:
    """The literal values of an annotation."""
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    return tuple(value for part in get_args(annotation) for value in literals(part))


def _annotation_words(annotation: Any) -> str:
    parts = get_args(annotation)
    if len(parts) == 1 and literals(annotation):
        return repr(literals(annotation)[0])
    if get_origin(annotation) is Literal:
        return "one of " + ", ".join(map(str, parts))
    if annotation in _WORDS:
        return _WORDS[annotation]
    if get_origin(annotation) in (tuple, list):
        return "a list, each " + _annotation_words(parts[0])
    return " or ".join(map(_annotation_words, parts)) or str(annotation)


def known(*values: Any) -> bool:
    """Whether these are concrete numbers, not tracers."""
    return not any(isinstance(value, jax.core.Tracer) for value in values)


def _declarations(cls: type) -> dict[str, Declaration]:
    """The declared fields of a class, in order, by name."""
    hints = get_type_hints(cls)
    found = {}
    for field in dataclasses.fields(cls):
        if "physent" in field.metadata:
            said, hint = dict(field.metadata["physent"]), hints.get(field.name)
            if said.get("function"):  # what may be given is more than what is kept
                hint = str
            if "Complex" in str(hint):  # as jaxtyping's: the imaginary part is meant
                said["real"] = False
            found[field.name] = Declaration(name=field.name, annotation=hint, **said)
    return found


def declarations_of(module: Any) -> dict[str, Declaration]:
    """The declared fields of an instance, those with an entry an axis for its dimension."""
    n = getattr(module, "n", 1)
    return {name: each.on(n) for name, each in declarations(type(module)).items()}


# a class has a hash, which type checkers do not grant to the classes of dataclasses
declarations: Callable[[type], dict[str, Declaration]] = functools.cache(_declarations)
