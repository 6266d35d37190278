"""What a class declares of one of its fields, and whether a value fits it."""

import dataclasses
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Integral
from typing import Any, Literal

import jax
import jax.core
import numpy as np

from physent.errors import RegistryError, nearest
from physent.protocol import registry

REQUIRED: Any = type(
    "Required", (), {"__repr__": lambda self: "REQUIRED"}
)()  # None is a value a field may have

_BOUNDS = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}
_HOLDS: dict[str, Callable[[Any, float], Any]] = {
    "gt": lambda value, bound: value > bound,
    "ge": lambda value, bound: value >= bound,
    "lt": lambda value, bound: value < bound,
    "le": lambda value, bound: value <= bound,
}


@dataclass(frozen=True)
class Declaration:
    """What a class says of one of its fields."""

    name: str
    form: Literal["param", "static", "choice"]
    doc: str
    annotation: Any = None
    default: Any = REQUIRED
    example: Any = None
    units: str = "1"
    bounds: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    ndim: int = 0
    finite: bool = True
    path: bool = False
    options: Mapping[str, type] = dataclasses.field(default_factory=dict)

    @property
    def required(self) -> bool:
        """Whether the field has no default."""
        return self.default is REQUIRED

    @property
    def allowed(self) -> str:
        """The values the field takes, in words."""
        limits = " and ".join(f"{_BOUNDS[key]} {bound:g}" for key, bound in self.bounds.items())
        if self.form == "choice":
            words = "one of " + ", ".join(self.options)
        elif self.form == "param":
            words = "a number" if self.ndim == 0 else "a list of numbers"
        else:
            words = _annotation_words(self.annotation)
        optional = self.default is None
        return f"{words.removesuffix(' or nothing')} {limits}".strip() + (
            ", or nothing" if optional else ""
        )

    def option(self, kind: str) -> type:
        """The class that `kind` names: one of the options, or 'path.py:Class' of their family.

        Raises RegistryError, a ValueError, where there is none.
        """
        if ":" not in kind:
            return self.options[kind]
        cls = registry.from_place(kind)
        family = self.annotation
        if not (isinstance(cls, type) and isinstance(family, type) and issubclass(cls, family)):
            words = getattr(family, "__name__", family)
            raise RegistryError(
                f"{kind} is no {words} (allowed: {', '.join(self.options)}, or a subclass)"
            )
        return cls

    def misfit(self, value: Any) -> str | None:
        """A sentence on why `value` is no choice of this field, or None."""
        family = self.annotation
        if self.form != "choice" or not isinstance(family, type) or isinstance(value, family):
            return None
        if isinstance(value, str) and value in self.options:
            return None
        hint = nearest(value, self.options) if isinstance(value, str) else ""
        return f"given {value!r}{hint}, allowed: {self.allowed}, or a {family.__name__} of your own"

    def violation(self, value: Any) -> str | None:
        """A sentence on why the field cannot have `value`, or None; traced values pass."""
        if value is None or isinstance(value, jax.core.Tracer):
            return None
        words = f"given {_shown(value)}, allowed: {self.allowed}"
        known = literals(self.annotation)
        if (
            known
            and value not in known
            and (isinstance(value, str) or typing.get_origin(self.annotation) is Literal)
        ):
            return words
        if isinstance(value, str | bool | tuple) or self.form == "choice":
            return None
        if (
            self.form == "static"
            and self.annotation in (int, int | None)
            and not isinstance(value, Integral)
        ):
            return words
        try:
            array = (
                np.asarray(value, dtype=float)
                if self.form == "param" or self.bounds
                else np.zeros(())
            )
        except (TypeError, ValueError, OverflowError):
            return words
        if self.finite and not np.all(np.isfinite(array)):
            return words
        held = all(np.all(_HOLDS[key](array, bound)) for key, bound in self.bounds.items())
        return None if held else words


def _shown(value: Any) -> str:
    array = np.asarray(value)
    return (
        repr(value)
        if isinstance(value, str)
        else repr(array.item() if array.ndim == 0 else array.tolist())
    )


def literals(annotation: Any) -> tuple[Any, ...]:
    """The values that an annotation spells out."""
    if typing.get_origin(annotation) is Literal:
        return typing.get_args(annotation)
    return tuple(value for part in typing.get_args(annotation) for value in literals(part))


def _annotation_words(annotation: Any) -> str:
    if len(typing.get_args(annotation)) == 1 and literals(annotation):
        return repr(literals(annotation)[0])
    if typing.get_origin(annotation) is Literal:
        return "one of " + ", ".join(map(str, typing.get_args(annotation)))
    names = {
        float: "a number",
        int: "an integer",
        str: "a string",
        bool: "true or false",
        type(None): "nothing",
    }
    if annotation in names:
        return names[annotation]
    arguments = typing.get_args(annotation)
    if typing.get_origin(annotation) in (tuple, list):
        return "a list, each " + _annotation_words(arguments[0])
    return " or ".join(_annotation_words(argument) for argument in arguments) or str(annotation)


def known(*values: Any) -> bool:
    """Whether these are numbers, and not what stands for them while a program is traced."""
    return not any(isinstance(value, jax.core.Tracer) for value in values)
