"""Differential entropy: of a density on a grid, and of samples by spacings or nearest
neighbours.
"""

import math
from collections.abc import Sequence
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import digamma
from jaxtyping import Array, ArrayLike

from physent.entropy.continuous.distances import (
    Metric,
    circumferences,
    kth_distance,
    kth_distance_of_first,
    refuse_few,
    tree_distance,
)
from physent.entropy.discrete import (
    POSITIVE,
    SHANNON,
    Count,
    as_real,
    checked,
    compiled,
    first_of,
    only_finite,
    rowwise,
    shift_free,
    unit_of,
    with_room,
)
from physent.entropy.outcomes.fields import DENSITY
from physent.entropy.outcomes.space import Axes, as_axes
from physent.entropy.outcomes.weighting import measured, shares, weighted_counts

Method = Literal["pairs", "tree"]
Form = Literal["vasicek", "ebrahimi", "van_es", "correa"]


@checked(spacing=POSITIVE)
def differential_entropy(
    density: ArrayLike,
    spacing: ArrayLike | Sequence | None = None,
    axis: Axes = None,
    weights: ArrayLike | None = None,
) -> Array:
    """Differential Shannon entropy of a density sampled on a grid, h = -int p ln p dV, in nats.

    The density need not be normalised, p = density/(sum density dV). h is the discrete entropy of
    the cells plus ln dV, converges as the grid is refined (spectrally fast where the density is
    smooth and periodic), may be negative, and has the unit "logarithm of a volume".

    Args:
        density: non-negative field; a complex one is an amplitude, its density |psi|^2; a negative
            value gives NaN.
        spacing: of a uniform grid, one number, or one for each of the axes in `axis`.
        axis: the axis or axes of space; by default the last.
        weights: instead of a spacing, the volume of every cell, of the shape of the density or of
            the axes read; a cell of volume 0 is left out, NaN included.

    Raises ValueError where there is neither a spacing nor weights, or both, and for a spacing that
    is not positive, or another number of them; where it is traced the value is NaN.
    """
    if weights is not None:
        if spacing is not None:
            raise ValueError("given a spacing and weights, allowed: one of them")
        return _over_cells(density, weights, axis)
    if spacing is None:
        raise ValueError("given neither a spacing nor weights, allowed: one of them")
    p = DENSITY.probabilities(density, axis)
    volume = jnp.sum(jnp.log(_spacings(spacing, axis)))
    return SHANNON(p) + volume.astype(p.dtype)


@compiled()
def _over_cells(density: ArrayLike, weights: ArrayLike, axis: Axes) -> Array:
    batch, amounts, volumes = weighted_counts(jnp.asarray(density), DENSITY, weights, axis)
    return measured(shares(amounts, volumes), volumes, SHANNON, False).reshape(batch)


def cell_volume(spacing: ArrayLike | Sequence, axis: Axes) -> Array:
    """The volume of one grid cell. Raises ValueError unless there is one spacing, or one per
    axis.
    """
    return jnp.prod(_spacings(spacing, axis))


def _spacings(spacing: ArrayLike | Sequence, axis: Axes) -> Array:
    """The spacing along each axis, NaN where it is not positive."""
    dimensions = len(as_axes(axis))
    spacing = jnp.asarray(spacing, dtype=jnp.result_type(float))
    spacing = jnp.where(spacing > 0, spacing, jnp.nan)
    if spacing.ndim == 0:
        return jnp.broadcast_to(spacing, (dimensions,))
    if spacing.shape != (dimensions,):
        raise ValueError(
            f"spacing has shape {spacing.shape}, allowed: one number, or {dimensions} for "
            f"axis={axis}"
        )
    return spacing


