"""HDF5 that netCDF4 cannot read, as scales are attached to some of its dimensions: of Dedalus,
with the fields in the group `tasks` and their grids attached to them, and others.
"""

from collections.abc import Callable, Container, Mapping
from typing import Any

import numpy as np
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing

TASKS, SCALES = "tasks", "scales"
TIME = "sim_time"
OF_HDF5 = ("CLASS", "NAME", "DIMENSION_LIST", "DIMENSION_LABELS", "REFERENCE_LIST")


def is_one(groups: Container[str]) -> bool:
    """Whether a file with these groups is one of Dedalus."""
    return TASKS in groups and SCALES in groups


class _Task(BackendArray):
    """An array of HDF5 that is read where it is indexed."""

    def __init__(self, stored: Any):
        self.stored, self.shape, self.dtype = stored, stored.shape, stored.dtype

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        """The values at an xarray indexer."""
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.OUTER_1VECTOR, self._read
        )

    def _read(self, key: tuple) -> np.ndarray:
        return np.asarray(self.stored[key])


def arrays_of(group: Mapping[str, Any], close: Callable[[], None]) -> xr.Dataset:
    """The arrays of a group of any HDF5 file, as they are stored: dimensions are called as the
    scales attached to them, else as their labels, else by their number.
    """
    variables: dict[str, xr.Variable] = {}
    sizes: dict[str, int] = {}
    for name, stored in group.items():
        if not getattr(stored, "shape", None):
            continue
        dims = []
        for i, size in enumerate(stored.shape):
            scales = stored.dims[i].values()
            scale = scales[0].name.rpartition("/")[2] if scales else stored.dims[i].label
            dim = name if stored.is_scale and stored.ndim == 1 else scale or f"dim_{i}"
            if dim in dims or sizes.setdefault(dim, size) != size:
                dim = f"{dim}_{name}_{i}"
                sizes[dim] = size
            dims.append(dim)
            for each in scales[:1]:
                if dim not in variables and each.shape == (size,) and dim not in group:
                    variables[dim] = xr.Variable([dim], np.asarray(each), _words(each))
        data = indexing.LazilyIndexedArray(_Task(stored))
        variables[name] = xr.Variable(dims, data, _words(stored))
    dataset = xr.Dataset(variables)
    dataset.set_close(close)
    return dataset


def _words(stored: Any) -> dict[str, Any]:
    """The attributes that are not of HDF5 itself."""
    return {key: each for key, each in stored.attrs.items() if key not in OF_HDF5}


def read(file: Any) -> xr.Dataset:
    """The tasks of an open file of Dedalus (version 2 or 3) along `t`, its simulation time, with
    the grids as coordinates.
    """
    variables, coords = {}, {}
    sizes: dict[str, int] = {}
    for name, task in file[TASKS].items():
        if not task.shape:
            continue
        dims = []
        for i, size in enumerate(task.shape):
            points, label = _scale(task.dims[i], size, i == 0), task.dims[i].label
            dim = "t" if i == 0 else label or f"component_{i}"
            known = coords.get(dim)
            other = known is not None and points is not None and not np.array_equal(known, points)
            if other or dim in dims or sizes.setdefault(dim, size) != size:
                dim = f"{dim}_{name}_{i}"  # a task on a grid of its own
            sizes[dim] = size
            if points is not None:
                coords[dim] = points
            dims.append(dim)
        variables[name] = xr.Variable(dims, indexing.LazilyIndexedArray(_Task(task)))
    dataset = xr.Dataset(variables, {dim: (dim, points) for dim, points in coords.items()})
    dataset.set_close(file.close)
    return dataset


def _scale(dimension: Any, size: int, time: bool) -> np.ndarray | None:
    """The points attached to a dimension, of time the simulation time; None if there are none."""
    for key in [TIME] if time and TIME in dimension else list(dimension):
        points = np.asarray(dimension[key])
        if points.shape == (size,) and points.dtype.kind in "fiu":
            return points
    return None
