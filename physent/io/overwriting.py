"""The names of physent's own files in a folder, and what may be overwritten: a run, with nothing
else beside it.
"""

import contextlib
import re
from pathlib import Path

from physent.errors import FolderError, brief
from physent.io.replacing import LEFT
from physent.protocol.sources import is_whole_copy

RUN, EXPERIMENT, CHECKPOINT, LOG = "run.nc", "experiment.toml", "checkpoint.eqx", "run.log"
SOURCE, SUMMARY = "source", "summary.nc"  # the latter of a sweep
REPORT, MARK = "report.html", b'<meta name="generator" content="physent report">'
OWN = re.compile(
    r"run\.(nc|log|sum)|given\.nc|experiment\.toml|(score\.)?checkpoint\.eqx(\.new)?|score\.(eqx|nc|log)|"
    rf"{LEFT}"
)


def check_run(folder: Path) -> None:
    """Raise FolderError for a folder that is no run, and not empty, or holds anything else."""
    there = sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else [folder.name]
    if there and not (CHECKPOINT in there or _is_ours(folder / RUN)):
        raise FolderError(f"{folder} is not a run folder; it is not overwritten")
    own = [OWN.fullmatch(name) or _is_ours_by_content(folder / name) for name in there]
    check_nothing(folder, [name for name, ours in zip(there, own, strict=True) if not ours])


def check_nothing(folder: Path, strange: list[str]) -> None:
    """Raise FolderError if there are strange files in a folder that is to be overwritten."""
    if strange:
        raise FolderError(
            f"{folder}: {brief(', '.join(strange))} is of no run, and nothing is overwritten: "
            "move it away, or choose another --output"
        )


def is_page(file: Path) -> bool:
    """Whether a file is a report of physent."""
    with contextlib.suppress(OSError), open(file, "rb") as page:
        return MARK in page.read(4096)
    return False


def _is_ours_by_content(path: Path) -> bool:
    """Whether something in a run folder is a report, or a folder of copies of sources."""
    if path.name == SOURCE and path.is_dir():
        return all(re.fullmatch(LEFT, each.name) or is_whole_copy(each) for each in path.iterdir())
    return path.name == REPORT and is_page(path)


def _is_ours(file: Path) -> bool:
    """Whether a file is that of a run."""
    from physent.protocol.hdf5 import opened  # with xarray, which to check a run does without

    try:
        with opened(file) as stored:
            return "experiment" in stored.ncattrs()
    except (OSError, RuntimeError):
        return False
