"""Opens a file of any of the formats that people keep arrays in, as a Dataset that is read later.

NetCDF (classic and 4) and most HDF5 by netCDF4; HDF5 that netCDF4 cannot read (half precision,
Dedalus) by h5netcdf and h5py; zarr by zarr; tables by pandas. The packages that physent does not
depend on are the extra physent[files].
"""

import importlib.util
import mmap
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from physent.data import dedalus
from physent.data.tables import SUFFIXES, read_table
from physent.errors import FolderError, nearest
from physent.protocol import hdf5

# the properties of a 16-bit IEEE number in the header of an HDF5 dataset: bit offset, precision,
# places and sizes of exponent and mantissa, bias
HALF = bytes([0, 0, 16, 0, 10, 5, 0, 10, 15, 0, 0, 0])
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
        start = path.read_bytes()[:8] if path.stat().st_size < 8 else _first(path)
        if start[1:4] == b"HDF":
            return _hdf5(path, group)
        if path.suffix.lower() in SUFFIXES and not start.startswith(b"CDF"):
            return read_table(path, time)
        return _grouped(path, group, {})
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


def _decoded(opened: Any, *arguments: Any, **options: Any) -> xr.Dataset:
    """What a function of xarray opens, with times that it cannot decode left as they are."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of spans of time, whatever they become
        warnings.simplefilter("ignore", xr.SerializationWarning)
        try:
            return opened(*arguments, **options)
        except ValueError as error:
            if "decode" not in str(error):
                raise
            return opened(*arguments, **options, decode_times=False)


def _zarr(path: Path, group: str | None) -> xr.Dataset:
    if path.is_dir() and not any((path / name).exists() for name in ZARR):
        hint = "; its run is run.nc in it" if (path / "run.nc").exists() else ""
        raise FolderError(f"{path}: cannot be read: it is a folder, and no zarr store{hint}")
    _needs(path, "zarr", "it is a zarr store")
    return _decoded(xr.open_dataset, path, engine="zarr", group=group, chunks=None)


def _hdf5(path: Path, group: str | None) -> xr.Dataset:
    groups, texts, tasks = _contents(path)
    if tasks and group in (None, dedalus.TASKS):
        _needs(path, "h5py", "it is a file of Dedalus")
        return dedalus.read(path)
    if texts and _has(path, HALF):  # netCDF4 takes half precision for text, and dies of reading it
        for package in ("h5netcdf", "h5py"):
            _needs(path, package, "it holds numbers in half precision")
        return _grouped(path, group, groups, engine="h5netcdf", phony_dims="access")
    return _grouped(path, group, groups)


def _contents(path: Path) -> tuple[dict[str, list[str]], bool, bool]:
    """The arrays of every group, whether one holds text, and whether Dedalus wrote the file."""
    found, texts = {}, False
    with hdf5.opened(path) as file:
        left = [("", file)]
        while left:
            name, place = left.pop(0)
            texts |= any(each.dtype is str for each in place.variables.values())
            found[name] = [key for key, each in place.variables.items() if each.ndim]
            left += [(f"{name}/{key}".strip("/"), each) for key, each in place.groups.items()]
        return found, texts, {dedalus.TASKS, dedalus.SCALES} <= set(file.groups)


def _has(path: Path, pattern: bytes) -> bool:
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(pattern) >= 0


def _grouped(
    path: Path, group: str | None, groups: dict[str, list[str]], **options: Any
) -> xr.Dataset:
    """One group of a file, with the coordinates of the groups around it."""
    name = (group or "").strip("/")
    if name and name not in groups:
        known = ", ".join(each for each in groups if each) or "none"
        raise FolderError(
            f"{path}: there is no group {group!r}{nearest(name, groups)} (groups: {known})"
        )
    if not groups.get(name, [""]):
        full = ", ".join(each for each, arrays in groups.items() if arrays)
        raise FolderError(
            f"{path}: there are no arrays in {f'the group {name!r}' if name else 'its root'}; "
            f"those of its groups are read with --group NAME (groups with arrays: {full or 'none'})"
        )
    dataset = _opened(path, name, options)
    around = name
    while around:
        around = around.rpartition("/")[0]
        outer = _opened(path, around, options)
        for key, size in dataset.sizes.items():
            fits = key in outer.variables and outer[key].sizes == {key: size}
            if fits and key not in dataset.variables:
                dataset = dataset.assign_coords({key: outer[key].load()})
        outer.close()
    return dataset


def _opened(path: Path, group: str, options: dict[str, Any]) -> xr.Dataset:
    place = {"group": group} if group else {}
    if options:
        return _decoded(xr.open_dataset, path, **options, **place)
    return _decoded(_by_netcdf4, path, **place)


def _by_netcdf4(path: Path, **options: Any) -> xr.Dataset:
    return xr.open_dataset(path, **options)  # its engine takes the lock of physent.protocol.hdf5


def numeric(dataset: xr.Dataset) -> list[str]:
    """The names of the variables that hold numbers, and have a dimension."""
    return [
        str(name)
        for name, each in dataset.data_vars.items()
        if each.dims and (each.dtype.kind in "fciub" or np.dtype(each.dtype).names)
    ]
