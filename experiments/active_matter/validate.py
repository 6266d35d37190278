"""Long runs against known numbers: python -m experiments.active_matter.validate [linear tilted ring
trap64 free]

Prints a Markdown table: what, measured with its standard error, expected, and the difference in
combined errors, and puts it into data/validation/long_active_matter.csv, in the place of what the
same parts had there. In float32 except the linear systems; some minutes on two cores. `mips=DIR`
reads the two phases out of a run that has been made.
"""

import csv
import sys
import time
from pathlib import Path

import jax
import numpy as np
import scipy.stats

import physent
from experiments.active_matter.phases import CELLS, phases
from physent.diagnostics import EntropyProduction, MeanSquareDisplacement
from physent.solvers.active_matter import (
    ActiveMatter,
    Brownian,
    NoForce,
    OrnsteinUhlenbeck,
    Softplus,
    pair_production,
)
from physent.solvers.langevin import (
    BeadSpring,
    CoupledAOUPs,
    Gyrator,
    LinearLangevin,
    Matrix,
    TiltedRing,
    TrappedAOUP,
)

# v0: the total, its error, and E[div b_x], which is known to a unit
TRAP64 = {
    0.1: (4.26, 0.04, -309),
    0.2: (19.0, 0.1, -286),
    0.3: (47.8, 0.2, -249),
    0.4: (95.4, 0.2, -203),
    0.5: (164.2, 0.3, -159),
}
MEMBERS = 16
FILE = Path(__file__).parents[2] / "data" / "validation" / "long_active_matter.csv"
COLUMNS = ("part", "what", "measured", "error", "expected", "difference")
TABLE: list[tuple[str, ...]] = []


def row(what, value, error, expected=None, expected_error=0.0):
    """Print a line and remember it; `expected` is None where nobody knows."""
    known = expected is not None
    score = f"{(value - expected) / np.hypot(error, expected_error):+.1f}" if known else ""
    shown = "" if np.isnan(error) else f"{error:.2g}"
    cells = (what, f"{value:.5g}", shown, f"{expected:.6g}" if known else "", score)
    TABLE.append(cells)
    print(f"| {what} | {cells[1]} {shown and '+- '}{shown} | {cells[3]} | {score} |", flush=True)


def record(part):
    """The lines since the last part into the file, in the place of those it has of this part."""
    kept = []
    if FILE.exists():
        with FILE.open(encoding="utf-8", newline="") as lines:
            kept = [tuple(line.values()) for line in csv.DictReader(lines) if line["part"] != part]
    FILE.parent.mkdir(parents=True, exist_ok=True)
    with FILE.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(
            [COLUMNS, *kept, *((part, *cells) for cells in TABLE)]
        )
    TABLE.clear()


def of_members(series):
    """Mean and standard error of independent copies (copies,)."""
    return np.mean(series), np.std(series, ddof=1) / np.sqrt(len(series))


def linear():
    """Walkers start at the origin; rows are taken after ten relaxation times, where each is an
    independent draw.
    """
    systems = [
        Matrix(),
        TrappedAOUP(),
        TrappedAOUP(speed=1.0, trap=1.0, rate=1.0),
        CoupledAOUPs(),
        BeadSpring(),
        BeadSpring(beads=5),
        Gyrator(),
    ]
    for seed, system in enumerate(systems):
        slowest = -1 / np.max(np.linalg.eigvals(np.asarray(system.matrix())).real)
        solver = LinearLangevin(system=system, walkers=65536, dt=float(slowest), initial="origin")
        every = float(solver.dt) * 3
        ds = physent.run(
            solver,
            t_end=every * 160,
            save_every=every,
            diagnostics=[EntropyProduction(over="mean")],
            seed=seed,
            variables=["covariance"],
        )
        exact, kept = solver.exact_production(), slice(5, None)
        name = type(system).__name__
        row(
            f"{name}: entropy production",
            *of_members(ds.entropy_production.values[kept]),
            float(exact.total),
        )
        covariance = ds.covariance.values[kept]
        for i, j in zip(*np.tril_indices(covariance.shape[-1]), strict=True):
            if i < 2:
                row(
                    f"{name}: covariance {i}{j}",
                    *of_members(covariance[:, i, j]),
                    float(exact.covariance[i, j]),
                )


