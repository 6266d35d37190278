"""Lempel-Ziv complexity of symbol sequences."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array


def _copied(symbols: Array) -> Array:
    """For every position the length of the longest stretch from it that starts earlier as well,
    overlap allowed.

    The common length of the suffixes at i and j is one more than that at i + 1 and j + 1, or zero:
    one backward pass over i with all j at once.
    """
    n = symbols.shape[0]
    positions = jnp.arange(n, dtype=jnp.int32)

    def back(common, i):
        common = jnp.where(symbols == symbols[i], jnp.append(common[1:], 0) + 1, 0)
        # a stretch that runs to the end of the sequence cannot be longer than what is left of it
        return common, jnp.max(jnp.where(positions < i, common, 0))

    start = jnp.zeros(n, jnp.int32)
    return jax.lax.scan(back, start, positions, reverse=True)[1]


@eqx.filter_jit
def lempel_ziv_complexity(
    symbols: ArrayLike, normalise: bool = False, alphabet: int | None = None
) -> Array:
    """The number of words in the exhaustive history of symbol sequences (..., N), LZ76.

    Each word is the shortest stretch that has not occurred before (it may overlap its earlier
    copy); a last word that has is counted. Lempel and Ziv, IEEE Trans. Inf. Theory 22, 75 (1976).
    `normalise` multiplies by ln N/(N ln K), K the size of `alphabet`: 1 in the limit of a random
    sequence, from above and slowly (of order lnln N/ln N).

    Time O(N^2), memory O(N).
    """
    symbols = jnp.asarray(symbols)
    n = symbols.shape[-1]
    if normalise and alphabet is None:
        raise ValueError("normalise = True needs the size of the alphabet")

    def one(sequence):
        copied = _copied(sequence)

        def word(state):
            position, words = state
            return position + copied[position] + 1, words + 1

        zero = jnp.zeros((), jnp.int32)
        return jax.lax.while_loop(lambda state: state[0] < n, word, (zero, zero))[1]

    words = jax.lax.map(one, symbols.reshape(-1, n)).reshape(symbols.shape[:-1])
    if not normalise:
        return words
    return words * (math.log(n) / (n * math.log(alphabet or 2)))
