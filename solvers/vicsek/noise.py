"""The noise of a bird's decision, in two and three dimensions."""

import math
from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from physent.entropy.schools.directions import unit
from physent.numerics.rotation import cosine_sine

NoiseModel = Literal["scalar", "vector", "unit_vector"]
Vectors = Float[Array, "d n"]


def decided(
    total: Vectors,
    count: Float[Array, " n"],
    heading: Vectors,
    noise: Array,
    model: NoiseModel,
    key: PRNGKeyArray,
) -> Vectors:
    """The new headings from the sums of the headings of `count` neighbours; a sum of 0 leaves the
    heading that there was.

    - scalar: the mean direction, turned to a direction uniform in the arc (the cap) of half-angle
      noise pi about it, Vicsek et al. (1995) and Chate et al. (2008) for two dimensions;
    - vector: the direction of total + noise count xi, xi a random unit vector for each bird,
      Gregoire and Chate (2004);
    - unit_vector: that of unit(total) + noise xi, as in manuk-kepudang 0.0.2.
    """
    if model == "scalar":
        return turned(_direction(total, heading), noise, key)
    xi = isotropic(key, total.shape, total.dtype)
    if model == "vector":
        return _direction(total + noise * count[None, :] * xi, heading)
    return _direction(_direction(total, heading) + noise * xi, heading)


def turned(direction: Vectors, noise: Array, key: PRNGKeyArray) -> Vectors:
    """Unit vectors turned to others that are uniform in the arc or cap of half-angle noise pi."""
    d, n = direction.shape
    if d == 2:
        angle = noise * jax.random.uniform(key, (n,), direction.dtype, -math.pi, math.pi)
        cosine, sine = cosine_sine(angle)
        x, y = direction
        return jnp.stack([cosine * x - sine * y, sine * x + cosine * y])
    out, round_ = jax.random.split(key)
    # 1 - cosine, uniform up to that of the edge, which is 2 sin^2 of half the angle
    depth = 2 * jnp.sin(noise * math.pi / 2) ** 2 * jax.random.uniform(out, (n,), direction.dtype)
    cosine, square = 1 - depth, depth * (2 - depth)
    sine = jnp.where(square > 0, jnp.sqrt(jnp.where(square > 0, square, 1)), 0)
    # at right angles to the direction: a random vector, less what it has along
    side = isotropic(round_, direction.shape, direction.dtype)
    across = unit(side - jnp.sum(side * direction, axis=0, keepdims=True) * direction, axis=0)
    return unit(cosine[None, :] * direction + sine[None, :] * across, axis=0)


def isotropic(key: PRNGKeyArray, shape: tuple[int, ...], dtype: jnp.dtype) -> Vectors:
    """Random unit vectors (d, n)."""
    if shape[0] == 2:
        angle = jax.random.uniform(key, shape[1:], dtype, -math.pi, math.pi)
        return jnp.stack(cosine_sine(angle))
    return unit(jax.random.normal(key, shape, dtype), axis=0)


def _direction(total: Vectors, heading: Vectors) -> Vectors:
    there = jnp.any(total != 0, axis=0, keepdims=True)
    return jnp.where(there, unit(total, axis=0), heading)
