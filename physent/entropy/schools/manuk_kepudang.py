"""Six entropies of a flock and their index, as defined by the package manuk-kepudang 0.0.2.

The definitions are kept, whatever they leave to be desired, so that published numbers can be
reproduced; each docstring says what the quantity is not. Positions are (..., N, 3) in a box [0,
length)^3, velocities (..., N, 3) of one speed; leading axes are batch axes. A value within rounding
of the edge of a bin may fall on either side of it.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from physent.entropy.discrete import POSITIVE, compiled, count_symbols, log_nonzero
from physent.entropy.schools.dewi_kadita import batched

_AT_ONCE = 64  # rows of the matrix of pairs


class FlockEntropies(NamedTuple):
    """Five of the six, which can be measured while a flock flies."""

    position: Array
    orientation: Array
    local_alignment: Array
    pair_correlation: Array
    mutual_information: Array


@compiled(length=POSITIVE, radius=POSITIVE)
def flock_entropies(
    position: ArrayLike, velocity: ArrayLike, length: ArrayLike, radius: ArrayLike
) -> FlockEntropies:
    """Five of the six with the bins of the package, by one pass over all pairs.

    - position: of the counts in 10^3 cells, over the logarithm of the cells or of N, whichever is
      smaller. For fewer birds than some thousands it is the bias of the plug-in estimate.
    - orientation: on 18 x 36 cells of equal angles, counts divided by the sine at the middle of the
      band: frequencies near the poles are those of few birds, so that it is not invariant under
      rotations; over the logarithm of the cells or of N.
    - local_alignment: of |sum of velocities|/(count speed) over all within the radius, each bird
      among its own, in 20 bins on [0, 1], over ln 20; the speed is that of the first bird. For a
      bird alone it is 1; the package loses those for which it is above 1 by rounding, which is the
      one difference to its values.
    - pair_correlation: 1 - sum |g - 1| r^2 / sum r^2 over 50 shells up to half the box, at least 0;
      no entropy, though called one.
    - mutual_information: between 8^3 cells and the octant of the velocity, over the smaller
      entropy; mostly the bias of the plug-in estimate.
    """

    def one(x: Array, v: Array) -> FlockEntropies:
        side = jnp.asarray(length, x.dtype)
        phi, pairs = _pairs(x, v, side, jnp.asarray(radius, x.dtype))
        order = _tally(_place(jnp.minimum(phi, 1), _edges(1, 20, x.dtype)), 20, x.dtype)
        return FlockEntropies(
            position=_of_counts(_cell_counts(x, side), x.shape[0]),
            orientation=_of_directions(v),
            local_alignment=_entropy(order) / math.log(20),
            pair_correlation=_of_pairs(pairs, x.shape[0], side),
            mutual_information=_of_octants(x, v, side),
        )

    _three(position, velocity)
    return batched(one, position, velocity)


def voronoi_entropy(position: ArrayLike, length: float) -> np.ndarray:
    """1 - exp(-c), c the coefficient of variation of the volumes of Voronoi cells; on the host.

    Not an entropy, but a monotonic function of a spread. The box is surrounded by the six copies
    that share a face with it: cells at its edges and corners lack those beyond, and some are
    larger than in the periodic space. 1/2 where fewer than three cells are closed.
    """
    x = np.asarray(position, float)
    _three(x)
    flocks = x.reshape(-1, *x.shape[-2:])
    return np.array([_voronoi(flock, length) for flock in flocks]).reshape(x.shape[:-2])


def spatial_complexity_index(
    entropies: FlockEntropies, voronoi: ArrayLike, weights: Sequence[float] = (1 / 6,) * 6
) -> Array:
    """The weighted sum of the six, with 1 - mutual_information for the last.

    A convention, not a measurement.
    """
    *four, information = entropies
    terms = [*four, jnp.asarray(voronoi), 1 - information]
    return sum((w * term for w, term in zip(weights, terms, strict=True)), jnp.zeros(()))


# --------------------------------------------------------------------------------------------------
# one by one


def _cell_counts(x: Array, side: Array) -> Array:
    bins = 10
    edges = jnp.asarray(np.linspace(0, 1, bins + 1), x.dtype) * side
    cell = _place(x, edges)
    inside = jnp.all((cell >= 0) & (cell < bins), axis=1)
    number = (cell[:, 0] * bins + cell[:, 1]) * bins + cell[:, 2]
    return _tally(jnp.where(inside, number, -1), bins**3, x.dtype)


def _of_counts(counts: Array, birds: int) -> Array:
    return _entropy(counts) / math.log(min(counts.size, birds))


def _of_directions(v: Array) -> Array:
    bands, sectors = 18, 36
    speed = jnp.sqrt(jnp.sum(v**2, axis=1, keepdims=True))
    u = v / jnp.where(speed < 1e-10, 1, speed)
    theta = _place(jnp.arccos(jnp.clip(u[:, 2], -1, 1)), _edges(math.pi, bands, v.dtype))
    azimuth = jnp.arctan2(u[:, 1], u[:, 0]) + math.pi
    sector = _place(azimuth, _edges(2 * math.pi, sectors, v.dtype))
    inside = (theta >= 0) & (theta < bands) & (sector >= 0) & (sector < sectors)
    counts = _tally(jnp.where(inside, theta * sectors + sector, -1), bands * sectors, v.dtype)
    middle = (np.arange(bands) + 0.5) * math.pi / bands
    weight = jnp.asarray(np.repeat(np.sin(middle) + 1e-10, sectors), v.dtype)
    return _of_counts(counts / weight, v.shape[0])


def _pairs(x: Array, v: Array, side: Array, radius: Array) -> tuple[Array, Array]:
    """The local order about each bird, and the counts of pairs in 50 shells, each pair twice."""
    n = x.shape[0]
    speed = jnp.sqrt(jnp.sum(v[0] ** 2))
    speed = jnp.where(speed < 1e-10, 1, speed)
    edges = jnp.asarray(np.linspace(0, 1, 51), x.dtype) * (side / 2)

    def row(each: tuple[Array, Array]) -> tuple[Array, Array]:
        own, place = each
        apart = place[None, :] - x
        apart = apart - side * jnp.round(apart / side)
        distance = jnp.sqrt(jnp.sum(apart**2, axis=1))
        near = distance <= radius
        total = jnp.sum(jnp.where(near[:, None], v, 0), axis=0)
        phi = jnp.sqrt(jnp.sum(total**2)) / (jnp.sum(near.astype(v.dtype)) * speed)
        # whole numbers of shells, then right to the last digit by the edges themselves
        shell = jnp.clip(jnp.floor(distance / edges[1]).astype(jnp.int32), 0, 50)
        shell = shell - (distance < edges[shell]).astype(jnp.int32)
        shell = shell + (distance >= edges[jnp.minimum(shell + 1, 50)]).astype(jnp.int32)
        shell = jnp.where(distance == edges[50], 49, jnp.minimum(shell, 50))
        there = (jnp.arange(n) != own) & (own < n)
        return phi, jnp.where(there, shell, 50)

    def block(each: tuple[Array, Array]) -> tuple[Array, Array]:
        phi, shell = jax.vmap(row)(each)
        return phi, _tally(shell.reshape(-1), 50, x.dtype)

    rows = min(n, _AT_ONCE)
    blocks = -(-n // rows)
    # rows that fill up the last block have the numbers of nobody
    own = jnp.arange(blocks * rows, dtype=jnp.int32).reshape(blocks, rows)
    place = jnp.pad(x, ((0, blocks * rows - n), (0, 0))).reshape(blocks, rows, -1)
    phi, counts = jax.lax.map(block, (own, place))
    return phi.reshape(-1)[:n], jnp.sum(counts, axis=0)


def _of_pairs(counts: Array, birds: int, side: Array) -> Array:
    edges = jnp.asarray(np.linspace(0, 1, 51), counts.dtype) * (side / 2)
    r, dr = (edges[:-1] + edges[1:]) / 2, edges[1] - edges[0]
    g = counts / (birds * 4 * math.pi * r**2 * dr * (birds / side**3) + 1e-10)
    value = jnp.clip(1 - jnp.sum(jnp.abs(g - 1) * r**2) / jnp.sum(r**2), 0, 1)
    return jnp.where(jnp.any(g > 1e-10), value, 1)


def _of_octants(x: Array, v: Array, side: Array) -> Array:
    bins = 8
    cell = jnp.clip(jnp.floor(x / side * bins), 0, bins - 1).astype(jnp.int32)
    number = (cell[:, 0] * bins + cell[:, 1]) * bins + cell[:, 2]
    sign = (v > 0).astype(jnp.int32)
    octant = sign[:, 0] * 4 + sign[:, 1] * 2 + sign[:, 2]
    joint = _tally(number * 8 + octant, bins**3 * 8, x.dtype).reshape(bins**3, 8)
    place, heading = _entropy(jnp.sum(joint, axis=1)), _entropy(jnp.sum(joint, axis=0))
    information = place + heading - _entropy(joint.reshape(-1))
    smaller = jnp.minimum(place, heading)
    return jnp.clip(information / jnp.where(smaller > 0, smaller, 1), 0, 1)


def _voronoi(x: np.ndarray, length: float) -> float:
    from scipy.spatial import ConvexHull, QhullError, Voronoi  # slow to load, only needed here

    if len(x) < 4:
        return 0.5
    steps = length * np.concatenate([np.zeros((1, 3)), np.repeat(np.eye(3), 2, axis=0)])
    steps[2::2] *= -1
    cells = Voronoi(np.concatenate([x + step for step in steps]))
    volumes = []
    for region in cells.point_region[: len(x)]:
        corners = cells.regions[region]
        if -1 in corners or len(corners) < 4:
            continue
        try:
            volumes.append(ConvexHull(cells.vertices[corners]).volume)
        except QhullError:
            continue
    if len(volumes) < 3:
        return 0.5
    return float(np.clip(1 - np.exp(-np.std(volumes) / (np.mean(volumes) + 1e-10)), 0, 1))


# --------------------------------------------------------------------------------------------------
# what they use


def _edges(high: float, bins: int, dtype: jnp.dtype) -> Array:
    return jnp.asarray(np.linspace(0, high, bins + 1), dtype)


def _place(values: Array, edges: Array) -> Array:
    """The bin of each value, the last one closed; -1 below, the number of bins above."""
    index = jnp.searchsorted(edges, values, side="right").astype(jnp.int32) - 1
    return jnp.where(values == edges[-1], edges.size - 2, index)


def _tally(symbols: Array, size: int, dtype: jnp.dtype) -> Array:
    return count_symbols(symbols[None], size, dtype=dtype)[0]


def _entropy(counts: Array) -> Array:
    total = jnp.sum(counts)
    p = counts / jnp.where(total > 0, total, 1)
    return -jnp.sum(p * log_nonzero(p))


def _three(*arrays: ArrayLike) -> None:
    for array in arrays:
        if np.ndim(array) < 2 or np.shape(array)[-1] != 3 or np.shape(array)[-2] < 2:
            shape = np.shape(array)
            raise ValueError(
                f"a flock has shape (..., birds, 3 components), two birds or more, given {shape}"
            )
