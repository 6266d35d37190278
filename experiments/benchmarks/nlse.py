"""The NLSE solver against simple-idealized-1d-nlse 0.0.5: time, error against the exact soliton, conservation.

    pip install 'physent[bench]' && python experiments/benchmarks/nlse.py [--repeats 5]

Both packages run in this process in turn, on the four cases that package publishes, with 100 snapshots up to t = 20.
Its time is what it reports for the integration alone; ours is the whole run, snapshots and invariants included, after
compilation, whose time stands beside it. The best of the repeats counts, for both. Prints Markdown.
"""

import argparse
import contextlib
import io
import os
import platform
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # scipy's DOP853 takes many small products

import equinox as eqx
import jax
import numpy as np

from physent.solvers.nlse import NLSE, GaussianNoise, ModulatedSech, Soliton, Solitons

INITIAL = {
    "single_soliton": Soliton(amplitude=2.0, position=-10.0, velocity=1.0),
    "two_soliton": Solitons(amplitude=[2.0, 1.5], position=[-10.0, 10.0], velocity=[2.0, -2.0]),
    "breather": ModulatedSech(amplitude=1.0, frequency=0.5, modulation=0.5),
    "modulation_instability": GaussianNoise(amplitude=1.0, width=5.0, noise=0.01, seed=42),
}
# Case, method, steps between snapshots: a soliton at least as accurate as theirs, then the files of experiments/nlse.
RUNS = [
    ("single_soliton", "blanes_moan_4", 8),
    ("single_soliton", "blanes_moan_4", 20),
    ("two_soliton", "blanes_moan_6", 20),
    ("breather", "blanes_moan_6", 20),
    ("modulation_instability", "blanes_moan_6", 40),
]
N, LENGTH, SNAPSHOTS = 512, 50.0, 100


def ours(case: str, method: str, steps: int):
    """A compiled run, the solver and the time the compilation took."""
    solver = NLSE(n=N, length=LENGTH, dt=20 / (SNAPSHOTS - 1) / steps, method=method, initial=INITIAL[case])

    def run(solver, state):
        def row(state, _):
            later = jax.lax.scan(lambda state, _: (solver.step(state), None), state, None, length=steps)[0]
            return later, (state.psi, solver.invariants(state))

        return jax.lax.scan(row, state, None, length=SNAPSHOTS)[1]

    state = solver.init(jax.random.key(0))
    begin = time.perf_counter()
    compiled = eqx.filter_jit(run).lower(solver, state).compile()
    return lambda: jax.block_until_ready(compiled(solver, state)), solver, time.perf_counter() - begin


def theirs(case: str):
    """A run of the other package and its time for the integration."""
    from simple_idealized_1d_nlse.core import initial_conditions as peer
    from simple_idealized_1d_nlse.core.solver import NLSESolver

    start = {
        "single_soliton": lambda: peer.SingleSoliton(2.0, -10.0, 1.0),
        "two_soliton": lambda: peer.TwoSoliton(2.0, 1.5, -10.0, 10.0, 2.0, -2.0),
        "breather": lambda: peer.BreatherSolution(1.0, 0.5, 0.5),
        "modulation_instability": lambda: peer.GaussianNoise(1.0, 5.0, 0.0, 0.01, 42),
    }[case]()
    solver = NLSESolver(domain_length=LENGTH, num_points=N, verbose=False)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        result = solver.solve(start(solver.x), t_final=20.0, n_snapshots=SNAPSHOTS, show_progress=False)
    psi = np.asarray(result["psi"])
    return psi if psi.shape == (SNAPSHOTS, N) else psi.T, result["timing"]["integration"]


def drifts(psi: np.ndarray) -> tuple[float, float]:
    """The largest relative drift of mass and energy over the snapshots, with spectral derivatives for both sides."""
    k = 2 * np.pi * np.fft.fftfreq(N, LENGTH / N)
    density = np.abs(psi) ** 2
    mass = density.mean(axis=1)
    kinetic = (0.5 * k**2 * np.abs(np.fft.fft(psi, axis=1) / N) ** 2).sum(axis=1)
    energy = kinetic - 0.5 * (density**2).mean(axis=1)
    return tuple(float(np.max(np.abs(value - value[0])) / abs(value[0])) for value in (mass, energy))


def error(psi: np.ndarray, solver: NLSE) -> float | None:
    """max ||psi| - |exact|| at t = 20, where the exact solution is known."""
    exact = solver.exact(jax.numpy.asarray(20.0))
    return float(np.max(np.abs(np.abs(psi[-1]) - np.abs(exact["psi"])))) if exact else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    jax.config.update("jax_enable_x64", True)

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    threads = os.environ["OPENBLAS_NUM_THREADS"]
    print(f"{platform.machine()}, {cores} cores, load {os.getloadavg()[0]:.1f}; jax {jax.__version__}, own threads;")
    print(f"NumPy {np.__version__} with {threads} BLAS thread; float64; best of {repeats}\n")
    print("| case | method | dt | time | compilation | theirs | ratio | error of abs(psi) | theirs |", end=" ")
    print("mass drift | theirs | energy drift | theirs |")
    print("|" + "---|" * 13)
    for case, method, steps in RUNS:
        run, solver, compilation = ours(case, method, steps)
        run()
        times, peer_times = [], []
        psi = peer_psi = np.empty(0)
        for _ in range(repeats):
            peer_psi, seconds = theirs(case)
            peer_times.append(seconds)
            begin = time.perf_counter()
            psi, _ = run()
            times.append(time.perf_counter() - begin)
        psi = np.asarray(psi)
        (mass, energy), (peer_mass, peer_energy) = drifts(psi), drifts(peer_psi)
        own_error, peer_error = error(psi, solver), error(peer_psi, solver)
        words = [f"{value:.1e}" if value is not None else "" for value in (own_error, peer_error)]
        print(
            f"| {case} | {method} | {float(solver.dt):.4f} | {min(times):.3f} s | {compilation:.1f} s "
            f"| {min(peer_times):.3f} s | {min(peer_times) / min(times):.1f} | {words[0]} | {words[1]} "
            f"| {mass:.0e} | {peer_mass:.0e} | {energy:.0e} | {peer_energy:.0e} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
