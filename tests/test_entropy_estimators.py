"""Estimators: exact expectations over all samples, agreement with other packages, and every
combination.
"""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from physent.entropy import (
    ESTIMATORS,
    MEASURES,
    ChaoShen,
    Counts,
    Curado,
    Density,
    Extropy,
    Grassberger,
    Hartley,
    Jackknife,
    Kaniadakis,
    MillerMadow,
    MinEntropy,
    PlugIn,
    Renyi,
    Shannon,
    Shrinkage,
    Tsallis,
    entropy,
)
from physent.entropy.discrete.measures import TraceForm

pytestmark = pytest.mark.slow  # minutes of compilation in all

COUNTS = jnp.asarray(
    np.random.default_rng(0).multinomial(
        60, np.random.default_rng(1).dirichlet(np.ones(12)), size=3
    )
)


@pytest.mark.parametrize(
    ("k", "n", "plug_in", "miller_madow", "older", "newer"),
    [
        (10, 100, 2.256665, 2.306664, 2.307591, 2.307593),
        (100, 100, 4.035698, 4.352682, 4.488285, 4.561963),
        (100, 1000, 4.554730, 4.604728, 4.605667, 4.605670),
    ],
)
def test_exact_expectations_for_equal_probabilities(
    record_number, k, n, plug_in, miller_madow, older, newer
):
    """Each estimator is a sum over outcomes, so its mean needs only the binomial law of one count.

    H = ln n - (1/n) sum_i g(n_i) is linear in the g, so those of a single count m follow from the
    samples (m, 1, 1, ..., 1), and m = 0 gives g(1).
    """
    binomial = scipy.stats.binom.pmf(np.arange(n + 1), n, 1 / k)
    singles = jnp.asarray(
        np.where(np.arange(n)[None, :] < (n - np.arange(n + 1))[:, None], 1.0, 0.0)
    )
    counts = jnp.concatenate([jnp.arange(n + 1.0)[:, None], singles], axis=1)

    def expectation(estimator):
        total = n * np.log(n) - n * np.asarray(
            estimator(counts, Shannon())
        )  # sum of n_i G(n_i), linear in the counts
        one = total[0] / n
        return math.log(n) - k * (binomial * (total - (n - np.arange(n + 1)) * one)).sum() / n

    # Miller's correction is (K - 1)/2N. The table this came from had K/2N, so its column is larger
    # by 1/2N than here
    observed = k * (1 - (1 - 1 / k) ** n)
    for name, mean, asked in (
        ("plug-in", expectation(PlugIn()), plug_in),
        (
            "Miller-Madow",
            expectation(PlugIn()) + (observed - 1) / (2 * n),
            miller_madow - 1 / (2 * n),
        ),
        ("Grassberger 1988", expectation(Grassberger(version="1988")), older),
        ("Grassberger", expectation(Grassberger()), newer),
    ):
        what = f"{n} samples of {k} equal outcomes: exact bias of {name}"
        record_number(what, mean - math.log(k), exact=asked - math.log(k), within=6e-7)
    plain = float(PlugIn()(COUNTS[0] * 1.0, Shannon()))
    corrected = float(MillerMadow()(COUNTS[0] * 1.0, Shannon()))
    assert corrected - plain == pytest.approx((int((COUNTS[0] > 0).sum()) - 1) / 120, rel=1e-12)


def every_sample(p, n):
    """All counts of n samples of three outcomes, and their probabilities."""
    counts = np.array(
        [(a, b, n - a - b) for a, b in itertools.product(range(n + 1), repeat=2) if a + b <= n]
    )
    return jnp.asarray(counts, float), scipy.stats.multinomial.pmf(counts, n, p)


P = np.array([0.5, 0.3, 0.2])
FEW, MANY = every_sample(P, 40), every_sample(P, 80)
SAMPLES = jnp.concatenate(
    [FEW[0], MANY[0], jnp.asarray(P)[None]]
)  # the last row is the truth, for PlugIn
OTHERS = [Shannon(), MinEntropy(), Hartley(), Kaniadakis(kappa=0.3), Curado(b=2.0), Extropy()]
TSALLIS = jnp.asarray([0.5, 1.0, 2.0])
RENYI = jnp.asarray(
    [0, 0.49999, 0.5, 0.50001, 1 - 2e-6, 1, 1 + 2e-6, 1.49999, 1.50001, 2, 5, jnp.inf]
)
FIRST_RENYI = len(OTHERS) + len(TSALLIS)
SMOOTH = [
    0,
    3,
    4,
    5,
    6,
    7,
    8,
    *(FIRST_RENYI + i for i in (2, 5, 9)),
]  # order 5 is far from its asymptotics here


