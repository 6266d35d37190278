"""Programs are compiled once in a process, and anew where anything but a number is another."""

import itertools
import types

import equinox as eqx
import jax
import jax.monitoring
import jax.numpy as jnp
import numpy as np
import pytest
from test_kills import SOLVERS

import physent
from physent.diagnostics import Entropy
from physent.experiment.building import load_experiment
from physent.protocol import reuse
from physent.protocol.identity import key_of
from physent.protocol.parameters import numbers

COMPILED: list[str] = []


def note(event, duration_secs, **kwargs):
    if "backend_compile" in event:
        COMPILED.append(event)


jax.monitoring.register_event_duration_secs_listener(note)

NOTEBOOK = """
import jax.numpy as jnp
import physent
from physent import as_number, param

RATE = 1.0
TABLE = [1.0, 2.0]

def rate(u):
    return -RATE * u * TABLE[0]

class State(physent.State):
    t: object
    u: object

class Decay(physent.Solver):
    '''du/dt = rate(u)'''
    dt: object = param(default=0.5, converter=as_number, gt=0, doc="time step")
    start: object = param(default=1.0, converter=as_number, doc="u at t = 0")

    def init(self, key):
        return State(t=jnp.zeros_like(self.dt), u=self.start)

    def step(self, state):
        return State(t=state.t + self.dt, u=state.u + self.dt * rate(state.u))

    def observe(self, state):
        return {"u": state.u}

    def variables(self):
        return {"u": physent.Variable(())}

    def domain(self):
        return physent.Domain(())
"""


@pytest.fixture(autouse=True)
def nothing_kept():
    reuse.forget()
    yield
    reuse.forget()


def compiled(function):
    """What a function gives, and how many programs were compiled for it."""
    COMPILED.clear()
    result = function()
    return result, len(COMPILED)


@pytest.mark.slow
@pytest.mark.parametrize("kind", SOLVERS)
def test_another_value_of_any_parameter_compiles_nothing(kind, tmp_path):
    members, every, solver = SOLVERS[kind]
    (tmp_path / "x.toml").write_text(
        f'[solver]\nkind = "{kind}"\n{solver}\n[run]\nt_end = {2 * every}\nsave_every = {every}'
    )
    first = load_experiment(tmp_path / "x.toml").solver
    several = {"members": members, "t_end": 2 * every, "save_every": every}
    result, count = compiled(lambda: physent.run(first, **several))
    assert count
    for name, value in numbers(first):
        if "." in name or name == "dt" or np.isnan(value).any():
            continue
        moved = eqx.tree_at(lambda s, name=name: getattr(s, name), first, value * (1 - 1e-4))
        again, count = compiled(lambda moved=moved: physent.run(moved, **several))
        assert count == 0, name
    again, count = compiled(lambda: physent.run(first, **several))
    assert count == 0 and again.drop_attrs().equals(result.drop_attrs())


def test_twelve_values_in_a_loop_are_twelve_results():
    def runs():
        for start in np.linspace(1.0, 2.0, 12):
            solver = physent.solvers.NLSE(n=32, nonlinearity=start)
            yield physent.run(
                solver, t_end=0.1, save_every=0.1, diagnostics=[Entropy(of="density")]
            )

    found, _ = compiled(lambda: list(runs()))
    once = len(COMPILED)
    last = [float(each.invariant_energy[-1]) for each in found]
    assert len(set(last)) == 12
    reuse.forget()
    jax.clear_caches()
    _, one = compiled(lambda: next(runs()))
    assert once <= one


def test_a_permutation_test_is_compiled_once_for_the_same_functions():
    x, key = jnp.sin(jnp.arange(200.0) ** 2), jax.random.key(0)

    def test(power):
        return physent.entropy.permutation_test(lambda a, b: jnp.sum(a * b**power), x, x, key)

    (first, _), (again, count) = compiled(lambda: test(1)), compiled(lambda: test(1))
    assert count == 0 and again == first
    other, count = compiled(lambda: test(2))
    assert count and other.value != first.value


def run(scope):
    with physent.run(scope.Decay(), t_end=1.0, save_every=0.5) as result:
        return result.u.values.tolist()


def notebook(source=NOTEBOOK):
    scope = types.ModuleType("__main__")
    exec(source, scope.__dict__)
    return scope


def test_a_class_of_a_notebook_is_compiled_once():
    scope = notebook()
    first = run(scope)
    assert first == [1.0, 0.5, 0.25]
    assert compiled(lambda: run(scope)) == (first, 0)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("RATE = 0.0", [1.0, 1.0, 1.0]),
        ("TABLE[0] = 2.0", [1.0, 0.0, 0.0]),
        ("def rate(u):\n    return u", [1.0, 1.5, 2.25]),
        ("rate = jax.jit(lambda u: u)", [1.0, 1.5, 2.25]),
        ("rate = jax.grad(lambda u: u**2 / 2)", [1.0, 1.5, 2.25]),
        (NOTEBOOK[NOTEBOOK.index("class Decay") :].replace("* rate", "* -2 * rate"), [1, 2, 4]),
        ("Decay.step = lambda self, state: State(t=state.t + self.dt, u=-state.u)", [1, -1, 1]),
    ],
    ids=["constant", "list", "function", "jitted function", "derivative", "class", "method"],
)
def test_what_a_notebook_defines_anew_is_compiled_anew(cell, expected):
    scope = notebook()
    scope.__dict__["jax"] = jax
    run(scope)
    exec(cell, scope.__dict__)
    assert run(scope) == expected


