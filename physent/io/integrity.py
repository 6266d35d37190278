"""Whether a run folder is as it was written: its files against the digests it holds of them."""

import contextlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from physent.engine.cadence import Cadence
from physent.errors import FolderError
from physent.io import checkpoint
from physent.io.digests import (
    SEAL,
    SUM,
    Values,
    attributes_of,
    differing,
    read_values,
    structure_of,
    unsealed,
)
from physent.io.folder import (
    CHECKPOINT,
    EXPERIMENT,
    LOG,
    RUN,
    check_idle,
    is_running,
    read_header,
)
from physent.io.netcdf import holds
from physent.io.replacing import reason
from physent.io.sources import changed_copies
from physent.protocol import hdf5
from physent.protocol.given import GIVEN

WAIT = 0.3  # seconds until a reader beside a writer tries again


def check(folder: Path) -> None:
    """Raise FolderError, in one sentence, where the rows, attributes or structure of a run are not
    as they were written. A folder without digests, as earlier versions wrote it, passes.
    """
    if found := _again(folder, lambda: list(_of_run(folder))):
        raise FolderError(f"{found[0]}; physent verify {folder} looks at all of it")


def differences(folder: Path) -> list[str]:
    """All that is not as it was written, a sentence each; empty where all holds."""
    return _again(folder, lambda: [*_missing(folder), *_others(folder), *_of_run(folder)])


def vouched_values(path: Path, header: dict[str, Any], cadence: Cadence) -> Values | str:
    """The running digests of the rows that a folder's checkpoint confirms; in words what is wrong
    where its file does not hold them as they were written.

    Raises FolderError where it cannot be read at all, or another process writes it.
    """
    check_idle(path)
    rows = 1 + header["rows"]
    try:
        with open(path / RUN, "rb"):
            pass
        if "values" not in header and not holds(path / RUN, rows, cadence):
            return f"{path / RUN} is damaged"
        with hdf5.opened(path / RUN) as file:
            values = read_values(file, rows, cadence.rows_per_snapshot)[0]
            found = differing(header, values.digests(), structure_of(file))
            return f"{path / RUN} is damaged ({found[0]})" if found else values
    except OSError as error:
        if error.errno is not None and error.errno > 0:  # netCDF's own codes are negative
            raise FolderError(f"{path / RUN}: cannot be read: {error.strerror}") from None
        words = reason(error)
    except (RuntimeError, ValueError, KeyError) as error:
        words = reason(error)
    return f"{path / RUN} is damaged ({words})"


def has_digests(folder: Path) -> bool:
    """Whether a run is of a version that keeps digests."""
    try:
        return (folder / SUM).exists() or "values" in read_header(folder)
    except FolderError:
        return True


def _again(folder: Path, look: Any) -> list[str]:
    """What is found; again where a process is writing, which may have been in the middle of it."""
    found = look()
    if found and is_running(folder):
        time.sleep(WAIT)
        found = look()
    return found


def _missing(folder: Path) -> Iterator[str]:
    names = [RUN, EXPERIMENT, CHECKPOINT, LOG] + [SUM] * has_digests(folder)
    names += [GIVEN] * (f'"{GIVEN}"' in (_experiment_in(folder / RUN) or ""))
    yield from (f"{folder / name} is missing" for name in names if not (folder / name).is_file())


def _others(folder: Path) -> Iterator[str]:
    """The files beside run.nc: states by the digest of their leaves, data by their own, and the
    experiment by what run.nc says of it.
    """
    for path in sorted(folder.glob("*.eqx")):
        try:
            if path.name == CHECKPOINT:
                yield from changed_copies(folder, read_header(folder))
            checkpoint.check(path)
        except FolderError as error:
            yield str(error)
        except (OSError, ValueError) as error:
            yield f"{path} is damaged: {reason(error)}"
    for path in sorted(folder.glob("*.nc")):
        if path.name != RUN:
            yield from _of_dataset(path)
    recorded = _experiment_in(folder / RUN)
    try:
        text = (folder / EXPERIMENT).read_bytes().decode("utf-8", "replace")
    except OSError:
        return
    if recorded is not None and text != recorded:
        lines = [line for line in text.splitlines() if line not in recorded.splitlines()]
        words = f" ({lines[0][:80]!r})" if lines else ""
        yield f"{folder / EXPERIMENT} is not the experiment that {RUN} was written by{words}"