def every_measure(estimator, counts):
    others = jnp.stack([estimator(counts, measure) for measure in OTHERS])
    tsallis = jax.vmap(lambda order: estimator(counts, Tsallis(order=order)))(TSALLIS)
    renyi = jax.vmap(lambda order: estimator(counts, Renyi(order=order)))(RENYI)
    return jnp.concatenate([others, tsallis, renyi])


@pytest.fixture(scope="module")
def estimates():
    """Every estimator of every measure (measures, samples), for all samples of two sizes."""
    return {
        kind: np.asarray(jax.jit(every_measure)(kind(), SAMPLES)) for kind in ESTIMATORS.values()
    }


@pytest.fixture(scope="module")
def truth(estimates):
    """The measures of the probabilities that the samples are drawn from."""
    return estimates[PlugIn][:, -1]


def bias(values, truth):
    """The exact bias for the smaller and the larger sample."""
    few, many = values[:, : len(FEW[1])], values[:, len(FEW[1]) : -1]
    return few @ FEW[1] - truth, many @ MANY[1] - truth


def test_first_order_bias_is_removed(estimates, truth):
    """Plug-in bias falls as 1/N; what Miller-Madow and the jackknife leave falls as 1/N^2, and is
    small already.
    """
    few, many = bias(estimates[PlugIn], truth)
    np.testing.assert_allclose((few / many)[SMOOTH], 2, atol=0.35)
    for kind in (MillerMadow, Jackknife):
        left, less = bias(estimates[kind], truth)
        assert np.all(np.abs(left / few)[SMOOTH] < 0.25)
        assert np.all(np.abs(less)[SMOOTH] < np.maximum(np.abs(left)[SMOOTH] / 3.2, 1e-5))


def test_grassberger_is_exact_where_theory_says_so(estimates, truth):
    """Integer-order power sums have unbiased estimates; extropy has one up to p^N."""
    few, _ = bias(estimates[Grassberger], truth)
    assert few[8] == pytest.approx(0, abs=1e-13)  # Tsallis 2
    assert abs(few[5]) < 1e-11  # extropy
    assert np.all(np.abs(few[SMOOTH]) < 0.55 * np.abs(bias(estimates[PlugIn], truth)[0][SMOOTH]))


