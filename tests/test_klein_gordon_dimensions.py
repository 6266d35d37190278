"""Klein-Gordon fields in two and three dimensions, with losses and forces, kinks of any potential,
and the waves on them.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate

import physent
from physent.errors import ParameterError
from physent.solvers.gallery.complex_klein_gordon import ComplexKleinGordon
from physent.solvers.klein_gordon import (
    CustomPotential,
    Kink,
    KleinGordon,
    Linear,
    Phi4,
    Phi4Kink,
    PlaneWave,
    Random,
    SineGordonKink,
    Winding,
    internal_modes,
)

KEY = jax.random.key(0)
SHAPE, BOX = (16, 12), (8.0, 6.0)


@eqx.filter_jit
def after(solver, steps):
    """The state after some steps."""
    return jax.lax.fori_loop(0, steps, lambda _, state: solver.step(state), solver.init(KEY))


def bump(x, y):
    """phi and phi_t, periodic in the box."""
    shape = jnp.exp(-(jnp.sin(jnp.pi * x / 8) ** 2) - jnp.sin(jnp.pi * (y - 1) / 6) ** 2)
    return {"phi": 1 - 1.2 * shape, "phi_t": 0.2 * shape}


def by_hand(slope, t=1.0):
    """phi and phi_t of the same start in NumPy and scipy."""
    grids = [(np.arange(n) / n - 0.5) * length for n, length in zip(SHAPE, BOX, strict=True)]
    k = [2 * np.pi * np.fft.fftfreq(n, length / n) for n, length in zip(SHAPE, BOX, strict=True)]
    square = k[0][:, None] ** 2 + k[1][None] ** 2
    begin = bump(*np.meshgrid(*grids, indexing="ij"))

    def rate(_, y):
        phi, phi_t = y.reshape(2, *SHAPE)
        lap = np.fft.ifft2(-square * np.fft.fft2(phi)).real
        return np.concatenate([phi_t.ravel(), (lap - slope(phi)).ravel()])

    y = np.concatenate([np.ravel(begin["phi"]), np.ravel(begin["phi_t"])])
    found = scipy.integrate.solve_ivp(rate, (0, t), y, "DOP853", rtol=1e-12, atol=1e-12)
    return found.y[:, -1].reshape(2, *SHAPE)


@pytest.mark.parametrize(
    ("potential", "slope"), [("phi4", lambda u: u**3 - u), ("sine_gordon", np.sin)]
)
def test_two_dimensions_agree_with_a_program_in_numpy(potential, slope):
    solver = KleinGordon(n=SHAPE, length=BOX, dt=0.02, potential=potential, initial=bump)
    solver = eqx.tree_at(lambda s: s.dt, solver, jnp.asarray(0.01))
    state = after(solver, 100)
    observed, exact = solver.observe(state), by_hand(slope)
    np.testing.assert_allclose(observed["phi"], exact[0], atol=1e-9)
    np.testing.assert_allclose(observed["phi_t"], exact[1], atol=1e-9)
    now, then = (solver.invariants(each) for each in (state, solver.init(KEY)))
    for name in ("energy", "momentum", "momentum_y"):
        assert float(now[name] - then[name]) == pytest.approx(0, abs=1e-7)
    total = float(jnp.mean(observed["energy_density"])) * 48
    assert total == pytest.approx(float(now["energy"]), rel=1e-5)


@pytest.mark.parametrize(
    ("method", "order", "steps"),
    [
        ("stormer_verlet", 2, 80),
        ("strang", 2, 80),
        ("blanes_moan_4", 4, 40),
        ("blanes_moan_6", 6, 16),
    ],
)
def test_splittings_have_their_order_in_two_dimensions(method, order, steps):

    def found(method, count):
        solver = KleinGordon(
            n=SHAPE, length=BOX, dt=4 / count, potential="phi4", initial=bump, method=method
        )
        return solver.observe(after(solver, count))["phi"]

    exact = found("blanes_moan_6", 160)
    errors = [np.max(np.abs(found(method, count) - exact)) for count in (steps, 2 * steps)]
    assert np.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.15)


@pytest.mark.parametrize(
    "parts",
    [
        dict(potential="phi4", boundary="antiperiodic", initial=Phi4Kink(velocity=0.3)),
        dict(potential="sine_gordon", boundary="winding", initial=SineGordonKink(velocity=0.3)),
    ],
)
def test_a_flat_wall_moves_as_a_kink_does(parts):
    how: Any = dict(dt=0.05, method="strang", probe=1.3) | parts
    line = KleinGordon(n=64, length=30.0, **how)
    plane = KleinGordon(n=(64, 4), length=(30.0, 5.0), **how)
    one, two = after(line, 20), after(plane, 20)
    found = plane.observe(two)
    for name, values in line.observe(one).items():
        flat = found[name] if found[name].ndim < 2 else found[name][:, 1]
        np.testing.assert_allclose(flat, values, atol=1e-12, err_msg=name)
    pairs = line.invariants(one), plane.invariants(two)
    assert float(pairs[1]["energy"]) == pytest.approx(5 * float(pairs[0]["energy"]), rel=1e-12)


def test_walls_hold_standing_waves_in_three_dimensions():
    def standing(x, y, z):
        return jnp.cos(np.pi * (x + 2) / 4) * jnp.cos(2 * np.pi * (y + 1.5) / 3) + 0 * z

    solver = KleinGordon(
        n=(8, 6, 4), length=(4.0, 3.0, 2.0), dt=0.3, boundary="walls", initial=standing, probe=0.4
    )
    state = after(solver, 5)
    omega = np.sqrt(1 + (np.pi / 4) ** 2 + (2 * np.pi / 3) ** 2)
    now = standing(*solver._points()) * np.cos(1.5 * omega)
    observed = solver.observe(state)
    np.testing.assert_allclose(observed["phi"], now, atol=1e-13)
    np.testing.assert_allclose(solver.exact(state.t)["phi"], now, atol=1e-13)
    here = standing(0.4, 0.4, 0.4) * np.cos(1.5 * omega)
    assert float(observed["phi_probe"]) == pytest.approx(float(here), abs=1e-13)
    energy = float(solver.invariants(state)["energy"])
    assert energy == pytest.approx(24 * omega**2 / 8, rel=1e-12)
    assert float(jnp.mean(observed["energy_density"])) * 24 == pytest.approx(energy, rel=1e-12)
    assert not any(axis.periodic for axis in solver.domain().axes)


def test_damping_and_a_uniform_force_are_those_of_an_oscillator():
    solver = KleinGordon(
        n=16, dt=0.05, damping=0.4, forcing=0.7, forcing_frequency=1.3, method="blanes_moan_6",
        initial=PlaneWave(amplitude=0.1, mode=0),
    )  # fmt: skip

    def rate(t, y):
        return [y[1], -y[0] - 0.4 * y[1] + 0.7 * np.cos(1.3 * t)]

    exact = scipy.integrate.solve_ivp(rate, (0, 2), [0.1, 0.0], rtol=1e-12, atol=1e-12)
    found = solver.observe(after(solver, 40))
    np.testing.assert_allclose(found["phi"], exact.y[0, -1], atol=1e-9)
    assert solver.why_irreversible() == "damping takes energy away"


def test_layers_absorb_a_wave_that_leaves():
    """Waves without a mass, which all leave at the speed of light."""
    solver = KleinGordon(
        n=256, length=60.0, dt=0.05, method="strang", potential=Linear(mass=0.0),
        absorbing_width=15.0, initial=lambda x: x * jnp.exp(-(x**2)),
    )  # fmt: skip
    begin = float(solver.observe(solver.init(KEY))["energy"])
    early, late = (float(solver.observe(after(solver, n))["energy"]) for n in (200, 1200))
    assert set(solver.invariants(solver.init(KEY))) == {"topological_charge"}
    assert early == pytest.approx(begin, rel=1e-10) and late < 2e-5 * begin


def test_random_starts_and_given_ones(tmp_path):
    solver = KleinGordon(n=(16, 16), potential="phi4", initial=Random(amplitude=0.2))
    first, other = (solver.init(jax.random.key(i)).phi for i in (0, 1))
    assert float(jnp.max(jnp.abs(first - other))) > 1e-3
    phi = np.random.default_rng(0).normal(size=(6, 4, 4))
    given = KleinGordon(n=(6, 4, 4), initial={"phi": phi, "phi_t": 2 * phi})
    observed = given.observe(given.init(KEY))
    np.testing.assert_allclose(observed["phi"], phi, atol=1e-14)
    np.testing.assert_allclose(observed["phi_t"], 2 * phi, atol=1e-14)
    flat = KleinGordon(
        n=(4, 4), length=[[20, 20], [30, 30]], initial=phi[:2, :, 0][:, :4, None] * [1, 1, 1, 1]
    )
    assert flat.length.shape == (2, 2)
    with pytest.raises(ParameterError, match=r"shape \(6, 4, 4\), allowed: \(6, 4\)"):
        KleinGordon(n=(6, 4), initial=phi)
    wrong: Any
    for wrong, words in (
        (dict(n=(8, 8, 8, 8)), "allowed: 1, 2 or 3"),
        (dict(n=(7, 8), boundary="antiperiodic"), "even number"),
        (dict(damping=0.1, method="dopri8"), "'strang'"),
        (dict(forcing=0.1, boundary="antiperiodic"), "not antiperiodic"),
        (dict(n=(8, 8), length=[1.0, 2.0, 3.0]), "length"),
    ):
        with pytest.raises(ParameterError, match=words):
            KleinGordon(**wrong)


def test_a_run_in_two_dimensions_is_resumed_from_what_was_given(tmp_path):
    run = physent.run(
        KleinGordon(n=(8, 6), length=6.0, dt=0.1, initial=lambda x, y: jnp.cos(x) * jnp.sin(y)),
        t_end=0.2,
        save_every=0.1,
        output=tmp_path / "run",
        diagnostics=[physent.diagnostics.Entropy(of="energy_density")],
    )
    assert run.phi.dims == ("t", "x", "y") and run.momentum_density_y.shape == (3, 8, 6)
    again = physent.load_experiment(tmp_path / "run" / "experiment.toml").solver
    begin = again.observe(again.init(KEY))["phi"]
    np.testing.assert_allclose(begin, run.phi[0], atol=1e-14)


# --------------------------------------------------------------------------------------------------
# kinks


@pytest.mark.parametrize("charge", [1, -1])
def test_kinks_by_quadrature_are_those_with_a_closed_form(charge):
    how: Any = dict(n=128, length=40.0, potential="phi4", boundary="antiperiodic")
    pair = (
        KleinGordon(**how, initial=kind(velocity=0.4, position=0.3, charge=charge)).exact(
            jnp.asarray(1.5)
        )
        for kind in (Kink, Phi4Kink)
    )
    mine, theirs = pair
    np.testing.assert_allclose(mine["phi"], theirs["phi"], atol=1e-12)
    np.testing.assert_allclose(mine["phi_t"], theirs["phi_t"], atol=1e-11)
    how: Any = dict(
        n=128, length=40.0, potential="double_sine_gordon", boundary=Winding(number=charge)
    )
    pair = (
        KleinGordon(**how, initial=kind(velocity=0.4, charge=charge)).exact(jnp.asarray(1.5))
        for kind in (Kink, SineGordonKink)
    )
    mine, theirs = pair
    np.testing.assert_allclose(mine["phi"], theirs["phi"], atol=1e-11)


def test_a_kink_of_ones_own_potential_stands_still():
    """phi^6: from 0 to 1, phi = 1/sqrt(1 + e^(-2 x))... between walls."""

    def law(phi):
        return 0.5 * phi**2 * (1 - phi**2) ** 2

    solver = KleinGordon(
        n=192, length=40.0, dt=0.05, boundary="walls", method="blanes_moan_6",
        potential=CustomPotential(law, vacuum=0.0), initial=Kink(left=0.0, right=1.0),
    )  # fmt: skip
    x = np.asarray(solver._points()[0])
    centre = 0.5 * np.log(1 / 3)  # phi is 1/2 where e^(-2 x) = 3
    exact = 1 / np.sqrt(1 + np.exp(-2 * (x + centre)))
    begin, end = (solver.observe(each)["phi"] for each in (solver.init(KEY), after(solver, 20)))
    np.testing.assert_allclose(begin, exact, atol=1e-8)
    np.testing.assert_allclose(end, begin, atol=1e-7)
    mass = float(solver.invariants(solver.init(KEY))["energy"])
    assert mass == pytest.approx(0.25, abs=1e-7)  # int_0^1 phi (1 - phi^2) dphi
    with pytest.raises(ParameterError, match="allowed: 'walls'"):
        KleinGordon(potential="phi4", initial=Kink(left=-1.0, right=1.0))


def test_internal_modes_of_kinks():
    kink = KleinGordon(
        n=128, length=30.0, potential=Phi4(coupling=2.0), boundary="antiperiodic", initial=Kink()
    )
    modes = internal_modes(kink, 3)  # translation, shape, continuum from 4
    assert modes.residual < 1e-7
    np.testing.assert_allclose(modes.squares[:2], [0, 3], atol=1e-8)
    assert modes.squares[2] > 4 and modes.shapes.shape == (3, 128)
    with pytest.raises(ParameterError, match="at rest"):
        internal_modes(
            KleinGordon(n=64, potential="phi4", boundary="antiperiodic", initial=Kink(velocity=0.1))
        )


# --------------------------------------------------------------------------------------------------
# a complex field


def test_a_complex_field_keeps_energy_and_charge():
    def turning(x, y):
        bump = 0.2 * jnp.cos(2 * jnp.pi * x / 6) + 0.1 * jnp.sin(2 * jnp.pi * y / 6)
        return {"phi": 1 + bump + 0j, "phi_t": 0.3j * (1 + bump)}

    solver = ComplexKleinGordon(n=(12, 12), length=6.0, dt=0.05, initial=turning)
    begin, end = (solver.invariants(each) for each in (solver.init(KEY), after(solver, 40)))
    assert float(begin["charge"]) > 10
    for name, atol in (("energy", 1e-6), ("charge", 1e-9)):
        assert float(end[name] - begin[name]) == pytest.approx(0, abs=atol)


def test_a_uniform_complex_field_turns():
    """phi = R e^(i w t) with w^2 = (lambda/2) (R^2 - v^2)."""
    omega = np.sqrt(1.0 * (1.2**2 - 1))
    solver = ComplexKleinGordon(
        n=8, length=6.0, dt=0.02, method="blanes_moan_6",
        initial=lambda x: {"phi": 1.2 + 0j * x, "phi_t": 1.2j * omega + 0 * x},
    )  # fmt: skip
    found = solver.observe(after(solver, 50))["phi"]
    np.testing.assert_allclose(found, 1.2 * np.exp(1j * omega), atol=1e-9)
