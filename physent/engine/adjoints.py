"""Reverse mode through runs of any length: states that are computed again, or backward."""

from typing import Any, Literal

import equinox as eqx
import equinox.internal as eqxi
import jax
import jax.numpy as jnp

from physent.errors import ParameterError, nearest
from physent.numerics.derivatives import reverse_only
from physent.protocol.solver import Solver

Adjoint = Literal["rows", "checkpointed", "reversible"]
ADJOINTS: tuple[Adjoint, ...] = ("rows", "checkpointed", "reversible")
CHECKPOINTS = 200  # with three computations of each state they reach 1.3 million steps
REVERSE = (
    "forward mode cannot pass a run with adjoint = 'reversible' or 'checkpointed'; allowed: "
    "reverse mode (jax.vjp, jax.grad), or adjoint = 'rows'"
)


def check_adjoint(adjoint: Any, solver: Solver) -> None:
    """Raise ParameterError for what is no adjoint, or none that this solver has."""
    if adjoint not in ADJOINTS:
        words = f"given {adjoint!r}{nearest(str(adjoint), ADJOINTS)}, allowed: "
        raise ParameterError("adjoint", words + ", ".join(map(repr, ADJOINTS)))
    why = solver.why_irreversible() if adjoint == "reversible" else None
    if why is not None:
        words = f"given 'reversible', but {why}; allowed: 'checkpointed', 'rows'"
        raise ParameterError("adjoint", words)


def after_steps(solver: Any, state: Any, steps: int, adjoint: Adjoint) -> Any:
    """The state `steps` steps later."""
    if adjoint == "reversible":
        return _reversible(solver, state, steps)
    if adjoint == "checkpointed":
        return _checkpointed(solver, state, steps)
    return jax.checkpoint(_steps, static_argnums=(2,))(solver, state, steps)


def _steps(solver: Any, state: Any, steps: int) -> Any:
    return jax.lax.scan(lambda state, _: (solver.step(state), None), state, None, length=steps)[0]


def _checkpointed(solver: Any, state: Any, steps: int) -> Any:
    """States that are kept are chosen so that the others are computed again as seldom as can be.
    (P. Stumm, A. Walther, SIAM J. Sci. Comput. 32, 836, 2010, as equinox has it.)
    """
    if steps == 0:
        return state
    solver, state = reverse_only((solver, state), REVERSE)
    state, _ = eqxi.scan(
        lambda state, _: (solver.step(state), None),
        state,
        None,
        length=steps,
        kind="checkpointed",
        checkpoints=min(steps, CHECKPOINTS),
    )
    return state


def _reversible(solver: Any, state: Any, steps: int) -> Any:
    """Steps of -dt give the states back, so that only the first and the last are kept; where they
    do not lead back to the first the derivatives are NaN.
    """
    solver, state = reverse_only((solver, state), REVERSE)
    numbers, rest = eqx.partition((solver, state), eqx.is_inexact_array)
    others, words = eqx.partition(rest, eqx.is_array)

    def divided(state: Any) -> tuple[Any, Any]:
        own, rest = eqx.partition(state, eqx.is_inexact_array)
        return own, eqx.partition(rest, eqx.is_array)[0]

    @jax.custom_vjp
    def through(numbers: Any, others: Any) -> tuple[Any, Any]:
        solver, state = eqx.combine(numbers, others, words)
        return divided(_steps(solver, state, steps))

    def forward(numbers: Any, others: Any) -> Any:
        last = through(numbers, others)
        return last, (numbers, others, last)

    def backward(kept: Any, slopes: Any) -> Any:
        (parameters, first), others, (last, last_others) = kept

        def once(parameters: Any, own: Any, own_others: Any) -> Any:
            solver, state = eqx.combine((parameters, own), (others[0], own_others), words)
            return divided(solver.step(state))[0]

        def back(_: Any, carry: Any) -> Any:
            own, slope, total = carry
            solver, state = eqx.combine((parameters, own), (others[0], last_others), words)
            undone = eqx.tree_at(lambda s: s.dt, solver, -solver.dt).step(state)
            before = divided(undone)[0]
            _, pull = jax.vjp(lambda p, s: once(p, s, last_others), parameters, before)
            more, slope = pull(slope)
            return before, slope, jax.tree.map(jnp.add, total, more)

        start = last, slopes[0], jax.tree.map(jnp.zeros_like, parameters)
        again, slope, total = jax.lax.fori_loop(0, steps, back, start)
        sound = _alike(again, first)
        return jax.tree.map(lambda g: jnp.where(sound, g, jnp.nan), (total, slope)), None

    through.defvjp(forward, backward)
    own, own_others = through(numbers, others)
    return eqx.combine(own, own_others, words[1])


def _alike(again: Any, first: Any) -> Any:
    """Whether the start that steps of -dt gave back is the true one, but for rounding."""
    sound = jnp.asarray(True)
    for a, b in zip(jax.tree.leaves(again), jax.tree.leaves(first), strict=True):
        scale = jnp.max(jnp.abs(b)) + jnp.finfo(b.dtype).tiny
        sound &= jnp.max(jnp.abs(a - b)) <= jnp.sqrt(jnp.finfo(b.dtype).eps) * 100 * (scale + 1)
    return sound
