"""Counts the rooms of physent/ and the arrows between them, and says what is wrong: python
.ci/rooms.py [--arrows]

A room is a folder with Python in physent/, subfolders and physent/ itself included, links not
followed. An arrow is an ordered pair of rooms of which one imports the other: at the top of a file,
in a function, or for types alone. ORDER is that of docs/architecture.md, from the top; the modules
that lie loose in physent/ have places of their own in it, for everybody may import errors.py and
nobody __init__.py. The solvers, which are no room, have one, too.
"""

import argparse
import ast
import os
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
ORDER = (
    "__main__.py",
    "__init__.py",
    "app",
    "sweep",
    "report",
    "runs.py",
    "score",
    "data",
    "diagnostics",
    "experiment",
    "io",
    "engine",
    "solvers",
    "production",
    "entropy",
    "entropy/schools",
    "entropy/continuous",
    "entropy/outcomes",
    "entropy/discrete",
    "learning",
    "protocol",
    "numerics",
    "errors.py",
)
LINKS = (
    "solvers",
    "experiments",
)  # to the folders of these names at the top; in an sdist, copies of them
FOR_TYPES = ("physent/__init__.py", "physent.solvers")  # so that an editor knows `physent.solvers`
ROOMS, LOOSE, ARROWS = 20, 4, 84  # at most


def walked(folder: Path) -> Iterator[Path]:
    """Every Python file below a folder, but for those that links lead to."""
    for place, folders, names in os.walk(folder):
        links = LINKS if Path(place).name == "physent" else ()
        folders[:] = sorted(
            name for name in folders if name not in (*links, "__pycache__") and name[0] != "."
        )
        yield from (Path(place) / name for name in sorted(names) if name.endswith(".py"))


def files(root: Path = ROOT) -> Iterator[Path]:
    """Every Python file of the rooms."""
    yield from walked(root / "physent")


def room_of(file: Path, root: Path = ROOT) -> str:
    """The folder of a file, from physent/ on."""
    return file.relative_to(root).parent.as_posix()


def place_of(file: Path, root: Path = ROOT) -> str:
    """Where in ORDER a file stands: its room, itself where it lies loose, or solvers."""
    parts = file.relative_to(root).parts
    if parts[0] != "physent":
        return parts[0]
    return parts[1] if len(parts) == 2 else "/".join(parts[1:-1])


def file_of(module: str, root: Path = ROOT) -> Path | None:
    """The file of a module of ours; None for another's, for a name in a module, and for one that is
    not there.
    """
    parts = module.split(".")
    if parts[0] != "physent":
        return None
    path = root.joinpath(*(parts[1:] if set(parts[1:2]) & set(LINKS) else parts))
    return next(
        (file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None
    )


def named(file: Path, root: Path = ROOT) -> Iterator[tuple[str, ...]]:
    """What a file imports, wherever in it, also by `import_module("...")`: the dotted names that
    each may mean.
    """
    package = file.relative_to(root).parent.parts
    package = (
        package if package[0] == "physent" else ("physent", *package)
    )  # solvers are imported as physent.solvers
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name,) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(
                (*package[: len(package) - node.level + 1], *filter(None, [node.module]))
            )
            module = base if node.level else str(node.module)
            yield from ((f"{module}.{alias.name}", module) for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(
            ("import_module", "__import__")
        ):
            yield from (
                (a.value,)
                for a in node.args
                if isinstance(a, ast.Constant) and isinstance(a.value, str)
            )


def imported(file: Path, root: Path = ROOT) -> tuple[set[Path], set[str]]:
    """The files of ours that a file imports, and the names of ours that stand for no file."""
    found: set[Path] = set()
    missing: set[str] = set()
    for names in named(file, root):
        ours = names[0].partition(".")[0]
        if ours == "solvers" or (
            ours == "physent" and not any(file_of(name, root) for name in names)
        ):
            missing.add(names[-1])
        elif ours == "physent" and (file.relative_to(root).as_posix(), names[0]) != FOR_TYPES:
            found.add(next(path for name in names if (path := file_of(name, root))))
    return found - {file}, missing


def imports(root: Path = ROOT) -> list[tuple[Path, Path]]:
    """Every pair of files of ours of which the first imports the second."""
    every = (*files(root), *walked(root / "solvers"))
    return [(file, other) for file in every for other in sorted(imported(file, root)[0])]


def arrows(root: Path = ROOT) -> set[tuple[str, str]]:
    """Every pair of rooms of which the first imports the second."""
    pairs = {(room_of(file, root), room_of(other, root)) for file, other in imports(root)}
    return {
        (a, b) for a, b in pairs if a != b and a.startswith("physent") and b.startswith("physent")
    }


def upward(root: Path = ROOT) -> list[str]:
    """The imports that do not point down the order, or at solvers or nothing, and those of places
    without one in it.
    """
    wrong = []
    for file, other in imports(root):
        a, b = place_of(file, root), place_of(other, root)
        if a != b and (
            b in LINKS or a not in ORDER or b not in ORDER or ORDER.index(a) > ORDER.index(b)
        ):
            wrong.append(f"{file.relative_to(root)} imports {other.relative_to(root)}")
    for file in (*files(root), *walked(root / "solvers")):
        missing = sorted(imported(file, root)[1])
        wrong += [
            f"{file.relative_to(root)} imports {name}, which is not there" for name in missing
        ]
    return wrong


def circle(root: Path = ROOT) -> list[str]:
    """Files that import each other in a circle, and what imports those; none where the order holds
    by file, too.
    """
    left = {file: imported(file, root)[0] for file in files(root)}
    while free := [file for file, others in left.items() if not others & left.keys()]:
        for file in free:
            del left[file]
    return sorted(str(file.relative_to(root)) for file in left)


def main() -> int:
    """Print the counts; exit code 1 where one is not as it should be."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--arrows", action="store_true", help="print every arrow")
    arguments = parser.parse_args()
    every, found, wrong, turning = list(files()), arrows(), upward(), circle()
    rooms = sorted({room_of(file) for file in every})
    loose = [file.name for file in every if room_of(file) == "physent"]
    print(f"rooms: {len(rooms)} (at most {ROOMS}): {', '.join(rooms)}")
    print(f"loose modules: {len(loose)} (at most {LOOSE}): {', '.join(loose)}")
    print(f"arrows: {len(found)} (at most {ARROWS})")
    print(f"imports that do not point down: {len(wrong)} (0)", *wrong, sep="\n  ")
    print(f"files in circles: {len(turning)} (0)", *turning, sep="\n  ")
    if arguments.arrows:
        print(*(f"{a} -> {b}" for a, b in sorted(found)), sep="\n")
    return int(
        len(rooms) > ROOMS or len(loose) > LOOSE or len(found) > ARROWS or bool(wrong or turning)
    )


if __name__ == "__main__":
    sys.exit(main())
