"""What every registered solver and diagnostic keeps to; a new one is covered the day it is registered."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from toys import Gas, Heat

import physent
from physent import registry
from physent.parameters import declarations, settings
from physent.program import Program
from physent.schema import parameter_table

SOLVERS = registry.available("solvers") | {"toy": Heat, "gas": Gas}
DIAGNOSTICS = registry.available("diagnostics")


@pytest.fixture(params=SOLVERS)
def solver(request):
    return SOLVERS[request.param]()


@pytest.fixture
def steps(solver):
    """The first state and the one two steps later."""

    @eqx.filter_jit
    def two(solver, key):
        state = solver.init(key)
        return state, solver.step(solver.step(state))

    return two(solver, jax.random.key(0))


def test_a_solver_is_a_module_with_array_parameters_and_documented_fields(solver):
    assert isinstance(solver, physent.Solver)
    for name, declaration in declarations(type(solver)).items():
        assert declaration.doc, name
        if declaration.form == "param" and getattr(solver, name) is not None:
            assert isinstance(getattr(solver, name), jax.Array), name
    assert type(solver).__doc__ and parameter_table(type(solver))


def test_a_step_keeps_the_structure_of_the_state_and_adds_dt(solver, steps):
    before, after = steps
    assert jax.tree.structure(before) == jax.tree.structure(after)
    for a, b in zip(jax.tree.leaves(before), jax.tree.leaves(after), strict=True):
        assert a.shape == b.shape and a.dtype == b.dtype
    np.testing.assert_allclose(after.t - before.t, 2 * np.asarray(solver.dt), rtol=1e-12)
    assert before.t == 0


def test_observables_are_declared_with_the_dims_they_have(solver, steps):
    variables, domain = solver.variables(), solver.domain()
    for state in steps:
        observed = solver.observe(state)
        assert set(observed) == set(variables)
        for name, value in observed.items():
            assert value.ndim == len(variables[name].dims), name
            assert variables[name].long_name or not variables[name].dims, name
            assert bool(jnp.all(jnp.isfinite(value))), name
            for dim, size in zip(variables[name].dims, value.shape, strict=True):
                if dim in domain and domain[dim].points is not None:
                    assert domain[dim].points.shape == (size,), name


def test_invariants_exact_values_and_errors_are_what_the_protocol_says(solver, steps):
    for state in steps:
        assert all(value.shape == () for value in solver.invariants(state).values())
        assert int(solver.error(state)) == 0
        exact, observed = solver.exact(state.t), solver.observe(state)
        assert set(exact) <= set(observed)
        for name, value in exact.items():
            assert value.shape == observed[name].shape
    for name, value in solver.exact(steps[0].t).items():
        np.testing.assert_allclose(value, solver.observe(steps[0])[name], atol=1e-6, err_msg=name)


def test_the_same_key_gives_the_same_start(solver):
    init = eqx.filter_jit(lambda solver, key: solver.init(key))
    first, second = init(solver, jax.random.key(5)), init(solver, jax.random.key(5))
    for a, b in zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True):
        if not jnp.issubdtype(a.dtype, jax.dtypes.prng_key):
            np.testing.assert_array_equal(a, b)


def test_a_solver_vmaps_over_members_and_over_its_step(solver):
    together = Program(solver, (), members=2)
    state = together.init(solver, jax.random.key(0))
    _, rows = together.first_row(solver, state)
    assert all(leaf.shape[0] == 2 for leaf in jax.tree.leaves(rows.fields))


def test_a_solver_survives_its_settings(solver):
    """Rebuilt from its own plain settings, as a resolved experiment is, a solver is the same."""
    from physent.config import make

    again = make(type(solver), settings(solver))
    assert eqx.tree_equal(again, solver)


def test_float32_stays_float32(solver):
    with jax.enable_x64(False):
        narrow = type(solver)()
        state = eqx.filter_eval_shape(lambda solver: solver.step(solver.init(jax.random.key(0))), narrow)
        for leaf in jax.tree.leaves(state):
            if not jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
                assert leaf.dtype.itemsize <= (8 if jnp.issubdtype(leaf.dtype, jnp.complexfloating) else 4)


def diagnostic_of(cls, of):
    """A diagnostic that reads the observable `of`, with some value for every other parameter it requires."""
    arguments = {"of": of, "other": of, "low": 0.0, "high": 2.0, "length": 50.0}
    declared = declarations(cls)
    chosen = {name: value for name, value in arguments.items() if name in declared and declared[name].required}
    if "of" in declared:
        several = str(declared["of"].annotation).startswith("tuple")
        chosen["of"] = (of,) if several else of
    return cls(**chosen)


@pytest.mark.parametrize("kind", DIAGNOSTICS)
def test_a_diagnostic_gives_what_it_declares_on_some_solver(kind):
    """Each diagnostic fits at least one observable of one registered solver, with finite, named values of its dims."""
    cls, fitting = DIAGNOSTICS[kind], 0
    assert cls.__doc__ and all(declaration.doc for declaration in declarations(cls).values())
    for solver in (make() for make in SOLVERS.values()):
        example = Program(solver).example
        for of in example:
            try:
                diagnostic = diagnostic_of(cls, of)
                declared = diagnostic.variables(example)
            except ValueError:
                continue
            program = Program(solver, (diagnostic,))
            state = program.init(solver, jax.random.key(0))
            carries, rows = program.first_row(solver, state)
            following, _ = eqx.filter_eval_shape(program.measure, solver, state, carries)
            assert jax.tree.structure(following) == jax.tree.structure(carries)
            invariants = {f"invariant_{name}" for name in solver.invariants(state)}
            series = {name for name, variable in example.variables.items() if not variable.dims}
            assert set(rows.series) == set(declared) | invariants | series
            for name, variable in declared.items():
                assert rows.series[name].ndim == len(variable.dims), name
                assert variable.long_name
            fitting += 1
            break
    assert fitting, f"{kind} fits nothing"


@pytest.mark.parametrize("kind", DIAGNOSTICS)
def test_a_diagnostic_refuses_an_observable_that_is_not_there(kind):
    cls = DIAGNOSTICS[kind]
    if "of" in declarations(cls):
        with pytest.raises(ValueError, match="no observable or role 'nowhere'"):
            diagnostic_of(cls, "nowhere").variables(Program(Heat()).example)
