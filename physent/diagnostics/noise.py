"""Whether the steps of a solver draw noise."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from physent.protocol.stochastic import StochasticSolver


def draws_noise(solver: Any) -> str | None:
    """Why two runs from one state would not be the same, as a sentence; None where they are.

    **Arguments:**

    - `solver`: with concrete parameters. It is called on the host; with a random key in its state
        a step is computed with two keys, and the results are compared.

    **Returns:**

    A sentence for a message, or None.
    """
    name = type(solver).__name__
    others = solver.other_noise() if isinstance(solver, StochasticSolver) else {}
    if "jumps" in others.values():
        return f"the {' and '.join(others)} of {name} jumps at random"

    @eqx.filter_jit
    def differs(solver: Any) -> Any:
        state = solver.init(jax.random.key(0))
        after = [
            solver.degrees_of_freedom(solver.step(_with_key(state, jax.random.key(i))))[0]
            for i in (1, 2)
        ]
        return jnp.any(after[0] != after[1])

    words = f"the steps of {name} draw noise, which no perturbation follows: set it to 0"
    if _diffuses(solver):
        return words
    state = eqx.filter_eval_shape(lambda solver: solver.init(jax.random.key(0)), solver)
    keyed = any(map(_is_key, jax.tree.leaves(state)))
    return words if keyed and bool(differs(solver)) else None


def _diffuses(solver: Any) -> bool:
    """Whether a variable of a stochastic solver diffuses at the start."""
    if not isinstance(solver, StochasticSolver):
        return False
    begun = eqx.filter_jit(lambda solver: solver.diffusion(solver.init(jax.random.key(0))))
    return any(bool(jnp.any(each > 0)) for each in begun(solver).values())


def _is_key(leaf: Any) -> bool:
    return hasattr(leaf, "dtype") and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _with_key(state: Any, key: Any) -> Any:
    return jax.tree.map(
        lambda leaf: jax.random.split(key, leaf.shape) if _is_key(leaf) else leaf, state
    )
