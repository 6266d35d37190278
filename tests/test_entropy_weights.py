"""Cells of unequal size: a cell of weight 2 counts as two, one of weight 0 is left out."""

import jax
import numpy as np
import pytest

from physent.entropy import (
    MEASURES,
    Density,
    Grassberger,
    Histogram,
    Ordinal,
    Renyi,
    Spectrum,
    differential_entropy,
    dye_entropy,
    entropy,
)

R = np.random.default_rng(0)
X, W = R.random((3, 12)) + 0.1, R.integers(1, 4, 12)
SPACES = [Density(), Histogram(bins=5)]


@pytest.mark.parametrize("outcomes", SPACES, ids=lambda space: type(space).__name__)
@pytest.mark.parametrize("measure", MEASURES)
def test_a_cell_of_weight_n_is_n_cells(measure, outcomes):
    words = {"measure": MEASURES[measure](), "outcomes": outcomes}
    expected = entropy(np.repeat(X, W, axis=1), **words)
    np.testing.assert_allclose(entropy(X, weights=W, **words), expected, rtol=1e-12)
    same = entropy(X, weights=np.ones(12), **words)
    np.testing.assert_allclose(same, entropy(X, **words), rtol=1e-12)


@pytest.mark.parametrize("outcomes", SPACES, ids=lambda space: type(space).__name__)
def test_a_mask_leaves_cells_out_whatever_they_hold(outcomes):
    mask = R.random((3, 12)) > 0.3
    x = np.where(mask, X, np.where(R.random((3, 12)) > 0.5, np.nan, -7.0))
    expected = [
        float(entropy(row[keep], outcomes=outcomes)) for row, keep in zip(X, mask, strict=True)
    ]
    for weights in (mask, mask.astype(float)):
        np.testing.assert_allclose(
            entropy(x, outcomes=outcomes, weights=weights), expected, rtol=1e-12
        )
    share = entropy(x, outcomes=outcomes, weights=mask, normalise=True)
    full = [
        float(entropy(row[keep], outcomes=outcomes, normalise=True))
        for row, keep in zip(X, mask, strict=True)
    ]
    np.testing.assert_allclose(share, full, rtol=1e-12)
    assert np.isnan(entropy(x, outcomes=outcomes, weights=np.zeros((3, 12)))).all()


def test_a_mask_counts_so_that_estimators_may_correct_and_weights_do_not():
    mask, space = np.arange(12) < 9, Histogram(bins=5, low=0.0, high=1.2)
    found = entropy(X, outcomes=space, estimator=Grassberger(), weights=mask)
    expected = entropy(X[:, :9], outcomes=space, estimator=Grassberger())
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    with pytest.raises(ValueError, match="weights are no counts"):
        entropy(X, outcomes=space, estimator=Grassberger(), weights=W)


def test_axes_in_any_order_and_under_jit_and_vmap():
    x, w = R.random((4, 5, 6)), R.random((4, 6))
    expected = entropy(np.moveaxis(x, 1, 0).reshape(5, -1), weights=w.reshape(-1))
    np.testing.assert_allclose(entropy(x, axis=(0, 2), weights=w), expected, rtol=1e-12)
    np.testing.assert_allclose(entropy(x, axis=(2, 0), weights=w.T), expected, rtol=1e-12)
    each = np.broadcast_to(w[:, None], x.shape)
    np.testing.assert_allclose(entropy(x, axis=(0, 2), weights=each), expected, rtol=1e-12)
    over = jax.jit(jax.vmap(lambda y: entropy(y, weights=w.reshape(-1))))
    np.testing.assert_allclose(over(np.moveaxis(x, 1, 0).reshape(5, -1)), expected, rtol=1e-12)
    gradient = jax.grad(lambda y: entropy(y, Renyi(order=2.0), weights=w[0]))(x[0, 0])
    assert np.isfinite(gradient).all()


def test_differential_entropy_is_that_of_the_volumes():
    edges = np.r_[0, np.cumsum(R.random(400) + 0.2)]
    edges *= 8 / edges[-1]
    middles, widths = (edges[1:] + edges[:-1]) / 2 - 4, np.diff(edges)
    normal = np.exp(-(middles**2) / 2)
    found = float(differential_entropy(normal, weights=widths))
    assert found == pytest.approx(0.5 * np.log(2 * np.pi * np.e), abs=2e-3)
    uniform = differential_entropy(np.ones(400), weights=widths)
    assert float(uniform) == pytest.approx(np.log(8), rel=1e-12)
    even = differential_entropy(normal, 0.02)
    np.testing.assert_allclose(
        differential_entropy(normal, weights=np.full(400, 0.02)), even, rtol=1e-12
    )
    dye = dye_entropy(X, weights=W)
    np.testing.assert_allclose(dye, np.sum(-X * np.log(X) * W, axis=1), rtol=1e-12)


def test_what_is_no_weight_is_said():
    for space in (Ordinal(), Spectrum()):
        with pytest.raises(ValueError, match="takes no weights"):
            entropy(X, outcomes=space, weights=W)
    with pytest.raises(ValueError, match=r"weights: given the shape \(5,\), allowed: \(12,\)"):
        entropy(X, weights=W[:5])
    with pytest.raises(ValueError, match="given a spacing and weights"):
        differential_entropy(X, 0.1, weights=W)
    with pytest.raises(ValueError, match="given neither"):
        differential_entropy(X)
    for bad in (-1.0, np.nan, np.inf):
        assert np.isnan(entropy(X, weights=np.where(np.arange(12) == 3, bad, W))).all()
