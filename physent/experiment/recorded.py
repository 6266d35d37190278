"""The experiment recorded in the file of a run: as data, as leaves by dotted key, as text."""

import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

from physent.protocol.registry import current_kinds

RANGES = ("linspace", "geomspace")


def experiment_of(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The resolved experiment in the attributes of a run, with current kind names; empty if there
    is none.
    """
    try:
        return current_kinds(tomllib.loads(str(attributes.get("experiment", ""))))
    except tomllib.TOMLDecodeError:
        return {}


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


def shown(value: Any) -> str:
    """A value for display: as in TOML, with long lists cut."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {shown(part)}" for key, part in value.items()) + " }"
    if isinstance(value, list | tuple):
        parts = [shown(part) for part in value[:6]] + (
            [f"... {len(value)} values"] if len(value) > 6 else []
        )
        return "[" + ", ".join(parts) + "]"
    return str(value)


def short_names(keys: Sequence[str]) -> dict[str, str]:
    """Each dotted key by its last part, or in full where two end alike."""
    last = [key.rpartition(".")[2] for key in keys]
    return {
        key: name if last.count(name) == 1 else key.replace(".", "_")
        for key, name in zip(keys, last, strict=True)
    }
