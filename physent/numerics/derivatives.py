"""Derivatives where JAX has none, or NaN: of loops that take as many turns as they need, and of
roots of 0; and a sentence where a mode cannot be.

Forward mode is `jax.jvp` and `jax.jacfwd`, reverse mode `jax.vjp`, `jax.grad` and `jax.jacrev`.
"""

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir
from jaxtyping import Array, Float, Int

from physent.errors import DerivativeError

C = TypeVar("C")
T = TypeVar("T")


def repeat(turn: Callable[[Array, C], C], count: Int[Array, ""], start: C, most: int) -> C:
    """turn(k, carry) for k = 0, ..., count - 1, as by `jax.lax.fori_loop`, but with derivatives in
    both modes.

    `most` is a plain integer that the count does not exceed: derivatives take so many turns, of
    which those from the count on change nothing.
    """
    start = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.result_type(leaf)), start)
    turn = eqx.filter_closure_convert(turn, jnp.zeros((), jnp.int32), start)
    arrays, function = eqx.partition(turn, eqx.is_array)

    @jax.custom_jvp
    def loop(arrays: Any, count: Array, start: C) -> C:
        turn = eqx.combine(arrays, function)
        return jax.lax.fori_loop(0, count, lambda k, carry: turn(_index(k), carry), start)

    @loop.defjvp
    def _(primals: Any, tangents: Any) -> Any:
        arrays, count, start = primals
        numbers, others = eqx.partition(arrays, eqx.is_inexact_array)

        def scanned(numbers: Any, start: C) -> C:
            turn = eqx.combine(numbers, others, function)

            def counted(carry: C, k: Array) -> tuple[C, None]:
                one = functools.partial(turn, k)
                return jax.lax.cond(k < count, one, lambda carry: carry, carry), None

            return jax.lax.scan(counted, start, jnp.arange(most, dtype=jnp.int32))[0]

        along = jax.tree.map(
            lambda number, tangent: None if number is None else tangent,
            numbers,
            tangents[0],
            is_leaf=lambda leaf: leaf is None,
        )
        return jax.jvp(scanned, (numbers, start), (along, tangents[2]))

    return loop(arrays, count, start)


def _index(k: Array) -> Array:
    return jnp.asarray(k, jnp.int32)


@jax.custom_jvp
def root(square: Float[Array, "..."]) -> Float[Array, "..."]:
    """The square root, with the derivative 0 at 0, where it has none: a length of 0 does not say
    which way it grows.
    """
    return jnp.sqrt(square)


@root.defjvp
def _(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    (square,), (change,) = primals, tangents
    value = root(square)
    return value, jnp.where(value == 0, 0, 0.5 / jnp.where(value == 0, 1, value)) * change


@jax.custom_jvp
def angle(z: Array) -> Array:
    """The argument of complex numbers, with the derivative 0 where |z|^2 is 0."""
    return jnp.angle(z)


@angle.defjvp
def _(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    (z,), (change,) = primals, tangents
    square = z.real**2 + z.imag**2
    turned = z.real * change.imag - z.imag * change.real
    return angle(z), jnp.where(square == 0, 0, turned / jnp.where(square == 0, 1, square))


# --------------------------------------------------------------------------------------------------
# one mode only


def forward_only(values: T, words: str) -> T:
    """The same values; reverse mode through them raises DerivativeError(words)."""
    return _through(_forward, values, words)


def reverse_only(values: T, words: str) -> T:
    """The same values; forward mode through them raises DerivativeError(words)."""
    return _through(_reverse, values, words)


def _through(primitive: Primitive, values: T, words: str) -> T:
    return jax.tree.map(
        lambda leaf: primitive.bind(leaf, words=words) if eqx.is_inexact_array(leaf) else leaf,
        values,
    )


def _same(x: Any, *, words: str) -> Any:
    return x


def _raise(*_: Any, words: str) -> Any:
    raise DerivativeError(words)


def _primitive(name: str, evaluated: Callable[..., Any]) -> Primitive:
    made = Primitive(name)
    made.def_impl(evaluated)
    made.def_abstract_eval(_same)
    batching.defvectorized(made)
    mlir.register_lowering(made, mlir.lower_fun(evaluated, multiple_results=False))
    return made


def _tangent_by(primitive: Primitive, own: Primitive, primals: Any, tangents: Any, *, words: str):
    (value,), (change,) = primals, tangents
    if not isinstance(change, ad.Zero):
        change = primitive.bind(change, words=words)
    return own.bind(value, words=words), change


# A tangent of `_forward` goes through it, too: forward mode computes that, and reverse mode, which
# transposes it, fails.
_forward = _primitive("physent_forward_only", _same)
ad.primitive_jvps[_forward] = functools.partial(_tangent_by, _forward, _forward)
ad.primitive_transposes[_forward] = _raise

# A tangent of `_reverse` goes through `_tangent`: reverse mode transposes that, and forward mode,
# which computes it, fails.
_tangent = _primitive("physent_reverse_only_tangent", _raise)
ad.primitive_jvps[_tangent] = functools.partial(_tangent_by, _tangent, _tangent)
ad.primitive_transposes[_tangent] = lambda change, _, *, words: [change]
_reverse = _primitive("physent_reverse_only", _same)
ad.primitive_jvps[_reverse] = functools.partial(_tangent_by, _tangent, _reverse)
