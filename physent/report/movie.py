"""An animated WebP of a run: particles, else the most informative field, as a map in two dimensions
and a line in one.
"""

import base64
import contextlib
import importlib.util
import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from physent.errors import FolderError, OptionError
from physent.io.replacing import writing
from physent.report import particles, style
from physent.report.fields import shape
from physent.report.files import check_parent
from physent.report.pictures import order_of
from physent.report.sorts import COLUMNS, Sort, chosen, numbers, plain, points, sorts_of

FRAMES, SECONDS, DPI = 60, 6.0, 96  # of the movie in a page
FILE_FRAMES, RATE, FILE_DPI = 300, 25, 160  # of one in a file
SUFFIXES = (".webp", ".mp4")
SIZE = 4.6  # inches


@dataclass(frozen=True)
class Movie:
    """An animated WebP and its last frame as data: URLs, with a caption and the size in pixels."""

    animation: str
    still: str
    caption: str
    size: tuple[int, int]


@dataclass(frozen=True)
class Film:
    """The frames of a movie, each an image (rows, columns, 3), with a caption."""

    frames: list[np.ndarray]
    caption: str


def movie(dataset: xr.Dataset, most: int = FRAMES) -> Movie | None:
    """The movie of a run; None if neither fields nor particles have at least four rows."""
    film = filmed(dataset, most)
    if film is None:
        return None
    height, width, _ = film.frames[0].shape
    animation, still = (
        f"data:image/webp;base64,{base64.b64encode(data).decode()}"
        for data in (_webp(film.frames, SECONDS), _webp(film.frames[-1:], 0))
    )
    return Movie(animation, still, film.caption, (width, height))


def filmed(dataset: xr.Dataset, most: int = FRAMES, dpi: float = DPI) -> Film | None:
    """At most `most` frames of the particles of a run, else of a field; None without either."""
    dataset = plain(dataset)
    sorts = sorts_of(dataset)
    fields = [name for name in order_of(dataset, sorts) if sorts[name].kind in ("map", "profile")]
    for name in chosen(sorts, "particles", "position") + fields:
        found = sorts[name]
        if dataset.sizes[found.time] >= 4 and (
            found.kind != "profile" or dataset[name].sizes[found.dims[0]] >= 8
        ):
            with style.styled():
                return _filmed(dataset, name, found, most, dpi)
    return None


def _filmed(dataset: xr.Dataset, name: str, found: Sort, most: int, dpi: float) -> Film:
    index = np.unique(np.linspace(0, dataset.sizes[found.time] - 1, most).round().astype(int))
    stage = {"particles": _swarm, "map": _map, "profile": _line}[found.kind]
    fig, draw, words = stage(dataset, name, found, index.tolist())
    axes, shots, scenery = fig.axes[0], [], None
    for i, now in enumerate(points(dataset[name], found.time)[index]):
        title = axes.set_title(f"t = {now:.4g}", loc="left")
        moving = [*draw(i), title]
        # the layout is found once, and frames do not tremble
        scenery = scenery or style.Scenery(fig, moving, dpi)
        shots.append(scenery.with_(moving))
    member = "; the first member" if found.members > 1 else ""
    return Film(shots, f"{words}, {len(shots)} frames{member}")


def _webp(frames: list[np.ndarray], seconds: float) -> bytes:
    from PIL import Image

    images = [Image.fromarray(frame) for frame in frames]
    buffer, timing = io.BytesIO(), {}
    if seconds:
        duration = round(1000 * seconds / len(frames))
        timing = {"save_all": True, "append_images": images[1:], "duration": duration, "loop": 0}
    images[0].save(buffer, "WEBP", quality=55, method=2, **timing)
    return buffer.getvalue()


def write_movie(dataset: xr.Dataset, target: Path) -> None:
    """Write the movie of a run to a .webp or .mp4 file, longer and larger than in the page.

    Raises OptionError for another suffix, and FolderError where there is nothing to film or the
    file cannot be written.
    """
    check_movie(target)
    film = filmed(dataset, FILE_FRAMES, FILE_DPI)
    if film is None:
        raise FolderError(
            f"{target}: nothing to film: a movie needs four rows of a field or of particles"
        )
    with writing(target) as beside:
        if target.suffix == ".mp4":
            _mp4(film.frames, beside)
        else:
            beside.write_bytes(_webp(film.frames, len(film.frames) / RATE))


