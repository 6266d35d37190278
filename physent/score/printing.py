"""What learning shows on the terminal."""

from rich.console import Console

from physent.console import text_table
from physent.score.training import Progress
from physent.score.verdict import Number, Verdict

ROWS = {
    "total": "learned total rate (noisy variables)",
    "exact": "exact total by the drift, same samples",
    "exact_whole_run": "exact total by the drift, whole run",
    "learned_minus_exact": "learned - exact",
    "learned_plus_error_minus_exact": "learned + error - exact",
    "error": "error of the score, E[ds . D ds]",
    "error_reference": "error of the reference",
    "r_squared": "R^2 = 1 - error/error of the reference",
    "medium": "medium",
    "system": "system, E div v (0 where stationary)",
    "velocity_score": "E v.s (0 where stationary)",
}
PREFIXES = {
    "total_": "total of {}",
    "divergence_": "E div v of {}",
    "velocity_score_": "E v.s of {}",
    "identity_": "E[|s|^2 + div s]/E|s|^2 of {} (0)",
    "ratio_square_": "E[v^2/D] of {} over exact (1)",
    "ratio_divergence_": "E div v of {} over exact (1)",
}


def label(name: str) -> str:
    """A number of the verdict in words."""
    if name in ROWS:
        return ROWS[name]
    prefix = next(prefix for prefix in PREFIXES if name.startswith(prefix))
    return PREFIXES[prefix].format(name.removeprefix(prefix))


def print_progress(progress: Progress) -> str:
    """One line of progress."""
    error = Number(progress.error, progress.standard_error)
    rate = progress.step / max(progress.seconds, 1e-9)
    return (
        f"step {progress.step} of {progress.steps}: loss {progress.loss:.4g}, error {error}, "
        f"R^2 {progress.r_squared:.4f}, {rate:.3g} steps/s"
    )


def print_verdict(found: Verdict) -> None:
    """Every number with its standard error, and the sentence."""
    console = Console(width=120)
    rows = [(label(name), str(number)) for name, number in found.numbers.items()]
    console.print(text_table(("on samples kept from training", "value +- standard error"), rows))
    console.print(found.sentence, highlight=False, markup=False)
