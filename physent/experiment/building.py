"""From TOML to a validated experiment: solver, diagnostics, run and output settings.

Every problem of a file is reported at once, each with its line, key, what was given, what is
allowed and the nearest match, as one `ConfigError`.
"""

from pathlib import Path
from typing import Any

from physent.engine.cadence import Cadence
from physent.engine.plan import problems as problems_of_program
from physent.engine.program import Program
from physent.engine.thinning import thinned
from physent.errors import ParameterError, RegistryError, brief, path_of, printable, texts_of
from physent.experiment.experiment import LONGEST_NAME, Experiment, is_folder_name
from physent.experiment.making import Reading
from physent.experiment.parsing import Problems, parse
from physent.experiment.settings import (
    OutputSettings,
    RunSettings,
    ScoreSettings,
    SweepSettings,
    completed,
)
from physent.experiment.time_step import SOME_DT, automatic, doubts
from physent.experiment.toml_lines import Key
from physent.io.sources import data_of, named_by, sources_in
from physent.protocol import registry
from physent.protocol.diagnostic import Diagnostic
from physent.protocol.parameters import declarations, settings
from physent.protocol.solver import Solver
from physent.protocol.stochastic import StochasticSolver


def load_experiment(
    path: str | Path, overrides: list[str] | None = None, *, trust: bool = False
) -> Experiment:
    """Read and validate an experiment file. Raises ConfigError with every problem found.

    Code that the experiment of a run folder names runs only if this user has run it before, or with
    `trust`; what any other file names is run.
    """
    path = path_of("path", path)
    overrides = None if overrides is None else texts_of("overrides", overrides)
    data, problems = parse(path, overrides)
    with named_by(path, trust):
        return build(data, problems, default_name=path.stem, folder=path.parent)


_SECTIONS = ("name", "description", "solver", "run", "diagnostics", "output", "sweep", "score")


def build(
    data: dict[str, Any], problems: Problems, default_name: str, folder: Path | None = None
) -> Experiment:
    """An experiment from the data of a file; 'path.py:Class' is looked up in `folder`."""
    reading = Reading(folder)
    heading = {"name": data.get("name", default_name), "description": data.get("description", "")}
    _check_heading(data, heading, reading)
    run, _ = reading.make(RunSettings, completed(data.get("run", {})), ("run",))
    output, _ = reading.make(OutputSettings, data.get("output", {}), ("output",))
    if "sweep" in data:
        reading.make(SweepSettings, data["sweep"], ("sweep",))
    solver, solver_record, notes = _solver(data.get("solver"), run, reading)
    entries = data.get("diagnostics", [])
    if not isinstance(entries, list):
        reading.add(("diagnostics",), "given a table, allowed: [[diagnostics]], one for each")
        entries = []
    diagnostics = [
        _part("diagnostics", Diagnostic, entry, ("diagnostics", i), 1, reading)
        for i, entry in enumerate(entries)
    ]
    score, score_record = None, {}
    if "score" in data:
        score, score_record = reading.make(ScoreSettings, data["score"], ("score",))
        if solver is not None and not isinstance(solver, StochasticSolver):
            reading.add(
                ("score",),
                f"{data['solver']['kind']} has no noise, so it has no score; omit this table",
            )
    made = [diagnostic for diagnostic, _ in diagnostics]
    program = None
    if solver is not None:
        program = _cross_check(solver, made, run, output or OutputSettings(), reading)
    for key, words in reading.found:
        problems.add(key, words)
    problems.check()
    tables: dict[str, Any] = heading | {"solver": solver_record, "run": settings(run)}
    if data.get("output"):
        tables["output"] = settings(output)
    if diagnostics:
        tables["diagnostics"] = [
            {"kind": record["kind"]} | settings(diagnostic) for diagnostic, record in diagnostics
        ]
    if score is not None:
        tables["score"] = score_record
    notes += tuple(data_of(sources_in(tables)))
    return Experiment(
        heading["name"],
        heading["description"],
        solver,
        made,
        run,
        output,
        tables,
        notes,
        score,
        program,
        tuple(problems.said(("solver", "dt"), words) for words in doubts(solver)),
    )


