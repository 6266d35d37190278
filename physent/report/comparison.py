"""Two runs side by side: what they were asked, what they kept, and whether their entropies
differ.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from physent.experiment.recorded import experiment_of, flattened, shown
from physent.report import fields, particles, style
from physent.report.configuration import per_member
from physent.report.page import check_target, drawn, made, opened, save, template
from physent.report.pictures import Picture, order_of, scale_of_invariants
from physent.report.series import draw
from physent.report.sorts import POINTS, sort, sorts_of, thin
from physent.report.statistics import ENOUGH, differences, names_of

MOST = 4  # fields of which there are pictures


@dataclass(frozen=True)
class Table:
    """A table in words; the note says how to read it."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]] = field(default_factory=list)
    note: str = ""


def tables(a: xr.Dataset, b: xr.Dataset) -> list[Table]:
    """Parameters that differ, invariants, and entropies with their test."""
    first, second = (flattened(experiment_of(dataset.attrs)) for dataset in (a, b))
    for key in ("precision", "device", "versions"):
        first[key], second[key] = a.attrs.get(key, "?"), b.attrs.get(key, "?")
    keys = [key for key in dict.fromkeys([*first, *second]) if first.get(key) != second.get(key)]
    keys = [key for key in keys if key not in ("name", "description")]
    missing = "-"
    parameters = [
        (key, *(shown(part[key]) if key in part else missing for part in (first, second)))
        for key in keys
    ]
    found = [Table("parameters that differ", ("key", "A", "B"), parameters, "" if keys else "none")]
    drifts = list(_drifts(a, b))
    if drifts:
        columns = ("invariant", "A at t = 0", "B at t = 0", "largest drift A", "largest drift B")
        found.append(Table("invariants", columns, drifts, "Drifts are relative."))
    tests = [
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
    if tests:
        columns = ("time average", "A", "B", "A - B", "independent values", "p", "test")
        note = (
            "Errors and tests count independent values, not rows; p is two-sided and corrected for "
            "the number of tests "
            f"(Holm). Below {ENOUGH} independent values no verdict is given: the series still "
            "changes, or is short."
        )
        found.append(Table("entropies and order parameters", columns, tests, note))
    for letter, dataset in (("A", a), ("B", b)):
        if own := per_member(dataset.attrs, dataset.sizes.get("member", 1)):
            note = (
                f"members of {letter} differ in {', '.join(key for key, _ in own)}: their mean is "
                "no average"
            )
            found.append(Table("time averages", (), [], note))
    return found


def _drifts(a: xr.Dataset, b: xr.Dataset) -> Iterator[tuple[str, ...]]:
    scales = scale_of_invariants(a), scale_of_invariants(b)
    for name in dict.fromkeys([*scales[0], *scales[1]]):
        starts, drifts = [], []
        for dataset, scale in zip((a, b), scales, strict=True):
            if name not in scale:
                starts.append("-")
                drifts.append("-")
                continue
            values = np.asarray(dataset[name].transpose("t", ...).values, dtype=float)
            starts.append(f"{values[0]:.8g}" if values.ndim == 1 else f"{values.shape[1]} members")
            drifts.append(f"{np.max(np.abs(values - values[:1])) / scale[name]:.1e}")
        yield (name.removeprefix("invariant_"), *starts, *drifts)


def pictures(a: xr.Dataset, b: xr.Dataset) -> Iterator[Picture]:
    """Series that both have over each other, and the fields that both have side by side."""
    with style.styled():
        for name in names_of(a):
            if name in names_of(b):
                yield Picture(
                    name,
                    str(a[name].attrs.get("long_name", name)),
                    "series",
                    _both(a[name], b[name]),
                )
        sorts = sorts_of(a)
        shared = [name for name in order_of(a, sorts) if name in b and _alike(a[name], b[name])]
        swarms = [
            name
            for name in sorts
            if sorts[name].kind == "particles" and sorts[name].role == "position"
        ]
        for name in shared[:MOST]:
            for letter, dataset in (("A", a), ("B", b)):
                found = sort(dataset[name])
                assert found is not None
                painter = {"profile": fields.space_time, "spectrum": fields.saved_spectrum}.get(
                    found.kind, fields.image
                )
                yield Picture(f"{name} in {letter}", "", "fields", painter(dataset[name], found))
        for name in (name for name in swarms if name in b and _alike(a[name], b[name])):
            for letter, dataset in (("A", a), ("B", b)):
                found = sort(dataset[name])
                assert found is not None
                last = dataset.sizes[found.time] - 1
                figure = particles.snapshot(dataset, name, found, last)
                yield Picture(f"{name} in {letter} at the end", "", "particles", figure)


def _alike(a: xr.DataArray, b: xr.DataArray) -> bool:
    first, second = sort(a), sort(b)
    return (
        first is not None
        and second is not None
        and (first.kind, first.dims) == (second.kind, second.dims)
    )


def _both(a: xr.DataArray, b: xr.DataArray) -> Any:
    fig, axes = style.figure()
    for i, (letter, array) in enumerate((("A", a), ("B", b))):
        found = sort(array)
        assert found is not None
        draw(axes, thin(array, found.time, POINTS), found.time, label=letter, **style.line(i))
    axes.set(xlabel="t", ylabel=style.labelled(str(a.name), a.attrs))
    axes.legend()
    return fig


def compare_runs(a: str | Path, b: str | Path, output: str | Path | None = None) -> list[Table]:
    """Compare two runs; with `output` a page with pictures is written too.

    Raises `physent.errors.FolderError` where one is not a run, or the page cannot be written.
    """
    if output is not None:
        check_target(Path(output))
    with opened(Path(a)) as first, opened(Path(b)) as second:
        found = tables(first, second)
        if output is not None:
            title = f"{first.attrs.get('title', 'A')} and {second.attrs.get('title', 'B')}"
            groups = drawn(pictures(first, second), ("series", "fields", "particles"))
            text = template("comparison.html").render(
                title=title,
                a=str(a),
                b=str(b),
                tables=found,
                groups=groups,
                made=made(),
                refresh=None,
            )
            save(Path(output), text)
    return found
