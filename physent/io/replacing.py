"""Atomic writing (write a temporary path, then rename): a reader sees the old file or the new
one.
"""

import contextlib
import functools
import hashlib
import itertools
import os
import platform
import re
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

from physent.errors import FolderError, RunError

LEFT = r"\.[0-9a-f]{6}-\d+-\d+\..+"  # a temporary name, left by a killed process


@contextlib.contextmanager
def replacing(path: Path, beside: Path | None = None) -> Iterator[Path]:
    """A context manager that yields a temporary path in the same folder, for a file or a folder. It
    replaces `path` at the end, or is removed if an exception is raised. A folder replaces none but
    an empty one.

    The other path ends as `path` does, for those who go by endings, and differs from thread to
    thread; `beside` is another one, for what has one writer only. What killed processes left of
    earlier attempts is removed.
    """
    if beside is None:
        beside = path.with_name(f".{_here()}-{os.getpid()}-{threading.get_ident()}.{path.name}")
        _clean(path)
    remove(beside)
    try:
        yield beside
        for part in [*beside.rglob("*"), beside] if beside.is_dir() else [beside]:
            to_disk(part)  # else a power cut could leave the new name with nothing under it
        os.replace(beside, path)
        to_disk(path.parent)
    except BaseException:
        with contextlib.suppress(OSError):
            remove(beside)
        raise


@functools.cache
def _here() -> str:
    """Where the numbers of processes are those that we know: this machine and this container."""
    names = [platform.node()]
    with contextlib.suppress(OSError):
        names.append(os.readlink("/proc/self/ns/pid"))
    return hashlib.sha256(" ".join(names).encode()).hexdigest()[:6]


def _clean(path: Path) -> None:
    """Remove what processes that are no more have left beside a path."""
    left = re.compile(rf"\.{_here()}-(\d+)-\d+\.{re.escape(path.name)}")
    with contextlib.suppress(OSError):
        for other in path.parent.iterdir():
            found = left.fullmatch(other.name)
            if found and not _lives(int(found[1])):
                remove(other)


def _lives(process: int) -> bool:
    """Whether there is such a process; true where nobody can say."""
    if os.name != "posix":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def to_disk(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk, where the system can say so."""
    try:
        number = os.open(path, os.O_RDONLY)
    except PermissionError:  # a folder, on a system that opens none
        return
    try:
        with contextlib.suppress(OSError) if path.is_dir() else contextlib.nullcontext():
            os.fsync(number)
    finally:
        os.close(number)


@contextlib.contextmanager
def writing(path: Path) -> Iterator[Path]:
    """Like `replacing`; raises FolderError, with the reason, if that is not possible."""
    try:
        with replacing(path) as beside:
            yield beside
    except (OSError, RuntimeError, RunError) as error:  # RuntimeError: what HDF5 cannot write
        raise FolderError(f"{path}: cannot be written: {reason(error)}") from None


def reason(error: Exception) -> str:
    """Why something could not be read or written, without the path."""
    return getattr(error, "strerror", None) or str(error)


def remove(path: Path) -> None:
    """Remove a file, or a folder with all that is in it, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def free_name(path: Path, sort: str = "damaged") -> Path:
    """A name beside a folder that is not taken, for what was damaged or another sort of it."""
    names = (path.with_name(f"{path.name}.{sort}{number or ''}") for number in itertools.count())
    return next(name for name in names if not name.exists())
