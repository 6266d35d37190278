"""The Couzin solver as others see it: order parameters, tiles, starts, runs, refusals."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

import physent
from physent.diagnostics import SchoolDewiKadita, SchoolEntropy
from physent.errors import ParameterError
from physent.solvers.couzin import Couzin, FromFile, RandomBall, RandomBox, Ring, Staircase
from physent.solvers.couzin.model import CouzinState

start = eqx.filter_jit(lambda solver, key: solver.init(key))
step = eqx.filter_jit(lambda solver, state: solver.step(state))
look = eqx.filter_jit(lambda solver, state: solver.observe(state))


def school(position, heading):
    return CouzinState(
        jnp.zeros(()), jnp.asarray(position), jnp.asarray(heading), jax.random.key(0)
    )


def test_order_parameters_of_known_schools():
    """A mill across the edge of the box, and one of two parallel halves far apart."""
    angle = np.arange(40) * (2 * np.pi / 40)
    ring = np.stack([np.cos(angle), np.sin(angle), np.zeros(40)], axis=1)
    tangent = np.stack([-np.sin(angle), np.cos(angle), np.zeros(40)], axis=1)
    solver = Couzin(
        n=40, length=50.0, repulsion_radius=0.1, orientation_width=0.5, attraction_width=2.4
    )
    middle = np.array([0.5, 49.0, 25.0])
    mill = look(solver, school(np.mod(middle + 3 * ring, 50), tangent))
    expected = {
        "polarization": 0,
        "rotation": 1,
        "spread": 3,
        "neighbour_distance": 6 * np.sin(np.pi / 40),
        "groups": 1,
    }
    for name, value in expected.items():
        assert float(mill[name]) == pytest.approx(value, abs=1e-12), name
    halves = np.where(np.arange(40)[:, None] < 20, ring, ring + np.array([20.0, 0, 0]))
    apart = look(solver, school(np.mod(middle + halves, 50), np.tile([0.6, 0.8, 0], (40, 1))))
    assert int(apart["groups"]) == 2
    assert float(apart["polarization"]) == pytest.approx(1, abs=1e-12)
    assert float(apart["rotation"]) < 0.2


SPACES = [
    (3, 10.0),
    *(pytest.param(*space, marks=pytest.mark.slow) for space in ((3, None), (2, 10.0), (2, None))),
]


@pytest.mark.parametrize(("dimensions", "length"), SPACES)
def test_tiles_give_what_all_pairs_give(dimensions, length):
    """With radii that differ from fish to fish, and through the renewals of several steps."""
    factors = np.linspace(0.3, 1.6, 60)
    both = [
        Couzin(
            n=60,
            dimensions=dimensions,
            length=length,
            search=search,
            tile_size=4,
            orientation_factors=factors,
            attraction_factors=factors[::-1],
            orientation_width=0.8,
            attraction_width=1.5,
            initial=RandomBox(side=10.0),
        )
        for search in ("dense", "tiles")
    ]
    dense, tiled = (start(solver, jax.random.key(1)) for solver in both)
    for _ in range(12):
        dense, tiled = (
            step(solver, state) for solver, state in zip(both, (dense, tiled), strict=True)
        )
    assert int(both[1].error(tiled)) == 0
    np.testing.assert_allclose(tiled.heading, dense.heading, atol=1e-12)
    np.testing.assert_allclose(tiled.position, dense.position, atol=1e-12)
    seen = [look(solver, state) for solver, state in zip(both, (dense, tiled), strict=True)]
    for name in ("groups", "neighbour_distance", "rotation"):
        np.testing.assert_allclose(seen[1][name], seen[0][name], rtol=1e-12)


@pytest.mark.slow
def test_a_run_makes_room_for_near_tiles():
    """Too little of it is found out, at the start or later, and the run is the one with enough."""
    options: dict[str, Any] = dict(
        n=64, search="tiles", tile_size=4, attraction_width=4.0, initial=RandomBall(radius=6.0)
    )
    runs = [
        physent.run(
            Couzin(near_tiles=room, **options), t_end=6.0, save_every=0.5, variables=["position"]
        )
        for room in (2, 64)
    ]
    np.testing.assert_allclose(*(run.position.values[:8] for run in runs), atol=1e-9)


def test_room_grows_whatever_the_last_good_state_knows():
    """An overflow comes after that state, whose own near tiles had room enough."""
    solver = Couzin(
        n=400, search="tiles", tile_size=4, near_tiles=40, initial=RandomBall(radius=60.0)
    )
    state = start(solver, jax.random.key(0))
    assert int(solver.error(state)) == 0
    for _ in range(2):
        larger, state = solver.grow(state)
        assert (
            larger.near_tiles > solver.near_tiles * 1.4
            and state.tiling.capacity == larger.near_tiles
        )
        solver = larger


def test_tiles_serve_the_state_they_are_in():
    """They are renewed after a step and not before the next: what is observed in between has no
    overflow to lose.
    """
    solver = Couzin(
        n=64,
        search="tiles",
        tile_size=4,
        initial=RandomBall(radius=30.0),
        noise=0.0,
        turning_rate=1e-9,
    )
    state = start(solver, jax.random.key(0))
    for _ in range(7):
        state = step(solver, state)
        moved = np.linalg.norm(state.position.T - state.tiling.reference, axis=0)
        assert moved.max() <= 5 * 0.3 * (1 + 1e-9)  # half of the skin


@pytest.mark.parametrize("dimensions", [2, 3])
def test_schools_start_as_they_should(dimensions):
    key, shape = jax.random.key(4), (dimensions, 2000)
    for initial, length in (
        (RandomBall(radius=2.0), None),
        (RandomBox(), jnp.asarray(8.0)),
        (Ring(), jnp.asarray(30.0)),
    ):
        position, heading = map(np.asarray, initial(key, shape, length, jnp.dtype(float)))
        np.testing.assert_allclose(np.linalg.norm(heading, axis=0), 1, atol=1e-12)
        if isinstance(initial, RandomBall):
            distance = np.linalg.norm(position, axis=0)
            assert distance.max() < 2 and np.mean(distance < 1) == pytest.approx(
                0.5**dimensions, abs=0.03
            )
        elif isinstance(initial, RandomBox):
            assert (
                position.min() > 0
                and position.max() < 8
                and position.mean() == pytest.approx(4, abs=0.2)
            )
        else:
            out = position - 15
            assert np.mean(np.hypot(*out[:2])) == pytest.approx(6, abs=0.1)
            turning = (out[0] * heading[1] - out[1] * heading[0]) / np.hypot(*out[:2])
            assert turning.mean() > 0.98


@pytest.fixture(scope="module")
def run():
    """A short torus of two members with the paper's stairs, and all entropies, as one run."""
    solver = Couzin(
        n=24,
        length=30.0,
        schedule=Staircase(top=1.25, rise=0.5, hold=1.0),
        orientation_width=[0.25, 0.75],
    )
    diagnostics = [SchoolDewiKadita(), SchoolEntropy()]
    return physent.run(solver, t_end=4.0, save_every=0.5, members=2, diagnostics=diagnostics)


