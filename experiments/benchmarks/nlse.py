"""The nonlinear Schroedinger equation: python -m experiments.benchmarks.nlse

simple-idealized-1d-nlse 0.0.5 on the four cases that it publishes, with 100 snapshots up to t = 20
on 512 points, and py-pde on the soliton: finite differences of second order and Runge-Kutta steps
that adapt, compiled once. The first peer's time is what it reports for the integration alone;
physent's is the whole run, snapshots and invariants included. Errors are max ||psi| - |exact|| at t
= 20: the exact soliton, else a run of physent on twice the points with a tenth of the step.
py-pde's is the error of its differences and falls as the square of the spacing: no step makes it
comparable, and enough points would take hours, so its row is not one at equal accuracy. exponax
cannot do this equation: its fields are real.
"""

import contextlib
import functools
import io
import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # scipy's DOP853 takes many small products

import numpy as np

from experiments.benchmarks.comparison import Case, Side, main

# Case, method, steps between snapshots: a soliton at least as accurate as theirs, then the files of
# experiments/nlse.
RUNS = [
    ("single_soliton", "blanes_moan_4", 8),
    ("single_soliton, as shipped", "blanes_moan_4", 20),
    ("two_soliton", "blanes_moan_6", 20),
    ("breather", "blanes_moan_6", 20),
    ("modulation_instability", "blanes_moan_6", 40),
]
N, LENGTH, SNAPSHOTS = 512, 50.0, 100


def solver_of(case, method, steps, n=N):
    from physent.solvers import nlse

    initial = {
        "single_soliton": nlse.Soliton(amplitude=2.0, position=-10.0, velocity=1.0),
        "two_soliton": nlse.Solitons(
            amplitude=[2.0, 1.5], position=[-10.0, 10.0], velocity=[2.0, -2.0]
        ),
        "breather": nlse.ModulatedSech(amplitude=1.0, frequency=0.5, modulation=0.5),
        "modulation_instability": nlse.GaussianNoise(amplitude=1.0, width=5.0, noise=0.01, seed=42),
    }[case]
    return nlse.NLSE(
        n=n, length=LENGTH, dt=20 / (SNAPSHOTS - 1) / steps, method=method, initial=initial
    )


def ours(case, method, steps, n=N):
    """All snapshots, with the invariants of each."""
    import equinox as eqx
    import jax

    @eqx.filter_jit
    def snapshots(solver):
        def row(state, _):
            later = jax.lax.fori_loop(0, steps, lambda _, state: solver.step(state), state)
            return later, (state.psi, solver.invariants(state))

        return jax.lax.scan(row, solver.init(jax.random.key(0)), None, length=SNAPSHOTS)[1]

    solver = solver_of(case, method, steps, n)
    return lambda: jax.block_until_ready(snapshots(solver))


def theirs(case):
    from simple_idealized_1d_nlse.core import initial_conditions as peer
    from simple_idealized_1d_nlse.core.solver import NLSESolver

    start = {
        "single_soliton": lambda: peer.SingleSoliton(2.0, -10.0, 1.0),
        "two_soliton": lambda: peer.TwoSoliton(2.0, 1.5, -10.0, 10.0, 2.0, -2.0),
        "breather": lambda: peer.BreatherSolution(1.0, 0.5, 0.5),
        "modulation_instability": lambda: peer.GaussianNoise(1.0, 5.0, 0.0, 0.01, 42),
    }[case]()
    solver = NLSESolver(domain_length=LENGTH, num_points=N, verbose=False)

    def run():
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            return solver.solve(
                start(solver.x), t_final=20.0, n_snapshots=SNAPSHOTS, show_progress=False
            )

    return run


def py_pde():
    import pde

    grid = pde.CartesianGrid([[-LENGTH / 2, LENGTH / 2]], N, periodic=True)
    equation = pde.PDE({"psi": "0.5 * I * laplace(psi) + I * psi * abs(psi)**2"})
    x = grid.axes_coords[0]  # cell centres
    field = pde.ScalarField(grid, soliton(x, 0) * np.exp(1j * x), dtype=complex)
    solver = pde.RungeKuttaSolver(equation, adaptive=True)
    compiled = functools.cache(
        lambda: solver.make_stepper(field, dt=1e-3)
    )  # `solve` would compile in every call

    def run():
        later = field.copy()
        compiled()(later, 0, 20)
        return x, later.data

    return run


@functools.cache
def reference(case):
    """|psi| at t = 20 on the 512 points: exact, or converged."""
    import jax

    exact = solver_of(case, "blanes_moan_4", 20).exact(jax.numpy.asarray(20.0))
    if exact:
        return np.abs(exact["psi"])
    if (
        case == "modulation_instability"
    ):  # its noise lives on the points: a grid of its own is another start
        return np.abs(ours(case, "blanes_moan_6", 400)()[0][-1])
    return np.abs(ours(case, "blanes_moan_6", 200, n=2 * N)()[0][-1][::2])


def soliton(x, t):
    """|psi| of the case single_soliton at any x."""
    return 2 / np.cosh(2 * (x + 10 - t))


def _apart(psi, modulus):
    return float(np.max(np.abs(np.abs(psi) - modulus)))


def last_of(result):
    psi = np.asarray(result["psi"])
    return psi[-1] if psi.shape == (SNAPSHOTS, N) else psi[:, -1]


def cases():
    for name, method, steps in RUNS:
        case = name.split(",")[0]
        dt = 20 / (SNAPSHOTS - 1) / steps
        sides = [
            Side(
                "physent",
                functools.partial(ours, case, method, steps),
                f"{method}, dt = {dt:.4f}",
                error=lambda result, case=case: _apart(result[0][-1], reference(case)),
            ),
            Side(
                "simple-idealized-1d-nlse 0.0.5",
                functools.partial(theirs, case),
                "DOP853",
                threads=1,
                error=lambda result, case=case: _apart(last_of(result), reference(case)),
                seconds=lambda result: result["timing"]["integration"],
            ),
        ]
        if name == "single_soliton":
            sides.append(
                Side("py-pde", py_pde, "differences of 2nd order, not at equal error", threads=1,
                     error=lambda result: _apart(result[1], soliton(result[0], 20))),
            )  # fmt: skip
        yield Case(
            name, tuple(sides), "exact soliton" if case == "single_soliton" else "converged run"
        )


if __name__ == "__main__":
    main("nlse", cases)
