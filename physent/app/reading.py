"""The commands that read existing files: report, compare, diagnose; each returns the exit code."""

import math
from pathlib import Path
from typing import Any

import jax
import xarray as xr

from physent.app.console import text_table
from physent.app.speaking import command
from physent.app.terminal import PlainConsole, say
from physent.data.offline import diagnose as apply
from physent.errors import FolderError, OptionError
from physent.experiment.making import make, problems as problems_of
from physent.experiment.parsing import value_or_word
from physent.io.folder import RUN, write_dataset
from physent.protocol import registry


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
def compare(a: Path, b: Path, output: Path | None) -> int:
    """Compare two runs."""
    from physent.report.comparison import compare_runs

    tables = compare_runs(a, b, output)
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


@command
def diagnose(
    file: Path,
    of: list[str],
    kind: str,
    measure: str | None,
    outcomes: str | None,
    set_: list[str] | None,
    time: str | None,
    output: Path | None,
) -> int:
    """Apply a diagnostic to a NetCDF file."""
    if output is not None and output.exists():
        raise FolderError(f"{output} exists: choose another --output")
    cls = registry.find("diagnostics", kind, Path.cwd())
    named = {"measure": measure, "outcomes": outcomes}
    data: dict[str, Any] = {
        key: value_or_word(value) for key, value in named.items() if value is not None
    }
    for setting in set_ or []:
        key, _, value = setting.partition("=")
        data[key.strip()] = value_or_word(value)
    with jax.enable_x64(True):
        try:
            dataset = xr.open_dataset(file)
        except OSError as error:
            raise FolderError(f"{file}: cannot be read: {error}") from None
        except ValueError as error:
            if "IO backends" not in str(error):
                raise FolderError(f"{file}: cannot be read: {error}") from None
            raise FolderError(
                f"{file}: cannot be read: it is not a NetCDF file. Read arrays with numpy or "
                "pandas and take physent.entropy.entropy(array, axis=-1), or make it one: "
                "xarray.DataArray(array, dims=('time', 'x'), name='u').to_netcdf('u.nc')"
            ) from None
        diagnostics = []
        for name in of:
            found = problems_of(cls, data | {"of": name})
            if found:
                raise OptionError(
                    "\n".join(
                        f"{kind}.{'.'.join(map(str, path))}: {message}" for path, message in found
                    )
                )
            diagnostics.append(make(cls, data | {"of": name}))
        try:
            with dataset:
                result = apply(dataset, diagnostics, time=time)
        except ValueError as error:
            raise FolderError(f"{file}: {error}") from None
    if output is None:
        say(result.to_dataframe().to_string())
        return 0
    write_dataset(result, output)
    say(output)
    return 0
