"""The figures of a run, chosen by the dims and roles of its variables, never by the name of a
solver.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape

import xarray as xr
from matplotlib.figure import Figure

from physent.data.invariants import scales as scale_of_invariants, tolerance
from physent.data.series import over_t
from physent.errors import shortened
from physent.experiment.recorded import per_member
from physent.protocol.parameters import check_instance
from physent.report import fields, particles, series, style
from physent.report.configuration import swept
from physent.report.sorts import Sort, chosen, errors_of, moments, plain, sorts_of

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
# of the sorts of fields: title, what the caption adds, section, and what paints it
PAINTERS: dict[str, tuple[str, str, str, Callable[[xr.DataArray, Sort], Figure]]] = {
    "profile": ("{} over time", "", "fields", fields.space_time),
    "map": ("{}", "", "fields", fields.image),
    "volume": ("{}", "; the middle plane of the first axis", "fields", fields.image),
    "spectrum": ("{}", "", "spectra", fields.saved_spectrum),
    "line": ("{} over time", "", "particles", particles.on_a_line),
}
ENTROPIES = ("entropy", "entropy_production", "complexity", "information")


@dataclass(frozen=True)
class Picture:
    """A figure with its title and the sentence below it; `group` is the section it belongs to."""

    title: str
    caption: str
    group: str
    figure: Figure


Drawer = Callable[[xr.Dataset, dict[str, Sort], bool], Iterator[Picture]]


class Pictures(dict[str, Figure]):
    """Figures by title; a notebook shows them all."""

    def _repr_html_(self) -> str:
        return "".join(
            '<figure style="display:inline-block;width:380px;margin:6px;vertical-align:top">'
            f"{style.svg(fig, f'n{i}-')}<figcaption>{escape(title)}</figcaption></figure>"
            for i, (title, fig) in enumerate(self.items())
        )


def plot(dataset: xr.Dataset, *variables: str) -> Pictures:
    """The pictures of a run, or only of some of its variables, as matplotlib figures by title; of a
    file of another program, too, over seconds since the first date where its times are dates.

    Raises ValueError for a variable that the dataset does not have, or that has no picture.
    """
    check_instance(dataset, xr.Dataset, "dataset", "; physent.open_run(path) opens that of a run")
    missing = [repr(name) for name in variables if name not in dataset]
    if missing:
        there = ", ".join(map(str, dataset.data_vars))
        raise ValueError(f"no variable {', '.join(missing)} (there are: {there})")
    some = dataset[list(variables)].assign_attrs(dataset.attrs) if variables else dataset
    some = over_t(some)
    found = Pictures(
        {picture.title: picture.figure for picture in pictures(some, everything=bool(variables))}
    )
    if not found:
        raise ValueError(
            f"nothing to draw in {', '.join(variables) or 'the dataset'}: no variable with numbers "
            "over time"
        )
    return found


def pictures(dataset: xr.Dataset, everything: bool = False) -> Iterator[Picture]:
    """The pictures of a dataset, one after the other, fields first."""
    drawers = (_particles, _fields, _orders, _entropies, _portraits, _series, _invariants)
    return _drawn(dataset, drawers, everything)


def showpieces(dataset: xr.Dataset) -> Iterator[Picture]:
    """A few figures that show a run at a glance: its first field, order parameters and entropies.

    Particles are left to a movie, and so are the fields of a run that has them.
    """
    swarm = has_swarm(dataset)
    drawers = (_orders, _entropies) if swarm else (_fields, _orders, _entropies)
    return _drawn(dataset, drawers, False, most=1)


def has_swarm(dataset: xr.Dataset) -> bool:
    """Whether there are particles in the plane or in space."""
    return bool(chosen(sorts_of(plain(dataset)), "particles"))


def _drawn(
    dataset: xr.Dataset, drawers: tuple[Drawer, ...], everything: bool, most: int | None = None
) -> Iterator[Picture]:
    """The figures of a dataset, at most `most` from each drawing function."""
    dataset = plain(dataset)
    sorts = sorts_of(dataset)
    with style.styled():
        for drawer in drawers:
            yield from itertools.islice(drawer(dataset, sorts, everything), most)


def order_of(dataset: xr.Dataset, sorts: dict[str, Sort]) -> list[str]:
    """The names of the fields, the most informative first."""
    ranks = {role: rank for rank, role in enumerate(FIRST_ROLES)} | {"phase": 99}
    names = [name for name in sorts if sorts[name].kind in PAINTERS]
    return sorted(names, key=lambda name: ranks.get(sorts[name].role, 50))


def _words(array: xr.DataArray) -> str:
    name, words = str(array.name), shortened(str(array.attrs.get("long_name", "")), 400)
    return f"{name}: {words}" if words not in ("", name) else name


def _one_of(found: Sort) -> str:
    return f"; the first of {found.members} members" if found.members > 1 else ""


def _fields(dataset: xr.Dataset, sorts: dict[str, Sort], everything: bool) -> Iterator[Picture]:
    names = order_of(dataset, sorts)
    for name in names if everything else names[:MOST_FIELDS]:
        array, found = dataset[name], sorts[name]
        title, more, group, paint = PAINTERS[found.kind]
        words = _words(array) + _one_of(found) + more
        yield Picture(title.format(name), words, group, paint(array, found))
    flat = chosen(sorts, "profile") + chosen(sorts, "map")
    resolved = [name for name in names if name in flat and sorts[name].role != "phase"]
    for name in resolved if everything else resolved[:1]:
        array, found = dataset[name], sorts[name]
        figure = fields.spectra(array, found)
        if figure is not None:
            words = _words(array) + _one_of(found)
            yield Picture(f"spectrum of {name}", words, "spectra", figure)


def _particles(dataset: xr.Dataset, sorts: dict[str, Sort], everything: bool) -> Iterator[Picture]:
    for name in chosen(sorts, "particles", "position"):
        array, found = dataset[name], sorts[name]
        other = particles.headings(dataset, name)
        words = _words(array) + _one_of(found) + (f"; arrows along {other}" if other else "")
        for row in moments(array, found.time):
            title = f"{name} at t = {float(array[found.time][row]):.4g}"
            figure = particles.snapshot(dataset, name, found, row)
            yield Picture(title, words, "particles", figure)


def _by_time(
    dataset: xr.Dataset, sorts: dict[str, Sort], names: list[str]
) -> Iterator[list[xr.DataArray]]:
    """The series in groups that share their time."""
    for time in dict.fromkeys(sorts[name].time for name in names):
        yield [dataset[name] for name in names if sorts[name].time == time]


def _orders(dataset: xr.Dataset, sorts: dict[str, Sort], everything: bool) -> Iterator[Picture]:
    for arrays in _by_time(dataset, sorts, chosen(sorts, "series", "order")):
        figure = series.rows(arrays, together=True)
        yield Picture("order parameters", "; ".join(map(_words, arrays)), "series", figure)


def _entropies(dataset: xr.Dataset, sorts: dict[str, Sort], everything: bool) -> Iterator[Picture]:
    return _in_rows(dataset, sorts, chosen(sorts, "series", *ENTROPIES), "entropies")


def _series(dataset: xr.Dataset, sorts: dict[str, Sort], everything: bool) -> Iterator[Picture]:
    others = chosen(sorts, "series", *ENTROPIES, "order", "invariant")
    names = [name for name in chosen(sorts, "series") if name not in others]
    return _in_rows(dataset, sorts, names, "series")


def _in_rows(
    dataset: xr.Dataset, sorts: dict[str, Sort], names: list[str], group: str
) -> Iterator[Picture]:
    errors = {name: dataset[other] for name, other in errors_of(names).items()}
    names = [name for name in names if name not in errors_of(names).values()]
    parameter = swept(dataset.attrs, dataset.sizes.get("member", 1))
    own = bool(per_member(dataset.attrs, dataset.sizes.get("member", 1)))
    images = [name for name in names if sorts[name].members >= 2 * series.MANY]
    for name in images[:MOST_IMAGES]:
        figure = series.over_members(dataset[name], parameter)
        yield Picture(f"{name} of every member", _words(dataset[name]), group, figure)
    for arrays in _by_time(dataset, sorts, names):
        for first in range(0, len(arrays), ROWS_A_PICTURE):
            some = arrays[first : first + ROWS_A_PICTURE]
            words = "; ".join(map(_words, some))
            if any(array.name in errors and array.ndim == 1 for array in some):
                words += "; the band is the standard error"
            many = max(array.sizes.get("member", 1) for array in some)
            if own and many > 1:
                words += f"; a line for each of {many} members, from dark to light"
                if parameter is not None:
                    name, numbers = parameter
                    words += f" for {name} = {numbers[0]:.4g} to {numbers[-1]:.4g}"
            elif many >= series.MANY:
                words += f"; median and middle four fifths of {many} members"
            number = f" ({first // ROWS_A_PICTURE + 1})" if len(arrays) > ROWS_A_PICTURE else ""
            figure = series.rows(some, errors=errors, each=own and many > 1)
            yield Picture(f"{group}{number}", words, group, figure)


def _portraits(dataset: xr.Dataset, sorts: dict[str, Sort], everything: bool) -> Iterator[Picture]:
    for a, b in series.portraits(dataset, chosen(sorts, "series")):
        figure = series.portrait(dataset[a], dataset[b])
        words = "; ".join(_words(dataset[name]) + _one_of(sorts[name]) for name in (a, b))
        yield Picture(f"{b} over {a}", words, "phase portraits", figure)


def _invariants(dataset: xr.Dataset, sorts: dict[str, Sort], everything: bool) -> Iterator[Picture]:
    names = chosen(sorts, "series", "invariant")
    if names:
        arrays = [dataset[name] for name in names]
        yield Picture(
            "drift of the invariants",
            "conserved quantities minus their initial values, over their size; what rounding alone "
            "may cause looks flat",
            "invariants",
            series.drifts(arrays, scale_of_invariants(dataset), tolerance(dataset)),
        )
