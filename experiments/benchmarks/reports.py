"""The report of every shipped experiment: made, small, quick, alone, and legible.

    python -m experiments.benchmarks.reports [FOLDER] [--only NAME ...] [--browser chromium]

Every experiment is run for a few rows at its own size (large ones smaller, see SHORT) below FOLDER;
a run that is already there, such as a whole one, is taken as it is. Then its report is written and
measured: bytes, seconds of processor time, addresses outside the page, and in every picture text
that leaves the picture or lies on other text. With a browser the page is laid out 1280 and 400
pixels wide, and what sticks out of it is named.
"""

import argparse
import contextlib
import html
import re
import subprocess
import tempfile
import time
import tomllib
from pathlib import Path

import jax
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.figure import Figure

import physent
from physent.experiment.building import build
from physent.experiment.parsing import parse, precision_of
from physent.report import pictures as drawing, write
from physent.runs import execute

ROOT = Path(__file__).parents[1]
ROWS = 12
BYTES, SECONDS = 3e6, 20.0  # what a report may take

# what is too large to run for a few rows in some seconds: fewer particles or members, on the way to
# the same pictures
SHORT = {
    "active_matter/mips": [
        "solver.particles=1024",
        "run.save_every=10.0",
        "run.snapshot_every=20.0",
    ],
    "active_matter/mips_large": [
        "solver.particles=4096",
        "run.save_every=5.0",
        "run.snapshot_every=10.0",
    ],
    "active_matter/mips_phases": [
        "solver.particles=256",
        "run.save_every=10.0",
        "run.snapshot_every=20.0",
    ],
    "active_matter/trap64": ["run.snapshot_every=2.0"],
    "couzin/large_school": ["solver.n=2000", "run.snapshot_every=1.0", "run.save_every=0.2"],
    "couzin/hysteresis": ["solver.schedule.hold=1.0"],
    "klein_gordon/collision_scan": ["run.members=100"],
}
SCRIPT = """<script>
const out = [...document.querySelectorAll("body *")].filter(e => {
  const r = e.getBoundingClientRect();
  return r.right > innerWidth + 1 && !e.closest(".wide, pre, svg");
}).map(e => e.tagName + " " + (e.textContent || "").trim().slice(0, 40));
document.body.innerHTML = "<pre id=found>" + JSON.stringify(out).replace(/</g, "&lt;") + "</pre>";
</script>"""


def run(path: Path, folder: Path) -> None:
    """Run an experiment for ROWS rows, unless it has run."""
    if (folder / "run.nc").is_file():
        return
    overrides = list(SHORT.get(f"{path.parent.name}/{path.stem}", []))
    data, _ = parse(path, overrides)
    settings = data["run"]
    t_end = min(
        settings["t_end"],
        ROWS * max(settings["save_every"], settings.get("snapshot_every", 0.0) / 2),
    )
    rows = round(t_end / settings["save_every"])
    every = round(settings.get("snapshot_every", settings["save_every"]) / settings["save_every"])
    overrides.append(f"run.t_end={max(every, rows - rows % every) * settings['save_every']!r}")
    for i, diagnostic in enumerate(
        data.get("diagnostics", [])
    ):  # averages that begin late would have nothing to say
        if "after" in diagnostic:
            overrides.append(f"diagnostics.{i}.after={settings['save_every']!r}")
    data, problems = parse(path, overrides)
    with jax.enable_x64(precision_of(data) == "float64"):
        execute(build(data, problems, path.stem, path.parent), folder)


