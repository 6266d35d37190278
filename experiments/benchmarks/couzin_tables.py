"""Tables of the validation of Couzin, printed while they are made and, with --write, committed to
data/validation.
"""

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path

VALIDATION = Path(__file__).parents[2] / "data" / "validation"
Part = Callable[["Table"], int]


class Table:
    """Markdown lines of one part."""

    def __init__(self):
        self.lines: list[str] = []

    def add(self, *lines: str) -> None:
        """Lines of text."""
        self.lines += lines
        print(*lines, sep="\n", flush=True)

    def head(self, *cells: str) -> None:
        """The first row of a table."""
        self.row(*cells)
        self.add("|---" * len(cells) + "|")

    def row(self, *cells: str) -> None:
        """One row."""
        self.add(f"| {' | '.join(cells)} |")


def main(
    module: str,
    parts: Mapping[str, Part],
    words: Mapping[str, str],
    arguments: list[str] | None = None,
) -> bool:
    """Make the parts named on the command line, all by default; whether anything is not as asked.

    Each part gives the number of what is not; with --write its table, under its title and command,
    replaces data/validation/couzin_<part>.md, which the page of validation shows.
    """
    parser = argparse.ArgumentParser(prog=f"python -m experiments.benchmarks.{module}")
    parser.add_argument(
        "parts", nargs="*", metavar="part", help=f"of {', '.join(parts)}; default: all"
    )
    parser.add_argument(
        "--write", action="store_true", help="write the tables to data/validation/couzin_<part>.md"
    )
    given = parser.parse_args(arguments)
    if unknown := set(given.parts) - set(parts):
        parser.error(f"unknown part {', '.join(sorted(unknown))} (allowed: {', '.join(parts)})")
    wrong = 0
    for name in given.parts or parts:
        table = Table()
        table.add(
            f"### Couzin, {name}\n", f"`python -m experiments.benchmarks.{module} {name}`: "
                                     f"{words[name]}\n"
        )  # fmt: skip
        here = parts[name](table)
        table.add("", "All as asked." if not here else f"{here} not as asked.", "")
        wrong += here
        if given.write:
            (VALIDATION / f"couzin_{name}.md").write_text("\n".join(table.lines), encoding="utf-8")
    return bool(wrong)
