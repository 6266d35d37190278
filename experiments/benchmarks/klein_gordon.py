"""Klein-Gordon against amangkurat 0.0.1 on its four cases: python -m
experiments.benchmarks.klein_gordon

The same number of saved snapshots on both sides, and the error of each against the closed-form
solution at its last saved time. Every package starts from its own initial condition: the field that
is meant is the same, and an error in it is part of the result. A kink is measured in |x| < 20. The
peer gets one thread, with which it was fastest here.
"""

import functools
from typing import Any

import numpy as np

from experiments.benchmarks.comparison import Case, Side, main

# Name: snapshots, time between them, physent's steps in it, amangkurat's points, potential and end
# of its box.
CASES = {
    "linear_wave": (200, 0.25, 1, 512, "linear", 30),
    "kink": (200, 0.25, 1, 1024, "phi4", 50),
    "breather": (300, 160 / 600, 2, 512, "sine_gordon", 40),
    "collision": (400, 0.25, 2, 1024, "phi4", 50),
}
EXACT = ("linear_wave", "kink", "breather")


@functools.cache
def solver_of(name):
    from physent.solvers import klein_gordon as kg

    _, between, steps, n, _, end = CASES[name]
    size: dict[str, Any] = dict(n=n, length=2.0 * end, dt=between / steps)
    return {
        "linear_wave": lambda: kg.KleinGordon(**size, initial=kg.Gaussian()),
        "kink": lambda: kg.KleinGordon(
            **size, potential=kg.Phi4(), boundary=kg.Antiperiodic(), initial=kg.Phi4Kink()
        ),
        "breather": lambda: kg.KleinGordon(
            **size, potential=kg.SineGordon(), initial=kg.Breather(phase=np.pi / 2)
        ),
        "collision": lambda: kg.KleinGordon(
            **size, potential=kg.Phi4(), initial=kg.KinkAntikink(velocity=0.3)
        ),
    }[name]()


def snapshots(solver, count, steps):
    """The fields after each of so many times so many steps."""
    import jax

    def row(state, _):
        state = jax.lax.fori_loop(0, steps, lambda _, state: solver.step(state), state)
        return state, solver.observe(state)["phi"]

    return jax.lax.scan(row, solver.init(jax.random.key(0)), None, length=count)[1]


def ours(name):
    import equinox as eqx
    import jax

    count, _, steps, *_ = CASES[name]
    solver, compiled = solver_of(name), eqx.filter_jit(snapshots)
    return lambda: jax.block_until_ready(compiled(solver, count, steps))


def theirs(name):
    from amangkurat import KGSolver
    from amangkurat.core import initial_conditions as peer

    count, between, _, n, potential, end = CASES[name]
    initial = {
        "linear_wave": peer.GaussianIC, "kink": peer.KinkIC, "breather": peer.BreatherIC,
        "collision": peer.KinkAntikinkIC,
    }[name]()  # fmt: skip

    def run():
        grid = KGSolver(nx=n, x_min=-end, x_max=end, verbose=False, n_cores=1)
        t_final = count * between
        return grid.solve(
            *initial(grid.x), dt=0.005, t_final=t_final, n_snapshots=count, potential=potential
        )

    return run


def error(name, x, t, phi):
    """Against the closed form at any x, t: the linear field by its own modes, interpolated on the
    box of the grid.
    """
    if name == "linear_wave":
        fine = np.linspace(-60, 60, 4096, endpoint=False)
        omega = np.hypot(2 * np.pi * np.fft.fftfreq(4096, 120 / 4096), 1)
        k = 2 * np.pi * np.fft.fftfreq(4096, 120 / 4096)
        modes = np.cos(omega * t) * np.fft.fft(np.exp(-((fine / 2) ** 2))) / 4096
        both = sum(np.real(np.exp(1j * np.outer(x + 60 + shift, k)) @ modes) for shift in (0, 60))
        exact, near = both, np.abs(x) < 61
    else:
        import jax.numpy as jnp

        solver = solver_of(name)
        exact = np.asarray(solver.initial.field(jnp.asarray(x), jnp.asarray(t), solver._medium()))
        near = np.abs(x) < 20
    return float(np.max(np.abs(phi - exact)[near]))


def our_error(name, phi):
    count, between, *_ = CASES[name]
    return error(
        name, np.asarray(solver_of(name).domain()["x"].points), count * between, np.asarray(phi[-1])
    )


def cases():
    for name, (_, between, steps, *_) in CASES.items():
        known = name in EXACT
        ours_ = Side(
            "physent", functools.partial(ours, name), f"blanes_moan_4, dt = {between / steps:.3f}",
            error=functools.partial(our_error, name) if known else None,
        )  # fmt: skip
        peer = Side(
            "amangkurat 0.0.1",
            functools.partial(theirs, name),
            "dt = 0.005",
            threads=1,
            error=(lambda r, name=name: error(name, r["x"], r["t"][-1], r["phi"][-1]))
            if known
            else None,
        )
        yield Case(name, (ours_, peer), "closed form" if known else "no closed form")


if __name__ == "__main__":
    main("klein_gordon", cases)
