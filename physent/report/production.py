"""The page of a table of entropy production: the sentence, the estimates, the data."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from physent.report import style
from physent.report.files import check_target, save
from physent.report.page import drawn, made, template
from physent.report.pictures import Picture

GROUP = "pictures"
ROWS = 2000  # of the data in a picture


def write_page(table: xr.Dataset, parts: Sequence[np.ndarray], target: Path) -> Path:
    """Write the page of a table and of the trajectories behind it, and return its path."""
    check_target(target)
    with style.styled():
        estimates = _estimates(table)
        data = _data(parts[0], float(table.attrs["dt"]))
    pictures = [
        Picture(
            "estimates",
            "each with its interval of 95 %; open circles are bounds",
            GROUP,
            estimates,
        ),
        Picture(
            "data",
            f"the first {min(ROWS, len(parts[0]))} rows of the first trajectory",
            GROUP,
            data,
        ),
    ]
    rows = [
        (
            str(label),
            *(f"{float(row[name]):.5g}" for name in ("rate", "standard_error")),
            f"{float(row.low):.4g} to {float(row.high):.4g}",
            "lower bound" if bool(row.is_bound) else "",
            str(row.assumes.item()),
        )
        for label, row in ((each, table.sel(estimator=each)) for each in table.estimator.values)
    ]
    text = template("production.html").render(
        title=f"entropy production of {table.attrs.get('of', 'x')}",
        file=table.attrs.get("file", ""),
        sentence=table.attrs["sentence"],
        recommended=table.attrs["recommended"],
        rows=rows,
        found=_found(table),
        left_out=[each.split(": ", 1) for each in table.attrs["left_out"].split("; ") if each],
        groups=drawn(pictures, (GROUP,)),
        made=made(),
        refresh=None,
    )
    return save(target, text)


def _found(table: xr.Dataset) -> list[tuple[str, str]]:
    """What was found of the data, in words."""
    words, unit = table.attrs, str(table.attrs.get("time_unit", ""))
    time = lambda value: f"{float(value):.4g} {unit}".strip()  # noqa: E731
    found = [
        (
            "rows",
            f"{words['rows']} in {words['trajectories']} trajectories, {time(words['dt'])} apart",
        ),
        ("duration", time(words["duration"])),
        ("correlation time", time(words["correlation_time"])),
        ("independent samples", f"about {float(words['independent_samples']):.0f}"),
        ("stationary", words["not_stationary"] or "no drift was found"),
        ("hidden variables", "the past matters" if words["hidden"] else "none were found"),
    ]
    if "diffusion" in table:
        noise = np.atleast_1d(words["measurement_noise"])
        d = np.atleast_2d(table.diffusion.values)
        found += [
            ("diffusion D, diagonal", ", ".join(f"{each:.4g}" for each in np.diag(d)[:12])),
            (
                "measurement noise",
                ", ".join(f"{each:.3g}" for each in np.sqrt(noise)[:12]) if noise.any() else "none",
            ),
            (
                "D changes with the state",
                f"by {words['diffusion_changes']:.0%}" if words["diffusion_changes"] else "no",
            ),
            ("mean steps", "nonlinear" if words["nonlinear"] else "linear in the state"),
        ]
    if words["notes"]:
        found.append(("notes", words["notes"]))
    return found


def _estimates(table: xr.Dataset) -> Figure:
    fig, axes = style.figure()
    for i, label in enumerate(table.estimator.values):
        row = table.sel(estimator=label)
        rate, low, high = (float(row[name]) for name in ("rate", "low", "high"))
        colour = style.COLOURS[0 if label == table.attrs["recommended"] else -1]
        filled = "none" if bool(row.is_bound) else colour
        axes.plot([low, high], [i, i], color=colour)
        axes.plot([rate], [i], "o", color=colour, markerfacecolor=filled)
    axes.set_yticks(range(table.sizes["estimator"]), table.estimator.values)
    axes.invert_yaxis()
    axes.set_xlabel("nats per unit of time")
    return fig


def _data(part: np.ndarray, dt: float) -> Figure:
    fig, axes = style.figure()
    shown = part[:ROWS]
    if shown.shape[1] == 2:
        axes.plot(shown[:, 0], shown[:, 1], linewidth=0.6, **style.line(0))
        axes.set_xlabel("component 0")
        axes.set_ylabel("component 1")
        return fig
    for i in range(min(shown.shape[1], 4)):
        axes.plot(dt * np.arange(len(shown)), shown[:, i], linewidth=0.6, **style.line(i))
    axes.set_xlabel("time")
    return fig
