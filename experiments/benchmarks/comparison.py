"""Comparisons with other packages: the sides of a case run in turn in one process, and every
benchmark has one table.

A benchmark is a module with a function `cases()` that yields `Case`s, and ends with `main(NAME,
cases)`. Run it as `python -m experiments.benchmarks.NAME`, or all of them with `python -m
experiments.benchmarks`.

Of each side the first call is stated apart; compilation is what it takes longer than the median of
the others (XLA's programs here, Numba's there, whose caches on disk begin empty). Then the sides
alternate: A B C, A B C, ...; the ratio is the median of the ratios turn by turn, so that a machine
whose speed drifts does not favour anybody. Memory is the most that a process of its own ever had
resident which imports what one side needs, prepares it, compiles it and runs it once: the
interpreter and the libraries are in it, the other sides are not.
"""

import argparse
import concurrent.futures
import csv
import dataclasses
import math
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclasses.dataclass(frozen=True)
class Side:
    """One package doing a case. `prepare` imports what it needs and gives a function that does all
    of the work, and has finished when it returns.

    `error` turns the result of that into one number, `seconds` into the time of the same work where
    a run does more, or knows better how long it took.
    """

    package: str
    prepare: Callable[[], Callable[[], Any]]
    detail: str = ""
    precision: str = "float64"
    threads: int = CORES
    error: Callable[[Any], float] | None = None
    seconds: Callable[[Any], float] | None = None


@dataclasses.dataclass(frozen=True)
class Case:
    """The same work by several packages, physent first; `against` says what errors are measured
    against, or why they are not."""

    name: str
    sides: tuple[Side, ...]
    against: str = ""


@dataclasses.dataclass(frozen=True)
class Row:
    """One side of one case, measured; what a CSV file holds. Seconds are medians, `ratio` is theirs
    over physent's.

    `memory` is in MiB, NaN where the process that should have measured it failed, None where none
    was asked to.
    """

    benchmark: str
    case: str
    package: str
    detail: str
    precision: str
    threads: int
    repeats: int
    first_call: float
    compilation: float
    seconds: float
    fastest: float
    slowest: float
    ratio: float | None
    error: float | None
    against: str
    memory: float | None


def clocked(run: Callable[[], Any]) -> tuple[float, Any]:
    """The seconds of a run, and its result."""
    start = time.perf_counter()
    result = run()
    return time.perf_counter() - start, result


def measured(benchmark: str, case: Case, repeats: int, memory: bool) -> list[Row]:
    """A case, all sides in turn."""
    runs = [side.prepare() for side in case.sides]
    first = [clocked(run)[0] for run in runs]
    walls, times, results = [[] for _ in runs], [[] for _ in runs], [None] * len(runs)
    for _ in range(repeats):
        for i, side in enumerate(case.sides):
            wall, results[i] = clocked(runs[i])
            walls[i].append(wall)
            times[i].append(wall if side.seconds is None else side.seconds(results[i]))
    rows = []
    for i, side in enumerate(case.sides):
        turns = [theirs / ours for ours, theirs in zip(times[0], times[i], strict=True)]
        rows.append(
            Row(
                benchmark=benchmark,
                case=case.name,
                package=side.package,
                detail=side.detail,
                precision=side.precision,
                threads=side.threads,
                repeats=repeats,
                first_call=first[i],
                compilation=max(0.0, first[i] - statistics.median(walls[i])),
                seconds=statistics.median(times[i]),
                fastest=min(times[i]),
                slowest=max(times[i]),
                ratio=statistics.median(turns) if i else None,
                error=None if side.error is None else side.error(results[i]),
                against=case.against,
                memory=peak_memory(benchmark, case.name, i) if memory else None,
            )
        )
    return rows


def peak_memory(benchmark: str, case: str, side: int) -> float | None:
    """MiB that a process of its own needs at most for one run of one side; NaN where it fails,
    which is said, and None where the system does not say."""
    command = [
        sys.executable,
        "-m",
        f"experiments.benchmarks.{benchmark}",
        "--alone",
        case,
        str(side),
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        print(
            f"{case}, side {side}: no memory, {done.stderr.strip().splitlines()[-1:]}",
            file=sys.stderr,
            flush=True,
        )
        return math.nan
    last = done.stdout.strip().splitlines()[-1:]
    return float(last[0]) if last and last[0] else None


def own_peak() -> str:
    """The most memory that this process ever had resident, in MiB: Linux's VmHWM, which begins anew
    with a program.
    """
    status = Path("/proc/self/status")
    if not status.exists():
        return ""
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return str(int(line.split()[1]) / 1024)


def elsewhere(function: Callable[..., Any], *arguments: Any) -> Any:
    """The value of a function in a process of its own: what it imports and needs is not in the
    memory of this one.
    """
    spawned = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=spawned) as pool:
        return pool.submit(function, *arguments).result()


def markdown(rows: Iterable[Row]) -> Iterator[str]:
    """The lines of the table."""
    yield (
        "| case | package | precision | threads | seconds | compilation | ratio | error | memory, "
        "MiB |"
    )
    yield "|---|---|---|---|---|---|---|---|---|"
    for row in rows:
        name = f"{row.package} ({row.detail})" if row.detail else row.package
        error = "" if row.error is None else f"{row.error:.1e}"
        memory = (
            ""
            if row.memory is None
            else "failed"
            if math.isnan(row.memory)
            else f"{row.memory:.0f}"
        )
        cells = [
            row.case,
            name,
            row.precision,
            str(row.threads),
            f"{row.seconds:.3g}",
            f"{row.compilation:.2g}",
            "" if row.ratio is None else f"{row.ratio:.3g}",
            f"{error} ({row.against})" if error and row.against else error or row.against,
            memory,
        ]
        yield "| " + " | ".join(cells) + " |"


def write_csv(path: Path, rows: list[Any]) -> None:
    """All rows, one a line, numbers in full."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(field.name for field in dataclasses.fields(rows[0]))
        writer.writerows(dataclasses.astuple(row) for row in rows)


def main(benchmark: str, cases: Callable[[], Iterable[Case]], wide: bool = True) -> None:
    """The command line of one benchmark; jax is imported later, and has float64 where `wide`."""
    parser = argparse.ArgumentParser(prog=f"python -m experiments.benchmarks.{benchmark}")
    parser.add_argument("--repeats", type=int, default=3, help="turns of every side (default 3)")
    parser.add_argument("--csv", type=Path, help="write the rows to this file, too")
    parser.add_argument(
        "--no-memory", action="store_true", help="skip the processes that measure memory"
    )
    parser.add_argument("--only", help="cases whose name contains this")
    parser.add_argument(
        "--alone",
        nargs=2,
        metavar=("CASE", "SIDE"),
        help="run one side once, print its peak memory",
    )
    arguments = parser.parse_args()
    os.environ["JAX_ENABLE_X64"] = str(wide)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["NUMBA_CACHE_DIR"] = (
            folder  # what an earlier run compiled would hide the compilation of this one
        )
        if arguments.alone:
            name, side = arguments.alone
            next(case for case in cases() if case.name == name).sides[int(side)].prepare()()
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
