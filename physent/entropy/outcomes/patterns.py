"""Patterns: the outcome is the order of the values in a window of a series or in a stencil moved
over a field, or the word of amplitude classes in a window.

Orders are numbered by their Lehmer code, which needs order (order - 1)/2 comparisons and no sort.
Equal values keep the order of time: the earlier counts as the smaller (as a stable sort has it, and
ordpy and antropy).
"""

import abc
import itertools
import math
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtr
from jaxtyping import Array, ArrayLike

from physent.entropy.discrete import (
    Count,
    as_ordered,
    as_real,
    compiled,
    count_patterns,
    count_symbols,
    first_of,
    moderate,
    nonzero,
    only_finite,
    rowwise,
    scaled,
    shift_free,
)
from physent.entropy.outcomes.space import OutcomeSpace
from physent.protocol.parameters import (
    as_number,
    known,
    param,
    static,
)


def lehmer_code(values: list[Array]) -> Array:
    """The number, from 0 to m! - 1, of the order of m arrays, elementwise; 0 when they increase."""
    m, code = len(values), jnp.zeros(values[0].shape, jnp.int32)
    for i in range(m - 1):
        smaller = sum((later < values[i]).astype(jnp.int32) for later in values[i + 1 :])
        code = code * (m - i) + smaller
    return code


def windows(x: Array, order: int, delay: int) -> list[Array]:
    """The first, second, ... value of every window of a series (batch, n), each (batch, n - (order
    - 1) delay).
    """
    count = x.shape[-1] - (order - 1) * delay
    if count < 1:
        raise ValueError(
            f"a series of {x.shape[-1]} values is shorter than one window of order {order} and "
            f"delay {delay}"
        )
    return [x[:, i * delay : i * delay + count] for i in range(order)]


@shift_free(x=-1)
@compiled()
def ordinal_symbols(x: ArrayLike, order: int = 3, delay: int = 1) -> Array:
    """The ordinal pattern at every time as a symbol, (..., n) -> (..., n - (order - 1) delay), from
    0 to order! - 1.
    """
    return rowwise(lambda rows: lehmer_code(windows(rows, order, delay)), as_ordered(x))


class OrdinalPatterns(OutcomeSpace):
    """Ordinal patterns of windows, order! outcomes, each window counted with its weight."""

    in_order: ClassVar[bool] = True
    has_room: ClassVar[bool] = True
    order: int = static(3, doc="number of values in a pattern", ge=2, le=7)
    delay: int = static(1, doc="steps between the values of a pattern", ge=1)
    only_order: ClassVar[bool] = False

    def least(self) -> int:
        """One window."""
        return (self.order - 1) * self.delay + 1

    @abc.abstractmethod
    def weights(self, values: list[Array]) -> Array | None:
        """The weight of every window, from its first, second, ... values; None to count."""

    def tally(self, x: Array) -> Array:
        """The number, or the sum of the weights, of the windows with every pattern."""
        return self.tally_first(x, x.shape[1])

    def tally_first(self, x: Array, count: Count) -> Array:
        """The same of the first values of series."""
        x = as_ordered(x) if self.only_order else as_real(x)
        values = windows(x, self.order, self.delay)
        outcomes, weights = math.factorial(self.order), self.weights(values)
        first, rest = values[0], x[:, values[0].shape[1] :]
        where = first_of(first.shape[1], count - self.least() + 1)
        return count_patterns(lehmer_code(values), first, rest, outcomes, weights, where)

    def up_to_a_factor(self, x: Array, count: Count | None = None) -> Array:
        """The tally of the data as they are, and only where its weights come near the ends of the
        numbers that of the data in units of their own: a look at them costs half as much again.
        """
        tally = self.tallied(x, count)
        if not self.homogeneous:
            return tally
        total = jnp.sum(tally, axis=1)
        return jax.lax.cond(
            jnp.all(moderate(total)), lambda: tally, lambda: self.tallied(self.prepared(x), count)
        )


class Ordinal(OrdinalPatterns):
    """Ordinal patterns (permutation entropy), order! outcomes.

    Bandt and Pompe, Phys. Rev. Lett. 88, 174102 (2002). The first-order bias of the plug-in Shannon
    entropy is -(order! - 1)/(2N) only for independent windows; overlapping ones are not. A constant
    series has one pattern.
    """

    only_order: ClassVar[bool] = True

    def shiftable(self) -> bool:
        """True: only differences count."""
        return True

    def weights(self, values: list[Array]) -> None:
        """None: windows are counted."""


class WeightedOrdinal(OrdinalPatterns):
    """Ordinal patterns weighted by the variance of their window, w = (1/m) sum (x - mean)^2.

    Fadlallah, Chen, Keil and Principe, Phys. Rev. E 87, 022911 (2013). A constant series gives NaN.
    """

    counted: ClassVar[bool] = False
    homogeneous: ClassVar[bool] = True

    def shiftable(self) -> bool:
        """True: only differences count."""
        return True

    def weights(self, values: list[Array]) -> Array:
        """The variances; exactly 0 for equal values, whose mean may be rounded."""
        values = [v - values[0] for v in values]
        mean = sum(values) / self.order
        return jnp.asarray(sum((v - mean) ** 2 for v in values) / self.order)


