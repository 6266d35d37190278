"""Couzin against dewi-kadita 0.0.4: python -m experiments.benchmarks.couzin

Its four cases with entropies at every step, saving and measuring every step what it does, simulation plus metrics; and
a step of 4,000 fish at the density of its swarm. With the name of a part instead: entropies (our functions on its own
trajectories), search (tiles against all pairs), scaling (a step against the number of fish); each prints a table and a
verdict, the exit status is 1 if anything is not as asked, and --write puts the tables into data/validation.
"""

import dataclasses
import sys
import time

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_enable_x64", True)

from dewi_kadita.core.metrics import compute_metrics_timeseries  # noqa: E402
from dewi_kadita.core.solver import CouzinSolver  # noqa: E402
from dewi_kadita.core.systems import CouzinSystem  # noqa: E402

from experiments.benchmarks.comparison import Case, Side, main  # noqa: E402
from experiments.benchmarks.couzin_tables import main as tables  # noqa: E402
from experiments.benchmarks.couzin_validation import experiment, said  # noqa: E402
from physent.cadence import Cadence  # noqa: E402
from physent.diagnostics import SchoolingEntropy  # noqa: E402
from physent.entropy import oceanic_schooling_index, schooling_entropies, wrapped_rotation  # noqa: E402
from physent.program import Program  # noqa: E402
from physent.solvers.couzin import Couzin, RandomBox, Ring  # noqa: E402

FIELDS = ("heading", "position")
CASES = ("swarm", "torus", "dynamic_parallel", "highly_parallel")
THEIR_KEYS = (
    "school_cohesion_entropy", "polarization_entropy", "depth_stratification_entropy", "angular_momentum_entropy",
    "nearest_neighbor_entropy", "velocity_correlation_entropy", "school_shape_entropy", "oceanic_schooling_index",
    "rotation",
)  # fmt: skip


def system_of(solver, seed=0):
    """dewi-kadita's system with the parameters of a solver."""
    ring = isinstance(solver.initial, Ring)
    repulsion = float(solver.repulsion_radius)
    orientation = repulsion + float(solver.orientation_width)
    return CouzinSystem(
        n_fish=solver.n, box_size=float(solver.length), speed=float(solver.speed), r_repulsion=repulsion,
        r_orientation=orientation, r_attraction=orientation + float(solver.attraction_width),
        max_turn=float(solver.turning_rate * solver.dt), noise=float(solver.noise),
        blind_angle=float(jnp.degrees(solver.blind_angle)), orientation_weight=float(solver.orientation_weight),
        torus_init=ring, torus_radius=float(solver.initial.radius) if ring else None, seed=seed,
    )  # fmt: skip


def theirs(solver, steps):
    system = system_of(solver)
    result = CouzinSolver(dt=float(solver.dt)).solve(system, n_steps=steps, verbose=False)
    metrics = compute_metrics_timeseries(
        result["positions"], result["velocities"], result["time"], system.box_size, verbose=False
    )
    return result, metrics


def ours(settings):
    """All steps as the engine does them, with what dewi-kadita saves and computes after each; and its arguments."""
    diagnostics = (SchoolingEntropy(),)
    kept = ["position", "heading", "polarization", "rotation", "spread"]
    program = Program(settings.solver, diagnostics, fields=kept)
    cadence = dataclasses.replace(Cadence.of(settings.solver, settings.run), rows_per_snapshot=1)
    state = program.init(settings.solver, jax.random.key(0))
    carries, _ = program.first_row(settings.solver, state)
    numbers = (jnp.asarray(number) for number in (0, cadence.rows, cadence.steps_per_row))
    chunk = jax.jit(program.chunk(cadence, cadence.rows))
    return chunk, (eqx.filter(settings.solver, eqx.is_array), state, carries, *numbers)


def timed(function):
    start = time.perf_counter()
    result = jax.block_until_ready(function())
    return time.perf_counter() - start, result


def cases():
    for case in CASES:
        settings = experiment(case)
        steps = round(settings.run.t_end / float(settings.solver.dt))
        chunk, arguments = ours(settings)
        sides = (
            Side("physent", lambda chunk=chunk, arguments=arguments: jax.block_until_ready(chunk(*arguments))),
            Side("dewi-kadita 0.0.4", lambda solver=settings.solver, steps=steps: theirs(solver, steps)),
        )
        yield Case(f"{case} with entropies", sides, repeats=3)
    solver, state = begun(swarm_of(4000, search="tiles"))
    peer, system = CouzinSolver(dt=0.1), system_of(solver)
    sides = (
        Side("physent", lambda: timed(lambda: steps_of(solver, state, 20))[0] / 20, seconds=lambda seconds: seconds),
        Side(
            "dewi-kadita 0.0.4",
            lambda: timed(lambda: peer.solve(system, n_steps=2, verbose=False)["time"])[0] / 2,
            seconds=lambda seconds: seconds,
        ),
    )
    yield Case("a step of 4,000 fish", sides, repeats=3)


