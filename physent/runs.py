"""Running: from a solver or an experiment to a Dataset or a run folder; resuming."""

import contextlib
import logging
import os
import platform
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import jax
import xarray as xr

from physent.data.invariants import Drift, drifts, not_kept, said
from physent.engine import devices as machines
from physent.engine.cadence import Cadence
from physent.engine.interrupts import Interrupts
from physent.engine.loop import Loop, Outcome, Sink, begin
from physent.engine.plan import check_start, problems
from physent.engine.program import Program
from physent.engine.progress import Tell, logged, quiet
from physent.engine.rows import Instant
from physent.engine.scales import scales_of
from physent.engine.thinning import thinned
from physent.engine.until import Until
from physent.errors import FolderError, ParameterError, RunError, brief, path_of, warn_user
from physent.experiment.building import load_experiment
from physent.experiment.experiment import Experiment, describe, name_of
from physent.experiment.making import make
from physent.experiment.settings import OutputSettings, RunSettings, completed
from physent.io import checkpoint
from physent.io.digests import Values
from physent.io.fingerprint import as_begun, belongs
from physent.io.folder import (
    CHECKPOINT,
    EXPERIMENT,
    RUN,
    RunFolder,
    check_free,
    open_run,
    read_header,
)
from physent.io.follower import Follower
from physent.io.integrity import vouched_values
from physent.io.layout import Layout, attributes_of, closing_of, spread
from physent.io.memory import MemorySink
from physent.io.replacing import free_name, reason
from physent.io.sources import recorded_in, sources_in, write_sources
from physent.io.start import Start, start_of
from physent.protocol.diagnostic import Diagnostic
from physent.protocol.moved import renamed_keyword
from physent.protocol.solver import Solver
from physent.protocol.sources import recorded


@renamed_keyword(report="tell")
def run(
    solver: Solver | Experiment,
    *,
    t_end: float | None = None,
    save_every: float | None = None,
    save_at: Sequence[float] | dict[str, Any] | None = None,
    until: dict[str, Any] | None = None,
    snapshot_every: float | None = None,
    diagnostics: Iterable[Diagnostic] = (),
    seed: int = 0,
    members: int = 1,
    devices: int | Literal["all"] = 1,
    variables: Sequence[str] | None = None,
    fields: dict[str, Any] | None = None,
    state: Start = None,
    output: str | Path | None = None,
    overwrite: bool = False,
    chunk: int | None = None,
    tell: Tell = quiet,
) -> xr.Dataset:
    """Run a solver or a loaded experiment and return all saved data as a Dataset, dimension `t`.

    Rows are at the multiples of `save_every` up to `t_end`, or at the times of `save_at`: a list or
    array of multiples of dt, or {"logspace": [first, last, count]}, whose times are brought to the
    nearest step. The run ends earlier where `until` says so: {"of": SERIES, "below": LEVEL},
    {"of": SERIES, "above": LEVEL} or {"of": SERIES, "steady": CHANGE, "over": TIME}.

    It begins at t = 0, or goes on from a `state` and its time: one of the solver, as
    `physent.trajectory` gives it, or that in the folder of a run, of other parameters perhaps. It
    is kept in memory then; `physent resume DIR --t-end` continues a run in its folder.

    Of `fields` less is kept, {"psi": {"every": 4, "stride": 2, "precision": "float32"}}: each 4th
    snapshot, each 2nd point along its axes, in float32; diagnostics see all of it.

    Without `output` nothing touches the disk. With it, a run folder is written as by the command
    line, and the Dataset reads from it. `tell` is called with each `Progress`. An experiment brings
    its own settings: then only `state`, `output`, `overwrite` and `tell` are used.

    Raises, from `physent.errors`, RunError when a value is not finite (`error.dataset` has what was
    saved), ParameterError for settings that do not fit, FolderError for a folder that is taken.
    """
    if output is not None and not isinstance(output, str | os.PathLike):
        raise ParameterError("output", f"given {brief(output)}, allowed: a path, or None")
    if isinstance(solver, Experiment):
        experiment = solver
    else:
        if save_at is None and (t_end is None or save_every is None):
            raise TypeError("physent.run(solver) needs t_end and save_every, or save_at")
        precision = "float64" if jax.config.read("jax_enable_x64") else "float32"
        times = dict(t_end=t_end, save_every=save_every, snapshot_every=snapshot_every)
        how: dict[str, Any] = dict(seed=seed, members=members, devices=devices, chunk=chunk)
        how |= {"until": until} | completed(times | {"save_at": save_at})
        settings = RunSettings(**how, precision=precision)
        if isinstance(variables, str):
            raise TypeError("variables must be a list of names")
        written = None if variables is None else tuple(variables)
        chosen = OutputSettings(variables=written, fields=fields)
        name = name_of(solver, output)
        experiment = describe(solver, diagnostics, settings, chosen, name)
    for doubt in experiment.doubts:
        logging.getLogger("physent").warning("%s: %s", experiment.name, doubt)
    with Interrupts() as interrupts:
        asked = interrupts.requested
        finished = execute(
            experiment, output, overwrite=overwrite, state=state, tell=tell, stop=asked
        )
    dataset = finished.dataset()
    if words := not_kept(finished.drifts):  # on the console, where logging is not set up
        logging.getLogger("physent").warning("%s: %s", experiment.name, words)
    if finished.outcome.reason == "interrupted":
        interrupt = KeyboardInterrupt(
            "the run was interrupted; its saved data are the exception's `dataset`"
        )
        interrupt.dataset = dataset  # type: ignore[attr-defined]
        raise interrupt
    if finished.outcome.reason == "failed":
        error = RunError(finished.outcome.message)
        error.dataset = dataset
        raise error
    return dataset


