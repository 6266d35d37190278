"""The page: one self-contained HTML file without scripts and without an address outside itself."""

import contextlib
import datetime
import functools
import os
import shlex
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import xarray as xr

from physent.errors import FolderError
from physent.experiment.recorded import experiment_of
from physent.io.folder import EXPERIMENT, LOG, open_run
from physent.report import style
from physent.report.checks import checks, overall
from physent.report.configuration import settings
from physent.report.learned import learned_of
from physent.report.movie import check_movie, write_movie
from physent.report.movie import movie as movie_of
from physent.report.pictures import Picture, pictures
from physent.report.statistics import ENOUGH, averages

REPORT = "report.html"
MARK = b'<meta name="generator" content="physent report">'
MARKS = {"good": "✓", "fair": "!", "bad": "✗", "note": "i"}
HEADLINES = {
    "good": "Nothing speaks against this run",
    "fair": "Look at the lines marked ! before you use this run",
    "bad": "Do not use this run before you know why the lines marked ✗ are so",
    "note": "There is little here to judge by",
}
GROUPS = ("particles", "fields", "spectra", "entropies", "phase portraits", "series", "invariants")
PROVENANCE = (
    "source",
    "versions",
    "device",
    "precision",
    "seed",
    "history",
    "wall_time",
    "wall_time_solver",
    "wall_time_diagnostics",
    "wall_time_compilation",
)
LOG_LINES = 30


def write(
    folder: str | Path, output: str | Path | None = None, movie: str | Path | None = None
) -> Path:
    """Write the report of a run folder, or of its NetCDF file, to `report.html` in it or to
    `output`; its path.

    With `movie` the movie is written too, as a file of its own: .webp, or .mp4 with the extra
    physent[mp4].

    Raises `physent.errors.FolderError` where there is no run, it cannot be read, or the page cannot
    be written; nothing is left behind.
    """
    folder = Path(folder)
    target = target_of(folder, output)
    check_target(target)
    if movie is not None:
        check_movie(Path(movie))
    with opened(folder) as dataset:
        try:
            text = page(dataset, place_of(folder))
            if movie is not None:
                write_movie(dataset, Path(movie))
        except (OSError, RuntimeError) as error:  # what netCDF4 raises for a damaged file
            raise FolderError(f"{folder}: cannot be read: {error}") from None
    return save(target, text)


def place_of(path: Path) -> Path:
    """The folder of a run that is given by its folder or by its file."""
    return path if path.is_dir() else path.parent


def target_of(folder: Path, output: str | Path | None) -> Path:
    """Where the page of a run goes."""
    return place_of(folder) / REPORT if output is None else Path(output)


def opened(path: Path) -> xr.Dataset:
    """The run at a path. Raises FolderError with one sentence for whatever keeps it from being
    read.
    """
    try:
        return open_run(path)
    except (OSError, ValueError, RuntimeError) as error:
        reason = (
            getattr(error, "strerror", None)
            or "not a NetCDF file, or another program is writing it"
        )
        raise FolderError(f"{path}: cannot be read: {reason}") from None


def check_target(target: Path) -> None:
    """Raises FolderError where the page cannot be put, or something stands there that is not a
    report.
    """
    if target.is_dir():
        raise FolderError(f"{target} is a folder: name a file, as in --output {target / REPORT}")
    if not target.parent.is_dir():
        raise FolderError(f"{target}: cannot be written: there is no folder {target.parent}")
    if not target.exists():
        return
    try:
        with open(target, "rb") as file:
            ours = MARK in file.read(4096)
    except OSError as error:
        raise FolderError(f"{target}: cannot be written: {error.strerror}") from None
    if not ours:
        raise FolderError(f"{target} exists and is not a report: choose another --output")


def save(target: Path, text: str) -> Path:
    """Write a page beside its place and rename it, so that nobody sees half of one."""
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8")
        os.replace(beside, target)
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise FolderError(f"{target}: cannot be written: {error.strerror or error}") from None
    return target


