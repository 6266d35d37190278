"""The source files that an experiment names, and whether they may run.

A file that the user names runs, and its digest goes into the user's own list. What a run folder
names runs only if that list has it, or if the user says so: a folder may be anybody's.
"""

import ast
import contextlib
import hashlib
import importlib.util
import json
import os
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

from physent.errors import RegistryError

INSTALLED = tuple(sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib", "purelib"))
MOST_FILES, MOST_BYTES = 5000, 2**26
KNOWN = "known_sources"


@dataclass(frozen=True)
class Source:
    """A source file and the local modules that it imports: the contents by name in `root`, and the
    digest of them all, which no place is part of.
    """

    path: Path
    root: Path
    files: Mapping[str, bytes] = field(repr=False)
    digest: str

    @property
    def label(self) -> str:
        """The name of a folder for it."""
        return f"{self.path.stem}-{self.digest[:8]}"


def source_of(path: Path, root: Path | None = None) -> Source:
    """A file of Python with what it imports from its own folder, or from that of its package.

    Raises RegistryError for what cannot be read, or is too much.
    """
    path = path.resolve()
    root = path.parent if root is None else root.resolve()
    waiting, found = [path], dict[str, bytes]()
    while waiting:
        file = waiting.pop()
        name = file.relative_to(root).as_posix()
        if name in found:
            continue
        try:
            found[name] = file.read_bytes()
        except OSError as error:
            raise RegistryError(f"{file} cannot be read: {error.strerror}") from None
        if len(found) > MOST_FILES or sum(map(len, found.values())) > MOST_BYTES:
            raise RegistryError(f"{path} imports too much from its own folder to keep a copy of it")
        waiting += _imported(found[name], file, root)
    return Source(path, root, found, digest_of_files(found))


def digest_of_files(files: Mapping[str, bytes]) -> str:
    """The digest of files by their names and contents."""
    each = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    return hashlib.sha256(json.dumps(each, sort_keys=True).encode()).hexdigest()


def _imported(content: bytes, file: Path, root: Path) -> Iterator[Path]:
    """The files in `root` that a file imports."""
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError):  # it says so itself, when it is run
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names, base = [alias.name for alias in node.names], root
        elif isinstance(node, ast.ImportFrom):
            stem = f"{node.module}." if node.module else ""
            names = [stem.rstrip("."), *(stem + alias.name for alias in node.names)]
            base = file.parents[node.level - 1] if node.level else root
        else:
            continue
        if base != root and root not in base.parents:
            continue
        for name in filter(None, names):
            parts = name.split(".")
            if base == root and parts[0] == "physent":
                continue
            for depth in range(1, 1 + len(parts)):
                place = base.joinpath(*parts[:depth])
                for each in (place.with_suffix(".py"), place / "__init__.py"):
                    if each.is_file() and each.resolve().is_relative_to(root):
                        yield each


def of_module(name: str) -> Source | str:
    """The source of a module, found without running it; of an installed one its name instead.

    Raises RegistryError where there is none.
    """
    top = name.partition(".")[0]
    try:
        found = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        found = sys.modules.get(top)
    if found is None:
        raise RegistryError(f"{name} cannot be loaded: there is no module {top!r}")
    origin = getattr(found, "origin", None) or getattr(found, "__file__", None)
    if origin is None or not origin.endswith(".py") or origin.startswith(INSTALLED):
        return top
    first = Path(origin).resolve()
    root = first.parents[1] if first.name == "__init__.py" else first.parent
    place = root.joinpath(*name.split("."))
    files = (place.with_suffix(".py"), place / "__init__.py", first)
    return source_of(next(file for file in files if file.is_file()), root)


