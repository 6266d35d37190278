"""The solver against closed-form solutions: solitons, collisions, breathers, bound states, growth
rates.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import least_squares
from trajectory import advance, exact, rows

from physent.solvers.nlse import (
    NLSE,
    Akhmediev,
    BoundState,
    Harmonic,
    KuznetsovMa,
    Lattice,
    NLSEState,
    Peregrine,
    PlaneWave,
    Soliton,
    Solitons,
)

SINGLE = Soliton(amplitude=2.0, position=-10.0, velocity=1.0)


def modulus_error(solver, state):
    return np.max(np.abs(np.abs(state.psi) - np.abs(exact(solver, state.t))))


def error(solver, state):
    return np.max(np.abs(np.asarray(state.psi) - np.asarray(exact(solver, state.t))))


@pytest.mark.parametrize(
    ("method", "steps", "bar"),
    [("blanes_moan_4", 1980, 1e-8), ("blanes_moan_6", 990, 1e-9), ("dopri8", 99, 1e-9)],
)
def test_single_soliton_to_t_20(method, steps, bar, record_number):
    solver = NLSE(method=method, dt=20 / steps, initial=SINGLE)
    state = advance(solver, steps)
    assert float(state.t) == pytest.approx(20, abs=1e-11)
    what = f"single soliton at t = 20, {method}, {steps} steps: largest error of |psi|"
    record_number(what, modulus_error(solver, state), at_most=bar)


@pytest.mark.parametrize(("dispersion", "nonlinearity"), [(0.5, 1.0), (1.3, 0.7), (-0.4, -2.0)])
def test_soliton_in_any_focusing_medium_goes_round_the_box(dispersion, nonlinearity):
    length = 60.0
    solver = NLSE(
        length=length,
        dt=0.0025,
        dispersion=dispersion,
        nonlinearity=nonlinearity,
        initial=Soliton(
            amplitude=1.5,
            position=25.0,
            velocity=dispersion * 2 * (2 * np.pi * 12 / length),
            phase=0.3,
        ),
    )
    state = advance(solver, 4000)
    assert (
        abs(float(solver.initial.velocity) * 10) > 5  # pyright: ignore[reportAttributeAccessIssue]
    )  # it has crossed the edge at 30, or started back from it
    assert error(solver, state) < 1e-7


def fitted(x, psi, velocity, amplitude, centre):
    """The centre and the phase of a soliton, by least squares over |x - centre| < 3."""
    near = np.abs(x - centre) < 3
    x, psi = x[near], psi[near]

    def residual(p):
        model = amplitude / np.cosh(amplitude * (x - p[0])) * np.exp(1j * (velocity * x + p[1]))
        return np.concatenate([(model - psi).real, (model - psi).imag])

    carrier = np.angle(np.sum(psi * np.exp(-1j * velocity * x)))
    return least_squares(residual, [centre, carrier], xtol=1e-15, ftol=1e-15, gtol=1e-15).x


@pytest.mark.slow
def test_two_solitons_come_out_shifted_as_the_inverse_scattering_transform_says(record_number):
    # V. E. Zakharov, A. B. Shabat (1972); for v1 > v2 and the soliton 1 coming from the left
    t, (a1, a2), (v1, v2), (x1, x2) = 10.0, (2.0, 1.5), (2.0, -2.0), (-10.0, 10.0)
    dv = v1 - v2
    total = np.log((dv**2 + (a1 + a2) ** 2) / (dv**2 + (a1 - a2) ** 2))
    plus, minus = np.arctan2(a1 + a2, dv), np.arctan2(a1 - a2, dv)

    solver = NLSE(n=1024, dt=0.0025, method="blanes_moan_6", initial=Solitons())
    psi = np.asarray(advance(solver, 4000).psi)
    x = np.asarray(solver.domain()["x"].points)
    centre_1, phase_1 = fitted(x, psi, v1, a1, x1 + v1 * t + total / a1)
    centre_2, phase_2 = fitted(x, psi, v2, a2, x2 + v2 * t - total / a2)

    def between(phase):
        return (phase + np.pi) % (2 * np.pi) - np.pi

    record_number(
        "collision: shift of the soliton with A = 2",
        centre_1 - (x1 + v1 * t),
        exact=total / a1,
        within=1e-6,
    )
    record_number(
        "shift of the one with A = 1.5", centre_2 - (x2 + v2 * t), exact=-total / a2, within=1e-6
    )
    free_1, free_2 = (a1**2 - v1**2) * t / 2, (a2**2 - v2**2) * t / 2
    turned_1, turned_2 = 2 * (plus - minus), 2 * (plus + minus)
    gap_1, gap_2 = between(phase_1 - free_1 - turned_1), between(phase_2 - free_2 - turned_2)
    record_number("phase shift of the first", gap_1 + turned_1, exact=turned_1, within=1e-6)
    record_number("phase shift of the second", gap_2 + turned_2, exact=turned_2, within=1e-6)


def test_growth_of_the_modulation_instability(record_number):
    solver = NLSE(
        initial=PlaneWave(perturbation="cosine", perturbation_mode=11, perturbation_amplitude=1e-8)
    )
    states, _ = rows(solver, 90, 10)
    t, mode = np.asarray(states.t), np.abs(np.fft.fft(np.asarray(states.psi), axis=-1)[:, 11])
    window = (t > 4.95) & (t < 9.05)
    rate = np.polyfit(t[window], np.log(mode[window]), 1)[0]
    k = 2 * np.pi * 11 / 50
    exact_rate = k * np.sqrt(1 - k**2 / 4)
    record_number(
        "growth rate of the modulation instability, m = 11",
        rate,
        exact=exact_rate,
        within=1e-5 * exact_rate,
    )


def test_a_wave_shorter_than_the_cut_off_does_not_grow():
    solver = NLSE(
        initial=PlaneWave(perturbation="cosine", perturbation_mode=17, perturbation_amplitude=1e-8)
    )
    states, _ = rows(solver, 90, 10)
    mode = np.abs(np.fft.fft(np.asarray(states.psi), axis=-1)[:, 17]) / 512
    assert mode.max() < 2e-8


def test_plane_wave_without_perturbation_is_exact():
    solver = NLSE(
        dispersion=0.8, nonlinearity=-1.5, initial=PlaneWave(amplitude=1.2, mode=-3), dt=0.01
    )
    assert error(solver, advance(solver, 200)) < 1e-11


PERIOD = 2 * np.pi / np.sqrt(8)


@pytest.mark.parametrize(
    ("solver", "count", "steps", "bar", "peak"),
    [
        (
            NLSE(n=256, length=4 * np.pi, dt=0.005, initial=Akhmediev(a=0.375, start=-4.0)),
            50,
            32,
            2e-9,
            1 + 3**0.5,
        ),
        (
            NLSE(n=1024, length=30.0, dt=PERIOD / 2000, initial=KuznetsovMa(a=1.0)),
            50,
            40,
            1e-9,
            1 + 8**0.5,
        ),
        (
            NLSE(n=1024, length=50.0, dt=np.pi / 2000, initial=BoundState(order=2)),
            50,
            20,
            1e-8,
            4.0,
        ),
    ],
    ids=["akhmediev", "kuznetsov_ma", "bound_state"],
)
def test_breathers_and_bound_states(solver, count, steps, bar, peak, record_number):
    states, _ = rows(solver, count, steps)
    psi = np.asarray(states.psi)
    name = type(solver.initial).__name__
    record_number(
        f"{name}: largest error of psi", np.max(np.abs(psi - exact(solver, states.t))), at_most=bar
    )
    record_number(f"{name}: highest |psi|", np.max(np.abs(psi)), exact=peak, within=1e-8)


def test_peregrine_soliton_rises_to_three_times_its_background(record_number):
    # it is not periodic: only the peak, reached before the edge is felt there, is compared
    solver = NLSE(n=1024, length=100.0, dt=0.004, initial=Peregrine(start=-2.0))
    psi = np.asarray(advance(solver, 500).psi)
    record_number("Peregrine: highest |psi|", np.abs(psi).max(), exact=3, within=1e-6)
    assert np.abs(psi).argmax() == 512


def test_bound_state_of_three_has_the_period_of_two():
    # every N sech x repeats after pi/2 in |psi|: J. Satsuma, N. Yajima (1974)
    solver = NLSE(
        n=1024,
        length=40.0,
        dt=np.pi / 2 / 4000,
        method="blanes_moan_4",
        initial=BoundState(order=3),
    )
    first, middle, later = (np.abs(advance(solver, steps).psi) for steps in (0, 2000, 4000))
    assert np.max(np.abs(later - first)) < 1e-5
    assert np.max(np.abs(middle - first)) > 0.5


@pytest.mark.parametrize(
    ("initial", "length"),
    [
        (Soliton(amplitude=1.7, position=0.4, velocity=0.9, phase=0.2), 60.0),
        (BoundState(order=2, amplitude=0.8, position=1.0), 60.0),
        (
            Akhmediev(a=0.3, amplitude=1.3, start=-0.7),
            float(4 * np.pi / (1.3 * 2 * np.sqrt(0.4 * 1.3 / 1.6))),
        ),
        (KuznetsovMa(a=0.8, amplitude=0.9, start=0.3), 60.0),
        (Peregrine(amplitude=1.1, start=0.2), 60.0),
        (PlaneWave(amplitude=0.7, mode=2), 60.0),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, float) else "",
)
def test_closed_forms_satisfy_the_equation(initial, length):
    """i psi_t + beta psi_xx + g |psi|^2 psi = 0, with derivatives by automatic differentiation at
    single points.
    """
    solver = NLSE(n=64, length=length, dispersion=0.8, nonlinearity=1.3, initial=initial)
    medium = solver.medium

    def psi(x, t):
        return initial.evolved(x[None], t, medium)[0]

    def residual(x, t):
        real, imag = (lambda x, t: psi(x, t).real), (lambda x, t: psi(x, t).imag)
        psi_t = jax.grad(real, 1)(x, t) + 1j * jax.grad(imag, 1)(x, t)
        psi_xx = jax.grad(jax.grad(real))(x, t) + 1j * jax.grad(jax.grad(imag))(x, t)
        value = psi(x, t)
        return 1j * psi_t + 0.8 * psi_xx + 1.3 * jnp.abs(value) ** 2 * value

    x, t = np.random.default_rng(3).uniform([[-5.0], [0.0]], [[5.0], [2.0]], (2, 40))
    assert np.max(np.abs(jax.jit(jax.vmap(residual))(jnp.asarray(x), jnp.asarray(t)))) < 1e-11


def test_no_exact_solution_where_none_is_known():
    def known(**parameters):
        return set(jax.eval_shape(NLSE(n=64, **parameters).exact, jnp.asarray(0.0)))

    assert known(initial=Solitons()) == known(initial=BoundState(order=3)) == set()
    assert known(initial=SINGLE, potential=Lattice(depth=0.1)) == set()
    assert known(initial=SINGLE) == {"psi", "density"}


def test_ground_state_of_a_trap_only_turns_its_phase():
    # g = 0: the oscillator's ground state, energy omega/2, in V = omega^2 x^2/2
    solver = NLSE(
        n=128,
        length=20.0,
        dt=0.01,
        nonlinearity=0.0,
        potential=Harmonic(frequency=1.0),
        initial=PlaneWave(),
    )
    x = solver.domain()["x"].points
    ground = np.exp(-(np.asarray(x) ** 2) / 2).astype(complex)
    state = advance(solver, 300, NLSEState(t=jnp.zeros(()), psi=jnp.asarray(ground)))
    assert np.max(np.abs(state.psi - ground * np.exp(-1j * 3.0 / 2))) < 1e-8
