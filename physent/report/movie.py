"""An animated WebP of a run: particles, else the field that tells most, in two dimensions a map and in one a line."""

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import xarray as xr

from physent.report import particles, style
from physent.report.pictures import order_of
from physent.report.reading import COLUMNS, Sort, one_member, points, real, sort, thin

FRAMES, SECONDS, DPI = 60, 6.0, 96
SIZE = 4.6  # inches


@dataclass(frozen=True)
class Movie:
    """The bytes of an animated WebP and of its last frame, what it shows, and its size in pixels."""

    animation: bytes
    still: bytes
    caption: str
    size: tuple[int, int]


def movie(dataset: xr.Dataset) -> Movie | None:
    """A movie of a run with at least four rows of a field or of particles; None for others."""
    sorts = {str(name): found for name in dataset if (found := sort(dataset[name])) is not None}
    swarm = [name for name, found in sorts.items() if found.kind == "particles" and found.role == "position"]
    drawn = [name for name in order_of(dataset, sorts) if sorts[name].kind in ("map", "profile")]
    for name in swarm + drawn:
        found = sorts[name]
        if dataset.sizes[found.time] >= 4 and (found.kind != "profile" or dataset[name].sizes[found.dims[0]] >= 8):
            with style.styled():
                return _filmed(dataset, name, found)
    return None


def _filmed(dataset: xr.Dataset, name: str, found: Sort) -> Movie:
    index = np.unique(np.linspace(0, dataset.sizes[found.time] - 1, FRAMES).round().astype(int)).tolist()
    t = points(dataset[name], found.time)[index]
    stages = {"particles": _swarm, "map": _map, "profile": _line}
    draw, words = stages[found.kind](dataset, name, found, index)
    frames = [draw(i, f"t = {now:.4g}") for i, now in enumerate(t)]
    first, last = frames[0], frames[-1]
    member = "; the first member" if found.members > 1 else ""
    animation = _webp(frames, round(1000 * SECONDS / len(frames)))
    return Movie(
        animation, _webp([last], 0), f"{words}, {len(frames)} frames{member}", (first.shape[1], first.shape[0])
    )


def _webp(frames: list[np.ndarray], milliseconds: int) -> bytes:
    from PIL import Image

    images = [Image.fromarray(frame) for frame in frames]
    buffer = io.BytesIO()
    more = {"save_all": True, "append_images": images[1:], "duration": milliseconds, "loop": 0} if milliseconds else {}
    images[0].save(buffer, "WEBP", quality=55, method=2, **more)  # type: ignore[arg-type]
    return buffer.getvalue()


Draw = Callable[[int, str], np.ndarray]


def _line(dataset: xr.Dataset, name: str, found: Sort, index: list[int]) -> tuple[Draw, str]:
    (dim,) = found.dims
    rows = one_member(thin(dataset[name], dim, COLUMNS)).isel({found.time: index}).transpose(found.time, dim)
    values, label = real(rows)
    fig, axes = style.figure(SIZE, 2.9)
    (line,) = axes.plot(points(rows, dim), values[0], **style.line(0))
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    margin = 0.06 * (high - low) or 0.5
    axes.set(ylim=(low - margin, high + margin), xlabel=dim, ylabel=style.labelled(label, dataset[name].attrs))
    title = axes.set_title("t = 0")

    def draw(i: int, words: str) -> np.ndarray:
        line.set_ydata(values[i])
        title.set_text(words)
        return _painted(fig)

    return draw, label


def _map(dataset: xr.Dataset, name: str, found: Sort, index: list[int]) -> tuple[Draw, str]:
    across, up = found.dims
    rows = one_member(thin(thin(dataset[name], across, COLUMNS), up, COLUMNS)).isel({found.time: index})
    rows = rows.transpose(found.time, up, across)
    values, label = real(rows)
    x, y = points(rows, across), points(rows, up)
    ratio = (y[-1] - y[0]) / ((x[-1] - x[0]) or 1.0)
    fig, axes = style.figure(SIZE, float(np.clip(3.6 * ratio, 1.0, 4.2)) + 0.9)
    image = axes.pcolormesh(x, y, values[0], shading="nearest", **style.colours_of(values, found.role))
    axes.set(xlabel=across, ylabel=up)
    title = axes.set_title("t = 0")
    style.colourbar(fig, image, axes, style.labelled(label, dataset[name].attrs))

    def draw(i: int, words: str) -> np.ndarray:
        image.set_array(values[i])
        title.set_text(words)
        return _painted(fig)

    return draw, label


def _swarm(dataset: xr.Dataset, name: str, found: Sort, index: list[int]) -> tuple[Draw, str]:
    places, vectors = particles.rows(dataset, name, found, index)
    planar = places.shape[-1] == 2
    travelling = _travels(places)
    fig, axes = style.figure(SIZE, SIZE)
    limits = particles.box(places - _centre(places) if travelling else places)
    words = f"{name} round the centre of the swarm" if travelling else name
    fig.set_layout_engine("none")
    axes.set_position((0.14, 0.11, 0.8, 0.8))

    def draw(i: int, when: str) -> np.ndarray:
        axes.clear()
        place = places[i] - _centre(places[i : i + 1])[0] if travelling else places[i]
        particles.draw(axes, place[:, :2], None if vectors is None else vectors[i, :, :2], limits[:2], None)
        axes.set(title=when, xlabel="x", ylabel="y")
        return _painted(fig)

    return draw, words if planar else f"{words}, seen along z"


def _centre(places: np.ndarray) -> np.ndarray:
    return places.mean(axis=-2, keepdims=True)


def _travels(places: np.ndarray) -> bool:
    """Whether the swarm goes so far that it would be small in a picture of the whole way."""
    path, size = np.ptp(_centre(places)[:, 0], axis=0).max(), np.median(np.ptp(places, axis=1).max(axis=-1))
    return bool(path > size)


def _painted(fig) -> np.ndarray:
    """The figure's pixels; its layout is found once, and frames do not tremble."""
    pixels = style.rgb(fig, DPI)
    fig.set_layout_engine("none")
    return pixels
