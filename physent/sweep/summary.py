"""One Dataset for a whole sweep: the results of all runs, along the parameters that varied."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from physent.experiment.recorded import short_names
from physent.experiment.settings import Mode
from physent.io.folder import RUN
from physent.protocol import hdf5
from physent.sweep.executors import Result, status_of
from physent.sweep.points import Point


def summarise(results: Sequence[Result], points: Sequence[Point], mode: Mode) -> xr.Dataset:
    """The last value and the time mean (also over members) of every series of every run, its status
    and wall time.

    In a grid the parameters are the dimensions; else there is one dimension `point`, with the
    parameters along it. A run that failed has what it saved; one without a file has NaN. Where one
    run has the points as its members, each is read from its own.
    """
    found = [_series(result) for result in results]
    if len(results) < len(points):
        found = [_member(found[0], member) for member in range(len(points))]
        results = [results[0]] * len(points)
    keys = list(points[0].settings)
    taken = {
        "point",
        "status",
        "wall_time",
        "folder",
        *(f"{name}{end}" for each in found for name in each for end in ("", "_mean")),
    }
    names = {
        key: f"parameter_{name}" if name in taken else name
        for key, name in short_names(keys).items()
    }
    dims, shape, coordinates = _axes(points, keys, names, mode)
    columns: dict[str, Any] = {}
    for name, (_, attributes) in {
        name: entry for each in found for name, entry in each.items()
    }.items():
        last, mean = (np.full(len(results), np.nan) for _ in range(2))
        for i, each in enumerate(found):
            if name in each and each[name][0].size:
                values = (
                    each[name][0].reshape(len(each[name][0]), -1).mean(axis=1)
                )  # over members, if there are
                good = values[np.isfinite(values)]  # a window may have been filling
                last[i], mean[i] = values[-1], np.mean(good) if good.size else np.nan
        words = attributes.get("long_name", name)
        columns[name] = (
            dims,
            last.reshape(shape),
            attributes | {"long_name": f"{words}, last value"},
        )
        columns[f"{name}_mean"] = (
            dims,
            mean.reshape(shape),
            attributes | {"long_name": f"{words}, mean over time"},
        )
    columns["status"] = (dims, np.array([result.status for result in results]).reshape(shape))
    seconds = np.array([_wall_time(result) for result in results]).reshape(shape)
    columns["wall_time"] = (
        dims,
        seconds,
        {"units": "s", "long_name": "wall time of the run without compilation"},
    )
    columns["folder"] = (dims, np.array([result.folder.name for result in results]).reshape(shape))
    return xr.Dataset(columns, coordinates, {"source": "physent sweep", "swept": ", ".join(keys)})


def _axes(points: Sequence[Point], keys: list[str], names: dict[str, str], mode: Mode) -> tuple:
    columns = {names[key]: [_plain(point.settings[key]) for point in points] for key in keys}
    if mode != "grid":
        return (
            ("point",),
            (len(points),),
            {name: ("point", values) for name, values in columns.items()},
        )
    axes = {name: list(dict.fromkeys(values)) for name, values in columns.items()}
    return tuple(axes), tuple(len(values) for values in axes.values()), axes


def _plain(value: Any) -> Any:
    return value if isinstance(value, int | float | str) else str(value)


def _series(result: Result) -> dict[str, tuple[np.ndarray, dict[str, Any]]]:
    """Name to values and attributes of the series (t,) of a run, or (t, member); empty for a
    damaged file.
    """
    if status_of(result.folder) in ("absent", "damaged"):
        return {}
    with hdf5.opened(result.folder / RUN) as file:
        file.set_auto_mask(False)
        return {
            name: (
                np.asarray(variable[:]),
                {key: variable.getncattr(key) for key in ("units", "long_name", "role")},
            )
            for name, variable in file.variables.items()
            if variable.dimensions in (("t",), ("t", "member")) and name != "t"
        }


def _wall_time(result: Result) -> float:
    if status_of(result.folder) in ("absent", "damaged"):
        return float("nan")
    with hdf5.opened(result.folder / RUN) as file:
        return float(getattr(file, "wall_time", np.nan))


def _member(series: dict[str, tuple[np.ndarray, dict[str, Any]]], member: int) -> dict[str, Any]:
    return {name: (values[:, member], attributes) for name, (values, attributes) in series.items()}