def test_limits_of_the_order_hold_for_every_estimator(estimates):
    for kind, values in estimates.items():
        values = values[:, -1000:-1]
        shannon, smallest, hartley, renyi = values[0], values[1], values[2], values[FIRST_RENYI:]
        np.testing.assert_allclose(renyi[1], renyi[3], atol=1e-4)
        np.testing.assert_allclose(renyi[4], renyi[5], atol=1e-5)
        np.testing.assert_allclose(renyi[6], renyi[5], atol=1e-5)
        np.testing.assert_allclose(renyi[7], renyi[8], atol=1e-4)
        np.testing.assert_allclose(renyi[-1], smallest, rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(values[7], shannon, atol=1e-12)  # Tsallis 1
        if kind is not ChaoShen:  # divides by its own estimate of sum p
            np.testing.assert_allclose(renyi[5], shannon, atol=1e-12)
        if kind not in (ChaoShen, Grassberger):
            np.testing.assert_allclose(renyi[0], hartley, atol=1e-12)


def test_jackknife_by_leaving_out_every_sample():
    counts = np.array([5, 3, 3, 1, 0])
    for measure in (
        *OTHERS,
        Tsallis(order=0.5),
        Renyi(order=0.5),
        Renyi(order=1.2),
        Renyi(order=7.0),
    ):
        left_out = [
            measure(jnp.asarray((counts - np.eye(5)[i]) / 11.0))
            for i in range(5)
            for _ in range(counts[i])
        ]
        expected = 12 * float(measure(jnp.asarray(counts / 12))) - 11 * np.mean(
            np.asarray(left_out)
        )
        assert float(Jackknife()(jnp.asarray(counts * 1.0), measure)) == pytest.approx(
            expected, abs=1e-11
        )


@pytest.mark.parametrize("kind", [Renyi, Tsallis])
def test_jackknife_has_its_derivative_along_the_order(kind):
    """At order 1 it lacked a term: -.157 for Renyi entropy of these counts, not .062."""
    counts = np.array([3.0, 4.0, 2.0])

    @jax.jit
    def left_out(order):
        rest = [counts[i] * kind(order=order)((counts - np.eye(3)[i]) / 8) for i in range(3)]
        return 9 * kind(order=order)(counts / 9) - 8 / 9 * sum(rest)

    for dtype, within in (("float64", 1e-7), ("float32", 2e-4)):
        given = jnp.asarray(counts, dtype)
        modes = [
            jax.jit(mode(lambda q, given=given: Jackknife()(given, kind(order=q))))
            for mode in (jax.grad, jax.jacfwd)
        ]
        for order in (1, 1 + 1e-15, 1 - 1e-9, 1 + 1e-5, 0.999, 1.2, 2.5):
            exact = float(left_out(order + 1e-4) - left_out(order - 1e-4)) / 2e-4
            for slope in modes:
                found = slope(jnp.asarray(order, dtype))
                assert float(found) == pytest.approx(exact, abs=within)


def test_shrinkage_by_hand():
    counts = np.array([7.0, 2.0, 1.0, 0.0])
    p, share = counts / 10, (1 - 0.54) / (9 * ((0.25 - counts / 10) ** 2).sum())
    shrunk = share / 4 + (1 - share) * p
    assert float(Shrinkage()(jnp.asarray(counts), Shannon())) == pytest.approx(
        -(shrunk * np.log(shrunk)).sum(), rel=1e-12
    )
    assert float(Shrinkage()(jnp.full(4, 3.0), Shannon())) == pytest.approx(math.log(4), rel=1e-14)


def test_every_combination_is_finite_batched_and_normalisable():
    with jax.disable_jit():  # 48 programs, each used once
        for kind, measure in itertools.product(ESTIMATORS.values(), MEASURES.values()):
            value = entropy(
                COUNTS, measure=measure(), outcomes=Counts(), estimator=kind(), normalise=True
            )
            assert value.shape == (3,)
            assert np.all((value > 0) & (value < 1.2))
    one = entropy(COUNTS[1], outcomes=Counts(), estimator=Grassberger())
    assert float(one) == pytest.approx(
        float(entropy(COUNTS, outcomes=Counts(), estimator=Grassberger())[1]), rel=1e-14
    )


def test_permutation_invariance_and_single_precision():
    every = jax.jit(
        lambda counts: jnp.stack([kind()(counts, Shannon()) for kind in ESTIMATORS.values()])
    )
    value = every(COUNTS * 1.0)
    np.testing.assert_allclose(every(COUNTS[:, ::-1] * 1.0), value, rtol=1e-12)
    single = every(COUNTS.astype(jnp.float32))
    assert single.dtype == jnp.float32
    np.testing.assert_allclose(single, value, rtol=2e-5)


def test_a_certain_outcome_and_all_singletons():
    certain, singles = jnp.asarray([9.0, 0.0, 0.0]), jnp.ones(6)
    for kind in (PlugIn, MillerMadow, ChaoShen, Jackknife):
        assert float(kind()(certain, Shannon())) == pytest.approx(0, abs=1e-12)
    assert np.isfinite(float(ChaoShen()(singles, Shannon())))


def test_a_correction_for_counts_is_refused_where_nothing_was_counted():
    with pytest.raises(
        ValueError, match="MillerMadow corrects for a finite sample, but Density gives weights"
    ):
        entropy(np.ones(5), outcomes=Density(), estimator=MillerMadow())


class Squares(TraceForm):
    """A measure of somebody else."""

    logarithmic = False

    def summand(self, p):
        return p - p**2


def test_jackknife_of_a_million_samples_in_single_precision():
    counts = np.random.default_rng(0).multinomial(1_000_000, [0.5, 0.3, 0.1, 0.05, 0.049, 0.001])
    measures = [kind() for kind in MEASURES.values()]
    measures += [Renyi(order=q) for q in (0.0, 0.3, 1.0, 1.001, 7.0, 60.0, np.inf)]
    for measure in (*measures, Tsallis(order=0.5), Squares()):
        double, single = (
            float(Jackknife()(jnp.asarray(counts, dtype), measure)) for dtype in ("f8", "f4")
        )
        plug_in = float(measure(jnp.asarray(counts / 1e6)))
        assert double == pytest.approx(plug_in, abs=1e-2)
        assert single == pytest.approx(double, rel=3e-6), measure


def test_a_measure_of_somebody_else_is_left_out_sample_by_sample():
    for counts in ([5, 3, 3, 1, 0], [9, 0, 0], [1, 1, 1, 1], [1, 1, 0, 0, 7]):
        n, shares = sum(counts), jnp.asarray(counts, float)
        seen = [i for i, count in enumerate(counts) if count]
        left = [Squares()((shares - np.eye(len(counts))[i]) / (n - 1)) for i in seen]
        left = sum(counts[i] * value for i, value in zip(seen, left, strict=True))
        expected = n * Squares()(shares / n) - (n - 1) / n * left
        assert float(Jackknife()(shares, Squares())) == pytest.approx(float(expected), abs=1e-13)


def test_a_measure_has_one_number_for_each_parameter():
    with pytest.raises(ValueError, match="order: given 2 numbers, allowed: one for a measure"):
        entropy(np.array([0.2, 0.8]), measure=Renyi(order=[1.0, 2.0]))
