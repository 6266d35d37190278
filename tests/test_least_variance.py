"""Totals of entropy production with the least variance: unbiased, and better than the plain mean by
a factor.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import physent
from physent.diagnostics import EntropyProduction
from physent.diagnostics.least_variance import add_row, least_variance_mean, no_blocks
from physent.entropy import linear_entropy_production, medium_entropy_production
from physent.entropy.production import least_variance
from physent.solvers.active_matter import ActiveMatter
from physent.solvers.active_matter.propulsion import OrnsteinUhlenbeck
from physent.solvers.langevin import LinearLangevin, TiltedRing
from physent.solvers.langevin.linear import CoupledAOUPs

AOUPS: dict[str, Any] = dict(
    boundary="open", diffusivity=0.1, speed=0.25, trap=0.05, method="splitting", dt=0.1
)


def measured(solver, t_end, every, seeds=24, **settings):
    """The run of independent members, and the plain and the improved total of each at the end."""
    produced = EntropyProduction(**settings)
    run = physent.run(
        solver, t_end=t_end, save_every=every, diagnostics=[produced], members=seeds, seed=0
    )
    plain, best, error = (
        run[f"entropy_production_{name}"].values[-1] for name in ("mean", "total", "total_error")
    )
    return plain, best, error


@pytest.mark.parametrize("system", [None, CoupledAOUPs()])
def test_the_total_of_a_linear_system_is_exact(system):
    solver = (
        LinearLangevin(walkers=4) if system is None else LinearLangevin(system=system, walkers=4)
    )
    exact = float(solver.exact_production().total)
    plain, best, error = measured(solver, 50.0, 0.5, 2, over="mean")
    assert np.abs(plain / exact - 1).max() > 1e-3
    np.testing.assert_allclose(best, exact, rtol=1e-10)
    assert error.max() < 1e-10


def test_the_total_of_trapped_particles_is_that_of_the_closed_form():
    """sigma = N d v0^2 gamma/(eps (A + gamma)), here 5/3."""
    solver = ActiveMatter(
        particles=2, force="none", propulsion=OrnsteinUhlenbeck(rate=0.1), **AOUPS
    )
    plain, best, _ = measured(solver, 1000.0, 5.0, after=100.0)
    assert np.var(plain) > 1e6 * np.var(best)
    np.testing.assert_allclose(best, 5 / 3, rtol=1e-6)


@pytest.mark.slow
def test_the_total_of_a_repelling_pair_has_less_variance_and_no_bias():
    """Against the mean of the plain identity over 24 seeds; and standard errors are right."""
    solver = ActiveMatter(particles=2, propulsion=OrnsteinUhlenbeck(rate=0.1), **AOUPS)
    plain, best, error = measured(solver, 4000.0, 5.0, after=200.0)
    assert np.var(plain) > 5 * np.var(best)
    bound = 3 * np.hypot(np.std(plain), np.std(best)) / np.sqrt(24)
    assert abs(plain.mean() - best.mean()) < bound
    assert 0.6 < np.sqrt(np.mean(error**2)) / np.std(best) < 1.6


def test_what_has_no_controls_keeps_its_mean():
    plain, best, error = measured(TiltedRing(walkers=16), 20.0, 0.5, 2)
    np.testing.assert_allclose(best, plain, rtol=1e-12)
    assert np.all(error > 0)


def test_a_free_particle_has_no_controls_by_its_place():
    """|x|^2 grows for ever: L |x|^2/2 does not have the mean 0."""
    solver = ActiveMatter(
        particles=2,
        propulsion=OrnsteinUhlenbeck(rate=0.1),
        force="none",
        **{**AOUPS, "trap": 0.0},
    )
    _, best, _ = measured(solver, 1000.0, 5.0, after=0.0)
    exact = 2 * 2 * 0.25**2 / 0.1  # v = v0 g
    assert abs(best.mean() - exact) < 3.5 * best.std() / np.sqrt(24)


def test_no_total_where_none_is_asked_for():
    run = physent.run(
        LinearLangevin(walkers=4),
        t_end=1.0,
        save_every=0.5,
        diagnostics=[EntropyProduction(total=False)],
    )
    assert "entropy_production_total" not in run and "entropy_production_mean" in run


def test_a_series_with_known_controls():
    """R = 2 + C.(1, -3) + noise of variance 1: the variance falls to that of the noise."""
    key = jax.random.key(0)
    controls = jax.random.normal(key, (200, 600, 2)) * jnp.asarray([[[1.0, 0.1]]])
    noise = jax.random.normal(jax.random.fold_in(key, 1), (200, 600))
    rates = 2 + controls @ jnp.asarray([1.0, -3.0]) + noise
    means = np.asarray(jnp.mean(jax.vmap(least_variance)(rates, controls), axis=1))
    assert abs(means.mean() - 2) < 3.5 * means.std() / np.sqrt(200)
    assert means.var() * 600 == pytest.approx(1, rel=0.35)
    few = least_variance(rates[0, :7], controls[0, :7])
    np.testing.assert_array_equal(few, rates[0, :7])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("unit", [1e-25, 1e25])
def test_controls_help_in_any_units(unit, dtype):
    """Squares of 1e-25 are 0 in single precision, and the coefficients were."""
    noise, own = np.random.default_rng(0).standard_normal((2, 400))
    rate, control = (noise + 0.1 * own).astype(dtype), (noise[:, None]).astype(dtype)
    expected = np.asarray(least_variance(rate, control)) * unit
    found = least_variance((rate * unit).astype(dtype), (control * unit).astype(dtype))
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4 * unit)
    assert np.std(np.asarray(found, float)) < 0.2 * unit
    blocks = no_blocks(jnp.zeros(1, dtype), dtype)

    def add(blocks, row):
        return add_row(blocks, row[0], row[1:], jnp.ones(())), None

    rows = jnp.asarray(np.concatenate([rate[:, None], control], axis=1) * unit, dtype)
    value, error = least_variance_mean(jax.lax.scan(add, blocks, rows)[0])
    assert 0.002 * unit < float(error) < 0.01 * unit and np.isfinite(value)


def test_medium_production_of_any_noise():
    """It was -db/dx, as without noise, where D is NaN or negative, and b^2 overflowed."""
    for diffusion in (np.nan, -1.0):
        assert np.isnan(medium_entropy_production(1.0, diffusion, 2.0))
    assert float(medium_entropy_production(1.0, 0.0, 2.0)) == -2
    large = jnp.float32(1e25)
    assert float(medium_entropy_production(large, large, jnp.float32(0))) == pytest.approx(1e25)
    with pytest.raises(ValueError, match="diffusion: given shape"):
        medium_entropy_production(np.ones(3), np.ones(2), np.ones(3))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_linear_production_of_variables_in_other_units(dtype):
    """Eigenvalues of a covariance of metres and light years say nothing about its rank."""
    matrix = np.array([[-1.0, 0.5], [-0.3, -2.0]])
    expected = linear_entropy_production(matrix, np.array([1.0, 0.5]))
    units = np.array([1e9, 1e-6])
    found = linear_entropy_production(
        (matrix * units[:, None] / units[None, :]).astype(dtype),
        (np.array([1.0, 0.5]) * units**2).astype(dtype),
    )
    np.testing.assert_allclose(found.parts, expected.parts, rtol=1e-4)
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])  # no noise along (-.8, .6), so S is singular
    still = linear_entropy_production(
        (turn @ np.diag([-1.0, -2.0]) @ turn.T).astype(dtype), np.zeros(2, dtype)
    )
    assert np.isnan(still.total)
    for matrix, diffusion in ((np.eye(2), np.eye(2)), (np.ones((2, 3)), 1.0), (-1.0, 1.0)):
        with pytest.raises(ValueError, match="matrix, diffusion: given shapes"):
            linear_entropy_production(matrix, diffusion)
    assert np.isnan(linear_entropy_production(np.eye(2), 1.0).total)
