"""What the pages show of the code: parameters, the API, validated numbers, notebooks; made anew at
every build.
"""

import base64
import csv
import importlib
import inspect
import json
from pathlib import Path

from sphinx.application import Sphinx

from physent.experiment.schema import parameter_table
from physent.protocol import registry

DOCS = Path(__file__).parents[1]
ROOT = DOCS.parent
PLACE = DOCS / "_generated"
# page title -> modules whose public names it lists
API = {
    "physent": ("physent",),
    "physent.entropy": ("physent.entropy",),
    "physent.diagnostics": ("physent.diagnostics",),
    "physent.score": ("physent.score",),
    "physent.solvers": (
        "physent.solvers.nlse",
        "physent.solvers.klein_gordon",
        "physent.solvers.kelvin_helmholtz",
        "physent.solvers.couzin",
        "physent.solvers.active_matter",
        "physent.solvers.langevin",
    ),
    "physent.numerics": (
        "physent.numerics.spectral",
        "physent.numerics.splitting",
        "physent.numerics.exponential",
        "physent.numerics.adaptive",
        "physent.numerics.ssp",
        "physent.numerics.staggered",
        "physent.numerics.space",
        "physent.numerics.neighbors",
    ),
    "physent.report": ("physent.report",),
    "physent.data.accessor": ("physent.data.accessor",),
    "physent.errors": ("physent.errors",),
}
# sections of the page of validation, in this order; any other file of numbers comes after them
TITLES = {
    "test_nlse": "Nonlinear Schroedinger equation",
    "test_klein_gordon": "Klein-Gordon equation",
    "test_kelvin_helmholtz": "Stratified shear flow",
    "test_couzin": "Fish schooling",
    "test_active_matter": "Active matter",
    "test_langevin": "Langevin systems",
    "test_entropy": "Entropies",
}

SCHOOLING = (
    "states",
    "hysteresis",
    "cases",
    "entropies",
    "search",
    "scaling",
)  # data/validation/couzin_<part>.md


def write(name: str, text: str) -> None:
    """A file of the generated folder, touched only where it changes, so that a second build has
    little to do.
    """
    file = PLACE / name
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.exists() or file.read_text(encoding="utf-8") != text:
        file.write_text(text, encoding="utf-8")


def parameters() -> None:
    """A fragment for the page of each solver."""
    for kind, cls in registry.available("solvers").items():
        write(f"parameters/{kind}.md", parameter_table(cls))


def public(module) -> list[str]:
    """The names a module offers: `__all__`, or what it defines or imports from below itself."""
    if hasattr(module, "__all__"):
        return [name for name in module.__all__ if not inspect.ismodule(getattr(module, name))]
    root = (
        module.__name__.rpartition(".")[0] if not hasattr(module, "__path__") else module.__name__
    )
    return [
        name
        for name, thing in vars(module).items()
        if not name.startswith("_")
        and (inspect.isclass(thing) or inspect.isfunction(thing))
        and thing.__module__.startswith(module.__name__ if hasattr(module, "__path__") else root)
        and (hasattr(module, "__path__") or thing.__module__ == module.__name__)
    ]


def api() -> None:
    """A page for each part of the library, with what its docstrings say."""
    pages = []
    for title, names in API.items():
        try:
            modules = [importlib.import_module(name) for name in names]
        except ModuleNotFoundError:
            continue  # a part that this version does not have
        text = f"{title}\n{'=' * len(title)}\n\n"
        for module in modules:
            if len(modules) > 1:
                text += f"{module.__name__}\n{'-' * len(module.__name__)}\n\n"
            text += f".. automodule:: {module.__name__}\n   :no-members:\n   :no-index:\n\n"
            for name in public(module):
                thing = getattr(module, name)
                if inspect.isclass(thing):
                    members = (
                        ""
                        if title in ("physent.entropy", "physent.diagnostics")
                        else "   :members:\n"
                    )
                    text += f".. autoclass:: {module.__name__}.{name}\n{members}\n"
                elif inspect.isfunction(thing) or callable(thing):
                    text += f".. autofunction:: {module.__name__}.{name}\n\n"
        write(f"api/{title}.rst", text)
        pages.append(title)
    listed = "\n".join(f"   {page}" for page in pages)
    write("api/index.rst", f"API reference\n=============\n\n.. toctree::\n\n{listed}\n")


