"""A run that begins with a state that is given: one of the solver, or that of another run."""

from pathlib import Path

import jax

from physent.engine import devices
from physent.engine.program import Program
from physent.errors import FolderError, ParameterError
from physent.io import checkpoint
from physent.io.folder import CHECKPOINT
from physent.io.replacing import reason
from physent.protocol.solver import State

Start = State | str | Path | None


def start_of(program: Program, given: State | str | Path) -> State:
    """The state that a run begins with: as given, or from the checkpoint in a folder.

    Raises ParameterError for one of another solver or shape, FolderError for a folder without.
    """
    own = program.init(program.solver, jax.random.key(0))
    if isinstance(given, str | Path):
        file = Path(given) / CHECKPOINT
        try:
            given = checkpoint.load(file, own, whole=False)
        except (OSError, ValueError) as error:
            raise FolderError(f"{file} gives no state for this solver: {reason(error)}") from None
    alike = jax.tree.structure(given) == jax.tree.structure(own) and all(
        (mine.shape, mine.dtype) == (getattr(leaf, "shape", None), getattr(leaf, "dtype", None))
        for mine, leaf in zip(jax.tree.leaves(own), jax.tree.leaves(given), strict=True)
    )
    if not alike:
        words = f"allowed: a {type(own).__name__} with arrays of the shapes that solver.init gives"
        raise ParameterError("state", f"given {type(given).__name__}, {words}")
    return devices.place(given, own)
