"""Entropies of a school of fish in their standard meaning: few bins, no effects of box edges.

They answer the questions that the seven of dewi-kadita (the file beside this one) ask. Positions
are (..., N, d), headings (..., N, d) vectors of any length but 0, d = 2 or 3; leading axes are
batch axes. `period` is the circumference of a periodic box along every component, one number or d
of them, None in unbounded space.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from physent.entropy.continuous.differential import kozachenko_leonenko
from physent.entropy.continuous.distances import circumferences, gap, nearest_distances
from physent.entropy.discrete import (
    POSITIVE,
    Grassberger,
    Shannon,
    compiled,
    count_symbols,
    matmul,
    scaled,
    shift_free,
    unit_of,
)
from physent.entropy.outcomes.particles import Headings
from physent.entropy.schools.dewi_kadita import (
    batched,
    eigenvalue_entropy,
    over_pairs,
)
from physent.entropy.schools.directions import momenta, unit

RISING = (
    lambda edges: edges.ndim == 1 and len(edges) > 1 and np.all(np.diff(edges) > 0),
    "two or more increasing numbers",
)


class SchoolEntropies(NamedTuple):
    """The result of `school_entropies`."""

    position: Array
    heading: Array
    depth: Array
    angular_momentum: Array
    variation: Array
    shape: Array


@shift_free(position=-2)
@compiled(period=POSITIVE)
def school_entropies(
    position: ArrayLike,
    heading: ArrayLike,
    period: ArrayLike | Sequence[float] | None = None,
    k: int = 3,
) -> SchoolEntropies:
    """Six entropies, differential ones in nats by the distance to the k-th nearest value
    (Kozachenko and Leonenko).

    - position (for cohesion): of the positions, the logarithm of the volume that the school takes;
      less d ln period where there is one, and then at most 0;
    - heading (polarization): of the headings in cells of equal area, Grassberger's estimate over
      the largest value, 1 for isotropic headings;
    - depth: of the last component, less ln period where there is one, and then at most 0;
    - angular_momentum: of the component of r x v along its mean, less ln 2, very negative for a
      mill; unit vectors, r from the centre of mass, which does not care about the edges of a
      periodic box; at most 0, which the estimate can exceed by its error (0.04 seen);
    - variation (k-nearest neighbours): of the coefficients of variation of each fish's five nearest
      distances;
    - shape: of the normalised eigenvalues of the gyration tensor, about the same centre, over ln d.

    Raises ValueError for fewer than six fish, and for k of as many as there are.
    """

    def one(position: Array, heading: Array) -> SchoolEntropies:
        circles = circumferences(period, position.shape[-1], position.dtype)
        # once for two entropies: the matrix of distances is most of the work
        squares, size = _squares(position, max(5, k), circles)
        near = jnp.sqrt(squares[:5])  # their ratios have no unit
        out = from_centre(position, period)
        moments = momenta(scaled(out), scaled(heading))
        along = matmul(moments, unit(jnp.mean(moments, axis=0, keepdims=True))[0])
        counts = Headings().counts(heading)
        depth = _differential(position[:, -1:], k, None if circles is None else circles[-1:])
        return SchoolEntropies(
            position=_by_neighbours(squares[k - 1], size, k, position.shape[1])
            - (0 if circles is None else jnp.sum(jnp.log(circles))),
            heading=Shannon().normalised(Grassberger()(counts, Shannon()), counts.shape[-1]),
            depth=depth if circles is None else depth - jnp.log(circles[-1]),
            angular_momentum=_differential(along[:, None], k) - math.log(2),
            variation=_differential((jnp.std(near, axis=0) / jnp.mean(near, axis=0))[:, None], k),
            shape=eigenvalue_entropy(scaled(out)),
        )

    return batched(one, position, heading)


class CorrelationProfile(NamedTuple):
    """Mean distance, mean correlation and entropy of the pairs in each distance shell; NaN for
    empty shells.
    """

    distance: Array
    correlation: Array
    entropy: Array


@shift_free(position=-2)
@compiled(edges=RISING, period=POSITIVE)
def velocity_correlation_profile(
    position: ArrayLike,
    heading: ArrayLike,
    edges: Sequence[float] | Array,
    period: ArrayLike | Sequence[float] | None = None,
    bins: int = 20,
) -> CorrelationProfile:
    """The correlation v_i . v_j of pairs by their distance: its mean, and the entropy of its
    distribution over ln bins.

    Shell s holds the pairs at distances in [edges[s], edges[s + 1]). The bins are of equal
    probability for isotropic headings: of the cosine in three dimensions, of the angle in two.
    Plug-in estimate, pairs in blocks, O(N^2).
    """
    edges = jnp.asarray(edges, jnp.result_type(float))
    shells = edges.shape[0] - 1

    def one(position: Array, heading: Array) -> CorrelationProfile:
        n, d = position.shape
        v, circles = unit(scaled(heading)), circumferences(period, d, position.dtype)
        size = unit_of(position)[0, 0]
        position = position / size
        circles = None if circles is None else circles / size

        def of_rows(row: Array, x_part: Array, v_part: Array) -> tuple[Array, Array]:
            gaps = [
                gap(
                    x_part[:, i : i + 1],
                    position[None, :, i],
                    None if circles is None else circles[i],
                )
                for i in range(d)
            ]
            squares = [each**2 for each in gaps]
            distance = size * jnp.sqrt(sum(squares[1:], squares[0]))
            cosine = jnp.clip(matmul(v_part, v.T), -1, 1)
            level = (cosine + 1) / 2 if d == 3 else 1 - jnp.arccos(cosine) / math.pi
            bin_of = jnp.clip(jnp.floor(level * bins), 0, bins - 1).astype(jnp.int32)
            shell = jnp.sum((distance[None] >= edges[:, None, None]).astype(jnp.int32), axis=0) - 1
            shell = jnp.where((jnp.arange(n)[None, :] > row) & (shell < shells), shell, -1)
            symbol = jnp.where(shell >= 0, shell * bins + bin_of, -1).reshape(1, -1)
            means = [
                count_symbols(shell.reshape(1, -1), shells, values.reshape(1, -1))[0]
                for values in (distance, cosine)
            ]
            return count_symbols(symbol, shells * bins, dtype=v.dtype)[0], jnp.stack(means)

        zero = jnp.zeros(shells * bins, v.dtype), jnp.zeros((2, shells), v.dtype)
        counts, totals = over_pairs(of_rows, zero, n, position, v)
        counts = counts.reshape(shells, bins)
        pairs = jnp.sum(counts, axis=1)
        value = Shannon()(counts / pairs[:, None]) / math.log(bins)
        return CorrelationProfile(totals[0] / pairs, totals[1] / pairs, value)

    return batched(one, position, heading)


@shift_free(position=-2)
@compiled(period=POSITIVE)
def from_centre(position: ArrayLike, period: ArrayLike | Sequence[float] | None = None) -> Array:
    """The minimum-image vectors (..., N, d) from the centre of mass to each particle.

    On a circle the centre is first the direction of the mean of the points, then corrected by the
    mean of the vectors from there: the centre of mass of all that is shorter than half the period.
    """

    def one(position: Array) -> Array:
        circles = circumferences(period, position.shape[-1], position.dtype)
        if circles is None:
            return position - jnp.mean(position, axis=0, keepdims=True)
        turn = position * (2 * math.pi / circles[None, :])
        middle = (
            jnp.arctan2(jnp.mean(jnp.sin(turn), axis=0), jnp.mean(jnp.cos(turn), axis=0))
            * circles
            / (2 * math.pi)
        )
        out = position - middle[None, :]
        out = out - circles[None, :] * jnp.round(out / circles[None, :])
        return out - jnp.mean(out, axis=0, keepdims=True)

    return batched(one, position)


def _differential(values: Array, k: int, circles: Array | None = None) -> Array:
    """Kozachenko-Leonenko entropy of values (N, d), through the matrix of distances for small N."""
    squares, size = _squares(values, k, circles)
    return _by_neighbours(squares[-1], size, k, values.shape[1])


def _squares(values: Array, k: int, circles: Array | None) -> tuple[Array, Array]:
    """The squared distances (k, N) to the nearest neighbours of values (N, d), in squares of a
    unit, and that unit.
    """
    size = unit_of(values)[0, 0]
    circles = None if circles is None else circles / size
    return nearest_distances(values / size, k, "euclidean", circles), size


def _by_neighbours(squares: Array, size: Array, k: int, d: int) -> Array:
    """The entropy from the squared distances (N,) to the k-th neighbour in d dimensions."""
    offset = kozachenko_leonenko(squares.shape[0], k, d, "euclidean", squares.dtype)
    return offset + d * (jnp.log(size) + 0.5 * jnp.mean(jnp.log(squares)))
