"""Ordinal patterns and the entropy-complexity plane, against exact probabilities and other
packages.
"""

import itertools
import math
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import ordpy
import pytest

from physent.entropy import (
    AmplitudeOrdinal,
    Dispersion,
    Ordinal,
    SpatialOrdinal,
    WeightedOrdinal,
    complexity_bounds,
    entropy,
    jensen_shannon_complexity,
    ordinal_symbols,
)


def tent(value, times):
    orbit = [value]
    for _ in range(times):
        orbit.append(2 * min(orbit[-1], 1 - orbit[-1]))
    return orbit


def tent_pieces(m):
    """Orbits of length m, one from every interval on which the order of x, T x, ..., T^(m-1) x is
    constant, and the intervals' lengths, exactly: the order changes where two iterates, which are
    piecewise linear, cross."""
    fold = Fraction(1, 2 ** (m - 1))
    cuts = {k * fold for k in range(2 ** (m - 1) + 1)}
    for k in range(2 ** (m - 1)):
        left, right = tent(k * fold, m - 1), tent((k + 1) * fold, m - 1)
        for i, j in itertools.combinations(range(m), 2):
            first, last = left[i] - left[j], right[i] - right[j]
            if first * last < 0:
                cuts.add(k * fold + fold * first / (first - last))
    edges = sorted(cuts)
    lengths = [b - a for a, b in itertools.pairwise(edges)]
    orbits = [tent((a + b) / 2, m - 1) for a, b in itertools.pairwise(edges)]
    return np.array(orbits, dtype=float), lengths


@pytest.mark.parametrize(
    ("m", "patterns", "shannon", "normalised", "complexity"),
    [
        (3, 5, 1.489750, 0.831445, 0.165767),
        (4, 12, 2.348946, 0.739114, 0.291744),
        (5, 31, 3.254769, 0.679849, 0.399226),
        (6, 75, 4.142335, 0.629606, 0.484285),
        (7, 178, 4.988603, 0.585162, 0.523951),
    ],
)
def test_logistic_map_at_full_chaos(m, patterns, shannon, normalised, complexity, record_number):
    """sin^2 makes the logistic map of the tent map without changing an order, and the tent map's
    measure is uniform.
    """
    orbits, lengths = tent_pieces(m)
    symbols = np.asarray(ordinal_symbols(orbits, order=m))[:, 0]
    exact = [Fraction(0)] * math.factorial(m)
    for symbol, length in zip(symbols, lengths, strict=True):
        exact[symbol] += length
    assert sum(exact) == 1
    assert sum(p > 0 for p in exact) == patterns
    p = jnp.asarray([float(q) for q in exact])
    record_number(
        f"logistic map, order {m}: permutation entropy", entropy(p), exact=shannon, within=6e-7
    )
    assert float(entropy(p, normalise=True)) == pytest.approx(normalised, abs=6e-7)
    assert float(jensen_shannon_complexity(p)) == pytest.approx(complexity, abs=6e-7)


def fractional_brownian_patterns(hurst, m):
    """Exact pattern probabilities of fractional Brownian motion: orthants of at most three Gaussian
    variables.
    """
    covariance = lambda s, t: (s ** (2 * hurst) + t ** (2 * hurst) - abs(s - t) ** (2 * hurst)) / 2  # noqa: E731
    times = range(1, m + 1)  # patterns do not depend on where the window starts
    full = np.array([[covariance(s, t) for t in times] for s in times])
    probabilities = []
    for order in itertools.permutations(range(m)):
        steps = np.zeros((m - 1, m))
        for row, (a, b) in enumerate(itertools.pairwise(order)):
            steps[row, b], steps[row, a] = 1, -1
        joint = steps @ full @ steps.T
        scale = np.sqrt(np.diag(joint))
        angles = np.arcsin((joint / np.outer(scale, scale))[np.triu_indices(m - 1, 1)])
        probabilities.append(
            0.25 + angles[0] / (2 * np.pi) if m == 3 else 0.125 + angles.sum() / (4 * np.pi)
        )
    return np.array(probabilities)


