"""No number that is silently wrong: right, or refused in one sentence.

What is given as probabilities, grids and ranges; the origin of data; constants; the sign of zero;
limits of orders; numbers nearer to 0 than the smallest normal one.
"""
# pyright: reportArgumentType=false, reportCallIssue=false

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from physent.entropy import (
    MEASURES,
    AmplitudeOrdinal,
    Cells,
    Counts,
    Grassberger,
    Headings,
    Histogram,
    Ordinal,
    PlugIn,
    Shannon,
    Spectrum,
    WeightedOrdinal,
    approximate_entropy,
    autocorrelation_time,
    bin_symbols,
    block_bootstrap,
    boltzmann_entropy,
    circular_shift,
    combine_symbols,
    compare,
    complexity_bounds,
    complexity_index,
    differential_entropy,
    discrete_conditional_mutual_information,
    discrete_mutual_information,
    discrete_transfer_entropy,
    dye_entropy,
    effective_sample_size,
    entropy,
    entropy_rate,
    field_entropy,
    from_centre,
    gaussian_information,
    gaussian_mutual_information,
    iaaft,
    jensen_shannon_complexity,
    ksg_mutual_information,
    lmc_complexity,
    mean_frequency,
    mixing_proxy,
    multiscale_entropy,
    permutation_test,
    phase_randomised,
    polarization_entropy,
    potential_energies,
    sample_entropy,
    segregation,
    shuffle,
    spacing_entropy,
    spectral_entropy,
    svd_entropy,
    time_average,
)
from physent.entropy.covariance import covariance_between, covariance_of

R = np.random.default_rng(0)
X, RHO = R.standard_normal(64), R.random((8, 6))
KEY, UP, FAR = jax.random.key(0), np.arange(6.0), 1e9


# ---- probabilities, counts ----------------------------------------------------------------------


@pytest.mark.parametrize("complexity", [jensen_shannon_complexity, lmc_complexity])
def test_counts_and_weights_have_the_complexity_of_their_shares(complexity):
    counts = np.array([[5.0, 3.0, 2.0, 0.0], [1.0, 1.0, -1.0, 3.0], [0.0, 0.0, 0.0, 0.0]])
    found = np.asarray(complexity(counts))
    assert found[0] == pytest.approx(float(complexity(counts[0] / 10)), rel=1e-14)
    assert 0 < found[0] < 1 and np.all(np.isnan(found[1:]))
    np.testing.assert_allclose(complexity(1e-30 * counts.T, axis=0), found, rtol=1e-12)


@pytest.mark.parametrize("name", MEASURES)
def test_a_measure_refuses_what_are_no_probabilities(name):
    measure = MEASURES[name]()
    for p in ([5, 3, 2, 0], [1.2, -0.2], [[0.5, 0.5], [0.5, 0.4]]):
        with pytest.raises(ValueError, match=r"p: given numbers from .*, allowed"):
            measure(p)
    assert float(measure([0.333, 0.333, 0.333])) == pytest.approx(float(measure.maximum(3)), 1e-2)
    assert np.isnan(measure(np.array([np.nan, 0.5, 0.5])))
    assert np.isnan(entropy([-1.0, 2.0], measure=measure, outcomes=Counts()))


def test_counts_that_no_sample_has_are_no_sample():
    parts, whole = np.array([1.5, 2.5, 0.3]), np.array([2.0, 3.0, 0.0])
    assert np.isnan(entropy(parts, outcomes=Counts(), estimator=Grassberger()))
    assert float(entropy(parts, outcomes=Counts())) == pytest.approx(
        float(PlugIn()(jnp.asarray(parts), Shannon()))
    )
    assert np.isfinite(entropy(whole, outcomes=Counts(), estimator=Grassberger()))
    assert np.isnan(segregation(X**2 * 100))  # per cent


# ---- grids --------------------------------------------------------------------------------------


