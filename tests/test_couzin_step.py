"""What a step does to a few fish: the rules as `Couzin` applies them; and the four states of the
paper.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import physent
from physent.solvers.couzin import Couzin
from physent.solvers.couzin.model import CouzinState

STEP = eqx.filter_jit(lambda solver, state: solver.step(state))
X, Y, Z = np.eye(3)
# radii 1, 3 and 7, by their widths; a step turns by 0.05 at most and goes 0.2 far
OPTIONS: dict[str, Any] = dict(
    orientation_width=2.0, attraction_width=4.0, turning_rate=0.5, speed=2.0, noise=0.0
)
TURN = 0.05


def after(places, headings, **options):
    """Positions and headings one step after the first fish was at the origin and headed along x."""
    position, heading = np.array([np.zeros(3), *places]), np.array([X, *headings])
    state = CouzinState(
        jnp.zeros(()), jnp.asarray(position), jnp.asarray(heading), jax.random.key(0)
    )
    new = STEP(Couzin(n=len(position), **OPTIONS | options), state)
    return np.asarray(new.position), np.asarray(new.heading)


def turned_to(wish, angle=TURN):
    """The direction at an angle from x towards a wish at right angles to it."""
    return np.cos(angle) * X + np.sin(angle) * np.asarray(wish)


@pytest.mark.parametrize("turning", ["rotation", "interpolation"])
def test_a_far_wish_is_followed_by_the_turning_rate_and_a_near_one_altogether(turning):
    position, heading = after([5 * Y], [X], turning=turning)
    if turning == "rotation":
        np.testing.assert_allclose(heading[0], turned_to(Y), atol=1e-14)
    else:  # the share of the chord that the angle is of a right angle
        share = TURN / (np.pi / 2)
        np.testing.assert_allclose(heading[0, 1] / heading[0, 0], share / (1 - share), atol=1e-14)
    np.testing.assert_allclose(position[0], 0.2 * heading[0], atol=1e-15)
    near = turned_to(Y, 0.8 * TURN)
    _, heading = after([5 * near], [X], turning=turning)
    np.testing.assert_allclose(heading[0], near, atol=1e-14)


def test_a_fish_ahead_is_followed_and_one_behind_is_not_seen():
    def towards(angle):
        return np.array([np.cos(angle), np.sin(angle), 0.0])

    for angle in (0.1, 1.5, 0.74 * np.pi):
        np.testing.assert_allclose(after([5 * towards(angle)], [Z])[1][0], turned_to(Y), atol=1e-14)
    for angle in (0.76 * np.pi, np.pi):
        np.testing.assert_array_equal(after([5 * towards(angle)], [Z])[1][0], X)
    seen = after([5 * towards(0.9 * np.pi)], [Z], blind_angle=0.05 * np.pi)[1][0]
    np.testing.assert_allclose(seen, turned_to(Y), atol=1e-14)


def test_zones_end_at_the_sums_of_the_widths():
    """Just inside and just outside of 1, 3 and 7: away, along, towards, nothing."""
    for distance, wish in ((0.99, -Y), (1.01, Z), (2.99, Z), (3.01, Y), (6.99, Y)):
        np.testing.assert_allclose(
            after([distance * Y], [Z])[1][0], turned_to(wish), atol=1e-14, err_msg=str(distance)
        )
    np.testing.assert_array_equal(after([7.01 * Y], [Z])[1][0], X)


def test_repulsion_has_priority():
    crowd = [0.5 * Y, 2 * Z, 2 * X, 5 * Z, 5 * X]
    np.testing.assert_allclose(after(crowd, [Z] * 5)[1][0], turned_to(-Y), atol=1e-14)
    behind = 0.5 * (Y - 2 * X) / np.sqrt(5)
    _, heading = after([behind, 5 * Z], [X, X])
    assert heading[0, 1] < 0 and abs(heading[0, 2]) < 1e-15
    _, heading = after([behind, 5 * Z], [X, X], blind_to_repulsion=True)
    np.testing.assert_allclose(heading[0], turned_to(Z), atol=1e-14)


@pytest.mark.parametrize(("combine", "wish"), [("normalised", Y / 2 + Z), ("sum", 2 * Y / 2 + Z)])
def test_both_ways_to_combine_orientation_and_attraction(combine, wish):
    """Two to align with and one to follow, at the weight 1/2."""
    _, heading = after([1.5 * X, 2 * X, 5 * Z], [Y, Y, X], combine=combine, orientation_weight=0.5)
    np.testing.assert_allclose(heading[0], turned_to(wish / np.linalg.norm(wish)), atol=1e-14)


@pytest.mark.slow
@pytest.mark.parametrize("model", ["angular", "vector"])
def test_the_error_of_a_step_has_the_variance_that_was_given(model):
    """Fish on their own, in all directions; across the heading each component has the variance of
    the error.

    An angular error is one angle to a random side, and the turn follows it as far as it can: here,
    altogether.
    """
    n, noise = 4000, 0.1
    rng = np.random.default_rng(0)
    heading = rng.standard_normal((n, 3))
    heading /= np.linalg.norm(heading, axis=1, keepdims=True)
    state = CouzinState(
        jnp.zeros(()),
        jnp.asarray(1e4 * rng.random((n, 3))),
        jnp.asarray(heading),
        jax.random.key(1),
    )
    options = OPTIONS | dict(noise=noise, noise_model=model, search="dense", turning_rate=50.0)
    new = np.asarray(STEP(Couzin(n=n, **options), state).heading)  # pyright: ignore[reportArgumentType]
    np.testing.assert_allclose(np.linalg.norm(new, axis=1), 1, atol=1e-14)
    angle = np.arccos(np.clip(np.sum(new * heading, axis=1), -1, 1))
    expected = noise**2 * (1 if model == "angular" else 2)
    assert np.mean(angle**2) == pytest.approx(expected, rel=0.08)
    assert np.linalg.norm(np.mean(new - heading, axis=0)) < 4 * noise / np.sqrt(n)


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"n": 30, "search": "tiles", "tile_size": 4}])
def test_a_step_takes_its_own_random_numbers(options):
    """Two steps, two errors; the same key, the same step."""
    solver = Couzin(
        **{"n": 2, "noise": 0.1, "attraction_width": 0.0, "orientation_width": 0.0} | options
    )
    first = solver.init(jax.random.key(0))
    second = STEP(solver, first)
    again, third = STEP(solver, first), STEP(solver, second)
    np.testing.assert_array_equal(again.heading, second.heading)
    assert np.all(np.abs((third.heading - second.heading) - (second.heading - first.heading)) > 0)


STATES = {  # width of orientation: the limits of polarization and of rotation
    "swarm": (0.0, (0.0, 0.3), (0.0, 0.3)),
    "torus": (0.75, (0.0, 0.15), (0.85, 1.0)),
    "dynamic parallel": (3.5, (0.87, 0.95), (0.0, 0.1)),
    "highly parallel": (8.0, (0.995, 1.0), (0.0, 1.0)),
}


@pytest.mark.runs_long
@pytest.mark.slow
def test_the_four_states_of_the_paper():
    """A hundred fish, one member a state; the torus holds row by row."""
    widths = [width for width, _, _ in STATES.values()]
    solver = Couzin(orientation_width=widths)
    run = physent.run(
        solver,
        t_end=300.0,
        save_every=1.0,
        members=4,
        variables=["polarization", "rotation", "groups"],
        seed=1,
    )
    half = run.isel(t=slice(150, None))
    for member, (name, (_, *limits)) in enumerate(STATES.items()):
        for quantity, (low, high) in zip(("polarization", "rotation"), limits, strict=True):
            mean = float(half[quantity][:, member].mean())
            assert low <= mean <= high, (name, quantity, mean)
    torus = half.isel(member=1)
    assert float(torus.rotation.min()) > 0.7 and float(torus.polarization.max()) < 0.3
