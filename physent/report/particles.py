"""Pictures of particles: where they are and where they head, in two and in three dimensions."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from physent.entropy import from_centre
from physent.report import style
from physent.report.sorts import Sort, one_member

MOST_ARROWS, MOST = 2500, 20_000
HEADINGS = ("heading", "orientation", "propulsion", "velocity")


def headings(dataset: xr.Dataset, name: str) -> str | None:
    """The variable that says where the particles of `name` head: same dims, the best role."""
    same = [
        str(other)
        for other in dataset
        if other != name and dataset[other].dims == dataset[name].dims
    ]
    for role in HEADINGS:
        for other in same:
            if dataset[other].attrs.get("role") == role or other == role:
                return other
    return None


def box(positions: np.ndarray) -> list[tuple[float, float]]:
    """Limits with a margin, the same length along every axis, round all positions (...,
    components).
    """
    flat = positions.reshape(-1, positions.shape[-1])
    flat = flat[np.all(np.isfinite(flat), axis=-1)]
    if not len(flat):
        return [(0.0, 1.0)] * positions.shape[-1]
    middle = 0.5 * (flat.min(axis=0) + flat.max(axis=0))
    half = 0.53 * float((flat.max(axis=0) - flat.min(axis=0)).max()) or 0.5
    return [(float(centre - half), float(centre + half)) for centre in middle]


def rows(
    dataset: xr.Dataset, name: str, sort: Sort, index: list[int]
) -> tuple[np.ndarray, np.ndarray | None]:
    """Positions (rows, particles, components) at some rows, and unit vectors along their headings
    if there are any.
    """
    other = headings(dataset, name)

    def read(which: str) -> np.ndarray:
        chosen = (
            one_member(dataset[which]).isel({sort.time: index}).transpose(sort.time, *sort.dims)
        )
        step = -(-chosen.sizes[sort.dims[0]] // MOST)
        return np.asarray(chosen.isel({sort.dims[0]: slice(None, None, step)}).values, dtype=float)

    positions = read(name)
    if other is None:
        return positions, None
    vectors = read(other)
    norm = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return positions, vectors / np.where(norm > 0, norm, 1.0)


def period(dataset: xr.Dataset, name: str, components: int) -> np.ndarray | None:
    """The circumferences of the periodic box, where the file says so for each component."""
    circles = np.asarray(dataset[name].attrs.get("period", ()), dtype=float)
    return circles if circles.shape == (components,) and np.all(circles > 0) else None


def about_centre(places: np.ndarray, period: np.ndarray | None) -> np.ndarray:
    """The vectors from the centre at each row, the shortest way round in a periodic box."""
    return np.asarray(from_centre(places, period), dtype=float)


def snapshot(dataset: xr.Dataset, name: str, sort: Sort, row: int) -> Figure:
    """The particles at one row; in three dimensions seen from the side and from above."""
    positions, vectors = rows(dataset, name, sort, [row])
    place, vector = positions[0], None if vectors is None else vectors[0]
    limits = box(place)
    units = dataset[name].attrs
    if place.shape[-1] == 2:
        fig, axes = style.figure(height=4.6)
        draw(axes, place, vector, limits, colour=None)
        axes.set(xlabel=style.labelled("x", units), ylabel=style.labelled("y", units))
        if vector is not None:
            _angles(fig, axes)
        return fig
    fig, axes = style.figure(height=4.5)
    axes.remove()
    deep(fig, limits, units)(place, vector)
    return fig


def deep(
    fig: Figure, limits: list[tuple[float, float]], units: Mapping[str, Any]
) -> Callable[[np.ndarray, np.ndarray | None], Axes]:
    """Axes of three dimensions with these limits, as a function that draws particles on them
    instead of those before.

    Colours are heights; lines go along the headings.
    """
    axes = fig.add_subplot(projection="3d")
    axes.set(xlim=limits[0], ylim=limits[1], zlim=limits[2])  # type: ignore[call-arg]
    axes.set_xlabel(style.labelled("x", units))
    axes.set_ylabel(style.labelled("y", units))
    axes.set_zlabel(style.labelled("z", units))  # type: ignore[attr-defined]
    axes.set_box_aspect((1, 1, 1), zoom=0.86)  # type: ignore[attr-defined]
    for axis in (axes.xaxis, axes.yaxis, axes.zaxis):  # type: ignore[attr-defined]
        axis.set_pane_color((0.5, 0.5, 0.5, 0.06))  # type: ignore[attr-defined]
        axis.set_major_locator(_few())
        axis.labelpad = 7
    length = 0.06 * (limits[0][1] - limits[0][0])
    shade = {"cmap": style.SEQUENTIAL, "vmin": limits[2][0], "vmax": limits[2][1]}
    drawn = []

    def show(place: np.ndarray, vector: np.ndarray | None, /) -> Axes:
        while drawn:
            drawn.pop().remove()
        if vector is not None and len(place) <= MOST_ARROWS:
            lines = {
                "length": length,
                "linewidth": 0.7,
                "arrow_length_ratio": 0.0,
                "color": "#7a7a7a",
            }
            lines["rasterized"] = _raster(place)
            drawn.append(axes.quiver(*place.T, *vector.T, **lines))
        x, y, z = place.T
        dots = {"s": _size(len(place)), "depthshade": False, "rasterized": _raster(place), **shade}
        drawn.append(axes.scatter(x, y, z, c=z, **dots))  # type: ignore[misc]
        return axes

    return show


def draw(
    axes: Axes,
    place: np.ndarray,
    vector: np.ndarray | None,
    limits: list[tuple[float, float]],
    colour: str | None,
) -> None:
    """Particles of two dimensions as arrows along their headings, coloured by direction, or as
    dots.
    """
    x, y = place[:, 0], place[:, 1]
    if vector is not None and len(place) <= MOST_ARROWS:
        angle = np.arctan2(vector[:, 1], vector[:, 0])
        side = float(np.clip(0.5 / np.sqrt(len(place)), 0.011, 0.05))
        axes.quiver(
            x,
            y,
            vector[:, 0],
            vector[:, 1],
            angle,
            cmap=style.CYCLIC,
            clim=(-np.pi, np.pi),
            pivot="mid",
            angles="xy",
            scale=1 / side,
            scale_units="width",
            width=side / 6,
            headwidth=4,
            headlength=5,
            rasterized=_raster(place),
        )
    elif vector is not None:
        angle = np.arctan2(vector[:, 1], vector[:, 0])
        axes.scatter(
            x,
            y,
            s=_size(len(place)),
            c=angle,
            cmap=style.CYCLIC,
            vmin=-np.pi,
            vmax=np.pi,
            lw=0,
            rasterized=True,
        )
    else:
        axes.scatter(
            x,
            y,
            s=_size(len(place)),
            color=colour or style.COLOURS[0],
            lw=0,
            rasterized=_raster(place),
        )
    axes.set(xlim=limits[0], ylim=limits[1])
    axes.set_aspect("equal")


def _raster(place: np.ndarray) -> bool:
    """Whether there are so many that pixels are smaller than shapes."""
    return len(place) > 500


def _size(count: int) -> float:
    return float(np.clip(3000 / count, 1.0, 16.0))


def _few():
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(4)


def _angles(fig: Figure, axes: Axes) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    mappable = ScalarMappable(Normalize(-np.pi, np.pi), style.CYCLIC)
    bar = fig.colorbar(
        mappable, ax=axes, pad=0.02, aspect=30, ticks=[-np.pi, 0, np.pi], label="direction [rad]"
    )
    bar.ax.set_yticklabels(["-π", "0", "π"])
    bar.outline.set_visible(False)  # type: ignore[operator]
