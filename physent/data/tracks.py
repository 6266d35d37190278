"""Variables of a dataset as trajectories: parts with equal times, each (times, components)."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr

from physent.data.times import are_dates, seconds_of, steps_of, time_of, uneven
from physent.errors import nearest

# dimensions along which trajectories are counted; others are components
MANY = ("member", "trajectory", "walker", "sample", "track", "particle", "realisation")


class Tracks(NamedTuple):
    """The parts, the time between rows with its unit, the period of each component, and the names
    of the components.
    """

    parts: list[np.ndarray]
    dt: float
    unit: str
    period: np.ndarray
    components: tuple[str, ...]


def tracks(
    dataset: xr.Dataset,
    of: Sequence[str],
    time: str | None = None,
    by: str | None = None,
    dt: float | None = None,
) -> Tracks:
    """Trajectories of variables along time, those of several as components beside each other.

    Args:
        dataset: the data.
        of: variables along time; of their other dimensions those called one of MANY count
            trajectories, the rest components.
        time: the dimension of time, by default the one that looks like it.
        by: a variable along time that says whose row it is, as in a table of many particles.
        dt: the time between rows, where the times do not say it.

    Rows that are missing cut a trajectory. Raises ValueError where a variable is not there, where
    variables do not fit, and where times are not even, gaps of whole steps apart.
    """
    names = [name for each in of for name in ([each] if each in dataset else each.split(","))]
    names = [name.strip() for name in names]
    there = [str(name) for name in dataset.data_vars]
    for name in [*names, *([by] if by else [])]:
        if name not in dataset.variables:
            raise ValueError(
                f"there is no variable {name!r}{nearest(name, there)} (there are: "
                f"{', '.join(there) or 'none'})"
            )
    wanted = dataset[names]
    time = time or time_of(wanted, "choose it with --time NAME")
    arrays, labels, period = [], [], []
    for name in names:
        array = dataset[name]
        if time not in array.dims:
            raise ValueError(
                f"{name} has no dimension {time!r} (its dimensions: "
                f"{', '.join(map(str, array.dims)) or 'none'})"
            )
        if array.dtype.kind not in "fiub":
            raise ValueError(f"{name} holds {array.dtype}, allowed: real numbers")
        many = [dim for dim in array.dims if dim in MANY and dim != time]
        rest = [dim for dim in array.dims if dim not in (*many, time)]
        values = array.transpose(*many, time, *rest).values
        if array.dtype.kind == "b":
            values = values.astype(np.int64)
        length = array.sizes[time]
        count = int(np.prod([array.sizes[dim] for dim in many], dtype=int))
        width = int(np.prod([array.sizes[dim] for dim in rest], dtype=int))
        arrays.append(values.reshape(count, length, width))
        labels += [name] if width == 1 else [f"{name}[{i}]" for i in range(width)]
        own = np.ravel(np.asarray(array.attrs.get("period", np.inf), float))
        period += (own if own.size == width else np.resize(own, width)).tolist()
    if len({array.shape[0] for array in arrays}) > 1:
        sizes = ", ".join(
            f"{name} {array.shape[0]}" for name, array in zip(names, arrays, strict=True)
        )
        raise ValueError(f"the variables have different numbers of trajectories ({sizes})")
    if all(array.dtype.kind in "iu" for array in arrays):
        table = np.concatenate(arrays, axis=2)
    else:
        table = np.concatenate([np.asarray(array, float) for array in arrays], axis=2)
    times, unit = _times(dataset, time)
    if by is None:
        groups = [np.arange(table.shape[1])]
    else:
        owner = np.ravel(dataset[by].values)
        groups = [np.flatnonzero(owner == each) for each in np.unique(owner[owner == owner])]
    parts: list[np.ndarray] = []
    step = dt
    for rows in groups:
        if times is not None and by is not None:
            rows = rows[np.argsort(times[rows], kind="stable")]
        stretches = [rows]
        if times is not None and len(rows) > 1:
            stretches, found = _even(dataset, time, times, rows, step if dt is None else None)
            step = step or found
        for each in table:
            parts += [each[stretch] for stretch in stretches if len(stretch) > 1]
    if step is None:
        raise ValueError(f"the time between rows is not known: there are no times {time!r}")
    if not parts:
        raise ValueError("there are no two rows that follow each other")
    return Tracks(
        parts, float(step), "" if dt is not None else unit, np.asarray(period), tuple(labels)
    )


def _times(dataset: xr.Dataset, time: str) -> tuple[np.ndarray | None, str]:
    """The times as numbers, and their unit; None where there are none."""
    if time not in dataset.coords:
        return None, ""
    points = dataset[time].values
    if are_dates(points):
        return np.asarray(seconds_of(points), float), "s"
    unit = str(dataset[time].attrs.get("units", ""))
    return np.asarray(points, float), "" if unit in ("1", "") else unit


def _even(
    dataset: xr.Dataset, time: str, times: np.ndarray, rows: np.ndarray, usual: float | None
) -> tuple[list[np.ndarray], float]:
    """Rows in stretches of the usual step; gaps of whole steps end one."""
    steps = steps_of(times[rows])
    usual = usual or float(np.median(steps))
    whole = np.round(steps / usual) if usual > 0 else steps * 0
    rounding = 4 * np.finfo(float).eps * float(np.max(np.abs(times[rows]), initial=0))
    if not (usual > 0 and np.all(whole >= 1)) or np.any(
        np.abs(steps - whole * usual) > 1e-3 * usual + rounding
    ):
        said = uneven(dataset.isel({time: rows}), time)
        words = said.partition(". Sort them")[0]
        raise ValueError(
            f"{words or f'its times {time!r} are not evenly spaced'}: take an even part, or "
            "interpolate to equal times (which smooths the steps); rows may be missing"
        )
    cuts = np.flatnonzero(whole > 1) + 1
    return np.split(rows, cuts), usual
