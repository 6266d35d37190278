"""Limited turning of a fish in a step, and its noise: rotations on the circle and on the sphere."""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from physent.entropy.schools.directions import unit
from physent.numerics.rotation import cosine_sine

Vectors = Float[Array, "d n"]


def rotate_towards(heading: Vectors, wish: Vectors, largest: Array) -> Vectors:
    """Unit vectors turned along great circles to `wish`, or by the angle `largest` if it is
    farther.

    Opposite to its wish a fish has no great circle to take and keeps its heading.
    """
    cosine, sine = cosine_sine(jnp.minimum(largest, math.pi))
    along = jnp.sum(heading * wish, axis=0, keepdims=True)
    side = unit(wish - along * heading, axis=0)
    turned = jnp.where(
        jnp.any(side != 0, axis=0, keepdims=True), cosine * heading + sine * side, heading
    )
    return unit(jnp.where((along >= cosine) | (largest >= math.pi), wish, turned), axis=0)


def interpolate_towards(heading: Vectors, wish: Vectors, largest: Array) -> Vectors:
    """Unit vectors on the chord to `wish`, at the fraction `largest`/angle of it, at most 1.

    As in dewi-kadita: the angle turned is `largest` for small angles only, and smaller for others.
    """
    angle = jnp.arccos(jnp.clip(jnp.sum(heading * wish, axis=0, keepdims=True), -1, 1))
    fraction = jnp.where(angle > largest, largest / jnp.where(angle > largest, angle, 1), 1)
    chord = unit((1 - fraction) * heading + fraction * wish, axis=0)
    return jnp.where(jnp.any(chord != 0, axis=0, keepdims=True), chord, heading)


def deflect(direction: Vectors, noise: Array, key: PRNGKeyArray) -> Vectors:
    """Unit vectors rotated by Gaussian angles of standard deviation `noise`, to random sides: a
    wrapped Gaussian.
    """
    d, n = direction.shape
    angle_key, side_key = jax.random.split(key)
    cosine, sine = cosine_sine(noise * jax.random.normal(angle_key, (1, n), direction.dtype))
    if d == 2:
        side = jnp.stack([-direction[1], direction[0]])
    else:
        a, b = _across(direction)
        around, above = cosine_sine(
            jax.random.uniform(side_key, (1, n), direction.dtype, 0, 2 * math.pi)
        )
        side = around * a + above * b
    return unit(cosine * direction + sine * side, axis=0)


def jostle(direction: Vectors, noise: Array, key: PRNGKeyArray) -> Vectors:
    """Unit vectors with Gaussian noise of standard deviation `noise` added to each component,
    normalised.

    As in dewi-kadita; the angle has the standard deviation `noise` in each direction across while
    that is small.
    """
    return unit(
        direction + noise * jax.random.normal(key, direction.shape, direction.dtype), axis=0
    )


def _across(direction: Float[Array, "3 n"]) -> tuple[Array, Array]:
    """Two unit vectors at right angles to each direction and to each other.

    T. Duff et al., J. Comput. Graph. Tech. 6, 1 (2017).
    """
    x, y, z = direction
    sign = jnp.where(z < 0, -jnp.ones_like(z), jnp.ones_like(z))
    a = -1 / (sign + z)
    b = x * y * a
    return (
        jnp.stack([1 + sign * x * x * a, sign * b, -sign * x]),
        jnp.stack([b, sign + y * y * a, -y]),
    )
