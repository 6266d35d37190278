"""Times of rows that are listed (`run.save_at`), and runs that end early (`run.until`)."""

import re
from typing import Any

import jax
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import physent
from physent import runs
from physent.app import cli
from physent.diagnostics import Entropy, PermutationEntropy
from physent.engine import loop
from physent.engine.cadence import Cadence, unit_of
from physent.engine.portions import Portion, Portions
from physent.engine.until import Until
from physent.errors import ConfigError, ParameterError, SamplesError
from physent.experiment.building import load_experiment
from physent.experiment.settings import RunSettings, completed
from physent.score.samples import Samples
from physent.solvers import NLSE, LinearLangevin
from physent.solvers.nlse import GaussianNoise

TINY = NLSE(n=16, length=20.0, dt=0.01)
CONFIG = """
[solver]
kind = "nlse"
n = 16
length = 20.0
dt = 0.01
[run]
{}
[[diagnostics]]
kind = "entropy"
of = "density"
"""


def cadence(**given):
    return Cadence.of(TINY, RunSettings(**completed(given)))


@pytest.fixture(scope="module")
def even():
    return physent.run(TINY, t_end=1.0, save_every=0.01, diagnostics=[Entropy(of="density")])


@pytest.mark.parametrize(
    ("at", "times"),
    [
        ([0.01, 0.05, 0.5, 0.51, 1.0], [0.01, 0.05, 0.5, 0.51, 1.0]),
        (np.array([0.0, 0.2, 0.4]), [0.2, 0.4]),
        ({"linspace": [0.1, 0.3, 3]}, [0.1, 0.2, 0.3]),
        ({"logspace": [0.001, 1.0, 7]}, [0.01, 0.03, 0.1, 0.32, 1.0]),  # the nearest, once
    ],
)
def test_listed_rows_are_those_of_a_run_that_saves_all(even, at, times):
    found = physent.run(TINY, save_at=at, diagnostics=[Entropy(of="density")])
    np.testing.assert_allclose(found.t, [0.0, *times], rtol=1e-15)
    rows = np.rint(found.t.values / 0.01).astype(int)
    for name in ("psi", "entropy_density_shannon", "invariant_energy"):
        np.testing.assert_array_equal(found[name], even[name][rows])


def test_a_listed_run_goes_on_is_verified_and_is_the_same_in_memory(tmp_path, capsys):
    (tmp_path / "at.toml").write_text(
        CONFIG.format("chunk = 2\nsave_at = { logspace = [0.01, 1.0, 8] }")
    )
    experiment = load_experiment(tmp_path / "at.toml")
    assert experiment.run.t_end == 1.0
    looks = iter([False, True, True, True])
    stopped = runs.execute(experiment, tmp_path / "run", stop=lambda: next(looks))
    assert stopped.outcome.reason == "interrupted" and 0 < stopped.outcome.rows < 8
    assert runs.resume(tmp_path / "run").outcome.reason == "done"
    with physent.open_run(tmp_path / "run") as found:
        whole = physent.run(experiment)
        assert found.t.equals(whole.t) and found.psi.equals(whole.psi)
    assert cli._exit_code(["verify", str(tmp_path / "run"), "--rows", "2:5"]) == 0
    assert "bit for bit" in capsys.readouterr().out


