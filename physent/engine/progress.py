"""Progress of a run in words: how far it is, its speed and the time left."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

SILENCE = 600.0  # seconds


@dataclass
class Progress:
    """The progress of a run; `seconds` excludes compilation."""

    t: float
    t_begin: float
    t_end: float
    rows: int
    total: int
    seconds: float


class Milestones:
    """Decides whether a `Progress` is worth logging: after each tenth of the run, or every ten
    minutes.
    """

    def __init__(self):
        self.tenths = 0
        self.said = time.monotonic()

    def passed(self, progress: Progress) -> bool:
        """Whether to log now."""
        tenths, now = 10 * progress.rows // progress.total, time.monotonic()
        if tenths <= self.tenths and now - self.said < SILENCE:
            return False
        self.tenths, self.said = tenths, now
        return True


def logged(tell: Callable[[Progress], None], log: logging.Logger) -> Callable[[Progress], None]:
    """Like `tell`, but also logs the progress of the run."""
    milestones = Milestones()

    def tell_and_log(progress: Progress) -> None:
        if milestones.passed(progress):
            words = f"t = {progress.t:g} of {progress.t_end:g}", *pace(progress)
            log.info(", ".join(filter(None, words)))
        tell(progress)

    return tell_and_log


def pace(progress: Progress) -> tuple[str, str]:
    """The speed of a run and its remaining time; "" for the latter when it is done."""
    speed = (progress.t - progress.t_begin) / max(progress.seconds, 1e-9)
    left = (progress.t_end - progress.t) / max(speed, 1e-300)
    return (
        f"{speed:.3g} time units/s",
        f"{duration(left)} left" if progress.rows < progress.total else "",
    )


def duration(seconds: float) -> str:
    """A time span in suitable units, as 40 s, 3 min 20 s or 5 h 10 min."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours < 48 else f"{hours / 24:.1f} days"