@pytest.mark.parametrize(
    ("hurst", "m", "normalised", "complexity"),
    [
        (0.3, 3, 0.990456, 0.009170),
        (0.3, 4, 0.979257, 0.025655),
        (0.5, 3, 0.967132, 0.030602),
        (0.5, 4, 0.938766, 0.069830),
        (0.7, 3, 0.915038, 0.074820),
        (0.7, 4, 0.860673, 0.137881),
    ],
)
def test_fractional_brownian_motion_in_the_plane(hurst, m, normalised, complexity, record_number):
    p = fractional_brownian_patterns(hurst, m)
    assert p.sum() == pytest.approx(1, abs=1e-12)
    what, h = f"fractional Brownian motion, Hurst {hurst}, order {m}", entropy(p, normalise=True)
    record_number(f"{what}: normalised permutation entropy", h, exact=normalised, within=6e-7)
    record_number(
        f"{what}: complexity", jensen_shannon_complexity(p), exact=complexity, within=6e-7
    )


def test_bounds_of_the_plane():
    """The extrema for order 6; the upper curve has a cusp wherever one more outcome becomes
    possible.
    """
    n = 720
    h = np.concatenate([np.linspace(0, 1, 4001), np.log(np.arange(2, n)) / math.log(n)])
    lower, upper = map(np.asarray, complexity_bounds(h, n))
    assert lower.max() == pytest.approx(0.197402387702839, abs=2e-8)
    assert upper.max() == pytest.approx(0.496700423446187, abs=2e-8)
    assert np.all(lower <= upper + 1e-12)
    np.testing.assert_allclose([lower[0], lower[4000], upper[0], upper[4000]], 0, atol=1e-6)


def test_points_lie_within_the_bounds():
    rng = np.random.default_rng(0)
    n = 24
    p = np.concatenate([rng.dirichlet(np.full(n, a), 500) for a in (0.02, 0.1, 0.5, 2.0, 30.0)])
    h, c = np.asarray(entropy(p, normalise=True)), np.asarray(jensen_shannon_complexity(p))
    lower, upper = map(np.asarray, complexity_bounds(h, n))
    assert np.all(c >= lower - 1e-12)
    assert np.all(c <= upper + 1e-12)
    # the families that attain them
    one = np.full(n, 0.4 / (n - 1))
    one[0] = 0.6
    few = np.array([0.05] + [0.95 / 4] * 4 + [0] * (n - 5))
    for family, bound in ((one, 0), (few, 1)):
        at = float(entropy(family, normalise=True))
        expected = float(complexity_bounds(at, n)[bound])
        assert float(jensen_shannon_complexity(family)) == pytest.approx(expected, abs=1e-12)


@pytest.fixture(scope="module")
def series():
    x = np.random.default_rng(2).standard_normal(1500)
    x[::7] = x[1]  # ties: the earlier value counts as the smaller
    return x


def test_agrees_with_ordpy(series):
    for order, delay in ((3, 1), (5, 2)):
        space = Ordinal(order=order, delay=delay)
        h, c = ordpy.complexity_entropy(series, dx=order, taux=delay)
        assert float(entropy(series, outcomes=space, normalise=True)) == pytest.approx(h, abs=1e-13)
        assert float(jensen_shannon_complexity(space.probabilities(series))) == pytest.approx(
            c, abs=1e-13
        )
    weighted = ordpy.weighted_permutation_entropy(series, dx=4)
    assert float(
        entropy(series, outcomes=WeightedOrdinal(order=4), normalise=True)
    ) == pytest.approx(weighted, abs=1e-12)
    field = series.reshape(30, 50)
    peer = ordpy.permutation_entropy(field, dx=3, dy=2, tauy=2)
    ours = entropy(field, outcomes=SpatialOrdinal(rows=2, columns=3, row_delay=2), normalise=True)
    assert float(ours) == pytest.approx(peer, abs=1e-13)


def test_patterns_are_told_apart_and_ties_keep_the_order_of_time():
    every = np.array(list(itertools.permutations(range(4))), float)
    assert len(set(np.asarray(ordinal_symbols(every, order=4))[:, 0])) == 24
    assert int(ordinal_symbols(np.array([1.0, 2.0, 3.0]))[0]) == 0
    assert int(ordinal_symbols(np.array([1.0, 1.0, 1.0]))[0]) == 0
    assert int(ordinal_symbols(np.array([2.0, 1.0, 2.0]))[0]) == int(
        ordinal_symbols(np.array([2.0, 1.0, 3.0]))[0]
    )
    assert float(entropy(np.zeros(50), outcomes=Ordinal())) == 0
    with pytest.raises(ValueError, match="shorter than one window"):
        entropy(np.zeros(4), outcomes=Ordinal(order=3, delay=2))


