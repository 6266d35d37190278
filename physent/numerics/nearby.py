"""Sums over all particles within a radius of each, or over its nearest, without a list that lasts.

For particles that move so far in a step that a neighbour list would be made for one use. Particles
are laid out cell by cell (`physent.numerics.cells`) and each looks through the runs of cells about
it; nothing has a capacity that could run over. Up to `DENSE` particles all pairs are faster.

A particle is among its own. Positions lie in one period about 0 along periodic axes. Who is near
has no derivative; the sums are linear in the values, and have those.
"""

from collections.abc import Callable
from typing import TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from physent.numerics.cells import Cells, components, lay_out, runs, take
from physent.numerics.products import matmul
from physent.numerics.space import Space, squared_length

C = TypeVar("C")

DENSE = 256
_ROWS = 2**22  # pairs held at once where derivatives are taken
_SPLIT = 2  # cells along the last axis in a radius
_BLOCK = 2**12  # particles of crowded places that are looked at together


def sum_within(
    position: Float[Array, "n d"],
    values: Float[Array, "m n"],
    space: Space,
    radius: Float[Array, ""],
) -> Float[Array, "m n"]:
    """The sums of m values over all particles at distances below `radius`, in O(N) time.

    Derivatives along the values look at all pairs, in blocks.
    """
    position, space, radius = jax.lax.stop_gradient((position, space, radius))
    if position.shape[0] <= DENSE:
        return matmul(values, _mask(position, position, space, radius).astype(values.dtype))
    return _sum_within(values, position, space, radius)


@jax.custom_jvp
def _sum_within(values: Array, position: Array, space: Space, radius: Array) -> Array:
    cells, x = _laid_out(position, space, radius)
    laid = [take(row, cells.order) for row in values]
    limit = radius**2

    def add(
        sums: list[Array], _own: Array, where: Array, square: Array, there: Array
    ) -> list[Array]:
        near = there & (square < limit)
        return [
            total + jnp.where(near, take(value, where), 0)
            for total, value in zip(sums, laid, strict=True)
        ]

    start = [jnp.zeros_like(row) for row in values]
    sums = jnp.stack(_over_candidates(add, start, x, cells, space))
    return jnp.zeros_like(values).at[:, cells.order].set(sums, mode="promise_in_bounds")


@_sum_within.defjvp
def _(primals, tangents):
    _, position, space, radius = primals
    return _sum_within(*primals), _by_blocks(tangents[0], position, space, radius)


