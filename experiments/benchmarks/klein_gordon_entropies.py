"""The published Klein-Gordon entropies, repeated: python -m
experiments.benchmarks.klein_gordon_entropies

Four columns for every number of `data/reference/kg_entropy_published.csv`, all in the convention of
that table (p = phi^2 / int phi^2 dx, sums without dx): as published; amangkurat 0.0.1 run here;
physent from that package's own initial arrays on its own periodic grid; physent from the initial
condition that the case names, with the boundary that it needs. Where the first three agree and the
fourth does not, the cause is what the solver was given; where the third leaves the second, it is
the solver.
"""

import csv
from pathlib import Path

import equinox as eqx
import jax
import numpy as np

jax.config.update("jax_enable_x64", True)

from amangkurat import KGSolver  # noqa: E402
from amangkurat.core.initial_conditions import BreatherIC, GaussianIC, KinkAntikinkIC, KinkIC  # noqa: E402

from experiments.benchmarks.klein_gordon import snapshots  # noqa: E402
from physent.entropy import field_entropy  # noqa: E402
from physent.solvers.klein_gordon import (  # noqa: E402
    Antiperiodic,
    Breather,
    Gaussian,
    KinkAntikink,
    KleinGordon,
    Linear,
    Periodic,
    Phi4,
    Phi4Kink,
    Sampled,
    SineGordon,
)

TABLE = Path(__file__).parents[2] / "data" / "reference" / "kg_entropy_published.csv"
# name: (points, half width, end, snapshots, theirs, potential name, potential, ours, boundary)
CASES = {
    "linear_wave": (512, 30, 50, 200, GaussianIC(), "linear", Linear(), Gaussian(), Periodic()),
    "kink": (1024, 50, 50, 200, KinkIC(), "phi4", Phi4(), Phi4Kink(), Antiperiodic()),
    "breather": (
        512,
        40,
        80,
        300,
        BreatherIC(),
        "sine_gordon",
        SineGordon(),
        Breather(phase=np.pi / 2),
        Periodic(),
    ),
    "collision": (
        1024,
        50,
        100,
        400,
        KinkAntikinkIC(),
        "phi4",
        Phi4(),
        KinkAntikink(velocity=0.3),
        Periodic(),
    ),
}
compiled = eqx.filter_jit(snapshots)
DT = {
    "breather": 0.01
}  # with which every printed digit of that case comes out; 0.005 for the others
QUANTITIES = {
    "shannon": dict(kind="shannon"),
    "renyi_2": dict(kind="renyi", order=2.0),
    "renyi_0.5": dict(kind="renyi", order=0.5),
    "renyi_10": dict(kind="renyi", order=10.0),
    "tsallis_2": dict(kind="tsallis", order=2.0),
    "tsallis_0.5": dict(kind="tsallis", order=0.5),
    "composite": dict(kind="composite"),
}


def published():
    """Case and measure to the row of the table."""
    lines = [line for line in TABLE.read_text().splitlines() if not line.startswith("#")]
    return {(row["case"], row["measure"]): row for row in csv.DictReader(lines)}


def steps_between(end, count, longest=0.05):
    """Steps of at most `longest` from one of `count` snapshots of linspace(0, end, count) to the
    next.
    """
    return int(np.ceil(end / (count - 1) / longest))


def fields(solver, end, count):
    """phi at linspace(0, end, count)."""
    steps = steps_between(end, count)
    first = solver.observe(solver.init(jax.random.key(0)))["phi"]
    return np.concatenate([first[None], compiled(solver, count - 1, steps)])


def runs(name):
    """The fields (snapshots, points) and the spacing of amangkurat, physent from its arrays, and
    physent.
    """
    n, half, end, count, theirs, potential_name, potential, ours, boundary = CASES[name]
    peer = KGSolver(nx=n, x_min=-half, x_max=half, verbose=False, n_cores=1)
    phi, phi_t = theirs(peer.x)
    result = peer.solve(
        phi, phi_t, dt=DT.get(name, 0.005), t_final=end, n_snapshots=count, potential=potential_name
    )
    dt = end / (count - 1) / steps_between(end, count)
    given = KleinGordon(
        n=n,
        length=2.0 * half,
        dt=dt,
        potential=potential,
        initial=Sampled(phi=np.array(phi), phi_t=np.array(phi_t)),
    )
    right = KleinGordon(
        n=n, length=2.0 * half, dt=dt, potential=potential, initial=ours, boundary=boundary
    )
    return {
        "amangkurat here": (result["phi"], peer.x[1] - peer.x[0]),
        "physent, its start": (fields(given, end, count), peer.x[1] - peer.x[0]),
        "physent": (fields(right, end, count), 2.0 * half / n),
    }


def row(values):
    """Mean, smallest, largest, first and last, as the table prints them."""
    return [
        float(value)
        for value in (np.mean(values), np.min(values), np.max(values), values[0], values[-1])
    ]


def main():
    """Print the table as Markdown: mean [smallest, largest] first -> last."""
    table = published()
    print(
        "| case | measure | published | amangkurat here | physent, its start | physent "
        "|\n|---|---|---|---|---|---|"
    )
    for name in CASES:
        columns = runs(name)
        for measure, options in QUANTITIES.items():
            cells = []
            known = table[name, measure]
            numbers = [known[key] for key in ("mean", "min", "max", "initial", "final")]
            cells.append(
                "{} [{}, {}]".format(*numbers)
                + (" {} -> {}".format(*numbers[3:]) if numbers[3] else "")
            )
            for phi, spacing in columns.values():
                values = np.asarray(field_entropy(phi, spacing, convention="amangkurat", **options))
                cells.append("{:.4f} [{:.4f}, {:.4f}] {:.4f} -> {:.4f}".format(*row(values)))
            print(f"| {name} | {measure} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
