"""Figures of particles: positions and headings in two and three dimensions."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from physent.entropy import from_centre
from physent.report import style
from physent.report.sorts import ROWS, Sort, frames, numbers

MOST_ARROWS, MOST = 2500, 20_000
FEW, BOXES = 40, 64  # particles on a line that are drawn one by one, and boxes of the density
HEADINGS = ("heading", "orientation", "propulsion", "velocity")


def headings(dataset: xr.Dataset, name: str) -> str | None:
    """The variable with the headings of the particles of `name`, by dims and role, or None."""
    same = [str(x) for x in dataset if x != name and dataset[x].dims == dataset[name].dims]
    ranked = (
        other
        for role in HEADINGS
        for other in same
        if dataset[other].attrs.get("role") == role or other == role
    )
    return next(ranked, None)


def box(positions: np.ndarray) -> list[tuple[float, float]]:
    """Limits of equal length along every axis that hold all positions (..., components)."""
    flat = positions.reshape(-1, positions.shape[-1])
    flat = flat[np.all(np.isfinite(flat), axis=-1)]
    if not len(flat):
        return [(0.0, 1.0)] * positions.shape[-1]
    middle = 0.5 * (flat.min(axis=0) + flat.max(axis=0))
    half = 0.53 * float((flat.max(axis=0) - flat.min(axis=0)).max()) or 0.5
    return [(float(centre - half), float(centre + half)) for centre in middle]


def rows(
    dataset: xr.Dataset, name: str, sort: Sort, index: list[int]
) -> tuple[np.ndarray, np.ndarray | list[None]]:
    """Positions (rows, particles, components) at some rows, and unit vectors along the headings in
    each row, or None if there are no headings.
    """

    def read(which: str) -> np.ndarray:
        return np.asarray(frames(dataset[which], sort, index, MOST).values, dtype=float)

    other = headings(dataset, name)
    if other is None:
        return read(name), [None] * len(index)
    vectors = read(other)
    norm = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return read(name), vectors / np.where(norm > 0, norm, 1.0)


def period(dataset: xr.Dataset, name: str, components: int) -> np.ndarray | None:
    """The lengths of the periodic box (components,); None unless the file has all of them."""
    circles = np.asarray(dataset[name].attrs.get("period", ()), dtype=float)
    return circles if circles.shape == (components,) and np.all(circles > 0) else None


def about_centre(places: np.ndarray, period: np.ndarray | None) -> np.ndarray:
    """The vectors from the centre at each row, by minimum image in a periodic box."""
    return np.asarray(from_centre(places, period), dtype=float)


def snapshot(dataset: xr.Dataset, name: str, sort: Sort, row: int) -> Figure:
    """A picture of the particles at one row, in two or three dimensions."""
    (place,), (vector,) = rows(dataset, name, sort, [row])
    limits, units = box(place), dataset[name].attrs
    fig, axes = style.figure(height=3.95 if place.shape[-1] == 2 else 4.5)
    if place.shape[-1] == 3:
        axes.remove()
        deep(fig, limits, units)(place, vector)
        return fig
    axes.set(xlabel=style.labelled("x", units), ylabel=style.labelled("y", units))
    draw(axes, place, vector, limits)
    if vector is not None:
        colours = ScalarMappable(**style.colours_of(np.zeros(0), "phase"))
        bar = style.colourbar(fig, colours, axes, "direction [rad]", aspect=30)
        bar.set_ticks([-np.pi, 0, np.pi], labels=["-π", "0", "π"])
    return fig


def on_a_line(array: xr.DataArray, sort: Sort) -> Figure:
    """Particles with one coordinate over time: a line for each of a few, the density of many."""
    step = slice(None, None, -(-array.sizes[sort.time] // ROWS))
    values, label, (t, _) = numbers(array, sort, step, MOST)
    label = style.labelled(label, array.attrs)
    if len(t) == 1 or values.shape[1] <= FEW:
        fig, axes = style.figure(xlabel="t", ylabel=label)
        axes.plot(t, values, color=style.COLOURS[0], lw=0.7, alpha=0.7)
        return fig
    finite = values[np.isfinite(values)]
    circle = np.ravel(array.attrs.get("period", ()))
    whole = array.attrs.get("role") == "position" and circle.size == 1
    ends = (0.0, float(circle[0])) if whole else (finite.min(initial=0.0), finite.max(initial=0.0))
    edges = np.linspace(*ends, BOXES + 1)
    rows = [np.histogram(row[np.isfinite(row)], edges, density=True)[0] for row in values]
    density, middles = np.stack(rows), 0.5 * (edges[1:] + edges[:-1])
    words = f"probability density of {array.name}"
    look = {"xlabel": "t", "ylabel": label}
    return style.heatmap(t, middles, density.T, style.colours_of(density, ""), words, **look)[0]


def deep(
    fig: Figure, limits: list[tuple[float, float]], units: Mapping[str, Any]
) -> Callable[[np.ndarray, np.ndarray | None], list[Any]]:
    """Three-dimensional axes with these limits, as a function that redraws particles on them, and
    returns what it drew.

    Colours are heights; lines go along the headings.
    """
    labels = {f"{axis}label": style.labelled(axis, units) for axis in "xyz"}
    axes = fig.add_subplot(projection="3d")
    axes.set(xlim=limits[0], ylim=limits[1], zlim=limits[2], **labels)  # type: ignore[call-arg]
    axes.set_box_aspect((1, 1, 1), zoom=0.86)  # type: ignore[attr-defined]
    for axis in (axes.xaxis, axes.yaxis, axes.zaxis):  # type: ignore[attr-defined]
        axis.set_pane_color((0.5, 0.5, 0.5, 0.06))  # type: ignore[attr-defined]
        axis.set_major_locator(MaxNLocator(4))
        axis.labelpad = 7
    lines: dict[str, Any] = {
        "length": 0.06 * (limits[0][1] - limits[0][0]),
        "linewidth": 0.7,
        "arrow_length_ratio": 0.0,
        "color": "#7a7a7a",
    }
    shade = {"cmap": style.SEQUENTIAL, "vmin": limits[2][0], "vmax": limits[2][1]}
    drawn = []

    def show(place: np.ndarray, vector: np.ndarray | None, /) -> list[Any]:
        while drawn:
            drawn.pop().remove()
        raster = _raster(place)
        if vector is not None and len(place) <= MOST_ARROWS:
            drawn.append(axes.quiver(*place.T, *vector.T, rasterized=raster, **lines))
        dots = {"s": _size(len(place)), "depthshade": False, "rasterized": raster, **shade}
        drawn.append(axes.scatter(*place.T, c=place[:, 2], **dots))  # type: ignore[misc]
        return drawn[:]

    return show


def draw(
    axes: Axes, place: np.ndarray, vector: np.ndarray | None, limits: list[tuple[float, float]]
) -> list[Any]:
    """Draw particles in the plane as dots, or as arrows coloured by their heading, and return what
    was drawn.
    """
    x, y = place.T
    angle = None if vector is None else np.arctan2(vector[:, 1], vector[:, 0])
    look: dict[str, Any] = {"color": style.COLOURS[0]}
    if angle is not None:
        look = style.colours_of(angle, "phase")
    look["rasterized"] = _raster(place)
    if vector is not None and len(place) <= MOST_ARROWS:
        side = float(np.clip(0.5 / np.sqrt(len(place)), 0.011, 0.05))
        look |= {"scale": 1 / side, "scale_units": "width", "width": side / 6, "headwidth": 4}
        drawn = axes.quiver(x, y, *vector.T, angle, headlength=5, pivot="mid", angles="xy", **look)
    else:
        drawn = axes.scatter(x, y, s=_size(len(place)), c=angle, lw=0, **look)
    axes.set(xlim=limits[0], ylim=limits[1])
    axes.set_aspect("equal")
    return [drawn]


def _raster(place: np.ndarray) -> bool:
    """Whether there are so many particles that a raster image is smaller than vector shapes."""
    return len(place) > 500


def _size(count: int) -> float:
    return float(np.clip(3000 / count, 1.0, 16.0))
