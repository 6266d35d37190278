"""physent simulates physical systems and measures their entropy while they run."""

import importlib
import os
from typing import TYPE_CHECKING, Any

# A run has one writer, which its folder's own lock makes sure of. HDF5's locks would only keep readers from looking at
# a run that is going on. HDF5 reads this once, when it is loaded, hence here and not beside the files.
os.environ.setdefault("HDF5_USE_FILE_LOCKING", "FALSE")

if TYPE_CHECKING:
    from physent import entropy as entropy
    from physent import solvers as solvers
    from physent.collection import open_runs as open_runs
    from physent.config import load_experiment as load_experiment
    from physent.diagnostic import Diagnostic as Diagnostic
    from physent.io.folder import open_run as open_run
    from physent.offline import diagnose as diagnose
    from physent.parameters import choice as choice
    from physent.parameters import param as param
    from physent.parameters import static as static
    from physent.pure import trajectory as trajectory
    from physent.runs import run as run
    from physent.solver import Axis as Axis
    from physent.solver import Domain as Domain
    from physent.solver import Solver as Solver
    from physent.solver import State as State
    from physent.solver import StochasticSolver as StochasticSolver
    from physent.solver import Variable as Variable

# Loaded when first used, because 'physent --help' must not wait for jax.
_PLACES = {
    "physent.collection": ("open_runs",),
    "physent.config": ("load_experiment",),
    "physent.diagnostic": ("Diagnostic",),
    "physent.io.folder": ("open_run",),
    "physent.offline": ("diagnose",),
    "physent.parameters": ("choice", "param", "static"),
    "physent.runs": ("run",),
    "physent.solver": ("Axis", "Domain", "Solver", "State", "StochasticSolver", "Variable"),
    "physent.pure": ("trajectory",),
}
_PLACE_OF = {name: place for place, names in _PLACES.items() for name in names}
_MODULES = ("entropy", "solvers")

__all__ = [*_PLACE_OF, *_MODULES]  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"physent.{name}")
    if name in _PLACE_OF:
        return getattr(importlib.import_module(_PLACE_OF[name]), name)
    raise AttributeError(f"module 'physent' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
