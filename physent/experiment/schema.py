"""Generated from the declarations of a class: the JSON schema, a template and the table of
parameters.
"""

import functools
import types
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pydantic
import tomli_w

from physent.experiment.recorded import RANGES
from physent.protocol.declaration import Declaration, declarations
from physent.protocol.given import Stored
from physent.protocol.registry import summary


@functools.cache
def model_of(cls: type, kind: str | None = None) -> type[pydantic.BaseModel]:
    """The pydantic model whose JSON schema describes the table of a declared class: extra keys
    forbidden, no coercion; `kind` becomes a key if given.
    """
    keys: dict[str, Any] = {} if kind is None else {"kind": (Literal[kind], ...)}
    for declaration in declarations(cls).values():
        words = f"{declaration.doc} ({declaration.allowed})"
        field = pydantic.Field(... if declaration.required else None, description=words)
        keys[declaration.name] = (_type_of(declaration), field)
    config = pydantic.ConfigDict(extra="forbid", strict=True, protected_namespaces=())
    return pydantic.create_model(cls.__name__, __config__=config, **keys)


def _type_of(declaration: Declaration) -> Any:
    annotation = declaration.annotation
    if declaration.form == "choice":
        return Annotated[Any, pydantic.WithJsonSchema(_choice_schema(declaration))]
    if declaration.form == "param":
        return Annotated[Any, pydantic.WithJsonSchema(_number_schema(declaration))]
    if not declaration.bounds:
        return annotation
    bounds = pydantic.Field(**declaration.bounds)
    parts, origin = get_args(annotation), get_origin(annotation)
    if origin is tuple:  # the bound is that of each entry
        return tuple[(Annotated[parts[0], bounds], *parts[1:])]
    if origin in (types.UnionType, Union):  # the bound is the numbers'
        bounded = (Annotated[part, bounds] if part in (int, float) else part for part in parts)
        return Union[tuple(bounded)]  # noqa: UP007
    return Annotated[annotation, bounds]


def _choice_schema(declaration: Declaration) -> dict[str, Any]:
    """The name of a kind alone, or a table, whose kind may be omitted for the default."""
    tables = {
        kind: model_of(cls, kind).model_json_schema() for kind, cls in declaration.options.items()
    }
    branches = [{"enum": list(tables)}, *tables.values()]
    if not declaration.required:
        table = tables[declaration.default]
        required = [key for key in table["required"] if key != "kind"]
        branches.append({**table, "required": required, "not": {"required": ["kind"]}})
    if declaration.given is not None and declaration.given.from_file:
        file: type = Stored
        branches.append(model_of(file).model_json_schema())
    return {"anyOf": branches}


def _number_schema(declaration: Declaration) -> dict[str, Any]:
    """A number of the declared rank, one for each member, or a range over the members."""
    keys = {"gt": "exclusiveMinimum", "ge": "minimum", "lt": "exclusiveMaximum", "le": "maximum"}
    number = {"type": "number"}
    value: dict[str, Any] = number | {keys[key]: bound for key, bound in declaration.bounds.items()}
    for _ in range(declaration.ndim):
        value = {"type": "array", "items": value}
    each = {"type": "array", "items": value, "description": "one value per member"}
    ends = {"type": "array", "items": number}
    ranges = [{"type": "object", "properties": {name: ends}, "required": [name]} for name in RANGES]
    found = {"anyOf": [value, each, *ranges]}
    return {"type": "object", "additionalProperties": found} if declaration.table else found


def experiment_schema(
    solvers: Mapping[str, type],
    diagnostics: Mapping[str, type],
    run: type,
    output: type,
    sweep: type,
    score: type,
) -> dict[str, Any]:
    """The JSON schema of an experiment file."""
    model = pydantic.create_model(
        "Experiment",
        __config__=pydantic.ConfigDict(extra="forbid"),
        name=(str, ""),
        description=(str, ""),
        solver=(Any, ...),
        run=(model_of(run), ...),
        diagnostics=(list[Any], []),
        output=(model_of(output), None),
        sweep=(model_of(sweep), None),
        score=(model_of(score), None),
    )
    schema = model.model_json_schema()
    own = {
        "type": "object",
        "description": "kind = 'path.py:Class': a class of your own",
        "properties": {"kind": {"type": "string", "pattern": ".+:.+"}},
        "required": ["kind"],
    }

    def one_of(classes: Mapping[str, type]) -> dict[str, Any]:
        return {
            "oneOf": [
                *(model_of(cls, kind).model_json_schema() for kind, cls in classes.items()),
                own,
            ]
        }

    times = schema["$defs"][run.__name__]  # a run has these, or save_at instead of them
    both = {"required": times.pop("required")}
    times["anyOf"] = [both, {"required": ["save_at"], "not": {"required": ["save_every"]}}]
    schema["properties"]["solver"] = one_of(solvers)
    for branch in schema["properties"]["solver"]["oneOf"]:
        if "dt" in branch["properties"]:
            branch["properties"]["dt"]["anyOf"].append({"const": "auto"})
    schema["properties"]["diagnostics"]["items"] = one_of(diagnostics)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema


def _toml(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(entry) for entry in value) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(entry)}" for key, entry in value.items()) + " }"
    return tomli_w.dumps({"x": value}).split("=", 1)[1].strip()


def template(cls: type, table: str, kind: str | None = None) -> str:
    """A TOML table with every key of `cls` explained and at its default; optional keys are
    commented out.
    """
    lines = [f"[{table}]"] + ([f'kind = "{kind}"'] if kind else [])
    tables = []
    for declaration in declarations(cls).values():
        if declaration.form == "choice":
            options = list(declaration.options)
            name = options[0] if declaration.required else declaration.default
            others = ", ".join(option for option in options if option != name)
            tables.append(
                f"\n# {declaration.doc}{'; other kinds: ' + others if others else ''}\n"
                + template(declaration.options[name], f"{table}.{declaration.name}", name)
            )
            continue
        optional = declaration.default is None
        exemplary = optional or declaration.required
        value = declaration.example if exemplary else declaration.default
        foreign = isinstance(value, complex)  # which TOML has not
        shown = str(value) if foreign else "" if value is None else _toml(value)
        text = f"{declaration.name} = {shown}".rstrip()
        text = f"# {text}" if optional or foreign else text
        lines.append(f"{text:36}  # {declaration.doc} ({declaration.allowed})")
    return "\n".join(lines) + "\n" + "".join(tables)


def parameter_table(cls: type, prefix: str = "") -> str:
    """A Markdown table of the parameters of `cls`, and one more for each kind of its choices."""
    rows = ["| parameter | default | allowed | units | meaning |", "|---|---|---|---|---|"]
    parts = []
    for declaration in declarations(cls).values():
        default = declaration.default
        if isinstance(default, tuple):
            default = list(default)
        cells = (
            f"`{prefix}{declaration.name}`",
            "required" if declaration.required else f"`{'none' if default is None else default}`",
            declaration.allowed,
            "" if declaration.units == "1" else declaration.units,
            declaration.doc,
        )
        rows.append("| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |")
        for kind, option in declaration.options.items():
            part = f'\n`{prefix}{declaration.name}.kind = "{kind}"`: {summary(option)}\n'
            parts.append(part + ("\n" + parameter_table(option) if declarations(option) else ""))
    return "\n".join(rows) + "\n" + "".join(parts)
