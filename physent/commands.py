"""What the commands do; each returns the exit code."""

import contextlib
import json
import math
import sys
import tomllib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import xarray as xr
from rich.console import Console

from physent import config, registry
from physent import schema as schemas
from physent.config import ConfigError
from physent.console import ConsoleProgress, print_experiments, print_summary, text_table
from physent.engine import RunError
from physent.interrupts import Interrupts, raised
from physent.io.folder import EXPERIMENT, FolderError, write_dataset
from physent.parameters import ParameterError
from physent.runs import Finished, execute
from physent.runs import resume as resume_run
from physent.solver import StochasticSolver


class _Stop(Exception):
    """Ends a command with an exit code."""

    def __init__(self, code: int):
        self.code = code


@contextlib.contextmanager
def _speaking() -> Iterator[None]:
    """Errors a user can mend become sentences on stderr and an exit code; warnings become one line."""

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        print(f"warning: {message}", file=sys.stderr)

    with warnings.catch_warnings():
        warnings.simplefilter("default", UserWarning)
        warnings.showwarning = show
        try:
            yield
        except (ConfigError, FolderError, ParameterError, registry.RegistryError) as error:
            print(error, file=sys.stderr)
            raise _Stop(2) from None
        except RunError as error:
            print(f"the run failed: {error}", file=sys.stderr)
            raise _Stop(1) from None


def _command(function: Any) -> Any:
    def command(*arguments: Any) -> int:
        try:
            with _speaking():
                return function(*arguments)
        except _Stop as stop:
            return stop.code

    return command


@contextlib.contextmanager
def _precision(name: str) -> Iterator[None]:
    with jax.enable_x64(name == "float64"):
        yield


@_command
def run(
    path: Path, overrides: list[str], output: Path | None, overwrite: bool, quiet: bool, with_report: bool = False,
    distributed: bool = False, with_score: bool = False,
) -> int:  # fmt: skip
    """Run an experiment file, and learn its score and write its report where these are asked for."""
    leads = _leads(distributed)
    quiet = quiet or not leads
    data, report = config.parse(path, overrides)
    with _precision(config.precision_of(data)):
        experiment = config.build(data, report, path.stem, path.parent)
        if with_score and experiment.score is None:
            raise ConfigError([f"{path}: given --score, allowed: with a [score] table, which says how"])
        folder = output if output is not None else experiment.folder
        with ConsoleProgress(experiment, quiet) as progress, Interrupts() as interrupts:
            finished = execute(experiment, folder, overwrite=overwrite, report=progress, stop=interrupts.requested)
        code = _close(finished, interrupts, quiet)
    if with_score and leads and code == 0:
        code = _score(folder, [], None, overwrite, quiet)
    if with_report and leads:
        _report(folder, None, quiet)
    return code


@_command
def report(folder: Path, output: Path | None, movie: Path | None, live: bool, every: float | None) -> int:
    """Write the report of a run."""
    if not live:
        if every is not None:
            raise FolderError("given --every, allowed: with --live")
        _report(folder, output, quiet=False, movie=movie)
        return 0
    if movie is not None:
        raise FolderError("given --live and --movie, allowed: one of them")
    if every is not None and not 0 < every < math.inf:
        raise FolderError(f"given --every {every:g}, allowed: a number of seconds > 0")
    from physent.report.live import EVERY, follow

    pages: list[Path] = []

    def told(place: Path, running: bool) -> None:
        pages.append(place)
        if len(pages) == 1 and running:
            print(f"{place} follows the run until it ends; Ctrl-C leaves it as it is then", flush=True)

    try:
        place = follow(folder, output, EVERY if every is None else every, told)
    except KeyboardInterrupt as interrupt:
        print("interrupted", file=sys.stderr)
        return 128 + getattr(interrupt, "signal", 2)
    print(f"wrote {place}; nothing runs in {folder} any more")
    return 0


def _report(folder: Path, output: Path | None, quiet: bool, movie: Path | None = None) -> None:
    from physent.report import write

    for place in filter(None, (write(folder, output, movie), movie)):
        if not quiet:
            print(f"wrote {place}")


