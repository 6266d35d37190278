"""physent simulates physical systems and measures their entropy while they run."""

import os
from typing import TYPE_CHECKING

from physent.protocol import moved
from physent.protocol.late import late

# A run has one writer, which its folder's own lock makes sure of. HDF5's locks would only keep
# readers from looking at a run that is going on. HDF5 reads this once, when it is loaded, hence
# here and not beside the files.
os.environ.setdefault("HDF5_USE_FILE_LOCKING", "FALSE")

moved.install()

if TYPE_CHECKING:
    from physent import entropy as entropy, solvers as solvers
    from physent.data.offline import diagnose as diagnose
    from physent.data.open_runs import open_runs as open_runs
    from physent.engine.trajectory import trajectory as trajectory
    from physent.experiment.building import load_experiment as load_experiment
    from physent.io.folder import open_run as open_run
    from physent.protocol.diagnostic import Diagnostic as Diagnostic
    from physent.protocol.parameters import (
        as_number as as_number,
        choice as choice,
        one_of as one_of,
        param as param,
        static as static,
    )
    from physent.protocol.solver import Solver as Solver, State as State
    from physent.protocol.spectral import SpectralSolver as SpectralSolver, Unknown as Unknown
    from physent.protocol.stochastic import StochasticSolver as StochasticSolver
    from physent.protocol.variables import Axis as Axis, Domain as Domain, Variable as Variable
    from physent.runs import run as run

# Loaded when first used, because 'physent --help' must not wait for jax.
__getattr__, __all__ = late(  # pyright: ignore[reportUnsupportedDunderAll]
    "physent",
    {
        "physent.data.offline": ("diagnose",),
        "physent.data.open_runs": ("open_runs",),
        "physent.engine.trajectory": ("trajectory",),
        "physent.experiment.building": ("load_experiment",),
        "physent.io.folder": ("open_run",),
        "physent.protocol.diagnostic": ("Diagnostic",),
        "physent.protocol.parameters": ("as_number", "choice", "one_of", "param", "static"),
        "physent.protocol.solver": ("Solver", "State"),
        "physent.protocol.spectral": ("SpectralSolver", "Unknown"),
        "physent.protocol.stochastic": ("StochasticSolver",),
        "physent.protocol.variables": ("Axis", "Domain", "Variable"),
        "physent.runs": ("run",),
    },
    otherwise=lambda _, name: moved.find("", name),
)
__all__ += ["entropy", "solvers"]


def __dir__() -> list[str]:
    return sorted(__all__)
