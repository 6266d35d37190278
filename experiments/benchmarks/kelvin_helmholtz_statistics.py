"""The four cases of kh2d-solver, its statistics recomputed: published, the peer run again, and
physent.

python -m experiments.benchmarks.kelvin_helmholtz_statistics peer FOLDER   runs the peer, one .npz a
case in FOLDER python -m experiments.benchmarks.kelvin_helmholtz_statistics table FOLDER RUNS
prints Markdown tables

RUNS holds the run folders of experiments/kelvin_helmholtz (physent run FILE --output RUNS/CASE).
Statistics are defined as the peer defines them: entropy of a histogram of 50 bins, its complexity
index, and its mixing proxy, the standard deviation of density times the rms vorticity, on average
over all saved times.
"""

import csv
import sys
from pathlib import Path

import jax
import numpy as np

jax.config.update("jax_enable_x64", True)

from physent.entropy import Histogram, complexity_index, entropy, mixing_proxy  # noqa: E402

PUBLISHED = Path(__file__).parents[2] / "data" / "reference" / "kh_statistics_published.csv"
PROXY = {"basic_shear": 0.456, "double_shear": 1.287, "rotating": 0.761, "forced": 0.302}
NAMES = {"basic_shear": "basic_shear_layer", "double_shear": "double_shear_layer"} | {
    "rotating": "rotating_kh_instability", "forced": "forced_kh_turbulence",
}  # fmt: skip
# case: (nx, nz, t_end, snapshots, Re, Ri of the peer, its initial condition)
CASES = {
    "basic_shear": (256, 128, 10.0, 100, 1000, 0.25, "ShearLayer", dict(rho_bot=1.2)),
    "double_shear": (
        256,
        128,
        15.0,
        150,
        2000,
        0.1,
        "DoubleShear",
        dict(shear_thickness=0.04, separation=0.3),
    ),
    "rotating": (256, 128, 20.0, 200, 1500, 0.3, "RotatingShear", dict(rho_bot=1.3)),
    "forced": (384, 192, 30.0, 300, 5000, 0.15, "ForcedTurbulence", dict(rho_bot=1.1)),
}


def peer(folder: Path, cases):
    from kh2d_solver.core import initial_conditions
    from kh2d_solver.core.solver import KH2DSolver

    folder.mkdir(parents=True, exist_ok=True)
    for case in cases:
        nx, nz, t_end, snapshots, reynolds, richardson, kind, settings = CASES[case]
        grid = KH2DSolver(nx=nx, nz=nz, verbose=False, n_cores=1)
        np.random.seed(1)  # noqa: NPY002
        fields = getattr(initial_conditions, kind)(**settings)(grid.x, grid.z)
        result = grid.solve(
            *fields,
            t_final=t_end,
            n_snapshots=snapshots,
            reynolds=reynolds,
            richardson=richardson,
            show_progress=False,
        )
        density, vorticity = (np.swapaxes(result[name], 1, 2) for name in ("rho", "vorticity"))
        np.savez(folder / f"{case}.npz", **statistics(result["t"], density, vorticity))
        print(case, "done", flush=True)


def statistics(t, density, vorticity):
    """By time, of fields (time, x, z)."""
    found = {
        "t": np.asarray(t),
        "mass": density.mean((1, 2)),
        "mixing_proxy": np.asarray(mixing_proxy(density, vorticity)),
    }
    for name, field in (("density", density), ("vorticity", vorticity)):
        found[f"entropy_{name}"] = np.asarray(
            entropy(field, outcomes=Histogram(bins=50), axis=(1, 2))
        )
        found[f"complexity_{name}"] = np.asarray(complexity_index(field))
    found["variance"] = density.var((1, 2))
    return found


