"""What a file of Python imports and names, found without running it, and whether the modules of
this process are what their files hold still.
"""

import ast
import contextlib
import hashlib
import importlib.util
import os
import sys
import sysconfig
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

STARTED = time.time()
INSTALLED = tuple(
    sysconfig.get_paths()[name] + os.sep for name in ("stdlib", "platstdlib", "purelib")
)
ALONE, ATTEMPTS = threading.Lock(), 20
IMPORTING = ("import_module", "__import__")
# what a file may name without that its physics depends on it: experiments, pictures, pages, logs
NO_DATA = {".toml", ".png", ".svg", ".pdf", ".html", ".webp", ".mp4", ".log", ".md", ".rst"}
MOST_DATA = 2**28  # bytes of a file that are looked at


def is_installed(origin: str) -> bool:
    """Whether a file is of the standard library or of an installed package."""
    return origin.startswith(INSTALLED) or bool(
        {"site-packages", "dist-packages"} & set(Path(origin).parts)
    )


def parsed(content: bytes) -> ast.Module | None:
    """The syntax of a file; None where it has none, which it says itself when it is run."""
    for _ in range(ATTEMPTS):
        try:
            with ALONE:
                return ast.parse(content)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
        except SystemError:  # of Python 3.11, where another thread parses as well (its 106905)
            time.sleep(0.01)
    return None


def imported(tree: ast.Module, file: Path, root: Path, beyond: bool) -> Iterator[tuple[Path, Path]]:
    """The files that a file in `root` imports, each with its root: those in `root` first, and, if
    `beyond`, those elsewhere on Python's path that are not installed.
    """
    for node in ast.walk(tree):
        star, base = False, root
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            stem = f"{node.module}." if node.module else ""
            names = [stem.rstrip("."), *(stem + alias.name for alias in node.names)]
            if node.level > len(file.parents):
                continue
            base = file.parents[node.level - 1] if node.level else root
            if star := any(alias.name == "*" for alias in node.names):  # whatever __all__ may name
                names = [stem.rstrip(".")]
        elif isinstance(node, ast.Call) and (name := _imports(node)):
            names = [name]
        else:
            continue
        if base != root and root not in base.parents:
            continue
        absolute = not getattr(node, "level", 0)
        for name in names:
            if absolute and name.partition(".")[0] == "physent":
                continue
            found = list(_files(base, name, star))
            if not found and absolute and beyond and (other := _elsewhere(name)) is not None:
                yield from ((each, other) for each in _files(other, name, star))
            yield from ((each, root) for each in found)


def _imports(call: ast.Call) -> str | None:
    """The module that a call such as import_module("name") imports."""
    name = getattr(call.func, "attr", getattr(call.func, "id", None))
    first = call.args[0] if call.args else None
    if name in IMPORTING and isinstance(first, ast.Constant) and isinstance(first.value, str):
        return first.value
    return None


def _files(base: Path, name: str, star: bool) -> Iterator[Path]:
    """The files of a module below a folder, and of the packages that it is in."""
    parts = name.split(".") if name else []
    for depth in range(1, 1 + len(parts)):
        place = base.joinpath(*parts[:depth])
        with contextlib.suppress(ValueError, OSError):  # of names that no file has
            yield from filter(Path.is_file, (place.with_suffix(".py"), place / "__init__.py"))
    if star:
        yield from sorted(base.joinpath(*parts).glob("*.py"))


def _elsewhere(name: str) -> Path | None:
    """The folder on Python's path that a module of somebody's own lies in; None for others."""
    top = name.partition(".")[0]
    if not top or top in sys.stdlib_module_names or top in sys.builtin_module_names:
        return None
    with contextlib.suppress(ImportError, ValueError, AttributeError):
        found = importlib.util.find_spec(top)
        if found is None:
            return None
        places = list(found.submodule_search_locations or ())
        origin = found.origin or "".join(f"{place}/__init__.py" for place in places[:1])
        if origin.endswith(".py") and not is_installed(origin):
            first = Path(origin).resolve()
            return first.parents[1] if places else first.parent
    return None


def named_data(tree: ast.Module, file: Path, known: Mapping[str, Any]) -> dict[str, str]:
    """The digests of files that lie beside a file, or a folder above, and whose names it has as a
    text, as in `Path(__file__).parent / "data" / "table.csv"`: those that it may read.
    """
    found: dict[str, str] = {}
    for words in {_named(node) for node in ast.walk(tree)} - {""}:
        for base in (file.parent, file.parent.parent):
            with contextlib.suppress(OSError, ValueError):
                path = (base / words).resolve()
                size = path.stat().st_size if path.is_file() else MOST_DATA + 1
                modules = path.suffix in (".py", ".pyc") and path.name in map(_last, known)
                if size > MOST_DATA or path.suffix in NO_DATA or modules or _of_a_run(path):
                    continue
                with open(path, "rb") as content:
                    digest = hashlib.file_digest(content, "sha256").hexdigest()
                found[os.path.relpath(path, file.parent)] = digest
                break
    return found


def _last(name: str) -> str:
    return name.rpartition("/")[2]


def _of_a_run(path: Path) -> bool:
    return any((folder / "run.nc").exists() for folder in (path.parent, path.parent.parent))


def _named(node: ast.AST) -> str:
    """The relative path that an expression ends with; "" for none."""
    parts: list[Any] = []
    if isinstance(node, ast.Constant):
        parts = [node.value]
    elif isinstance(node, ast.Call):  # os.path.join(folder, "data", "table.csv")
        parts = [each.value for each in node.args if isinstance(each, ast.Constant)]
    while isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        parts = [node.right.value, *parts] if isinstance(node.right, ast.Constant) else []
        node = node.left
    if not parts or not all(isinstance(part, str) for part in parts):
        return ""
    words = "/".join(parts)
    plain = 0 < len(words) < 256 and words.isprintable() and not words.startswith(("/", "~"))
    return words if plain else ""


def edited_since(files: Mapping[Path, bytes]) -> list[Path]:
    """Those of some files that were edited after this process had imported them, so that what runs
    is in no file any more.
    """
    found = []
    for module in list(sys.modules.values()):
        place = getattr(module, "__dict__", {}).get("__file__")
        if not place or module.__name__.startswith("physent_file_"):
            continue
        path = Path(os.path.realpath(place))
        with contextlib.suppress(OSError, SyntaxError, ValueError, RecursionError):
            late = path in files and path not in found and path.stat().st_mtime > STARTED
            if late and not _holds(compile(files[path], place, "exec"), files[path], module, place):
                found.append(path)
    return found


def _holds(code: CodeType, content: bytes, module: ModuleType, place: str) -> bool:
    """Whether the functions and the plain constants of a module are those of its file."""
    codes, waiting = set(), [code]
    while waiting:
        each = waiting.pop()
        codes.add(each)
        waiting += [const for const in each.co_consts if isinstance(const, CodeType)]
    things = list(vars(module).values())
    things += [part for thing in things if isinstance(thing, type) for part in vars(thing).values()]
    for thing in things:
        thing = getattr(thing, "__func__", getattr(thing, "__wrapped__", thing))
        own = getattr(getattr(thing, "method", thing), "__code__", None)
        if isinstance(own, CodeType) and own.co_filename == place and own not in codes:
            return False
    tree = parsed(content)
    for node in tree.body if tree else ():
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            with contextlib.suppress(ValueError, TypeError):
                value, there = ast.literal_eval(node.value), vars(module).get(node.targets[0].id)
                plain = type(value) is type(there) and isinstance(value, int | float | str | tuple)
                if plain and value != there and value == value:
                    return False
    return True
