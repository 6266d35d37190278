"""Mutual information against exact truths: a markdown table, the counts below it.

python -m experiments.benchmarks.mutual_information [--tasks FOLDER] [--samples 10000] [--seeds 1]
    [--seconds 5] [--dimensions 10] [--method auto] [--output FILE.md]

Without --tasks on families of our own (information_families); with it on a folder that has
tasks.csv (task, dim_x, dim_y, mutual_information_nats) and one NAME.npz with x and y for each.
Errors in nats; "covered" counts intervals that hold the truth. CPU seconds are of the whole
process.
"""

import argparse
import csv
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from experiments.benchmarks.information_families import FAMILIES, sample
from physent.entropy import mutual_information

Case = tuple[str, np.ndarray, np.ndarray, float]


def own(samples: int, seeds: int) -> Iterator[Case]:
    for seed in range(seeds):
        for name in FAMILIES:
            yield name, *sample(name, samples, seed)


def public(folder: Path, samples: int) -> Iterator[Case]:
    for row in csv.DictReader((folder / "tasks.csv").open()):
        data = np.load(folder / f"{row['task']}.npz")
        truth = float(row["mutual_information_nats"])
        yield row["task"], data["x"][:samples], data["y"][:samples], truth


def table(cases: Iterator[Case], seconds: float, dimensions: int, method: str) -> list[str]:
    lines = ["| task | truth | error | interval | verdict | how |", "|---|---|---|---|---|---|"]
    errors, trusted, covered = [], [], []
    begun = time.process_time()
    for name, x, y, truth in cases:
        if sum(1 if each.ndim == 1 else each.shape[1] for each in (x, y)) > dimensions:
            continue
        found = mutual_information(x, y, method=method, seconds=seconds)  # pyright: ignore[reportArgumentType]
        errors.append(abs(found.value - truth))
        trusted.append(found.verdict == "trust")
        covered.append(found.low <= truth <= found.high)
        interval = f"{found.low:.3f} to {found.high:.3f}"
        lines.append(
            f"| {name} | {truth:.3f} | {found.value - truth:+.3f} | {interval} | {found.verdict} "
            f"| {found.method} |"
        )
        print(lines[-1], flush=True)
    error, trust, inside = np.array(errors), np.array(trusted), np.array(covered)
    lines += [
        "",
        f"{len(error)} tasks, {seconds:g} seconds each allowed: mean error {error.mean():.3f}, "
        f"{np.sum(error <= 0.1)} within .1; trusted {trust.sum()}, of which "
        f"{np.sum(trust & (error > 0.1))} more than .1 off and {np.sum(trust & inside)} covered; "
        f"{time.process_time() - begun:.0f} CPU seconds.",
    ]
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--tasks", type=Path)
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--dimensions", type=int, default=1000)
    parser.add_argument("--method", default="auto")
    parser.add_argument("--output", type=Path)
    given = parser.parse_args()
    cases = public(given.tasks, given.samples) if given.tasks else own(given.samples, given.seeds)
    lines = table(cases, given.seconds, given.dimensions, given.method)
    print(lines[-1])
    if given.output:
        given.output.parent.mkdir(parents=True, exist_ok=True)
        given.output.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
