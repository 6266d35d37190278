"""Mutual information with an interval and a verdict: truths, what is refused, the same bits."""
# pyright: reportArgumentType=false

import math
import re
from pathlib import Path

import jax
import numpy as np
import pytest
import scipy.linalg

from experiments.benchmarks.information_families import FAMILIES, sample
from physent.entropy import (
    conditional_mutual_information,
    gaussian_information as exact_information,
    ksg_mutual_information,
    mutual_information,
)
from physent.entropy.continuous import distances
from physent.entropy.continuous.corrected import corrected_information, local_information
from physent.entropy.continuous.functions import canonical_functions, features
from physent.entropy.continuous.gaussianised import (
    canonical_pairs,
    gaussian_information,
    gaussian_log_ratio,
    normal_scores,
)

N = 3000


def rng(seed=0):
    return np.random.default_rng(seed)


def gaussian(r, n=N, d=1, seed=0):
    x, e = rng(seed).standard_normal((2, n, d))
    return x, r * x + math.sqrt(1 - r * r) * e


@pytest.mark.parametrize("name", FAMILIES)
def test_what_is_trusted_is_right_and_no_bound_is_above_the_truth(name):
    x, y, truth = sample(name, N, 50)
    found = mutual_information(x, y, seconds=3)
    assert abs(found.value - truth) < 0.3  # a third of 10,000 samples
    assert found.verdict != "trust" or found.low <= truth <= found.high
    assert found.verdict != "lower bound" or found.low <= truth
    assert found.low <= found.value <= found.high


def test_a_gaussian_is_found_to_be_one_however_its_components_are_stretched():
    x, y = gaussian(0.8, d=3, seed=1)
    found = mutual_information(np.exp(x), y**3, seconds=3)
    assert found.verdict == "trust" and found.method.startswith("Gaussian copula")
    assert found.value == pytest.approx(-1.5 * math.log(1 - 0.64), abs=0.06)
    assert found == mutual_information(x, y, seconds=3)  # only ranks count
    # an estimate that nothing was compared with is not trusted
    assert mutual_information(x, y, method="gaussian").verdict == "do not trust"


def test_a_dependence_without_correlation_is_found_in_ten_dimensions():
    x, y, truth = sample("swirl", 6000, 0)
    plain = mutual_information(x, y, seconds=3, method="nearest")
    found = mutual_information(x, y, seconds=3)
    assert abs(found.value - truth) < 0.1 < truth - plain.value


def test_in_many_dimensions_it_is_a_bound_as_hidden_dependences_are_not_looked_for():
    x, y = gaussian(0.9, d=8)
    found = mutual_information(x, y, seconds=2)
    assert found.verdict == "lower bound" and found.high == math.inf
    truth = -4 * math.log(1 - 0.81)
    assert found.low <= truth and found.value == pytest.approx(truth, abs=0.2)


def test_the_same_samples_seconds_and_key_give_the_same_bits():
    x, y = gaussian(0.5, n=500)
    key = jax.random.key(3)
    first = mutual_information(x, y, seconds=1, key=key)
    assert first == mutual_information(x, y, seconds=1, key=jax.random.key(3))
    assert first != mutual_information(x, y, seconds=1)
    with jax.enable_x64(True):
        assert first == mutual_information(x, y, seconds=1, key=key)


def test_equal_values_are_put_in_a_random_order_and_tell_nothing():
    x = rng().integers(0, 2, 2000)
    y = rng(1).integers(0, 2, 2000)
    found = mutual_information(np.sort(x), y, seconds=2)
    assert abs(found.value) < 0.06
    classes = (x + rng(2).integers(0, 2, 2000)) % 3
    exact = mutual_information(np.arange(2000) % 3, (np.arange(2000) % 3), seconds=2)
    assert exact.low <= math.log(3) <= exact.high
    constant = mutual_information(np.ones(2000), classes)
    assert constant[:3] == (0, 0, 0) and "constant" in constant.method


def test_what_cannot_be_answered_is_said():
    x, y = gaussian(0.5, n=100)
    for bad in (np.nan, np.inf):
        missing = x.copy()
        missing[3] = bad
        found = mutual_information(missing, y)
        assert math.isnan(found.value) and found.verdict == "do not trust"
    cases = [
        (lambda: mutual_information(x, y[:-1]), "equally many"),
        (lambda: mutual_information(x[:19], y[:19]), "N >= 20"),
        (lambda: mutual_information(x + 1j, y), "complex"),
        (lambda: mutual_information(x, y, method="magic"), "allowed: auto, gaussian"),
        (lambda: mutual_information(x, y, seconds=0), "a number > 0"),
        (lambda: jax.jit(lambda a: mutual_information(a, y).value)(x), "outside of jit"),
    ]
    for call, words in cases:
        with pytest.raises(ValueError, match=words):
            call()


def test_local_terms_are_those_of_the_estimator_over_all_points():
    x, y = gaussian(0.7, n=300, d=2)
    pairs = canonical_pairs(x, y)
    terms = local_information(pairs, np.arange(300), neighbours=(3,))
    expected = ksg_mutual_information(pairs.x.astype("f4"), pairs.y.astype("f4"), k=3)
    assert terms[0, 0].mean() == pytest.approx(float(expected), abs=1e-5)


