"""Cells of unequal size: how many equal cells each cell of a field stands for.

A cell of weight 2 counts as two cells with the same value. With the volumes of the cells as
weights, the entropy of a density is therefore its differential entropy; with weights of 1 it is
what it is without. A cell of weight 0 is left out, whatever its value, NaN included: so a mask is a
weight, too.
"""

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike

from physent.entropy.discrete import Estimator, Measure, as_real, native, unit_of
from physent.entropy.outcomes.space import Axes, OutcomeSpace, arrange, as_axes


def as_weights(weights: ArrayLike, x: Array, axis: Axes, wanted: int | None) -> Array:
    """Weights (batch, *read axes) of data, NaN where one is negative or not finite.

    Args:
        weights: one number for every cell, of the shape of the data, or of the axes read in their
            order; or a mask, True where a cell counts.
        x: the data.
        axis: the axes read, as the outcome space takes them.
        wanted: how many it reads.

    Raises ValueError for another shape.
    """
    w = jnp.asarray(native(weights))
    w = w.astype(jnp.result_type(float)) if w.dtype == bool else as_real(w)
    axes = as_axes(axis, wanted or 1)
    read = tuple(x.shape[a] for a in axes)
    if w.shape not in (x.shape, read):
        raise ValueError(
            f"weights: given the shape {w.shape}, allowed: {read}, one for every cell along "
            f"axis={axis}, or {x.shape}, one for every value"
        )
    if w.shape == x.shape:
        w = arrange(w, axis, wanted)[1]
    else:
        rows = x.size // max(1, w.size)
        w = jnp.broadcast_to(w[None], (rows, *read))
    return jnp.where((w >= 0) & jnp.isfinite(w), w, jnp.asarray(jnp.nan, w.dtype))


def check_counts(estimator: Estimator, dtype: Any, advice: str) -> None:
    """Raise ValueError for an estimator that needs counts where there are weights of this type; a
    mask leaves counts.
    """
    if estimator.corrects and dtype.kind != "b":
        raise ValueError(
            f"{type(estimator).__name__} corrects for a finite sample, but weights are no counts: "
            f"{advice}"
        )


def filled(x: Array, weights: Array) -> Array:
    """Data (batch, *read axes) with the first value that counts in place of those that do not."""
    rows, counts = x.reshape(x.shape[0], -1), (weights != 0).reshape(x.shape[0], -1)
    first = jnp.take_along_axis(rows, jnp.argmax(counts, axis=1)[:, None], axis=1)
    return jnp.where(counts, rows, first).reshape(x.shape)


def weighted_counts(
    x: Array, outcomes: OutcomeSpace, weights: ArrayLike, axis: Axes
) -> tuple[tuple[int, ...], Array, Array]:
    """The shape of the batch, the counts or weights of the outcomes (batch, outcomes), and the
    weights of the cells (batch, cells).

    Raises ValueError for an outcome space that takes no weights.
    """
    if not outcomes.weighs:
        raise ValueError(
            f"{type(outcomes).__name__} takes no weights, and no cell can be left out of it: it "
            "reads cells side by side. Density and Histogram take them"
        )
    w = as_weights(weights, x, axis, outcomes.axes)
    batch, laid_out = arrange(x, axis, outcomes.axes)
    counts = outcomes.weighted(outcomes.prepared(filled(laid_out, w)), w)
    return batch, counts, w.reshape(w.shape[0], -1)


def shares(amounts: Array, weights: Array) -> Array:
    """The share of a quantity in every cell, from the amount in each of its equal parts (batch,
    cells).
    """
    held = amounts * (weights / unit_of(weights, 1)).astype(amounts.dtype)
    return held / jnp.sum(held, axis=-1, keepdims=True)


def measured(shares: Array, weights: Array, measure: Measure, normalise: bool) -> Array:
    """A measure of shares (batch, cells), sum_i w_i f(p_i/w_i) where it is a sum of f(p_i) without
    weights; normalised, with weights relative to their mean.
    """
    w = weights.astype(shares.dtype)
    there = jnp.sum((w != 0).astype(w.dtype), axis=-1)
    if normalise:
        w = w / unit_of(w, 1)
        w = w * (there / jnp.sum(w, axis=-1))[:, None]
    density = jnp.where(w == 0, jnp.zeros_like(w), shares / jnp.where(w == 0, jnp.ones_like(w), w))
    value = measure(density, weights=w)
    value = jnp.where(there == 0, jnp.asarray(jnp.nan, value.dtype), value)
    return measure.normalised(value, there) if normalise else value
