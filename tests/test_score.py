"""The learned score: losses, samples, training, verdict, and what becomes of them on the command
line.
"""

import json
import os
import re
import shutil
import subprocess
import sys

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

import physent
from physent.app import cli
from physent.errors import ConfigError, FolderError, ParameterError, SamplesError
from physent.experiment.building import load_experiment
from physent.experiment.settings import ScoreSettings
from physent.learning.currents import current, physics
from physent.learning.derivatives import by_probes, exactly, slopes
from physent.learning.losses import Denoising, Implicit, Scales, Stratonovich
from physent.learning.model import Residual, Score, noisy
from physent.learning.networks import NETWORKS
from physent.learning.splits import Part, Stream
from physent.protocol.parameters import (
    as_number,
    param,
)
from physent.protocol.solver import State
from physent.protocol.stochastic import StochasticSolver, substitute
from physent.protocol.variables import Domain, Variable
from physent.score import LearnedEntropyProduction
from physent.score.flow import probability_flow
from physent.score.maps import _groups, maps
from physent.score.pipeline import learn
from physent.score.samples import Samples
from physent.score.survey import check_solver, survey
from physent.score.trained import Trained, build, load
from physent.score.verdict import Number, Table, sums, verdict
from physent.solvers import NLSE, ActiveMatter, LinearLangevin, TiltedRing
from physent.solvers.active_matter.propulsion import Brownian
from physent.solvers.langevin import BeadSpring, Gyrator, Matrix, TrappedAOUP

EXPERIMENT = """
name = "small"
[solver]
kind = "linear_langevin"
system = { kind = "matrix", a = [[-1.0, 2.0], [-2.0, -1.0]], d = [1.0, 1.0] }
walkers = 256
dt = 0.5
[run]
t_end = 20.0
save_every = 1.0
[score]
steps = 40
checks = 4
batch = 32
bins = 8
network = { kind = "mlp", width = 16 }
"""


class Linear(Score):
    """s = -P x."""

    p: jax.Array

    def __call__(self, solver, state):
        return {"position": -state.position @ self.p}


@eqx.filter_jit
def moved(solver, count, key=0):
    """Samples (count, 1, d) of the stationary state whose second moments are exactly those of
    it.
    """
    covariance = solver.exact_production().covariance
    x = jax.random.normal(jax.random.key(key), (count, covariance.shape[0]))
    root = jnp.linalg.cholesky(x.T @ x / count)
    white = jax.scipy.linalg.solve_triangular(root, x.T, lower=True).T
    return (white @ jnp.linalg.cholesky(covariance).T)[:, None, :]


@eqx.filter_jit
def exact_score(solver):
    return Linear(jnp.linalg.inv(solver.exact_production().covariance))


@eqx.filter_jit  # one program, not one for every operation
def summed(score, solver, values):
    """The sums of every sample."""
    return jax.vmap(lambda v: sums(*_both(score, solver, v)))(values)


SYSTEMS = [
    Matrix(),
    TrappedAOUP(speed=1.0, trap=1.0, rate=1.0, diffusivity=0.1),
    Gyrator(),
    BeadSpring(beads=3),
]


production = eqx.filter_jit(lambda solver: solver.exact_production())


@pytest.mark.slow
@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: type(system).__name__)
def test_the_exact_score_has_no_error_and_the_exact_rates(system):
    """With exact second moments every mean of a quadratic form is exact."""
    solver = LinearLangevin(system=system)
    x, exact = moved(solver, 64), production(solver)
    found = summed(exact_score(solver), solver, x)
    mean = jax.tree.map(lambda value: np.mean(value), found)
    scale = -np.trace(system.matrix())
    for name in ("total", "medium", "exact"):
        np.testing.assert_allclose(mean[name], exact.total, rtol=1e-9)
    np.testing.assert_allclose(
        [mean["error"], mean["system"], mean["velocity_scores"]["position"]], 0, atol=1e-9 * scale
    )
    np.testing.assert_allclose(mean["error_reference"], scale, rtol=1e-12)
    other = Linear(jnp.asarray(np.asarray(exact_score(solver).p) + 0.1 * np.eye(x.shape[-1])))
    found = summed(other, solver, x)
    true = 0.01 * np.sum(
        np.asarray(system.diffusion()) * np.diag(exact.covariance)
    )  # E[ds . D ds], ds = -0.1 x
    np.testing.assert_allclose(np.mean(found["error"]), true, rtol=1e-9)


def test_of_shuffled_data_no_score_explains_anything():
    """Rows of g with the x of others: to the exact score R^2 is below 0."""
    solver = LinearLangevin(system=TrappedAOUP(speed=1.0, trap=1.0, rate=1.0, diffusivity=0.1))
    x = np.asarray(moved(solver, 2000))
    shuffled = np.stack([x[..., 0], np.roll(x[..., 1], 700, axis=0)], axis=-1)
    r_squared = []
    for values in (x, shuffled):
        found = summed(exact_score(solver), solver, jnp.asarray(values))
        r_squared.append(1 - np.mean(found["error"]) / np.mean(found["error_reference"]))
    covariance = np.asarray(production(solver).covariance)
    alone, p = np.diag(np.diag(covariance)), np.linalg.inv(covariance)
    d = np.diag(solver.system.diffusion())
    expected = (2 * np.trace(d @ p) - np.trace(p @ d @ p @ alone)) / 2  # -E div b = 2
    np.testing.assert_allclose(r_squared, [1, expected], atol=0.1)
    assert expected < -0.4