@pytest.mark.slow
def test_a_run_saves_schools_and_their_entropies(run, tmp_path):
    assert run.position.dims == ("t", "member", "fish", "component") and run.sizes["fish"] == 24
    np.testing.assert_allclose(np.linalg.norm(run.heading, axis=-1), 1, atol=1e-12)
    steps = np.diff(run.position.values[:, 0], axis=0)
    steps -= 30 * np.round(steps / 30)
    assert np.all(np.linalg.norm(steps, axis=-1) <= 1.5 * (1 + 1e-12))  # five steps of 0.3
    assert float(run.polarization.max()) <= 1 and float(run.rotation.max()) <= 1
    np.testing.assert_allclose(
        run.orientation_width_now.values[[0, 3, 5, 8], 0], [0.25, 0.75, 1.25, 0.25]
    )
    index = sum(
        weight * run[f"schooling_{name}_entropy"]
        for name, weight in {
            "cohesion": 0.18,
            "polarization": 0.28,
            "depth": 0.08,
            "angular_momentum": 0.08,
            "neighbour": 0.10,
            "velocity_correlation": 0.18,
            "shape": 0.10,
        }.items()
    )
    np.testing.assert_allclose(run.schooling_index, index, atol=1e-12)
    single = run.isel(member=1)
    again = physent.diagnose(single, [SchoolDewiKadita(length=30.0, name="again")])
    np.testing.assert_allclose(again.again_index, single.schooling_index, atol=1e-12)
    xr.Dataset({name: single[name] for name in ("position", "heading")}).to_netcdf(
        tmp_path / "run.nc"
    )
    state = start(
        Couzin(n=24, initial=FromFile(path=str(tmp_path / "run.nc"), index=3)), jax.random.key(0)
    )
    np.testing.assert_allclose(state.position, single.position.values[3], atol=1e-14)
    np.testing.assert_allclose(state.heading, single.heading.values[3], atol=1e-14)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Couzin(speed_factors=[1.0, 2.0]), ["speed_factors", "2 numbers", "n = 100"]),
        (lambda: Couzin(initial=RandomBox()), ["initial.side", "unbounded"]),
        (lambda: Couzin(initial=FromFile(path="nowhere.nc")), ["initial.path", "nowhere.nc"]),
        (lambda: Couzin(blind_angle=4.0), ["blind_angle", "4.0"]),
        (lambda: Couzin(combine="mean"), ["combine", "normalised, sum"]),  # pyright: ignore[reportArgumentType]
        (lambda: Couzin(n=1), ["n", ">= 2"]),
        (lambda: Couzin(n=10.5), ["n", "10.5", "an integer >= 2"]),  # pyright: ignore[reportArgumentType]
        (lambda: Couzin(length=5.0, initial=RandomBox(side=8.0)), ["initial.side", "8.0", "5.0"]),
        (lambda: Couzin(length=5.0, initial=Ring(radius=6.0)), ["initial.radius", "6.0", "5.0"]),
        (lambda: Couzin(length=5.0), ["initial.radius", "3.5", "5.0"]),
        (
            lambda: Couzin(schedule=Staircase(top=1.0), orientation_width=0.1),
            ["schedule.rise", "3.6", ">= 1"],
        ),
        (
            lambda: Couzin(schedule=Staircase(top=1.0), orientation_width=1.0),
            ["schedule.rise", "0.0", ">= 1"],
        ),
    ],
)
def test_refusals_say_what_was_given_and_what_is_allowed(make, words):
    with pytest.raises(ParameterError) as refusal:
        make()
    assert all(word in str(refusal.value) for word in words), refusal.value
