"""Mutual and conditional mutual information by nearest neighbours.

Kraskov, Stoegbauer and Grassberger, Phys. Rev. E 69, 066138 (2004), and Frenzel and Pompe, Phys.
Rev. Lett. 99, 204101 (2007). All distances are the largest component, in every space and between
spaces.
"""

from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import digamma
from jax.typing import ArrayLike
from jaxtyping import Array

from physent.entropy.continuous.distances import insert, separation, sweep
from physent.entropy.continuous.nearest_neighbour import Method
from physent.entropy.continuous.tree import tree_count, tree_distance
from physent.entropy.discrete.counting import as_floating


def ksg_mutual_information(
    x: ArrayLike,
    y: ArrayLike,
    k: int = 3,
    form: Literal[1, 2] = 1,
    period_x: ArrayLike | None = None,
    period_y: ArrayLike | None = None,
    method: Method = "pairs",
) -> Array:
    """Mutual information of continuous samples, in nats, by the first or the second KSG estimator.

    I1 = psi(k) + psi(N) - <psi(n_x + 1) + psi(n_y + 1)>, with n_x, n_y the points strictly nearer
    than the k-th joint neighbour; I2 = psi(k) - 1/k + psi(N) - <psi(n_x) + psi(n_y)>, with the
    points inside the rectangle of the k neighbours.

    Args:
        x: samples (N,) of one component, or (..., N, d_x) with leading batch axes. y: samples (N,)
        or (..., N, d_y), of the same batch shape and N. k: which neighbour. form: 1 (less variance)
        or 2 (less bias for strong dependence). period_x, period_y: circumferences, one number or
        one for every component, inf where not periodic. method: "pairs" for any device, O(N^2) time
        and O(N k) memory; "tree" on the host (form 1 only).

    Bias: about 0 for independent samples, downwards when the dependence is stronger than the k
    neighbours resolve (it saturates near ln N). May be negative.
    """
    spaces = _spaces([x, y], [period_x, period_y])
    if method == "tree":
        if form != 1:
            raise ValueError('method = "tree" computes form 1 only')
        return _by_tree(spaces, k, conditional=False)
    return _mutual(spaces, k, form)


def ksg_conditional_mutual_information(
    x: ArrayLike,
    y: ArrayLike,
    z: ArrayLike,
    k: int = 3,
    periods: tuple[ArrayLike | None, ArrayLike | None, ArrayLike | None] = (None, None, None),
    method: Method = "pairs",
) -> Array:
    """Conditional mutual information I(X; Y | Z) of continuous samples, in nats.

    I = psi(k) - <psi(n_xz + 1) + psi(n_yz + 1) - psi(n_z + 1)>. Arguments as in
    `ksg_mutual_information`, `periods` for x, y and z. Bias: towards zero, growing with the
    dimension of z.
    """
    spaces = _spaces([x, y, z], list(periods))
    return _by_tree(spaces, k, conditional=True) if method == "tree" else _conditional(spaces, k)


def _spaces(samples: list, periods: list) -> list[tuple[Array, Array | None]]:
    """Every space as (batch, N, d) with its periods (d,); the batch shape is kept by the first."""
    arrays = [as_floating(jnp.asarray(s)) for s in samples]
    arrays = [a[:, None] if a.ndim == 1 else a for a in arrays]
    if len({a.shape[:-1] for a in arrays}) != 1:
        raise ValueError(f"samples of different shapes: {', '.join(str(a.shape) for a in arrays)}")
    circles = [
        None if p is None else jnp.broadcast_to(jnp.asarray(p, a.dtype), (a.shape[-1],))
        for a, p in zip(arrays, periods, strict=True)
    ]
    return list(zip(arrays, circles, strict=True))


def _flat(spaces):
    batch = spaces[0][0].shape[:-2]
    return batch, [a.reshape(-1, *a.shape[-2:]) for a, _ in spaces], [c for _, c in spaces]


def _distances(points: list[Array], rows: list[Array], circles: list) -> list[Array]:
    return [
        separation(p, row, "maximum", c) for p, row, c in zip(points, rows, circles, strict=True)
    ]


def _largest(distances: list[Array]) -> Array:
    total = distances[0]
    for distance in distances[1:]:
        total = jnp.maximum(total, distance)
    return total


