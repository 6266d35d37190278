"""Error bars of time series and fields whose values are correlated."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.scipy.special import ndtr
from jaxtyping import Array, ArrayLike, PRNGKeyArray

from physent.entropy.discrete import as_floating, nonzero, squared_modulus
from physent.entropy.outcomes.space import as_axes


def _autocovariance(centred: Array) -> Array:
    """Autocovariance along the last axis at lags 0 to N - 1, each divided by N: positive
    definite.
    """
    n = centred.shape[-1]
    power = squared_modulus(jnp.fft.rfft(centred, n=2 * n, axis=-1))
    return jnp.fft.irfft(power, n=2 * n, axis=-1)[..., :n] / n


def _integrated_time(covariance: Array, window: float) -> Array:
    """1 + 2 sum rho(s) up to the first lag beyond `window` times the sum so far, along the last
    axis; at least 1.
    """
    n, dtype = covariance.shape[-1], covariance.dtype
    rho = covariance / nonzero(covariance[..., :1])
    tau = 2 * jnp.cumsum(rho, axis=-1) - 1
    beyond = jnp.arange(n, dtype=dtype).reshape((1,) * (rho.ndim - 1) + (n,)) >= window * tau
    first = jnp.where(jnp.any(beyond, axis=-1), jnp.argmax(beyond, axis=-1), n - 1)
    return jnp.maximum(
        jnp.take_along_axis(tau, first[..., None], axis=-1)[..., 0], jnp.asarray(1, dtype)
    )


@eqx.filter_jit
def autocorrelation_time(x: ArrayLike, window: float = 5.0) -> Array:
    """Integrated autocorrelation time of series along the last axis, tau = 1 + 2 sum_(s=1)^M
    rho(s), in steps.

    M is the first lag with M >= window tau(M) (Sokal, Monte Carlo Methods in Statistical Mechanics,
    1996); tau is 1 at least. An AR(1) process with coefficient a has (1 + a)/(1 - a). Bias:
    downwards, about e^(-window), more where the series is shorter than some 50 tau.
    """
    x = as_floating(x)
    return _integrated_time(_autocovariance(x - jnp.mean(x, axis=-1, keepdims=True)), window)


@eqx.filter_jit
def effective_sample_size(
    x: ArrayLike, axis: int | Sequence[int] = -1, window: float = 5.0
) -> Array:
    """The number of independent values equivalent to the correlated ones for the mean, N/tau.

    With several axes (a field) tau is the product over them of the integrated correlation lengths,
    from the autocovariance averaged over all lines along each: right for separable correlations.
    The pixels of a smooth field are not a sample of N.
    """
    x = as_floating(x)
    axes = tuple(a % x.ndim for a in as_axes(axis))
    centred = x - jnp.mean(x, axis=axes, keepdims=True)
    size = jnp.asarray(math.prod(x.shape[a] for a in axes), x.dtype)
    for a in axes:
        lines = jnp.moveaxis(
            centred, (*(b for b in axes if b != a), a), tuple(range(-len(axes), 0))
        )
        covariance = jnp.mean(_autocovariance(lines), axis=tuple(range(-len(axes), -1)))
        size = size / _integrated_time(covariance, window)
    return size


class Estimate(NamedTuple):
    """A value with its standard error, and the effective number of samples behind it."""

    value: Array
    standard_error: Array
    effective_size: Array


@eqx.filter_jit
def time_average(x: ArrayLike) -> Estimate:
    """The mean of series along the last axis with its autocorrelation-aware standard error, std
    sqrt(tau/N).
    """
    x = as_floating(x)
    size = effective_sample_size(x)
    return Estimate(
        jnp.mean(x, axis=-1), jnp.std(x, axis=-1) / jnp.sqrt(jnp.maximum(size - 1, 1)), size
    )


class Comparison(NamedTuple):
    """The difference of two means, its standard error, and the two-sided p-value of the hypothesis
    that it is 0.
    """

    difference: Array
    standard_error: Array
    p_value: Array
    effective_sizes: tuple[Array, Array]


@eqx.filter_jit
def compare(a: ArrayLike, b: ArrayLike, axis: int | Sequence[int] = -1) -> Comparison:
    """Compare the means of two runs, or of two fields, using effective sample sizes.

    Normal approximation: it wants some 20 effective samples of each. `axis` are the axes of time or
    space.
    """

    def moments(x: Array) -> tuple[Array, Array, Array]:
        size, axes = effective_sample_size(x, axis), as_axes(axis)
        return jnp.mean(x, axis=axes), jnp.var(x, axis=axes) / jnp.maximum(size - 1, 1), size

    means, variances, sizes = zip(moments(as_floating(a)), moments(as_floating(b)), strict=True)
    difference, error = means[0] - means[1], jnp.sqrt(variances[0] + variances[1])
    chance = 2 * ndtr(-(jnp.abs(difference) / nonzero(error)))
    p_value = jnp.where((error == 0) & (difference != 0), jnp.zeros_like(error), chance)
    return Comparison(difference, error, p_value, sizes)


class Rate(NamedTuple):
    """A slope with its bootstrap standard error and the ends of its 95 % interval."""

    value: Array
    standard_error: Array
    low: Array
    high: Array


@eqx.filter_jit
def entropy_rate(
    t: ArrayLike,
    entropy: ArrayLike,
    key: PRNGKeyArray,
    block: int | None = None,
    samples: int = 500,
) -> Rate:
    """The mean rate of change dS/dt of an entropy series by least squares, with moving-block
    bootstrap error bars.

    The residuals of the straight line are drawn again in blocks of successive ones, which keeps
    their correlation (Kuensch, Ann. Stat. 17, 1217 (1989)); the interval is basic, value -+
    quantiles.

    Args:
        t: times (N,).
        entropy: values (N,) at these times.
        key: of the bootstrap.
        block: length of a block, by default ceil(2 N^(1/3)); it should exceed the autocorrelation
            time.
        samples: how many bootstrap series.

    Bias of the error bar: downwards by about sqrt(1 - block/N), and while the block is shorter than
    the correlation. The rate is that of the fitted line: restrict t to where the series is
    straight.
    """
    s = as_floating(entropy)
    t = jnp.asarray(t, s.dtype)
    n = s.shape[0]
    length = min(n, math.ceil(2 * n ** (1 / 3)) if block is None else block)
    centred = t - jnp.mean(t)
    weights = centred / jnp.sum(centred**2)
    value = weights @ s
    residuals = s - jnp.mean(s) - value * centred

    def again(one: PRNGKeyArray) -> Array:
        starts = jax.random.randint(one, (-(-n // length), 1), 0, n - length + 1)
        return weights @ residuals[(starts + jnp.arange(length)[None, :]).ravel()[:n]]

    shifts = jax.lax.map(again, jax.random.split(key, samples), batch_size=64)
    low, high = jnp.quantile(shifts, jnp.asarray([0.025, 0.975], s.dtype))
    return Rate(value, jnp.std(shifts, ddof=1), value - high, value - low)


@eqx.filter_jit
def block_bootstrap(
    x: ArrayLike, key: PRNGKeyArray, block: int | None = None, samples: int = 500
) -> Rate:
    """The mean of a stationary, correlated series (N,) with a moving-block bootstrap error and its
    95 % interval.

    Blocks of successive values are drawn with replacement (H. R. Kuensch, Ann. Stat. 17, 1217,
    1989); `block` is by default ceil(2 N^(1/3)), at most N/4, and should exceed the autocorrelation
    time, or the error is too small. Means of blocks scatter about the mean of the same series, not
    the true one, which makes their variance too small by about L/N for blocks of L: that is made up
    for. ValueError for other shapes, fewer than 4 values, and a block not in 1 ... N/4.
    """
    x = as_floating(x)
    if x.ndim != 1 or x.shape[0] < 4:
        raise ValueError(f"x: given shape {x.shape}, allowed: (N,), one series of N >= 4 values")
    n = x.shape[0]
    length = min(n // 4, math.ceil(2 * n ** (1 / 3))) if block is None else block
    if not 1 <= length <= n // 4:
        raise ValueError(
            f"block: given {length}, allowed: 1 to {n // 4}, a quarter of the {n} values"
        )
    sums = jnp.concatenate([jnp.zeros(1, x.dtype), jnp.cumsum(x - jnp.mean(x))])
    of_block = (sums[length:] - sums[:-length]) / length
    blocks = -(-n // length)
    starts = jax.random.randint(key, (samples, blocks), 0, of_block.shape[0])
    shifts = jnp.mean(of_block[starts], axis=1)
    # values at the ends are in fewer blocks: the mean of all blocks is not that of x, and has a
    # variance of its own
    places = n - length + 1
    overlap = ((places - length + 1) * length**2 + (length - 1) * length * (2 * length - 1) / 3) / (
        places**2 * length
    )
    # and of `blocks` whole ones there are more than n values
    shifts = (shifts - jnp.mean(of_block)) * math.sqrt(blocks * length / n / (1 - overlap))
    low, high = jnp.quantile(shifts, jnp.asarray([0.025, 0.975], x.dtype))
    value = jnp.mean(x)
    return Rate(value, jnp.std(shifts, ddof=1), value - high, value - low)
