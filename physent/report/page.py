"""The page: one self-contained HTML file without scripts or external links."""

import datetime
import functools
import shlex
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import xarray as xr

from physent.errors import path_of, shortened
from physent.experiment.recorded import experiment_of
from physent.io.folder import EXPERIMENT, LOG
from physent.protocol.parameters import check_instance
from physent.report import checks, configuration, learned, statistics, style
from physent.report.files import check_target, opened, place_of, readable, save, target_of
from physent.report.movie import check_movie, movie, write_movie
from physent.report.pictures import Picture, pictures

MARKS = {"good": "✓", "fair": "!", "bad": "✗", "note": "i"}
HEADLINES = {
    "good": "No problems found in this run",
    "fair": "Check the lines marked ! before using this run",
    "bad": "Do not use this run before resolving the lines marked ✗",
    "note": "There is too little information to judge this run",
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
    `output`, and return its path.

    With `movie` the movie is written too, as a file of its own: .webp, or .mp4 with the extra
    physent[mp4].

    Raises `physent.errors.FolderError` where there is no run, it cannot be read, or the page cannot
    be written; nothing is left behind.
    """
    folder = path_of("folder", folder)
    target = target_of(folder, output)
    check_target(target)
    if movie is not None:
        check_movie(movie := path_of("movie", movie))
    with opened(folder) as dataset, readable(folder):
        text = page(dataset, place_of(folder))
        if movie is not None:
            write_movie(dataset, movie)
    return save(target, text)


def page(dataset: xr.Dataset, folder: Path | None = None, refresh: int | None = None) -> str:
    """The report of a dataset as HTML; `folder`, if it has one, adds its log and information from
    its checkpoint.

    With `refresh` a browser loads the page again after that number of seconds.
    """
    check_instance(dataset, xr.Dataset, "dataset", "; physent.open_run(path) opens that of a run")
    experiment = experiment_of(dataset.attrs)
    found = checks.checks(dataset, folder)
    learnt = learned.learned_of(folder)
    if learnt is not None:
        found.append(learnt.check)
    state = checks.overall(found)
    groups = drawn(pictures(dataset), GROUPS)
    kind = experiment.get("solver", {}).get("kind")
    sizes = ", ".join(f"{dim} {size}" for dim, size in dataset.sizes.items())
    return template("run.html").render(
        title=shortened(str(dataset.attrs.get("title", folder.name if folder else "a run"))),
        description=str(dataset.attrs.get("comment", "")),
        subtitle=f"{kind}; {sizes}" if kind else sizes,
        state=state,
        headline=HEADLINES[state],
        checks=found,
        marks=MARKS,
        movie=movie(dataset),
        rows=side_by_side(groups),
        learned=learnt,
        learned_pictures=[] if learnt is None else drawn(learnt.pictures, ("learned score",)),
        averages=statistics.averages(dataset),
        members=statistics.members(dataset),
        enough=statistics.ENOUGH,
        configuration=configuration.settings(experiment) if experiment else {},
        provenance=_provenance(dataset),
        command=command(folder),
        toml=str(dataset.attrs.get("experiment", "")),
        summary=summary(dataset),
        log=_log(folder),
        made=made(),
        refresh=refresh,
    )


def drawn(found: Iterable[Picture], order: tuple[str, ...]) -> list[dict[str, Any]]:
    """Pictures as SVG, grouped in sections."""
    sections: dict[str, list[dict[str, Any]]] = {name: [] for name in order}
    for entry in entries(found):
        sections.setdefault(entry["group"], []).append(entry)
    return [{"name": name, "pictures": shown} for name, shown in sections.items() if shown]


def side_by_side(groups: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """The sections in rows: those of one picture stand beside each other, up to three."""
    rows: list[list[dict[str, Any]]] = []
    for group in groups:
        single = len(group["pictures"]) == 1
        if single and rows and len(rows[-1]) < 3 and len(rows[-1][0]["pictures"]) == 1:
            rows[-1].append(group)
        else:
            rows.append([group])
    return rows


def entries(found: Iterable[Picture], prefix: str = "") -> Iterator[dict[str, Any]]:
    """Figures as SVG, with a common id prefix; each figure is freed before the next is made."""
    from markupsafe import Markup

    for i, picture in enumerate(found):
        yield {
            "title": picture.title,
            "caption": picture.caption,
            "group": picture.group,
            "svg": Markup(style.svg(picture.figure, f"{prefix}p{i}-")),
        }


@functools.cache
def template(name: str) -> Any:
    """A template of the package; everything not marked safe is escaped."""
    import jinja2

    return jinja2.Environment(
        loader=jinja2.PackageLoader("physent.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    ).get_template(name)


def made() -> str:
    """The version and the time of writing, for the footer of a page."""
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    return f"Written by physent {version('physent')} at {now}."


def command(folder: Path | None) -> str:
    """The command line that repeats a run; empty if the folder has no experiment."""
    if folder is None or not (folder / EXPERIMENT).is_file():
        return ""
    path = folder.resolve()
    return shlex.join(["physent", "run", str(path / EXPERIMENT), "--output", f"{path}_again"])


def summary(dataset: xr.Dataset) -> str:
    """xarray's own summary, with long attributes shortened."""
    short = {key: str(value).replace("\n", " ") for key, value in dataset.attrs.items()}
    cut = {key: s if len(s) <= 120 else f"{s[:100]} ..." for key, s in short.items()}
    with xr.set_options(display_width=96, display_max_rows=60):
        return repr(dataset.assign_attrs(cut))


def _provenance(dataset: xr.Dataset) -> dict[str, str]:
    there = {name: dataset.attrs[name] for name in PROVENANCE if name in dataset.attrs}
    return {
        name.replace("_", " "): f"{value:.4g} s" if isinstance(value, float) else str(value)
        for name, value in there.items()
    }


def _log(folder: Path | None) -> str:
    if folder is None:
        return ""
    try:
        text = (folder / LOG).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-LOG_LINES:])
