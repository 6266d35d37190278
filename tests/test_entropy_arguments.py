"""What is given: checked once by annotation, said in one sentence, and with all its digits."""
# pyright: reportArgumentType=false, reportCallIssue=false

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from physent.entropy import (
    Dispersion,
    Histogram,
    Ordinal,
    SpatialOrdinal,
    approximate_entropy,
    autocorrelation_time,
    bin_symbols,
    block_bootstrap,
    combine_symbols,
    compare,
    discrete_mutual_information,
    effective_sample_size,
    entropy,
    entropy_rate,
    gaussian_mutual_information,
    gaussian_transfer_entropy,
    ksg_conditional_mutual_information,
    ksg_mutual_information,
    ksg_transfer_entropy,
    lempel_ziv_complexity,
    medium_entropy_production,
    multiscale_entropy,
    nearest_neighbour_entropy,
    ordinal_symbols,
    sample_entropy,
    spacing_entropy,
    spectral_entropy,
    svd_entropy,
    time_average,
)

X, Y = np.random.default_rng(0).standard_normal((2, 200))
FAR = 1e9
KEY = jax.random.key(0)

# what does not depend on the origin of the data
SHIFTED = {
    "autocorrelation_time": lambda x: autocorrelation_time(x),
    "effective_sample_size": lambda x: effective_sample_size(x),
    "standard error": lambda x: time_average(x).standard_error,
    "bootstrap": lambda x: block_bootstrap(x, KEY).standard_error,
    "compare": lambda x: jnp.stack(compare(x, x[::2] + 0.1)[:3]),
    "entropy_rate": lambda x: jnp.stack(entropy_rate(x[0] + np.arange(200), x, KEY)),
    "sample_entropy": lambda x: sample_entropy(x),
    "approximate_entropy": lambda x: approximate_entropy(x),
    "multiscale_entropy": lambda x: multiscale_entropy(x, [1, 2]),
    "spacing_entropy": lambda x: spacing_entropy(x),
    "nearest_neighbour_entropy": lambda x: nearest_neighbour_entropy(x[:, None]),
    "ksg": lambda x: ksg_mutual_information(x, Y),
    "ksg, conditional": lambda x: ksg_conditional_mutual_information(Y, Y[::-1], x),
    "ksg, transfer": lambda x: ksg_transfer_entropy(x, Y),
    "gaussian": lambda x: gaussian_mutual_information(x, x + Y),
    "gaussian, transfer": lambda x: gaussian_transfer_entropy(Y, x),
    "symbols": lambda x: ordinal_symbols(x, 4),
    "bins": lambda x: bin_symbols(x, 5),
    "ordinal": lambda x: entropy(x, outcomes=Ordinal(order=4)),
    "dispersion": lambda x: entropy(x, outcomes=Dispersion()),
    "histogram": lambda x: entropy(x, outcomes=Histogram()),
    "spatial": lambda x: entropy(x.reshape(10, 20), outcomes=SpatialOrdinal()),
    "spectrum": lambda x: spectral_entropy(x),
}


@pytest.mark.parametrize("name", SHIFTED)
def test_an_offset_in_float64_costs_no_digits_in_single_precision(name):
    x = np.round(X * 2**20) / 2**20  # so that the offset itself rounds nothing away
    with jax.enable_x64(False):
        near, far = SHIFTED[name](x), SHIFTED[name](x + FAR)
    np.testing.assert_allclose(far, near, rtol=2e-4, atol=2e-5)


def test_a_mean_far_away_has_its_value_and_its_error():
    with jax.enable_x64(False):
        near, far = time_average(X), time_average(X + FAR)
        both = compare(X + FAR, X + FAR + 0.5)
    assert float(far.value) == np.float32(FAR)
    assert float(far.standard_error) == pytest.approx(float(near.standard_error), rel=1e-4)
    assert float(both.difference) == pytest.approx(-0.5, rel=1e-4)


@pytest.mark.parametrize("wide", [True, False])
@pytest.mark.parametrize("offset", [0, 2**26, 2**60, -(2**62)])
def test_large_whole_numbers_keep_their_order(offset, wide):
    values = np.random.default_rng(1).integers(0, 1000, 300)
    exact = entropy(values, outcomes=Ordinal(order=4))
    with jax.enable_x64(wide):
        found = entropy(values + offset, outcomes=Ordinal(order=4))
        counted = autocorrelation_time(values + offset)
    assert float(found) == pytest.approx(float(exact), rel=1e-6)
    assert float(counted) == pytest.approx(float(autocorrelation_time(values)), rel=1e-5)
    spread = np.where(np.arange(300) % 2, values, values + 2**30)
    with jax.enable_x64(wide):
        found = entropy(spread, outcomes=Ordinal(order=4))
    exact = entropy(spread, outcomes=Ordinal(order=4))
    assert float(found) == pytest.approx(float(exact), rel=1e-6)


