"""Files of Dedalus: HDF5 with the fields in the group `tasks` and their grids attached to them."""

import importlib
from collections.abc import Container
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing

TASKS, SCALES = "tasks", "scales"
TIME = "sim_time"


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


def read(path: Path) -> xr.Dataset:
    """The tasks of a file of Dedalus (version 2 or 3) along `t`, its simulation time, with the
    grids as coordinates. Raises ValueError where there are none.
    """
    file = importlib.import_module("h5py").File(path, "r")
    if TASKS not in file:
        file.close()
        raise ValueError("netCDF4 cannot read it, and it is no file of Dedalus")
    variables, coords = {}, {}
    for name, task in file[TASKS].items():
        if not task.shape:
            continue
        dims = []
        for i, size in enumerate(task.shape):
            points, label = _scale(task.dims[i], size, i == 0), task.dims[i].label
            dim = "t" if i == 0 else label or f"component_{i}"
            known = coords.get(dim)
            if known is not None and points is not None and not np.array_equal(known, points):
                # a task on a grid of its own
                dim = f"{dim}_{name}"
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
