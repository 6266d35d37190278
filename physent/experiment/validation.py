"""What is wrong with plain data as the parameters of a declared class: every problem, each with its
key.
"""

import functools
import math
import sys
import types
import typing
from typing import Annotated, Any, Literal, Union

import pydantic

from physent.errors import RegistryError, nearest
from physent.protocol.parameters import Declaration, declarations

Path = tuple[str | int, ...]
_RANGES = ("linspace", "geomspace")


@functools.cache
def model_of(cls: type, kind: str | None = None) -> type[pydantic.BaseModel]:
    """The pydantic model of a declared class: extra keys forbidden, no coercion; `kind` becomes a
    key if given.
    """
    fields: dict[str, Any] = {} if kind is None else {"kind": (Literal[kind], ...)}
    for declaration in declarations(cls).values():
        default = ... if declaration.required else None
        description = f"{declaration.doc} ({declaration.allowed})"
        fields[declaration.name] = (
            _type_of(declaration),
            pydantic.Field(default, description=description),
        )
    config = pydantic.ConfigDict(extra="forbid", strict=True, protected_namespaces=())
    return pydantic.create_model(cls.__name__, __config__=config, **fields)


def _type_of(declaration: Declaration) -> Any:
    if declaration.form == "choice":
        return _choice_type(declaration)
    if declaration.form == "param":
        check = functools.partial(_check_number, declaration)
        return Annotated[
            Any,
            pydantic.PlainValidator(check),
            pydantic.WithJsonSchema(_number_schema(declaration)),
        ]
    annotation = declaration.annotation
    bounds = pydantic.Field(**declaration.bounds) if declaration.bounds else None
    lists = typing.get_origin(annotation) is tuple or any(
        typing.get_origin(part) is tuple for part in typing.get_args(annotation)
    )
    if (
        bounds is not None and typing.get_origin(annotation) is tuple
    ):  # the bound is that of each entry
        each, *rest = typing.get_args(annotation)
        return Annotated[tuple[(Annotated[each, bounds], *rest)], pydantic.Strict(False)]
    extras = [
        extra for extra in (bounds, pydantic.Strict(False) if lists else None) if extra is not None
    ]
    if bounds is not None and typing.get_origin(annotation) in (
        types.UnionType,
        Union,
    ):  # the bound is the numbers'
        parts = [
            Annotated[part, bounds] if part in (int, float) else part
            for part in typing.get_args(annotation)
        ]
        return Union[tuple(parts)]  # noqa: UP007
    return Annotated[annotation, *extras] if extras else annotation


def _choice_type(declaration: Declaration) -> Any:
    models = tuple(model_of(cls, kind) for kind, cls in declaration.options.items())
    union: Any = Union[models]  # noqa: UP007
    if len(models) > 1:
        union = Annotated[union, pydantic.Field(discriminator="kind")]

    def named(value: Any) -> Any:
        if isinstance(value, str):
            return {"kind": value}
        if isinstance(value, dict) and "kind" not in value and not declaration.required:
            return {"kind": declaration.default} | value
        return value

    return Annotated[union, pydantic.BeforeValidator(named), _ChoiceSchema(declaration)]


class _ChoiceSchema:
    """A choice in the JSON schema: the name of a kind alone, or a table, whose kind may be left out
    for the default.
    """

    def __init__(self, declaration: Declaration):
        self.declaration = declaration

    def __get_pydantic_json_schema__(self, core: Any, handler: Any) -> dict[str, Any]:
        tables = handler(core)
        tables.pop("discriminator", None)
        kinds: dict[str, Any] = {"enum": list(self.declaration.options)}
        branches = [kinds, tables]
        if not self.declaration.required:
            default = dict(handler.resolve_ref_schema(self._default_of(tables)))
            default["required"] = [key for key in default.get("required", []) if key != "kind"]
            branches.append({**default, "not": {"required": ["kind"]}})
        return {"anyOf": branches}

    def _default_of(self, tables: dict[str, Any]) -> dict[str, Any]:
        position = list(self.declaration.options).index(self.declaration.default)
        return tables["oneOf"][position] if "oneOf" in tables else tables


def _number_schema(declaration: Declaration) -> dict[str, Any]:
    keys = {"gt": "exclusiveMinimum", "ge": "minimum", "lt": "exclusiveMaximum", "le": "maximum"}
    schema: dict[str, Any] = {"type": "number"} | {
        keys[key]: bound for key, bound in declaration.bounds.items()
    }
    for _ in range(declaration.ndim):
        schema = {"type": "array", "items": schema}
    ranges = [
        {
            "type": "object",
            "properties": {name: {"type": "array", "items": {"type": "number"}}},
            "required": [name],
        }
        for name in _RANGES
    ]
    return {
        "anyOf": [
            schema,
            {"type": "array", "items": schema, "description": "one value a member"},
            *ranges,
        ]
    }


