"""One process at a time: an advisory file lock, released when the process ends, however it ends."""

from pathlib import Path
from typing import IO

from physent.errors import Locked

try:
    import fcntl
except ImportError:  # not a POSIX system: nothing to lock with
    fcntl = None


def lock(path: Path) -> IO:
    """Lock a file, created if need be, until the result is closed. Raises Locked."""
    file = open(path, "a")  # noqa: SIM115 - held open on purpose
    if fcntl is not None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            raise Locked(path) from None
    return file
