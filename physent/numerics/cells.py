"""Particles laid out cell by cell: where to look for those within a radius of each.

The cells are no smaller than the radius, so that the three cells round a place along the last axis
are one run of particles: 3^(d-1) runs hold all candidates. Neighbour lists and sums over all within
a radius stand on it.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from physent.numerics import slab
from physent.numerics.space import Space


class Cells(eqx.Module):
    """Particles laid out cell by cell: `order` (N,) are their indices, `start` where each cell
    begins. `split` cells along the last axis are one radius.
    """

    shape: tuple[Int[Array, ""], ...]
    place: tuple[Int[Array, " n"], ...]
    order: Int[Array, " n"]
    start: Int[Array, " cells"]
    split: int = eqx.field(static=True, default=1)


def lay_out(
    position: Float[Array, "n d"], space: Space, radius: Float[Array, ""], split: int = 1
) -> Cells:
    """The particles in cells no smaller than the radius, along the last axis no smaller than
    radius/split, and no more than split cells a particle.

    Runs of cells are shorter where these are split, (2 + 1/split) radii instead of 3.
    Positions must lie in one period along periodic axes, that about 0 of `space`.
    """
    n, d = position.shape
    most = split * n + 1  # more cells only cost time
    low, extent = [], []
    for axis, x in enumerate(components(position)):
        low.append(-space.length[axis] / 2 if space.periodic[axis] else jnp.min(x))
        extent.append(space.length[axis] if space.periodic[axis] else jnp.max(x) - low[-1])
    # cells of the radius where they are few enough, else larger ones
    volume = jnp.prod(jnp.stack([jnp.maximum(size, radius) for size in extent]))
    # rounding must not make a cell too small
    side = jnp.maximum(radius, (volume / n) ** (1 / d)) * (1 + 1e-5)
    shape, left = [], jnp.asarray(most, jnp.int32)
    for axis in range(d):
        parts = split if axis == d - 1 else 1
        count = jnp.clip(jnp.floor(extent[axis] / (side / parts)), 1, left).astype(jnp.int32)
        shape.append(count)
        left = left // count
    place, cell = [], jnp.zeros(n, jnp.int32)
    for axis in range(d):
        size = jnp.where(extent[axis] > 0, extent[axis], jnp.ones_like(side))
        at = jnp.floor((position[:, axis] - low[axis]) * (shape[axis] / size))
        place.append(jnp.clip(at.astype(jnp.int32), 0, shape[axis] - 1))
        cell = cell * shape[axis] + place[-1]
    count = jnp.zeros(most + 1, jnp.int32).at[cell + 1].add(1, mode="promise_in_bounds")
    start = jnp.cumsum(count)
    order = (
        jnp.zeros(n, jnp.int32)
        .at[take(start, cell) + _rank(cell, most)]
        .set(jnp.arange(n, dtype=jnp.int32), mode="promise_in_bounds")
    )
    return Cells(tuple(shape), tuple(place), order, start, split)


def _rank(cell: Int[Array, " n"], cells: int) -> Int[Array, " n"]:
    """The number of particles with a lower index in the same cell: each pass settles one per
    cell.
    """
    n = cell.shape[0]
    own = jnp.arange(n, dtype=jnp.int32)

    def turn(loop):
        rank, waiting, number = loop
        lowest = jnp.full(cells + 1, n, jnp.int32)
        lowest = lowest.at[jnp.where(waiting, cell, cells)].min(own, mode="promise_in_bounds")
        settled = waiting & (take(lowest, cell) == own)
        return jnp.where(settled, number, rank), waiting & ~settled, number + 1

    start = jnp.zeros(n, jnp.int32), jnp.ones(n, bool), jnp.zeros((), jnp.int32)
    return jax.lax.while_loop(lambda loop: jnp.any(loop[1]), turn, start)[0]


def runs(
    cells: Cells, space: Space
) -> tuple[Int[Array, "runs n"], Int[Array, "runs n"], Int[Array, "runs n"]]:
    """The row of cells, the first place and the number of the candidates of every particle, in each
    of its runs.
    """
    d, places = space.dimension, [slab.own(place) for place in cells.place]
    rows, there = [jnp.zeros_like(places[0])], [jnp.ones(places[0].shape, bool)]
    for axis in range(d - 1):
        count, place = cells.shape[axis], places[axis]
        next_rows, next_there = [], []
        for offset in (-1, 0, 1):
            target = place + offset
            if space.periodic[axis]:
                # in a ring of one or two cells the neighbours are the same cell twice
                once = jnp.asarray(True) if offset == 0 else count >= (2 if offset == 1 else 3)
                inside, target = jnp.broadcast_to(once, target.shape), jnp.mod(target, count)
            else:
                inside, target = (target >= 0) & (target < count), jnp.clip(target, 0, count - 1)
            next_rows += [row * count + target for row in rows]
            next_there += [before & inside for before in there]
        rows, there = next_rows, next_there
    row, inside = jnp.stack(rows), jnp.stack(there)
    count, place, split = cells.shape[-1], places[-1][None, :], cells.split
    begin, end = take(cells.start, row * count), take(cells.start, (row + 1) * count)
    if space.periodic[-1]:
        left, right = jnp.mod(place - split, count), jnp.mod(place + split, count)
    else:
        left, right = jnp.maximum(place - split, 0), jnp.minimum(place + split, count - 1)
    first = take(cells.start, row * count + left)
    last = take(cells.start, row * count + right + 1)
    width = jnp.where(left <= right, last - first, (end - first) + (last - begin))
    if space.periodic[-1]:
        whole = count <= 2 * split + 1
        first, width = jnp.where(whole, begin, first), jnp.where(whole, end - begin, width)
    return row, first, jnp.where(inside, width, 0)


def components(points: Float[Array, "n d"]) -> list[Float[Array, " n"]]:
    """One array for each component."""
    return [points[:, axis] for axis in range(points.shape[1])]


def take(values: Array, index: Array) -> Array:
    """The values at indices that are known to lie within."""
    return values.at[index].get(mode="promise_in_bounds")