def _check_number(declaration: Declaration, value: Any) -> Any:
    """A number of the declared rank, a list of them (one a member), or {linspace = [a, b]} over the
    members.
    """
    if isinstance(value, dict) and len(value) == 1 and next(iter(value)) in _RANGES:
        ends = next(iter(value.values()))
        if _rank(ends) == 1 and len(ends) == 2 and declaration.violation(ends) is None:
            return value
        raise ValueError("a range takes two numbers within the bounds")
    if value is None and declaration.default is None:
        return value
    if _rank(value) not in (declaration.ndim, declaration.ndim + 1) or declaration.violation(value):
        raise ValueError("not a number")
    return value


def _rank(value: Any) -> int | None:
    """The depth of a regular nested list of numbers; None if it is not one."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return (
            0
            if abs(value) <= sys.float_info.max or value in (math.inf, -math.inf) or value != value
            else None
        )
    if isinstance(value, list) and value:
        ranks = {_rank(entry) for entry in value}
        if len(ranks) == 1 and None not in ranks:
            return ranks.pop() + 1  # type: ignore[operator]
    return None


def problems(cls: type, data: Any) -> list[tuple[Path, str]]:
    """Everything wrong with `data` as the parameters of `cls`: (path of the key, sentence), all of
    it at once.
    """
    own, found = {}, []
    for name, declaration in declarations(cls).items() if isinstance(data, dict) else ():
        value = data.get(name)
        kind = value.get("kind") if isinstance(value, dict) else value
        if declaration.form == "choice" and isinstance(kind, str) and ":" in kind:
            own[name] = value if isinstance(value, dict) else {}
            try:
                rest = {key: entry for key, entry in own[name].items() if key != "kind"}
                found += [
                    ((name, *path), words)
                    for path, words in problems(declaration.option(kind), rest)
                ]
            except RegistryError as error:
                found.append(((name, "kind"), str(error)))
    try:
        model_of(cls).model_validate(
            {name: value for name, value in data.items() if name not in own} if own else data
        )
    except pydantic.ValidationError as error:
        sentences = [_sentence(cls, details) for details in error.errors()]
        # a class of one's own is looked at above; here its key is missing
        found += [(path, words) for path, words in sentences if not path or path[0] not in own]
    return found


def _sentence(cls: type, details: Any) -> tuple[Path, str]:
    path: list[str | int] = []
    declaration: Declaration | None = None
    location = list(details["loc"])
    while location:
        key = location.pop(0)
        if not isinstance(key, str) or (declaration is not None and declaration.form != "choice"):
            break  # inside a list, or the branch of a union: the declared key is named already
        path.append(key)
        declaration = declarations(cls).get(key)
        if declaration is not None and declaration.form == "choice" and location:
            tag = location[0]
            if len(declaration.options) > 1 and tag in declaration.options:
                location.pop(0)
            cls = declaration.options.get(str(tag), next(iter(declaration.options.values())))
            declaration = None if location else declaration
    given = details["input"]
    known = declarations(cls)
    if details["type"] == "extra_forbidden":
        return tuple(
            path
        ), f"unknown key{nearest(str(path[-1]), known)} (allowed: {', '.join(known) or 'none'})"
    if details["type"] == "missing" and declaration is not None:
        return tuple(path), f"missing: {declaration.doc} (allowed: {declaration.allowed})"
    if details["type"].startswith("union_tag") and declaration is not None:
        kind = given.get("kind") if isinstance(given, dict) else given
        allowed = ", ".join(declaration.options)
        return (
            *path,
            "kind",
        ), f"unknown kind {kind!r}{nearest(str(kind), declaration.options)} (allowed: {allowed})"
    if declaration is None:
        return tuple(path), f"given {given!r}: {details['msg']}"
    hint = ""
    if isinstance(given, str):
        literals = [
            word for part in _parts(declaration.annotation) for word in typing.get_args(part)
        ]
        hint = nearest(given, [word for word in literals if isinstance(word, str)])
    return tuple(path), f"given {given!r}, allowed: {declaration.allowed}{hint}"


def _parts(annotation: Any) -> tuple[Any, ...]:
    return (annotation, *typing.get_args(annotation))
