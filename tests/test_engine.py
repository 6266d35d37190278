"""Chunks are transactions, and no way of cutting a run into them changes a bit."""

import collections
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from toys import Heat, Walk

import physent
from physent import errors, runs
from physent.diagnostics import DifferentialEntropy, Entropy
from physent.engine.cadence import Cadence
from physent.errors import ParameterError
from physent.experiment.settings import RunSettings
from physent.solvers import NLSE


def same(a, b):
    assert set(a.variables) == set(b.variables)
    for name in a.variables:
        np.testing.assert_array_equal(a[name].values, b[name].values, err_msg=str(name))


@pytest.fixture(scope="module")
def reference():
    return physent.run(Heat(), t_end=2.0, save_every=0.02, diagnostics=[Entropy(of="u")], seed=3)


@pytest.mark.compiles_afresh
@pytest.mark.parametrize("chunk", [1, 7, 64])
def test_the_length_of_a_chunk_changes_no_bit(reference, chunk):
    same(
        reference,
        physent.run(
            Heat(), t_end=2.0, save_every=0.02, diagnostics=[Entropy(of="u")], seed=3, chunk=chunk
        ),
    )


def test_the_trajectory_is_that_of_single_steps(reference):
    solver = Heat()
    step = eqx.filter_jit(solver.step)
    state = solver.init(jax.random.key(3))
    for _ in range(50):
        state = step(state)
    np.testing.assert_allclose(reference.u.values[25], state.u, rtol=1e-13)
    assert reference.t.values[25] == 0.5


@pytest.mark.compiles_afresh
def test_saving_less_often_gives_the_same_rows(reference):
    coarse = physent.run(Heat(), t_end=2.0, save_every=0.2, seed=3)
    np.testing.assert_array_equal(coarse.u.values, reference.u.values[::10])


def test_fields_have_a_cadence_of_their_own(reference):
    two = physent.run(
        Heat(),
        t_end=2.0,
        save_every=0.02,
        snapshot_every=0.1,
        diagnostics=[Entropy(of="u")],
        seed=3,
        chunk=3,
    )
    assert two.u.dims == ("t_snapshot", "x") and two["mean"].dims == ("t",)
    # another compiled program, which may round differently; the same one gives the same bits
    np.testing.assert_allclose(two.u.values, reference.u.values[::5], rtol=1e-13)
    np.testing.assert_allclose(
        two.entropy_u_shannon.values, reference.entropy_u_shannon.values, rtol=1e-13
    )
    np.testing.assert_allclose(two.t_snapshot.values, two.t.values[::5], rtol=1e-15)


def test_another_seed_is_another_run(reference):
    other = physent.run(Heat(), t_end=2.0, save_every=0.02, seed=4)
    assert not np.array_equal(other.u.values, reference.u.values)


class HeatInTurn(Heat):
    """Its members are computed one after another."""

    def members_in_turn(self):
        return True


@pytest.mark.parametrize("kind", [Heat, HeatInTurn])
def test_members_are_the_single_runs_with_their_keys_and_parameters(kind):
    nu = [0.1, 0.2, 0.3]
    together = physent.run(
        kind(nu=nu), t_end=0.5, save_every=0.1, members=3, seed=1, diagnostics=[Entropy(of="u")]
    )
    assert together.u.dims == ("t", "member", "x") and together.invariant_mass.dims == (
        "t",
        "member",
    )
    for member in range(3):
        solver = Heat(nu=nu[member])
        step = eqx.filter_jit(solver.step)
        state = solver.init(jax.random.fold_in(jax.random.key(1), member))
        for _ in range(10):
            state = step(state)
        np.testing.assert_allclose(together.u.values[1, member], state.u, rtol=1e-12)


def test_a_member_does_not_depend_on_how_many_there_are():
    few = physent.run(Heat(), t_end=0.1, save_every=0.1, members=2)
    many = physent.run(Heat(), t_end=0.1, save_every=0.1, members=5)
    np.testing.assert_allclose(few.u.values, many.u.values[:, :2], rtol=1e-13)


def test_lengths_that_differ_by_member_are_kept_apart():
    run = physent.run(Heat(length=[6.0, 12.0]), t_end=0.1, save_every=0.1, members=2)
    assert run.x_of_member.dims == ("member", "x")
    np.testing.assert_allclose(run.x_of_member.values[1], 2 * run.x_of_member.values[0])