@_command
def demo(output: Path | None, overwrite: bool, quiet: bool) -> int:
    """Run the demo."""
    from physent import demo as demos

    folder = output if output is not None else Path("data") / "runs" / "demo"
    count = len(demos.experiments())

    def told(name: str, seconds: float) -> None:
        nonlocal done
        done += 1
        if not quiet:
            print(f"{done} of {count}: {name}, {seconds:.1f} s", flush=True)

    done = 0
    with Interrupts() as interrupts:
        place = demos.demo(folder, overwrite, told, interrupts.requested)
    if interrupts.signal is not None:
        print(f"interrupted; {place} shows what was done", file=sys.stderr)
        return 128 + interrupts.signal
    if not quiet:
        print(f"wrote {place}: open it in a browser")
    return 0


@_command
def compare(a: Path, b: Path, output: Path | None) -> int:
    """Compare two runs."""
    from physent.report.comparison import compare as compared

    tables = compared(a, b, output)
    console = Console(width=max(Console().width, 150))
    for table in tables:
        console.print(f"[bold]{table.title}[/bold]" + ("" if table.rows else f": {table.note or 'none'}"))
        if table.rows:
            console.print(text_table(table.columns, table.rows))
    if output is not None:
        print(f"wrote {output}")
    return 0


@_command
def resume(folder: Path, quiet: bool, devices: Any = None, distributed: bool = False) -> int:
    """Continue the run in a folder."""
    quiet = not _leads(distributed) or quiet
    if not (folder / EXPERIMENT).is_file():
        raise FolderError(f"{folder} is not a run that can be resumed: there is no {folder / EXPERIMENT}")
    data, _ = config.parse(folder / EXPERIMENT)
    with _precision(config.precision_of(data)):
        with ConsoleProgress(data.get("name", folder.name), quiet) as progress, Interrupts() as interrupts:
            finished = resume_run(folder, devices=devices, report=progress, stop=interrupts.requested)
        return _close(finished, interrupts, quiet)


def _leads(distributed: bool) -> bool:
    """Whether this process prints and writes; one of several joins them first."""
    if not distributed:
        return True
    from physent.devices import join, leads

    join()
    return leads()


def _close(finished: Finished, interrupts: Interrupts, quiet: bool) -> int:
    assert isinstance(finished.place, Path)
    outcome = finished.outcome
    if not quiet:
        try:
            with finished.dataset() as dataset:
                print_summary(dataset, outcome, finished.place)
        except (OSError, ValueError, RuntimeError):  # of a file that could not be written to its end
            if outcome.reason != "failed":
                raise
    if outcome.reason == "failed":
        print(f"the run failed: {outcome.message}", file=sys.stderr)
        return 1
    if outcome.reason == "interrupted":
        print(f"interrupted; continue with: physent resume {finished.place}", file=sys.stderr)
        return 128 + (interrupts.signal or 2)
    return 0


