"""Parameters declared once, on the class that uses them.

A solver, an initial condition, a measure or a diagnostic is a `Declared` module whose fields are
made by one of

- `param`: a number (or a list of numbers) that becomes an array leaf, so that it can be
  differentiated, vmapped over members and changed without compiling again;
- `static`: a size, a name or a switch, part of the compiled program;
- `choice`: one of several other `Declared` classes, named by its `kind` in a config.

The declaration is all there is: the validation of a config, `physent new`, the JSON schema, the
tables of the documentation and the vmap axes of an ensemble are read from it.
"""

import dataclasses
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Literal,
    Self,
    cast,
    dataclass_transform,
    overload,
)

import equinox as eqx
import jax
import jax.core
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from physent.errors import (
    ParameterError as ParameterError,
    brief as brief,
    nearest,
    warn_user as warn_user,
)
from physent.protocol import registry
from physent.protocol.choosing import Numbers, one_of as one_of
from physent.protocol.declaration import (
    REQUIRED,
    declarations,
    declarations_of,
    known as known,
    plain,
)
from physent.protocol.defaults import with_defaults
from physent.protocol.functions import as_function
from physent.protocol.members import (
    member_axes as member_axes,
    members_given as members_given,
    require_one_member as require_one_member,
)

if TYPE_CHECKING:
    from equinox._module._module import _ModuleMeta
else:
    _ModuleMeta = type(eqx.Module)

AUTO = "auto"


@overload
def as_number(value: None) -> None: ...


@overload
def as_number(value: Numbers) -> Array: ...


def as_number(value: Any) -> Any:
    """Convert `value` to a floating-point array, in JAX's default precision unless it is one of JAX
    already; complex numbers stay complex, for whoever allows them.
    """
    if value is None or (isinstance(value, jax.Array) and jnp.issubdtype(value.dtype, jnp.inexact)):
        return value
    if isinstance(value, str) and value == AUTO:
        value = np.nan
    return jnp.asarray(value, dtype=jnp.result_type(complex if np.iscomplexobj(value) else float))


def as_step(value: Numbers | Literal["auto"]) -> Array:
    """Like `as_number`, for the time step of a solver: "auto", which `physent.run` replaces by a
    step that fits, is NaN until then.
    """
    return as_number(cast(Numbers, value))


def as_numbers(values: Mapping[str, Numbers]) -> dict[str, Array]:
    """Like `as_number`, for a table, whose entries are put in the order of their names."""
    return {name: as_number(values[name]) for name in sorted(values)}


def param(
    default: Any = REQUIRED,
    *,
    doc: str,
    converter: Callable[[Any], Any] = as_number,
    units: str = "1",
    ndim: int = 0,
    per_axis: bool = False,
    table: bool = False,
    gt: float | None = None,
    ge: float | None = None,
    lt: float | None = None,
    le: float | None = None,
    finite: bool = True,
) -> Any:
    """Declare a number or an array of numbers, which may also be given once per member.

    **Arguments:**

    - `default`: the value where none is given; without it the parameter is required, and None
        makes it optional.
    - `doc`: its meaning, in a few words, for tables, templates and messages.
    - `converter`: makes the array. At runtime it need not be given. A type checker follows only
        one that is written out, and only a default given by keyword: with
        `param(default=1.0, converter=as_number, ...)` it knows that numbers, lists and NumPy
        arrays are accepted for a field annotated `Array`.
    - `units`: its units, as a word or a formula; "1" where it has none.
    - `ndim`: the number of axes of one value, 0 for a number; one further leading axis means one
        value per member.
    - `per_axis`: whether it has one entry an axis where `n`, the number of points, is of two or
        three axes: then it takes a number for all of them or one for each, (d,), and one further
        leading axis means one value per member.
    - `table`: whether it is a table of such numbers by names, which only its owner knows, and of
        which `as_numbers` is the converter.
    - `gt`, `ge`, `lt`, `le`: bounds, which every entry of an array keeps to.
    - `finite`: whether infinite values and NaN are refused.

    **Returns:**

    A dataclass field, to be assigned to an annotated name in the body of a `Declared` class.
    """
    return _field(
        "param",
        default,
        {"gt": gt, "ge": ge, "lt": lt, "le": le},
        {"converter": converter},
        doc=doc,
        units=units,
        ndim=ndim,
        per_axis=per_axis,
        table=table,
        finite=finite,
        real=converter in (as_number, as_step, as_numbers),
    )


