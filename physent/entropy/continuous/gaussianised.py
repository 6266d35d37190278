"""Samples with Gaussian components, and the pairs of directions in which two of them go together.

Mutual information stays what it is when x and y are each mapped one to one. Ranks turned into
quantiles of the normal distribution make every component Gaussian, whatever its tails; then
directions of x and y can be paired, each pair with its correlation and none with another's
(H. Hotelling, Biometrika 28, 321, 1936). Where the whole is Gaussian after the first step, a
Gaussian copula, I = -(1/2) sum ln(1 - r_i^2) over the pairs. Host arrays (samples, components).
"""

from typing import NamedTuple

import numpy as np

_CLOSE = 1 - 1e-9  # a correlation above is that of one and the same thing


class Pairs(NamedTuple):
    """Coordinates x (N, d_x) and y (N, d_y) of unit variance; the correlation of the i-th of x with
    the i-th of y, from the largest down. All other correlations are 0.
    """

    x: np.ndarray
    y: np.ndarray
    correlations: np.ndarray


def normal_scores(samples: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Quantiles of the normal distribution in place of the ranks of each component, equal values in
    random order; a constant is left as zeros.
    """
    from scipy.special import ndtri  # slow to load, and only needed here

    n = len(samples)
    quantiles = ndtri((np.arange(n) + 0.5) / n)
    scores = np.zeros(samples.shape)
    for i, values in enumerate(samples.T):
        order = np.lexsort((random.random(n), values))
        if values[order[0]] != values[order[-1]]:
            scores[order, i] = quantiles
    return scores


def canonical_pairs(
    x: np.ndarray, y: np.ndarray, train: slice | None = None, least: float = 1e-10
) -> Pairs:
    """The paired coordinates of x and y, from the covariances of the samples in `train`, or of all.

    Directions with less than `least` of the largest variance are left out.
    """
    those = slice(None) if train is None else train
    x, y = (_scaled(each, those) for each in (x, y))
    to_x, to_y = (_whitening(each[those], least) for each in (x, y))
    x, y = x @ to_x, y @ to_y
    across = x[those].T @ y[those] / len(x[those])
    left, correlations, right = np.linalg.svd(across)
    return Pairs(x @ left, y @ right.T, np.clip(correlations, 0, _CLOSE))


def _scaled(samples: np.ndarray, those: slice) -> np.ndarray:
    centred = samples - samples[those].mean(0)
    spread = centred[those].std(0)
    return centred / np.where(spread > 0, spread, 1)


def _whitening(samples: np.ndarray, least: float) -> np.ndarray:
    variances, directions = np.linalg.eigh(samples.T @ samples / len(samples))
    there = variances > max(least * variances[-1], 0)
    return directions[:, there] / np.sqrt(variances[there])


def gaussian_log_ratio(pairs: Pairs) -> np.ndarray:
    """ln p(x, y)/(p(x) p(y)) (N,) of paired coordinates as if they were Gaussian."""
    r = pairs.correlations
    x, y = pairs.x[:, : len(r)], pairs.y[:, : len(r)]
    terms = (r**2 * (x**2 + y**2) - 2 * r * x * y) / (1 - r**2)
    return -0.5 * np.sum(np.log1p(-(r**2)) + terms, axis=1)


def gaussian_information(pairs: Pairs) -> float:
    """The information of paired coordinates as if they were Gaussian, in nats.

    The bias of the entropies of Gaussian samples with an estimated covariance, d_x d_y/(2N) to
    first order, is taken off (N. Misra, H. Singh, E. Demchuk, J. Multivar. Anal. 92, 324, 2005).
    """
    from scipy.special import digamma  # slow to load, and only needed here

    n = len(pairs.x)

    def shift(d: int) -> float:
        return 0.5 * float(np.sum(digamma((n - np.arange(1, d + 1)) / 2)))

    dx, dy = pairs.x.shape[1], pairs.y.shape[1]
    bias = shift(dx) + shift(dy) - shift(dx + dy) if n > dx + dy + 1 else 0.0
    return float(-0.5 * np.sum(np.log1p(-(pairs.correlations**2)))) - bias


def drawn_like(pairs: Pairs, random: np.random.Generator) -> Pairs:
    """Gaussian samples with the same number of points, dimensions and correlations."""
    x, y = (random.standard_normal(each.shape) for each in (pairs.x, pairs.y))
    r = pairs.correlations
    y[:, : len(r)] = r * x[:, : len(r)] + np.sqrt(1 - r**2) * y[:, : len(r)]
    return Pairs(x, y, r)