def entropies(table):
    wrong = 0
    table.head("case", "rows", "largest difference of the seven entropies, the index and the rotation", "<= 1e-12")
    for case in CASES:
        solver = experiment(case).solver
        result, metrics = theirs(solver, 300)
        values = schooling_entropies(result["positions"], result["velocities"], float(solver.length))
        rotation = wrapped_rotation(result["positions"], result["velocities"])
        mine = np.stack([*values, oceanic_schooling_index(values), rotation])
        apart = np.max(np.abs(mine - np.stack([metrics[name] for name in THEIR_KEYS])))
        table.row(case, str(mine.shape[1]), f"{apart:.1e}", said(apart <= 1e-12))
        wrong += apart > 1e-12
    return wrong


def swarm_of(n, **options):
    """The swarm's rules and density; unbounded, a ball of it."""
    side = 25 * (n / 150) ** (1 / 3)
    options = {"length": side, "initial": RandomBox(side=side)} | options
    return Couzin(
        n=n, speed=1.0, repulsion_radius=2.0, orientation_width=1.0, attraction_width=12.0, combine="sum",
        blind_angle=np.radians(30), blind_to_repulsion=True, turning_rate=4.0, turning="interpolation", noise=0.2,
        noise_model="vector", **options,
    )  # fmt: skip


@eqx.filter_jit
def steps_of(solver, state, count):
    return jax.lax.fori_loop(0, count, lambda _, state: solver.step(state), state)


def advanced(solver, state, steps):
    """So many steps later; with more room for near tiles, and the steps done again, where there was not enough."""
    later = steps_of(solver, state, steps)
    while int(solver.error(later)):
        solver, state = solver.grow(state)
        later = steps_of(solver, state, steps)
    return solver, later


def begun(solver):
    state = eqx.filter_jit(lambda solver, key: solver.init(key))(solver, jax.random.key(0))
    if int(solver.error(state)):
        solver = solver.grow(state)[0]
        state = eqx.filter_jit(lambda solver, key: solver.init(key))(solver, jax.random.key(0))
    return solver, state


def search(table):
    """After eight steps, five of which, or so, are from tiles that were made in an earlier one."""
    wrong = 0
    table.head("fish", "space", "largest difference of headings after 8 steps", "of positions", "<= 1e-12 and 1e-11")
    for n in (50, 150, 500, 1500, 5000):
        for space, options in (("periodic", {}), ("unbounded", {"length": None})):
            after = []
            for how in ("dense", "tiles"):
                solver, state = begun(swarm_of(n, search=how, **options))
                after.append(advanced(solver, state, 8)[1])
            v, x = (np.abs(np.asarray(getattr(after[0], name) - getattr(after[1], name))) for name in FIELDS)
            x = np.minimum(x, np.abs(x - float(solver.length))) if solver.length is not None else x
            good = v.max() <= 1e-12 and x.max() <= 1e-11
            table.row(str(n), space, f"{v.max():.1e}", f"{x.max():.1e}", said(good))
            wrong += not good
    return wrong


def scaling(table, repeats=4, steps=20):
    """Milliseconds a step with the room that is the default or what it grew to; the peer's at 4,000 in turn with ours.

    Twenty steps on from forty others: the tiles, which serve for five or so, are made again in them as in a run.
    """
    sizes = (1000, 2000, 4000, 10000)
    runs = {}
    for n in sizes:
        solver, state = begun(swarm_of(n, search="tiles"))
        runs[n] = advanced(*advanced(solver, state, steps), steps)
    system = system_of(runs[4000][0])
    peer = CouzinSolver(dt=0.1)
    peer.solve(system, n_steps=1, verbose=False)
    best = dict.fromkeys((*sizes, "peer"), np.inf)
    for _ in range(repeats):
        for n in sizes:
            best[n] = min(best[n], timed(lambda: steps_of(*runs[n], steps))[0] / steps)  # noqa: B023
        best["peer"] = min(best["peer"], timed(lambda: peer.solve(system, n_steps=2, verbose=False)["time"])[0] / 2)
    table.head("fish", "ms a step, over 20", "room for near tiles", "most there were")
    for n in sizes:
        solver, state = runs[n]
        table.row(str(n), f"{1e3 * best[n]:.1f}", str(state.tiling.capacity), str(int(state.tiling.most)))
    exponent = np.polyfit(np.log(sizes), np.log([best[n] for n in sizes]), 1)[0]
    ratio = best["peer"] / best[4000]
    table.add(
        "", f"Exponent {exponent:.2f}; dewi-kadita at 4,000: {1e3 * best['peer']:.0f} ms, {ratio:.0f} times as long "
        f"(asked: 50): {said(ratio >= 50)}."
    )  # fmt: skip
    return int(ratio < 50)


PARTS = {"entropies": entropies, "search": search, "scaling": scaling}
WORDS = {
    "entropies": "the functions of physent on dewi-kadita's own trajectories, 300 steps of each of its four cases.",
    "search": "sums tile by tile against all pairs, from the same start, at the density of dewi-kadita's swarm.",
    "scaling": "a step at the density of dewi-kadita's swarm, the best of four turns.",
}

if __name__ == "__main__":
    if set(sys.argv[1:]) & set(PARTS):
        sys.exit(tables("couzin", PARTS, WORDS))
    main("couzin", cases)
