"""Mutual, conditional mutual and transfer information: of symbols, and of Gaussian variables.

Transfer entropy is what the past of a source tells about the next value of a target beyond the
target's own past, T = I(y_t; x_(t-u), ..., x_(t-u-l+1) | y_(t-1), ..., y_(t-k)) with k values of
the target's past, l of the source's and the delay u. Schreiber, Phys. Rev. Lett. 85, 461 (2000).
Not a proof of influence: a common driver makes it positive.
"""

import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from physent.entropy.continuous.differential import Method
from physent.entropy.continuous.ksg import ksg_conditional_mutual_information
from physent.entropy.covariance import FEW, covariance_between, covariance_of
from physent.entropy.discrete import (
    PLUG_IN,
    SHANNON,
    Estimator,
    alike,
    along_samples,
    as_near,
    as_real,
    as_sizes,
    brief,
    by_component,
    checked,
    combine_symbols,
    compiled,
    count_symbols,
    rowwise,
    shift_free,
    whole,
)
from physent.entropy.outcomes.histogram import Histogram, check_range


@shift_free(x=lambda given: -1 if given["low"] is given["high"] is None else None)
@compiled()
def bin_symbols(
    x: ArrayLike, bins: int, low: float | None = None, high: float | None = None
) -> Array:
    """The histogram bin of every value along the last axis as a symbol, 0 to bins - 1, over the
    range of the data.

    Values outside a given range are put in the outermost bins. Where the value, or one end of the
    range of the data, is not finite the symbol is -1, which every function with `sizes` refuses, or
    answers with NaN when it is traced.
    """
    check_range("low", low, high, bins)
    binned = Histogram(bins=bins, low=low, high=high, outside="clip")

    def symbols(rows: Array) -> Array:
        missing = ~jnp.isfinite(rows)
        if low is None or high is None:
            missing |= jnp.any(missing, axis=1, keepdims=True)
        return jnp.where(missing, -1, binned.symbols(jnp.where(missing, 0, rows)))

    return rowwise(symbols, as_real(x))


@checked()
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
    return _of_symbols(*_joint([x, y], sizes), estimator)


@checked()
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
    return _of_symbols(*_joint([x, y, z], sizes), estimator)


def _joint(symbols: list[ArrayLike], sizes: tuple[int, ...]) -> tuple[Array, tuple[int, ...]]:
    sizes = as_sizes(sizes, len(symbols))
    return combine_symbols(symbols, sizes)[0], sizes


