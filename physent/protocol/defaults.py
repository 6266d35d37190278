"""Other defaults for inherited parameters: `defaults = {"length": 22.0}` in the body of a class."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import equinox as eqx

from physent.errors import brief, nearest
from physent.protocol.choosing import one_of
from physent.protocol.declaration import declarations, plain


def with_defaults(name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> dict[str, Any]:
    """The body of a class in which the inherited fields named by its `defaults` are declared again.

    A mapping in the place of a choice adds kinds to it, of which the first becomes the default.
    Raises TypeError for a name that no base declares, and for a value that its field cannot have.
    """
    if not isinstance(namespace["defaults"], Mapping):
        words = f"given {brief(namespace['defaults'])}, allowed: a mapping from parameters to them"
        raise TypeError(f"{name}.defaults: {words}")
    inherited = {
        field.name: (field, base)
        for base in reversed(bases)
        if dataclasses.is_dataclass(base)
        for field in dataclasses.fields(base)
        if "physent" in field.metadata
    }
    annotations, fields = {}, {}
    for key, value in namespace["defaults"].items():
        if key not in inherited:
            raise TypeError(f"{name}.defaults: no parameter {key!r}{nearest(key, inherited)}")
        field, base = inherited[key]
        declaration = declarations(base)[key]
        kinds = declaration.form == "choice" and isinstance(value, Mapping)
        if not kinds and value != "auto" and (wrong := declaration.misfit(plain(value))):
            raise TypeError(f"{name}.defaults: {key}: {wrong}")
        fields[key] = _again(field, value)
        stated = (vars(each).get("__annotations__", {}) for each in base.__mro__)
        annotations[key] = next(each[key] for each in stated if key in each)
    own = namespace.get("__annotations__", {})
    return namespace | fields | {"__annotations__": annotations | own}


def _again(field: Any, value: Any) -> Any:
    """A field with another default."""
    said = dict(field.metadata)
    declared = dict(said.pop("physent"))
    converter, static = said.pop("converter", None), said.pop("static", False)
    how: dict[str, Any] = {"default": plain(value)}
    declared["default"] = how["default"]
    if declared["form"] == "choice":
        kinds = value if isinstance(value, Mapping) else {}
        converter = one_of(kinds | declared["options"], given=declared["given"])
        kind = next(iter(kinds)) if kinds else value
        declared |= {"options": converter.options, "default": kind}
        how = {"default_factory": lambda: converter(kind)}
    return eqx.field(
        metadata={"physent": declared}, kw_only=True, converter=converter, static=static, **how
    )
