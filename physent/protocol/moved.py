"""Old names that are accepted for one release, with a warning: import paths, keywords, kinds in
experiment files.

The tables are here; functions that take a keyword by its former name are decorated with
`renamed_keyword`. An import finder looks the paths up. Where another import hook stands before it,
as one that is installed after physent does, old names in modules that are still there are not
found. Kinds from a file are called as now (`protocol.registry`); a hash is also taken with the
former ones (`io.folder`).
"""

import functools
import importlib
import importlib.abc
import importlib.machinery
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, ParamSpec, TypeVar

from physent.errors import CheckoutError, warn_user

P = ParamSpec("P")
T = TypeVar("T")

# Where the names of a module that is gone are now.
PATHS: dict[str, tuple[str, ...]] = {
    "accessor": ("data.accessor",),
    "cadence": ("engine.cadence",),
    "catalogue": ("data.catalogue",),
    "cli": ("app.cli",),
    "collection": ("data.open_runs",),
    "commands": ("app.running", "app.reading", "app.diagnosing", "app.describing", "app.listing"),
    "config": (
        "experiment.building",
        "experiment.experiment",
        "experiment.making",
        "experiment.parsing",
        "experiment.settings",
        "errors",
    ),
    "console": ("app.console", "app.listing"),
    "demo": ("app.demo",),
    "devices": ("engine.devices",),
    "diagnostic": ("protocol.diagnostic",),
    "diagnostics.gravity": ("diagnostics.mixing",),
    "diagnostics.learned": ("score.streaming",),
    "diagnostics.maps": ("diagnostics.boxes",),
    "diagnostics.quantities": ("diagnostics.fields", "diagnostics.mixing"),
    "diagnostics.schooling": ("diagnostics.schools",),
    "doctor": ("app.doctor",),
    "entropy.boltzmann": ("entropy.entropy",),
    "entropy.complexity": ("entropy.discrete.complexity",),
    "entropy.counting": ("entropy.discrete.counting", "entropy.discrete.arrays"),
    "entropy.differential": ("entropy.continuous.differential",),
    "entropy.directions": ("entropy.schools.directions",),
    "entropy.dispersion": ("entropy.outcomes.patterns",),
    "entropy.estimators": ("entropy.discrete.estimators",),
    "entropy.fields": ("entropy.outcomes.fields",),
    "entropy.grassberger": ("entropy.discrete.grassberger",),
    "entropy.grid": ("entropy.continuous.differential",),
    "entropy.histogram": ("entropy.outcomes.histogram",),
    "entropy.ksg": ("entropy.continuous.ksg",),
    "entropy.lempel_ziv": ("entropy.regularity",),
    "entropy.measures": ("entropy.discrete.measures",),
    "entropy.nearest": ("entropy.continuous.distances",),
    "entropy.ordinal": ("entropy.outcomes.patterns",),
    "entropy.outcome_space": (
        "entropy.outcomes.space",
        "entropy.discrete.counting",
        "entropy.discrete.arrays",
    ),
    "entropy.particles": ("entropy.outcomes.particles",),
    "entropy.power_sums": ("entropy.discrete.power_sums",),
    "entropy.school": ("entropy.schools.unbinned",),
    "entropy.schooling": ("entropy.schools.dewi_kadita",),
    "entropy.significance": ("entropy.surrogates",),
    "entropy.spacings": ("entropy.continuous.differential",),
    "entropy.spatial_ordinal": ("entropy.outcomes.patterns",),
    "entropy.transfer": ("entropy.information",),
    "entropy.tree": ("entropy.continuous.distances",),
    "entropy.uncertainty": ("entropy.error_bars", "entropy.bootstrap"),
    "interrupts": ("engine.interrupts", "errors"),
    "offline": ("data.offline", "data.times", "data.cells"),
    "parameters": ("protocol.parameters", "protocol.declaration", "errors"),
    "program": ("engine.program", "engine.plan", "engine.rows"),
    "progress": ("engine.progress",),
    "pure": ("engine.trajectory",),
    "recorded": ("experiment.recorded",),
    "registry": ("protocol.registry", "errors"),
    "report.reading": ("report.sorts",),
    "report.verdict": ("report.checks",),
    "schema": ("experiment.schema", "experiment.making"),
    "score.learning": (
        "score.pipeline",
        "score.access",
    ),
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
}

