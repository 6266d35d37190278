"""Estimators of entropy production on tasks whose truth is exact: a markdown table.

python -m experiments.benchmarks.production [--part tasks] [--seeds 1] [--tasks beads_5 ...]

Parts: `tasks`, every estimator on every task; `beads`, the rms error of long bead-springs over 20
seeds; `coverage`, of intervals over 400 seeds; `peer`, stochasticforceinference beside physent, in
one process. Without --part all of them, into data/benchmarks/production.md.
"""

import argparse
import importlib.metadata
import importlib.util
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from physent.errors import ParameterError
from physent.production import ESTIMATORS, benchmark, estimate, systems
from physent.production.trajectories import as_trajectories

BEADS = {2: 2, 5: 2, 8: 3, 16: 4, 32: 5, 64: 10, 128: 15}  # bars in per cent
COVERAGE = [  # system, rows, estimators; 400 seeds
    ("gyrator", 20_000, ("linear", "linear_noisy", "forces")),
    ("beads_5", 20_000, ("linear", "linear_noisy", "forces")),
    ("tilted_ring", 20_000, ("forces",)),
    ("four_states", 20_000, ("markov_rates",)),
    ("ratchet", 20_000, ("markov_chain",)),
]
PEER = [
    *("gyrator", "gyrator_noise", "gyrator_coarse", "rotation", "rotation_noise"),
    *("rotation_coarse", "faint_rotation", "beads_5", "beads_5_noise", "aoup", "aoup_noise"),
    *("cycle", "cycle_noise"),
]


def of_tasks(names: list[str] | None, seeds: int) -> Iterator[str]:
    """A row a task: the truth, what is recommended, and every estimator over the truth."""
    yield "## Tasks\n"
    yield (
        "Estimate over truth, mean over seeds; **bold**: recommended; (b): a bound, whose largest "
        "excess over the truth is in standard errors in the last column.\n"
    )
    labels = list(ESTIMATORS)
    yield f"| task | truth | {' | '.join(labels)} | seconds | excess of bounds |"
    yield "|---" * (len(labels) + 4) + "|"
    total = time.perf_counter()
    for task in benchmark.tasks(names):
        ratios: dict[str, list[float]] = {label: [] for label in labels}
        chosen: list[str] = []
        excess, seconds = -np.inf, 0.0
        for seed in range(seeds):
            x, begun = task.sample(seed), time.perf_counter()
            try:
                table = estimate(x, task.dt, period=task.period, parity=task.parity)
            except ParameterError:  # none applies
                continue
            seconds += (time.perf_counter() - begun) / seeds
            chosen.append(table.attrs["recommended"])
            for label in table.estimator.values:
                row = table.sel(estimator=label)
                rate, error = float(row.rate), max(float(row.standard_error), 1e-300)
                ratios[label].append(rate / task.rate)
                if bool(row.is_bound):
                    excess = max(excess, (rate - task.rate) / error)
        cells = []
        for label in labels:
            text = f"{np.mean(ratios[label]):.3f}" if ratios[label] else ""
            if label in chosen:
                text = f"**{text}**"
            cells.append(text)
        yield (
            f"| {task.name} | {task.rate:.5g} | {' | '.join(cells)} | {seconds:.1f} | "
            f"{excess:.1f} |"
        )
    yield f"\nAll of it, sampling included: {time.perf_counter() - total:.0f} s.\n"


def of_beads(_: list[str] | None, seeds: int) -> Iterator[str]:
    """The rms error of `linear` for 10^6 rows, every .1 and every .01."""
    yield "## Bead-springs\n"
    yield f"`linear`, 10^6 rows, rms relative error over {seeds} seeds, one trajectory each.\n"
    yield "| beads | dt | truth | rms error | bar | sqrt(8/(sigma T)) | mean error | longest, s |"
    yield "|---" * 8 + "|"
    for dt in (0.1, 0.01):
        for n, bar in BEADS.items():
            known, errors, longest = systems.beads(n, dt), [], 0.0
            for seed in range(seeds):
                x = known.sample(1_000_000, np.random.default_rng(seed))
                begun = time.perf_counter()
                data = as_trajectories(x, dt)
                row = ESTIMATORS["linear"](data, np.random.default_rng(seed))
                longest = max(longest, time.perf_counter() - begun)
                errors.append(row.rate / known.rate - 1)
            floor = np.sqrt(8 / (known.rate * 1e6 * dt))
            yield (
                f"| {n} | {dt} | {known.rate:.6f} | {np.sqrt(np.mean(np.square(errors))):.2%} | "
                f"{f'{bar} %' if dt == 0.1 else ''} | {floor:.1%} | {np.mean(errors):+.2%} | "
                f"{longest:.1f} |"
            )
    yield ""