@shift_free(x=-1)
@compiled()
def spacing_entropy(x: ArrayLike, form: Form = "vasicek", window: int | None = None) -> Array:
    """Differential Shannon entropy of samples along the last axis by m-spacings, in nats.

    - vasicek: (1/N) sum ln[(N/2m)(x_(i+m) - x_(i-m))], order statistics clamped at the ends (J. R.
      Stat. Soc. B 38, 54, 1976);
    - ebrahimi: 2 replaced by c_i, smaller towards the ends (Stat. Probab. Lett. 20, 225, 1994);
    - van_es: (1/(N-m)) sum ln[((N+1)/m)(x_(i+m) - x_(i))] + sum_(k=m)^N 1/k + ln m - ln(N+1)
      (Scand. J. Stat. 19, 61, 1992);
    - correa: local slopes by least squares (Commun. Stat. Theory Methods 24, 2439, 1995).

    Args:
        x: samples (..., N), sorted once.
        form: of the estimator.
        window: m, from 1 to less than N/2; by default floor(sqrt(N) + 1/2).

    Raises ValueError for another form or window. Bias: downwards for vasicek, by
    its clamped ends (standard Gaussian, N = 100: about -0.10, van_es -0.16, ebrahimi and correa
    -0.03). Many equal samples make it -inf, or NaN for correa: more than m for van_es, than 2 m for
    the others.
    """
    data = as_real(x, core=1)
    return only_finite(_by_spacings(jnp.sort(data, axis=-1), form, window), data)


def _by_spacings(x: Array, form: Form, window: int | None) -> Array:
    n = x.shape[-1]
    m = math.floor(math.sqrt(n) + 0.5) if window is None else window
    if not 1 <= m < n / 2:
        raise ValueError(f"window = {m} for {n} samples, allowed: 1 to less than half of them")
    if form == "van_es":
        spacing = x[..., m:] - x[..., :-m]
        harmonic = digamma(jnp.asarray(n + 1, x.dtype)) - digamma(jnp.asarray(m, x.dtype))
        return (
            jnp.mean(jnp.log((n + 1) / m * spacing), axis=-1)
            + harmonic
            + math.log(m)
            - math.log(n + 1)
        )
    clamped = jnp.pad(x, [(0, 0)] * (x.ndim - 1) + [(m, m)], mode="edge")
    if form == "correa":
        windows = jnp.stack([clamped[..., j : j + n] for j in range(2 * m + 1)], axis=-1)
        centred = windows - jnp.mean(windows, axis=-1, keepdims=True)
        step = jnp.broadcast_to(jnp.arange(-m, m + 1, dtype=x.dtype), windows.shape)
        unit = unit_of(centred, axis=(-2, -1))
        centred = centred * (1 / unit)
        slope = jnp.sum(centred * step, axis=-1) / (n * jnp.sum(centred**2, axis=-1))
        return jnp.log(unit[..., 0, 0]) - jnp.mean(jnp.log(slope), axis=-1)
    spacing = clamped[..., 2 * m :] - clamped[..., : -2 * m]
    if form == "vasicek":
        return jnp.mean(jnp.log(n / (2 * m) * spacing), axis=-1)
    i = jnp.arange(1, n + 1, dtype=x.dtype)
    weight = (1 + jnp.minimum(jnp.minimum(i - 1, n - i), m) / m).reshape((1,) * (x.ndim - 1) + (n,))
    return jnp.mean(jnp.log(n * spacing / (weight * m)), axis=-1)


@shift_free(x=-2)
@checked()
def nearest_neighbour_entropy(
    x: ArrayLike,
    k: int = 3,
    metric: Metric = "euclidean",
    period: ArrayLike | Sequence[float] | None = None,
    method: Method = "pairs",
) -> Array:
    """Kozachenko-Leonenko estimate of the differential Shannon entropy of samples, in nats.

    h = psi(N) - psi(k) + ln V_d + (d/N) sum_i ln r_i, with r_i the distance to the k-th neighbour
    and V_d the volume of the unit ball. Kozachenko and Leonenko, Probl. Inf. Transm. 23, 95 (1987);
    for k > 1 Kraskov, Stoegbauer and Grassberger, Phys. Rev. E 69, 066138 (2004), eq. 20.

    Args:
        x: samples (..., N, d), leading axes are batch axes.
        k: which neighbour; a larger one lowers the variance and raises the bias.
        metric: of the balls; "maximum" is the largest component.
        period: circumference of every component, one number or d of them, inf for a component that
            is not periodic.
        method: "pairs" compares all pairs, on any device, jittable and differentiable, in O(N (k +
            d)) memory; "tree" runs on the host in O(N log N), in more than 15 dimensions in
            O(N^2).

    NaN in the euclidean metric where a k-th neighbour is farther than half a period and balls meet
    themselves, as those of few points or in a flat box do: the maximum metric is right there.

    Bias: for uniform points in a periodic box none at all. In an open box balls reach beyond the
    walls: +0.097 (maximum) and +0.092 (euclidean) for d = 2, N = 200, k = 4. For a Gaussian in one
    dimension, k = 4: -0.0190 (N = 100), -0.0023 (N = 1,000). Where k + 1 points are equal it is
    -inf, and where fewer are it is biased downwards: do not use it for rounded data.
    """
    count = None
    if method == "pairs":
        (x,), count = with_room(-2, x)
    data = as_real(x)
    if data.ndim < 2:
        raise ValueError(
            f"samples have shape (..., N, d), given {data.shape}: add an axis for one component"
        )
    if data.size == 0:
        raise ValueError(f"given an array of shape {data.shape}, allowed: one with values")
    refuse_few(k, data.shape[-2] if count is None else int(count))
    circles = circumferences(period, data.shape[-1], jnp.result_type(float))
    if method == "tree":
        return _by_tree(np.asarray(data), k, metric, circles)
    return _by_pairs(data, count, k, metric, circles)


