"""TOML -> a validated experiment: solver, diagnostics, run and output settings.

Every problem of a file is reported at once, each with its line, key, what was given, what is allowed and the nearest
match, as one `ConfigError`.
"""

import functools
import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tomli_w

from physent import registry, schema
from physent.diagnostic import Diagnostic
from physent.parameters import Declared, ParameterError, declarations, kind_of, settings, static
from physent.score.settings import ScoreSettings
from physent.solver import Solver, StochasticSolver
from physent.spelling import nearest
from physent.sweep.points import SweepSettings
from physent.toml_lines import line_of, lines_of

Key = tuple[str | int, ...]
SOME_DT = 1e-9  # stands in for dt = "auto" until the solver has said how long it may be


class RunSettings(Declared):
    """How long to run, how often to save, and with which numbers."""

    t_end: float = static(doc="time at which the run ends, a multiple of save_every", gt=0, example=10.0)
    save_every: float = static(doc="time between two saved rows of series and diagnostics", gt=0, example=0.1)
    snapshot_every: float | None = static(
        None, doc="time between two saved fields, a multiple of save_every; default: save_every", gt=0, example=0.1
    )
    seed: int = static(0, doc="seed of the random key", ge=0, le=2**63 - 1)
    precision: Literal["float64", "float32"] = static("float64", doc="floating point numbers of the run")
    members: int = static(1, doc="independent members, run together along one dimension", ge=1)
    devices: Literal["all"] | int = static(
        1, doc="devices to run on: members are shared out, one member is cut where its solver can be", ge=1
    )
    chunk: int | None = static(
        None, doc="rows in a chunk at most; default: about a second's worth, within 4 MiB", ge=1, example=64
    )


class OutputSettings(Declared):
    """What is written and how."""

    folder: str | None = static(None, doc="output folder; default: data/runs/<name>", example="data/runs/my_run")
    variables: tuple[str, ...] | None = static(
        None, doc="observables to write; default: all of them", example=["density"]
    )
    significant_digits: int | None = static(
        None, doc="round stored fields to this many digits; default: never round", ge=1, le=15, example=6
    )
    compression: int = static(1, doc="zlib level", ge=0, le=9)


class ConfigError(Exception):
    """An experiment that cannot be run; `problems` holds one line for each thing wrong with it."""

    def __init__(self, problems: list[str]):
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass
class Experiment:
    """A validated experiment; `resolved` is the whole of it as plain data, defaults and overrides included.

    `notes` are sentences about what was chosen for the user, `score` how a score is learned, where it says so.
    """

    name: str
    description: str
    solver: Any
    diagnostics: list[Any]
    run: RunSettings
    output: OutputSettings
    resolved: dict[str, Any]
    notes: tuple[str, ...] = ()
    score: Any = None

    def toml(self) -> str:
        """The resolved experiment as a TOML text that runs to the same bits."""
        return tomli_w.dumps(self.resolved)

    @property
    def folder(self) -> Path:
        """Where the run goes."""
        return Path(self.output.folder or Path("data") / "runs" / self.name)


@dataclass
class _Report:
    """Collects problems and says where in the file each one is."""

    file: str
    text: str
    overridden: set[Key] = field(default_factory=set)
    problems: list[tuple[int, str]] = field(default_factory=list)

    @functools.cached_property
    def lines(self) -> dict[Key, int]:
        """The line of each key, found when the first problem asks for it."""
        return lines_of(self.text)

    def add(self, key: Key, message: str) -> None:
        inside = any(key[: len(override)] == override for override in self.overridden)
        made = key not in self.lines and any(override[: len(key)] == key for override in self.overridden)
        if inside or made:
            line, place = 0, "--set"
        else:
            line = line_of(self.lines, key)
            place = f"{self.file}:{line}"
        dotted = ".".join(str(part) for part in key)
        self.problems.append((line, f"{place}: {dotted}: {message}" if dotted else f"{place}: {message}"))

    def check(self) -> None:
        if self.problems:
            raise ConfigError([text for _, text in sorted(self.problems, key=lambda problem: problem[0])])


