"""The experiment recorded in the file of a run: as data, as leaves by dotted key, as text."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from physent.errors import shortened
from physent.experiment.toml_lines import loads
from physent.protocol.registry import current_kinds

RANGES = ("linspace", "geomspace")
_TABLES = ("solver", "run", "output", "sweep", "score")


def experiment_of(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The resolved experiment in the attributes of a run, with current kind names; empty if there
    is none.
    """
    try:
        return read(str(attributes.get("experiment", "")))
    except ValueError:
        return {}


def read(text: str) -> dict[str, Any]:
    """The data of a recorded experiment, with current kind names. Raises ValueError for a text that
    no experiment is written as: anybody may have written the file.
    """
    data = loads(text)
    tables = [data[name] for name in _TABLES if name in data]
    entries = data.get("diagnostics", [])
    tables += entries if isinstance(entries, list) else [entries]
    if not all(isinstance(table, dict) for table in tables):
        raise ValueError("it is not an experiment")
    return current_kinds(data)


def flattened(data: Any, prefix: str = "") -> dict[str, Any]:
    """The leaves of nested tables by dotted key; ranges over members and lists of numbers are
    leaves.
    """
    if isinstance(data, Mapping) and not is_range(data):
        parts = data.items()
    elif isinstance(data, list) and data and isinstance(data[0], Mapping):
        parts = enumerate(data)
    else:
        return {prefix: data}
    inside = (flattened(part, f"{prefix}.{name}".lstrip(".")) for name, part in parts)
    return {key: leaf for leaves in inside for key, leaf in leaves.items()}


def is_range(data: Mapping[str, Any]) -> bool:
    """Whether a table is a range over members, {linspace = [a, b]}."""
    return len(data) == 1 and next(iter(data)) in RANGES


def per_member(attributes: Mapping[str, Any], members: int) -> list[tuple[str, np.ndarray]]:
    """The parameters with a value per member, with these values."""
    found = []
    for key, value in flattened(experiment_of(attributes).get("solver", {})).items():
        if isinstance(value, Mapping):
            name, ends = next(iter(value.items()))
            if _are_numbers(ends) and len(ends) == 2:
                found.append((key, getattr(np, name)(*ends, members)))
        elif _are_numbers(value) and len(value) == members > 1:
            found.append((key, np.asarray(value, dtype=float)))
    return found


def _are_numbers(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, int | float) for each in value)


def shown(value: Any) -> str:
    """A value for display: as in TOML, with long lists cut."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        single = np.float32(value)  # what was computed in single precision is printed as given
        return f"{float(str(single)) if float(single) == value else value:.10g}"
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {shown(part)}" for key, part in value.items()) + " }"
    if isinstance(value, list | tuple):
        parts = [shown(part) for part in value[:6]] + (
            [f"... {len(value)} values"] if len(value) > 6 else []
        )
        return "[" + ", ".join(parts) + "]"
    return shortened(str(value), 400)


def short_names(keys: Sequence[str]) -> dict[str, str]:
    """Each dotted key by its last part, or in full where two end alike."""
    last = [key.rpartition(".")[2] for key in keys]
    return {
        key: name if last.count(name) == 1 else key.replace(".", "_")
        for key, name in zip(keys, last, strict=True)
    }
