"""Surrogate data, and tests of a statistic against them."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, PRNGKeyArray

from physent.entropy.discrete import (
    as_array,
    as_floating,
    as_real,
    checked,
    compiled,
    jitted_with,
    known,
    nonzero,
    only_finite,
    refuse_lost,
    warn_user,
    with_axes,
)

Surrogate = Callable[[PRNGKeyArray, Array], Array]


@checked()
def shuffle(key: PRNGKeyArray, x: Array) -> Array:
    """The values (N, ...) in random order: keeps the distribution, destroys every dependence in
    time.
    """
    return jax.random.permutation(key, with_axes(as_array(x), 1), axis=0)


@checked()
def circular_shift(key: PRNGKeyArray, x: Array) -> Array:
    """The series (N, ...) shifted by a random time: keeps its own dynamics, destroys its coupling
    to another.
    """
    x = with_axes(as_array(x), 1)
    return jnp.roll(x, jax.random.randint(key, (), 1, x.shape[0]), axis=0)


def _one_series(x: ArrayLike) -> Array:
    x = as_real(x)
    if x.ndim != 1 or not x.size:
        raise ValueError(f"x: given shape {x.shape}, allowed: (N,), one series")
    return x


@compiled()
def phase_randomised(key: PRNGKeyArray, x: Array) -> Array:
    """A Gaussian series (N,) with the same power spectrum: keeps linear correlations only.

    Theiler et al., Physica D 58, 77 (1992). The values' distribution is not kept; see `iaaft`.
    """
    x = _one_series(x)
    n = x.shape[0]
    amplitude = jnp.fft.rfft(x)
    phase = jax.random.uniform(key, amplitude.shape, x.dtype, 0, 2 * jnp.pi)
    # the mean, and the Nyquist amplitude of an even series, must stay real
    fixed = jnp.arange(amplitude.shape[0]) * 2 % n == 0
    return jnp.fft.irfft(amplitude * jnp.where(fixed, 1, jnp.exp(1j * phase)), n=n)


@compiled()
def iaaft(key: PRNGKeyArray, x: Array, iterations: int = 100) -> Array:
    """A series (N,) with the same values exactly and the same power spectrum nearly.

    Schreiber and Schmitz, Phys. Rev. Lett. 77, 635 (1996): alternately impose the spectrum and the
    values.
    """
    x = _one_series(x)
    x = only_finite(x, x)
    values, modulus = jnp.sort(x), jnp.abs(jnp.fft.rfft(x))

    def impose(_, series):
        amplitude = jnp.fft.rfft(series)
        amplitude = amplitude / nonzero(jnp.abs(amplitude)) * modulus
        return values[jnp.argsort(jnp.argsort(jnp.fft.irfft(amplitude, n=x.shape[0])))]

    return jax.lax.fori_loop(0, iterations, impose, shuffle(key, x))


class Significance(NamedTuple):
    """A statistic compared with its surrogates: value, p-value, and the surrogates' mean and
    standard deviation.
    """

    value: Array
    p_value: Array
    null_mean: Array
    null_std: Array


@checked()
def permutation_test(
    statistic: Callable[[Array, Array], Array],
    x: ArrayLike,
    y: ArrayLike,
    key: PRNGKeyArray,
    samples: int = 199,
    surrogate: Surrogate = shuffle,
) -> Significance:
    """Test statistic(x, y) against its values for surrogates of x, one-sided.

    p = (1 + #{surrogate >= value})/(1 + samples) (Phipson and Smyth, Stat. Appl. Genet. Mol. Biol.
    9, 39 (2010)): never zero, uniform for exchangeable data. For series with memory take
    `circular_shift`: shuffling them rejects too often.

    Args:
        statistic: maps (x, y) to a scalar; traceable.
        x, y: samples (N,) or (N, ...).
        key: of the surrogates.
        samples: how many surrogates.
        surrogate: maps (key, x) to an array like x.

    Raises ValueError for samples in float64 that float32, where that is what JAX computes in, does
    not tell apart. Where the statistic of the data or of a surrogate is NaN, p is NaN, with a
    warning that says why unless it is traced.
    """
    refuse_lost(x, 0)
    refuse_lost(y, 0, "y")
    x, y = with_axes(as_array(x), 1), with_axes(as_array(y), 1)
    value = statistic(x, y)

    def null_of(x: Array, y: Array, keys: PRNGKeyArray) -> Array:
        return jax.lax.map(lambda one: statistic(surrogate(one, x), y), keys)

    null = jitted_with(null_of, statistic, surrogate)(x, y, jax.random.split(key, samples))
    p_value = as_floating((1 + jnp.sum(null >= value)) / (1 + samples))
    unknown = jnp.isnan(value) | jnp.any(jnp.isnan(null))
    p_value = jnp.where(unknown, jnp.nan, p_value)
    if known(unknown) and unknown:
        warn_user(f"p is NaN: the statistic is NaN for {_reason(x, y, value, null)}")
    return Significance(value, p_value, jnp.mean(null), jnp.std(null, ddof=1))


def _reason(x: Array, y: Array, value: Array, null: Array) -> str:
    """Why a statistic is NaN, as far as the samples show it."""
    for name, samples in (("x", np.asarray(x)), ("y", np.asarray(y))):
        if count := int(np.sum(~np.isfinite(samples))):
            return f"the data: {name} has {count} values that are not finite"
        if samples.size and np.any(np.all(samples == samples[:1], axis=0)):
            return f"the data: {name} is constant"
    share = int(np.sum(np.isnan(null)))
    of = "the data and " if np.isnan(value) else ""
    return f"{of}{share} of {null.shape[0]} surrogates, though x and y are finite and vary"
