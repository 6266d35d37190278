"""Unit vectors and the angular momenta of unit vectors."""

import jax.numpy as jnp
from jaxtyping import Array


def unit(vectors: Array, axis: int = -1) -> Array:
    """The vectors along an axis at length 1; 0 stays 0."""
    square = jnp.sum(vectors**2, axis=axis, keepdims=True)
    present = square > 0
    return jnp.where(present, vectors / jnp.sqrt(jnp.where(present, square, 1)), 0)


def momenta(out: Array, heading: Array) -> Array:
    """r x v of every fish with unit vectors along `out` and `heading` (N, d): (N, 3), or (N, 1) in
    the plane.
    """
    r, v = unit(out), unit(heading)
    if out.shape[-1] == 2:
        return (r[:, :1] * v[:, 1:] - r[:, 1:] * v[:, :1]).reshape(-1, 1)
    return jnp.cross(r, v)
