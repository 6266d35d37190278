"""What is wrong with a program, found before anything is compiled."""

import equinox as eqx
import jax
import jax.numpy as jnp

from physent.engine import devices
from physent.engine.program import Program
from physent.engine.rows import first_row, invariant
from physent.errors import ParameterError, nearest
from physent.protocol.diagnostic import Diagnostic
from physent.protocol.variables import Variable


def problems(program: Program) -> list[tuple[str, str]]:
    """What keeps a program from running or its results from being stored: (dotted key, sentence),
    all of it.

    Names must be identifiers and unlike each other, diagnostics must fit the observables and give
    what they declare.
    """
    try:
        example = program.example
    except (ValueError, TypeError) as error:
        return [("solver", str(error))]
    found: list[tuple[str, str]] = []
    if words := devices.problem(program.solver, program.members, program.devices):
        found.append(("run.devices", words))
    for name in program.selected or ():
        if name not in example:
            allowed = ", ".join(example)
            found.append(
                (
                    "output.variables",
                    f"unknown observable {name!r}{nearest(name, example)} (allowed: {allowed})",
                )
            )
    taken = dict.fromkeys(("t", "t_snapshot", "member"), "a dimension")
    for axis in example.domain.axes:
        taken |= dict.fromkeys((axis.name, f"{axis.name}_of_member"), "a coordinate")
    taken |= {
        dim: "a dimension" for variable in example.variables.values() for dim in variable.dims
    }
    for name, value in example.items():
        found += [("solver", problem) for problem in _name_problems(name, taken, "an observable")]
        if jnp.issubdtype(value.dtype, jnp.complexfloating):
            taken |= dict.fromkeys((f"{name}_re", f"{name}_im"), f"a part of {name}")
    taken |= {invariant(name): "an invariant" for name in program.invariant_names}
    fitting = []
    for i, diagnostic in enumerate(program.diagnostics):
        try:
            declared = diagnostic.variables(example)
        except ParameterError as error:
            found.append((f"diagnostics.{i}.{error.key}", error.message))
            continue
        except ValueError as error:
            found.append((f"diagnostics.{i}.of", str(error)))
            continue
        for name in declared:
            found += [
                (f"diagnostics.{i}.name", problem)
                for problem in _name_problems(name, taken, "a diagnostic")
            ]
        fitting.append((i, diagnostic, declared))
    if not found:
        for i, diagnostic, declared in fitting:
            found += [
                (f"diagnostics.{i}", problem)
                for problem in _output_problems(program, diagnostic, declared)
            ]
    return found


def _name_problems(name: str, taken: dict[str, str], what: str) -> list[str]:
    if not name.isidentifier():
        return [f"given {name!r}, allowed: a name of letters, digits and underscores"]
    if name in taken:
        return [
            f"two variables are called {name!r}: {what} and {taken[name]}; give the diagnostic "
            "another name"
        ]
    taken[name] = what
    return []


def _output_problems(
    program: Program, diagnostic: Diagnostic, declared: dict[str, Variable]
) -> list[str]:
    """Where the values of a diagnostic are not those it declares."""

    def measured(solver):
        state = solver.init(jax.random.key(0))
        return first_row(solver, state, (diagnostic,))[1].series

    try:
        values = eqx.filter_eval_shape(measured, program.one)
    except Exception as error:
        return [f"{type(diagnostic).__name__} fails: {error!r}"]
    scalars = {name for name, variable in program.example.variables.items() if not variable.dims}
    given = set(values) - scalars - {invariant(name) for name in program.invariant_names}
    if given != set(declared):
        odd = ", ".join(sorted(given ^ set(declared)))
        return [
            f"{type(diagnostic).__name__} does not give the outputs that its variables() declares: "
            f"{odd}"
        ]
    return [
        f"{name} has shape {values[name].shape}, but its dims are {variable.dims}"
        for name, variable in declared.items()
        if len(values[name].shape) != len(variable.dims)
    ]
