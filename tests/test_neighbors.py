"""Verlet lists against all pairs, in every kind of space, and when they are made again."""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from physent.numerics.neighbors import (
    enough,
    find_neighbors,
    renew,
    separations,
    sum_over_neighbors,
)
from physent.numerics.space import Space

find = jax.jit(find_neighbors, static_argnums=3)
again = eqx.filter_jit(renew)
BOXES = [
    (True, True),
    (False, False),
    *(
        pytest.param(box, marks=pytest.mark.slow)
        for box in [(True,), (True, False), (True,) * 3, (False, True, False)]
    ),
]


def all_pairs(position, space, radius):
    """Who is within the radius of whom, by NumPy."""
    difference = position[None] - position[:, None]
    for axis, length in enumerate(np.asarray(space.length)):
        if space.periodic[axis]:
            difference[..., axis] -= length * np.round(difference[..., axis] / length)
    near = np.sum(difference**2, axis=-1) < radius**2
    np.fill_diagonal(near, False)
    return near


def listed(neighbors):
    """The same matrix from a list; nobody may be listed twice."""
    index = np.asarray(neighbors.index)
    n = len(index)
    matrix = np.zeros((n, n), int)
    np.add.at(matrix, (np.repeat(np.arange(n), index.shape[1]), index.ravel()), 1)
    np.fill_diagonal(matrix, 0)
    assert matrix.max() <= 1
    return matrix.astype(bool)


@pytest.mark.parametrize("periodic", BOXES, ids=str)
def test_a_list_holds_exactly_those_within_the_radius(periodic):
    """Boxes of 1 to 30 cells an axis, sparse, dense, clustered, and with particles on the edges of
    cells.
    """
    n, capacity, d = 60, 58, len(periodic)
    length = jnp.asarray([10.0, 13.0, 7.0][:d])
    space = Space(length, periodic)
    rng = np.random.default_rng(d)
    uniform = rng.uniform(-0.5, 0.5, (n, d)) * np.asarray(length)
    clustered = np.where(rng.random((n, 1)) < 0.9, uniform * 0.02, uniform)
    lattice = np.floor(uniform) / 1.0
    lattice = np.clip(lattice, -np.asarray(length) / 2, None)
    for position, radius in itertools.product((uniform, clustered, lattice), (0.35, 1.0, 2.5, 3.4)):
        neighbors = find(jnp.asarray(position), space, jnp.asarray(radius), capacity)
        near = all_pairs(position, space, radius)
        np.testing.assert_array_equal(listed(neighbors), near)
        assert neighbors.longest == near.sum(axis=1).max()
        assert neighbors.overflow() == (near.sum(axis=1).max() > capacity)


@pytest.mark.slow
def test_a_large_system():
    rng = np.random.default_rng(0)
    position = rng.uniform(-40, 40, (2000, 2))
    space = Space.torus(jnp.asarray([80.0, 80.0]))
    neighbors = find(jnp.asarray(position), space, jnp.asarray(3.0), 24)
    np.testing.assert_array_equal(listed(neighbors), all_pairs(position, space, 3.0))


def test_too_few_slots_are_reported_for_ever_and_enough_of_them_mend_it():
    rng = np.random.default_rng(0)
    position = jnp.asarray(rng.uniform(-4, 4, (64, 2)))
    space, radius, skin = Space.free(2), jnp.asarray(2.0), jnp.asarray(0.5)
    neighbors = find(position, space, radius, 4)
    assert neighbors.overflow() == 1
    apart = again(neighbors, 100 * position, space, radius, skin)
    assert apart.overflow() == 1 and apart.renewals == 2
    mended = find(position, space, radius, enough(neighbors, 64))
    assert mended.capacity >= int(neighbors.longest) and mended.overflow() == 0
    np.testing.assert_array_equal(listed(mended), all_pairs(np.asarray(position), space, 2.0))
    everybody = find(position, space, radius, 63)
    assert everybody.overflow() == 0 and listed(everybody).sum() == 64 * 63


