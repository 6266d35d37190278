"""Functions of x and of y that go together most: canonical pairs of polynomials and radii.

What x tells about y is often told by a few functions f_i(x) and g_i(y). Information does not grow
under functions, I(f(X); g(Y)) <= I(X; Y), and in few dimensions nearest neighbours are near. The
functions are linear in polynomials of the ranks, found on one half of the samples, so that on the
other they cannot follow its noise; of functions that others determine already one is enough. (The
alternating conditional expectations of L. Breiman and J. H. Friedman, J. Am. Stat. Assoc. 80, 580,
1985, in a fixed basis.)
"""

import itertools
from typing import NamedTuple

import numpy as np

from physent.entropy.continuous.gaussianised import Pairs, canonical_pairs, normal_scores

MOST_FEATURES = 80
_PER_FEATURE = 15  # samples to fit the weight of one feature
_RIDGE = 1e-4
_LOOKED_AT = 10  # pairs, from the largest correlation down
MOST_KEPT = 5
_LEAST = 0.1  # the correlation on the other half
_DETERMINED = 0.8  # the share of the variance that the functions before tell


def features(x: np.ndarray, most: int = MOST_FEATURES) -> np.ndarray:
    """The components (N, d), radii, components times squared radii, and as many complete degrees of
    polynomials, up to the third, as there is room for; of one component more.
    """
    d = x.shape[1]
    square = np.mean(x**2, axis=1, keepdims=True)
    columns = [x, np.log(square + 0.05), x * square, np.sqrt(square)]
    for degree in (2, 3):
        places = list(itertools.combinations_with_replacement(range(d), degree))
        if sum(each.shape[1] for each in columns) + len(places) > most:
            break
        columns.append(np.stack([np.prod(x[:, list(i)], axis=1) for i in places], axis=1))
    if d == 1:
        columns += [x**4, x**5, np.sin(2 * x), np.cos(2 * x)]
    return np.concatenate(columns, axis=1)


class Functions(NamedTuple):
    """Functions (N, q_x) and (N, q_y) that are alike; how much more they tell as Gaussian
    variables, in nats, than those found with a quarter of the samples; and what the pairs of
    directions tell for which there was no room, as Gaussian variables.
    """

    x: np.ndarray
    y: np.ndarray
    rise: float
    rest: float


def canonical_functions(
    pairs: Pairs, train: slice, test: slice, random: np.random.Generator
) -> Functions | None:
    """Functions of paired coordinates found on `train` that are alike on `test` and none of which
    the others determine; None where there are none.
    """
    room = min(MOST_FEATURES, len(pairs.x[train]) // _PER_FEATURE)
    if room < 4:
        return None
    sides = [_within(side, room) for side in (pairs.x, pairs.y)]
    f, g, _ = canonical_pairs(sides[0], sides[1], train, _RIDGE)
    found = _held_out(f, g, test)
    alike = [i for i, each in enumerate(found) if each >= _LEAST]
    if not alike:
        return None
    quarter = slice(train.start, train.start + (train.stop - train.start) // 4)
    fewer = canonical_pairs(sides[0], sides[1], quarter, _RIDGE)
    less = _held_out(fewer.x, fewer.y, test)
    rise = _told_by(found) - _told_by(less)
    x, y = (side[:, _undetermined(side[test], alike, random)] for side in (f, g))
    beyond = _held_out(pairs.x, pairs.y, test, len(pairs.correlations))[MOST_KEPT:]
    return Functions(x, y, rise, _told_by(beyond[beyond >= _LEAST]))


def _held_out(f: np.ndarray, g: np.ndarray, test: slice, looked_at: int = _LOOKED_AT) -> np.ndarray:
    """The correlations of the first pairs on `test`."""
    looked_at = min(looked_at, f.shape[1], g.shape[1])
    pairs = ((f[test, i], g[test, i]) for i in range(looked_at))
    return np.array([abs(np.corrcoef(one, other)[0, 1]) for one, other in pairs])


def _told_by(correlations: np.ndarray) -> float:
    return float(-0.5 * np.sum(np.log1p(-(np.minimum(correlations, 0.9999) ** 2))))


def _within(side: np.ndarray, room: int) -> np.ndarray:
    """The features of the leading coordinates of which there is room for the linear ones."""
    return features(side[:, : max(1, (room - 2) // 2)], room)


def _undetermined(side: np.ndarray, among: list[int], random: np.random.Generator) -> list[int]:
    kept = among[:1]
    half = len(side) // 2
    room = min(60, half // 10)
    for i in among[1:]:
        known = features(normal_scores(side[:, kept], random), room)
        known = np.concatenate([np.ones((len(known), 1)), known], axis=1)
        value = side[:, i]
        weights = np.linalg.lstsq(known[:half], value[:half], rcond=None)[0]
        left = np.var(value[half:] - known[half:] @ weights) / np.var(value[half:])
        if left >= 1 - _DETERMINED:
            kept.append(i)
        if len(kept) == MOST_KEPT:
            break
    return kept
