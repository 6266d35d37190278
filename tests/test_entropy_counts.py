"""Histograms, boxes of particles and directions, and Boltzmann's entropy of a gas that spreads."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import ndtr

from physent.entropy import (
    ESTIMATORS,
    Cells,
    Grassberger,
    Headings,
    Histogram,
    PlugIn,
    Renyi,
    boltzmann_entropy,
    entropy,
)
from physent.entropy.discrete import SHANNON


@pytest.mark.parametrize("estimator", ESTIMATORS.values())
def test_estimators_read_counts_of_any_kind_by_one_rule(estimator):
    estimate, counts = estimator(), [[300, 1, 4], [7, 0, 2]]
    right = np.asarray(estimate(np.asarray(counts, float), SHANNON))
    for given in (counts, np.asarray(counts), np.asarray(counts, ">f4"), np.asarray(counts, "f2")):
        np.testing.assert_allclose(estimate(given, SHANNON), right, rtol=2e-5)
    for wrong in ([3.0, -1.0, 4.0], [3.0, np.nan, 4.0], [3.5, 1.0, 4.0]):
        fraction = wrong[0] == 3.5 and not estimate.corrects  # weights may be fractions
        for measure in (SHANNON, Renyi(order=2.0)):
            found = estimate(wrong, measure), jax.jit(estimate)(jnp.asarray(wrong), measure)
            assert np.all(np.isnan(found) != fraction)
    for strange, words in (([1j, 2.0], "complex"), ("ab", "given 'ab'"), ([], "shape")):
        with pytest.raises(ValueError, match=words):
            estimate(strange, SHANNON)


def test_a_measure_of_what_is_traced_is_its_formula():
    p = np.asarray([0.5, 0.6])
    with pytest.raises(ValueError, match="allowed: probabilities, which sum to 1"):
        SHANNON(jnp.asarray(p))
    assert float(jax.jit(SHANNON)(p)) == pytest.approx(-np.sum(p * np.log(p)))


@pytest.mark.parametrize("bins", [7, 50])
def test_histogram_is_numpys(bins):
    x = np.round(np.random.default_rng(0).standard_normal(2000), 1)  # values on edges
    np.testing.assert_array_equal(Histogram(bins=bins).counts(x), np.histogram(x, bins)[0])
    fixed = Histogram(bins=bins, low=-1.0, high=1.0)
    np.testing.assert_array_equal(fixed.counts(x), np.histogram(x, bins, (-1, 1))[0])
    clipped = Histogram(bins=bins, low=-1.0, high=1.0, outside="clip").counts(x)
    np.testing.assert_array_equal(clipped, np.histogram(np.clip(x, -1, 1), bins, (-1, 1))[0])


def test_histogram_of_a_field_a_batch_and_a_constant():
    x = np.random.default_rng(1).random((3, 8, 10))
    looped = [float(entropy(one.ravel(), outcomes=Histogram(bins=5))) for one in x]
    np.testing.assert_allclose(
        entropy(x, outcomes=Histogram(bins=5), axis=(1, 2)), looped, rtol=1e-13
    )
    assert float(entropy(np.full(9, 3.0), outcomes=Histogram(bins=5))) == 0
    with pytest.raises(ValueError, match="given complex values, allowed: real ones"):
        entropy(x + 1j, outcomes=Histogram())


def test_cells_are_numpys_histogramdd():
    rng = np.random.default_rng(2)
    x = rng.uniform(-0.2, 1.2, (2, 500, 3))
    cells = Cells(bins=(4, 3, 2), low=(0.0, 0.0, -0.5), high=(1.0, 1.0, 1.5))
    for one, counts in zip(x, np.asarray(cells.counts(x)), strict=True):
        expected = np.histogramdd(one, (4, 3, 2), [(0, 1), (0, 1), (-0.5, 1.5)])[0]
        np.testing.assert_array_equal(counts.reshape(4, 3, 2), expected)
    wrapped = Cells(bins=(4,), periodic=(True,))
    np.testing.assert_array_equal(wrapped.counts(x), wrapped.counts(x + np.array([3.0, -2.0, 1.0])))
    assert np.all(np.asarray(wrapped.counts(x)).sum(-1) == 500)
    assert np.all(np.asarray(Cells(bins=(4,), outside="clip").counts(x)).sum(-1) == 500)
    just_below = Cells(bins=(4,), periodic=(True,)).counts(np.array([[-1e-18]]))
    assert np.asarray(just_below).tolist() == [1, 0, 0, 0]
    with pytest.raises(ValueError, match="bins has 2 entries for 3 components"):
        Cells(bins=(4, 4)).counts(x)


@pytest.mark.parametrize("d", [2, 3])
def test_isotropic_directions_fill_their_cells_equally(d):
    x = np.random.default_rng(3).standard_normal((200_000, d)) * 7
    space = Headings(sectors=8, bands=6)
    counts = np.asarray(space.counts(x))
    expected = 200_000 / len(counts)
    assert len(counts) == (8 if d == 2 else 48)
    assert ((counts - expected) ** 2 / expected).sum() < len(counts) + 5 * math.sqrt(
        2 * len(counts)
    )
    assert float(entropy(np.tile([[0.3, 0.4, 0.5][:d]], (9, 1)), outcomes=space)) == 0


def test_direction_cells_and_their_borders():
    space = Headings(sectors=4, bands=2)
    circle = np.array([[1, 0.1], [-0.1, 1], [-1, -0.1], [0.1, -1]])
    assert np.asarray(space.counts(circle)).tolist() == [1, 1, 1, 1]
    poles = np.array([[0, 0, 1.0], [0, 0, -1.0], [0.0, 0.0, 0.0]])
    assert np.asarray(space.counts(poles)).reshape(2, 4)[:, 0].tolist() == [1, 2]
    with pytest.raises(ValueError, match="2 or 3 components"):
        space.counts(np.ones((5, 4)))


def spreading(t, edges, terms=400):
    """The cell occupation of an ideal gas that filled [0, 1/2] with unit thermal speed, specular
    walls at 0 and 1.
    """
    m = np.arange(1, terms)
    amplitude = 4 / (m * np.pi) * np.sin(m * np.pi / 2) * np.exp(-((m * np.pi * t) ** 2) / 2)
    integral = (
        edges[:, None] + np.sin(np.pi * np.outer(edges, m)) @ (amplitude / (m * np.pi))[:, None]
    )
    return np.maximum(
        np.diff(integral[:, 0]), 0
    )  # the last terms of the series leave -1e-16 in empty cells


@pytest.mark.parametrize(
    ("t", "value"),
    [
        (0.05, -0.599146),
        (0.1, -0.510637),
        (0.2, -0.333276),
        (0.3, -0.184555),
        (0.5, -0.034917),
        (1.0, -2.09e-5),
    ],
)
def test_entropy_of_a_spreading_gas(t, value):
    p = spreading(t, np.linspace(0, 1, 21))
    assert float(entropy(p)) - math.log(20) == pytest.approx(value, abs=6e-7)


def reflected(x):
    """Positions of free flight folded into [0, 1], and which of them move backwards there."""
    folded = np.mod(x, 2)
    return np.where(folded > 1, 2 - folded, folded), np.where(folded > 1, -1, 1)


def phase_space_entropy(t, points=1500):
    """Entropy of the 20 x 24 phase-space cells by quadrature over initial position and velocity."""
    x0 = (np.arange(points) + 0.5) / points / 2
    edges = np.linspace(-4, 4, 24 * 60 + 1)
    v = (edges[:-1] + edges[1:]) / 2
    weight = np.diff(ndtr(edges)) / points
    x, sign = reflected(x0[:, None] + v[None, :] * t)
    cell = np.minimum((x * 20).astype(int), 19) * 24 + np.minimum(
        ((sign * v + 4) * 3).astype(int), 23
    )
    p = np.bincount(cell.ravel(), np.broadcast_to(weight, x.shape).ravel(), minlength=480)
    return float(entropy(p))


def test_phase_space_entropy_of_the_gas_grows_by_coarse_graining_alone():
    start = phase_space_entropy(0.0)
    for t, growth in ((0.1, 0.0307), (0.5, 0.0880), (1.0, 0.1689), (2.0, 0.3335), (5.0, 0.6757)):
        assert phase_space_entropy(t) - start == pytest.approx(growth, abs=2e-3)


def test_boltzmann_entropy_of_sampled_particles():
    """A sample of the gas at t = 0.3; the plug-in value shows the spurious order of 19 degrees of
    freedom.
    """
    rng = np.random.default_rng(4)
    runs, n = 200, 400
    x, sign = reflected(rng.uniform(0, 0.5, (runs, n, 1)) + 0.3 * rng.standard_normal((runs, n, 1)))
    cells = Cells(bins=(20,))
    corrected = np.asarray(boltzmann_entropy(x, cells))
    assert corrected.mean() == pytest.approx(-0.184555, abs=4 * corrected.std() / math.sqrt(runs))
    plug_in = np.asarray(boltzmann_entropy(x, cells, estimator=PlugIn()))
    assert plug_in.mean() == pytest.approx(
        -0.184555 - 19 / (2 * n), abs=4 * corrected.std() / math.sqrt(runs)
    )
    phase = Cells(bins=(20, 24), low=(0.0, -4.0), high=(1.0, 4.0))
    together = boltzmann_entropy(x[0], phase, velocity=sign[0] * rng.standard_normal((n, 1)))
    separate = float(corrected[0]) + 0.5 * math.log(2 * math.pi * math.e)
    assert float(together) == pytest.approx(separate, abs=0.15)
    assert float(boltzmann_entropy(x[0], cells, estimator=Grassberger())) == pytest.approx(
        float(corrected[0]), rel=1e-12
    )
