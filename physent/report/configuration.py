"""The experiment of a run as rows of a table: every key, its value, and whether that is the
default.
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from physent.errors import RegistryError
from physent.experiment.recorded import experiment_of, flattened, is_range, shown
from physent.experiment.settings import OutputSettings, RunSettings
from physent.protocol import registry
from physent.protocol.parameters import declarations


@dataclass(frozen=True)
class Setting:
    """One key of an experiment; `default` is None where there is none or it is not known."""

    key: str
    value: str
    default: str | None
    differs: bool
    doc: str


def swept(attributes: Mapping[str, Any], members: int) -> tuple[str, np.ndarray] | None:
    """The one parameter that has a value for each member, with these values; None where there is
    none, or several.
    """
    found = per_member(attributes, members)
    return (found[0][0].rpartition(".")[2], found[0][1]) if len(found) == 1 else None


def per_member(attributes: Mapping[str, Any], members: int) -> list[tuple[str, np.ndarray]]:
    """The parameters that have a value for each member, with these values."""
    found = []
    for key, value in flattened(experiment_of(attributes).get("solver", {})).items():
        if isinstance(value, Mapping):
            name, ends = next(iter(value.items()))
            found.append((key, getattr(np, name)(*ends, members)))
        elif isinstance(value, list) and len(value) == members > 1 and np.ndim(value) == 1:
            found.append((key, np.asarray(value, dtype=float)))
    return found


def settings(experiment: Mapping[str, Any]) -> dict[str, list[Setting]]:
    """The settings of an experiment by section: solver, run, output and diagnostics.

    Defaults are those of registered classes. A class in a file is not loaded for them, since that
    would execute it.
    """
    sections = {
        "solver": _rows(
            experiment.get("solver", {}), _class("solvers", experiment.get("solver")), "solver"
        )
    }
    sections["run"] = _rows(experiment.get("run", {}), RunSettings, "run")
    if experiment.get("output"):
        sections["output"] = _rows(experiment["output"], OutputSettings, "output")
    entries = experiment.get("diagnostics", [])
    if entries:
        parts = [
            _rows(e, _class("diagnostics", e), f"diagnostics.{i}") for i, e in enumerate(entries)
        ]
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
        except RegistryError:
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
            found.append(
                Setting(
                    key,
                    str(kind),
                    default,
                    default is not None and kind != default,
                    declaration.doc,
                )
            )
            rest = {k: v for k, v in value.items() if k != "kind"}
            found += _rows(rest, declaration.options.get(kind), key)
        elif declaration is not None and not declaration.required:
            default = None if declaration.default is None else shown(declaration.default)
            differs = shown(value) != default
            found.append(Setting(key, shown(value), default or "none", differs, declaration.doc))
        elif isinstance(value, Mapping) and not is_range(value):
            found += _rows(value, None, key)
        else:
            found.append(
                Setting(key, shown(value), None, False, declaration.doc if declaration else "")
            )
    return found
