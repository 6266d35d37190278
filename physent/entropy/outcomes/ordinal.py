"""Ordinal patterns of a series: the outcome is the order of `order` values, `delay` apart.

Patterns are numbered by their Lehmer code, which needs order (order - 1)/2 comparisons and no sort.
Equal values keep the order of time: the earlier counts as the smaller (as a stable sort has it, and
ordpy and antropy).
"""

import itertools
import math
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array

from physent.entropy.discrete.counting import as_floating, count_patterns
from physent.entropy.outcomes.space import OutcomeSpace
from physent.protocol.parameters import param, static


def lehmer_code(values: list[Array]) -> Array:
    """The number, from 0 to m! - 1, of the order of m arrays, elementwise; 0 when they increase."""
    m = len(values)
    code = jnp.zeros(values[0].shape, jnp.int32)
    for i in range(m - 1):
        smaller = sum((values[j] < values[i]).astype(jnp.int32) for j in range(i + 1, m))
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


@eqx.filter_jit
def ordinal_symbols(x: ArrayLike, order: int = 3, delay: int = 1) -> Array:
    """The ordinal pattern at every time as a symbol, (..., n) -> (..., n - (order - 1) delay), from
    0 to order! - 1.
    """
    x = jnp.asarray(x)
    symbols = lehmer_code(windows(x.reshape(-1, x.shape[-1]), order, delay))
    return symbols.reshape(*x.shape[:-1], symbols.shape[-1])


class Ordinal(OutcomeSpace):
    """Ordinal patterns (permutation entropy), order! outcomes.

    Bandt and Pompe, Phys. Rev. Lett. 88, 174102 (2002). The first-order bias of the plug-in Shannon
    entropy is -(order! - 1)/(2N) only for independent windows; overlapping ones are not. A constant
    series has one pattern.
    """

    order: int = static(3, doc="number of values in a pattern", ge=2, le=7)
    delay: int = static(1, doc="steps between the values of a pattern", ge=1)

    def tally(self, x: Array) -> Array:
        """The number of windows with every pattern."""
        x = as_floating(x)
        values = windows(x, self.order, self.delay)
        return count_patterns(lehmer_code(values), values, math.factorial(self.order))


class WeightedOrdinal(OutcomeSpace):
    """Ordinal patterns weighted by the variance of their window, w = (1/m) sum (x - mean)^2.

    Fadlallah, Chen, Keil and Principe, Phys. Rev. E 87, 022911 (2013). A constant series gives NaN.
    """

    counted: ClassVar[bool] = False
    order: int = static(3, doc="number of values in a pattern", ge=2, le=7)
    delay: int = static(1, doc="steps between the values of a pattern", ge=1)

    def tally(self, x: Array) -> Array:
        """The sum of the weights of the windows with every pattern."""
        x = as_floating(x)
        values = windows(x, self.order, self.delay)
        mean = sum(values) / self.order
        weights = sum((v - mean) ** 2 for v in values) / self.order
        return count_patterns(
            lehmer_code(values), values, math.factorial(self.order), jnp.asarray(weights)
        )


class AmplitudeOrdinal(OutcomeSpace):
    """Amplitude-aware ordinal patterns, w = (A/m) sum |x_i| + ((1 - A)/(m - 1)) sum |x_(i+1) -
    x_i|.

    Azami and Escudero, Comput. Methods Programs Biomed. 128, 40 (2016). Depends on the origin of x
    through A.
    """

    counted: ClassVar[bool] = False
    order: int = static(3, doc="number of values in a pattern", ge=2, le=7)
    delay: int = static(1, doc="steps between the values of a pattern", ge=1)
    mix: Array | float = param(
        0.5, doc="A, the share of the mean size against that of the mean step", ge=0, le=1
    )

    def tally(self, x: Array) -> Array:
        """The sum of the weights of the windows with every pattern."""
        x = as_floating(x)
        values = windows(x, self.order, self.delay)
        mix = jnp.asarray(self.mix, x.dtype)
        size = jnp.asarray(sum(jnp.abs(v) for v in values)) / self.order
        step = jnp.asarray(sum(jnp.abs(b - a) for a, b in itertools.pairwise(values))) / (
            self.order - 1
        )
        weights = mix * size + (1 - mix) * step
        return count_patterns(lehmer_code(values), values, math.factorial(self.order), weights)
