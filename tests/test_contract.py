"""What every registered solver and diagnostic keeps to; a new one is covered the day it is
registered.
"""

import contextlib
import functools
import itertools
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from toys import Gas, Heat

import physent
from physent.engine.program import Program
from physent.errors import ParameterError
from physent.experiment.schema import parameter_table
from physent.io import checkpoint
from physent.learning.networks import NETWORKS
from physent.protocol import registry
from physent.protocol.parameters import declarations, numbers, settings
from physent.score.trained import build, header

SOLVERS = registry.available("solvers") | {"toy": Heat, "gas": Gas}
DIAGNOSTICS = registry.available("diagnostics")


class Seen(NamedTuple):
    """What a solver says of its first state, or of the one two steps later."""

    state: Any
    observed: dict[str, Any]
    invariants: dict[str, Any]
    error: Any
    exact: dict[str, Any]


@functools.cache
def seen(kind):
    """The solver of that kind, and its first state and the one two steps later, compiled once for
    all tests.
    """
    solver = SOLVERS[kind]()

    @eqx.filter_jit
    def both(solver, key):
        first = solver.init(key)
        # loops: what is compiled has one step and one look at a state
        last, _ = jax.lax.scan(lambda state, _: (solver.step(state), None), first, length=2)
        states = jax.tree.map(lambda a, b: jnp.stack([a, b]), first, last)
        found = jax.lax.map(
            lambda state: Seen(
                state,
                solver.observe(state),
                solver.invariants(state),
                solver.error(state),
                solver.exact(state.t),
            ),
            states,
        )
        return [jax.tree.map(lambda leaf, i=i: leaf[i], found) for i in (0, 1)]

    return solver, both(solver, jax.random.key(0)), both


@pytest.fixture(params=SOLVERS)
def kind(request):
    return request.param


@pytest.fixture
def solver(kind):
    return seen(kind)[0]


@pytest.fixture
def steps(kind):
    return seen(kind)[1]


def test_a_solver_is_a_module_with_array_parameters_and_documented_fields(solver):
    assert isinstance(solver, physent.Solver)
    for name, declaration in declarations(type(solver)).items():
        assert declaration.doc, name
        if declaration.form == "param" and (value := getattr(solver, name)) is not None:
            values = value.values() if declaration.table else [value]
            assert all(isinstance(each, jax.Array) for each in values), name
    assert type(solver).__doc__ and parameter_table(type(solver))


def test_a_parameter_has_one_value_or_one_for_each_member(solver):
    """Never one for each cell or component, which would be broadcast."""

    def make(values: dict[str, Any]) -> Any:
        return type(solver)(**values)

    for name, value in numbers(solver):
        if "." in name or np.isnan(value).any():
            continue
        several = jnp.asarray(np.stack([value, value]))
        with pytest.raises(ParameterError, match=f"^{name}: given an array of shape"):
            make({name: np.stack([several, several])})
        ensemble = eqx.tree_at(lambda s, name=name: getattr(s, name), solver, several)
        if not isinstance(solver, Heat | Gas):  # a user's own need not look
            with pytest.raises(ParameterError, match=f"^{name}: given 2 values, one for each"):
                ensemble.init(jax.random.key(0))
        for members, allowed in ((1, "allowed: one value$"), (3, "one for each of the 3 members")):
            with pytest.raises(ParameterError, match=f"^solver.{name}: given 2 values.*{allowed}"):
                physent.run(ensemble, t_end=1.0, save_every=1.0, members=members)


def test_a_step_keeps_the_structure_of_the_state_and_adds_dt(solver, steps):
    before, after = (seen.state for seen in steps)
    assert jax.tree.structure(before) == jax.tree.structure(after)
    for a, b in zip(jax.tree.leaves(before), jax.tree.leaves(after), strict=True):
        assert a.shape == b.shape and a.dtype == b.dtype
    np.testing.assert_allclose(after.t - before.t, 2 * np.asarray(solver.dt), rtol=1e-12)
    assert before.t == 0


def test_observables_are_declared_with_the_dims_they_have(solver, steps):
    variables, domain = solver.variables(), solver.domain()
    for seen in steps:
        assert set(seen.observed) == set(variables)
        for name, value in seen.observed.items():
            assert value.ndim == len(variables[name].dims), name
            assert variables[name].long_name or not variables[name].dims, name
            assert np.isfinite(np.asarray(value)).all(), name
            for dim, size in zip(variables[name].dims, value.shape, strict=True):
                if dim in domain and domain[dim].points is not None:
                    assert domain[dim].points.shape == (size,), name


def test_invariants_exact_values_and_errors_are_what_the_protocol_says(steps):
    for seen in steps:
        assert all(value.shape == () for value in seen.invariants.values())
        assert int(seen.error) == 0
        assert set(seen.exact) <= set(seen.observed)
        for name, value in seen.exact.items():
            assert value.shape == seen.observed[name].shape
    for name, value in steps[0].exact.items():
        np.testing.assert_allclose(value, steps[0].observed[name], atol=1e-6, err_msg=name)


