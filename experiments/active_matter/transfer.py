"""A learned score on larger boxes: python -m experiments.active_matter.transfer SCORE RUN [N ...]

SCORE is a folder with score.eqx, RUN one of `mips_score`, best with another run.seed than the one
that was learned from: of that one the tiles would be snapshots seen in training. A box of N =
16,384 or 32,768 discs is put together from snapshots that are half a time of persistence apart, as
a sheet of tiles of which a square is cut out, since separating anew would take many times 1/gamma:
they forget the seams in the first 1,000 time units, and each tile has its own propulsions from the
start. Then a snapshot every 500 is judged, by the identity and probes. Prints a Markdown table; a
quarter of an hour on two cores.
"""

import dataclasses
import sys
import time

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

import physent
from physent.learning.currents import physics
from physent.learning.derivatives import by_probes
from physent.score.trained import load
from physent.score.verdict import sums

SETTLE, EVERY, SNAPSHOTS = 1000.0, 500.0, 4
AFTER, APART = 30000.0, 5000.0


def edge_of(solver, count):
    """The edge of a box of `count` discs at the density of the solver."""
    return float(np.sqrt(count * np.pi / solver.packing_fraction))


def sheet(run, solver, count, rng):
    """Positions and propulsions of `count` discs in a square at the density of the run."""
    late, own = run.sel(t=slice(AFTER, None)), solver.particles
    gap = max(1, round(APART / float(late.t[1] - late.t[0])))
    edge, across = edge_of(solver, own), int(np.ceil(np.sqrt(count / own) - 1e-9))
    rows = rng.choice(np.arange(0, late.sizes["t"], gap), across**2, replace=False)
    x, g = [], []
    for tile, row in enumerate(rows):
        shift = (np.array(divmod(tile, across)) + 0.5 - across / 2) * edge
        x.append(late.position.values[row] + shift)
        g.append(late.propulsion.values[row])
    x, g = np.concatenate(x), np.concatenate(g)
    box = edge_of(solver, count)
    # of a sheet that is larger, the `count` that are the least far out
    inside = np.argsort(np.abs(x).max(axis=1), kind="stable")[:count]
    scale = box / (2 * np.abs(x[inside]).max()) * (1 - 1e-6)
    return x[inside] * scale, g[inside]


def judge(score, solver, state):
    """R^2, both ratios of the g block and the exact rate of one particle, of one state."""

    @eqx.filter_jit
    def measured(score, solver, state):
        state = solver.at({name: getattr(state, name) for name in solver.parity()})
        found = by_probes(score, solver, state, jax.random.key(0), 1)
        return sums(physics(solver, state), found)

    started = time.perf_counter()
    jax.block_until_ready(measured(score, solver, state))
    compiled = time.perf_counter() - started
    started = time.perf_counter()
    numbers = jax.tree.map(float, measured(score, solver, state))
    return numbers | {"seconds": time.perf_counter() - started, "compiled": compiled}


def main():
    trained, folder, *counts = sys.argv[1:]
    score = load(trained).score
    rng = np.random.default_rng(0)
    solver = physent.load_experiment(f"{folder}/experiment.toml").solver
    print(
        "| N | t | R^2 | E v_g^2/gamma over exact | E div v_g over exact | exact, a particle | s a "
        "snapshot |"
    )
    print("|---|---|---|---|---|---|---|")
    with physent.open_run(folder) as run:
        for count in map(int, counts or ("16384", "32768")):
            larger = dataclasses.replace(solver, particles=count, neighbors=28)
            x, g = sheet(run, solver, count, rng)
            state = larger.at(
                {"position": jnp.asarray(x, jnp.float32), "propulsion": jnp.asarray(g, jnp.float32)}
            )
            steps = eqx.filter_jit(
                lambda solver, state, n: jax.lax.fori_loop(
                    0, n, lambda _, state: solver.step(state), state
                )
            )
            state = steps(larger, state, round(SETTLE / float(larger.dt)))
            for _ in range(SNAPSHOTS):
                state = steps(larger, state, round(EVERY / float(larger.dt)))
                assert larger.error(state) == 0
                n = judge(score, larger, state)
                print(
                    f"| {count} | {float(state.t):g} | {1 - n['error'] / n['error_reference']:.3f} "
                    "| "
                    f"{n['totals']['propulsion'] / n['exact']:.3f} | "
                    f"{n['divergences']['propulsion'] / n['exact']:.3f} | "
                    f"{n['exact'] / count:.3f} | {n['seconds']:.2f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
