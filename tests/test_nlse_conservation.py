"""Conserved quantities and symmetries of the nonlinear Schroedinger equation, in the published
cases and beyond.
"""

import tomllib
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from trajectory import advance, rows, start

from physent.solvers.nlse import (
    NLSE,
    Akhmediev,
    GaussianNoise,
    Lattice,
    ModulatedSech,
    NLSEState,
    Soliton,
    Solitons,
)

pytestmark = pytest.mark.slow  # minutes of compilation in all

CASES = Path(__file__).parents[1] / "experiments" / "nlse"
INITIAL = {
    "single_soliton": Soliton(amplitude=2.0, position=-10.0, velocity=1.0),
    "two_soliton": Solitons(amplitude=[2.0, 1.5], position=[-10.0, 10.0], velocity=[2.0, -2.0]),
    "breather": ModulatedSech(amplitude=1.0, frequency=0.5, modulation=0.5),
    "modulation_instability": GaussianNoise(amplitude=1.0, width=5.0, noise=0.01, seed=42),
}


def case(name):
    """The solver of an experiment file and its number of steps between saved rows."""
    experiment = tomllib.loads((CASES / f"{name}.toml").read_text())
    given, run = experiment["solver"], experiment["run"]
    solver = NLSE(
        n=given["n"],
        length=given["length"],
        dt=given["dt"],
        method=given["method"],
        initial=INITIAL[name],
    )
    assert run["t_end"] == 20
    assert run["save_every"] == pytest.approx(20 / 99, rel=1e-12)
    return solver, round(run["save_every"] / given["dt"])


@pytest.mark.parametrize(
    ("name", "energy_bar"),
    [
        ("single_soliton", 1e-9),
        ("two_soliton", 1e-9),
        ("breather", 1e-9),
        ("modulation_instability", 1e-7),
    ],
)
def test_mass_and_energy_over_the_published_cases(name, energy_bar, record_number):
    solver, steps = case(name)
    _, invariants = rows(solver, 99, steps)
    drift = {
        key: np.max(np.abs(value - value[0])) / np.abs(value[0])
        for key, value in invariants.items()
    }
    record_number(
        f"{name}, t = 20: relative drift of the mass", drift["mass"], at_most=1e-11, repeats=10
    )
    record_number(
        f"{name}, t = 20: relative drift of the energy", drift["energy"], at_most=energy_bar
    )


def test_invariants_of_a_soliton():
    # mass 2A, momentum 2Av, energy A v^2 - A^3/3
    solver = NLSE(initial=INITIAL["single_soliton"])
    invariants = solver.invariants(start(solver))
    assert float(invariants["mass"]) == pytest.approx(4, abs=1e-12)
    assert float(invariants["momentum"]) == pytest.approx(4, abs=1e-11)
    assert float(invariants["energy"]) == pytest.approx(2 - 8 / 3, abs=1e-11)


def test_invariants_of_two_solitons():
    solver = NLSE(initial=INITIAL["two_soliton"])
    invariants = solver.invariants(start(solver))
    assert [float(invariants[key]) for key in ("mass", "momentum", "energy")] == pytest.approx(
        [7, 2, 10.208333333333], abs=1e-8
    )


def test_energy_with_a_potential():
    solver = NLSE(
        n=256, length=40.0, dt=0.005, potential=Lattice(depth=0.3, periods=4, phase=0.2),
        initial=Soliton(amplitude=1.0, velocity=0.3),
    )  # fmt: skip
    _, invariants = rows(solver, 10, 100)
    assert set(invariants) == {"mass", "energy"}
    energy = np.asarray(invariants["energy"])
    assert np.max(np.abs(energy - energy[0])) < 1e-9 * np.abs(energy[0])


def test_sums_of_the_observables_are_the_invariants():
    solver = NLSE(
        n=256,
        length=40.0,
        initial=Solitons(),
        potential=Lattice(depth=0.3, periods=3),
        dispersion=0.7,
    )
    state = advance(solver, 30)
    observed, invariants = jax.jit(lambda state: (solver.observe(state), solver.invariants(state)))(
        state
    )
    spacing = 40.0 / 256
    assert float(jnp.sum(observed["density"])) * spacing == pytest.approx(
        float(invariants["mass"]), rel=1e-12
    )
    assert float(jnp.sum(observed["energy_density"])) * spacing == pytest.approx(
        float(invariants["energy"]), rel=1e-9
    )


def test_continuity_of_the_density():
    # density_t + current_x = 0, by a centred difference in time
    solver = NLSE(
        n=512,
        length=40.0,
        dt=1e-3,
        dispersion=0.8,
        method="blanes_moan_6",
        initial=Solitons(phase=[0.0, 1.0]),
    )
    states, _ = rows(solver, 2, 1, advance(solver, 1000))
    observed = jax.jit(jax.vmap(solver.observe))(states)
    rate = np.asarray(observed["density"][2] - observed["density"][0]) / 2e-3
    k = 2 * np.pi * np.fft.fftfreq(512, 40 / 512)
    divergence = np.fft.ifft(1j * k * np.fft.fft(observed["current"][1])).real
    assert np.max(np.abs(rate)) > 1
    assert np.max(np.abs(rate + divergence)) < 1e-3


