"""Entropy production of trajectories, against systems whose rate is known."""

import jax
import numpy as np
import pytest
import xarray as xr

from physent.entropy import linear_entropy_production
from physent.errors import ParameterError
from physent.production import ESTIMATORS, Estimate, VarianceSum, estimate, systems
from physent.production.findings import findings
from physent.production.forces import Uncertainty
from physent.production.grid import Neighbours
from physent.production.linear import Linear, process_of
from physent.production.symbols import suffixes
from physent.production.trajectories import as_trajectories


def rows(known, n, seed=0):
    return known.sample(n, np.random.default_rng(seed))


def looked_at(known, x, **words):
    return estimate(x, known.dt, period=known.period, parity=known.parity, **words)


def right(table, label, rate, errors=4.0):
    """Whether an estimate is within so many standard errors of the truth, which are small."""
    row = table.sel(estimator=label)
    off, error = abs(float(row.rate) - rate), float(row.standard_error)
    return off < errors * error and error < 0.2 * rate


# ------------------------------------------------------------------------------------ truths


@pytest.mark.parametrize(
    ("n", "rate"),
    [(2, 2.025), (5, 0.629817), (8, 0.384426), (16, 0.197442), (32, 0.10423), (64, 0.055059)],
)
def test_the_rates_of_bead_springs_are_those_of_the_lyapunov_equation(n, rate):
    assert systems.beads(n).rate == pytest.approx(rate, rel=2e-5)


def test_rates_are_those_of_the_literature():
    assert systems.gyrator().rate == pytest.approx(1 / 9)
    assert systems.rotation().rate == pytest.approx(8)
    assert systems.aoup().rate == pytest.approx(1 / (0.1 * 1.5) * 0.5)
    assert systems.active_brownian().rate == pytest.approx(1)
    assert systems.tilted_ring().rate == pytest.approx(0.774718, abs=1e-6)
    assert systems.tilted_ring(height=2, d=0.5).rate == pytest.approx(0.191108, abs=1e-6)
    assert systems.flashing_ratchet().rate == pytest.approx(0.39820119, abs=1e-8)
    with jax.enable_x64(True):
        matrix = -(2 * np.eye(3) - np.eye(3, k=1) - np.eye(3, k=-1))
        exact = linear_entropy_production(matrix, np.linspace(10, 1, 3)).total
    assert systems.beads(3).rate == pytest.approx(float(exact), rel=1e-6)


def test_a_driven_particle_with_inertia_produces_the_work_on_it():
    """a <x v_y - y v_x>/T, of the stationary covariance."""
    from scipy.linalg import solve_continuous_lyapunov

    a = np.block([[np.zeros((2, 2)), -np.eye(2)], [np.asarray([[1, 0.3], [-0.3, 1]]), np.eye(2)]])
    s = solve_continuous_lyapunov(a, 2 * np.diag([0.0, 0, 1, 1]))
    work = 0.3 * (s[0, 3] - s[1, 2])
    assert systems.inertial().rate == pytest.approx(abs(work))


# ------------------------------------------------------------------------------------ estimators


def test_beads_are_right_though_the_interval_is_coarse_and_they_are_many():
    known = systems.beads(16)
    data = as_trajectories(rows(known, 200_000), known.dt)
    found = Linear()(data, np.random.default_rng(0))
    assert abs(found.rate - known.rate) < 3 * found.standard_error < 0.2 * known.rate


def test_a_linear_process_comes_back_from_its_steps():
    a = np.asarray([[1.0, 2.0], [-2.0, 1.5]])
    d = np.diag([1.0, 0.5])
    from scipy.linalg import expm, solve_continuous_lyapunov

    s = solve_continuous_lyapunov(a, 2 * d)
    p = expm(-a * 0.7)
    found = process_of(p, s - p @ s @ p.T, 0.7)
    for one, other in zip(found, (a, d, s), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)
    assert np.isnan(process_of(np.diag([-0.5, 0.5]), np.eye(2), 0.7).matrix).all()


