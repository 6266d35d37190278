"""Terminal output of score learning."""

from physent.app.console import text_table
from physent.app.terminal import PlainConsole
from physent.learning.training import TrainingProgress
from physent.score.verdict import Number, Verdict


def print_progress(progress: TrainingProgress) -> str:
    """One line of progress."""
    error = Number(progress.error, progress.standard_error)
    rate = progress.step / max(progress.seconds, 1e-9)
    return (
        f"step {progress.step} of {progress.steps}: loss {progress.loss:.4g}, error {error}, "
        f"R^2 {progress.r_squared:.4f}, {rate:.3g} steps/s"
    )


def print_verdict(found: Verdict) -> None:
    """Print every number with its standard error, and the verdict."""
    console = PlainConsole(width=120)
    rows = [(entry.label, str(entry.number)) for entry in found.entries.values()]
    console.print(text_table(("of the learned score", "value +- standard error"), rows))
    console.print(found.sentence)
