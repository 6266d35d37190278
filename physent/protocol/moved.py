"""Old names that are accepted for one release, with a warning: import paths, keywords, kinds in experiment files.

To take a name out of service, delete its line here. An import finder looks the paths up. Where kinds come in, from a
file (`registry`, `experiment.recorded`, `data.catalogue`) or in a hash (`io.folder`), they are called as now.
"""

import contextlib
import functools
import importlib
import importlib.abc
import importlib.machinery
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

# Where the names of a module that is gone are now.
PATHS: dict[str, tuple[str, ...]] = {
    "accessor": ("data.accessor",),
    "cadence": ("engine.cadence",),
    "catalogue": ("data.catalogue",),
    "cli": ("app.cli",),
    "collection": ("data.open_runs",),
    "commands": ("app.running", "app.reading", "app.describing"),
    "config": (
        "experiment.building", "experiment.experiment", "experiment.making", "experiment.parsing",
        "experiment.settings", "errors",
    ),
    "console": ("app.console",),
    "demo": ("app.demo",),
    "devices": ("engine.devices",),
    "diagnostic": ("protocol.diagnostic",),
    "diagnostics.learned": ("score.streaming",),
    "diagnostics.maps": ("diagnostics.boxes",),
    "diagnostics.schooling": ("diagnostics.schools",),
    "doctor": ("app.doctor",),
    "entropy.complexity": ("entropy.discrete.complexity",),
    "entropy.counting": ("entropy.discrete.counting",),
    "entropy.differential": ("entropy.continuous.nearest_neighbour",),
    "entropy.directions": ("entropy.schools.directions",),
    "entropy.dispersion": ("entropy.outcomes.dispersion",),
    "entropy.estimators": ("entropy.discrete.estimators",),
    "entropy.fields": ("entropy.outcomes.fields",),
    "entropy.grassberger": ("entropy.discrete.grassberger",),
    "entropy.grid": ("entropy.continuous.grid",),
    "entropy.histogram": ("entropy.outcomes.histogram",),
    "entropy.ksg": ("entropy.continuous.ksg",),
    "entropy.measures": ("entropy.discrete.measures",),
    "entropy.nearest": ("entropy.continuous.distances",),
    "entropy.ordinal": ("entropy.outcomes.ordinal",),
    "entropy.outcome_space": ("entropy.outcomes.space", "entropy.discrete.counting"),
    "entropy.particles": ("entropy.outcomes.particles",),
    "entropy.power_sums": ("entropy.discrete.power_sums",),
    "entropy.school": ("entropy.schools.unbinned",),
    "entropy.schooling": ("entropy.schools.dewi_kadita",),
    "entropy.significance": ("entropy.surrogates",),
    "entropy.spacings": ("entropy.continuous.spacings",),
    "entropy.spatial_ordinal": ("entropy.outcomes.spatial_ordinal",),
    "entropy.tree": ("entropy.continuous.tree",),
    "entropy.uncertainty": ("entropy.error_bars",),
    "interrupts": ("engine.interrupts", "errors"),
    "offline": ("data.offline", "data.times"),
    "parameters": ("protocol.parameters", "errors"),
    "program": ("engine.program", "engine.plan", "engine.rows"),
    "progress": ("engine.progress",),
    "pure": ("engine.trajectory",),
    "recorded": ("experiment.recorded",),
    "registry": ("protocol.registry", "errors"),
    "report.reading": ("report.sorts",),
    "report.verdict": ("report.checks",),
    "schema": ("experiment.schema", "experiment.validation"),
    "score.learning": ("score.pipeline",),
    "score.local": ("learning.currents", "learning.derivatives", "score.verdict"),
    "score.losses": ("learning.losses",),
    "score.network": ("learning.model",),
    "score.networks": ("learning.networks",),
    "score.pairs": ("learning.pairs",),
    "score.perceptron": ("learning.perceptron",),
    "score.printing": ("app.learned",),
    "score.resolvent": ("learning.resolvent",),
    "score.settings": ("experiment.settings",),
    "score.slow_manifold": ("learning.slow_manifold",),
    "score.training": ("learning.training",),
    "score.transformer": ("learning.transformer",),
    "sde": ("engine.sde",),
    "solver": ("protocol.solver", "protocol.stochastic", "protocol.variables"),
    "spelling": ("errors",),
    "sweep.running": ("sweep.executors",),
    "terminal": ("app.terminal",),
    "toml_lines": ("experiment.toml_lines",),
}  # fmt: skip

