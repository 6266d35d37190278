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
