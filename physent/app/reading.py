"""The commands that look at runs: report and compare; each returns the exit code."""

import math
from pathlib import Path

import xarray as xr

from physent.app.console import text_table
from physent.app.speaking import command
from physent.app.terminal import PlainConsole, say
from physent.data.opening import ZARR, numeric, open_any
from physent.data.series import along_t, lone_series
from physent.errors import FolderError, OptionError
from physent.io.folder import RUN
from physent.protocol import hdf5


def _is_run(path: Path) -> bool:
    """Whether a path is to be read as a run: a folder, or a file that says so itself."""
    if path.is_dir() or not path.exists():
        return not any((path / name).exists() for name in ZARR)
    try:
        with hdf5.open_dataset(path) as dataset:
            return "experiment" in dataset.attrs
    except (OSError, ValueError):
        return False


def _lone(file: Path, time: str | None, group: str | None) -> xr.Dataset:
    """The series of a file that are no fields."""
    with open_any(file, group, time) as dataset:
        try:
            names = lone_series(dataset, time)
        except ValueError as error:
            raise FolderError(f"{file}: {error}") from None
        if not names:
            there = ", ".join(numeric(dataset)) or "none"
            raise FolderError(
                f"{file} is no run of physent, and has no series of numbers along time alone: "
                f"--of VARIABLE says of what to compare the entropy (there are: {there})"
            )
        return _along_t(file, dataset, names, time)


def _along_t(file: Path, dataset: xr.Dataset, names: list[str], time: str | None) -> xr.Dataset:
    try:
        return along_t(dataset, names, time).load()
    except ValueError as error:
        raise FolderError(f"{file}: {error}") from None


@command
def report(
    folder: Path, output: Path | None, movie: Path | None, live: bool, every: float | None
) -> int:
    """Write the report of a run."""
    if not live:
        if every is not None:
            raise OptionError("--every needs --live")
        write_report(folder, output, quiet=False, movie=movie)
        return 0
    if movie is not None:
        raise OptionError("--live and --movie cannot be combined")
    if every is not None and not 0 < every < math.inf:
        raise OptionError(f"given --every {every:g}, allowed: a number of seconds > 0")
    from physent.report.live import EVERY, follow

    pages: list[Path] = []

    def told(place: Path, running: bool) -> None:
        pages.append(place)
        if len(pages) == 1 and running:
            say(f"{place} follows the run until it ends; Ctrl-C stops updating it")

    try:
        place = follow(folder, output, EVERY if every is None else every, told)
    except KeyboardInterrupt as interrupt:
        say("interrupted", wrong=True)
        return 128 + getattr(interrupt, "signal", 2)
    say(f"wrote {place}; no process is running {folder} any more")
    return 0


def write_report(folder: Path, output: Path | None, quiet: bool, movie: Path | None = None) -> None:
    """Write the page of a run, of a sweep or of all that is below a folder, and the movie of a run
    if requested.
    """
    from physent.report.index import write_index
    from physent.report.page import write
    from physent.report.sweeps import is_sweep, write_sweep

    if folder.is_dir() and not (folder / RUN).exists():
        if movie is not None:
            raise OptionError(f"--movie is of a run, and {folder} is none")
        pages = [(write_sweep if is_sweep(folder) else write_index)(folder, output)]
    else:
        pages = [write(folder, output, movie), *filter(None, [movie])]
    for place in pages:
        if not quiet:
            say(f"wrote {place}")


@command
def compare(
    a: Path,
    b: Path,
    of: list[str] | None,
    kind: str | None,
    measure: str | None,
    outcomes: str | None,
    set_: list[str] | None,
    time: str | None,
    group: str | None,
    weights: str | None,
    skip_missing: bool,
    output: Path | None,
) -> int:
    """Compare two runs, or two files."""
    from physent.report.comparison import compare_data, compare_runs

    words = {"--measure": measure, "--outcomes": outcomes, "--set": set_, "--weights": weights}
    words["--skip-missing"] = skip_missing or None
    measured = of is not None or kind is not None
    if not measured and (alone := [key for key, value in words.items() if value is not None]):
        raise OptionError(f"{alone[0]}: of which variable? --of NAME is missing")
    if not measured and all(map(_is_run, (a, b))):
        tables = compare_runs(a, b, output)
    else:
        from physent.app.diagnosing import diagnosed

        def read(path: Path) -> xr.Dataset:
            file = path / RUN if (path / RUN).exists() else path
            if not measured:
                return _lone(file, time, group)
            named = {"measure": measure, "outcomes": outcomes}
            found = diagnosed(
                file, of, kind or "entropy", named, set_, time=time, group=group, weights=weights,
                skip_missing=skip_missing,
            )  # fmt: skip
            names = [str(name) for name, each in found.data_vars.items() if each.ndim == 1]
            return _along_t(file, found, names, time)

        tables = compare_data(read(a), read(b), (str(a), str(b)), output)
    console = PlainConsole(width=max(PlainConsole().width, 150))
    for table in tables:
        console.print(table.title, style="bold", end="\n" if table.rows else ": ")
        if not table.rows:
            console.print(table.note or "none")
        if table.rows:
            console.print(text_table(table.columns, table.rows))
    if output is not None:
        say(f"wrote {output}")
    return 0