def static(
    default: Any = REQUIRED,
    *,
    doc: str,
    units: str = "1",
    example: Any = None,
    path: bool = False,
    function: bool = False,
    gt: float | None = None,
    ge: float | None = None,
    lt: float | None = None,
    le: float | None = None,
) -> Any:
    """Declare a size, a name or a switch; the field's annotation sets the allowed values.

    **Arguments:**

    - `default`: the value where none is given; without it the field is required.
    - `doc`: its meaning, in a few words, for tables, templates and messages.
    - `units`: its units, as a word or a formula; "1" where it has none.
    - `example`: a value for templates, where there is no default or the default is None.
    - `path`: whether it names a file, which an experiment gives relative to its own folder.
    - `function`: whether it names a function, 'path.py:function', which may be given itself.
    - `gt`, `ge`, `lt`, `le`: bounds, which every entry of a tuple keeps to.

    **Returns:**

    A dataclass field, to be assigned to an annotated name in the body of a `Declared` class.
    """
    return _field(
        "static",
        default,
        {"gt": gt, "ge": ge, "lt": lt, "le": le},
        {"static": True, "converter": as_function if function else plain},
        doc=doc,
        units=units,
        example=example,
        path=path or function,
        function=function,
    )


def choice(
    options: Mapping[str, type] | None = None,
    default: str | None = None,
    *,
    doc: str,
    converter: one_of[Any, Any] | None = None,
) -> Any:
    """Declare a part with its own class: a config names one of `options` as `kind` along with the
    parameters of that class.

    **Arguments:**

    - `options`: the classes by name, all of them subclasses of the field's annotation.
    - `default`: the name of the class that is used where none is given; without it the choice is
        required.
    - `doc`: its meaning, in a few words, for tables, templates and messages.
    - `converter`: `one_of(options)`, instead of `options`: from it a type checker knows that a
        name is accepted where the field is annotated with a class; with `one_of(options,
        given=...)` so are arrays, and functions of space, with `law=...` functions of what that
        is a law of.

    **Returns:**

    A dataclass field, to be assigned to an annotated name in the body of a `Declared` class.
    """
    converter = one_of(options or {}) if converter is None else converter
    how: dict[str, Any] = {"converter": converter}
    if default is not None:
        how["default_factory"] = lambda: converter(default)
    given = REQUIRED if default is None else default
    said = {"options": converter.options, "given": converter.given}
    return _field("choice", given, {}, how, doc=doc, **said)


def _listed(value: Any) -> Any:
    """A value with lists for tuples, as TOML has them."""
    if isinstance(value, dict):
        return {key: _listed(entry) for key, entry in value.items()}
    if isinstance(value, str):  # a function's place is more than that
        return str(value)
    return list(value) if isinstance(value, tuple) else value


def _field(
    form: str, default: Any, limits: dict[str, Any], how: dict[str, Any], **said: Any
) -> Any:
    """A dataclass field that carries its declaration."""
    bounds = {key: bound for key, bound in limits.items() if bound is not None}
    if said.get("table") and default is not REQUIRED:
        how = how | {"default_factory": lambda: dict(default)}
    elif default is not REQUIRED and form != "choice":
        how = how | {"default": default}
    declared = {"form": form, "default": default, "bounds": bounds, **said}
    return eqx.field(metadata={"physent": declared}, kw_only=True, **how)


@dataclass_transform(
    eq_default=False,
    kw_only_default=True,
    field_specifiers=(param, choice, dataclasses.field, eqx.field),
)
class DeclaredMeta(_ModuleMeta):
    """The metaclass of `Declared`, which tells type checkers what declares a field.

    `static` is not among them: what is no specifier is a default to them.
    """

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **how: Any):
        """A class whose `defaults` are those of its fields."""
        if namespace.get("defaults"):
            namespace = with_defaults(name, bases, namespace)
        return super().__new__(mcs, name, bases, namespace, **how)