@_command
def sweep(
    path: Path, over: list[str], mode: str | None, samples: int | None, seed: int | None, overrides: list[str],
    executor: str, workers: int | None, output: Path | None, overwrite: bool, vmap: bool, quiet: bool,
) -> int:  # fmt: skip
    """Run an experiment file at every point of a sweep."""
    from physent import sweep as sweeps

    data, _ = config.parse(path, overrides)
    told = {"over": over or None, "mode": mode, "samples": samples, "seed": seed}
    table = data.get("sweep", {}) | {key: value for key, value in told.items() if value is not None}
    found = schemas.problems(config.SweepSettings, table)
    if found:
        raise ConfigError([f"{path}: {'.'.join(map(str, ('sweep', *key)))}: {message}" for key, message in found])
    settings = config.make(config.SweepSettings, table)
    points = sweeps.points(settings)
    for key, value in (("samples", samples), ("seed", seed)):
        if value is not None and settings.mode != "random":
            raise ParameterError(key, f"given {value}, allowed: only with --mode random")
    experiments = []
    with _precision(config.precision_of(data)):
        runs = [sweeps.as_members(points)] if vmap else points
        for point in runs:
            data, report = config.parse(path, [*overrides, *point.overrides()])
            try:
                experiments.append(config.build(data, report, path.stem, path.parent))
            except ConfigError as error:
                why = " (with --vmap only numbers of the solver vary, not whole numbers or choices)" if vmap else ""
                words = [problem.replace("--set:", "--over:", 1) for problem in error.problems]
                raise ConfigError([word + why * word.startswith("--over:") for word in words]) from None
    texts, usual = [experiment.toml() for experiment in experiments], experiments[0].folder
    folder = output if output is not None else usual.with_name(f"{usual.name}_sweep")
    sweeps.check_executor(executor, workers)
    if overwrite:
        sweeps.remove(folder)
    done: list[Any] = []

    def report_point(result: Any) -> None:
        done.append(result)
        if not quiet:
            words = "done before" if result.again else f"{result.status} in {result.seconds:.1f} s"
            problem = f": {result.message}" if result.message else ""
            print(f"{len(done)} of {len(runs)}: {result.point.name}: {words}{problem}", flush=True)

    try:
        with raised():
            results = sweeps.sweep(texts, runs, folder, executor=executor, workers=workers, report=report_point)
    except KeyboardInterrupt as interrupt:
        print(f"interrupted; the same command goes on with {folder}", file=sys.stderr)
        return 128 + getattr(interrupt, "signal", 2)
    file = folder / "summary.nc"
    with sweeps.summarise(results, points, settings.mode) as summary:
        write_dataset(summary, file)
    failed = [result for result in results if result.status != "done"]
    if not quiet:
        print(f"wrote {file}")
    for result in failed:
        print(f"{result.folder}: {result.status}: {result.message}", file=sys.stderr)
    return 1 if failed else 0


@_command
def score(folder: Path, overrides: list[str], source: Path | None, overwrite: bool, quiet: bool) -> int:
    """Learn the score of a run, or judge a trained one on it."""
    return _score(folder, overrides, source, overwrite, quiet)


def _score(folder: Path, overrides: list[str], source: Path | None, overwrite: bool, quiet: bool) -> int:
    from physent.score.learning import RESULT, learn
    from physent.score.printing import print_progress, print_verdict
    from physent.score.samples import SamplesError

    def say(words: str) -> None:
        if not quiet:
            print(f"{folder.name}: {words}", flush=True)

    def report(progress: Any) -> None:
        say(print_progress(progress))

    with Interrupts() as interrupts:
        try:
            learnt = learn(
                folder, overrides=overrides, source=source, overwrite=overwrite, report=report, say=say,
                stop=interrupts.requested,
            )  # fmt: skip
        except SamplesError as error:
            raise FolderError(f"{folder}: {error}") from None
    if learnt.verdict is None:
        same = "the same command" if overrides else f"physent score {folder}"
        print(f"interrupted; {same}{' without --overwrite' if overwrite else ''} goes on", file=sys.stderr)
        return 128 + (interrupts.signal or 2)
    print_verdict(learnt.verdict)
    say(f"wrote {folder / RESULT}")
    return 0


@_command
def validate(path: Path, overrides: list[str]) -> int:
    """Check an experiment file."""
    data, report = config.parse(path, overrides)
    with _precision(config.precision_of(data)):
        experiment = config.build(data, report, path.stem, path.parent)
    kind, count = experiment.resolved["solver"]["kind"], len(experiment.diagnostics)
    print("; ".join([f"{path}: valid ({experiment.name}: {kind}, {count} diagnostics)", *experiment.notes]))
    return 0


@_command
def list_(what: str | None, folder: Path | None = None) -> int:
    """List solvers, diagnostics and experiments, or runs."""
    if what == "runs":
        usual = Path("data") / "runs"
        if folder is None and not usual.exists():
            print(f"{usual}: there are no runs yet")
            return 0
        return _list_runs(folder if folder is not None else usual)
    if folder is not None:
        raise FolderError(f"given the folder {folder}, allowed: one with 'physent list runs' only")
    console = Console(soft_wrap=True)  # one line each, for whatever reads it
    for family in ("solvers", "diagnostics"):
        if what in (None, family):
            console.print(f"[bold]{family}[/bold]")
            for name, cls in registry.available(family).items():
                summary = (cls.__doc__ or "").strip().splitlines()[0]
                console.print(f"  {name:<22} {summary}", highlight=False, markup=False)
    if what in (None, "experiments"):
        console.print("[bold]experiments[/bold]")
        print_experiments(console)
    return 0


