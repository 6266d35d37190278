"""Verlet neighbour lists in one to three dimensions, periodic, unbounded or mixed (`Space`).

A list holds for every particle all others within `radius` = cutoff + skin, and serves as long as no
particle has moved by more than skin/2 since it was made. Use, with K = `capacity` slots a particle:

    list = find_neighbors(position, space, radius, capacity)   # in init
    list = renew(list, position, space, radius, skin)          # in every step, after moving
    force = sum_over_neighbors(pull, position, list, space)    # pull(x_j - x_i, distance^2), (d, N)
    parts, squared = separations(position, list, space)        # or one by one: d arrays (N, K)

Empty slots hold the particle itself, whose separation is exactly 0, so a force along the separation
needs no mask. Other sums do: `list.filled()`. A list that ran out of slots is wrong and says so for
ever, `list.overflow()`: give that as the solver's `error`, and in `grow` find the neighbours again
with `enough(list, particles)` slots. With K >= N - 1 slots the list is everybody else, all pairs,
and is never renewed: best for small N.

Everything runs inside jit, without shapes that depend on values, and under vmap, where a list is
made again only when some member needs it. Cutoff, skin and box may be traced. Cut into slabs of
particles (`physent.numerics.slab`), each device finds the neighbours of its own among all
positions, which are gathered when they have changed: N d numbers.
"""

import functools
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from physent.numerics import slab
from physent.numerics.cells import components, lay_out, runs, take
from physent.numerics.derivatives import repeat
from physent.numerics.space import Space, renewed, squared_length


class NeighborList(eqx.Module):
    """The neighbours within the radius of each particle, and the data to decide how long the list
    is valid.

    `slots` (K, N) holds them in the first rows, and the particle itself in the rest: all first
    neighbours, then all second ones, so that a sum runs over particles in the order of memory.
    `deepest` is the number of rows in use, `longest` the largest there ever was; `reference` are
    the positions the list was made for, and `renewals` counts the times it was made.
    """

    slots: Int[Array, "k n"]
    reference: Float[Array, "n d"]
    deepest: Int[Array, ""]
    longest: Int[Array, ""]
    renewals: Int[Array, ""]

    @property
    def capacity(self) -> int:
        """Slots per particle."""
        return self.slots.shape[-2]

    @property
    def index(self) -> Int[Array, "n k"]:
        """The neighbours of each particle, one row per particle."""
        return jnp.swapaxes(self.slots, -1, -2)

    def filled(self) -> Bool[Array, "n k"]:
        """Which entries of `index` hold a neighbour; not all of them are within the cutoff."""
        return self.index != jnp.arange(self.slots.shape[-1], dtype=jnp.int32)[:, None]

    def overflow(self) -> Int[Array, ""]:
        """1 if some particle ever had more neighbours than slots, else 0; it is never reset to
        0.
        """
        return (self.longest > self.capacity).astype(int)


