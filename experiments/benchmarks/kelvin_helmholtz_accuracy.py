"""What the Kelvin-Helmholtz methods get right: python -m
experiments.benchmarks.kelvin_helmholtz_accuracy [SECTION ...]

Sections: growth (rates of the held tanh layer against Chebyshev eigenvalues), taylor_green (orders
in space and time), single_mode (refinement, A against B), budget (kinetic energy, term by term),
inviscid (drift of kinetic energy). Each prints a Markdown table. All take about an hour on two
cores; without arguments all are done.
"""

import itertools
import sys

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_enable_x64", True)

from physent.solvers.kelvin_helmholtz import (  # noqa: E402
    HoldBase,
    KelvinHelmholtz,
    Kolmogorov,
    Mode,
    ShearLayer,
    TaylorGreen,
)

# (1/Re, G): Re sigma for m = 1, 2, 3, 4 (REFERENCE: Chebyshev collocation, delta = .05, drho = .2,
# free slip)
GROWTH = {
    (1e-3, 0.0): (2.0633625, 3.1079176, 3.1981047, 2.5385532),
    (1e-3, 0.5): (2.0369891, 3.0783217, 3.1674956, 2.5071516),
    (1e-3, 2.4525): (1.9315808, 2.9611793, 3.0468498, 2.3836686),
    (2e-4, 0.0): (2.2615091, 3.4221348, 3.6509333, 3.1552473),
    (2e-4, 0.5): (2.2364377, 3.3935826, 3.6212103, 3.1246390),
    (2e-4, 2.4525): (2.1362800, 3.2805706, 3.5040371, 3.0042468),
}
SERIES = ("kinetic_energy", "vertical_energy", "density_variance", "enstrophy")


@eqx.filter_jit
def series(solver, rows, steps):
    """Series at the start and after every so many steps."""

    def row(state, _):
        later = jax.lax.fori_loop(0, steps, lambda _, state: solver.step(state), state)
        observed = solver.observe(state)
        first = observed["energy_spectrum"][1]
        return later, {name: value for name, value in observed.items() if value.ndim == 0} | {
            "first_mode": first
        }

    return jax.lax.scan(row, solver.init(jax.random.key(0)), None, length=rows + 1)[1]


@eqx.filter_jit
def end(solver, steps):
    state = jax.lax.fori_loop(
        0, steps, lambda _, state: solver.step(state), solver.init(jax.random.key(0))
    )
    return solver.observe(state)


def growth_rate(method, viscosity, buoyancy, m, nx, nz, courant=0.8):
    """The slope of ln |v_m| between t = 2 and 4; the box is one wavelength long."""
    solver = KelvinHelmholtz(
        nx=nx,
        nz=nz,
        length=2.0 / m,
        dt=0.1,
        reynolds=1 / viscosity,
        buoyancy=buoyancy,
        method=method,
        courant=courant,
        initial=ShearLayer(perturbation=Mode(amplitude=1e-9, m=1)),
        forcing=HoldBase(),
    )
    energy = np.asarray(series(solver, 40, jnp.asarray(1))["first_mode"])
    t = 0.1 * np.arange(41)
    return np.polyfit(t[20:], 0.5 * np.log(energy[20:]), 1)[0]


