"""A run as a pure function: for jit, vmap and grad, without files."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from physent.engine.adjoints import Adjoint, after_steps, check_adjoint
from physent.errors import ParameterError, brief
from physent.numerics.products import with_all_digits
from physent.protocol.parameters import check_instance, is_automatic
from physent.protocol.solver import Solver, State


@with_all_digits
def trajectory(
    solver: Solver,
    rows: int,
    steps: int = 1,
    *,
    state: Any = None,
    key: PRNGKeyArray | None = None,
    save: Callable[[Solver, Any], Any] | None = None,
    adjoint: Adjoint = "rows",
) -> tuple[Any, State]:
    """The rows at t = 0 and after every `steps` time steps, `rows` times, stacked along a first
    axis, and the last state.

    Args:
        solver: its arrays may be traced, so the result can be differentiated with respect to any
            `param`.
        rows: number of rows after the first.
        steps: steps from one row to the next; both are plain integers.
        state: where to begin; by default `solver.init(key)`.
        key: of the start, by default `jax.random.key(0)`.
        save: (solver, state) -> a pytree of arrays; by default the observables, a dict by name.
        adjoint: how reverse mode gets at the states between rows. "rows" does the steps between
            two rows again, and keeps all of them meanwhile: memory grows as rows + steps, for about
            a third more time. "checkpointed" keeps 200 states a row, for up to 1.3 million steps
            each computed at most three times. "reversible" keeps none, for steps of -dt give them
            back: with splitting methods.

    A mode of differentiation that cannot pass a solver's loop raises DerivativeError, which says
    what can (docs/derivatives.md has all cases).

    `physent.run` is for files, and for runs longer than memory; a trajectory does not grow buffers:
    look at `solver.error(state)` of the last state where the system can report one.
    """
    check_instance(solver, Solver, "solver")
    for name, count in (("rows", rows), ("steps", steps)):
        if not isinstance(count, int | np.integer) or isinstance(count, bool) or count < 0:
            raise ParameterError(name, f"given {brief(count)}, allowed: a whole number >= 0")
    check_adjoint(adjoint, solver)
    if is_automatic(solver.dt):
        raise ParameterError("dt", "given 'auto', which only physent.run replaces by a number")
    save = save or (lambda solver, state: solver.observe(state))
    if state is None:
        state = solver.init(jax.random.key(0) if key is None else key)

    def saved(state: Any, _: None) -> tuple[Any, Any]:
        state = after_steps(solver, state, int(steps), adjoint)
        return state, save(solver, state)

    first = save(solver, state)
    state, rest = jax.lax.scan(saved, state, None, length=rows)
    return jax.tree.map(lambda a, b: jnp.concatenate([a[None], b]), first, rest), state