def tilted():
    for barrier, tilt, diffusivity in ((1.0, 1.0, 1.0), (2.0, 1.0, 0.5)):
        solver = TiltedRing(
            walkers=8192, barrier=barrier, tilt=tilt, diffusivity=diffusivity, dt=0.01
        )
        diagnostics = [EntropyProduction(over="mean")]
        ds = physent.run(
            solver,
            t_end=120.0,
            save_every=5.0,
            diagnostics=diagnostics,
            variables=["unwrapped", "mean_velocity"],
        )
        moved = (ds.unwrapped.values[-1] - ds.unwrapped.values[4])[:, 0] / 100
        value, error = of_members(moved)
        expected = float(solver.exact_production())
        row(f"tilted ring {barrier, tilt, diffusivity}: f <v>/D", value * tilt / diffusivity,
            error * tilt / diffusivity, expected)  # fmt: skip
        row("the same by the identity", *of_members(ds.entropy_production.values[5:]), expected)


def correlated(solver, members, t_end, after):
    """One value a member of (v0/eps)(N d v0 + E[g . (b - v0 g)]), which has the smaller scatter, of
    E[b^2/D + div b], and of E[div b_x].
    """
    ds = physent.run(
        solver, t_end=t_end, save_every=1.0, members=members, diagnostics=[EntropyProduction()],
        variables=["propulsion", "velocity"],
    )  # fmt: skip
    late = ds.sel(t=slice(after, None))
    speed = np.broadcast_to(np.asarray(solver.speed), (members,))
    g, velocity, eps = (
        late.propulsion.values,
        late.velocity.values,
        float(np.asarray(solver.diffusivity)),
    )
    rest = velocity - speed[None, :, None, None] * g
    freely = speed**2 * g.shape[-1] * g.shape[-2] / eps
    by_g = freely + speed / eps * np.mean(np.sum(g * rest, axis=(-2, -1)), axis=0)
    by_identity, rate = late.entropy_production.values, float(solver.propulsion.rate)
    slope = (
        by_identity
        - np.sum(velocity**2, axis=(-2, -1)) / eps
        - rate * np.sum(g**2 - 1, axis=(-2, -1))
    )
    return by_g, by_identity.mean(axis=0), slope.mean(axis=0)


def ring():
    """The distance of two particles obeys dx = sqrt(2) v0 g + 2 F + sqrt(4 eps) noise, their centre
    is free (0.625).

    So the one-particle ring of REFERENCE (dx = v0 g + F, 0.39699) is two particles with v0/sqrt(2),
    k/2 and eps/2; with its numbers put in as they stand the Fokker-Planck equation of the distance
    gives 0.3367.
    """
    for scale, expected in ((2.0, 0.39699), (1.0, 0.3367)):
        solver = ActiveMatter(
            particles=2,
            dimension=1,
            length=16.0,
            speed=0.25 / np.sqrt(scale),
            diffusivity=0.1 / scale,
            propulsion=OrnsteinUhlenbeck(rate=0.1),
            force=Softplus(strength=2.5 / scale),
            method="splitting",
            dt=0.02,
            neighbors=1,
        )
        parts = pair_production(solver)
        print(
            f"| ring, eps = {0.1 / scale}, Fokker-Planck | x {parts.position:.5f} + g "
            f"{parts.propulsion:.5f} | | |"
        )
        by_g, by_identity, _ = correlated(solver, 4096, 600.0, 60.0)
        row(f"ring, eps = {0.1 / scale}, by g.F", *of_members(by_g - 0.625), expected)
        row(
            f"ring, eps = {0.1 / scale}, by b^2/D + div b",
            *of_members(by_identity - 0.625),
            expected,
        )


