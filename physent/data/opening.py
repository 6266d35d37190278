"""Opens a file of any of the formats that people keep arrays in, as a Dataset that is read later.

NetCDF (classic and 4) and most HDF5 by netCDF4; HDF5 that netCDF4 cannot read (half precision,
Dedalus) by h5netcdf and h5py; zarr by zarr; tables by pandas. The packages that physent does not
depend on are the extra physent[files].
"""

import functools
import importlib.util
import mmap
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import xarray as xr
from xarray.backends import NetCDF4DataStore

from physent.data import dedalus
from physent.data.missing import marked_missing
from physent.data.tables import SUFFIXES, read_table
from physent.errors import FolderError, nearest
from physent.protocol import hdf5

# the properties of a 16-bit IEEE number in the header of an HDF5 dataset: bit offset, precision,
# places and sizes of exponent and mantissa, bias
HALF = bytes([0, 0, 16, 0, 10, 5, 0, 10, 15, 0, 0, 0])
HEADERS = 64 * 2**20  # bytes that are searched for it quickly
ZARR = (".zgroup", ".zarray", ".zmetadata", "zarr.json")


def open_any(path: str | Path, group: str | None = None, time: str | None = None) -> xr.Dataset:
    """The dataset in a file or a zarr store.

    Args:
        path: of the file.
        group: in a file with groups, which; coordinates of the groups around it come with it.
        time: in a table, the column that is time.

    Raises FolderError for what cannot be read, and where a package is missing that would.
    """
    path = Path(path)
    try:
        if not path.exists():
            raise FileNotFoundError(2, "No such file or directory", str(path))
        if path.is_dir() or path.suffix == ".zip":
            return _zarr(path, group)
        start = _first(path)
        if start[1:4] == b"HDF":
            return _hdf5(path, group)
        if group:
            raise FolderError(f"{path}: there is no group {group!r}: such a file has none")
        if path.suffix.lower() in SUFFIXES and not start.startswith(b"CDF"):
            return read_table(path, time)
        return _decoded(xr.open_dataset, path)  # classic: its engine takes the lock, too
    except FolderError:
        raise
    except (OSError, ValueError) as error:
        if "IO backends" not in str(error):
            raise FolderError(f"{path}: cannot be read: {error}") from None
        raise FolderError(
            f"{path}: cannot be read: it is not a NetCDF file. Read arrays with numpy or "
            "pandas and take physent.entropy.entropy(array, axis=-1), or make it one: "
            "xarray.DataArray(array, dims=('time', 'x'), name='u').to_netcdf('u.nc')"
        ) from None


def _first(path: Path) -> bytes:
    with open(path, "rb") as file:
        return file.read(8)


def _needs(path: Path, package: str, what: str) -> None:
    """Raise FolderError unless a package is there."""
    if importlib.util.find_spec(package) is None:
        raise FolderError(
            f"{path}: cannot be read: {what}, for which {package} is needed: pip install {package} "
            "(or physent[files])"
        )


