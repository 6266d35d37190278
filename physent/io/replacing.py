"""Atomic writing (write a temporary path, then rename): a reader sees the old file or the new
one.
"""

import contextlib
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

from physent.errors import FolderError, RunError


@contextlib.contextmanager
def replacing(path: Path, beside: Path | None = None) -> Iterator[Path]:
    """A context manager that yields a temporary path in the same folder, for a file or a folder. It
    replaces `path` at the end, or is removed if an exception is raised.

    The other path ends as `path` does, for those who go by endings, and differs from thread to
    thread; `beside` is another one, for what has one writer only.
    """
    if beside is None:
        beside = path.with_name(f".{os.getpid()}.{threading.get_ident()}.{path.name}")
    _remove(beside)  # left by a process that was killed
    try:
        yield beside
        if beside.is_dir():
            _remove(path)
        os.replace(beside, path)
    except BaseException:
        with contextlib.suppress(OSError):
            _remove(beside)
        raise


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


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
