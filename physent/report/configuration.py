"""The experiment of a run as rows of a table: every key, its value, and whether that is the default."""

import tomllib
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from physent import registry
from physent.parameters import declarations


@dataclass(frozen=True)
class Setting:
    """One key of an experiment; `default` is None where there is none or it is not known."""

    key: str
    value: str
    default: str | None
    differs: bool
    doc: str


def experiment_of(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The resolved experiment that a run's attributes hold; empty where they hold none."""
    try:
        return tomllib.loads(str(attributes.get("experiment", "")))
    except tomllib.TOMLDecodeError:
        return {}


def flattened(data: Any, prefix: str = "") -> dict[str, Any]:
    """The leaves of nested tables by dotted key; ranges over members and lists of numbers are leaves."""
    if isinstance(data, Mapping) and not _is_range(data):
        return {key: v for name, part in data.items() for key, v in flattened(part, _dotted(prefix, name)).items()}
    if isinstance(data, list) and data and isinstance(data[0], Mapping):
        return {key: v for i, part in enumerate(data) for key, v in flattened(part, _dotted(prefix, str(i))).items()}
    return {prefix: data}


def _dotted(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name


def _is_range(data: Mapping[str, Any]) -> bool:
    return len(data) == 1 and next(iter(data)) in ("linspace", "geomspace")


def swept(attributes: Mapping[str, Any], members: int) -> tuple[str, np.ndarray] | None:
    """The one parameter that has a value for each member, with these values; None where there is none, or several."""
    found = []
    for key, value in flattened(experiment_of(attributes).get("solver", {})).items():
        if isinstance(value, Mapping):
            name, ends = next(iter(value.items()))
            found.append((key, getattr(np, name)(*ends, members)))
        elif isinstance(value, list) and len(value) == members > 1 and np.ndim(value) == 1:
            found.append((key, np.asarray(value, dtype=float)))
    return (found[0][0].rpartition(".")[2], found[0][1]) if len(found) == 1 else None


def shown(value: Any) -> str:
    """A value as a reader wants to see it: as TOML has it, long lists cut."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {shown(part)}" for key, part in value.items()) + " }"
    if isinstance(value, list | tuple):
        parts = [shown(part) for part in value[:6]] + ([f"... {len(value)} values"] if len(value) > 6 else [])
        return "[" + ", ".join(parts) + "]"
    return str(value)


def settings(experiment: Mapping[str, Any]) -> dict[str, list[Setting]]:
    """The settings of an experiment by section: solver, run, output and diagnostics.

    Defaults are those of registered classes. A class in a file is not loaded for them, since that would execute it.
    """
    from physent.config import OutputSettings, RunSettings

    sections = {"solver": _rows(experiment.get("solver", {}), _class("solvers", experiment.get("solver")), "solver")}
    sections["run"] = _rows(experiment.get("run", {}), RunSettings, "run")
    if experiment.get("output"):
        sections["output"] = _rows(experiment["output"], OutputSettings, "output")
    entries = experiment.get("diagnostics", [])
    if entries:
        parts = [_rows(e, _class("diagnostics", e), f"diagnostics.{i}") for i, e in enumerate(entries)]
        sections["diagnostics"] = [setting for part in parts for setting in part]
    return sections


def _class(family: registry.Family, data: Any) -> type | None:
    kind = data.get("kind") if isinstance(data, Mapping) else None
    if not isinstance(kind, str) or kind not in registry.registered(family):
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return registry.find(family, kind)
        except registry.RegistryError:
            return None


def _rows(data: Any, cls: type | None, prefix: str) -> list[Setting]:
    if not isinstance(data, Mapping):
        return []
    known = declarations(cls) if cls is not None else {}
    found: list[Setting] = []
    for name, value in data.items():
        key, declaration = f"{prefix}.{name}", known.get(name)
        if declaration is not None and declaration.form == "choice" and isinstance(value, Mapping):
            kind = value.get("kind", declaration.default)
            default = None if declaration.required else str(declaration.default)
            found.append(Setting(key, str(kind), default, default is not None and kind != default, declaration.doc))
            rest = {k: v for k, v in value.items() if k != "kind"}
            found += _rows(rest, declaration.options.get(kind), key)
        elif declaration is not None and not declaration.required:
            default = None if declaration.default is None else shown(declaration.default)
            differs = shown(value) != default
            found.append(Setting(key, shown(value), default or "none", differs, declaration.doc))
        elif isinstance(value, Mapping) and not _is_range(value):
            found += _rows(value, None, key)
        else:
            found.append(Setting(key, shown(value), None, False, declaration.doc if declaration else ""))
    return found
