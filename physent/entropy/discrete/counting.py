"""Counting symbols by scatter-add: no sort, no histogram search, one pass for a whole batch."""

from collections.abc import Callable, Sequence

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike


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
        missing |= jnp.isnan(value)
    batch, dtype = symbols.shape[0], values[0].dtype
    rows = jnp.arange(batch, dtype=jnp.int32)[:, None] * (size + 1)
    if weights is not None:
        weights = jnp.where(missing, jnp.ones_like(weights), weights)
    target = jnp.where(missing, size, symbols) + rows
    counts = _added_up(target, batch * (size + 1), weights).reshape(batch, size + 1)
    return jnp.where(
        counts[:, size:] == 0, counts[:, :size].astype(dtype), jnp.asarray(jnp.nan, dtype)
    )


def combine_symbols(symbols: Sequence[ArrayLike], sizes: Sequence[int]) -> tuple[Array, int]:
    """One symbol for every tuple of simultaneous symbols, and the number of such symbols."""
    joint, size = jnp.zeros((), jnp.int32), 1
    for symbol, n in zip(symbols, sizes, strict=True):
        joint, size = joint * n + jnp.asarray(symbol), size * n
    return joint, size


def poison(counts: Array, x: Array) -> Array:
    """The counts (batch, outcomes), set to NaN for every batch entry whose data contain a NaN."""
    if not jnp.issubdtype(x.dtype, jnp.inexact):
        return counts
    bad = jnp.any(jnp.isnan(x), axis=tuple(range(1, x.ndim)))
    return jnp.where(bad[:, None], jnp.asarray(jnp.nan, counts.dtype), counts)


def as_floating(x: ArrayLike) -> Array:
    """The array in its own precision if it is floating point, else in JAX's default."""
    x = jnp.asarray(x)
    return x if jnp.issubdtype(x.dtype, jnp.inexact) else x.astype(jnp.result_type(float))


def by_component(samples: ArrayLike) -> Array:
    """Samples (..., N, d) in floating point; (N,) is taken as (N, 1)."""
    samples = as_floating(samples)
    return samples[:, None] if samples.ndim == 1 else samples


def rowwise(function: Callable[[Array], Array], x: ArrayLike, core: int = 1) -> Array:
    """A function of rows (batch, n), or of (batch, N, d) for `core` = 2, on an array with any
    number of leading axes, which are restored.
    """
    x = jnp.asarray(x)
    leading = x.ndim - core
    result = function(x.reshape(-1, *x.shape[leading:]))
    return result.reshape(*x.shape[:leading], *result.shape[1:])