def test_a_value_that_is_not_finite_stops_the_run_and_says_where():
    with pytest.raises(
        errors.RunError, match=r"u is not finite at index \(\d+,\) at t = .*checkpoint at t = "
    ) as caught:
        physent.run(Heat(growth=5.0, noise=0.0), t_end=5.0, save_every=0.05)
    kept = caught.value.dataset
    assert kept.attrs["status"] == "failed"
    assert 1 < len(kept.t) < 100
    assert kept.t.values[-1] == pytest.approx(float(str(caught.value).rsplit("t = ", 1)[1]))
    assert np.isfinite(kept.u.values).all()


def test_a_member_that_is_not_finite_is_named():
    with pytest.raises(errors.RunError, match=r"not finite in member 1 at index"):
        physent.run(Heat(growth=[0.0, 5.0], noise=0.0), t_end=5.0, save_every=0.05, members=2)


def test_an_initial_state_that_is_not_finite_is_refused():
    solver = eqx.tree_at(lambda solver: solver.length, Heat(), jnp.asarray(jnp.nan))
    with pytest.raises(errors.RunError, match=r"not finite.*t = 0|not finite"):
        physent.run(
            eqx.tree_at(lambda s: s.nu, solver, jnp.asarray(jnp.nan)), t_end=0.1, save_every=0.1
        )


@pytest.mark.parametrize("chunk", [1, 5, None])
def test_an_overflow_grows_the_buffers_and_loses_nothing(chunk):
    grown = physent.run(Walk(capacity=2), t_end=200.0, save_every=1.0, chunk=chunk)
    large = physent.run(Walk(capacity=1024), t_end=200.0, save_every=1.0)
    assert np.abs(large.x.values).max() > 4  # it did overflow, more than once
    np.testing.assert_array_equal(grown.x.values, large.x.values)


def test_a_solver_that_cannot_grow_says_so():
    class Stuck(Walk):
        def grow(self, state):  # pyright: ignore[reportIncompatibleMethodOverride]
            return physent.Solver.grow(self, state)

    with pytest.raises(RuntimeError, match="cannot fix"):
        physent.run(Stuck(capacity=1), t_end=200.0, save_every=1.0)


class Idle(Walk):
    """It grows into itself."""

    def grow(self, state):
        return self, state


class Full(Idle):
    """It is full from the start, whatever its capacity."""

    def error(self, state):
        return jnp.ones((), int)

    def grow(self, state):
        return type(self)(capacity=self.capacity + 1, dt=self.dt), state


class Broken(Full):
    """It is full from the start, and says that no larger buffer helps."""

    def fatal(self, error):
        return "two particles are in one place" if error == 1 else None


@pytest.mark.parametrize(
    ("solver", "words"),
    [
        (Idle(), r"Idle reported an error, and its grow\(\) changed nothing between t = "),
        (Full(), "Full grew 16 times, and the error remained at t = 0"),
        (Broken(), "two particles are in one place at t = 0"),
    ],
)
def test_growing_that_does_not_help_ends_with_a_sentence(solver, words):
    with pytest.raises(errors.RunError, match=words):
        physent.run(solver, t_end=200.0, save_every=1.0)


def test_the_solver_is_traced_once_whatever_the_diagnostics(tmp_path, monkeypatch):
    traced = collections.Counter()

    def counted(name, method):
        def call(self, *arguments):
            traced[name] += 1
            return method(self, *arguments)

        return call

    for name in ("init", "observe", "step", "invariants"):
        monkeypatch.setattr(NLSE, name, counted(name, getattr(NLSE, name)))
    path = tmp_path / "waves.toml"
    for number in (1, 4):
        entropies = "".join(
            f'[[diagnostics]]\nkind = "entropy"\nof = "density"\nname = "s{i}"\n'
            for i in range(number)
        )
        path.write_text(
            f'[solver]\nkind = "nlse"\nn = 64\n[run]\nt_end = 0.2\nsave_every = 0.1\n{entropies}'
        )
        traced.clear()
        experiment = physent.load_experiment(path)
        assert traced == {"init": 1, "observe": 1, "invariants": 1}
        runs.execute(experiment, None)  # the start, the row at t = 0, scales, a chunk
        assert traced == {"init": 2, "observe": 3, "invariants": 4, "step": 1}


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        (dict(t_end=1.0, save_every=0.015), "run.save_every"),
        (dict(t_end=1.05, save_every=0.1), "run.t_end"),
        (dict(t_end=1.0, save_every=0.1, snapshot_every=0.25), "run.snapshot_every"),
        (dict(t_end=1.0, save_every=0.1, snapshot_every=0.3), "run.t_end"),
    ],
)
def test_times_that_do_not_divide_are_refused_with_a_neighbour(settings, key):
    with pytest.raises(ParameterError, match="near it") as caught:
        Cadence.of(Heat(), RunSettings(**settings))
    assert caught.value.key == key


