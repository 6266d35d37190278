"""Problems of a program, found before anything is compiled."""

from typing import Any

import jax.numpy as jnp

from physent.engine import devices
from physent.engine.cadence import Cadence
from physent.engine.loop import Beginning
from physent.engine.program import Program
from physent.engine.rows import grid_axes, invariant
from physent.engine.until import Until
from physent.errors import ParameterError, nearest, shortened
from physent.protocol.diagnostic import Diagnostic
from physent.protocol.parameters import members_given, of_another_precision
from physent.protocol.variables import Variable


def problems(
    program: Program, cadence: Cadence | None = None, until: dict[str, Any] | None = None
) -> list[tuple[str, str]]:
    """Everything that keeps a program from running at these times or its results from being stored:
    (dotted key, message).

    Names must be identifiers and unlike each other, diagnostics must fit the observables and give
    what they declare, and what counts rows that follow each other needs even times.
    """
    if found := of_another_precision(program.diagnostics, program.solver):
        return found
    if found := _of_other_members(program):
        return found
    try:
        if words := devices.shortage(program.fewest_bytes, program.devices):
            return [("solver", words)]
        if wrong := program.faults():
            return [("solver", words) for words in wrong]
        if words := devices.shortage(program.least_bytes, program.devices):
            return [("solver", words)]
        example = program.example
    except (ValueError, TypeError) as error:
        return [("solver", str(error))]
    except (ArithmeticError, MemoryError) as error:  # no index, or no array, is as large
        return [("solver", f"it is too large: {shortened(str(error))}")]
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
    found += _of_thinned(program)
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
    declarations = []
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
        declarations.append(declared)
    if found:
        return found
    if not declarations:
        return _of_times(program, cadence, until)
    given = zip(program.diagnostics, declarations, program.outputs(), strict=True)
    found = [
        (f"diagnostics.{i}", problem)
        for i, (diagnostic, declared, outputs) in enumerate(given)
        for problem in _output_problems(diagnostic, declared, outputs)
    ]
    return found or _of_times(program, cadence, until)


def _of_thinned(program: Program) -> list[tuple[str, str]]:
    """What of `output.fields` is no field that is written, or cannot be stored so."""
    found, example, along = [], program.example, grid_axes(program.example.domain)
    for name, thin in program.thinned:
        key = f"output.fields.{name}"
        if name not in example:
            allowed = ", ".join(each for each in example if example.variables[each].dims)
            words = f"unknown observable{nearest(name, list(example))} (allowed: {allowed})"
            found.append((key, words))
        elif program.selected is not None and name not in program.selected:
            found.append((key, "is not written, for output.variables leaves it out"))
        elif wrong := thin.problem(example.variables[name].dims, example[name].shape, along):
            found.append((f"{key}.{wrong[0]}".rstrip("."), wrong[1]))
    return found


def _of_times(
    program: Program, cadence: Cadence | None, until: dict[str, Any] | None
) -> list[tuple[str, str]]:
    """What does not fit the times of the rows, and a condition on a series that is not there."""
    found = []
    if cadence is not None and cadence.is_uneven:
        words = "counts rows that follow each other evenly, but those of run.save_at do not"
        found = [
            (f"diagnostics.{i}", f"{type(diagnostic).__name__} {words}")
            for i, diagnostic in enumerate(program.diagnostics)
            if diagnostic.in_order()
        ]
    if condition := Until.of_settings(until):
        try:
            condition.check(program)
        except ParameterError as error:
            found.append((error.key, error.message))
    return found


def check_start(program: Program, beginning: Beginning) -> None:
    """Raise ParameterError where an observable at t = 0 is nothing that a diagnostic can read, as
    a density with negative values: its entropy would be NaN from the first row on.
    """
    if not beginning.undefined.since:
        return
    values: dict[str, Any] | None = None
    for i, diagnostic in enumerate(program.diagnostics):
        misfit = getattr(getattr(diagnostic, "outcomes", None), "misfit", None)
        of = getattr(diagnostic, "of", None)
        if misfit is None or not isinstance(of, str):
            continue
        values = values or program.observe(program.solver, beginning.instant.state)
        name = program.example.find(of)
        if words := misfit(devices.fetch(values[name])):
            raise ParameterError(f"diagnostics.{i}.of", f"{name} {words}")


def _of_other_members(program: Program) -> list[tuple[str, str]]:
    """The parameters that are given for another number of members than there is."""
    members = program.members
    each = f", or one for each of the {members} members" if members > 1 else ""
    return [
        (f"solver.{name}", f"given {count} values, one for each member, allowed: one value{each}")
        for name, count in members_given(program.solver).items()
        if members == 1 or count != members
    ]


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
    diagnostic: Diagnostic, declared: dict[str, Variable], values: dict[str, Any] | Exception
) -> list[str]:
    """Mismatches between the outputs of a diagnostic and those it declares."""
    name = type(diagnostic).__name__
    if isinstance(values, Exception):
        return [f"{name} fails: {values!r}"]
    if odd := ", ".join(sorted(set(values) ^ set(declared))):
        return [f"{name} does not return the outputs that its variables() declares: {odd}"]
    return [
        f"{name} has shape {values[name].shape}, but its dims are {variable.dims}"
        for name, variable in declared.items()
        if len(values[name].shape) != len(variable.dims)
    ]
