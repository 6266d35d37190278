"""The experiment of a run as a table: every key, its value, and whether that is the default."""

import contextlib
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from physent.errors import RegistryError
from physent.experiment.recorded import is_range, per_member, shown
from physent.experiment.settings import OutputSettings, RunSettings
from physent.protocol import registry
from physent.protocol.parameters import declarations


@dataclass(frozen=True)
class Setting:
    """One key of an experiment; `default` is None if it has none or if it is unknown."""

    key: str
    value: str
    default: str | None
    doc: str

    @property
    def differs(self) -> bool:
        """Whether the value is known to differ from the default."""
        return self.default not in (None, self.value)


def swept(attributes: Mapping[str, Any], members: int) -> tuple[str, np.ndarray] | None:
    """The only parameter with a value per member, with these values; None if there are several, or
    none.
    """
    found = per_member(attributes, members)
    return (found[0][0].rpartition(".")[2], found[0][1]) if len(found) == 1 else None


def settings(experiment: Mapping[str, Any]) -> dict[str, list[Setting]]:
    """The settings of an experiment by section: solver, run, output and diagnostics.

    Defaults are those of registered classes. A class in a file is not loaded for them, since that
    would execute it.
    """
    solver, entries = experiment.get("solver", {}), experiment.get("diagnostics", [])
    sections = {
        "solver": _rows(solver, _class("solvers", solver), "solver"),
        "run": _rows(experiment.get("run", {}), RunSettings, "run"),
        "output": _rows(experiment.get("output", {}), OutputSettings, "output"),
        "diagnostics": [
            setting
            for i, entry in enumerate(entries)
            for setting in _rows(entry, _class("diagnostics", entry), f"diagnostics.{i}")
        ],
    }
    return {name: rows for name, rows in sections.items() if rows or name in ("solver", "run")}


def _class(family: registry.Family, data: Any) -> type | None:
    kind = data.get("kind") if isinstance(data, Mapping) else None
    if isinstance(kind, str) and kind in registry.registered(family):
        with warnings.catch_warnings(action="ignore"), contextlib.suppress(RegistryError):
            return registry.find(family, kind)
    return None


def _rows(data: Any, cls: type | None, prefix: str) -> list[Setting]:
    if not isinstance(data, Mapping):
        return []
    known = declarations(cls) if cls is not None else {}
    found: list[Setting] = []
    for name, value in data.items():
        key, declaration, default = f"{prefix}.{name}", known.get(name), None
        doc = declaration.doc if declaration is not None else ""
        if declaration is not None and not declaration.required:
            default = "none" if declaration.default is None else shown(declaration.default)
        if declaration is not None and declaration.form == "choice" and isinstance(value, Mapping):
            kind = value.get("kind", declaration.default)
            found.append(Setting(key, str(kind), default, doc))
            rest = {k: v for k, v in value.items() if k != "kind"}
            found += _rows(rest, declaration.options.get(str(kind)), key)
        elif default is None and isinstance(value, Mapping) and not is_range(value):
            found += _rows(value, None, key)
        else:
            found.append(Setting(key, shown(value), default, doc))
    return found