def test_members_must_share_their_step():
    with pytest.raises(ParameterError, match="same for all"):
        physent.run(Heat(dt=[0.01, 0.02]), t_end=0.1, save_every=0.1, members=2)


def test_times_are_multiples_and_not_sums():
    run = physent.run(Heat(n=4), t_end=100.0, save_every=0.1, variables=[])
    np.testing.assert_array_equal(run.t.values, np.arange(1001) * 0.1)


def test_float32_runs_in_float32():
    with jax.enable_x64(False):
        run = physent.run(
            Heat(),
            t_end=0.1,
            save_every=0.1,
            diagnostics=[Entropy(of="u"), DifferentialEntropy(of="u")],
        )
    assert (
        run.u.dtype == np.float32
        and run.entropy_u_shannon.dtype == np.float32
        and run.z.dtype == np.complex64
    )
    assert run.t.dtype == np.float64 and run.attrs["precision"] == "float32"


def test_a_chunk_may_end_between_two_snapshots(reference):
    for chunk in (1, 3, 7):
        run = physent.run(
            Heat(), t_end=2.0, save_every=0.02, snapshot_every=0.2, seed=3, chunk=chunk
        )
        np.testing.assert_allclose(run.u.values, reference.u.values[::10], rtol=1e-13)


@pytest.mark.parametrize("names", [[], ["z"]])
def test_a_run_without_series_or_without_fields_has_its_times(tmp_path, names):
    class Silent(Heat):
        def observe(self, state):
            return {"z": Heat.observe(self, state)["z"]}

        def variables(self):
            return {"z": Heat.variables(self)["z"]}

        def invariants(self, state):
            return {}

    settings: dict[str, Any] = dict(t_end=1.0, save_every=0.1, snapshot_every=0.5, variables=names)
    memory = physent.run(Silent(), **settings)
    with physent.run(Silent(), output=tmp_path / "run", **settings) as disk:
        for run in (memory, disk):
            np.testing.assert_array_equal(run.t.values, np.arange(11) * 0.1)
            assert list(run.data_vars) == names


def test_a_diagnostic_that_is_not_finite_is_named_and_the_run_goes_on(tmp_path):
    with pytest.warns(UserWarning, match=r"not finite: entropy_u_shannon from t = 0\.\d") as said:
        run = physent.run(Heat(noise=0.3), t_end=1.0, save_every=0.1, diagnostics=[Entropy(of="u")])
    assert said[0].filename == __file__
    settings: dict[str, Any] = dict(
        t_end=1.0, save_every=0.1, diagnostics=[Entropy(of="u")], output=tmp_path / "run"
    )
    with pytest.warns(UserWarning, match="not finite: entropy_u_shannon") as said:
        physent.run(Heat(noise=0.3), **settings).close()
    assert said[0].filename == __file__
    assert run.attrs["status"] == "done"
    assert run.attrs["not_finite"] == "entropy_u_shannon"


def test_wall_times_add_up(reference):
    wall = {
        name: reference.attrs[f"wall_time{name}"]
        for name in ("", "_solver", "_diagnostics", "_compilation")
    }
    assert all(value >= 0 for value in wall.values())
    assert wall[""] > 0
    assert wall["_solver"] + wall["_diagnostics"] == pytest.approx(wall[""])


