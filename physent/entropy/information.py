"""Mutual and conditional mutual information of symbols, and of Gaussian variables."""

from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array

from physent.entropy.discrete.counting import as_floating, count_symbols, poison
from physent.entropy.discrete.estimators import Estimator, PlugIn
from physent.entropy.discrete.measures import Shannon
from physent.entropy.outcomes.histogram import Histogram

_PLUG_IN, _SHANNON = PlugIn(), Shannon()


@eqx.filter_jit
def bin_symbols(
    x: ArrayLike, bins: int, low: float | None = None, high: float | None = None
) -> Array:
    """The histogram bin of every value along the last axis as a symbol, 0 to bins - 1; on the range
    of the data.

    Values outside a given range are put in the outermost bins. Raises nothing for NaN: check
    before.
    """
    x = as_floating(jnp.asarray(x))
    histogram = Histogram(bins=bins, low=low, high=high, outside="clip")
    return histogram.symbols(x.reshape(-1, x.shape[-1])).reshape(x.shape)


def combine_symbols(symbols: Sequence[ArrayLike], sizes: Sequence[int]) -> tuple[Array, int]:
    """One symbol for every tuple of simultaneous symbols, and how many there are."""
    joint, size = jnp.zeros((), jnp.int32), 1
    for symbol, n in zip(symbols, sizes, strict=True):
        joint, size = joint * n + jnp.asarray(symbol), size * n
    return joint, size


def _entropy_of(symbols: Array, size: int, estimator: Estimator) -> Array:
    flat = symbols.reshape(-1, symbols.shape[-1])
    counts = poison(count_symbols(flat, size), flat)
    return estimator(counts, _SHANNON).reshape(symbols.shape[:-1])


@eqx.filter_jit
def discrete_mutual_information(
    x: ArrayLike, y: ArrayLike, sizes: tuple[int, int], estimator: Estimator = _PLUG_IN
) -> Array:
    """I(X; Y) = H(X) + H(Y) - H(X, Y) of symbols (..., N), in nats, every entropy by the same
    estimator.

    `sizes` are the numbers of possible symbols. Plug-in bias: +(n_x - 1)(n_y - 1)/(2N) to first
    order; with a correction the value may be negative.
    """
    x, y = jnp.asarray(x), jnp.asarray(y)
    joint, size = combine_symbols([x, y], sizes)
    separate = _entropy_of(x, sizes[0], estimator) + _entropy_of(y, sizes[1], estimator)
    return separate - _entropy_of(joint, size, estimator)


@eqx.filter_jit
def discrete_conditional_mutual_information(
    x: ArrayLike,
    y: ArrayLike,
    z: ArrayLike,
    sizes: tuple[int, int, int],
    estimator: Estimator = _PLUG_IN,
) -> Array:
    """I(X; Y | Z) = H(X, Z) + H(Y, Z) - H(X, Y, Z) - H(Z) of symbols (..., N), in nats.

    Plug-in bias: +n_z (n_x - 1)(n_y - 1)/(2N) to first order where every combination occurs.
    """
    joint, size = combine_symbols([x, y, z], sizes)
    counts = count_symbols(joint.reshape(-1, joint.shape[-1]), size)
    return information_of_counts(counts.reshape(-1, *sizes), estimator).reshape(joint.shape[:-1])


def information_of_counts(counts: Array, estimator: Estimator = _PLUG_IN) -> Array:
    """I(X; Y | Z), in nats, from the counts (..., n_x, n_y, n_z) of simultaneous outcomes."""

    def entropy_without(*axes: int) -> Array:
        left = jnp.sum(counts, axis=axes) if axes else counts
        return estimator(left.reshape(*counts.shape[:-3], -1), _SHANNON)

    return entropy_without(-2) + entropy_without(-3) - entropy_without() - entropy_without(-3, -2)


@eqx.filter_jit
def gaussian_information(
    covariance: ArrayLike, x: Sequence[int], y: Sequence[int], z: Sequence[int] = ()
) -> Array:
    """I(X; Y | Z) = (1/2) ln (det S_xz det S_yz/(det S_z det S_xyz)) of jointly Gaussian variables,
    in nats.

    `covariance` is (..., d, d); x, y and z list the variables of each group. Differentiable.
    """
    covariance = as_floating(jnp.asarray(covariance))

    def log_det(indices: Sequence[int]) -> Array:
        if not indices:
            return jnp.zeros(covariance.shape[:-2], covariance.dtype)
        rows = jnp.asarray(list(indices))
        return jnp.linalg.slogdet(covariance[..., rows[:, None], rows[None, :]])[1]

    x, y, z = list(x), list(y), list(z)
    return (log_det(x + z) + log_det(y + z) - log_det(z) - log_det(x + y + z)) / 2


def covariance_of(samples: Array) -> Array:
    """The covariance (..., d, d) of samples (..., N, d); the divisor cancels in every
    information.
    """
    centred = samples - jnp.mean(samples, axis=-2, keepdims=True)
    return jnp.einsum("...ni,...nj->...ij", centred, centred) / samples.shape[-2]


@eqx.filter_jit
def gaussian_mutual_information(x: ArrayLike, y: ArrayLike) -> Array:
    """I(X; Y) of samples (N,) or (..., N, d) as if they were jointly Gaussian, in nats.

    A lower bound in spirit only: it sees linear dependence. Bias: +d_x d_y/(2N) to first order.
    """
    x, y = (
        a[:, None] if a.ndim == 1 else a
        for a in (as_floating(jnp.asarray(x)), as_floating(jnp.asarray(y)))
    )
    dx, dy = x.shape[-1], y.shape[-1]
    covariance = covariance_of(jnp.concatenate([x, y], axis=-1))
    return gaussian_information(covariance, range(dx), range(dx, dx + dy))