@pytest.mark.slow
def test_too_large_a_noise_is_worse_than_implicit_matching():
    """Both losses are quadratic in P of s = -P x: Newton's step is their minimum. A noise of 1
    costs R^2 over .1.
    """
    solver = LinearLangevin(system=Gyrator())
    values = {"position": jnp.asarray(np.tile(moved(solver, 512), (4, 1, 1)))}

    def error(loss):
        def flat(p):
            return slope_of(loss, solver, Linear(p.reshape(2, 2)), values).p.ravel()

        @jax.jit
        def newton(start):
            return start - jnp.linalg.solve(jax.jacfwd(flat)(start), flat(start))

        best = newton(np.eye(2).ravel()).reshape(2, 2)
        found = summed(Linear(best), solver, moved(solver, 512))
        return np.mean(found["error"]) / np.mean(found["error_reference"])

    assert error(Implicit()) < 1e-9 and error(Denoising(noise=1.0)) > 0.1


def _both(score, solver, value):
    state = solver.at({"position": value})
    return physics(solver, state), exactly(score, solver, state)


def active(**changes):
    chosen = dict(
        particles=6, boundary="open", trap=0.05, diffusivity=0.1, speed=0.3, length=6.0, neighbors=5
    )
    return ActiveMatter(**(chosen | changes))  # pyright: ignore[reportArgumentType]


@pytest.mark.slow
def test_a_state_of_given_values_is_the_state():
    for solver in (
        active(),
        ActiveMatter(particles=40, neighbors=30),
        LinearLangevin(walkers=3),
        TiltedRing(walkers=3),
    ):

        @eqx.filter_jit
        def both(solver, key):
            state = solver.step(solver.init(key))
            again = solver.at({name: getattr(state, name) for name in solver.parity()})
            return (state, solver.drift(state)), (again, solver.drift(again))

        (state, drift), (again, same) = both(solver, jax.random.key(1))
        assert jax.tree.structure(again) == jax.tree.structure(state)
        for name, value in drift.items():
            np.testing.assert_allclose(same[name], value, atol=1e-12)


@pytest.mark.slow
def test_derivatives_of_the_reference_and_of_a_network_are_those_of_differences():
    solver = active()
    state = solver.init(jax.random.key(0))
    assert (
        noisy(solver, state) == ("position", "propulsion")
        and noisy(active(diffusivity=None), state)[0] != "position"
    )
    keys = dict(zip(solver.parity(), jax.random.split(jax.random.key(3)), strict=True))
    samples = {name: 2 * jax.random.normal(key, (50, 6, 2)) for name, key in keys.items()}
    network = NETWORKS["mlp"](width=8).build(solver, samples, jax.random.key(0))

    @eqx.filter_jit
    def compared(score, state):
        def trace(name):
            jacobian = jax.jacfwd(lambda x: score(solver, substitute(state, {name: x}))[name])(
                getattr(state, name)
            )
            return jnp.trace(jacobian.reshape(12, 12))

        some = exactly(score, solver, state, jnp.asarray([2]))
        probed = by_probes(score, solver, state, jax.random.key(0), 4000)
        return (
            {name: trace(name) for name in solver.parity()},
            exactly(score, solver, state),
            some,
            probed,
        )

    for reference in ("equilibrium", "drift"):
        traces, found, some, probed = compared(Residual(network, reference), state)
        for name, expected in traces.items():
            np.testing.assert_allclose(jnp.sum(found.slope[name]), expected, rtol=1e-9)
            np.testing.assert_allclose(
                some.learned_slope[name][2], found.learned_slope[name][2], rtol=1e-9
            )
            assert float(jnp.abs(some.learned_slope[name][jnp.asarray([0, 1, 3, 4, 5])]).max()) == 0
        learned, drawn = (
            sum(jnp.sum(v) for v in each.learned_slope.values()) for each in (found, probed)
        )
        np.testing.assert_allclose(drawn, learned, atol=0.05)


def scales(solver, interval=1.0):
    contraction = -jnp.trace(solver.system.matrix())
    return Scales(jnp.asarray(2.0), contraction, jnp.asarray(interval))


def slope_of(loss, solver, score, values, interval=1.0):
    objective = loss.objective(solver, scales(solver, interval))
    keys = jax.random.split(jax.random.key(0), len(values["position"]))

    def mean(score, values, keys):
        return jnp.mean(jax.vmap(lambda v, key: objective(score, v, key))(values, keys))

    return eqx.filter_jit(eqx.filter_grad(mean))(score, values, keys)


@pytest.mark.parametrize(
    "loss", [Implicit(), Implicit(divergence="probes"), Implicit(stationarity=1.0)]
)
def test_the_exact_score_is_the_minimum_of_implicit_matching(loss):
    solver = LinearLangevin(system=TrappedAOUP(speed=1.0, trap=1.0, rate=1.0, diffusivity=0.1))
    exact, values = exact_score(solver), {"position": moved(solver, 256)}
    tolerance = (
        1e-9 if loss.divergence == "exact" else 0.2
    )  # of probes the slope is a random number
    np.testing.assert_allclose(slope_of(loss, solver, exact, values).p, 0, atol=tolerance)
    off = slope_of(loss, solver, Linear(exact.p + 0.5 * np.eye(2)), values).p
    assert np.abs(off).max() > 0.3


