"""A validated experiment, from a file or from a Python call, and its representation as plain
data.
"""

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from physent.engine.program import Program
from physent.errors import ParameterError, printable
from physent.experiment.settings import OutputSettings, RunSettings
from physent.experiment.time_step import doubts, resolved
from physent.protocol import registry
from physent.protocol.diagnostic import check_diagnostics
from physent.protocol.given import kept, unkept
from physent.protocol.law import without_place
from physent.protocol.parameters import (
    check_instance,
    kind_of,
    of_another_precision,
    settings,
)
from physent.protocol.solver import Solver

LONGEST_NAME = 200  # bytes, of a folder: what is written beside it has a longer one


def name_of(solver: Any, output: Any) -> str:
    """The name of a run that Python began: that of its folder, if an experiment can have it."""
    name = "" if output is None else Path(output).name
    if is_folder_name(name) and name == printable(name):
        return name
    return type(solver).__name__.lower()


def is_folder_name(name: str) -> bool:
    """Whether an experiment can have this name."""
    with contextlib.suppress(UnicodeEncodeError):
        fits = 0 < len(name.encode()) <= LONGEST_NAME
        return fits and not set(name) & set("/\n\t") and not name.startswith(".")
    return False


@dataclass
class Experiment:
    """A validated experiment; `resolved` is its plain data, with defaults and overrides filled in.

    `notes` are sentences about what was chosen for the user, `doubts` about what was given and may
    be wrong, `score` how a score is learned, where it says so; `program` is what was found to be
    right with it, once, for whoever runs it.
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
    program: Program | None = None
    doubts: tuple[str, ...] = ()

    def toml(self, folder: bool = True) -> str:
        """The resolved experiment as TOML that reproduces the run bit for bit: in the folder of
        the run, or else with the files where they are now.
        """
        if not folder:
            return tomli_w.dumps(self.resolved)
        solver = kept(self.resolved["solver"], self.solver)
        return tomli_w.dumps(self.resolved | {"solver": solver})

    def toml_in_memory(self) -> str:
        """The same of a run that is in memory only."""
        solver = unkept(self.resolved["solver"], self.solver)
        return tomli_w.dumps(self.resolved | {"solver": solver})

    @property
    def folder(self) -> Path:
        """The output folder of the run."""
        return Path(self.output.folder or Path("data") / "runs" / self.name)


def describe(
    solver: Any, diagnostics: Any, run: RunSettings, output: OutputSettings, name: str
) -> Experiment:
    """The experiment equivalent to a Python call; a value that TOML cannot express is written as
    its `repr`. Raises ParameterError for what is no solver or no list of diagnostics, for what was
    made in another precision, and for a dt = "auto" without a rule.
    """
    check_instance(
        solver, Solver, "solver", "; physent.load_experiment(path) reads one from an experiment"
    )
    diagnostics = check_diagnostics(diagnostics)
    for key, words in of_another_precision(diagnostics, solver):
        raise ParameterError(key, words)
    solver, notes = resolved(solver, run)
    notes += tuple(without_place(solver, "solver"))

    def entry(family: registry.Family, module: Any) -> dict[str, Any]:
        return {"kind": kind_of(module, registry.available(family))} | settings(module)

    data: dict[str, Any] = {
        "name": name,
        "description": "",
        "solver": entry("solvers", solver),
        "run": settings(run),
        "output": settings(output),
        "diagnostics": [entry("diagnostics", diagnostic) for diagnostic in diagnostics],
    }
    doubtful = tuple(f"solver.dt: {words}" for words in doubts(solver))
    return Experiment(
        name, "", solver, diagnostics, run, output, _as_toml(data), notes, doubts=doubtful
    )


def _as_toml(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _as_toml(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_as_toml(entry) for entry in value]
    return value if isinstance(value, str | bool | int | float) else repr(value)
