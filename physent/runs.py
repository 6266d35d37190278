"""Running: from a solver or an experiment to a Dataset or a run folder, and on from where one stopped."""

import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import xarray as xr

from physent.config import Experiment, OutputSettings, RunSettings, describe, load_experiment, make
from physent.diagnostic import Diagnostic
from physent.engine import Cadence, Outcome, Program, Progress, Run, RunError
from physent.interrupts import Interrupts
from physent.io import checkpoint
from physent.io.folder import (
    CHECKPOINT,
    EXPERIMENT,
    RUN,
    FolderError,
    RunFolder,
    check_free,
    open_run,
    vouched_snapshots,
)
from physent.io.layout import Layout, provenance
from physent.io.memory import MemorySink
from physent.solver import Solver

Report = Callable[[Progress], None]


def _quiet(progress: Progress) -> None:
    pass


def run(
    solver: Solver | Experiment,
    *,
    t_end: float | None = None,
    save_every: float | None = None,
    snapshot_every: float | None = None,
    diagnostics: Iterable[Diagnostic] = (),
    seed: int = 0,
    members: int = 1,
    variables: Sequence[str] | None = None,
    output: str | Path | None = None,
    overwrite: bool = False,
    chunk: int | None = None,
    report: Report = _quiet,
) -> xr.Dataset:
    """Run a solver, or a loaded experiment, and return everything it saved as a Dataset with dimension `t`.

    Without `output` nothing touches the disk. With it, a run folder is written as by the command line, and the Dataset
    reads from it. An experiment brings its own settings: then the keywords other than the last four are not used.

    Raises `physent.RunError` when the run meets a value that is not finite (`error.dataset` has what came before),
    ParameterError for settings that do not fit, `physent.FolderError` for an output folder that is taken.
    """
    if isinstance(solver, Experiment):
        experiment = solver
    else:
        if t_end is None or save_every is None:
            raise TypeError("physent.run(solver) needs t_end and save_every")
        precision = "float64" if jax.config.read("jax_enable_x64") else "float32"
        settings = RunSettings(
            t_end=t_end, save_every=save_every, snapshot_every=snapshot_every, seed=seed, precision=precision,
            members=members, chunk=chunk,
        )  # fmt: skip
        chosen = OutputSettings(variables=None if variables is None else tuple(variables))
        name = Path(output).name if output is not None else type(solver).__name__.lower()
        experiment = describe(solver, list(diagnostics), settings, chosen, name)
    with Interrupts() as interrupts:
        finished = execute(experiment, output, overwrite=overwrite, report=report, stop=interrupts.requested)
    dataset = finished.dataset()
    if finished.outcome.reason == "interrupted":
        raise KeyboardInterrupt
    if finished.outcome.reason == "failed":
        error = RunError(finished.outcome.message)
        error.dataset = dataset
        raise error
    return dataset


@dataclass
class Finished:
    """A run that ended, one way or another."""

    outcome: Outcome
    place: MemorySink | Path

    def dataset(self) -> xr.Dataset:
        """What it saved."""
        return self.place.dataset() if isinstance(self.place, MemorySink) else open_run(self.place)


def execute(
    experiment: Experiment, output: str | Path | None, *, overwrite: bool = False,
    report: Report = _quiet, stop: Callable[[], bool] = lambda: False,
) -> Finished:  # fmt: skip
    """Run an experiment into memory (`output` None) or into a run folder."""
    if output is not None:
        check_free(Path(output), overwrite)
    program, cadence = _plan(experiment)
    runner = Run(program, cadence, limit=experiment.run.chunk, report=report, stop=stop)
    state, carries, rows = runner.begin(jax.random.key(experiment.run.seed))
    layout = Layout.of(program, cadence, rows, _attributes(experiment, cadence))
    if output is None:
        sink = MemorySink(layout, cadence)
        sink.append(rows, 0, 0)
        outcome = runner.loop(sink, program.solver, state, carries, rows)
        layout.attributes.update(_closing(outcome, runner))
        return Finished(outcome, sink)
    folder = RunFolder.create(Path(output), experiment, layout, cadence, rows, state, carries, overwrite)
    return _into_folder(folder, runner, program.solver, state, carries, rows, 0)