def check_movie(target: Path) -> None:
    """Raise OptionError for an unsupported suffix, FolderError for a missing folder."""
    if target.suffix not in SUFFIXES:
        raise OptionError(
            f"{target}: given a movie that ends in {target.suffix!r}, allowed: "
            f"{', '.join(SUFFIXES)}"
        )
    if target.suffix == ".mp4" and importlib.util.find_spec("imageio_ffmpeg") is None:
        raise OptionError(
            "an mp4 needs the extra physent[mp4], which is not installed; a .webp does not"
        )
    check_parent(target)
    with contextlib.suppress(FileNotFoundError), open(target, "rb") as file:
        begins = file.read(12)
        if begins[8:] != b"WEBP" and begins[4:8] != b"ftyp":
            raise FolderError(f"{target} exists and is not a movie: choose another --movie")


def _mp4(frames: list[np.ndarray], target: Path) -> None:
    """H.264 in yuv420p, which every player supports; it needs an even width and height."""
    import imageio_ffmpeg

    height, width, _ = frames[0].shape
    padding = ((0, height % 2), (0, width % 2), (0, 0))
    size = width + width % 2, height + height % 2
    stream = imageio_ffmpeg.write_frames(str(target), size, fps=RATE, quality=7, macro_block_size=2)
    with (
        warnings.catch_warnings()
    ):  # JAX warns of every fork; ffmpeg is started in the next instant
        warnings.filterwarnings("ignore", message=r"os\.fork", category=RuntimeWarning)
        stream.send(None)
    for frame in frames:
        stream.send(np.ascontiguousarray(np.pad(frame, padding, constant_values=255)))
    stream.close()


Draw = Callable[[int], list[Any]]  # draws one of the frames, and returns what is in it
Stage = tuple[Figure, Draw, str]  # where frames are drawn, by what, and what they show


def _line(dataset: xr.Dataset, name: str, found: Sort, index: list[int]) -> Stage:
    values, label, (_, x) = numbers(dataset[name], found, index, COLUMNS)
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    margin = 0.06 * (high - low) or 0.5
    limits, ylabel = (low - margin, high + margin), style.labelled(label, dataset[name].attrs)
    fig, axes = style.figure(SIZE, 2.9, xlabel=found.dims[0], ylabel=ylabel, ylim=limits)
    (line,) = axes.plot(x, values[0], **style.line(0))

    def show(i: int) -> list[Any]:
        line.set_ydata(values[i])
        return [line]

    return fig, show, label


def _map(dataset: xr.Dataset, name: str, found: Sort, index: list[int]) -> Stage:
    across, up = found.dims
    flat = replace(found, dims=(up, across))
    values, label, (_, y, x) = numbers(dataset[name], flat, index, COLUMNS)
    ratio, alike = shape(dataset[name], x, y, across, up)
    height = float(np.clip(3.25 * ratio, 1.0, 4.2)) + 0.85
    look = {"width": SIZE, "height": height, "xlabel": across, "ylabel": up}
    colours, bar = style.colours_of(values, found.role), style.labelled(label, dataset[name].attrs)
    fig, axes, image = style.heatmap(x, y, values[0], colours, bar, **look)
    if alike:
        axes.set_aspect("equal")
    axes.set_title("t")  # room for the time

    def show(i: int) -> list[Any]:
        image.set_array(values[i])
        return [image, *axes.spines.values()]

    return fig, show, label


def _swarm(dataset: xr.Dataset, name: str, found: Sort, index: list[int]) -> Stage:
    places, vectors = particles.rows(dataset, name, found, index)
    period, words = particles.period(dataset, name, places.shape[-1]), name
    out = particles.about_centre(places, period)
    if _travels(places, out, period):
        places, words = out, f"{name} around the centre of the swarm"
    limits, attrs = particles.box(places), dataset[name].attrs
    fig, axes = style.figure(SIZE, SIZE)
    fig.set_layout_engine("none")
    if places.shape[-1] == 3:
        axes.remove()
        show = particles.deep(fig, limits, attrs)
        fig.axes[0].set_position((0.0, 0.02, 0.92, 0.92))
    else:
        axes.set_position((0.14, 0.11, 0.8, 0.8))

        axes.set(xlabel=style.labelled("x", attrs), ylabel=style.labelled("y", attrs))
        drawn: list[Any] = []

        def show(place: np.ndarray, vector: np.ndarray | None, /) -> list[Any]:
            while drawn:
                drawn.pop().remove()
            drawn.extend(particles.draw(axes, place, vector, limits))
            return drawn[:]

    return fig, lambda i: show(places[i], vectors[i]), words


def _travels(places: np.ndarray, out: np.ndarray, period: np.ndarray | None) -> bool:
    """Whether the swarm moves farther than its own size, or across an edge."""
    size = np.median(np.ptp(out, axis=1).max(axis=-1))
    path = np.ptp((places - out).mean(axis=1), axis=0).max()
    return bool(path > size and (period is None or 2 * size < np.max(period)))
