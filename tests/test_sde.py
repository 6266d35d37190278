"""physent's stochastic systems advanced by diffrax."""

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from physent.engine.sde import terms, variables_of, with_variables
from physent.solvers.active_matter import ActiveMatter, Brownian, OrnsteinUhlenbeck, RunAndTumble
from physent.solvers.langevin import Gyrator, LinearLangevin


@eqx.filter_jit
def advanced(solver, state, method, t1, dt, key):
    """The state at t1, and the Brownian increment of the whole way."""
    y0 = variables_of(solver, state)
    path = diffrax.UnsafeBrownianPath(
        jax.eval_shape(lambda: y0), key
    )  # compiles faster than a tree; steps are fixed
    solution = diffrax.diffeqsolve(
        terms(solver, state, path),
        method,
        0.0,
        t1,
        dt,
        y0,
        adjoint=diffrax.DirectAdjoint(),
        max_steps=256,
    )
    return with_variables(
        solver, state, {name: y[-1] for name, y in solution.ys.items()}, t1
    ), path.evaluate(0.0, t1)


def test_one_step_of_euler_is_drift_and_noise():
    """Two active particles: both variables, each with its own diffusion coefficient."""
    solver = ActiveMatter(
        particles=3,
        length=7.0,
        diffusivity=0.3,
        propulsion=OrnsteinUhlenbeck(rate=0.7),
        neighbors=2,
    )
    state, dt = solver.init(jax.random.key(0)), 0.01
    end, increment = advanced(solver, state, diffrax.Euler(), dt, dt, jax.random.key(1))
    drift = solver.drift(state)
    for name, d in (("position", 0.3), ("propulsion", 0.7)):
        expected = getattr(state, name) + dt * drift[name] + np.sqrt(2 * d) * increment[name]  # pyright: ignore[reportIndexIssue]
        np.testing.assert_allclose(getattr(end, name), expected, atol=1e-12)
    assert end.t == dt and np.abs(increment["position"]).max() > 0.01  # pyright: ignore[reportIndexIssue]


def test_the_gyrator_by_heun_has_its_covariance():
    """8,192 walkers from the origin, by Heun's steps to eight relaxation times: within four
    standard errors.
    """
    solver = LinearLangevin(system=Gyrator(), walkers=8192, initial="origin")
    state = solver.init(jax.random.key(0))
    end, _ = advanced(solver, state, diffrax.Heun(), 9.0, 0.05, jax.random.key(2))
    exact = np.asarray(solver.exact_production().covariance)
    x = np.asarray(end.position)
    errors = np.sqrt((exact**2 + np.outer(np.diag(exact), np.diag(exact))) / len(x))
    assert np.all(np.abs(x.T @ x / len(x) - exact) < 4 * errors), (x.T @ x / len(x), exact)
    assert np.all(np.diag(errors) < 0.016 * np.diag(exact))


def test_a_state_without_the_variables_is_refused():
    solver = LinearLangevin(system=Gyrator(), walkers=2)

    class Other(eqx.Module):
        t: jax.Array

    with pytest.raises(ValueError, match="does not hold position"):
        terms(
            solver,
            Other(jnp.zeros(())),
            diffrax.UnsafeBrownianPath(shape=(), key=jax.random.key(0)),
        )


@pytest.mark.parametrize(
    ("propulsion", "does"), [(Brownian(), "diffuses"), (RunAndTumble(), "jumps")]
)
def test_a_propulsion_that_would_stand_still_is_refused(propulsion, does):
    solver = ActiveMatter(
        particles=2, length=8.0, propulsion=propulsion, diffusivity=0.1, neighbors=1
    )
    path = diffrax.UnsafeBrownianPath(shape=(), key=jax.random.key(0))
    with pytest.raises(ValueError, match=f"propulsion {does}"):
        terms(solver, solver.init(jax.random.key(0)), path)
