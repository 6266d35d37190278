"""Series of any file, along a time in numbers, to be averaged and compared."""

from collections.abc import Iterable

import numpy as np
import xarray as xr

from physent.data.naming import along_time, times_along
from physent.data.times import TIMES, are_dates, seconds_of, times_of, uneven


def lone_series(dataset: xr.Dataset, time: str | None) -> list[str]:
    """The names of the variables of a dataset that have numbers along time, and nothing else."""
    numbers = [
        str(name)
        for name, each in dataset.data_vars.items()
        if each.ndim == 1 and each.dtype.kind in "fiub"
    ]
    if not numbers:
        return []
    _, dim = along_time(dataset, numbers, time)
    return [name for name in numbers if dataset[name].dims == (dim,)]


def along_t(dataset: xr.Dataset, names: Iterable[str], time: str | None) -> xr.Dataset:
    """The series of these names along `t`, as a run has them; dates in seconds since the first.

    Its attribute `time` says what t is. Raises ValueError for times that are no numbers or not
    evenly spaced: a standard error counts how many rows in a row are alike.
    """
    names = list(names)
    dataset, dim = along_time(dataset[names], names, time)
    if words := uneven(dataset, dim):
        raise ValueError(words)
    times = times_along(dataset, dim)
    unit = "s" if dim in dataset.coords and are_dates(dataset[dim].values) else ""
    found = {}
    for name in names:
        values = dataset[name].transpose(dim, ...)
        words = {"role": "order"} | values.attrs
        if not np.all(np.isfinite(values.values)):
            words["nan"] = words.get("nan", "no value")
        found[name] = xr.Variable(("t", *values.dims[1:]), values.values, words)
    said = f"{dim} ({unit} since the first)" if unit else dim
    coordinate = xr.Variable("t", times.astype(float), {"units": unit or "1", "long_name": dim})
    return xr.Dataset(found, {"t": coordinate}, {"time": said})


def over_t(dataset: xr.Dataset) -> xr.Dataset:
    """The dataset with its times in numbers, dates in seconds since the first, and with the one
    dimension of time called `t` where its name is not a usual one.
    """
    dims = times_of(dataset)
    for dim in dims:
        if dim in dataset.coords and are_dates(dataset[dim].values):
            words = {"units": "s", "long_name": f"{dim}, since the first"}
            dataset = dataset.assign_coords({dim: (dim, seconds_of(dataset[dim].values), words)})
    if len(dims) == 1 and dims[0] not in TIMES and "t" not in dataset.variables:
        dataset = dataset.rename({dims[0]: "t"})
    return dataset
