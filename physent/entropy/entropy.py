"""The entropy of discrete outcomes: outcome space x estimator x measure in one call."""

import math

import equinox as eqx
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array

from physent.entropy.discrete.estimators import Estimator, PlugIn
from physent.entropy.discrete.measures import Measure, Shannon
from physent.entropy.outcomes.fields import Density
from physent.entropy.outcomes.space import Axes, OutcomeSpace

_SHANNON, _DENSITY, _PLUG_IN = Shannon(), Density(), PlugIn()


@eqx.filter_jit
def entropy(
    x: ArrayLike,
    measure: Measure = _SHANNON,
    outcomes: OutcomeSpace = _DENSITY,
    estimator: Estimator = _PLUG_IN,
    axis: Axes = None,
    base: float | None = None,
    normalise: bool = False,
) -> Array:
    """The entropy of the outcomes in an array, one value for every index that is not read.

    Args:
        x: data of any shape. measure: the functional of the probabilities. outcomes: what counts as
        an outcome. estimator: how the measure is estimated from counts; density and spectrum give
        weights, not counts, and admit
            the plug-in estimator only.
        axis: the axis, or axes, that the outcome space reads; by default the last, or the last two
        for a space that
            reads two. The others are batch axes, kept in order.
        base: of the logarithm; None gives nats. normalise: divide by the maximum of the measure
        over all possible outcomes, so that the plug-in value is
            between 0 and 1.

    Raises:
        ValueError: for an estimator that needs counts where there are none, for a base where the
        measure has no
            logarithm, and for axes that do not fit.

    Differentiable in x for Density and Spectrum, and in the parameters of the measure.
    """
    if estimator.corrects and not outcomes.counted:
        raise ValueError(
            f"{type(estimator).__name__} corrects for a finite sample, but "
            f"{type(outcomes).__name__} gives weights and "
            "not counts of one: use PlugIn, or Counts() if the array does hold counts"
        )
    if base is not None and not measure.logarithmic and not normalise:
        raise ValueError(
            f"{type(measure).__name__} entropy is not a logarithm: base has no meaning for it"
        )
    counts = outcomes.counts(x, axis)
    value = estimator(counts, measure)
    if normalise:
        return measure.normalised(value, counts.shape[-1])
    return value if base is None else value / jnp.asarray(math.log(base), value.dtype)
