"""Comparisons with other packages: the sides of a case run in turn in one process, and every benchmark has one table.

A benchmark is a module with a function `cases()` that yields `Case`s, and ends with `main(cases)`. Run it as
`python -m experiments.benchmarks.NAME`, or all of them with `python -m experiments.benchmarks`.

Of each side the first call is stated apart, since it compiles (XLA's programs here, Numba's there). Then the sides
alternate: A B C, A B C, ...; the ratio is the median of the ratios turn by turn, so that a machine whose speed drifts
does not favour anybody. Memory is the peak of a process that does one run of one side and nothing else.
"""

import argparse
import csv
import dataclasses
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any


@dataclasses.dataclass(frozen=True)
class Side:
    """One package doing a case. `run` does all of it, finished when it returns.

    `error` turns its result into one number, `seconds` into the time that the package itself reports for the same work
    where a run does more than that.
    """

    package: str
    run: Callable[[], Any]
    detail: str = ""
    precision: str = "float64"
    threads: int | str = "all"
    error: Callable[[Any], float] | None = None
    seconds: Callable[[Any], float] | None = None


@dataclasses.dataclass(frozen=True)
class Case:
    """The same work by several packages, physent first; `against` says what errors are measured against."""

    name: str
    sides: tuple[Side, ...]
    against: str = ""
    repeats: int | None = None


@dataclasses.dataclass(frozen=True)
class Row:
    """One side of one case, measured; what a CSV file holds. Seconds are medians, `ratio` is theirs over physent's."""

    benchmark: str
    case: str
    package: str
    detail: str
    precision: str
    threads: str
    repeats: int
    first_call: float
    seconds: float
    fastest: float
    slowest: float
    ratio: float | None
    error: float | None
    against: str
    memory: float | None


def clocked(side: Side) -> tuple[float, Any]:
    """The seconds of a run, and its result."""
    start = time.perf_counter()
    result = side.run()
    elapsed = time.perf_counter() - start
    return (elapsed if side.seconds is None else side.seconds(result)), result


def measured(benchmark: str, case: Case, repeats: int, memory: bool) -> list[Row]:
    """A case, all sides in turn."""
    repeats = case.repeats or repeats
    first, times, results = [], [[] for _ in case.sides], [None] * len(case.sides)
    for side in case.sides:
        start = time.perf_counter()
        side.run()
        first.append(time.perf_counter() - start)
    for _ in range(repeats):
        for i, side in enumerate(case.sides):
            seconds, results[i] = clocked(side)
            times[i].append(seconds)
    rows = []
    for i, side in enumerate(case.sides):
        turns = [theirs / ours for ours, theirs in zip(times[0], times[i], strict=True)]
        rows.append(
            Row(
                benchmark=benchmark, case=case.name, package=side.package, detail=side.detail, precision=side.precision,
                threads=str(side.threads), repeats=repeats, first_call=first[i], seconds=statistics.median(times[i]),
                fastest=min(times[i]), slowest=max(times[i]), ratio=statistics.median(turns) if i else None,
                error=None if side.error is None else side.error(results[i]), against=case.against,
                memory=peak_memory(benchmark, case.name, i) if memory else None,
            )
        )  # fmt: skip
    return rows


def peak_memory(benchmark: str, case: str, side: int) -> float | None:
    """MiB that a process of its own needs at most for one run of one side; None where the system does not say."""
    command = [sys.executable, "-m", f"experiments.benchmarks.{benchmark}", "--alone", case, str(side)]
    done = subprocess.run(command, capture_output=True, text=True)
    last = done.stdout.strip().splitlines()[-1:]
    return float(last[0]) if done.returncode == 0 and last and last[0] else None


def own_peak() -> str:
    """The most memory that this process ever had resident, in MiB: Linux's VmHWM, which begins anew with a program."""
    status = Path("/proc/self/status")
    if not status.exists():
        return ""
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return str(int(line.split()[1]) / 1024)


def markdown(rows: Iterable[Row]) -> Iterator[str]:
    """The lines of the table."""
    yield "| case | package | precision | threads | seconds | first call | ratio | error | memory, MiB |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for row in rows:
        name = f"{row.package} ({row.detail})" if row.detail else row.package
        cells = [
            row.case, name, row.precision, row.threads, f"{row.seconds:.3g}", f"{row.first_call:.2g}",
            "" if row.ratio is None else f"{row.ratio:.3g}",
            "" if row.error is None else f"{row.error:.1e} ({row.against})" if row.against else f"{row.error:.1e}",
            "" if row.memory is None else f"{row.memory:.0f}",
        ]  # fmt: skip
        yield "| " + " | ".join(cells) + " |"


def write_csv(path: Path, rows: list[Any]) -> None:
    """All rows, one a line, numbers in full."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(field.name for field in dataclasses.fields(rows[0]))
        writer.writerows(dataclasses.astuple(row) for row in rows)


def main(benchmark: str, cases: Callable[[], Iterable[Case]]) -> None:
    """The command line of one benchmark."""
    parser = argparse.ArgumentParser(prog=f"python -m experiments.benchmarks.{benchmark}")
    parser.add_argument("--repeats", type=int, default=5, help="turns of every side (default 5)")
    parser.add_argument("--csv", type=Path, help="write the rows to this file, too")
    parser.add_argument("--no-memory", action="store_true", help="skip the processes that measure memory")
    parser.add_argument("--only", help="cases whose name contains this")
    parser.add_argument("--alone", nargs=2, metavar=("CASE", "SIDE"), help="run one side once, print its peak memory")
    arguments = parser.parse_args()
    if arguments.alone:
        name, side = arguments.alone
        next(case for case in cases() if case.name == name).sides[int(side)].run()
        print(own_peak())
        return
    rows: list[Row] = []
    for case in cases():
        if arguments.only and arguments.only not in case.name:
            continue
        rows += measured(benchmark, case, arguments.repeats, not arguments.no_memory)
        print(f"{case.name}: measured", file=sys.stderr, flush=True)
    print("\n".join(markdown(rows)))
    if arguments.csv:
        write_csv(arguments.csv, rows)
