"""A table of the runs in a folder; it reads only attributes, so thousands of runs take seconds."""

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from physent.errors import FolderError, shortened
from physent.experiment.recorded import flattened, read, shown
from physent.io.folder import RUN, is_running
from physent.protocol import hdf5

MOST_PARAMETERS = 6


@dataclass(frozen=True)
class Entry:
    """One run as described by its file; `settings` are the leaves of its experiment by dotted
    key.
    """

    path: Path
    state: str
    kind: str
    settings: dict[str, Any]
    rows: int
    size: int
    modified: float


def entries(folder: Path) -> list[Entry]:
    """Every run below a folder, newest first. Raises FolderError if there is no such folder."""
    if not folder.is_dir():
        raise FolderError(f"{folder} is not a folder")
    try:
        return sorted(map(_entry, _runs(folder)), key=lambda entry: -entry.modified)
    except PermissionError as error:
        raise FolderError(f"{error.filename}: cannot be read: {error.strerror}") from None


def _runs(folder: Path) -> Iterable[Path]:
    for root, folders, files in os.walk(folder):
        if RUN in files:
            folders.clear()  # there are no runs in a run
            yield Path(root)
        folders[:] = [name for name in folders if not name.startswith(".")]


def _entry(path: Path) -> Entry:
    status = (path / RUN).stat()
    experiment, rows = {}, 0
    try:
        with hdf5.opened(path / RUN) as file:
            attributes = {
                name: str(file.getncattr(name))
                for name in ("status", "experiment")
                if name in file.ncattrs()
            }
            rows = len(file.dimensions["t"]) if "t" in file.dimensions else 0
        experiment = read(attributes.get("experiment", ""))
        state = shortened(attributes.get("status", "?"))
        if state == "running" and not is_running(path):
            state = "killed"
    except (OSError, RuntimeError):
        state = "running" if is_running(path) else "damaged"
    except (ValueError, KeyError, AttributeError, TypeError):  # of another program's attributes
        state = "unreadable"
    kind = shortened(str(experiment.get("solver", {}).get("kind", "?")).rpartition("/")[2])
    return Entry(path, state, kind, _settings(experiment), rows, status.st_size, status.st_mtime)


def _settings(experiment: dict[str, Any]) -> dict[str, Any]:
    return flattened({key: experiment[key] for key in ("solver", "run") if key in experiment})


def differing(found: list[Entry]) -> dict[Path, str]:
    """For each run, in words, the parameters that differ among the runs of its kind."""
    words = {}
    for kind in {entry.kind for entry in found}:
        alike = [entry for entry in found if entry.kind == kind and entry.settings]
        keys = dict.fromkeys(key for entry in alike for key in entry.settings)
        keys = [key for key in keys if len({repr(entry.settings.get(key)) for entry in alike}) > 1]
        for entry in alike:
            parts = [
                f"{_short(key)}={shown(entry.settings[key])}"
                for key in keys
                if key in entry.settings
            ]
            more = (
                f" and {len(parts) - MOST_PARAMETERS} more" if len(parts) > MOST_PARAMETERS else ""
            )
            words[entry.path] = " ".join(parts[:MOST_PARAMETERS]) + more
    return words


def _short(key: str) -> str:
    return key.removeprefix("solver.").removeprefix("run.")


def age(seconds: float) -> str:
    """A time span in its largest unit."""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def size(count: float) -> str:
    """Bytes in their largest unit."""
    for unit, length in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= length:
            return f"{count / length:.3g} {unit}"
    return f"{count:.0f} B"


def rows(folder: Path) -> list[tuple[str, ...]]:
    """The table: run, state, kind, parameters that differ, rows, size and age."""
    return rows_of(entries(folder), folder)


def rows_of(found: list[Entry], folder: Path) -> list[tuple[str, ...]]:
    """The same table, of runs that were found in a folder."""
    now = time.time()
    words = differing(found)
    return [
        (
            str(entry.path.relative_to(folder)),
            entry.state,
            entry.kind,
            words.get(entry.path, ""),
            str(entry.rows),
            size(entry.size),
            age(now - entry.modified),
        )
        for entry in found
    ]
