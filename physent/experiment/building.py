"""TOML -> a validated experiment: solver, diagnostics, run and output settings.

Every problem of a file is reported at once, each with its line, key, what was given, what is
allowed and the nearest match, as one `ConfigError`.
"""

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from physent.engine.cadence import Cadence
from physent.engine.plan import problems as problems_of_program
from physent.engine.program import Program
from physent.errors import ParameterError, RegistryError, nearest
from physent.experiment import validation
from physent.experiment.experiment import Experiment, lasting, resolved, with_defaults
from physent.experiment.making import chosen, make, tuples
from physent.experiment.parsing import Problems, parse
from physent.experiment.settings import OutputSettings, RunSettings, ScoreSettings, SweepSettings
from physent.experiment.toml_lines import Key
from physent.protocol import registry
from physent.protocol.diagnostic import Diagnostic
from physent.protocol.parameters import declarations, settings
from physent.protocol.solver import Solver
from physent.protocol.stochastic import StochasticSolver

SOME_DT = 1e-9  # stands in for dt = "auto" until the solver has said how long it may be


def load_experiment(path: str | Path, overrides: list[str] | None = None) -> Experiment:
    """Read and validate an experiment file. Raises ConfigError with every problem found."""
    path = Path(path)
    data, problems = parse(path, overrides)
    return build(data, problems, default_name=path.stem, folder=path.parent)


_SECTIONS = ("name", "description", "solver", "run", "diagnostics", "output", "sweep", "score")


def build(
    data: dict[str, Any], problems: Problems, default_name: str, folder: Path | None = None
) -> Experiment:
    """An experiment from the data of a file; `folder` is where 'path.py:Class' is looked for."""
    name, description = _named(data, default_name, problems)
    run_data, run_ok = _section(RunSettings, data.get("run", {}), ("run",), problems)
    output_data, output_ok = _section(OutputSettings, data.get("output", {}), ("output",), problems)
    if "sweep" in data:
        _section(SweepSettings, data["sweep"], ("sweep",), problems)
    run = RunSettings(**tuples(RunSettings, run_data)) if run_ok else None
    output = OutputSettings(**tuples(OutputSettings, output_data if output_ok else {}))
    solver, solver_data, notes = _solver(data, run, folder, problems)
    diagnostics = _diagnostics(data.get("diagnostics", []), folder, problems)
    score = _score(data, solver, problems)
    program = None
    if solver is not None:
        program = _cross_check(solver, diagnostics, run, output, problems)
    problems.check()
    assert solver is not None and run is not None  # or there was something to say
    place = folder.resolve() if folder else None
    whole: dict[str, Any] = {
        "name": name,
        "description": description,
        "solver": resolved(
            type(solver), registry.current("solvers", data["solver"]["kind"]), solver_data, place
        ),
        "run": settings(run),
    }
    if output_data:
        whole["output"] = settings(output)
    if diagnostics:
        whole["diagnostics"] = [
            {"kind": lasting(registry.current("diagnostics", entry["kind"]), place)}
            | settings(diagnostic)
            for entry, diagnostic in zip(data["diagnostics"], diagnostics, strict=True)
        ]
    if score is not None:
        whole["score"] = with_defaults(ScoreSettings, data["score"])
    return Experiment(
        name, description, solver, diagnostics, run, output, whole, notes, score, program
    )


def _named(data: dict[str, Any], default_name: str, problems: Problems) -> tuple[str, str]:
    """Name and description, and what no experiment has."""
    for key in data:
        if key not in _SECTIONS:
            words = [*_SECTIONS, *(f"run.{entry.name}" for entry in fields(RunSettings))]
            problems.add(
                (key,), f"unknown key{nearest(key, words)} (allowed: {', '.join(_SECTIONS)})"
            )
    name, description = data.get("name", default_name), data.get("description", "")
    for key, value in (("name", name), ("description", description)):
        if not isinstance(value, str):
            problems.add((key,), f"given {value!r}, allowed: a string")
    if isinstance(name, str) and (not name or "/" in name or name.startswith(".")):
        problems.add(("name",), f"given {name!r}, allowed: a name that can be a folder's")
    return name, description


def _solver(
    data: dict[str, Any], run: RunSettings | None, folder: Path | None, problems: Problems
) -> tuple[Any, dict[str, Any], tuple[str, ...]]:
    """The solver, its data with every `auto` replaced, and notes on what was chosen for it."""
    cls, own = _kind("solvers", data.get("solver"), ("solver",), folder, problems)
    automatic, members = own.get("dt") == "auto", run.members if run else None
    if automatic:
        own["dt"] = SOME_DT
    solver = _make(cls, own, ("solver",), problems, members) if cls else None
    if not automatic or solver is None or run is None:
        return solver, own, ()
    try:
        own["dt"], note = _automatic_dt(solver, run)
    except ParameterError as error:
        problems.add(tuple(error.key.split(".")), error.message)
        return solver, own, ()
    return _make(type(solver), own, ("solver",), problems, members), own, (note,)


def _diagnostics(entries: Any, folder: Path | None, problems: Problems) -> list[Any]:
    """The diagnostics, None for one that cannot be made."""
    if not isinstance(entries, list):
        problems.add(("diagnostics",), "given a table, allowed: [[diagnostics]], one for each")
        return []
    made = []
    for i, entry in enumerate(entries):
        key = ("diagnostics", i)
        cls, own = _kind("diagnostics", entry, key, folder, problems)
        made.append(_make(cls, own, key, problems, 1) if cls else None)
    return made