def run_statistics(folder: Path):
    import xarray

    with xarray.open_dataset(folder / "run.nc") as run:
        time = "t_snapshot" if "t_snapshot" in run.density.dims else "t"
        fields = (run.density.transpose(time, "x", "z"), run.vorticity.transpose(time, "x", "z"))
        found = statistics(run[time].values, *(field.values for field in fields))
        background = run.potential_energy_density_background.values * float(
            run.x.size * (run.x[1] - run.x[0])
        )
        rates = ("dissipation", "diffusive_gain", "variance_dissipation")
        lost, laminar, diffused = (np.trapezoid(run[name].values, run.t.values) for name in rates)
        gain = background[-1] - background[0]
        found["gain"], found["gain_less"], found["kinetic_lost"] = gain, gain - laminar, lost
        found["efficiency"], found["efficiency_less"] = (
            g / (g + lost) for g in (gain, gain - laminar)
        )
        found["numerical"] = 1 - diffused / float(
            run.density_variance[0] - run.density_variance[-1]
        )
        found["mass_drift"] = np.ptp(run.invariant_mass.values) / run.invariant_mass.values[0]
        found["divergence"] = float(run.max_divergence.max())
        found["richardson"] = float(run.min_gradient_richardson[0])
        found["dye"] = float(run.dye_entropy_dye[-1] - run.dye_entropy_dye[0])
    return found


def table(folder: Path, runs: Path):
    lines = [line for line in PUBLISHED.read_text().splitlines() if not line.startswith("#")]
    published = list(csv.DictReader(lines))
    print(
        "| case | field | t | entropy: published | peer | physent | complexity: published | peer | "
        "physent |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    all_peer, all_ours = {}, {}
    for case in CASES:
        theirs = all_peer[case] = (
            dict(np.load(folder / f"{case}.npz")) if (folder / f"{case}.npz").exists() else None
        )
        ours = all_ours[case] = run_statistics(runs / case)
        for row in published:
            if row["case"] != NAMES[case]:
                continue
            t, field, cells = float(row["t"]), row["field"], []
            for quantity, printed in (
                ("entropy", row["spatial_entropy"]),
                ("complexity", row["complexity_index"]),
            ):
                cells.append(printed)
                for found in (theirs, ours):
                    at = None if found is None else int(np.argmin(np.abs(found["t"] - t)))
                    cells.append("" if found is None else f"{found[f'{quantity}_{field}'][at]:.3f}")
            print(f"| {case} | {field} | {t:.2f} | " + " | ".join(cells) + " |")
    print(
        "\n| case | mixing proxy: published | peer | physent | "
        "variance of density left: peer | physent | mass drift: peer | physent |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for case in CASES:
        theirs, ours = all_peer[case], all_ours[case]
        left = [f"{f['variance'][-1] / f['variance'][0]:.3f}" if f else "" for f in (theirs, ours)]
        drift = f"{theirs['mass'][-1] / theirs['mass'][0] - 1:+.1%}" if theirs else ""
        peer_proxy = f"{theirs['mixing_proxy'].mean():.3f}" if theirs else ""
        print(
            f"| {case} | {PROXY[case]} | {peer_proxy} | {ours['mixing_proxy'].mean():.3f} | "
            f"{left[0]} | {left[1]} | "
            f"{drift} | {ours['mass_drift']:.0e} |"
        )
    print(
        "\n| case | smallest gradient Ri at t = 0 | gain of background energy | less laminar | "
        "energy dissipated | "
        "efficiency | less laminar | loss of variance that is numerical | gain of dye entropy | "
        "largest divergence |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for case, ours in all_ours.items():
        print(
            f"| {case} | {ours['richardson']:.4f} | {ours['gain']:.5f} | {ours['gain_less']:.5f} | "
            f"{ours['kinetic_lost']:.4f} | {ours['efficiency']:.3f} | "
            f"{ours['efficiency_less']:.3f} | "
            f"{ours['numerical']:.1%} | {ours['dye']:.4f} | {ours['divergence']:.1e} |"
        )
    print("\n| ratio of mean mixing proxies | published | peer | physent |\n|---|---|---|---|")
    for a, b in (("double_shear", "basic_shear"), ("double_shear", "forced")):
        ratios = [PROXY[a] / PROXY[b]] + [
            f[a]["mixing_proxy"].mean() / f[b]["mixing_proxy"].mean() if f[a] and f[b] else np.nan
            for f in (all_peer, all_ours)
        ]
        print(f"| {a}/{b} | " + " | ".join(f"{ratio:.2f}" for ratio in ratios) + " |")


if __name__ == "__main__":
    if sys.argv[1] == "peer":
        peer(Path(sys.argv[2]), sys.argv[3:] or CASES)
    else:
        table(Path(sys.argv[2]), Path(sys.argv[3]))