def _experiment_in(path: Path) -> str | None:
    try:
        with hdf5.opened(path) as file:
            return str(file.getncattr("experiment"))
    except (OSError, RuntimeError, AttributeError, UnicodeDecodeError):
        return None


def check_dataset(path: Path) -> None:
    """Raise FolderError where a sealed file is not as it was written."""
    for words in _of_dataset(path):
        raise FolderError(words)


def _of_dataset(path: Path) -> Iterator[str]:
    try:
        with hdf5.opened(path) as file:
            known = file.getncattr(SEAL) if SEAL in file.ncattrs() else None
            if known is not None and known != structure_of(file, of_run=False):
                yield f"{path} is damaged: its content is not as it was written"
            elif known is None and any(_like_a_seal(name) for name in file.ncattrs()):
                yield f"{path} is damaged: its digest has gone"
    except (OSError, RuntimeError, ValueError, KeyError, AttributeError) as error:
        yield f"{path} is damaged: it cannot be read ({reason(error)})"


def _like_a_seal(name: str) -> bool:
    """Whether a name is that of the seal but for one letter."""
    return len(name) == len(SEAL) and sum(a != b for a, b in zip(name, SEAL, strict=True)) == 1


def _sums(folder: Path) -> tuple[dict[str, Any] | None, str | None]:
    """The content of run.sum, if there is one, or what is wrong with it."""
    path = folder / SUM
    if not path.is_file():
        return None, None
    try:
        found = unsealed(json.loads(path.read_text(encoding="utf-8")))
        if type(found["rows"]) is not int or not isinstance(found["values"], dict):
            raise ValueError("it has no rows")
        return found, None
    except (OSError, ValueError, KeyError, RecursionError) as error:
        return None, f"{path} is damaged: {reason(error)}"


def _of_run(folder: Path) -> Iterator[str]:
    """What of run.nc is not as run.sum and the checkpoint say, each of the rows that it knows."""
    known: list[dict[str, Any]] = []
    sums, words = _sums(folder)
    if words:
        yield words
    # a damaged one is said by `_others`, and by whoever goes on from it
    with contextlib.suppress(OSError, ValueError):
        header = checkpoint.read_header(folder / CHECKPOINT)
        if "values" in header:
            known.append(header)
    if sums is not None:
        known.append(sums)
        behind = bool(known[1:]) and known[0]["rows"] < sums["rows"]
        if behind:
            yield f"{folder / CHECKPOINT} is of row {known[0]['rows']}, {SUM} of {sums['rows']}"
    if not known or not (folder / RUN).is_file():
        return
    known.sort(key=lambda each: each["rows"])
    early, last = known[0], known[-1]
    try:
        with hdf5.opened(folder / RUN) as file:
            per_snapshot = int(getattr(file, "rows_per_snapshot", 1))
            structure = structure_of(file)
            if found := differing({"structure": last["structure"]}, {}, structure):
                yield f"{folder / RUN} is damaged: {found[0]}"
                return
            if sums is not None and attributes_of(file) not in sums["attributes"]:
                yield (
                    f"{folder / RUN} is damaged: its attributes (status, message, wall times, "
                    "experiment, ...) are not as they were written"
                )
            rows, before = 1 + last["rows"], 1 + early["rows"]
            values, first = read_values(file, rows, per_snapshot, before)
            found = differing(last, values.digests(), structure)
            found = found or differing(early, first, structure)
            yield from (f"{folder / RUN} is damaged: {words}" for words in found)
    except (OSError, RuntimeError, ValueError, KeyError, AttributeError, TypeError) as error:
        yield f"{folder / RUN} is damaged: {reason(error)}"
