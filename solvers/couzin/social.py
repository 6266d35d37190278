"""Social forces on a fish: away from fish too close, or else aligned with some and towards
others.
"""

from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from physent.entropy.schools.directions import unit
from physent.numerics.products import matmul
from physent.numerics.space import Space, squared_length

Combine = Literal["normalised", "sum"]


class Fish(NamedTuple):
    """Positions and headings by component (first axis) and the zone radii of each fish; all, or by
    tiles.
    """

    position: Float[Array, "d *tiles n"]
    heading: Float[Array, "d *tiles n"]
    repulsion: Float[Array, "*tiles n"]
    orientation: Float[Array, "*tiles n"]
    attraction: Float[Array, "*tiles n"]


class Social(NamedTuple):
    """The sums over the neighbours of each fish.

    `crowded` says whether one is in the zone of repulsion. If so `along` and `towards` are 0 and
    `away` is minus the sum of the unit vectors to those in that zone; else `along` is the sum of
    the headings in the zone of orientation, and `towards` that of the unit vectors to those in the
    zone of attraction.
    """

    crowded: Bool[Array, "*tiles n"]
    away: Float[Array, "d *tiles n"]
    along: Float[Array, "d *tiles n"]
    towards: Float[Array, "d *tiles n"]


def ways(ours: Array, others: Array, space: Space) -> list[Array]:
    """The components (..., n, m) of the shortest vectors from ours (d, ..., n) to each of the
    others (d, ..., m).
    """
    pairs = enumerate(zip(ours, others, strict=True))
    return [space.nearest(b[..., None, :] - a[..., :, None], axis) for axis, (a, b) in pairs]


def squares(components: list[Array], absent: Array | None = None) -> Array:
    """The squared lengths of vectors; infinity for a vector that is 0, so that a fish is not its
    own neighbour.

    `absent`, to be broadcast to the vectors, is infinity for those to others that do not exist,
    else 0.
    """
    square = squared_length(components)
    if absent is not None:
        square = square + absent
    return jnp.where(square > 0, square, jnp.inf)


def social(
    ours: Fish,
    others: Fish,
    absent: Array | None,
    space: Space,
    blind: Array,
    blind_to_repulsion: bool,
) -> Social:
    """The sums over all others that a fish sees: those in directions whose cosine with its heading
    exceeds `blind`.

    Repulsion comes from all sides, unless `blind_to_repulsion`. `absent` is infinity for others
    that do not exist, else 0.
    """
    vectors = ways(ours.position, others.position, space)
    distance = jnp.sqrt(squares(vectors, None if absent is None else absent[..., None, :]))
    ahead = sum(
        h[..., :, None] * component for h, component in zip(ours.heading, vectors, strict=True)
    )
    seen = ahead > blind * distance
    near, inner, outer = (
        distance < radius[..., :, None]
        for radius in (ours.repulsion, ours.orientation, ours.attraction)
    )
    repels = jnp.where(seen, -1.0, 0.0) if blind_to_repulsion else -1.0
    attracts = jnp.where(seen & outer, jnp.where(inner, jnp.inf, 1.0), 0.0)
    # One matrix says which zone a pair is in: -1/distance, infinity, 1/distance or 0. The division
    # comes last because XLA keeps what was expensive; what is cheap it would compute again in each
    # of the seven sums.
    pull = _shared(jnp.where(near, repels, attracts), distance)
    crowded = _sum(jnp.where(pull < 0, 1.0, 0.0).astype(distance.dtype)) > 0
    attraction = jnp.where(pull < jnp.inf, jnp.maximum(pull, 0), 0)
    weight = jnp.where(crowded[..., :, None], jnp.minimum(pull, 0), attraction)
    aligned = (pull == jnp.inf).astype(distance.dtype)
    total = jnp.stack([_sum(weight * component) for component in vectors])
    along = jnp.stack([_sum(aligned * h[..., None, :]) for h in others.heading])
    one = crowded[None]
    return Social(
        crowded, jnp.where(one, total, 0), jnp.where(one, 0, along), jnp.where(one, 0, total)
    )


@jax.custom_jvp
def _shared(zone: Array, distance: Array) -> Array:
    """zone/distance; the derivative of what is infinite, which only marks a zone, is 0."""
    return zone / distance


@_shared.defjvp
def _(primals: tuple[Array, Array], tangents: tuple[Array, Array]) -> tuple[Array, Array]:
    (zone, distance), (_, change) = primals, tangents
    pull = _shared(zone, distance)
    return pull, jnp.where(jnp.isfinite(pull), -pull, 0) / distance * change


def _sum(values: Float[Array, "*tiles n m"]) -> Float[Array, "*tiles n"]:
    """The sums over others as a product with ones, which XLA's CPU backend fuses with the
    computation of the values.
    """
    m = values.shape[-1]
    return matmul(values.reshape(-1, m), jnp.ones(m, values.dtype)).reshape(values.shape[:-1])


def wish(
    sums: Social, heading: Float[Array, "d n"], combine: Combine, orientation_weight: Array
) -> Array:
    """The desired direction of each fish; its heading if its neighbours determine none."""
    along, towards = sums.along, sums.towards
    if combine == "normalised":
        along, towards = unit(along, axis=0), unit(towards, axis=0)
    direction = unit(
        jnp.where(sums.crowded[None, :], sums.away, orientation_weight * along + towards), axis=0
    )
    return jnp.where(jnp.any(direction != 0, axis=0, keepdims=True), direction, heading)
