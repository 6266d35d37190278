"""The entropy table that the authors of amangkurat published, in its own convention, and what
becomes of it.

`experiments/benchmarks/klein_gordon_entropies.py` prints every number beside that package's and
this one's. Given the arrays that package starts from, this solver repeats the means of the linear
and kink cases and of the collision within one per cent; the rest is that package's time stepping
(errors of 2e-2 to 0.4 where the solution is known). Given the initial conditions that the cases
name, the numbers are others, because those arrays are not what they are called:

- collision: kink + antikink without the vacuum between subtracted is 0 outside, the top of the
  potential, and 2 between; and phi_t of the antikink has the sign of one that moves right. A false
  vacuum decays: no collision.
- kink: its two ends, 1 and -1, meet on the periodic grid, and the jump radiates.
"""

import csv
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from trajectory import rows

from physent.entropy import field_entropy
from physent.solvers.klein_gordon import KinkAntikink, KleinGordon, Linear, Phi4, Sampled

pytestmark = pytest.mark.slow  # a minute of runs in all

TABLE = Path(__file__).parents[1] / "data" / "reference" / "kg_entropy_published.csv"


def published(case, measure):
    lines = [line for line in TABLE.read_text().splitlines() if not line.startswith("#")]
    row = next(
        row for row in csv.DictReader(lines) if (row["case"], row["measure"]) == (case, measure)
    )
    return {key: float(row[key]) for key in ("mean", "min", "max")}


def entropies(solver, spacing, count, steps, kind="shannon", **options):
    states = rows(solver, count - 1, steps)[0]
    phi = jax.jit(jax.vmap(lambda state: solver.observe(state)["phi"]))(states)
    return np.asarray(field_entropy(phi, spacing, kind, convention="amangkurat", **options))  # pyright: ignore[reportArgumentType]


def collision_as_published(x):
    arms = [np.sqrt(1 / 1.82) * (x + shift) for shift in (10, -10)]
    phi_t = 0.3 / np.sqrt(1.82) * (np.cosh(arms[1]) ** -2 - np.cosh(arms[0]) ** -2)
    return np.tanh(arms[0]) - np.tanh(arms[1]), phi_t


@pytest.mark.parametrize(
    ("case", "start", "potential", "points", "end", "count", "share"),
    [
        (
            "linear_wave",
            lambda x: (np.exp(-((x / 2) ** 2)), 0 * x),
            Linear(),
            512,
            (30, 50),
            200,
            0.01,
        ),
        ("kink", lambda x: (np.tanh(x / np.sqrt(2)), 0 * x), Phi4(), 1024, (50, 50), 200, 0.01),
        ("collision", collision_as_published, Phi4(), 1024, (50, 100), 400, 0.01),
    ],
)
def test_from_the_arrays_of_that_package_its_means_come_out(
    case, start, potential, points, end, count, share
):
    half, t_end = end
    x = np.linspace(-half, half, points)
    phi, phi_t = (jnp.asarray(values) for values in start(x))
    steps = 5
    solver = KleinGordon(
        n=points, length=2.0 * half, dt=t_end / (count - 1) / steps, potential=potential,
        initial=Sampled(phi=phi, phi_t=phi_t),
    )  # fmt: skip
    for kind, name in (("shannon", "shannon"), ("composite", "composite")):
        values = entropies(solver, x[1] - x[0], count, steps, kind)
        assert np.mean(values) == pytest.approx(published(case, name)["mean"], rel=share)


def test_the_collision_that_is_named_keeps_its_entropy():
    """Published: from 30.9 up to 45.5. A kink and an antikink at v = .3: between 46.7 and 47.2
    throughout.
    """
    solver = KleinGordon(
        n=1024, length=100.0, dt=100 / 399 / 5, potential=Phi4(), initial=KinkAntikink(velocity=0.3)
    )
    values = entropies(solver, 100 / 1024, 400, 5)
    assert values.min() > 46.7 and values.max() < 47.2
    assert published("collision", "shannon")["max"] < values.min()
