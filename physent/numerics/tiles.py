"""Pairs of particles tile by tile, for sums over hundreds of neighbours, too many for neighbour
lists.

Particles are sorted into tiles of equal numbers, compact in space, and each tile knows the tiles
that come within the radius of it. Sums run over whole tiles, from memory that lies together;
nothing is gathered pair by pair, and a school that crowds in one corner costs no empty cells. Use:

    tiling = tile(position, space, radius, skin, size, capacity)         # in init
    tiling = renew_tiling(tiling, position, space, radius, skin)         # in every step
    total = over_tiles(tiling, function, values)                         # (ours, others, absent)

A tiling with more near tiles than slots is wrong and says so for ever, `tiling.overflow()`: give
that as the solver's `error`, and in `grow` take `tiling.emptied(slots)`, which the next
`renew_tiling` fills.
"""

import dataclasses
import math
from collections.abc import Callable
from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from physent.numerics.space import Space, renewed

_PAIRS = 2**16  # at once: enough for XLA to use every core, few enough to stay in a core's cache


class Tiling(eqx.Module):
    """Tiles of particles, and the nearby tiles of each.

    `members` (T, B) are particles, N in an empty place; `place` (N,) is where each is in the
    flattened members; `near` (T, K) are tiles, T where there is none; `reference` are the positions
    it was made for, `most` the largest number of near tiles ever met.
    """

    members: Int[Array, "t b"]
    place: Int[Array, " n"]
    near: Int[Array, "t k"]
    reference: Float[Array, "d n"]
    most: Int[Array, ""]

    @property
    def capacity(self) -> int:
        """Slots for nearby tiles."""
        return self.near.shape[-1]

    def overflow(self) -> Int[Array, ""]:
        """1 if some tile ever had more nearby tiles than slots, else 0; it is never reset to 0."""
        return (self.most > self.capacity).astype(int)

    def enough(self) -> int:
        """A sufficient number of slots, with a margin of one eighth; on the host, after an
        overflow.
        """
        return min(self.members.shape[-2], int(np.max(np.asarray(self.most))) * 9 // 8 + 1)

    def emptied(self, capacity: int) -> Self:
        """A tiling of another capacity that the next `renew_tiling` fills; also with a leading axis
        of members.
        """
        return dataclasses.replace(
            self,
            near=jnp.full((*self.near.shape[:-1], capacity), self.members.shape[-2], jnp.int32),
            reference=jnp.full_like(self.reference, jnp.inf),  # nobody is near where it was made
            most=jnp.zeros_like(self.most),
        )


def tile(
    position: Float[Array, "d n"],
    space: Space,
    radius: Float[Array, " n"],
    skin: Float[Array, ""],
    size: int,
    capacity: int,
) -> Tiling:
    """Tiles of `size` particles, and for each the tiles that may come within the radius of one of
    its members.

    The radius is each particle's; of two tiles the larger counts. Sorted along the first axis and
    cut into slabs of equal numbers, each of those along the next axis, and so on
    (sort-tile-recursive packing, S. T. Leutenegger et al., Proc. 13th ICDE, 497, 1997).
    """
    # which tiles are near has no derivative
    position, space, radius, skin = jax.lax.stop_gradient((position, space, radius, skin))
    d, n = position.shape
    cuts = _cuts(d, n, size)
    tiles = math.prod(cuts)
    padded = jnp.pad(position, ((0, 0), (0, tiles * size - n)), constant_values=jnp.inf)
    members = jnp.arange(tiles * size, dtype=jnp.int32)[None, :]
    for axis, parts in enumerate(cuts):
        order = jnp.argsort(padded[axis][members], axis=1)
        members = jnp.take_along_axis(members, order, axis=1).reshape(members.shape[0] * parts, -1)
    members = jnp.minimum(members, n)
    place = (
        jnp.zeros(n + 1, jnp.int32)
        .at[members.ravel()]
        .set(jnp.arange(tiles * size, dtype=jnp.int32))[:n]
    )
    near = _near(position, members, space, radius, skin)
    near_count = near.astype(jnp.int32)
    slot = jnp.where(near, jnp.minimum(jnp.cumsum(near_count, axis=1) - 1, capacity), capacity)
    row, other = (jnp.broadcast_to(index, near.shape) for index in jnp.ogrid[:tiles, :tiles])
    listed = jnp.full((tiles, capacity + 1), tiles, jnp.int32)
    listed = listed.at[row, slot].set(other.astype(jnp.int32), mode="promise_in_bounds")[
        :, :capacity
    ]
    return Tiling(members, place, listed, position, jnp.max(jnp.sum(near_count, axis=1)))


def renew_tiling(
    tiling: Tiling,
    position: Float[Array, "d n"],
    space: Space,
    radius: Float[Array, " n"],
    skin: Float[Array, ""],
) -> Tiling:
    """The same tiling while it is valid, else a new one: when some particle has moved by more than
    skin/2.
    """
    position, space, radius, skin = jax.lax.stop_gradient((position, space, radius, skin))

    def make(old: Tiling) -> Tiling:
        new = tile(position, space, radius, skin, old.members.shape[-1], old.capacity)
        return eqx.tree_at(lambda tiling: tiling.most, new, jnp.maximum(old.most, new.most))

    return renewed(tiling, make, position, tiling.reference, space, skin)


def over_tiles(tiling: Tiling, function: Callable[[Any, Any, Array], Any], values: Any) -> Any:
    """function(ours, others, absent) for the particles of some tiles at once and those of the tiles
    near each.

    `values` are arrays (..., N); `ours` holds them as (..., G, B), `others` as (..., G, K B), and
    `absent` (G, K B) is 0 for a particle and infinity for an empty place, to be added to distances.
    The results are arrays (..., G, B), and come back as (..., N).
    """
    tiles, size = tiling.members.shape
    n = tiling.place.size
    together = max(1, min(tiles, _PAIRS // (size * size * tiling.capacity)))
    turns = -(-tiles // together)
    # one more tile than there are, and it is empty: for slots without a near tile, and to fill up
    # the last turn
    members = jnp.pad(
        tiling.members, ((0, turns * together + 1 - tiles), (0, 0)), constant_values=n
    )
    near = jnp.pad(tiling.near, ((0, turns * together - tiles), (0, 0)), constant_values=tiles)

    def laid_out(value: Array) -> Array:
        """(..., T, B), with each tile contiguous."""
        return jnp.pad(value, [(0, 0)] * (value.ndim - 1) + [(0, 1)])[..., members]

    blocks = jax.tree.map(laid_out, values)
    gone = jnp.where(members == n, jnp.inf, 0.0).astype(tiling.reference.dtype)

    def fetched(turn: Array) -> tuple[Any, Any, Array]:
        first = jnp.minimum(turn, turns - 1) * together
        close = jax.lax.dynamic_slice_in_dim(near, first, together)

        def beside(block: Array) -> Array:
            found = block.at[..., close, :].get(mode="promise_in_bounds")
            return found.reshape(*found.shape[:-2], -1)

        ours = jax.tree.map(
            lambda block: jax.lax.dynamic_slice_in_dim(block, first, together, axis=-2), blocks
        )
        return ours, jax.tree.map(beside, blocks), beside(gone)

    def collected(result: Array) -> Array:
        """(turns, ..., G, B) as (..., N)."""
        return jnp.moveaxis(result, 0, -3).reshape(*result.shape[1:-2], -1)[..., tiling.place]

    # each turn fetches what the next will work on: fetched in the same turn XLA would fetch it
    # again for every pair
    order = jnp.arange(turns, dtype=jnp.int32)
    _, results = jax.lax.scan(
        lambda loaded, turn: (fetched(turn + 1), function(*loaded)), fetched(order[0]), order
    )
    return jax.tree.map(collected, results)


def tile_count(dimensions: int, n: int, size: int) -> int:
    """The number of tiles made by `tile`, an upper bound of the nearby tiles."""
    return math.prod(_cuts(dimensions, n, size))


def _cuts(dimensions: int, n: int, size: int) -> tuple[int, ...]:
    """The number of parts along each axis, for the fewest tiles that hold n particles."""
    cuts, left = [], -(-n // size)
    for axes in range(dimensions, 0, -1):
        cuts.append(math.ceil(round(left ** (1 / axes), 9)))
        left = -(-left // cuts[-1])
    return tuple(cuts)


def _near(
    position: Float[Array, "d n"],
    members: Int[Array, "t b"],
    space: Space,
    radius: Float[Array, " n"],
    skin: Array,
) -> Array:
    """The tiles whose boxes come within the radius of each other; an empty tile is near none."""
    n = position.shape[1]
    present = members < n
    index = jnp.minimum(members, n - 1)
    reach = jnp.max(jnp.where(present, radius[index], 0), axis=1) + skin
    square = jnp.zeros((members.shape[0],) * 2, position.dtype)
    for axis in range(space.dimension):
        x = position[axis][index]
        # about its first particle a box is compact even where it lies across the edge of a periodic
        # space
        out = space.nearest(x - x[:, :1], axis)
        low = jnp.min(jnp.where(present, out, jnp.inf), axis=1)
        high = jnp.max(jnp.where(present, out, -jnp.inf), axis=1)
        middle, half = x[:, 0] + 0.5 * (low + high), 0.5 * (high - low)
        apart = jnp.abs(space.nearest(middle[:, None] - middle[None, :], axis)) - (
            half[:, None] + half[None, :]
        )
        square += jnp.maximum(apart, 0) ** 2
    occupied = jnp.any(present, axis=1)
    # a whole skin: between two renewals both may move by half of it; rounding must not lose a pair
    near = square <= (jnp.maximum(reach[:, None], reach[None, :]) * (1 + 1e-6)) ** 2
    return near & occupied[:, None] & occupied[None, :]