def _joint_radii(
    points: list[Array], circles: list, k: int, marginal: bool
) -> tuple[Array, list[Array]]:
    """The distance to the k-th joint neighbour, and the largest marginal distance among the k, if
    asked for.
    """
    n = points[0].shape[0]
    if not 1 <= k < n:
        raise ValueError(f"k = {k} nearest neighbours of {n} samples, allowed: 1 to {n - 1}")
    own = jnp.arange(n, dtype=jnp.int32)

    def visit(best, index, rows):
        distances = _distances(points, rows, circles)
        joint = jnp.where((own == index) | (index >= n), jnp.inf, _largest(distances))
        return insert(best, (joint, *distances) if marginal else (joint,))

    far = jnp.full(n, jnp.inf, points[0].dtype)
    best = sweep(points, [(far,) * (1 + marginal * len(points))] * k, visit)
    sides = [
        _largest([entry[1 + i] for entry in best]) for i in range(len(points) if marginal else 0)
    ]
    return best[-1][0], sides


def _count(
    points: list[Array], circles: list, subspaces: list[tuple[int, ...]], inside
) -> list[Array]:
    """For every subspace (a set of spaces) how many other points `inside(subspace number,
    distance)` accepts.
    """
    n = points[0].shape[0]
    own = jnp.arange(n, dtype=jnp.int32)

    def visit(counts, index, rows):
        distances = _distances(points, rows, circles)
        other = (own != index) & (index < n)
        return [
            count
            + (other & inside(i, _largest([distances[s] for s in subspace]))).astype(jnp.int32)
            for i, (count, subspace) in enumerate(zip(counts, subspaces, strict=True))
        ]

    counts = sweep(points, [jnp.zeros(n, jnp.int32)] * len(subspaces), visit)
    return [count.astype(points[0].dtype) for count in counts]


@eqx.filter_jit
def _mutual(spaces, k: int, form: int) -> Array:
    batch, arrays, circles = _flat(spaces)
    n, dtype = arrays[0].shape[1], arrays[0].dtype

    def one(points):
        points = list(points)
        radius, sides = _joint_radii(points, circles, k, marginal=form == 2)
        if form == 1:
            counts = _count(points, circles, [(0,), (1,)], lambda i, distance: distance < radius)
            return jnp.mean(sum(digamma(c + 1) for c in counts))
        counts = _count(points, circles, [(0,), (1,)], lambda i, distance: distance <= sides[i])
        return jnp.mean(sum(digamma(c) for c in counts)) + 1 / k

    offset = digamma(jnp.asarray(k, dtype)) + digamma(jnp.asarray(n, dtype))
    return offset - jax.lax.map(one, tuple(arrays)).reshape(batch)


@eqx.filter_jit
def _conditional(spaces, k: int) -> Array:
    batch, arrays, circles = _flat(spaces)

    def one(points):
        points = list(points)
        radius, _ = _joint_radii(points, circles, k, marginal=False)
        xz, yz, z = _count(
            points, circles, [(0, 2), (1, 2), (2,)], lambda i, distance: distance < radius
        )
        return jnp.mean(digamma(xz + 1) + digamma(yz + 1) - digamma(z + 1))

    return digamma(jnp.asarray(k, arrays[0].dtype)) - jax.lax.map(one, tuple(arrays)).reshape(batch)


def _by_tree(spaces, k: int, conditional: bool) -> Array:
    batch, arrays, circles = _flat(spaces)
    subspaces = [(0, 2), (1, 2), (2,)] if conditional else [(0,), (1,)]
    everything = tuple(range(len(arrays)))
    values = []
    for i in range(arrays[0].shape[0]):
        points = [np.asarray(a[i]) for a in arrays]
        joint = np.concatenate(points, axis=1)
        radius = tree_distance(joint, k, "maximum", _circle(points, circles, everything))
        counts = [
            jnp.asarray(
                tree_count(
                    np.concatenate([points[s] for s in sub], 1),
                    radius,
                    _circle(points, circles, sub),
                )
            )
            for sub in subspaces
        ]
        signs = [1, 1, -1] if conditional else [1, 1]
        mean = sum(sign * jnp.mean(digamma(c + 1.0)) for sign, c in zip(signs, counts, strict=True))
        values.append(
            digamma(1.0 * k) - mean + (0 if conditional else digamma(1.0 * len(points[0])))
        )
    return jnp.stack([jnp.asarray(v) for v in values]).reshape(batch)


def _circle(
    points: list[np.ndarray], circles: list, subspace: tuple[int, ...]
) -> np.ndarray | None:
    if all(circles[s] is None for s in subspace):
        return None
    parts = [
        np.full(points[s].shape[1], np.inf) if circles[s] is None else np.asarray(circles[s])
        for s in subspace
    ]
    return np.concatenate(parts)