@dataclass
class Finished:
    """A run that ended, successfully or not, and how well it kept its invariants."""

    outcome: Outcome
    place: MemorySink | Path
    drifts: list[Drift]

    def dataset(self) -> xr.Dataset:
        """The saved data."""
        return self.place.dataset() if isinstance(self.place, MemorySink) else open_run(self.place)


def execute(
    experiment: Experiment,
    output: str | Path | None,
    *,
    overwrite: bool = False,
    state: Start = None,
    tell: Tell = quiet,
    stop: Callable[[], bool] = lambda: False,
) -> Finished:
    """Run an experiment into memory (`output` None), from a state where one is given, or into a run
    folder.
    """
    if output is not None:
        if state is not None:
            words = "given with output, but a run folder has to begin as its experiment says"
            raise ParameterError("state", words)
        machines.by_leader(lambda: check_free(Path(output), overwrite))
    program, cadence, begun = _plan(experiment, state)
    beginning = begin(program, cadence, jax.random.key(experiment.run.seed), begun)
    check_start(program, beginning)
    attributes = attributes_of(experiment, cadence, program, in_memory=output is None)
    scales = scales_of(program, beginning.instant.state)
    layout = Layout.of(program, cadence, beginning.rows, attributes, scales)

    until = Until.begun(experiment.run.until, beginning.rows.series, cadence.time(0))
    how: dict[str, Any] = {"limit": experiment.run.chunk, "tell": tell, "stop": stop}

    def loop(sink: Sink) -> Loop:
        return Loop(program, cadence, sink, beginning, until=until, **how)

    if output is None:
        sink = MemorySink(layout, cadence)
        sink.append(beginning.block)
        outcome = loop(sink).advance(beginning.instant)
        found = drifts(sink.dataset())
        closing = closing_of(outcome) | {"invariants": said(found) or None}
        layout.attributes.update(
            {name: value for name, value in closing.items() if value is not None}
        )
        return _finished(outcome, sink, found)
    path = Path(output)
    here = Instant(program.solver, *machines.fetch(beginning.instant[1:]))

    def created() -> RunFolder:
        return RunFolder.create(path, experiment, layout, cadence, beginning.block, here, overwrite)

    folder = machines.by_leader(created) or Follower(path)
    return _into_folder(folder, loop(folder), beginning.instant)


