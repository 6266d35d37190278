"""Logarithms and power sums of probabilities, without cancellation at order 1 and without overflow
far from it.
"""

from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array


def nonzero(x: Array) -> Array:
    """A safe divisor or argument of a logarithm: x, and 1 where x = 0."""
    return jnp.where(x == 0, jnp.ones_like(x), x)


def nonnegative(x: Array, negative: Literal["nan", "clip"]) -> Array:
    """x, and NaN or 0 where x < 0."""
    return jnp.where(x < 0, jnp.asarray(jnp.nan if negative == "nan" else 0, x.dtype), x)


def squared_modulus(z: Array) -> Array:
    """|z|^2, without the square root of a modulus."""
    return jnp.real(z) ** 2 + jnp.imag(z) ** 2


def log_nonzero(p: Array) -> Array:
    """ln p, and 0 where p = 0: finite with a finite gradient, so that 0 ln 0 = 0."""
    return jnp.log(nonzero(p))


def weighted_sum(terms: Array, axis: int, weights: Array | None) -> Array:
    """The sum of `weights * terms` along an axis; None means weights of one."""
    return jnp.sum(terms if weights is None else terms * weights, axis=axis)


def half_window(dtype) -> float:
    """Distance from a removable singularity below which a three-term series is exact to
    rounding.
    """
    return float(jnp.finfo(dtype).eps ** (1 / 3))


def excess(p: Array, epsilon: Array) -> Array:
    """p (1 - p^epsilon)/epsilon, the summand of Tsallis entropy; -p ln p at epsilon = 0, smooth
    through it.
    """
    log_p = log_nonzero(p)
    near = jnp.abs(epsilon) < half_window(p.dtype)
    safe = jnp.where(near, jnp.ones_like(epsilon), epsilon)
    series = -p * log_p * (1 + epsilon * log_p / 2 + (epsilon * log_p) ** 2 / 6)
    return jnp.where(near, series, -p * jnp.expm1(safe * log_p) / safe)


def log_power_mean(p: Array, epsilon: Array, axis: int, weights: Array | None) -> Array:
    """ln(<p^epsilon>)/epsilon with the average taken over p (times the weights); <ln p> at epsilon
    = 0.
    """
    log_p = log_nonzero(p)
    mass = p if weights is None else p * weights / jnp.sum(p * weights, axis=axis, keepdims=True)
    near, middle = jnp.abs(epsilon) < half_window(p.dtype), jnp.abs(epsilon) < 0.5

    # <p^epsilon> is e raised to the cumulant generating function of ln p
    mean = jnp.sum(mass * log_p, axis=axis, keepdims=True)
    second = jnp.sum(mass * (log_p - mean) ** 2, axis=axis)
    third = jnp.sum(mass * (log_p - mean) ** 3, axis=axis)
    series = jnp.squeeze(mean, axis) + epsilon / 2 * second + epsilon**2 / 6 * third

    # no cancellation for orders near 1, where the sum of powers is near 1
    small = jnp.where(middle & ~near, epsilon, jnp.full_like(epsilon, 0.25))
    close = jnp.log1p(jnp.sum(mass * jnp.expm1(small * log_p), axis=axis)) / small

    # neither overflow nor underflow for orders far from 1
    large = jnp.where(middle, jnp.ones_like(epsilon), epsilon)
    exponent = jnp.where(mass == 0, -jnp.inf, log_nonzero(mass) + large * log_p)
    far = jax.nn.logsumexp(exponent, axis=axis) / large
    return jnp.where(near, series, jnp.where(middle, close, far))


def renyi_curvature(p: Array, order: Array) -> Array:
    """(1/2) sum_ij (p_i delta_ij - p_i p_j) d2H_q/dp_i dp_j along the last axis, -(K - 1)/2 at
    order 1.

    With S_a = sum p^a it is -(q/2)(S_(q-1)/S_q - 1) + (q^2/2)(S_(2q-1)/S_q^2 - 1)/(q - 1).
    """
    epsilon = order - 1

    def log_sum(a):
        return a * log_power_mean(p, a, -1, None)

    first = jnp.expm1(log_sum(epsilon - 1) - log_sum(epsilon))
    gap = 2 * (log_power_mean(p, 2 * epsilon, -1, None) - log_power_mean(p, epsilon, -1, None))
    near = jnp.abs(epsilon) < half_window(p.dtype)
    safe = jnp.where(near, jnp.ones_like(epsilon), epsilon)
    return -order / 2 * first + order**2 / 2 * jnp.where(near, gap, jnp.expm1(safe * gap) / safe)