@pytest.mark.parametrize(
    ("name", "label", "n"),
    [
        ("rotation", "linear", 50_000),
        ("inertial", "linear", 200_000),
        ("tilted_ring", "forces", 50_000),
        ("cycle", "forces", 50_000),
        ("flashing_ratchet", "markov_chain", 100_000),
        ("four_states", "markov_rates", 100_000),
        ("spins", "markov_chain", 100_000),
    ],
)
def test_the_recommended_estimate_is_right_and_bounds_are_below(name, label, n):
    known = getattr(systems, name)()
    table = looked_at(known, rows(known, n), seconds=20)
    assert table.attrs["recommended"] == label
    assert right(table, label, known.rate)
    assert f"Trust {label}, {float(table.rate.sel(estimator=label)):.5g}" in table.attrs["sentence"]
    bounds = table.isel(estimator=table.is_bound.values)
    assert bounds.sizes["estimator"] or name == "inertial"
    assert np.all(bounds.rate - 4 * bounds.standard_error < known.rate)
    finite = table[["rate", "standard_error", "low", "high", "seconds"]].to_array()
    assert np.isfinite(finite).all() and np.all(table.low <= table.high)
    for each in set(ESTIMATORS) - set(table.estimator.values):
        assert f"{each}: " in table.attrs["left_out"]


def test_noise_of_half_a_step_is_found_and_taken_away():
    known = systems.rotation()
    x = rows(known, 100_000)
    size = np.sqrt(2 * known.diffusion * known.dt) / 2
    noisy = x + size * np.random.default_rng(1).standard_normal(x.shape)
    table = looked_at(known, noisy)
    assert table.attrs["recommended"] == "linear_noisy" and right(table, "linear_noisy", known.rate)
    assert not right(table, "linear", known.rate) and "too low" in table.attrs["sentence"]
    np.testing.assert_allclose(table.attrs["measurement_noise"], size**2, rtol=0.1)
    np.testing.assert_allclose(np.diag(table.diffusion), known.diffusion, rtol=0.1)


def test_an_exposure_is_found_and_bounds_stay_below():
    known = systems.gyrator(dt=0.01)
    blurred = rows(known, 1_000_000).reshape(-1, 10, 2).mean(axis=1)
    table = estimate(blurred, 0.1, estimators=["linear", "linear_noisy", "uncertainty"])
    assert table.attrs["recommended"] == "linear_noisy" and "exposure" in table.attrs["sentence"]
    assert right(table, "linear_noisy", known.rate)
    bound = table.sel(estimator="uncertainty")
    assert bound.rate < known.rate + 3 * bound.standard_error


def test_a_coarse_interval_does_not_change_a_linear_process():
    known = systems.rotation(dt=0.5)
    table = looked_at(known, rows(known, 50_000), estimators="linear")
    assert right(table, "linear", known.rate)


def test_hidden_variables_leave_a_bound():
    known = systems.flashing_ratchet()
    place = rows(known, 200_000)[:, 0]
    table = estimate(place, 1.0)
    label = table.attrs["recommended"]
    assert "as a lower bound" in table.attrs["sentence"] and "hidden" in table.attrs["sentence"]
    assert bool(table.is_bound.sel(estimator=label)) and table.attrs["hidden"] == 1
    assert 0.05 < float(table.rate.sel(estimator=label)) < known.rate


def test_positions_of_what_has_inertia_are_no_overdamped_process():
    known = systems.inertial()
    x = rows(known, 50_000)[:, :2]
    found = findings(as_trajectories(x, known.dt))
    assert found.inertial and not found.noisy
    with pytest.raises(ParameterError, match=r"no estimator applies \(linear: steps go on"):
        estimate(x, known.dt)


def test_a_propulsion_that_is_hidden_leaves_no_value_to_trust():
    known = systems.active_brownian(d=0.1)
    x = rows(known, 50_000)[..., :2]
    table = estimate(x, known.dt, estimators=["forces", "uncertainty"])
    assert table.attrs["hidden"] == 1 and table.attrs["recommended"] == "uncertainty"