def parse(path: str | Path, overrides: list[str] | None = None) -> tuple[dict[str, Any], _Report]:
    """The data of a TOML file with `--set` overrides applied, and the report that knows its lines."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not a UTF-8 text"
        raise ConfigError([f"{path}: cannot be read: {reason}{_neighbours(path)}"]) from None
    return parse_text(text, str(path), overrides)


def parse_text(text: str, file: str, overrides: list[str] | None = None) -> tuple[dict[str, Any], _Report]:
    """As `parse`, of a text that is called `file` in what is reported."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        words, _, place = str(error).rpartition(" (at ")
        line = place.removeprefix("line ").split(",")[0] if place.startswith("line ") else str(text.count("\n") + 1)
        raise ConfigError([f"{file}:{line}: not valid TOML: {words or error}"]) from None
    report = _Report(file, text)
    for override in overrides or []:
        _override(data, override, report)
    return data, report


def _neighbours(path: Path) -> str:
    folder = path.parent
    return nearest(path.name, [entry.name for entry in folder.glob("*.toml")]) if folder.is_dir() else ""


def _override(data: dict[str, Any], override: str, report: _Report) -> None:
    dotted, equals, text = override.partition("=")
    key: Key = tuple(int(part) if part.isascii() and part.isdigit() else part for part in dotted.strip().split("."))
    report.overridden.add(key)
    if not equals:
        report.add(key, f"given --set {override}, allowed: --set key=value, as in --set solver.n=1024")
        return
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text.strip()  # a word without its quotes, which a shell takes away
    parts: tuple[Any, ...] = key
    place: Any = data
    try:
        for part in parts[:-1]:
            place = place[part] if isinstance(place, list) else place.setdefault(part, {})
        place[parts[-1]] = value
    except (TypeError, IndexError, KeyError, AttributeError):
        report.add(key, "there is no such place in the file")


def load_experiment(path: str | Path, overrides: list[str] | None = None) -> Experiment:
    """Read and validate an experiment file. Raises ConfigError with every problem found."""
    path = Path(path)
    data, report = parse(path, overrides)
    return build(data, report, default_name=path.stem, folder=path.parent)


def precision_of(data: dict[str, Any]) -> str:
    """The precision a file asks for, which must be known before its arrays are built."""
    section = data.get("run")
    precision = section.get("precision") if isinstance(section, dict) else None
    return "float32" if precision == "float32" else "float64"


_SECTIONS = ("name", "description", "solver", "run", "diagnostics", "output", "sweep", "score")


def build(data: dict[str, Any], report: _Report, default_name: str, folder: Path | None = None) -> Experiment:
    """An experiment from the data of a file; `folder` is where 'path.py:Class' is looked for."""
    for key in data:
        if key not in _SECTIONS:
            words = [*_SECTIONS, *(f"run.{entry.name}" for entry in fields(RunSettings))]
            report.add((key,), f"unknown key{nearest(key, words)} (allowed: {', '.join(_SECTIONS)})")
    name, description = data.get("name", default_name), data.get("description", "")
    for key, value in (("name", name), ("description", description)):
        if not isinstance(value, str):
            report.add((key,), f"given {value!r}, allowed: a string")
    if isinstance(name, str) and (not name or "/" in name or name.startswith(".")):
        report.add(("name",), f"given {name!r}, allowed: a name that can be a folder's")

    run_data, run_ok = _section(RunSettings, data.get("run", {}), ("run",), report)
    output_data, output_ok = _section(OutputSettings, data.get("output", {}), ("output",), report)
    if "sweep" in data:
        _section(SweepSettings, data["sweep"], ("sweep",), report)
    members = run_data.get("members", 1) if run_ok else None
    solver_cls, solver_data = _kind("solvers", data.get("solver"), ("solver",), folder, report)
    run = RunSettings(**_tuples(RunSettings, run_data)) if run_ok else None
    automatic = solver_data.get("dt") == "auto"
    if automatic:
        solver_data["dt"] = SOME_DT
    solver = _make(solver_cls, solver_data, ("solver",), report, members) if solver_cls else None
    notes: tuple[str, ...] = ()
    if automatic and solver is not None and run is not None:
        try:
            solver_data["dt"], note = _automatic_dt(solver, run)
            notes, solver = (note,), _make(type(solver), solver_data, ("solver",), report, members)
        except ParameterError as error:
            report.add(tuple(error.key.split(".")), error.message)
    entries = data.get("diagnostics", [])
    if not isinstance(entries, list):
        report.add(("diagnostics",), "given a table, allowed: [[diagnostics]], one for each")
        entries = []
    diagnostics: list[Any] = []
    kinds = []
    for i, entry in enumerate(entries):
        cls, entry_data = _kind("diagnostics", entry, ("diagnostics", i), folder, report)
        diagnostics.append(_make(cls, entry_data, ("diagnostics", i), report, 1) if cls else None)
        kinds.append(entry.get("kind") if isinstance(entry, dict) else None)
    output = OutputSettings(**_tuples(OutputSettings, output_data)) if output_ok else OutputSettings()
    score = None
    if "score" in data:
        if isinstance(data["score"], dict):
            score = _make(ScoreSettings, data["score"], ("score",), report, 1)
        else:
            report.add(("score",), f"given {data['score']!r}, allowed: a table [score]")
        if solver is not None and not isinstance(solver, StochasticSolver):
            words = f"{data['solver']['kind']} has no noise, and without it there is no score; leave the table out"
            report.add(("score",), words)
    if solver is not None:
        _cross_check(solver, diagnostics, run, output, report)
    report.check()
    assert solver_cls is not None  # or there was a problem to report
    assert run is not None
    place = folder.resolve() if folder else None
    resolved: dict[str, Any] = {
        "name": name,
        "description": description,
        "solver": _resolved(solver_cls, data["solver"]["kind"], solver_data, place),
        "run": settings(run),
    }
    if output_data:
        resolved["output"] = settings(output)
    if diagnostics:
        resolved["diagnostics"] = [
            {"kind": _lasting(kind, place)} | settings(diagnostic)
            for kind, diagnostic in zip(kinds, diagnostics, strict=True)
        ]
    if score is not None:
        resolved["score"] = _with_defaults(ScoreSettings, data["score"])
    return Experiment(name, description, solver, diagnostics, run, output, resolved, notes, score)


def _automatic_dt(solver: Solver, run: RunSettings) -> tuple[float, str]:
    """A dt that divides save_every and is no longer than the solver allows for every member, and a sentence on it."""
    longest = solver.longest_dt()
    if longest is None:
        raise ParameterError("solver.dt", "given 'auto', but this solver has no rule for it, allowed: a number > 0")
    limit = float(np.min(np.asarray(longest)))
    dt = run.save_every / np.ceil(run.save_every / limit * (1 - 1e-9))
    return float(dt), f"dt = {dt:.6g}, chosen for save_every = {run.save_every:g} and at most {limit:.6g}"


def _lasting(kind: str, place: Path | None) -> str:
    """A kind that still means the same from another folder."""
    file, _, cls = kind.rpartition(":")
    if place is not None and file.endswith(".py"):
        for root in (place, Path.cwd()):
            if (root / file).is_file():
                return f"{(root / file).resolve()}:{cls}"
    return kind


def _resolved(cls: type, kind: str, data: dict[str, Any], place: Path | None) -> dict[str, Any]:
    """The data of a module with every default written out, in the user's own notation where he gave a value."""
    return {"kind": _lasting(kind, place)} | _with_defaults(cls, data)


def _with_defaults(cls: type, data: dict[str, Any]) -> dict[str, Any]:
    values = {}
    for name, declaration in declarations(cls).items():
        if declaration.form == "choice":
            kind, rest = _choice(declaration, data.get(name))
            values[name] = {"kind": kind} | _with_defaults(declaration.option(kind), rest)
        else:
            value = data.get(name, declaration.default)
            if isinstance(value, int) and declaration.form == "param":
                value = float(value)
            if value is not None:
                values[name] = list(value) if isinstance(value, tuple) else value
    return values


def _choice(declaration: Any, given: Any) -> tuple[str, dict[str, Any]]:
    if isinstance(given, str):
        return given, {}
    rest = dict(given or {})
    return rest.pop("kind", declaration.default), rest


def _section(cls: type, data: Any, key: Key, report: _Report) -> tuple[dict[str, Any], bool]:
    if not isinstance(data, dict):
        report.add(key, f"given {data!r}, allowed: a table [{key[0]}]")
        return {}, False
    found = schema.problems(cls, data)
    for path, message in found:
        report.add((*key, *path), message)
    return data, not found


def _kind(
    family: registry.Family, data: Any, key: Key, folder: Path | None, report: _Report
) -> tuple[type | None, dict[str, Any]]:
    """The class of a [solver] table or a [[diagnostics]] entry, and its data without the kind."""
    if not isinstance(data, dict) or not isinstance(data.get("kind"), str):
        names = ", ".join(registry.registered(family))
        report.add((*key, "kind"), f"missing: which of the {family} to use (allowed: {names}, or 'path.py:Class')")
        return None, {}
    rest = {name: value for name, value in data.items() if name != "kind"}
    try:
        cls = registry.find(family, data["kind"], folder)
    except registry.RegistryError as error:
        report.add((*key, "kind"), str(error))
        return None, rest
    wanted = Solver if family == "solvers" else Diagnostic
    if not (isinstance(cls, type) and issubclass(cls, wanted)):
        report.add((*key, "kind"), f"{data['kind']} is not a physent.{wanted.__name__}")
        return None, rest
    return cls, _with_absolute_paths(cls, rest, folder)


def _with_absolute_paths(cls: type, data: Any, folder: Path | None) -> Any:
    """The data with every path that exists beside the config, or in the working directory, made absolute."""
    if not isinstance(data, dict):
        return data
    found = dict(data)
    for name, declaration in declarations(cls).items():
        value = data.get(name)
        if declaration.form == "choice" and isinstance(value, str | dict):
            kind, rest = _choice(declaration, value)
            if isinstance(kind, str) and ":" in kind:
                found[name] = {"kind": _lasting(kind, folder)} | rest
            elif isinstance(value, dict):
                option = declaration.options.get(kind)
                found[name] = _with_absolute_paths(option, value, folder) if option else value
        elif declaration.path and isinstance(value, str):
            places = [root / value for root in (folder, Path.cwd()) if root is not None]
            found[name] = next((str(place.resolve()) for place in places if place.is_file()), value)
    return found


def _make(cls: type, data: dict[str, Any], key: Key, report: _Report, members: int | None) -> Any:
    found = schema.problems(cls, data)
    for path, message in found:
        report.add((*key, *path), message)
    if found or members is None:
        return None
    try:
        return make(cls, data, members)
    except ParameterError as error:
        report.add((*key, *error.key.split(".")), error.message)
    except (ValueError, TypeError, OSError) as error:
        report.add(key, str(error))
    return None


def make(cls: type, data: dict[str, Any], members: int = 1) -> Any:
    """An instance of a declared class from valid plain data. Raises ParameterError with the dotted key."""
    values: dict[str, Any] = {}
    for name, declaration in declarations(cls).items():
        if declaration.form == "choice":
            if name in data:
                kind, rest = _choice(declaration, data[name])
                try:
                    values[name] = make(declaration.option(kind), rest, members)
                except ParameterError as error:
                    raise ParameterError(f"{name}.{error.key}", error.message) from None
        elif name in data:
            values[name] = _per_member(declaration, data[name], members)
    return cls(**_tuples(cls, values))


def _per_member(declaration: Any, value: Any, members: int) -> Any:
    if declaration.form != "param" or value is None:
        return value
    if isinstance(value, dict):
        (name, (start, stop)) = next(iter(value.items()))
        if declaration.ndim:
            raise ParameterError(declaration.name, f"a {name} gives numbers, allowed: {declaration.allowed} a member")
        if name == "geomspace" and start * stop <= 0:
            raise ParameterError(declaration.name, "the ends of a geomspace are of one sign and not 0")
        if members == 1:
            raise ParameterError(declaration.name, f"a {name} gives one value a member, but run.members = 1")
        return getattr(np, name)(start, stop, members)
    if np.ndim(value) == declaration.ndim + 1 and len(value) != members:
        raise ParameterError(
            declaration.name,
            f"given {len(value)} values, allowed: {declaration.allowed}, or one for each of the {members} members"
            if members > 1
            else f"given {value!r}, allowed: {declaration.allowed} (a value per member needs run.members > 1)",
        )
    return value


def _tuples(cls: type, values: dict[str, Any]) -> dict[str, Any]:
    """Static lists as tuples, so that they can be part of a compiled program's key."""
    return {
        name: tuple(value) if isinstance(value, list) and declarations(cls)[name].form == "static" else value
        for name, value in values.items()
    }


def _cross_check(
    solver: Any, diagnostics: list[Any], run: RunSettings | None, output: OutputSettings, report: _Report
) -> None:
    """What no single key can say: cadences that divide, diagnostics that fit the solver, variables that exist."""
    from physent.cadence import Cadence
    from physent.program import Program
    from physent.program import problems as program_problems

    if run is not None:
        try:
            Cadence.of(solver, run)
        except ParameterError as error:
            report.add(tuple(error.key.split(".")), error.message)
    valid = [i for i, diagnostic in enumerate(diagnostics) if diagnostic is not None]
    members = 1 if run is None else run.members
    # whether there are so many devices is for the machine to say that runs it
    devices = 1 if run is None or run.devices == "all" else run.devices
    program = Program(solver, tuple(diagnostics[i] for i in valid), members, output.variables, devices)
    for dotted, message in program_problems(program):
        key: Key = tuple(dotted.split("."))
        if key[0] == "diagnostics":
            key = ("diagnostics", valid[int(key[1])], *key[2:])
        report.add(key, message)


def describe(solver: Any, diagnostics: list[Any], run: RunSettings, output: OutputSettings, name: str) -> Experiment:
    """The experiment that a Python call amounts to; a value that TOML has no word for stands as its `repr`."""

    def entry(family: registry.Family, module: Any) -> dict[str, Any]:
        loaded = {kind: cls for kind, cls in registry.available(family).items() if cls is type(module)}
        return {"kind": kind_of(module, loaded) if loaded else registry.place_of(type(module))} | settings(module)

    resolved: dict[str, Any] = {
        "name": name,
        "description": "",
        "solver": entry("solvers", solver),
        "run": settings(run),
        "output": settings(output),
        "diagnostics": [entry("diagnostics", diagnostic) for diagnostic in diagnostics],
    }
    return Experiment(name, "", solver, diagnostics, run, output, _as_toml(resolved))


def _as_toml(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _as_toml(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_as_toml(entry) for entry in value]
    return value if isinstance(value, str | bool | int | float) else repr(value)
