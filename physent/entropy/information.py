"""Mutual, conditional mutual and transfer information: of symbols, and of Gaussian variables.

Transfer entropy is what the past of a source tells about the next value of a target beyond the
target's own past, T = I(y_t; x_(t-u), ..., x_(t-u-l+1) | y_(t-1), ..., y_(t-k)) with k values of
the target's past, l of the source's and the delay u. Schreiber, Phys. Rev. Lett. 85, 461 (2000).
Not a proof of influence: a common driver makes it positive.
"""

import math
from collections.abc import Sequence

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike

from physent.entropy.continuous.differential import Method
from physent.entropy.continuous.ksg import ksg_conditional_mutual_information
from physent.entropy.discrete import (
    PLUG_IN,
    SHANNON,
    Estimator,
    as_real,
    by_component,
    combine_symbols,
    compiled,
    count_symbols,
    native,
    rowwise,
)
from physent.entropy.error_bars import centred_in_units
from physent.entropy.outcomes.histogram import Histogram


@compiled()
def bin_symbols(
    x: ArrayLike, bins: int, low: float | None = None, high: float | None = None
) -> Array:
    """The histogram bin of every value along the last axis as a symbol, 0 to bins - 1, over the
    range of the data.

    Values outside a given range are put in the outermost bins. Where the value, or one end of the
    range of the data, is not finite the symbol is -1, which every function of symbols refuses, or
    answers with NaN when it is traced.
    """
    binned = Histogram(bins=bins, low=low, high=high, outside="clip")

    def symbols(rows: Array) -> Array:
        missing = ~jnp.isfinite(rows)
        if low is None or high is None:
            missing |= jnp.any(missing, axis=1, keepdims=True)
        return jnp.where(missing, -1, binned.symbols(jnp.where(missing, 0, rows)))

    return rowwise(symbols, as_real(x))


def discrete_mutual_information(
    x: ArrayLike, y: ArrayLike, sizes: tuple[int, int], estimator: Estimator = PLUG_IN
) -> Array:
    """I(X; Y) = H(X) + H(Y) - H(X, Y) of symbols (..., N), in nats, every entropy by the same
    estimator.

    Args:
        x, y: symbols 0 to size - 1, of one shape.
        sizes: the numbers of possible symbols.
        estimator: of the three entropies. Plug-in bias: +(n_x - 1)(n_y - 1)/(2N) to first order;
            with a correction the value may be negative.

    Raises ValueError for other values than symbols; where they are traced the value is NaN.
    """
    joint, _ = combine_symbols([x, y], sizes)
    return _of_symbols(joint, sizes, estimator)


def discrete_conditional_mutual_information(
    x: ArrayLike,
    y: ArrayLike,
    z: ArrayLike,
    sizes: tuple[int, int, int],
    estimator: Estimator = PLUG_IN,
) -> Array:
    """I(X; Y | Z) = H(X, Z) + H(Y, Z) - H(X, Y, Z) - H(Z) of symbols (..., N), in nats.

    Plug-in bias: +n_z (n_x - 1)(n_y - 1)/(2N) to first order where every combination occurs.
    Arguments and errors as in `discrete_mutual_information`.
    """
    joint, _ = combine_symbols([x, y, z], sizes)
    return _of_symbols(joint, sizes, estimator)


@compiled()
def _of_symbols(joint: Array, sizes: tuple[int, ...], estimator: Estimator) -> Array:
    counts = rowwise(lambda rows: count_symbols(rows, math.prod(sizes)), joint)
    value = information_of_counts(counts.reshape(*joint.shape[:-1], *sizes), estimator, len(sizes))
    return jnp.where(jnp.any(joint < 0, axis=-1), jnp.full_like(value, jnp.nan), value)


def information_of_counts(counts: Array, estimator: Estimator = PLUG_IN, axes: int = 3) -> Array:
    """I(X; Y | Z), in nats, from the counts (..., n_x, n_y, n_z) of simultaneous outcomes; I(X; Y)
    from (..., n_x, n_y) for `axes` = 2.
    """

    def entropy_without(*summed: int) -> Array:
        left = jnp.sum(counts, axis=summed) if summed else counts
        return estimator(left.reshape(*counts.shape[:-axes], -1), SHANNON)

    value = entropy_without(1 - axes) + entropy_without(-axes) - entropy_without()
    return value - entropy_without(-3, -2) if axes == 3 else value