# Names that left a module that is still there, or that are called otherwise now.
NAMES: dict[str, dict[str, str]] = {
    "accessor": {"TIME": "data.times.TIMES", "NEITHER": "data.times.TIMES"},
    "diagnostics": {
        "LearnedEntropyProduction": "score.LearnedEntropyProduction",
        "SchoolingEntropy": "diagnostics.SchoolDewiKadita",
    },
    "diagnostics.schooling": {"SchoolingEntropy": "diagnostics.SchoolDewiKadita"},
    "engine": {
        "CHUNK_BYTES": "engine.loop.CHUNK_BYTES",
        "CHUNK_SECONDS": "engine.loop.CHUNK_SECONDS",
        "Outcome": "engine.loop.Outcome",
        "Progress": "engine.progress.Progress",
        "Run": "engine.loop.Loop",
        "RunError": "errors.RunError",
        "Sink": "engine.loop.Sink",
        "capacity_of": "engine.loop.capacity_of",
    },
    "entropy.discrete": {"entropy": "entropy.entropy.entropy"},
    "entropy.outcomes": {
        name: f"entropy.outcomes.kinds.{name}"
        for name in (
            "AmplitudeOrdinal",
            "Cells",
            "Counts",
            "Density",
            "Dispersion",
            "Headings",
            "Histogram",
            "OUTCOMES",
            "Ordinal",
            "OutcomeSpace",
            "SpatialOrdinal",
            "Spectrum",
            "WeightedOrdinal",
        )
    },
    "entropy.counting": {"poison": "entropy.discrete.arrays.only_finite"},
    "entropy.production": {"block_bootstrap": "entropy.bootstrap.block_bootstrap"},
    "entropy.schooling": {name: f"entropy.discrete.arguments.{name}" for name in ("Check", "P")},
    "report.comparison": {"compare": "report.comparison.compare_runs"},
    "report.fields": {"maps": "report.fields.image"},
    "report.page": {name: f"report.files.{name}" for name in ("MARK", "REPORT")},
    "report.reading": {"TIMES": "data.times.TIMES"},
    "report.style": {"MAPS": "report.style.COLORMAPS"},
    "report.verdict": {"verdict": "report.checks.checks"},
    "runs": {"Report": "runs.Tell"},
    "score.learning": {"RATES": "score.verdict.RATES"},
    "schema": {"Path": "experiment.toml_lines.Key"},
    "score.samples": {
        name: f"learning.splits.{name}" for name in ("FEWEST_TRAJECTORIES", "Stream")
    },
    "score.verdict": {"added_up": "learning.currents.added"},
    "score.training": {"Progress": "learning.training.TrainingProgress"},
    "io.netcdf": {"join_complex": "io.complex_fields.join_complex"},
    "sweep.points": {
        "Mode": "experiment.settings.Mode",
        "short_names": "experiment.recorded.short_names",
    },
}

# What a kind of a solver or a diagnostic is called now.
KINDS: dict[str, dict[str, str]] = {
    "solvers": {},
    "diagnostics": {"schooling_entropy": "school_dewi_kadita"},
}

# Keys of diagnostics that the previous release did not have, and what it did.
NEW_KEYS: dict[str, dict[str, Any]] = {
    "entropy_production": {"total": False},
    "nlse": {"boundary": "periodic", "interaction": {"kind": "cubic"}, "losses": {"kind": "none"}},
}

_PACKAGE = "physent."
_PARENTS = {path.rpartition(".")[0] for path in PATHS} - {
    ""
}  # packages that once held these modules
_LINKS = ("physent.solvers", "physent.experiments")  # symbolic links in a checkout


def former_kind(family: str, kind: str) -> str:
    """The name of a kind of a family in the previous release."""
    return next((old for old, new in KINDS[family].items() if new == kind), kind)


def with_kinds(experiment: Mapping[str, Any], called: Callable[[Any, str], str]) -> dict[str, Any]:
    """The data of an experiment with every solver and diagnostic renamed by `called(family,
    kind)`.
    """

    def entry(family: str, table: Any) -> Any:
        kind = table.get("kind") if isinstance(table, Mapping) else None
        return {**table, "kind": called(family, kind)} if isinstance(kind, str) else table

    data = dict(experiment)
    if "solver" in data:
        data["solver"] = entry("solvers", data["solver"])
    if isinstance(data.get("diagnostics"), list):
        data["diagnostics"] = [entry("diagnostics", table) for table in data["diagnostics"]]
    return data


def without_new_keys(experiment: Mapping[str, Any]) -> dict[str, Any]:
    """The data of an experiment without keys new since the last release, or solver's at rest."""

    def entry(table: Any, always: bool) -> Any:
        new = NEW_KEYS.get(str(table.get("kind")), {}) if isinstance(table, Mapping) else {}
        left = {k for k in new if always or table.get(k) == new[k]}
        return {k: v for k, v in table.items() if k not in left} if left else table

    data, tables = dict(experiment), experiment.get("diagnostics")
    if isinstance(tables, list):
        data["diagnostics"] = [entry(table, True) for table in tables]
    return data | ({"solver": entry(data["solver"], False)} if "solver" in data else {})