def _check_heading(data: dict[str, Any], heading: dict[str, Any], reading: Reading) -> None:
    """Check the section names, the experiment's name and its description."""
    unknown = [key for key in data if key not in _SECTIONS]
    reading.unknown((), unknown, _SECTIONS, [f"run.{name}" for name in declarations(RunSettings)])
    for key, value in heading.items():
        if not isinstance(value, str):
            reading.add((key,), f"given {brief(value)}, allowed: a string")
        elif value != printable(value):
            reading.add((key,), f"given {brief(value)}, allowed: characters that can be printed")
    name = heading["name"]
    if isinstance(name, str) and not is_folder_name(name):
        words = f"a valid folder name of at most {LONGEST_NAME} bytes"
        reading.add(("name",), f"given {brief(name)}, allowed: {words}")


def _part(
    family: registry.Family,
    wanted: type,
    data: Any,
    key: Key,
    members: int | None,
    reading: Reading,
) -> tuple[Any, dict[str, Any]]:
    """The solver of a [solver] table, or the diagnostic of a [[diagnostics]] entry, and its record;
    None if there are problems.
    """

    def find(kind: Any) -> type:
        if not isinstance(kind, str):
            names = ", ".join(registry.registered(family))
            raise RegistryError(
                f"missing: which of the {family} to use (allowed: {names}, or 'path.py:Class')"
            )
        cls = registry.find(family, kind, reading.folder)
        if isinstance(cls, type) and issubclass(cls, wanted):
            return cls
        raise RegistryError(f"{kind} is not a physent.{wanted.__name__}")

    made, record = reading.part(data if isinstance(data, dict) else {}, key, find, members)
    return made, record and record | {"kind": registry.current(family, record["kind"])}


def _solver(
    data: Any, run: RunSettings | None, reading: Reading
) -> tuple[Any, dict[str, Any], tuple[str, ...]]:
    """The solver, its record and a message on the automatic choice of dt, if any."""
    chosen = isinstance(data, dict) and data.get("dt") == "auto"
    members = None if run is None else run.members
    given = data | {"dt": SOME_DT} if chosen else data
    solver, record = _part("solvers", Solver, given, ("solver",), members, reading)
    if not chosen or solver is None or run is None:
        return solver, record, ()
    try:
        dt, note = automatic(solver, run)
    except ParameterError as error:
        reading.refuse(error)
        return solver, record, ()
    return *_part("solvers", Solver, data | {"dt": dt}, ("solver",), members, reading), (note,)


def _cross_check(
    solver: Any,
    diagnostics: list[Any],
    run: RunSettings | None,
    output: OutputSettings,
    reading: Reading,
) -> Program:
    """Checks across keys: cadences that divide, diagnostics that fit the solver, variables that
    exist.
    """
    cadence = None
    if run is not None:
        try:
            cadence = Cadence.of(solver, run)
        except ParameterError as error:
            reading.refuse(error)
    valid = [i for i, diagnostic in enumerate(diagnostics) if diagnostic is not None]
    members = 1 if run is None else run.members
    # whether there are so many devices is for the machine to say that runs it
    devices = 1 if run is None or run.devices == "all" else run.devices
    program = Program(
        solver,
        tuple(diagnostics[i] for i in valid),
        members,
        output.variables,
        devices,
        thinned(output.fields),
    )
    until = None if run is None else run.until
    for dotted, message in problems_of_program(program, cadence, until):
        key: Key = tuple(dotted.split("."))
        if key[0] == "diagnostics":
            key = ("diagnostics", valid[int(key[1])], *key[2:])
        reading.add(key, message)
    return program
