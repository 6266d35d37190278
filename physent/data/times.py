"""Which dimension is time, the steps between times, and whether they are even."""

import itertools
from typing import TypeVar

import numpy as np
import xarray as xr

from physent.protocol.variables import rows_between

D = TypeVar("D", xr.Dataset, xr.DataArray)

OWN = ("t_snapshot", "t")  # of the files that physent writes: fields are wanted before series
TIMES = (*OWN, "time", "Time", "valid_time", "ocean_time", "frame")


def times_of(data: xr.Dataset | xr.DataArray) -> list[str]:
    """The dimensions that may be time: by the type of their coordinate (dates, spans of time), by
    its CF attributes (standard_name "time", axis "T", units "... since ..."), or by one of TIMES as
    their name. A dimension without a coordinate is looked at by what else has it alone, such as
    XTIME(Time).
    """
    return [str(dim) for dim in data.dims if _is_time(data, str(dim))]


def time_of(data: xr.Dataset | xr.DataArray, hint: str) -> str:
    """The one dimension that may be time. Raises ValueError, with the hint, where there is none or
    there are several.
    """
    found, dims = times_of(data), ", ".join(map(str, data.dims))
    if len(found) == 1:
        return found[0]
    if found:
        raise ValueError(
            f"which dimension is time? it may be {' or '.join(found)} (dimensions: {dims}); {hint}"
        )
    raise ValueError(
        "which dimension is time? none is called t or time, and none has dates or a CF attribute "
        f"of time (dimensions: {dims}); {hint}, or give data without time one, "
        "expand_dims('time')"
    )


def _is_time(data: xr.Dataset | xr.DataArray, dim: str) -> bool:
    if dim in data.coords:
        of_time = tells_time(data[dim].variable)
        return is_called_time(dim) if of_time is None else of_time
    there = data.variables if isinstance(data, xr.Dataset) else data.coords
    beside = (there[name] for name in list(there) if there[name].dims == (dim,))
    return is_called_time(dim) or any(tells_time(xr.as_variable(each)) for each in beside)


def is_called_time(dim: str) -> bool:
    """Whether a dimension has a name of time."""
    return dim in TIMES or rows_between(dim) is not None


def tells_time(variable: xr.Variable) -> bool | None:
    """Whether a coordinate is one of time, by its type and its CF attributes; None if they do not
    say.
    """
    words = {**variable.encoding, **variable.attrs}
    if variable.dtype.kind in "mM" or (variable.dtype.kind == "O" and are_dates(variable.values)):
        return True
    named, axis = str(words.get("standard_name", "")), str(words.get("axis", ""))
    if named == "time" or axis == "T" or " since " in str(words.get("units", "")):
        return True
    return False if named or axis else None


def refuse_missing(times: np.ndarray, dim: str) -> None:
    """Raise ValueError where the time of a row is not a number."""
    missing = np.zeros(times.shape, bool)
    if times.dtype.kind in "mM":
        missing = np.isnat(times)
    elif times.dtype.kind == "f":
        missing = ~np.isfinite(times)
    if np.any(missing):
        row = int(np.argmax(missing))
        raise ValueError(
            f"the time of row {row} is not a number, but {times[row]} (dimension {dim!r}): "
            f"cut such rows, or drop the times (drop_vars({dim!r}))"
        )


def steps_of(points: np.ndarray) -> np.ndarray:
    """The steps between neighbouring points, between dates of any resolution in seconds."""
    if points.dtype.kind in "mM":
        return np.diff(points) / np.timedelta64(1, "s")
    if are_dates(points):  # of other calendars
        return np.array([step.total_seconds() for step in np.diff(points)])
    return np.diff(points.astype(float))


def seconds_of(points: np.ndarray) -> np.ndarray:
    """Dates of any resolution as seconds since the first, spans of time in seconds; other points as
    they are.
    """
    if points.dtype.kind == "m":
        return points / np.timedelta64(1, "s")
    return np.append(0.0, np.cumsum(steps_of(points))) if are_dates(points) else points


def are_dates(points: np.ndarray) -> bool:
    """Whether points are dates, of any calendar, or spans of time."""
    if points.dtype.kind == "O":
        return points.size > 0 and hasattr(points.flat[0], "timetuple")
    return points.dtype.kind in "mM"


def uneven(data: xr.Dataset | xr.DataArray, dim: str) -> str:
    """Why the rows along a time dimension do not follow each other evenly, as a sentence; empty
    where they do, or have no times.

    Patterns, spectra and transfer entropies count rows: across a gap, a row that is there twice or
    one out of order they would count what never happened. Steps may differ by 1e-4, and by the
    rounding of the times.
    """
    if dim not in data.coords or data[dim].size < 2:
        return ""
    points = data[dim].values
    if not are_dates(points) and points.dtype.kind not in "fiu":
        return ""
    steps, unit = steps_of(points), " s" if are_dates(points) else ""
    usual, off = _off(points, steps)
    if np.all(steps > 0) and not np.any(off):
        return ""
    row = int(np.argmax(~(steps > 0) if not np.all(steps > 0) else off))
    if steps[row] == 0:
        what = f"rows {row} and {row + 1} have the same one"
    elif not steps[row] > 0:
        what = f"that of row {row + 1} is not after that of row {row}"
    else:
        what = (
            f"{steps[row]:.6g}{unit} lie between rows {row} and {row + 1}, and {usual:.6g}{unit} "
            "elsewhere"
        )
    return (
        f"its times {dim!r} are not evenly spaced: {what}. Sort them (sortby), take an even part "
        "(physent.data.times.even_parts), or interpolate; where only the order of rows counts, "
        f"drop the times (drop_vars({dim!r}))"
    )


def _off(points: np.ndarray, steps: np.ndarray) -> tuple[float, np.ndarray]:
    """The usual step between times, and which steps are others."""
    usual, rounding = float(np.median(steps)), 0.0
    if points.dtype.kind == "f":
        rounding = 4 * float(np.finfo(points.dtype).eps * np.max(np.abs(points)))
    return usual, ~(np.abs(steps - usual) <= 1e-4 * abs(usual) + rounding)


def even_parts(data: D, dim: str) -> list[D]:
    """The parts of two rows or more, in their order, within which the times along a dimension
    follow each other by the usual step: what is between gaps.

    Rows with missing values are taken out before, `data.dropna(dim)`.
    """
    points = np.asarray(data[dim].values)
    if len(points) < 2:
        return []
    _, off = _off(points, steps_of(points))
    ends = [0, *(np.flatnonzero(off) + 1).tolist(), len(points)]
    stretches = [slice(*pair) for pair in itertools.pairwise(ends)]
    return [data.isel({dim: each}) for each in stretches if each.stop - each.start > 1]
