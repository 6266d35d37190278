"""Counting symbols by scatter-add: no sort, no histogram search, one pass for a whole batch."""

import math
from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from physent.entropy.discrete.arrays import as_real, native
from physent.protocol.parameters import known


def count_symbols(symbols: Array, size: int, weights: Array | None = None, dtype=None) -> Array:
    """The count of each of `size` symbols in every row, or the sum of its weights.

    Args:
        symbols: integers (batch, n) from 0 to size - 1; anything else is not counted.
        size: number of possible symbols.
        weights: (batch, n), or None to count.
        dtype: of the counts; by default that of the weights, or JAX's default floating type.

    Returns:
        Counts (batch, size) in floating point. Exact up to 2^31 symbols before they are converted.
    """
    batch = symbols.shape[0]
    rows = jnp.arange(batch, dtype=jnp.int32)[:, None] * size
    # rows are laid end to end, so what must not be counted is sent behind the last one
    target = jnp.where(
        (symbols >= 0) & (symbols < size), symbols.astype(jnp.int32) + rows, batch * size
    )
    counts = _added_up(target, batch * size + 1, weights)[:-1].reshape(batch, size)
    return counts.astype(dtype or (jnp.result_type(float) if weights is None else weights.dtype))


def _added_up(target: Array, size: int, weights: Array | None) -> Array:
    """The count of each of `size` targets, or the sum of its weights."""
    counts = jnp.zeros(size, jnp.int32 if weights is None else weights.dtype)
    added = 1 if weights is None else weights.ravel()
    return counts.at[target.ravel()].add(added, mode="promise_in_bounds")


def count_patterns(
    symbols: Array, values: list[Array], size: int, weights: Array | None = None
) -> Array:
    """Counts, or sums of weights, (batch, size) of symbols all in range; NaN for a row with a NaN
    among `values`.

    `values` are the arrays (batch, n) that the symbols were made of: looking at them here, while
    they are at hand, costs a third of looking at the data again.
    """
    missing = jnp.zeros(symbols.shape, bool)
    for value in values:
        missing |= ~jnp.isfinite(value)
    batch, dtype = symbols.shape[0], values[0].dtype
    rows = jnp.arange(batch, dtype=jnp.int32)[:, None] * (size + 1)
    if weights is not None:
        weights = jnp.where(missing, jnp.ones_like(weights), weights)
    target = jnp.where(missing, size, symbols) + rows
    counts = _added_up(target, batch * (size + 1), weights).reshape(batch, size + 1)
    return jnp.where(
        counts[:, size:] == 0, counts[:, :size].astype(dtype), jnp.asarray(jnp.nan, dtype)
    )


def as_symbols(x: ArrayLike, size: int, name: str = "symbols") -> Array:
    """Symbols 0 to size - 1 as integers; -1 stands for any other value.

    Raises ValueError for another value, unless the array is traced and its values are not known.
    """
    x = jnp.asarray(native(x))
    right = (x >= 0) & (x < size)
    if not jnp.issubdtype(x.dtype, jnp.integer):
        right &= x == jnp.floor(as_real(x))
    if known(x, right) and not np.all(right):
        wrong = np.asarray(x)[~np.asarray(right)][0]
        raise ValueError(f"{name}: given {wrong:g}, allowed: the symbols 0 to {size - 1}")
    return jnp.where(right, x, -1).astype(jnp.int32)


def combine_symbols(symbols: Sequence[ArrayLike], sizes: Sequence[int]) -> tuple[Array, int]:
    """One symbol for every tuple of simultaneous symbols, and the number of such symbols.

    Args:
        symbols: integer arrays (...) of one shape.
        sizes: the number of possible symbols of each, 0 to size - 1.

    Raises ValueError for other values, unless they are traced: the combination is then -1.
    """
    joint, total, missing = jnp.zeros((), jnp.int32), math.prod(sizes), jnp.zeros((), bool)
    if total >= 2**31:
        raise ValueError(f"sizes: {sizes} make {total} combined symbols, allowed: fewer than 2^31")
    for symbol, size in zip(symbols, sizes, strict=True):
        one = as_symbols(symbol, size)
        joint, missing = joint * size + one, missing | (one < 0)
    return jnp.where(missing, -1, joint), total
