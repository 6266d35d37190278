"""The histogram: the outcome is the bin a value falls in."""

from typing import ClassVar, Literal

import jax.numpy as jnp
from jaxtyping import Array

from physent.entropy.counting import count_symbols, poison
from physent.entropy.outcome_space import OutcomeSpace, as_floating
from physent.parameters import param, static


def bin_index(x: Array, low: Array, high: Array, bins: int) -> Array:
    """The bin of every value as `numpy.histogram` has it, -1 or `bins` outside [low, high]; x, low, high broadcast.

    Bins are closed below and open above, the last one is closed. An index from the quotient can be off by one through
    rounding, so it is compared with the edges of its bin.
    """
    step = (high - low) / bins
    index = jnp.floor((x - low) / jnp.where(step == 0, jnp.ones_like(step), step))
    index = jnp.clip(jnp.where(jnp.isnan(index), jnp.zeros_like(index), index), 0, bins - 1)
    last = index == bins - 1
    index = index - (x < low + index * step) + ((x >= low + (index + 1) * step) & ~last)
    index = jnp.where(x < low, jnp.full_like(index, -1), jnp.where(x > high, jnp.full_like(index, bins), index))
    return index.astype(jnp.int32)


class Histogram(OutcomeSpace):
    """The values of a field or a series in `bins` equal bins, on [low, high] or on the range of the data.

    Reads any number of axes. Values outside a fixed range are dropped, as numpy does, or put in the outermost bins with
    `outside = "clip"`. The entropy grows as ln(bins) and depends on the range: fix it to compare states, since the
    range of the data moves with every outlier. A field that is constant fills one bin (entropy 0).
    """

    axes: ClassVar[int | None] = None
    bins: int = static(50, doc="number of bins", ge=1)
    low: Array | float | None = param(None, doc="lower end of the range; by default the smallest value of the data")
    high: Array | float | None = param(None, doc="upper end of the range; by default the largest value of the data")
    outside: Literal["drop", "clip"] = static("drop", doc="what becomes of values outside the range")

    def tally(self, x: Array) -> Array:
        """The number of values in every bin."""
        x = as_floating(x).reshape(x.shape[0], -1)
        if jnp.iscomplexobj(x):
            raise ValueError("Histogram needs a real field: take the density, the modulus or a part of a complex one")
        counts = count_symbols(self.symbols(x), self.bins, dtype=x.dtype)
        return poison(counts, x)

    def symbols(self, x: Array) -> Array:
        """The bin of every value of x (batch, n)."""
        low = jnp.min(x, axis=1, keepdims=True) if self.low is None else jnp.full((1, 1), self.low, x.dtype)
        high = jnp.max(x, axis=1, keepdims=True) if self.high is None else jnp.full((1, 1), self.high, x.dtype)
        flat = low == high
        low, high = jnp.where(flat, low - 0.5, low), jnp.where(flat, high + 0.5, high)
        index = bin_index(x, low, high, self.bins)
        return jnp.clip(index, 0, self.bins - 1) if self.outside == "clip" else index
