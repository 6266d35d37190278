"""The histogram: the outcome is the bin a value falls in."""

from typing import ClassVar, Literal

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from physent.entropy.discrete import (
    Count,
    as_real,
    count_symbols,
    first_of,
    nonzero,
    only_finite,
    unit_of,
)
from physent.entropy.outcomes.space import OutcomeSpace
from physent.protocol.parameters import (
    ParameterError,
    as_number,
    known,
    param,
    static,
)

_ROUNDINGS = 4  # units of rounding, at the ends of a range, that a bin must be wider than


def bin_edges(low: Array, high: Array, bins: int) -> Array:
    """The edges (rows, bins + 1) of equal bins, as `numpy.linspace` has them; low and high are
    (rows, 1).
    """
    # Compilers turn a division by a constant into a product, and a product and a sum into one
    # operation; either rounds an edge otherwise, and a value that lies on it falls into the next
    # bin. A choice in between prevents both.
    step = (high - low) / jnp.where(jnp.isnan(low), low, bins)
    ramp = jnp.arange(bins + 1, dtype=low.dtype)[None, :] * step
    edges = low + jnp.where(jnp.isfinite(ramp), ramp, jnp.zeros_like(ramp))
    return jnp.concatenate([edges[:, :-1], high], axis=1)


def bin_index(x: Array, low: Array, high: Array, bins: int) -> Array:
    """The bin of every value of x (rows, n) as in `numpy.histogram`, -1 or `bins` outside [low,
    high].

    low and high are scalars or (rows, 1). Bins are closed below and open above, the last one is
    closed. An index from the quotient can be off by one through rounding, so it is compared with
    the edges of its bin.
    """
    low, high = (jnp.broadcast_to(end, (x.shape[0], 1)) for end in (low, high))
    edges, width = bin_edges(low, high, bins), high - low
    quotient = jnp.floor((x - low) / nonzero(width) * bins)
    index = jnp.clip(
        jnp.where(jnp.isnan(quotient), jnp.zeros_like(x), quotient), 0, bins - 1
    ).astype(jnp.int32)
    index = index - (x < jnp.take_along_axis(edges, index, axis=1))
    index = index + ((x >= jnp.take_along_axis(edges, index + 1, axis=1)) & (index < bins - 1))
    return jnp.where(x < low, -1, jnp.where(x > high, bins, index))


def check_range(
    key: str, low: ArrayLike | None, high: ArrayLike | None, bins: int | None = None
) -> None:
    """Raise ParameterError where a range goes downwards, or `bins` in it are no wider than the
    rounding of numbers at its ends; `key` is the name of its lower end. Ends that are traced pass.
    """
    if low is None or high is None or not known(low, high):
        return
    above = key.replace("low", "high")
    if len({1, np.size(low), np.size(high)}) > 2 and np.ndim(low) == np.ndim(high):
        words = f"given {np.size(high)} numbers, allowed: {np.size(low)} as for {key}"
        raise ParameterError(above, words)
    ends = np.broadcast_arrays(np.asarray(low, float), np.asarray(high, float))
    if np.any(wrong := ~(ends[0] <= ends[1])):
        lower, upper = (float(end[wrong][0]) for end in ends)
        raise ParameterError(key, f"given {lower:g}, allowed: a number <= {above} = {upper:g}")
    if bins is None:
        return
    rounding = float(jnp.finfo(getattr(low, "dtype", jnp.result_type(float))).eps)
    least = _ROUNDINGS * rounding * bins * np.maximum(*np.abs(ends))
    if np.any(wrong := np.isfinite(least) & ~(ends[1] - ends[0] > least)):
        lower, upper, most = (float(each[wrong][0]) for each in (*ends, least))
        words = f"given {upper!r}, allowed: more than {key} = {lower!r}"
        if upper > lower:
            words += f", by {most:.2g}: bins are wider than the rounding of numbers there"
        raise ParameterError(above, words)


class Histogram(OutcomeSpace):
    """The values of a field or a series in `bins` equal bins, on [low, high] or on the range of the
    data.

    Reads any number of axes. Values outside a fixed range are dropped, as numpy does, or put in the
    outermost bins with `outside = "clip"`. The entropy grows as ln(bins) and depends on the range:
    fix it to compare states, since the range of the data moves with every outlier. A field that is
    constant fills one bin (entropy 0).
    """

    weighs: ClassVar[bool] = True
    has_room: ClassVar[bool] = True
    axes: ClassVar[int | None] = None
    bins: int = static(50, doc="number of bins", ge=1)
    low: Array | None = param(
        default=None,
        converter=as_number,
        doc="lower end of the range; by default the smallest value of the data",
    )
    high: Array | None = param(
        default=None,
        converter=as_number,
        doc="upper end of the range; by default the largest value of the data",
    )
    outside: Literal["drop", "clip"] = static(
        "drop", doc="how values outside the range are handled"
    )

    def __check_init__(self):
        check_range("low", self.low, self.high, self.bins)

    def shiftable(self) -> bool:
        """Whether both ends are those of the data."""
        return self.low is None and self.high is None

    def tally(self, x: Array) -> Array:
        """The number of values in every bin."""
        x = x.reshape(x.shape[0], -1)
        return self.tally_first(x, x.shape[1])

    def tally_first(self, x: Array, count: Count) -> Array:
        """The same of the first values of series."""
        x = as_real(x)
        symbols, where = self.symbols(x), first_of(x.shape[1], count)
        symbols = symbols if where is None else jnp.where(where, symbols, -1)
        return only_finite(count_symbols(symbols, self.bins, dtype=x.dtype), x)

    def weighted(self, x: Array, weights: Array) -> Array:
        """The sum of the weights of the values in every bin."""
        x, w = (each.reshape(x.shape[0], -1) for each in (as_real(x), weights))
        unit = unit_of(w, 1)
        counts = count_symbols(self.symbols(x), self.bins, (w / unit).astype(x.dtype))
        counts = only_finite(counts * unit.astype(x.dtype), x)
        return only_finite(counts, w)

    def symbols(self, x: Array) -> Array:
        """The bin of every value of x (batch, n)."""
        low = (
            jnp.min(x, axis=1, keepdims=True)
            if self.low is None
            else jnp.full((1, 1), self.low, x.dtype)
        )
        high = (
            jnp.max(x, axis=1, keepdims=True)
            if self.high is None
            else jnp.full((1, 1), self.high, x.dtype)
        )
        flat = low == high
        low, high = jnp.where(flat, low - 0.5, low), jnp.where(flat, high + 0.5, high)
        index = bin_index(x, low, high, self.bins)
        return jnp.clip(index, 0, self.bins - 1) if self.outside == "clip" else index
