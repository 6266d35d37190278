"""The command line: parses, calls, prints. Nothing heavy is imported before a command needs it."""

import os
import sys
from pathlib import Path
from typing import Annotated, Literal

import cyclopts
from cyclopts import Parameter

from physent.app import asking
from physent.app.declaring import Flag, Set, app, command
from physent.app.terminal import Lasting, say

diagnose, production = asking.diagnose, asking.production


@command("running")
def run(
    config: Path,
    *,
    set_: Set = None,
    output: Path | None = None,
    overwrite: Flag = False,
    quiet: Flag = False,
    score: Flag = False,
    report: Flag = False,
    trust: Flag = False,
    distributed: Flag = False,
):
    """Run an experiment file and write a run folder.

    Parameters
    ----------
    config
        The experiment, a TOML file.
    output
        The run folder; default: the file's own [output] folder, or data/runs/NAME.
    overwrite
        Replace a run folder that is already there.
    quiet
        Print nothing but errors.
    score
        Learn the score after the run, from its [score] table, as physent score does.
    report
        Write report.html into the run folder at the end.
    trust
        Run code that a run folder names though it is not in your list of known code, or was
        changed since; for the experiment.toml of a run.
    distributed
        This is one of several processes of one run, as set by JAX_COORDINATOR_ADDRESS,
        JAX_NUM_PROCESSES and JAX_PROCESS_ID, or by SLURM or MPI.
    """


@command("running")
def resume(
    folder: Path,
    *,
    t_end: float | None = None,
    devices: Literal["all"] | int | None = None,
    trust: Flag = False,
    quiet: Flag = False,
    distributed: Flag = False,
):
    """Continue a run that was stopped or killed, bit for bit, into the same file.

    Parameters
    ----------
    folder
        The run folder.
    t_end
        A later end of the run, finished or not; default: run.t_end of the experiment.
    devices
        Devices to continue on; default: run.devices of the experiment.
    trust
        Run code of the folder that is not in your list of known code, or was changed since.
    quiet
        Print nothing but errors.
    distributed
        This is one of several processes of one run, as in physent run.
    """


@command("running")
def sweep(
    config: Path,
    *,
    over: Annotated[list[str] | None, Parameter(negative="")] = None,
    mode: Literal["grid", "zip", "random"] | None = None,
    samples: int | None = None,
    seed: int | None = None,
    set_: Set = None,
    executor: str = "process",
    workers: int | None = None,
    output: Path | None = None,
    overwrite: Flag = False,
    vmap: Flag = False,
    trust: Flag = False,
    quiet: Flag = False,
):
    """Run an experiment at many parameter points, one folder each, and summarise them in one file.

    The same command continues an interrupted sweep: finished points are not run again.

    Parameters
    ----------
    config
        The experiment, a TOML file; its [sweep] table sets the defaults of the options below.
    over
        Parameter to vary, as in --over solver.dt=0.01,0.02 or
        --over "solver.nu=geomspace(0.1, 10, 5)"; repeatable.
    mode
        grid: every combination; zip: values side by side; random: drawn, as in uniform(0, 1) or
        loguniform(0.1, 10).
    samples
        Number of random points.
    seed
        Seed of the random points; the seed of the runs is --set run.seed.
    executor
        process, dask, or dask:ADDRESS of a scheduler.
    workers
        Number of points that run at a time; default: one per processor.
    output
        The folder of the sweep; default: data/runs/NAME_sweep.
    overwrite
        Replace a sweep that is already there.
    vmap
        Run all points as members of one run; only numeric solver parameters may vary.
    trust
        Run code that a run folder names though it is not in your list of known code, or was
        changed since; for the experiment.toml of a run.
    quiet
        Print nothing but errors.
    """


@command("describing")
def validate(config: Path, *, set_: Set = None, trust: Flag = False):
    """Check an experiment file and report every problem in it.

    Parameters
    ----------
    config
        The experiment, a TOML file.
    trust
        Run code that a run folder names though it is not in your list of known code, or was
        changed since; for the experiment.toml of a run.
    """


@command("listing")
def list_(
    what: Literal["solvers", "diagnostics", "experiments", "runs"] | None = None,
    folder: Path | None = None,
):
    """List solvers, diagnostics and experiments, or the runs in a folder.

    Parameters
    ----------
    what
        What to list; default: everything except the runs.
    folder
        The folder that holds the runs; default: data/runs.
    """


@command("reading")
def report(
    folder: Path,
    *,
    output: Path | None = None,
    movie: Path | None = None,
    live: Flag = False,
    every: float | None = None,
):
    """Write the report of a run as one HTML page: verdict, figures, entropies with error bars,
    configuration and provenance; or that of a sweep, or of all runs below a folder.

    Parameters
    ----------
    folder
        A run folder, or its NetCDF file; the folder of a sweep; or any folder of runs.
    output
        The page; default: report.html in the folder.
    movie
        A movie to write beside the page: a .webp, or a .mp4 with the extra physent[mp4].
    live
        Update the page while the run is going, until it ends; the page reloads itself.
    every
        Minimum number of seconds between two updates of a live report; default: 5.
    """


