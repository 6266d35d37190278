"""Terminal output of a run: progress while it is going, a summary at its end."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from rich.progress import BarColumn, Progress as Bar, TextColumn
from rich.table import Table

from physent.app.terminal import PlainConsole
from physent.data.invariants import Drift
from physent.engine.loop import Outcome
from physent.engine.progress import Milestones, Progress, pace
from physent.experiment.recorded import per_member, short_names

MOST_MEMBERS = 8  # of which each is printed, where they are different systems


class ConsoleProgress:
    """A context manager called with each `Progress`: a bar on a terminal, plain lines elsewhere."""

    def __init__(self, experiment: Any, quiet: bool):
        self.name = getattr(experiment, "name", experiment)
        self.notes = [f"{self.name}: {note}" for note in getattr(experiment, "notes", ())]
        self.notes += [f"note: {doubt}" for doubt in getattr(experiment, "doubts", ())]
        self.console = PlainConsole(quiet=quiet)
        self.bar: Bar | None = None
        self.milestones = Milestones()

    def __enter__(self) -> "ConsoleProgress":
        for note in self.notes:
            self.console.print(note, soft_wrap=True)
        if self.console.is_terminal and not self.console.quiet:
            columns = (
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                TextColumn("{task.fields[rate]}"),
                TextColumn("{task.fields[left]}"),
            )
            self.bar = Bar(*columns, console=self.console)
            self.bar.start()
            self.task = self.bar.add_task(f"{self.name}: compiling", total=None, rate="", left="")
        else:
            self.console.print(f"{self.name}: compiling", soft_wrap=True)
        return self

    def __call__(self, progress: Progress) -> None:
        """Show the progress of the run."""
        rate, left = pace(progress)
        text = f"{self.name}: t = {progress.t:g} of {progress.t_end:g}"
        if self.bar is not None:
            numbers = {
                "total": progress.total,
                "completed": progress.rows,
                "rate": rate,
                "left": left,
            }
            self.bar.update(self.task, description=text, **numbers)
        elif self.milestones.passed(progress):
            self.console.print(f"{text}, {rate}, {left}".removesuffix(", "), soft_wrap=True)

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.stop()


def print_summary(
    dataset: xr.Dataset, outcome: Outcome, folder: Path, found: Sequence[Drift] = ()
) -> None:
    """Print the drift of the invariants with what is said of it, the entropies, and the path of the
    file.
    """
    # a table cut short is no use in a log
    console = PlainConsole(width=max(PlainConsole().width, 120))
    if found:
        table = _table(
            "invariant", "at t = 0", "largest drift", "relative", "", title="conserved quantities"
        )
        for each in found:
            values = dataset[f"invariant_{each.name}"].values
            drift = np.abs(values - values[0])
            first = f"{values[0]:.10g}" if values.ndim == 1 else f"{values.shape[1]} members"
            row = (each.name, first, f"{drift.max():.2e}", f"{each.worst:.2e}", each.state)
            table.add_row(*row)
        console.print(table)
        for each in found:
            if each.state != "good":
                words = f"{each.state}: {each.name}: {each.sentence}"
                console.print(words, soft_wrap=True)
    series = [
        str(name)
        for name in dataset
        if dataset[name].attrs.get("role")
        in ("entropy", "entropy_production", "complexity", "error")
        and dataset[name].dims in (("t",), ("t", "member"))
    ]
    own = per_member(dataset.attrs, dataset.sizes.get("member", 1))
    if series and own:
        console.print(_of_each_member(dataset, series, own))
    elif series:
        members = dataset.sizes.get("member", 1)
        title = "entropies" if members == 1 else f"entropies, means over {members} members"
        columns = ("diagnostic", "first", "last", "mean", "smallest", "largest")
        table = _table(*columns, *["spread of members"] * (members > 1), title=title)
        for name in series:
            values = dataset[name].values
            table.add_row(name, *(f"{v:.6g}" for v in _statistics(values)))
        console.print(table)
    seconds = outcome.seconds
    console.print(
        f"{len(dataset.t)} rows in {seconds:.2f} s (compilation {outcome.compile_seconds:.2f} s)"
    )
    console.print(f"wrote {folder / 'run.nc'}", soft_wrap=True)


def _of_each_member(
    dataset: xr.Dataset, series: list[str], own: Sequence[tuple[str, np.ndarray]]
) -> Table:
    """A line for each series of each member: with parameters of their own they are different
    systems, of which there is no mean.
    """
    total, names = dataset.sizes["member"], short_names([key for key, _ in own])
    few = np.unique(np.linspace(0, total - 1, min(total, MOST_MEMBERS)).round().astype(int))
    title = "entropies of each member" + (
        f" ({few.size} of {total} are shown)" if few.size < total else ""
    )
    columns = "diagnostic", *names.values(), "first", "last", "mean", "smallest", "largest"
    table = _table(*columns, title=title)
    for name in series:
        values = dataset[name].transpose("t", "member").values
        for i in few:
            numbers = [each[i] for _, each in own]
            table.add_row(name, *(f"{v:.6g}" for v in (*numbers, *_statistics(values[:, i]))))
    return table


def _statistics(values: np.ndarray) -> tuple[float, ...]:
    """First and last value, and mean, minimum and maximum of the finite values of a series (t,); of
    (t, member) the means over members, and the standard deviation of the members' time means.
    """
    finite = np.isfinite(values)
    some = values[finite]
    rest = (some.mean(), some.min(), some.max()) if some.size else (np.nan,) * 3
    if values.ndim == 1:
        return values[0], values[-1], *rest
    means = np.array(
        [each[good].mean() for each, good in zip(values.T, finite.T, strict=True) if good.any()]
    )
    spread = means.std(ddof=1) if means.size > 1 else np.nan
    return values[0].mean(), values[-1].mean(), *rest, spread


def _table(*columns: str, title: str) -> Table:
    table = Table(title=title, title_justify="left")
    for i, column in enumerate(columns):
        table.add_column(column, justify="right" if i else "left", no_wrap=True)
    return table


def text_table(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> Table:
    """A table that wraps long cells instead of cutting them; a PlainConsole prints it as it is."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table
