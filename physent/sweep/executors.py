"""Running the points of a sweep on an executor, one folder per point.

A point that is done is not run again, one that was cut off goes on from its checkpoint, so a sweep
that was killed is started again by the same command. A worker that dies takes nothing with it but
the chunk in flight.
"""

import concurrent.futures
import contextlib
import importlib.util
import json
import multiprocessing
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax

from physent.data.invariants import not_kept
from physent.engine.interrupts import Interrupts
from physent.errors import FolderError, OptionError, nearest, path_of
from physent.experiment.building import build
from physent.experiment.parsing import parse_text, precision_of
from physent.experiment.recorded import read
from physent.io.fingerprint import decisive
from physent.io.folder import EXPERIMENT, RUN, check_free
from physent.io.overwriting import REPORT, SUMMARY, check_nothing, is_page
from physent.io.replacing import LEFT, writing
from physent.io.sources import sources_in
from physent.protocol import hdf5
from physent.protocol.moved import renamed_keyword
from physent.protocol.sources import Recorded, of_folder, recorded
from physent.runs import execute, resume
from physent.sweep.points import Point
from physent.sweep.workers import one_thread, prepare, stopping

ATTEMPTS = 3  # of a point whose worker died
MANIFEST = "sweep.json"


@dataclass(frozen=True)
class Result:
    """How a point ended: `status` is done, failed or interrupted; `again` means that it was already
    done.
    """

    point: Point
    folder: Path
    status: str
    message: str = ""
    seconds: float = 0.0
    again: bool = False


@renamed_keyword(report="tell")
def sweep(
    texts: Sequence[str],
    points: Sequence[Point],
    folder: str | Path,
    *,
    executor: str = "process",
    workers: int | None = None,
    tell: Callable[[Result], None] = lambda result: None,
) -> list[Result]:
    """Run every point, given as a resolved experiment in TOML, into `folder`/`point.name`.

    `executor` is "process" (spawned workers with one thread each), "dask" (a local cluster) or
    "dask:ADDRESS". `tell` is called as each point ends. Raises FolderError where the folder holds
    another sweep.
    """
    folder = path_of("folder", folder)
    check_executor(executor, workers)
    _claim(folder, texts, points)
    results: dict[int, Result] = {}

    def ended(result: Result) -> None:
        results[result.point.index] = result
        tell(result)

    waiting: list[tuple[Point, str]] = []
    for point, text in zip(points, texts, strict=True):
        if status_of(folder / point.name) == "done":
            _check_point(folder / point.name, text)
            ended(Result(point, folder / point.name, "done", again=True))
        else:
            waiting.append((point, text))
    count = workers or min(os.cpu_count() or 1, max(1, len(waiting)))
    left = _run_all(waiting, folder, executor, count, ended, last=False) if waiting else []
    for one in left:  # alone, so that a point that kills its worker takes no other with it
        for attempt in range(1, ATTEMPTS):
            if not _run_all([one], folder, executor, 1, ended, last=attempt == ATTEMPTS - 1):
                break
    return [results[point.index] for point in points]


def check_executor(executor: str, workers: int | None) -> None:
    """Raise OptionError if the points cannot be run at all."""
    if executor not in ("process", "dask") and not executor.startswith("dask:"):
        hint = nearest(executor, ["process", "dask"])
        raise OptionError(
            f"unknown executor {executor!r}{hint} (allowed: process, dask, dask:ADDRESS)"
        )
    if executor != "process" and importlib.util.find_spec("distributed") is None:
        raise OptionError("the dask executor needs the extra physent[dask], which is not installed")
    if workers is not None and workers < 1:
        raise OptionError(f"given {workers} workers, allowed: 1 or more")


def _run_all(
    waiting: list[tuple[Point, str]],
    folder: Path,
    executor: str,
    workers: int,
    ended: Callable,
    last: bool,
) -> list[tuple[Point, str]]:
    """Run the waiting points; returns those left if the pool breaks, or none."""
    left = dict(enumerate(waiting))
    with _executor(executor, workers) as pool, stopping():
        root = folder.resolve()  # a worker on another machine stands elsewhere
        futures = {
            pool.submit(run_point, text, str(root / point.name), of_folder()): place
            for place, (point, text) in left.items()
        }
        try:
            for future in concurrent.futures.as_completed(futures):
                place = futures[future]
                outcome: dict[str, Any]
                try:
                    outcome = future.result()
                except BrokenProcessPool:
                    if not last:
                        continue
                    outcome = {"status": "failed", "message": "its worker died, more than once"}
                except Exception as error:  # of the worker itself, such as dask's KilledWorker
                    outcome = {"status": "failed", "message": repr(error)}
                point, _ = left.pop(place)
                ended(Result(point, folder / point.name, **outcome))
        except BaseException:
            for future in futures:
                future.cancel()
            raise
    return list(left.values())