def growth():
    print(
        "\n| 1/Re | G | m | eigenvalue | B, 8 x 256 | A, 32 x 64 | A, 64 x 128 | A, 128 x 256 | "
        "orders of A |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for (viscosity, buoyancy), exact in GROWTH.items():
        for m, rate in enumerate(exact, 1):
            b = growth_rate("spectral", viscosity, buoyancy, m, 8, 256) / rate - 1
            a = [
                growth_rate("projection", viscosity, buoyancy, m, n // 2, n) / rate - 1
                for n in (64, 128, 256)
            ]
            orders = ", ".join(f"{np.log2(abs(x / y)):.2f}" for x, y in itertools.pairwise(a))
            errors = " | ".join(f"{100 * x:+.3f} %" for x in a)
            print(
                f"| {viscosity:g} | {buoyancy:g} | {m} | {rate} | {100 * b:+.4f} % | {errors} | "
                f"{orders} |",
                flush=True,
            )


def taylor_green():
    print(
        "\n| Taylor-Green, t = 1 | method | N | largest error of u, w | order "
        "|\n|---|---|---|---|---|"
    )
    for walls in ("free_slip", "periodic"):
        for method, sizes in (("projection", (16, 32, 64, 128)), ("spectral", (16, 32, 64))):
            before = None
            for n in sizes:
                solver = KelvinHelmholtz(
                    nx=n,
                    nz=n,
                    length=2 * np.pi,
                    height=2 * np.pi,
                    dt=0.01,
                    reynolds=20.0,
                    buoyancy=0.0,
                    walls=walls,
                    stepping="fixed",
                    method=method,  # pyright: ignore[reportArgumentType]
                    initial=TaylorGreen(amplitude=1.0),
                )
                observed, exact = end(solver, 100), solver.exact(jnp.asarray(1.0))
                error = max(
                    float(jnp.max(jnp.abs(observed[name] - exact[name]))) for name in ("u", "w")
                )
                order = "" if before is None else f"{np.log2(before / error):.3f}"
                print(f"| {walls} | {method} | {n} | {error:.2e} | {order} |", flush=True)
                before = error
    print(
        "\n| forced vortices, periodic, t = 1 | N | largest difference of u from N = 128 "
        "|\n|---|---|---|"
    )
    found = {}
    for n in (128, 16, 24, 32, 48, 64):
        solver = KelvinHelmholtz(
            nx=n,
            nz=n,
            dt=1 / 512,
            reynolds=50.0,
            walls="periodic",
            stepping="fixed",
            method="spectral",
            initial=TaylorGreen(amplitude=0.1),
            forcing=Kolmogorov(amplitude=1.0),
        )
        found[n] = np.fft.rfft2(np.asarray(end(solver, jnp.asarray(512))["u"]).T, norm="forward")
        if (
            n < 128
            # centres lie elsewhere on every grid: compare the modes, each seen from the corner of
            # the box
        ):
            k = n // 3
            kz, kx = np.r_[0:k, -k:0][:, None], np.arange(k)[None, :]
            modes = [
                a[kz, kx] * np.exp(-1j * np.pi * (kx + kz) / m)
                for m, a in ((n, found[n]), (128, found[128]))
            ]
            print(f"| | {n} | {2 * np.sum(np.abs(modes[0] - modes[1])):.1e} |", flush=True)
    print(
        "\n| order in time, differences between steps (layer, 32 x 16, t = 1) | A | B "
        "|\n|---|---|---|"
    )
    found = {}
    for method in ("projection", "spectral"):
        values = []
        for steps in (40, 80, 160, 320):
            solver = KelvinHelmholtz(
                nx=32,
                nz=16,
                dt=1 / steps,
                reynolds=100.0,
                method=method,
                stepping="fixed",
                advection="central",
                initial=ShearLayer(thickness=0.15, perturbation=Mode(amplitude=0.2)),
            )
            values.append(np.asarray(end(solver, jnp.asarray(steps))["u"]))
        gaps = [np.max(np.abs(x - y)) for x, y in itertools.pairwise(values)]
        found[method] = [f"{np.log2(x / y):.3f}" for x, y in itertools.pairwise(gaps)]
    for a, b in zip(found["projection"], found["spectral"], strict=True):
        print(f"| | {a} | {b} |")


def single_mode():
    print(
        "\n| method | grid | courant | t | "
        + " | ".join(SERIES)
        + " |\n|---|---|---|---|---|---|---|---|"
    )
    sizes = {
        "projection": ((64, 1.0), (128, 1.0), (256, 1.0), (512, 1.0)),
        "spectral": ((128, 0.8), (256, 0.8), (384, 0.8), (512, 0.8), (256, 0.4)),
    }
    for method, cases in sizes.items():
        for n, courant in cases:
            solver = KelvinHelmholtz(nx=n, nz=n // 2, method=method, courant=courant)  # pyright: ignore[reportArgumentType]
            found = series(solver, 2, jnp.asarray(20))
            for row, t in ((1, 2), (2, 4)):
                values = " | ".join(f"{float(found[name][row]):.8g}" for name in SERIES)
                print(f"| {method} | {n} x {n // 2} | {courant} | {t} | {values} |", flush=True)


def budget():
    """KE(t) - KE(0) against the integrals of its terms by Simpson's rule, single_mode until t =
    2.
    """
    print(
        "\n| method | grid | dt | change of KE | buoyancy | dissipation | residual/dissipation |\n"
        "|---|---|---|---|---|---|---|"
    )
    for method, n, steps in (
        ("projection", 128, 400),
        ("projection", 256, 800),
        ("spectral", 128, 400),
        ("spectral", 128, 800),
    ):
        solver = KelvinHelmholtz(nx=n, nz=n // 2, method=method, dt=2 / steps, stepping="fixed")  # pyright: ignore[reportArgumentType]
        found = {
            name: np.asarray(value) for name, value in series(solver, steps, jnp.asarray(1)).items()
        }
        weights = np.ones(steps + 1)
        weights[1:-1:2], weights[2:-1:2] = 4, 2
        change = found["kinetic_energy"][-1] - found["kinetic_energy"][0]
        work, lost = (
            weights @ found[name] * (2 / steps / 3) for name in ("buoyancy_flux", "dissipation")
        )
        print(
            f"| {method} | {n} x {n // 2} | {2 / steps} | {change:.9f} | {work:.9f} | {lost:.9f} | "
            f"{(change - work + lost) / lost:.1e} |", flush=True,
        )  # fmt: skip


def inviscid():
    print(
        "\n| method A, inviscid, central, G = 0, t = 1, 64 x 32 | steps | relative drift of KE | "
        "order |\n"
        "|---|---|---|---|"
    )
    before = None
    for steps in (50, 100, 200, 400):
        solver = KelvinHelmholtz(
            nx=64,
            nz=32,
            dt=1 / steps,
            reynolds=float("inf"),
            buoyancy=0.0,
            stepping="fixed",
            advection="central",
            noise=0.1,
            initial=ShearLayer(thickness=0.1),
        )
        energy = np.asarray(series(solver, 1, jnp.asarray(steps))["kinetic_energy"])
        drift = abs(energy[1] / energy[0] - 1)
        print(
            f"| | {steps} | {drift:.2e} | "
            f"{'' if before is None else f'{np.log2(before / drift):.2f}'} |",
            flush=True,
        )
        before = drift


SECTIONS = {f.__name__: f for f in (growth, taylor_green, single_mode, budget, inviscid)}

if __name__ == "__main__":
    for name in sys.argv[1:] or SECTIONS:
        SECTIONS[name]()
