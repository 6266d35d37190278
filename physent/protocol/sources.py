"""The source files that an experiment names, and whether they may run.

A file that the user names runs, and its digest goes into the user's own list. What a run folder
names runs only if that list has it, or if the user says so: a folder may be anybody's.
"""

import builtins
import contextlib
import hashlib
import importlib.util
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from physent.errors import RegistryError, warn_user
from physent.protocol.imports import imported, is_installed, named_data, parsed

MOST_FILES, MOST_BYTES = 5000, 2**26
KNOWN = "known_sources"
TRUST = "--trust, in Python trust=True"  # the end of every refusal of code


@dataclass(frozen=True)
class Source:
    """A source file and the local modules that it imports: the contents by name in `root`, and the
    digest of them all, which no place is part of.

    Those of `elsewhere` lie at other places on Python's path; `data` are the digests of other files
    that they name, which may be read.
    """

    path: Path
    root: Path
    files: Mapping[str, bytes] = field(repr=False)
    digest: str
    elsewhere: Mapping[str, Path] = field(default_factory=dict)
    data: Mapping[str, str] = field(default_factory=dict)

    @property
    def places(self) -> dict[Path, bytes]:
        """The contents by the files that have them."""
        return {self.elsewhere.get(n, self.root / n): content for n, content in self.files.items()}

    @property
    def label(self) -> str:
        """The name of a folder for it."""
        return f"{self.path.stem}-{self.digest[:8]}"


def source_of(path: Path, root: Path | None = None, beyond: bool = True) -> Source:
    """A file of Python with what it imports from its own folder, or from that of its package, and,
    if `beyond`, from elsewhere on Python's path but for what is installed.

    Raises RegistryError for what cannot be read, or is too much.
    """
    path = path.resolve()
    root = path.parent if root is None else root.resolve()
    if root not in path.parents:
        raise RegistryError(f"{path} is not in {root}")
    packages = [path.parents[k] for k in range(len(path.relative_to(root).parts) - 1)]
    waiting = [(path, root)]
    waiting += [(file, root) for each in packages if (file := each / "__init__.py").is_file()]
    found, elsewhere, data = dict[str, bytes](), dict[str, Path](), dict[str, str]()
    while waiting:
        file, base = waiting.pop()
        name = file.relative_to(base).as_posix()
        if name in found:
            continue
        found[name] = _content(file)
        if base != root:
            elsewhere[name] = file
        if len(found) > MOST_FILES or sum(map(len, found.values())) > MOST_BYTES:
            raise RegistryError(f"{path} imports too much from its own folder to keep a copy of it")
        if (tree := parsed(found[name])) is not None:
            waiting += imported(tree, file, base, beyond)
            data |= named_data(tree, file, found)
    return Source(path, root, found, digest_of_files(found), elsewhere, data)


def _content(file: Path) -> bytes:
    try:
        if file.exists() and not file.is_file():
            raise RegistryError(f"{file} is no file that can be read")
        return file.read_bytes()
    except OSError as error:
        raise RegistryError(f"{file} cannot be read: {error.strerror}") from None


def digest_of_files(files: Mapping[str, bytes]) -> str:
    """The digest of files by their names and contents."""
    each = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    return hashlib.sha256(json.dumps(each, sort_keys=True).encode()).hexdigest()


def digest_of_copy(place: Path) -> str | None:
    """The digest of the files in a folder of copies; None where it holds anything else."""
    files: dict[str, bytes] = {}
    if place.is_symlink() or not place.is_dir():
        return None
    for path in sorted(place.rglob("*")):
        if path.is_symlink() or not (path.is_dir() or path.is_file()):
            return None
        if path.is_file():
            left = MOST_BYTES - sum(map(len, files.values()))
            if len(files) >= MOST_FILES or path.stat().st_size > left:
                return None
            files[path.relative_to(place).as_posix()] = path.read_bytes()
    return digest_of_files(files)


