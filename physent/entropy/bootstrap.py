"""Bootstrap of correlated series in blocks: of the mean, and of the slope in time."""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, PRNGKeyArray

from physent.entropy.discrete import (
    as_real,
    centred_on_host,
    checked,
    compiled,
    less_offset,
    matmul,
    nonzero,
    only_finite,
)
from physent.entropy.error_bars import NORMAL, centred_in_units, mean_of, student, warn_of_few


class Rate(NamedTuple):
    """A slope or a mean with its standard error and the ends of its 95 % interval."""

    value: Array
    standard_error: Array
    low: Array
    high: Array


def _length(time: Array, n: int) -> tuple[Array, int]:
    """The length of blocks, traced, and how many of them make a series at most.

    (3/2 G^2)^(1/3) N^(1/3) with G = sum |s| C(s)/S = tau/2 of an exponential correlation makes the
    error of a variance by circular blocks least (D. N. Politis and H. White, Econom. Rev. 23, 53
    (2004)); at least 2 N^(1/3), at most N/4.
    """
    least = min(max(n // 4, 1), math.ceil(2 * n ** (1 / 3)))
    best = jnp.ceil((0.375 * time**2 * n) ** (1 / 3))
    best = jnp.nan_to_num(best, nan=least)
    return jnp.clip(best, least, max(n // 4, 1)).astype(int), -(-n // least)


def _interval(value: Array, shifts: Array, error: Array, freedom: Array) -> Rate:
    """The basic interval of bootstrap shifts that are scaled to a standard error, and widened by
    Student's t.
    """
    scale = error / nonzero(jnp.std(shifts, ddof=1)) * student(freedom) / NORMAL
    low, high = jnp.quantile(shifts * scale, jnp.asarray([0.025, 0.975], shifts.dtype))
    return Rate(value, error, value - high, value - low)


@checked()
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
    quantiles. By default the length of blocks follows from the measured correlation time (Politis
    and White, Econom. Rev. 23, 53 (2004)), and the distribution is scaled to the standard error by
    the lowest cosine modes of the residuals and widened by Student's t, as in `time_average`: the
    error of the slope is that of a mean times sqrt(N/sum (t - <t>)^2), sqrt(S/sum (t - <t>)^2).

    Args:
        t: times (N,).
        entropy: values (N,) at these times.
        key: of the bootstrap.
        block: length of a block; then the error is that of the blocks alone, which is too small by
            about sqrt(1 - block/N), and more while a block is shorter than the correlation.
        samples: how many bootstrap series.

    Raises ValueError for other shapes, fewer than 4 values, a block not in 1 ... N/4 and fewer than
    2 samples. Warns where the residuals are worth fewer than 20 independent samples. The rate is
    that of the fitted line: restrict t to where the series is straight.
    """
    t, entropy = less_offset(t, -1), less_offset(entropy, -1)
    rate, size = _entropy_rate(t, entropy, key, block, samples)
    warn_of_few(size, "the series")
    return rate


@compiled()
def _entropy_rate(
    t: ArrayLike, entropy: ArrayLike, key: PRNGKeyArray, block: int | None, samples: int
) -> tuple[Rate, Array]:
    s, t = as_real(entropy, core=1), as_real(t, core=1)
    s = only_finite(s, s)
    if s.ndim != 1 or s.shape[0] < 4 or t.shape != s.shape:
        raise ValueError(
            f"t, entropy: given shapes {t.shape}, {s.shape}, allowed: (N,), N >= 4 for both"
        )
    _check(s.shape[0], block, samples)
    n, (_, t, unit) = s.shape[0], centred_in_units(t.astype(s.dtype), (0,))
    weights = t / jnp.sum(t**2)
    _, centred, scale = centred_in_units(s, (0,))
    slope = matmul(weights, centred)
    residuals = centred - slope * t
    noise = 16 * jnp.finfo(s.dtype).eps * jnp.max(jnp.abs(centred))  # of rounding
    exact = jnp.max(jnp.abs(residuals)) <= noise
    residuals = jnp.where(exact, 0, residuals)
    mean = mean_of(residuals, 0, t / jnp.linalg.norm(t))
    if block is None:
        length, blocks = _length(mean.time, n)
    else:
        length, blocks = jnp.asarray(block), -(-n // block)
    places = jnp.arange(n)

    def again(one: PRNGKeyArray) -> Array:
        starts = jax.random.randint(one, (blocks,), 0, n - length + 1)
        return matmul(weights, residuals[starts[places // length] + places % length])

    shifts = jax.lax.map(again, jax.random.split(key, samples), batch_size=64)
    error = mean.error * math.sqrt(n) * jnp.linalg.norm(weights)
    freedom = mean.freedom
    if block is not None:
        error, freedom = jnp.std(shifts, ddof=1), jnp.maximum(1.5 * (n / length - 1), 1)
    rate = _interval(slope, shifts, error, freedom)
    factor = (scale / unit)[0]
    return Rate(*(each * factor for each in rate)), mean.size


def _check(n: int, block: int | None, samples: int) -> None:
    if block is not None and not 1 <= block <= n // 4:
        raise ValueError(
            f"block: given {block}, allowed: 1 to {n // 4}, a quarter of the {n} values"
        )
    if samples < 2:
        raise ValueError(f"samples: given {samples}, allowed: 2 or more")


@checked()
def block_bootstrap(
    x: ArrayLike, key: PRNGKeyArray, block: int | None = None, samples: int = 500
) -> Rate:
    """The mean of a stationary, correlated series (N,) with a moving-block bootstrap error and its
    95 % interval.

    Blocks of successive values are drawn with replacement (H. R. Kuensch, Ann. Stat. 17, 1217,
    1989). By default their length follows from the measured correlation time tau, (3 tau^2
    N/8)^(1/3) but 2 N^(1/3) at least and N/4 at most (Politis and White, Econom. Rev. 23, 53
    (2004)), and the distribution is scaled to the standard error by the lowest cosine modes and
    widened by Student's t, as in `time_average`: blocks alone have an error that is too small by
    about tau/(4 length). With `block`, which should be longer than 10 tau, the error is that of
    blocks of this length, and t has 1.5 (N/block - 1) degrees of freedom. Means of blocks scatter
    about the mean of the same series, not the true one, which makes their variance too small by
    about block/N: that is made up for. Warns where the series is worth fewer than 20 independent
    samples. ValueError for other shapes, fewer than 4 values, and a block not in 1 ... N/4.
    """
    offset, x = centred_on_host(x, -1)
    rate, size = _block_bootstrap(x, key, block, samples)
    if offset is not None:
        ends = (rate.value, rate.low, rate.high)
        value, low, high = (
            jnp.asarray(offset[0] + np.asarray(end, float), end.dtype) for end in ends
        )
        rate = rate._replace(value=value, low=low, high=high)
    warn_of_few(size, "the series")
    return rate


@compiled()
def _block_bootstrap(
    x: ArrayLike, key: PRNGKeyArray, block: int | None, samples: int
) -> tuple[Rate, Array]:
    x = as_real(x, core=1)
    x = only_finite(x, x)
    if x.ndim != 1 or x.shape[0] < 4:
        raise ValueError(f"x: given shape {x.shape}, allowed: (N,), one series of N >= 4 values")
    n = x.shape[0]
    _check(n, block, samples)
    mean, (_, centred, unit) = mean_of(x, 0), centred_in_units(x, (0,))
    if block is None:
        length, most = _length(mean.time, n)
    else:
        length, most = jnp.asarray(block), -(-n // block)
    sums = jnp.concatenate([jnp.zeros(1, x.dtype), jnp.cumsum(centred)])
    begins = jnp.arange(n)
    of_block = (sums[jnp.minimum(begins + length, n)] - sums[:-1]) / length
    places = n - length + 1
    drawn = of_block[jax.random.randint(key, (samples, most), 0, places)]
    blocks = -(-n // length)
    shifts = jnp.sum(jnp.where(begins[:most] < blocks, drawn, 0), axis=1) / blocks
    # values at the ends are in fewer blocks: the mean of all blocks is not that of x, and has a
    # variance of its own
    shifts = shifts - jnp.sum(jnp.where(begins < places, of_block, 0)) / places
    error, freedom = mean.error, mean.freedom
    if block is not None:
        wide, number = float(block), n - block + 1
        overlap = (number - wide + 1) * wide**2 + (wide - 1) * wide * (2 * wide - 1) / 3
        # and of whole blocks there are more than n values
        factor = math.sqrt(most * block / n / (1 - overlap / (number**2 * wide)))
        error = jnp.std(shifts, ddof=1) * factor * unit[0]
        freedom = jnp.asarray(1.5 * (n / block - 1), x.dtype)
    return _interval(mean.value, shifts, error, freedom), mean.size
