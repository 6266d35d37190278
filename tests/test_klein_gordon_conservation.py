"""Conserved quantities and symmetries of the Klein-Gordon equation."""

import equinox as eqx
import jax
import numpy as np
import pytest
from trajectory import advance, rows, start

from physent.solvers.klein_gordon import (
    Antiperiodic,
    Breather,
    DoubleSineGordon,
    Gaussian,
    KinkAntikink,
    KleinGordon,
    Phi4,
    Phi4Kink,
    Sampled,
    SineGordon,
    SineGordonKink,
    Winding,
)

pytestmark = pytest.mark.slow  # minutes of compilation in all

MOVING = {
    "periodic": (SineGordon(), None, Breather(velocity=0.4)),
    "antiperiodic": (Phi4(), Antiperiodic(), Phi4Kink(velocity=0.5)),
    "winding": (SineGordon(), Winding(), SineGordonKink(velocity=0.5)),
}


def solver(potential, boundary, initial, **settings):
    kept = {} if boundary is None else {"boundary": boundary}
    return KleinGordon(
        potential=potential, initial=initial, **kept, **{"n": 256, "length": 60.0} | settings
    )


@pytest.mark.parametrize("sector", MOVING)
def test_energy_momentum_and_charge_in_every_sector(sector, record_number):
    _, invariants = rows(solver(*MOVING[sector], dt=0.05), 20, 20)
    assert set(invariants) == {"energy", "momentum", "topological_charge"}
    energy, momentum = np.asarray(invariants["energy"]), np.asarray(invariants["momentum"])
    drift = np.max(np.abs(energy / energy[0] - 1))
    record_number(f"{sector}, t = 20: relative drift of the energy", drift, at_most=1e-9)
    assert np.max(np.abs(momentum / momentum[0] - 1)) < 1e-8
    assert set(np.asarray(invariants["topological_charge"])) == {
        {"periodic": 0, "antiperiodic": 1, "winding": 1}[sector]
    }


def test_energy_is_the_sum_of_its_density():
    for sector in MOVING.values():
        case = solver(*sector, n=512)

        @eqx.filter_jit
        def both(case):
            state = case.init(jax.random.key(0))
            return case.observe(state), case.invariants(state)

        observed, invariants = both(case)
        for name in ("energy", "momentum"):
            total = 60.0 * np.mean(observed[f"{name}_density"])
            assert total == pytest.approx(float(invariants[name]), rel=1e-10)


@pytest.mark.parametrize("method", ["stormer_verlet", "strang", "blanes_moan_4"])
def test_the_energy_has_no_trend(method, record_number):
    """20,000 steps: the slope of a line through the energy is zero within three times its error."""
    case = solver(
        SineGordon(), None, Breather(frequency=0.6), n=128, length=40.0, dt=0.08, method=method
    )
    _, invariants = rows(case, 400, 50)
    energy = np.asarray(invariants["energy"])
    drift, t = energy / energy[0] - 1, np.linspace(0, 1, len(energy))
    fit, covariance = np.polyfit(t, drift, 1, cov=True)
    residual = drift - np.polyval(fit, t)
    correlation = np.corrcoef(residual[:-1], residual[1:])[0, 1]
    error = np.sqrt(covariance[0, 0] * max(1.0, (1 + correlation) / (1 - correlation)))
    assert abs(fit[0]) < 3 * error + 1e-13
    bar = {"stormer_verlet": 2e-3, "strang": 2e-2, "blanes_moan_4": 1e-8}[method]
    record_number(
        f"breather, {method}, 20,000 steps: largest drift of the energy",
        np.max(np.abs(drift)),
        at_most=bar,
    )


def reversed_state(state):
    return eqx.tree_at(lambda state: state.phi_t, state, -state.phi_t)


@pytest.mark.parametrize("method", ["stormer_verlet", "blanes_moan_4", "blanes_moan_6"])
def test_time_reversal_returns_to_the_start(method):
    """Through a collision, there and back."""
    case = solver(
        Phi4(),
        None,
        KinkAntikink(separation=8.0, velocity=0.4),
        n=256,
        length=60.0,
        dt=0.05,
        method=method,
    )
    there = advance(case, 400)
    assert int(there.bounces) == 1
    back = reversed_state(advance(case, 400, reversed_state(there)))
    first, last = case.observe(start(case)), case.observe(back)
    for name in ("phi", "phi_t"):
        assert np.max(np.abs(first[name] - last[name])) < 1e-9


def test_parity():
    """A field mirrored at x = 0 evolves into the mirrored field."""
    x = np.linspace(-30, 30, 256, endpoint=False)
    phi, phi_t = np.exp(-((x - 3) ** 2) / 4), 0.3 * x * np.exp(-((x + 2) ** 2))
    mirrored = np.roll(phi[::-1], 1), np.roll(phi_t[::-1], 1)
    one = solver(DoubleSineGordon(), None, Sampled(phi=phi, phi_t=phi_t), dt=0.1)
    two = solver(DoubleSineGordon(), None, Sampled(phi=mirrored[0], phi_t=mirrored[1]), dt=0.1)
    first, second = (case.observe(advance(case, 100)) for case in (one, two))
    for name in ("phi", "phi_t"):
        assert np.max(np.abs(np.roll(np.asarray(first[name])[::-1], 1) - second[name])) < 1e-11


def test_an_even_state_stays_even():
    case = solver(Phi4(), None, KinkAntikink(separation=10.0, velocity=0.3), dt=0.1)
    phi = np.asarray(case.observe(advance(case, 300))["phi"])
    assert np.max(np.abs(np.roll(phi[::-1], 1) - phi)) < 1e-10


def test_a_boosted_breather_is_the_breather_seen_from_a_moving_frame():
    """Two runs, one at rest and one boosted: on the line of the centre x = v t the clocks run
    slower by gamma.
    """
    velocity, gamma = 0.6, 1.25
    settings = dict(n=512, length=80.0)
    rest = solver(SineGordon(), None, Breather(phase=0.4), dt=0.05, **settings)
    moving = solver(
        SineGordon(),
        None,
        Breather(phase=0.4, velocity=velocity),
        dt=0.05 * gamma,
        probe=velocity * 16 * gamma,
        **settings,
    )
    at_rest, boosted = (
        advance(rest, 320),
        advance(moving, 320),
    )  # proper times of 16, at x = 0 and at x = v 16 gamma
    assert abs(float(at_rest.probe)) > 0.5
    assert float(boosted.probe) == pytest.approx(float(at_rest.probe), abs=1e-6)
    energies = [
        float(case.invariants(state)["energy"])
        for case, state in ((rest, at_rest), (moving, boosted))
    ]
    assert energies[1] == pytest.approx(gamma * energies[0], rel=1e-8)


def test_a_wave_off_the_vacuum_of_a_gaussian_runs_both_ways():
    """A bump at rest has no momentum and gets none."""
    _, invariants = rows(
        solver(Phi4(), None, Gaussian(amplitude=0.5, position=4.0), dt=0.05), 5, 40
    )
    assert np.max(np.abs(invariants["momentum"])) < 1e-10
