"""How often error bars and p values are right, and what control variates gain: a markdown table.

python -m experiments.benchmarks.coverage [--seeds 2000] [--output data/validation/coverage.md]

AR(1) series x' = a x + noise, tau = (1 + a)/(1 - a), seeds 0 to n - 1; the other of two series has
the seeds 100,000 to 100,000 + n - 1. The bars: 2,000 seeds in the central 99.9 % of the binomial.
"""

import argparse
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import scipy.signal

import physent
from physent.diagnostics import EntropyProduction
from physent.entropy import (
    block_bootstrap,
    circular_shift,
    compare,
    entropy_rate,
    gaussian_mutual_information,
    permutation_test,
    shuffle,
    time_average,
)
from physent.solvers.active_matter import ActiveMatter
from physent.solvers.active_matter.propulsion import OrnsteinUhlenbeck
from physent.solvers.langevin import LinearLangevin

OTHER = 100_000  # the first seed of the second series
COVERED, REJECTED = "93.4-96.6", "3.4-6.6"
COVERAGE = [  # a, N, what is asked of block_bootstrap and time_average
    (0.0, 1000, COVERED),
    (0.5, 3000, COVERED),
    (0.9, 19_000, COVERED),
    (0.98, 99_000, COVERED),
    (0.9, 1900, "-"),
    (0.98, 10_000, ">= 90"),
    (0.98, 1000, ">= 80, warns"),
]
RATES = [(0.0, 1000, COVERED), (0.5, 3000, COVERED), (0.9, 1900, "-"), (0.9, 380, "-, warns")]
COMPARED = [
    (0.0, 100, REJECTED),
    (0.5, 300, REJECTED),
    (0.9, 1900, REJECTED),
    (0.98, 10_000, REJECTED),
    (0.98, 1000, "-, warns"),
]
TESTED = [
    (0.0, 200, shuffle, REJECTED),
    (0.9, 1900, circular_shift, REJECTED),
    (0.98, 9900, circular_shift, REJECTED),
]


def autoregressive(a: float, n: int, seed: int) -> np.ndarray:
    """A stationary AR(1) series."""
    rng = np.random.default_rng(seed)
    noise, first = rng.standard_normal(n), rng.standard_normal() / np.sqrt(1 - a**2)
    return scipy.signal.lfilter([1], [1, -a], noise, zi=[a * first])[0]


def share(measure, a: float, n: int, seeds: int, batch: int = 50) -> list[float]:
    """The percentages of seeds for which each of the truth values is true that
    measure(x, y, key) returns.
    """
    compiled, found = jax.jit(jax.vmap(measure)), []
    for first in range(0, seeds, batch):
        chosen = range(first, min(first + batch, seeds))
        x, y = (
            np.stack([autoregressive(a, n, begin + seed) for seed in chosen])
            for begin in (0, OTHER)
        )
        keys = jax.vmap(jax.random.key)(jnp.asarray(chosen))
        found.append(np.stack(compiled(x, y, keys), axis=-1))
    return list(100 * np.mean(np.concatenate(found), axis=0))


def around(found, truth: float = 0.0):
    """Whether an interval covers the truth."""
    return (found.low < truth) & (truth < found.high)


def mean_covered(x, y, key):
    """Of the 95 % intervals of a mean: bootstrap, time average, +- 1.96 standard errors."""
    average = time_average(x)
    simple = jnp.abs(average.value) < 1.96 * average.standard_error
    return around(block_bootstrap(x, key)), around(average), simple


def slope_covered(x, y, key):
    """Of the 95 % interval of a slope of 1 in all."""
    t = jnp.linspace(0, 1, x.shape[0])
    return (around(entropy_rate(t, t + x, key, samples=200), 1.0),)


def rejected(x, y, key):
    """Whether two means differ at 5 %."""
    return (compare(x, y).p_value < 0.05,)


def dependent(surrogate):
    """Whether two series are dependent at 5 %."""

    def measure(x, y, key):
        found = permutation_test(gaussian_mutual_information, x, y, key, surrogate=surrogate)
        return (found.p_value <= 0.05,)

    return measure