def test_compression_sees_what_is_hidden_from_pairs():
    known = systems.flashing_ratchet()
    table = estimate(rows(known, 60_000), 1.0, estimators=["compression"])
    assert float(table.rate[0]) == pytest.approx(known.rate, rel=0.25)
    equilibrium = np.random.default_rng(0).integers(0, 4, 60_000)
    nothing = estimate(equilibrium, 1.0, estimators=["compression", "words", "markov_chain"])
    assert np.all(np.abs(nothing.rate) < 4 * nothing.standard_error + 1e-3)
    x = np.frombuffer(b"mississippi", np.uint8)
    texts = [x.tobytes()[i:] for i in suffixes(x)]
    assert texts == sorted(texts) and len(set(texts)) == len(x)


def test_neighbours_see_a_step_that_produces_a_nat():
    known = systems.rotation(dt=0.1)
    data = as_trajectories(rows(known, 20_000), known.dt)
    found = Neighbours()(data, np.random.default_rng(0))
    assert 0.4 * known.rate < found.rate < known.rate + 4 * found.standard_error


def test_many_units_are_bounded_by_their_pairs():
    known = systems.spins()
    x = rows(known, 60_000)
    table = estimate(x, 1.0, estimators=["maximum_entropy", "markov_chain"])
    bound = table.sel(estimator="maximum_entropy")
    assert 0.5 * known.rate < bound.rate < known.rate + 4 * bound.standard_error
    still = np.random.default_rng(0).integers(0, 2, (20_000, 5))
    nothing = estimate(still, 1.0, estimators="maximum_entropy")
    assert nothing.rate.item() < 3 * nothing.standard_error.item()


def test_the_variance_sum_rule_takes_a_force_that_is_known():
    known = systems.rotation(dt=0.02)
    matrix = np.asarray([[1.0, 2.0], [-2.0, 1.0]])
    x = rows(known, 400_000)
    table = estimate(x, known.dt, estimators=[VarianceSum(lambda x: -x @ matrix.T)])
    assert right(table, "variance_sum", known.rate)


@pytest.mark.parametrize("seed", range(3))
def test_bounds_of_equilibrium_are_near_zero(seed):
    known = systems.linear(np.asarray([[1.0, 0.3], [0.3, 2.0]]), np.ones(2), 0.1)
    assert known.rate == pytest.approx(0, abs=1e-12)
    x = rows(known, 20_000, seed)
    table = estimate(x, known.dt, estimators=["linear", "uncertainty"])
    assert np.all(table.low <= 1e-3) and "no different from 0" in table.attrs["sentence"]
    ring = systems.tilted_ring(tilt=1e-9)
    found = Uncertainty()(
        as_trajectories(rows(ring, 20_000, seed), ring.dt, ring.period), np.random.default_rng(0)
    )
    assert found.low <= 5e-3


@pytest.mark.parametrize(("name", "n"), [("gyrator", 20_000), ("flashing_ratchet", 5_000)])
def test_intervals_hold_the_truth_as_often_as_they_say(name, n):
    known = getattr(systems, name)()
    label = "linear" if name == "gyrator" else "markov_chain"
    hits = []
    for seed in range(200):
        data = as_trajectories(rows(known, n, seed), known.dt)
        found = ESTIMATORS[label](data, np.random.default_rng(seed))
        hits.append(found.low <= known.rate <= found.high)
    assert 179 <= sum(hits) <= 199  # the central 99.9 % of the binomial


# ------------------------------------------------------------------------------------ what is given


class Area:
    """The estimator of the guide: a turn in the plane, by the area it sweeps."""

    label, assumes, is_bound = "area", "an isotropic trap in the plane that turns", False

    def refuses(self, data):
        return "" if data.components == 2 and not data.discrete else "it takes two numbers"

    def seconds(self, data):
        return 1e-7 * data.rows

    def __call__(self, data, draw):
        rates = []
        for piece in data.blocks(20):
            area = radius = length = 0.0
            for x in piece.windows(2):
                area += np.sum(x[:-1, 0] * x[1:, 1] - x[:-1, 1] * x[1:, 0])
                radius += np.sum(x[:-1] ** 2)
                length += np.sum(np.diff(x, axis=0) ** 2)
            rates.append(4 * area**2 / (radius * length) / data.dt)
        rate, error = float(np.mean(rates)), float(np.std(rates)) / len(rates) ** 0.5
        return Estimate(rate, error, rate - 2 * error, rate + 2 * error)


