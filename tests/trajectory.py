"""Run a solver in a compiled loop, without the engine."""

import equinox as eqx
import jax
import jax.numpy as jnp


@eqx.filter_jit
def start(solver, seed=0):
    """The state at t = 0."""
    return solver.init(jax.random.key(seed))


@eqx.filter_jit
def exact(solver, t):
    """The exact psi at time t, or at each of several times."""
    return jax.vmap(lambda t: solver.exact(t)["psi"])(t) if t.ndim else solver.exact(t)["psi"]


@eqx.filter_jit
def _advance(solver, state, steps):
    return jax.lax.fori_loop(0, steps, lambda _, state: solver.step(state), state)


def _without_start(solver):
    """The solver without its initial condition, which no step asks for: one compilation serves them
    all.
    """
    return eqx.tree_at(lambda solver: solver.initial, solver, None)


def advance(solver, steps, state=None):
    """The state after so many steps, compiled once for any number of them."""
    return _advance(
        _without_start(solver), start(solver) if state is None else state, jnp.asarray(steps)
    )


@eqx.filter_jit
def _rows(solver, state, count, steps):
    def row(state, _):
        later = jax.lax.fori_loop(0, steps, lambda _, state: solver.step(state), state)
        return later, (state, solver.invariants(state))

    return jax.lax.scan(row, state, None, length=count)[1]


def rows(solver, count, steps, state=None):
    """The states and invariants at the start and after every so many steps, stacked: count + 1 of
    each.
    """
    state = start(solver) if state is None else state
    return _rows(_without_start(solver), state, count + 1, jnp.asarray(steps))


@eqx.filter_jit
def observed_rows(solver, count, seed=0):
    """The observables and invariants at the start and after each of so many steps, stacked."""

    def row(state, _):
        return solver.step(state), (solver.observe(state), solver.invariants(state))

    return jax.lax.scan(row, solver.init(jax.random.key(seed)), None, length=count + 1)[1]


@eqx.filter_jit
def last(solver, steps, seed=0):
    """The state at the start, the one after so many steps, and the observables of both."""
    first = solver.init(jax.random.key(seed))
    end = jax.lax.fori_loop(0, steps, lambda _, state: solver.step(state), first)
    return first, end, solver.observe(first), solver.observe(end)