class Declared(eqx.Module, metaclass=DeclaredMeta):
    """A module whose `param`, `static` and `choice` fields are checked at construction.

    `automatic` names those that may be "auto", which is NaN until somebody replaces it; `defaults`
    has other defaults for fields that a base declares (`physent.protocol.defaults`).
    """

    automatic: ClassVar[tuple[str, ...]] = ()
    defaults: ClassVar[Mapping[str, Any]] = {}

    def __new__(cls, *args: Any, **values: Any) -> Self:
        """Refuse unknown names, suggesting the nearest field, choices outside their family, and
        what is no real number.

        Here, before the checks of a subclass, which use what was chosen, and before anything is
        converted.
        """
        known = [field.name for field in dataclasses.fields(cls) if field.init]
        for name in values:
            if name not in known and cls.__dataclass_params__.init:  # type: ignore[attr-defined]
                raise TypeError(f"{cls.__name__} has no parameter {name!r}{nearest(name, known)}")
        for name, declaration in declarations(cls).items():
            if name not in values or (name in cls.automatic and _is_auto(values[name])):
                continue
            if words := declaration.misfit(values[name]):
                raise ParameterError(name, words)
        return super().__new__(cls)

    def __check_init__(self):
        for declaration in declarations_of(self).values():
            value = getattr(self, declaration.name)
            if declaration.name in self.automatic and is_automatic(value):
                continue
            violation = declaration.misshapen(value) or declaration.violation(value)
            if declaration.form != "choice" and violation:
                raise ParameterError(declaration.name, violation)

    def as_table(self, name: str, options: Mapping[str, type]) -> dict[str, Any]:
        """Its settings with its kind, as the table `name` of its owner in a config."""
        return {"kind": kind_of(self, options)} | settings(self)


def _is_auto(value: Any) -> bool:
    return isinstance(value, str) and value == AUTO


def is_automatic(value: Any) -> bool:
    """Whether a parameter is "auto" still: a single NaN, which nobody can give as a number."""
    return value is not None and np.ndim(value) == 0 and known(value) and bool(np.isnan(value))


def kind_of(module: Any, options: Mapping[str, type]) -> str:
    """The name of the class of `module` in `options`."""
    named = (kind for kind, cls in options.items() if type(module) is cls)
    return next(named, None) or registry.place_of(type(module))


def settings(module: Any) -> dict[str, Any]:
    """Every declared value of a module as plain Python data, as a config would give it."""
    values: dict[str, Any] = {}
    for name, declaration in declarations(type(module)).items():
        value = getattr(module, name)
        if declaration.form == "choice":
            values[name] = value.as_table(name, declaration.options)
        elif declaration.table:
            values[name] = {key: np.asarray(entry).tolist() for key, entry in value.items()}
        elif declaration.form == "param":
            values[name] = np.asarray(value).tolist()
        else:
            values[name] = _listed(value)
    return {name: value for name, value in values.items() if value is not None}


def numbers(module: Any, prefix: str = "") -> Iterator[tuple[str, Array]]:
    """The dotted name and the array of every `param` of a module and of its choices that is an
    array of JAX.
    """
    for name, declaration in declarations(type(module)).items():
        value = getattr(module, name)
        if declaration.form == "choice":
            yield from numbers(value, f"{prefix}{name}.")
        elif declaration.table:
            yield from ((f"{prefix}{name}.{key}", entry) for key, entry in value.items())
        elif isinstance(value, jax.Array) and jnp.issubdtype(value.dtype, jnp.inexact):
            yield f"{prefix}{name}", value


def check_instance(value: Any, family: type, key: str, hint: str = "") -> None:
    """Raise ParameterError, with a hint at what was meant, unless a value is an instance of a
    class.
    """
    if isinstance(value, family):
        return
    given, name = f"given {type(value).__name__}", family.__name__
    if isinstance(value, type) and issubclass(value, family):
        given = f"given the class {value.__name__}"
        hint = f", as {value.__name__}(...)"
    elif isinstance(value, str | os.PathLike):
        given = f"given {str(value)!r}"
    raise ParameterError(key, f"{given}, allowed: an instance of {name}{hint}")


def of_another_precision(diagnostics: Sequence[Any], solver: Any = None) -> list[tuple[str, str]]:
    """What was made while JAX computed in another precision, as pairs of a dotted key and a
    message: it would be computed in that, and a file would say otherwise.
    """
    now, found = jnp.result_type(float), []
    parts = [] if solver is None else [("solver", solver)]
    parts += [(f"diagnostics.{i}", each) for i, each in enumerate(diagnostics)]
    for key, part in parts:
        for name, value in numbers(part):
            real = jnp.finfo(value.dtype).dtype
            if real != now:
                words = (
                    f"given {name} in {real}, but JAX computes in {now}: make the "
                    f"{type(part).__name__} after jax_enable_x64 is set, of numbers, not of arrays "
                    f"in {real}"
                )
                found.append((key, words))
                break
    return found
