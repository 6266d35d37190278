"""The jackknife of the plug-in value of a measure, from the differences that one sample makes.

With N samples and l = ln(1 - 1/N), N H - ((N - 1)/N) sum_i n_i H_(-i) = H + (N - 1) sum_i p_i (H -
H_(-i)). A difference is of order 1/N: as one of two values it would lose N times the rounding error
of H, 0.1 for N = 1e6 in float32. Each is written out here, so that the error of the sum is a few
units of rounding whatever N.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from physent.entropy.discrete.measures import (
    Curado,
    Extropy,
    Hartley,
    Kaniadakis,
    Measure,
    MinEntropy,
    Renyi,
    Shannon,
    TraceForm,
    Tsallis,
)
from physent.entropy.discrete.power_sums import half_window, log_nonzero, nonzero

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(10)  # on (-1, 1)
_SERIES = 64  # from this count on eight terms of a series are exact in float64


def jackknife(counts: Array, measure: Measure) -> Array:
    """The jackknife estimate of a measure from counts (..., outcomes); see `estimators.Jackknife`.

    Raises TypeError for a measure that is neither one of ours nor a sum over outcomes. NaN for a
    single sample.
    """
    total = jnp.sum(counts, axis=-1, keepdims=True)
    p = counts / total
    correction = _correction(counts, total, p, measure)
    return measure(p) + jnp.where(total[..., 0] > 1, correction, jnp.nan)


def _correction(n: Array, total: Array, p: Array, measure: Measure) -> Array:
    """(N - 1) sum_i p_i (H - H_(-i))."""
    if isinstance(measure, Shannon):
        own = 1 + jnp.maximum(n - 1, 0) * _log_less(n)
        return jnp.sum(p * own, axis=-1) - _rest(total)[..., 0]
    if isinstance(measure, Extropy):
        absent = (1 - p) * _rest(total - n)
        return jnp.sum(absent, axis=-1) - (n.shape[-1] - 1) * _rest(total)[..., 0]
    if isinstance(measure, MinEntropy):
        return _of_largest(n, total)
    if isinstance(measure, Hartley):
        once, seen = (jnp.sum(each, axis=-1).astype(n.dtype) for each in (n == 1, n > 0))
        fewer = jnp.log1p(-1 / jnp.maximum(seen, 2))
        return -(1 - 1 / total[..., 0]) * once * fewer
    if isinstance(measure, Renyi):
        order = measure.number("order", n.dtype)
        value = _of_renyi(n, total, p, jnp.where(jnp.isinf(order), 2, order))
        return jnp.where(jnp.isinf(order), _of_largest(n, total), value)
    if isinstance(measure, Curado):
        b, rest = measure.number("b", n.dtype), jnp.maximum(total - 1, 1)
        kept = jnp.exp(-b * p) * jnp.expm1(-b * p / rest)
        moved = jnp.expm1(b / rest) * p * jnp.exp(-b * n / rest)
        return (total[..., 0] - 1) * jnp.sum(kept + moved, axis=-1)
    if isinstance(measure, Tsallis):
        return _of_powers(n, total, p, measure.number("order", n.dtype) - 1)
    if isinstance(measure, Kaniadakis):
        kappa = measure.number("kappa", n.dtype)
        return (_of_powers(n, total, p, kappa) + _of_powers(n, total, p, -kappa)) / 2
    if isinstance(measure, TraceForm):
        return _of_summand(n, total, p, measure.summand)
    raise TypeError(
        f"Jackknife needs a measure that is a sum over outcomes, given {type(measure).__name__}"
    )


def _log_less(n: Array) -> Array:
    """ln(1 - 1/n), and 0 for n <= 1, where it is multiplied by 0."""
    return jnp.where(n > 1, jnp.log1p(-1 / jnp.where(n > 1, n, 2)), jnp.zeros_like(n))


def _rest(n: Array) -> Array:
    """1 + (n - 1) ln(1 - 1/n) = 1/2n + 1/6n^2 + 1/12n^3 + ..., 1 for n = 1."""
    direct = 1 + (n - 1) * _log_less(n)
    inverse = 1 / jnp.maximum(n, _SERIES)
    series = jnp.zeros_like(n)
    for k in range(8, 0, -1):
        series = (series + 1 / (k * (k + 1))) * inverse
    return jnp.where(n < _SERIES, direct, series)


def _of_largest(n: Array, total: Array) -> Array:
    """Of -ln max p, which changes otherwise where one outcome alone is the most frequent."""
    largest = jnp.max(n, axis=-1)
    alone = jnp.sum(n == largest[..., None], axis=-1) == 1
    # (N - 1) p ln(1 - 1/n) with p = n/N, and -(N - 1) ln(1 - 1/N)
    own = jnp.where(largest > 1, largest * _log_less(largest), -jnp.inf)
    every = total[..., 0]
    own = jnp.where(alone, own * (1 - 1 / every), 0)
    return own - (every - 1) * _log_less(every)


def _over(epsilon: Array, y: Array) -> Array:
    """(e^(epsilon y) - 1)/epsilon, y at epsilon = 0, with its derivatives."""
    t, near, safe = _beside(epsilon, y)
    return jnp.where(near, y * (1 + t / 2 + t**2 / 6), jnp.expm1(safe * y) / safe)


def _log_over(epsilon: Array, y: Array) -> Array:
    """ln(1 + epsilon y)/epsilon, y at epsilon = 0, with its derivatives."""
    t, near, safe = _beside(epsilon, y)
    log = jnp.log1p(jnp.where(near, 0, safe * y))
    return jnp.where(near, y * (1 - t / 2 + t**2 / 3), log / safe)


def _beside(epsilon: Array, y: Array) -> tuple[Array, Array, Array]:
    """epsilon y, whether it is so small that three terms of its series are exact, and a divisor."""
    t = epsilon * y
    near = jnp.abs(t) < half_window(y.dtype)
    return t, near, jnp.where(near, 1, epsilon)


def _powers(p: Array, epsilon: Array) -> Array:
    """p^(1 + epsilon), and 0 for p = 0."""
    return jnp.where(p == 0, 0, p * jnp.exp(epsilon * log_nonzero(p)))


def _of_powers(n: Array, total: Array, p: Array, epsilon: Array) -> Array:
    """Of sum_i (p_i - p_i^(1 + epsilon))/epsilon, smooth through epsilon = 0."""
    powers, gain = _powers(p, epsilon), -_log_less(total)[..., 0]
    lost = jnp.sum(powers * jnp.maximum(n - 1, 0) * _over(epsilon, _log_less(n)), axis=-1)
    every = (total[..., 0] - 1) * _over(epsilon, gain) * jnp.sum(powers, axis=-1)
    return every + jnp.exp(epsilon * gain) * lost


def _of_renyi(n: Array, total: Array, p: Array, order: Array) -> Array:
    """Of ln(sum_i p_i^order)/(1 - order)."""
    epsilon, gain = order - 1, -_log_less(total)
    middle = jnp.abs(epsilon) < 0.5
    inside, outside = jnp.where(middle, epsilon, 0), jnp.where(middle, 2, order)
    log_p = log_nonzero(p)
    fewer = _over(jnp.where(middle, inside, outside), _log_less(n))
    # near order 1: H - H_(-i) of the Tsallis entropy, then the logarithm of the power sum
    powers, grown = _over(inside, log_p), _over(inside, gain)
    value = -jnp.sum(p * powers, axis=-1, keepdims=True)
    own = (1 + inside * powers) * jnp.maximum(n - 1, 0) * fewer - powers
    own = jnp.exp(inside * gain) * own
    power = 1 - inside * value
    ratio = (total * grown * power - grown - value + own) / (jnp.maximum(total - 1, 1) * power)
    close = _log_over(inside, ratio)
    # elsewhere: the share of each outcome in the power sum, which neither over- nor underflows
    share = jax.nn.softmax(jnp.where(n > 0, outside * log_p, -jnp.inf), axis=-1)
    left = jnp.where(n > 1, -outside * fewer, 1)
    logarithm = jnp.log1p(jnp.where(middle, 0, -share * left))
    far = (outside * gain + logarithm) / (outside - 1)
    return (total[..., 0] - 1) * jnp.sum(p * jnp.where(middle, close, far), axis=-1)


def _of_summand(n: Array, total: Array, p: Array, summand: Callable[[Array], Array]) -> Array:
    """Of sum_i f(p_i), with f(a) - f(b) as the integral of the derivative."""
    rest = jnp.maximum(total - 1, 1)
    # what holds all samples would have a share above 1, which is multiplied by 0
    more, less = jnp.minimum(n / rest, 1), jnp.maximum(n - 1, 0) / rest
    widths = jnp.where(n < total, p / rest, 0), (1 - p) / rest

    def mean_slope(low: Array, high: Array) -> Array:
        def at(node: Array, weight: Array) -> Array:
            place = (low + high) / 2 + node * (high - low) / 2
            place = jnp.where(n > 1, place, 0.5)
            return weight / 2 * jax.jvp(summand, (place,), (jnp.ones_like(place),))[1]

        pairs = jnp.asarray(_NODES, p.dtype), jnp.asarray(_WEIGHTS, p.dtype)
        return jnp.sum(jax.vmap(at)(*pairs), axis=0)

    up, down = -widths[0] * mean_slope(p, more), widths[1] * mean_slope(less, p)
    # a single sample leaves nothing behind, and then nothing cancels
    alone = nonzero(jnp.where(n == 1, p, 0))
    up = jnp.where(n == 1, summand(alone) - summand(jnp.where(n == 1, more, 1)), up)
    down = jnp.where(n == 1, summand(alone), down)
    terms = (1 - p) * up * rest + p * down * rest
    return jnp.sum(jnp.where(n > 0, terms, 0), axis=-1)