def test_the_same_key_gives_the_same_start_and_the_same_steps(kind):
    solver, first, both = seen(kind)
    again = both(solver, jax.random.key(0))
    for a, b in zip(jax.tree.leaves(first), jax.tree.leaves(again), strict=True):
        if not jnp.issubdtype(a.dtype, jax.dtypes.prng_key):
            np.testing.assert_array_equal(a, b)


def test_a_solver_survives_its_settings(solver):
    """Rebuilt from its own plain settings, as a resolved experiment is, a solver is the same."""
    from physent.experiment.making import make

    again = make(type(solver), settings(solver))
    assert eqx.tree_equal(again, solver)


def test_float32_stays_float32(solver):
    with jax.enable_x64(False):
        narrow = type(solver)()
        state = eqx.filter_eval_shape(
            lambda solver: solver.step(solver.init(jax.random.key(0))), narrow
        )
        for leaf in jax.tree.leaves(state):
            if not jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
                assert leaf.dtype.itemsize <= (
                    8 if jnp.issubdtype(leaf.dtype, jnp.complexfloating) else 4
                )


@functools.cache
def score_file():
    """An untrained score of the walkers of `linear_langevin`, as `physent score` writes it."""
    solver, network = SOLVERS["linear_langevin"](), NETWORKS["mlp"](width=4)
    samples = {"position": jax.random.normal(jax.random.key(0), (8, 1, 2))}
    score = build(network, "none", solver, samples, jax.random.key(0))
    shapes = {"position": (1, 2)}
    path = Path(tempfile.mkdtemp()) / "score.eqx"
    words = header(network, "none", "linear_langevin", solver, shapes, "float64", solver.parity())
    checkpoint.save(path, words, score)
    return str(path)


def diagnostic_of(cls, of, everything=False):
    """A diagnostic that reads the observable `of`, with some value for every other parameter it
    requires.

    With `everything`, for those too that have none by default, such as the box where the domain has
    one.
    """
    chosen = {}
    for name, declaration in declarations(cls).items():
        if name == "of":
            chosen[name] = (of,) if str(declaration.annotation).startswith("tuple") else of
        elif declaration.path:
            chosen[name] = score_file()
        elif declaration.required or (
            everything and declaration.form == "param" and declaration.default is None
        ):
            chosen[name] = {"low": 0.0}.get(name, 2.0) if declaration.form == "param" else of
    return cls(**chosen)


@functools.cache
def fitting(kind):
    """Each diagnostic that fits an observable of the solver of that kind, reading the first that it
    fits.
    """
    example, found = Program(seen(kind)[0]).example, {}
    for name, cls in DIAGNOSTICS.items():
        for everything, of in itertools.product((False, True), example):
            with contextlib.suppress(ValueError):
                diagnostic = diagnostic_of(cls, of, everything)
                diagnostic.variables(example)
                found[name] = diagnostic
                break
    return found


def test_diagnostics_give_what_they_declare_over_members(kind, solver):
    """All that fit the solver, in one program of two members: named values of the declared dims,
    and a stable carry.
    """
    diagnostics = tuple(fitting(kind).values())
    program, single = (Program(solver, diagnostics, members=members) for members in (2, 1))
    example = program.example

    def started(key):
        state = program.init(solver, key)
        carries, rows = program.first_row(solver, state)
        one, own = (jax.tree.map(lambda leaf: leaf[0], tree) for tree in (state, carries))
        return rows, carries, own, single.measure(solver, one, own)[0]

    # lowered, and not compiled: nothing here looks at a value
    rows, carries, own, following = jax.jit(started).lower(jax.random.key(0)).out_info
    assert all(leaf.shape[0] == 2 for leaf in jax.tree.leaves((rows.fields, rows.series, carries)))
    assert jax.tree.structure(following) == jax.tree.structure(own)
    declared = {
        name: v for diagnostic in diagnostics for name, v in diagnostic.variables(example).items()
    }
    series = {name for name, variable in example.variables.items() if not variable.dims}
    assert (
        set(rows.series)
        == set(declared) | {f"invariant_{name}" for name in program.invariant_names} | series
    )
    for name, variable in declared.items():
        assert len(rows.series[name].shape) == 1 + len(variable.dims), name
        assert variable.long_name


@pytest.mark.parametrize("name", DIAGNOSTICS)
def test_a_diagnostic_is_documented_and_fits_some_solver(name):
    assert DIAGNOSTICS[name].__doc__
    assert all(declaration.doc for declaration in declarations(DIAGNOSTICS[name]).values())
    assert any(name in fitting(kind) for kind in SOLVERS), f"{name} fits nothing"


@pytest.mark.parametrize("name", DIAGNOSTICS)
def test_a_diagnostic_refuses_an_observable_that_is_not_there(name):
    cls = DIAGNOSTICS[name]
    if "of" in declarations(cls):
        with pytest.raises(ValueError, match="no observable or role 'nowhere'"):
            diagnostic_of(cls, "nowhere").variables(Program(Heat()).example)