@command("reading")
def compare(
    a: Path,
    b: Path,
    *,
    of: Annotated[list[str] | None, Parameter(negative="")] = None,
    kind: str | None = None,
    measure: str | None = None,
    outcomes: str | None = None,
    set_: Annotated[list[str] | None, Parameter(name="--set", negative="")] = None,
    time: str | None = None,
    group: str | None = None,
    weights: str | None = None,
    skip_missing: Flag = False,
    output: Path | None = None,
):
    """Compare two runs: parameters, invariants, and entropies with autocorrelation-aware tests; or
    two files of any program, by the means of the series that both have, or of the entropies of
    the variables that --of names.

    Parameters
    ----------
    a
        The run folder of the first run, or its NetCDF file; or any file that diagnose reads.
    b
        The run folder of the second run, or its NetCDF file; or any file that diagnose reads.
    of
        Variable, or expression, whose entropy at each time is computed in both and compared;
        repeatable. This and the following are as in physent diagnose.
    kind
        The diagnostic; default: entropy.
    measure
        shannon, renyi, tsallis, ...
    outcomes
        density, spectrum, histogram, ...
    set_
        Set a parameter of the diagnostic; repeatable.
    time
        The dimension of time, or the column of a table.
    group
        The group of a file that has groups.
    weights
        How many equal cells each cell stands for: area, volume, a variable, or an expression.
    skip_missing
        Leave out cells that are masked or not finite.
    output
        An HTML page with figures to write in addition to the table.
    """


@command("verifying")
def verify(folder: Path, *, rows: str | None = None, trust: Flag = False):
    """Check whether a run is as it was written: every value, attribute and file against the digests
    that were written with it. Exit code 1 where something differs.

    Parameters
    ----------
    folder
        The run folder.
    rows
        Rows to compute again from the beginning of the run and compare bit for bit, as 100:120.
        This runs the solver that the experiment names; without it nothing of the run is executed.
    trust
        Run the code that the folder names though you have not run it before.
    """


@command("running")
def score(
    folder: Path,
    *,
    set_: Set = None,
    from_: Annotated[Path | None, Parameter(name="--from")] = None,
    overwrite: Flag = False,
    trust: Flag = False,
    quiet: Flag = False,
):
    """Learn the score of a stochastic run: local and total entropy production and currents, with
    error bars.

    The same command continues interrupted training, bit for bit.

    Parameters
    ----------
    folder
        The run folder; the [score] table of its experiment sets the training. score.eqx and
        score.nc are written into it.
    from_
        A trained score, or its run folder: evaluate it on this run without training.
    overwrite
        Replace a score that is already there.
    trust
        Run code of the folder that is not in your list of known code, or was changed since.
    quiet
        Print nothing but errors and the verdict.
    """


@command("describing")
def new(kind: str):
    """Print an experiment file for a solver, with every key explained and at its default.

    Parameters
    ----------
    kind
        A registered solver, or "path.py:Class".
    """


@command("describing")
def schema():
    """Print the JSON schema of experiment files, for editors."""


@command("describing")
def doctor():
    """Check versions, devices, precision, threads, locking and disk, and suggest fixes."""


@command("running")
def demo(
    *,
    output: Path | None = None,
    overwrite: Flag = False,
    quiet: Flag = False,
):
    """Run a small example of every system and write one page that shows them all; takes less than a
    minute.

    Parameters
    ----------
    output
        The folder of the runs and of the page; default: data/runs/demo.
    overwrite
        Replace a demo that is already there.
    quiet
        Print nothing but errors.
    """


@app.command
def completion(shell: Literal["bash", "zsh", "fish"]) -> int:
    """Print the shell script that completes commands and options.

    - bash: `physent completion bash > ~/.local/share/bash-completion/completions/physent`
    - zsh: `physent completion zsh > FOLDER/_physent`, where FOLDER is in `$fpath`
    - fish: `physent completion fish > ~/.config/fish/completions/physent.fish`

    Parameters
    ----------
    shell
        The shell.
    """
    say(app.generate_completion(prog_name="physent", shell=shell))
    return 0


def main() -> None:
    """The console script. Exit codes: 0 done, 2 bad input, 1 failed run, 128 + n for signal n."""
    from physent.app.stopping import ending_in_time, leave

    streams = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = Lasting(sys.stdout), Lasting(sys.stderr)
    try:
        with ending_in_time():
            code = _exit_code(sys.argv[1:])
        sys.stdout.flush()
    except OSError as error:  # such as a disk that is full where the output goes
        place = f"{error.filename}: " if error.filename else ""
        say(f"physent: {place}{error.strerror or error}", wrong=True)
        code = 1
        try:
            sys.stdout.flush()
        # what cannot be written stays in the buffer, and the interpreter would try again at its end
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), streams[0].fileno())
    finally:
        sys.stdout, sys.stderr = streams
    if (code or 0) > 128:
        leave(code)
    sys.exit(code)


def _exit_code(arguments: list[str]) -> int:
    try:
        return app(arguments, exit_on_error=False, print_error=False)
    except cyclopts.CycloptsError as error:
        say(f"physent: {error}", wrong=True)
        named = " ".join(["physent", *(error.command_chain or ())])
        say(f"Try '{named} --help'.", wrong=True)
        return 2
    except KeyboardInterrupt as interrupt:
        say("interrupted", wrong=True)
        return 128 + getattr(interrupt, "signal", 2)
