"""Holds a wheel and an sdist to what they should contain: python check_distributions.py DIST"""

import email
import sys
import tarfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]


def need(found: set[str], wanted: dict[str, str], where: str) -> list[str]:
    """What is missing."""
    return [
        f"{where}: {name} is missing ({why})" for name, why in wanted.items() if name not in found
    ]


def wheel(path: Path) -> list[str]:
    """The code of the core, of every solver and the experiments, and nothing that is no part of the
    package.
    """
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
        information = next(name for name in names if name.endswith(".dist-info/METADATA"))
        metadata = email.message_from_bytes(archive.read(information))
        entry_points = archive.read(information.replace("METADATA", "entry_points.txt")).decode()
    wanted = {
        "physent/py.typed": "it is typed",
        information.replace("METADATA", "licenses/LICENSE"): "the licence",
    }
    for folder, place in (("physent", "physent"), ("solvers", "physent/solvers")):
        wanted |= {
            f"{place}/{file.relative_to(ROOT / folder)}": "code"
            for file in (ROOT / folder).rglob("*.py")
        }
    wanted |= {
        f"physent/{file.relative_to(ROOT)}": "an experiment"
        for file in (ROOT / "experiments").glob("*/*.toml")
    }
    wanted |= {
        f"physent/{file.relative_to(ROOT / 'physent')}": "a template"
        for file in (ROOT / "physent").rglob("*.html")
    }
    problems = need(names, wanted, path.name)
    allowed = ("physent/", path.name.split("-py3")[0] + ".dist-info/")
    problems += [
        f"{path.name}: {name} does not belong there"
        for name in names
        if not name.startswith(allowed)
    ]
    problems += [
        f"{path.name}: {name} is not code of the package"
        for name in names
        if {"benchmarks", "notebooks"} & set(name.split("/"))
    ]
    for field in (
        "Name",
        "Version",
        "Summary",
        "License-Expression",
        "Requires-Python",
        "Description-Content-Type",
    ):
        if not metadata[field]:
            problems.append(f"{path.name}: no {field} in the metadata")
    if "Typing :: Typed" not in metadata.get_all("Classifier", []):
        problems.append(f"{path.name}: it does not say that it is typed")
    for group in ("console_scripts", "physent.solvers", "physent.diagnostics"):
        if f"[{group}]" not in entry_points:
            problems.append(f"{path.name}: no entry points {group}")
    return problems


def sdist(path: Path) -> list[str]:
    """Everything that builds, tests and documents it."""
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = {
        "pyproject.toml": "it builds",
        "README.md": "the front page",
        "LICENSE": "the licence",
    }
    wanted |= {
        "CHANGELOG.md": "history",
        "CITATION.cff": "how to cite",
        "CONTRIBUTING.md": "how to contribute; a test runs its recipes",
        "RELEASING.md": "how to release",
        ".pre-commit-config.yaml": "a test reads it",
        ".github/workflows/ci.yml": "a test reads it",
    }
    data = ("data/benchmarks", "data/reference", "data/validation")
    for folder in ("physent", "solvers", "tests", "experiments", "docs", *data):
        for file in (ROOT / folder).rglob("*"):
            kept = file.suffix in (
                ".py",
                ".toml",
                ".md",
                ".csv",
                ".html",
                ".ipynb",
                ".rst",
                ".png",
                ".css",
            )
            made = {"__pycache__", "_generated", "_build", ".ipynb_checkpoints"} & set(file.parts)
            if file.is_file() and kept and not made:
                wanted[str(file.relative_to(ROOT))] = "the tests or the documentation use it"
    problems = need(names, wanted, path.name)
    made = [
        name
        for name in names
        if "__pycache__" in name or name.startswith(("data/runs/", "docs/_build/"))
    ]
    return problems + [f"{path.name}: {name} was left by a run" for name in made]


def main(folder: Path) -> int:
    """Exit code 1 and a line for each problem, or 0."""
    (built,), (source,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    problems = wheel(built) + sdist(source)
    print(
        "\n".join(problems)
        or f"{built.name} ({built.stat().st_size // 1024} kB) and {source.name}: as they should be"
    )
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