def enough(neighbors: NeighborList, particles: int) -> int:
    """A sufficient number of slots, with a margin of one quarter; on the host, after an
    overflow.
    """
    return min(max(particles - 1, 1), 4 * -(-5 * int(np.max(neighbors.longest)) // 16))


def find_neighbors(
    position: Float[Array, "n d"], space: Space, radius: Float[Array, ""], capacity: int
) -> NeighborList:
    """The list of all neighbours within `radius`, in O(N) time.

    Particles are counted into cells no smaller than the radius and laid out cell by cell, so that
    the three cells round a place along the last axis are one run of particles: 3^(d-1) runs hold
    all candidates. Positions must lie in the box along periodic axes.
    """
    n = position.shape[0]
    position, space, radius = jax.lax.stop_gradient((position, space, radius))
    longest = jnp.asarray(n - 1, jnp.int32)
    if capacity >= n - 1:
        itself = jnp.arange(n, dtype=jnp.int32)[None, :]
        slots = jnp.concatenate(
            [_everybody_else(n), jnp.broadcast_to(itself, (capacity - n + 1, n))]
        )
    else:
        slots, longest = _search(position, space, radius, capacity)
    return NeighborList(slots, position, longest, longest, jnp.ones((), jnp.int32))


def renew(
    neighbors: NeighborList,
    position: Float[Array, "n d"],
    space: Space,
    radius: Float[Array, ""],
    skin: Float[Array, ""],
) -> NeighborList:
    """The same list while it is valid, else a new one: when some particle has moved by more than
    skin/2.
    """
    if neighbors.capacity >= position.shape[0] - 1:
        return neighbors
    # who is a neighbour has no derivative
    position, space, radius = jax.lax.stop_gradient((position, space, radius))

    def make(old):
        slots, deepest = _search(position, space, radius, neighbors.capacity)
        return NeighborList(
            slots, position, deepest, jnp.maximum(old.longest, deepest), old.renewals + 1
        )

    now, before = components(position), components(neighbors.reference)
    return renewed(neighbors, make, now, before, space, skin)


def sum_over_neighbors(
    of: Callable[[list[Array], Array], Float[Array, "m ..."]],
    position: Float[Array, "n d"],
    neighbors: NeighborList,
    space: Space,
) -> Float[Array, "m n"]:
    """The sum over the neighbours j of each particle i of m quantities: `of` the parts of x_j - x_i
    and the square.

    `of` must be 0 where the square is, with finite derivatives. Slot by slot, and only as many
    slots as are in use (derivatives: all); for all pairs at once.
    """
    x, everybody = components(position), components(slab.everywhere(position))
    pairs = list(enumerate(zip(x, everybody, strict=True)))
    if neighbors.capacity >= position.shape[0] - 1:
        # x_i - x_i need not be 0 where the compiler fuses what x comes from into the difference
        apart = ~jnp.eye(position.shape[0], dtype=bool)
        parts = [
            jnp.where(apart, space.nearest(others[None, :] - part[:, None], a), 0)
            for a, (part, others) in pairs
        ]
        return jnp.sum(of(parts, squared_length(parts)), axis=-1)

    def of_slot(k, total):
        parts = [
            space.nearest(take(others, neighbors.slots[k]) - part, axis)
            for axis, (part, others) in pairs
        ]
        return total + of(parts, squared_length(parts))

    start = jnp.zeros_like(jax.eval_shape(of, x, x[0]))
    used = jnp.minimum(neighbors.deepest, neighbors.capacity)
    return repeat(of_slot, used, start, neighbors.capacity)


def separations(
    position: Float[Array, "n d"], neighbors: NeighborList, space: Space
) -> tuple[list[Float[Array, "n k"]], Float[Array, "n k"]]:
    """The minimum-image components of x_j - x_i for every slot, and the squared distance; 0 in
    empty slots.
    """
    parts = [
        space.nearest(take(others, neighbors.index) - position[:, axis, None], axis)
        for axis, others in enumerate(components(slab.everywhere(position)))
    ]
    return parts, squared_length(parts)


def _everybody_else(n: int) -> Int[Array, "others n"]:
    others = np.arange(n - 1)[:, None]
    return jnp.asarray(others + (others >= np.arange(n)[None, :]), jnp.int32)


# --------------------------------------------------------------------------------------------------
# the search

BITS = 32


def _search(
    position: Float[Array, "n d"], space: Space, radius: Float[Array, ""], capacity: int
) -> tuple[Int[Array, "k n"], Int[Array, ""]]:
    def search(everybody, position):
        return _search_among(everybody, position, space, radius, capacity)

    return slab.each_slab(search, (None, 0), (1, None))(slab.everywhere(position), position)


def _search_among(
    everybody: Float[Array, "all d"],
    position: Float[Array, "n d"],
    space: Space,
    radius: Float[Array, ""],
    capacity: int,
) -> tuple[Int[Array, "k n"], Int[Array, ""]]:
    """The neighbours, among all particles, of the particles at `position`."""
    all_, n = everybody.shape[0], position.shape[0]
    cells = lay_out(everybody, space, radius)
    row, first, width = runs(cells, space)
    row_start, row_end = (
        take(cells.start, row * cells.shape[-1]),
        take(cells.start, (row + 1) * cells.shape[-1]),
    )
    sorted_x = [take(others, cells.order) for others in components(everybody)]
    pairs = list(enumerate(zip(sorted_x, components(position), strict=True)))
    own, limit = slab.own(jnp.arange(all_, dtype=jnp.int32)), radius**2
    column = jnp.arange(n, dtype=jnp.int32)

    def place(run, w):
        """The index of the w-th candidate in a run of every particle."""
        at = first[run] + w
        # a run goes on at the other side
        at = jnp.where(at >= row_end[run], at - (row_end[run] - row_start[run]), at)
        return jnp.clip(at, 0, all_ - 1)

    def look(block):
        """One bit for each of 32 candidates of every run: whether it is near. Few are, so only
        these are written.
        """

        def at(w, bits):
            number, marked = BITS * block + w, []
            for run in range(row.shape[0]):
                where = place(run, number)
                squared = squared_length(
                    [space.nearest(take(others, where) - x, axis) for axis, (others, x) in pairs]
                )
                near = (number < width[run]) & (squared < limit) & (take(cells.order, where) != own)
                marked.append(near.astype(jnp.uint32) << w.astype(jnp.uint32))
            return bits | jnp.stack(marked)

        count = jnp.minimum(jnp.max(width) - BITS * block, BITS)
        return jax.lax.fori_loop(0, count, at, (0 * row).astype(jnp.uint32))

    def write(block, loop):
        """Write the near ones into the next free slots, one per particle at a time."""
        listed, found, bits = loop
        taken, where, left = own < 0, 0 * own, []
        for run, word in enumerate(bits):
            mine = (word != 0) & ~taken
            lowest = jax.lax.population_count((word & -word) - 1).astype(jnp.int32)
            where = jnp.where(mine, place(run, BITS * block + lowest), where)
            left.append(jnp.where(mine, word & (word - 1), word))
            taken |= mine
        # the last slot is for what does not fit
        slot = jnp.where(taken, jnp.minimum(found, capacity), capacity)
        listed = listed.at[slot * n + column].set(
            take(cells.order, where), mode="promise_in_bounds"
        )
        return listed, found + taken, jnp.stack(left)

    def visit(block, loop):
        step = functools.partial(write, block)
        return jax.lax.while_loop(lambda loop: jnp.any(loop[2] != 0), step, (*loop, look(block)))[
            :2
        ]

    start = jnp.tile(own, capacity + 1), 0 * own  # made of what varies between slabs
    listed, found = jax.lax.fori_loop(0, -(-jnp.max(width) // BITS), visit, start)
    return listed.reshape(capacity + 1, n)[:capacity], slab.largest(jnp.max(found))
