"""Linear Langevin systems and the tilted ring against their closed forms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg

import physent
from physent.diagnostics import EntropyProduction
from physent.entropy import block_bootstrap, linear_entropy_production, medium_entropy_production
from physent.errors import ParameterError
from physent.solvers.langevin import (
    BeadSpring,
    CoupledAOUPs,
    Gyrator,
    LinearLangevin,
    Matrix,
    TiltedRing,
    TrappedAOUP,
)
from physent.solvers.langevin.linear import exact_step

T1, T2 = 1.0, 10.0
FIVE = (
    (T1 - T2) ** 2
    * (111 * T1**2 + 430 * T1 * T2 + 111 * T2**2)
    / (495 * T1 * T2 * (3 * T1 + T2) * (T1 + 3 * T2))
)
CLOSED = [
    (Matrix(), 8.0, None),
    (TrappedAOUP(), 0.25**2 * 0.1 / (0.1 * 0.15), [0.379902, 0.036765]),
    (TrappedAOUP(speed=1.0, trap=1.0, rate=1.0), 5.0, [4.285714, 0.714286]),
    (TrappedAOUP(speed=1.0, trap=1.0, rate=1.0, diffusivity=1.0), 0.5, [0.3, 0.2]),
    (CoupledAOUPs(), 4 / 3, None),
    (BeadSpring(), 2.025, None),
    (BeadSpring(beads=5), FIVE, None),
    (Gyrator(), 1 / 9, None),
]


@pytest.mark.parametrize(
    ("system", "total", "parts"), CLOSED, ids=lambda value: type(value).__name__
)
def test_the_lyapunov_equation_gives_the_published_formulas(system, total, parts, record_number):
    exact = linear_entropy_production(system.matrix(), system.diffusion())
    what = f"{type(system).__name__}: entropy production by the Lyapunov equation"
    record_number(what, exact.total, exact=total, within=1e-10 * total)
    if parts:
        np.testing.assert_allclose(exact.parts, parts, atol=1e-6)
    a, s, d = system.matrix(), exact.covariance, np.diag(system.diffusion())
    np.testing.assert_allclose(a @ s + s @ a.T, -2 * d, atol=1e-10)
    inverse = np.linalg.inv(d)
    np.testing.assert_allclose(np.trace(a.T @ inverse @ a @ s) + np.trace(a), total, rtol=1e-9)


@pytest.mark.parametrize(
    "system", [Gyrator(), pytest.param(BeadSpring(beads=5), marks=pytest.mark.slow)]
)
def test_walkers_have_the_exact_covariance_and_entropy_production(system, record_number):
    """From the origin, by exact steps far apart: rows are independent draws."""
    solver = LinearLangevin(system=system, walkers=4096, dt=15.0, initial="origin")
    ds = physent.run(
        solver, t_end=900.0, save_every=15.0, diagnostics=[EntropyProduction(over="mean")]
    )
    exact = solver.exact_production()
    rows = ds.entropy_production.values[2:]
    error = np.std(rows, ddof=1) / np.sqrt(len(rows))
    what = (
        f"{type(system).__name__}: entropy production of 4,096 walkers (three standard errors "
        "asked)"
    )
    record_number(
        what, np.mean(rows), exact=float(exact.total), within=3 * float(error), repeats=0.05
    )
    assert error < 0.07 * exact.total
    second = ds.covariance.values[2:]
    errors = np.std(second, axis=0, ddof=1) / np.sqrt(len(second))
    scores = (np.mean(second, axis=0) - exact.covariance) / errors
    assert np.abs(scores).max() < 4 and np.all(np.diag(errors) < 0.01 * np.diag(exact.covariance))


@pytest.mark.runs_long
@pytest.mark.slow
@pytest.mark.parametrize("system", [Gyrator(), BeadSpring(beads=5)])
def test_many_exact_steps_give_the_closed_forms_to_a_percent(system):
    """131,072 walkers, 120 rows that are independent draws: a standard error below 1 %, and within
    three of them.
    """
    solver = LinearLangevin(system=system, walkers=131072, dt=15.0)
    ds = physent.run(
        solver,
        t_end=1800.0,
        save_every=15.0,
        diagnostics=[EntropyProduction(over="mean")],
        variables=["covariance"],
    )
    exact = solver.exact_production()
    rows = ds.entropy_production.values
    error = np.std(rows, ddof=1) / np.sqrt(len(rows))
    assert error < 0.01 * exact.total and abs(np.mean(rows) - exact.total) < 3 * error, (
        np.mean(rows),
        error,
    )


@pytest.mark.parametrize(("settings", "expected"), [((1, 1, 1), 0.774718), ((2, 1, 0.5), 0.191108)])
def test_the_velocity_round_the_ring_is_that_of_the_fokker_planck_equation(
    settings, expected, record_number
):
    barrier, tilt, diffusivity = settings
    ring = TiltedRing(barrier=barrier, tilt=tilt, diffusivity=diffusivity)
    what = f"tilted ring, (U0, f, D) = {settings}: entropy production by quadrature"
    record_number(what, ring.exact_production(), exact=expected, within=1e-6)


@pytest.mark.slow
def test_the_tilted_ring_produces_what_its_current_says():
    solver = TiltedRing(walkers=8192)
    diagnostics = [EntropyProduction(over="mean", bins=8, after=5.0)]
    ds = physent.run(solver, t_end=25.0, save_every=1.0, diagnostics=diagnostics)
    exact = float(solver.exact_production())
    estimate = block_bootstrap(ds.entropy_production.values[5:], jax.random.key(0))
    assert abs(estimate.value - exact) < 3.5 * estimate.standard_error
    assert estimate.standard_error < 0.01 * exact
    np.testing.assert_allclose(ds.entropy_production_mean[-1], estimate.value, rtol=1e-12)
    assert ds.entropy_production_map.shape[1:] == (8,)


def test_a_map_weighed_by_visits_is_the_mean():
    solver = TiltedRing(walkers=256)
    ds = physent.run(
        solver, t_end=0.1, save_every=0.1, diagnostics=[EntropyProduction(over="mean", bins=4)]
    )
    counts = sum(
        np.histogram(ds.position.values[i], bins=4, range=(0, 2 * np.pi))[0] for i in range(2)
    )
    mean = np.sum(counts * ds.entropy_production_map.values[-1]) / np.sum(counts)
    np.testing.assert_allclose(mean, ds.entropy_production_mean.values[-1], rtol=1e-10)


def test_a_block_bootstrap_sees_correlations():
    rng = np.random.default_rng(0)
    noise, x = rng.normal(size=20000), np.zeros(20000)
    for i in range(1, 20000):
        x[i] = 0.9 * x[i - 1] + noise[i]
    estimate = block_bootstrap(x, jax.random.key(0), block=200)
    expected = 10 / np.sqrt(20000)  # of an AR(1) mean: 1/((1 - a) sqrt N)
    assert 0.8 * expected < estimate.standard_error < 1.2 * expected
    assert estimate.low < estimate.value < estimate.high


def test_a_block_bootstrap_of_long_blocks_is_not_too_sure():
    """White noise, blocks of an eighth and a quarter of it: the mean variance over 400 series is
    1/N within 6 %.
    """
    x = np.random.default_rng(0).normal(size=(400, 160))
    keys = jax.random.split(jax.random.key(0), 400)
    for block in (20, 40):
        errors = jax.vmap(
            lambda x, key, block=block: block_bootstrap(x, key, block).standard_error
        )(x, keys)
        assert abs(np.mean(errors**2) * 160 - 1) < 0.06, (block, np.mean(errors**2) * 160)


@pytest.mark.parametrize(
    ("shape", "block", "words"),
    [
        ((5, 20), None, "given shape"),
        ((3,), None, "N >= 4"),
        ((20,), 0, "1 to 5"),
        ((20,), 6, "given 6"),
    ],
)
def test_a_block_bootstrap_refuses_what_it_cannot_do(shape, block, words):
    with pytest.raises(ValueError, match=words):
        block_bootstrap(np.zeros(shape), jax.random.key(0), block)


def test_components_without_noise_leave_minus_their_divergence():
    rates = medium_entropy_production(
        np.array([2.0, 3.0]), np.array([0.5, 0.0]), np.array([-1.0, -4.0])
    )
    np.testing.assert_allclose(rates, [2.0**2 / 0.5 - 1, 4.0])


def test_a_solver_without_noise_has_no_entropy_production():
    with pytest.raises(ValueError, match="it is not defined without noise"):
        physent.run(
            physent.solvers.NLSE(), t_end=0.01, save_every=0.01, diagnostics=[EntropyProduction()]
        )


def test_an_unstable_matrix_is_refused():
    with pytest.raises(ParameterError, match="negative real parts"):
        LinearLangevin(system=Matrix(a=[[1.0, 0.0], [0.0, -1.0]]))


@pytest.mark.parametrize("dt", [1e-6, 0.1, 30.0])
def test_an_exact_step_keeps_its_noise_in_float32(dt):
    """The covariance of one step against float64's, where S - e^(A dt) S e^(A' dt) lost all of it
    at short dt.
    """
    system = BeadSpring(beads=5)
    a, d, s = (
        np.asarray(part, float)
        for part in (system.matrix(), system.diffusion(), stationary(system))
    )
    decay = scipy.linalg.expm(a * dt)
    exact = 2 * np.diag(d) * dt if dt < 1e-5 else s - decay @ s @ decay.T  # to first order in dt
    with jax.enable_x64(False):
        found, noise = exact_step(*(jnp.asarray(part, jnp.float32) for part in (a, d, dt)))
    assert noise.dtype == jnp.float32
    np.testing.assert_allclose(found, decay, atol=1e-6)
    np.testing.assert_allclose(noise, exact, atol=2e-5 * np.max(exact))  # pyright: ignore[reportArgumentType, reportCallIssue]


def stationary(system):
    return linear_entropy_production(system.matrix(), system.diffusion()).covariance


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_a_ring_tilted_the_other_way_runs_the_other_way(precision):
    with jax.enable_x64(precision == "float64"):
        there, back = (
            TiltedRing(tilt=tilt, diffusivity=0.05).exact_velocity() for tilt in (1.5, -1.5)
        )
        assert np.isfinite(there) and there > 0 and back == -there
        assert TiltedRing(tilt=0.0).exact_velocity() == 0


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Gyrator(temperature=(1.0, 2.0, 3.0)), "temperature: given 3 numbers, allowed: 2"),
        (lambda: Gyrator(stiffness=(1.0, 2.0, 3.0)), "stiffness: given 3 numbers, allowed: 2"),
        (
            lambda: LinearLangevin(dt=5.0, method="euler_maruyama"),
            "given 5, allowed with euler_maruyama: < 0.9",
        ),
    ],
)
def test_what_cannot_be_a_system_or_a_step_gets_one_sentence(make, words):
    with pytest.raises(ParameterError, match=words):
        make()
