"""Two runs side by side: their parameters, their invariants, and tests of their entropies."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from physent.data.invariants import drifts
from physent.errors import FolderError, path_of
from physent.experiment.recorded import experiment_of, flattened, per_member, shown
from physent.report import particles, series, style
from physent.report.files import check_target, opened, readable, save
from physent.report.page import drawn, made, template
from physent.report.pictures import PAINTERS, Picture, order_of
from physent.report.sorts import chosen, sorts_of
from physent.report.statistics import ENOUGH, differences, names_of

MOST = 4  # fields of which there are pictures
INVARIANTS = ("invariant", "A at t = 0", "B at t = 0", "largest drift A", "largest drift B")
NOT_GOOD = {"fair": " (fair)", "bad": " (bad)"}
DRIFTS_NOTE = (
    "Drifts are relative; where one is not what its method should give, the state follows."
)
TESTS = ("time average", "A", "B", "A - B", "independent values", "p", "test")
TESTS_NOTE = (
    "Errors and tests count independent values, not rows; p is two-sided and corrected for the "
    f"number of tests (Holm). With fewer than {ENOUGH} independent values there is no verdict: "
    "the series is too short or not stationary."
)


@dataclass(frozen=True)
class Table:
    """A table of text, with a note on how to read it."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]
    note: str


def tables(a: xr.Dataset, b: xr.Dataset) -> list[Table]:
    """Tables of the parameters that differ, the invariants, and the entropies with their tests."""
    first, second = (flattened(experiment_of(dataset.attrs)) for dataset in (a, b))
    for key in ("precision", "device", "versions"):
        first[key], second[key] = a.attrs.get(key, "?"), b.attrs.get(key, "?")
    parameters = [
        (key, *(shown(part[key]) if key in part else "-" for part in (first, second)))
        for key in dict.fromkeys([*first, *second])
        if first.get(key) != second.get(key) and key not in ("name", "description")
    ]
    same = "" if parameters else "none"
    found = [Table("parameters that differ", ("key", "A", "B"), parameters, same)]
    tests = tests_of(a, b)
    kept = _drifts(a), _drifts(b)
    kept_rows = [
        (name, *(side.get(name, ("-", "-"))[i] for i in (0, 1) for side in kept))
        for name in kept[0] | kept[1]
    ]
    invariants = Table("invariants", INVARIANTS, kept_rows, DRIFTS_NOTE)
    means = Table("entropies and order parameters", TESTS, tests, TESTS_NOTE)
    found += [table for table in (invariants, means) if table.rows]
    for letter, dataset in (("A", a), ("B", b)):
        if own := per_member(dataset.attrs, dataset.sizes.get("member", 1)):
            note = (
                f"members of {letter} differ in {', '.join(key for key, _ in own)}: their mean "
                "is not an ensemble average"
            )
            found.append(Table("time averages", (), [], note))
    return found


def tests_of(a: xr.Dataset, b: xr.Dataset) -> list[tuple[str, ...]]:
    """The rows of the table of tests."""
    return [
        (
            row.name,
            *(f"{x.mean:.6g} ± {x.standard_error:.1g}" for x in (row.a, row.b)),
            f"{row.difference:.3g} ± {row.standard_error:.1g}",
            f"{row.a.effective:.3g}, {row.b.effective:.3g}",
            f"{row.p_value:.2g}",
            row.words,
        )
        for row in differences(a, b)
    ]


def tables_of_series(a: xr.Dataset, b: xr.Dataset) -> list[Table]:
    """Tables of what two files have along time, and of the tests of their series."""
    rows = [_row(key, _told(a).get(key), _told(b).get(key)) for key in _told(a) | _told(b)]
    found = Table("what is compared", ("", "A", "B"), rows, "")
    return [found, Table("means over time", TESTS, tests_of(a, b), TESTS_NOTE)]


def _row(key: str, a: str | None, b: str | None) -> tuple[str, str, str]:
    return key, a or "-", b or "-"


def _told(dataset: xr.Dataset) -> dict[str, str]:
    """The times of a dataset of series, and how the cells behind them were counted."""
    times = dataset["t"].values
    found = {"time": str(dataset.attrs["time"]), "rows": str(len(times))}
    if len(times):
        found["from, to"] = f"{times[0]:.6g}, {times[-1]:.6g}"
    for name, array in dataset.data_vars.items():
        words = [str(array.attrs[key]) for key in ("weights", "weights_are") if key in array.attrs]
        if words:
            found[f"weights of {name}"] = ", ".join(words)
        if "left_out" in array.attrs:
            found[f"cells left out of {name}"] = f"{float(array.attrs['left_out']):.2%}"
    return found