def resume(
    path: str | Path,
    *,
    t_end: float | None = None,
    devices: int | Literal["all"] | None = None,
    trust: bool = False,
    tell: Tell = quiet,
    stop: Callable[[], bool] = lambda: False,
) -> Finished:
    """Continue the run in a folder from its checkpoint, bit for bit, appending to the same file.

    Of its `experiment.toml` only `run.t_end` may be changed, there or by `t_end`, which makes a run
    longer, `run.until`, and `run.devices`, there or by `devices`: members keep their bits, what is
    cut into slabs is the same to rounding. Code that it names runs if it is that of the beginning
    and this user has run it before, or with `trust`. Raises FolderError for a folder that is not a
    run, is going on, or was changed; ConfigError for an experiment that is not valid any more, or
    whose code may not run.
    """
    path = path_of("path", path)
    for name in (EXPERIMENT, CHECKPOINT, RUN):
        if not (path / name).is_file():
            raise FolderError(f"{path} is not a run that can be resumed: there is no {path / name}")
    header = read_header(path)
    with recorded(recorded_in(path, header, trust)):
        given = {"run.t_end": t_end, "run.devices": devices}
        overrides = [f"{key}={value}" for key, value in given.items() if value is not None]
        return _resume(path, header, overrides, tell, stop)


def _resume(
    path: Path,
    header: dict[str, Any],
    overrides: list[str],
    tell: Tell,
    stop: Callable[[], bool],
) -> Finished:
    experiment = load_experiment(path / EXPERIMENT, overrides)
    if not belongs(header, experiment):
        raise FolderError(
            f"{path / EXPERIMENT} was changed after the run began: only run.t_end, "
            "run.until and run.devices may change"
        )
    experiment = as_begun(header, experiment)
    if header["jaxlib"] != version("jaxlib"):
        words = (
            f"the run began with jaxlib {header['jaxlib']}, this is {version('jaxlib')}: bits may "
            "differ"
        )
        warnings.warn(words, stacklevel=2)
    program, cadence, _ = _plan(experiment)
    done = header["rows"]
    if done > cadence.rows:
        raise FolderError(f"{path} is already at t = {cadence.time(done):g}, beyond run.t_end")
    vouched = machines.by_leader(lambda: vouched_values(path, header, cadence))
    if machines.anybody(isinstance(vouched, str)):
        # torn by a kill in the middle of a write, or changed since; the run is deterministic, so
        # nothing is lost but time
        aside = free_name(path)
        machines.by_leader(lambda: path.rename(aside))
        warnings.warn(
            f"{vouched}: the run starts again from t = 0; the old one is {aside}",
            stacklevel=2,
        )
        return execute(experiment, path, tell=tell, stop=stop)
    if "grown" in header:
        made = type(experiment.solver), header["grown"], experiment.run.members
        program.solver = make(*made, path)
    beginning = begin(program, cadence, jax.random.key(experiment.run.seed))
    began = beginning.instant[1:]
    try:
        stored = checkpoint.load(path / CHECKPOINT, began)
    except (OSError, ValueError) as error:
        raise FolderError(
            f"{path / CHECKPOINT} cannot be read ({reason(error)}): run the experiment again with "
            "--overwrite"
        ) from None
    instant = Instant(program.solver, *machines.place(stored, began))
    until = Until.begun(experiment.run.until, beginning.rows.series, cadence.time(0))

    def opened() -> RunFolder:
        folder = RunFolder(
            path,
            cadence,
            experiment,
            values=vouched if isinstance(vouched, Values) else None,
            rows=done,
            sources=header.get("sources", {})
            | write_sources(path, sources_in(experiment.resolved)),
        )
        # what was not finite in earlier sessions is not forgotten by the one that goes on
        for first, series in folder.writer.series(list(beginning.rows.series), 1, 1 + done):
            count = len(next(iter(series.values()), ()))
            beginning.undefined.note(series, first, count)
            if until is not None:
                until.look(series[until.of], cadence.times(first, first + count))
        before = {"message": None, "invariants": None, "until": None} | spread(program)
        folder.describe(status="running", **before)
        return folder

    folder = machines.by_leader(opened) or Follower(path)
    loop = Loop(
        program,
        cadence,
        folder,
        beginning,
        done=done,
        limit=experiment.run.chunk,
        tell=tell,
        stop=stop,
        until=until,
    )
    return _into_folder(folder, loop, instant)