def text_defects(figure: Figure) -> list[str]:
    """Text that leaves a figure by more than a pixel, or covers other text, as it is drawn."""
    drawn: list[tuple] = []
    original = RendererAgg.draw_text

    def recorded(self, gc, x, y, s, prop, angle, ismath=False, mtext=None):
        if (
            mtext is not None and s.strip()
        ):  # the box round slanted text is mostly empty: it is only kept inside
            drawn.append((s, mtext.get_window_extent(self), angle % 90 == 0))
        return original(self, gc, x, y, s, prop, angle, ismath, mtext)

    RendererAgg.draw_text = recorded  # pyright: ignore[reportAttributeAccessIssue]
    try:
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        drawn.clear()  # the first time finds the layout
        canvas.draw()
    finally:
        RendererAgg.draw_text = original
    found, whole = [], figure.bbox
    for i, (words, box, straight) in enumerate(drawn):
        if (
            box.x0 < whole.x0 - 1
            or box.y0 < whole.y0 - 1
            or box.x1 > whole.x1 + 1
            or box.y1 > whole.y1 + 1
        ):
            found.append(f"cut: {words}")
        for other, against, _ in (entry for entry in drawn[:i] if straight and entry[2]):
            wide = min(box.x1, against.x1) - max(box.x0, against.x0)
            high = min(box.y1, against.y1) - max(box.y0, against.y0)
            if wide > 1 and high > 2:
                found.append(f"{words} on {other}")
    return found


def outside(text: str) -> list[str]:
    """What a page would ask of the network, and its scripts."""
    bare = re.sub(r"data:[\w/+]+;base64,[\w+/=]+", "", text)
    return re.findall(r"https?://[^\s\"'<]+|<script|<link|@import|url\(http", bare)


def sticks_out(page: Path, browser: str, width: int) -> str:
    """The elements of a page that are wider than its window, as a browser lays it out."""
    with tempfile.TemporaryDirectory() as place:
        inner = page.read_text(encoding="utf-8").replace("</body>", SCRIPT + "</body>")
        outer = Path(place) / "outer.html"
        # an iframe, because a window has a least width
        outer.write_text(
            f'<iframe srcdoc="{html.escape(inner)}" '
            f'style="width:{width}px;height:900px;border:0"></iframe>'
            "<script>onload = () => { document.title = "
            "frames[0].document.getElementById('found').textContent; "
            "document.body.textContent = document.title }</script>",
            encoding="utf-8",
        )
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
        flags += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
        command = [
            browser,
            *flags,
            f"--user-data-dir={place}/profile",
            "--dump-dom",
            f"file://{outer}",
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    found = re.search(r"<title>(.*?)</title>", done.stdout, re.DOTALL)
    return html.unescape(found[1]) if found else "the browser said nothing"


def main() -> None:
    """Print a row for every experiment; exit code 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--only", nargs="*", default=[], help="experiments, as nlse/single_soliton")
    parser.add_argument("--browser", help="lay the pages out in this browser too")
    options = parser.parse_args()
    missed = 0
    with contextlib.ExitStack() as stack:
        place = options.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        print(
            "| experiment | rows | page | time | outside | text cut or covered | sticks out at "
            "1280, 400 |"
        )
        print("|---|---|---|---|---|---|---|", flush=True)
        for path in sorted(ROOT.glob("*/*.toml")):
            name = f"{path.parent.name}/{path.stem}"
            if "solver" not in tomllib.loads(path.read_text()) or (
                options.only and name not in options.only
            ):
                continue
            folder = place / name.replace("/", "_")
            run(path, folder)
            started = time.process_time()
            page = write(folder)
            seconds = time.process_time() - started
            with physent.open_run(folder) as dataset:
                rows = dataset.sizes["t"]
                defects = [
                    f"{picture.title}: {words}"
                    for picture in drawing.pictures(dataset)
                    for words in text_defects(picture.figure)
                ]
            text, asked = page.read_text(encoding="utf-8"), []
            asked = outside(text)
            wide = (
                "; ".join(sticks_out(page, options.browser, width) for width in (1280, 400))
                if options.browser
                else ""
            )
            bad = (
                len(text) > BYTES
                or seconds > SECONDS
                or asked
                or defects
                or wide.replace("[]", "").strip("; ")
            )
            missed += bool(bad)
            cells = (
                name,
                rows,
                f"{len(text) / 1e6:.2f} MB",
                f"{seconds:.1f} s",
                len(asked),
                "; ".join(defects[:4]) or 0,
                wide,
            )
            print(f"| {' | '.join(map(str, cells))} |{' <- bar missed' if bad else ''}", flush=True)
    raise SystemExit(1 if missed else 0)


if __name__ == "__main__":
    main()
