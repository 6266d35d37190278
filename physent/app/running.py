"""The commands that run: run, resume, sweep, score and demo; each returns the exit code."""

from pathlib import Path
from typing import Any

from physent.app.console import ConsoleProgress, print_summary
from physent.app.reading import write_report
from physent.app.speaking import command, precision
from physent.app.terminal import say
from physent.engine.devices import join, leads
from physent.engine.interrupts import Interrupts, raised
from physent.errors import ConfigError, FolderError, ParameterError, SamplesError
from physent.experiment.building import build
from physent.experiment.making import make, problems as problems_of
from physent.experiment.parsing import parse, precision_of
from physent.experiment.settings import SweepSettings
from physent.io.folder import EXPERIMENT, check_free, write_dataset
from physent.io.overwriting import SUMMARY
from physent.io.sources import check_code, named_by
from physent.runs import Finished, execute, resume as resume_run
from physent.sweep.executors import check_executor, remove, sweep as run_sweep
from physent.sweep.points import as_members, points
from physent.sweep.summary import summarise


@command
def run(
    config: Path,
    set_: list[str] | None,
    output: Path | None,
    overwrite: bool,
    quiet: bool,
    score: bool,
    report: bool,
    trust: bool,
    distributed: bool,
) -> int:
    """Run an experiment file, and learn its score and write its report if requested."""
    leading = _leads(distributed)
    quiet = quiet or not leading
    data, problems = parse(config, set_)
    if output is not None and not distributed:  # else the first process looks, once it is known
        check_free(output, overwrite)
    with precision(precision_of(data)), named_by(config, trust):
        experiment = build(data, problems, config.stem, config.parent)
        if score and experiment.score is None:
            raise ConfigError([f"{config}: --score needs a [score] table"])
        folder = output if output is not None else experiment.folder
        if not distributed:  # before it says that it compiles
            check_free(folder, overwrite)
        with ConsoleProgress(experiment, quiet) as progress, Interrupts() as interrupts:
            finished = execute(
                experiment, folder, overwrite=overwrite, tell=progress, stop=interrupts.requested
            )
        code = _close(finished, interrupts, quiet)
    if score and leading and code == 0:
        code = _score(folder, [], None, overwrite, True, quiet)  # the user named it
    if report and leading:
        write_report(folder, None, quiet)
    return code


@command
def resume(
    folder: Path,
    t_end: float | None,
    devices: Any,
    trust: bool,
    quiet: bool,
    distributed: bool,
) -> int:
    """Continue the run in a folder."""
    quiet = not _leads(distributed) or quiet
    if not (folder / EXPERIMENT).is_file():
        raise FolderError(
            f"{folder} is not a run that can be resumed: there is no {folder / EXPERIMENT}"
        )
    data, _ = parse(folder / EXPERIMENT)
    check_code(folder, data, trust)
    with precision(precision_of(data)):
        with (
            ConsoleProgress(data.get("name", folder.name), quiet) as progress,
            Interrupts() as interrupts,
        ):
            try:
                finished = resume_run(
                    folder,
                    t_end=t_end,
                    devices=devices,
                    trust=trust,
                    tell=progress,
                    stop=interrupts.requested,
                )
            except ConfigError as error:
                raise ConfigError([_by_option(words) for words in error.problems]) from None
        return _close(finished, interrupts, quiet)


def _by_option(problem: str) -> str:
    """A problem of a key that an option of `resume` gave, with the name of the option."""
    for option in ("t_end", "devices"):
        problem = problem.replace(f"--set: run.{option}:", f"--{option.replace('_', '-')}:", 1)
    return problem


def _leads(distributed: bool) -> bool:
    """Whether this process prints and writes; with several processes, join them first."""
    if not distributed:
        return True
    join()
    return leads()


def _close(finished: Finished, interrupts: Interrupts, quiet: bool) -> int:
    assert isinstance(finished.place, Path)
    outcome = finished.outcome
    if not quiet:
        try:
            with finished.dataset() as dataset:
                print_summary(dataset, outcome, finished.place, finished.drifts)
        except (
            FolderError,
            OSError,
            ValueError,
            RuntimeError,
        ):  # of a file that could not be written to its end, or is not there any more
            if outcome.reason != "failed":
                raise
    if outcome.reason == "failed":
        say(f"the run failed: {outcome.message}", wrong=True)
        return 1
    if outcome.reason == "interrupted":
        say(f"interrupted; continue with: physent resume {finished.place}", wrong=True)
        return 128 + (interrupts.signal or 2)
    return 0


