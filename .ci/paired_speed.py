"""Holds the speed of the estimators of one commit to those of another: python .ci/paired_speed.py
BEFORE [AFTER] [--turns 15] [--only NAME ...]

The rows are those of data/benchmarks: `estimators()` of experiments/benchmarks/sizes.py at every
size, and `workloads()` of experiments/benchmarks/entropy.py. Both commits are imported into one
process, each with modules of its own, and every row is compiled by both before anything is timed.
Then they take turns, each the first in every second; a turn is the best of calls in a row, up to
eight within 20 ms. What is printed is the median of the ratios turn by turn, the quartiles, and
the ratio of the fastest turns, which other work on the machine moves least: above 1 AFTER is
slower. AFTER is by default the working tree.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
os.environ["JAX_ENABLE_X64"] = "true"

from reference_runs import export

OURS = ("physent", "experiments")


class Commit:
    """The modules of one commit, which are in `sys.modules` as long as it is entered."""

    def __init__(self, source: Path) -> None:
        self.source = str(source)
        self.modules: dict[str, Any] = {}

    def __enter__(self) -> None:
        sys.path.insert(0, self.source)
        sys.modules.update(self.modules)

    def __exit__(self, *_: object) -> None:
        sys.path.remove(self.source)
        own = [name for name in sys.modules if name.partition(".")[0] in OURS]
        self.modules = {name: sys.modules.pop(name) for name in own}

    def prepared(self, only: list[str]) -> Iterator[tuple[str, Callable[[], Any]]]:
        """Every row, as a function to call."""
        from experiments.benchmarks import entropy, sizes  # ours differ by commit

        for what, scaling in sizes.estimators().items():
            for size in scaling.sizes:
                name = f"{what}, {size:,}"
                if not only or any(each in name for each in only):
                    yield name, scaling.prepare(size)[0]
        for name, data, own, *_ in entropy.workloads():
            if not only or any(each in name for each in only):
                run = entropy.physent(data, own)
                yield f"{name} (called)", run


def seconds_of(commit: Commit, call: Callable[[], Any]) -> float:
    """The best of some calls in a row."""
    with commit:
        times: list[float] = []
        while not times or (len(times) < 8 and sum(times) < 0.02):
            start = time.perf_counter()
            call()
            times.append(time.perf_counter() - start)
    return min(times)


def main() -> int:
    """Print one line for each row."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("before", help="a commit")
    parser.add_argument("after", nargs="?", help="another; default: the working tree")
    parser.add_argument("--turns", type=int, default=15)
    parser.add_argument("--only", nargs="*", default=[], help="rows with one of these in the name")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        commits = []
        for which, commit in zip(
            ("before", "after"), (arguments.before, arguments.after), strict=True
        ):
            export(commit, Path(folder, which))
            commits.append(Commit(Path(folder, which)))
        calls: list[dict[str, Callable[[], Any]]] = []
        for commit in commits:
            with commit:
                calls.append(dict(commit.prepared(arguments.only)))
        print(f"{'row':72} {'before':>10} {'ratio':>6}  quartiles    fastest")
        for name in calls[0]:
            if name not in calls[1]:
                continue
            both = [(commit, made[name]) for commit, made in zip(commits, calls, strict=True)]
            for pair in both * 2:
                seconds_of(*pair)
            times: list[list[float]] = [[], []]
            for turn in range(arguments.turns):
                order = (0, 1) if turn % 2 == 0 else (1, 0)
                for which in order:
                    times[which].append(seconds_of(*both[which]))
            ratios = [after / before for before, after in zip(*times, strict=True)]
            low, middle, high = statistics.quantiles(ratios, n=4)
            fastest = min(times[1]) / min(times[0])
            seconds = f"{statistics.median(times[0]) * 1e3:.3f} ms"
            print(
                f"{name:72} {seconds:>10} {middle:6.3f}  {low:.3f} {high:.3f}  {fastest:.3f}",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