def _decoded(
    opened: Any, *arguments: Any, never_written: bool = True, **options: Any
) -> xr.Dataset:
    """What a function of xarray opens, with times that it cannot decode left as they are; NaN where
    a value is not valid, or, in NetCDF, was `never_written`.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of spans of time, whatever they become
        warnings.simplefilter("ignore", xr.SerializationWarning)
        stored = opened(*arguments, **options, decode_cf=False)
        marked = marked_missing(stored, never_written)
        try:
            decoded = xr.decode_cf(marked)
        except (ValueError, OverflowError) as error:
            if isinstance(error, ValueError) and "decode" not in str(error):
                raise
            decoded = xr.decode_cf(marked, decode_times=False)
        decoded.set_close(stored.close)
        return decoded


def _zarr(path: Path, group: str | None) -> xr.Dataset:
    if path.is_dir() and not any((path / name).exists() for name in ZARR):
        hint = "; its run is run.nc in it" if (path / "run.nc").exists() else ""
        raise FolderError(f"{path}: cannot be read: it is a folder, and no zarr store{hint}")
    _needs(path, "zarr", "it is a zarr store")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of metadata that are not consolidated
        try:
            return _decoded(xr.open_dataset, path, engine="zarr", group=group, never_written=False)
        except KeyError as error:
            words = error.args[0] if error.args else error
            hint = "" if group is None else f" (--group {group}: is there such a group?)"
            raise FolderError(f"{path}: cannot be read: {words} is missing{hint}") from None


def _hdf5(path: Path, group: str | None) -> xr.Dataset:
    if _has_half(path):
        for package in ("h5netcdf", "h5py"):
            _needs(path, package, "it holds numbers in half precision")
        look = importlib.import_module("h5py").File(path, "r")
        with look:
            groups = _contents_by_h5py(look)
        return _grouped(path, group, groups, functools.partial(_by_h5netcdf, path))
    with hdf5.LOCK:
        try:
            file = netCDF4.Dataset(path)  # once: it dies of some files that are open twice
        except AttributeError:  # of dimensions that it does not understand, as those of Dedalus
            file = None
        if file is not None and not dedalus.is_one(file.groups):
            try:
                part, own = functools.partial(_part, file), functools.partial(_own_dims, file)
                return _grouped(path, group, _contents(file), part, own)
            except BaseException:
                file.close()
                raise
        if file is not None:
            file.close()
    _needs(path, "h5py", "it is HDF5 as Dedalus writes it")
    if group:
        raise FolderError(f"{path}: given the group {group!r}, but a file of Dedalus is read whole")
    return dedalus.read(path)


def _contents(file: netCDF4.Dataset) -> dict[str, list[str]]:
    """The names of the arrays of every group."""
    found: dict[str, list[str]] = {}
    left: list[tuple[str, Any]] = [("", file)]
    while left:
        name, place = left.pop(0)
        found[name] = [key for key, each in place.variables.items() if each.ndim]
        left += [(f"{name}/{key}".strip("/"), each) for key, each in place.groups.items()]
    return found


def _contents_by_h5py(file: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {"": []}

    def look(name: str, item: Any) -> None:
        place, _, key = name.rpartition("/")
        if hasattr(item, "shape"):
            found[place] += [key] if item.shape else []
        else:
            found[name] = []

    file.visititems(look)
    return found


def _has_half(path: Path) -> bool:
    """Whether an HDF5 file holds numbers in half precision, which netCDF4 takes for text, and dies
    of. Their header may stand anywhere; in a large file h5py finds it faster, where it is there.
    """
    if path.stat().st_size > HEADERS and importlib.util.find_spec("h5py") is not None:
        found: list[bool] = []

        def look(_: str, item: Any) -> None:
            kinds = getattr(item, "dtype", None), *getattr(item, "attrs", {}).values()
            found.append(any(getattr(kind, "dtype", kind) == np.float16 for kind in kinds))

        with importlib.import_module("h5py").File(path, "r") as file:
            file.visititems(look)
        return any(found)
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(HALF) >= 0


def _grouped(
    path: Path,
    group: str | None,
    groups: dict[str, list[str]],
    opened: Callable[[str], xr.Dataset],
    own_dims: Callable[[str], set[str]] = lambda name: set(),
) -> xr.Dataset:
    """One group of a file, with the coordinates, and their bounds, of the groups around it for the
    dimensions that are not its own.
    """
    name = (group or "").strip("/")
    if name not in groups:
        known = ", ".join(each for each in groups if each) or "none"
        raise FolderError(
            f"{path}: there is no group {group!r}{nearest(name, groups)} (groups: {known})"
        )
    full = [each or "/" for each, arrays in groups.items() if arrays]
    if not groups[name] and full:
        raise FolderError(
            f"{path}: there are no arrays in {f'the group {name!r}' if name else 'its root'}; "
            f"choose a group with --group NAME (groups with arrays: {', '.join(full)})"
        )
    dataset = opened(name)
    around, own = name, own_dims(name)
    while around:
        around = around.rpartition("/")[0]
        outer = opened(around)
        for key, size in dataset.sizes.items():
            fits = key in outer.variables and outer[key].sizes == {key: size}
            if not fits or key in dataset.variables or key in own:
                continue
            dataset = _with(dataset, key, outer[key].load())
            bounds = {**outer[key].encoding, **outer[key].attrs}.get("bounds")
            if bounds in outer.variables and bounds not in dataset.variables:
                dataset = _with(dataset, bounds, outer[bounds].load())
        own |= own_dims(around)
    return dataset


def _with(dataset: xr.Dataset, name: Any, coordinate: xr.DataArray) -> xr.Dataset:
    """The dataset with one more coordinate, closed as it is."""
    more = dataset.assign_coords({name: coordinate})
    more.set_close(dataset.close)
    return more


def _own_dims(file: netCDF4.Dataset, group: str) -> set[str]:
    """The dimensions that a group defines itself."""
    return set((file[group] if group else file).dimensions)


def _part(file: netCDF4.Dataset, group: str) -> xr.Dataset:
    place = file[group] if group else file
    return _decoded(xr.open_dataset, NetCDF4DataStore(place, lock=hdf5.LOCK))


def _by_h5netcdf(path: Path, group: str) -> xr.Dataset:
    return _decoded(
        xr.open_dataset,
        path,
        engine="h5netcdf",
        phony_dims="access",
        group=group or None,
        never_written=False,
    )


def numeric(dataset: xr.Dataset) -> list[str]:
    """The names of the variables that hold numbers, and have a dimension."""
    return [
        str(name)
        for name, each in dataset.data_vars.items()
        if each.dims and (each.dtype.kind in "fciub" or np.dtype(each.dtype).names)
    ]