def _list_runs(folder: Path) -> int:
    from physent.catalogue import rows

    found = rows(folder)
    if not found:
        print(f"{folder}: there are no runs")
        return 0
    columns = ("run", "state", "kind", "parameters that differ", "rows", "size", "age")
    width = max(Console().width, 120) if sys.stdout.isatty() else 400  # nothing is cut in a pipe
    Console(width=width).print(text_table(columns, found))
    return 0


@_command
def new(kind: str) -> int:
    """Print a template."""
    cls = registry.find("solvers", kind, Path.cwd())
    name = "my_" + kind.rpartition(":")[2].lower()
    print(f'name = "{name}"\ndescription = ""\n')
    print(schemas.template(cls, "solver", kind))
    print(schemas.template(config.RunSettings, "run"))
    print(schemas.template(config.OutputSettings, "output"))
    print("# one [[diagnostics]] for each; 'physent list diagnostics' shows the kinds")
    lines = schemas.template(registry.find("diagnostics", "entropy"), "diagnostics", "entropy")
    print(_commented(lines.replace("[diagnostics]", "[[diagnostics]]")))
    if issubclass(cls, StochasticSolver):
        print("\n# the score that 'physent score' learns from the run")
        print(_commented(schemas.template(config.ScoreSettings, "score")))
    return 0


def _commented(text: str) -> str:
    return "\n".join(f"# {line}".rstrip() if line else "" for line in text.splitlines())


@_command
def schema() -> int:
    """Print the JSON schema."""
    solvers, diagnostics = registry.available("solvers"), registry.available("diagnostics")
    sections = (config.RunSettings, config.OutputSettings, config.SweepSettings, config.ScoreSettings)
    print(json.dumps(schemas.experiment_schema(solvers, diagnostics, *sections), indent=2))
    return 0


@_command
def doctor() -> int:
    """Say whether this machine can do what physent promises."""
    from physent.doctor import examine

    bad = 0
    for finding in examine():
        bad += finding.state == "bad"
        print(f"{finding.state:4}  {finding.subject}: {finding.words}")
        if finding.state != "good" and finding.advice:
            print(f"      -> {finding.advice}")
    print("all is well" if not bad else f"{bad} to mend")
    return 1 if bad else 0


@_command
def diagnose(
    file: Path,
    of: list[str],
    kind: str,
    named: dict[str, str | None],
    settings: list[str],
    time: str | None,
    output: Path | None,
) -> int:
    """Apply a diagnostic to a NetCDF file."""
    from physent.offline import diagnose as apply

    if output is not None and output.exists():
        raise FolderError(f"{output} exists: choose another --output")
    cls = registry.find("diagnostics", kind, Path.cwd())
    data: dict[str, Any] = {key: _toml_value(value) for key, value in named.items() if value is not None}
    for setting in settings:
        key, _, value = setting.partition("=")
        data[key.strip()] = _toml_value(value)
    with jax.enable_x64(True):
        try:
            dataset = xr.open_dataset(file)
        except OSError as error:
            raise FolderError(f"{file}: cannot be read: {error}") from None
        except ValueError as error:
            if "IO backends" not in str(error):
                raise FolderError(f"{file}: cannot be read: {error}") from None
            raise FolderError(
                f"{file}: cannot be read: it is no NetCDF file. Read arrays with numpy or pandas and take "
                "physent.entropy.entropy(array, axis=-1), or make it one: xarray.DataArray(array, dims=('time', 'x'), "
                "name='u').to_netcdf('u.nc')"
            ) from None
        diagnostics = []
        for name in of:
            found = schemas.problems(cls, data | {"of": name})
            if found:
                raise FolderError("\n".join(f"{kind}.{'.'.join(map(str, path))}: {message}" for path, message in found))
            diagnostics.append(config.make(cls, data | {"of": name}))
        try:
            with dataset:
                result = apply(dataset, diagnostics, time=time)
        except ValueError as error:
            raise FolderError(f"{file}: {error}") from None
    if output is None:
        print(result.to_dataframe().to_string())
        return 0
    write_dataset(result, output)
    print(output)
    return 0


def _toml_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
