"""Counting symbols by scatter-add: no sort, no histogram search, one pass for a whole batch."""

import jax.numpy as jnp
from jaxtyping import Array


def count_symbols(symbols: Array, size: int, weights: Array | None = None, dtype=None) -> Array:
    """How often each of `size` symbols occurs in every row, or the sum of its weights.

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
    inside = (symbols >= 0) & (symbols < size)
    # rows are laid end to end, so what must not be counted is sent behind the last one
    target = jnp.where(inside, symbols.astype(jnp.int32) + rows, batch * size)
    if weights is None:
        counts = (
            jnp.zeros(batch * size + 1, jnp.int32)
            .at[target.ravel()]
            .add(1, mode="promise_in_bounds")
        )
    else:
        counts = (
            jnp.zeros(batch * size + 1, weights.dtype)
            .at[target.ravel()]
            .add(weights.ravel(), mode="promise_in_bounds")
        )
    dtype = dtype or (jnp.result_type(float) if weights is None else weights.dtype)
    return counts[:-1].reshape(batch, size).astype(dtype)


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
    target = jnp.where(missing, size, symbols) + jnp.arange(batch, dtype=jnp.int32)[:, None] * (
        size + 1
    )
    start = jnp.zeros(batch * (size + 1), jnp.int32 if weights is None else weights.dtype)
    added = 1 if weights is None else jnp.where(missing, jnp.ones_like(weights), weights).ravel()
    counts = start.at[target.ravel()].add(added, mode="promise_in_bounds").reshape(batch, size + 1)
    return jnp.where(
        counts[:, size:] == 0, counts[:, :size].astype(dtype), jnp.asarray(jnp.nan, dtype)
    )


def poison(counts: Array, x: Array) -> Array:
    """The counts (batch, outcomes), made NaN for every batch entry whose data hold a NaN."""
    if not jnp.issubdtype(x.dtype, jnp.inexact):
        return counts
    bad = jnp.any(jnp.isnan(x), axis=tuple(range(1, x.ndim)))
    return jnp.where(bad[:, None], jnp.asarray(jnp.nan, counts.dtype), counts)


def as_floating(x: Array) -> Array:
    """The array in its own precision if it is floating point, else in JAX's default."""
    return x if jnp.issubdtype(x.dtype, jnp.inexact) else x.astype(jnp.result_type(float))