def test_terms_that_a_system_does_not_have_are_refused():
    solver = active(diffusivity=None)
    values = {name: jnp.zeros((6, 2)) for name in solver.parity()}
    score = NETWORKS["mlp"](width=4).build(
        solver, {n: v[None] for n, v in values.items()}, jax.random.key(0)
    )
    ask = Implicit(stationarity=1.0).objective(solver, Scales(*3 * [jnp.ones(())]))
    with pytest.raises(ParameterError, match="stationarity: given for a system with D = 0"):
        eqx.filter_eval_shape(ask, score, values, jax.random.key(0))
    with pytest.raises(ParameterError, match="noise: no default if nothing contracts"):
        Denoising().objective(TiltedRing(barrier=0.0), Scales(*3 * [jnp.zeros(())]))


def test_the_fastest_rate_is_a_quantile_over_all_samples():
    """Of -U0 cos x with x evenly spread: what 5 % of the walkers exceed, not the one that is
    fastest.
    """
    solver = TiltedRing(walkers=2000, barrier=1e-3, tilt=0.0, dt=0.5)
    found = survey(solver, Samples(physent.run(solver, t_end=2.0, save_every=1.0), solver), None)
    np.testing.assert_allclose(found.scales.fastest, 1e-3 * np.cos(0.05 * np.pi), rtol=3e-3)


def test_denoising_learns_the_score_of_the_smoothed_density():
    solver = LinearLangevin(system=Gyrator())
    covariance = np.asarray(production(solver).covariance)
    values = {"position": jnp.asarray(np.tile(moved(solver, 512), (40, 1, 1)))}
    smooth = Linear(jnp.asarray(np.linalg.inv(covariance + 0.5**2 * np.eye(2))))
    at_smooth = slope_of(Denoising(noise=0.5), solver, smooth, values).p
    at_exact = slope_of(Denoising(noise=0.5), solver, exact_score(solver), values).p
    assert np.abs(at_smooth).max() < 0.1 < 0.4 < np.abs(at_exact).max()
    by_rule = slope_of(Denoising(), solver, exact_score(solver), values).p
    assert np.abs(by_rule).max() < 0.3  # 2 D h^2/S of the narrower variable is 0.2


def test_the_current_is_learned_from_trajectories_alone():
    """The minimum of the Stratonovich loss is v = (A + D S^-1) x, here for pairs a short time
    apart.
    """
    solver = LinearLangevin(system=Matrix(), walkers=100_000, dt=0.02)
    first = solver.init(jax.random.key(0))
    last = solver.step(first)
    values = {"position": jnp.stack([first.position, last.position], axis=1)[:, :, None, :]}
    current_of = eqx.filter_jit(
        lambda p: slope_of(Stratonovich(), solver, Residual(Linear(p), "drift"), values, 0.02)
    )
    # v = [[0, a], [-a, 0]] x, and s0 + u = D^-1 b - D^-1 v
    exact = jnp.asarray([[0.0, 2.0], [-2.0, 0.0]])
    assert np.abs(current_of(exact.T).network.p).max() < 0.1
    assert np.abs(current_of(0 * exact).network.p).max() > 1.0


def test_settings_say_which_reference_and_refuse_what_does_not_fit():
    assert ScoreSettings().resolved_reference() == "equilibrium"
    assert ScoreSettings(loss=Stratonovich()).resolved_reference() == "drift"
    with pytest.raises(ParameterError, match="learns the current"):
        ScoreSettings(loss=Stratonovich(), reference="none")
    with pytest.raises(ParameterError, match="divergence = 'exact'"):
        Implicit(divergence="probes", particles=3)


# --------------------------------------------------------------------------------------------------
# samples


@pytest.fixture(scope="module")
def walkers():
    solver = LinearLangevin(system=Matrix(), walkers=128, dt=0.5)
    return solver, physent.run(solver, t_end=20.0, save_every=1.0)


def test_samples_kept_from_training_are_other_trajectories(walkers):
    samples = Samples(walkers[1], walkers[0], after=3.0)
    parts = samples.split(0.25, 1, 0)
    assert [len(part.trajectories) for part in parts] == [96, 16, 16]
    assert len(set(np.concatenate([part.trajectories for part in parts]))) == 128
    assert samples.times[parts[0].rows[0]] == 3.0


def test_of_one_trajectory_the_end_is_kept_behind_a_gap():
    solver = active(particles=8, neighbors=7)
    samples = Samples(physent.run(solver, t_end=1.0, save_every=0.05), solver)
    train, check, test = samples.split(0.4, 2, 0)
    assert (
        check.rows[0] - train.rows[-1] == 3
        and test.rows[0] - check.rows[-1] == 3
        and test.rows[-1] == 20
    )
    with pytest.raises(SamplesError, match="too few to hold out"):
        samples.split(0.4, 12, 0)


@pytest.mark.parametrize("buffer", [1e9, 3 * 96 * 2 * 4])
def test_a_stream_goes_on_from_any_step(walkers, buffer):
    samples = Samples(walkers[1], walkers[0])
    part = samples.split(0.25, 1, 0)[0]
    whole = Stream(samples, part, 32, 0, buffer).take(0, 90)["position"]
    again = Stream(samples, part, 32, 0, buffer)
    np.testing.assert_array_equal(again.take(45, 45)["position"], whole[45:])
    epoch = whole[: again.per_window * again.windows].reshape(-1, 2)
    assert len(np.unique(epoch, axis=0)) == len(epoch)  # without replacement
    pairs = Stream(samples, part, 32, 0, buffer, together=2).take(0, 3)["position"]
    assert pairs.shape == (3, 32, 2, 1, 2)


