"""Which pictures a run has: chosen by the dims and roles of its variables, never by the name of a
solver.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from physent.report import fields, particles, series, style
from physent.report.configuration import swept
from physent.report.sorts import Sort, moments, plain, sorts_of

MOST_FIELDS, MOST_IMAGES, ROWS_A_PICTURE = 6, 4, 5
# what tells most of a system first; roles that are not here come after, and a phase last
FIRST_ROLES = (
    "amplitude",
    "density",
    "vorticity",
    "concentration",
    "momentum",
    "energy_density",
    "velocity",
)
ENTROPIES = ("entropy", "entropy_production", "complexity", "information")


@dataclass(frozen=True)
class Picture:
    """A figure with its title and the sentence below it; `group` is the section it belongs to."""

    title: str
    caption: str
    group: str
    figure: Figure


class Pictures(dict[str, Figure]):
    """Figures by title; a notebook shows them all."""

    def _repr_html_(self) -> str:
        parts = (
            '<figure style="display:inline-block;width:380px;margin:6px;vertical-align:top">'
            f"{style.svg(fig, f'n{i}-')}<figcaption>{title}</figcaption></figure>"
            for i, (title, fig) in enumerate(self.items())
        )
        return "".join(parts)


def plot(dataset: xr.Dataset, *variables: str) -> Pictures:
    """The pictures of a run as matplotlib figures by title, those of some variables only where they
    are named.

    Raises ValueError for a variable that the dataset does not have, or that has no picture.
    """
    missing = [name for name in variables if name not in dataset]
    if missing:
        there = ", ".join(map(str, dataset.data_vars))
        raise ValueError(f"no variable {', '.join(map(repr, missing))} (there are: {there})")
    chosen = dataset[list(variables)].assign_attrs(dataset.attrs) if variables else dataset
    found = Pictures(
        {picture.title: picture.figure for picture in pictures(chosen, everything=bool(variables))}
    )
    if not found:
        what = ", ".join(variables) if variables else "the dataset"
        raise ValueError(
            f"nothing to draw in {what}: no variable with numbers over time (t, t_snapshot or time)"
        )
    return found


def pictures(dataset: xr.Dataset, everything: bool = False) -> Iterator[Picture]:
    """The pictures of a dataset, one after the other, fields first."""
    dataset = plain(dataset)
    sorts = sorts_of(dataset)
    drawers = (_particles, _fields, _orders, _entropies, _portraits, _series, _invariants)
    with style.styled():
        for drawer in drawers:
            yield from drawer(dataset, sorts, everything)


def showpieces(dataset: xr.Dataset) -> Iterator[Picture]:
    """The few pictures that show a run at a glance: its first field, its order parameters, its
    entropies.

    Particles are left to a movie, and so are the fields of a run that has them.
    """
    dataset = plain(dataset)
    sorts = sorts_of(dataset)
    swarm = any(found.kind == "particles" for found in sorts.values())
    with style.styled():
        for drawer in (_orders, _entropies) if swarm else (_fields, _orders, _entropies):
            yield from itertools.islice(drawer(dataset, sorts, False), 1)


def order_of(dataset: xr.Dataset, sorts: dict[str, Sort]) -> list[str]:
    """The fields, what tells most first."""

    def rank(name: str) -> int:
        role = sorts[name].role
        return FIRST_ROLES.index(role) if role in FIRST_ROLES else 99 if role == "phase" else 50

    kinds = ("profile", "map", "volume", "spectrum")
    return sorted((name for name in sorts if sorts[name].kind in kinds), key=rank)


def _words(array: xr.DataArray, found: Sort, more: str = "") -> str:
    words = str(array.attrs.get("long_name", array.name))
    member = f"; the first of {found.members} members" if found.members > 1 else ""
    return f"{array.name}: {words}{member}{more}"


def _fields(dataset: xr.Dataset, sorts: dict[str, Sort], everything: bool) -> Iterator[Picture]:
    names = order_of(dataset, sorts)
    for name in names if everything else names[:MOST_FIELDS]:
        array, found = dataset[name], sorts[name]
        if found.kind == "spectrum":
            yield Picture(
                f"{name}", _words(array, found), "spectra", fields.saved_spectrum(array, found)
            )
            continue
        if found.kind == "profile":
            yield Picture(
                f"{name} over time", _words(array, found), "fields", fields.space_time(array, found)
            )
        else:
            more = "; the middle plane of the first axis" if found.kind == "volume" else ""
            yield Picture(
                f"{name}", _words(array, found, more), "fields", fields.image(array, found)
            )
    resolved = [
        name
        for name in names
        if sorts[name].kind in ("profile", "map") and sorts[name].role != "phase"
    ]
    for name in resolved if everything else resolved[:1]:
        figure = fields.spectra(dataset[name], sorts[name])
        if figure is not None:
            yield Picture(
                f"spectrum of {name}", _words(dataset[name], sorts[name]), "spectra", figure
            )


def _particles(dataset: xr.Dataset, sorts: dict[str, Sort], everything: bool) -> Iterator[Picture]:
    names = [
        name
        for name, found in sorts.items()
        if found.kind == "particles" and found.role == "position"
    ]
    for name in names:
        array, found = dataset[name], sorts[name]
        other = particles.headings(dataset, name)
        more = f"; arrows along {other}" if other else ""
        for row in moments(array, found.time):
            t = float(array[found.time][row])
            figure = particles.snapshot(dataset, name, found, row)
            yield Picture(f"{name} at t = {t:.4g}", _words(array, found, more), "particles", figure)


def _orders(dataset: xr.Dataset, sorts: dict[str, Sort], everything: bool) -> Iterator[Picture]:
    names = [
        name for name, found in sorts.items() if found.kind == "series" and found.role == "order"
    ]
    for time in dict.fromkeys(sorts[name].time for name in names):
        chosen = [name for name in names if sorts[name].time == time]
        figure = series.rows([dataset[name] for name in chosen], time, together=True)
        caption = "; ".join(
            _words(dataset[name], sorts[name]).removesuffix(_members(sorts[name]))
            for name in chosen
        )
        yield Picture("order parameters", caption, "series", figure)


def _members(found: Sort) -> str:
    return f"; the first of {found.members} members" if found.members > 1 else ""


def _entropies(dataset: xr.Dataset, sorts: dict[str, Sort], everything: bool) -> Iterator[Picture]:
    yield from _in_rows(
        dataset, sorts, lambda found: found.role in ENTROPIES, "entropies", "entropies"
    )


def _series(dataset: xr.Dataset, sorts: dict[str, Sort], everything: bool) -> Iterator[Picture]:
    others = (*ENTROPIES, "order", "invariant")
    yield from _in_rows(dataset, sorts, lambda found: found.role not in others, "series", "series")


def _in_rows(
    dataset: xr.Dataset, sorts: dict[str, Sort], wanted: Any, group: str, title: str
) -> Iterator[Picture]:
    names = [name for name, found in sorts.items() if found.kind == "series" and wanted(found)]
    parameter = swept(dataset.attrs, dataset.sizes.get("member", 1))
    images = [name for name in names if sorts[name].members >= 2 * series.MANY]
    for name in images[:MOST_IMAGES]:
        figure = series.over_members(dataset[name], sorts[name].time, parameter)
        words = _words(dataset[name], sorts[name]).removesuffix(_members(sorts[name]))
        yield Picture(f"{name} of every member", words, group, figure)
    for time in dict.fromkeys(sorts[name].time for name in names):
        of_time = [name for name in names if sorts[name].time == time]
        for first in range(0, len(of_time), ROWS_A_PICTURE):
            chosen = of_time[first : first + ROWS_A_PICTURE]
            words = [
                _words(dataset[name], sorts[name]).removesuffix(_members(sorts[name]))
                for name in chosen
            ]
            many = max(sorts[name].members for name in chosen)
            band = (
                f"; median and middle four fifths of {many} members" if many >= series.MANY else ""
            )
            number = f" ({first // ROWS_A_PICTURE + 1})" if len(of_time) > ROWS_A_PICTURE else ""
            figure = series.rows([dataset[name] for name in chosen], time)
            yield Picture(f"{title}{number}", "; ".join(words) + band, group, figure)


def _portraits(dataset: xr.Dataset, sorts: dict[str, Sort], everything: bool) -> Iterator[Picture]:
    names = [name for name, found in sorts.items() if found.kind == "series"]
    for a, b in series.portraits(dataset, names):
        figure = series.portrait(dataset[a], dataset[b], sorts[a].time)
        words = f"{_words(dataset[a], sorts[a])}; {_words(dataset[b], sorts[b])}"
        yield Picture(f"{b} over {a}", words, "phase portraits", figure)


def scale_of_invariants(dataset: xr.Dataset) -> dict[str, float]:
    """What the drift of each invariant is relative to: its first value, or the largest of all where
    that is small.

    A momentum that is 0 but for noise says nothing of how large a drift is.
    """
    first = {
        str(name): float(
            np.max(np.abs(np.asarray(array.isel({array.dims[0]: 0}).values, dtype=float)))
        )
        for name, array in dataset.data_vars.items()
        if array.attrs.get("role") == "invariant" and array.size
    }
    largest = max((value for value in first.values() if np.isfinite(value)), default=0.0) or 1.0
    return {name: value if value > 1e-3 * largest else largest for name, value in first.items()}


def _invariants(dataset: xr.Dataset, sorts: dict[str, Sort], everything: bool) -> Iterator[Picture]:
    names = [
        name
        for name, found in sorts.items()
        if found.kind == "series" and found.role == "invariant"
    ]
    if names:
        time = sorts[names[0]].time
        figure = series.drifts(
            [dataset[name] for name in names], time, scale_of_invariants(dataset)
        )
        yield Picture(
            "drift of the invariants",
            "what the system conserves, less its first value",
            "invariants",
            figure,
        )