@compiled()
def _of_symbols(joint: Array, sizes: tuple[int, ...], estimator: Estimator) -> Array:
    counts = rowwise(lambda rows: count_symbols(rows, math.prod(sizes)), joint)
    n = joint.shape[-1]
    exact = n < 2**24  # of every sum of counts, in any precision
    missing = jnp.sum(counts, axis=-1) < n if exact else jnp.any(joint < 0, axis=-1)
    value = information_of_counts(counts.reshape(*joint.shape[:-1], *sizes), estimator, len(sizes))
    return jnp.where(missing, jnp.full_like(value, jnp.nan), value)


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

    inf where y and z together tell some of x exactly that z alone does not, as for y = x; 0 where
    z tells all of x or of y, and for a constant, which tells nothing. What is exact is judged to
    8 d units of rounding of the correlation matrix. NaN for a matrix that is no covariance: whose
    correlations are not symmetric, or have a negative eigenvalue, by more than the square root of
    the unit of rounding, or where a variable without variance has a covariance. Differentiable.
    """
    covariance = as_real(covariance)
    if covariance.ndim < 2 or covariance.shape[-1] != covariance.shape[-2]:
        raise ValueError(f"covariance: given shape {covariance.shape}, allowed: (..., d, d)")
    x, y, z = _places(covariance.shape[-1], x, y, z)
    variance = jnp.diagonal(covariance, axis1=-2, axis2=-1)
    # correlations instead, in which no unit is left; a constant has none
    constant = variance == 0
    spread = jnp.sqrt(jnp.where(constant, 1, variance))
    correlation = covariance / spread[..., :, None] / spread[..., None, :]
    least = 8 * covariance.shape[-1] * float(jnp.finfo(covariance.dtype).eps)
    alone = constant[..., :, None] | constant[..., None, :]
    sound = _are_correlations(correlation) & ~jnp.any(alone & (covariance != 0), axis=(-2, -1))

    def left_of_x(places: list[int]) -> tuple[Array, Array]:
        rows = jnp.asarray(places)
        pivots = _conditional_variances(correlation[..., rows[:, None], rows[None, :]], least)
        pivots = pivots[..., len(places) - len(x) :]
        return pivots, pivots > least

    before, free = left_of_x(z + x)
    after, still_free = left_of_x(z + y + x)
    ratio = jnp.where(free, before, 1) / jnp.where(free & still_free, after, 1)
    terms = jnp.where(free & ~still_free, jnp.inf, jnp.log(ratio))
    return jnp.where(sound, jnp.sum(terms, axis=-1) / 2, jnp.nan)


def _places(size: int, *groups: Sequence[int]) -> list[list[int]]:
    """The places of each group from 0 on; those from the end are counted as Python does."""
    if any(isinstance(places, str) or np.ndim(places) != 1 for places in groups):
        raise ValueError(
            f"x, y, z: given {', '.join(map(brief, groups))}, allowed: lists of places, such as "
            "[0], [1], []"
        )
    x, y, z = ([whole("x, y, z", place) for place in places] for places in groups)
    different = {place % size for place in x + y + z if -size <= place < size}
    if not x or not y or len(different) < len(x + y + z):
        raise ValueError(
            f"x, y, z: given {x}, {y}, {z}, allowed: different places 0 to {size - 1}, at least "
            "one in x and in y"
        )
    return [[place % size for place in places] for places in (x, y, z)]


def _are_correlations(matrix: Array) -> Array:
    """Whether matrices (..., d, d) are finite, symmetric and without negative eigenvalues, to half
    of the digits.
    """
    matrix = jax.lax.stop_gradient(matrix)
    within = float(jnp.finfo(matrix.dtype).eps) ** 0.5
    finite = jnp.all(jnp.isfinite(matrix), axis=(-2, -1))
    matrix = jnp.where(finite[..., None, None], matrix, 0)
    askew = jnp.max(jnp.abs(matrix - jnp.swapaxes(matrix, -2, -1)), axis=(-2, -1))
    least = jnp.linalg.eigvalsh(matrix)[..., 0]
    return finite & (askew <= within) & (least >= -within)


def _conditional_variances(matrix: Array, least: float) -> Array:
    """The variance of each variable of correlations (..., d, d) given those before it, by
    elimination; a variable with no more than `least` tells nothing about the others.
    """

    def eliminate(matrix: Array, place: Array) -> tuple[Array, Array]:
        column = jnp.take(matrix, place, axis=-1)
        pivot = jnp.take(column, place, axis=-1)[..., None]
        there = pivot > least
        share = jnp.where(there, column / jnp.where(there, pivot, 1), 0)
        return matrix - share[..., :, None] * column[..., None, :], pivot[..., 0]

    pivots = jax.lax.scan(eliminate, matrix, jnp.arange(matrix.shape[-1]))[1]
    return jnp.moveaxis(pivots, 0, -1)


@shift_free(x=along_samples("x"), y=along_samples("y"))
@compiled()
def gaussian_mutual_information(x: ArrayLike, y: ArrayLike) -> Array:
    """I(X; Y) of samples (N,) or (..., N, d) as if they were jointly Gaussian, in nats.

    Args:
        x: samples (N,) of one component, or (..., N, d_x) with leading batch axes.
        y: samples (N,) or (..., N, d_y), of the same batch shape and N.

    Measures linear dependence only. Bias: +d_x d_y/(2N) to first order. 0 for constants, inf where
    one of x is a linear function of y, as `gaussian_information` says.
    """
    x, y = by_component(x), by_component(y)
    alike("samples", x, y, ending=1)
    dx, d = x.shape[-1], x.shape[-1] + y.shape[-1]
    if d == 2:
        covariance = covariance_between([x[..., 0], y[..., 0]])
    else:
        covariance = covariance_of(jnp.concatenate([x, y], axis=-1))
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
    sources: Any = as_near(source)
    targets: Any = as_near(target)
    alike("source, target", sources, targets)
    if not targets.ndim:
        raise ValueError("source, target: given single numbers, allowed: series (..., N)")
    lost = max(k, delay + l - 1)
    n = targets.shape[-1] - lost
    if n < 1 or k < 1 or l < 1 or delay < 1:
        raise ValueError(
            f"k = {k}, l = {l}, delay = {delay} must be at least 1 and fit into "
            f"{targets.shape[-1]} steps"
        )
    present = targets[..., lost:]
    own = [targets[..., lost - i : lost - i + n] for i in range(1, k + 1)]
    return present, [sources[..., lost - delay - i : lost - delay - i + n] for i in range(l)], own


@checked()
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
    of_source, of_target = as_sizes(sizes, 2)
    past_other, n_other = combine_symbols(other, [of_source] * l)
    past_own, n_own = combine_symbols(own, [of_target] * k)
    return discrete_conditional_mutual_information(
        present, past_other, past_own, (of_target, n_other, n_own), estimator
    )


@shift_free(source=-1, target=-1)
@checked()
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
        source, target: series (..., N) of one shape. Scales are compared as in
            `ksg_mutual_information`: give both a like one.
        k, l: values in the past of the target, of the source.
        delay: steps from the last value of the source to the present of the target.
        neighbours: which neighbour (`k` of the other nearest-neighbour estimators).
        method: "pairs" for any device, "tree" on the host.

    Raises ValueError for pasts that do not fit into the series. Bias: towards zero.
    """
    present, other, own = lagged(source, target, k, l, delay)
    numbers = np if isinstance(present, np.ndarray) else jnp  # which compiles nothing
    return ksg_conditional_mutual_information(
        present[..., None],
        numbers.stack(other, axis=-1),
        numbers.stack(own, axis=-1),
        neighbours,
        method=method,
    )


@shift_free(source=-1, target=-1)
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
    103, 238701 (2009). Bias: +l/(2N) to first order. 0 where source and target are the same
    series, whose past the target knows (delay + l - 1 <= k), and where one is constant.
    """
    present, other, own = lagged(source, target, k, l, delay)
    series = [as_real(each) for each in (present, *other, *own)]
    few = len(series) <= FEW
    covariance = covariance_between(series) if few else covariance_of(jnp.stack(series, axis=-1))
    return gaussian_information(covariance, [0], range(1, 1 + l), range(1 + l, 1 + l + k))
