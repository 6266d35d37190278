"""A file that this process holds open, wherever it is now: removed, moved, or replaced by another.

What is removed lives until it is closed, and Linux gives it a path as long.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from physent.errors import FolderError
from physent.io.replacing import free_name, replacing

OPEN = Path("/proc/self/fd")


class StillOpen:
    """The identity of a file that was opened under a path."""

    def __init__(self, path: Path):
        self.name, self.identity = path.name, os.stat(path)

    def is_at(self, path: Path) -> bool:
        """Whether the path leads to this very file."""
        with contextlib.suppress(OSError):
            return os.path.samestat(os.stat(path), self.identity)
        return False

    def path(self) -> Path | None:
        """A path that leads to it for as long as it is open; None where the system has none."""
        with contextlib.suppress(OSError):
            return next(filter(self.is_at, OPEN.iterdir()), None)
        return None

    def moved(self) -> Path | None:
        """Its name in the file system now; None if it has none any more."""
        here = self.path()
        if here is None:
            return None
        name = Path(os.readlink(here))
        return name if self.is_at(name) else None


def rescued(opened: StillOpen, folder: Path, save: Callable[[Path], None]) -> Path | None:
    """The folder that has the file now: the one that it was moved to, or a new one beside its own
    with a copy; `save` puts there what else belongs to it. None where nothing can be saved.
    """
    source, moved = opened.path(), opened.moved()
    if source is None:
        return None
    if moved is not None and moved.name == opened.name:
        with contextlib.suppress(OSError, FolderError):
            save(moved.parent)
            return moved.parent
    for parent in (folder.parent, Path(tempfile.gettempdir())):
        place = free_name(parent / folder.name, "rescued")
        with contextlib.suppress(OSError, FolderError), replacing(place) as beside:
            beside.mkdir()
            shutil.copyfile(source, beside / opened.name)
            save(beside)
            return place
    return None