class Counter(physent.Diagnostic):
    """How many rows there were, and the running largest value of each point: history in the
    carry.
    """

    of: str = physent.static("u", doc="observable")
    name: str | None = physent.static(None, doc="prefix")
    wrong: bool = physent.static(False, doc="give an output that was not declared")

    def variables(self, observed):
        dims = observed.variables[observed.find(self.of)].dims
        return {
            "rows": physent.Variable(long_name="rows"),
            "largest": physent.Variable(dims, long_name="largest"),
        }

    def init(self, observed):
        return jnp.zeros((), int), jnp.full_like(observed[observed.find(self.of)], -jnp.inf)

    def __call__(self, carry, observed):
        count, largest = carry[0] + 1, jnp.maximum(carry[1], observed[observed.find(self.of)])
        return (count, largest), {"rows": count, "largest": largest} | (
            {"more": count} if self.wrong else {}
        )


def test_a_diagnostic_remembers_in_its_carry_with_several_outputs_and_dims():
    run = physent.run(
        Heat(), t_end=1.0, save_every=0.1, snapshot_every=0.5, diagnostics=[Counter()], chunk=3
    )
    np.testing.assert_array_equal(run.rows.values, np.arange(1, 12))
    every = physent.run(Heat(), t_end=1.0, save_every=0.1)
    np.testing.assert_allclose(
        run.largest.values, np.maximum.accumulate(every.u.values), rtol=1e-13
    )
    offline = physent.diagnose(every, [Counter()])
    np.testing.assert_allclose(offline.largest.values, run.largest.values, rtol=1e-13)


@pytest.mark.parametrize(
    ("diagnostics", "message"),
    [
        ([Entropy(of="u", name="mean")], "two variables are called 'mean'"),
        ([Entropy(of="u", name="invariant_mass")], "two variables are called 'invariant_mass'"),
        ([Entropy(of="u", name="t")], "two variables are called 't': a diagnostic and a dimension"),
        (
            [Entropy(of="u", name="z_re")],
            "two variables are called 'z_re': a diagnostic and a part of z",
        ),
        ([Entropy(of="u", name="a/b")], "allowed: a name of letters"),
        ([Entropy(of="u"), Entropy(of="u")], "two variables are called 'entropy_u_shannon'"),
        ([Counter(wrong=True)], r"does not return the outputs that its variables\(\) decl.*: more"),
        ([Entropy(of="w")], "no observable or role 'w'"),
    ],
)
def test_names_and_outputs_are_checked_before_anything_runs(diagnostics, message):
    with pytest.raises(ParameterError, match=message):
        physent.run(Heat(), t_end=0.1, save_every=0.1, diagnostics=diagnostics)


def test_unknown_variables_and_another_precision_are_refused():
    with pytest.raises(ParameterError, match="unknown observable 'nope'"):
        physent.run(Heat(), t_end=0.1, save_every=0.1, variables=["nope"])
    with pytest.raises(TypeError, match="list of names"):
        physent.run(Heat(), t_end=0.1, save_every=0.1, variables="mean")


def test_a_step_that_only_nearly_divides_is_refused():
    with pytest.raises(ParameterError, match=r"allowed: a multiple of solver\.dt"):
        physent.run(Heat(dt=0.00333333), t_end=20.0, save_every=0.01)


@pytest.mark.parametrize(
    ("solver", "diagnostics", "words"),
    [
        (NLSE, [], r"solver: given the class NLSE, allowed: an instance of Solver, as NLSE\(...\)"),
        ("case.toml", [], "given 'case.toml', .* physent.load_experiment"),
        (3, [], "solver: given int, allowed: an instance of Solver"),
        (NLSE(n=16), Entropy(of="density"), "diagnostics: given Entropy, allowed: a list"),
        (NLSE(n=16), "entropy", "diagnostics: given 'entropy', allowed: a list"),
        (NLSE(n=16), ["entropy"], "diagnostics.0: given 'entropy', allowed: an instance of Diagn"),
        (NLSE(n=16), [Entropy], r"diagnostics.0: given the class Entropy, .* as Entropy\(...\)"),
        (NLSE(n=16), None, "diagnostics: given NoneType, allowed: a list"),
    ],
)
def test_what_is_no_solver_or_diagnostic_is_said(solver, diagnostics, words):
    with pytest.raises(ParameterError, match=words):
        physent.run(solver, t_end=1.0, save_every=1.0, diagnostics=diagnostics)
