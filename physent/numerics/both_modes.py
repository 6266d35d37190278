"""Derivatives in both modes of what is solved in two ways: one that forward mode can pass, and one
that reverse mode can.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.core
import jax.numpy as jnp
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir
from jaxtyping import Array

Solve = Callable[..., Sequence[Array]]


def in_both_modes(forward: Solve, reverse: Solve, *arguments: Array) -> tuple[Array, ...]:
    """reverse(*arguments), which forward mode differentiates by `forward` and reverse mode by
    `reverse`.

    **Arguments:**

    - `forward`, `reverse`: functions of floating-point arrays that give the same sequence of them,
        to the errors of both; neither may close over what is differentiated.
    - `arguments`: of both.

    **Returns:**

    What `reverse` gives.
    """

    @jax.custom_jvp
    def solved(*arguments: Array) -> tuple[Array, ...]:
        return tuple(reverse(*arguments))

    @solved.defjvp
    def _(primals: tuple[Array, ...], tangents: tuple[Array, ...]) -> Any:
        n = len(primals)

        def along(*both: Array) -> tuple[Array, ...]:
            return tuple(jax.jvp(lambda *at: tuple(forward(*at)), both[:n], both[n:])[1])

        def back(*both: Array) -> tuple[Array, ...]:
            return jax.vjp(lambda *at: tuple(reverse(*at)), *both[:n])[1](tuple(both[n:]))

        found = _linear.bind(*primals, *tangents, along=along, back=back, n=n)
        return solved(*primals), tuple(found)

    return solved(*arguments)


# --------------------------------------------------------------------------------------------------
# a linear function of the last arguments whose transpose is given


def _evaluated(*both: Array, along: Solve, back: Solve, n: int) -> Sequence[Array]:
    return along(*both)


def _shapes(*both: Any, along: Solve, back: Solve, n: int) -> Any:
    like = [jax.ShapeDtypeStruct(each.shape, each.dtype) for each in both]
    found = jax.eval_shape(along, *like)
    return [jax.core.ShapedArray(each.shape, each.dtype) for each in found]


def _tangents(primals: Any, tangents: Any, *, along: Solve, back: Solve, n: int) -> Any:
    said = {"along": along, "back": back, "n": n}
    if all(isinstance(each, ad.Zero) for each in tangents[:n]):
        further = map(ad.instantiate_zeros, tangents[n:])
        return _linear.bind(*primals, **said), _linear.bind(*primals[:n], *further, **said)
    full = tuple(map(ad.instantiate_zeros, tangents))
    return jax.jvp(lambda *both: list(along(*both)), tuple(primals), full)


def _transposed(changes: Any, *both: Any, along: Solve, back: Solve, n: int) -> Any:
    return [None] * n + list(back(*both[:n], *map(ad.instantiate_zeros, changes)))


def _batched(both: Any, axes: Any, *, along: Solve, back: Solve, n: int) -> Any:
    size = next(x.shape[a] for x, a in zip(both, axes, strict=True) if a is not None)
    moved, where = [], []
    for i, (values, axis) in enumerate(zip(both, axes, strict=True)):
        if axis is not None:
            values, axis = jnp.moveaxis(values, axis, 0), 0
        elif i >= n:  # every tangent, so that the transpose of this has one for each
            values, axis = jnp.broadcast_to(values, (size, *values.shape)), 0
        moved.append(values)
        where.append(axis)
    forth = jax.vmap(lambda *both: tuple(along(*both)), in_axes=tuple(where))

    def returned(*both: Array) -> Sequence[Array]:
        changes = (0,) * (len(both) - n)
        return jax.vmap(lambda *both: tuple(back(*both)), (*where[:n], *changes))(*both)

    found = _linear.bind(*moved, along=forth, back=returned, n=n)
    return found, [0] * len(found)


_linear = Primitive("physent_linear")
_linear.multiple_results = True
_linear.def_impl(_evaluated)
_linear.def_abstract_eval(_shapes)
mlir.register_lowering(_linear, mlir.lower_fun(_evaluated, multiple_results=True))
ad.primitive_jvps[_linear] = _tangents
ad.primitive_transposes[_linear] = _transposed
batching.primitive_batchers[_linear] = _batched
