"""Error bars and p values: how often they are right, and what they say of few samples. The whole
tables are made by experiments/benchmarks/coverage.py.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.signal
import scipy.stats

from physent.entropy import (
    block_bootstrap,
    circular_shift,
    compare,
    entropy_rate,
    permutation_test,
    time_average,
)
from physent.entropy.error_bars import student

KEY = jax.random.key(0)


def autoregressive(a, n, seeds):
    """Stationary AR(1) series (seeds, n)."""
    draws = [np.random.default_rng(seed).standard_normal(n + 1) for seed in seeds]
    noise, first = np.array(draws)[:, 1:], np.array(draws)[:, :1] / np.sqrt(1 - a**2)
    return scipy.signal.lfilter([1], [1, -a], noise, axis=-1, zi=a * first)[0]


def covered(low, high, truth=0.0):
    return np.mean((np.asarray(low) < truth) & (truth < np.asarray(high)))


@pytest.mark.parametrize(("a", "n", "least"), [(0.98, 10_000, 0.9), (0.98, 1000, 0.8)])
def test_blocks_follow_the_measured_correlation(a, n, least):
    """The fixed blocks of version 0.1 covered the mean in 59 to 68 % and 52 % of all cases."""
    series, keys = autoregressive(a, n, range(100)), jax.random.split(jax.random.key(0), 100)
    rates = jax.jit(jax.vmap(lambda x, key: block_bootstrap(x, key, samples=200)))(series, keys)
    assert covered(rates.low, rates.high) >= least - 2 * np.sqrt(least * (1 - least) / 100)


def test_a_time_average_covers_the_mean_as_often_as_it_says():
    """N/tau = 100: 400 seeds, the central 99.9 % of the binomial."""
    average = jax.jit(time_average)(autoregressive(0.9, 1900, range(400)))
    assert 0.91 <= covered(average.low, average.high) <= 0.98


def test_equal_means_are_rejected_as_often_as_the_p_value_says():
    """N/tau = 50 and 100, 1,000 seeds: 2.8 to 7.2 % at 5 %."""
    first, second = (
        autoregressive(0.9, 950, range(1000)),
        autoregressive(0.5, 300, range(1000, 2000)),
    )
    rejected = np.mean(np.asarray(jax.jit(compare)(first, second).p_value) < 0.05)
    assert 0.028 <= rejected <= 0.072


def test_equal_means_of_smooth_fields_are_rejected_as_often_as_the_p_value_says():
    fields = autoregressive(0.8, 72 * 300, range(600)).reshape(600, 300, 72)
    fields = np.asarray(scipy.signal.lfilter([1], [1, -0.8], fields, axis=1))[:, 100:]
    result = jax.jit(lambda a, b: compare(a, b, axis=(-2, -1)))(fields[:300], fields[300:])
    assert 0.01 <= np.mean(np.asarray(result.p_value) < 0.05) <= 0.1


def test_a_slope_of_correlated_noise_is_covered():
    """N/tau = 20, which was .8 before."""
    t, noise = np.linspace(0, 10, 380), autoregressive(0.9, 380, range(100))
    keys = jax.random.split(jax.random.key(0), 100)
    rates = jax.jit(jax.vmap(lambda s, key: entropy_rate(t, s, key, samples=100)))(
        0.3 * t + noise, keys
    )
    assert covered(rates.low, rates.high, 0.3) >= 0.88


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("value", [1.0, 0.1, 1e30, 1e-30, -7e7])
def test_constants_differ_or_do_not(value, dtype):
    with jax.enable_x64(True):
        one, other = np.full(50, value, dtype), np.full(33, value, dtype)
        equal, different = compare(one, other), compare(one, other * np.asarray(1.5, dtype))
        assert equal.p_value == 1 and equal.standard_error == 0 and equal.difference == 0
        assert different.p_value == 0
        assert list(map(float, equal.effective_sizes)) == [50, 33]
        assert block_bootstrap(one, jax.random.key(0)).standard_error == 0
        assert time_average(one)[:3] == (one[0], 0, 50)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("unit", [1e-30, 1e30])
def test_errors_have_the_units_of_the_values(unit, dtype):
    with jax.enable_x64(True):
        x = autoregressive(0.5, 600, [0])[0]
        for measure in (
            lambda x: block_bootstrap(x, jax.random.key(0)),
            lambda x: time_average(x)[:2],
            lambda x: entropy_rate(np.arange(600), x, jax.random.key(0), samples=50),
            lambda x: compare(x[:300], x[300:])[:2],
        ):
            given = np.array(measure((x * unit).astype(dtype)), float) / unit
            np.testing.assert_allclose(given, measure(x), rtol=2e-3, atol=1e-6)


def test_few_independent_samples_are_said_once_and_not_while_tracing():
    x = autoregressive(0.98, 1000, [0])[0]
    calls = {
        "the mean": time_average,
        "the series": lambda x: block_bootstrap(x, jax.random.key(0)),
        "the series ": lambda x: entropy_rate(np.arange(1000), x, jax.random.key(0), samples=50),
        "one of the means": lambda x: compare(x, -x),
    }
    for words, call in calls.items():
        with pytest.warns(UserWarning, match=f"too few.*{words.strip()} is worth") as said:
            call(x)
        assert len(said) == 1 and said[0].filename == __file__
        jax.jit(call)(x)  # warnings are errors
    with pytest.warns(UserWarning, match="of 2 in 3 series"):
        time_average(np.stack([x, autoregressive(0, 1000, [0])[0], x]))


def test_one_value_has_no_error():
    with pytest.warns(UserWarning, match="worth 1 of"):
        average = time_average(np.ones(1))
    assert average.value == 1 and np.isnan(average.standard_error) and np.isnan(average.high)


@pytest.mark.parametrize(
    ("spoil", "words"), [("nan", "x has 1 values that are not finite"), ("constant", "x is const")]
)
def test_a_statistic_that_is_not_a_number_has_no_p_value(spoil, words):
    """It was .01, the smallest there is."""
    x, y = np.random.default_rng(0).standard_normal((2, 300))
    x = np.where(np.arange(300) == 7, np.nan, x) if spoil == "nan" else np.ones(300)

    def correlation(x, y):
        return jnp.corrcoef(x, y)[0, 1]

    with pytest.warns(UserWarning, match=words) as said:
        found = permutation_test(correlation, x, y, jax.random.key(0), 99)
    assert np.isnan(found.p_value) and len(said) == 1
    traced = jax.jit(lambda x: permutation_test(correlation, x, y, KEY, 99))(x)
    assert np.isnan(traced.p_value)
    with pytest.warns(UserWarning, match="surrogates, though x and y are finite"):
        found = permutation_test(lambda x, y: jnp.log(x[0]), y, y, KEY, 99)
    assert np.isnan(found.p_value)


def test_shifted_series_are_called_dependent_as_often_as_the_p_value_says():
    """AR(1), N/tau = 50, 400 seeds: the central 99.9 % of the binomial."""
    x, y = autoregressive(0.9, 950, range(400)), autoregressive(0.9, 950, range(400, 800))

    def p_value(x, y, key):
        return permutation_test(
            lambda x, y: jnp.abs(x @ y), x, y, key, samples=99, surrogate=circular_shift
        ).p_value

    p_values = jax.jit(jax.vmap(p_value))(x, y, jax.random.split(KEY, 400))
    assert 0.02 <= np.mean(np.asarray(p_values) <= 0.05) <= 0.09


def test_quantiles_of_students_t():
    freedom = np.array([2, 3, 5, 10, 100, 1e6])
    exact = scipy.stats.t.ppf(0.975, freedom)
    np.testing.assert_allclose(student(jnp.asarray(freedom)), exact, rtol=1e-2)
    np.testing.assert_allclose(student(jnp.asarray(freedom))[1:], exact[1:], rtol=2e-3)
