"""The learned score of a run in its report: verdict, maps and learning curve, from `score.nc`."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from physent.errors import FolderError
from physent.report import style
from physent.report.checks import Check, State
from physent.report.pictures import Picture

RESULT, GROUP = "score.nc", "learned score"
MAPS = {
    "map_total": "entropy production of one there",
    "map_divergence": "divergence of v of one there",
    "snapshot_total": "entropy production of each particle",
    "snapshot_divergence": "divergence of v of each particle",
}
MOST_ARROWS = 16


@dataclass(frozen=True)
class LearnedSection:
    """What the page shows: a line of the verdict, rows (words, value, standard error), and
    pictures.
    """

    check: Check
    rows: list[tuple[str, float, float]]
    pictures: list[Picture]


def learned_of(folder: Path | None) -> LearnedSection | None:
    """The section of a run folder; None where no score was learned. Raises FolderError for a file
    that is damaged.
    """
    if folder is None or not (folder / RESULT).is_file():
        return None
    try:
        with xr.open_dataset(folder / RESULT) as stored:
            dataset = stored.load()
        state = cast(State, str(dataset.attrs["state"]))
        check = Check("learned score", state, str(dataset.attrs["sentence"]))
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise FolderError(f"{folder / RESULT}: cannot be read: {error}") from None
    rows = [
        (str(array.attrs["long_name"]), float(array), float(dataset[f"{name}_error"]))
        for name, array in dataset.data_vars.items()
        if array.attrs.get("role") == "verdict"
    ]
    with style.styled():
        return LearnedSection(check, rows, list(_pictures(dataset)))


def _pictures(dataset: xr.Dataset) -> Iterator[Picture]:
    for name, words in MAPS.items():
        if name not in dataset:
            continue
        array = dataset[name]
        figure = _particles(dataset, array) if name.startswith("snapshot") else _map(dataset, array)
        if figure is not None:
            yield Picture(
                words, f"{array.attrs['long_name']}; arrows: current velocity", GROUP, figure
            )
    if "map_density" in dataset:
        figure = _map(dataset, dataset["map_density"], current=True)
        if figure is not None:
            yield Picture(
                "density and current",
                "share per unit of the plane; arrows: density times v",
                GROUP,
                figure,
            )
    if "training_error" in dataset:
        yield Picture(
            "learning",
            "error of the score on samples for checks, E[ds . D ds], with its standard error",
            GROUP,
            _curve(dataset),
        )


def _map(dataset: xr.Dataset, array: xr.DataArray, current: bool = False) -> Figure | None:
    axes_of = [str(dim) for dim in array.dims]
    fig, axes = style.figure(height=3.6 if len(axes_of) == 2 else style.HEIGHT)
    names = [dim.removeprefix("map_") for dim in axes_of]
    if len(axes_of) == 1:
        axes.plot(dataset[axes_of[0]].values, array.values, **style.line(0))
        axes.set(xlabel=names[0], ylabel=style.labelled(str(array.name), array.attrs))
        return fig
    if len(axes_of) != 2 or not np.any(np.isfinite(array.values)):
        return None
    x, y = (dataset[dim].values for dim in axes_of)
    values = array.values.T
    image = axes.pcolormesh(x, y, values, shading="nearest", rasterized=True, **_colours(values))
    arrows = dataset["map_current" if current else "map_velocity"].values
    step = -(-len(x) // MOST_ARROWS)
    u, v = arrows[::step, ::step, 0].T, arrows[::step, ::step, 1].T
    if dataset["map_density"].values.max() > 0:
        # where hardly anybody ever is, the mean is noise
        rare = (
            0.02 * dataset["map_density"].values.max()
            > dataset["map_density"].values[::step, ::step].T
        )
        u, v = np.where(rare, np.nan, u), np.where(rare, np.nan, v)
    axes.quiver(
        x[::step],
        y[::step],
        u,
        v,
        color=style.INK,
        alpha=0.75,
        width=0.0045,
        pivot="mid",
        angles="uv",
    )
    axes.set(xlabel=names[0], ylabel=names[1])
    style.colourbar(fig, image, axes, style.labelled(str(array.name), array.attrs))
    return fig


def _particles(dataset: xr.Dataset, array: xr.DataArray) -> Figure | None:
    place = (
        dataset["snapshot_position"].values if "snapshot_position" in dataset else np.zeros((0, 0))
    )
    if place.ndim != 2 or place.shape[-1] < 2:
        return None
    fig, axes = style.figure(height=4.6)
    size = float(np.clip(12000 / len(place), 1.5, 60.0))
    image = axes.scatter(
        place[:, 0],
        place[:, 1],
        c=array.values,
        s=size,
        lw=0,
        rasterized=len(place) > 2000,
        **_colours(array.values),
    )
    if len(place) <= 400 and "snapshot_velocity_position" in dataset:
        v = dataset["snapshot_velocity_position"].values
        axes.quiver(
            place[:, 0], place[:, 1], v[:, 0], v[:, 1], color=style.INK, width=0.0035, angles="xy"
        )
    axes.set_aspect("equal")
    style.colourbar(fig, image, axes, style.labelled(str(array.name), array.attrs))
    return fig


def _colours(values: np.ndarray) -> dict:
    """Colours between the 1 % and 99 % quantiles: a few boxes that were hardly visited do not set
    them.
    """
    finite = values[np.isfinite(values)]
    if not finite.size:
        return style.colours_of(values, "scalar")
    low, high = np.quantile(finite, [0.01, 0.99])
    return style.colours_of(np.clip(values, low, high), "scalar")


def _curve(dataset: xr.Dataset) -> Figure:
    fig, axes = style.figure()
    step, error = dataset["step"].values, dataset["training_error"].values
    spread = np.nan_to_num(dataset["training_standard_error"].values)
    axes.plot(step, error, **style.line(0))
    axes.fill_between(
        step, error - spread, error + spread, color=style.COLOURS[0], alpha=0.25, lw=0
    )
    axes.axhline(0, color=style.INK, lw=0.6)
    axes.set(xlabel="step", ylabel="error [1/time]")
    return fig
