"""Old names that are accepted for one release, with a warning: import paths, and kinds in experiment files.

To take a name out of service, delete its line here. A path is looked up by an import finder, so that nothing else in
physent knows of it; `physent.protocol.registry` asks here for kinds.
"""

import importlib
import importlib.abc
import importlib.machinery
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

# Where the names of a module that is gone are now.
PATHS: dict[str, tuple[str, ...]] = {
    "accessor": ("data.accessor",),
    "cadence": ("engine.cadence",),
    "catalogue": ("data.catalogue",),
    "cli": ("app.cli",),
    "collection": ("data.open_runs",),
    "commands": ("app.running", "app.reading", "app.describing", "app.speaking"),
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
    "entropy.differential": ("entropy.continuous.differential",),
    "entropy.directions": ("entropy.schools.directions",),
    "entropy.dispersion": ("entropy.outcomes.dispersion",),
    "entropy.estimators": ("entropy.discrete.estimators",),
    "entropy.fields": ("entropy.outcomes.fields",),
    "entropy.grassberger": ("entropy.discrete.grassberger",),
    "entropy.grid": ("entropy.continuous.grid",),
    "entropy.histogram": ("entropy.outcomes.histogram",),
    "entropy.ksg": ("entropy.continuous.ksg",),
    "entropy.measures": ("entropy.discrete.measures",),
    "entropy.nearest": ("entropy.continuous.nearest",),
    "entropy.ordinal": ("entropy.outcomes.ordinal",),
    "entropy.outcome_space": ("entropy.outcomes.space", "protocol.parameters"),
    "entropy.particles": ("entropy.outcomes.particles",),
    "entropy.power_sums": ("entropy.discrete.power_sums",),
    "entropy.school": ("entropy.schools.unbinned",),
    "entropy.schooling": ("entropy.schools.dewi_kadita",),
    "entropy.spacings": ("entropy.continuous.spacings",),
    "entropy.spatial_ordinal": ("entropy.outcomes.spatial_ordinal",),
    "entropy.tree": ("entropy.continuous.tree",),
    "entropy.uncertainty": ("entropy.rates",),
    "interrupts": ("engine.interrupts", "errors"),
    "offline": ("data.offline", "data.times"),
    "parameters": ("protocol.parameters", "errors"),
    "program": ("engine.program",),
    "progress": ("engine.progress",),
    "pure": ("engine.trajectory",),
    "recorded": ("experiment.recorded",),
    "registry": ("protocol.registry", "errors"),
    "report.verdict": ("report.checks",),
    "schema": ("experiment.schema",),
    "score.learning": ("score.fit",),
    "score.local": ("learning.currents", "learning.derivatives", "score.verdict"),
    "score.losses": ("learning.losses",),
    "score.network": ("learning.model",),
    "score.networks": ("learning.networks",),
    "score.pairs": ("learning.pairs",),
    "score.perceptron": ("learning.perceptron",),
    "score.printing": ("app.console",),
    "score.resolvent": ("learning.resolvent",),
    "score.settings": ("experiment.settings",),
    "score.slow_manifold": ("learning.slow_manifold",),
    "score.training": ("learning.training",),
    "score.transformer": ("learning.transformer",),
    "sde": ("engine.sde",),
    "solver": ("protocol.solver", "protocol.stochastic", "protocol.variables"),
    "spelling": ("errors",),
    "terminal": ("app.terminal",),
    "toml_lines": ("experiment.toml_lines",),
}  # fmt: skip

# Names that left a module that is still there, or that are called otherwise now.
NAMES: dict[str, dict[str, str]] = {
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
    "entropy.outcomes": {"OUTCOMES": "entropy.outcomes.kinds.OUTCOMES"},
    "entropy.production": {"block_bootstrap": "entropy.rates.block_bootstrap"},
    "score.samples": {name: f"learning.splits.{name}" for name in ("Batch", "Part", "Stream")},
    "sweep.points": {
        "Mode": "experiment.settings.Mode", "SweepSettings": "experiment.settings.SweepSettings",
        "short_names": "experiment.recorded.short_names",
    },
}  # fmt: skip

# What a kind of a solver or a diagnostic is called now.
KINDS: dict[str, dict[str, str]] = {
    "solvers": {},
    "diagnostics": {"schooling_entropy": "school_dewi_kadita"},
}

_PACKAGE = "physent."
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


def _lookup(path: str) -> Callable[[str], Any]:
    """The `__getattr__` of a module whose names, or some of them, are elsewhere now."""

    def find(name: str) -> Any:
        if name in NAMES.get(path, {}):
            place, _, now = NAMES[path][name].rpartition(".")
            _warn(f"{_PACKAGE}{path}.{name} is now {_PACKAGE}{place}.{now}")
            return getattr(importlib.import_module(_PACKAGE + place), now)
        for place in PATHS.get(path, ()):  # the import has said so
            module = importlib.import_module(_PACKAGE + place)
            if not name.startswith("__") and hasattr(module, name):
                return getattr(module, name)
        raise AttributeError(f"module '{_PACKAGE}{path}' has no attribute {name!r}")

    return find


def _warn(words: str) -> None:
    warnings.warn(f"{words}; the old name goes with the next release", FutureWarning, stacklevel=3)


class _Gone(importlib.abc.Loader):
    """Loads what stands for a module that is not there any more."""

    def __init__(self, path: str):
        self.path = path

    def exec_module(self, module: ModuleType) -> None:
        places = " and ".join(_PACKAGE + place for place in PATHS[self.path])
        _warn(f"{_PACKAGE}{self.path} is now {places}")
        for place in PATHS[self.path]:  # what it did when it was imported is done
            importlib.import_module(_PACKAGE + place)
        vars(module)["__getattr__"] = _lookup(self.path)


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
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target) if old in NAMES else None
        if spec is None or spec.loader is None:
            return None
        loader, own = spec.loader, spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            own(module)
            vars(module).setdefault("__getattr__", _lookup(old))

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
