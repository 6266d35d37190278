"""The Klein-Gordon solver against closed-form solutions, and those against the equation they
solve.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from trajectory import advance, start

from physent.solvers.klein_gordon import (
    Antiperiodic,
    Breather,
    DoubleSineGordon,
    Gaussian,
    KinkAntikink,
    KleinGordon,
    Linear,
    Phi4,
    Phi4Kink,
    PlaneWave,
    Sampled,
    SineGordon,
    SineGordonKink,
    TwoKink,
    Winding,
)

SOLUTIONS = {
    "phi4_kink": (
        Phi4(coupling=1.7, vacuum=0.8),
        Antiperiodic(),
        Phi4Kink(velocity=0.4, position=1.3),
    ),
    "phi4_antikink": (
        Phi4(coupling=0.6, vacuum=1.4),
        Antiperiodic(),
        Phi4Kink(velocity=-0.7, charge=-1),
    ),
    "kink": (SineGordon(), Winding(), SineGordonKink(velocity=0.5, position=-2.0)),
    "antikink": (SineGordon(), Winding(number=-1), SineGordonKink(velocity=0.3, charge=-1)),
    "double_sine_gordon_kink": (DoubleSineGordon(eta=0.8), Winding(), SineGordonKink(velocity=0.2)),
    "breather": (
        SineGordon(),
        None,
        Breather(frequency=0.6, velocity=0.5, phase=0.7, position=3.0),
    ),
    "two_kink": (SineGordon(), Winding(number=2), TwoKink(velocity=0.4, meeting=3.0)),
    "kink_through_antikink": (
        SineGordon(),
        None,
        TwoKink(velocity=0.4, meeting=3.0, charges="opposite"),
    ),
    "plane_wave": (Linear(mass=0.7), None, PlaneWave(mode=3, phase=0.2)),
    "half_integer_plane_wave": (Linear(mass=0.7), Antiperiodic(), PlaneWave(mode=-3)),
}


def solver(potential, boundary, initial, **settings):
    kept = {} if boundary is None else {"boundary": boundary}
    return KleinGordon(
        potential=potential, initial=initial, **kept, **{"n": 256, "length": 60.0} | settings
    )


@eqx.filter_jit
def error(solver, state):
    """The largest error of phi and of phi_t."""
    exact, observed = solver.exact(state.t), solver.observe(state)
    return jnp.max(jnp.stack([jnp.abs(exact[name] - observed[name]) for name in ("phi", "phi_t")]))


@pytest.mark.parametrize("name", SOLUTIONS)
def test_every_closed_form_solves_the_equation(name):
    """phi_tt - phi_xx + V'(phi) by automatic differentiation, at points off the grid."""
    case = solver(*SOLUTIONS[name])
    medium = case._medium()

    def phi(x, t):
        return case.initial.field(x[None], t, medium)[0]

    def residual(x, t):
        return (
            jax.grad(jax.grad(phi, 1), 1)(x, t)
            - jax.grad(jax.grad(phi))(x, t)
            + case.potential.slope(phi(x, t))
        )

    x, t = jnp.linspace(-14.03, 13.98, 41), jnp.asarray([0.0, 4.3])
    residuals = jax.jit(jax.vmap(jax.vmap(residual, (0, None)), (None, 0)))(x, t)
    assert np.max(np.abs(residuals)) < 1e-12


@pytest.mark.parametrize(
    "name", ["phi4_antikink", "double_sine_gordon_kink", "two_kink", "kink_through_antikink"]
)
def test_a_closed_form_is_followed_by_the_solver(name):
    case = solver(*SOLUTIONS[name], n=512, length=80.0, dt=0.05)
    assert error(case, start(case)) < 1e-12
    assert error(case, advance(case, 160)) < 3e-8


