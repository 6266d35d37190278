"""A hash of what decides the rows of an experiment, which ties a checkpoint to it."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from physent.protocol.moved import NEW_KEYS, former_kind, with_kinds, without_new_keys

FREE = ("t_end", "devices", "until")  # keys of [run] that a resumed run may change


def fingerprint(experiment: Any) -> str:
    """A hash of everything in an experiment that affects its rows, so not its end time or number of
    devices.
    """
    return _hash(experiment.resolved)


def belongs(header: dict[str, Any], experiment: Any) -> bool:
    """Whether a checkpoint belongs to this experiment, even if its kinds had other names when it
    was written, or it had fewer keys.
    """
    return header["experiment"] in fingerprints(experiment)


def fingerprints(experiment: Any) -> tuple[str, ...]:
    """The fingerprint of an experiment, and its fingerprint under the former names of its kinds;
    and both without the keys that are new since then.
    """
    now = experiment.resolved
    return tuple(
        _hash(table)
        for keys in (now, without_new_keys(now))
        for names in (keys, with_kinds(keys, former_kind))
        for table in (names, with_plain_start(names))
    )


def as_begun(header: dict[str, Any], experiment: Any) -> Any:
    """The experiment with diagnostics as they were when its checkpoint was written, without what
    new keys have added since.
    """
    if header["experiment"] in fingerprints(experiment)[:4]:
        return experiment
    kinds = [table["kind"] for table in experiment.resolved["diagnostics"]]
    diagnostics = [
        dataclasses.replace(diagnostic, **NEW_KEYS.get(kind, {}))
        for kind, diagnostic in zip(kinds, experiment.diagnostics, strict=True)
    ]
    resolved = without_new_keys(experiment.resolved)
    return dataclasses.replace(experiment, diagnostics=diagnostics, resolved=resolved, program=None)


def with_plain_start(experiment: Mapping[str, Any]) -> dict[str, Any]:
    """The data of an experiment with the start of active matter as the name that it was."""
    data = dict(experiment)
    start = data.get("solver", {}).get("initial")
    if data.get("solver", {}).get("kind") == "active_matter" and list(start or ()) == ["kind"]:
        data["solver"] = dict(data["solver"]) | {"initial": start["kind"]}
    return data


def decisive(data: Mapping[str, Any]) -> dict[str, Any]:
    """The data of an experiment that decide its rows: without the keys of [run] that are FREE, and
    with values from a file as what they are, wherever it is.
    """
    run = {key: value for key, value in data.get("run", {}).items() if key not in FREE}
    return _by_digest(dict(data) | {"run": run})


def _by_digest(data: Any) -> Any:
    if isinstance(data, dict):
        if {"file", "digest"} <= set(data):
            return {"digest": data["digest"]}
        return {key: _by_digest(value) for key, value in data.items()}
    return [_by_digest(value) for value in data] if isinstance(data, list) else data


def _hash(resolved: dict[str, Any]) -> str:
    given = {
        key: value for key, value in resolved.items() if value != []
    }  # TOML has no empty diagnostics
    given.pop("score", None)  # what is learned from the rows does not decide them
    words = json.dumps(decisive(given), sort_keys=True, default=repr)
    return hashlib.sha256(words.encode()).hexdigest()
