"""The command that estimates the entropy production of a file's trajectories."""

from pathlib import Path

import numpy as np
import xarray as xr

from physent.app.speaking import command
from physent.app.terminal import say
from physent.data.opening import numeric, open_any
from physent.data.tables import SUFFIXES, read_table
from physent.data.tracks import Tracks, tracks
from physent.errors import FolderError, OptionError, ParameterError, brief
from physent.io.folder import write_dataset
from physent.production.table import estimate
from physent.report.files import check_target
from physent.report.production import write_page

COLUMNS = ("rate", "standard_error", "low", "high", "is_bound", "seconds")


@command
def production(
    file: Path,
    of: list[str] | None,
    time: str | None,
    dt: float | None,
    by: str | None,
    group: str | None,
    period: str | None,
    odd: list[str] | None,
    estimators: str,
    seconds: float,
    output: Path | None,
    quiet: bool,
) -> int:
    """Estimate the entropy production of the trajectories in a file."""
    page = None if output is None else output.with_suffix(".html")
    if output is not None:
        if output.exists():
            raise FolderError(f"{output} exists: choose another --output")
        if page == output:
            raise OptionError(
                f"--output {output}: the page is written there, name a file as out.nc"
            )
        check_target(output.with_suffix(".html"))
    found = _read(file, of, time, dt, by, group)
    table = _estimated(found, period, odd, estimators, seconds, quiet)
    table.attrs |= {"file": str(file), "of": ", ".join(found.components), "time_unit": found.unit}
    shown = table[[*COLUMNS]].to_dataframe()
    say(shown.to_string(float_format=lambda number: f"{number:.5g}"))
    say(table.attrs["sentence"])
    if output is not None and page is not None:
        write_dataset(table, output)
        write_page(table, found.parts, page)
        say(output)
        say(page)
    return 0


def _read(
    file: Path,
    of: list[str] | None,
    time: str | None,
    dt: float | None,
    by: str | None,
    group: str | None,
) -> Tracks:
    if dt is not None and not (np.isfinite(dt) and dt > 0):
        raise OptionError(f"given --dt {dt}, allowed: a number > 0")
    if dt is not None and time is None and file.suffix.lower() in SUFFIXES and file.is_file():
        opened = read_table(file, rows="row")
        time = "row"
    else:
        try:
            opened = open_any(file, group, time)
        except FolderError as error:
            if "which column is time" not in str(error):
                raise
            raise FolderError(f"{error}, or say the time between rows, --dt DT") from None
    with opened as dataset:
        if not of:
            there = ", ".join(numeric(dataset)) or "none"
            raise OptionError(f"--of is missing: which variable? (there are: {there})")
        try:
            return tracks(dataset, of, time, by, dt)
        except ValueError as error:
            raise FolderError(f"{file}: {error}") from None


def _estimated(
    found: Tracks,
    period: str | None,
    odd: list[str] | None,
    estimators: str,
    seconds: float,
    quiet: bool,
) -> xr.Dataset:
    names = found.components
    turned = [name for each in odd or [] for name in each.split(",")]
    for name in turned:
        if name not in names and not any(n.startswith(f"{name}[") for n in names):
            raise OptionError(f"--odd {name}: unknown component (allowed: {', '.join(names)})")
    parity = [-1 if n in turned or n.partition("[")[0] in turned else 1 for n in names]
    try:
        around = found.period if period is None else [float(each) for each in period.split(",")]
    except ValueError:
        raise OptionError(
            f"given --period {brief(period)}, allowed: numbers > 0 or inf, as in --period 10,10"
        ) from None
    chosen = estimators if estimators == "auto" else [e.strip() for e in estimators.split(",")]
    try:
        return estimate(
            found.parts,
            found.dt,
            period=around,
            parity=parity,
            estimators=chosen,
            seconds=seconds,
            tell=None if quiet else lambda label: say(f"{label} ...", wrong=True),
        )
    except ParameterError as error:
        raise OptionError(str(error)) from None