def test_an_estimator_of_your_own_stands_beside_the_others():
    known = systems.rotation(dt=0.01)
    table = estimate(rows(known, 100_000), known.dt, estimators=[Area(), "linear"])
    assert list(table.estimator.values) == ["area", "linear"]
    assert table.attrs["recommended"] == "linear"
    assert float(table.rate.sel(estimator="area")) == pytest.approx(known.rate, rel=0.1)


def test_trajectories_are_taken_in_every_shape_and_cut_at_gaps():
    known = systems.rotation()
    x = rows(known, 4000)
    one = estimate(x, known.dt, estimators="linear").rate.item()
    many = estimate(x.reshape(8, 500, 2), known.dt, estimators="linear")
    listed = estimate(list(x.reshape(8, 500, 2)), known.dt, estimators="linear")
    assert many.rate.item() == listed.rate.item() == pytest.approx(one, rel=0.1)
    assert many.attrs["trajectories"] == 8
    x[1000] = np.nan
    gap = estimate(x, known.dt, estimators="linear")
    assert gap.attrs["notes"] == "cut at 1 gaps" and gap.rate.item() == pytest.approx(one, rel=0.1)


def test_units_do_not_matter_and_the_same_key_gives_the_same_bits():
    known = systems.gyrator()
    x = rows(known, 5000)
    one, same = (looked_at(known, x, key=3) for _ in range(2))
    xr.testing.assert_identical(one.drop_vars("seconds"), same.drop_vars("seconds"))
    assert jax.random.key(3) is not None and estimate(x, 1.0, key=jax.random.key(3)).rate.size
    large = looked_at(known, 1e30 * x + 5e30, key=3)
    small = looked_at(known, (1e-30 * x), key=3)
    np.testing.assert_allclose(large.rate, one.rate, rtol=1e-6)
    np.testing.assert_allclose(small.rate, one.rate, rtol=1e-6)


def test_a_drift_is_said_and_no_value_trusted():
    known = systems.rotation()
    x = rows(known, 20_000)
    table = looked_at(known, x + np.linspace(0, 5, len(x))[:, None])
    assert "not stationary" in table.attrs["sentence"] and table.attrs["not_stationary"]


def test_a_table_is_written_to_a_file(tmp_path):
    known = systems.gyrator()
    table = looked_at(known, rows(known, 5000))
    table.to_netcdf(tmp_path / "table.nc")
    with xr.open_dataset(tmp_path / "table.nc") as again:
        assert again.attrs["recommended"] == table.attrs["recommended"]


ONE = np.random.default_rng(0).standard_normal((100, 2))


@pytest.mark.parametrize(
    ("x", "words", "said"),
    [
        (ONE, {"dt": 0}, r"dt: given 0, allowed: a number > 0"),
        (ONE, {"dt": "a"}, r"dt: given 'a', allowed: a number > 0"),
        (np.zeros((2, 2, 2, 2)), {}, r"x: given \(2, 2, 2, 2\), allowed: \(trajectories, times"),
        (ONE + 1j, {}, r"x: given complex128, allowed: real numbers"),
        (ONE, {"period": [1.0, 2.0, 3.0]}, r"period: .* one for each of 2 components"),
        (ONE, {"period": -1.0}, r"period: given -1.0, allowed: numbers > 0"),
        (ONE, {"parity": [1, 2]}, r"parity: given \[1, 2\], allowed: 1 or -1"),
        (ONE, {"estimators": ["liner"]}, r"unknown 'liner'.*linear"),
        (ONE, {"estimators": [3]}, r"estimators: given int, allowed: labels, and objects with"),
        (ONE, {"estimators": []}, r"estimators: given none"),
        (ONE, {"seconds": -1}, r"seconds: given -1"),
        (ONE * [1, 0], {}, r"component 1 never changes"),
        (np.full((5, 2), np.nan), {}, r"no two finite rows"),
        (ONE[:5], {}, r"no estimator applies \(linear: 4 steps are too few"),
        (ONE[:, :1], {"estimators": "linear"}, r"one component on a line has no current"),
    ],
)
def test_what_cannot_be_taken_is_refused_in_one_sentence(x, words, said):
    with pytest.raises(ParameterError, match=said):
        estimate(x, **({"dt": 1.0} | words))
