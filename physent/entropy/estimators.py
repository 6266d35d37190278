"""Estimators: how a measure is estimated from the counts of a finite sample."""

import abc
from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array

from physent.entropy.measures import Measure
from physent.parameters import Declared


class Estimator(Declared):
    """Estimates a measure from counts; called as `estimator(counts, measure)` with the outcomes along the last axis.

    `corrects` says that it needs counts of a sample rather than weights.
    """

    corrects: ClassVar[bool] = True

    @abc.abstractmethod
    def __call__(self, counts: Array, measure: Measure) -> Array:
        """The estimate from counts (..., outcomes)."""


class PlugIn(Estimator):
    """The measure of the relative frequencies, p_i = n_i/N.

    Bias for Shannon entropy: -(K - 1)/(2N) to first order, K outcomes, N samples.
    """

    corrects: ClassVar[bool] = False

    def __call__(self, counts: Array, measure: Measure) -> Array:
        """The estimate from counts or weights (..., outcomes)."""
        return measure(counts / jnp.sum(counts, axis=-1, keepdims=True), axis=-1)


ESTIMATORS: dict[str, type[Estimator]] = {"plug_in": PlugIn}
