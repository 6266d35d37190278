"""What is generated from the declarations of a class: the JSON schema, a template, a table of the
documentation.
"""

from collections.abc import Mapping
from typing import Any

import pydantic
import tomli_w

from physent.experiment.validation import model_of
from physent.protocol.parameters import declarations
from physent.protocol.registry import summary


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
        branches = []
        for kind, cls in classes.items():
            branch = model_of(cls, kind).model_json_schema()
            schema.setdefault("$defs", {}).update(branch.pop("$defs", {}))
            branches.append(branch)
        return {"oneOf": [*branches, own]}

    schema["properties"]["solver"] = one_of(solvers)
    for branch in schema["properties"]["solver"]["oneOf"]:
        if "dt" in branch["properties"]:
            branch["properties"]["dt"]["anyOf"].append({"const": "auto"})
    schema["properties"]["diagnostics"]["items"] = one_of(diagnostics)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema


def _toml(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(entry) for entry in value) + "]"
    return tomli_w.dumps({"x": value}).split("=", 1)[1].strip()


def template(cls: type, table: str, kind: str | None = None) -> str:
    """A TOML table with every key of `cls` at its default, and beside it what it is; optional keys
    stand commented.
    """
    lines = [f"[{table}]"] + ([f'kind = "{kind}"'] if kind else [])
    tables = []
    for declaration in declarations(cls).values():
        if declaration.form == "choice":
            name = str(
                next(iter(declaration.options)) if declaration.required else declaration.default
            )
            others = ", ".join(other for other in declaration.options if other != name)
            tables.append(
                f"\n# {declaration.doc}{'; other kinds: ' + others if others else ''}\n"
                + template(declaration.options[name], f"{table}.{declaration.name}", name)
            )
            continue
        value = (
            declaration.example
            if declaration.default in (None,) or declaration.required
            else declaration.default
        )
        optional = declaration.default is None
        text = (
            f"{declaration.name} = {_toml(value)}" if value is not None else f"{declaration.name} ="
        )
        lines.append(
            f"{'# ' if optional else ''}{text}".ljust(36)
            + f"  # {declaration.doc} ({declaration.allowed})"
        )
    return "\n".join(lines) + "\n" + "".join(tables)


def parameter_table(cls: type, prefix: str = "") -> str:
    """A Markdown table of every parameter of `cls`, with one more for each kind of its choices."""
    rows = ["| parameter | default | allowed | units | meaning |", "|---|---|---|---|---|"]
    parts = []
    for declaration in declarations(cls).values():
        default = "required" if declaration.required else f"`{_shown(declaration.default)}`"
        units = "" if declaration.units == "1" else declaration.units
        cells = (
            f"`{prefix}{declaration.name}`",
            default,
            declaration.allowed,
            units,
            declaration.doc,
        )
        rows.append("| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |")
        for kind, option in declaration.options.items():
            parts.append(f'\n`{prefix}{declaration.name}.kind = "{kind}"`: {summary(option)}\n')
            if declarations(option):
                parts.append("\n" + parameter_table(option))
    return "\n".join(rows) + "\n" + "".join(parts)


def _shown(default: Any) -> str:
    return (
        "none" if default is None else str(list(default) if isinstance(default, tuple) else default)
    )
