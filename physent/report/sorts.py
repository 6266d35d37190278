"""The kind of figure for a variable, and the data it needs: thinned before reading, so that files
larger than memory can be reported."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import xarray as xr

from physent.data.times import is_called_time

ROWS, COLUMNS, POINTS = 360, 480, 1500  # of a space-time plot, and of a line
KINDS = {0: "series", 1: "profile", 2: "map", 3: "volume"}  # by the number of dims in space
PLACES = ("position", "unwrapped_position")
VECTORS = ("position", "heading", "orientation", "propulsion", "velocity", "force", "torque")


@dataclass(frozen=True)
class Sort:
    """How to draw a variable: `time` is its time dimension, `dims` are those after it, without
    members.
    """

    kind: str  # series, profile, map, volume, spectrum, line (of particles) or particles
    time: str
    dims: tuple[str, ...]
    members: int
    role: str


def time_of(array: xr.DataArray) -> str:
    """The time dimension; "" if there is none."""
    return next((dim for dim in map(str, array.dims) if is_called_time(dim)), "")


def sort(array: xr.DataArray) -> Sort | None:
    """The sort of a variable by its dims and role; None if it cannot be drawn over time."""
    time = time_of(array)
    if not time or array.dtype.kind not in "fciub" or not array.size:
        return None
    rest = tuple(dim for dim in map(str, array.dims) if dim not in (time, "member"))
    role = str(array.attrs.get("role", "scalar"))
    kind = KINDS.get(len(rest))
    if kind == "profile" and role == "spectrum":
        kind = "spectrum"
    elif kind == "profile" and role in PLACES and rest[0] not in array.coords:
        kind = "line"
    elif kind == "map" and array.sizes[rest[1]] in (2, 3) and rest[1] not in array.coords:
        kind = "particles" if role in VECTORS or rest[1] == "component" else "map"
    return None if kind is None else Sort(kind, time, rest, array.sizes.get("member", 1), role)


def sorts_of(dataset: xr.Dataset) -> dict[str, Sort]:
    """The sort of every variable that can be drawn, by name."""
    return {str(name): found for name in dataset if (found := sort(dataset[name])) is not None}


def chosen(sorts: dict[str, Sort], kind: str, *roles: str) -> list[str]:
    """The names of the variables of one kind; with roles, only those with one of them."""
    return [
        name
        for name, found in sorts.items()
        if found.kind == kind and (not roles or found.role in roles)
    ]


def errors_of(names: Iterable[str]) -> dict[str, str]:
    """The series that have their standard error beside them, `<name>_error`, with that."""
    there = list(names)
    return {name: f"{name}_error" for name in there if f"{name}_error" in there}


def plain(dataset: xr.Dataset) -> xr.Dataset:
    """The dataset without the component axis if vectors have only one component."""
    return dataset.isel(component=0, drop=True) if dataset.sizes.get("component") == 1 else dataset


def thin(array: xr.DataArray, dim: str, most: int) -> xr.DataArray:
    """At most about `most` points along a dimension, evenly spaced from the first."""
    return array.isel({dim: slice(None, None, -(-array.sizes[dim] // most))})


def one_member(array: xr.DataArray) -> xr.DataArray:
    """The first member, if there are several."""
    return array.isel(member=0) if "member" in array.dims else array


def frames(
    array: xr.DataArray, sort: Sort, rows: list[int] | slice, most: int | None = None
) -> xr.DataArray:
    """Some rows of the first member (time, *sort.dims), each dim thinned to about `most` points."""
    for dim in sort.dims if most else ():
        array = thin(array, dim, most or 1)
    return one_member(array).isel({sort.time: rows}).transpose(sort.time, *sort.dims)


def moments(array: xr.DataArray, time: str) -> list[int]:
    """The rows to show if not all can be: the first, the middle and the last."""
    return sorted({0, (array.sizes[time] - 1) // 2, array.sizes[time] - 1})


def points(array: xr.DataArray, dim: str) -> np.ndarray:
    """The coordinate along a dimension, or its index."""
    if dim in array.coords and array[dim].dtype.kind in "fiu":
        return array[dim].values.astype(float)
    own = f"{dim}_of_member"
    if own in array.coords:
        return one_member(array[own]).values
    return np.arange(array.sizes[dim], dtype=float)


def real(array: xr.DataArray) -> tuple[np.ndarray, str]:
    """The values as real numbers, and their label: |name| for a complex variable."""
    values = np.asarray(array.values)
    if np.iscomplexobj(values):
        return np.abs(values), f"|{array.name}|"
    return values.astype(np.float64), str(array.name)


def numbers(
    array: xr.DataArray, sort: Sort, rows: list[int] | slice, most: int | None = None
) -> tuple[np.ndarray, str, list[np.ndarray]]:
    """The values of `frames` as real numbers, their label, and the points along each dimension."""
    some = frames(array, sort, rows, most)
    return *real(some), [points(some, dim) for dim in (sort.time, *sort.dims)]


def is_periodic(array: xr.DataArray, dim: str) -> bool:
    """Whether the axis is declared periodic."""
    return dim in array.coords and array[dim].attrs.get("periodic") == "true"


def power_spectrum(
    array: xr.DataArray, values: np.ndarray, dim: str, axis: int
) -> tuple[np.ndarray, np.ndarray]:
    """Angular wavenumbers and mean power along one axis, each from 0 up, largest power 1.

    Fourier where the axis is a ring and the values close on it; elsewhere (walls, antiperiodic
    fields, a field that winds) the cosine transform, which no jump at the ends disturbs.
    """
    from scipy.fft import dct

    x = points(array, dim)
    n = values.shape[axis]
    length = (x[-1] - x[0]) * n / max(1, n - 1) or 1.0
    lines = np.moveaxis(values, axis, -1).reshape(-1, n)
    if is_periodic(array, dim) and _closes(lines):
        amplitude = np.abs(np.fft.fft(lines, axis=-1)) ** 2
        half, pairs = n // 2 + 1, (n - 1) // 2
        power = amplitude[:, :half].copy()
        power[:, 1 : pairs + 1] += amplitude[:, : -pairs - 1 : -1]
        wavenumbers = 2 * np.pi * np.arange(half) / length
    else:
        amplitude = np.asarray(dct(lines, axis=-1))
        power = np.real(amplitude) ** 2 + np.imag(amplitude) ** 2
        wavenumbers = np.pi * np.arange(n) / length
    mean = power.mean(axis=0)
    return wavenumbers, mean / (mean.max() or 1.0)


def _closes(lines: np.ndarray) -> bool:
    """Whether the step across the seam of a ring is like the others, on every line."""
    steps, scale = (np.abs(part).max(axis=-1) for part in (np.diff(lines, axis=-1), lines))
    return bool(np.all(np.abs(lines[:, 0] - lines[:, -1]) <= 2 * steps + 1e-9 * scale))
