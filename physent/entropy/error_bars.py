"""Error bars of time series and fields whose values are correlated."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax.scipy.fft import dct
from jax.scipy.special import betainc
from jaxtyping import Array, ArrayLike

from physent.entropy.discrete import (
    as_real,
    axes_of,
    centred_on_host,
    compiled,
    known,
    nonzero,
    shift_free,
    squared_modulus,
    unit_of,
    warn_user,
)
from physent.entropy.outcomes.space import as_axes

NORMAL = 1.959963984540054  # 97.5 % of a normal distribution lie below
_FEW = 20  # effective samples, below which intervals are said to be uncertain


def _autocovariance(centred: Array) -> Array:
    """Autocovariance along the last axis at lags 0 to N - 1, each divided by N: positive
    definite.
    """
    n = centred.shape[-1]
    power = squared_modulus(jnp.fft.rfft(centred, n=2 * n, axis=-1))
    return jnp.fft.irfft(power, n=2 * n, axis=-1)[..., :n] / n


def _integrated_time(rho: Array, window: float) -> tuple[Array, Array]:
    """1 + 2 sum rho(s) up to the first lag M beyond `window` times the sum so far, along the last
    axis, and M.
    """
    n, dtype = rho.shape[-1], rho.dtype
    tau = 2 * jnp.cumsum(rho, axis=-1) - 1
    beyond = jnp.arange(n, dtype=dtype).reshape((1,) * (rho.ndim - 1) + (n,)) >= window * tau
    first = jnp.where(jnp.any(beyond, axis=-1), jnp.argmax(beyond, axis=-1), n - 1)
    return jnp.take_along_axis(tau, first[..., None], axis=-1)[..., 0], first.astype(dtype)


def centred_in_units(x: Array, axes: Sequence[int]) -> tuple[Array, Array, Array]:
    """The mean over axes, which is exact for constants; the differences from it in their `unit_of`,
    which can be squared at any size; and that unit. The last two keep the axes.
    """
    first = x[tuple(slice(0, 1) if a in axes else slice(None) for a in range(x.ndim))]
    shifted = x - first
    shift = jnp.mean(shifted, axis=tuple(axes), keepdims=True)
    centred = shifted - shift
    unit = unit_of(centred, tuple(axes))
    return jnp.squeeze(first + shift, tuple(axes)), centred * (1 / unit), unit


def _times(centred: Array, axes: Sequence[int], window: float) -> tuple[list[Array], list[Array]]:
    """Along every axis the integrated time of rho, and the larger of it and 2 tau_2 - 1, where
    tau_2 is that of rho^2 and does not see the sign of an oscillation.

    The mean of the data is not the true one, which lowers every lag of rho by the variance of the
    mean (U. Wolff, Comput. Phys. Commun. 156, 143 (2004), eq. 49): that is made up for.
    """
    raw, lags, slow = [], [], []
    for a in axes:
        others = tuple(b for b in axes if b != a)
        lines = jnp.moveaxis(centred, (*others, a), tuple(range(-len(axes), 0)))
        covariance = jnp.mean(_autocovariance(lines), axis=tuple(range(-len(axes), -1)))
        rho = covariance / nonzero(covariance[..., :1])
        tau, last = _integrated_time(rho, window)
        raw.append(tau)
        lags.append(last)
        slow.append(2 * _integrated_time(rho**2, window)[0] - 1)
    share = math.prod(jnp.maximum(tau, 1) for tau in raw)
    share = share / math.prod(centred.shape[a] for a in axes)
    taus = [
        jnp.maximum((tau + (2 * last + 1) * share) / (1 + share), 1)
        for tau, last in zip(raw, lags, strict=True)
    ]
    return taus, [jnp.maximum(*pair) for pair in zip(taus, slow, strict=True)]


class Mean(NamedTuple):
    """A mean, its error, the degrees of freedom of that, effective size and correlation time."""

    value: Array
    error: Array
    freedom: Array
    size: Array
    time: Array


def mean_of(x: Array, axis: int | Sequence[int], trend: Array | None = None) -> Mean:
    """The mean over axes with a standard error sqrt(S/N), S the mean power of the lowest modes.

    The cosine modes (type II) of a stationary series are nearly independent and have its long-run
    variance S = sum_s C(s) while their wavelength is long beside the correlation: the mean of K
    squares has K degrees of freedom, and mean/error is Student's t (U. K. Mueller, J. Econometrics
    141, 1331 (2007); Lazarus, Lewis, Stock and Watson, J. Bus. Econ. Stat. 36, 541 (2018)). K
    makes the sum of two relative errors of an interval least, b/2 by the curvature of the
    spectrum and (z^2 + 1)/(4 K) by Student's t, where of d axes with exponential correlations

        b = sum_i c_i K_i^2,  c = (pi tau/N)^2/12,  K = prod_i K_i.

    In one dimension that is K = 1.14 (N/tau)^(2/3); a quarter more are taken, 1.43, for a steadier
    error. K is 2 at least for a series (3 with a trend, 1 along each axis of a field) and N - 1 at
    most. A unit vector `trend` that has been fitted is left out of the modes and of the degrees of
    freedom; `value` is the mean with it. `time` is the product over axes of the larger of tau and
    2 tau_2 - 1, tau_2 that of rho^2. Of one value nothing is known: its error is NaN.
    """
    axes = axes_of(x, as_axes(axis))
    value, centred, unit = centred_in_units(x, axes)
    taus, slow = _times(centred, axes, 5.0)
    dims, least = len(axes), 1 if len(axes) > 1 else 2 if trend is None else 3
    curvatures = [math.pi / math.sqrt(12) * t / x.shape[a] for t, a in zip(slow, axes, strict=True)]
    share = ((NORMAL**2 + 1) / 2 * math.prod(curvatures)) ** (1 / (dims + 2))
    power, ones, freedom = centred, jnp.ones((), x.dtype), jnp.ones((), x.dtype)
    for a, curvature in zip(axes, curvatures, strict=True):
        modes = jnp.floor(jnp.nan_to_num(share / curvature, nan=1.0))
        modes = jnp.clip(modes, min(least, x.shape[a] - 1), x.shape[a] - 1)
        places = jnp.arange(x.shape[a]).reshape([-1 if b == a else 1 for b in range(x.ndim)])
        ones = ones * (places <= jnp.expand_dims(modes, axes))
        power, freedom = dct(power, axis=a, norm="ortho"), freedom * (modes + 1)
    total, freedom = jnp.sum(ones * power**2, axis=axes), freedom - 1
    if trend is not None:
        freedom = freedom - jnp.sum(ones * dct(trend, norm="ortho") ** 2, axis=axes)
    count = math.prod(x.shape[a] for a in axes)
    # of a single value nothing is known
    error = jnp.where(freedom > 0, jnp.sqrt(total / nonzero(freedom) / count), jnp.nan)
    error, size = error * jnp.squeeze(unit, axes), jnp.asarray(count / math.prod(taus))
    return Mean(value, error, freedom, size, jnp.asarray(math.prod(slow)))


def student(freedom: Array) -> Array:
    """97.5 % of Student's t lie below, by Cornish and Fisher's expansion (Abramowitz and Stegun,
    26.7.5): within 1 % of it from 2 degrees of freedom.
    """
    inverse = 1 / jnp.maximum(freedom, 1)
    terms = (NORMAL, 2.372271, 2.822499, 2.555850, 1.589341)
    return jnp.polyval(jnp.asarray(terms[::-1], inverse.dtype), inverse)


def warn_of_few(size: Array, what: str) -> None:
    """Warn where fewer than 20 independent samples are behind a number; silent while tracing."""
    if not known(size):
        return
    sizes = np.asarray(size)
    few = int(np.sum(sizes < _FEW))
    if few:
        of = f" of {few} in {sizes.size} series" if sizes.size > 1 else ""
        warn_user(
            f"too few independent samples: {what}{of} is worth {np.nanmin(sizes):.2g} of them, "
            f"below {_FEW}; its error is uncertain, and may be too small"
        )


@shift_free(x=-1)
@compiled()
def autocorrelation_time(x: ArrayLike, window: float = 5.0) -> Array:
    """Integrated autocorrelation time of series along the last axis, tau = 1 + 2 sum_(s=1)^M
    rho(s), in steps.

    M is the first lag with M >= window tau(M) (Sokal, Monte Carlo Methods in Statistical Mechanics,
    1996); tau is 1 at least. An AR(1) process with coefficient a has (1 + a)/(1 - a). The bias by
    the mean of the data, (2M + 1)/N, is made up for (U. Wolff, Comput. Phys. Commun. 156, 143
    (2004)). What remains is downwards, about e^(-2 window), more where the series is shorter than
    some 50 tau.
    """
    x = as_real(x, core=1)
    axes = (x.ndim - 1,)
    return _times(centred_in_units(x, axes)[1], axes, window)[0][0]


@shift_free(x=lambda given: as_axes(given["axis"]))
@compiled()
def effective_sample_size(
    x: ArrayLike, axis: int | Sequence[int] = -1, window: float = 5.0
) -> Array:
    """The number of independent values equivalent to the correlated ones for the mean, N/tau.

    With several axes (a field) tau is the product over them of the integrated correlation lengths,
    from the autocovariance averaged over all lines along each: right for separable correlations.
    The pixels of a smooth field are not a sample of N.
    """
    x = as_real(x)
    axes = axes_of(x, as_axes(axis))
    taus, _ = _times(centred_in_units(x, axes)[1], axes, window)
    return jnp.asarray(math.prod(x.shape[a] for a in axes) / math.prod(taus))


class Estimate(NamedTuple):
    """A value with its standard error, the effective number of samples behind it, and the ends of
    its 95 % interval.
    """

    value: Array
    standard_error: Array
    effective_size: Array
    low: Array
    high: Array


def time_average(x: ArrayLike) -> Estimate:
    """The mean of series (..., N) along the last axis with its autocorrelation-aware standard
    error, sqrt(S/N).

    S = sum_s C(s), the long-run variance, is the mean power of the K lowest cosine modes, K = 1.43
    (N/tau)^(2/3), and the interval that of Student's t with K degrees of freedom (Lazarus, Lewis,
    Stock and Watson, J. Bus. Econ. Stat. 36, 541 (2018)). From some 1,000 independent samples on
    value +- 1.96 standard errors is the same.

    `x` holds stationary series at even times. An offset that float32 does not hold beside the
    fluctuations, in an array of float64, costs the error nothing; mean and ends are then rounded to
    the precision that JAX computes in. Returns an `Estimate` of arrays (...), all NaN where
    a value is not finite. Warns where there are fewer than 20 independent samples, and has no error
    (NaN) where there is one value.
    """
    offset, x = centred_on_host(x, -1)
    estimate = _time_average(x)
    if offset is not None:
        value, low, high = (
            jnp.asarray(offset[..., 0] + np.asarray(each, float), each.dtype)
            for each in (estimate.value, estimate.low, estimate.high)
        )
        estimate = estimate._replace(value=value, low=low, high=high)
    warn_of_few(estimate.effective_size, "the mean")
    return estimate


@compiled()
def _time_average(x: ArrayLike) -> Estimate:
    mean = mean_of(as_real(x, core=1), -1)
    half = student(mean.freedom) * mean.error
    return Estimate(mean.value, mean.error, mean.size, mean.value - half, mean.value + half)


class Comparison(NamedTuple):
    """The difference of two means, its standard error, and the two-sided p-value of the hypothesis
    that it is 0.
    """

    difference: Array
    standard_error: Array
    p_value: Array
    effective_sizes: tuple[Array, Array]


def compare(a: ArrayLike, b: ArrayLike, axis: int | Sequence[int] = -1) -> Comparison:
    """Compare the means of two runs, or of two fields, whose values are correlated.

    p = P(|t_nu| > |difference|/error) with the errors of `time_average`, and the degrees of freedom
    of B. L. Welch, Biometrika 34, 28 (1947), nu = (V_a + V_b)^2/(V_a^2/nu_a + V_b^2/nu_b). Of two
    constants it is 1 where they are equal, else 0, and NaN where one of them is a single value,
    which has no error.

    Args:
        a, b: arrays whose other axes are alike; lengths along `axis` may differ.
        axis: the axes of time or space; along each the field must be stationary.

    Warns where one has fewer than 20 effective samples.
    """
    axes = as_axes(axis)
    (first, a), (second, b) = centred_on_host(a, axes), centred_on_host(b, axes)
    shift = 0.0
    if first is not None or second is not None:
        ends = (0 if each is None else np.squeeze(each, axes) for each in (first, second))
        shift = np.subtract(*(np.asarray(end, float) for end in ends))
    comparison = _difference(a, b, axis, shift)
    if known(*comparison.effective_sizes):
        warn_of_few(jnp.minimum(*comparison.effective_sizes), "one of the means")
    return comparison


@compiled()
def _difference(
    a: ArrayLike, b: ArrayLike, axis: int | Sequence[int], shift: ArrayLike
) -> Comparison:
    first, second = mean_of(as_real(a), axis), mean_of(as_real(b), axis)
    if first.value.shape != second.value.shape:
        raise ValueError(
            f"a, b: given shapes {jnp.shape(a)}, {jnp.shape(b)}, allowed: the same but along axis "
            f"{axis}"
        )
    difference = first.value - second.value + jnp.asarray(shift, first.value.dtype)
    error = jnp.hypot(first.error, second.error)
    # parts of the variance: squares of tiny errors would be 0
    shares = [(mean.error / nonzero(error)) ** 4 / mean.freedom for mean in (first, second)]
    freedom = 1 / nonzero(shares[0] + shares[1])
    ratio = difference / nonzero(error)
    chance = betainc(freedom / 2, jnp.full_like(freedom, 0.5), freedom / (freedom + ratio**2))
    p_value = jnp.where(error == 0, (difference == 0).astype(error.dtype), chance)
    return Comparison(difference, error, p_value, (first.size, second.size))
