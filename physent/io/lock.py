"""One process at a time: an advisory file lock, released when the process ends, however it ends."""

import os
from pathlib import Path
from typing import IO

from physent.errors import Locked

try:
    import fcntl
except ImportError:  # not a POSIX system: nothing to lock with
    fcntl = None


def lock(path: Path) -> IO:
    """Lock a file, created if need be, until the result is closed. Raises Locked; OSError where it
    cannot be written, or is a link, which may lead to a file of somebody else.
    """

    def opener(name: str, flags: int) -> int:
        return os.open(name, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)

    file = open(path, "a", opener=opener)  # noqa: SIM115 - held open on purpose
    if fcntl is not None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            raise Locked(path) from None
    return file