def test_blocks_fit_the_buffer(walkers):
    samples = Samples(walkers[1], walkers[0], buffer=3 * 128 * 2 * 4)  # three rows
    for part in (
        samples.everything,
        Part(samples.rows, np.arange(5)),
    ):  # of a few walkers, all are read
        sizes = [len(values["position"]) for _, values in samples.blocks(part, 4096)]
        assert sizes == [3] * 7


# --------------------------------------------------------------------------------------------------
# refusals


class Wandering(LinearLangevin):
    """D depends on the state."""

    def diffusion(self, state):
        return {"position": 1 + state.position**2}


class Silent(LinearLangevin):
    """D = 0."""

    def diffusion(self, state):
        return {"position": jnp.zeros(())}


def test_what_no_score_can_be_learned_from_is_refused(walkers):
    solver, ds = walkers
    with pytest.raises(SamplesError, match="NLSE has no noise"):
        check_solver(NLSE())
    with pytest.raises(SamplesError, match="D = 0 in every variable"):
        check_solver(Silent(system=Matrix()))
    for diffusivity in (None, 0.1):  # a score of x alone, with headings from nowhere
        with pytest.raises(SamplesError, match=r"more than dX .* propulsion diffuses"):
            check_solver(ActiveMatter(propulsion=Brownian(), diffusivity=diffusivity))
    wandering = Wandering(system=Matrix(), walkers=64)
    with pytest.raises(SamplesError, match="depends on the state"):
        survey(wandering, Samples(ds, wandering), None)
    with pytest.raises(SamplesError, match="unknown variable 'momentum'"):
        survey(solver, Samples(ds, solver), ("momentum",))
    with pytest.raises(SamplesError, match="did not save position"):
        Samples(ds.drop_vars("position"), solver)
    with pytest.raises(SamplesError, match="save more"):
        Samples(ds, solver, after=19.5)
    rising = ds.assign(position=ds.position * (1 + ds.t / 20))
    with pytest.raises(SamplesError, match="not stationary"):
        survey(solver, Samples(rising, solver), None)
    with (
        pytest.warns(UserWarning, match="not stationary"),
        pytest.warns(UserWarning, match="states are few"),
    ):
        survey(solver, Samples(rising, solver), None, "warn")
    with pytest.raises(SamplesError, match="too few to learn from"):
        survey(solver, Samples(ds.isel(walker=slice(20), t=slice(2)), solver), None)


def test_many_particles_do_not_make_few_snapshots_many():
    """Four states of 200 particles tell as little of what all particles share as four of one do."""
    solver = active(particles=200, neighbors=199)
    values = {name: np.random.default_rng(0).normal(size=(4, 200, 2)) for name in solver.parity()}
    ds = xr.Dataset(
        {n: (("t", "particle", "component"), v) for n, v in values.items()}, {"t": np.arange(4.0)}
    )
    words = "stationarity could not be tested with 4 snapshots of 1 trajectory"
    with (
        pytest.warns(UserWarning, match=words),
        pytest.raises(SamplesError, match="4 independent states are too few"),
    ):
        survey(solver, Samples(ds, solver), None)
    with (
        pytest.warns(UserWarning, match=words),
        pytest.warns(UserWarning, match="in 4 independent states are few"),
    ):
        assert len(survey(solver, Samples(ds, solver), None, learns=False).notes) == 2


def test_an_experiment_without_noise_has_no_score_table(tmp_path):
    path = tmp_path / "wave.toml"
    path.write_text(
        '[solver]\nkind = "nlse"\n[run]\nt_end = 1.0\nsave_every = 0.5\n[score]\nstep = 3\nnetwork '
        '= "mpl"\n'
    )
    with pytest.raises(ConfigError) as caught:
        load_experiment(path)
    text = str(caught.value)
    assert "has no noise" in text and "did you mean steps?" in text and "did you mean mlp?" in text


