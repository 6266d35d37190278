"""The covariance of samples: in any units, about any mean, with all digits in float32 as well."""

import itertools
import math
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array

from physent.entropy.discrete import matmul, unit_of
from physent.entropy.error_bars import centred_in_units

FEW = 6  # variables, up to which it is faster to go through them pair by pair
_BLOCK = 16_384  # samples of a few variables, which fit into the caches


def covariance_of(samples: Array) -> Array:
    """The covariance (..., d, d) of samples (..., N, d), each component in a unit of its own; that
    and the divisor cancel in every information.
    """
    centred = centred_in_units(samples, (samples.ndim - 2,))[1]
    *batch, n, d = centred.shape
    length = max(min(n, 128), math.isqrt(n))  # of sums, whose rounding errors add up
    blocks = -(-n // length)
    padded = jnp.pad(centred, [(0, 0)] * len(batch) + [(0, blocks * length - n), (0, 0)])
    parts = padded.reshape(*batch, blocks, length, d)
    return jnp.sum(matmul(jnp.swapaxes(parts, -1, -2), parts), axis=-3) / n


def covariance_between(components: Sequence[Array]) -> Array:
    """As `covariance_of`, of a few components (..., N) each in an array of its own.

    The samples are gone through three times, for the mean, the unit and the products, a block at a
    time: nothing as long as they is written, which takes longer than to compute it again.
    """
    n, first = components[0].shape[-1], [each[..., :1] for each in components]

    def sums(of: Callable[[list[Array]], list[Array]]) -> Array:
        """The sums over all samples of what is made of them, (parts, ...)."""

        def of_block(block: list[Array]) -> Array:
            shifted = [each - start for each, start in zip(block, first, strict=True)]
            return jnp.stack([jnp.sum(part, axis=-1) for part in of(shifted)])

        blocks = n // _BLOCK
        if blocks < 2:
            return of_block(list(components))

        def at(_: None, i: Array) -> tuple[None, Array]:
            def cut(each: Array) -> Array:
                return jax.lax.dynamic_slice_in_dim(each, i * _BLOCK, _BLOCK, axis=-1)

            return None, of_block([cut(each) for each in components])

        total = jnp.sum(jax.lax.scan(at, None, jnp.arange(blocks))[1], axis=0)
        rest = [each[..., blocks * _BLOCK :] for each in components]
        return total + of_block(rest) if n % _BLOCK else total

    means = sums(lambda shifted: shifted)[..., None] / n

    def centred(shifted: list[Array]) -> list[Array]:
        return [each - mean for each, mean in zip(shifted, means, strict=True)]

    sizes = sums(lambda shifted: [jnp.abs(each) for each in centred(shifted)])
    scales = 1 / unit_of(sizes[..., None], -1)
    d = len(components)
    pairs = list(itertools.combinations_with_replacement(range(d), 2))

    def products(shifted: list[Array]) -> list[Array]:
        parts = [each * scale for each, scale in zip(centred(shifted), scales, strict=True)]
        return [parts[i] * parts[j] for i, j in pairs]

    found = dict(zip(pairs, sums(products) / n, strict=True))
    rows = [jnp.stack([found[min(i, j), max(i, j)] for j in range(d)], axis=-1) for i in range(d)]
    return jnp.stack(rows, axis=-2)
