"""The list command: solvers, diagnostics, experiments and runs; it returns the exit code.

It answers at once: jax is loaded only where somebody else's class has to be.
"""

import sys
import tomllib
from importlib import resources
from pathlib import Path

from physent.app.speaking import command
from physent.app.terminal import PlainConsole, say
from physent.errors import OptionError
from physent.protocol import registry


@command
def list_(what: str | None, folder: Path | None = None) -> int:
    """List solvers, diagnostics and experiments, or runs."""
    if what == "runs":
        usual = Path("data") / "runs"
        if folder is None and not usual.exists():
            say(f"{usual}: there are no runs yet")
            return 0
        return _list_runs(folder if folder is not None else usual)
    if folder is not None:
        raise OptionError(f"given the folder {folder}, allowed: one with 'physent list runs' only")
    console = PlainConsole(soft_wrap=True)  # one line each, for whatever reads it
    for family in ("solvers", "diagnostics"):
        if what in (None, family):
            console.print(family, style="bold")
            for name, summary in registry.summaries(family).items():
                console.print(f"  {name:<22} {summary}")
    if what in (None, "experiments"):
        console.print("experiments", style="bold")
        print_experiments(console)
    return 0


def print_experiments(console: PlainConsole) -> None:
    """Print the shipped experiments and their files."""
    root = Path(str(resources.files("physent.experiments"))).resolve()
    for path in sorted(root.glob("*/*.toml")):
        description = tomllib.loads(path.read_text(encoding="utf-8")).get("description", "")
        console.print(
            f"  {path.parent.name}/{path.stem:<24} "
            f"{description.splitlines()[0] if description else ''}",
            soft_wrap=True,
        )
        console.print(f"    {path}", soft_wrap=True, style="dim")


def _list_runs(folder: Path) -> int:
    """Print a table of the runs below a folder."""
    from physent.app.console import text_table
    from physent.data.catalogue import rows

    found = rows(folder)
    if not found:
        say(f"{folder}: there are no runs")
        return 0
    columns = ("run", "state", "kind", "parameters that differ", "rows", "size", "age")
    # nothing is cut in a pipe
    width = max(PlainConsole().width, 120) if sys.stdout.isatty() else 400
    PlainConsole(width=width).print(text_table(columns, found))
    return 0
