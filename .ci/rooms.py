"""Counts the rooms of physent/ and the arrows between them, and says what is wrong: python .ci/rooms.py [--arrows]

A room is a folder with Python in physent/, subfolders and physent/ itself included, links not followed. An arrow is an
ordered pair of rooms of which one imports the other: at the top of a file, in a function, or for types alone. ORDER is
that of docs/architecture.md, from the top; the modules that lie loose in physent/ have places of their own in it, for
everybody may import errors.py and nobody __init__.py.
"""

import ast
import os
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
ORDER = (
    "__main__.py", "__init__.py", "app", "sweep", "report", "runs.py", "score", "data", "diagnostics",
    "experiment", "io", "engine", "entropy", "entropy/schools", "entropy/continuous", "entropy/outcomes",
    "entropy/discrete", "learning", "protocol", "numerics", "errors.py",
)  # fmt: skip
LINKS = ("solvers", "experiments")  # to the folders of these names at the top; in an sdist, copies of them
ROOMS, LOOSE, ARROWS = 20, 4, 80  # at most


def files(root: Path = ROOT) -> Iterator[Path]:
    """Every Python file of physent/, without what links lead to."""
    for folder, folders, names in os.walk(root / "physent"):
        folders[:] = sorted(name for name in folders if name not in LINKS and name[0] not in "_.")
        yield from (Path(folder) / name for name in sorted(names) if name.endswith(".py"))


def room_of(file: Path, root: Path = ROOT) -> str:
    """The folder of a file, from physent/ on."""
    return file.relative_to(root).parent.as_posix()


def place_of(file: Path, root: Path = ROOT) -> str:
    """Where in ORDER a file stands: its room, or itself where it lies loose."""
    inside = file.relative_to(root / "physent")
    return inside.name if len(inside.parts) == 1 else inside.parent.as_posix()


def file_of(module: str, root: Path = ROOT) -> Path | None:
    """The file of a module of ours; None for another's, for a name in a module, and for what a link leads to."""
    parts = module.split(".")
    if parts[0] != "physent" or set(parts[1:2]) & set(LINKS):
        return None
    path = root.joinpath(*parts)
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


def imported(file: Path, root: Path = ROOT) -> set[Path]:
    """The files of ours that a file imports, wherever in it."""
    modules: list[str] = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                modules.append(whole if file_of(whole, root) else node.module)
    return {path for module in modules if (path := file_of(module, root)) is not None} - {file}


def imports(root: Path = ROOT) -> list[tuple[Path, Path]]:
    """Every pair of files of ours of which the first imports the second."""
    return [(file, other) for file in files(root) for other in sorted(imported(file, root))]


def arrows(root: Path = ROOT) -> set[tuple[str, str]]:
    """Every pair of rooms of which the first imports the second."""
    pairs = {(room_of(file, root), room_of(other, root)) for file, other in imports(root)}
    return {(a, b) for a, b in pairs if a != b}


def upward(root: Path = ROOT) -> list[str]:
    """The imports that do not point down the order, and those of places that have none in it."""
    wrong = []
    for file, other in imports(root):
        a, b = place_of(file, root), place_of(other, root)
        if a != b and (a not in ORDER or b not in ORDER or ORDER.index(a) > ORDER.index(b)):
            wrong.append(f"{file.relative_to(root)} imports {other.relative_to(root)}")
    return wrong


def circle(root: Path = ROOT) -> list[str]:
    """Files that import each other in a circle, and what imports those; none where the order holds by file, too."""
    left = {file: imported(file, root) for file in files(root)}
    while free := [file for file, others in left.items() if not others & left.keys()]:
        for file in free:
            del left[file]
    return sorted(str(file.relative_to(root)) for file in left)


def main() -> int:
    """Print the counts; exit code 1 where one is not as it should be."""
    every, found, wrong, turning = list(files()), arrows(), upward(), circle()
    rooms = sorted({room_of(file) for file in every})
    loose = [file.name for file in every if room_of(file) == "physent"]
    print(f"rooms: {len(rooms)} (at most {ROOMS}): {', '.join(rooms)}")
    print(f"loose modules: {len(loose)} (at most {LOOSE}): {', '.join(loose)}")
    print(f"arrows: {len(found)} (at most {ARROWS})")
    print(f"arrows that point up: {len(wrong)} (0)", *wrong, sep="\n  ")
    print(f"files in circles: {len(turning)} (0)", *turning, sep="\n  ")
    if "--arrows" in sys.argv:
        print(*(f"{a} -> {b}" for a, b in sorted(found)), sep="\n")
    return int(len(rooms) > ROOMS or len(loose) > LOOSE or len(found) > ARROWS or bool(wrong or turning))


if __name__ == "__main__":
    sys.exit(main())
