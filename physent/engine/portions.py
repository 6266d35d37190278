"""Portions of a run that take about a second each: many rows, one, or a part of one.

Between portions the host listens: to the user who wants to stop, above all. A row may take minutes
(of a million steps) or microseconds, and nobody says before, so that it is measured as it goes.
"""

from dataclasses import dataclass

from physent.engine import devices
from physent.engine.cadence import Cadence

FASTER = 100  # times as many steps as were measured, at most
MOST_STEPS = 10**9  # of a part: a number that 32 bits hold


@dataclass(frozen=True)
class Portion:
    """What a chunk does after `first` rows and `begun` steps of the next: `count` rows, each with
    its number of `steps`, or, with a count of 0, so many steps that end no row.
    """

    first: int
    begun: int
    count: int
    steps: tuple[int, ...]

    @classmethod
    def of_rows(cls, cadence: Cadence, first: int, count: int) -> "Portion":
        """So many whole rows after `first`."""
        return cls(first, 0, count, tuple(cadence.steps(first, first + count)))

    @property
    def end(self) -> int:
        """Rows that are done after it."""
        return self.first + self.count

    @property
    def begun_after(self) -> int:
        """Steps of the next row that are done after it."""
        return 0 if self.count else self.begun + sum(self.steps)

    def cut(self, count: int) -> "Portion":
        """Its first `count` rows."""
        return Portion(self.first, self.begun, count, self.steps[:count])


class Portions:
    """Cuts a run into portions of about so many seconds, by how long the last one took."""

    def __init__(self, cadence: Cadence, capacity: int, seconds: float):
        self.cadence = cadence
        self.capacity = capacity
        self.seconds = seconds
        self.allowed = 1  # steps in that time

    def after(self, done: int, begun: int = 0, *, several: bool = True) -> Portion:
        """The portion that comes after `done` rows and `begun` steps; `several` rows only where
        the seconds of a whole one are known.
        """
        rows = min(self.capacity, self.cadence.fitting(done, self.allowed))
        if begun == 0 and several and rows > 1:
            return Portion.of_rows(self.cadence, done, rows)
        (per_row,) = self.cadence.steps(done, done + 1)
        rest = per_row - begun
        if rest <= 2 * self.allowed:  # what is little more than a portion is not cut
            return Portion(done, begun, 1, (rest,))
        return Portion(done, begun, 0, (self.allowed,))

    def took(self, portion: Portion, seconds: float) -> None:
        """Take note of how long a portion took."""
        steps = sum(portion.steps)
        in_time = int(self.seconds * steps / max(seconds, 1e-9))
        self.allowed = devices.agreed(max(1, min(FASTER * steps, in_time, MOST_STEPS)))
