"""Lookup of classes named in a config: registered by a package (entry point), or given directly
("my_file.py:MySolver").

physent's own solvers and diagnostics are registered through the same entry-point groups as anybody
else's.
"""

import ast
import contextlib
import functools
import importlib
import importlib.util
import sys
import warnings
from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from physent.errors import CheckoutError, RegistryError, nearest
from physent.protocol.moved import KINDS, warn, with_kinds
from physent.protocol.sources import Modules, Source, of_module, permit, source_for, source_of

Family = Literal["solvers", "diagnostics"]
GROUPS: dict[Family, str] = {"solvers": "physent.solvers", "diagnostics": "physent.diagnostics"}


@functools.cache
def registered(family: Family) -> dict[str, EntryPoint]:
    """The entry points of a family by name; of two with the same name the first is kept, with a
    warning.
    """
    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=GROUPS[family]):
        kept = found.setdefault(point.name, point).value
        if kept != point.value:
            warnings.warn(
                f"{family}: {point.value} is hidden by {kept}: both are called {point.name!r}",
                stacklevel=2,
            )
    return dict(sorted(found.items()))


def available(family: Family) -> dict[str, type]:
    """Every class of a family that can be loaded; a broken plugin is skipped with a warning."""
    classes: dict[str, type] = {}
    missing: dict[str, None] = {}
    for name in registered(family):
        try:
            classes[name] = find(family, name)
        except (RegistryError, CheckoutError) as error:
            missing.setdefault(str(error))
    for words in missing:
        warnings.warn(words, stacklevel=2)
    return classes


def summaries(family: Family) -> dict[str, str]:
    """The first docstring paragraph of every class of a family, by name.

    It is read from the source; a class that is not found there is loaded, and where that fails
    there is a warning.
    """
    found = {name: _summary(point) for name, point in registered(family).items()}
    if None in found.values():
        found |= {name: summary(cls) for name, cls in available(family).items()}
    return {name: words for name, words in found.items() if words is not None}


def summary(cls: type) -> str:
    """The first paragraph of a class's docstring, as one line."""
    return _paragraph(cls.__doc__)


def _summary(point: EntryPoint) -> str | None:
    try:
        spec = importlib.util.find_spec(point.module)
    except (ImportError, ValueError):
        return None
    if spec is None or spec.origin is None:
        return None
    origin = Path(spec.origin)
    files = sorted(origin.parent.glob("*.py")) if spec.submodule_search_locations else [origin]
    for file in files:
        source = file.read_text(encoding="utf-8")
        if f"class {point.attr}(" in source:
            for node in ast.parse(source).body:
                if isinstance(node, ast.ClassDef) and node.name == point.attr:
                    return _paragraph(ast.get_docstring(node))
    return None


def _paragraph(docstring: str | None) -> str:
    return " ".join((docstring or "").strip().split("\n\n")[0].split())


def current(family: Family, kind: str) -> str:
    """The current name of a kind; a registered name takes precedence over its former meaning."""
    return kind if ":" in kind or kind in registered(family) else KINDS[family].get(kind, kind)


def current_kinds(experiment: Mapping[str, Any]) -> dict[str, Any]:
    """The data of an experiment with the current names of every solver and diagnostic."""
    return with_kinds(experiment, current)


def find(family: Family, kind: str, folder: Path | None = None) -> type:
    """The class named by `kind`; files are looked up in `folder` first.

    Raises RegistryError, with the nearest name, and CheckoutError where physent itself is not
    whole.
    """
    if ":" in kind:
        return from_place(kind, folder)
    points = registered(family)
    if (now := current(family, kind)) != kind:
        warn(f"the kind {kind!r} is now called {now!r}")
        kind = now
    if kind not in points and kind in KINDS[family].values():
        raise RegistryError(
            f"{kind!r} is not registered: the installed package is older than this source (pip "
            "install -e .)"
        )
    if kind not in points:
        raise RegistryError(
            f"unknown kind {kind!r}{nearest(kind, points)} (allowed: {', '.join(points)}, or "
            "'path.py:Class')"
        )
    try:
        return points[kind].load()
    except CheckoutError:
        raise
    except Exception as error:
        package = getattr(points[kind].dist, "name", "an unknown package")
        raise RegistryError(
            f"{kind!r} ({points[kind].value} of {package}) cannot be loaded: {error!r}"
        ) from error


