"""Counting symbols by scatter-add: no sort, no histogram search, one pass for a whole batch."""

import functools
import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from physent.entropy.discrete.arguments import whole
from physent.entropy.discrete.arrays import alike, as_array, as_real
from physent.protocol.parameters import brief, known


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
    _check_room(batch, size)
    rows = jnp.arange(batch, dtype=jnp.int32)[:, None] * size
    # rows are laid end to end, so what must not be counted is sent behind the last one
    target = jnp.where(_below(symbols, size), symbols.astype(jnp.int32) + rows, batch * size)
    counts = _added_up(target, batch * size + 1, weights)[:-1].reshape(batch, size)
    return counts.astype(dtype or (jnp.result_type(float) if weights is None else weights.dtype))


def _below(x: Array, size: int) -> Array:
    """Whether numbers are from 0 to below a size: one comparison for integers with a sign, whose
    negative ones are large without it.
    """
    if x.dtype.kind == "i":
        return x.astype(f"uint{8 * x.dtype.itemsize}") < size
    return (x >= 0) & (x < size)


def _check_room(batch: int, size: int) -> None:
    """Raise ValueError where a count has no place of 32 bits."""
    if batch * size >= 2**31 - 1:
        raise ValueError(
            f"{batch} series of {size} outcomes make {batch * size} counts, allowed: fewer than "
            "2^31 at once"
        )


def _added_up(target: Array, size: int, weights: Array | None) -> Array:
    """The count of each of `size` targets, or the sum of its weights."""
    counts = jnp.zeros(size, jnp.int32 if weights is None else weights.dtype)
    added = 1 if weights is None else weights.ravel()
    return counts.at[target.ravel()].add(added, mode="promise_in_bounds")


def count_patterns(
    symbols: Array,
    first: Array,
    rest: Array,
    size: int,
    weights: Array | None = None,
    where: Array | None = None,
) -> Array:
    """Counts, or sums of weights, (batch, size) of symbols all in range; NaN for a row where one of
    the data is not finite.

    The symbols are those of windows of the data: `first` (batch, n) is the first value of each, and
    `rest` (batch, m) what is first in none. Looking at them here, while they are at hand, costs a
    fraction of looking at the data again. `where` (n,) says which of the windows count.
    """
    _check_room(symbols.shape[0], size + 1)
    missing = ~jnp.isfinite(first)
    batch = symbols.shape[0]
    dtype = first.dtype if jnp.issubdtype(first.dtype, jnp.inexact) else jnp.result_type(float)
    rows = jnp.arange(batch, dtype=jnp.int32)[:, None] * (size + 1)
    if weights is not None:
        weights = jnp.where(missing, jnp.ones_like(weights), weights)
    target = jnp.where(missing, size, symbols) + rows
    if where is not None:
        rest = jnp.concatenate([first, rest], axis=1)
        ones = jnp.ones(target.shape, jnp.int32) if weights is None else weights
        weights = jnp.where(where, ones, jnp.zeros_like(ones))
    counts = _added_up(target, batch * (size + 1), weights).reshape(batch, size + 1)
    right = (counts[:, size:] == 0) & jnp.all(jnp.isfinite(rest), axis=1, keepdims=True)
    return jnp.where(right, counts[:, :size].astype(dtype), jnp.asarray(jnp.nan, dtype))


def as_symbols(x: ArrayLike, size: int, name: str = "symbols") -> Array:
    """Symbols 0 to size - 1 as integers; -1 stands for any other value.

    Raises ValueError for another value, unless the array is traced and its values are not known.
    """
    return _checked([x], [size], name)


def as_sizes(sizes: Sequence[int], count: int) -> tuple[int, ...]:
    """The numbers of possible symbols of `count` variables; raises ValueError for others."""
    listed = not isinstance(sizes, str) and np.ndim(sizes) == 1
    whole_sizes = tuple(whole("sizes", size) for size in sizes) if listed else ()
    if len(whole_sizes) != count or min(whole_sizes, default=1) < 1:
        raise ValueError(
            f"sizes: given {brief(sizes)}, allowed: {count} whole numbers > 0, one for each "
            "variable"
        )
    return whole_sizes


def combine_symbols(symbols: Sequence[ArrayLike], sizes: Sequence[int]) -> tuple[Array, int]:
    """One symbol for every tuple of simultaneous symbols, and the number of such symbols.

    Args:
        symbols: integer arrays (...) of one shape.
        sizes: the number of possible symbols of each, 0 to size - 1, one at least.

    Raises ValueError for different shapes and other sizes, and for other values unless they are
    traced: the combination is then -1.
    """
    sizes = as_sizes(sizes, len(symbols))
    total = math.prod(sizes)
    if total >= 2**31:
        raise ValueError(f"sizes: {sizes} make {total} combined symbols, allowed: fewer than 2^31")
    return _checked(symbols, sizes, "symbols"), total


def _whole_numbers(x: ArrayLike) -> ArrayLike:
    """Whole numbers in float64 as integers, where float32 would not tell them apart."""
    if not isinstance(x, np.ndarray) or isinstance(x, np.ma.MaskedArray) or x.dtype.kind != "f":
        return x
    if x.dtype.itemsize <= jnp.result_type(float).itemsize:
        return x
    small = np.max(np.abs(x), initial=0) < 2**31
    return x.astype(np.int64) if small and np.all(x == np.floor(x)) else x


def _checked(symbols: Sequence[ArrayLike], sizes: Sequence[int], name: str) -> Array:
    arrays = [as_array(_whole_numbers(x)) for x in symbols]
    alike(name, *arrays)
    joint, wrong = _joint(tuple(arrays), tuple(sizes))
    if known(wrong) and np.any(wrong):
        one = int(np.argmax(wrong))
        x, size = np.asarray(arrays[one]), sizes[one]
        first = x[~((x >= 0) & (x < size) & (x == np.floor(x)))][0]
        raise ValueError(f"{name}: given {first:g}, allowed: the symbols 0 to {size - 1}")
    return joint


@functools.partial(jax.jit, static_argnums=1)
def _joint(arrays: tuple[Array, ...], sizes: tuple[int, ...]) -> tuple[Array, Array]:
    """The combined symbols, -1 where one is none, and of which array one is none."""
    joint, right, wrong = jnp.zeros((), jnp.int32), jnp.ones((), bool), []
    for x, size in zip(arrays, sizes, strict=True):
        x = x.astype(jnp.int32) if x.dtype.itemsize < 4 and x.dtype.kind in "iub" else x
        one = _below(x, size)
        if not jnp.issubdtype(x.dtype, jnp.integer):
            one &= x == jnp.floor(as_real(x))
        joint, right = joint * size + x.astype(jnp.int32), right & one
        wrong.append(~jnp.all(one))
    return jnp.where(right, joint, -1), jnp.stack(wrong)