def resume(path: str | Path, *, report: Report = _quiet, stop: Callable[[], bool] = lambda: False) -> Finished:
    """Continue the run in a folder from its checkpoint, bit for bit, appending to the same file.

    Raises FolderError for a folder that is not a run, ConfigError for an experiment that was changed into a bad one.
    """
    path = Path(path)
    for name in (EXPERIMENT, CHECKPOINT):
        if not (path / name).is_file():
            raise FolderError(f"{path} is not a run that can be resumed: there is no {path / name}")
    experiment = load_experiment(path / EXPERIMENT)
    header = checkpoint.read_header(path / CHECKPOINT)
    if header["jaxlib"] != version("jaxlib"):
        warnings.warn(
            f"the run began with jaxlib {header['jaxlib']}, this is {version('jaxlib')}: bits may differ",
            stacklevel=2,
        )
    program, cadence = _plan(experiment)
    done = vouched_snapshots(path, cadence)
    if done is None:  # torn by a kill in the middle of a write; the run is deterministic, so nothing is lost but time
        warnings.warn(f"{path / RUN} is damaged: the run starts again from t = 0", stacklevel=2)
        return execute(experiment, path, overwrite=True, report=report, stop=stop)
    if header["solver"] != _header_settings(experiment.solver):
        program.solver = make(type(experiment.solver), header["solver"], experiment.run.members)
    runner = Run(program, cadence, limit=experiment.run.chunk, report=report, stop=stop)
    _, _, rows = runner.begin(jax.random.key(experiment.run.seed))
    like = eqx.filter_eval_shape(lambda: _restart(program, jax.random.key(experiment.run.seed)))
    state, carries = checkpoint.load(path / CHECKPOINT, like)
    return _into_folder(RunFolder(path, cadence), runner, program.solver, state, carries, rows, done)


def _restart(program: Program, key: Any) -> tuple[Any, tuple]:
    state = program.init(program.solver, key)
    return state, program.first_row(program.solver, state)[0]


def _header_settings(solver: Any) -> Any:
    import json

    from physent.parameters import settings

    return json.loads(json.dumps(settings(solver), default=repr))


def _plan(experiment: Experiment) -> tuple[Program, Cadence]:
    cadence = Cadence.of(experiment.solver, experiment.run)
    fields = experiment.output.variables
    return Program(experiment.solver, tuple(experiment.diagnostics), experiment.run.members, fields), cadence


def _into_folder(
    folder: RunFolder, runner: Run, solver: Any, state: Any, carries: tuple, rows: Any, done: int
) -> Finished:
    every = runner.cadence.rows_per_snapshot * runner.cadence.save_every
    folder.log.info("begin at t = %g", done * every)
    reason = "failed"
    closing: dict[str, Any] = {}
    try:
        outcome = runner.loop(folder, solver, state, carries, rows, done)
        reason, closing = outcome.reason, _closing(outcome, runner)
        folder.log.info(
            "%s at t = %g after %.3f s %s", reason, outcome.snapshots * every, outcome.solve_seconds, outcome.message
        )
    except BaseException as error:
        folder.log.error("%r", error)
        closing = {"status": "failed", "message": repr(error)}
        raise
    finally:
        folder.close(**closing)
    return Finished(outcome, folder.path)


def _attributes(experiment: Experiment, cadence: Cadence) -> dict[str, Any]:
    return provenance(experiment.run.seed, experiment.run.precision) | {
        "title": experiment.name,
        "comment": experiment.description or f"physent experiment {experiment.name}",
        "experiment": experiment.toml(),
        "status": "running",
        "rows_per_snapshot": cadence.rows_per_snapshot,
    }


def _closing(outcome: Outcome, runner: Run) -> dict[str, Any]:
    rows = outcome.snapshots * runner.cadence.rows_per_snapshot
    closing = {
        "status": outcome.reason,
        "wall_time": outcome.solve_seconds,
        "wall_time_compilation": outcome.compile_seconds,
        "wall_time_observing": runner.row_seconds * rows,
    }
    return closing | ({"message": outcome.message} if outcome.message else {})