def _by_blocks(values: Array, position: Array, space: Space, radius: Array) -> Array:
    """The same sums over all pairs, a block of particles at a time."""
    n, d = position.shape
    rows = max(1, min(n, _ROWS // n))
    blocks = -(-n // rows)
    ours = jnp.pad(position, ((0, blocks * rows - n), (0, 0))).reshape(blocks, rows, d)

    @jax.checkpoint
    def block(part: Array) -> Array:
        return matmul(values, _mask(position, part, space, radius).astype(values.dtype))

    sums = jax.lax.map(block, ours)
    return jnp.moveaxis(sums, 0, 1).reshape(values.shape[0], -1)[:, :n]


def sum_over_nearest(
    position: Float[Array, "n d"], values: Float[Array, "m n"], space: Space, count: int
) -> Float[Array, "m n"]:
    """The sums of m values over each particle itself and the `count` nearest to it.

    Where a particle has too few within the cells about it, all are laid out again in larger ones:
    O(N) while the density varies little.
    """
    nearest = jax.lax.stop_gradient(nearest_particles(position, space, count))
    return values + sum(values[:, index] for index in nearest)


def nearest_particles(
    position: Float[Array, "n d"], space: Space, count: int
) -> Int[Array, "count n"]:
    """The `count` nearest others of each particle, nearest first.

    Raises ValueError where there are not so many others.
    """
    position, space = jax.lax.stop_gradient((position, space))
    n, d = position.shape
    if count >= n:
        raise ValueError(f"given {count} neighbours, allowed: at most {n - 1} of {n} particles")
    if n <= DENSE:
        square = jnp.where(jnp.eye(n, dtype=bool), jnp.inf, _squares(position, position, space))
        return jax.lax.top_k(-square.T, count)[1].T.astype(jnp.int32)
    lengths = [
        jnp.where(space.periodic[axis], space.length[axis], jnp.max(x) - jnp.min(x))
        for axis, x in enumerate(components(position))
    ]
    widest = jnp.sqrt(squared_length(lengths))
    volume = jnp.prod(jnp.stack(lengths))
    # so that a sphere of this radius holds twice as many where the density is uniform
    first = (2 * (count + 1) * volume / (n * (3.14 if d == 2 else 4.19))) ** (1 / d)

    def search(loop: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        radius, _, _ = loop
        index, farthest = _nearest(position, space, radius, count)
        return 1.5 * radius, index, jnp.all(farthest <= radius**2) | (radius > widest)

    start = first, jnp.zeros((count, n), jnp.int32), jnp.zeros((), bool)
    return jax.lax.while_loop(lambda loop: ~loop[2], search, start)[1]


def _nearest(
    position: Array, space: Space, radius: Array, count: int
) -> tuple[Int[Array, "count n"], Float[Array, " n"]]:
    """The nearest among the candidates within cells of the radius, and the square of the distance
    to the last.
    """
    cells, x = _laid_out(position, space, radius)
    own = jnp.arange(position.shape[0], dtype=jnp.int32)

    def insert(
        found: tuple[list[Array], list[Array]],
        own: Array,
        where: Array,
        square: Array,
        there: Array,
    ) -> tuple[list[Array], list[Array]]:
        squares, indices = found
        index, square = where, jnp.where(there & (where != own), square, jnp.inf)
        kept, named = [], []
        for old, name in zip(squares, indices, strict=True):
            closer = square < old
            kept.append(jnp.where(closer, square, old))
            named.append(jnp.where(closer, index, name))
            square, index = jnp.where(closer, old, square), jnp.where(closer, name, index)
        return kept, named

    start = [jnp.full_like(x[0], jnp.inf)] * count, [own] * count
    squares, indices = _over_candidates(insert, start, x, cells, space)
    named = take(cells.order, jnp.stack(indices))
    named = jnp.zeros_like(named).at[:, cells.order].set(named, mode="promise_in_bounds")
    return named, squares[-1]


def _laid_out(
    position: Float[Array, "n d"], space: Space, radius: Array
) -> tuple[Cells, list[Float[Array, " n"]]]:
    """The cells, with the places and the components of the particles in their order: those that
    look at the same memory come one after another, which halves the time.
    """
    cells = lay_out(position, space, radius, _SPLIT)
    place = tuple(take(each, cells.order) for each in cells.place)
    laid = [take(part, cells.order) for part in components(position)]
    return eqx.tree_at(lambda cells: cells.place, cells, place), laid


def _over_candidates(
    turn: Callable[[C, Array, Array, Array, Array], C],
    start: C,
    laid: list[Float[Array, " n"]],
    cells: Cells,
    space: Space,
) -> C:
    """turn(carry, own, place, square, there) for one candidate of every particle after another, all
    in the order of the cells.

    `own` is where the particle lies in that order and `place` where its candidate does, `square`
    their squared distance, `there` whether it exists. The arrays of the carry are over particles.

    All take as many turns as twice the mean run is long; those that need more, in crowded places,
    go on in blocks, each as long as its longest run. One crowd would else cost everybody's time.
    """
    n = laid[0].size
    row, first, width = runs(cells, space)
    lanes = first, take(cells.start, row * cells.shape[-1])
    lanes = *lanes, take(cells.start, (row + 1) * cells.shape[-1]), width
    own = jnp.arange(n, dtype=jnp.int32)

    def look(carry: C, own: Array, lanes: tuple[Array, ...], low: Array, high: Array) -> C:
        first, begin, end, width = lanes
        at_home = [take(x, own) for x in laid]

        def at(w: Array, carry: C) -> C:
            for run in range(width.shape[0]):
                where = first[run] + w
                # a run goes on at the other side
                where = jnp.where(where >= end[run], where - (end[run] - begin[run]), where)
                where = jnp.clip(where, 0, n - 1)
                gaps = [
                    space.nearest(take(x, where) - home, axis)
                    for axis, (x, home) in enumerate(zip(laid, at_home, strict=True))
                ]
                carry = turn(carry, own, where, squared_length(gaps), w < width[run])
            return carry

        return jax.lax.fori_loop(low, high, at, carry)

    longest = jnp.max(width, axis=0)
    usual = (2 * (jnp.sum(width) // width.size) + 2).astype(jnp.int32)
    usual = jnp.minimum(jnp.max(longest), usual)
    carry = look(start, own, lanes, jnp.zeros_like(usual), usual)
    late = longest > usual
    size = min(n, _BLOCK)
    # the late ones first; behind them, in the last block, some that are not, and get nothing
    place = jnp.cumsum(late.astype(jnp.int32)) - 1
    order = jnp.zeros(n, jnp.int32).at[jnp.where(late, place, n)].set(own, mode="drop")
    many = jnp.sum(late).astype(jnp.int32)

    def block(number: Array, carry: C) -> C:
        begin = jnp.minimum(number * size, n - size)
        here = begin + jnp.arange(size, dtype=jnp.int32)
        fresh = (here >= number * size) & (here < many)
        chosen = take(order, here)
        theirs = tuple(each[:, chosen] for each in lanes)
        theirs = *theirs[:3], jnp.where(fresh[None, :], theirs[3], 0)
        before = jax.tree.map(lambda all_: take(all_, chosen), carry)
        after = look(before, chosen, theirs, usual, jnp.max(theirs[3]))
        target = jnp.where(fresh, chosen, n)
        return jax.tree.map(lambda all_, some: all_.at[target].set(some, mode="drop"), carry, after)

    return jax.lax.fori_loop(0, -(-many // size), block, carry)


def _squares(others: Array, ours: Array, space: Space) -> Float[Array, "others ours"]:
    pairs = enumerate(zip(components(others), components(ours), strict=True))
    return squared_length([space.nearest(a[:, None] - b[None, :], axis) for axis, (a, b) in pairs])


def _mask(others: Array, ours: Array, space: Space, radius: Array) -> Array:
    return _squares(others, ours, space) < radius**2