def _score(data: dict[str, Any], solver: Any, problems: Problems) -> Any:
    """How the score is learned, where the experiment says so."""
    if "score" not in data:
        return None
    if solver is not None and not isinstance(solver, StochasticSolver):
        problems.add(
            ("score",),
            f"{data['solver']['kind']} has no noise, and without it there is no score; leave the "
            "table out",
        )
    if isinstance(data["score"], dict):
        return _make(ScoreSettings, data["score"], ("score",), problems, 1)
    problems.add(("score",), f"given {data['score']!r}, allowed: a table [score]")
    return None


def _automatic_dt(solver: Solver, run: RunSettings) -> tuple[float, str]:
    """A dt that divides save_every and is no longer than the solver allows for every member, and a
    sentence on it.
    """
    longest = solver.longest_dt()
    if longest is None:
        raise ParameterError(
            "solver.dt", "given 'auto', but this solver has no rule for it, allowed: a number > 0"
        )
    limit = float(np.min(np.asarray(longest)))
    dt = run.save_every / np.ceil(run.save_every / limit * (1 - 1e-9))
    return float(
        dt
    ), f"dt = {dt:.6g}, chosen for save_every = {run.save_every:g} and at most {limit:.6g}"


def _section(cls: type, data: Any, key: Key, problems: Problems) -> tuple[dict[str, Any], bool]:
    if not isinstance(data, dict):
        problems.add(key, f"given {data!r}, allowed: a table [{key[0]}]")
        return {}, False
    found = validation.problems(cls, data)
    for path, message in found:
        problems.add((*key, *path), message)
    return data, not found


def _kind(
    family: registry.Family, data: Any, key: Key, folder: Path | None, problems: Problems
) -> tuple[type | None, dict[str, Any]]:
    """The class of a [solver] table or a [[diagnostics]] entry, and its data without the kind."""
    if not isinstance(data, dict) or not isinstance(data.get("kind"), str):
        names = ", ".join(registry.registered(family))
        problems.add(
            (*key, "kind"),
            f"missing: which of the {family} to use (allowed: {names}, or 'path.py:Class')",
        )
        return None, {}
    rest = {name: value for name, value in data.items() if name != "kind"}
    try:
        cls = registry.find(family, data["kind"], folder)
    except RegistryError as error:
        problems.add((*key, "kind"), str(error))
        return None, rest
    wanted = Solver if family == "solvers" else Diagnostic
    if not (isinstance(cls, type) and issubclass(cls, wanted)):
        problems.add((*key, "kind"), f"{data['kind']} is not a physent.{wanted.__name__}")
        return None, rest
    return cls, _with_absolute_paths(cls, rest, folder)


def _with_absolute_paths(cls: type, data: Any, folder: Path | None) -> Any:
    """The data with every path that exists beside the config, or in the working directory, made
    absolute.
    """
    if not isinstance(data, dict):
        return data
    found = dict(data)
    for name, declaration in declarations(cls).items():
        value = data.get(name)
        if declaration.form == "choice" and isinstance(value, str | dict):
            kind, rest = chosen(declaration, value)
            if isinstance(kind, str) and ":" in kind:
                found[name] = {"kind": lasting(kind, folder)} | rest
            elif isinstance(value, dict):
                option = declaration.options.get(kind)
                found[name] = _with_absolute_paths(option, value, folder) if option else value
        elif declaration.path and isinstance(value, str):
            places = [root / value for root in (folder, Path.cwd()) if root is not None]
            found[name] = next((str(place.resolve()) for place in places if place.is_file()), value)
    return found


def _make(
    cls: type, data: dict[str, Any], key: Key, problems: Problems, members: int | None
) -> Any:
    found = validation.problems(cls, data)
    for path, message in found:
        problems.add((*key, *path), message)
    if found or members is None:
        return None
    try:
        return make(cls, data, members)
    except ParameterError as error:
        problems.add((*key, *error.key.split(".")), error.message)
    except (ValueError, TypeError, OSError) as error:
        problems.add(key, str(error))
    return None


def _cross_check(
    solver: Any,
    diagnostics: list[Any],
    run: RunSettings | None,
    output: OutputSettings,
    problems: Problems,
) -> Program:
    """What no single key can say: cadences that divide, diagnostics that fit the solver, variables
    that exist.
    """
    if run is not None:
        try:
            Cadence.of(solver, run)
        except ParameterError as error:
            problems.add(tuple(error.key.split(".")), error.message)
    valid = [i for i, diagnostic in enumerate(diagnostics) if diagnostic is not None]
    members = 1 if run is None else run.members
    # whether there are so many devices is for the machine to say that runs it
    devices = 1 if run is None or run.devices == "all" else run.devices
    program = Program(
        solver, tuple(diagnostics[i] for i in valid), members, output.variables, devices
    )
    for dotted, message in problems_of_program(program):
        key: Key = tuple(dotted.split("."))
        if key[0] == "diagnostics":
            key = ("diagnostics", valid[int(key[1])], *key[2:])
        problems.add(key, message)
    return program