def _plan(experiment: Experiment, given: Start = None) -> tuple[Program, Cadence, Any]:
    """The program and cadence of an experiment, and the state that it begins with, if one is given.
    Raises ParameterError if it cannot be run.
    """
    precision = "float64" if jax.config.read("jax_enable_x64") else "float32"
    if experiment.run.precision != precision:
        wanted = experiment.run.precision == "float64"
        raise ParameterError(
            "run.precision",
            f"given {experiment.run.precision!r}, but JAX computes in {precision}: call "
            f"jax.config.update('jax_enable_x64', {wanted}) before the experiment is loaded, or "
            "change it",
        )
    program = Program(
        experiment.solver,
        tuple(experiment.diagnostics),
        experiment.run.members,
        experiment.output.variables,
        machines.count_of(experiment.run.devices),
        thinned(experiment.output.fields),
    )
    state = None if given is None else start_of(program, given)
    begins = 0.0 if state is None else state.t
    cadence = Cadence.of(experiment.solver, experiment.run, begins)
    if not program.trust(experiment.program) and (
        found := problems(program, cadence, experiment.run.until)
    ):
        raise ParameterError(
            found[0][0], "\n".join([found[0][1], *(f"{key}: {words}" for key, words in found[1:])])
        )
    return program, cadence, state


def _into_folder(folder: RunFolder | Follower, loop: Loop, instant: Instant) -> Finished:
    if isinstance(folder, Follower):
        return _finished(loop.advance(instant), folder.path, [])
    time, experiment = loop.cadence.time, folder.experiment
    for note in (*experiment.notes, *experiment.doubts):
        folder.log.info(note)
    folder.log.info(
        "begin at t = %g of %g: %s, %s, %d member(s); physent %s, jaxlib %s, %s; process %d on %s",
        time(loop.done),
        time(loop.cadence.rows),
        experiment.resolved["solver"]["kind"],
        experiment.run.precision,
        experiment.run.members,
        version("physent"),
        version("jaxlib"),
        jax.devices()[0].device_kind,
        os.getpid(),
        platform.node(),
    )
    loop.tell = logged(loop.tell, folder.log)
    closing: dict[str, Any] = {"status": "failed"}
    found: list[Drift] = []
    try:
        outcome = loop.advance(instant)
        closing = closing_of(outcome, folder.writer.attribute)
        with contextlib.suppress(OSError, RuntimeError):  # of a file that cannot be read any more
            found = drifts(folder.writer.invariants(1 + outcome.rows))
            closing["invariants"] = said(found) or None
        level = logging.ERROR if outcome.reason == "failed" else logging.INFO
        words = (outcome.reason, time(outcome.rows), outcome.seconds, outcome.compile_seconds)
        folder.log.log(level, "%s at t = %g after %.3f s, and %.1f s of compilation", *words)
        words = (outcome.held, outcome.message, _undefined(outcome), not_kept(found))
        for problem in filter(None, words):
            folder.log.log(level, "%s", problem)
    except KeyboardInterrupt:
        folder.log.info("interrupted in the middle of a chunk")
        closing = {"status": "interrupted", "message": None}
        raise
    except BaseException as error:
        folder.log.error("%r", error)
        closing = {"status": "failed", "message": repr(error)}
        raise
    finally:
        folder.close(**closing)
    return _finished(outcome, folder.path, found)


def _finished(outcome: Outcome, place: MemorySink | Path, found: list[Drift]) -> Finished:
    if words := _undefined(outcome):
        warn_user(words)
    return Finished(outcome, place, found)


def _undefined(outcome: Outcome) -> str:
    words = ", ".join(f"{name} from t = {t:g}" for name, t in outcome.undefined.items())
    return f"not finite: {words}" if words else ""