class Finder:
    """Finds the modules of a source by their names in its folder, and makes them of the contents
    that were read: no compiled file, and nothing else that lies there, is executed.
    """

    def __init__(self, source: Source):
        self.source = source

    def file_of(self, module: str) -> str | None:
        """The name of the file of a module; None if the source has none."""
        stem = module.replace(".", "/")
        names = f"{stem}/__init__.py", f"{stem}.py"
        return next((name for name in names if name in self.source.files), None)

    def find_spec(self, module: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """The place of a module, as importlib asks for it."""
        name, place = self.file_of(module), self.source.root.joinpath(*module.split("."))
        if name is not None:
            within = [str(place)] if name.endswith("/__init__.py") else None
            file = self.source.root / name
            return importlib.util.spec_from_file_location(
                module, file, loader=_Loader(self.source, name), submodule_search_locations=within
            )
        if any(each.startswith(f"{module.replace('.', '/')}/") for each in self.source.files):
            spec = ModuleSpec(module, None, is_package=True)  # a folder without an __init__.py
            spec.submodule_search_locations = [str(place)]
            return spec
        return None


class _Loader(Loader):
    def __init__(self, source: Source, name: str):
        self.source, self.name = source, name

    def exec_module(self, module: ModuleType) -> None:
        """Run the file in a module."""
        path = str(self.source.root / self.name)
        exec(compile(self.source.files[self.name], path, "exec"), vars(module))


# ---- the user's own list -------------------------------------------------------------------------


def list_of_known() -> Path | None:
    """The file with the digests of sources that this user has run; None without a home."""
    state = os.environ.get("XDG_STATE_HOME")
    try:
        return (Path(state) if state else Path.home() / ".local" / "state") / "physent" / KNOWN
    except RuntimeError:
        return None


def is_known(digest: str) -> bool:
    """Whether this user has run a source before."""
    place = list_of_known()
    with contextlib.suppress(OSError, UnicodeDecodeError):
        return place is not None and digest in place.read_text(encoding="utf-8").split()
    return False


def remember(digest: str) -> None:
    """Put a digest into the user's list; where there is no place for it, that stays undone."""
    place = list_of_known()
    if place is None or is_known(digest):
        return
    with contextlib.suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        with open(place, "a", encoding="utf-8") as file:  # one write, which no other tears
            file.write(f"{digest}\n")


# ---- who may run ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Recorded:
    """The sources of a run folder: by the place that its experiment names, the `digest` and the
    `copy` of each in it, and whether the user trusts them all.
    """

    folder: Path
    sources: Mapping[str, Any]
    trust: bool = False

    def file_for(self, place: str, path: Path | None) -> Path | None:
        """The file to run for a place: what is there, or the folder's copy if nothing is.

        Raises RegistryError for one that was changed since the run began.
        """
        noted = self.sources.get(place)
        if noted is None:
            return path
        copy = self.folder / str(noted["copy"])
        if path is None:
            return copy if copy.is_file() else None
        if not self.trust and source_of(path).digest != noted["digest"]:
            raise RegistryError(
                f"{place} was changed since the run began, whose copy is {copy}: put that back, or "
                "go on with the changed one by --trust, in Python trust=True"
            )
        return path


_recorded: ContextVar[Recorded | None] = ContextVar("recorded", default=None)


@contextlib.contextmanager
def recorded(sources: Recorded) -> Iterator[None]:
    """A context manager in which code is named by a run folder, not by the user."""
    token = _recorded.set(sources)
    try:
        yield
    finally:
        _recorded.reset(token)


def is_recorded() -> bool:
    """Whether code is named by a run folder here."""
    return _recorded.get() is not None


def file_for(place: str, path: Path | None) -> Path | None:
    """The file to run for a place at which `path` was found, if anything was."""
    here = _recorded.get()
    return path if here is None else here.file_for(place, path)


def permit(source: Source | str) -> None:
    """Let a source, or an installed module, run if the user has named it, or a run folder that is
    trusted, or if it is known. Raises RegistryError if not.
    """
    here = _recorded.get()
    name = source if isinstance(source, str) else source.path
    digest = (
        hashlib.sha256(f"module {source}".encode()).hexdigest()
        if isinstance(source, str)
        else source.digest
    )
    if here is None:
        remember(digest)
    elif not here.trust and not is_known(digest):
        raise RegistryError(
            f"{name} is code that you have not run before, named by {here.folder}: read it, then "
            "say --trust to resume, score or verify, in Python trust=True"
        )