# --------------------------------------------------------------------------------------------------
# learning


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A small run with a score."""
    root = tmp_path_factory.mktemp("score")
    (root / "small.toml").write_text(EXPERIMENT)
    experiment = load_experiment(root / "small.toml")
    physent.run(experiment, output=root / "small").close()
    learnt = learn(root / "small")
    assert learnt.verdict is not None
    return root / "small"


@pytest.mark.slow
def test_learning_writes_a_score_and_its_verdict(folder):
    with xr.open_dataset(folder / "score.nc") as ds:
        assert ds.sizes["step"] == 4 and "use that one" in ds.attrs["sentence"]
        assert ds.map_total.shape == (8, 8) and ds.map_current.shape == (8, 8, 2)
        np.testing.assert_allclose(ds.r_squared, 1 - ds.error / ds.error_reference, rtol=1e-9)
        assert float(ds.exact_error) > 0
        numbers = {
            name: float(ds[name]) for name in ("total", "error", "exact", "learned_minus_exact")
        }
    np.testing.assert_allclose(
        numbers["total"] - numbers["exact"], numbers["learned_minus_exact"], rtol=1e-6
    )
    assert not (folder / "score.checkpoint.eqx").exists()
    trained = load(folder)
    assert (
        trained.parity == {"position": 1}
        and trained.header["verdict"]["total"][0] == numbers["total"]
    )


@pytest.mark.compiles_afresh
@pytest.mark.slow
def test_learning_goes_on_bit_for_bit(folder, tmp_path):
    copied(folder, tmp_path)
    calls = iter(
        [False, True]
    )  # after the second call of the compiled steps, between no two checks
    assert learn(tmp_path, stop=lambda: next(calls)).verdict is None
    assert (tmp_path / "score.checkpoint.eqx").exists() and not (tmp_path / "score.eqx").exists()
    with pytest.raises(FolderError, match="to other settings"):
        learn(tmp_path, overrides=["score.batch=16"])
    learn(tmp_path)
    first, again = load(folder), load(tmp_path)
    assert eqx.tree_equal(first.score, again.score)
    with xr.open_dataset(folder / "score.nc") as a, xr.open_dataset(tmp_path / "score.nc") as b:
        np.testing.assert_array_equal(a.training_loss, b.training_loss)
        np.testing.assert_array_equal(a.map_total, b.map_total)
    with pytest.raises(FolderError, match="--overwrite"):
        learn(tmp_path)


def copied(folder, to):
    for name in ("run.nc", "experiment.toml", "checkpoint.eqx"):
        shutil.copy(folder / name, to / name)


def test_what_is_to_be_overwritten_stays_until_there_is_something_new(folder, tmp_path):
    before = [(folder / name).read_bytes() for name in ("score.eqx", "score.nc")]
    with pytest.raises(ConfigError, match="did you mean steps"):
        learn(folder, overrides=["score.stepz=1"], overwrite=True)
    with pytest.raises(FolderError, match="no trained score"):
        learn(folder, source=tmp_path, overwrite=True)
    with pytest.raises(ParameterError, match=r"score.member: given 1, allowed: up to 0"):
        learn(folder, overrides=["score.member=1"], overwrite=True)
    with pytest.raises(ParameterError, match=r"score.devices: given 99"):
        learn(folder, overrides=["score.devices=99"], overwrite=True)
    assert learn(folder, overwrite=True, stop=lambda: True).verdict is None
    assert [(folder / name).read_bytes() for name in ("score.eqx", "score.nc")] == before
    (folder / "score.checkpoint.eqx").unlink()


def test_boxes_of_a_map_have_errors_that_know_of_trajectories():
    """v = 2 (y, -x) of a rotation, and its total v.v: 40 walkers who stand still are 40 samples,
    however often seen.
    """
    solver = LinearLangevin(system=Matrix(), walkers=40)
    x = np.random.default_rng(0).normal(size=(1, 40, 2)) * np.ones((50, 1, 1))
    ds = xr.Dataset({"position": (("t", "walker", "component"), x)}, {"t": np.arange(50.0)})
    samples = Samples(ds, solver, dtype=np.float64)
    drawn = maps(
        exact_score(solver),
        solver,
        samples,
        samples.everything,
        {"position": 1},
        slopes(2, 1),
        2,
        64,
    )
    assert (
        drawn.map_samples.values.sum() == pytest.approx(2000, rel=0.1)
        and drawn.map_total.units == "1/time"
    )
    values = 4 * np.sum(x[0] ** 2, axis=1)
    for i, j in np.ndindex(2, 2):
        edges = [np.quantile(x[..., k], [0.005, 0.995]) for k in range(2)]
        middle = [edge.mean() for edge in edges]
        there = [(x[0, :, k] >= middle[k]) == bool(box) for k, box in enumerate((i, j))]
        inside = [(x[0, :, k] >= low) & (x[0, :, k] < high) for k, (low, high) in enumerate(edges)]
        there = np.all([*there, *inside], axis=0)
        mean, error = values[there].mean(), values[there].std(ddof=1) / np.sqrt(there.sum())
        np.testing.assert_allclose(
            [drawn.map_total[i, j], drawn.map_total_error[i, j]], [mean, error], rtol=1e-6
        )
        speed = np.sqrt(values[there]).mean()
        np.testing.assert_allclose(drawn.map_speed[i, j], speed, rtol=1e-6)
    part = Part(
        np.arange(0, 40, 2), np.arange(2)
    )  # of two trajectories: blocks of rows, ten correlated ones each
    np.testing.assert_array_equal(_groups(part, 5.0)[::5], [[0, 1], [2, 3], [4, 5], [6, 7]])


def judged(error, reference):
    """The verdict on samples of these errors."""
    names = ("total", "exact", "medium", "system")
    by_variable = ("totals", "velocity_scores", "squares", "slopes", "divergences")
    numbers = dict.fromkeys(names, np.ones(error.shape)) | {
        "error": error,
        "error_reference": reference,
    }
    numbers |= {name: {"x": np.ones(error.shape)} for name in by_variable}
    return verdict(Table(numbers), Number(1.0, 0.0), "20 walkers", False, {"x": 1})


@pytest.mark.slow
def test_the_verdict_is_no_better_than_r_squared_is_known():
    spread = np.random.default_rng(0).normal(size=(8, 2000))
    spread -= spread.mean()
    reference = np.ones(spread.shape)
    for error, state, words in (
        (0.04 + spread, "good", r"explains 96.\d+ \+- 0.\d+ % of"),  # standard error .008
        (
            0.09 + spread,
            "fair",
            r"explains 91.0\d* \+- 0",
        ),  # above .9, but not by two standard errors
        (0.49 + spread, "bad", "explains 51"),
        (
            -0.02 + spread,
            "good",
            r"R\^2 = 1.02\d* \+- 0.00\d+, which is indistinguishable from perfect",
        ),
        (-0.10 + spread, "bad", r"R\^2 is 1.10\d* \+- 0.00\d+, which is impossible"),
    ):
        found = judged(error, reference)
        assert found.state == state and re.search(words, found.sentence), found.sentence
    few = judged(0.01 * reference[:3, :2], reference[:3, :2])  # no standard error from three rows
    assert few.state == "fair" and "too few samples to estimate" in few.sentence
    assert judged(6 * reference[:3, :2], reference[:3, :2]).state == "bad"
    nothing = judged(
        0.5 + 0.1 * spread, 0.001 * spread
    )  # the reference is the score, and what was learned is not
    assert nothing.state == "bad" and "The error of the learned score does" in nothing.sentence


def test_a_score_that_diverges_is_called_so(folder, tmp_path):
    copied(folder, tmp_path)
    with pytest.raises(
        ParameterError,
        match=r"score.learning_rate: given 1e\+30, and the loss is not finite at step",
    ):
        learn(tmp_path, overrides=["score.learning_rate=1e30", "score.clip=1e30"])
    assert not (tmp_path / "score.eqx").exists()
    found = judged(np.full((8, 20), np.nan), np.ones((8, 20)))
    assert found.state == "bad" and "not finite" in found.sentence


def test_a_score_is_a_diagnostic_in_a_run_and_of_its_file(folder):
    diagnostic = LearnedEntropyProduction(path=str(folder / "score.eqx"), over="mean", each=True)
    solver = LinearLangevin(system=Matrix(), walkers=16, dt=0.5)
    ds = physent.run(solver, t_end=2.0, save_every=1.0, diagnostics=[diagnostic])
    offline = physent.diagnose(ds[["position"]], [diagnostic])
    for name in offline:
        np.testing.assert_allclose(offline[name], ds[name], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(
        ds.learned_entropy_production_each.mean("walker"), ds.learned_entropy_production
    )
    rate = (ds.learned_entropy_production_velocity_position**2).sum("component")  # D = 1
    np.testing.assert_allclose(rate, ds.learned_entropy_production_each, rtol=1e-9)
    with pytest.raises(ParameterError, match="no trained score"):
        physent.run(
            solver,
            t_end=1.0,
            save_every=1.0,
            diagnostics=[LearnedEntropyProduction(path="nowhere.eqx")],
        )
    with pytest.raises(ParameterError, match="those of ActiveMatter are position, propulsion"):
        physent.run(active(), t_end=1.0, save_every=1.0, diagnostics=[diagnostic])
    with pytest.raises(ParameterError, match="propulsion diffuses"):
        physent.run(
            active(propulsion=Brownian()), t_end=1.0, save_every=1.0, diagnostics=[diagnostic]
        )


@pytest.mark.slow
def test_a_score_is_refused_where_it_does_not_fit(folder, tmp_path):
    beads = LinearLangevin(system=BeadSpring(beads=3), walkers=64, dt=0.5)
    physent.run(beads, t_end=2.0, save_every=1.0, output=tmp_path / "beads")
    with pytest.raises(FolderError, match=r"not for position \(1, 3\)"):
        learn(tmp_path / "beads", source=folder)
    samples = {name: jnp.zeros((2, 6, 2)) for name in ("position", "propulsion")}
    header = {"shapes": dict.fromkeys(samples, (6, 2)), "parity": dict.fromkeys(samples, 1)}
    for kind, other, words in (
        ("resolvent", {"diffusivity": None}, "noise in propulsion"),  # it would divide by 0
        ("mlp", {"particles": 7}, r"position \(7, 2\)"),
    ):
        network = NETWORKS[kind]().build(active(), samples, jax.random.key(0))
        trained = Trained(network, active(), header | {"network": {"kind": kind}})
        trained.check(active(), dict.fromkeys(samples, (6, 2)))
        solver = active(**other)
        with pytest.raises(SamplesError, match=words):
            trained.check(solver, dict.fromkeys(samples, (solver.particles, 2)))


@pytest.mark.slow
def test_the_command_line_judges_a_score_on_another_run_and_reports(folder, tmp_path, capsys):
    def physent_(*arguments):
        return cli.app([*map(str, arguments)], exit_on_error=False, print_error=False)

    other = tmp_path / "other"
    keys = ("run.seed=1", "score.network.width=8", 'score.precision="float64"')
    changes = [part for key in keys for part in ("--set", key)]
    assert physent_("run", folder / "experiment.toml", "--output", other, *changes, "--quiet") == 0
    assert physent_("score", other, "--from", folder, "--quiet") == 0
    assert "use that one" in capsys.readouterr().out.replace("\n", " ")
    assert not (other / "score.eqx").exists()
    with xr.open_dataset(
        other / "score.nc"
    ) as ds:  # of everything, and of the score that is judged
        assert ds.kept == "21 snapshots of 256 walkers of a run that was not used for training"
        assert (
            ds.precision == "float32"
            and json.loads(ds.network)["width"] == 16
            and ds.score_file == str(folder)
        )
    again = tmp_path / "again"
    shutil.copytree(folder, again)
    learn(again, source=folder, overwrite=True)
    with xr.open_dataset(
        again / "score.nc"
    ) as ds:  # it was learned from this one: what it has not seen
        assert ds.kept == "26 walkers held out from training" and ds.precision == "float32"
    text = (
        again / "experiment.toml"
    ).read_text()  # the same trajectories under another name, with more written down
    (again / "experiment.toml").write_text(
        text.replace('name = "small"', 'name = "longer"').replace("t_end = 20", "t_end = 30")
    )
    learn(again, source=folder, overwrite=True)
    with xr.open_dataset(again / "score.nc") as ds:
        assert ds.kept == "26 walkers held out from training"
    assert physent_("score", again, "--from", folder, "--overwrite", "--set", "score.member=0") == 2
    assert (
        "score.member: given 0, and the score is of this run, allowed: omit it"
        in capsys.readouterr().err
    )
    assert physent_("score", other, "--from", folder) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert physent_("score", tmp_path) == 2 and "is not a run" in capsys.readouterr().err
    assert physent_("report", folder) == 0
    page = (folder / "report.html").read_text()
    assert "Learned score" in page and "density and current" in page and "E[ds . D ds]" in page


@pytest.mark.slow
def test_a_run_learns_its_score_when_asked_to(tmp_path, capsys):
    def physent_(*arguments):
        return cli.app([*map(str, arguments)], exit_on_error=False, print_error=False)

    experiment, out = tmp_path / "small.toml", tmp_path / "out"
    experiment.write_text(EXPERIMENT)
    assert physent_("run", experiment, "--output", out, "--score", "--report", "--quiet") == 0
    assert "Learned score" in (out / "report.html").read_text()
    assert (out / "score.eqx").is_file()
    assert "use that one" in " ".join(capsys.readouterr().out.split())
    experiment.write_text(EXPERIMENT.partition("[score]")[0])
    assert physent_("run", experiment, "--output", tmp_path / "none", "--score") == 2
    assert (
        "--score needs a [score] table" in capsys.readouterr().err
        and not (tmp_path / "none").exists()
    )


@pytest.mark.parametrize("reference", ["none", "equilibrium", "drift"])
def test_nothing_learned_explains_nothing(reference):
    """u = 0 gives R^2 = 0 exactly, whatever the reference, with noise in x and without."""

    @eqx.filter_jit
    def found_of(solver, score, key):
        state = solver.init(key)
        return sums(physics(solver, state), exactly(score, solver, state))

    for solver in (active(), active(diffusivity=None)):
        samples = {name: jnp.ones((2, 6, 2)) for name in solver.parity()}
        trained = build(NETWORKS["mlp"](width=4), reference, solver, samples, jax.random.key(0))
        nothing = jax.tree.map(
            lambda leaf: np.zeros_like(leaf) if eqx.is_inexact_array(leaf) else leaf, trained
        )
        found = found_of(solver, nothing, jax.random.key(0))
        assert found["error"] == found["error_reference"]
        assert (found["error"] == -found["drift_divergence"]) == (reference == "none")


def test_numbers_are_shown_with_the_digits_they_have():
    assert str(Number(0.11264, 0.001)) == "0.1126 +- 0.0010"
    assert str(Number(3.0, 1e-14)) == "3.0000000 +- 0.0000000"
    assert str(Number(float("nan"), 1.0)) == "undefined"


def test_errors_of_correlated_rows_are_those_of_blocks():
    rng, x = np.random.default_rng(0), np.zeros((4000, 2))
    for i in range(1, 4000):
        x[i] = 0.9 * x[i - 1] + rng.normal(size=2)
    found = Table({"x": x}, correlation=19.0).mean("x")
    assert 0.7 < found.standard_error / (10 / np.sqrt(8000)) < 1.3
    end = Part(
        np.arange(3000, 4000), np.arange(2)
    )  # as held out from training: its rows are as correlated as any
    cut, sparse = end.thinned(4000), end.thinned(1000)
    np.testing.assert_allclose([cut.spacing, sparse.spacing], [1, 999 / 499])
    for part in (cut, sparse):
        found = Table({"x": x[part.rows]}, 19.0 / part.spacing).mean("x")
        assert 0.6 < found.standard_error / (10 / np.sqrt(2000)) < 1.4
    ratio = Table({}, 19.0).ratio(2 * (x + 50), x + 50)
    with pytest.warns(FutureWarning, match="Number.error is now Number.standard_error"):
        assert ratio.error == ratio.standard_error
    np.testing.assert_allclose([ratio.value, ratio.standard_error], [2, 0], atol=1e-12)


class UnderdampedState(State):
    t: jax.Array
    position: jax.Array
    velocity: jax.Array


class Underdamped(StochasticSolver[UnderdampedState]):
    """Walkers with dx = v dt, dv = (-x - v) dt + sqrt(2) dW: an equilibrium, with the score (-x,
    -v).
    """

    dt: jax.Array = param(default=0.1, converter=as_number, doc="time step")

    def init(self, key):
        x, v = jax.random.normal(key, (2, 1, 1))
        return UnderdampedState(jnp.zeros(()), x, v)

    def step(self, state):
        return state

    def observe(self, state):
        return {"position": state.position, "velocity": state.velocity}

    def variables(self):
        return {name: Variable(("walker", "component"), name) for name in ("position", "velocity")}

    def domain(self):
        return Domain(())

    def drift(self, state):
        return {"position": state.velocity, "velocity": -state.position - state.velocity}

    def diffusion(self, state):
        return {"position": jnp.zeros(()), "velocity": jnp.ones(())}

    def divergence(self, state):
        return {
            "position": jnp.zeros_like(state.position),
            "velocity": -jnp.ones_like(state.velocity),
        }

    def parity(self):
        return {"position": 1, "velocity": 1}

    def independent(self):
        return True


class Maxwell(Score):
    def __call__(self, solver, state):
        return {"velocity": -state.velocity}


@pytest.mark.parametrize(("odd", "total"), [(("velocity",), 0.0), (None, 1.0)])
def test_an_odd_variable_turns_its_part_of_the_drift(odd, total):
    """Underdamped motion in equilibrium: with an odd velocity nothing is produced, with an even one
    E x^2.
    """
    x, v = (np.random.default_rng(seed).normal(size=(40, 300, 1)) for seed in (0, 1))
    solver, dims = Underdamped(), ("t", "walker", "component")
    ds = xr.Dataset({"position": (dims, x), "velocity": (dims, v)}, {"t": np.arange(40.0)})
    found = survey(solver, Samples(ds, solver), odd)
    np.testing.assert_allclose(found.exact.mean(), total, atol=0.05)
    state = solver.at({"position": jnp.asarray(x[0]), "velocity": jnp.asarray(v[0])})
    flow = current(physics(solver, state, found.parity), exactly(Maxwell(), solver, state))
    np.testing.assert_allclose(flow.total["velocity"], total * x[0] ** 2, atol=1e-12)


@pytest.mark.slow
def test_the_probability_flow_of_a_rotation_is_a_circle():
    solver = LinearLangevin(system=Matrix(), walkers=2)
    start = {"position": jnp.asarray([[1.0, 0.0], [0.0, 2.0]])}
    times = jnp.linspace(0, jnp.pi, 5)  # once round at the rate 2
    path = probability_flow(exact_score(solver), solver, start, times, rtol=1e-8, atol=1e-10)[
        "position"
    ]
    np.testing.assert_allclose(path[-1], start["position"], atol=1e-6)
    np.testing.assert_allclose(path[1], [[0.0, -1.0], [2.0, 0.0]], atol=1e-6)


@pytest.mark.slow
def test_devices_share_a_batch(folder, tmp_path):
    """Four simulated devices learn what one does, up to the order of sums."""
    copied(folder, tmp_path)
    code = (
        "import sys, jax\nfrom physent.score.pipeline import learn\nassert jax.device_count() == "
        "4\n"
        "learn(sys.argv[1], overrides=['score.precision=\"float64\"'])"
    )
    flags = os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=4"
    subprocess.run(
        [sys.executable, "-c", code, tmp_path],
        check=True,
        env=os.environ | {"XLA_FLAGS": flags},
        timeout=300,
    )
    many = load(tmp_path).header["verdict"]
    learn(tmp_path, overrides=['score.precision="float64"', "score.devices=1"], overwrite=True)
    one = load(tmp_path).header["verdict"]
    np.testing.assert_allclose(many["error"], one["error"], rtol=1e-6)


@pytest.mark.runs_long
@pytest.mark.slow
@pytest.mark.parametrize("name", ["gyrator"])  # the others: python -m experiments.langevin.learned
def test_learned_scores_of_linear_systems_are_the_exact_ones(name, tmp_path):
    """The shipped experiments: total, score and error beside closed forms."""
    from physent.experiments.langevin.learned import compared

    row = compared(name, tmp_path)
    assert abs(row["learned"] - row["exact"]) <= row["allowed"]
    assert row["true_r2"] >= 0.995
    assert abs(row["identity"] - row["true_error"]) < 3 * row["identity_se"]


def test_what_is_refused_leaves_nothing_behind_and_physics_stays(folder, tmp_path):
    copied(folder, tmp_path)
    for path in tmp_path.glob("score.*"):
        path.unlink()
    with pytest.raises(ConfigError, match=r"--set solver.dt=1: only keys of \[score\] can be set"):
        learn(tmp_path, overrides=["solver.dt=1"])
    with pytest.raises(ConfigError, match=r"score\.stepz"):
        learn(tmp_path, overrides=["score.stepz=1"])
    assert not list(tmp_path.glob("score.*"))


FREE = '''
import jax
import jax.numpy as jnp
from jaxtyping import Array

from physent import StochasticSolver, Variable, as_number, param, static
from physent.protocol.solver import State
from physent.protocol.variables import Axis, Domain


class FreeState(State):
    t: Array
    key: Array
    x: Array


class Free(StochasticSolver[FreeState]):
    """Particles on a line, each in a trap of its own: an axis of particles, none of components."""

    dt: Array = param(default=0.1, converter=as_number, doc="time step")
    n: int = static(6, doc="particles")

    def init(self, key):
        key, now = jax.random.split(key)
        return FreeState(jnp.zeros_like(self.dt), key, jax.random.normal(now, (self.n,)))

    def step(self, state):
        key, now = jax.random.split(state.key)
        noise = jnp.sqrt(2 * self.dt) * jax.random.normal(now, state.x.shape)
        return FreeState(state.t + self.dt, key, (1 - self.dt) * state.x + noise)

    def observe(self, state):
        return {"x": state.x}

    def variables(self):
        return {"x": Variable(("particle",))}

    def domain(self):
        return Domain((Axis("particle"),))

    def drift(self, state):
        return {"x": -state.x}

    def diffusion(self, state):
        return {"x": jnp.ones_like(state.x)}

    def parity(self):
        return {"x": 1}
'''


@pytest.mark.slow
def test_variables_without_components_have_a_score_and_maps(tmp_path):
    (tmp_path / "free.py").write_text(FREE)
    (tmp_path / "case.toml").write_text(
        '[solver]\nkind = "free.py:Free"\n[run]\nt_end = 40.0\nsave_every = 0.5\nmembers = 4\n'
        '[[diagnostics]]\nkind = "entropy_production"\n[score]\nsteps = 20\nbatch = 8\nbins = 4\n'
        'network = { kind = "mlp", width = 8 }\n'
    )
    experiment = load_experiment(tmp_path / "case.toml")
    physent.run(experiment, output=tmp_path / "run").close()
    with pytest.warns(UserWarning, match="independent samples"):
        learn(tmp_path / "run")
    with xr.open_dataset(tmp_path / "run" / "score.nc") as found:
        assert found.map_total.shape == (4, 4) and np.isfinite(float(found.total))
        assert found.map_total.dims == ("map_x_0", "map_x_1")
