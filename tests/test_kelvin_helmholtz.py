"""Stratified shear flow: what holds for every flow, on small grids."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from trajectory import advance, last, observed_rows

from physent.diagnostics import MixingEfficiency, PotentialEnergy
from physent.errors import ParameterError
from physent.protocol.diagnostic import Observed
from physent.solvers.kelvin_helmholtz import (
    DoubleShear,
    Forced,
    HoldBase,
    KelvinHelmholtz,
    Kolmogorov,
    Mode,
    Ripple,
    Rotating,
    ShearLayer,
    Stochastic,
    TaylorGreen,
    Unperturbed,
)
from physent.solvers.kelvin_helmholtz.box import Box

SMALL = {"nx": 32, "nz": 16, "dt": 0.05}
STILL = ShearLayer(u_top=0.0, u_bottom=0.0, perturbation=Unperturbed())


@pytest.fixture(scope="module", params=["projection", "spectral"])
def noisy(request):
    """A noisy layer with a dye that is the density in other words, a third of a time unit long."""
    layer = ShearLayer(thickness=0.12)
    solver = KelvinHelmholtz(
        **SMALL, method=request.param, noise=0.05, initial=layer, with_dye=True, buoyancy=3.0
    )
    return solver, *observed_rows(solver, 6)


@pytest.mark.slow
def test_nothing_diverges_and_no_mass_is_lost(noisy):
    solver, observed, invariants = noisy
    assert float(jnp.max(observed["max_divergence"])) < 1e-12 * solver.nx / 2
    assert np.ptp(invariants["mass"]) < 1e-13
    assert np.ptp(invariants["momentum"]) < 1e-13


def test_density_stays_within_its_initial_bounds(noisy):
    solver, observed, _ = noisy
    if solver.method == "projection":
        first = observed["density"][0]
        assert float(jnp.min(observed["density"])) >= float(jnp.min(first)) - 1e-14
        assert float(jnp.max(observed["density"])) <= float(jnp.max(first)) + 1e-14


@pytest.mark.parametrize("method", ["projection", "spectral"])
def test_a_stratified_fluid_at_rest_stays_at_rest(method):
    """Its waves have frequencies up to sqrt(G rho'), 39 here, that no velocity tells of: a dt is
    several steps.
    """
    layer = ShearLayer(u_top=0.0, u_bottom=0.0, thickness=0.2, perturbation=Unperturbed())
    solver = KelvinHelmholtz(
        nx=32,
        nz=16,
        dt=0.1,
        buoyancy=3000.0,
        reynolds=1e4,
        noise=1e-4,
        initial=layer,
        method=method,
    )
    observed, _ = observed_rows(solver, 20)
    assert float(jnp.max(observed["kinetic_energy"])) <= 1.001 * float(
        observed["kinetic_energy"][0]
    )
    assert int(observed["inner_steps"][0]) >= 0.1 * np.sqrt(3000 * 0.1 / 0.2)


@pytest.mark.parametrize(("buoyancy", "dt"), [(200.0, 0.2), (20.0, 0.5)])
def test_density_keeps_its_bounds_while_a_fluid_falls_from_rest(buoyancy, dt):
    """Heavy over light, 1.5 over 1, and nearly still: velocity grows within a step, and the steps
    are strides.
    """
    jet = DoubleShear(u_max=0.0, perturbation=Ripple(amplitude=0.1))
    solver = KelvinHelmholtz(
        nx=32, nz=16, dt=dt, buoyancy=buoyancy, reynolds=1e5, noise=0.02, initial=jet
    )
    observed, _ = observed_rows(solver, 8)
    assert float(jnp.max(observed["kinetic_energy"])) > 100 * float(observed["kinetic_energy"][0])
    assert float(jnp.min(observed["density"])) > 1 - 1e-13
    assert float(jnp.max(observed["density"])) < 1.5 + 1e-13


def test_a_dye_that_starts_as_the_density_stays_it(noisy):
    _, observed, _ = noisy
    np.testing.assert_allclose(1.2 - 0.2 * observed["dye"], observed["density"], atol=1e-12)


def test_mixing_efficiency_is_that_of_its_definition(noisy):
    """Row by row, against the density sorted and laid out by hand, G = 3, in a box of 2 by 1."""
    solver, observed, _ = noisy
    diagnostic = MixingEfficiency(gravity=3.0)
    times = solver.dt * np.arange(7)
    carry, found, less = None, [], []
    for i, t in enumerate(times):
        now = Observed(
            {name: f[i] for name, f in observed.items()},
            solver.variables(),
            solver.domain(),
            jnp.asarray(t),
        )
        carry, value = diagnostic(diagnostic.init(now) if carry is None else carry, now)
        found.append(float(value["mixing_efficiency"]))
        less.append(float(value["mixing_efficiency_less_laminar"]))
    heights = (np.arange(512) + 0.5) / 512
    first, *_, last_one = (
        3 * 2 * np.mean(np.sort(np.ravel(f))[::-1] * heights) for f in observed["density"]
    )
    gain = last_one - first
    lost = np.trapezoid(np.asarray(observed["dissipation"]), times)
    top, bottom = (np.mean(np.asarray(observed["density"])[:, :, k], axis=1) for k in (-1, 0))
    laminar = np.trapezoid(3 * 1e-3 * 2 * (bottom - top), times)
    assert found[0] == less[0] == 0
    assert found[-1] == pytest.approx(gain / (gain + lost), rel=1e-10)
    assert less[-1] == pytest.approx(
        (gain - laminar) / (gain - laminar + lost), abs=1e-2 * found[-1]
    )
    assert less[-1] < found[-1] and 0 < found[-1] < 1


def observing(solver):
    """What a diagnostic is shown before a run."""
    values, variables = (
        {name: jnp.zeros((4, 4)) for name in ("density", "dissipation")},
        solver.variables(),
    )
    return Observed(
        values, variables, solver.domain(), jnp.zeros(()), system=lambda: (solver, None)
    )


@pytest.mark.parametrize("diagnostic", [MixingEfficiency, PotentialEnergy])
def test_the_weight_of_the_density_is_the_solvers(diagnostic):
    given = observing(KelvinHelmholtz(buoyancy=3.0))
    assert diagnostic().variables(given).keys() == diagnostic(gravity=3.0).variables(given).keys()
    with pytest.raises(ValueError, match="gravity is 2, but the solver's buoyancy is 3"):
        diagnostic(gravity=2.0).variables(given)
    with pytest.raises(ValueError, match="gravity must be given"):
        diagnostic().variables(Observed(dict(given), given.variables, given.domain, given.t))
    periodic = observing(KelvinHelmholtz(walls="periodic", initial=DoubleShear()))
    with pytest.raises(ValueError, match="its vertical axis, z, is periodic"):
        diagnostic().variables(periodic)


def test_vortices_with_noise_have_no_exact_solution():
    vortices = {
        noise: KelvinHelmholtz(**SMALL, initial=TaylorGreen(), noise=noise) for noise in (0.0, 0.1)
    }
    assert np.all(np.isfinite(vortices[0.0].exact(jnp.asarray(0.1))["u"]))
    assert np.all(np.isnan(vortices[0.1].exact(jnp.asarray(0.1))["u"]))


def test_the_spectrum_sums_to_the_energy_at_the_centres(noisy):
    _, observed, _ = noisy
    u, w = observed["u"], observed["w"]
    energy = jnp.mean(u**2 + w**2, axis=(1, 2))  # of a box of area 2
    np.testing.assert_allclose(jnp.sum(observed["energy_spectrum"], axis=1), energy, rtol=1e-12)


@pytest.mark.parametrize("method", ["projection", "spectral"])
def test_the_names_of_the_integrals_say_what_they_are(method):
    solver = KelvinHelmholtz(nx=8, nz=4, method=method, noise=0.1)
    observed = jax.jit(lambda key: solver.observe(solver.init(key)))(jax.random.key(0))
    told = solver.variables()
    assert observed["vertical_kinetic_energy"] == observed["vertical_energy"] / 2
    assert told["vertical_energy"].long_name.startswith("integral of w^2, twice")
    assert told["vertical_kinetic_energy"].long_name == "integral of w^2/2"
    assert "not divided by the area" in told["density_variance"].long_name


@pytest.mark.slow
def test_the_start_of_single_mode_is_the_published_one():
    for method, places in (("spectral", 1e-8), ("projection", 2e-2)):
        solver = KelvinHelmholtz(nx=128, nz=64, method=method)  # pyright: ignore[reportArgumentType]
        _, _, observed, _ = last(solver, jnp.asarray(0))
        assert observed["kinetic_energy"] == pytest.approx(0.900003443, abs=1e-9)
        assert observed["density_variance"] == pytest.approx(0.038, rel=1e-8)
        assert observed["vertical_energy"] == pytest.approx(6.18485736e-7, rel=places)
        assert observed["enstrophy"] == pytest.approx(53.34137, rel=max(places, 2e-7))
        # G drho/(Delta U)^2 delta_omega = 0.5 x 0.2/2^2 x 0.1
        assert observed["bulk_richardson"] == pytest.approx(0.0025, rel=0.03)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "walls"),
    [("projection", "no_slip"), ("projection", "periodic"), ("spectral", "periodic")],
)
def test_a_fluid_at_rest_is_set_in_motion_as_the_heat_equation_says(method, walls):
    """u = (A/(nu kappa^2)) (1 - e^{-nu kappa^2 t}) sin(kappa z): it obeys both boundaries."""
    solver = KelvinHelmholtz(
        nx=4,
        nz=32,
        dt=0.02,
        reynolds=20.0,
        buoyancy=0.0,
        method=method,
        walls=walls,
        stepping="fixed",
        initial=TaylorGreen(amplitude=0.0) if walls == "periodic" else STILL,
        forcing=Kolmogorov(amplitude=0.1),
    )
    observed = last(solver, jnp.asarray(50))[3]
    damping = (2 * np.pi) ** 2 / 20
    sine = np.sin(2 * np.pi * (np.arange(32) + 0.5) / 32)
    exact = 0.1 / damping * (1 - np.exp(-damping)) * sine
    np.testing.assert_allclose(
        observed["u"][0], exact, atol=2e-4 if method == "projection" else 1e-9
    )
    power = 0.1 * 2 * float(np.mean(exact * sine))
    assert float(observed["forcing_power"]) == pytest.approx(
        power, rel=5e-3 if method == "projection" else 1e-7
    )


def test_random_forcing_does_the_power_it_says():
    box = Box(16, 8, jnp.asarray(2.0), jnp.asarray(1.0), "free_slip")
    forcing, dt = Stochastic(power=0.3, modes=3), jnp.asarray(0.01)

    def energy(key):
        velocity = forcing.kick(key, dt, box)
        u, w = velocity(box.x(), box.z())
        return box.integral(u**2 + w**2) / 2

    mean = jnp.mean(jax.lax.map(energy, jax.random.split(jax.random.key(1), 4000)))
    assert float(mean / dt) == pytest.approx(float(forcing.mean_power(box)), rel=0.03)


@pytest.mark.slow
def test_a_randomly_forced_flow_does_not_depend_on_how_it_is_cut():
    solver = KelvinHelmholtz(
        nx=8, nz=4, dt=0.02, forcing=Stochastic(modes=2), initial=TaylorGreen(), stepping="fixed"
    )
    whole = advance(solver, 4)
    halves = advance(solver, 2, advance(solver, 2))
    np.testing.assert_array_equal(whole.flow.u, halves.flow.u)
    assert float(solver.observe(whole)["max_divergence"]) < 1e-12


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"nz": 15}, "nz: given 15, allowed: an even number"),
        (
            {"method": "spectral", "walls": "no_slip"},
            "allowed with method 'spectral': free_slip, periodic",
        ),
        ({"walls": "periodic"}, "differs above and below"),
        (
            {"walls": "no_slip", "forcing": Stochastic(), "initial": STILL},
            "allowed with forcing 'stochastic'",
        ),
        (
            {"walls": "no_slip"},
            "walls: given 'no_slip', but the flow starts with speed 1 along a wall",
        ),
        (
            {"walls": "no_slip", "initial": DoubleShear()},
            "starts with speed 1 along a wall, allowed: free_slip",
        ),
        (
            {"initial": ShearLayer(perturbation=Mode(m=64))},
            "initial.perturbation.m: given 64, .* at most 63",
        ),
        ({"initial": ShearLayer(perturbation=Mode(m=43)), "method": "spectral"}, "at most 42"),
        ({"initial": DoubleShear(perturbation=Ripple(m=64))}, "initial.perturbation.m: given 64"),
        (
            {"initial": Rotating(layer=ShearLayer(perturbation=Mode(m=64)))},
            "initial.layer.perturbation.m",
        ),
        (
            {"initial": Forced(modes=32)},
            "initial.modes: given 32, allowed on this grid: at most 31",
        ),
        ({"initial": TaylorGreen(m=64)}, "initial.m: given 64"),
        ({"initial": TaylorGreen(n=64)}, "initial.n: given 64, .* at most 63"),
        ({"forcing": Kolmogorov(n=32)}, "forcing.n: given 32, .* at most 31"),
        (
            {"forcing": Stochastic(modes=12), "nx": 16, "nz": 8},
            "forcing.modes: given 12, .* at most 7",
        ),
        (
            {"initial": DoubleShear(separation=2.0)},
            "initial.separation: given 2.0, allowed: less than the height, 1.0",
        ),
        (
            {"initial": DoubleShear(), "method": "spectral"},
            "initial.density_thickness: given 0, a jump",
        ),
        (
            {"initial": DoubleShear(thickness=0.5), "walls": "periodic"},
            "initial.thickness: given 0.5, a kink",
        ),
        ({"walls": "no_slip", "initial": TaylorGreen()}, "allowed with initial 'taylor_green'"),
        ({"method": "spectral", "staggered": True}, "staggered"),
        ({"reynolds": 0.0}, "reynolds: given 0.0, allowed: a number > 0"),
    ],
)
def test_what_makes_no_sense_is_refused(settings, words):
    with pytest.raises(ParameterError, match=words):
        KelvinHelmholtz(**settings)


def test_initial_conditions_are_what_they_say():
    box = Box(64, 32, jnp.asarray(2.0), jnp.asarray(1.0), "free_slip")
    key = jax.random.key(0)
    z = box.z()
    layer = ShearLayer(perturbation=Unperturbed())
    rotating, _ = Rotating(layer=layer).velocity(box.x(), z, box, key)
    expected = jnp.tanh((z - 0.5) / 0.05) + 0.5 * (z - 0.5) + jnp.zeros((64, 1))
    np.testing.assert_allclose(rotating, expected, atol=1e-15)
    jet = DoubleShear(perturbation=Unperturbed())
    expected = jnp.tanh((z - 0.35) / 0.04) - jnp.tanh((z - 0.65) / 0.04) - 1
    np.testing.assert_allclose(
        jet.velocity(box.x(), z, box, key)[0], expected + jnp.zeros((64, 1)), atol=1e-15
    )
    density = np.asarray(jet.density(z, box))[0]
    assert set(density) == {1.0, 1.5} and np.all(
        (density == 1) == (np.abs(np.asarray(z)[0] - 0.5) < 0.15)
    )
    u, w = Forced(layer=layer).velocity(box.x(), z, box, key)
    phase = np.asarray(jax.random.uniform(key, (5, 5), float, 0, 2 * jnp.pi))
    x, heights = np.asarray(box.x()), np.asarray(z)
    waves = np.zeros((2, 64, 32))
    for i in range(5):
        for j in range(5):
            size, p = 0.1 / np.hypot(i + 1, j + 1), phase[i, j]
            a, b = np.pi * (i + 1) * x, 2 * np.pi * (j + 1) * heights
            waves += size * np.stack([np.sin(a + p) * np.cos(b), np.cos(a) * np.sin(b + p)])
    np.testing.assert_allclose(u - jnp.tanh((z - 0.5) / 0.05), waves[0], atol=1e-14)
    np.testing.assert_allclose(w, waves[1], atol=1e-14)


@pytest.mark.slow
def test_the_held_base_stays():
    """Undisturbed and held, the layer does not change; let go, it widens as the heat equation says
    (REFERENCE).
    """
    for method in ("projection", "spectral"):
        layer = ShearLayer(perturbation=Unperturbed())
        settings: dict[str, Any] = {
            "nx": 4,
            "nz": 64,
            "dt": 0.05,
            "method": method,
            "stepping": "fixed",
            "initial": layer,
        }
        steps = jnp.asarray(10)
        first, held, *_ = last(KelvinHelmholtz(**settings, forcing=HoldBase()), steps)
        for a, b in zip(jax.tree.leaves(held.flow), jax.tree.leaves(first.flow), strict=True):
            np.testing.assert_allclose(a, b, atol=1e-12)
        if method == "projection":
            quick = KelvinHelmholtz(
                **settings | {"dt": 0.1},  # pyright: ignore[reportArgumentType]
                reynolds=10.0,
                forcing=HoldBase(),
                diffusion="exponential",  # pyright: ignore[reportArgumentType]
            )
            first, held, *_ = last(quick, steps)
            np.testing.assert_allclose(held.flow.u, first.flow.u, atol=1e-12)
            np.testing.assert_allclose(held.flow.density, first.flow.density, atol=1e-12)
        energy = float(last(KelvinHelmholtz(**settings), steps)[3]["kinetic_energy"])
        assert energy == pytest.approx(0.8765213, rel=3e-4 if method == "projection" else 1e-6)


@pytest.mark.slow
def test_a_gradient_passes_through_a_step():
    solver = KelvinHelmholtz(nx=8, nz=4, stepping="fixed", dt=0.01)

    @eqx.filter_jit
    def energy(buoyancy):
        other = eqx.tree_at(lambda solver: solver.buoyancy, solver, buoyancy)
        state = other.step(other.init(jax.random.key(0)))
        return jnp.sum(state.flow.w**2)

    slope = jax.grad(energy)(jnp.asarray(2.0))
    change = (energy(jnp.asarray(2.001)) - energy(jnp.asarray(1.999))) / 0.002
    assert float(slope) == pytest.approx(float(change), rel=1e-5)


@pytest.mark.slow
def test_a_heavy_periodic_box_does_not_fall():
    """The mean weight has nothing to hold it there and is left out, in both methods."""
    for method in ("projection", "spectral"):
        solver = KelvinHelmholtz(
            nx=8, nz=8, dt=0.1, buoyancy=1.0, walls="periodic", method=method,
            initial=DoubleShear(density_thickness=0.04, perturbation=Unperturbed()),
        )  # fmt: skip
        observed = last(solver, jnp.asarray(5))[3]
        assert abs(float(jnp.mean(observed["density"])) - 1) > 0.1
        assert abs(float(jnp.mean(observed["w"]))) < 1e-13
