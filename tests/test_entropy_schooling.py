"""Entropies of schools: dewi-kadita's numbers, and what the improved ones must be for schools one
knows.
"""

import jax
import numpy as np
import pytest

from physent import entropy as library

# compute_all_metrics of dewi-kadita 0.0.4 for the school below
PUBLISHED = {
    "cohesion": 0.6478871968920286,
    "polarization": 0.6102403205606345,
    "depth": 0.9275981326271463,
    "angular_momentum": 0.7155362675520442,
    "neighbour": 0.4099915919799971,
    "velocity_correlation": 0.9349957830388794,
    "shape": 0.9768121246992248,
}
INDEX, ROTATION = 0.7259173498267986, 0.04246341705233035


@pytest.fixture(scope="module")
def school():
    rng = np.random.default_rng(2026)
    return rng.random((40, 3)) * 10, rng.standard_normal((40, 3)) + np.array([1.0, 0.5, 0.0])


def test_the_published_seven_and_their_index(school):
    position, heading = school
    values = library.schooling_entropies(position, heading, 10.0)
    for name, value in PUBLISHED.items():
        assert float(getattr(values, name)) == pytest.approx(value, abs=1e-13), name
    assert float(library.oceanic_schooling_index(values)) == pytest.approx(INDEX, abs=1e-13)
    assert float(library.wrapped_rotation(position, heading)) == pytest.approx(ROTATION, abs=1e-13)


@pytest.mark.slow
def test_each_of_the_seven_alone_is_the_same(school):
    position, heading = school
    alone = {
        "cohesion": library.cohesion_entropy(position, 10.0),
        "polarization": library.polarization_entropy(heading),
        "depth": library.depth_entropy(position, 10.0),
        "angular_momentum": library.angular_momentum_entropy(position, heading),
        "neighbour": library.neighbour_entropy(position, 10.0),
        "velocity_correlation": library.velocity_correlation_entropy(heading),
        "shape": library.shape_entropy(position),
    }
    for name, value in alone.items():
        assert float(value) == pytest.approx(PUBLISHED[name], abs=1e-13), name
    batch = library.velocity_correlation_entropy(np.stack([heading, heading[:, ::-1]]))
    np.testing.assert_allclose(batch, PUBLISHED["velocity_correlation"], atol=1e-13)


def test_fish_at_random_have_the_entropies_of_chance():
    """Isotropic headings 1, uniform positions and depths 0."""
    rng = np.random.default_rng(3)
    many = library.school_entropies(
        rng.random((30, 400, 3)) * 5, rng.standard_normal((30, 400, 3)), 5.0
    )
    for name, value in {"heading": 1.0, "depth": 0.0, "position": 0.0, "shape": 1.0}.items():
        values = np.asarray(getattr(many, name))
        tolerance = (
            0.01 if name == "shape" else 4 * values.std() / np.sqrt(30) + 0.01
        )  # the slight bias of k = 3
        assert values.mean() == pytest.approx(value, abs=tolerance), name


@pytest.mark.slow
def test_a_mill_is_seen_across_the_edges_of_the_box():
    """The improved ones do not change when a school is moved over the edge; the published do."""
    rng = np.random.default_rng(4)
    angle = np.arange(60) * (2 * np.pi / 60) + 0.02 * rng.standard_normal(60)
    ring = np.stack([np.cos(angle), np.sin(angle), 0.1 * rng.standard_normal(60)], axis=1) * 2
    tangent = np.stack([-np.sin(angle), np.cos(angle), 0.1 * rng.standard_normal(60)], axis=1)
    both = np.stack([np.mod(ring + 10, 20), np.mod(ring, 20)])
    values = library.school_entropies(both, np.stack([tangent] * 2), 20.0)
    for name, value in values._asdict().items():
        assert float(value[1]) == pytest.approx(float(value[0]), abs=1e-9), name
    assert float(values.angular_momentum[0]) < -2
    np.testing.assert_allclose(
        library.from_centre(both, 20.0)[1], library.from_centre(both[0]), atol=1e-12
    )
    published = library.schooling_entropies(both, np.stack([tangent] * 2), 20.0).angular_momentum
    assert abs(float(published[0] - published[1])) > 0.1


def test_correlations_fall_off_with_distance(school):
    """Pairs near each other share a heading, far ones do not; every pair is in one shell."""
    rng = np.random.default_rng(5)
    centres = np.array([[0.0, 0, 0], [10, 0, 0]])
    position = (centres[:, None] + rng.random((2, 30, 3))).reshape(-1, 3)
    heading = np.repeat([[1.0, 0, 0], [0, 0, 1.0]], 30, axis=0)
    profile = library.velocity_correlation_profile(position, heading, [0.0, 2, 20])
    near, far = (jax.tree.map(lambda v, s=s: float(v[s]), profile) for s in (0, 1))
    assert near.correlation == pytest.approx(1) and near.entropy == pytest.approx(0, abs=1e-12)
    assert far.correlation == pytest.approx(0, abs=1e-12) and far.distance == pytest.approx(
        10, abs=0.5
    )
    position, heading = school
    whole = library.velocity_correlation_profile(position, heading, [0.0, 100.0])
    assert float(whole.entropy[0]) == pytest.approx(PUBLISHED["velocity_correlation"], abs=1e-12)


def test_planar_schools_and_misshapen_data():
    rng = np.random.default_rng(6)
    position, heading = rng.random((50, 2)) * 4, rng.standard_normal((50, 2))
    for values in (
        library.schooling_entropies(position, heading, 4.0),
        library.school_entropies(position, heading, 4.0),
    ):
        assert np.all(np.isfinite([float(value) for value in values]))
    with pytest.raises(ValueError, match="2 or 3 components"):
        library.shape_entropy(np.zeros((5, 4)))
    with pytest.raises(ValueError, match="nearest neighbours of 4 points"):
        library.schooling_entropies(np.zeros((4, 3)), np.ones((4, 3)), 1.0)


@pytest.mark.slow
def test_dewi_kadita_agrees_on_a_trajectory_of_its_own():
    metrics = pytest.importorskip("dewi_kadita.core.metrics")
    systems = pytest.importorskip("dewi_kadita.core.systems")
    solvers = pytest.importorskip("dewi_kadita.core.solver")
    system = systems.CouzinSystem(
        n_fish=30, box_size=10.0, r_orientation=2.0, r_attraction=4.0, seed=1
    )
    run = solvers.CouzinSolver(use_numba=False).solve(system, n_steps=40, verbose=False)
    theirs = metrics.compute_metrics_timeseries(
        run["positions"], run["velocities"], run["time"], 10.0, verbose=False
    )
    ours = library.schooling_entropies(run["positions"], run["velocities"], 10.0)
    np.testing.assert_allclose(
        library.oceanic_schooling_index(ours), theirs["oceanic_schooling_index"], atol=1e-12
    )