def renamed_keyword(**names: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Let a function accept keywords by their former names too: `renamed_keyword(old="new")`."""

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        @functools.wraps(function)
        def renamed(*arguments: P.args, **keywords: P.kwargs) -> T:
            for old in names.keys() & keywords.keys():
                if names[old] in keywords:
                    raise TypeError(
                        f"{function.__name__}() takes {names[old]}= or, by its former name, "
                        f"{old}=, not both"
                    )
                warn(f"{function.__name__}({old}=) is now {names[old]}=")
                keywords[names[old]] = keywords.pop(old)
            return function(*arguments, **keywords)

        return renamed

    return decorate


def _place_of(path: str, name: str) -> tuple[ModuleType, str] | None:
    """The current module and name of a former name of physent.`path`."""
    if name in NAMES.get(path, {}):
        place, _, now = NAMES[path][name].rpartition(".")
        return importlib.import_module(_PACKAGE + place), now
    for place in PATHS.get(path, ()) if not name.startswith("__") else ():
        module = importlib.import_module(_PACKAGE + place)
        if hasattr(module, name):
            return module, name
    return None


def find(path: str, name: str) -> Any:
    """The current object for a name of physent.`path`, or of physent itself (""). Raises
    AttributeError if there is none.
    """
    whole = f"{path}.{name}".lstrip(".")
    if whole in PATHS:
        return importlib.import_module(_PACKAGE + whole)
    if (place := _place_of(path, name)) is None:
        raise AttributeError(f"module '{(_PACKAGE + path).rstrip('.')}' has no attribute {name!r}")
    module, now = place
    if name in NAMES.get(path, {}):  # else the import has said so
        warn(f"{_PACKAGE}{whole} is now {module.__name__}.{now}")
    return getattr(module, now)


def warn(words: str) -> None:
    """Warn about an old name at the line that uses it."""
    warn_user(f"{words}; the old name will be removed in the next release", FutureWarning)


class _Module(ModuleType):
    """A module with names that have moved: they are read and set in their new place.

    A name that is deleted here, as pytest does to undo a patch, becomes again what it was before it
    was set.
    """

    @property
    def _path(self) -> str:
        return self.__name__.removeprefix(_PACKAGE)

    def __getattr__(self, name: str) -> Any:
        own = vars(self).get("__getattr__")
        if own is None or name in NAMES.get(self._path, {}) or f"{self._path}.{name}" in PATHS:
            return find(self._path, name)
        return own(name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in vars(self) or (place := _place_of(self._path, name)) is None:
            super().__setattr__(name, value)
            return
        module, now = place
        vars(self).setdefault("__before__", {}).setdefault(name, []).append(getattr(module, now))
        setattr(module, now, value)

    def __delattr__(self, name: str) -> None:
        if not (before := vars(self).get("__before__", {}).get(name)):
            super().__delattr__(name)
        elif (place := _place_of(self._path, name)) is not None:
            setattr(*place, before.pop())


class _Gone(importlib.abc.Loader):
    """Loads a stand-in for a module that no longer exists."""

    def __init__(self, path: str):
        self.path = path

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        places = ", ".join(_PACKAGE + place for place in PATHS[self.path])
        return _Module(spec.name, f"{spec.name} is now {places}.")

    def exec_module(self, module: ModuleType) -> None:
        warn(str(module.__doc__).rstrip("."))
        public = set(NAMES.get(self.path, {}))
        for place in PATHS[self.path]:  # what it did when it was imported is done
            now = importlib.import_module(_PACKAGE + place)
            public |= {name for name in vars(now) if not name.startswith("_")}
        vars(module)["__all__"] = sorted(public)

    def get_code(self, name: str) -> None:
        """There is no code, as `python -m` reports."""


class _Lasting(importlib.abc.Loader):
    """Loads an existing module with its own loader, and adds its former names."""

    def __init__(self, loader: Any):
        self.loader = loader

    def __getattr__(self, name: str) -> Any:
        if name == "loader":  # of a copy that is not filled yet
            raise AttributeError(name)
        return getattr(self.loader, name)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self.loader.exec_module(module)
        module.__class__ = _Module


class _Finder(importlib.abc.MetaPathFinder):
    """Finds modules under their old names, and old names in existing modules."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if not fullname.startswith(_PACKAGE):
            return None
        old = fullname.removeprefix(_PACKAGE)
        if old in PATHS:
            return importlib.machinery.ModuleSpec(fullname, _Gone(old))
        if old not in NAMES and old not in _PARENTS and fullname not in _LINKS:
            return None
        finders = [
            finder.find_spec
            for finder in sys.meta_path
            if hasattr(finder, "find_spec") and finder is not self
        ]
        spec = next(
            filter(None, (find_spec(fullname, path, target) for find_spec in finders)), None
        )
        if fullname in _LINKS:
            _check_link(fullname, spec)
        elif spec is not None and spec.loader is not None:
            spec.loader = _Lasting(spec.loader)
        return spec


def _check_link(name: str, spec: importlib.machinery.ModuleSpec | None) -> None:
    """Report a checkout without symbolic links, or a package built from such a checkout."""
    place = Path(__file__).parents[1] / name.rpartition(".")[2]
    cure = "run 'git config core.symlinks true' and 'git checkout -- physent' in the checkout"
    if place.is_file():  # git writes a link as a small file
        raise CheckoutError(
            f"{place} should be a symbolic link to ../{place.name}, but this checkout has none: "
            f"{cure}; a wheel needs none",
            name=name,
        )
    if spec is None:
        raise CheckoutError(
            f"{name} is missing here: physent was built from a checkout without symbolic links; "
            f"{cure}",
            name=name,
        )


def install() -> None:
    """Serve the old paths from now on."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__module__ != __name__]
    sys.meta_path.insert(0, _Finder())