def test_paired_directions_have_the_correlations_and_the_exact_information():
    x, y = gaussian(0.6, n=4000, d=3)
    mixed = x @ rng(4).standard_normal((3, 3))
    pairs = canonical_pairs(mixed, y)
    across = pairs.x.T @ pairs.y / len(x)
    np.testing.assert_allclose(across, np.diag(pairs.correlations), atol=1e-10)
    np.testing.assert_allclose(pairs.correlations, 0.6, atol=0.05)
    assert gaussian_log_ratio(pairs).mean() == pytest.approx(
        -0.5 * np.sum(np.log(1 - pairs.correlations**2)), abs=1e-10
    )
    independent = [
        gaussian_information(canonical_pairs(*rng(i).standard_normal((2, 100, 4))))
        for i in range(60)
    ]
    assert abs(np.mean(independent)) < 4 * np.std(independent) / 60**0.5  # unbiased


def test_the_correction_takes_the_bias_of_gaussian_samples_away():
    x, y = gaussian(0.8, n=2000, d=4)
    found = corrected_information(x, y, np.arange(600), rng())
    truth = -2 * math.log(1 - 0.64)
    assert found.added > 0.1 and abs(found.value - truth) < 3 * found.error
    assert abs(found.value - found.added - truth) > 3 * found.error


def test_functions_that_others_determine_are_left_out():
    x, y = gaussian(0.8, n=4000)
    scores = canonical_pairs(normal_scores(x, rng()), normal_scores(y, rng()))
    half = slice(0, 2000), slice(2000, 4000)
    found = canonical_functions(scores, *half, rng())
    assert found.x.shape[1] <= 2 and found.y.shape[1] <= 2  # one would do
    assert features(x, 80).shape[0] == 4000
    assert canonical_functions(canonical_pairs(x, y[rng().permutation(4000)]), *half, rng()) is None


def autoregression(memory, couple, n=6000):
    """Series x and y, of which x drives y `memory` steps later, and the exact transfer entropy of
    pasts of so many steps.
    """
    size = 2 * (memory + 1)
    step = np.eye(size, k=-2)
    step[:2] = 0
    step[0, 0], step[1, 1], step[1, 2 * (memory - 1)] = 0.5, 0.4, couple
    noise = np.diag([1.0, 1.0] + [0.0] * (size - 2))
    covariance = scipy.linalg.solve_discrete_lyapunov(step, noise)
    xs, ys = np.arange(2, size, 2), np.arange(3, size, 2)
    truth = exact_information(covariance.astype("f4"), [1], xs.tolist(), ys.tolist())
    e, series = rng(memory).standard_normal((n + 200, 2)), np.zeros((n + 200, 2))
    for t in range(memory, len(e)):
        x, y = series[t - 1]
        series[t] = 0.5 * x + e[t, 0], 0.4 * y + couple * series[t - memory, 0] + e[t, 1]
    past = np.stack([series[200 - i : len(e) - i] for i in range(1, memory + 1)], axis=1)
    return series[200:, 1], past[..., 0], past[..., 1], float(truth)


@pytest.mark.parametrize(("memory", "couple"), [(1, 0.6), (2, 0.4), (3, 0.8), (5, 0.5), (10, 0.6)])
def test_given_the_own_past_it_is_the_transfer_entropy_of_autoregressions(memory, couple):
    present, other, own, truth = autoregression(memory, couple)
    found = conditional_mutual_information(present, other, own, seconds=4)
    assert found.value == pytest.approx(truth, abs=0.03)
    assert found.verdict == ("trust" if memory < 6 else "do not trust")
    assert found.low <= truth <= found.high


def test_a_common_cause_tells_all_that_there_is():
    z = rng().standard_normal(4000)
    x, y = np.exp(z + 0.5 * rng(1).standard_normal(4000)), z + 0.5 * rng(2).standard_normal(4000)
    alone = mutual_information(x, y, seconds=2)
    found = conditional_mutual_information(x, y, z, seconds=4)
    assert alone.low > 0.3 and abs(found.value) < 0.03 and found.verdict == "trust"
    missing = np.where(np.arange(4000) == 5, np.nan, z)
    assert math.isnan(conditional_mutual_information(x, y, missing).value)


@pytest.mark.parametrize("metric", ["maximum", "euclidean"])
@pytest.mark.parametrize("period", [None, 5.0])
def test_a_tree_in_many_dimensions_is_not_grown_and_finds_the_same(metric, period, monkeypatch):
    points = rng().uniform(0, 5, (150, 16))
    circles = None if period is None else np.r_[np.full(8, period), np.full(8, np.inf)]
    monkeypatch.setattr(distances, "_TREE_DIMENSIONS", 16)
    radius = distances.tree_distance(points, 3, metric, circles)
    near = distances.tree_count(points, radius, circles)
    monkeypatch.setattr(distances, "_TREE_DIMENSIONS", 15)
    monkeypatch.setattr(distances, "_tree", None)
    np.testing.assert_allclose(distances.tree_distance(points, 3, metric, circles), radius)
    np.testing.assert_array_equal(distances.tree_count(points, radius, circles), near)


def test_the_guide_works_from_top_to_bottom():
    page = Path(__file__).parents[1] / "docs" / "information.md"
    names: dict = {}
    for block in re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        exec(block, names)
    assert names["found"].low < 0.181395 < names["found"].high
