"""Every comparison in one session: python -m experiments.benchmarks [NAME ...]

Runs the benchmarks one after another, each in a process of its own (peers want other settings), and
writes `comparison.csv`, `sizes.csv`, `limits.csv` and `tables.md`. Installs nothing: the peers come
with `pip install -e '.[bench]'`, and a benchmark whose peer is missing is named and left out. With
names, what the folder has of the others stays.
"""

import argparse
import csv
import datetime
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

from experiments.benchmarks.comparison import CORES, Row, markdown, write_csv
from experiments.benchmarks.programs import Limit
from experiments.benchmarks.sizes import Cost, cost_table, limit_lines

COMPARISONS = (
    "nlse",
    "klein_gordon",
    "navier_stokes",
    "field_equations",
    "kelvin_helmholtz",
    "couzin",
    "active_matter",
    "entropy",
)
PACKAGES = (
    "jax",
    "jaxlib",
    "numpy",
    "scipy",
    "numba",
    "simple-idealized-1d-nlse",
    "amangkurat",
    "kh2d-solver",
    "dewi-kadita",
    "antropy",
    "ordpy",
    "infomeasure",
    "EntropyHub",
    "exponax",
    "sangkuriang-ideal-solver",
    "py-pde",
    "jax-md",
)


def machine() -> list[str]:
    """What the numbers were measured on."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        model = next(
            (
                line.split(":")[1].strip()
                for line in info.read_text().splitlines()
                if "model name" in line
            ),
            model,
        )
    versions = []
    for name in PACKAGES:
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            versions.append(f"{name} missing")
    return [
        f"{model}, {CORES} cores, load {os.getloadavg()[0]:.1f} at the start; "
        f"{datetime.date.today()}.",
        f"Python {platform.python_version()}; {', '.join(versions)}.",
    ]


def run(name: str, arguments: list[str], path: Path) -> bool:
    """One benchmark; its rows are in the file at `path` where this is True."""
    print(f"== {name}", file=sys.stderr, flush=True)
    command = [
        sys.executable,
        "-m",
        f"experiments.benchmarks.{name}",
        *arguments,
        "--csv",
        str(path),
    ]
    done = subprocess.run(command, stdout=subprocess.DEVNULL)
    return done.returncode == 0


def read(kind: type, path: Path) -> list:
    """The rows of a CSV file, numbers as numbers."""

    def value(annotation, text):
        if annotation is str:
            return text
        return None if text == "" else int(text) if annotation is int else float(text)

    with path.open(newline="", encoding="utf-8") as file:
        return [
            kind(**{key: value(kind.__annotations__[key], text) for key, text in row.items()})
            for row in csv.DictReader(file)
        ]


def tables(
    sessions: dict[str, list[str]], rows: list[Row], costs: list[Cost], limits: list[Limit]
) -> list[str]:
    """The lines of `tables.md`: under the words of each session what was measured in it."""
    lines: list[str] = []
    for session in dict.fromkeys(map(tuple, sessions.values())):
        lines += [*session, ""]
        for name in (
            name for name in (*COMPARISONS, "sizes") if tuple(sessions.get(name, ())) == session
        ):
            own = [row for row in rows if row.benchmark == name]
            table = markdown(own) if own else [*limit_lines(limits), "", *cost_table(costs)]
            lines += [f"## {name}", "", *table, ""]
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m experiments.benchmarks", description=__doc__.splitlines()[0]
    )
    parser.add_argument(
        "names", nargs="*", choices=(*COMPARISONS, "sizes", []), help="which (default: all)"
    )
    parser.add_argument("--repeats", type=int, default=3, help="turns of every side (default 3)")
    parser.add_argument(
        "--no-memory", action="store_true", help="skip the processes that measure memory"
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("data/benchmarks"),
        help="folder (default data/benchmarks)",
    )
    arguments = parser.parse_args()
    names = arguments.names or [*COMPARISONS, "sizes"]
    options = [
        "--repeats",
        str(arguments.repeats),
        *(["--no-memory"] if arguments.no_memory else []),
    ]
    files = {name: arguments.output / f"{name}.csv" for name in ("comparison", "sizes", "limits")}
    sessions_of = arguments.output / "sessions.json"
    rows, costs, limits, missing = [], [], [], []
    here, sessions = machine(), {}
    if arguments.names and sessions_of.exists():
        sessions = json.loads(sessions_of.read_text(encoding="utf-8"))
        rows = read(Row, files["comparison"]) if set(sessions) - {"sizes"} else []
        if "sizes" in sessions:
            costs, limits = read(Cost, files["sizes"]), read(Limit, files["limits"])
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            path = Path(folder) / f"{name}.csv"
            if not run(name, [] if name == "sizes" else options, path):
                missing.append(name)
                continue
            sessions[name] = here
            if name == "sizes":
                costs, limits = read(Cost, path), read(Limit, path.with_name("limits.csv"))
            else:
                rows = [row for row in rows if row.benchmark != name] + read(Row, path)
    lines = tables(sessions, rows, costs, limits)
    if missing:
        lines += [
            f"Not measured, since they failed or a peer is not installed: {', '.join(missing)}.",
            "",
        ]
    arguments.output.mkdir(parents=True, exist_ok=True)
    for name, found in (("comparison", rows), ("sizes", costs), ("limits", limits)):
        if found:
            write_csv(files[name], found)
    sessions_of.write_text(json.dumps(sessions, indent=1), encoding="utf-8")
    (arguments.output / "tables.md").write_text("\n".join(lines), encoding="utf-8")
    print("\n".join(lines))
    sys.exit(1 if missing else 0)


if __name__ == "__main__":
    main()
