"""What a fish does, rule by rule: zones, blind cone, turning, errors, symmetries."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from physent.numerics.space import Space
from physent.solvers.couzin import Constant, Couzin, RandomBox, Staircase
from physent.solvers.couzin.model import CouzinState
from physent.solvers.couzin.social import Fish, social, wish
from physent.solvers.couzin.turning import deflect, interpolate_towards, jostle, rotate_towards

BLIND = -np.cos(np.pi / 4)
FREE = Space.free(3)


@eqx.filter_jit
def direction(position, heading, combine, weight=1.0, blind_to_repulsion=False):
    """What each of these fish wants, zones ending at 1, 2 and 5."""
    n = position.shape[0]
    fish = Fish(position.T, heading.T, jnp.full(n, 1.0), jnp.full(n, 2.0), jnp.full(n, 5.0))
    sums = social(fish, fish, None, FREE, jnp.asarray(BLIND), blind_to_repulsion)
    return wish(sums, fish.heading, combine, jnp.asarray(weight)).T


X, Y, Z = np.eye(3)


def wanted(places, headings, combine="normalised", **options):
    """What the first fish wants; it is at the origin and heads along x."""
    position, heading = jnp.asarray([np.zeros(3), *places]), jnp.asarray([X, *headings])
    return np.asarray(direction(position, heading, combine, **options))[0]


def test_each_zone_does_what_it_is_called():
    np.testing.assert_allclose(wanted([0.5 * Y], [Z]), -Y, atol=1e-15)
    np.testing.assert_allclose(wanted([1.5 * Y], [Z]), Z, atol=1e-15)
    np.testing.assert_allclose(wanted([3.0 * Y], [Z]), Y, atol=1e-15)
    np.testing.assert_array_equal(wanted([6.0 * Y], [Z]), X)


def test_repulsion_comes_first():
    np.testing.assert_allclose(wanted([0.5 * Y, 1.5 * Z, 3.0 * X], [Z, Y, Y]), -Y, atol=1e-15)


def test_what_is_behind_is_seen_by_repulsion_alone():
    np.testing.assert_array_equal(wanted([-3.0 * X], [Z]), X)
    np.testing.assert_allclose(wanted([-0.5 * X + 1e-3 * Y], [Z]), [1, -2e-3, 0], atol=1e-5)
    behind = wanted([-0.5 * X + 1e-3 * Y], [Z], blind_to_repulsion=True)
    np.testing.assert_array_equal(behind, X)
    just_seen, just_not = (
        np.array([np.cos(a), np.sin(a), 0]) * 3 for a in np.pi * np.array([0.749, 0.751])
    )
    np.testing.assert_allclose(wanted([just_seen], [Z]), just_seen / 3, atol=1e-12)
    np.testing.assert_array_equal(wanted([just_not], [Z]), X)


def test_orientation_and_attraction_combine_in_both_ways():
    places, headings = [1.5 * Y, 1.5 * X, 3.0 * Y], [Z, Z, X]
    np.testing.assert_allclose(wanted(places, headings), (Z + Y) / np.sqrt(2), atol=1e-15)
    np.testing.assert_allclose(
        wanted(places, headings, "sum"), (2 * Z + Y) / np.sqrt(5), atol=1e-15
    )
    half = wanted(places, headings, weight=0.5)
    np.testing.assert_allclose(half, (0.5 * Z + Y) / np.sqrt(1.25), atol=1e-15)


def test_two_that_cancel_leave_the_heading():
    np.testing.assert_array_equal(wanted([0.5 * Y, -0.5 * Y], [Z, Z]), X)


def directions(key, d, n=4000):
    v = jax.random.normal(key, (d, n))
    return v / jnp.linalg.norm(v, axis=0, keepdims=True)


@pytest.mark.parametrize("d", [2, 3])
def test_turns_are_of_the_angle_they_should_be(d):
    a, b = directions(jax.random.key(0), d), directions(jax.random.key(1), d)

    def angle(a, b):
        return np.arccos(np.clip(np.sum(np.asarray(a) * b, axis=0), -1, 1))

    apart = angle(a, b)
    largest = jnp.asarray(0.4)
    turned = rotate_towards(a, b, largest)
    np.testing.assert_allclose(np.linalg.norm(turned, axis=0), 1, atol=1e-14)
    np.testing.assert_allclose(angle(a, turned), np.minimum(apart, 0.4), atol=1e-7)
    np.testing.assert_allclose(angle(b, turned), np.maximum(apart - 0.4, 0), atol=1e-7)
    chord = interpolate_towards(a, b, largest)
    t = np.minimum(0.4 / apart, 1)
    expected = (1 - t) * np.asarray(a) + t * np.asarray(b)
    np.testing.assert_allclose(chord, expected / np.linalg.norm(expected, axis=0), atol=1e-12)


def test_opposite_or_unlimited_wishes_are_no_trouble():
    x = jnp.asarray(X)[:, None]
    for turn in (rotate_towards, interpolate_towards):
        assert np.all(np.isfinite(turn(x, -x, jnp.asarray(0.4))))
        np.testing.assert_allclose(
            turn(x, jnp.asarray(Y)[:, None], jnp.asarray(4.0))[:, 0], Y, atol=1e-15
        )
    np.testing.assert_array_equal(rotate_towards(x, -x, jnp.asarray(4.0)), -x)


@pytest.mark.parametrize("d", [2, 3])
def test_errors_are_wrapped_gaussians(d):
    """The mean cosine of a wrapped Gaussian angle is exp(-sigma^2/2), and the side is isotropic."""
    a = jnp.tile(jnp.eye(d)[:, :1], (1, 40000))
    noisy = np.asarray(deflect(a, jnp.asarray(0.5), jax.random.key(2)))
    np.testing.assert_allclose(np.linalg.norm(noisy, axis=0), 1, atol=1e-14)
    assert noisy[0].mean() == pytest.approx(np.exp(-0.125), abs=4 * noisy[0].std() / 200)
    assert np.all(np.abs(noisy[1:].mean(axis=1)) < 4 * 0.5 / 200)
    across = noisy[1:].var(axis=1)
    np.testing.assert_allclose(across, (1 - np.exp(-0.5)) / 2 / (d - 1), rtol=0.05)
    np.testing.assert_allclose(
        np.linalg.norm(jostle(a, jnp.asarray(0.5), jax.random.key(3)), axis=0), 1, atol=1e-14
    )


# -------------------------------------------------------------------------------------------------
# symmetries

step = eqx.filter_jit(lambda solver, state: solver.step(state))


def arrays(state):
    return np.asarray(state.position), np.asarray(state.heading)


def school(position, heading):
    return CouzinState(
        jnp.zeros(()), jnp.asarray(position), jnp.asarray(heading), jax.random.key(0)
    )


@pytest.fixture(scope="module")
def free():
    """Thirty fish close enough for every zone, and where a step without noise takes them."""
    solver = Couzin(n=30, noise=0.0, orientation_width=2.0, attraction_width=3.0)
    rng = np.random.default_rng(0)
    heading = rng.standard_normal((30, 3))
    state = school(
        3 * rng.random((30, 3)), heading / np.linalg.norm(heading, axis=1, keepdims=True)
    )
    return solver, state, step(solver, state)


def check(solver, start, position, heading):
    after = step(solver, start)
    np.testing.assert_allclose(after.position, position, atol=1e-12)
    np.testing.assert_allclose(after.heading, heading, atol=1e-12)


def test_a_step_commutes_with_rotations_and_reflections(free):
    solver, state, after = free
    turn, _ = np.linalg.qr(np.random.default_rng(1).standard_normal((3, 3)))
    for matrix in (turn, turn @ np.diag([1, 1, -1])):
        start = school(*(values @ matrix for values in arrays(state)))
        check(solver, start, *(values @ matrix for values in arrays(after)))


def test_a_step_commutes_with_translations_and_relabelling(free):
    solver, state, after = free
    shift, order = np.array([3.0, -7.0, 0.5]), np.random.default_rng(2).permutation(30)
    (x, v), (x_after, v_after) = arrays(state), arrays(after)
    check(solver, school(x + shift, v), x_after + shift, v_after)
    check(solver, school(x[order], v[order]), x_after[order], v_after[order])


def test_a_periodic_step_commutes_with_translations_and_the_symmetries_of_the_cube(free):
    _, state, _ = free
    x, v = arrays(state)
    zones: dict[str, Any] = dict(orientation_width=0.5, attraction_width=0.4)
    solver = Couzin(n=30, length=4.0, noise=0.0, initial=RandomBox(), **zones)
    x_after, v_after = arrays(step(solver, state))
    shift = np.array([1.0, 2.5, 3.25])
    moved, heading = arrays(step(solver, school(np.mod(x + shift, 4), v)))
    np.testing.assert_allclose(heading, v_after, atol=1e-12)
    difference = moved - x_after - shift
    np.testing.assert_allclose(difference - 4 * np.round(difference / 4), 0, atol=1e-12)
    _, swapped = arrays(step(solver, school(x[:, [2, 0, 1]], v[:, [2, 0, 1]])))
    np.testing.assert_allclose(swapped, v_after[:, [2, 0, 1]], atol=1e-12)


def test_speeds_may_differ(free):
    _, state, _ = free
    factors = np.linspace(0.5, 2, 30)
    after = step(Couzin(n=30, noise=0.0, speed_factors=factors), state)
    moved = np.linalg.norm(after.position - state.position, axis=1)
    np.testing.assert_allclose(moved, 0.3 * factors, rtol=1e-12)


def test_the_staircase_goes_up_and_down():
    stairs = Staircase(top=1.0, rise=0.25, hold=10.0)
    times = np.array([0.05, 9.95, 10.05, 39.95, 40.05, 49.95, 50.05, 85.0, 500.0])
    expected = [0, 0, 0.25, 0.75, 1, 1, 0.75, 0, 0]
    widths = [float(stairs(jnp.asarray(0.0), jnp.asarray(t))) for t in times]
    np.testing.assert_allclose(widths, expected, atol=1e-15)
    assert (
        float(stairs.largest(jnp.asarray(0.0))) == 1
        and float(Constant().largest(jnp.asarray(0.3))) == 0.3
    )
