"""Distances to nearest neighbours and counts of neighbours over all pairs, in bounded memory and
without sorting.

Candidates pass by in blocks; every point keeps the k smallest distances seen so far in a small
sorted buffer. Memory is O(N (k + d)) and time O(N^2 (k + d)): the kernel of every nearest-neighbour
estimator here. For large samples on the host a tree does the same in O(N log N).
"""

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from physent.entropy.discrete import Count, known

if TYPE_CHECKING:
    from scipy.spatial import KDTree

Metric = Literal["euclidean", "maximum"]
_MATRIX = 1024  # points whose matrix of distances is held at once
_TREE_DIMENSIONS = 15  # in more a tree looks at nearly every point, slowly
_ROWS = 64  # points whose distances to all others are held at once instead
_BLOCK = 8  # candidates or rows compared at once, to spread the cost of a loop step


def circumferences(period: ArrayLike | Sequence[float] | None, d: int, dtype) -> Array | None:
    """The period of each of d components, given as one number or d of them; None stays None."""
    if period is None:
        return None
    circles = jnp.asarray(period, dtype)
    if known(*jax.tree.leaves(period)) and not np.all(np.asarray(period, float) > 0):
        raise ValueError(
            f"period: given {np.asarray(period).tolist()}, allowed: numbers > 0, or inf"
        )
    if circles.shape not in ((), (1,), (d,)):
        raise ValueError(
            f"period: given {circles.size} numbers, allowed: one, or {d}, one per component"
        )
    return jnp.broadcast_to(circles, (d,))


def gap(a: Array, b: Array, period: Array | None) -> Array:
    """|a - b| by component, on a circle of circumference `period` if given (inf: not periodic)."""
    distance = jnp.abs(a - b)
    if period is None:
        return distance
    wraps = jnp.isfinite(period)
    length = jnp.where(wraps, period, jnp.ones_like(period))
    turns = jnp.round(distance * (1 / length))  # a remainder is not vectorised
    return jnp.where(wraps, jnp.abs(distance - length * turns), distance)


def separation(points: Array, candidate: Array, metric: Metric, period: Array | None) -> Array:
    """Distances (N,) from points (N, d) to one candidate (d,), squared for the euclidean metric."""
    total = jnp.zeros(points.shape[0], points.dtype)
    for i in range(points.shape[1]):
        step = gap(points[:, i], candidate[i], None if period is None else period[i])
        total = jnp.maximum(total, step) if metric == "maximum" else total + step**2
    return total


