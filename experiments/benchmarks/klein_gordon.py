"""Klein-Gordon against amangkurat 0.0.1 on its four cases: python -m experiments.benchmarks.klein_gordon

The same number of saved snapshots on both sides, and the error of each against the closed-form solution at its last
saved time. Every package starts from its own initial condition: the field that is meant is the same, and an error in it
is part of the result. A kink is measured in |x| < 20. The peer gets one thread, with which it was fastest here.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_enable_x64", True)

from experiments.benchmarks.comparison import Case, Side, main  # noqa: E402 (float64 first)
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


def systems():
    """Name: (solver, snapshots, steps between them, amangkurat's initial condition and potential, end of its box)."""
    from amangkurat.core.initial_conditions import BreatherIC, GaussianIC, KinkAntikinkIC, KinkIC

    kink = KleinGordon(
        n=1024, length=100.0, dt=0.25, potential=Phi4(), boundary=Antiperiodic(), initial=Phi4Kink()
    )  # fmt: skip
    breather = KleinGordon(
        length=80.0, dt=80 / 600, potential=SineGordon(), initial=Breather(phase=np.pi / 2)
    )  # fmt: skip
    collision = KleinGordon(n=1024, length=100.0, dt=0.125, potential=Phi4(), initial=KinkAntikink(velocity=0.3))
    return {
        "linear_wave": (KleinGordon(dt=0.25, initial=Gaussian()), 200, 1, GaussianIC(), "linear", 30),
        "kink": (kink, 200, 1, KinkIC(), "phi4", 50),
        "breather": (breather, 300, 2, BreatherIC(), "sine_gordon", 40),
        "collision": (collision, 400, 2, KinkAntikinkIC(), "phi4", 50),
    }


@eqx.filter_jit
def snapshots(solver, count, steps):
    def row(state, _):
        state = jax.lax.fori_loop(0, steps, lambda _, state: solver.step(state), state)
        return state, solver.observe(state)["phi"]

    return jax.lax.scan(row, solver.init(jax.random.key(0)), None, length=count)[1]


def theirs(solver, count, steps, initial, potential, end):
    from amangkurat import KGSolver

    grid = KGSolver(nx=solver.n, x_min=-end, x_max=end, verbose=False, n_cores=1)
    t_end = count * steps * float(solver.dt)
    return grid.solve(*initial(grid.x), dt=0.005, t_final=t_end, n_snapshots=count, potential=potential)


def error(solver, x, t, phi):
    """Against the closed form at any x, t: the linear field by its own modes, interpolated on the box of the grid."""
    if isinstance(solver.potential, Linear):
        fine = np.linspace(-60, 60, 4096, endpoint=False)
        omega = np.hypot(2 * np.pi * np.fft.fftfreq(4096, 120 / 4096), 1)
        k = 2 * np.pi * np.fft.fftfreq(4096, 120 / 4096)
        modes = np.cos(omega * t) * np.fft.fft(np.exp(-((fine / 2) ** 2))) / 4096
        both = sum(np.real(np.exp(1j * np.outer(x + 60 + shift, k)) @ modes) for shift in (0, 60))
        exact, near = both, np.abs(x) < 61
    else:
        exact = np.asarray(solver.initial.field(jnp.asarray(x), jnp.asarray(t), solver._medium()))
        near = np.abs(x) < 20
    return float(np.max(np.abs(phi - exact)[near]))


def cases():
    for name, (solver, count, steps, *rest) in systems().items():
        x, t = np.asarray(solver.domain()["x"].points), count * steps * float(solver.dt)
        known = isinstance(solver.potential, Linear) or solver.initial.is_solution(solver._medium())
        ours = Side(
            "physent",
            lambda solver=solver, count=count, steps=steps: jax.block_until_ready(snapshots(solver, count, steps)),
            f"{solver.method}, dt = {float(solver.dt):.3f}",
            error=(lambda phi, solver=solver, x=x, t=t: error(solver, x, t, np.asarray(phi[-1]))) if known else None,
        )
        peer = Side(
            "amangkurat 0.0.1",
            lambda solver=solver, count=count, steps=steps, rest=rest: theirs(solver, count, steps, *rest),
            "dt = 0.005",
            threads=1,
            error=(lambda r, solver=solver: error(solver, r["x"], r["t"][-1], r["phi"][-1])) if known else None,
        )
        yield Case(name, (ours, peer), "closed form" if known else "")


if __name__ == "__main__":
    main("klein_gordon", cases)
