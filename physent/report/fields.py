"""Pictures of fields: space-time plots in one dimension, maps at three moments in two, and
spectra.
"""

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from physent.report import style
from physent.report.sorts import (
    COLUMNS,
    ROWS,
    Sort,
    moments,
    one_member,
    points,
    power_spectrum,
    real,
    thin,
)

FLOOR = 1e-34  # of a power spectrum, below the square of round-off
TALLEST, LOWEST = 2.6, 0.75  # inches of one map


def space_time(array: xr.DataArray, sort: Sort) -> Figure:
    """A field on one axis over space and time."""
    (dim,) = sort.dims
    chosen = one_member(thin(thin(array, sort.time, ROWS), dim, COLUMNS)).transpose(sort.time, dim)
    values, label = real(chosen)
    if sort.role == "spectrum":
        values, label = (
            np.log10(np.maximum(values, values.max() * 1e-20 or FLOOR)),
            f"log10 {label}",
        )
    fig, axes = style.figure()
    x, t = points(chosen, dim), points(chosen, sort.time)
    if len(t) == 1:
        axes.plot(x, values[0], **style.line(0))
        axes.set(xlabel=_axis_label(array, dim), ylabel=style.labelled(label, array.attrs))
        return fig
    image = axes.pcolormesh(
        x, t, values, shading="nearest", rasterized=True, **style.colours_of(values, sort.role)
    )
    axes.set(xlabel=_axis_label(array, dim), ylabel=_axis_label(array, sort.time))
    style.colourbar(fig, image, axes, style.labelled(label, array.attrs))
    return fig


def image(array: xr.DataArray, sort: Sort) -> Figure:
    """A field on two axes at its first, middle and last moment, in the same colours; of three axes
    a middle plane.
    """
    chosen = one_member(array)
    if sort.kind == "volume":
        chosen = chosen.isel({sort.dims[0]: chosen.sizes[sort.dims[0]] // 2})
    across, up = sort.dims[-2:]
    chosen = thin(
        thin(chosen.isel({sort.time: moments(array, sort.time)}), across, COLUMNS), up, COLUMNS
    )
    chosen = chosen.transpose(sort.time, up, across)
    values, label = real(chosen)
    x, y, t = points(chosen, across), points(chosen, up), points(chosen, sort.time)
    ratio = (
        _extent(y) / _extent(x)
        if up in array.coords and across in array.coords
        else len(y) / len(x)
    )
    height = float(np.clip(3.4 * ratio, LOWEST, TALLEST))
    fig, _ = style.figure(height=len(t) * (height + 0.35) + 0.55)
    fig.clear()
    panels = fig.subplots(len(t), 1, sharex=True, squeeze=False)[:, 0]
    colours = style.colours_of(values, sort.role)
    image = None
    for panel, now, frame in zip(panels, t, values, strict=True):
        image = panel.pcolormesh(x, y, frame, shading="nearest", rasterized=True, **colours)
        panel.set(title=f"t = {now:.4g}", ylabel=_axis_label(array, up))
        if LOWEST < height < TALLEST:
            panel.set_aspect("equal")
    panels[-1].set_xlabel(_axis_label(array, across))
    assert image is not None  # a sorted array has rows
    bar = fig.colorbar(
        image, ax=list(panels), pad=0.02, aspect=40, label=style.labelled(label, array.attrs)
    )
    bar.outline.set_visible(False)  # type: ignore[operator]
    return fig


def spectra(array: xr.DataArray, sort: Sort) -> Figure | None:
    """Power over wavenumber at the first, middle and last moment, along the first axis that is long
    enough.
    """
    dim = next((dim for dim in sort.dims if array.sizes[dim] >= 8 and dim in array.coords), None)
    if dim is None:
        return None
    fig, axes = style.figure()
    rows = one_member(array).isel({sort.time: moments(array, sort.time)})
    rows = rows.transpose(sort.time, *sort.dims)
    axis = sort.dims.index(dim)
    values = np.asarray(rows.values)
    for i, (now, frame) in enumerate(zip(points(rows, sort.time), values, strict=True)):
        if np.all(np.isfinite(frame)):
            wavenumber, power = power_spectrum(rows, frame, dim, axis)
            shown = slice(1, None) if len(wavenumber) > 2 else slice(None)
            axes.loglog(
                wavenumber[shown],
                np.maximum(power[shown], FLOOR),
                label=f"t = {now:.4g}",
                **style.line(i),
            )
    _decades(axes, -34)
    axes.set(xlabel=f"angular wavenumber along {dim}", ylabel=f"power of {array.name} / largest")
    axes.legend()
    return fig


def saved_spectrum(array: xr.DataArray, sort: Sort) -> Figure:
    """A spectrum that the solver or a diagnostic has saved, at three moments."""
    (dim,) = sort.dims
    rows = one_member(array).isel({sort.time: moments(array, sort.time)}).transpose(sort.time, dim)
    values, label = real(rows)
    k = points(rows, dim)
    fig, axes = style.figure()
    positive = k > 0
    for i, (now, frame) in enumerate(zip(points(rows, sort.time), values, strict=True)):
        shown = positive & np.isfinite(frame) & (frame > 0)
        if shown.any():
            axes.loglog(k[shown], frame[shown], label=f"t = {now:.4g}", **style.line(i))
    _decades(axes, -34)
    axes.set(xlabel=_axis_label(array, dim), ylabel=style.labelled(label, array.attrs))
    axes.legend()
    return fig


def _decades(axes, lowest: int) -> None:
    """Limits that do not follow round-off down for ever."""
    low, high = axes.get_ylim()
    axes.set_ylim(max(low, 10.0**lowest, high * 1e-36), high)


def _axis_label(array: xr.DataArray, dim: str) -> str:
    if dim in array.coords:
        return style.labelled("t" if dim == "t_snapshot" else dim, array[dim].attrs)
    return dim if f"{dim}_of_member" in array.coords else f"index of {dim}"


def _extent(points: np.ndarray) -> float:
    return float(points[-1] - points[0]) or 1.0
