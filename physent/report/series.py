"""Pictures of series: rows that share their time, drifts, order parameters, ensembles, and phase
portraits.
"""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from physent.report import style
from physent.report.sorts import POINTS, ROWS, points, thin

MANY = 9  # members from which on their lines become a band
ROW = 1.12  # inches of one series


def rows(arrays: list[xr.DataArray], time: str, together: bool = False) -> Figure:
    """Series below each other over one time, or, of one kind and size, on one pair of axes."""
    count = 1 if together else len(arrays)
    fig, _ = style.figure(height=style.HEIGHT if count == 1 else 0.5 + count * ROW)
    fig.clear()
    panels = list(fig.subplots(count, 1, sharex=True, squeeze=False)[:, 0])
    for i, array in enumerate(arrays):
        axes = panels[0 if together else i]
        style_of = style.line(i if together else 0)
        draw(axes, thin(array, time, POINTS), time, label=str(array.name), **style_of)
        if not together:
            axes.set_title(style.labelled(str(array.name), array.attrs))
            axes.locator_params(axis="y", nbins=3 if count > 1 else 6)
    if together and len(arrays) > 1:
        panels[0].legend()
    elif together:
        panels[0].set_title(style.labelled(str(arrays[0].name), arrays[0].attrs))
    panels[-1].set_xlabel("t")
    return fig


def draw(axes: Axes, array: xr.DataArray, time: str, **line: object) -> None:
    """One series; of several members their lines, of many the median and the band of the middle
    four fifths.
    """
    t = points(array, time)
    values = np.asarray(array.transpose(time, ...).values, dtype=float)
    if values.ndim == 1:
        axes.plot(t, values, marker="." if len(t) == 1 else None, **line)  # type: ignore[arg-type]
    elif values.shape[1] < MANY:
        axes.plot(t, values, **(line | {"label": None, "linewidth": 0.9, "alpha": 0.8}))  # type: ignore[arg-type]
        axes.plot([], [], **line)  # type: ignore[arg-type]
    else:
        low, middle, high = _quantiles(values)
        axes.fill_between(t, low, high, color=str(line["color"]), alpha=0.25, lw=0)
        axes.plot(t, middle, **line)  # type: ignore[arg-type]


def _quantiles(values: np.ndarray) -> np.ndarray:
    bad = np.asarray(~np.isfinite(values).any(axis=1, keepdims=True))
    quantiles = np.nanquantile(np.where(bad, 0.0, values), [0.1, 0.5, 0.9], axis=1)
    quantiles[:, bad[:, 0]] = np.nan
    return quantiles


def drifts(arrays: list[xr.DataArray], time: str, scales: dict[str, float]) -> Figure:
    """How far each invariant is from its first value, relative to its scale."""
    parts = []
    for array in arrays:
        name = str(array.name).removeprefix("invariant_")
        drift = (array - array.isel({time: 0})) / scales[str(array.name)]
        parts.append(drift.rename(f"relative drift of {name}").assign_attrs(units="1"))
    return rows(parts, time)


def over_members(array: xr.DataArray, time: str, swept: tuple[str, np.ndarray] | None) -> Figure:
    """A series of many members as an image, over the parameter that differs between them where
    there is one.
    """
    thinned = thin(thin(array, time, ROWS), "member", 500).transpose("member", time)
    values = np.asarray(thinned.values, dtype=float)
    label, y = "member", np.asarray(points(thinned, "member"))
    if swept is not None and np.all(np.diff(swept[1]) > 0):
        label, y = swept[0], swept[1][:: -(-array.sizes["member"] // 500)]
    fig, axes = style.figure()
    colours = style.colours_of(values, str(array.attrs.get("role", "scalar")))
    image = axes.pcolormesh(
        points(thinned, time), y, values, shading="nearest", rasterized=True, **colours
    )
    axes.set(xlabel="t", ylabel=label)
    style.colourbar(fig, image, axes, style.labelled(str(array.name), array.attrs))
    return fig


def portraits(dataset: xr.Dataset, names: list[str]) -> list[tuple[str, str]]:
    """Pairs of series that span a phase plane: (q, q_t) by name, as `phi_probe`, `phi_t_probe`, and
    two orders.
    """
    found = []
    by_parts = {tuple(name.split("_")): name for name in names}
    for parts, name in by_parts.items():
        for i in (i for i, part in enumerate(parts) if part == "t"):
            rest = parts[:i] + parts[i + 1 :]
            if rest in by_parts:
                found.append((by_parts[rest], name))
    orders = [name for name in names if dataset[name].attrs.get("role") == "order"]
    return [*found, (orders[0], orders[1])] if len(orders) > 1 else found


def portrait(a: xr.DataArray, b: xr.DataArray, time: str) -> Figure:
    """One series over another: the density of its places by a Gaussian kernel, and the path through
    it.
    """
    first, second = (np.asarray(_one(thin(x, time, POINTS)).values, dtype=float) for x in (a, b))
    good = np.isfinite(first) & np.isfinite(second)
    first, second = first[good], second[good]
    fig, axes = style.figure(height=3.9)
    density = _kernel_density(first, second)
    if density is not None:
        x, y, values = density
        levels = np.linspace(0.04, 1.0, 9) * values.max()
        image = axes.contourf(x, y, values, levels=levels, cmap=style.DENSITY)
        style.colourbar(fig, image, axes, "probability density (Gaussian kernel)")
    axes.plot(first, second, color=style.INK, lw=0.5, alpha=0.55)
    if len(first):
        axes.plot(
            first[:1],
            second[:1],
            "o",
            mfc="white",
            color=style.COLOURS[1],
            label="first",
            ms=6,
            ls="",
        )
        axes.plot(first[-1:], second[-1:], "s", color=style.COLOURS[1], label="last", ms=6, ls="")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.13), ncols=2)
    axes.set_xlabel(
        style.labelled(str(a.name), a.attrs), loc="left"
    )  # a power of ten and an offset stand on the right
    axes.set_ylabel(style.labelled(str(b.name), b.attrs))
    return fig


def _one(array: xr.DataArray) -> xr.DataArray:
    return array.isel(member=0) if "member" in array.dims else array


def _kernel_density(
    a: np.ndarray, b: np.ndarray, size: int = 72
) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Density on a grid round the points; None where they do not fill a plane."""
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