def test_a_step_that_fits_the_listed_times_is_found():
    assert unit_of([0.1, 0.33, 2.0]) == 0.01 and unit_of([3, 4.5]) == 1.5
    assert unit_of({"logspace": [0.5, 8.0, 3]}) == 0.5
    auto = NLSE(n=16, length=20.0, dt="auto")
    found = physent.run(auto, save_at=[0.1, 0.33])
    np.testing.assert_array_equal(found.t, [0.0, 0.1, 0.33])


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (dict(save_at=[0.013]), "save_at: given 0.013, allowed: a multiple of solver.dt"),
        (dict(save_at=[0.2, 0.1]), "save_at: given .0.2, 0.1., allowed: .* rising times > 0"),
        (dict(save_at=[]), "save_at: given .., allowed: up to"),
        (dict(save_at=[-1.0, 1.0]), "save_at: .*times > 0"),
        (dict(save_at=[np.nan]), "save_at: given"),
        (dict(save_at="1"), "save_at: given '1', allowed: a list, each a number or a table"),
        (dict(save_at=[[0.1]]), "save_at: given"),
        (dict(save_at={"log": [1, 2, 3]}), "save_at: .*logspace = .first, last, count."),
        (dict(save_at={"logspace": [0, 2, 3]}), "save_at: .*0 < first < last"),
        (dict(save_at={"logspace": [1e-9, 1e-8, 3]}), "save_at: all times are below solver.dt"),
        (dict(save_at=[1.0], t_end=2.0), "t_end: given 2.0, but run.save_at ends at 1.0"),
        (dict(save_at=[1.0], save_every=0.1), "save_every: given beside run.save_at"),
        (dict(save_at=[1.0], snapshot_every=0.1), "snapshot_every: given beside run.save_at"),
        (dict(until=3), "until: given 3, allowed: a table"),
        (dict(until={"below": 1.0}), "until: .*allowed: { of = SERIES, below = LEVEL }"),
        (dict(until={"of": "invariant_mass", "below": True}), "until: given"),
        (dict(until={"of": "invariant_mass", "steady": -1, "over": 1}), "until.steady: given -1"),
        (dict(until={"of": "invariant_mass", "steady": 1, "over": 0}), "until.over: given 0"),
        (dict(until={"of": "density", "below": 1}), "until.of: unknown series 'density'"),
        (dict(until={"of": "invariant_mas", "below": 1}), "nearest: invariant_mass|invariant_mass"),
    ],
)
def test_times_and_conditions_that_are_wrong_are_one_sentence(given, words):
    times = {} if "save_at" in given else dict(t_end=0.1, save_every=0.01)
    with pytest.raises(ParameterError, match=words) as error:
        physent.run(TINY, **times, **given)
    assert "\n" not in str(error.value)


def test_a_file_with_wrong_times_is_answered_with_its_lines(tmp_path):
    path = tmp_path / "at.toml"
    for line, words in (
        ("save_at = [0.2, 0.1]", "at.toml:8: run.save_at: given"),
        ('until = { of = "x", below = 1 }\nsave_at = [0.1]', "at.toml:8: run.until.of: unknown"),
        ("t_end = 1.0", "run.save_every: missing"),
    ):
        path.write_text(CONFIG.format(line))
        with pytest.raises(ConfigError, match=words):
            load_experiment(path)


def test_what_counts_rows_in_order_needs_even_times():
    pattern = PermutationEntropy(of="density")
    with pytest.raises(ParameterError, match="counts rows that follow each other evenly"):
        physent.run(TINY, save_at=[0.1, 0.3, 0.9], diagnostics=[pattern])
    physent.run(TINY, save_at=[0.1, 0.2, 0.3], diagnostics=[pattern])
    solver = LinearLangevin(dt=0.1)
    uneven = physent.run(solver, save_at=[0.1, 0.2, 0.4, 0.8])
    with pytest.raises(SamplesError, match=r"not evenly spaced: 0\.1 to 0\.4"):
        Samples(uneven, solver)


@settings(deadline=None)
@given(
    steps=st.lists(st.integers(1, 40), min_size=1, max_size=20),
    capacity=st.integers(1, 8),
    allowed=st.integers(1, 60),
)
def test_portions_cover_listed_rows(steps, capacity, allowed):
    ends = np.cumsum(steps)
    at = cadence(save_at=(ends * 0.01).tolist())
    assert at.ends == (0, *ends)
    portions = Portions(at, capacity, 1.0)
    portions.allowed = allowed
    done, begun, made = 0, 0, [0] * len(steps)
    while done < at.rows:
        portion = portions.after(done, begun)
        assert (portion.first, portion.begun) == (done, begun) and portion.count <= capacity
        assert sum(portion.steps) <= 2 * allowed
        for row, count in enumerate(portion.steps, done):
            made[row] += count
        done, begun = portion.end, portion.begun_after
    assert made == steps and Portion.of_rows(at, 0, at.rows).steps == tuple(steps)