def page(dataset: xr.Dataset, folder: Path | None = None, refresh: int | None = None) -> str:
    """The report of a dataset as HTML; `folder`, where it has one, adds its log and what its
    checkpoint says.

    With `refresh` a browser loads the page again after so many seconds.
    """
    experiment = experiment_of(dataset.attrs)
    found = checks(dataset, folder)
    learnt = learned_of(folder)
    if learnt is not None:
        found.append(learnt.check)
    state = overall(found)
    film = movie_of(dataset)
    groups = drawn(pictures(dataset), GROUPS)
    names = [group["name"] for group in groups]
    return template("run.html").render(
        title=str(dataset.attrs.get("title", folder.name if folder else "a run")),
        description=str(dataset.attrs.get("comment", "")),
        subtitle=_subtitle(dataset, experiment),
        state=state,
        headline=HEADLINES[state],
        checks=found,
        marks=MARKS,
        movie=film,
        groups=groups,
        learned=learnt,
        learned_pictures=[] if learnt is None else drawn(learnt.pictures, ("learned score",)),
        averages=averages(dataset),
        averages_after="entropies" if "entropies" in names else "",
        enough=ENOUGH,
        configuration=settings(experiment) if experiment else {},
        provenance=_provenance(dataset),
        command=command(folder),
        toml=str(dataset.attrs.get("experiment", "")),
        summary=summary(dataset),
        log=_log(folder),
        made=made(),
        refresh=refresh,
    )


def drawn(found: Iterable[Picture], order: tuple[str, ...]) -> list[dict[str, Any]]:
    """Pictures as SVG in their sections."""
    sections: dict[str, list[dict[str, Any]]] = {}
    for entry in entries(found):
        sections.setdefault(entry["group"], []).append(entry)
    ordered = sorted(sections, key=lambda name: order.index(name) if name in order else len(order))
    return [{"name": name, "pictures": sections[name]} for name in ordered]


def entries(found: Iterable[Picture], prefix: str = "") -> Iterator[dict[str, Any]]:
    """Pictures as SVG, with ids that begin alike; each figure is let go before the next one is
    made.
    """
    from markupsafe import Markup

    for i, picture in enumerate(found):
        svg = Markup(style.svg(picture.figure, f"{prefix}p{i}-"))
        yield {
            "title": picture.title,
            "caption": picture.caption,
            "group": picture.group,
            "svg": svg,
        }


@functools.cache
def template(name: str) -> Any:
    """A template of the package; everything is escaped that is not marked safe."""
    import jinja2

    return jinja2.Environment(
        loader=jinja2.PackageLoader("physent.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    ).get_template(name)


def made() -> str:
    """By what and when a page was written."""
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    return f"Written by physent {version('physent')} at {now}."


def command(folder: Path | None) -> str:
    """The command line that repeats the run of a folder."""
    if folder is None or not (folder / EXPERIMENT).is_file():
        return ""
    path = folder.resolve()
    return shlex.join(["physent", "run", str(path / EXPERIMENT), "--output", f"{path}_again"])


def summary(dataset: xr.Dataset) -> str:
    """xarray's own summary, the long attributes cut."""
    short = {
        key: text if len(text := str(value)) <= 120 else f"{text[:100]} ..."
        for key, value in dataset.attrs.items()
    }
    short = {key: value.replace("\n", " ") for key, value in short.items()}
    with xr.set_options(display_width=96, display_max_rows=60):
        return repr(dataset.assign_attrs(short))


def _subtitle(dataset: xr.Dataset, experiment: dict[str, Any]) -> str:
    sizes = ", ".join(f"{dim} {size}" for dim, size in dataset.sizes.items())
    kind = experiment.get("solver", {}).get("kind")
    return f"{kind}; {sizes}" if kind else sizes


def _provenance(dataset: xr.Dataset) -> dict[str, str]:
    def words(name: str, value: Any) -> str:
        return f"{float(value):.4g} s" if name.startswith("wall_time") else str(value)

    return {
        name.replace("_", " "): words(name, dataset.attrs[name])
        for name in PROVENANCE
        if name in dataset.attrs
    }


def _log(folder: Path | None) -> str:
    if folder is None or not (folder / LOG).is_file():
        return ""
    try:
        lines = (folder / LOG).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return "\n".join(lines[-LOG_LINES:])
