"""SHA-256 of what a run stores: of its values row by row, of the structure of its file, of records.

A digest of values is of the bytes that the file gives back, in time order, so that it does not
depend on how rows came in chunks, and one of the first rows stays true when more of them follow.
"""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from physent.io.replacing import writing
from physent.protocol.variables import rows_between

SUM = "run.sum"
SEAL = "sha256"
# attributes of a run's file that are not the same all its life
CHANGING = (
    "status",
    "message",
    "not_finite",
    "until",
    "invariants",
    "experiment",
    "devices",
    "processes",
    "wall_time",
    "wall_time_solver",
    "wall_time_diagnostics",
    "wall_time_compilation",
)
READ_BYTES = 2**24


def digest_of(data: Any) -> str:
    """The digest of plain data, however its tables are ordered."""
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


def sealed(record: dict[str, Any]) -> dict[str, Any]:
    """A record with the digest of its own content."""
    return record | {SEAL: digest_of(record)}


def unsealed(record: Any) -> dict[str, Any]:
    """The content of a sealed record. Raises ValueError where it is not what was sealed."""
    if not isinstance(record, dict) or SEAL not in record:
        raise ValueError("it has no digest")
    content = {key: value for key, value in record.items() if key != SEAL}
    if record[SEAL] != digest_of(content):
        raise ValueError("it is not as it was written: its digest is another")
    return content


def write_sums(folder: Path, sums: dict[str, Any], *attributes: str) -> None:
    """Write run.sum: digests of the rows that are committed, and of attributes, one of which the
    file has.
    """
    record = sealed(sums | {"attributes": sorted(set(attributes))})
    with writing(folder / SUM) as beside:
        beside.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


class Values:
    """Running digests of the values of each variable, from its first row on."""

    def __init__(self):
        self._running: dict[str, Any] = {}

    def add(self, name: str, values: np.ndarray) -> None:
        """Take the next rows of a variable."""
        running = self._running.setdefault(name, hashlib.sha256())
        ordered = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<"))
        if ordered.size:
            running.update(ordered.data)

    def digests(self) -> dict[str, str]:
        """The digest of each variable so far."""
        return {name: running.hexdigest() for name, running in self._running.items()}


def over_time(file: Any) -> Iterable[Any]:
    """The variables of a run's file that have rows."""
    return (v for v in file.variables.values() if v.dimensions and rows_between(v.dimensions[0]))


def rows_of(variable: Any, rows: int, per_snapshot: int) -> int:
    """How many of its own rows a variable has when a run has `rows`."""
    return 1 + (rows - 1) // (rows_between(variable.dimensions[0], per_snapshot) or 1)


def read_values(
    file: Any, rows: int, per_snapshot: int, before: int | None = None
) -> tuple[Values, dict[str, str]]:
    """Read the first `rows` rows of every variable of an open file, and return their digests with
    those of the first `before` rows. At a time READ_BYTES are read, or one row.

    Raises ValueError for a variable with fewer rows, or that cannot be read.
    """
    values, early = Values(), Values()
    file.set_auto_maskandscale(False)
    for variable in over_time(file):
        name, row = variable.name, int(np.prod(variable.shape[1:])) * variable.dtype.itemsize
        wanted, first = rows_of(variable, rows, per_snapshot), 0
        cut = 0 if before is None else min(wanted, rows_of(variable, before, per_snapshot))
        if len(variable) < wanted:
            raise ValueError(f"{name} has {len(variable)} rows of {wanted}")
        while first < wanted:
            end = min(first + max(1, READ_BYTES // max(1, row)), wanted)
            end = min(end, cut) if first < cut else end
            try:
                read = variable[first:end]
            except (OSError, RuntimeError, IndexError) as error:
                span = f"row {first}" if end == first + 1 else f"rows {first} to {end - 1}"
                raise ValueError(f"{name} cannot be read at {span} ({error})") from None
            values.add(name, read)
            if end <= cut:
                early.add(name, read)
            first = end
    return values, early.digests()


def differing(sums: dict[str, Any], values: dict[str, str], structure: str) -> list[str]:
    """In words, what of a file is not as its sums say."""
    known = sums.get("values", {})
    found = []
    if sums.get("structure", structure) != structure:
        found.append("its dimensions, variables or attributes are not as they were written")
    changed = [name for name in values if known.get(name, values[name]) != values[name]]
    if changed:
        found.append(f"values of {', '.join(sorted(changed))} are not as they were written")
    return found


def structure_of(file: Any, of_run: bool = True) -> str:
    """The digest of what does not change in an open file: dimensions, variables with their
    attributes, values of those without rows, attributes of the file but for the CHANGING ones; of
    a file that is no run's, everything.
    """
    growing = {name for name in file.dimensions if of_run and rows_between(name)}
    file.set_auto_maskandscale(False)
    variables = {
        name: [
            str(variable.dtype),
            list(variable.dimensions),
            _attributes(variable),
            None if set(variable.dimensions[:1]) & growing else _content(variable[...]),
        ]
        for name, variable in file.variables.items()
    }
    sizes = {
        name: None if dimension.isunlimited() else len(dimension)
        for name, dimension in file.dimensions.items()
    }
    kept = {
        name: value
        for name, value in _attributes(file).items()
        if name != SEAL and not (of_run and name in CHANGING)
    }
    return digest_of([sizes, variables, kept, list(file.groups)])


def attributes_of(file: Any, **changed: Any) -> str:
    """The digest of the CHANGING attributes of an open file, as they will be when some are
    `changed`; None is one that is not there.
    """
    there = {name: value for name, value in _attributes(file).items() if name in CHANGING}
    after = there | {name: _plain(value) for name, value in changed.items()}
    return digest_of({name: value for name, value in after.items() if value is not None})


def _attributes(stored: Any) -> dict[str, Any]:
    return {name: _plain(stored.getncattr(name)) for name in stored.ncattrs()}


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def _content(values: Any) -> str:
    values = np.asarray(values)
    if values.dtype.kind not in "biufc":
        return digest_of(values.tolist())
    values = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<"))
    return hashlib.sha256(values.tobytes()).hexdigest()
