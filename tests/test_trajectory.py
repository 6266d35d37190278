"""A run as a pure function: the same rows as the engine's, and gradients through it."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from toys import Heat

import physent
from physent.entropy import Spectrum, entropy
from physent.solvers import NLSE
from physent.solvers.nlse import Soliton


def test_the_rows_are_those_of_a_run():
    for solver in (Heat(), Heat(noise=0.3)):
        dt = float(solver.dt)
        run = physent.run(solver, t_end=6 * dt, save_every=2 * dt)
        rows, last = jax.jit(lambda solver: physent.trajectory(solver, 3, 2))(solver)
        for name, values in rows.items():
            np.testing.assert_allclose(values, run[name], rtol=1e-13, err_msg=name)
        on, _ = jax.jit(lambda solver, state: physent.trajectory(solver, 1, 2, state=state))(
            solver, last
        )
        name = next(iter(rows))
        np.testing.assert_allclose(on[name][0], rows[name][-1], rtol=1e-13)


def spectral_entropy_at_the_end(amplitude, solver):
    solver = eqx.tree_at(lambda s: s.initial.amplitude, solver, amplitude)
    psi, _ = physent.trajectory(
        solver, 4, 5, save=lambda solver, state: solver.observe(state)["psi"]
    )
    return entropy(psi[-1], outcomes=Spectrum())


@pytest.mark.slow
def test_gradient_of_an_entropy_at_the_end_of_a_run():
    """Of two solitons' worth of mass, so that the entropy depends on the amplitude through the
    dynamics.
    """
    solver = NLSE(
        n=64, length=20.0, dt=0.02, initial=Soliton(amplitude=1.0, velocity=0.0), nonlinearity=2.0
    )
    value = jax.jit(lambda a: spectral_entropy_at_the_end(a, solver))
    at = jnp.asarray(1.2)
    slope, h = float(jax.jit(jax.grad(value))(at)), 1e-5
    change = float((value(at + h) - value(at - h)) / (2 * h))
    assert abs(slope) > 0.1
    assert slope == pytest.approx(change, rel=1e-6)