def test_available_energy_has_its_digits_beside_any_mean_density():
    expected = potential_energies(RHO, UP)
    for gravity, offset in ((2.0, 1e3), (1.0, FAR)):
        rho = np.round(RHO * 2**20) / 2**20 + offset
        wanted = potential_energies(rho, UP + 3, gravity)
        with jax.enable_x64(False):
            found = potential_energies(rho, UP + 3, gravity)
        np.testing.assert_allclose(found.available, gravity * expected.available, rtol=1e-5)
        np.testing.assert_allclose(wanted.available, gravity * expected.available, rtol=1e-5)
        np.testing.assert_allclose(found.total, wanted.total, rtol=1e-6)
    total, sorted_up = np.mean(RHO @ UP), np.sort(-RHO.ravel()) @ (np.arange(48) / 8 - 7 / 16) / -8
    np.testing.assert_allclose(expected[:2], (total * 1.0, sorted_up), rtol=1e-12)
    assert np.isnan(jax.jit(lambda z: potential_energies(RHO, z).total)(UP**2))  # traced
    inside = jax.jit(lambda rho: potential_energies(rho, np.round(UP / 3, 3)).total)(RHO)
    assert float(inside) == pytest.approx(float(expected.total) / 9, rel=1e-3)


# ---- constants, zeros, limits, subnormal numbers ------------------------------------------------


@pytest.mark.parametrize("value", [0.0, 0.1, 0.3, 1.0, 7.7, 1e9 + 0.1])
def test_constants_have_one_answer_whatever_their_value(value):
    same = np.full(48, value)
    assert np.isnan(spectral_entropy(same))
    assert np.isnan(entropy(same, outcomes=WeightedOrdinal()))
    assert np.isnan(entropy(same.reshape(8, 6), outcomes=Spectrum(detrend="mean"), axis=(0, 1)))
    assert float(complexity_index(same.reshape(8, 6))) == pytest.approx(0.2 * np.log(4))


def test_the_sign_of_a_zero_does_not_matter():
    for plain in ([0.0, 0.0], [-1.0, 0.0], [0.0, -1.0], [0.0, 0.0, 1.0], [-1.0, 0.0, 0.0]):
        both = np.array([plain, np.where(np.array(plain) == 0, -0.0, plain)])
        assert float(entropy(both, outcomes=Headings())) == 0
        assert float(polarization_entropy(both)) == 0


@pytest.mark.parametrize("wide", [True, False])
def test_a_number_nearer_to_0_than_the_smallest_normal_one_is_0(wide):
    with jax.enable_x64(wide):
        tiny = jnp.finfo(jnp.result_type(float)).smallest_subnormal * np.arange(1, 13)
        headings = R.choice([-1, 1], (12, 3)) * tiny[:, None]
        assert float(entropy(headings, outcomes=Headings())) == 0
        assert float(entropy(-tiny, outcomes=Ordinal())) == 0
        assert np.isnan(entropy(tiny)) and np.isnan(spectral_entropy(tiny))


@pytest.mark.parametrize("kind", ["renyi", "tsallis"])
def test_published_entropies_of_order_1_are_shannons(kind):
    def of(order, convention):
        return field_entropy(X, 0.5, kind, order, convention)

    for convention in ("probability", "amangkurat"):
        shannon = field_entropy(X, 0.5, "shannon", convention=convention)
        assert float(of(1, convention)) == pytest.approx(float(shannon))
        slope = jax.grad(lambda x: field_entropy(x, 0.5, kind, 1.0, convention))(jnp.asarray(X))  # noqa: B023
        assert np.all(np.isfinite(slope))
    if kind == "renyi":
        assert float(of(np.inf, "amangkurat")) == pytest.approx(
            float(of(200.0, "amangkurat")), rel=2e-2
        )


# ---- the origin of data -------------------------------------------------------------------------


def test_a_school_may_be_anywhere():
    x = np.round(R.random((12, 3)) * 2**20) / 2**20
    with jax.enable_x64(False):
        np.testing.assert_allclose(from_centre(x + FAR), from_centre(x), atol=1e-6)


