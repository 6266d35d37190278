"""Error bars of time series and fields whose values are correlated."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.scipy.special import ndtr
from jax.typing import ArrayLike
from jaxtyping import Array, PRNGKeyArray

from physent.entropy.outcome_space import as_floating


def autocorrelation(x: ArrayLike) -> Array:
    """Autocorrelation of series along the last axis at lags 0 to N - 1, normalised to 1 at lag 0.

    Every lag is divided by N, not by the number of its pairs, which keeps the estimate positive definite.
    """
    x = as_floating(jnp.asarray(x))
    n = x.shape[-1]
    centred = x - jnp.mean(x, axis=-1, keepdims=True)
    amplitude = jnp.fft.rfft(centred, n=2 * n, axis=-1)
    covariance = jnp.fft.irfft(jnp.real(amplitude) ** 2 + jnp.imag(amplitude) ** 2, n=2 * n, axis=-1)[..., :n]
    variance = covariance[..., :1]
    return covariance / jnp.where(variance == 0, jnp.ones_like(variance), variance)


@eqx.filter_jit
def autocorrelation_time(x: ArrayLike, window: float = 5.0) -> Array:
    """Integrated autocorrelation time of series along the last axis, tau = 1 + 2 sum_(s=1)^M rho(s), in steps.

    M is the first lag with M >= window tau(M) (Sokal, Monte Carlo Methods in Statistical Mechanics, 1996), at least 1.
    An AR(1) process with coefficient a has (1 + a)/(1 - a). Bias: downwards, about e^(-window), more if the series is
    shorter than some 50 tau.
    """
    rho = autocorrelation(x)
    n = rho.shape[-1]
    tau = 2 * jnp.cumsum(rho, axis=-1) - 1
    lag = jnp.arange(n, dtype=rho.dtype).reshape((1,) * (rho.ndim - 1) + (n,))
    chosen = jnp.argmax(lag >= window * tau, axis=-1, keepdims=True)
    found = jnp.any(lag >= window * tau, axis=-1, keepdims=True)
    chosen = jnp.where(found, chosen, n - 1)
    return jnp.maximum(jnp.take_along_axis(tau, chosen, axis=-1)[..., 0], jnp.asarray(1, rho.dtype))


def effective_sample_size(x: ArrayLike, axis: int | Sequence[int] = -1) -> Array:
    """How many independent values tell as much of the mean as the correlated ones, N/tau.

    With several axes (a field) tau is the product over them of the mean autocorrelation time of the lines along each,
    which is exact for separable correlations. The pixels of a smooth field are not a sample of N.
    """
    x = as_floating(jnp.asarray(x))
    axes = tuple(a % x.ndim for a in (axis if isinstance(axis, Sequence) else (axis,)))
    size, tau = math.prod(x.shape[a] for a in axes), jnp.asarray(1.0, x.dtype)
    for a in axes:
        others = tuple(b for b in axes if b != a)
        lines = jnp.moveaxis(x, (*others, a), tuple(range(-len(axes), 0)))
        tau = tau * jnp.mean(autocorrelation_time(lines), axis=tuple(range(-len(others), 0)) if others else ())
    return size / tau


class Estimate(NamedTuple):
    """A value with its standard error, and the effective number of samples behind it."""

    value: Array
    standard_error: Array
    effective_size: Array


def time_average(x: ArrayLike) -> Estimate:
    """The mean of series along the last axis with its autocorrelation-aware standard error, std sqrt(tau/N)."""
    x = as_floating(jnp.asarray(x))
    size = effective_sample_size(x)
    return Estimate(jnp.mean(x, axis=-1), jnp.std(x, axis=-1) / jnp.sqrt(jnp.maximum(size - 1, 1)), size)


class Comparison(NamedTuple):
    """The difference of two means, its standard error, and the two-sided p-value of the hypothesis that it is 0."""

    difference: Array
    standard_error: Array
    p_value: Array
    effective_sizes: tuple[Array, Array]


def compare(a: ArrayLike, b: ArrayLike, axis: int | Sequence[int] = -1) -> Comparison:
    """Compare the means of two runs, or of two fields, with effective sample sizes instead of counts of values.

    Normal approximation: it wants some 20 effective samples of each. `axis` are the axes of time or space.
    """
    means, variances, sizes = [], [], []
    for x in (as_floating(jnp.asarray(a)), as_floating(jnp.asarray(b))):
        axes = tuple(axis) if isinstance(axis, Sequence) else axis
        size = effective_sample_size(x, axis)
        means.append(jnp.mean(x, axis=axes))
        variances.append(jnp.var(x, axis=axes) / jnp.maximum(size - 1, 1))
        sizes.append(size)
    difference, error = means[0] - means[1], jnp.sqrt(variances[0] + variances[1])
    score = jnp.abs(difference) / jnp.where(error == 0, jnp.ones_like(error), error)
    p_value = jnp.where((error == 0) & (difference != 0), jnp.zeros_like(error), 2 * ndtr(-score))
    return Comparison(difference, error, p_value, (sizes[0], sizes[1]))


class Rate(NamedTuple):
    """A slope with its bootstrap standard error and the ends of its 95 % interval."""

    value: Array
    standard_error: Array
    low: Array
    high: Array


@eqx.filter_jit
def entropy_rate(
    t: ArrayLike, entropy: ArrayLike, key: PRNGKeyArray, block: int | None = None, samples: int = 500
) -> Rate:
    """The mean rate of change dS/dt of an entropy series by least squares, with moving-block bootstrap error bars.

    The residuals of the straight line are drawn again in blocks of successive ones, which keeps their correlation
    (Kuensch, Ann. Stat. 17, 1217 (1989)); the interval is basic, value -+ quantiles.

    Args:
        t: times (N,).
        entropy: values (N,) at these times.
        key: of the bootstrap.
        block: length of a block, by default ceil(2 N^(1/3)); it should exceed the autocorrelation time.
        samples: how many bootstrap series.

    Bias of the error bar: downwards by about sqrt(1 - block/N), and while the block is shorter than the correlation.
    The rate is that of the fitted line: restrict t to where the series is straight.
    """
    s = as_floating(jnp.asarray(entropy))
    t = jnp.asarray(t, s.dtype)
    n = s.shape[0]
    length = min(n, math.ceil(2 * n ** (1 / 3)) if block is None else block)
    centred = t - jnp.mean(t)
    weights = centred / jnp.sum(centred**2)
    value = weights @ s
    residuals = s - jnp.mean(s) - value * centred
    blocks = -(-n // length)

    def again(one: PRNGKeyArray) -> Array:
        starts = jax.random.randint(one, (blocks, 1), 0, n - length + 1)
        index = (starts + jnp.arange(length)[None, :]).ravel()[:n]
        return weights @ residuals[index]

    shifts = jax.lax.map(again, jax.random.split(key, samples), batch_size=64)
    low, high = jnp.quantile(shifts, jnp.asarray([0.025, 0.975], s.dtype))
    return Rate(value, jnp.std(shifts, ddof=1), value - high, value - low)
