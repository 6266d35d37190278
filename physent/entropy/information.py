"""Mutual, conditional mutual and transfer information: of symbols, and of Gaussian variables.

Transfer entropy is what the past of a source tells about the next value of a target beyond the
target's own past, T = I(y_t; x_(t-u), ..., x_(t-u-l+1) | y_(t-1), ..., y_(t-k)) with k values of
the target's past, l of the source's and the delay u. Schreiber, Phys. Rev. Lett. 85, 461 (2000).
Not a proof of influence: a common driver makes it positive.
"""

from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike

from physent.entropy.continuous.differential import Method
from physent.entropy.continuous.ksg import ksg_conditional_mutual_information
from physent.entropy.discrete import (
    PLUG_IN,
    SHANNON,
    Estimator,
    as_floating,
    by_component,
    combine_symbols,
    count_symbols,
    poison,
    rowwise,
)
from physent.entropy.outcomes.histogram import Histogram


@eqx.filter_jit
def bin_symbols(
    x: ArrayLike, bins: int, low: float | None = None, high: float | None = None
) -> Array:
    """The histogram bin of every value along the last axis as a symbol, 0 to bins - 1, over the
    range of the data.

    Values outside a given range are put in the outermost bins. Raises nothing for NaN: check
    before.
    """
    return rowwise(Histogram(bins=bins, low=low, high=high, outside="clip").symbols, as_floating(x))


def _entropy_of(symbols: Array, size: int, estimator: Estimator) -> Array:
    def entropies(rows: Array) -> Array:
        return estimator(poison(count_symbols(rows, size), rows), SHANNON)

    return rowwise(entropies, symbols)


@eqx.filter_jit
def discrete_mutual_information(
    x: ArrayLike, y: ArrayLike, sizes: tuple[int, int], estimator: Estimator = PLUG_IN
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
    estimator: Estimator = PLUG_IN,
) -> Array:
    """I(X; Y | Z) = H(X, Z) + H(Y, Z) - H(X, Y, Z) - H(Z) of symbols (..., N), in nats.

    Plug-in bias: +n_z (n_x - 1)(n_y - 1)/(2N) to first order where every combination occurs.
    """
    joint, size = combine_symbols([x, y, z], sizes)
    counts = rowwise(lambda rows: count_symbols(rows, size), joint)
    return information_of_counts(counts.reshape(*joint.shape[:-1], *sizes), estimator)


def information_of_counts(counts: Array, estimator: Estimator = PLUG_IN) -> Array:
    """I(X; Y | Z), in nats, from the counts (..., n_x, n_y, n_z) of simultaneous outcomes."""

    def entropy_without(*axes: int) -> Array:
        left = jnp.sum(counts, axis=axes) if axes else counts
        return estimator(left.reshape(*counts.shape[:-3], -1), SHANNON)

    return entropy_without(-2) + entropy_without(-3) - entropy_without() - entropy_without(-3, -2)


@eqx.filter_jit
def gaussian_information(
    covariance: ArrayLike, x: Sequence[int], y: Sequence[int], z: Sequence[int] = ()
) -> Array:
    """I(X; Y | Z) = (1/2) ln (det S_xz det S_yz/(det S_z det S_xyz)) of jointly Gaussian variables,
    in nats.

    `covariance` is (..., d, d); x, y and z list the variables of each group. Differentiable.
    """
    covariance = as_floating(covariance)

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
    x, y = by_component(x), by_component(y)
    covariance = covariance_of(jnp.concatenate([x, y], axis=-1))
    dx, d = x.shape[-1], covariance.shape[-1]
    return gaussian_information(covariance, range(dx), range(dx, d))


def lagged(
    source: ArrayLike,
    target: ArrayLike,
    k: int,
    l: int,  # noqa: E741
    delay: int,
) -> tuple[Array, list[Array], list[Array]]:
    """The target's present, the source's past (l arrays) and the target's past (k arrays), each
    (..., N - lost).
    """
    source, target = jnp.asarray(source), jnp.asarray(target)
    if source.shape != target.shape:
        raise ValueError(f"source and target have different shapes: {source.shape}, {target.shape}")
    lost = max(k, delay + l - 1)
    n = target.shape[-1] - lost
    if n < 1 or k < 1 or l < 1 or delay < 1:
        raise ValueError(
            f"k = {k}, l = {l}, delay = {delay} must be at least 1 and fit into {target.shape[-1]} "
            "steps"
        )
    present = target[..., lost:]
    own = [target[..., lost - i : lost - i + n] for i in range(1, k + 1)]
    return present, [source[..., lost - delay - i : lost - delay - i + n] for i in range(l)], own


@eqx.filter_jit
def discrete_transfer_entropy(
    source: ArrayLike,
    target: ArrayLike,
    sizes: tuple[int, int],
    k: int = 1,
    l: int = 1,  # noqa: E741
    delay: int = 1,
    estimator: Estimator = PLUG_IN,
) -> Array:
    """Transfer entropy between symbol sequences (..., N), in nats; `sizes` counts the source's and
    target's symbols.

    Plug-in bias: upwards, about (possible pasts)(symbols - 1)/(2N): test it against shuffled
    sources.
    """
    present, other, own = lagged(source, target, k, l, delay)
    past_other, n_other = combine_symbols(other, [sizes[0]] * l)
    past_own, n_own = combine_symbols(own, [sizes[1]] * k)
    return discrete_conditional_mutual_information(
        present, past_other, past_own, (sizes[1], n_other, n_own), estimator
    )


def ksg_transfer_entropy(
    source: ArrayLike,
    target: ArrayLike,
    k: int = 1,
    l: int = 1,  # noqa: E741
    delay: int = 1,
    neighbours: int = 4,
    method: Method = "pairs",
) -> Array:
    """Transfer entropy between continuous series (..., N), in nats, by nearest neighbours (Frenzel
    and Pompe).

    Scale both series alike: distances are compared across them. Bias: towards zero.
    """
    present, other, own = lagged(source, target, k, l, delay)
    return ksg_conditional_mutual_information(
        present[..., None],
        jnp.stack(other, axis=-1),
        jnp.stack(own, axis=-1),
        neighbours,
        method=method,
    )


@eqx.filter_jit
def gaussian_transfer_entropy(
    source: ArrayLike,
    target: ArrayLike,
    k: int = 1,
    l: int = 1,  # noqa: E741
    delay: int = 1,
) -> Array:
    """Transfer entropy between series (..., N) as if jointly Gaussian, in nats: half the Granger
    causality.

    Barnett, Barrett and Seth, Phys. Rev. Lett. 103, 238701 (2009). Bias: +l/(2N) to first order.
    """
    present, other, own = lagged(source, target, k, l, delay)
    samples = as_floating(jnp.stack([present, *other, *own], axis=-1))
    return gaussian_information(
        covariance_of(samples), [0], range(1, 1 + l), range(1 + l, 1 + l + k)
    )