def test_what_depends_on_the_origin_says_where_digits_are_lost():
    far = X + FAR
    with jax.enable_x64(False):
        for call in (
            lambda: entropy(far, outcomes=AmplitudeOrdinal()),
            lambda: AmplitudeOrdinal().probabilities(far),
            lambda: permutation_test(lambda x, y: jnp.mean(x * y), far, X, KEY),
        ):
            with pytest.raises(ValueError, match=r"x: given values near 1e\+09 that differ by .*"):
                call()
        steps = [entropy(x, outcomes=AmplitudeOrdinal(mix=0.0)) for x in (X, far)]
        assert float(steps[0]) == pytest.approx(float(steps[1]), rel=1e-5)
        with pytest.raises(ValueError, match=r"high: given .*, allowed: more than low = 1.*, by"):
            Histogram(low=FAR, high=FAR + 1000)
    assert np.isfinite(entropy(far, outcomes=AmplitudeOrdinal()))


# ---- what is refused ----------------------------------------------------------------------------

S = np.arange(30) % 2
SERIES: Any = {
    "sample_entropy": sample_entropy,
    "approximate_entropy": approximate_entropy,
    "multiscale_entropy": lambda x: multiscale_entropy(x, [1]),
    "autocorrelation_time": autocorrelation_time,
    "effective_sample_size": effective_sample_size,
    "time_average": time_average,
    "compare": lambda x: compare(x, x),
    "block_bootstrap": lambda x: block_bootstrap(x, KEY),
    "entropy_rate": lambda x: entropy_rate(x, x, KEY),
    "spacing_entropy": spacing_entropy,
    "svd_entropy": svd_entropy,
    "mean_frequency": mean_frequency,
    "field_entropy": field_entropy,
    "dye_entropy": lambda x: dye_entropy(x, 1.0),
    "mixing_proxy": lambda x: mixing_proxy(x, x),
    "ksg": lambda x: ksg_mutual_information(x, x),
    "gaussian": lambda x: gaussian_mutual_information(x, x),
    "shuffle": lambda x: shuffle(KEY, x),
    "circular_shift": lambda x: circular_shift(KEY, x),
    "phase_randomised": lambda x: phase_randomised(KEY, x),
    "iaaft": lambda x: iaaft(KEY, x),
    "boltzmann": lambda x: boltzmann_entropy(x, Cells()),
    "complexity": jensen_shannon_complexity,
}
WORDS = r"given (an array of )?shape \(0?,?\)|axis: given|axis=.* has no values"


@pytest.mark.parametrize("name", SERIES)
@pytest.mark.parametrize("x", [2.0, np.zeros(0)], ids=["number", "empty"])
def test_a_number_in_place_of_a_series_is_refused(name, x):
    with pytest.raises(ValueError, match=WORDS):
        SERIES[name](x)


