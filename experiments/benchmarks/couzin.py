"""Couzin against dewi-kadita 0.0.4: python -m experiments.benchmarks.couzin

Its four cases with entropies at every step, saving and measuring every step what it does, simulation plus metrics; and
a step of 4,000 fish at the density of its swarm. With the name of a part instead: entropies (our functions on its own
trajectories), search (tiles against all pairs), scaling (a step against the number of fish); each prints a table.
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
from experiments.benchmarks.couzin_validation import experiment  # noqa: E402
from physent.cadence import Cadence  # noqa: E402
from physent.diagnostics import SchoolingEntropy  # noqa: E402
from physent.entropy import oceanic_schooling_index, schooling_entropies, wrapped_rotation  # noqa: E402
from physent.program import Program  # noqa: E402
from physent.solvers.couzin import Couzin, RandomBox, Ring  # noqa: E402

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


def entropies():
    print("| case | rows | largest difference of the seven entropies, the index and the rotation |\n|---|---|---|")
    for case in CASES:
        solver = experiment(case).solver
        result, metrics = theirs(solver, 300)
        values = schooling_entropies(result["positions"], result["velocities"], float(solver.length))
        rotation = wrapped_rotation(result["positions"], result["velocities"])
        mine = np.stack([*values, oceanic_schooling_index(values), rotation])
        apart = np.max(np.abs(mine - np.stack([metrics[name] for name in THEIR_KEYS])))
        print(f"| {case} | {mine.shape[1]} | {apart:.1e} |", flush=True)


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


def begun(solver):
    state = eqx.filter_jit(lambda solver, key: solver.init(key))(solver, jax.random.key(0))
    if int(solver.error(state)):
        solver = solver.grow(state)[0]
        state = eqx.filter_jit(lambda solver, key: solver.init(key))(solver, jax.random.key(0))
    return solver, state


def search():
    print("| fish | space | largest difference of headings after a step |\n|---|---|---|")
    for n in (50, 150, 500, 1500, 5000):
        for space, options in (("periodic", {}), ("unbounded", {"length": None})):
            after = []
            for how in ("dense", "tiles"):
                solver, state = begun(swarm_of(n, search=how, **options))
                after.append(np.asarray(steps_of(solver, state, 1).heading))
            print(f"| {n} | {space} | {np.max(np.abs(after[0] - after[1])):.1e} |", flush=True)


def scaling(repeats=4):
    """Milliseconds a step from the uniform start; the peer's at 4,000 in turn with ours."""
    sizes = (1000, 2000, 4000, 10000)
    runs = {n: begun(swarm_of(n, search="tiles")) for n in sizes}
    runs = {n: begun(swarm_of(n, search="tiles", near_tiles=int(state.tiling.most))) for n, (_, state) in runs.items()}
    system = system_of(runs[4000][0])
    peer = CouzinSolver(dt=0.1)
    peer.solve(system, n_steps=1, verbose=False)
    best = dict.fromkeys((*sizes, "peer"), np.inf)
    for n in sizes:
        jax.block_until_ready(steps_of(*runs[n], 2))
    for _ in range(repeats):
        for n in sizes:
            best[n] = min(best[n], timed(lambda: steps_of(*runs[n], 5))[0] / 5)  # noqa: B023
        best["peer"] = min(best["peer"], timed(lambda: peer.solve(system, n_steps=2, verbose=False)["time"])[0] / 2)
    print("| fish | ms a step | near tiles |\n|---|---|---|")
    for n in sizes:
        print(f"| {n} | {1e3 * best[n]:.1f} | {runs[n][0].near_tiles} |")
    exponent = np.polyfit(np.log(sizes), np.log([best[n] for n in sizes]), 1)[0]
    ratio = best["peer"] / best[4000]
    print(f"\nexponent {exponent:.2f}; dewi-kadita at 4,000: {1e3 * best['peer']:.0f} ms, ratio {ratio:.0f}")


PARTS = {"entropies": entropies, "search": search, "scaling": scaling}

if __name__ == "__main__":
    if sys.argv[1:] and sys.argv[1] in PARTS:
        for name in sys.argv[1:]:
            print(f"\n## {name}\n", flush=True)
            PARTS[name]()
    else:
        main("couzin", cases)