# Names that left a module that is still there, or that are called otherwise now.
NAMES: dict[str, dict[str, str]] = {
    "accessor": {"TIME": "data.times.TIMES"},
    "diagnostics": {
        "LearnedEntropyProduction": "score.streaming.LearnedEntropyProduction",
        "SchoolingEntropy": "diagnostics.schools.SchoolDewiKadita",
    },
    "diagnostics.schooling": {"SchoolingEntropy": "diagnostics.schools.SchoolDewiKadita"},
    "engine": {
        "CHUNK_BYTES": "engine.loop.CHUNK_BYTES", "CHUNK_SECONDS": "engine.loop.CHUNK_SECONDS",
        "Outcome": "engine.loop.Outcome", "Progress": "engine.progress.Progress", "Run": "engine.loop.Loop",
        "RunError": "errors.RunError", "Sink": "engine.loop.Sink", "capacity_of": "engine.loop.capacity_of",
    },
    "entropy.discrete": {"entropy": "entropy.entropy.entropy"},
    "entropy.outcomes": {
        name: f"entropy.outcomes.kinds.{name}" for name in (
            "AmplitudeOrdinal", "Cells", "Counts", "Density", "Dispersion", "Headings", "Histogram", "OUTCOMES",
            "Ordinal", "OutcomeSpace", "SpatialOrdinal", "Spectrum", "WeightedOrdinal",
        )
    },
    "entropy.production": {"block_bootstrap": "entropy.error_bars.block_bootstrap"},
    "report.comparison": {"compare": "report.comparison.compare_runs"},
    "report.fields": {"maps": "report.fields.image"},
    "report.style": {"MAPS": "report.style.COLORMAPS"},
    "report.verdict": {"verdict": "report.checks.checks"},
    "runs": {"Report": "runs.Tell"},
    "score.samples": {name: f"learning.splits.{name}" for name in ("FEWEST_TRAJECTORIES", "Stream")},
    "score.training": {"Progress": "learning.training.TrainingProgress"},
    "io.netcdf": {"join_complex": "io.complex_fields.join_complex"},
    "sweep.points": {
        "Mode": "experiment.settings.Mode", "short_names": "experiment.recorded.short_names",
    },
}  # fmt: skip

# What a kind of a solver or a diagnostic is called now.
KINDS: dict[str, dict[str, str]] = {
    "solvers": {},
    "diagnostics": {"schooling_entropy": "school_dewi_kadita"},
}

_PACKAGE = "physent."
_OWN = (__file__, str(Path(__file__).parents[1] / "__init__.py"))
_PARENTS = {path.rpartition(".")[0] for path in PATHS} - {""}  # packages that once held these modules
_LINKS = ("physent.solvers", "physent.experiments")  # symbolic links in a checkout


def current_kind(family: str, kind: str) -> str:
    """What a kind of a family is called now; itself where it has not been renamed."""
    return KINDS[family].get(kind, kind)


def current_kinds(experiment: Mapping[str, Any]) -> dict[str, Any]:
    """The data of an experiment with every solver and diagnostic called as it is called now."""
    return _renamed(experiment, KINDS)


def former_kinds(experiment: Mapping[str, Any]) -> dict[str, Any]:
    """The data of an experiment as the release before this one would have called its solver and diagnostics."""
    return _renamed(experiment, {family: {new: old for old, new in kinds.items()} for family, kinds in KINDS.items()})