def from_place(
    kind: str, folder: Path | None = None, sort: Literal["class", "function"] = "class"
) -> Any:
    """The class or function named by 'path.py:name' or 'module:name', whose code is run for it
    where it may (`physent.protocol.sources`). Raises RegistryError if there is none; `sort` says
    what is meant.
    """
    place, _, name = kind.rpartition(":")
    if "<" in name:
        words = f"{kind} has no name by which it is found: go on with it in Python, "
        raise RegistryError(f"{words}physent.run(solver, state=FOLDER)")
    try:
        source = source_at(place, folder)
        if place != "__main__":
            permit(source)
        if isinstance(source, Source) and (place.endswith(".py") or not _importable(place, source)):
            module = _module_of(source)
        else:
            module = importlib.import_module(place)
    except (RegistryError, CheckoutError):
        raise
    except Exception as error:
        raise RegistryError(f"{place} cannot be loaded: {error!r}") from error
    try:
        return getattr(module, name)
    except AttributeError:
        there = {key: value for key, value in vars(module).items() if callable(value)}
        alike = [k for k, each in there.items() if isinstance(each, type) == (sort == "class")]
        words = f"{place} has no {sort} {name!r}{nearest(name, alike)}"
        if place == "__main__":
            words = f"{name!r} was defined in a notebook: resume it from there, in Python"
        raise RegistryError(words) from None


def source_at(place: str, folder: Path | None = None) -> Source | str:
    """The source at a place, or the name of an installed module; nothing is run for it. Raises
    RegistryError where there is none.
    """
    live: Source | str | None = None
    if place.endswith(".py"):
        path = file_of(place, folder)
        live, words = path and source_of(path), f"there is no file {place} (looked in "
        words += f"{folder or Path.cwd()})"
    else:
        if not all(part.isidentifier() for part in place.split(".")):
            raise RegistryError(f"given {place!r}, allowed: a file of Python, or a module")
        words = f"{place} cannot be loaded: there is no module of this name"
        with contextlib.suppress(RegistryError):
            live = of_module(place)
    found = source_for(place, live)
    if found is None:
        raise RegistryError(words)
    return found


def _importable(place: str, source: Source) -> bool:
    """Whether a module's name leads to this source, and not to the copy of a run folder."""
    with contextlib.suppress(RegistryError):
        found = of_module(place)
        return isinstance(found, Source) and found.path == source.path
    return False


def source_run(place: str) -> Source | str:
    """The source of what is in use of a place: as it was run, or else as it is now."""
    found = source_at(place)
    if isinstance(found, Source) and found.path in _executed:
        return _executed[found.path][0]
    return found


def loaded(family: Family, kind: str) -> type:
    """Like `find`, but executes no file: a class by its place only where it is loaded already."""
    place, colon, name = kind.rpartition(":")
    if not colon:
        return find(family, kind)
    for module in list(sys.modules.values()):
        there = getattr(module, "__dict__", {})
        if module is sys.modules.get(place) or str(there.get("__file__")).endswith(place):
            cls = there.get(name)
            if isinstance(cls, type) and place_of(cls) == kind:
                return cls
    raise RegistryError(
        f"it is of {kind}, code that is not loaded, and a score is no reason to run it: look at it "
        "and import it first, or use the score with an experiment that names it"
    )


def place_of(cls: type) -> str:
    """A kind that locates a class: by file for classes of a script or a file beside it, by module
    for others.
    """
    return f"{home_of(cls.__module__)}:{cls.__qualname__}"


def home_of(module: str) -> str:
    """The file of a script, or of a module beside it; of others the name."""
    file = getattr(sys.modules.get(module), "__file__", None)
    alone = (
        "." not in module
        and file is not None
        and not {"site-packages", "lib"} & set(Path(file).parts)
    )
    if file and (alone or module == "__main__" or module.startswith("physent_file_")):
        return str(Path(file).resolve())
    return module


def file_of(place: str, folder: Path | None) -> Path | None:
    """The file at `place` in `folder`, or else in the working directory; None if neither has it."""
    roots = [root for root in (folder, Path.cwd()) if root is not None]
    return next(((root / place).resolve() for root in roots if (root / place).is_file()), None)


def lasting(kind: str, folder: Path | None) -> str:
    """A kind that keeps its meaning in another folder."""
    file, _, cls = kind.rpartition(":")
    path = file_of(file, folder) if file.endswith(".py") else None
    return kind if path is None else f"{path}:{cls}"


_executed: dict[Path, tuple[Source, ModuleType]] = {}  # by file, what was run of it last


def _module_of(source: Source) -> ModuleType:
    """The module of a source file, run once for each content; it imports from its own folder
    first, as a script does.
    """
    path = source.path
    if path in _executed and _executed[path][0].digest == source.digest:
        return _executed[path][1]
    # the full path is in the name, so that two files called my_solver.py do not become one module
    name = "physent_file_" + "_".join(path.with_suffix("").parts[1:]).replace(".", "_")
    if path in _executed:
        name = f"{name}_{source.digest[:8]}"
    module = Modules(source, name).main()
    _executed[path] = source, module
    return module