@contextlib.contextmanager
def _executor(kind: str, workers: int) -> Iterator[Any]:
    name, _, address = kind.partition(":")
    if name == "process":
        context = multiprocessing.get_context("spawn")
        with concurrent.futures.ProcessPoolExecutor(workers, context, initializer=prepare) as pool:
            yield pool
    else:
        from distributed import Client, LocalCluster

        with contextlib.ExitStack() as stack:
            if address:
                try:
                    client = stack.enter_context(Client(address, timeout=10))
                except (OSError, ValueError) as error:
                    raise OptionError(f"no dask scheduler answers at {address}: {error}") from None
            else:
                # ":0" is any free port: an address of None is not in the signature
                cluster = stack.enter_context(
                    LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=":0")
                )
                client = stack.enter_context(Client(cluster))
            client.register_worker_callbacks(setup=one_thread)  # of those that come later, too
            yield client.get_executor(pure=False, retries=ATTEMPTS - 1)


def run_point(text: str, folder: str, named: Recorded | None = None) -> dict[str, Any]:
    """Run or continue one point to its end, in a worker; `named` is the run folder that names its
    code, where it is not the user who does. Never raises for errors of the point itself.
    """
    data, problems = parse_text(text, folder)
    started, path = time.perf_counter(), Path(folder)
    context = contextlib.nullcontext() if named is None else recorded(named)
    try:
        with context, jax.enable_x64(precision_of(data) == "float64"), Interrupts() as interrupts:
            if (path / EXPERIMENT).is_file():
                _check_point(path, text)
                # so its code is that of the sweep, which the user has named
                finished = resume(path, trust=True, stop=interrupts.requested)
            else:
                experiment = build(data, problems, path.name)
                finished = execute(experiment, path, stop=interrupts.requested)
        outcome = finished.outcome
        status, message = outcome.reason, outcome.message or not_kept(finished.drifts)
    except Exception as error:  # a user's solver may raise anything, and the other points go on
        status, message = "failed", str(error) or repr(error)
    return {"status": status, "message": message, "seconds": time.perf_counter() - started}


def _check_point(path: Path, text: str) -> None:
    """Raise FolderError where the folder of a point holds another experiment than the point's, but
    for its end and its devices.
    """

    def physics(text: str) -> dict[str, Any]:
        return decisive(read(text))

    try:
        same = physics((path / EXPERIMENT).read_text(encoding="utf-8")) == physics(text)
    except (OSError, ValueError):
        same = False
    if not same:
        raise FolderError(f"{path / EXPERIMENT} is not that of this point: move {path} away")


def status_of(folder: Path) -> str:
    """The status recorded in the file of a run; "absent" if there is none, "damaged" if it cannot
    be read.
    """
    if not (folder / RUN).is_file():
        return "absent"
    try:
        with hdf5.opened(folder / RUN) as file:
            return str(getattr(file, "status", "damaged"))
    except OSError:
        return "damaged"


def _claim(folder: Path, texts: Sequence[str], points: Sequence[Point]) -> None:
    """Claim the folder for this sweep, or check that it belongs to it."""
    claim = {
        "points": [point.settings for point in points],
        "experiments": list(texts),
        "sources": {
            place: source.digest
            for place, source in sources_in([read(text) for text in texts]).items()
        },
    }

    def as_now(claim: Any) -> list[Any]:
        """A claim as data with current kind names; empty if it is not a claim."""
        try:
            return [
                claim["points"],
                [read(text) for text in claim["experiments"]],
            ]
        except (TypeError, ValueError):
            return []

    there, here = _claim_of(folder), json.loads(json.dumps(claim))
    if there is not None:
        noted: Any = there.get("sources", {})
        for place, digest in here["sources"].items():
            if isinstance(noted, dict) and noted.get(place, digest) != digest:
                raise FolderError(
                    f"{place} was changed since {folder} began: put it back, choose another "
                    "--output, or --overwrite it"
                )
        if there != here and as_now(there) != as_now(here):
            raise FolderError(
                f"{folder} holds another sweep: choose another --output, or --overwrite it"
            )
        return
    if folder.exists() and any(folder.iterdir()):
        raise FolderError(f"{folder} exists and is not a sweep: choose another --output")
    with writing(folder) as beside:
        beside.mkdir(parents=True)
        (beside / MANIFEST).write_text(json.dumps(claim, indent=1), encoding="utf-8")


def _claim_of(folder: Path) -> dict[str, list[Any]] | None:
    """The points and experiments of the sweep in a folder; None where there is none."""
    try:
        claim = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        points, experiments = claim["points"], claim["experiments"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    whole = isinstance(points, list) and isinstance(experiments, list)
    return claim if whole and all(isinstance(point, dict) for point in points) else None


def remove(folder: Path) -> None:
    """Delete a sweep. Raises FolderError for any other folder, and for one with anything else in
    it or in its runs, or with a run that is going on.
    """
    if not folder.exists():
        return
    claim = _claim_of(folder)
    if claim is None:
        raise FolderError(f"{folder} is not a sweep; it is not overwritten")
    names = [Point(index, settings).name for index, settings in enumerate(claim["points"])]
    own = re.compile("|".join([rf"{re.escape(name)}(\.damaged\d*)?" for name in names] + [LEFT]))
    there = [
        path
        for path in sorted(folder.iterdir())
        if path.name not in (MANIFEST, SUMMARY) and not (path.name == REPORT and is_page(path))
    ]
    check_nothing(folder, [path.name for path in there if not own.fullmatch(path.name)])
    for path in there:
        if not re.fullmatch(LEFT, path.name):
            check_free(path, overwrite=True)
    shutil.rmtree(folder)