@command
def sweep(
    config: Path,
    over: list[str] | None,
    mode: str | None,
    samples: int | None,
    seed: int | None,
    set_: list[str] | None,
    executor: str,
    workers: int | None,
    output: Path | None,
    overwrite: bool,
    vmap: bool,
    trust: bool,
    quiet: bool,
) -> int:
    """Run an experiment file at every point of a sweep."""
    data, _ = parse(config, set_)
    told = {"over": over or None, "mode": mode, "samples": samples, "seed": seed}
    table = data.get("sweep", {}) | {key: value for key, value in told.items() if value is not None}
    found = problems_of(SweepSettings, table)
    if found:
        raise ConfigError(
            [
                f"{config}: {'.'.join(map(str, ('sweep', *key)))}: {message}"
                for key, message in found
            ]
        )
    settings = make(SweepSettings, table)
    found_points = points(settings)
    for key, value in (("samples", samples), ("seed", seed)):
        if value is not None and settings.mode != "random":
            raise ParameterError(key, f"given {value}, allowed: only with --mode random")
    experiments = []
    with precision(precision_of(data)), named_by(config, trust):
        runs = [as_members(found_points)] if vmap else found_points
        for point in runs:
            data, problems = parse(config, [*(set_ or []), *point.overrides()])
            try:
                experiments.append(build(data, problems, config.stem, config.parent))
            except ConfigError as error:
                why = (
                    " (with --vmap only floating-point solver parameters can vary, not integers "
                    "or choices)"
                    if vmap
                    else ""
                )
                words = [problem.replace("--set:", "--over:", 1) for problem in error.problems]
                raise ConfigError(
                    [word + why * word.startswith("--over:") for word in words]
                ) from None
    texts, usual = [each.toml(folder=False) for each in experiments], experiments[0].folder
    folder = output if output is not None else usual.with_name(f"{usual.name}_sweep")
    check_executor(executor, workers)
    if overwrite:
        remove(folder)
    done: list[Any] = []

    def tell_point(result: Any) -> None:
        done.append(result)
        if not quiet:
            words = "done before" if result.again else f"{result.status} in {result.seconds:.1f} s"
            problem = f": {result.message}" if result.message else ""
            say(f"{len(done)} of {len(runs)}: {result.point.name}: {words}{problem}")

    try:
        with raised(), named_by(config, trust):
            results = run_sweep(
                texts, runs, folder, executor=executor, workers=workers, tell=tell_point
            )
    except KeyboardInterrupt as interrupt:
        say(f"interrupted; the same command continues {folder}", wrong=True)
        return 128 + getattr(interrupt, "signal", 2)
    file = folder / SUMMARY
    with summarise(results, found_points, settings.mode) as summary:
        write_dataset(summary, file)
    failed = [result for result in results if result.status != "done"]
    if not quiet:
        say(f"wrote {file}")
    for result in failed:
        say(f"{result.folder}: {result.status}: {result.message}", wrong=True)
    return 1 if failed else 0


@command
def score(
    folder: Path,
    set_: list[str] | None,
    from_: Path | None,
    overwrite: bool,
    trust: bool,
    quiet: bool,
) -> int:
    """Learn the score of a run, or evaluate a trained one on it."""
    return _score(folder, set_ or [], from_, overwrite, trust, quiet)


def _score(
    folder: Path,
    overrides: list[str],
    source: Path | None,
    overwrite: bool,
    trust: bool,
    quiet: bool,
) -> int:
    from physent.app.learned import print_progress, print_verdict
    from physent.score.access import RESULT
    from physent.score.pipeline import learn

    def told(words: str) -> None:
        if not quiet:
            say(f"{folder.name}: {words}")

    def tell(progress: Any) -> None:
        told(print_progress(progress))

    with Interrupts() as interrupts:
        try:
            learnt = learn(
                folder,
                overrides=overrides,
                source=source,
                overwrite=overwrite,
                trust=trust,
                tell=tell,
                say=told,
                stop=interrupts.requested,
            )
        except SamplesError as error:
            raise FolderError(f"{folder}: {error}") from None
    if learnt.verdict is None:
        same = "the same command" if overrides else f"physent score {folder}"
        say(
            f"interrupted; {same}{' without --overwrite' if overwrite else ''} continues",
            wrong=True,
        )
        return 128 + (interrupts.signal or 2)
    print_verdict(learnt.verdict)
    told(f"wrote {folder / RESULT}")
    return 0


@command
def demo(output: Path | None, overwrite: bool, quiet: bool) -> int:
    """Run the demo."""
    from physent.app import demo as demos

    folder = output if output is not None else Path("data") / "runs" / "demo"
    count = len(demos.experiments())

    def told(name: str, seconds: float) -> None:
        nonlocal done
        done += 1
        if not quiet:
            say(f"{done} of {count}: {name}, {seconds:.1f} s")

    done = 0
    with Interrupts() as interrupts:
        place = demos.demo(folder, overwrite, told, interrupts.requested)
    if interrupts.signal is not None:
        say(f"interrupted; {place} shows what was done", wrong=True)
        return 128 + interrupts.signal
    if not quiet:
        say(f"wrote {place}: open it in a browser")
    return 0
