"""Orders, growth rates and budgets of stratified shear flow; the whole tables are in
experiments/benchmarks.
"""

import itertools

import jax.numpy as jnp
import numpy as np
import pytest
from trajectory import last, observed_rows

from physent.solvers.kelvin_helmholtz import (
    HoldBase,
    KelvinHelmholtz,
    Kolmogorov,
    Mode,
    ShearLayer,
    TaylorGreen,
)

pytestmark = pytest.mark.slow


def vortices(n, **settings):
    return KelvinHelmholtz(
        nx=n,
        nz=n,
        length=2 * np.pi,
        height=2 * np.pi,
        dt=0.02,
        reynolds=20.0,
        buoyancy=0.0,
        stepping="fixed",
        initial=TaylorGreen(amplitude=1.0),
        **settings,
    )


def error(solver, steps):
    observed = last(solver, jnp.asarray(steps))[3]
    exact = solver.exact(solver.dt * steps)
    return max(float(jnp.max(jnp.abs(observed[name] - exact[name]))) for name in ("u", "w"))


def test_taylor_green_vortices_converge_at_second_order_in_space(record_number):
    coarse, fine = (error(vortices(n), 25) for n in (32, 64))
    order = np.log2(coarse / fine)
    record_number(
        "Taylor-Green vortices, projection: order in space, 32 to 64 points",
        order,
        exact=2,
        within=0.1,
    )


def test_the_spectral_method_is_exact_for_taylor_green_vortices(record_number):
    largest = error(vortices(16, method="spectral", walls="periodic"), 25)
    record_number(
        "Taylor-Green vortices, spectral, 16 points: largest error",
        largest,
        at_most=1e-13,
        repeats=10,
    )


@pytest.mark.parametrize(("method", "order"), [("projection", 3), ("spectral", 4)])
def test_order_in_time(method, order, record_number):
    """Differences between steps on one grid: a layer with a finite wave, buoyancy and diffusion."""
    fields = []
    for steps in (40, 80, 160):
        solver = KelvinHelmholtz(
            nx=16,
            nz=8,
            dt=0.5 / steps * 2,
            reynolds=100.0,
            method=method,
            stepping="fixed",
            advection="central",
            initial=ShearLayer(thickness=0.2, perturbation=Mode(amplitude=0.2)),
        )
        fields.append(np.asarray(last(solver, jnp.asarray(steps))[3]["u"]))
    gaps = [np.max(np.abs(a - b)) for a, b in itertools.pairwise(fields)]
    record_number(f"{method}: order in time", np.log2(gaps[0] / gaps[1]), exact=order, within=0.15)


def test_the_drift_of_kinetic_energy_is_that_of_the_time_step(record_number):
    drifts = []
    for steps in (50, 100):
        solver = KelvinHelmholtz(
            nx=32,
            nz=16,
            dt=1 / steps,
            reynolds=float("inf"),
            buoyancy=0.0,
            stepping="fixed",
            advection="central",
            noise=0.1,
            initial=ShearLayer(thickness=0.15),
        )
        _, _, first, end = last(solver, jnp.asarray(steps))
        drifts.append(abs(float(end["kinetic_energy"] / first["kinetic_energy"]) - 1))
    order = np.log2(drifts[0] / drifts[1])
    record_number(
        "inviscid drift of the kinetic energy: order in dt", order, at_least=2.7, repeats=0.01
    )


def simpson(values, dt):
    """The integral of an odd number of values, dt apart."""
    weights = np.ones(len(values))
    weights[1:-1:2], weights[2:-1:2] = 4, 2
    return weights @ np.asarray(values) * (dt / 3)


@pytest.mark.parametrize(("method", "bar"), [("projection", 1e-6), ("spectral", 1e-8)])
def test_the_budget_of_kinetic_energy_closes(method, bar, record_number):
    """KE(t) - KE(0) = int buoyancy + forcing - dissipation dt, by Simpson's rule."""
    solver = KelvinHelmholtz(
        nx=32,
        nz=16,
        dt=0.005,
        reynolds=50.0,
        buoyancy=2.0,
        method=method,
        stepping="fixed",
        forcing=Kolmogorov(),
        initial=ShearLayer(thickness=0.15, perturbation=Mode(amplitude=0.2)),
    )
    found, _ = observed_rows(solver, 100)
    integral = {
        name: simpson(found[name], 0.005)
        for name in ("buoyancy_flux", "forcing_power", "dissipation")
    }
    change = float(found["kinetic_energy"][-1] - found["kinetic_energy"][0])
    assert abs(integral["forcing_power"]) > 1e-4 and abs(integral["buoyancy_flux"]) > 1e-5
    residual = (
        change - integral["buoyancy_flux"] - integral["forcing_power"] + integral["dissipation"]
    )
    what = f"{method}: residual of the energy budget over the dissipation"
    record_number(what, abs(residual) / integral["dissipation"], at_most=bar)