def sweep(candidates: Sequence[Array], carry, visit: Callable):
    """carry = visit(carry, index, values) for every candidate in turn, in unrolled blocks.

    `candidates` are arrays (N, ...); `values` holds one row of each, `index` is N or more for the
    rows that fill up the last block, which `visit` must pass over.
    """
    n = candidates[0].shape[0]
    blocks = -(-n // _BLOCK)
    padded = [
        jnp.pad(c, [(0, blocks * _BLOCK - n)] + [(0, 0)] * (c.ndim - 1)).reshape(
            blocks, _BLOCK, *c.shape[1:]
        )
        for c in candidates
    ]

    def step(carry, inputs):
        start, *rows = inputs
        for j in range(_BLOCK):
            carry = visit(carry, start + j, [row[j] for row in rows])
        return carry, None

    return jax.lax.scan(step, carry, (jnp.arange(blocks, dtype=jnp.int32) * _BLOCK, *padded))[0]


def insert(best: list[tuple], new: tuple) -> list[tuple]:
    """Put entries, ordered by their first array, into sorted buffers and drop the largest;
    elementwise.
    """
    result = []
    for old in best:
        smaller = new[0] < old[0]
        result.append(tuple(jnp.where(smaller, a, b) for a, b in zip(new, old, strict=True)))
        new = tuple(jnp.where(smaller, b, a) for a, b in zip(new, old, strict=True))
    return result


def nearest_neighbours(
    points: Array, k: int, metric: Metric, period: Array | None
) -> tuple[Array, Array]:
    """The distances and the indices (k, N) of the k nearest other points of points (N, d), nearest
    first.

    Distances are squared for the euclidean metric.
    """
    n, other = others(points, k)

    def visit(best, index, row):
        distance = separation(points, row[0], metric, period)
        distance = jnp.where(other(index), distance, jnp.inf)
        return insert(best, (distance, jnp.full(n, index, jnp.int32)))

    best = [(jnp.full(n, jnp.inf, points.dtype), jnp.zeros(n, jnp.int32))] * k
    best = sweep([points], best, visit)
    return jnp.stack([distance for distance, _ in best]), jnp.stack([index for _, index in best])


def nearest_distances(points: Array, k: int, metric: Metric, period: Array | None) -> Array:
    """Only the distances (k, N) of `nearest_neighbours`, nearest first.

    Up to a thousand points through the matrix of distances, which takes a sixth of the time.
    """
    if points.shape[0] > _MATRIX:
        return nearest_neighbours(points, k, metric, period)[0]
    n, other = others(points, k)
    whole = jax.vmap(lambda candidate: separation(points, candidate, metric, period))(points)
    whole = jnp.where(jax.vmap(other)(jnp.arange(n, dtype=jnp.int32)), whole, jnp.inf)
    # roots, because XLA keeps a matrix that was expensive; a cheap one it would compute again in
    # each of the passes
    whole = jnp.sqrt(whole) if metric == "euclidean" else whole
    best = [_minima(whole)]
    for i in range(1, k):
        last = best[-1]
        next_larger = _minima(jnp.where(whole > last[None, :], whole, jnp.inf))
        # the matrix is symmetric
        as_near = (whole <= last[:, None]).astype(whole.dtype) @ jnp.ones(n, whole.dtype)
        best.append(jnp.where(as_near > i, last, next_larger))
    nearest = jnp.stack(best)
    return nearest**2 if metric == "euclidean" else nearest


def _minima(matrix: Array) -> Array:
    """The minima of the columns, eight parts at a time: half the time of a row-by-row reduction."""
    while (rows := matrix.shape[0]) > 1:
        each = -(-rows // min(rows, _BLOCK))
        parts = [
            matrix[first : first + each] for first in (*range(0, rows - each, each), rows - each)
        ]
        matrix = functools.reduce(jnp.minimum, parts)  # the last two may overlap
    return matrix[0]


def refuse_few(k: int, n: int) -> None:
    """Raise ValueError if n points have fewer than k others."""
    if not 1 <= k < n:
        raise ValueError(f"k = {k} nearest neighbours of {n} points, allowed: 1 to {n - 1}")


def others(
    points: Array, k: int = 1, count: Count | None = None
) -> tuple[int, Callable[[Array], Array]]:
    """The number of points, and a mask of those other than the candidate of an index in a `sweep`,
    and among the first `count` where this is given. Raises ValueError if there are fewer than k
    others.
    """
    n = points.shape[0]
    refuse_few(k, n)
    own = jnp.arange(n, dtype=jnp.int32)
    most = n if count is None else count
    return n, lambda index: (own != index) & (index < most)


@functools.partial(jax.custom_jvp, nondiff_argnums=(2, 3))
def kth_distance(points: Array, period: Array | None, k: int, metric: Metric) -> Array:
    """The distance (N,) from each of the points (N, d) to its k-th nearest other point;
    differentiable in the points.
    """
    return kth_distance_of_first(points, None, period, k, metric)


def kth_distance_of_first(
    points: Array, count: Count | None, period: Array | None, k: int, metric: Metric
) -> Array:
    """The same among the first `count` points, or among all; without a derivative."""
    n, other = others(points, k, count)

    def visit(best, index, row):
        distance = separation(points, row[0], metric, period)
        distance = jnp.where(other(index), distance, jnp.inf)
        result = []
        for old in best:
            result.append(jnp.minimum(old, distance))
            distance = jnp.maximum(old, distance)
        return result

    last = sweep([points], [jnp.full(n, jnp.inf, points.dtype)] * k, visit)[-1]
    return jnp.sqrt(last) if metric == "euclidean" else last


@kth_distance.defjvp
def _kth_distance_jvp(k, metric, primals, tangents):
    """Find the neighbour and its index, then differentiate only that distance: O(N), not O(N^2)."""
    (points, period), (tangent, _) = primals, tangents
    neighbour = nearest_neighbours(points, k, metric, period)[1][-1]

    def distance(points):
        steps = gap(points, points[neighbour], None if period is None else period[None])
        return (
            jnp.max(steps, axis=-1) if metric == "maximum" else jnp.sqrt(jnp.sum(steps**2, axis=-1))
        )

    return jax.jvp(distance, (points,), (tangent,))


# the same on the host, by a KD-tree: O(N log N), not traceable


def _tree(points: np.ndarray, period: np.ndarray | None) -> "KDTree":
    from scipy.spatial import KDTree  # slow to load, and only needed here

    if period is None:
        return KDTree(points)
    # 0 is scipy's word for a direction that is not periodic
    box = np.where(np.isfinite(period), period, 0)
    return KDTree(np.where(box > 0, np.mod(points, np.where(box > 0, box, 1)), points), boxsize=box)


def tree_distance(
    points: np.ndarray, k: int, metric: Metric, period: np.ndarray | None
) -> np.ndarray:
    """The distance (N,) from each of the points (N, d) to its k-th nearest other point."""
    if points.shape[1] > _TREE_DIMENSIONS:
        far = [np.partition(rows, k, axis=1)[:, k] for rows in _rows(points, metric, period)]
        return np.concatenate(far)
    tree = _tree(np.asarray(points), period)
    distances, _ = tree.query(tree.data, k + 1, p=np.inf if metric == "maximum" else 2)
    return np.asarray(distances)[:, k]


def tree_count(points: np.ndarray, radius: np.ndarray, period: np.ndarray | None) -> np.ndarray:
    """The number of other points closer than `radius` (N,) in the maximum metric, excluding the
    radius itself.
    """
    if points.shape[1] > _TREE_DIMENSIONS:
        radii = np.split(radius[:, None], range(_ROWS, len(points), _ROWS))
        rows = _rows(points, "maximum", period)
        near = [np.count_nonzero(each < r, axis=1) for each, r in zip(rows, radii, strict=True)]
        return np.maximum(np.concatenate(near) - 1, 0)
    tree = _tree(np.asarray(points), period)
    below = np.nextafter(radius, 0)
    return tree.query_ball_point(tree.data, below, p=np.inf, return_length=True) - 1


def _rows(points: np.ndarray, metric: Metric, period: np.ndarray | None) -> Iterator[np.ndarray]:
    """The distances (rows, N) of some points after others to all, themselves included."""
    components = np.ascontiguousarray(np.asarray(points).T)
    circles = np.full(len(components), np.inf) if period is None else period
    for first in range(0, len(points), _ROWS):
        total = np.zeros((min(_ROWS, len(points) - first), len(points)), components.dtype)
        for component, circle in zip(components, circles, strict=True):
            apart = component[first : first + _ROWS, None] - component[None, :]
            np.abs(apart, out=apart)
            if np.isfinite(circle):
                apart = np.abs(apart - circle * np.round(apart / circle)).astype(total.dtype)
            if metric == "maximum":
                np.maximum(total, apart, out=total)
            else:
                total += np.square(apart, out=apart)
        yield total if metric == "maximum" else np.sqrt(total)
