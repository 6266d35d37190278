"""Klein-Gordon against amangkurat 0.0.1 on its four cases: python -m experiments.benchmarks.klein_gordon

Prints a Markdown table of solver seconds (compilation left out, medians of runs that alternate in one process, the same
number of saved snapshots) and of the error of each against the closed-form solution at its last saved time. Every
package starts from its own initial condition: the field that is meant is the same, and an error in it is part of the
result. A kink is measured in |x| < 20. The peer gets one thread, with which it was fastest here.
"""

import statistics
import time

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_enable_x64", True)

from amangkurat import KGSolver  # noqa: E402
from amangkurat.core.initial_conditions import BreatherIC, GaussianIC, KinkAntikinkIC, KinkIC  # noqa: E402

from physent.solvers.klein_gordon import (  # noqa: E402
    Antiperiodic,
    Breather,
    Gaussian,
    KinkAntikink,
    KleinGordon,
    Linear,
    Phi4,
    Phi4Kink,
    SineGordon,
)

REPEATS = 5
# name: (solver, snapshots, steps between them, amangkurat's initial condition and potential, end of its box)
CASES = {
    "linear_wave": (KleinGordon(dt=0.25, initial=Gaussian()), 200, 1, GaussianIC(), dict(potential="linear"), 30),
    "kink": (
        KleinGordon(n=1024, length=100.0, dt=0.25, potential=Phi4(), boundary=Antiperiodic(), initial=Phi4Kink()),
        200, 1, KinkIC(), dict(potential="phi4"), 50,
    ),
    "breather": (
        KleinGordon(length=80.0, dt=80 / 600, potential=SineGordon(), initial=Breather(phase=np.pi / 2)),
        300, 2, BreatherIC(), dict(potential="sine_gordon"), 40,
    ),
    "collision": (
        KleinGordon(n=1024, length=100.0, dt=0.125, potential=Phi4(), initial=KinkAntikink(velocity=0.3)),
        400, 2, KinkAntikinkIC(), dict(potential="phi4"), 50,
    ),
}  # fmt: skip


@eqx.filter_jit
def snapshots(solver, count, steps):
    def row(state, _):
        state = jax.lax.fori_loop(0, steps, lambda _, state: solver.step(state), state)
        return state, solver.observe(state)["phi"]

    return jax.lax.scan(row, solver.init(jax.random.key(0)), None, length=count)[1]


def theirs(solver, count, steps, initial, potential, end):
    grid = KGSolver(nx=solver.n, x_min=-end, x_max=end, verbose=False, n_cores=1)
    t_end = count * steps * float(solver.dt)
    return grid.solve(*initial(grid.x), dt=0.005, t_final=t_end, n_snapshots=count, **potential)


def timed(function):
    start = time.perf_counter()
    result = function()
    return time.perf_counter() - start, result


def error(solver, x, t, phi):
    """Against the closed form at any x, t: the linear field by its own modes, interpolated on the box of the grid."""
    if isinstance(solver.potential, Linear):
        fine = np.linspace(-60, 60, 4096, endpoint=False)
        omega = np.hypot(2 * np.pi * np.fft.fftfreq(4096, 120 / 4096), 1)
        k = 2 * np.pi * np.fft.fftfreq(4096, 120 / 4096)
        modes = np.cos(omega * t) * np.fft.fft(np.exp(-((fine / 2) ** 2))) / 4096
        both = sum(np.real(np.exp(1j * np.outer(x + 60 + shift, k)) @ modes) for shift in (0, 60))
        exact, near = both, np.abs(x) < 61
    elif solver.initial.is_solution(solver._medium()):
        exact = np.asarray(solver.initial.field(jnp.asarray(x), jnp.asarray(t), solver._medium()))
        near = np.abs(x) < 20
    else:
        return float("nan")
    return float(np.max(np.abs(phi - exact)[near]))


def main():
    print("| case | physent, s | amangkurat, s | ratio | physent's error | amangkurat's error |")
    print("|---|---|---|---|---|---|")
    for name, (solver, count, steps, *rest) in CASES.items():
        snapshots(solver, count, steps).block_until_ready()
        theirs(solver, count, steps, *rest)
        ours_seconds, their_seconds = [], []
        for _ in range(REPEATS):
            seconds, phi = timed(lambda: snapshots(solver, count, steps).block_until_ready())  # noqa: B023
            ours_seconds.append(seconds)
            seconds, result = timed(lambda: theirs(solver, count, steps, *rest))  # noqa: B023
            their_seconds.append(seconds)
        a, b = statistics.median(ours_seconds), statistics.median(their_seconds)
        x, t = np.asarray(solver.domain()["x"].points), count * steps * float(solver.dt)
        errors = (
            error(solver, x, t, np.asarray(phi[-1])),
            error(solver, result["x"], result["t"][-1], result["phi"][-1]),
        )
        print(f"| {name} | {a:.3f} | {b:.3f} | {b / a:.1f} | {errors[0]:.1e} | {errors[1]:.1e} |", flush=True)


if __name__ == "__main__":
    main()
