"""The live report of a run: written again whenever the run has saved more, until it ends."""

import contextlib
import math
import time
from collections.abc import Callable
from pathlib import Path

from physent.engine.interrupts import raised
from physent.errors import FolderError
from physent.io.folder import CHECKPOINT, is_running
from physent.report.files import check_target, opened, place_of, readable, save, target_of
from physent.report.page import page

EVERY = 5.0  # seconds between two pages
SHARE = 4  # a page may take a quarter of the time, so that the run keeps the rest
TRIES = 5  # to read a file that is being written


def follow(
    folder: str | Path,
    output: str | Path | None = None,
    every: float = EVERY,
    tell: Callable[[Path, bool], None] = lambda target, running: None,
) -> Path:
    """Write the report of a run now and after each checkpoint until it ends; returns its path.

    The page loads itself again; the last one does not, nor does the one that an interrupt leaves.
    `tell` is called with the page and whether the run goes on. Raises FolderError as `write` does.
    """
    folder = Path(folder)
    target, place = target_of(folder, output), place_of(folder)
    check_target(target)
    wait, seen, last = every, None, None
    try:
        with raised():
            while True:
                running, now = is_running(place), _changed(place)
                if not running or now != seen:
                    started = time.process_time()
                    last = _page(folder, place, math.ceil(wait) if running else None)
                    save(target, last)
                    seen, wait = now, max(every, SHARE * (time.process_time() - started))
                    tell(target, running)
                if not running:
                    return target
                _sleep(wait, place)
    except KeyboardInterrupt:
        with contextlib.suppress(FolderError):
            if last is not None:  # nobody writes it any more
                save(target, _still(last))
        raise


def _sleep(seconds: float, place: Path) -> None:
    """Wait, but only while the run is going."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0 and is_running(place):
        time.sleep(min(left, 1.0))


def _changed(place: Path) -> float:
    with contextlib.suppress(OSError):
        return (place / CHECKPOINT).stat().st_mtime
    return 0.0


def _page(folder: Path, place: Path, refresh: int | None) -> str:
    for attempt in range(TRIES):
        try:
            with opened(folder) as dataset, readable(folder):
                return page(dataset, place, refresh)
        except FolderError:  # caught in the middle of a write
            if attempt == TRIES - 1 or refresh is None:
                raise
            time.sleep(0.2)
    raise AssertionError


def _still(text: str) -> str:
    """A page without the lines that make it reload."""
    return "".join(
        line
        for line in text.splitlines(keepends=True)
        if "loads itself again" not in line and ('http-equiv="refresh"' not in line)
    )
