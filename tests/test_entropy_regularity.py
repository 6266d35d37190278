"""Sample, approximate and multiscale entropy, Lempel-Ziv complexity, spectral and singular-value
entropy.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from physent.entropy import (
    approximate_entropy,
    lempel_ziv_complexity,
    multiscale_entropy,
    sample_entropy,
    spectral_entropy,
    svd_entropy,
)

pytestmark = pytest.mark.slow  # minutes of compilation in all


def pair_fractions(x, m, count, r):
    """How many of the templates agree with each, itself included, all pairs at once."""
    templates = np.stack([x[i : i + count] for i in range(m)], axis=1)
    return (np.abs(templates[:, None] - templates[None]).max(-1) <= r).sum(1)


@pytest.fixture(scope="module")
def series():
    x = np.random.default_rng(0).standard_normal((2, 150))
    x[1] = np.round(2 * x[1])  # ties
    return x


def test_sample_and_approximate_entropy_by_all_pairs(series):
    sample, approximate = sample_entropy(series, order=2), approximate_entropy(series, order=2)
    everything = sample_entropy(series, order=2, templates="all")
    for i, x in enumerate(series):
        r, n = 0.2 * x.std(), len(x)
        a, b = pair_fractions(x, 3, n - 2, r), pair_fractions(x, 2, n - 2, r)
        assert float(sample[i]) == pytest.approx(
            -math.log((a - 1).sum() / (b - 1).sum()), rel=1e-12
        )
        full = pair_fractions(x, 2, n - 1, r)
        fraction = (a - 1).sum() / ((n - 2) * (n - 3)) / ((full - 1).sum() / ((n - 1) * (n - 2)))
        assert float(everything[i]) == pytest.approx(-math.log(fraction), rel=1e-11)
        phi = np.log(full / (n - 1)).mean() - np.log(a / (n - 2)).mean()
        assert float(approximate[i]) == pytest.approx(phi, abs=1e-12)


def test_sample_entropy_of_white_noise(record_number):
    """-ln erf(r/2), with the error of the pairs counted, over 40 series."""
    x = np.random.default_rng(1).standard_normal((40, 2000))
    values = np.asarray(sample_entropy(x))
    expected = -math.log(math.erf(0.1))
    assert expected == pytest.approx(2.185132, abs=5e-7)
    what = "sample entropy of white noise, 40 series of 2,000 (four standard errors asked)"
    record_number(what, values.mean(), exact=expected, within=4 * values.std() / math.sqrt(40))
    assert values.std() / math.sqrt(40) < 0.01


def approximate_limit(r):
    """Approximate entropy of endless white Gaussian noise, -int phi(x) ln P(|x - y| <= r) dx."""
    nodes = np.linspace(-9, 9, 20001)
    cumulative = 0.5 * (1 + np.vectorize(math.erf)(nodes / math.sqrt(2)))
    inside = np.interp(nodes + r, nodes, cumulative) - np.interp(nodes - r, nodes, cumulative)
    density = np.exp(-(nodes**2) / 2) / math.sqrt(2 * math.pi)
    return -np.trapezoid(density * np.log(np.maximum(inside, 1e-300)), nodes)


def test_approximate_entropy_of_white_noise_has_its_limit_from_below():
    assert approximate_limit(0.2) == pytest.approx(2.335273, abs=2e-4)
    x = np.random.default_rng(2).standard_normal(4000)
    values = [float(approximate_entropy(x[:n])) for n in (400, 4000)]
    assert values[0] < values[1] < 2.335273
    # templates of one value agree often enough for the limit to be near
    assert float(approximate_entropy(x, order=1)) == pytest.approx(2.335273, abs=0.1)


@pytest.mark.parametrize(
    ("scale", "value"), [(1, 2.47136), (2, 2.12666), (5, 1.67411), (10, 1.33680), (20, 1.00856)]
)
def test_multiscale_entropy_of_white_noise_in_closed_form(scale, value):
    assert -math.log(math.erf(0.15 * math.sqrt(scale) / 2)) == pytest.approx(value, abs=5e-6)


def test_multiscale_entropy_from_samples():
    x = np.random.default_rng(3).standard_normal((20, 4000))
    values = np.asarray(multiscale_entropy(x, scales=(1, 5, 20)))
    error = values.std(axis=0) / math.sqrt(20)
    np.testing.assert_allclose(
        values.mean(axis=0), [2.47136, 1.67411, 1.00856], atol=4 * error.max()
    )
    assert error.max() < 0.03


def test_regular_and_undefined_series():
    assert float(sample_entropy(np.tile([0.0, 1.0], 60))) == pytest.approx(0, abs=0.02)
    assert float(sample_entropy(np.ones(50))) == 0
    assert np.isnan(float(sample_entropy(2.0 ** np.arange(12), tolerance=0.1)))
    assert (
        float(sample_entropy(np.array([0, 0, 1, 9.0, 0, 0, 5.0, 9.5, 3.0]), tolerance=0.1))
        == math.inf
    )
    gap = np.ones((2, 20))
    gap[1, 3] = np.nan
    assert np.isnan(np.asarray(sample_entropy(gap))).tolist() == [False, True]
    with pytest.raises(ValueError, match="a series of order"):
        sample_entropy(np.ones(3))


@pytest.mark.parametrize(("text", "words"), [("0001101001000101", 6), ("0" * 16, 2), ("01" * 8, 3)])
def test_lempel_ziv_words(text, words):
    assert int(lempel_ziv_complexity(np.array(list(map(int, text))))) == words


def words_by_search(sequence):
    """LZ76 by searching every prefix, as it is defined."""
    position, words = 0, 0
    text = bytes(sequence.tolist())
    while position < len(text):
        length = 1
        while (
            position + length <= len(text)
            and text[position : position + length] in text[: position + length - 1]
        ):
            length += 1
        position, words = position + length, words + 1
    return words


def test_lempel_ziv_by_search():
    x = np.random.default_rng(4).integers(0, 3, (6, 200))
    x[3:, 40:] = x[3:, 39:-1]
    assert np.asarray(lempel_ziv_complexity(x)).tolist() == [words_by_search(row) for row in x]
    normalised = lempel_ziv_complexity(x[0], normalise=True, alphabet=3)
    assert float(normalised) == pytest.approx(
        words_by_search(x[0]) * math.log(200) / (200 * math.log(3)), rel=1e-12
    )
    with pytest.raises(ValueError, match="alphabet"):
        lempel_ziv_complexity(x, normalise=True)


@pytest.mark.parametrize("wide", [True, False])
def test_lempel_ziv_tells_symbols_apart_by_all_digits(wide):
    """2^24 and 2^24 + 1 are one number in float32, and 2 words instead of 3."""
    large = {
        "f4": 2**24 - 1,
        ">f8": 2**24,
        "f8": 2**52,
        "i4": 2**24,
        "i8": 2**40,
        "u8": 2**63,
        "O": 2**70,
    }
    with jax.enable_x64(wide):
        for kind, first in large.items():
            rows = np.array([[first, first + 1] * 8, [first] * 16], kind)
            words = lempel_ziv_complexity(rows)
            assert words.tolist() == [3, 2], kind
            assert jnp.issubdtype(words.dtype, jnp.floating) == (kind[-2:-1] == "f" or kind == "O")
        listed = [2**24, 2**24 + 1] * 8
        assert int(lempel_ziv_complexity(listed)) == 3  # pyright: ignore[reportArgumentType]
        assert int(lempel_ziv_complexity(jnp.array(listed))) == 3
        both = np.array([[2**24, 2**24 + 1] * 8] * 2, float)
        both[1, 3] = np.nan
        np.testing.assert_array_equal(lempel_ziv_complexity(both), [3, np.nan])
        hidden = np.ma.masked_array(np.nan_to_num(both).astype(int), np.isnan(both))
        np.testing.assert_array_equal(lempel_ziv_complexity(hidden), [3, np.nan])
        traced = jax.jit(lempel_ziv_complexity)(jnp.array([0.0, 1.0] * 8))
        assert int(traced) == 3


def test_singular_value_entropy_of_a_sine():
    """Windows over whole periods: the eigenvalues of their covariance are 1 - c_2 and 2 + c_2, c_k
    = cos 2 pi f k.
    """
    x = np.sin(2 * np.pi * 0.05 * np.arange(20 * 50 + 2) + 0.4)
    assert float(svd_entropy(x, order=3, base=2)) == pytest.approx(0.735360, abs=6e-7)
    values = np.sqrt([1 - math.cos(0.2 * math.pi), 2 + math.cos(0.2 * math.pi)])
    p = values / values.sum()
    exact = -(p * np.log(p)).sum()
    assert float(svd_entropy(x, order=3)) == pytest.approx(exact, abs=1e-6)
    assert float(svd_entropy(x, order=3, normalise=True)) == pytest.approx(
        exact / math.log(3), abs=1e-6
    )


def test_spectral_entropy():
    tone = np.sin(2 * np.pi * 8 * np.arange(256) / 256) + 3
    assert float(spectral_entropy(tone)) == pytest.approx(0, abs=1e-10)
    two = tone + np.sin(2 * np.pi * 20 * np.arange(256) / 256)
    assert float(spectral_entropy(two, base=2)) == pytest.approx(1, abs=1e-10)
    impulse = np.zeros(255)
    impulse[7] = 1.0
    assert float(spectral_entropy(impulse)) == pytest.approx(math.log(127), abs=1e-10)


def test_single_precision_and_batches(series):
    x = jnp.asarray(series[0], jnp.float32)
    for function in (sample_entropy, svd_entropy):
        single = function(x)
        assert single.dtype == jnp.float32
        assert float(single) == pytest.approx(float(function(series[0])), rel=2e-3)
    mapped = jax.vmap(sample_entropy)(jnp.asarray(series))
    np.testing.assert_allclose(mapped, sample_entropy(series), rtol=1e-13)
