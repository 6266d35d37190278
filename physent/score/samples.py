"""Snapshots of a run as samples: which are for training, for checks and for the verdict; read when they are needed."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from physent.solver import StochasticSolver

Batch = dict[str, np.ndarray]
FEWEST_TRAJECTORIES = 2


class SamplesError(ValueError):
    """A run that no score can be learned from."""


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
        """How many rows of the file its rows are apart, on average."""
        return float(self.rows[-1] - self.rows[0]) / (len(self.rows) - 1) if len(self.rows) > 1 else 1.0

    def thinned(self, most: int) -> "Part":
        """At most about `most` samples: of all trajectories fewer rows, of one row fewer trajectories."""
        trajectories = self.trajectories[: max(1, most)]
        rows = max(1, min(len(self.rows), most // len(trajectories)))
        chosen = np.unique(np.linspace(0, len(self.rows) - 1, rows).round().astype(int))
        return Part(self.rows[chosen], trajectories)


class Samples:
    """The stochastic variables of a run's snapshots.

    A sample is the variables of one state, (N, d) each. Where walkers are independent copies it is those of one walker,
    (1, d), and each walker is a trajectory; elsewhere each member is one. Kept from training are whole trajectories,
    or, of a single one, the rows at its end behind a gap: then the samples kept are of the same trajectory.
    """

    def __init__(
        self, dataset: xr.Dataset, solver: StochasticSolver, *, after: float = 0.0, member: int | None = None,
        dtype: Any = np.float32, buffer: float = 256e6,
    ):  # fmt: skip
        self.names = tuple(solver.parity())
        self.dtype, self.buffer = np.dtype(dtype), buffer
        self.walkers = solver.independent()
        missing = [name for name in self.names if name not in dataset]
        if missing:
            raise SamplesError(
                f"the run has not saved {', '.join(missing)}: put {', '.join(self.names)} into output.variables"
            )
        self.time = str(dataset[self.names[0]].dims[0])
        if "member" in dataset.dims and member is not None:
            if member >= dataset.sizes["member"]:
                raise SamplesError(f"there is no member {member}: the run has {dataset.sizes['member']}")
            dataset = dataset.isel(member=slice(member, member + 1))
        self.dataset = dataset
        self.times = np.asarray(dataset[self.time].values, float)
        self.rows = np.flatnonzero(self.times >= after - 1e-9 * max(1.0, abs(after)))
        if len(self.rows) < 2:
            last = self.times[-1] if len(self.times) else 0.0
            raise SamplesError(f"{len(self.rows)} snapshots since t = {after:g} (the last is at {last:g}): save more")
        self.interval = float(self.times[self.rows[1]] - self.times[self.rows[0]])
        self.members = dataset.sizes.get("member", 1)
        self.shapes: dict[str, tuple[int, ...]] = {}
        for name in self.names:
            dims = dataset[name].dims
            shape = tuple(dataset.sizes[dim] for dim in dims if dim not in (self.time, "member"))
            self.shapes[name] = (1, *shape[1:]) if self.walkers else shape
            self.copies = shape[0] if self.walkers else 1
        self.trajectories = self.members * self.copies

    @property
    def components(self) -> int:
        """Numbers in a sample."""
        return sum(math.prod(shape) for shape in self.shapes.values())

    @property
    def everything(self) -> Part:
        """All samples."""
        return Part(self.rows, np.arange(self.trajectories))

    def split(self, holdout: float, gap: int, seed: int) -> tuple[Part, Part, Part]:
        """Samples to train on, to check with, and for the verdict; the latter two share the `holdout`.

        Whole trajectories where there are at least three of them; else the rows are cut, with `gap` rows left out at
        each cut. Raises SamplesError where too little is left.
        """
        everything = np.arange(self.trajectories)
        if self.trajectories > FEWEST_TRAJECTORIES:
            shuffled = np.random.default_rng([seed, 0]).permutation(everything)
            kept = min(self.trajectories - 1, max(2, round(holdout * self.trajectories)))
            check, verdict = shuffled[: kept // 2], shuffled[kept // 2 : kept]
            parts = [Part(self.rows, np.sort(which)) for which in (shuffled[kept:], check, verdict)]
            return parts[0], parts[1], parts[2]
        count = len(self.rows)
        kept = max(2, round(holdout * count))
        first, second = count - kept, count - kept + kept // 2
        cuts = (self.rows[: first - gap], self.rows[first : second - gap], self.rows[second:])
        if any(len(rows) < 1 for rows in cuts) or first - gap < 1:
            raise SamplesError(
                f"{count} snapshots of {self.trajectories} trajectory are too few to keep some of them, {gap} rows "
                "apart, from training: run longer, save more often, or run members"
            )
        return Part(cuts[0], everything), Part(cuts[1], everything), Part(cuts[2], everything)

    def read(self, rows: np.ndarray, trajectories: np.ndarray, together: int = 1) -> Batch:
        """The values (rows, trajectories, ...) of every variable; of `together` > 1 successive rows on a third axis."""
        found: Batch = {}
        for name in self.names:
            array = self.dataset[name]
            parts = []
            for shift in range(together):
                values = np.asarray(array.isel({self.time: rows + shift}).values, self.dtype)
                values = values.reshape(len(rows), self.trajectories, *self.shapes[name])
                parts.append(values[:, trajectories])
            found[name] = parts[0] if together == 1 else np.stack(parts, axis=2)
        return found

    def bytes_of_row(self, part: Part) -> int:
        """Memory that one row of a part takes."""
        return self.components * self.dtype.itemsize * len(part.trajectories)

    def blocks(self, part: Part, samples: int) -> Iterator[tuple[slice, Batch]]:
        """A part in order, in blocks of some whole rows of about so many samples: where in the rows, and the values.

        A row is read with all its trajectories, and no more rows at once than fit the `buffer` (bytes), but one.
        """
        fit = int(self.buffer // self.bytes_of_row(self.everything))
        rows = max(1, min(fit, samples // len(part.trajectories)))
        for first in range(0, len(part.rows), rows):
            chosen = part.rows[first : first + rows]
            yield slice(first, first + len(chosen)), self.read(chosen, part.trajectories)


class Stream:
    """Batches without end for training, the same for the same seed from any step on.

    Rows are drawn in a new order every epoch and read so many at a time as fit the `buffer` (bytes); batches are drawn
    from those in memory without replacement. A window that is in memory already is not read again.
    """

    def __init__(self, samples: Samples, part: Part, batch: int, seed: int, buffer: float, together: int = 1):
        usable = part.rows
        if together > 1:  # the rows that follow must be of the same part
            usable = part.rows[np.isin(part.rows + together - 1, part.rows)]
        if not len(usable):
            raise SamplesError(f"no {together} successive snapshots to train on")
        self.samples, self.batch, self.seed, self.together = samples, batch, seed, together
        self.part = Part(usable, part.trajectories)
        in_memory = max(1, int(buffer // (samples.bytes_of_row(part) * together)))
        windows = max(1, -(-len(usable) // in_memory))
        self.windows = windows
        self.per_window = max(1, (len(usable) // windows) * len(part.trajectories) // batch)
        self._key: bytes = b""
        self._values: Batch = {}
        self._order: tuple[tuple[int, int], np.ndarray] | None = None

    def take(self, step: int, count: int) -> Batch:
        """The batches of `count` steps from `step` on, (count, batch, ...) of every variable."""
        each = [self._one(step + i) for i in range(count)]
        return {name: np.stack([values[name] for values in each]) for name in each[0]}

    def _one(self, step: int) -> Batch:
        window, place = divmod(step, self.per_window)
        epoch, which = divmod(window, self.windows)
        rows = np.array_split(np.random.default_rng([self.seed, 1, epoch]).permutation(self.part.rows), self.windows)
        chosen = np.sort(rows[which])
        if chosen.tobytes() != self._key:
            self._values = {}  # not two windows at a time
            self._values = self.samples.read(chosen, self.part.trajectories, self.together)
            self._key = chosen.tobytes()
        count = len(chosen) * len(self.part.trajectories)
        if self._order is None or self._order[0] != (epoch, which):
            generator = np.random.default_rng([self.seed, 2, epoch, which])
            needed = self.per_window * self.batch
            order = generator.permutation(count) if needed <= count else generator.integers(0, count, needed)
            self._order = ((epoch, which), order)
        index = self._order[1][place * self.batch : (place + 1) * self.batch]
        row, trajectory = np.divmod(index, len(self.part.trajectories))
        return {name: values[row, trajectory] for name, values in self._values.items()}
