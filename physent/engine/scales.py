"""The natural scale of each invariant: what it would be if nothing in its sum cancelled."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from physent.engine import devices
from physent.engine.program import Program
from physent.protocol.reuse import QUICK
from physent.protocol.solver import Solver

MOST = 512  # members whose scales are recorded one by one


def scales_of(program: Program, state: Any) -> dict[str, float | list[float]]:
    """The natural scale of each invariant at a state: |dI/ds| |s|, the most that changes of the
    state s by a relative 1 can change the invariant I by.

    Rounding changes s by a relative epsilon, so epsilon times the scale is how well I is known at
    all: a momentum that is 0 because two halves cancel is known to rounding of the halves. The
    products of norms are summed over the variables; where that is 0, as of pi phi_x with pi = 0,
    it is the product of the norms over all variables. It asks nothing of a solver but that its
    invariants can be differentiated; one that cannot be has no scale.
    """
    names = program.invariant_names
    if not names:
        return {}
    try:
        arrays, fixed = eqx.partition((program.solver, state), eqx.is_array)

        def make(program: Program) -> Any:
            each = program.per_member(_natural)
            return jax.jit(lambda arrays: each(*eqx.combine(arrays, fixed)), compiler_options=QUICK)

        found = devices.fetch(program.once("scales", make)(arrays))
    except Exception:  # whatever a derivative of somebody's own sum may raise
        return {}
    scales = {}
    for name in names:
        value = np.asarray(found[name], dtype=float)
        if np.all(np.isfinite(value)) and np.any(value > 0):
            many = value.size > MOST or np.all(value == value.flat[0])
            scales[name] = float(np.max(value)) if many else value.tolist()
    return scales


def _natural(solver: Solver, state: Any) -> dict[str, Any]:
    numbers, rest = eqx.partition(state, _varies)
    leaves, tree = jax.tree.flatten(numbers)
    norms = jnp.stack([_norm(leaf) for leaf in leaves])

    def invariants(leaves: list[Any]) -> dict[str, Any]:
        full = eqx.combine(jax.tree.unflatten(tree, leaves), rest)
        full = eqx.tree_at(lambda state: state.t, full, state.t)
        return solver.invariants(full)

    values, back = jax.vjp(invariants, leaves)
    one_each = jnp.eye(len(values))
    # all at once, which compiles one program instead of one for each
    (slopes,) = jax.vmap(back)(
        {name: one_each[i].astype(value.dtype) for i, (name, value) in enumerate(values.items())}
    )
    steep = jnp.stack([jax.vmap(_norm)(slope) for slope in slopes], axis=1)
    own = steep @ norms
    # 0 for a product of two variables of which one is 0: then all of them count
    whole = jnp.linalg.norm(steep, axis=1) * jnp.linalg.norm(norms)
    return dict(zip(values, jnp.where(own > 0, own, whole), strict=True))


def _varies(leaf: Any) -> bool:
    return eqx.is_inexact_array(leaf)


def _norm(leaf: Any) -> Any:
    return jnp.sqrt(jnp.sum(jnp.real(leaf) ** 2 + jnp.imag(leaf) ** 2))
