"""The page of a sweep: each entropy and each order parameter against what was varied."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from physent.errors import FolderError, shortened
from physent.io.integrity import check_dataset
from physent.io.overwriting import REPORT, RUN, SUMMARY
from physent.protocol import hdf5
from physent.report import style
from physent.report.files import check_target, readable, save, target_of
from physent.report.page import drawn, made, summary, template
from physent.report.pictures import ENTROPIES, Picture

OTHER = ("status", "wall_time", "folder")
MOST_LINES, MOST_PICTURES = 5, 24


def write_sweep(folder: Path, output: str | Path | None = None) -> Path:
    """Write the page of the sweep in a folder to `report.html` in it or to `output`, and return its
    path. Raises FolderError where its summary cannot be read, or the page cannot be written.
    """
    target = target_of(folder, output)
    check_target(target)
    check_dataset(folder / SUMMARY)
    with readable(folder / SUMMARY), hdf5.open_dataset(folder / SUMMARY) as stored:
        dataset = stored.load()
        if "swept" not in dataset.attrs or not set(OTHER) <= set(dataset.data_vars):
            raise FolderError(f"{folder / SUMMARY} is not the summary of a sweep")
        text = template("sweep.html").render(
            title=f"sweep {folder.resolve().name}",
            swept=str(dataset.attrs["swept"]),
            states=_states(dataset),
            groups=drawn(pictures(dataset), ("entropies", "order parameters", "series")),
            columns=[*_parameters(dataset), "status", "wall time"],
            rows=list(_rows(dataset, folder, target)),
            summary=summary(dataset),
            made=made(),
            refresh=None,
        )
    return save(target, text)


def _states(dataset: xr.Dataset) -> str:
    """'5 done, 1 failed'."""
    states, counts = np.unique(dataset.status.values.ravel().astype(str), return_counts=True)
    return ", ".join(f"{count} {state}" for state, count in zip(states, counts, strict=True))


def _parameters(dataset: xr.Dataset) -> list[str]:
    """The names of what was varied: the dimensions of a grid, or what lies along its points."""
    return [str(name) for name in dataset.coords]


def _rows(dataset: xr.Dataset, folder: Path, target: Path) -> Iterator[dict[str, Any]]:
    """A row of the table for each point, with a link to its report if that has one."""
    dims = dataset.status.dims
    for place in np.ndindex(dataset.status.shape):
        point = dataset.isel(dict(zip(dims, place, strict=True)))
        name = str(point.folder.item())
        page = folder / name / REPORT
        beside = target.resolve().parent == folder.resolve()
        cells = [_shown(point[key].item()) for key in _parameters(dataset)]
        seconds = float(point.wall_time)
        yield {
            "folder": name,
            "link": f"{name}/{REPORT}" if beside and page.is_file() else "",
            "cells": [*cells, str(point.status.item()), f"{seconds:.3g} s"],
        }


def _shown(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else shortened(str(value), 60)


def pictures(dataset: xr.Dataset) -> Iterator[Picture]:
    """A picture of the time mean of each series over the parameters, entropies first."""
    names = [
        str(name)
        for name in dataset.data_vars
        if f"{name}_mean" in dataset and np.isfinite(dataset[f"{name}_mean"].values).any()
    ]

    def group(name: str) -> str:
        role = str(dataset[name].attrs.get("role", ""))
        if role in ENTROPIES:
            return "entropies"
        return "order parameters" if role == "order" else "series"

    ranks = {"entropies": 0, "order parameters": 1, "series": 2}
    ordered = sorted(
        (name for name in names if dataset[name].attrs.get("role") != "invariant"),
        key=lambda name: ranks[group(name)],
    )
    with style.styled():
        for name in ordered[:MOST_PICTURES]:
            array = dataset[f"{name}_mean"].rename(name)
            words = shortened(str(array.attrs.get("long_name", name)), 300)
            figure, more = draw(array)
            yield Picture(name, words + more, group(name), figure)


def draw(array: xr.DataArray) -> tuple[Figure, str]:
    """A quantity over what was varied, and what the caption adds: a line over one parameter, lines
    or a phase diagram over two; of more parameters, the first two at the first value of the others.
    """
    if array.dims == ("point",):
        return _over_points(array), ""
    more = ""
    for dim in array.dims[2:]:
        array = array.isel({dim: 0})
        more += f"; {dim} = {_shown(array[dim].item())}"
    if array.ndim == 1:
        return _lines(array), more
    few = min(array.dims, key=lambda dim: array.sizes[dim])
    if array.sizes[few] <= MOST_LINES:
        return _lines(array, str(few)), more
    return _diagram(array), more


def _place(values: np.ndarray) -> tuple[np.ndarray, list[str] | None]:
    """The places of parameter values on an axis, and their labels if they are no numbers."""
    if values.dtype.kind in "iuf":
        return values.astype(float), None
    return np.arange(len(values), dtype=float), [_shown(value) for value in values.tolist()]


def _scaled(axes: Axes, values: np.ndarray, labels: list[str] | None, axis: str) -> None:
    """A logarithmic axis for values that grow by factors, and the labels of words."""
    which = axes.xaxis if axis == "x" else axes.yaxis
    if labels is not None:
        which.set_ticks(values, labels)
        return
    steps = np.diff(np.sort(values))
    if len(values) > 2 and np.all(values > 0) and steps[-1] > 3 * steps[0] > 0:
        factors = np.diff(np.log(np.sort(values)))
        if factors.max() < 1.5 * factors.min():
            axes.set(**{f"{axis}scale": "log"})


def _lines(array: xr.DataArray, each: str | None = None) -> Figure:
    dim = str(next(d for d in array.dims if d != each))
    fig, axes = style.figure(
        xlabel=style.labelled(dim, array[dim].attrs),
        title=_titled(array),
    )
    places, labels = _place(array[dim].values)
    count = 1 if each is None else array.sizes[each]
    for i in range(count):
        part = array if each is None else array.isel({each: i})
        label = None if each is None else f"{each} = {_shown(part[each].item())}"
        axes.plot(places, part.values, marker="o", markersize=4, label=label, **style.line(i))
    if each is not None:
        axes.legend()
    _scaled(axes, places, labels, "x")
    return fig


def _diagram(array: xr.DataArray) -> Figure:
    y, x = map(str, array.dims)
    (across, x_labels), (up, y_labels) = _place(array[x].values), _place(array[y].values)
    order = np.ix_(np.argsort(up), np.argsort(across))
    values = np.asarray(array.values, dtype=float)[order]
    fig, axes, _ = style.heatmap(
        np.sort(across),
        np.sort(up),
        values,
        style.colours_of(values, str(array.attrs.get("role", ""))),
        "",
        title=_titled(array),
        xlabel=style.labelled(x, array[x].attrs),
        ylabel=style.labelled(y, array[y].attrs),
    )
    _scaled(axes, across, x_labels, "x")
    _scaled(axes, up, y_labels, "y")
    return fig


def _titled(array: xr.DataArray) -> str:
    words = str(array.attrs.get("long_name", "")).removesuffix(", mean over time")
    return style.titled(str(array.name), array.attrs | {"long_name": words})


def _over_points(array: xr.DataArray) -> Figure:
    """Points that are no grid: over the first parameter, the second as colour."""
    numbers = [str(name) for name, each in array.coords.items() if each.dtype.kind in "iuf"]
    x = numbers[0] if numbers else None
    places = np.arange(array.size) if x is None else array[x].values
    fig, axes = style.figure(xlabel=x or "point", title=_titled(array))
    if len(numbers) < 2:
        axes.plot(
            places, array.values, marker="o", markersize=4, linestyle="", color=style.COLOURS[0]
        )
    else:
        drawn = axes.scatter(places, array.values, c=array[numbers[1]].values, s=18)
        style.colourbar(fig, drawn, axes, numbers[1])
    _scaled(axes, np.asarray(places, dtype=float), None, "x")
    return fig


def is_sweep(folder: Path) -> bool:
    """Whether a folder is that of a sweep, and not of a run."""
    return (folder / SUMMARY).is_file() and not (folder / RUN).exists()