def compare_data(
    a: xr.Dataset, b: xr.Dataset, places: tuple[str, str], output: str | Path | None = None
) -> list[Table]:
    """Compare the series that two datasets have along `t`; with `output`, also write a page.

    Raises FolderError where they have none in common, or the page cannot be written.
    """
    common = [name for name in names_of(a) if name in names_of(b)]
    if not common:
        sides = "; ".join(
            f"{place} has {', '.join(names_of(each)) or 'none'}"
            for place, each in zip(places, (a, b), strict=True)
        )
        raise FolderError(f"no series is in both ({sides}): --of VARIABLE names what to compare")
    if output is not None:
        check_target(Path(output))
    a, b = a[common], b[common]
    found = tables_of_series(a, b)
    if output is not None:
        _write(a, b, places, found, output)
    return found


def _drifts(dataset: xr.Dataset) -> dict[str, tuple[str, str]]:
    """The initial value and the largest drift of each invariant, by name."""
    found = {}
    for drift in drifts(dataset):
        values = np.asarray(dataset[f"invariant_{drift.name}"].transpose("t", ...).values)
        start = f"{values[0]:.8g}" if values.ndim == 1 else f"{values.shape[1]} members"
        found[drift.name] = start, f"{drift.worst:.1e}{NOT_GOOD.get(drift.state, '')}"
    return found


def pictures(a: xr.Dataset, b: xr.Dataset) -> Iterator[Picture]:
    """The series common to both runs on the same axes, and their fields side by side."""
    sorts, others = sorts_of(a), sorts_of(b)
    sides = {"A": (a, sorts), "B": (b, others)}

    def shared(names: list[str]) -> list[str]:
        """The variables that are drawn alike in both runs."""
        return [
            name
            for name in names
            if name in others
            and (sorts[name].kind, sorts[name].dims) == (others[name].kind, others[name].dims)
        ]

    with style.styled():
        for name in names_of(a):
            if name in names_of(b):
                words = str(a[name].attrs.get("long_name", name))
                yield Picture(name, words, "series", _both(a[name], b[name]))
        for name in shared(order_of(a, sorts))[:MOST]:
            for letter, (dataset, found) in sides.items():
                figure = PAINTERS[sorts[name].kind][-1](dataset[name], found[name])
                yield Picture(f"{name} in {letter}", "", "fields", figure)
        for name in shared(chosen(sorts, "particles", "position")):
            for letter, (dataset, found) in sides.items():
                figure = particles.snapshot(dataset, name, found[name], -1)
                yield Picture(f"{name} in {letter} at the end", "", "particles", figure)


def _both(a: xr.DataArray, b: xr.DataArray) -> Figure:
    fig = series.rows([a.rename("A"), b.rename("B")], together=True)
    fig.axes[0].set(title=style.titled(str(a.name), a.attrs), ylabel="")
    return fig


def compare_runs(a: str | Path, b: str | Path, output: str | Path | None = None) -> list[Table]:
    """Compare two runs; with `output`, also write a page with figures.

    Raises `physent.errors.FolderError` where one is not a run, or the page cannot be written.
    """
    if output is not None:
        check_target(output := path_of("output", output))
    a, b = path_of("a", a), path_of("b", b)
    with opened(a) as first, opened(b) as second, readable(f"{a} or {b}"):
        found = tables(first, second)
        if output is not None:
            _write(first, second, (str(a), str(b)), found, output)
    return found


def _write(
    a: xr.Dataset, b: xr.Dataset, places: tuple[str, str], found: list[Table], output: str | Path
) -> None:
    """Write the page."""
    names = (Path(place).stem for place in places)
    titles = [x.attrs.get("title", name) for x, name in zip((a, b), names, strict=True)]
    text = template("comparison.html").render(
        title=" and ".join(titles),
        a=places[0],
        b=places[1],
        tables=found,
        groups=drawn(pictures(a, b), ("series", "fields", "particles")),
        made=made(),
        refresh=None,
    )
    save(Path(output), text)