@pytest.mark.parametrize(
    ("method", "advection", "energy", "variance"),
    [("projection", "central", 1e-7, 1e-6), ("spectral", "tvd", 1e-4, 1e-7)],
)
def test_the_budgets_of_potential_energy_and_density_variance_close(
    method, advection, energy, variance, record_number
):
    """PE(t) - PE(0) = int diffusive gain - buoyancy flux dt, variance(0) - variance(t) = int its
    dissipation dt.
    """
    solver = KelvinHelmholtz(
        nx=32,
        nz=16,
        dt=0.005,
        reynolds=50.0,
        buoyancy=2.0,
        method=method,
        advection=advection,
        stepping="fixed",
        initial=ShearLayer(thickness=0.15, perturbation=Mode(amplitude=0.2)),
    )
    found, _ = observed_rows(solver, 100)
    terms = ("buoyancy_flux", "diffusive_gain", "variance_dissipation")
    flux, gain, lost = (simpson(found[name], 0.005) for name in terms)
    change, spread = (
        float(found[name][-1] - found[name][0]) for name in ("potential_energy", "density_variance")
    )
    assert abs(flux) > 1e-5 and gain > 1e-3
    what = f"{method}: residual of the budget of potential energy over its diffusive gain"
    record_number(what, abs(change + flux - gain) / gain, at_most=energy)
    what = f"{method}: residual of the budget of density variance over its dissipation"
    record_number(what, abs(spread + lost) / lost, at_most=variance)


@pytest.mark.parametrize(
    ("method", "nx", "nz", "bar"), [("spectral", 8, 192, 2e-3), ("projection", 32, 64, 5e-2)]
)
def test_the_held_layer_is_unstable_at_the_rate_of_the_eigenvalue_problem(
    method, nx, nz, bar, record_number
):
    """m = 2, G = 0.5, Re = 1000: 3.0783217 by Chebyshev collocation (REFERENCE)."""
    solver = KelvinHelmholtz(
        nx=nx, nz=nz, length=1.0, dt=0.1, buoyancy=0.5, method=method, courant=0.8,
        initial=ShearLayer(perturbation=Mode(amplitude=1e-8, m=1)), forcing=HoldBase(),
    )  # fmt: skip
    found, _ = observed_rows(solver, 35)
    energy = np.asarray(found["energy_spectrum"][20:, 1])
    rate = np.polyfit(0.1 * np.arange(16), 0.5 * np.log(energy), 1)[0]
    what = f"{method}, {nx} x {nz}: growth rate of the held tanh layer"
    record_number(what, rate, exact=3.0783217, within=3.0783217 * bar)


@pytest.mark.parametrize(
    ("walls", "order", "speed", "thickness"), [("free_slip", 2, 1.0, 0.2), ("no_slip", 1, 0.0, 0.4)]
)
def test_exact_diffusion_agrees_with_explicit_diffusion_at_its_order(
    walls, order, speed, thickness
):
    """Between walls without slip the projection does not commute with diffusion, and an order is
    lost.
    """
    wave = Mode(amplitude=0.2)
    gaps, layer = (
        [],
        ShearLayer(thickness=thickness, u_top=speed, u_bottom=-speed, perturbation=wave),
    )
    for dt in (0.02, 0.01):
        ends = []
        for diffusion in ("explicit", "exponential"):
            solver = KelvinHelmholtz(
                nx=16,
                nz=8,
                dt=dt,
                reynolds=20.0,
                stepping="fixed",
                advection="central",
                diffusion=diffusion,
                initial=layer,
                walls=walls,
            )
            ends.append(last(solver, jnp.asarray(round(0.4 / dt)))[3]["u"])
        gaps.append(float(jnp.max(jnp.abs(ends[0] - ends[1]))))
    assert np.log2(gaps[0] / gaps[1]) == pytest.approx(order, abs=0.25)
