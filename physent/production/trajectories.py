"""Trajectories as the estimators take them: whole parts without gaps, at equal times."""

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from jaxtyping import ArrayLike

from physent.errors import ParameterError

BLOCK = 1 << 16  # rows that are looked at together, so that memory does not grow with the data
MOST_STATES = 4096  # of a sequence of states


@dataclasses.dataclass(frozen=True)
class Trajectories:
    """Parts without gaps, each (times, components), in the order in which they were given.

    `parts` are float64, unwrapped along components with a `period` (components,), infinite where
    there is none; `parity` (components,) is -1 where a component turns round with time. Of
    sequences of states `states` holds numbers from 0 on, (times,) each, and `labels` what they
    stand for. `notes` say what was done to the data.
    """

    parts: tuple[np.ndarray, ...]
    dt: float
    period: np.ndarray
    parity: np.ndarray
    states: tuple[np.ndarray, ...] = ()
    labels: tuple[Any, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def discrete(self) -> bool:
        """Whether they are sequences of states."""
        return bool(self.states)

    @property
    def components(self) -> int:
        """How many numbers a row has."""
        return self.parts[0].shape[1]

    @property
    def periodic(self) -> bool:
        """Whether any component lies on a ring."""
        return bool(np.isfinite(self.period).any())

    @property
    def rows(self) -> int:
        """Rows of all parts."""
        return sum(len(part) for part in self.parts)

    @property
    def steps(self) -> int:
        """Pairs of rows that follow each other."""
        return self.rows - len(self.parts)

    def moments(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and variance (d,) of the rows of all parts."""
        mean = np.sum([part.sum(axis=0) for part in self.parts], axis=0) / self.rows
        square = np.sum([np.square(part - mean).sum(axis=0) for part in self.parts], axis=0)
        return mean, square / self.rows

    def windows(self, length: int, block: int = BLOCK) -> Iterator[np.ndarray]:
        """Stretches (rows, components) of at most `block` windows of `length` rows that follow each
        other; every window is in one of them.
        """
        for part in self.parts:
            last = len(part) - length + 1
            for start in range(0, max(last, 0), block):
                yield part[start : min(start + block, last) + length - 1]

    def blocks(self, count: int) -> list["Trajectories"]:
        """About `count` pieces of about as many steps, cut in time or between parts."""
        if len(self.parts) >= 4 * count:
            ends = np.cumsum([len(part) for part in self.parts])
            owner = np.minimum((ends - 1) * count // ends[-1], count - 1)
            places = [np.flatnonzero(owner == each) for each in range(count)]
            chosen = [[(int(i), slice(None)) for i in place] for place in places if place.size]
        else:
            most = max(2, -(-self.rows // count))
            chosen = []
            for i, part in enumerate(self.parts):
                number = max(1, round(len(part) / most))
                ends = np.linspace(0, len(part), number + 1).astype(int)
                # a cut belongs to both sides, so that no step is lost
                chosen += [[(i, slice(int(a), int(b) + 1))] for a, b in itertools.pairwise(ends)]
        return [self._of(piece) for piece in chosen]

    def _of(self, piece: Sequence[tuple[int, slice]]) -> "Trajectories":
        return dataclasses.replace(
            self,
            parts=tuple(self.parts[i][place] for i, place in piece),
            states=tuple(self.states[i][place] for i, place in piece) if self.states else (),
        )

    def every(self, stride: int) -> "Trajectories":
        """Every `stride`-th row, from each of its first rows, as more trajectories."""
        many = range(stride)
        parts = tuple(p[s::stride] for p in self.parts for s in many if len(p[s::stride]) > 1)
        states = tuple(p[s::stride] for p in self.states for s in many if len(p[s::stride]) > 1)
        return dataclasses.replace(self, parts=parts, states=states, dt=self.dt * stride)


def steps_of(data: Trajectories) -> tuple[np.ndarray, np.ndarray]:
    """Mean square step of each component, and the mean product of two that follow each other."""
    square, onward, n, m = np.zeros(data.components), np.zeros(data.components), 0, 0
    total = np.zeros(data.components)
    for rows in data.windows(2):
        steps = np.diff(rows, axis=0)
        square += (steps**2).sum(axis=0)
        onward += (steps[1:] * steps[:-1]).sum(axis=0)
        total += steps.sum(axis=0)
        n, m = n + len(steps), m + len(steps) - 1
    mean = total / n
    return square / n - mean**2, onward / max(m, 1) - mean**2


def offset_of(data: Trajectories) -> np.ndarray:
    """The part (d,) of -<dX dX_next> that does not grow as dt^2: the variance of measurement noise,
    or less than 0 where steps go on.
    """
    return (steps_of(data.every(2))[1] - 4 * steps_of(data)[1]) / 3


INERTIAL = 0.35  # correlation of steps that follow each other; 1/4 of those of a full exposure
INERTIA = "steps go on in their direction, so velocities, or what propels, are hidden"


def inertial(data: Trajectories) -> bool:
    """Whether steps go on in their direction, the more the shorter they are."""
    if max(map(len, data.parts)) < 6:
        return False
    (square, onward), (wide, later) = (steps_of(each) for each in (data, data.every(2)))
    one, two = (a / np.where(b > 0, b, 1) for a, b in ((onward, square), (later, wide)))
    return bool(np.any((one > INERTIAL) & (one > two)))


def as_trajectories(
    x: ArrayLike | Sequence[ArrayLike],
    dt: float,
    period: ArrayLike | Sequence[float] | None = None,
    parity: ArrayLike | Sequence[float] | None = None,
) -> Trajectories:
    """What was given, checked.

    Args:
        x: (trajectories, times, components), (times, components) or (times,), or a list of arrays
            of the last two, which may have different lengths. Whole numbers (and booleans) are
            states. Rows with a value that is not finite are gaps.
        dt: the time between rows.
        period: of every component, or one for all; None or inf where it lies on no ring.
        parity: 1 or -1 for every component, -1 for velocities; default 1.

    Raises ParameterError for what cannot be taken.
    """
    dt = positive(dt, "dt")
    given = [np.asarray(each) for each in x] if isinstance(x, list | tuple) else [np.asarray(x)]
    if isinstance(x, list | tuple) and all(each.ndim == 0 for each in given):
        given = [np.asarray(x)]
    if len(given) == 1 and given[0].ndim == 3:
        given = list(given[0])
    given = [each[:, None] if each.ndim == 1 else each for each in given]
    shapes = {each.shape[1:] for each in given}
    if not given or len(shapes) != 1 or any(each.ndim != 2 for each in given):
        said = ", ".join(str(each.shape) for each in given[:4]) or "an empty list"
        raise ParameterError(
            "x",
            f"given {said}, allowed: (trajectories, times, components), (times, components), "
            "(times,), or a list of arrays of the last two with as many components each",
        )
    kinds = {each.dtype.kind for each in given}
    if not kinds <= set("fiub"):
        raise ParameterError(
            "x", f"given {given[0].dtype}, allowed: real numbers, or whole ones for states"
        )
    width = given[0].shape[1]
    periods = _for_each(period, width, "period", np.inf)
    if not np.all(periods > 0):
        raise ParameterError("period", f"given {period}, allowed: numbers > 0, or inf")
    parities = _for_each(parity, width, "parity", 1.0)
    if not np.all(np.abs(parities) == 1):
        raise ParameterError("parity", f"given {parity}, allowed: 1 or -1 for each component")
    if kinds <= set("iub"):
        return _sequences(given, dt, periods, parities)
    parts, gaps = [], 0
    for each in given:
        found = _without_gaps(np.asarray(each, float))
        gaps += max(len(found) - 1, 0)
        parts += [_unwrapped(part, periods) for part in found if len(part) > 1]
    if not parts:
        raise ParameterError("x", "has no two finite rows that follow each other")
    notes = (f"cut at {gaps} gaps",) if gaps else ()
    spread = np.max([np.ptp(part, axis=0) for part in parts], axis=0)
    first = np.asarray([part[0] for part in parts])
    still = np.flatnonzero((spread == 0) & (np.ptp(first, axis=0) == 0))
    if still.size:
        raise ParameterError("x", f"component {still[0]} never changes: leave it out")
    return Trajectories(tuple(parts), dt, periods, parities, notes=notes)


def positive(value: float, name: str) -> float:
    """The value as a number > 0. Raises ParameterError where it is none."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = np.nan
    if not (np.isfinite(number) and number > 0):
        raise ParameterError(name, f"given {value!r}, allowed: a number > 0")
    return number


def _for_each(
    given: ArrayLike | Sequence[float] | None, width: int, name: str, default: float
) -> np.ndarray:
    """One number for each component."""
    if given is None:
        return np.full(width, default)
    values = [default if each is None else each for each in np.ravel(np.asarray(given, object))]
    try:
        array = np.asarray(values, float)
    except (TypeError, ValueError):
        array = np.full(0, np.nan)
    if array.size not in (1, width):
        raise ParameterError(
            name, f"given {given}, allowed: a number, or one for each of {width} components"
        )
    return np.broadcast_to(array, (width,)).copy()


def _sequences(
    given: list[np.ndarray], dt: float, period: np.ndarray, parity: np.ndarray
) -> Trajectories:
    """Rows of whole numbers as states, one for each row that occurs."""
    given = [each.astype(np.int64) for each in given if len(each) > 1]
    if not given:
        raise ParameterError("x", "has no two rows that follow each other")
    labels, numbers = np.unique(np.concatenate(given), axis=0, return_inverse=True)
    ends = np.cumsum([len(each) for each in given])[:-1]
    numbers = np.split(np.ravel(numbers), ends)
    names = tuple(int(row[0]) if len(row) == 1 else tuple(map(int, row)) for row in labels)
    parts = tuple(each.astype(float) for each in given)
    return Trajectories(parts, dt, period, parity, tuple(numbers), names)


def _without_gaps(x: np.ndarray) -> list[np.ndarray]:
    """The stretches of finite rows."""
    good = np.isfinite(x).all(axis=1)
    if good.all():
        return [x]
    edges = np.flatnonzero(np.diff(np.concatenate([[False], good, [False]]).astype(int)))
    return [x[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _unwrapped(x: np.ndarray, period: np.ndarray) -> np.ndarray:
    """Steps across the edge of a ring as the shorter way round."""
    ring = np.isfinite(period)
    if not ring.any():
        return x
    x = x.copy()
    steps = np.diff(x[:, ring], axis=0)
    steps -= period[ring] * np.round(steps / period[ring])
    x[1:, ring] = x[0, ring] + np.cumsum(steps, axis=0)
    return x
