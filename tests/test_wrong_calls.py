# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false
"""Wrong calls of Python and wrong solvers are answered by one sentence that names what is wrong."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from toys import Heat, HeatState

import physent
import physent.report
import physent.score
from physent.diagnostics import Entropy
from physent.report.comparison import compare_runs
from physent.runs import resume
from physent.solvers import NLSE, ActiveMatter, Couzin, KelvinHelmholtz, KleinGordon
from physent.sweep import sweep

ONCE = {"t_end": 0.1, "save_every": 0.1}


def own(**methods):
    """The heat equation with other methods."""
    return type("Own", (Heat,), methods)()


def stepped(change):
    def step(self, state):
        return change(HeatState(t=state.t + self.dt, u=0.9 * state.u, key=state.key))

    return own(step=step)


def begun(**values):
    def init(self, key):
        return HeatState(**{"t": jnp.zeros(()), "u": jnp.ones(32), "key": key} | values)

    return own(init=init)


def on_other_dims(self):
    return Heat.variables(self) | {"u": physent.Variable(("y",), "density")}


def too_short(self, state):
    return Heat.observe(self, state) | {"u": state.u[:3]}


def flat(self, state):
    return Heat.observe(self, state) | {"u": state.u[0]}


def branching(self, state):
    return state if state.u[0] > 0 else Heat.step(self, state)


def plain(state):
    return state.t, state.u


def shorter(state):
    return HeatState(t=state.t, u=state.u[:-1], key=state.key)


def narrower(state):
    return HeatState(t=state.t, u=state.u.astype("float32"), key=state.key)


def timeless(self, state):
    return HeatState(t=state.t, u=0.9 * state.u, key=state.key)


WRONG_SOLVERS = {
    "a dim that the domain lacks": (
        own(variables=on_other_dims),
        r"variables() of Own puts u on 'y', which domain() has no axis for (axes: x)",
    ),
    "too few values": (own(observe=too_short), "u has 3 values on 'x', whose axis has 32 points"),
    "no axis": (own(observe=flat), "u has shape (), and variables() gives it the dims ('x',)"),
    "an array observed": (own(observe=lambda self, state: state.u), "gives an array, allowed: a d"),
    "no domain": (own(domain=lambda self: None), "domain() of Own gives NoneType, allowed: a phy"),
    "an invariant alone": (
        own(invariants=lambda self, state: jnp.mean(state.u)),
        "invariants() of Own gives an array, allowed: a dict of scalars",
    ),
    "an invariant of every point": (
        own(invariants=lambda self, state: {"mass": state.u}),
        "mass has shape (32,), allowed: a scalar",
    ),
    "a number for t": (begun(t=0.0), "init() of Own gives t = 0.0, allowed: a scalar array"),
    "a whole number for t": (begun(t=jnp.zeros((), int)), "gives t = an array int64[], allowed"),
    "no state": (own(init=lambda self, key: jnp.ones(3)), "init() of Own gives an array, allowed"),
    "a tuple": (stepped(plain), "step() of Own gives tuple, allowed: a HeatState, as init() does"),
    "another shape": (stepped(shorter), "step() of Own changes u from float64[32] to float64[31]"),
    "another dtype": (stepped(narrower), "changes u from float64[32] to float32[32]"),
    "time stands still": (own(step=timeless), "step() of Own leaves t as it is, allowed: t + dt"),
    "a branch": (own(step=branching), "step() of Own cannot be compiled: Attempted boolean conv"),
    "no key": (own(init=lambda self: None), "takes 1 positional argument but 2 were given"),
}


@pytest.mark.parametrize("wrong", WRONG_SOLVERS)
def test_a_solver_that_is_wrong_is_refused_before_anything_is_made(wrong, tmp_path):
    solver, words = WRONG_SOLVERS[wrong]
    with pytest.raises(physent.errors.ParameterError, match=re.escape(words)) as error:
        physent.run(solver, output=tmp_path / "run", **ONCE)
    assert len(str(error.value).splitlines()) == 1 and len(str(error.value)) < 400
    assert not (tmp_path / "run").exists()


def test_an_experiment_says_it_as_well(tmp_path):
    (tmp_path / "own.py").write_text(
        "from toys import Heat\n\nclass Own(Heat):\n    def observe(self, state):\n"
        "        return state.u\n"
    )
    (tmp_path / "own.toml").write_text(
        '[solver]\nkind = "own.py:Own"\n[run]\nt_end = 1.0\nsave_every = 0.1\n'
    )
    with pytest.raises(physent.errors.ConfigError, match=r"observe\(\) of Own gives an array"):
        physent.load_experiment(tmp_path / "own.toml")


def run(solver=None, **settings):
    return lambda: physent.run(Heat() if solver is None else solver, **ONCE | settings)


WRONG_CALLS = {
    "a class": (run(Heat), "solver: given the class Heat, allowed: an instance of Solver"),
    "a path": (run("x.toml"), "physent.load_experiment(path) reads one"),
    "a name for a diagnostic": (run(diagnostics=["entropy"]), "diagnostics.0: given 'entropy'"),
    "one diagnostic": (run(diagnostics=Entropy(of="u")), "diagnostics: given Entropy, allowed: a"),
    "a class of a diagnostic": (run(diagnostics=[Entropy]), "given the class Entropy, allowed"),
    "three values for two": (run(Heat(nu=[0.1, 0.2, 0.3]), members=2), "solver.nu: given 3 val"),
    "a value for each point": (
        run(NLSE(n=256, nonlinearity=np.ones(256))),
        "solver.nonlinearity: given 256 values, one for each member, allowed: one value",
    ),
    "two axes": (lambda: NLSE(nonlinearity=np.ones((2, 2))), "given an array of shape (2, 2)"),
    "a type for a number": (lambda: NLSE(dt=float), "dt: given <class 'float'>, allowed: a numb"),
    "an object in a list": (lambda: NLSE(dt=[object]), "dt: given [<class 'object'>], allowed"),
    "an array for a class": (
        lambda: NLSE(initial=np.ones(64)),
        "initial: given psi of shape (64,), allowed: (512,), n = 512 grid points",
    ),
    "a list of numbers for a class": (
        lambda: NLSE(initial=[1.0] * 64),
        "initial: given psi of shape (64,), allowed: (512,), n = 512 grid points",
    ),
    "several times": (run(t_end=jnp.ones(2)), "t_end: given [1.0, 1.0], allowed: a number > 0"),
    "a number for a folder": (run(output=3), "output: given 3, allowed: a path, or None"),
    "text for a number": (lambda: NLSE(dt="0.1"), "dt: given '0.1', allowed: a number > 0"),
    "a fraction for a whole number": (lambda: NLSE(n=64.0), "n: given 64.0, allowed: an integer"),
    "true for a number": (lambda: NLSE(length=True), "length: given True, allowed: a number > 0"),
    "complex": (lambda: NLSE(length=1j), "length: given complex numbers"),
    "an unknown parameter": (
        lambda: NLSE(lenght=1.0),
        "no parameter 'lenght', did you mean length",
    ),
    "an unknown method": (lambda: NLSE(method="strange"), "did you mean strang?"),
    "an unknown initial": (lambda: NLSE(initial="solitn"), "did you mean soliton?"),
    "an unknown potential": (lambda: KleinGordon(potential="phi_4"), "did you mean phi4?"),
    "too few fish": (lambda: Couzin(n=0), "n: given 0, allowed: an integer >="),
    "another dimension": (lambda: ActiveMatter(dimension=4), "dimension: given 4, allowed: one of"),
    "a list for a size": (lambda: KelvinHelmholtz(nx=[64]), "nx: given [64], allowed: an integer"),
    "a negative time": (run(t_end=-1), "t_end: given -1, allowed: a number > 0"),
    "text for a time": (run(t_end="1"), "t_end: given '1', allowed: a number > 0"),
    "no multiple": (
        run(t_end=0.15),
        "run.t_end: given 0.15, allowed: a multiple of",
    ),
    "text for a seed": (run(seed="a"), "seed: given 'a', allowed: an integer >= 0"),
    "no members": (run(members=0), "members: given 0, allowed: an integer >= 1"),
    "an unknown variable": (run(variables=["uu"]), "unknown observable 'uu', did you mean u?"),
    "one variable": (run(variables="u"), "variables must be a list of names"),
    "an unknown measure": (lambda: Entropy(of="u", measure="shanon"), "did you mean shannon?"),
    "no density": (
        run(NLSE(n=32), diagnostics=[Entropy(of="current")]),
        "diagnostics.0.of: current has negative values, so it is not a density: take",
    ),
    "nowhere to write": (run(output="/proc/x"), "/proc/x: cannot be written"),
    "no run": (lambda: physent.open_run("/nowhere"), "/nowhere is not a run"),
    "no experiment": (lambda: physent.load_experiment("/no.toml"), "/no.toml: cannot be read"),
}


@pytest.mark.parametrize("wrong", WRONG_CALLS)
def test_a_wrong_call_is_answered_by_one_sentence(wrong):
    call, words = WRONG_CALLS[wrong]
    errors = physent.errors.FolderError, physent.errors.ConfigError
    with pytest.raises((ValueError, TypeError, *errors)) as error:
        call()
    assert words in str(error.value)
    assert len(str(error.value)) < 400 and len(str(error.value).splitlines()) == 1
    assert not isinstance(error.value, jax.errors.JAXTypeError)


A_PATH, A_RUN, A_SOLVER = "allowed: a path", "allowed: an instance of Dataset", "of Solver"
READERS = {
    "open_run": (physent.open_run, A_PATH),
    "open_runs": (physent.open_runs, A_PATH),
    "resume": (resume, A_PATH),
    "load_experiment": (physent.load_experiment, A_PATH),
    "learn": (physent.score.learn, A_PATH),
    "load": (physent.score.load, A_PATH),
    "sweep": (lambda given: sweep([], [], given), A_PATH),
    "write": (physent.report.write, A_PATH),
    "compare": (lambda given: compare_runs(given, given), A_PATH),
    "diagnose": (lambda given: physent.diagnose(given, []), A_RUN),
    "plot": (physent.report.plot, A_RUN),
    "page": (physent.report.page, A_RUN),
    "run": (lambda given: physent.run(given, **ONCE), A_SOLVER),
    "trajectory": (lambda given: physent.trajectory(given, 2), A_SOLVER),
    "rows": (lambda given: physent.trajectory(Heat(), given), "allowed: a whole number >= 0"),
    "overrides": (lambda given: physent.load_experiment("a.toml", given), "allowed: a list of"),
    "variables": (lambda given: physent.open_runs("a", variables=given), "allowed: a list of"),
}
STRANGE = [2.5, {"a": 1}, [1.0], b"x", np.ones(3), object()]


@pytest.mark.parametrize("reader", READERS)
def test_what_is_no_path_no_run_and_no_solver_is_said_to_be_none(reader):
    call, words = READERS[reader]
    optional = reader in ("overrides", "variables")
    for given in STRANGE if optional else [None, *STRANGE]:
        with pytest.raises(physent.errors.ParameterError, match=r"given .*" + words) as error:
            call(given)
        assert len(str(error.value)) < 300 and len(str(error.value).splitlines()) == 1


def test_arrays_of_one_number_are_numbers():
    times = {"t_end": jnp.asarray(0.1, "float32"), "save_every": np.asarray(0.1)}
    ds = physent.run(Heat(), members=jnp.asarray(2), seed=np.int8(1), **times)
    assert ds.sizes["member"] == 2 and float(ds.t[-1]) == 0.1
