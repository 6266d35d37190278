"""A first look: a small run of every system, and one page that shows the results of them."""

import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import jax

from physent.errors import FolderError
from physent.experiment.building import build
from physent.experiment.parsing import parse, precision_of
from physent.io.folder import check_free as check_run, open_run
from physent.io.overwriting import is_page
from physent.report.checks import checks, overall
from physent.report.movie import movie
from physent.report.page import HEADLINES, MARKS, entries, made, save, template
from physent.report.pictures import has_swarm, showpieces
from physent.report.statistics import averages
from physent.runs import execute

PAGE, FRAMES, AT_ONCE = "demo.html", 48, 2


@dataclass(frozen=True)
class Shown:
    """One system of the demo, as shown on the page."""

    folder: Path
    seconds: float
    part: dict[str, Any]


def experiments() -> list[Path]:
    """The experiments of the demo."""
    return sorted(Path(str(resources.files("physent.experiments"))).glob("demo/*.toml"))


def demo(
    folder: Path,
    overwrite: bool = False,
    tell: Callable[[str, float], None] = lambda name, seconds: None,
    stop: Callable[[], bool] = lambda: False,
) -> Path:
    """Run every system below `folder`, write the page, and return its path. `tell` is called with
    each name and the seconds it took.

    Raises FolderError for a folder that is taken and not to be overwritten, or is not a demo.
    """
    check_free(folder, overwrite)
    if folder.exists():
        shutil.rmtree(folder)
    parts = []
    for shown in _each(folder, stop):
        parts.append(shown.part)
        tell(str(shown.part["name"]), shown.seconds)
    text = template("demo.html").render(
        title="physent: a first look", sections=parts, marks=MARKS, made=made(), refresh=None
    )
    return save(folder / PAGE, text)


def check_free(folder: Path, overwrite: bool) -> None:
    """Raise FolderError if a demo cannot be written to `folder`."""
    if not folder.exists():
        return
    if not overwrite:
        raise FolderError(f"{folder} exists: choose another --output, or --overwrite it")
    known = {PAGE, *(path.stem for path in experiments())}
    there = list(folder.iterdir()) if folder.is_dir() else [folder]
    strange = [path.name for path in there if path.name not in known]
    strange += [PAGE for path in there if path.name == PAGE and not is_page(path)]
    if strange:
        raise FolderError(f"{folder} is not a demo (there is {strange[0]}); it is not overwritten")
    for path in there:
        if path.name != PAGE:
            check_run(path, overwrite=True)


def _each(folder: Path, stop: Callable[[], bool]) -> Iterator[Shown]:
    """The systems in their order. Compiling takes most of the time, and one core: two run at once,
    and the pictures of one are drawn while the next run.
    """

    def ran(path: Path) -> tuple[Path, float]:
        started = time.perf_counter()
        data, problems = parse(path)
        with jax.enable_x64(precision_of(data) == "float64"):
            experiment = build(data, problems, path.stem, path.parent)
            if not stop():
                execute(experiment, folder / experiment.name, stop=stop)
        return folder / experiment.name, time.perf_counter() - started

    with ThreadPoolExecutor(AT_ONCE) as pool:
        running = [(path, pool.submit(ran, path)) for path in experiments()]
        try:
            for path, each in running:
                place, seconds = each.result()
                if stop():
                    return
                part = _part(place) | {"toml": path.read_text(encoding="utf-8")}
                yield Shown(place, seconds, part)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _part(folder: Path) -> dict[str, Any]:
    with open_run(folder) as dataset:
        found = checks(dataset, folder)
        # of fields, pictures show the time too
        film = movie(dataset, FRAMES) if has_swarm(dataset) else None
        state = overall(found)
        return {
            "name": str(dataset.attrs["title"]),
            "description": str(dataset.attrs["comment"]),
            "command": f"physent run {folder / 'experiment.toml'} --output my_{folder.name}",
            "checks": found,
            "state": state,
            "headline": HEADLINES[state],
            "movie": film,
            "pictures": list(entries(showpieces(dataset), f"{folder.name}-")),
            "averages": averages(dataset),
        }
