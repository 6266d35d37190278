"""The commands that look at runs: report and compare; each returns the exit code."""

import math
from pathlib import Path

from physent.app.console import text_table
from physent.app.speaking import command
from physent.app.terminal import PlainConsole, say
from physent.errors import OptionError
from physent.io.folder import RUN


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
