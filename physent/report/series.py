"""Figures of series: time series, drifts, order parameters, ensembles, and phase portraits."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from physent.report import style
from physent.report.sorts import POINTS, ROWS, one_member, points, thin, time_of

MANY = 9  # members from which on their lines become a band
MOST_LINES = 60  # of members one by one
ROW = 1.2  # inches of one series
# relative: a series that changes by less is drawn as constant, over at least this range
CONSTANT, SHOWN = 1e-6, 1e-2
IN_NATS = ("entropy", "complexity", "information")  # of which 1 is much, whatever the value is


def rows(
    arrays: list[xr.DataArray],
    together: bool = False,
    errors: Mapping[str, xr.DataArray] | None = None,
    least: float | None = None,
    each: bool = False,
) -> Figure:
    """Series in panels over a common time, or on one pair of axes if of the same kind and size.

    `errors` are standard errors, drawn as bands around the series of these names; a panel shows at
    least the range `least`, by default a hundredth of a value that hardly changes. With `each`
    members are drawn one by one, as many as they are.
    """
    count = 1 if together else len(arrays)
    fig, panels = style.panels(count, style.HEIGHT if count == 1 else 0.5 + count * ROW)
    for i, array in enumerate(arrays):
        axes, look = (panels[0], style.line(i)) if together else (panels[i], style.line(0))
        draw(axes, array, each, label=str(array.name), **look)
        if errors and array.name in errors:
            band(axes, array, errors[str(array.name)], line_colour=look["color"])
        if not together:
            axes.locator_params(axis="y", nbins=3 if count > 1 else 6)
            values = np.asarray(array.values, dtype=float)
            style.steady(axes, values, _least(array, values) if least is None else least)
        if not together or len(arrays) == 1:
            axes.set_title(style.titled(str(array.name), array.attrs))
    if together and len(arrays) > 1:
        panels[0].legend()
    time = arrays[-1].coords.get(time_of(arrays[-1]))
    panels[-1].set_xlabel(style.labelled("t", {} if time is None else time.attrs))
    return fig


def _least(array: xr.DataArray, values: np.ndarray) -> float:
    """The range to show of a series that hardly changes; 0 for others."""
    finite = values[np.isfinite(values)]
    size = 1.0 if array.attrs.get("role") in IN_NATS else 0.0
    size = max(float(np.abs(finite).max(initial=0.0)), size)
    return SHOWN * size if finite.size and np.ptp(finite) <= CONSTANT * size else 0.0


def band(axes: Axes, array: xr.DataArray, error: xr.DataArray, line_colour: str) -> None:
    """The standard error of one series as a band; of several members there is none."""
    if array.ndim == 1 and error.dims == array.dims:
        time = time_of(array)
        some, wide = thin(array, time, POINTS), thin(error, time, POINTS)
        low, high = some.values - wide.values, some.values + wide.values
        axes.fill_between(points(some, time), low, high, color=line_colour, alpha=0.25, lw=0)


def draw(axes: Axes, array: xr.DataArray, each: bool = False, **line: Any) -> None:
    """One series: a line for each of several members, or the median and the middle 80 % of many;
    with `each` a line for each of many, from dark to light.
    """
    time = time_of(array)
    array = thin(array, time, POINTS).transpose(time, ...)
    t, values = points(array, time), np.asarray(array.values, dtype=float)
    if values.ndim == 1:
        axes.plot(t, values, marker="." if len(t) == 1 else None, **line)
    elif each:
        chosen = np.unique(np.linspace(0, values.shape[1] - 1, MOST_LINES).round().astype(int))
        for i in chosen:
            shade = style.SEQUENTIAL(0.1 + 0.75 * i / max(1, values.shape[1] - 1))
            axes.plot(t, values[:, i], color=shade, linewidth=0.9)
    elif values.shape[1] < MANY:
        axes.plot(t, values, **(line | {"label": None, "linewidth": 0.9, "alpha": 0.8}))
        axes.plot([], [], **line)
    else:
        low, middle, high = _quantiles(values)
        axes.fill_between(t, low, high, color=line["color"], alpha=0.25, lw=0)
        axes.plot(t, middle, **line)


def _quantiles(values: np.ndarray) -> np.ndarray:
    bad = np.asarray(~np.isfinite(values).any(axis=1, keepdims=True))
    quantiles = np.nanquantile(np.where(bad, 0.0, values), [0.1, 0.5, 0.9], axis=1)
    quantiles[:, bad[:, 0]] = np.nan
    return quantiles


def drifts(
    arrays: list[xr.DataArray], scales: dict[str, xr.DataArray], rounding: float = 0.0
) -> Figure:
    """The deviation of each invariant from its initial value, relative to its scale. What rounding
    alone may cause, relative deviations up to `rounding`, looks flat.
    """
    parts = []
    for array in arrays:
        name = str(array.name).removeprefix("invariant_")
        drift = (array - array.isel({time_of(array): 0})) / scales[str(array.name)]
        parts.append(
            drift.rename(f"relative drift of {name}").assign_attrs(units="1", long_name="")
        )
    return rows(parts, least=2 * rounding)


def over_members(array: xr.DataArray, swept: tuple[str, np.ndarray] | None) -> Figure:
    """A series of many members as an image, over the parameter that differs between them, if
    any.
    """
    time = time_of(array)
    thinned = thin(thin(array, time, ROWS), "member", 500).transpose("member", time)
    values = np.asarray(thinned.values, dtype=float)
    label, y = "member", points(thinned, "member")
    if swept is not None and np.all(np.diff(swept[1]) > 0):
        label, y = swept[0], swept[1][:: -(-array.sizes["member"] // 500)]
    colours = style.colours_of(values, str(array.attrs.get("role", "scalar")))
    t, name = points(thinned, time), style.labelled(str(array.name), array.attrs)
    return style.heatmap(t, y, values, colours, name, xlabel="t", ylabel=label)[0]


def portraits(dataset: xr.Dataset, names: list[str]) -> list[tuple[str, str]]:
    """Pairs of series that span a phase plane: (q, q_t) by name, as `phi_probe`, `phi_t_probe`, and
    two orders.
    """
    by_parts = {tuple(name.split("_")): name for name in names}
    found = [
        (by_parts[parts[:i] + parts[i + 1 :]], name)
        for parts, name in by_parts.items()
        for i, part in enumerate(parts)
        if part == "t" and parts[:i] + parts[i + 1 :] in by_parts
    ]
    orders = [name for name in names if dataset[name].attrs.get("role") == "order"]
    return [*found, (orders[0], orders[1])] if len(orders) > 1 else found


def portrait(a: xr.DataArray, b: xr.DataArray) -> Figure:
    """One series against another: a Gaussian kernel density and the path through it."""
    first, second = (
        np.asarray(one_member(thin(x, time_of(x), POINTS)).values, dtype=float) for x in (a, b)
    )
    good = np.isfinite(first) & np.isfinite(second)
    first, second = first[good], second[good]
    fig, axes = style.figure(height=3.9)
    density = _kernel_density(first, second)
    if density is not None:
        levels = np.linspace(0.04, 1.0, 9) * density[-1].max()
        image = axes.contourf(*density, levels=levels, cmap=style.DENSITY)
        style.colourbar(fig, image, axes, "probability density (Gaussian kernel)")
    axes.plot(first, second, color=style.INK, lw=0.5, alpha=0.55)
    if len(first):
        look = {"color": style.COLOURS[1], "ms": 6, "ls": ""}
        axes.plot(first[:1], second[:1], "o", mfc="white", label="first", **look)
        axes.plot(first[-1:], second[-1:], "s", label="last", **look)
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.13), ncols=2)
    # a power of ten and an offset stand on the right
    axes.set_xlabel(style.labelled(str(a.name), a.attrs), loc="left")
    axes.set_ylabel(style.labelled(str(b.name), b.attrs))
    return fig


def _kernel_density(
    a: np.ndarray, b: np.ndarray, size: int = 72
) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Density on a grid around the points; None if they do not span a plane."""
    from scipy.stats import gaussian_kde

    if len(a) < 10 or min(np.ptp(a), np.ptp(b)) <= 1e-12 * max(
        1e-300, np.abs(a).max(), np.abs(b).max()
    ):
        return None
    try:
        kernel = gaussian_kde(np.stack([a, b]))
    except (np.linalg.LinAlgError, ValueError):
        return None  # on a line
    width = 2.2 * np.sqrt(np.diag(kernel.covariance))
    x, y = (np.linspace(v.min() - w, v.max() + w, size) for v, w in zip((a, b), width, strict=True))
    grid = np.stack([part.ravel() for part in np.meshgrid(x, y)])
    return x, y, kernel(grid).reshape(size, size)
