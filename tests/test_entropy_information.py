"""Information between symbols, transfer entropy, and the tests of their significance."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
import scipy.signal
import scipy.stats

from physent.entropy import (
    ESTIMATORS,
    MillerMadow,
    bin_symbols,
    circular_shift,
    combine_symbols,
    discrete_conditional_mutual_information,
    discrete_mutual_information,
    discrete_transfer_entropy,
    gaussian_information,
    gaussian_mutual_information,
    gaussian_transfer_entropy,
    iaaft,
    ksg_transfer_entropy,
    permutation_test,
    phase_randomised,
    shuffle,
)

pytestmark = pytest.mark.slow  # minutes of compilation in all


def symbols(joint, n):
    """n pairs with exactly the frequencies of a table of whole numbers that add up to n."""
    x, y = np.indices(joint.shape)
    return np.repeat(x.ravel(), joint.ravel()), np.repeat(y.ravel(), joint.ravel())


def test_mutual_information_of_a_table():
    table = np.array([[30, 10, 0], [5, 25, 30]])
    x, y = symbols(table, 100)
    p = table / 100
    independent = np.outer(p.sum(1), p.sum(0))
    exact = scipy.stats.entropy(p.ravel(), independent.ravel())
    assert float(discrete_mutual_information(x, y, (2, 3))) == pytest.approx(exact, rel=1e-12)
    corrected = discrete_mutual_information(x, y, (2, 3), MillerMadow())
    assert float(corrected) == pytest.approx(exact + (1 + 2 - 4) / 200, rel=1e-12)
    # a third variable that repeats x leaves nothing; one that is constant changes nothing
    assert float(discrete_conditional_mutual_information(x, y, x, (2, 3, 2))) == pytest.approx(
        0, abs=1e-12
    )
    constant = np.zeros_like(x)
    same = discrete_conditional_mutual_information(x, y, constant, (2, 3, 1))
    assert float(same) == pytest.approx(exact, rel=1e-12)


def test_every_estimator_reduces_the_bias_of_independent_symbols():
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 5, (300, 400)), rng.integers(0, 5, (300, 400))
    means = {
        k: float(discrete_mutual_information(x, y, (5, 5), e()).mean())
        for k, e in ESTIMATORS.items()
    }
    assert means["plug_in"] == pytest.approx(16 / 800, rel=0.12)
    for kind in ("miller_madow", "grassberger", "jackknife"):
        assert abs(means[kind]) < 0.35 * means["plug_in"]


def test_exclusive_or_is_seen_only_under_the_condition():
    x, y = np.tile([0, 0, 1, 1], 25), np.tile([0, 1, 0, 1], 25)
    z = x ^ y
    assert float(discrete_mutual_information(x, y, (2, 2))) == pytest.approx(0, abs=1e-14)
    under = discrete_conditional_mutual_information(x, y, z, (2, 2, 2))
    assert float(under) == pytest.approx(math.log(2), rel=1e-13)
    joint, size = combine_symbols([x, y, z], [2, 2, 2])
    assert size == 8
    assert sorted(set(np.asarray(joint).tolist())) == [0, 3, 5, 6]


def test_processing_does_not_create_information():
    rng = np.random.default_rng(1)
    x = rng.integers(0, 4, 2000)
    y = (x + (rng.random(2000) < 0.3)) % 4
    z = np.array([0, 0, 1, 2])[y]
    assert float(discrete_mutual_information(x, z, (4, 3))) < float(
        discrete_mutual_information(x, y, (4, 4))
    )
    bins = np.asarray(bin_symbols(np.array([[0.0, 0.5, 1.0], [5.0, 5.0, 7.0]]), 2))
    assert bins.tolist() == [[0, 1, 1], [0, 0, 1]]


def coupled(n, rng, warm=100):
    """x = x_-1/2 + e, y = y_-1/2 + 3 x_-1/5 + u."""
    e, u = rng.standard_normal((2, n + warm))
    x = scipy.signal.lfilter([1], [1, -0.5], e)
    y = scipy.signal.lfilter([1], [1, -0.5], u + 0.6 * np.concatenate([[0], x[:-1]]))
    return np.asarray(x)[warm:], np.asarray(y)[warm:]


def test_transfer_entropy_of_linear_processes_exactly(record_number):
    """From the stationary covariance, without sampling."""
    step = np.array([[0.5, 0.0], [0.6, 0.5]])
    stationary = scipy.linalg.solve_discrete_lyapunov(step, np.eye(2))
    lagged = step @ stationary  # covariance of (x, y) now with (x, y) before
    covariance = np.block([[stationary, lagged], [lagged.T, stationary]])
    there = gaussian_information(covariance, [1], [2], [3])
    record_number(
        "transfer entropy of coupled linear processes, from their covariance",
        there,
        exact=0.181395,
        within=6e-7,
    )
    assert float(gaussian_information(covariance, [0], [3], [2])) == pytest.approx(0, abs=1e-14)
    assert 0.5 * math.log(1 + 0.8**2 / 0.5**2) == pytest.approx(0.634880, abs=5e-7)


def test_transfer_entropy_from_samples(record_number):
    rng = np.random.default_rng(2)
    x, y = coupled(100_000, rng)
    error = 1.5 / math.sqrt(100_000)
    assert float(gaussian_transfer_entropy(x, y)) == pytest.approx(0.181395, abs=4 * error)
    assert float(gaussian_transfer_entropy(y, x)) == pytest.approx(0, abs=1e-4)
    found = ksg_transfer_entropy(x[:20_000], y[:20_000], method="tree")
    record_number("the same by KSG, 20,000 samples", found, exact=0.181395, within=0.03)
    noise = rng.standard_normal((2, 4000))
    target = np.concatenate([[0.0], 0.8 * noise[0, :-1] + 0.5 * noise[1, :-1]])
    assert float(gaussian_transfer_entropy(noise[0], target)) == pytest.approx(0.634880, abs=0.04)
    assert float(ksg_transfer_entropy(noise[0], target, method="tree")) == pytest.approx(
        0.634880, abs=0.06
    )
    late = np.roll(target, 2)
    assert float(gaussian_transfer_entropy(noise[0], late, delay=3)) == pytest.approx(
        0.634880, abs=0.04
    )
    assert float(gaussian_transfer_entropy(noise[0], late, delay=1, l=2)) < 0.01


def test_transfer_entropy_of_symbols():
    """A bit copied with probability 9/10: ln 2 - H(1/10), from the past two steps as from one."""
    rng = np.random.default_rng(3)
    x = rng.integers(0, 2, 20_000)
    y = np.concatenate([[0], np.where(rng.random(19_999) < 0.1, 1 - x[:-1], x[:-1])])
    exact = math.log(2) + 0.1 * math.log(0.1) + 0.9 * math.log(0.9)
    assert float(discrete_transfer_entropy(x, y, (2, 2))) == pytest.approx(exact, abs=0.01)
    assert float(discrete_transfer_entropy(x, y, (2, 2), k=2, l=2)) == pytest.approx(
        exact, abs=0.01
    )
    assert float(discrete_transfer_entropy(y, x, (2, 2), estimator=MillerMadow())) == pytest.approx(
        0, abs=5e-4
    )
    with pytest.raises(ValueError, match=r"source, target: given shapes .*, allowed: one"):
        discrete_transfer_entropy(x, y[1:], (2, 2))


def test_surrogates_keep_what_they_say():
    x = jnp.cumsum(jax.random.normal(jax.random.key(0), (128,)))
    power = np.abs(np.fft.rfft(x))
    for n in (128, 127):
        randomised = phase_randomised(jax.random.key(1), x[:n])
        np.testing.assert_allclose(
            np.abs(np.fft.rfft(randomised)), np.abs(np.fft.rfft(x[:n])), rtol=1e-9, atol=1e-9
        )
    for surrogate in (shuffle, circular_shift, iaaft):
        values = np.asarray(surrogate(jax.random.key(2), x))
        np.testing.assert_array_equal(np.sort(values), np.sort(x))
        assert not np.array_equal(values, x)
    kept = np.abs(np.fft.rfft(iaaft(jax.random.key(3), x)))
    assert ((kept - power) ** 2).sum() < 2e-3 * (power**2).sum()


def test_permutation_test_is_uniform_under_independence_and_small_under_dependence():
    rng = np.random.default_rng(4)
    x, y = rng.standard_normal((2, 120, 60))
    test = jax.jit(
        jax.vmap(
            lambda x, y, key: permutation_test(gaussian_mutual_information, x, y, key, samples=99)
        )
    )
    keys = jax.random.split(jax.random.key(0), 120)
    p_values = np.asarray(test(x, y, keys).p_value)
    assert scipy.stats.kstest(p_values, "uniform")[1] > 0.01
    dependent = test(x, x + y, keys)
    assert np.all(np.asarray(dependent.p_value) == 0.01)
    assert np.all(np.asarray(dependent.value) > np.asarray(dependent.null_mean))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n", [100, 100_000])
def test_what_is_known_exactly_is_infinite_and_what_tells_nothing_is_zero(n, dtype):
    """The determinant of a singular matrix is a rounding error, of either sign."""
    x, u, v = np.random.default_rng(0).standard_normal((3, n)).astype(dtype)
    both = np.stack([x, 3 * x], axis=1)
    assert float(gaussian_mutual_information(x, 2 * x + 3)) == np.inf
    assert float(gaussian_mutual_information(np.stack([x, u], 1), x / 3 - u)) == np.inf
    once = float(gaussian_mutual_information(x, x + u))
    assert float(gaussian_mutual_information(both, x + u)) == pytest.approx(once, rel=1e-4)
    assert float(gaussian_mutual_information(np.ones_like(x), u)) == 0
    # a series has nothing to tell about its own next value that its past has not
    assert float(gaussian_transfer_entropy(x, x)) == 0
    assert float(gaussian_transfer_entropy(3 * x + 2, x)) == 0
    assert float(gaussian_transfer_entropy(np.ones_like(x), v)) == 0
    assert float(gaussian_transfer_entropy(np.roll(x, -1), 3 * x + 2, delay=2)) == 0
    assert float(gaussian_transfer_entropy(x, np.roll(x, 1))) == np.inf


@pytest.mark.parametrize(
    ("k", "l", "delay"), [(1, 1, 1), (3, 3, 1), (3, 2, 2), (2, 3, 1), (1, 1, 2)]
)
def test_a_series_tells_itself_nothing_where_its_past_is_known(k, l, delay):  # noqa: E741
    x = np.random.default_rng(0).standard_normal(300)
    found = float(gaussian_transfer_entropy(x, x, k, l, delay))
    assert found == 0 if delay + l - 1 <= k else 0 < found < 0.01


IMPOSSIBLE = [[1.0, 0.9, 0.9], [0.9, 1.0, 0.0], [0.9, 0.0, 1.0]]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_matrix_that_is_no_covariance_has_no_information(dtype):
    def found(matrix, *groups):
        return np.asarray(gaussian_information(np.array(matrix, dtype), *groups))

    for a, b in ((1.0, 2.0), (-1.0, 0.2), (1.0, np.nan), (0.0, 0.5), (1.0, np.inf)):
        assert np.isnan(found([[a, b], [b, 1.0]], [0], [1]))
        assert np.isnan(found([[1.0, b], [b, a]], [0], [1]))
    for skew in (-0.5, 0.0, 0.501):
        assert np.isnan(found([[1, 0.5], [skew, 1]], [0], [1]))
    apart = np.array([[1, 0, 0], [0, 1, 2], [0, 2, 1]])
    for matrix, groups in (
        (apart, ([0], [1, 2])),
        (apart, ([0], [1], [2])),
        (apart, ([0], [1])),
        (IMPOSSIBLE, ([0], [1, 2])),
        (IMPOSSIBLE, ([1], [2], [0])),
    ):
        for unit in (1.0, 1e-12, 1e12):
            scale = np.array([1.0, unit, 1.0])
            assert np.isnan(found(matrix * np.outer(scale, scale), *groups))
    # one of a batch, and what is a covariance to rounding
    batch = np.array([[[1, 0.5], [0.5, 1]], [[1, 0.5], [0.5, 0]]])
    np.testing.assert_allclose(found(batch, [0], [1]), [math.log(4 / 3) / 2, np.nan], rtol=1e-6)
    tiny = float(np.finfo(dtype).eps)
    for sign, unit in ((1, 1.0), (-1, 1e10)):
        matrix = [[1.0, sign * unit * (1 + 2 * tiny)], [sign * unit, unit**2]]
        assert found(matrix, [0], [1]) == np.inf
    assert found([[1.0, 0.0], [0.0, 0.0]], [0], [1]) == 0
    assert found(np.zeros((2, 2)), [0], [1]) == 0
    with pytest.raises(ValueError, match=r"covariance: given shape \(2, 3\), allowed"):
        gaussian_information(np.ones((2, 3)), [0], [1])


def test_the_derivative_of_gaussian_information_passes_the_look_at_the_matrix():
    def of(rho):
        return gaussian_information(jnp.array([[1.0, rho], [rho, 1.0]]), [0], [1])

    for mode in (jax.grad, jax.jacfwd):
        assert float(mode(of)(0.6)) == pytest.approx(0.6 / 0.64, rel=1e-12)


@pytest.mark.parametrize(
    "groups",
    [
        ([0], [7]),
        ([-4], [1]),
        ([0], [0]),
        ([0], [1, 1]),
        ([0], [1], [0]),
        ([0], [-3]),
        ([], [1]),
        ([0], []),
    ],
)
def test_places_that_are_none_are_said(groups):
    with pytest.raises(ValueError, match=r"x, y, z: given .*, allowed: different places 0 to 2"):
        gaussian_information(np.eye(3), *groups)
    assert float(gaussian_information(np.eye(3), [0], [-1])) == 0
