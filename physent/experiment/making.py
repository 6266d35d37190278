"""An instance of a declared class from plain data."""

from typing import Any

import numpy as np

from physent.errors import ParameterError
from physent.protocol.parameters import Declaration, declarations


def chosen(declaration: Declaration, given: Any) -> tuple[str, dict[str, Any]]:
    """The kind of a choice, given by name or as a table, and the rest of the table."""
    if isinstance(given, str):
        return given, {}
    rest = dict(given or {})
    return rest.pop("kind", declaration.default), rest


def make(cls: type, data: dict[str, Any], members: int = 1) -> Any:
    """An instance of a declared class from valid plain data. Raises ParameterError with the dotted
    key.
    """
    values: dict[str, Any] = {}
    for name, declaration in declarations(cls).items():
        if declaration.form == "choice":
            if name in data:
                kind, rest = chosen(declaration, data[name])
                try:
                    values[name] = make(declaration.option(kind), rest, members)
                except ParameterError as error:
                    raise ParameterError(f"{name}.{error.key}", error.message) from None
        elif name in data:
            values[name] = _per_member(declaration, data[name], members)
    return cls(**tuples(cls, values))


def _per_member(declaration: Any, value: Any, members: int) -> Any:
    if declaration.form != "param" or value is None:
        return value
    if isinstance(value, dict):
        (name, (start, stop)) = next(iter(value.items()))
        if declaration.ndim:
            raise ParameterError(
                declaration.name, f"a {name} gives numbers, allowed: {declaration.allowed} a member"
            )
        if name == "geomspace" and start * stop <= 0:
            raise ParameterError(
                declaration.name, "the ends of a geomspace are of one sign and not 0"
            )
        if members == 1:
            raise ParameterError(
                declaration.name, f"a {name} gives one value a member, but run.members = 1"
            )
        return getattr(np, name)(start, stop, members)
    if np.ndim(value) == declaration.ndim + 1 and len(value) != members:
        raise ParameterError(
            declaration.name,
            f"given {len(value)} values, allowed: {declaration.allowed}, or one for each of the "
            f"{members} members"
            if members > 1
            else f"given {value!r}, allowed: {declaration.allowed} (a value per member needs "
            "run.members > 1)",
        )
    return value


def tuples(cls: type, values: dict[str, Any]) -> dict[str, Any]:
    """Static lists as tuples, so that they can be part of a compiled program's key."""
    return {
        name: tuple(value)
        if isinstance(value, list) and declarations(cls)[name].form == "static"
        else value
        for name, value in values.items()
    }