@pytest.mark.parametrize("method", ["strang", "blanes_moan_4", "blanes_moan_6"])
def test_splitting_is_reversible_in_time(method):
    # psi(t) solves the equation, and so does the conjugate of psi(-t)
    solver = NLSE(length=40.0, dt=0.01, method=method, initial=ModulatedSech())
    first, last = start(solver), advance(solver, 200)
    back = advance(solver, 200, NLSEState(t=last.t, psi=jnp.conj(last.psi)))
    assert np.max(np.abs(np.conj(back.psi) - first.psi)) < 1e-10


@pytest.mark.parametrize("method", ["strang", "blanes_moan_4", "etdrk4", "dopri8"])
def test_a_turned_phase_stays_turned(method):
    solver = NLSE(length=40.0, dt=0.01, method=method, initial=ModulatedSech())
    state, turn = start(solver), np.exp(1.234j)
    turned = eqx.tree_at(lambda state: state.psi, state, state.psi * turn)
    assert np.max(np.abs(advance(solver, 50, turned).psi - turn * advance(solver, 50).psi)) < 1e-11


@pytest.mark.parametrize("mode", [-5, 3])
def test_galilean_invariance(mode):
    # psi(x - v t, t) e^{i(v x - v^2 t/2)} with a carrier that fits the box; v t a whole number of
    # grid spacings
    n, length = 512, 40.0
    velocity = 2 * np.pi * mode / length
    t = 32 * length / n / abs(velocity)
    solver = NLSE(
        n=n, length=length, dt=t / 1600, initial=GaussianNoise(width=2.0, noise=0.0, seed=0)
    )
    x = np.asarray(solver.domain()["x"].points)
    state = start(solver)
    at_rest = np.asarray(advance(solver, 1600).psi)
    moving = advance(solver, 1600, NLSEState(t=state.t, psi=state.psi * jnp.exp(1j * velocity * x)))
    expected = np.roll(at_rest, 32 * np.sign(mode)) * np.exp(
        1j * (velocity * x - velocity**2 * t / 2)
    )
    assert np.max(np.abs(moving.psi - expected)) < 1e-8


def test_translation_by_a_grid_point_is_exact():
    solver = NLSE(length=40.0, initial=ModulatedSech())
    state = start(solver)
    moved = advance(solver, 100, NLSEState(t=state.t, psi=jnp.roll(state.psi, 5)))
    assert np.max(np.abs(moved.psi - np.roll(advance(solver, 100).psi, 5))) < 1e-12


def test_exact_dealiasing_conserves_momentum_where_aliasing_does_not():
    # a coarse grid: the projected equation is Hamiltonian and translation invariant, the collocated
    # one is not
    def drift(method, dealias):
        initial = Solitons(amplitude=[1.0, 0.8], position=[-5.0, 5.0], velocity=[1.0, -1.0])
        solver = NLSE(n=64, length=40.0, dt=0.02, method=method, dealias=dealias, initial=initial)
        momentum = np.asarray(rows(solver, 10, 50)[1]["momentum"])
        return np.max(np.abs(momentum - momentum[0]))

    assert drift("dopri8", "exact") < 1e-9
    assert drift("blanes_moan_4", "none") > 1e-6


def test_the_filter_removes_the_short_waves_and_leaves_the_long():
    noisy = NLSE(n=128, length=40.0, method="strang", initial=GaussianNoise(noise=0.01, seed=1))
    filtered = NLSE(n=128, length=40.0, method="strang", dealias="filter", initial=noisy.initial)
    k = np.abs(np.fft.fftfreq(128, 1 / 128))
    plain, damped = (np.abs(np.fft.fft(advance(solver, 1).psi)) for solver in (noisy, filtered))
    assert np.max(damped[k > 48]) < 1e-10 < np.min(plain[k > 48])
    assert np.max(np.abs(damped - plain)[k < 20]) < 1e-10


def test_a_breather_is_unstable_as_its_background_is():
    # errors grow at rates up to 1 per unit of time, the reason why breathers are compared over
    # short times only
    solver = NLSE(n=128, length=4 * np.pi, dt=0.005, initial=Akhmediev(start=-4.0))
    state = start(solver)
    x = np.asarray(solver.domain()["x"].points)
    moved = eqx.tree_at(lambda state: state.psi, state, state.psi * (1 + 1e-9 * jnp.cos(1.5 * x)))
    difference = np.max(np.abs(advance(solver, 600, moved).psi - advance(solver, 600).psi))
    assert 1e-9 * np.exp(2) < difference < 1e-9 * np.exp(4)