@pytest.mark.slow
def test_a_list_serves_until_someone_has_moved_by_half_the_skin():
    rng = np.random.default_rng(0)
    position = jnp.asarray(rng.uniform(-5, 5, (80, 2)))
    space, radius, skin = Space.torus(jnp.asarray([10.0, 10.0])), jnp.asarray(2.0), jnp.asarray(0.4)
    neighbors = find(position, space, radius, 40)
    near = again(neighbors, space.shift(position, jnp.full((80, 2), 0.14))[0], space, radius, skin)
    assert near.renewals == 1
    moved = space.shift(position, jnp.zeros((80, 2)).at[7, 0].set(0.21))[0]
    far = again(near, moved, space, radius, skin)
    assert far.renewals == 2
    np.testing.assert_array_equal(listed(far), all_pairs(np.asarray(moved), space, 2.0))


@pytest.mark.slow
def test_members_renew_their_lists_each_when_it_needs():
    rng = np.random.default_rng(0)
    position = jnp.asarray(rng.uniform(-5, 5, (2, 40, 2)))
    space, radius, skin = Space.torus(jnp.asarray([10.0, 10.0])), jnp.asarray(2.0), jnp.asarray(0.4)
    neighbors = jax.vmap(lambda x: find_neighbors(x, space, radius, 30))(position)
    moved = position.at[1].add(jnp.asarray([[0.3, 0.0]]))
    moved = space.shift(moved, jnp.zeros_like(moved))[0]
    after = jax.jit(jax.vmap(lambda old, x: renew(old, x, space, radius, skin)))(neighbors, moved)
    np.testing.assert_array_equal(after.renewals, [1, 2])
    for member in range(2):
        one = jax.tree.map(lambda leaf, member=member: leaf[member], after)
        np.testing.assert_array_equal(listed(one), all_pairs(np.asarray(moved[member]), space, 2.0))


def test_separations_are_the_shortest_and_vanish_in_empty_slots():
    space = Space(jnp.asarray([10.0, 1.0]), (True, False))
    position = jnp.asarray([[-4.9, 0.0], [4.9, 0.3], [0.0, 30.0], [0.5, 30.0]])
    neighbors = find(position, space, jnp.asarray(1.0), 2)
    parts, squared = separations(position, neighbors, space)
    np.testing.assert_allclose(parts[0][:, 0], [-0.2, 0.2, 0.5, -0.5], atol=1e-12)
    np.testing.assert_allclose(parts[1][:, 0], [0.3, -0.3, 0, 0], atol=1e-12)
    assert np.all(np.asarray(squared)[:, 1] == 0)
    np.testing.assert_array_equal(neighbors.filled(), [[True, False]] * 4)


@pytest.mark.parametrize("capacity", [30, 59])
def test_sums_over_neighbours_are_those_over_separations(capacity):
    """By slots and by all pairs; weights that fall to 0 at the radius leave those out that are only
    in the skin.
    """
    rng = np.random.default_rng(1)
    position, space = (
        jnp.asarray(rng.uniform(-5, 5, (60, 2))),
        Space(jnp.asarray([10.0, 10.0]), (True, False)),
    )
    neighbors = find(position, space, jnp.asarray(2.5), capacity)
    assert neighbors.overflow() == 0

    def weighted(parts, squared):
        return jnp.where((squared > 0) & (squared < 4), 4 - squared, 0)[None] * jnp.stack(
            [*parts, squared]
        )

    parts, squared = separations(position, neighbors, space)
    expected = jnp.sum(weighted(parts, squared), axis=-1)
    sums = jax.jit(lambda x, near: sum_over_neighbors(weighted, x, near, space))(
        position, neighbors
    )
    np.testing.assert_allclose(sums, expected, atol=1e-12)
    assert jnp.min(jnp.abs(expected[2])) > 0


def test_a_shift_counts_its_rounds():
    space = Space(jnp.asarray([10.0, 10.0]), (True, False))
    position, rounds = space.shift(
        jnp.asarray([[4.0, 4.0], [-4.0, 0.0]]), jnp.asarray([[23.0, 23.0], [-2.0, 0.0]])
    )
    np.testing.assert_allclose(position, [[-3.0, 27.0], [4.0, 0.0]])
    np.testing.assert_array_equal(rounds, [[3, 0], [-1, 0]])
    np.testing.assert_allclose(space.displacement(position[0], position[1]), [3.0, 27.0])
