"""simple-idealized-1d-nlse run again without its filter: python -m experiments.nlse.unfiltered

Writes `data/reference/nlse_entropy_unfiltered.csv`: the quantities of `nlse_entropy_published.csv`
from that package's own fields, by their definitions in numpy alone. Its tolerances are rtol 1e-12
and atol 1e-15. Takes minutes.
"""

import contextlib
import csv
import io
import os
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # many small products

import numpy as np

REFERENCE = Path(__file__).parents[2] / "data" / "reference"
TIMES = (0, 25, 50, 75, 99)  # of linspace(0, 20, 100)
CASES = ("single_soliton", "two_soliton_collision", "breather_solution")
WORDS = """\
# simple-idealized-1d-nlse 0.0.5 run with its filter off (use_filtering=False), rtol 1e-12, atol \
1e-15, DOP853; by the
# definitions of nlse_entropy_published.csv, in numpy: python -m experiments.nlse.unfiltered
"""


def fields(case):
    """psi at the five times."""
    from simple_idealized_1d_nlse.core import initial_conditions as peer
    from simple_idealized_1d_nlse.core.solver import NLSESolver

    start = {
        "single_soliton": lambda: peer.SingleSoliton(2.0, -10.0, 1.0),
        "two_soliton_collision": lambda: peer.TwoSoliton(2.0, 1.5, -10.0, 10.0, 2.0, -2.0),
        "breather_solution": lambda: peer.BreatherSolution(1.0, 0.5, 0.5),
    }[case]()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        solver = NLSESolver(domain_length=50.0, num_points=512, verbose=False, use_filtering=False)
        result = solver.solve(
            start(solver.x),
            t_final=20.0,
            n_snapshots=100,
            rtol=1e-12,
            atol=1e-15,
            show_progress=False,
        )
    return np.asarray(result["t"])[list(TIMES)], np.asarray(result["psi"])[list(TIMES)]


def shannon(p):
    p = p[p > 0]
    return -np.sum(p * np.log(p))


def permutation(x, order=3):
    windows = np.lib.stride_tricks.sliding_window_view(x, order)
    _, counts = np.unique(np.argsort(windows, axis=1, kind="stable"), axis=0, return_counts=True)
    return shannon(counts / counts.sum()) / np.log(6)


def sample(x, m=2, r=0.2):
    def share(m):
        windows = np.lib.stride_tricks.sliding_window_view(x, m)
        distance = np.max(np.abs(windows[:, None] - windows[None]), axis=-1)
        count = len(windows)
        return (np.sum(distance <= r * x.std()) - count) / (count * (count - 1))

    return -np.log(share(m + 1) / share(m))


def quantities(psi):
    """The columns of the published table."""
    modulus, n = np.abs(psi), psi.size
    p = modulus**2 / np.sum(modulus**2)
    spectrum = np.abs(np.fft.fft(psi)) ** 2
    power, frequency = spectrum / spectrum.sum(), np.fft.fftfreq(n)
    mean = np.sum(power * frequency)
    density, edges = np.histogram(modulus, 50, density=True)
    density, width = density[density > 0], edges[1] - edges[0]
    disequilibrium = np.sum((p - 1 / n) ** 2)
    return {
        "shannon_spatial": shannon(p),
        "shannon_spectral": shannon(power),
        "renyi_0": np.log(np.sum(p > 1e-15)),
        "renyi_2": -np.log(np.sum(p**2)),
        "renyi_inf": -np.log(p.max()),
        "tsallis_0.5": (np.sum(p**0.5) - 1) / 0.5,
        "tsallis_2": 1 - np.sum(p**2),
        "permutation_order3": permutation(modulus),
        "sample_m2_r0.2": sample(modulus),
        "differential_hist50": -np.sum(density * np.log(density) * width) + np.log(width),
        "complexity_SDN": shannon(p) / np.log(n) * disequilibrium * n,
        "shannon_normalised": shannon(p) / np.log(n),
        "disequilibrium": disequilibrium,
        "active_modes_1pct": float(np.sum(power > 0.01 * power.max())),
        "bandwidth": np.sqrt(np.sum(power * (frequency - mean) ** 2)),
        "mean_frequency": mean,
    }


def main():
    rows = []
    for case in CASES:
        times, psi = fields(case)
        for t, values in zip(times, map(quantities, psi), strict=True):
            cells = {name: f"{round(value, 5) + 0.0:.5f}" for name, value in values.items()}
            rows.append({"case": case, "t": f"{t:.3f}"} | cells)
            print(rows[-1], flush=True)
    with (REFERENCE / "nlse_entropy_unfiltered.csv").open(
        "w", encoding="utf-8", newline=""
    ) as file:
        file.write(WORDS)
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
