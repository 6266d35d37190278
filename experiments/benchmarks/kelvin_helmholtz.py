"""Stratified shear flow against kh2d-solver 0.1.6: python -m experiments.benchmarks.kelvin_helmholtz [error]

Prints a Markdown table of solver seconds for the same simulated time on the same grid, compilation left out, each the
smallest of runs that alternate in one process, with a snapshot saved every 0.1. The peer takes its own time step, and
both take the cores that the process may use: wall time, and processor time, which another's load disturbs less. With
`error` a second table: the time to the error that the peer has on its own grid, against a converged solution of
single_mode's start (its own noise would leave no solution to converge to).
"""

import os
import sys
import time

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_enable_x64", True)

from kh2d_solver.core.initial_conditions import DoubleShear as TheirDoubleShear  # noqa: E402
from kh2d_solver.core.initial_conditions import ShearLayer as TheirShearLayer  # noqa: E402
from kh2d_solver.core.solver import KH2DSolver  # noqa: E402

from physent.solvers.kelvin_helmholtz import DoubleShear, KelvinHelmholtz, Ripple, ShearLayer  # noqa: E402

REPEATS = 1
CORES = len(os.sched_getaffinity(0))
COURANT = 1.0  # the default, up to which bounds are guaranteed; the largest overshoot is printed
# name: (ours, t_end, theirs, Re, Ri of the peer)
CASES = {
    "basic_shear": (
        dict(reynolds=1000.0, buoyancy=2.4525, initial=ShearLayer, noise=0.01), 10.0,
        TheirShearLayer(shear_thickness=0.05, rho_bot=1.2), 1000, 0.25,
    ),
    "double_shear": (
        dict(reynolds=2000.0, buoyancy=0.981, initial=DoubleShear, noise=0.01), 15.0,
        TheirDoubleShear(shear_thickness=0.04, separation=0.3), 2000, 0.1,
    ),
}  # fmt: skip


@eqx.filter_jit
def snapshots(solver, count):
    def row(state, _):
        state = solver.step(state)
        fields = solver._method.centred(state.flow)
        return state, (fields.u, fields.w, fields.density, fields.vorticity, state.inner_steps)

    return jax.lax.scan(row, solver.init(jax.random.key(0)), None, length=count)[1]


def ours(settings, t_end, precision):
    with jax.enable_x64(precision == "float64"):
        kind = settings["initial"]
        solver = KelvinHelmholtz(
            nx=256, nz=128, dt=0.1, courant=COURANT, **settings | {"initial": kind(perturbation=Ripple())}
        )

        def run():
            with jax.enable_x64(precision == "float64"):
                return jax.block_until_ready(snapshots(solver, round(t_end / 0.1)))

        return run


def theirs(initial, reynolds, richardson, t_end):
    grid = KH2DSolver(nx=256, nz=128, verbose=False, n_cores=CORES)
    np.random.seed(0)  # noqa: NPY002
    fields = initial(grid.x, grid.z)
    return lambda: grid.solve(
        *fields, t_final=t_end, n_snapshots=round(t_end / 0.1), reynolds=reynolds, richardson=richardson,
        show_progress=False,
    )  # fmt: skip


def timed(function):
    """(wall seconds, processor seconds), result."""
    start = time.perf_counter(), time.process_time()
    result = function()
    return np.array([time.perf_counter() - start[0], time.process_time() - start[1]]), result


