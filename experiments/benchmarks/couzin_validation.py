"""Couzin against the literature and dewi-kadita: python -m experiments.benchmarks.couzin_validation
[part ...]

Parts: cases (dewi-kadita's four, eight seeds each, against its bands), states (the paper's four),
hysteresis. Each prints a Markdown table and, last, how many rows are not as they should be; the
exit status is 1 if any is not. With --write the tables go to data/validation/couzin_*.md. The
experiments are those of experiments/couzin. `benchmarks.couzin` compares with the package itself.
"""

import sys
from pathlib import Path

import jax
import numpy as np

jax.config.update("jax_enable_x64", True)

from scipy.stats import ttest_ind_from_stats  # noqa: E402

import physent  # noqa: E402
from experiments.benchmarks.couzin_tables import main  # noqa: E402
from physent.diagnostics import SchoolDewiKadita  # noqa: E402
from physent.experiment.building import load_experiment  # noqa: E402

EXPERIMENTS = Path(__file__).parents[1] / "couzin"
SEEDS = 8
PEER_SEEDS = 5
# Means and standard deviations over five seeds of dewi-kadita 0.0.4: second halves of its four
# cases, measured by us.
ROWS = {
    "polarization": "polarization",
    "rotation": "schooling_wrapped_rotation",
    "cohesion": "schooling_cohesion_entropy",
    "polarization entropy": "schooling_polarization_entropy",
    "depth": "schooling_depth_entropy",
    "angular": "schooling_angular_momentum_entropy",
    "kNN": "schooling_neighbour_entropy",
    "velocity correlation": "schooling_velocity_correlation_entropy",
    "shape": "schooling_shape_entropy",
    "OSI": "schooling_index",
}
BANDS = {
    "swarm": [
        (0.0797, 0.0032),
        (0.0631, 0.0047),
        (0.3232, 0.0018),
        (0.8028, 0.0004),
        (0.7478, 0.0074),
        (0.785, 0.036),
        (0.3308, 0.0015),
        (0.9997, 0.0001),
        (0.628, 0.214),
        (0.681, 0.024),
    ],
    "torus": [
        (0.770, 0.055),
        (0.166, 0.058),
        (0.240, 0.018),
        (0.514, 0.164),
        (0.706, 0.379),
        (0.880, 0.037),
        (0.627, 0.052),
        (0.440, 0.084),
        (0.712, 0.118),
        (0.527, 0.062),
    ],
    "dynamic_parallel": [
        (0.9808, 0.0049),
        (0.135, 0.123),
        (0.173, 0.073),
        (0.306, 0.025),
        (0.494, 0.147),
        (0.831, 0.067),
        (0.316, 0.017),
        (0.101, 0.051),
        (0.589, 0.249),
        (0.332, 0.030),
    ],
    "highly_parallel": [
        (0.9959, 0.0020),
        (0.141, 0.086),
        (0.063, 0.057),
        (0.302, 0.177),
        (0.627, 0.253),
        (0.772, 0.074),
        (0.338, 0.030),
        (0.0084, 0.0106),
        (0.495, 0.234),
        (0.293, 0.041),
    ],
}
SHARP = {
    ("swarm", "polarization"),
    ("swarm", "cohesion"),
    ("swarm", "polarization entropy"),
    ("swarm", "kNN"),
    ("swarm", "velocity correlation"),
    ("dynamic_parallel", "polarization"),
    ("highly_parallel", "polarization"),
}
# What the mean order parameters of the paper's states must be, at attraction_width 14.
STATES = {
    "swarm": lambda p, m: p < 0.3 and m < 0.3,
    "torus": lambda p, m: p < 0.15 and m > 0.85,
    "dynamic_parallel": lambda p, m: 0.87 < p < 0.95 and m < 0.1,
    "highly_parallel": lambda p, m: p > 0.995,
}