OUTSIDE = """
import functools, os, types
import jax
import jax.numpy as jnp
import numpy as np
import equinox as eqx

E = lambda u: -u**2 / 2
NUMBERS = types.SimpleNamespace(k=-1.0)
TABLE = [-1.0]
TABLE.append(TABLE)
POLYNOMIAL = np.poly1d([-1.0, 0.0])
os.environ["RATE"] = "-1"

def scaled(a):
    def around(f):
        @functools.wraps(f)
        def inner(u):
            return a * f(u)
        return inner
    return around

def f0(u):
    return -u

class Table:
    RATES = (-1.0, 2.0)
    nested = {"k": [-1.0]}
    class Inner:
        k = -1.0
    def __getitem__(self, i):
        return self.RATES[i]

def importing(u):
    from mylib import K
    return K * u

def reading(u):
    with open(PATH) as file:
        return float(file.read()) * u

def counted(u):
    return counted.k * u
counted.k = -1.0

RULES = {
    "derivative": "jax.grad(E)",
    "wrapper": "scaled(1.0)(f0)",
    "jitted": "jax.jit(f0)",
    "class attribute": "lambda u: Table.RATES[0] * u",
    "nested class": "lambda u: Table.Inner.k * u",
    "table in a class": "lambda u: Table.nested['k'][0] * u",
    "operator": "lambda u: Table()[0] * u",
    "object": "lambda u: NUMBERS.k * u",
    "list in itself": "lambda u: TABLE[0] * u",
    "polynomial": "lambda u: POLYNOMIAL(u)",
    "environment": "lambda u: float(os.environ['RATE']) * u",
    "by name": "lambda u: globals()['NUMBERS'].k * u",
    "attribute of a function": "counted",
    "import inside": "importing",
    "file": "reading",
    "method of a table": "dict(k=-1.0).get",
    "random": "lambda u: np.random.rand() * u",
}
"""
CHANGES = {
    "derivative": "E = lambda u: -u**2; rule = jax.grad(E)",
    "wrapper": "rule = scaled(2.0)(f0)",
    "jitted": "rule = jax.jit(lambda u: -2 * u)",
    "class attribute": "Table.RATES = (-2.0, 2.0)",
    "nested class": "Table.Inner.k = -2.0",
    "table in a class": "Table.nested['k'][0] = -2.0",
    "operator": "Table.RATES = (-2.0, 2.0)",
    "attribute of a function": "counted.k = -2.0",
}


def rules():
    scope = types.ModuleType("__main__").__dict__
    exec(OUTSIDE, scope)
    return scope


@pytest.mark.parametrize("name", rules()["RULES"])
def test_what_a_rule_takes_from_outside_counts_or_it_has_no_key(name):
    scope = rules()
    exec(f"rule = {scope['RULES'][name]}", scope)
    before = key_of((), scope["rule"])
    if before is None:
        return  # compiled anew, whatever happens
    assert before == key_of((), scope["rule"])
    exec(CHANGES[name], scope)
    assert before != key_of((), scope["rule"])


def test_the_rules_that_are_understood_have_keys():
    scope = rules()
    understood = {
        name for name, rule in scope["RULES"].items() if key_of((), eval(rule, scope)) is not None
    }
    assert understood == {"class attribute", "nested class", "table in a class", "operator"}


def test_a_method_that_somebody_exchanges_counts(monkeypatch):
    solver = physent.solvers.NLSE(n=32)
    before = key_of(solver, ())
    assert before is not None and before == key_of(solver, ())
    monkeypatch.setattr(physent.solvers.NLSE, "step", lambda self, state: state)
    assert key_of(solver, ()) != before


def test_a_file_that_a_solver_reads_counts_by_when_it_was_written(tmp_path):
    path = tmp_path / "start.npy"
    path.write_text("1")
    first = key_of(str(path), ())
    assert key_of(str(path), ()) == first
    path.write_text("22")
    assert key_of(str(path), ()) != first


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (1, 1.0),
        (0.0, -0.0),
        (True, 1),
        ((1, 2), [1, 2]),
        (jnp.sin, jnp.cos),
        (np.sin, np.cos),
        (jax.random.normal, jax.random.uniform),
        (jnp.zeros(2), jnp.zeros(3)),
        (jnp.zeros(2), jnp.zeros(2, "f4")),
        (jnp.asarray(1.0), jnp.asarray(1)),
        (lambda x: x, lambda x: x + 1),
        (int, float),
    ],
)
def test_keys_tell_apart_what_compiles_to_something_else(a, b):
    assert key_of(a, ()) is not None and key_of(a, ()) == key_of(a, ())
    assert key_of(a, ()) != key_of(b, ())


def test_values_of_arrays_count_where_they_are_constants():
    zero, one = jnp.zeros(2), jnp.ones(2)
    assert key_of(zero, ()) == key_of(one, ())
    assert key_of((), zero) != key_of((), one)


def test_code_that_a_text_names_is_compiled_anew(tmp_path):
    (tmp_path / "helper.py").write_text("def v(phi):\n    return phi**2\n")
    (tmp_path / "own.py").write_text("from helper import v\n")

    def energy():
        potential = physent.solvers.klein_gordon.CustomPotential(function=f"{tmp_path}/own.py:v")
        solver = physent.solvers.KleinGordon(n=16, dt=0.01, potential=potential)
        with physent.run(solver, t_end=0.1, save_every=0.1) as run:
            return float(run.invariant_energy[0])

    first = energy()
    (tmp_path / "helper.py").write_text("def v(phi):\n    return 3 * phi**2\n")
    assert energy() != first


def test_closures_and_defaults_count_by_value():
    def made(a):
        return lambda x, b=a: x + a + b

    assert key_of(made(1), ()) == key_of(made(1), ())
    assert key_of(made(1), ()) != key_of(made(2), ())


def test_what_is_not_known_has_no_key():
    class Counter:
        count = 0

    assert key_of(Counter(), ()) is None
    assert key_of(itertools.count(), ()) is None