class AmplitudeOrdinal(OrdinalPatterns):
    """Amplitude-aware ordinal patterns, w = (A/m) sum |x_i| + ((1 - A)/(m - 1)) sum |x_(i+1) -
    x_i|.

    Azami and Escudero, Comput. Methods Programs Biomed. 128, 40 (2016). Depends on the origin of x
    through A, so that no offset can be taken off: raises ValueError for numbers in float64 that
    float32, where that is what JAX computes in, does not tell apart.
    """

    counted: ClassVar[bool] = False
    homogeneous: ClassVar[bool] = True
    by_differences: ClassVar[bool] = True
    mix: Array = param(
        default=0.5,
        converter=as_number,
        doc="A, the weight of the mean size relative to the mean step",
        ge=0,
        le=1,
    )

    def shiftable(self) -> bool:
        """Whether steps alone count."""
        return known(self.mix) and bool(np.all(np.asarray(self.mix) == 0))

    def weights(self, values: list[Array]) -> Array:
        """The weighted mean of sizes and steps."""
        mix = jnp.asarray(self.mix, values[0].dtype)
        size = jnp.asarray(sum(jnp.abs(v) for v in values)) / self.order
        steps = jnp.asarray(sum(jnp.abs(b - a) for a, b in itertools.pairwise(values)))
        return mix * size + (1 - mix) * (steps / (self.order - 1))


class Dispersion(OutcomeSpace):
    """Words of `order` amplitude classes, `delay` apart, classes^order outcomes.

    A value belongs to class floor(c Phi((x - mean)/std)), Phi the normal distribution function, so
    that the classes of a Gaussian signal are equally likely. Rostaghi and Azami, IEEE Signal
    Process. Lett. 23, 610 (2016). The standard deviation divides by N (`ddof` = 1: by N - 1). A
    constant series has one word.
    """

    in_order: ClassVar[bool] = True
    has_room: ClassVar[bool] = True
    classes: int = static(6, doc="number of amplitude classes", ge=2, le=32)
    order: int = static(2, doc="number of values in a word", ge=1, le=6)
    delay: int = static(1, doc="steps between the values of a word", ge=1)
    ddof: int = static(0, doc="0 or 1: the variance is divided by N - ddof", ge=0, le=1)

    def least(self) -> int:
        """One window."""
        return (self.order - 1) * self.delay + 1

    def shiftable(self) -> bool:
        """True: only differences count."""
        return True

    def tally(self, x: Array) -> Array:
        """The number of windows with every word."""
        return self.tally_first(x, x.shape[1])

    def tally_first(self, x: Array, count: Count) -> Array:
        """The same of the first values of series."""
        x = as_real(x)
        size = self.classes**self.order
        if size > 1_000_000:
            raise ValueError(
                f"{self.classes} classes and order {self.order} make {size} words, allowed: "
                "1,000,000"
            )
        x = scaled(x, axis=1)
        where = first_of(x.shape[1], count)
        std = jnp.std(x, axis=1, ddof=self.ddof, keepdims=True, where=where)
        standard = (x - jnp.mean(x, axis=1, keepdims=True, where=where)) / nonzero(std)
        level = jnp.clip(jnp.floor(ndtr(standard) * self.classes), 0, self.classes - 1)
        level = jnp.where(jnp.isnan(level), jnp.zeros_like(level), level).astype(jnp.int32)
        word = jnp.zeros((), jnp.int32)
        for letter in windows(level, self.order, self.delay):
            word = word * self.classes + letter
        where = first_of(word.shape[1], count - self.least() + 1)
        word = word if where is None else jnp.where(where, word, -1)
        return only_finite(count_symbols(word, size, dtype=x.dtype), x)


class SpatialOrdinal(OutcomeSpace):
    """Ordinal patterns of a rows x columns stencil moved over a field, (rows columns)! outcomes.

    Reads two axes, rows first; the stencil's values are taken row by row. On a periodic axis the
    stencil wraps, so that every grid point has one and the value does not change when the field is
    shifted. Ribeiro, Zunino, Lenzi, Santoro and Mendes, PLoS ONE 7, e40689 (2012). Coarsening the
    grid changes the value: compare equal spacings.
    """

    axes: ClassVar[int | None] = 2
    rows: int = static(2, doc="rows of the stencil", ge=1, le=8)
    columns: int = static(2, doc="columns of the stencil", ge=1, le=8)
    row_delay: int = static(1, doc="grid points between the rows of the stencil", ge=1)
    column_delay: int = static(1, doc="grid points between the columns of the stencil", ge=1)
    periodic: tuple[bool, bool] = static(
        (False, False), doc="whether the stencil wraps along rows, along columns"
    )

    def shiftable(self) -> bool:
        """True: only differences count."""
        return True

    def __check_init__(self):
        if not 2 <= self.rows * self.columns <= 8:
            raise ValueError(f"the stencil has {self.rows * self.columns} points, allowed: 2 to 8")

    def tally(self, x: Array) -> Array:
        """The number of stencils with every pattern."""
        x = as_ordered(x)
        reach = ((self.rows - 1) * self.row_delay, (self.columns - 1) * self.column_delay)
        pad = tuple(r if wraps else 0 for r, wraps in zip(reach, self.periodic, strict=True))
        padded = jnp.pad(x, ((0, 0), (0, pad[0]), (0, pad[1])), mode="wrap")
        height, width = padded.shape[1] - reach[0], padded.shape[2] - reach[1]
        if height < 1 or width < 1:
            raise ValueError(f"a field of {x.shape[1:]} points is smaller than the stencil")
        values = [
            padded[:, i * self.row_delay : i * self.row_delay + height, j * self.column_delay :][
                :, :, :width
            ]
            for i in range(self.rows)
            for j in range(self.columns)
        ]
        symbols, first = (each.reshape(x.shape[0], -1) for each in (lehmer_code(values), values[0]))
        rest = [part.reshape(x.shape[0], -1) for part in (x[:, height:], x[:, :height, width:])]
        rest = jnp.concatenate(rest, axis=1)
        return count_patterns(symbols, first, rest, math.factorial(self.rows * self.columns))