def is_whole_copy(place: Path) -> bool:
    """Whether a folder is a copy of sources with nothing else in it."""
    try:
        digest = digest_of_copy(place)
    except OSError:
        return False
    return digest is not None and place.name.endswith(f"-{digest[:8]}")


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
    places = getattr(found, "submodule_search_locations", None) or getattr(found, "__path__", None)
    origin = getattr(found, "origin", None) or getattr(found, "__file__", None)
    if origin is None and places:  # a folder without an __init__.py
        origin = str(Path(next(iter(places))) / "__init__.py")
    if origin is None or not origin.endswith(".py") or is_installed(origin):
        return top
    first = Path(origin).resolve()
    root = first.parents[1] if places else first.parent
    place = root.joinpath(*name.split("."))
    files = (place.with_suffix(".py"), place / "__init__.py", first)
    file = next((file for file in files if file.is_file()), None)
    if file is None:
        raise RegistryError(f"{name} cannot be loaded: there is no file {place.with_suffix('.py')}")
    return source_of(file, root)


class Modules:
    """The modules of a source, apart from those of any other that have the same names: what its
    files import, at any time, is first looked up among them.

    They are made of the contents that were read, under names of their own in `sys.modules`; no
    compiled file, and nothing else that lies in the folder, is executed.
    """

    def __init__(self, source: Source, name: str):
        self.source, self.name = source, name
        self.builtins = vars(builtins) | {"__import__": self._import}

    def main(self) -> ModuleType:
        """The module of the file itself. What was made for one that cannot be run is forgotten."""
        file = self.source.path.relative_to(self.source.root).as_posix()
        name = file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        try:
            module = self._own(name) if "/" in file else self._made(self.name, file)
        except BaseException:
            for each in [key for key in sys.modules if key.startswith(f"{self.name}.")]:
                del sys.modules[each]
            raise
        assert module is not None
        return module

    def _made(self, name: str, file: str | None, folder: str | None = None) -> ModuleType:
        module = ModuleType(name)
        module.__dict__["__builtins__"] = self.builtins
        path = str(self.source.root / (file or folder or ""))
        if folder is not None:
            module.__path__, module.__package__ = [str(self.source.root / folder)], name
        else:
            module.__package__ = name.rpartition(".")[0]
        sys.modules[name] = module  # annotations are resolved through it
        if file is None:
            return module
        module.__file__ = path
        try:
            exec(compile(self.source.files[file], path, "exec"), vars(module))
        except BaseException:
            sys.modules.pop(name, None)
            raise
        return module

    def _own(self, name: str) -> ModuleType | None:
        """The module of the source with a name; None if it has none."""
        full = f"{self.name}.{name}"
        if full in sys.modules:
            return sys.modules[full]
        parent, _, last = name.rpartition(".")
        above = self._own(parent) if parent else None
        place, there = name.replace(".", "/"), self.source.elsewhere
        if f"{place}.py" in there or f"{place}/__init__.py" in there:  # Python finds it
            return None
        if f"{place}/__init__.py" in self.source.files:
            module = self._made(full, f"{place}/__init__.py", place)
        elif f"{place}.py" in self.source.files:
            module = self._made(full, f"{place}.py")
        elif any(f.startswith(f"{place}/") and f not in there for f in self.source.files):
            module = self._made(full, None, place)
        else:
            return None
        if above is not None:
            setattr(above, last, module)
        return module

    def _import(
        self,
        name: str,
        globals: Mapping[str, Any] | None = None,
        locals: Mapping[str, Any] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        """Import as Python does."""
        package = str((globals or {}).get("__package__") or "")
        inside = package == self.name or package.startswith(f"{self.name}.")
        if level and not inside:
            return __import__(name, globals, locals, fromlist or (), level)
        full = name
        if level:
            parts = package.removeprefix(self.name).strip(".").split(".")
            if level > len(parts) or not parts[0]:
                raise ImportError("attempted relative import beyond top-level package")
            full = ".".join(filter(None, [*parts[: len(parts) - level + 1], name]))
        module = self._own(full)
        if module is None and level:
            raise ModuleNotFoundError(f"No module named {full!r}", name=full)
        if module is None:
            return __import__(name, globals, locals, fromlist or (), 0)
        if not fromlist:
            top = self._own(full.partition(".")[0])
            return module if top is None else top
        names = getattr(module, "__all__", ()) if "*" in fromlist else fromlist
        for each in names if hasattr(module, "__path__") else ():
            if not hasattr(module, each):
                self._own(f"{full}.{each}")
        return module


# ---- the user's own list -------------------------------------------------------------------------


def list_of_known() -> Path | None:
    """The file with the digests of sources that this user has run; None without a home."""
    state = os.environ.get("XDG_STATE_HOME")
    own = bool(state) and Path(str(state)).is_absolute()  # a relative one is to be ignored
    try:
        return (Path(str(state)) if own else Path.home() / ".local" / "state") / "physent" / KNOWN
    except RuntimeError:
        return None


def is_known(digest: str) -> bool:
    """Whether this user has run a source before."""
    place = list_of_known()
    with contextlib.suppress(OSError, UnicodeDecodeError):
        return place is not None and digest in place.read_text(encoding="utf-8").split()
    return False


def remember(digest: str) -> str:
    """Put a digest into the user's list; in words why that could not be done, "" where it was."""
    place = list_of_known()
    if place is None:
        return "there is no home for the list of known code"
    if is_known(digest):
        return ""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with open(place, "a", encoding="utf-8") as file:  # one write, which no other tears
            file.write(f"{digest}\n")
    except OSError as error:
        return f"{place} cannot be written: {error.strerror}"
    return ""


# ---- who may run ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Recorded:
    """The sources of a run folder: by the place that its experiment names, the `digest` and the
    `copy` of each in it, and whether the user trusts them all.
    """

    folder: Path
    sources: Mapping[str, Any]
    trust: bool = False

    def source_for(self, place: str, live: Source | str | None) -> Source | str | None:
        """The source to run for a place at which `live` is found now, if anything is: that, if it
        is what the run began with, or trusted; the folder's copy if there is nothing else.

        Raises RegistryError for one that was changed since the run began.
        """
        noted = self.sources.get(place)
        if noted is None or (live is not None and self.trust):
            return live
        copy = self.folder / str(noted["copy"])
        if live is None:
            root = self.folder.joinpath(*Path(str(noted["copy"])).parts[:2])
            found = source_of(copy, root, beyond=False)
            if found.digest != noted["digest"] and not self.trust:
                raise RegistryError(f"{copy} is not as it was written: its digest is another")
            return found
        if not isinstance(live, Source) or live.digest != noted["digest"]:
            raise RegistryError(
                f"{place} was changed since the run began, whose copy is {copy}: put that back, or "
                f"go on with the changed one by {TRUST}"
            )
        changed = [n for n, digest in noted.get("data", {}).items() if live.data.get(n) != digest]
        if changed:
            warn_user(
                f"{', '.join(changed)}, which {live.path.name} names, is not as it was when the "
                "run began: what it computes may be another thing now"
            )
        return live


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


def of_folder() -> Recorded | None:
    """The run folder that names code here, if one does."""
    return _recorded.get()


def source_for(place: str, live: Source | str | None) -> Source | str | None:
    """The source to run for a place at which `live` is found now, if anything is."""
    here = _recorded.get()
    return live if here is None else here.source_for(place, live)


def permit(source: Source | str) -> None:
    """Let a source, or an installed module, run if the user has named it, or a run folder that is
    trusted, or if it is known. Raises RegistryError if not.
    """
    here = _recorded.get()
    if here is not None and not here.trust and not is_known(_digest(source)):
        name = source if isinstance(source, str) else source.path
        raise RegistryError(
            f"{name} is code that you have not run before, named by {here.folder}: read it, then "
            f"say {TRUST}"
        )


def keep(sources: Iterable[Source | str]) -> None:
    """Remember the sources of a run that begins, if it is the user who has named them."""
    if _recorded.get() is not None:
        return
    for words in sorted({remember(_digest(source)) for source in sources} - {""}):
        warn_user(f"{words}, so this run goes on by physent resume --trust only")


def _digest(source: Source | str) -> str:
    if isinstance(source, Source):
        return source.digest
    return hashlib.sha256(f"module {source}".encode()).hexdigest()
