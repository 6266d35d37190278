"""Held-out splits of samples, and training batches."""

import abc
import functools
from dataclasses import dataclass
from typing import Any, Protocol

import jax
import numpy as np

from physent.errors import SamplesError

Batch = dict[str, np.ndarray]
FEWEST_TRAJECTORIES = 2


def flattened(samples: Any) -> Any:
    """Arrays (rows, trajectories, ...), by name or in a record, as (samples, ...)."""
    return jax.tree.map(lambda values: values.reshape(-1, *values.shape[2:]), samples)


@dataclass(frozen=True)
class Part:
    """Samples that belong together: `rows` of the file, and which trajectories of them."""

    rows: np.ndarray
    trajectories: np.ndarray

    @property
    def size(self) -> int:
        """The number of samples."""
        return len(self.rows) * len(self.trajectories)

    @property
    def spacing(self) -> float:
        """The average spacing of its rows in rows of the file."""
        return (
            float(self.rows[-1] - self.rows[0]) / (len(self.rows) - 1)
            if len(self.rows) > 1
            else 1.0
        )

    def thinned(self, most: int) -> "Part":
        """At most about `most` samples: fewer rows of all trajectories, or fewer trajectories of
        one row.
        """
        trajectories = self.trajectories[: max(1, most)]
        rows = max(1, min(len(self.rows), most // len(trajectories)))
        chosen = np.unique(np.linspace(0, len(self.rows) - 1, rows).round().astype(int))
        return Part(self.rows[chosen], trajectories)


def split(
    rows: np.ndarray, trajectories: int, holdout: float, gap: int, seed: int
) -> tuple[Part, Part, Part]:
    """Samples for training, checks and the verdict; the latter two share the `holdout`.

    Whole trajectories where there are at least three of them; else the rows are cut, with `gap`
    rows left out at each cut. Raises SamplesError where too little is left.
    """
    everything = np.arange(trajectories)
    if trajectories > FEWEST_TRAJECTORIES:
        shuffled = np.random.default_rng([seed, 0]).permutation(everything)
        held_out = min(trajectories - 1, max(2, round(holdout * trajectories)))
        check, verdict, train = np.split(shuffled, [held_out // 2, held_out])
        return (
            Part(rows, np.sort(train)),
            Part(rows, np.sort(check)),
            Part(rows, np.sort(verdict)),
        )
    count = len(rows)
    held_out = max(2, round(holdout * count))
    first, second = count - held_out, count - held_out + held_out // 2
    train, check, verdict = rows[: max(0, first - gap)], rows[first : second - gap], rows[second:]
    if min(len(train), len(check), len(verdict)) < 1:
        raise SamplesError(
            f"{count} snapshots of {trajectories} trajectory are too few to hold out some of "
            f"them, {gap} rows apart: run longer, save more often, or run members"
        )
    return Part(train, everything), Part(check, everything), Part(verdict, everything)


class Readable(Protocol):
    """A source of samples, read by rows and trajectories."""

    @abc.abstractmethod
    def read(self, rows: np.ndarray, trajectories: np.ndarray, together: int = 1) -> Batch:
        """The values (rows, trajectories, ...) of every variable; of `together` > 1 successive rows
        on a third axis.
        """

    @abc.abstractmethod
    def bytes_of_row(self, part: Part) -> int:
        """The memory taken by one row of a part."""


class Stream:
    """Endless training batches, reproducible from any step for a given seed.

    Rows are drawn in a new order every epoch and read so many at a time as fit the `buffer`
    (bytes); batches are drawn from those in memory without replacement. A window that is in memory
    already is not read again.
    """

    def __init__(
        self, samples: Readable, part: Part, batch: int, seed: int, buffer: float, together: int = 1
    ):
        # the rows that follow must be of the same part
        usable = part.rows[np.isin(part.rows + together - 1, part.rows)]
        if not len(usable):
            raise SamplesError(f"no {together} successive snapshots to train on")
        self.samples, self.batch, self.seed, self.together = samples, batch, seed, together
        self.part = Part(usable, part.trajectories)
        in_memory = max(1, int(buffer // (samples.bytes_of_row(part) * together)))
        self.windows = max(1, -(-len(usable) // in_memory))
        self.per_window = max(1, (len(usable) // self.windows) * len(part.trajectories) // batch)
        self._key: bytes = b""
        self._values: Batch = {}
        self._shuffled = functools.lru_cache(maxsize=1)(self._order)

    def take(self, step: int, count: int) -> Batch:
        """The batches of `count` steps from `step` on, (count, batch, ...) of every variable."""
        each = [self._one(step + i) for i in range(count)]
        return {name: np.stack([values[name] for values in each]) for name in each[0]}

    def _one(self, step: int) -> Batch:
        window, place = divmod(step, self.per_window)
        epoch, which = divmod(window, self.windows)
        rows = np.random.default_rng([self.seed, 1, epoch]).permutation(self.part.rows)
        chosen = np.sort(np.array_split(rows, self.windows)[which])
        self._hold(chosen)
        order = self._shuffled(epoch, which, len(chosen) * len(self.part.trajectories))
        index = order[place * self.batch : (place + 1) * self.batch]
        row, trajectory = np.divmod(index, len(self.part.trajectories))
        return {name: values[row, trajectory] for name, values in self._values.items()}

    def _hold(self, rows: np.ndarray) -> None:
        """Hold the samples of these rows in memory, and no others."""
        if rows.tobytes() != self._key:
            self._values = {}  # not two windows at a time
            self._values = self.samples.read(rows, self.part.trajectories, self.together)
            self._key = rows.tobytes()

    def _order(self, epoch: int, which: int, count: int) -> np.ndarray:
        """The order in which the samples of a window are used, repeated if there are too few."""
        generator = np.random.default_rng([self.seed, 2, epoch, which])
        needed = self.per_window * self.batch
        if needed <= count:
            return generator.permutation(count)
        return generator.integers(0, count, needed)