def validation() -> None:
    """The tables of the numbers that the tests measured and hold."""
    files = sorted((ROOT / "data" / "validation").glob("test_*.csv"))
    parts = []
    for prefix, title in [*TITLES.items(), ("test_", "The rest")]:
        chosen = [file for file in files if file.stem.startswith(prefix)]
        files = [file for file in files if file not in chosen]
        if not chosen:
            continue
        parts.append(f"### {title}\n\n| what | asked | measured | command |\n|---|---|---|---|")
        for file in chosen:
            with file.open(encoding="utf-8", newline="") as lines:
                for row in csv.DictReader(lines):
                    name = row["test"].partition("[")[0]
                    digits = 2 if row["asked"].startswith("≤") else 8  # an error, or a value
                    cells = (
                        row["what"],
                        row["asked"],
                        f"{float(row['measured']):.{digits}g}",
                        f"`pytest tests/{file.stem}.py::{name}`",
                    )
                    parts.append(
                        "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"
                    )
        parts.append("")
    write("validation.md", "\n".join(parts) + "\n")


def cells_of(file: Path) -> list[list[str]]:
    """The lines of a CSV file."""
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.reader(lines))


def markdown(columns: list[str], rows: list[list[str]]) -> list[str]:
    """The lines of a table."""
    return [
        "| " + " | ".join(columns) + " |\n|" + "---|" * len(columns),
        *("| " + " | ".join(row) + " |" for row in rows),
    ]


def long_runs() -> None:
    """The tables of experiments that take too long for a test, as they were last run."""
    parts = []
    for file in sorted((ROOT / "data" / "validation").glob("long_*.csv")):
        system = file.stem.removeprefix("long_")
        columns, *rows = cells_of(file)
        parts += [
            f"### {system.replace('_', ' ').capitalize()}\n",
            f"`python -m experiments.{system}.validate`\n",
            *markdown(columns[1:], [row[1:] for row in rows]),
            "",
        ]
    write("long_runs.md", "\n".join(parts or ["None is recorded."]) + "\n")


def published() -> None:
    """The tables that other packages published, beside those packages run again and physent."""
    parts = []
    for file in sorted((ROOT / "data" / "validation").glob("nlse_entropies_*.csv")):
        case = file.stem.removeprefix("nlse_entropies_")
        columns, *rows = cells_of(file)
        parts += [
            f"### simple-idealized-1d-nlse, {case.replace('_', ' ')}\n",
            "`python -m experiments.nlse.unfiltered` runs the package again, with its filter off; "
            "`pytest tests/test_nlse_published.py` has the reason for every cell that differs.\n",
            f"<details><summary>{len(rows)} numbers</summary>\n",
            *markdown(columns, rows),
            "\n</details>\n",
        ]
    parts.append(
        (ROOT / "data" / "validation" / "klein_gordon_entropies.md").read_text(encoding="utf-8")
    )
    write("published.md", "\n".join(parts) + "\n")


def schooling() -> None:
    """The tables of the longer runs of schools, in the order of what they show; one that is missing
    ends the build.
    """
    files = [ROOT / "data" / "validation" / f"couzin_{part}.md" for part in SCHOOLING]
    write("schooling.md", "\n".join(file.read_text(encoding="utf-8") for file in files) + "\n")


def notebooks() -> None:
    """The notebooks as they were executed, as pages with pictures."""
    names = []
    for file in sorted((ROOT / "experiments" / "notebooks").glob("*.ipynb")):
        parts = []
        for number, cell in enumerate(json.loads(file.read_text(encoding="utf-8"))["cells"]):
            source = "".join(cell["source"])
            parts.append(source if cell["cell_type"] == "markdown" else f"```python\n{source}\n```")
            parts += [_shown(output, f"{file.stem}_{number}") for output in cell.get("outputs", [])]
        parts.append(f"*This page is `experiments/notebooks/{file.name}` as it was executed.*")
        write(f"notebooks/{file.stem}.md", "\n\n".join(part for part in parts if part) + "\n")
        names.append(file.stem)
    listed = "\n".join(names)
    write("notebooks/index.md", f"# Notebooks\n\n```{{toctree}}\n:maxdepth: 1\n\n{listed}\n```\n")


def _shown(output: dict, name: str) -> str:
    """An output of a cell: its picture, or else its text."""
    data = output.get("data", {"text/plain": output.get("text", "")})
    if "image/png" in data:
        (PLACE / "notebooks" / f"{name}.png").write_bytes(
            base64.b64decode("".join(data["image/png"]))
        )
        return f"![output]({name}.png)"
    text = "".join(data.get("text/plain", "")).rstrip()
    return f"```text\n{text}\n```" if text else ""


def everything(app: Sphinx) -> None:
    """All of it."""
    (PLACE / "notebooks").mkdir(parents=True, exist_ok=True)
    parameters()
    api()
    validation()
    long_runs()
    published()
    schooling()
    notebooks()


def setup(app: Sphinx) -> dict[str, bool]:
    """Made before the sources are read."""
    app.connect("builder-inited", everything, priority=100)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
