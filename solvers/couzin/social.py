"""What a fish wants: away from those too close, or else along with some and towards others."""

from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from physent.numerics.space import Space

Combine = Literal["normalised", "sum"]


class Fish(NamedTuple):
    """Positions and headings by component, first axis, and the radii of the zones about each fish."""

    position: Float[Array, "d n"]
    heading: Float[Array, "d n"]
    repulsion: Float[Array, " n"]
    orientation: Float[Array, " n"]
    attraction: Float[Array, " n"]


class Social(NamedTuple):
    """What the neighbours of each fish add up to.

    `crowded` says whether one is in the zone of repulsion. If so `along` and `towards` are 0 and `away` is minus the
    sum of the unit vectors to those in that zone; else `along` is the sum of the headings in the zone of orientation,
    and `towards` that of the unit vectors to those in the zone of attraction.
    """

    crowded: Bool[Array, " n"]
    away: Float[Array, "d n"]
    along: Float[Array, "d n"]
    towards: Float[Array, "d n"]


def ways(ours: Array, others: Array, space: Space) -> list[Array]:
    """The components (others, ours) of the shortest vectors from each of ours (d, n) to each of the others (d, m)."""
    pairs = enumerate(zip(ours, others, strict=True))
    return [space.nearest(b[:, None] - a[None, :], axis) for axis, (a, b) in pairs]


def distances(components: list[Array], absent: Array | None = None) -> Array:
    """The lengths of vectors to others; infinity for a vector that is 0, so that a fish is no neighbour of itself.

    `absent` is infinity for others that do not exist, else 0.
    """
    square = components[0] ** 2
    for component in components[1:]:
        square = square + component**2
    if absent is not None:
        square = square + absent[:, None]
    return jnp.sqrt(jnp.where(square > 0, square, jnp.inf))


def social(
    ours: Fish, others: Fish, absent: Array | None, space: Space, blind: Array, blind_to_repulsion: bool
) -> Social:
    """The sums over all others, of which a fish sees those in directions whose cosine to its heading exceeds `blind`.

    Repulsion comes from all sides, unless `blind_to_repulsion`. Others run along the first axis of the matrices: sums
    over it take several columns at once on a processor.
    """
    vectors = ways(ours.position, others.position, space)
    distance = distances(vectors, absent)
    ahead = sum(h[None, :] * component for h, component in zip(ours.heading, vectors, strict=True))
    seen = ahead > blind * distance
    near = distance < ours.repulsion[None, :]
    repelled = near & seen if blind_to_repulsion else near
    seen = seen & ~near
    aligned = seen & (distance < ours.orientation[None, :])
    attracted = seen & ~aligned & (distance < ours.attraction[None, :])
    inverse = 1 / distance
    zero = jnp.zeros_like(inverse)
    weight = jnp.where(repelled, -inverse, jnp.where(attracted, inverse, zero))
    # Without the barrier XLA computes both matrices again in each of the sums: half the speed.
    weight, aligned = jax.lax.optimization_barrier((weight, aligned.astype(inverse.dtype)))
    crowded = jnp.min(weight, axis=0) < 0
    weight = jnp.where(crowded[None, :], jnp.minimum(weight, 0), jnp.maximum(weight, 0))
    total = jnp.stack([jnp.sum(weight * component, axis=0) for component in vectors])
    one = crowded[None, :]
    return Social(
        crowded, jnp.where(one, total, 0), jnp.where(one, 0, others.heading @ aligned), jnp.where(one, 0, total)
    )


def unit(vectors: Float[Array, "d n"]) -> Float[Array, "d n"]:
    """The vectors at length 1; 0 stays 0."""
    square = jnp.sum(vectors**2, axis=0, keepdims=True)
    present = square > 0
    return jnp.where(present, vectors / jnp.sqrt(jnp.where(present, square, 1)), 0)


def wish(sums: Social, heading: Float[Array, "d n"], combine: Combine, orientation_weight: Array) -> Array:
    """The direction each fish wants to take; its heading where its neighbours leave it none."""
    along, towards = sums.along, sums.towards
    if combine == "normalised":
        along, towards = unit(along), unit(towards)
    direction = unit(jnp.where(sums.crowded[None, :], sums.away, orientation_weight * along + towards))
    return jnp.where(jnp.any(direction != 0, axis=0, keepdims=True), direction, heading)