REFUSED: Any = {
    "base, true": (lambda: entropy(abs(X), base=True), "base: given True, allowed: a number > 1"),
    "base, 1": (lambda: entropy(abs(X), base=1), "base: given 1, allowed"),
    "base, 1/2": (lambda: svd_entropy(X, base=0.5), "base: given 0.5, allowed"),
    "base, nan": (lambda: spectral_entropy(X, base=np.nan), "base: given nan, allowed"),
    "base, a text": (lambda: svd_entropy(X, base="2"), "base: given '2', allowed"),
    "normalise": (lambda: entropy(abs(X), normalise="no"), "normalise: given 'no', allowed: True"),
    "normalise, 1": (lambda: svd_entropy(X, normalise=1), "normalise: given 1, allowed: True or"),
    "k, true": (lambda: ksg_mutual_information(X, Y, k=True), "k: given True, allowed: a whole"),
    "k, 2.5": (lambda: nearest_neighbour_entropy(X[:, None], k=2.5), "k: given 2.5, allowed"),
    "k, a text": (lambda: gaussian_transfer_entropy(X, Y, k="3"), "k: given '3', allowed"),
    "templates": (lambda: sample_entropy(X, templates="al"), "templates: given 'al', allowed: c"),
    "ordinal": (
        lambda: entropy(X, outcomes="ordinal"),
        r"outcomes: given 'ordinal', .*Ordinal\(\)",
    ),
    "a class": (lambda: entropy(X, outcomes=Ordinal), r"the class Ordinal, .* as Ordinal\(...\)"),
    "words": (lambda: lempel_ziv_complexity(X), "symbols: given .*, allowed: whole numbers"),
    "alphabet": (
        lambda: lempel_ziv_complexity(np.arange(9) % 3, True, 2),
        "alphabet: given 2 for 3 different symbols",
    ),
    "alphabet of 1": (lambda: lempel_ziv_complexity([0, 0], True, 1), "alphabet: given 1, allowed"),
    "dates": (lambda: time_average(np.arange(9).astype("M8[s]")), "given dates .*, allowed: numb"),
    "texts": (lambda: entropy(np.array(["a", "b"])), "given texts, .*, allowed: numbers"),
    "a list of texts": (lambda: entropy(["a", "b"]), "given texts, .*, allowed: numbers"),
    "nothing": (lambda: ksg_mutual_information([1.0, None, 2.0], X), "such as None, allowed"),
    "rows": (lambda: entropy([[1, 2], [3]]), "given rows of different lengths"),
    "shapes": (
        lambda: combine_symbols([np.zeros((5, 1), int), np.zeros(5, int)], [2, 2]),
        r"given shapes \(5, 1\), \(5,\), allowed: one shape",
    ),
    "means": (lambda: compare(np.ones((3, 9)), np.ones(9)), "a, b: given shapes"),
    "drift": (
        lambda: medium_entropy_production(np.ones((5, 1)), 1.0, np.ones(5)),
        "drift, divergence: given shapes",
    ),
    "symbol": (
        lambda: discrete_mutual_information(np.array([2**32, 1]), np.array([0, 1]), (2, 2)),
        "given 4.29497e[+]09, allowed: the symbols 0 to 1",
    ),
    "sizes": (lambda: combine_symbols([np.zeros(5, int)], [2.5]), "sizes: given 2.5, allowed"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_none_is_said_in_one_sentence(name):
    call, words = REFUSED[name]
    with pytest.raises(ValueError, match=words) as raised, jax.enable_x64(False):
        call()
    assert "\n" not in str(raised.value)


def test_numbers_of_any_type_are_numbers():
    sizes = np.int64(3), np.int32(3)
    symbols = np.arange(30) % 3
    expected = pytest.approx(np.log(3))
    assert float(discrete_mutual_information(symbols, symbols, sizes)) == expected
    assert float(discrete_mutual_information(symbols, symbols, np.array(sizes))) == expected
    assert float(entropy(np.ones(8), base=np.float64(2))) == pytest.approx(3)
    assert float(entropy([10**30, 10**30])) == pytest.approx(np.log(2))
    assert float(entropy(np.ones(8, np.longdouble))) == pytest.approx(np.log(8))
    masked = [np.ma.masked_array([1.0, 2.0], [False, True]), np.ma.masked_array([1.0, 1.0])]
    np.testing.assert_allclose(entropy(masked), [np.nan, np.log(2)])
    with jax.enable_x64(False):  # 2^24 + 1 is no number in float32
        joint, _ = combine_symbols([np.array([2.0**24 + 1])], [2**25])
    assert int(joint[0]) == 2**24 + 1


def test_times_of_any_type():
    """Unsigned differences began again at the other end; masked times were taken as they were."""
    s = np.random.default_rng(0).standard_normal(50)
    expected = entropy_rate(np.arange(50.0)[::-1], s, KEY).value
    down = np.arange(50, dtype=np.uint8)[::-1]
    assert float(entropy_rate(down, s, KEY).value) == pytest.approx(float(expected))
    masked = np.ma.masked_equal(np.arange(50), 3)
    assert np.isnan(entropy_rate(masked, s, KEY).value)


def test_more_counts_than_places_are_refused():
    with pytest.raises(ValueError, match="fewer than 2\\^31 at once"):
        jax.eval_shape(
            lambda x: Histogram(bins=2**20).counts(x), jax.ShapeDtypeStruct((2**12, 1), jnp.float32)
        )


def test_a_warning_points_at_the_line_of_the_user():
    x, y = np.round(X), np.round(Y)
    for call in (
        lambda: ksg_mutual_information(x, y),
        lambda: ksg_transfer_entropy(x, y),
        lambda: time_average(X[:5]),
    ):
        with pytest.warns(UserWarning, match="occur more than once|too few") as said:
            call()
        assert said[0].filename == __file__
