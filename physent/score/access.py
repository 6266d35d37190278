"""Access to the score of a run folder: nothing in the way, one process, the physics of the run."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from physent.errors import ConfigError, FolderError, Locked
from physent.io.folder import EXPERIMENT
from physent.io.lock import lock
from physent.io.replacing import reason
from physent.score.trained import SCORE

RESULT, CHECKPOINT, LOG = "score.nc", "score.checkpoint.eqx", "score.log"


def check_free(folder: Path, learns: bool, overwrite: bool) -> None:
    """Raise FolderError for a folder that is not a run, or already has a score."""
    if not (folder / EXPERIMENT).is_file():
        raise FolderError(f"{folder} is not a run: there is no {folder / EXPERIMENT}")
    if overwrite or (learns and (folder / CHECKPOINT).exists()):
        return  # what was begun goes on, and then replaces what is there
    for name in (SCORE, RESULT) if learns else (RESULT,):
        if (folder / name).exists():
            raise FolderError(f"{folder / name} exists: --overwrite it")


def check_overrides(overrides: Sequence[str]) -> None:
    """Raise ConfigError for keys that would give a finished run another physics."""
    wrong = [key for key in overrides if not key.startswith("score.")]
    if wrong:
        raise ConfigError(
            [f"--set {key}: only keys of [score] can be set for a run that exists" for key in wrong]
        )


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of the score; a file made for it is removed where nothing is learned."""
    path = folder / LOG
    there = path.exists()
    try:
        file = lock(path)
    except Locked:
        raise FolderError(f"{folder}: another process is learning its score") from None
    except OSError as error:
        raise FolderError(f"{folder}: cannot be written: {reason(error)}") from None
    with file:
        try:
            yield
        except BaseException:
            if not there and not (folder / CHECKPOINT).exists():
                path.unlink(missing_ok=True)
            raise