def _renamed(experiment: Mapping[str, Any], kinds: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    def entry(family: str, table: Any) -> Any:
        kind = table.get("kind") if isinstance(table, Mapping) else None
        return {**table, "kind": kinds[family][kind]} if isinstance(kind, str) and kind in kinds[family] else table

    data = dict(experiment)
    if "solver" in data:
        data["solver"] = entry("solvers", data["solver"])
    if isinstance(data.get("diagnostics"), list):
        data["diagnostics"] = [entry("diagnostics", table) for table in data["diagnostics"]]
    return data


def renamed_keyword(**names: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """A function that takes keywords by their former names, too: `renamed_keyword(old="new")`."""

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        @functools.wraps(function)
        def renamed(*arguments: P.args, **keywords: P.kwargs) -> T:
            for old in names.keys() & keywords.keys():
                _warn(f"{function.__name__}({old}=) is now {names[old]}=")
                keywords[names[old]] = keywords.pop(old)
            return function(*arguments, **keywords)

        return renamed

    return decorate


def find(path: str, name: str) -> Any:
    """What a name of the module physent.`path`, or of physent itself (""), is now; AttributeError if it is nothing."""
    whole = f"{path}.{name}".lstrip(".")
    if name in NAMES.get(path, {}):
        place, _, now = NAMES[path][name].rpartition(".")
        _warn(f"{_PACKAGE}{whole} is now {_PACKAGE}{place}.{now}")
        return getattr(importlib.import_module(_PACKAGE + place), now)
    if whole in PATHS:
        return importlib.import_module(_PACKAGE + whole)
    for place in PATHS.get(path, ()):  # the import has said so
        module = importlib.import_module(_PACKAGE + place)
        if not name.startswith("__") and hasattr(module, name):
            return getattr(module, name)
    raise AttributeError(f"module '{(_PACKAGE + path).rstrip('.')}' has no attribute {name!r}")


def _warn(words: str) -> None:
    """Warn at the line of whoever used an old name: the first that is neither here nor in the machinery of imports."""
    frame = sys._getframe(1)
    while frame.f_back is not None and (frame.f_code.co_filename in _OWN or "importlib" in frame.f_code.co_filename):
        frame = frame.f_back
    warnings.warn_explicit(
        f"{words}; the old name goes with the next release", FutureWarning, frame.f_code.co_filename, frame.f_lineno,
        frame.f_globals.get("__name__"), frame.f_globals.setdefault("__warningregistry__", {}),
    )  # fmt: skip


class _Gone(importlib.abc.Loader):
    """Loads what stands for a module that is not there any more."""

    def __init__(self, path: str):
        self.path = path

    def exec_module(self, module: ModuleType) -> None:
        places = ", ".join(_PACKAGE + place for place in PATHS[self.path])
        _warn(f"{_PACKAGE}{self.path} is now {places}")
        public = set(NAMES.get(self.path, {}))
        for place in PATHS[self.path]:  # what it did when it was imported is done
            now = importlib.import_module(_PACKAGE + place)
            public |= {name for name in vars(now) if not name.startswith("_")}
        vars(module).update(__getattr__=lambda name: find(self.path, name), __all__=sorted(public))

    def get_code(self, name: str) -> None:
        """There is none: `python -m` says so."""


class _Finder(importlib.abc.MetaPathFinder):
    """Finds modules under their old names, and old names in modules that are still there."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if not fullname.startswith(_PACKAGE):
            return None
        if fullname in _LINKS:
            _check_link(fullname)
        old = fullname.removeprefix(_PACKAGE)
        if old in PATHS:
            return importlib.machinery.ModuleSpec(fullname, _Gone(old))
        if old not in NAMES and old not in _PARENTS:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.loader is None:
            return None
        loader, execute = spec.loader, spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            own = vars(module).get("__getattr__")

            def lookup(name: str) -> Any:
                with contextlib.suppress(AttributeError):
                    if own is not None:
                        return own(name)
                return find(old, name)

            vars(module)["__getattr__"] = lookup

        loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def _check_link(name: str) -> None:
    """Say what is wrong where a checkout was made without symbolic links: git then writes a link as a small file."""
    place = Path(__file__).parents[1] / name.rpartition(".")[2]
    if place.is_file():
        raise ImportError(
            f"{place} should be a symbolic link to ../{place.name}, and this checkout has none: say "
            "'git config core.symlinks true' and 'git checkout -- physent', or install physent from a wheel",
            name=name,
        )


def install() -> None:
    """Serve the old paths from now on."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
