"""A step of 100,000 birds, and a flock of manuk-kepudang 0.0.2 at its own size.

python -m experiments.benchmarks.vicsek step: CPU and wall milliseconds of a step after 100, at
density 1, radius 1, half a radius a step, noise 0.38, where the order of finite flocks falls most.

python -m experiments.benchmarks.vicsek peer: CPU seconds of 500 steps of 200 birds in three
dimensions, radius 2 in a box of 10, every step kept, alternating in one process, medians of five;
then of the five entropies that need no Voronoi cells, of the same trajectory, a time. Compilation
is apart on both sides. NUMBA_NUM_THREADS=1 keeps the threads of the peer from waiting for each
other: on a busy machine its wall time with two was twenty times its CPU time with one.
"""

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import jax

jax.config.update("jax_enable_x64", True)

from physent.solvers import Vicsek  # noqa: E402

STEPS = 500


def step() -> None:
    """Prints the least and the median of ten blocks of ten steps."""
    solver = Vicsek(n=100_000, length=100_000**0.5, noise=0.38)

    def fly(state: Any, count: int) -> Any:
        return jax.lax.fori_loop(0, count, lambda _, s: solver.step(s), state)

    fly = jax.jit(fly)
    state = jax.block_until_ready(fly(solver.init(jax.random.key(0)), 100))
    cpu, wall = [], []
    for _ in range(10):
        begun = time.process_time(), time.perf_counter()
        state = jax.block_until_ready(fly(state, 10))
        cpu.append(100 * (time.process_time() - begun[0]))
        wall.append(100 * (time.perf_counter() - begun[1]))
    for name, times in (("CPU", cpu), ("wall", wall)):
        print(f"{name}: least {min(times):.1f}, median {statistics.median(times):.1f} ms a step")


def seconds(run: Callable[[], Any]) -> float:
    """The CPU time of a call, all threads together."""
    begun = time.process_time()
    run()
    return time.process_time() - begun


def peer() -> None:
    """Prints the medians of both sides, and their ratios."""
    from manuk_kepudang.core import VicsekSolver, VicsekSystem, metrics  # pyright: ignore

    from physent.entropy.schools.manuk_kepudang import flock_entropies

    solver = Vicsek(
        n=200, dimensions=3, length=10.0, radius=2.0, noise=0.5, noise_model="unit_vector"
    )

    @jax.jit
    def ours(key: Any) -> Any:
        def one(state: Any, _: Any) -> Any:
            state = solver.step(state)
            return state, (state.position, state.heading)

        return jax.lax.scan(one, solver.init(key), None, length=STEPS)[1]

    def theirs() -> Any:
        return VicsekSolver().solve(VicsekSystem(seed=0), STEPS, verbose=False)

    run = theirs()
    x, v = run["positions"], run["velocities"]
    jax.block_until_ready((ours(jax.random.key(0)), flock_entropies(x, v, 10.0, 2.0)))

    def measured() -> None:
        for place, velocity in zip(x[:20], v[:20], strict=True):
            metrics.compute_positional_entropy(place, 10.0)
            metrics.compute_orientational_entropy(velocity)
            metrics.compute_local_alignment_entropy(place, velocity, 10.0, 2.0)
            metrics.compute_pair_correlation_entropy(place, 10.0)
            metrics.compute_velocity_position_mutual_information(place, velocity, 10.0)

    table = {"steps": [], "entropies": []}
    for _ in range(5):
        table["steps"].append(
            (seconds(theirs), seconds(lambda: jax.block_until_ready(ours(jax.random.key(1)))))
        )
        mine = seconds(lambda: jax.block_until_ready(flock_entropies(x, v, 10.0, 2.0)))
        table["entropies"].append((seconds(measured) / 20, mine / len(x)))
    for name, pairs in table.items():
        a, b = (statistics.median(side) for side in zip(*pairs, strict=True))
        print(f"{name}: manuk-kepudang {a:.3g} s, physent {b:.3g} s, ratio {a / b:.3g}")


if __name__ == "__main__":
    {"step": step, "peer": peer}[sys.argv[1]]()