MI, CMI, TE = (
    discrete_mutual_information,
    discrete_conditional_mutual_information,
    discrete_transfer_entropy,
)
REFUSED: Any = {
    "outcomes": (lambda: complexity_bounds(0.5, 1), "n: given 1, allowed: two outcomes or more"),
    "heights": (
        lambda: potential_energies(RHO, UP**2),
        "height: given .*, allowed: two or more he",
    ),
    "downwards": (lambda: potential_energies(RHO, UP[::-1]), "height: given .* that increase"),
    "one height": (lambda: potential_energies(RHO[:, :1], UP[:1]), "height: given .*, allowed"),
    "levels": (lambda: potential_energies(RHO, UP[:5]), r"given shapes \(8, 6\), \(5,\), allowed"),
    "a column": (lambda: potential_energies(UP, UP), r"shape \(6,\), allowed: values along the la"),
    "spacing": (lambda: dye_entropy(RHO, -1.0), "spacing: given -1.0, allowed: numbers > 0"),
    "spacings": (lambda: differential_entropy(RHO, [0.1, 0.0], axis=(0, 1)), "spacing: given"),
    "a grid": (lambda: field_entropy(X, UP, convention="amangkurat"), "spacing: .* a number > 0"),
    "order": (lambda: field_entropy(X, 1.0, "renyi", -1.0, "amangkurat"), "order: given -1"),
    "range": (lambda: Histogram(low=1, high=0), "low: given 1, allowed: a number <= high = 0"),
    "no range": (lambda: bin_symbols(X, 3, 1.0, 1.0), "high: given 1.0, allowed: more than low"),
    "box": (lambda: Cells(low=(0, 2), high=(1, 1)), "low: given 2, allowed: a number <= high"),
    "ends": (lambda: Cells(low=(0, 0), high=(1, 1, 1)), "high: given 3 numbers, allowed: 2"),
    "cells": (
        lambda: boltzmann_entropy(RHO, Cells(low=(0, 0), high=(1, 1))),
        "low has 2 entries for 6 components, allowed: 1 or 6",
    ),
    "velocity": (
        lambda: boltzmann_entropy(RHO, Cells(), velocity=RHO[:3]),
        "position, velocity: given shapes",
    ),
    "an axis too far": (lambda: effective_sample_size(RHO, axis=3), r"axis: given \(3,\), allowed"),
    "one axis twice": (lambda: compare(RHO, RHO, axis=(1, -1)), r"axis: given \(1, -1\), allowed"),
    "axis": (lambda: dye_entropy(RHO, 1.0, axis=0.5), "axis: given 0.5, allowed: a whole number"),
    "sizes, 3": (lambda: MI(S, S, 3), "sizes: given 3, allowed: 2 whole numbers > 0"),
    "sizes, one": (lambda: MI(S, S, (3,)), r"sizes: given \(3,\), allowed: 2 whole"),
    "sizes, negative": (lambda: MI(S, S, (3, -3)), r"sizes: given \(3, -3\), allowed: 2 whole"),
    "sizes, two": (lambda: CMI(S, S, S, (2, 2)), "sizes: given .*, allowed: 3 whole numbers"),
    "sizes, three": (lambda: TE(S, S, (2, 2, 2)), "sizes: given .*, allowed: 2 whole numbers"),
    "sizes, none": (lambda: combine_symbols([S, S], None), "sizes: given None, allowed: 2 whole"),
    "places": (lambda: gaussian_information(np.eye(2), 0, 1), "x, y, z: given 0, 1, .*, allowed"),
    "key, 0": (lambda: entropy_rate(X, X, 0), r"key: given 0, allowed: a key, such as jax.random"),
    "key, None": (lambda: shuffle(None, X), "key: given None, allowed: a key"),
    "several series": (lambda: phase_randomised(KEY, RHO), r"given shape \(8, 6\), allowed: \(N,"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_said_in_one_sentence(name):
    call, words = REFUSED[name]
    with pytest.raises(ValueError, match=words) as raised:
        call()
    assert "\n" not in str(raised.value)


def test_keys_of_both_kinds_are_keys():
    for key in (KEY, jax.random.PRNGKey(0)):
        assert float(jnp.sum(jax.jit(shuffle)(key, X))) == pytest.approx(X.sum())


@pytest.mark.parametrize("n", [7, 70_001])  # one block, and four with a rest
def test_covariances_by_pairs_are_those_of_all_at_once(n):
    """Also where the components have very different units and means."""
    samples = np.random.default_rng(0).standard_normal((2, n, 3))
    samples[..., 1] += 0.5 * samples[..., 0]
    samples = samples * [1e-150, 1, 1e150] + [0, 1e3, 0]
    pairs = jax.jit(covariance_between)([jnp.asarray(samples[..., i]) for i in range(3)])
    for found, all_at_once in zip(pairs, jax.jit(covariance_of)(samples), strict=True):
        size = np.sqrt(np.outer(np.diag(all_at_once), np.diag(all_at_once)))
        np.testing.assert_allclose(found / size, all_at_once / size, rtol=0, atol=1e-12)