def _mean_log(
    distance: Array, circles: Array | None, metric: Metric, where: Array | None = None
) -> Array:
    """The mean logarithm of the distances (N,), of those where a mask has them, corrected where
    balls meet themselves round circles (d,): cubes become boxes no wider than a circle, balls have
    no simple volume (NaN).
    """
    value = jnp.mean(jnp.log(distance), where=where)
    if circles is None:
        return value
    width = 2 * distance[:, None]
    if metric == "maximum":
        share = jnp.minimum(jnp.log(circles)[None, :] - jnp.log(width), 0)
        return value + jnp.mean(share, where=None if where is None else where[:, None])
    meets = width > circles[None, :]
    meets = meets if where is None else meets & where[:, None]
    return jnp.where(jnp.any(meets), jnp.nan, value)


def log_unit_ball(d: int, metric: Metric) -> float:
    """The logarithm of the volume of the ball of radius 1 in d dimensions."""
    return (
        d * math.log(2)
        if metric == "maximum"
        else d / 2 * math.log(math.pi) - math.lgamma(1 + d / 2)
    )


def kozachenko_leonenko(n: Count, k: int, d: int, metric: Metric, dtype) -> Array:
    """The constant added to d times the mean logarithm of the distances: psi(N) - psi(k) + ln
    V_d.
    """
    counted = digamma(jnp.asarray(n, dtype)) - digamma(jnp.asarray(k, dtype))
    return counted + log_unit_ball(d, metric)


def _by_tree(data: np.ndarray, k: int, metric: Metric, period: Array | None) -> Array:
    n, d = data.shape[-2:]
    circles = None if period is None else np.asarray(period)

    def of_one(points: np.ndarray) -> Any:
        if not np.all(np.isfinite(points)):
            return np.nan
        distance = tree_distance(points, k, metric, circles)
        if period is None:  # on the host, where the distances are
            with np.errstate(divide="ignore"):
                return np.mean(np.log(distance))
        return np.asarray(_mean_log(jnp.asarray(distance), period, metric))

    mean_log = [of_one(points) for points in data.reshape(-1, n, d)]
    offset = kozachenko_leonenko(n, k, d, metric, jnp.result_type(float))
    return offset + d * jnp.asarray(mean_log).reshape(data.shape[:-2])


@compiled()
def _by_pairs(
    data: Array, count: Count | None, k: int, metric: Metric, period: Array | None
) -> Array:
    n, d = data.shape[-2:]
    size = n if count is None else count
    circles = None if period is None else period.astype(data.dtype)

    def one(points):
        unit = unit_of(points)[0, 0]  # squares of distances fit in any units
        wrapped = None if circles is None else circles / unit
        if count is None:
            distance = kth_distance(points / unit, wrapped, k, metric)
        else:
            distance = kth_distance_of_first(points / unit, count, wrapped, k, metric)
        mean = _mean_log(distance, wrapped, metric, first_of(n, size))
        return only_finite(jnp.log(unit) + mean, points, core=2)

    mean_log = rowwise(lambda samples: jax.lax.map(one, samples), data, core=2)
    return kozachenko_leonenko(size, k, d, metric, data.dtype) + d * mean_log
