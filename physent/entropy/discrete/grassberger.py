"""Grassberger's estimates of functions of a probability from one count, and of measures built from
them.
"""

import jax.numpy as jnp
from jax.scipy.special import digamma, gammaln
from jaxtyping import Array

from physent.entropy.discrete.measures import (
    Curado,
    Extropy,
    Hartley,
    Kaniadakis,
    Measure,
    MinEntropy,
    Renyi,
    Shannon,
    Tsallis,
)
from physent.entropy.discrete.power_sums import half_window, nonzero


def _alternating(n: Array, version: str) -> Array:
    """The difference between Grassberger's G(n) and psi(n); n > 0."""
    sign = jnp.where(jnp.mod(n, 2) == 0, jnp.ones_like(n), -jnp.ones_like(n))
    if version == "1988":
        return sign / (n + 1)
    return sign / 2 * (digamma((n + 1) / 2) - digamma(n / 2))


def _log_count(n: Array, version: str) -> Array:
    """G(n), the estimate of the logarithm of the expected count, and 0 for n = 0."""
    safe = nonzero(n)
    return jnp.where(n == 0, jnp.zeros_like(n), digamma(safe) + _alternating(safe, version))


def _power(n: Array, total: Array, order: Array, version: str) -> Array:
    """The estimate of p^order from n of `total` samples.

    n!/(n - q)! over N!/(N - q)! is exact on average for integer q. The two sine terms vanish there,
    and give the derivative at q = 1 the logarithms G(n) and ln N of the entropy.
    """
    safe = nonzero(n)
    enough = safe + 1 - order > 0
    rest = jnp.where(enough, safe + 1 - order, jnp.ones_like(safe))
    falling = jnp.where(enough, jnp.exp(gammaln(safe + 1) - gammaln(rest)), jnp.zeros_like(safe))
    sine = jnp.where(order < 2, jnp.sin(jnp.pi * (order - 1)) / jnp.pi, jnp.zeros_like(order))
    falling = falling + sine * safe * _alternating(safe, version)
    every = (
        gammaln(total + 1) - gammaln(total + 1 - order) + sine * (jnp.log(total) - digamma(total))
    )
    return jnp.where(n == 0, jnp.zeros_like(n), falling * jnp.exp(-every))


def _excess(n: Array, total: Array, epsilon: Array, version: str) -> Array:
    """The estimate of (p - p^(1 + epsilon))/epsilon, its limit -p ln p at epsilon = 0."""
    near = jnp.abs(epsilon) < half_window(n.dtype)
    safe = jnp.where(near, jnp.ones_like(epsilon), epsilon)
    limit = n / total * (jnp.log(total) - _log_count(n, version))
    return jnp.where(near, limit, (n / total - _power(n, total, 1 + safe, version)) / safe)


def _renyi(counts: Array, total: Array, order: Array, version: str) -> Array:
    epsilon = order - 1
    middle, near = jnp.abs(epsilon) < 0.5, jnp.abs(epsilon) < half_window(counts.dtype)
    inside = jnp.where(middle, epsilon, jnp.zeros_like(epsilon))
    tsallis = jnp.sum(_excess(counts, total, inside, version), axis=-1)
    close = jnp.where(middle & ~near, epsilon, jnp.full_like(epsilon, 0.25))
    inner = jnp.where(
        near, tsallis + epsilon / 2 * tsallis**2, -jnp.log1p(-close * tsallis) / close
    )
    finite = jnp.where(middle | jnp.isinf(order), jnp.full_like(order, 2), order)
    outer = jnp.log(jnp.sum(_power(counts, total, finite, version), axis=-1)) / (1 - finite)
    return jnp.where(middle, inner, outer)


def grassberger(counts: Array, measure: Measure, version: str) -> Array:
    """The estimate of a measure from counts (..., outcomes); see `estimators.Grassberger`."""
    total = jnp.sum(counts, axis=-1, keepdims=True)
    n, log_total = total[..., 0], jnp.log(total[..., 0])
    smallest = log_total - digamma(jnp.max(counts, axis=-1) + 1)
    if isinstance(measure, Shannon):
        return log_total - jnp.sum(counts * _log_count(counts, version), axis=-1) / n
    if isinstance(measure, Extropy):
        absent = total - counts
        safe = nonzero(absent)
        # absent counts are large, where the alternating term only adds noise; this is Zhang's
        # series, bias O(p^N)
        return jnp.sum(absent * (digamma(total) - digamma(safe)), axis=-1) / n
    if isinstance(measure, MinEntropy):
        return smallest
    if isinstance(measure, Hartley):
        return measure(counts / total)
    if isinstance(measure, Renyi):
        order = measure.number("order", counts.dtype)
        return jnp.where(jnp.isinf(order), smallest, _renyi(counts, total, order, version))
    if isinstance(measure, Curado):
        b = measure.number("b", counts.dtype)
        return jnp.sum(1 - (1 - b / total) ** counts + counts / total * jnp.expm1(-b), axis=-1)
    if isinstance(measure, Tsallis):
        epsilon = measure.number("order", counts.dtype) - 1
        return jnp.sum(_excess(counts, total, epsilon, version), axis=-1)
    if isinstance(measure, Kaniadakis):
        kappa = measure.number("kappa", counts.dtype)
        both = _excess(counts, total, kappa, version) + _excess(counts, total, -kappa, version)
        return jnp.sum(both, axis=-1) / 2
    raise TypeError(f"Grassberger's estimator is not known for {type(measure).__name__}")
