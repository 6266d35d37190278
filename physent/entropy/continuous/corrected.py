"""Mutual information by nearest neighbours less the error that Gaussian samples of the same number,
dimensions and correlations show, whose information is known.

The first estimator of Kraskov, Stoegbauer and Grassberger, Phys. Rev. E 69, 066138 (2004), at some
of the points only, its centres, among all points. Its bias, which is large where neighbours are far
away compared with the width of the dependence, is that of the Gaussian samples for the larger part;
what the log-ratio of the Gaussian density has in common with the estimate at the same centre is
taken from its exact mean instead, which lessens the noise.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from physent.entropy.continuous.gaussianised import (
    Pairs,
    canonical_pairs,
    drawn_like,
    gaussian_information,
    gaussian_log_ratio,
    normal_scores,
)

NEIGHBOURS = (2, 4)
_BLOCK = 64  # centres whose distances to all points are held at once
_PART = 4  # the smaller sample is one in so many


class Corrected(NamedTuple):
    """Information in nats: the corrected value, what was added for the bias, the standard error,
    the change from a quarter of the points to all, and the difference between the neighbours.
    """

    value: float
    added: float
    error: float
    rise: float
    between: float


def corrected_information(
    x: np.ndarray, y: np.ndarray, centres: np.ndarray, random: np.random.Generator
) -> Corrected:
    """The information of samples (N, d_x) and (N, d_y) in random order, from their ranks."""
    pairs = canonical_pairs(normal_scores(x, random), normal_scores(y, random))
    like, exact = drawn_like(pairs, random), gaussian_information(pairs)
    found, expected = (
        local_information(each, centres) - gaussian_log_ratio(each)[centres]
        for each in (pairs, like)
    )
    values = found.mean(-1) - expected.mean(-1) + exact
    noise = np.var(found.mean(1)[0]) + np.var(expected.mean(1)[0])
    noise = noise / len(centres) + np.var(gaussian_log_ratio(pairs)) / len(x)
    value = float(values[0].mean())
    return Corrected(
        value,
        float(-expected[0].mean()),
        float(np.sqrt(noise)),
        value - float(values[1].mean()),
        float(values[0, -1] - values[0, 0]),
    )


def local_information(
    pairs: Pairs, centres: np.ndarray, neighbours: Sequence[int] = NEIGHBOURS
) -> np.ndarray:
    """The terms of the estimate (2, neighbours, centres): among all points, and among the first
    quarter of them.
    """
    from scipy.special import digamma  # slow to load, and only needed here

    n = len(pairs.x)
    sizes, most = (n, max(n // _PART, max(neighbours) + 2)), max(neighbours)
    sides = [np.ascontiguousarray(side.T, dtype=np.float32) for side in (pairs.x, pairs.y)]
    found = np.empty((len(sizes), len(neighbours), len(centres)))
    for first in range(0, len(centres), _BLOCK):
        rows = centres[first : first + _BLOCK]
        apart = [_distances(side, rows) for side in sides]
        joint = np.maximum(*apart)
        for i, size in enumerate(sizes):
            others = np.where(rows < size, size - 1, size)
            nearest = np.sort(np.partition(joint[:, :size], most, axis=1)[:, :most], axis=1)
            for j, k in enumerate(neighbours):
                radius = nearest[:, k - 1 : k]
                terms = digamma(k) + digamma(others + 1)
                for each in apart:
                    nearer = np.count_nonzero(each[:, :size] < radius, axis=1)
                    terms = terms - digamma(nearer + 1)
                found[i, j, first : first + len(rows)] = terms
    return found


def _distances(side: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The largest difference of a component (d, N) from each of these points to all; inf from a
    point to itself.
    """
    far = np.zeros((len(rows), side.shape[1]), np.float32)
    for component in side:
        apart = component[rows][:, None] - component[None, :]
        np.maximum(far, np.abs(apart, out=apart), out=far)
    far[np.arange(len(rows)), rows] = np.inf
    return far