def tables(seeds: int) -> list[str]:
    """The rows of how often intervals and p values are right."""
    rows = []

    def add(what: str, a: float, n: int, asked: str, measured: float):
        rows.append(
            f"| {what} | {a:g} | {n} | {n * (1 - a) / (1 + a):.0f} | {asked} | {measured:.2f} |"
        )
        print(rows[-1], flush=True)

    for a, n, asked in COVERAGE:
        names = "`block_bootstrap`", "`time_average`", "`time_average`, +- 1.96 se"
        for name, measured in zip(names, share(mean_covered, a, n, seeds), strict=True):
            add(
                f"{name} covers",
                a,
                n,
                "-" if "se" in name and n * (1 - a) < 500 else asked,
                measured,
            )
    for a, n, asked in RATES:
        add("`entropy_rate` covers", a, n, asked, share(slope_covered, a, n, seeds)[0])
    for a, n, asked in COMPARED:
        add("`compare` rejects", a, n, asked, share(rejected, a, n, seeds)[0])
    for a, n, surrogate, asked in TESTED:
        what = f"`permutation_test`, {surrogate.__name__}, rejects"
        add(what, a, n, asked, share(dependent(surrogate), a, n, seeds)[0])
    return rows


def totals(members: int = 24) -> list[str]:
    """The rows of what control variates gain."""
    shared = {"diffusivity": 0.1, "speed": 0.25, "method": "splitting"}
    shared["propulsion"] = OrnsteinUhlenbeck(rate=0.1)
    trapped = shared | {"boundary": "open", "trap": 0.05, "dt": 0.05}
    gyrator = LinearLangevin(walkers=16)
    gas = ActiveMatter(particles=16, packing_fraction=0.3, dt=0.02, **shared)
    cases = {
        "gyrator, 16 walkers": (gyrator, 200.0, 0.5, 16 * float(gyrator.exact_production().total)),
        "2 AOUPs in a trap": (ActiveMatter(particles=2, force="none", **trapped), 4e3, 5.0, 5 / 3),
        "2 AOUPs in a trap that repel": (ActiveMatter(particles=2, **trapped), 4e3, 5.0, None),
        "16 AOUPs in a periodic box": (gas, 2e3, 5.0, None),
    }
    rows = []
    for name, (solver, t_end, every, exact) in cases.items():
        produced = EntropyProduction(after=200.0 if t_end > 1e3 else 0.0)
        run = physent.run(
            solver, t_end=t_end, save_every=every, diagnostics=[produced], members=members, seed=0
        )
        plain, best, error = (
            run[f"entropy_production_{what}"].values[-1]
            for what in ("mean", "total", "total_error")
        )
        away = abs(plain.mean() - best.mean()) / np.hypot(plain.std(), best.std()) * members**0.5
        plain, best = [
            (x.mean(), x.std(ddof=1) / members**0.5, x.var(ddof=1)) for x in (plain, best)
        ]
        given = "" if exact is None else f"{exact:.6g}"
        gain = "> 1e6" if plain[2] > 1e6 * best[2] else f"{plain[2] / best[2]:.1f}"
        said = np.sqrt(np.mean(error**2)) / np.sqrt(best[2])
        ratio = f"{said:.2f}" if plain[2] < 1e6 * best[2] else ""
        rows.append(
            f"| {name} | {given} | {plain[0]:.5g} ± {plain[1]:.2g} | {best[0]:.6g} ± {best[1]:.2g} "
            f"| {away:.1f} | {gain} | {ratio} |"
        )
        print(rows[-1], flush=True)
    return rows


def main() -> None:
    """Measure everything, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2000)
    parser.add_argument("--output", type=Path, default=Path("data/validation/coverage.md"))
    options = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    gains = totals()
    lines = [
        f"Coverage of 95 % intervals and rejections at 5 %, in %, of {options.seeds} seeds.",
        "",
        "| what | a | N | N/tau | asked | measured |",
        "|---|---|---|---|---|---|",
        *tables(options.seeds),
        "",
        "Totals of entropy production of 24 members: plain mean, and mean with control variates.",
        "",
        "| system | exact | plain | least variance | difference in standard errors "
        "| variance of plain over least | stated over true standard error |",
        "|---|---|---|---|---|---|---|",
        *gains,
        "",
    ]
    options.output.write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
