"""Chaos in a series: its largest Lyapunov exponent, the dimension of its attractor, a test for
chaos, and how its ordinal patterns depend on the sampling interval.

States are reconstructed from a series by delays, (x_i, x_(i+tau), ..., x_(i+(m-1) tau)). For a
solver that is at hand its tangent vectors are exact: `physent.diagnostics.Lyapunov`.
"""

import math
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import xlogy
from jaxtyping import Array, ArrayLike

from physent.entropy.discrete import (
    as_real,
    checked,
    compiled,
    matmul,
    only_finite,
    scaled,
)
from physent.entropy.discrete.complexity import jensen_shannon_complexity
from physent.entropy.outcomes.patterns import Ordinal

BLOCK = 256  # states whose distances to all others are looked at at once


class Divergence(NamedTuple):
    """The largest exponent, per step of the series unless `dt` is given, and the mean logarithm of
    the distance of neighbours after 0, 1, ... steps, (..., steps + 1), of whose slope it is.
    """

    exponent: Array
    curve: Array


@checked(
    dt=(lambda v: v > 0, "> 0"),
    radius=(lambda v: v > 0, "> 0"),
)
def largest_lyapunov_exponent(
    x: ArrayLike,
    dimension: int = 3,
    delay: int = 1,
    steps: int = 20,
    fit: int | None = None,
    apart: int | None = None,
    dt: float = 1.0,
    method: Literal["rosenstein", "kantz"] = "rosenstein",
    radius: float = 0.1,
) -> Divergence:
    """The largest Lyapunov exponent of a series along the last axis, from how neighbours part.

    "rosenstein": the mean of ln |x_(i+k) - x_(j+k)|, j the state nearest to i (M. T. Rosenstein, J.
    J. Collins, C. J. De Luca, Physica D 65, 117, 1993); "kantz": the mean over i of the logarithm
    of the mean distance to all states within `radius` standard deviations (H. Kantz, Phys. Lett. A
    185, 77, 1994). The exponent is the slope of a straight line through the first `fit` steps: look
    at the curve, which must be straight there and level off later. Noise has no such line.

    Args:
        x: series (..., N).
        dimension: m, of the reconstructed states.
        delay: tau, steps between their components.
        steps: how far neighbours are followed.
        fit: steps through which the line is laid; by default half of them.
        apart: how many steps neighbours must be apart in time, so that they are not the same piece
            of the orbit; by default (m - 1) tau.
        dt: the time between two values.
        method: see above.
        radius: of "kantz".

    Distances are those of the states' last components. NaN where no state has a neighbour. The time
    is that of N^2 distances.
    """
    fit = max(1, steps // 2) if fit is None else fit
    apart = (dimension - 1) * delay if apart is None else apart
    if not 1 <= fit <= steps:
        raise ValueError(f"fit: given {fit}, allowed: 1 to {steps}, the steps")
    if dimension < 1 or delay < 1 or apart < 0:
        words = "allowed: dimension and delay >= 1, apart >= 0"
        raise ValueError(f"given dimension {dimension}, delay {delay}, apart {apart}, {words}")
    near = None if method == "rosenstein" else radius
    curve = _parting(x, dimension, delay, steps, apart, near)
    k = np.arange(fit + 1) - fit / 2
    slope = matmul(curve[..., : fit + 1], jnp.asarray(k / np.sum(k**2), curve.dtype))
    return Divergence(slope / dt, curve)


@checked(radius=(lambda v: v > 0, "> 0"))
def correlation_dimension(
    x: ArrayLike,
    dimension: int = 3,
    delay: int = 1,
    radius: float = 0.3,
    apart: int | None = None,
) -> Array:
    """The correlation dimension of a series along the last axis: 1/<ln(r0/r)> over the pairs of
    states at a distance r < r0, the most likely exponent of C(r) ~ r^D.

    (F. Takens, Lect. Notes Math. 1125, 99, 1985; P. Grassberger, I. Procaccia, Physica D 9, 189,
    1983.) The distance is the largest difference of components.

    Args:
        x: series (..., N).
        dimension: m, of the reconstructed states: more than twice D.
        delay: tau, steps between their components.
        radius: r0 in standard deviations: so small that the value does not depend on it.
        apart: how many steps the states of a pair must be apart in time; by default (m - 1) tau.

    A random series has D = m. NaN where there is no pair.
    """
    apart = (dimension - 1) * delay if apart is None else apart
    return _takens(x, dimension, delay, radius, apart)


@compiled(frequencies=(lambda v: v >= 1, ">= 1"))
def zero_one_test(x: ArrayLike, frequencies: int = 100) -> Array:
    """The 0-1 test for chaos of series along the last axis: near 0 regular, near 1 chaotic.

    The median over frequencies c of the correlation with the time of the mean square displacement
    of p + i q = sum_j x_j e^(i c j), from which its bounded part V_osc = <x>^2 (1 - cos c n)/(1 -
    cos c) is taken (G. A. Gottwald, I. Melbourne, SIAM J. Appl. Dyn. Syst. 8, 129, 2009). The
    frequencies are evenly spaced between pi/5 and 4 pi/5. A series that is sampled finely looks
    regular: take about four values in a period. Noise looks chaotic.

    Args:
        x: series (..., N), N >= 20.
        frequencies: how many.
    """
    x = as_real(x, core=1)
    n = x.shape[-1]
    if n < 20:
        raise ValueError(f"given {n} values along the last axis, allowed: at least 20")
    flat = scaled(x.reshape(-1, n), axis=1)
    c = (np.pi / 5) * (1 + 3 * (np.arange(frequencies) + 0.5) / frequencies)
    lags = np.arange(1, n // 10 + 1)

    def at(series: Array, c: Array) -> Array:
        angle = c * jnp.arange(1, n + 1, dtype=series.dtype)
        path = jnp.cumsum(series * jnp.cos(angle)), jnp.cumsum(series * jnp.sin(angle))
        length = n - lags[-1]

        def displacement(lag: Array) -> Array:
            moved = (jax.lax.dynamic_slice_in_dim(p, lag, length) - p[:length] for p in path)
            return jnp.mean(jnp.asarray(sum(m**2 for m in moved)))

        bounded = jnp.mean(series) ** 2 * (1 - jnp.cos(c * lags)) / (1 - jnp.cos(c))
        mean = jax.lax.map(displacement, jnp.asarray(lags)) - bounded
        return _correlation(jnp.asarray(lags, series.dtype), mean)

    def one(series: Array) -> Array:
        each = jax.lax.map(lambda c: at(series, c), jnp.asarray(c, series.dtype))
        return jnp.median(each)

    found = jax.lax.map(one, flat)
    return only_finite(found, flat).reshape(x.shape[:-1])


class OrdinalCurves(NamedTuple):
    """Normalised permutation entropy and complexity for every delay, (..., delays)."""

    entropy: Array
    complexity: Array


@checked()
def ordinal_curves(x: ArrayLike, delays: Sequence[int], order: int = 5) -> OrdinalCurves:
    """How the permutation entropy H/ln(order!) and the Jensen-Shannon complexity of series along
    the last axis depend on the sampling interval.

    Chaos has a large complexity at the intervals of its own times, noise none at any, and a regular
    orbit one that is bounded as its few patterns are (S. Hyman, K. J. Daniel, D. A. Schaffner,
    PECCARY, 2024; O. A. Rosso et al., Phys. Rev. Lett. 99, 154102, 2007).

    Args:
        x: series (..., N).
        delays: steps between the values of a pattern.
        order: values in a pattern.
    """
    tallies = []
    for delay in delays:
        outcomes = Ordinal(order=order, delay=int(delay))
        tallies.append(_shares(x, outcomes))
    p = jnp.stack(tallies, axis=-2)
    plain = -jnp.sum(xlogy(p, p), axis=-1)
    return OrdinalCurves(plain / math.log(math.factorial(order)), jensen_shannon_complexity(p))


# --------------------------------------------------------------------------------------------------


@compiled()
def _shares(x: ArrayLike, outcomes: Ordinal) -> Array:
    x = as_real(x, core=1)
    counts = outcomes.tally(x.reshape(-1, x.shape[-1]))
    shares = counts / jnp.sum(counts, axis=-1, keepdims=True)
    return shares.reshape(*x.shape[:-1], shares.shape[-1])


def _correlation(a: Array, b: Array) -> Array:
    a, b = a - jnp.mean(a), b - jnp.mean(b)
    size = jnp.sqrt(jnp.sum(a**2) * jnp.sum(b**2))
    return jnp.where(size > 0, jnp.sum(a * b) / jnp.where(size > 0, size, 1), 0)


def _states(series: Array, dimension: int, delay: int, rest: int) -> Array:
    """The states of a series that are followed for `rest` steps, (number, dimension)."""
    count = series.shape[0] - (dimension - 1) * delay - rest
    if count < 2:
        words = "more values, a smaller dimension, or fewer steps"
        raise ValueError(f"given {series.shape[0]} values along the last axis, allowed: {words}")
    return jnp.stack([series[k * delay : k * delay + count] for k in range(dimension)], axis=-1)


def _over_blocks(function: Callable[[Array], Array], count: int) -> Array:
    """A function of the indices of a block of states, summed over blocks; those from `count` on
    are none.
    """
    blocks = -(-count // BLOCK)
    index = jnp.arange(blocks * BLOCK).reshape(blocks, BLOCK)
    return jnp.sum(jax.lax.map(function, index), axis=0)


@compiled()
def _parting(
    x: ArrayLike, dimension: int, delay: int, steps: int, apart: int, radius: float | None
) -> Array:
    x = as_real(x, core=1)
    flat = scaled(x.reshape(-1, x.shape[-1]), axis=1)

    def one(series: Array) -> Array:
        states = _states(series, dimension, delay, steps)
        count, last = states.shape[0], (dimension - 1) * delay
        after = jnp.stack([series[last + k : last + k + count] for k in range(steps + 1)])
        bound = None if radius is None else radius * jnp.std(series)

        def of_block(index: Array) -> Array:
            index_in = jnp.minimum(index, count - 1)
            away = states[index_in][:, None, :] - states[None, :, :]
            square = jnp.sum(away**2, axis=-1)
            far = jnp.abs(index_in[:, None] - jnp.arange(count)[None, :]) > apart
            there = (index < count)[None, :]
            if bound is None:
                nearest = jnp.argmin(jnp.where(far & (square > 0), square, jnp.inf), axis=1)
                has = jnp.any(far & (square > 0), axis=1)[None, :] & there
                parted = jnp.abs(after[:, index_in] - after[:, nearest])
            else:
                close = far & (jnp.max(jnp.abs(away), axis=-1) < bound)
                number = jnp.sum(close, axis=1)
                has = (number > 0)[None, :] & there
                gaps = jax.lax.map(
                    lambda row: jnp.sum(
                        jnp.where(close, jnp.abs(row[index_in][:, None] - row[None, :]), 0), axis=1
                    ),
                    after,
                )
                parted = gaps / jnp.maximum(number, 1)[None, :]
            use = has & (parted > 0)
            logs = jnp.where(use, jnp.log(jnp.where(use, parted, 1)), 0)
            return jnp.stack([jnp.sum(logs, axis=1), jnp.sum(use.astype(logs.dtype), axis=1)])

        total, number = _over_blocks(of_block, count)
        return total / jnp.where(number > 0, number, jnp.nan)

    found = jax.lax.map(one, flat)
    return only_finite(found, flat).reshape(*x.shape[:-1], found.shape[-1])


@compiled()
def _takens(x: ArrayLike, dimension: int, delay: int, radius: float, apart: int) -> Array:
    x = as_real(x, core=1)
    flat = scaled(x.reshape(-1, x.shape[-1]), axis=1)

    def one(series: Array) -> Array:
        states = _states(series, dimension, delay, 0)
        count, bound = states.shape[0], radius * jnp.std(series)

        def of_block(index: Array) -> Array:
            index_in = jnp.minimum(index, count - 1)
            r = jnp.max(jnp.abs(states[index_in][:, None, :] - states[None, :, :]), axis=-1)
            later = jnp.arange(count)[None, :] - index_in[:, None] > apart
            use = later & (r < bound) & (r > 0) & (index < count)[:, None]
            logs = jnp.where(use, jnp.log(bound / jnp.where(use, r, 1)), 0)
            return jnp.stack([jnp.sum(logs), jnp.sum(use.astype(logs.dtype))])

        total, number = _over_blocks(of_block, count)
        return number / jnp.where(total > 0, total, jnp.nan)

    found = jax.lax.map(one, flat)
    return only_finite(found, flat).reshape(x.shape[:-1])