@pytest.mark.parametrize("boundary", [None, Antiperiodic()])
def test_a_linear_field_follows_each_of_its_modes(boundary, record_number):
    """To t = 50, against a transform of twice the box, where the fields of both sectors are
    periodic.
    """
    length, n, mass, t = 60.0, 512, 1.0, 50.0
    case = solver(
        Linear(mass=mass),
        boundary,
        Gaussian(amplitude=1.0, width=2.0, position=-25.0),
        n=n,
        dt=0.05,
    )
    state = advance(case, 1000)
    x = (np.arange(2 * n) / n - 1) * length
    sign = 1 if boundary is None else -1
    twice = np.exp(-(((x + 25) / 2) ** 2)) + sign * np.exp(-(((x - 35) / 2) ** 2))
    omega = np.hypot(2 * np.pi * np.fft.fftfreq(2 * n, length / n), mass)
    later = np.fft.ifft(np.cos(omega * t) * np.fft.fft(twice)).real
    phi = case.observe(state)["phi"]
    centred = later[n // 2 : 3 * n // 2]
    what = (
        f"linear wave at t = 50, {'periodic' if boundary is None else 'antiperiodic'}: largest "
        "error of phi"
    )
    record_number(what, np.max(np.abs(phi - centred)), at_most=1e-11, repeats=10)
    assert error(case, state) <= 1e-11


@pytest.mark.slow
def test_any_initial_condition_is_exact_with_a_linear_potential():
    x = np.linspace(-30, 30, 256, endpoint=False)
    initial = Sampled(phi=np.exp(-(x**2)), phi_t=x * np.exp(-((x - 3) ** 2)))
    case = solver(Linear(mass=0.0), None, initial, dt=0.4)
    assert set(case.exact(jnp.asarray(1.0))) == {"phi", "phi_t"}
    assert error(case, advance(case, 25)) < 1e-11
    # with no mass the mean of phi grows as that of phi_t says
    mean = [
        float(np.mean(case.observe(state)["phi"])) for state in (start(case), advance(case, 25))
    ]
    assert mean[1] - mean[0] == pytest.approx(10 * float(np.mean(initial.phi_t)), rel=1e-11)  # pyright: ignore[reportArgumentType, reportCallIssue]


def test_what_is_no_solution_has_no_exact_field():
    assert solver(Phi4(), None, KinkAntikink()).exact(jnp.asarray(1.0)) == {}
    assert solver(SineGordon(), None, Gaussian()).exact(jnp.asarray(1.0)) == {}


@pytest.mark.parametrize(
    ("settings", "steps", "bar"),
    [
        (dict(method="blanes_moan_4"), 1600, 1e-7),
        (dict(method="blanes_moan_6"), 1600, 1e-10),
        pytest.param(
            dict(method="dopri8", rtol=1e-13, atol=1e-14), 160, 1e-10, marks=pytest.mark.slow
        ),
    ],
)
def test_breather_to_t_80(settings, steps, bar, record_number):
    case = solver(SineGordon(), None, Breather(), n=512, length=80.0, dt=80 / steps, **settings)
    what = (
        f"breather at t = 80, {settings['method']}, {steps} steps: largest error of phi and phi_t"
    )
    record_number(what, error(case, advance(case, steps)), at_most=bar)


def test_breather_reaches_its_largest_value():
    case = solver(SineGordon(), None, Breather(phase=np.pi / 2))
    assert float(start(case).probe) == pytest.approx(4 * np.pi / 3, rel=1e-12)


def test_moving_phi4_kink_to_t_50(record_number):
    case = solver(Phi4(), Antiperiodic(), Phi4Kink(velocity=0.5, position=-12.5), dt=0.05)
    record_number(
        "phi^4 kink, v = 0.5, at t = 50: largest error",
        error(case, advance(case, 1000)),
        at_most=1e-8,
    )


def test_moving_sine_gordon_kink_to_t_50(record_number):
    initial = SineGordonKink(velocity=0.5, position=-12.5)
    case = solver(SineGordon(), Winding(), initial, n=512, dt=0.05)
    what = "sine-Gordon kink, v = 0.5, at t = 50: largest error"
    record_number(what, error(case, advance(case, 1000)), at_most=1e-8)


def test_a_kink_goes_round_the_ring_and_comes_back_as_an_antikink():
    case = solver(Phi4(), Antiperiodic(), Phi4Kink(velocity=0.75), length=30.0, dt=0.05)
    state = advance(case, 800)  # exactly once round
    assert error(case, state) < 1e-5  # tails of 30 sqrt(2)/2 decay lengths
    np.testing.assert_allclose(
        case.observe(state)["phi"], -case.observe(start(case))["phi"], atol=1e-5
    )


def test_a_mass_in_the_linear_part_hurts_a_moving_kink():
    kink = Phi4(), Antiperiodic(), Phi4Kink(velocity=0.5, position=-12.5)
    cases = [solver(*kink, dt=0.1, linear_mass=mass) for mass in (None, np.sqrt(2))]
    free, massive = (error(case, advance(case, 500)) for case in cases)
    assert massive > 10 * free


@pytest.mark.parametrize(
    ("name", "energy", "momentum"),
    [
        ("phi4_kink", np.sqrt(8 / 9 * 1.7) * 0.8**3 / np.sqrt(1 - 0.16), 0.4),
        ("phi4_antikink", np.sqrt(8 / 9 * 0.6) * 1.4**3 / np.sqrt(1 - 0.49), -0.7),
        ("kink", 8 / np.sqrt(1 - 0.25), 0.5),
        ("breather", 16 * 0.8 / np.sqrt(1 - 0.25), 0.5),
        ("two_kink", 16 / np.sqrt(1 - 0.16), 0.0),
        ("kink_through_antikink", 16 / np.sqrt(1 - 0.16), 0.0),
    ],
)
def test_energies_and_momenta_are_those_of_particles(name, energy, momentum, record_number):
    """E = gamma M and P = E v (R. Rajaraman, Solitons and Instantons, 1982, chapter 2)."""
    case = solver(*SOLUTIONS[name], n=512, length=80.0)
    invariants = case.invariants(start(case))
    record_number(f"energy of {name}", invariants["energy"], exact=energy, within=1e-11 * energy)
    assert float(invariants["momentum"]) == pytest.approx(momentum * energy, abs=1e-10)
