"""Figure style: colours that work in greyscale and for colour-blind readers, and SVG that follows
the page.

Lines are drawn in an order of colours whose lightness differs too (after Okabe and Ito) and with a
dash pattern of their own. All that is ink becomes `currentColor`, so that one picture serves a
light page and a dark one.
"""

import io
import re
import warnings
from collections.abc import Mapping
from typing import Any

import matplotlib
import numpy as np
from matplotlib import colormaps
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import QuadMesh
from matplotlib.colorbar import Colorbar
from matplotlib.colors import Colormap, Normalize
from matplotlib.figure import Figure
from matplotlib.mathtext import MathTextParser
from matplotlib.text import Text
from matplotlib.ticker import LogLocator, NullFormatter

from physent.errors import printable, shortened

# cmocean 4.0 calls matplotlib 3.11 in a way that it will drop
with warnings.catch_warnings(action="ignore"):
    import cmocean  # noqa: F401 - registers its maps

INK = "#10100e"  # stands for the text colour of the page
# inches at 72 px: a picture is as wide as a telephone, and its text stays readable there
WIDTH, HEIGHT = 4.8, 3.3
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8a8a8a")
DASHES: tuple[Any, ...] = (
    "-",
    (0, (5, 1.5)),
    (0, (1.5, 1.2)),
    (0, (6, 1.5, 1.5, 1.5)),
    (0, (3, 1)),
    "-",
    (0, (1, 2)),
)
RASTER_DPI = 130
LONGEST = 46  # characters of a title that is one line

RC: dict[str, Any] = {
    "font.size": 11,
    "font.family": "DejaVu Sans",
    "axes.titlesize": 11,
    "axes.labelsize": 11,
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
    "legend.fontsize": 10,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.formatter.limits": (-3, 4),
    "axes.formatter.use_mathtext": True,
    "axes.formatter.useoffset": True,
    "axes.titlelocation": "left",
    "lines.linewidth": 1.4,
    "figure.constrained_layout.w_pad": 0.07,
    "svg.fonttype": "path",
    "svg.hashsalt": "physent",
    "path.simplify": True,
    "path.simplify_threshold": 0.3,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    **dict.fromkeys(
        ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), INK
    ),
}

# diverging maps for what has a sign, cyclic ones for angles, sequential ones for what has not
DIVERGING, CYCLIC, SEQUENTIAL, DENSITY, MATTER = (
    colormaps[f"cmo.{name}"] for name in ("balance", "phase", "thermal", "dense", "matter")
)
COLORMAPS: dict[str, Colormap] = {"phase": CYCLIC, "spectrum": DENSITY, "concentration": MATTER}


def panels(
    count: int, height: float, width: float = WIDTH, layout: str = "constrained"
) -> tuple[Figure, list[Axes]]:
    """A figure with stacked axes that share x, without a window, and without clipped labels. The
    layout "compressed" leaves no room beside axes of a fixed aspect.
    """
    fig = Figure(figsize=(width, height), layout=layout)  # type: ignore[arg-type]
    FigureCanvasAgg(fig)
    return fig, list(fig.subplots(count, 1, sharex=True, squeeze=False)[:, 0])


def figure(width: float = WIDTH, height: float = HEIGHT, **properties: Any) -> tuple[Figure, Axes]:
    """A figure with one set of axes with these properties, such as labels and limits."""
    fig, (axes,) = panels(1, height, width)
    axes.set(**properties)
    return fig, axes


_DEFAULTS = {k: v for k, v in matplotlib.rcParamsDefault.items() if "backend" not in k}


def decades(axis: Axis) -> None:
    """Numbers at the powers of ten of a logarithmic axis, or, where it has fewer than two, at 1, 2
    and 5.
    """
    low, high = axis.get_view_interval()
    if np.floor(np.log10(high)) > np.ceil(np.log10(low)):
        axis.set_minor_formatter(NullFormatter())
        return
    axis.set_major_formatter("{x:g}")
    axis.set_minor_locator(LogLocator(subs=(2.0, 5.0)))
    axis.set_minor_formatter("{x:g}")


def styled() -> Any:
    """A context manager that applies the style of the report to matplotlib, and nothing of a
    matplotlibrc: the one in the working directory may be anybody's, and run LaTeX, for one.
    """
    return matplotlib.rc_context(_DEFAULTS | RC)  # pyright: ignore[reportArgumentType]


def line(index: int) -> dict[str, Any]:
    """Colour and dashes of the line with a given index."""
    return {"color": COLOURS[index % len(COLOURS)], "linestyle": DASHES[index % len(DASHES)]}


def colours_of(values: np.ndarray, role: str) -> dict[str, Any]:
    """The colour map and limits for values of a role; symmetric about zero for both signs."""
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    if role == "phase":
        return {"cmap": CYCLIC, "norm": Normalize(-np.pi, np.pi)}
    most = max(-low, high)
    if low < 0 < high and min(-low, high) > 0.05 * max(-low, high):
        return {"cmap": DIVERGING, "norm": Normalize(-most, most)}
    if high <= low:
        half = 0.5 * abs(low) or 0.5
        low, high = low - half, high + half
    return {"cmap": COLORMAPS.get(role, SEQUENTIAL), "norm": Normalize(low, high)}


