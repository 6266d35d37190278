"""Paths of runs to read and pages to write, with a one-sentence message for every error."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import xarray as xr

from physent.errors import FolderError, OptionError, path_of, printable, shortened
from physent.io.folder import RUN, open_run
from physent.io.integrity import check
from physent.io.overwriting import MARK, REPORT
from physent.io.replacing import writing


def place_of(path: Path) -> Path:
    """The folder of a run, given as its folder or its file."""
    return path if path.is_dir() else path.parent


def target_of(folder: Path, output: str | Path | None) -> Path:
    """The output file for the page of a run."""
    return place_of(folder) / REPORT if output is None else path_of("output", output)


def opened(path: Path) -> xr.Dataset:
    """Open the run at a path. Raises FolderError with one sentence if it cannot be read, or is not
    as it was written.
    """
    if path.is_dir() or path.name == RUN:
        check(place_of(path))
    with readable(path):
        return open_run(path)


@contextlib.contextmanager
def readable(place: str | Path) -> Iterator[None]:
    """A context manager for reading what another program may have written: whatever goes wrong is a
    FolderError with one sentence.
    """
    try:
        yield
    except (FolderError, OptionError):
        raise
    except Exception as error:
        words = getattr(error, "strerror", None) or _reason(error)
        raise FolderError(f"{place}: cannot be read: {words}") from error


def _reason(error: Exception) -> str:
    if isinstance(error, ValueError) and "IO backends" in str(error):
        return "not a NetCDF file, or another program is writing it"
    words = " ".join(str(error).split())
    return shortened(printable(f"{type(error).__name__}: {words}"), 300)


def check_parent(target: Path) -> None:
    """Raise FolderError if the folder of a file does not exist."""
    if not target.parent.is_dir():
        raise FolderError(f"{target}: cannot be written: there is no folder {target.parent}")


def check_target(target: Path) -> None:
    """Raise FolderError if the page cannot be written, or would overwrite a file that is not a
    report.
    """
    if target.is_dir():
        raise FolderError(f"{target} is a folder: name a file, as in --output {target / REPORT}")
    check_parent(target)
    try:
        with open(target, "rb") as file:
            ours = MARK in file.read(4096)
    except FileNotFoundError:
        return
    except OSError as error:
        raise FolderError(f"{target}: cannot be written: {error.strerror}") from None
    if not ours:
        raise FolderError(f"{target} exists and is not a report: choose another --output")


def save(target: Path, text: str) -> Path:
    """Write a page and return its path. Raises FolderError if it cannot be written."""
    with writing(target) as beside:
        beside.write_text(text, encoding="utf-8")
    return target
