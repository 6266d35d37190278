"""The equation of a stochastic solver for diffrax, so that its many methods can advance any physent
system.
"""

from typing import Any

import diffrax
import equinox as eqx
import jax.numpy as jnp
import lineax
from jaxtyping import Array

from physent.protocol.solver import State
from physent.protocol.stochastic import StochasticSolver

Variables = dict[str, Array]


def variables_of(solver: StochasticSolver, state: State) -> Variables:
    """The stochastic variables of a state by name: y0 and the solution in diffrax."""
    return {name: getattr(state, name) for name in solver.parity()}


def with_variables(
    solver: StochasticSolver, state: Any, values: Variables, t: Array | None = None
) -> Any:
    """The state with these stochastic variables, at time `t` if given; everything else is
    unchanged.

    Positions are not brought back into a box, and a neighbour list stays what it is.
    """
    names = tuple(solver.parity())
    state = eqx.tree_at(
        lambda state: [getattr(state, name) for name in names], state, [values[n] for n in names]
    )
    return (
        state
        if t is None
        else eqx.tree_at(lambda state: state.t, state, jnp.asarray(t, state.t.dtype))
    )


def terms(solver: StochasticSolver, state: Any, path: diffrax.AbstractPath) -> diffrax.MultiTerm:
    """dX = b(X) dt + sqrt(2 D) dW as diffrax's terms, the drift first.

        y0 = variables_of(solver, state)
        shape = jax.eval_shape(lambda: y0)
        path = diffrax.VirtualBrownianTree(0.0, t1, tol=dt / 2, shape=shape, key=key)
        solution = diffrax.diffeqsolve(terms(solver, state, path), diffrax.Heun(), 0.0, t1, dt, y0)
        state = with_variables(solver, state, {name: y[-1] for name, y in solution.ys.items()}, t1)

    The drift is the solver's at `state` with the variables put in, so what the variables do not say
    stays as it is there: for particles give a neighbour list of all pairs, which serves for ever. D
    is taken from `state`, too: the noise is additive, and Ito and Stratonovich methods have the
    same solution. ValueError for a solver whose variables are not leaves of its state, and for one
    with noise of another kind, which would stand still (active Brownian or tumbling particles).
    """
    if others := solver.other_noise():
        words = ", ".join(f"{name} {does}" for name, does in others.items())
        raise ValueError(
            f"{type(solver).__name__} is more than dX = b dt + sqrt(2 D) dW with a constant D: "
            f"{words}"
        )
    missing = [name for name in solver.parity() if not hasattr(state, name)]
    if missing:
        raise ValueError(f"the state of {type(solver).__name__} does not hold {', '.join(missing)}")
    y0, coefficients = variables_of(solver, state), solver.diffusion(state)
    spread = {
        name: jnp.broadcast_to(jnp.sqrt(2 * coefficients[name]), y.shape) for name, y in y0.items()
    }

    def drift(t, y, args):
        return solver.drift(with_variables(solver, state, y))

    def noise(t, y, args):
        return lineax.DiagonalLinearOperator(spread)

    return diffrax.MultiTerm(diffrax.ODETerm(drift), diffrax.ControlTerm(noise, path))