def of_coverage(_: list[str] | None, seeds: int) -> Iterator[str]:
    """How many intervals hold the truth, of 95 %."""
    yield "## Coverage\n"
    yield f"Share of {seeds} seeds whose interval of 95 % holds the truth (of 400: 91-98 %).\n"
    yield "| system | rows | estimator | coverage | mean over truth | mean error over spread |"
    yield "|---" * 6 + "|"
    for name, n, labels in COVERAGE:
        known = benchmark.FAMILIES[name][0](None)
        samples = [known.sample(n, np.random.default_rng(seed)) for seed in range(seeds)]
        for label in labels:
            rows = np.asarray(
                [
                    ESTIMATORS[label](
                        as_trajectories(x, known.dt, known.period), np.random.default_rng(seed)
                    )
                    for seed, x in enumerate(samples)
                ]
            )
            held = np.mean((rows[:, 2] <= known.rate) & (known.rate <= rows[:, 3]))
            yield (
                f"| {name} | {n} | {label} | {held:.1%} | {rows[:, 0].mean() / known.rate:.3f} | "
                f"{rows[:, 1].mean() / rows[:, 0].std():.2f} |"
            )
    yield ""


def _peer(x: np.ndarray, dt: float) -> tuple[float, float]:
    """Rate and error by stochasticforceinference, with polynomials, as its guide has it."""
    import SFI  # pyright: ignore[reportMissingImports]
    from SFI.bases import monomials_up_to  # pyright: ignore[reportMissingImports]

    many = x if x.ndim == 2 else np.moveaxis(x, 0, 1)  # as independent particles
    collection = SFI.TrajectoryCollection.from_arrays(X=many, dt=dt)
    d = x.shape[-1]
    found = SFI.OverdampedLangevinInference(collection)
    found.compute_diffusion_constant()
    found.infer_force_linear(monomials_up_to(order=3 if d <= 3 else 1, dim=d, rank="vector"))
    result = found.compute_entropy_production()
    return result["Sdot_debiased"], result["Sdot_error"]


def of_peer(_: list[str] | None, seeds: int) -> Iterator[str]:
    """Errors of physent's recommended estimate and of the peer's on the tasks that both take."""
    yield "## Beside stochasticforceinference\n"
    if importlib.util.find_spec("SFI") is None:
        yield "It is not installed.\n"
        return
    try:
        version = importlib.metadata.version("stochasticforceinference")
    except importlib.metadata.PackageNotFoundError:
        version = "2.0.4"
    yield (
        f"Version {version}, linear inference with polynomials of third order (first above three "
        f"components), fluctuation bias subtracted; rms relative error over {seeds} seeds; seconds "
        "of the second call on. One process, alternating.\n"
    )
    yield "| task | physent | its error | s | stochasticforceinference | its error | s |"
    yield "|---" * 7 + "|"
    for task in benchmark.tasks(PEER):
        if task.name not in PEER:
            continue
        ours, theirs, seconds, label = [], [], np.zeros((seeds, 2)), ""
        for seed in range(seeds):
            x = task.sample(seed)
            begun = time.perf_counter()
            table = estimate(x, task.dt, period=task.period)
            label = table.attrs["recommended"]
            ours.append(float(table.rate.sel(estimator=label)) / task.rate - 1)
            middle = time.perf_counter()
            try:
                theirs.append(_peer(x, task.dt)[0] / task.rate - 1)
            except Exception as error:  # of another package
                theirs.append(np.nan)
                print(task.name, type(error).__name__, error)
            seconds[seed] = middle - begun, time.perf_counter() - middle
        one, other = (np.sqrt(np.mean(np.square(each))) for each in (ours, theirs))
        spent = seconds[1:].mean(axis=0) if seeds > 1 else seconds[0]
        yield (
            f"| {task.name} | {label} | {one:.1%} | {spent[0]:.1f} | linear inference | "
            f"{other:.1%} | {spent[1]:.1f} |"
        )
    yield ""


PARTS: dict[str, tuple[Callable[[list[str] | None, int], Iterator[str]], int]] = {
    "tasks": (of_tasks, 1),
    "beads": (of_beads, 20),
    "coverage": (of_coverage, 400),
    "peer": (of_peer, 4),
}


def main() -> None:
    """Write the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--tasks", nargs="*")
    parser.add_argument("--part", choices=PARTS)
    parser.add_argument("--output", type=Path, default=Path("data/benchmarks/production.md"))
    arguments = parser.parse_args()
    lines = ["# Entropy production of trajectories\n", f"{__doc__}".split("\n\n")[1], ""]
    for name, (part, seeds) in PARTS.items():
        if arguments.part in (None, name):
            for line in part(arguments.tasks, arguments.seeds or seeds):
                print(line, flush=True)
                lines.append(line)
    arguments.output.write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
