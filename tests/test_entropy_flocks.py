"""The entropies of manuk-kepudang: a flock without random numbers, and the package where it is."""

import numpy as np
import pytest

from physent.entropy.schools.manuk_kepudang import (
    FlockEntropies,
    flock_entropies,
    spatial_complexity_index,
    voronoi_entropy,
)

N, SIDE, RADIUS = 90, 10.0, 3.0
COUNT = np.arange(N)[:, None] + 0.5
POSITION = SIDE * np.mod(COUNT * np.sqrt([2.0, 3.0, 5.0]), 1)
VELOCITY = np.cos(COUNT * np.array([[0.3, 0.7, 1.1]]) + 0.02 * POSITION)
VELOCITY *= 0.5 / np.linalg.norm(VELOCITY, axis=1, keepdims=True)
# of the package, version 0.0.2, with NumPy 2.4
EXPECTED = FlockEntropies(
    1.0, 0.9448073117583754, 0.6786687646720216, 0.25139166519400014, 0.9851124164714029
)
VORONOI, INDEX = 0.17279596692115984, 0.5104252153456924


def test_the_entropies_of_a_flock_are_those_of_the_package():
    both = flock_entropies(np.stack([POSITION] * 2), np.stack([VELOCITY] * 2), SIDE, RADIUS)
    np.testing.assert_allclose(np.stack(both), np.stack([EXPECTED] * 2, axis=1), atol=1e-12)
    found = FlockEntropies(*(values[0] for values in both))
    voronoi = voronoi_entropy(POSITION, SIDE)
    assert float(voronoi) == pytest.approx(VORONOI, abs=1e-12)
    assert float(spatial_complexity_index(found, voronoi)) == pytest.approx(INDEX, abs=1e-12)


def test_a_flock_in_one_place_and_of_one_mind_has_none():
    found = flock_entropies(np.full((70, 3), 5.05), np.full((70, 3), 0.3), SIDE, RADIUS)
    np.testing.assert_allclose(found, np.zeros(5), atol=1e-12)
    assert float(voronoi_entropy(np.zeros((3, 3)), SIDE)) == 0.5


def test_birds_alone_are_of_one_mind_with_themselves():
    """The package loses those whose speed, over that of the first, is above 1 by rounding."""
    r = np.random.default_rng(0)
    velocity = r.standard_normal((64, 3))
    velocity *= 0.5 / np.linalg.norm(velocity, axis=1, keepdims=True)
    places = np.stack(np.meshgrid(*[np.arange(4) * 2.5 + 1] * 3), axis=-1).reshape(-1, 3)
    assert float(flock_entropies(places, velocity, SIDE, 1.0).local_alignment) == 0


def test_what_is_no_flock_is_refused():
    for shape in ((5, 2), (1, 3), (3,)):
        with pytest.raises(ValueError, match="3 components"):
            flock_entropies(np.zeros(shape), np.ones(shape), SIDE, RADIUS)


@pytest.mark.slow
def test_the_package_agrees_on_trajectories_of_its_own():
    core = pytest.importorskip("manuk_kepudang.core")
    for noise in (0.1, 0.5, 1.5):
        system = core.VicsekSystem(100, SIDE, 0.5, RADIUS, noise, 1)
        run = core.VicsekSolver(use_numba=False).solve(system, 20, 10, verbose=False)
        x, v = run["positions"], run["velocities"]
        ours, voronoi = flock_entropies(x, v, SIDE, RADIUS), voronoi_entropy(x, SIDE)
        index = spatial_complexity_index(ours, voronoi)
        theirs = [
            core.compute_all_metrics(*each, SIDE, 0.5, RADIUS) for each in zip(x, v, strict=True)
        ]
        names = (
            "positional_entropy",
            "orientational_entropy",
            "local_alignment_entropy",
            "pair_correlation_entropy",
            "position_velocity_mutual_info",
            "voronoi_entropy",
            "spatial_complexity_index",
        )
        for name, values in zip(names, (*ours, voronoi, index), strict=True):
            np.testing.assert_allclose(values, [each[name] for each in theirs], atol=1e-12)