@compiled()
def gaussian_information(
    covariance: ArrayLike, x: Sequence[int], y: Sequence[int], z: Sequence[int] = ()
) -> Array:
    """I(X; Y | Z) = (1/2) ln (det S_xz det S_yz/(det S_z det S_xyz)) of jointly Gaussian variables,
    in nats.

    Args:
        covariance: (..., d, d), of any units.
        x, y, z: the places of the variables of each group, no variable twice.

    inf where one variable is a linear function of others, NaN where one is constant.
    Differentiable.
    """
    covariance = as_real(covariance)
    spread = jnp.sqrt(jnp.diagonal(covariance, axis1=-2, axis2=-1))
    # correlations instead, in which no unit is left
    covariance = covariance / spread[..., :, None] / spread[..., None, :]

    def log_det(indices: Sequence[int]) -> Array:
        if not indices:
            return jnp.zeros(covariance.shape[:-2], covariance.dtype)
        rows = jnp.asarray(list(indices))
        return jnp.linalg.slogdet(covariance[..., rows[:, None], rows[None, :]])[1]

    x, y, z = list(x), list(y), list(z)
    return (log_det(x + z) + log_det(y + z) - log_det(z) - log_det(x + y + z)) / 2


def covariance_of(samples: Array) -> Array:
    """The covariance (..., d, d) of samples (..., N, d), each component in a unit of its own; that
    and the divisor cancel in every information.
    """
    centred = centred_in_units(samples, (samples.ndim - 2,))[1]
    return jnp.einsum("...ni,...nj->...ij", centred, centred) / samples.shape[-2]


@compiled()
def gaussian_mutual_information(x: ArrayLike, y: ArrayLike) -> Array:
    """I(X; Y) of samples (N,) or (..., N, d) as if they were jointly Gaussian, in nats.

    Args:
        x: samples (N,) of one component, or (..., N, d_x) with leading batch axes.
        y: samples (N,) or (..., N, d_y), of the same batch shape and N.

    Measures linear dependence only. Bias: +d_x d_y/(2N) to first order. NaN where a component is
    constant, inf where one is a linear function of others.
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
    source, target = jnp.asarray(native(source)), jnp.asarray(native(target))
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

    Plug-in bias: upwards, n_own (n_other - 1)(symbols - 1)/(2N) with n_own and n_other possible
    pasts: test it against shuffled sources.
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

    Args:
        source, target: series (..., N) of one shape. Scale both alike: distances are compared
            across them.
        k, l: values in the past of the target, of the source.
        delay: steps from the last value of the source to the present of the target.
        neighbours: which neighbour (`k` of the other nearest-neighbour estimators).
        method: "pairs" for any device, "tree" on the host.

    Raises ValueError for pasts that do not fit into the series. Bias: towards zero.
    """
    present, other, own = lagged(source, target, k, l, delay)
    return ksg_conditional_mutual_information(
        present[..., None],
        jnp.stack(other, axis=-1),
        jnp.stack(own, axis=-1),
        neighbours,
        method=method,
    )


@compiled()
def gaussian_transfer_entropy(
    source: ArrayLike,
    target: ArrayLike,
    k: int = 1,
    l: int = 1,  # noqa: E741
    delay: int = 1,
) -> Array:
    """Transfer entropy between series (..., N) as if jointly Gaussian, in nats: half the Granger
    causality.

    Arguments and errors as in `ksg_transfer_entropy`. Barnett, Barrett and Seth, Phys. Rev. Lett.
    103, 238701 (2009). Bias: +l/(2N) to first order.
    """
    present, other, own = lagged(source, target, k, l, delay)
    samples = as_real(jnp.stack([present, *other, *own], axis=-1))
    return gaussian_information(
        covariance_of(samples), [0], range(1, 1 + l), range(1 + l, 1 + l + k)
    )
