"""The entropy of discrete outcomes, outcome space x estimator x measure in one call, and the
Boltzmann entropy of particles in cells of phase space.
"""

import math
from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike

from physent.entropy.discrete import (
    BASE,
    PLUG_IN,
    SHANNON,
    Count,
    Estimator,
    Grassberger,
    Measure,
    alike,
    as_real,
    checked,
    compiled,
    length_with_room as length_with_room,
    log_base,
    shift_free,
)
from physent.entropy.outcomes.fields import DENSITY
from physent.entropy.outcomes.particles import Cells
from physent.entropy.outcomes.space import Axes, OutcomeSpace, read_axes
from physent.entropy.outcomes.weighting import check_counts, measured, shares, weighted_counts

_GRASSBERGER = Grassberger()


def _read(given: Mapping[str, Any]) -> tuple[int, ...] | None:
    outcomes = given["outcomes"]
    return (
        read_axes(outcomes, given["x"], given["axis"])
        if isinstance(outcomes, OutcomeSpace)
        else None
    )


@shift_free(x=_read)
@checked(base=BASE)
def entropy(
    x: ArrayLike,
    measure: Measure = SHANNON,
    outcomes: OutcomeSpace = DENSITY,
    estimator: Estimator = PLUG_IN,
    axis: Axes = None,
    base: float | None = None,
    normalise: bool = False,
    weights: ArrayLike | None = None,
) -> Array:
    """The entropy of the outcomes in an array, one value for each index of the other axes.

    Args:
        x: data of any shape.
        measure: the functional of the probabilities.
        outcomes: the outcome space.
        estimator: how the measure is estimated from counts; density and spectrum give weights, not
            counts, and admit the plug-in estimator only. Of counts that are no whole numbers, which
            no sample has, the others give NaN.
        axis: the axis, or axes, that the outcome space reads; by default the last, or the last two
            for a space that reads two. The others are batch axes, kept in order.
        base: of the logarithm; None gives nats.
        normalise: divide by the maximum of the measure over all possible outcomes, so that the
            plug-in value is between 0 and 1.
        weights: for cells of unequal size, how many equal cells each stands for, of the shape of x
            or of the axes read; a mask, True where a cell counts, leaves the others out, NaN
            included. Density and Histogram take them. A density gives sum_i w_i f(p_i/w_i) instead
            of sum_i f(p_i), with p_i = w_i x_i/sum_j w_j x_j: Shannon's -sum_i p_i ln(p_i/w_i) is
            the differential entropy where weights are volumes, ln(sum_i w_i) if x is uniform. A
            histogram counts each value w_i times. Normalised, weights are relative to their mean.

    Raises:
        ValueError: for an estimator that needs counts where there are none, for a base where the
        measure has no
            logarithm, for axes and weights that do not fit, and for weights of an outcome space
            that takes none.

    Differentiable in x for Density and Spectrum, and in the parameters of the measure.
    """
    if estimator.corrects and not outcomes.counted:
        raise ValueError(
            f"{type(estimator).__name__} corrects for a finite sample, but "
            f"{type(outcomes).__name__} gives weights rather than counts: use PlugIn, or "
            "Counts() if the array holds counts"
        )
    if base is not None and not measure.logarithmic and not normalise:
        raise ValueError(
            f"{type(measure).__name__} entropy is not a logarithm, so base does not apply to it"
        )
    count = None
    if weights is None:
        x, count = outcomes.with_room(x, axis)
    return _entropy(x, count, measure, outcomes, estimator, axis, base, normalise, weights)


@compiled()
def _entropy(
    x: ArrayLike,
    count: Count | None,
    measure: Measure,
    outcomes: OutcomeSpace,
    estimator: Estimator,
    axis: Axes,
    base: float | None,
    normalise: bool,
    weights: ArrayLike | None,
) -> Array:
    if weights is None:
        value = _of_counts(outcomes.relative(x, axis, count), measure, estimator, normalise)
    else:
        advice = "use PlugIn, or a mask of True and False"
        check_counts(estimator, jnp.asarray(weights).dtype, advice)
        value = _weighted(jnp.asarray(x), weights, measure, outcomes, estimator, axis, normalise)
    if base is None or normalise:
        return value
    return value / log_base(base, value.dtype)


def _of_counts(counts: Array, measure: Measure, estimator: Estimator, normalise: bool) -> Array:
    if estimator.corrects:
        counts = jnp.where(counts == jnp.floor(counts), counts, jnp.nan)
    value = estimator(counts, measure)
    return measure.normalised(value, counts.shape[-1]) if normalise else value


def _weighted(
    x: Array,
    weights: ArrayLike,
    measure: Measure,
    outcomes: OutcomeSpace,
    estimator: Estimator,
    axis: Axes,
    normalise: bool,
) -> Array:
    batch, counts, sizes = weighted_counts(x, outcomes, weights, axis)
    if outcomes.counted:
        value = _of_counts(counts, measure, estimator, normalise)
    else:  # the outcomes are the cells
        value = measured(shares(counts, sizes), sizes, measure, normalise)
    return value.reshape(batch)


@checked()
def boltzmann_entropy(
    position: ArrayLike,
    cells: Cells,
    velocity: ArrayLike | None = None,
    estimator: Estimator = _GRASSBERGER,
) -> Array:
    """Coarse-grained Boltzmann entropy per particle, S/(N k_B) = -sum_c p_c ln p_c + ln(cell
    volume).

    Args:
        position: (..., particles, d).
        cells: the boxes of position, or of position and velocity (2 d components, positions first).
        velocity: (..., particles, d), or None for positions only.
        estimator: of the cells' Shannon entropy; counts of N particles in K cells have the plug-in
            bias -(K - 1)/(2N), a spurious order that falls as the gas spreads, so a correction is
            the default.

    Raises ValueError for other shapes, and for cells of another number of components.

    Differences of the value do not depend on units; with exact dynamics the fine-grained entropy is
    constant and all growth comes from the cells, which is why it depends on their size. Particles
    beyond the range are dropped or put in the outermost boxes, as `cells` says.
    """
    particles = as_real(position, core=2)
    if velocity is not None:
        moving = as_real(velocity)
        alike("position, velocity", particles, moving)
        particles = jnp.concatenate([particles, moving.astype(particles.dtype)], axis=-1)
    d = particles.shape[-1]
    low, high = cells.ends(d, particles.dtype)
    log_volume = jnp.sum(jnp.log(high - low)) - math.log(cells.boxes(d))
    return entropy(particles, outcomes=cells, estimator=estimator, axis=(-2, -1)) + log_volume
