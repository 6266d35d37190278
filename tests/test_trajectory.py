"""A run as a pure function: the same rows as the engine's, and gradients through it."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from toys import Heat

import physent
from physent.entropy import Spectrum, entropy
from physent.errors import DerivativeError, ParameterError
from physent.solvers import NLSE, Couzin, KleinGordon
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


def long_run(amplitude, adjoint, steps=300, rows=2):
    solver = NLSE(n=64, length=20.0, dt=0.01, initial=Soliton(amplitude=1.0, velocity=0.5))
    one = eqx.tree_at(lambda s: s.initial.amplitude, solver, amplitude)
    found, last = physent.trajectory(
        one, rows, steps, adjoint=adjoint, save=lambda s, state: jnp.mean(jnp.abs(state.psi[:20]))
    )
    return jnp.sum(found) + last.t


@pytest.mark.parametrize("adjoint", ["reversible", "checkpointed"])
def test_states_that_are_not_kept_give_the_same_gradient(adjoint):
    place = jnp.asarray(1.0)
    _, forward = jax.jvp(lambda a: long_run(a, "rows"), (place,), (jnp.ones(()),))
    assert jax.jit(jax.grad(lambda a: long_run(a, adjoint)))(place) == pytest.approx(
        float(forward), rel=1e-8
    )


def test_a_reversible_run_needs_no_more_memory_where_it_is_longer():
    def bytes_of(steps):
        gradient = jax.jit(jax.grad(lambda a: long_run(a, "reversible", steps, 1)))
        return gradient.lower(jnp.asarray(1.0)).compile().memory_analysis().temp_size_in_bytes

    assert bytes_of(10**6) <= 1.01 * bytes_of(10**3)


@pytest.mark.parametrize(
    ("solver", "adjoint", "words"),
    [
        (NLSE(n=16, method="etdrk4"), "reversible", "method 'etdrk4' is not reversible"),
        (NLSE(n=16, dealias="filter"), "reversible", "loses what it damps; allowed"),
        (KleinGordon(n=16, method="dopri8"), "reversible", "method 'dopri8' is not reversible"),
        (Couzin(n=4), "reversible", "Couzin has no reversible method"),
        (NLSE(n=16), "reversibel", "given 'reversibel'.*'reversible'"),
    ],
)
def test_what_is_not_reversible_says_why(solver, adjoint, words):
    with pytest.raises(ParameterError, match=f"^adjoint: .*{words}"):
        physent.trajectory(solver, 1, adjoint=adjoint)


def test_forward_mode_through_states_that_are_not_kept_is_refused():
    with pytest.raises(DerivativeError, match="adjoint = 'rows'"):
        jax.jvp(lambda a: long_run(a, "reversible"), (jnp.ones(()),), (jnp.ones(()),))