# ---- until ---------------------------------------------------------------------------------------


def test_a_run_ends_at_the_first_row_of_its_condition_and_no_later(even, tmp_path, monkeypatch):
    entropy = even.entropy_density_shannon.values
    level = (entropy[30] + entropy[31]) / 2
    side = "above" if entropy[31] > entropy[30] else "below"
    first = int(np.argmax(entropy > level if side == "above" else entropy < level))
    until = {"of": "entropy_density_shannon", side: float(level)}
    times: dict[str, Any] = dict(t_end=1.0, save_every=0.01, diagnostics=[Entropy(of="density")])
    found = physent.run(TINY, **times, until=until, output=tmp_path / "run")
    assert len(found.t) == 1 + first and found.attrs["status"] == "done"
    assert found.attrs["until"] == f"entropy_density_shannon is {side} {level:g}"
    np.testing.assert_array_equal(found.psi, even.psi[: 1 + first])
    found.close()
    assert runs.resume(tmp_path / "run").outcome.rows == first  # it holds still
    text = (tmp_path / "run" / "experiment.toml").read_text()
    (tmp_path / "run" / "experiment.toml").write_text(re.sub(r"\[run.until\]\n(.+\n)+", "", text))
    assert runs.resume(tmp_path / "run").outcome.rows == 100  # without it the run goes on
    with physent.open_run(tmp_path / "run") as whole:
        np.testing.assert_array_equal(whole.psi, even.psi)
        assert "until" not in whole.attrs


def test_a_steady_series_has_changed_little_for_long_enough():
    times = np.arange(200) * 0.1
    values = np.exp(-times)
    until = Until.of_settings({"of": "s", "steady": 0.01, "over": 2.0})
    assert until is not None
    row = until.look(values, times)
    spread = [np.ptp(values[k - 20 : k + 1]) for k in range(20, 200)]
    assert row == 20 + int(np.argmax(np.array(spread) <= 0.01)) and until.held
    members = np.stack([values, np.cos(times)], axis=1)  # one of two never is
    never = Until.of_settings({"of": "s", "steady": 0.01, "over": 2.0})
    assert never is not None and never.look(members, times) is None
    early = Until.of_settings({"of": "s", "steady": 0.01, "over": 2.0})
    assert early is not None and early.look(np.zeros(19), times[:19]) is None
    assert early.look(np.zeros(5), times[19:24]) == 1  # it remembers the rows of before
    lost = Until.of_settings({"of": "s", "below": 1.0})
    assert lost is not None and lost.look(np.full(3, np.nan), times[:3]) is None


def test_all_members_have_to_be_so(monkeypatch):
    monkeypatch.setattr(loop, "CHUNK_SECONDS", 1e-3)
    times: dict[str, Any] = dict(t_end=1.0, save_every=0.01, members=3, seed=4)
    noisy = NLSE(n=16, length=20.0, dt=0.01, initial=GaussianNoise(noise=0.2))
    whole = physent.run(noisy, **times, diagnostics=[Entropy(of="density")])
    name = "entropy_density_shannon"
    largest = whole[name].max("member").values
    level = float(np.sort(largest)[5])
    row = int(np.argmax(largest < level))
    until = {"of": name, "below": level}
    found = physent.run(noisy, **times, until=until, diagnostics=[Entropy(of="density")])
    assert len(found.t) == 1 + row
    for each in found.data_vars:
        np.testing.assert_array_equal(found[each], whole[each][: 1 + row])


def test_float32_labels_its_rows_as_before():
    with jax.enable_x64(False):
        solver = NLSE(n=16, length=20.0, dt=0.01)
        found = physent.run(solver, t_end=0.3, save_every=0.1)
        listed = physent.run(solver, save_at=[0.1, 0.2, 0.3])
        np.testing.assert_array_equal(found.psi, listed.psi)