def titled(name: str, attributes: Mapping[str, Any]) -> str:
    """What a variable is, as an author prints it above a picture: an entropy by its long name,
    where that is short, anything else by its name, with its unit.
    """
    words = str(attributes.get("long_name", ""))
    if len(words) > LONGEST:  # what is in brackets has parameters, which the caption says
        words = re.sub(r", [^()]*\)", ")", words)
    if attributes.get("role") != "entropy" or not words or len(words) > LONGEST:
        return labelled(name, attributes)
    return labelled(words[0].upper() + words[1:], attributes)


def labelled(name: str, attributes: Mapping[str, Any]) -> str:
    """The name with its unit, for an axis."""
    name, units = shortened(_words(name), 80), shortened(str(attributes.get("units", "1")), 60)
    return name if units in ("1", "") else f"{name} [{units}]"


def _words(name: str) -> str:
    """A name of words in words: `energy density`, but `phi_t` as it is."""
    parts = name.split("_")
    return " ".join(parts) if all(len(part) > 1 for part in parts) else name


def mesh(
    axes: Axes, x: np.ndarray, y: np.ndarray, values: np.ndarray, colours: dict[str, Any]
) -> QuadMesh:
    """Draw a map of values (y, x), each in a cell around its point."""
    return axes.pcolormesh(x, y, values, shading="nearest", rasterized=True, **colours)


def steady(axes: Axes, values: np.ndarray, least: float) -> None:
    """Give the y axis at least the range `least` around values that differ by less, so that what
    is constant looks it.
    """
    finite = values[np.isfinite(values)]
    if finite.size and np.ptp(finite) < least:
        middle = 0.5 * float(finite.min() + finite.max())
        axes.set_ylim(middle - 0.5 * least, middle + 0.5 * least)


def heatmap(
    x: np.ndarray,
    y: np.ndarray,
    values: np.ndarray,
    colours: dict[str, Any],
    label: str,
    **properties: Any,
) -> tuple[Figure, Axes, QuadMesh]:
    """A figure with one map and its colour bar."""
    fig, axes = figure(**properties)
    image = mesh(axes, x, y, values, colours)
    colourbar(fig, image, axes, label)
    return fig, axes, image


def colourbar(
    fig: Figure, image: Any, axes: Axes | list[Axes], label: str, aspect: float = 26
) -> Colorbar:
    """Add a slim colour bar, as high as the axes where these are one set, whatever their aspect."""
    if isinstance(axes, Axes):
        beside = axes.inset_axes((1.025, 0.0, 1 / aspect, 1.0))
        bar = fig.colorbar(image, cax=beside, label=label)
    else:
        bar = fig.colorbar(image, ax=axes, pad=0.02, aspect=aspect, label=label)
    bar.outline.set_visible(False)  # type: ignore[operator]
    return bar


def _as_text(fig: Figure) -> None:
    """Let texts that are no mathematics be drawn as they are: names and units are anybody's."""
    for text in fig.findobj(Text):
        assert isinstance(text, Text)
        words = printable(text.get_text())
        text.set_text(words)
        if "$" in words:
            try:
                MathTextParser("path").parse(words)
            except ValueError:
                text.set_parse_math(False)


def svg(fig: Figure, prefix: str = "") -> str:
    """The figure as inline SVG without prologue, metadata or any address, drawn in the colour of
    the surrounding text.

    `prefix` keeps the ids of two pictures on one page apart.
    """
    buffer = io.StringIO()
    _as_text(fig)
    with styled():
        fig.savefig(buffer, format="svg", dpi=RASTER_DPI, metadata={"Date": None})
    text = buffer.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    text = re.sub(r'\sxmlns(:\w+)?="[^"]*"', "", text).replace("xlink:href", "href")
    used = set(re.findall(r"(?:href=\"|url\()#([\w-]+)", text))
    text = re.sub(r' id="([^"]+)"', lambda m: f' id="{prefix}{m[1]}"' if m[1] in used else "", text)
    text = re.sub(r'(href="|url\()#', rf"\1#{prefix}", text)
    width, height = fig.get_size_inches() * 72
    body = text[text.index(">") + 1 :].replace(INK, "currentColor").strip()
    return f'<svg viewBox="0 0 {width:g} {height:g}" role="img">{body}'


class Scenery:
    """What stays the same in the frames of a movie, painted once on white; `moving` is not."""

    def __init__(self, fig: Figure, moving: list[Artist], dpi: float):
        fig.set(facecolor="white", dpi=dpi)
        _as_text(fig)
        for artist in moving:
            artist.set_animated(True)
        self.axes, self.canvas = fig.axes[0], FigureCanvasAgg(fig)
        self.canvas.draw()
        self.background = self.canvas.copy_from_bbox(fig.bbox)

    def with_(self, moving: list[Artist]) -> np.ndarray:
        """The pixels (rows, columns, 3) with these artists in front."""
        self.canvas.restore_region(self.background)  # type: ignore[attr-defined]
        for artist in moving:
            if hasattr(artist, "do_3d_projection"):
                artist.do_3d_projection()  # type: ignore[attr-defined]
            self.axes.draw_artist(artist)
        return np.asarray(self.canvas.buffer_rgba())[..., :3].copy()


def rgb(fig: Figure, dpi: float) -> np.ndarray:
    """The figure as pixels (rows, columns, 3) on white."""
    return Scenery(fig, [], dpi).with_([])
