"""Pictures of fields: space-time plots in one dimension, maps at three moments in two, and
spectra.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from physent.protocol.variables import rows_between
from physent.report import style
from physent.report.sorts import (
    COLUMNS,
    ROWS,
    Sort,
    frames,
    moments,
    numbers,
    points,
    power_spectrum,
)

FLOOR = 1e-34  # of a power spectrum, below the square of round-off
TALLEST, LOWEST = 2.6, 0.75  # inches of one map
THIN = 12  # times as long as it is wide: a map beyond is stretched


def space_time(array: xr.DataArray, sort: Sort) -> Figure:
    """A field on one axis over space and time."""
    (dim,) = sort.dims
    step = slice(None, None, -(-array.sizes[sort.time] // ROWS))
    values, label, (t, x) = numbers(array, sort, step, COLUMNS)
    if sort.role == "spectrum":
        values = np.log10(np.maximum(values, values.max() * 1e-20 or FLOOR))
        label = f"log10 {label}"
    label, xlabel = style.labelled(label, array.attrs), _axis_label(array, dim)
    if len(t) == 1:
        fig, axes = style.figure(xlabel=xlabel, ylabel=label)
        axes.plot(x, values[0], **style.line(0))
        return fig
    colours, ylabel = style.colours_of(values, sort.role), _axis_label(array, sort.time)
    return style.heatmap(x, t, values, colours, label, xlabel=xlabel, ylabel=ylabel)[0]


def image(array: xr.DataArray, sort: Sort) -> Figure:
    """A field on two axes at the first, middle and last time, on one colour scale; the middle plane
    if it has three axes.
    """
    if sort.kind == "volume":
        array = array.isel({sort.dims[0]: array.sizes[sort.dims[0]] // 2})
    across, up = sort.dims[-2:]
    flat = replace(sort, dims=(up, across))
    values, label, (t, y, x) = numbers(array, flat, moments(array, sort.time), COLUMNS)
    ratio, alike = shape(array, x, y, across, up)
    height = float(np.clip((2.9 if alike else 3.4) * ratio, LOWEST, TALLEST))
    layout = "compressed" if alike else "constrained"
    fig, panels = style.panels(len(t), len(t) * (height + 0.35) + 0.55, layout=layout)
    colours = style.colours_of(values, sort.role)
    image = None
    for panel, now, frame in zip(panels, t, values, strict=True):
        image = style.mesh(panel, x, y, frame, colours)
        panel.set(title=f"t = {now:.4g}", ylabel=_axis_label(array, up))
        if alike:
            panel.set_aspect("equal")
    panels[-1].set_xlabel(_axis_label(array, across))
    style.colourbar(fig, image, panels, style.labelled(label, array.attrs), aspect=40)
    return fig


def spectra(array: xr.DataArray, sort: Sort) -> Figure | None:
    """Power over wavenumber at the first, middle and last time, along the first axis that is long
    enough.
    """
    dim = next((dim for dim in sort.dims if array.sizes[dim] >= 8 and dim in array.coords), None)
    if dim is None:
        return None
    rows = frames(array, sort, moments(array, sort.time))

    def curve(frame: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if not np.all(np.isfinite(frame)):
            return np.zeros(0), np.zeros(0)
        wavenumber, power = power_spectrum(rows, frame, dim, sort.dims.index(dim))
        shown = slice(1, None) if len(wavenumber) > 2 else slice(None)
        return wavenumber[shown], np.maximum(power[shown], FLOOR)

    labels = f"angular wavenumber along {dim}", f"power of {array.name} / largest"
    return _curves(points(rows, sort.time), np.asarray(rows.values), curve, *labels)


def saved_spectrum(array: xr.DataArray, sort: Sort) -> Figure:
    """A spectrum saved by the solver or a diagnostic, at three times."""
    (dim,) = sort.dims
    values, label, (t, k) = numbers(array, sort, moments(array, sort.time))

    def curve(frame: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        shown = (k > 0) & np.isfinite(frame) & (frame > 0)
        return k[shown], frame[shown]

    labels = _axis_label(array, dim), style.labelled(label, array.attrs)
    return _curves(t, values, curve, *labels)


def _curves(
    times: np.ndarray,
    values: np.ndarray,
    curve: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]],
    xlabel: str,
    ylabel: str,
) -> Figure:
    """A curve on logarithmic axes for each time with values to draw."""
    fig, axes = style.figure(xlabel=xlabel, ylabel=ylabel)
    for i, (now, frame) in enumerate(zip(times, values, strict=True)):
        x, y = curve(frame)
        if len(x):
            axes.loglog(x, y, label=f"t = {now:.4g}", **style.line(i))
    low, high = axes.get_ylim()
    axes.set_ylim(max(low, FLOOR, high * 1e-36), high)  # not down to round-off for ever
    style.decades(axes.xaxis)
    axes.legend()
    return fig


def _axis_label(array: xr.DataArray, dim: str) -> str:
    if dim in array.coords:
        return style.labelled("t" if rows_between(dim) else dim, array[dim].attrs)
    return dim if f"{dim}_of_member" in array.coords else f"index of {dim}"


def shape(
    array: xr.DataArray, x: np.ndarray, y: np.ndarray, across: str, up: str
) -> tuple[float, bool]:
    """The height of a map over its width, and whether one length is to be as long along both axes:
    where both are axes of space, in one unit, and the map is no thread.
    """
    if up not in array.coords or across not in array.coords:
        return len(y) / len(x), False
    ratio = _extent(y) / _extent(x)
    units = {str(array[dim].attrs.get("units", "1")) for dim in (across, up)}
    return abs(ratio), len(units) == 1 and 1 / THIN < abs(ratio) < THIN


def _extent(points: np.ndarray) -> float:
    return float(points[-1] - points[0]) or 1.0
