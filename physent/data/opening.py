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
NEAR = 64 * 2**20  # bytes that are searched for it where its types can be looked at
ZARR = (".zgroup", ".zarray", ".zmetadata", "zarr.json")


def open_any(path: str | Path, group: str | None = None, time: str | None = None) -> xr.Dataset:
    """The dataset in a file or a zarr store.

    Args:
        path: of the file.
        group: in a file with groups, which; what the groups around it have along its dimensions
            comes with it as coordinates.
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
        if group is not None:
            raise FolderError(f"{path}: --group {group}: only HDF5, NetCDF 4 and zarr have groups")
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
        with importlib.import_module("h5netcdf").File(path, phony_dims="access") as look:
            own = {name: set(_place(look, name).dimensions) for name in groups}
        return _grouped(path, group, groups, own, functools.partial(_by_h5netcdf, path))
    with hdf5.LOCK:
        try:
            file = netCDF4.Dataset(
                hdf5.named(path)
            )  # once: it dies of some files that are open twice
        except AttributeError:  # of dimensions of which some have a scale, as those of Dedalus
            file = None
        if file is not None and not dedalus.is_one(file.groups):
            try:
                groups = _contents(file)
                own = {name: set(_place(file, name).dimensions) for name in groups}
                return _grouped(path, group, groups, own, functools.partial(_part, file))
            except BaseException:
                file.close()
                raise
        if file is not None:
            file.close()
    _needs(path, "h5py", "it is HDF5 with scales at some dimensions only, as Dedalus writes it")
    content = importlib.import_module("h5py").File(path, "r")
    try:
        if dedalus.is_one(content):
            if group is not None:
                raise FolderError(
                    f"{path}: --group {group}: a file of Dedalus is read by its tasks"
                )
            return dedalus.read(content)
        parts = functools.partial(_by_h5py, content)
        return _grouped(path, group, _contents_by_h5py(content), {}, parts)
    except BaseException:
        content.close()
        raise


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
    of: by the types of what is in it, or where h5py is not there by the bytes of such a type.
    """
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        if content.find(HALF, 0, NEAR) >= 0:
            return True
        if len(content) <= NEAR or importlib.util.find_spec("h5py") is None:
            return content.find(HALF, NEAR - len(HALF)) >= 0
    h5py = importlib.import_module("h5py")

    def look(name: str, item: Any) -> bool | None:
        types = [each.get_type() for each in [item.id] if hasattr(each, "get_type")]
        for key in item.attrs:
            types.append(h5py.h5a.open(item.id, key.encode()).get_type())
        return True if any(_of_half(each) for each in types) else None

    with h5py.File(path, "r") as file:
        return bool(look("/", file["/"]) or file.visititems(look))


def _of_half(kind: Any) -> bool:
    """Whether a type of HDF5 is a number of two bytes with a fraction, or holds one."""
    h5t, sort = importlib.import_module("h5py").h5t, kind.get_class()
    if sort == h5t.COMPOUND:
        return any(_of_half(kind.get_member_type(i)) for i in range(kind.get_nmembers()))
    if sort in (h5t.ARRAY, h5t.VLEN):
        return _of_half(kind.get_super())
    return sort == h5t.FLOAT and kind.get_size() == 2


def _grouped(
    path: Path,
    group: str | None,
    groups: dict[str, list[str]],
    own: dict[str, set[str]],
    opened: Callable[[str], xr.Dataset],
) -> xr.Dataset:
    """One group of a file, with what stands in the groups around it along the same dimensions:
    those that no group between has as `own` ones.
    """
    name = (group or "").strip("/")
    if name not in groups:
        known = ", ".join(each for each in groups if each) or "none"
        raise FolderError(
            f"{path}: there is no group {group!r}{nearest(name, groups)} (groups: {known})"
        )
    full = [each for each, arrays in groups.items() if arrays]
    if not groups[name] and full:
        raise FolderError(
            f"{path}: there are no arrays in {f'the group {name!r}' if name else 'its root'}; "
            f"choose a group with --group NAME (groups with arrays: "
            f"{', '.join(each or 'the root, without --group' for each in full)})"
        )
    dataset, around = opened(name), name
    shared = set(map(str, dataset.dims))
    while around:
        shared -= own.get(around, shared)
        around = around.rpartition("/")[0]
        if shared:
            dataset = _with(dataset, opened(around), shared)
    return dataset


def _with(dataset: xr.Dataset, outer: xr.Dataset, shared: set[str]) -> xr.Dataset:
    """The dataset with the variables of an outer one as coordinates that have shared dimensions
    only, or are bounds of such; closed as it is.
    """
    found: dict[Any, xr.Variable] = {}
    words = [{**each.encoding, **each.attrs} for each in outer.variables.values()]
    bounds = {each["bounds"] for each in words if isinstance(each.get("bounds"), str)}
    for name, each in outer.variables.items():
        dims = set(map(str, each.dims[:1] if name in bounds else each.dims))
        free = set(map(str, each.dims)) - dims
        fits = all(dataset.sizes[dim] == each.sizes[dim] for dim in dims & shared)
        fits &= not free & set(map(str, dataset.dims)) - shared
        if name not in dataset.variables and dims and dims <= shared and fits:
            found[name] = each
    more = dataset.assign_coords(found)
    more.set_close(dataset.close)
    return more


def _place(file: Any, group: str) -> Any:
    """A group of an open file; the file itself is the root."""
    return file[group] if group else file


def _part(file: netCDF4.Dataset, group: str) -> xr.Dataset:
    store = NetCDF4DataStore(_place(file, group), lock=hdf5.LOCK)
    return _decoded(xr.open_dataset, store)


def _by_h5py(file: Any, group: str) -> xr.Dataset:
    place = _place(file, group)
    return _decoded(lambda decode_cf: dedalus.arrays_of(place, file.close), never_written=False)


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
