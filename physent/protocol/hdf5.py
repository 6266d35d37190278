"""One lock round every call into HDF5 and netCDF-C, which know no threads: opening and closing,
too.

It takes the lock of xarray's netCDF4 backend and lets its holder in again, so that threads that run
with physent, and threads that read with xarray, take turns. What opens a file goes through here.
xarray itself takes its lock to read, but not all the while that it opens a file (its issue 9779),
which one thread beside ours is enough to crash by: so it is made to, for the whole process.
"""

import contextlib
import errno
import functools
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import netCDF4
import xarray as xr
from xarray.backends import NetCDF4BackendEntrypoint, NetCDF4DataStore
from xarray.backends.netCDF4_ import NETCDF4_PYTHON_LOCK

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S")
THEIRS: Any = NETCDF4_PYTHON_LOCK  # its type says nothing of its methods


class _Lock:
    """xarray's lock, for a thread that may hold it already; one a process, also when pickled."""

    def __init__(self) -> None:
        self._ours = threading.RLock()
        self._depth = 0

    def acquire(self, blocking: bool = True) -> bool:
        """Whether the lock is held now."""
        if not self._ours.acquire(blocking):
            return False
        if self._depth == 0:
            try:
                taken = THEIRS.acquire(blocking)
            except BaseException:
                self._ours.release()
                raise
            if taken is False:
                self._ours.release()
                return False
        self._depth += 1
        return True

    def release(self) -> None:
        """Let the others in, once it was released as often as it was acquired."""
        self._depth -= 1
        if self._depth == 0:
            THEIRS.release()
        self._ours.release()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    def locked(self) -> bool:
        """Whether anybody holds it."""
        return self._depth > 0 or THEIRS.locked()

    def __reduce__(self) -> Any:
        return "LOCK"


class _Lent(_Lock):
    """The lock, of somebody else's dataset: one pickled is xarray's, for a process without us."""

    def acquire(self, blocking: bool = True) -> bool:
        return LOCK.acquire(blocking)

    def release(self) -> None:
        LOCK.release()

    def locked(self) -> bool:
        return LOCK.locked()

    def __reduce__(self) -> Any:
        return THEIRS.__reduce_ex__(2)


LOCK = _Lock()


def _opens_alone(name: str) -> None:
    """Make a method of xarray's netCDF4 backend, which opens a file, take the lock."""
    method, lent = getattr(NetCDF4BackendEntrypoint, name), _Lent()

    @functools.wraps(method)  # xarray looks at its signature
    def opens(self: Any, *arguments: Any, lock: Any = None, **options: Any) -> Any:
        with LOCK:
            return method(self, *arguments, lock=lent if lock is None else lock, **options)

    setattr(NetCDF4BackendEntrypoint, name, opens)


for _name in ("open_dataset", "open_groups_as_dict"):
    if hasattr(NetCDF4BackendEntrypoint, _name):
        _opens_alone(_name)

if hasattr(os, "register_at_fork"):  # no fork while a file is half written, in whatever thread
    os.register_at_fork(
        before=LOCK.acquire, after_in_parent=LOCK.release, after_in_child=LOCK.release
    )


def alone(method: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
    """The method, called with the lock held."""

    @functools.wraps(method)
    def called(self: S, *arguments: P.args, **options: P.kwargs) -> R:
        with LOCK:
            return method(self, *arguments, **options)

    return called


def named(path: str | Path) -> str:
    """A path as netCDF-C takes it: it drops blanks before a relative one. Raises OSError for one
    that it takes for another: a backslash is a slash to it, and what is no text cannot be said.
    """
    name = os.path.abspath(path)
    with contextlib.suppress(UnicodeEncodeError):
        if name.encode("utf-8") and not (os.sep == "/" and "\\" in name):
            return name
    words = "netCDF cannot have a backslash, or bytes that are no text, in a path"
    raise OSError(errno.EINVAL, words, name)


@contextlib.contextmanager
def opened(path: str | Path, mode: Any = "r") -> Iterator[netCDF4.Dataset]:
    """A NetCDF file for one look at it, or to write all of it; the others wait meanwhile."""
    with LOCK, netCDF4.Dataset(named(path), mode) as file:
        yield file


def open_dataset(path: str | Path) -> xr.Dataset:
    """`xarray.open_dataset` of a NetCDF file, which reads its data, later, with the lock held."""
    with LOCK:
        return xr.open_dataset(named(path), engine="netcdf4", lock=LOCK)


def save_dataset(dataset: xr.Dataset, path: Path) -> None:
    """Write a dataset to a new NetCDF file."""
    dataset = dataset.compute()  # what dask reads in other threads needs the lock there
    with LOCK, contextlib.closing(NetCDF4DataStore.open(named(path), "w", lock=LOCK)) as store:
        dataset.dump_to_store(store)