def speed():
    print(f"{CORES} cores; seconds of wall / processor time\n")
    print("| case | kh2d-solver | its steps | float64 | ratio | float32 | ratio | our steps | overshoot |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, (settings, t_end, initial, reynolds, richardson) in CASES.items():
        runs = [
            theirs(initial, reynolds, richardson, t_end),
            ours(settings, t_end, "float64"),
            ours(settings, t_end, "float32"),
        ]
        grid = KH2DSolver(nx=256, nz=128, verbose=False, n_cores=CORES)
        np.random.seed(0)  # noqa: NPY002
        grid.solve(*initial(grid.x, grid.z), t_final=0.02, n_snapshots=2, show_progress=False)  # compiles
        results = [None, runs[1](), runs[2]()]
        best = np.full((3, 2), np.inf)
        for _ in range(REPEATS):
            for i, run in enumerate(runs):
                seconds, results[i] = timed(run)
                best[i] = np.minimum(best[i], seconds)
        density = np.asarray(results[1][2])
        low, high = {"basic_shear": (1.0, 1.2), "double_shear": (1.0, 1.5)}[name]
        outside = max(low - density.min(), density.max() - high, 0.0)
        steps, their_steps = int(results[1][4].sum()), round(t_end / results[0]["params"]["dt"])
        theirs_, ours_64, ours_32 = (f"{wall:.2f} / {cpu:.2f} s" for wall, cpu in best)
        ratio_64, ratio_32 = (f"{r[0]:.2f} / {r[1]:.2f}" for r in (best[0] / best[1], best[0] / best[2]))
        print(
            f"| {name} | {theirs_} | {their_steps} | {ours_64} | {ratio_64} | {ours_32} | {ratio_32} | {steps} | "
            f"{outside:.1e} |", flush=True,
        )  # fmt: skip


# --------------------------------------------------------------------------------------------- time to equal error


def error():
    """KE, enstrophy and density variance of single_mode at t = 2, relative to the converged ones of method B."""
    names = ("kinetic_energy", "enstrophy", "density_variance")
    last = eqx.filter_jit(
        lambda solver, steps: solver.observe(
            jax.lax.fori_loop(0, steps, lambda _, state: solver.step(state), solver.init(jax.random.key(0)))
        )
    )

    def single_mode(nx, method="projection", courant=COURANT):
        return KelvinHelmholtz(nx=nx, nz=nx // 2, method=method, courant=courant)

    observed = last(single_mode(256, "spectral", 0.8), jnp.asarray(20))
    exact = {name: float(observed[name]) for name in names}
    print(
        "\n| single_mode, t = 2 | time | "
        + " | ".join(f"error of {name}" for name in names)
        + " |\n|---|---|---|---|---|"
    )

    grid = KH2DSolver(nx=256, nz=128, verbose=False, n_cores=CORES)
    x, z = np.meshgrid(grid.x, grid.z)
    s, k = (z - 0.5) / 0.05, 2 * np.pi
    u = np.tanh(s) - 0.02 * s * np.exp(-(s**2)) * np.cos(k * x)
    w = 0.01 * 0.05 * k * np.exp(-(s**2)) * np.sin(k * x)
    density = 1 + 0.1 * (1 - np.tanh(s))
    arguments = dict(n_snapshots=2, reynolds=1000, richardson=0.5 / 9.81, show_progress=False)
    grid.solve(u, w, density, t_final=0.02, **arguments)
    best = np.inf  # processor seconds: the peer keeps all its cores busy
    for _ in range(REPEATS):
        seconds, result = timed(lambda: grid.solve(u, w, density, t_final=2.0, **arguments))
        best = min(best, seconds[1])
    # the time of its last snapshot is at most a step away from 2
    weights = np.outer(
        *(np.where((a == 0) | (a == n - 1), 0.5, 1) for a, n in ((np.arange(128), 128), (np.arange(256), 256)))
    )
    area = grid.dx * grid.dz * weights
    u, w, density, vorticity = (np.asarray(result[name][-1]) for name in ("u", "w", "rho", "vorticity"))
    found = [np.sum(area * f) for f in ((u**2 + w**2) / 2, vorticity**2, (density - 1) ** 2)]
    errors = " | ".join(f"{abs(value / exact[name] - 1):.1e}" for name, value in zip(names, found, strict=True))
    print(f"| kh2d-solver, 256 x 128 | {best:.3f} s | {errors} |", flush=True)
    for n in (16, 24, 32, 48, 64, 128, 256):
        solver = single_mode(n)
        last(solver, jnp.asarray(20))
        ours_best = min(
            timed(lambda: jax.block_until_ready(last(solver, jnp.asarray(20))))[0][1]  # noqa: B023
            for _ in range(REPEATS + 2)
        )
        observed = last(solver, jnp.asarray(20))
        errors = " | ".join(f"{abs(float(observed[name]) / exact[name] - 1):.1e}" for name in names)
        print(f"| A, {n} x {n // 2} ({best / ours_best:.0f} times less) | {ours_best:.4f} s | {errors} |", flush=True)


if __name__ == "__main__":
    if "error" in sys.argv[1:]:
        error()
    else:
        speed()