@pytest.mark.parametrize("m", [3, 5])
def test_a_periodic_series_lies_between_its_bounds(m):
    """A monotone ramp repeated: ln 2/ln m! <= H <= ln(4m - 6)/ln m! for a sine sampled densely."""
    x = np.sin(2 * np.pi * np.arange(4000) / math.pi / 90)
    h = float(entropy(x, outcomes=Ordinal(order=m), normalise=True))
    assert (
        math.log(2) / math.log(math.factorial(m))
        <= h
        <= math.log(4 * m - 6) / math.log(math.factorial(m))
    )


def test_amplitude_aware_by_hand(series):
    x, mix = series[:200], 0.3
    weights = np.zeros(6)
    for i in range(198):
        w = x[i : i + 3]
        size = mix / 3 * np.abs(w).sum() + (1 - mix) / 2 * np.abs(np.diff(w)).sum()
        weights[int(ordinal_symbols(w)[0])] += size
    p = weights / weights.sum()
    ours = entropy(x, outcomes=AmplitudeOrdinal(mix=mix))
    assert float(ours) == pytest.approx(-(p * np.log(p)).sum(), rel=1e-12)


def test_spatial_patterns():
    field = np.array([[1, 2, 1], [8, 3, 4], [6, 7, 5]])
    p = SpatialOrdinal().probabilities(field)
    assert float(entropy(field, outcomes=SpatialOrdinal(), normalise=True)) == pytest.approx(
        0.327156, abs=6e-7
    )
    assert float(jensen_shannon_complexity(p)) == pytest.approx(0.270120, abs=6e-7)
    rng = np.random.default_rng(0)
    field = rng.random((12, 10))
    periodic = SpatialOrdinal(column_delay=2, periodic=(True, True))
    value = entropy(field, outcomes=periodic)
    shifted = entropy(np.roll(field, (5, 3), (0, 1)), outcomes=periodic)
    assert float(shifted) == pytest.approx(float(value), rel=1e-13)
    assert float(periodic.counts(field).sum()) == 120
    tiled = SpatialOrdinal(column_delay=2).counts(np.pad(field, ((0, 1), (0, 2)), mode="wrap"))
    np.testing.assert_array_equal(tiled, periodic.counts(field))
    with pytest.raises(ValueError, match="allowed: 2 to 8"):
        SpatialOrdinal(rows=3, columns=3)


def test_dispersion():
    """Equally likely classes make white Gaussian words equally likely; by hand for a short
    series.
    """
    x = np.random.default_rng(4).standard_normal(200_000)
    assert float(
        entropy(x, outcomes=Dispersion(classes=4, order=2), normalise=True)
    ) == pytest.approx(1, abs=1e-4)
    x = np.array([0.0, 1.0, 2.0, 1.0, 0.0, 1.0, 2.0, 2.0])
    level = np.array([0, 1, 2, 1, 0, 1, 2, 2])  # Phi of -1.47, -0.16, 1.14 in thirds
    pairs = level[:-1] * 3 + level[1:]
    np.testing.assert_array_equal(
        Dispersion(classes=3, order=2).counts(x), np.bincount(pairs, minlength=9)
    )


SPACES = [
    Ordinal(order=3),
    WeightedOrdinal(order=3),
    AmplitudeOrdinal(order=3),
    Dispersion(classes=3),
]


def test_batch_is_a_loop_and_missing_values_are_not_hidden(series):
    batch = series[:240].reshape(3, 2, 40)
    every = jax.jit(
        lambda x: jnp.stack([entropy(x, outcomes=space, normalise=True) for space in SPACES])
    )
    values = every(batch)
    assert np.all((values > 0) & (values <= 1))
    for i, j in itertools.product(range(3), range(2)):
        np.testing.assert_allclose(values[:, i, j], every(batch[i, j]), rtol=1e-13)
    batch[1, 0, 5] = np.nan
    gaps = np.isnan(np.asarray(every(batch)))
    assert np.all(gaps[:, 1, 0])
    assert gaps.sum() == len(SPACES)