def trap64():
    speeds = np.repeat(list(TRAP64), MEMBERS)
    solver = ActiveMatter(
        particles=64,
        boundary="open",
        packing_fraction=0.1,
        speed=speeds,
        trap=0.05,
        diffusivity=0.1,
        propulsion=OrnsteinUhlenbeck(rate=0.1),
        force=Softplus(strength=2.5),
        method="splitting",
        dt=0.02,
        neighbors=63,
    )
    by_g, by_identity, slope = correlated(solver, speeds.size, 500.0, 150.0)
    for i, (speed, (expected, error, divergence)) in enumerate(TRAP64.items()):
        mine = slice(i * MEMBERS, (i + 1) * MEMBERS)
        row(f"trap64, v0 = {speed}, by g.F", *of_members(by_g[mine]), expected, error)
        row(
            f"trap64, v0 = {speed}, by b^2/D + div b",
            *of_members(by_identity[mine]),
            expected,
            error,
        )
        row(f"trap64, v0 = {speed}, E[div b_x]", *of_members(slope[mine]), divergence, 0.5)


def free():
    aoup = OrnsteinUhlenbeck(rate=2.0)
    times = np.linspace(0.5, 5, 10)
    cases = ((aoup, np.sqrt(2.0), None), (aoup, np.sqrt(2.0), 0.1), (Brownian(), 2.0, 0.1))
    for seed, (propulsion, speed, diffusivity) in enumerate(cases):
        solver = ActiveMatter(
            particles=262144,
            length=1000.0,
            speed=speed,
            propulsion=propulsion,
            force=NoForce(),
            dt=0.005,
            diffusivity=diffusivity,
            method="splitting",
        )
        ds = physent.run(
            solver,
            t_end=5.0,
            save_every=0.5,
            seed=seed,
            diagnostics=[MeanSquareDisplacement()],
            variables=["unwrapped"],
        )
        # AOUP: D_a = v0^2 tau in each dimension; ABP: v0^2 shared by both
        tau, strength = (0.5, 2 * 2 * 1.0) if propulsion is aoup else (1.0, 2 * 4.0)
        shape = times - tau * (1 - np.exp(-times / tau))
        expected = 4 * (diffusivity or 0) * times + strength * (
            shape if propulsion is aoup else tau * shape
        )
        name = f"{type(propulsion).__name__}, eps = {diffusivity}, MSD"
        for i, t in enumerate(times):
            value = float(ds.mean_square_displacement[i + 1])
            error = value * np.sqrt(
                (float(ds.mean_square_displacement_kurtosis[i + 1]) - 1) / solver.particles
            )
            row(f"{name} at t = {t:g}", value, error, expected[i])
        # particles are independent, the ten times of one are not: chi^2 with the covariance of the
        # times
        squared = np.sum(
            (ds.unwrapped.values[1:] - ds.unwrapped.values[0]).astype(float) ** 2, axis=-1
        )
        off, covariance = np.mean(squared, axis=1) - expected, np.cov(squared) / solver.particles
        chi = float(off @ np.linalg.solve(covariance, off))
        print(
            f"| {name}, all times: chi^2 {chi:.1f} of 10, p = {scipy.stats.chi2.sf(chi, 10):.2f} | "
            "| | |"
        )
        print(
            f"| kurtosis | {ds.mean_square_displacement_kurtosis.values[1:].round(3).tolist()} | | "
            "|"
        )


def mips(folder):
    """The two phases of a run such as experiments/active_matter/mips.toml."""
    rows, histogram = phases(folder)
    for what, value, error in rows:
        row(f"mips: {what}", value, error)
    for low, share in zip(CELLS[:-1], histogram, strict=True):
        row(
            f"mips: share of space per unit of local density, around {low + 0.02:.2f}",
            share,
            np.nan,
        )


def main():
    chosen = sys.argv[1:] or ["linear", "tilted", "ring", "trap64", "free"]
    print("| what | measured | expected | difference, in errors |\n|---|---|---|---|")
    for name in chosen:
        started = time.perf_counter()
        part, _, folder = name.partition("=")
        with jax.enable_x64(part in ("linear", "mips")):
            globals()[part](*filter(None, [folder]))
        record(part)
        print(f"| {name}: {time.perf_counter() - started:.0f} s | | | |", flush=True)


if __name__ == "__main__":
    main()
