"""The learned score of a run in its report: verdict, maps and learning curve, from `score.nc`."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from physent.errors import FolderError, brief
from physent.io.integrity import check_dataset
from physent.protocol import hdf5
from physent.report import style
from physent.report.checks import WORSE, Check, State
from physent.report.pictures import Picture

RESULT, GROUP = "score.nc", "learned score"
# what there are pictures of, with title and caption; {} stands for the long name of the variable
MAPS = {
    "map_total": ("entropy production per walker or particle", "{}; arrows: current velocity"),
    "map_divergence": ("divergence of v per walker or particle", "{}; arrows: current velocity"),
    "snapshot_total": ("entropy production of each particle", "{}; arrows: current velocity"),
    "snapshot_divergence": ("divergence of v of each particle", "{}; arrows: current velocity"),
    "map_density": (
        "density and current",
        "share per unit of the plane; arrows: density times v",
    ),
    "training_error": (
        "learning",
        "error of the score on samples for checks, E[ds . D ds], with its standard error",
    ),
}
MOST_ARROWS = 16


@dataclass(frozen=True)
class LearnedSection:
    """The contents of the section: a line of the verdict, rows (words, value, standard error), and
    figures.
    """

    check: Check
    rows: list[tuple[str, float, float]]
    pictures: list[Picture]


def learned_of(folder: Path | None) -> LearnedSection | None:
    """The section of a run folder; None if no score was learned. Raises FolderError for a damaged
    file.
    """
    if folder is None or not (folder / RESULT).is_file():
        return None
    check_dataset(folder / RESULT)
    try:
        with hdf5.open_dataset(folder / RESULT) as stored:
            dataset = stored.load()
        state, sentence = str(dataset.attrs["state"]), str(dataset.attrs["sentence"])
        if state not in WORSE:
            raise ValueError(f"its state is {brief(state)}, allowed: {', '.join(WORSE)}")
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise FolderError(f"{folder / RESULT}: cannot be read: {error}") from None
    rows = [
        (str(array.attrs["long_name"]), float(array), float(dataset[f"{name}_error"]))
        for name, array in dataset.data_vars.items()
        if array.attrs.get("role") == "verdict"
    ]
    with style.styled():
        check = Check("learned score", cast(State, state), sentence)
        return LearnedSection(check, rows, list(_pictures(dataset)))


def _pictures(dataset: xr.Dataset) -> Iterator[Picture]:
    drawers = {"map": _map, "snapshot": _particles, "training": _curve}
    for name, (title, caption) in MAPS.items():
        if name in dataset:
            array = dataset[name]
            figure = drawers[name.partition("_")[0]](dataset, array)
            if figure is not None:
                words = caption.format(array.attrs.get("long_name", name))
                yield Picture(title, words, GROUP, figure)


def _map(dataset: xr.Dataset, array: xr.DataArray) -> Figure | None:
    dims, values = [str(dim) for dim in array.dims], array.values
    places = [dataset[dim].values for dim in dims]
    names = [dim.removeprefix("map_") for dim in dims]
    label = style.labelled(str(array.name), array.attrs)
    if len(dims) == 1:
        fig, axes = style.figure(xlabel=names[0], ylabel=label)
        axes.plot(*places, values, **style.line(0))
        return fig
    if len(dims) != 2 or not np.any(np.isfinite(values)):
        return None
    x, y = places
    fig, axes, _ = style.heatmap(
        x, y, values.T, _colours(values), label, height=3.6, xlabel=names[0], ylabel=names[1]
    )
    density = dataset["map_density"].values
    arrows = dataset["map_current" if array.name == "map_density" else "map_velocity"].values
    # where hardly anybody ever is, the mean is noise
    arrows = np.where(density[..., None] < 0.02 * density.max(), np.nan, arrows)
    step = -(-len(x) // MOST_ARROWS)
    u, v = arrows[::step, ::step, 0].T, arrows[::step, ::step, 1].T
    look = {"color": style.INK, "alpha": 0.75, "width": 0.0045, "pivot": "mid", "angles": "uv"}
    axes.quiver(x[::step], y[::step], u, v, **look)
    return fig


def _particles(dataset: xr.Dataset, array: xr.DataArray) -> Figure | None:
    place = dataset["snapshot_position"].values if "snapshot_position" in dataset else np.zeros(0)
    if place.ndim != 2 or place.shape[-1] < 2:
        return None
    fig, axes = style.figure(height=4.6)
    x, y = place[:, 0], place[:, 1]
    look = {"s": np.clip(12000 / len(place), 1.5, 60.0), "rasterized": len(place) > 2000}
    image = axes.scatter(x, y, c=array.values, lw=0, **look, **_colours(array.values))
    if len(place) <= 400 and "snapshot_velocity_position" in dataset:
        v = dataset["snapshot_velocity_position"].values
        axes.quiver(x, y, v[:, 0], v[:, 1], color=style.INK, width=0.0035, angles="xy")
    axes.set_aspect("equal")
    style.colourbar(fig, image, axes, style.labelled(str(array.name), array.attrs))
    return fig


def _colours(values: np.ndarray) -> dict:
    """Colours between the 1 % and 99 % quantiles: a few rarely visited boxes do not dominate
    them.
    """
    finite = values[np.isfinite(values)]
    if finite.size:
        values = np.clip(values, *np.quantile(finite, [0.01, 0.99]))
    return style.colours_of(values, "scalar")


def _curve(dataset: xr.Dataset, array: xr.DataArray) -> Figure:
    fig, axes = style.figure(xlabel="step", ylabel="error [1/time]")
    step, error = dataset["step"].values, array.values
    spread = np.nan_to_num(dataset["training_standard_error"].values)
    axes.plot(step, error, **style.line(0))
    band = {"color": style.COLOURS[0], "alpha": 0.25, "lw": 0}
    axes.fill_between(step, error - spread, error + spread, **band)
    axes.axhline(0, color=style.INK, lw=0.6)
    return fig