def second_half(dataset):
    return dataset.isel(t=slice(dataset.sizes["t"] // 2, None))


def said(good):
    return "yes" if good else "NO"


def experiment(name, *overrides):
    return load_experiment(EXPERIMENTS / f"{name}.toml", list(overrides))


def cases(table):
    """dewi-kadita's cases with its rules: a seed a member."""
    wrong = 0
    table.head(
        "case",
        "quantity",
        "physent, mean (sd) of 8",
        "dewi-kadita, mean (sd) of 5",
        "test",
        "verdict",
    )
    for case, bands in BANDS.items():
        settings = experiment(case)
        run = physent.run(
            settings.solver,
            t_end=settings.run.t_end,
            save_every=settings.run.save_every,
            members=SEEDS,
            diagnostics=[SchoolDewiKadita()],
            variables=["polarization"],
        )
        half = second_half(run)
        for (quantity, variable), (mean, deviation) in zip(ROWS.items(), bands, strict=True):
            values = half[variable].mean("t").values
            ours, spread = values.mean(), values.std(ddof=1)
            if (case, quantity) in SHARP:
                test, good = (
                    f"mean in +- 2 sd ({abs(ours - mean) / deviation:.2f} sd)",
                    abs(ours - mean) < 2 * deviation,
                )
            else:
                p = ttest_ind_from_stats(
                    ours, spread, SEEDS, mean, deviation, PEER_SEEDS, equal_var=False
                ).pvalue
                test, good = f"Welch p = {p:.2g}", p > 1e-3
            wrong += not good
            table.row(
                case,
                quantity,
                f"{ours:.4f} ({spread:.4f})",
                f"{mean:.4f} ({deviation:.4f})",
                test,
                said(good),
            )
    return wrong


def longest(rows):
    """The longest stretch of true rows."""
    ends = np.flatnonzero(~np.concatenate([[False], rows, [False]]))
    return int(np.diff(ends).max()) - 1


def states(table):
    """The paper's four states, eight seeds each; the torus must last for 2,000 steps without a
    break in every seed.
    """
    wrong = 0
    table.head(
        "state",
        "polarization, mean (sd) of 8",
        "rotation",
        "groups at the end",
        "in the mean",
        "in every seed",
    )
    for state, holds in STATES.items():
        settings = experiment(
            f"couzin2002_{state}",
            f"run.members={SEEDS}",
            "diagnostics=[]",
            "run.snapshot_every=500.0",
            "output.variables=['polarization', 'rotation', 'groups']",
        )
        half = second_half(physent.run(settings))
        p, m = half.polarization.mean("t").values, half.rotation.mean("t").values
        good, every = (
            holds(p.mean(), m.mean()),
            all(holds(*pair) for pair in zip(p, m, strict=True)),
        )
        numbers = (f"{values.mean():.4f} ({values.std(ddof=1):.4f})" for values in (p, m))
        table.row(state, *numbers, str(half.groups.values[-1].tolist()), said(good), said(every))
        wrong += not good
    settings = experiment(
        "couzin2002_torus",
        f"run.members={SEEDS}",
        "diagnostics=[]",
        "run.t_end=1500.0",
        "run.snapshot_every=1500.0",
        "output.variables=['polarization', 'rotation']",
    )
    long = physent.run(settings)
    mills = (long.rotation.values > 0.7) & (long.polarization.values < 0.3)
    table.add(
        "",
        "The longest the torus lasts without a break in 15,000 steps, rotation > 0.7 and "
        "polarization < 0.3 in",
    )
    table.add("every row (10 steps); 2,000 steps are asked of each seed:", "")
    table.head("seed", "first torus, step", "longest, steps", "rows of the whole run", "sustained")
    for seed in range(SEEDS):
        steps = 10 * longest(mills[:, seed])
        first = f"{10 * int(np.argmax(mills[:, seed]))}"
        table.row(
            str(seed),
            first,
            f"{steps}",
            f"{100 * mills[:, seed].mean():.0f} %",
            said(steps >= 2000),
        )
        wrong += steps < 2000
    return wrong


def hysteresis(table):
    """The branches at each width: means over the second half of each stair, errors over eight
    seeds.
    """
    run = physent.run(experiment("hysteresis"))
    width = run.orientation_width_now.values[:, 0]
    hold, rows = 200, np.arange(run.sizes["t"])
    stair = (rows - 1) // hold  # row 0 is the start
    settled = (rows > 0) & ((rows - 1) % hold >= hold // 2)
    means = {}
    for name in ("polarization", "rotation"):
        values = run[name].values
        means[name] = np.stack(
            [values[settled & (stair == s)].mean(axis=0) for s in range(stair.max() + 1)]
        )
    widths = np.array([np.median(width[settled & (stair == s)]) for s in range(stair.max() + 1)])
    half = len(widths) // 2
    table.head(
        "orientation width",
        "up: p",
        "up: m",
        "down: p",
        "down: m",
        "difference of m, in standard errors",
    )
    apart = {}
    for s in range(half):
        up, down = s, len(widths) - 1 - s
        cells = []
        for branch in (up, down):
            for name in ("polarization", "rotation"):
                values = means[name][branch]
                cells.append(
                    f"{values.mean():.3f} +- {values.std(ddof=1) / np.sqrt(len(values)):.3f}"
                )
        a, b = means["rotation"][up], means["rotation"][down]
        apart[round(widths[up], 6)] = (a.mean() - b.mean()) / np.sqrt(
            (a.var(ddof=1) + b.var(ddof=1)) / len(a)
        )
        table.row(f"{widths[up]:.2f}", *cells, f"{apart[round(widths[up], 6)]:.1f}")
    at = int(np.argmin(np.abs(widths[: half + 1] - 1.5)))
    p_up, m_up = means["polarization"][at].mean(), means["rotation"][at].mean()
    p_down, m_down = means["polarization"][-1 - at].mean(), means["rotation"][-1 - at].mean()
    asked = [m_up > 0.5 and p_up < 0.3, p_down > 0.85 and m_down < 0.15, apart[1.5] > 3]
    words = ", ".join(map(said, asked))
    table.add(
        "",
        "At 1.5: up m > 0.5 and p < 0.3, down p > 0.85 and m < 0.15, apart by more than 3 errors: "
        f"{words}.",
    )
    return asked.count(False)


PARTS = {"cases": cases, "states": states, "hysteresis": hysteresis}
WORDS = {
    "cases": "means over the second halves of dewi-kadita's four cases, with its rules, against "
    "its own.",
    "states": "the four states of Couzin et al. (2002) at its parameters, means over the second "
    "halves of 5,000 steps.",
    "hysteresis": "the zone of orientation widens and narrows in one run; means over the second "
    "half of each stair.",
}

if __name__ == "__main__":
    sys.exit(main("couzin_validation", PARTS, WORDS))
