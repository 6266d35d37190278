"""Seven entropies of a school of fish and their index, as defined by the package dewi-kadita 0.0.4.

Six are -sum p ln p / ln(bins) with p the frequencies in one histogram, between 0 and 1. The
definitions are kept, whatever they leave to be desired, so that published numbers can be
reproduced; each docstring says what the quantity is not, and `physent.entropy.schools.unbinned` has
others that are what they say.

Positions are (..., N, d) in a box [0, length)^d, headings (..., N, d) vectors of any length but 0,
d = 2 or 3; leading axes are batch axes. Where nothing falls in the range of a histogram the value
is 1/2. A value within rounding of the edge of a bin may fall on either side of it.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike

from physent.entropy.continuous.distances import nearest_distances
from physent.entropy.discrete import (
    POSITIVE,
    as_real,
    azimuth,
    compiled,
    count_symbols,
    log_nonzero,
    matmul,
    scaled,
    shift_free,
    unit_of,
)
from physent.entropy.schools.directions import momenta, unit

_PAIRS = 2**18  # held at once


R = TypeVar("R")


class SchoolingEntropies(NamedTuple):
    """The seven entropies of a school."""

    cohesion: Array
    polarization: Array
    depth: Array
    angular_momentum: Array
    neighbour: Array
    velocity_correlation: Array
    shape: Array


OCEANIC_WEIGHTS = (0.18, 0.28, 0.08, 0.08, 0.10, 0.18, 0.10)  # of the seven, in their order


@compiled(length=POSITIVE)
def schooling_entropies(
    position: ArrayLike, heading: ArrayLike, length: ArrayLike, periodic: bool = True
) -> SchoolingEntropies:
    """All seven with the bins of the package, with one neighbour search.

    `length` is the side of the box, and with `periodic` its period; raises ValueError for fewer
    than six fish.
    """

    def one(position: Array, heading: Array) -> SchoolingEntropies:
        near = _neighbours(position, 5, length, periodic)
        return SchoolingEntropies(
            cohesion=_of_nearest(near[0], length, 25),
            polarization=_of_headings(heading, 12, 24),
            depth=_of_depths(position, length, 15),
            angular_momentum=_of_angular_momenta(position, heading, 20),
            neighbour=_of_neighbours(near, 20),
            velocity_correlation=_of_correlations(heading, 20),
            shape=eigenvalue_entropy(position),
        )

    return batched(one, position, heading)


def oceanic_schooling_index(
    entropies: SchoolingEntropies, weights: Sequence[float] = OCEANIC_WEIGHTS
) -> Array:
    """The weighted sum of the seven entropies, 0 for order and 1 for disorder.

    A convention, not a measurement: the weights (they add up to 1) are the authors' choice.
    """
    return sum(
        (w * value for w, value in zip(weights[1:], entropies[1:], strict=True)),
        weights[0] * entropies[0],
    )


@shift_free(position=-2)
@compiled(length=POSITIVE)
def cohesion_entropy(
    position: ArrayLike, length: ArrayLike, bins: int = 25, periodic: bool = True
) -> Array:
    """Entropy of the distances to the nearest neighbour, on [0, length/2].

    Bins as wide as length/(2 bins) see little of a tight school, all of whose distances fall in the
    first two or three: it measures the density of the school as much as its spacing.
    """
    return batched(
        lambda x: _of_nearest(_neighbours(x, 1, length, periodic)[0], length, bins), position
    )


@compiled()
def polarization_entropy(heading: ArrayLike, bands: int = 12, sectors: int = 24) -> Array:
    """Entropy of the headings on bands of equal angle theta from the last axis x sectors of
    azimuth.

    In three dimensions counts are multiplied by sin(theta) at the middle of the band. Cells near
    the poles are smaller, so that isotropic headings already give few counts there: the weights
    suppress them twice (dividing would undo it). Isotropic headings therefore stay below 1 even for
    N -> infinity: .94600 with the bins of the package. Neither is it invariant under rotations.
    """
    return batched(lambda h: _of_headings(h, bands, sectors), heading)


@compiled(length=POSITIVE)
def depth_entropy(position: ArrayLike, length: ArrayLike, bins: int = 15) -> Array:
    """Entropy of the last component of the positions, on [0, length].

    It depends on where the bins are: a layer that swims across an edge of one changes it.
    """
    return batched(lambda x: _of_depths(x, length, bins), position)


@shift_free(position=-2)
@compiled()
def angular_momentum_entropy(position: ArrayLike, heading: ArrayLike, bins: int = 20) -> Array:
    """Entropy of |r x v| on [0, 1], with unit vectors from the mean position and along the heading.

    The mean of wrapped positions is not the middle of a school that lies across the edge of the
    box, and the modulus does not know the sense of rotation: a mill and two opposite ones give the
    same.
    """
    return batched(lambda x, h: _of_angular_momenta(x, h, bins), position, heading)


@shift_free(position=-2)
@compiled(length=POSITIVE)
def neighbour_entropy(
    position: ArrayLike, length: ArrayLike, k: int = 5, bins: int = 20, periodic: bool = True
) -> Array:
    """Entropy of the coefficients of variation (standard deviation over mean) of each fish's k
    nearest distances.

    The range is [0, 2], of which five distances use a part: a swarm fills two or three bins, a mill
    six or seven.
    """
    return batched(lambda x: _of_neighbours(_neighbours(x, k, length, periodic), bins), position)


@compiled()
def velocity_correlation_entropy(heading: ArrayLike, bins: int = 20) -> Array:
    """Entropy of (v_i . v_j + 1)/2 over all pairs, on [0, 1].

    It knows no distance, and so tells alignment but no correlation length.
    """
    return batched(lambda h: _of_correlations(h, bins), heading)


@shift_free(position=-2)
@compiled()
def shape_entropy(position: ArrayLike) -> Array:
    """-sum e ln e / ln d of the normalised eigenvalues e of the covariance of positions: 1 for a
    ball, 0 for a line.

    Wrapped positions: a school across the edge of the box looks like a larger one.
    """
    return batched(eigenvalue_entropy, position)


@shift_free(position=-2)
@compiled()
def wrapped_rotation(position: ArrayLike, heading: ArrayLike) -> Array:
    """|mean of r x v| with unit vectors, r from the mean of the wrapped positions: the rotation of
    the package.

    Not the rotation of a school that lies across the edge of a periodic box.
    """
    return batched(
        lambda x, h: jnp.linalg.norm(jnp.mean(momenta(scaled(_from_mean(x)), scaled(h)), axis=0)),
        position,
        heading,
    )


# ------------------------------------------------------------------------------------------------
# of one school


def _of_nearest(nearest: Array, length: ArrayLike, bins: int) -> Array:
    return _entropy_of(_counts(nearest, 0.0, jnp.asarray(length, nearest.dtype) / 2, bins))


def _of_headings(heading: Array, bands: int, sectors: int) -> Array:
    v = unit(scaled(heading))
    sector = _bin(azimuth(v) + math.pi, 0.0, 2 * math.pi, sectors)
    if heading.shape[-1] == 2:
        return _entropy_of(count_symbols(sector[None], sectors, dtype=v.dtype)[0])
    band = _bin(jnp.arccos(jnp.clip(v[:, 2], -1, 1)), 0.0, math.pi, bands)
    counts = count_symbols((band * sectors + sector)[None], bands * sectors, dtype=v.dtype)
    middles = (jnp.arange(bands, dtype=v.dtype) + 0.5) * (math.pi / bands)
    return _entropy_of((counts.reshape(bands, sectors) * jnp.sin(middles)[:, None]).ravel())


def _of_depths(position: Array, length: ArrayLike, bins: int) -> Array:
    return _entropy_of(_counts(position[:, -1], 0.0, length, bins))


def _of_angular_momenta(position: Array, heading: Array, bins: int) -> Array:
    size = jnp.minimum(
        jnp.linalg.norm(momenta(scaled(_from_mean(position)), scaled(heading)), axis=-1), 1
    )
    return _entropy_of(_counts(size, 0.0, 1.0, bins))


def _of_neighbours(near: Array, bins: int) -> Array:
    variation = jnp.std(near, axis=0) / (jnp.mean(near, axis=0) + 1e-10)
    return _entropy_of(_counts(variation, 0.0, 2.0, bins))


def _of_correlations(heading: Array, bins: int) -> Array:
    """Each pair once: row i left of the diagonal is filled with the pairs of row N - 1 - i,
    reversed.
    """
    v = unit(scaled(heading))
    n = v.shape[0]
    half = -(-n // 2)

    def counts(row: Array, part: Array, last: Array) -> Array:
        column = jnp.arange(n)[None, :]
        cosine = jnp.where(column > row, matmul(part, v.T), matmul(last, v[::-1].T))
        value = jnp.minimum((cosine + 1) / 2, 1)
        # the middle row of an odd number has nothing to lend; rows that fill up the last block have
        # nothing at all
        there = (row < half) & ((column > row) | ((column < row) & (2 * row != n - 1)))
        symbol = jnp.where(there, _bin(value, 0.0, 1.0, bins), -1)
        return count_symbols(symbol.reshape(1, -1), bins, dtype=v.dtype)[0]

    return _entropy_of(over_pairs(counts, jnp.zeros(bins, v.dtype), n, v[:half], v[::-1][:half]))


def over_pairs(function: Callable[..., R], zero: R, columns: int, *arrays: Array) -> R:
    """The sum of function(row numbers, rows of the arrays (N, d)) over blocks of rows, with about
    2^18 pairs per block; rows of 0 pad the last block.
    """
    n = arrays[0].shape[0]
    rows = max(1, min(n, _PAIRS // columns))
    blocks = -(-n // rows)
    padded = [
        jnp.pad(array, ((0, blocks * rows - n), (0, 0))).reshape(blocks, rows, -1)
        for array in arrays
    ]

    def block(sums: R, inputs: tuple[Array, ...]) -> tuple[R, None]:
        start, *parts = inputs
        row = (start + jnp.arange(rows))[:, None]
        return jax.tree.map(jnp.add, sums, function(row, *parts)), None

    return jax.lax.scan(block, zero, (jnp.arange(blocks) * rows, *padded))[0]


def eigenvalue_entropy(position: Array) -> Array:
    """The entropy of the normalised eigenvalues of the covariance of positions (N, d), over ln
    d.
    """
    centred = position - jnp.mean(position, axis=0, keepdims=True)
    covariance = matmul(centred.T, centred) / (position.shape[0] - 1)
    variances = jnp.maximum(jnp.linalg.eigvalsh(covariance), 1e-10)
    share = variances / jnp.sum(variances)
    return -jnp.sum(share * jnp.log(share)) / math.log(position.shape[-1])


# --------------------------------------------------------------------------------------------------
# what they use


def batched(function: Callable, *arrays: ArrayLike):
    """The function of (N, d) arrays on arrays with batch axes."""
    given = [as_real(array) for array in arrays]
    if any(a.ndim < 2 or a.shape[-1] not in (2, 3) or a.shape[-2] == 0 for a in given):
        raise ValueError(
            "a school has shape (..., fish, 2 or 3 components), given "
            f"{[array.shape for array in given]}"
        )
    if any(array.shape != given[0].shape for array in given):
        raise ValueError(
            "positions and headings must be of the same fish, given "
            f"{[array.shape for array in given]}"
        )

    def finite(*schools: Array):
        missing = ~jnp.all(jnp.isfinite(jnp.stack(schools)))
        return jax.tree.map(
            lambda value: jnp.where(missing, jnp.full_like(value, jnp.nan), value),
            function(*schools),
        )

    leading = given[0].shape[:-2]
    if not leading:
        return finite(*given)
    result = jax.vmap(finite)(*(array.reshape(-1, *array.shape[-2:]) for array in given))
    return jax.tree.map(lambda value: value.reshape(*leading, *value.shape[1:]), result)


def _neighbours(position: Array, k: int, length: ArrayLike, periodic: bool) -> Array:
    """The distances (k, N) to the k nearest, nearest first."""
    unit = unit_of(jnp.asarray(length, position.dtype))
    period = jnp.full(position.shape[-1], length, position.dtype) / unit if periodic else None
    return jnp.sqrt(nearest_distances(position / unit, k, "euclidean", period)) * unit


def _from_mean(position: Array) -> Array:
    return position - jnp.mean(position, axis=0, keepdims=True)


def _bin(values: Array, low: float, high: ArrayLike, bins: int) -> Array:
    """The bin of every value, the last one closed above, -1 or `bins` outside; rounding may put a
    value at an edge.
    """
    index = jnp.floor((values - low) * (bins / (jnp.asarray(high, values.dtype) - low)))
    index = jnp.where(values == high, bins - 1, index)
    return jnp.clip(index, -1, bins).astype(jnp.int32)


def _counts(values: Array, low: float, high: ArrayLike, bins: int) -> Array:
    return count_symbols(_bin(values, low, high, bins)[None], bins, dtype=values.dtype)[0]


def _entropy_of(counts: Array) -> Array:
    total = jnp.sum(counts)
    p = counts / jnp.where(total > 0, total, jnp.ones_like(total))
    return jnp.where(
        total > 0, -jnp.sum(p * log_nonzero(p)) / math.log(counts.size), jnp.asarray(0.5, p.dtype)
    )
