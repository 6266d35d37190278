"""How time steps, saved rows, snapshots and the run length relate."""

import bisect
import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, cast

import numpy as np

from physent.errors import ParameterError, brief

SPACINGS = {"logspace": np.geomspace, "linspace": np.linspace}
MOST_TIMES = 10**6


@dataclass(frozen=True)
class Cadence:
    """A row of series and diagnostics every `steps_per_row` steps, a snapshot of fields every
    `rows_per_snapshot` rows.

    `rows` counts those after the first; row i is at t = `begins` + i * `save_every`. Where times
    are listed instead (`run.save_at`), row i ends with step `ends[i]` and is at `listed[i]`, and
    there is a snapshot at each; the first entry of both is that of row 0.
    """

    dt: float
    save_every: float
    steps_per_row: int
    rows_per_snapshot: int
    rows: int
    ends: tuple[int, ...] = ()
    listed: tuple[float, ...] = ()
    begins: float = 0.0

    @classmethod
    def of(cls, solver: Any, run: Any, begins: Any = 0.0) -> "Cadence":
        """The cadence of a run's settings, from t = 0 or another time. Raises ParameterError if one
        time is not a multiple of the other.
        """
        begins = float(np.unique(np.asarray(begins))[-1])
        steps = np.unique(np.asarray(solver.dt))
        if steps.size > 1:
            raise ParameterError(
                "solver.dt",
                "all members are saved at the same times, so dt must be the same for all",
            )
        dt = float(steps[0])
        if not np.isfinite(dt):
            words = "given 'auto', which physent.run and experiments replace by a number first"
            raise ParameterError("solver.dt", words)
        # a step in float32 is known to its rounding only; in float64 a row must not be labelled
        # with another time
        exactness = 1e-6 if steps.dtype == np.float32 else 1e-10
        if run.save_at is not None:
            return cls._at(dt, run.save_at, exactness, begins)
        steps_per_row = _times("run.save_every", run.save_every, "solver.dt", dt, exactness)
        every = run.save_every if run.snapshot_every is None else run.snapshot_every
        rows_per_snapshot = _times(
            "run.snapshot_every", every, "run.save_every", run.save_every, 1e-10
        )
        unit = "run.save_every" if rows_per_snapshot == 1 else "run.snapshot_every"
        snapshots = _times("run.t_end", run.t_end, unit, every, 1e-10, begins)
        rows = snapshots * rows_per_snapshot
        return cls(dt, run.save_every, steps_per_row, rows_per_snapshot, rows, begins=begins)

    @classmethod
    def _at(cls, dt: float, given: Any, exactness: float, begins: float) -> "Cadence":
        """The cadence of listed times, which are multiples of dt, or of spaced ones, which become
        the nearest.
        """
        times = times_at(given)
        if isinstance(given, dict):
            ends = np.unique(np.rint((times - begins) / dt).astype(np.int64))
            ends = ends[ends > 0].tolist()
            if not ends:
                words = f"no time is a step of solver.dt = {dt!r} after t = {begins:g}"
                raise ParameterError("run.save_at", words)
            listed = [begins + end * dt for end in ends]
        else:
            listed = times.tolist()
            ends = [_times("run.save_at", t, "solver.dt", dt, exactness, begins) for t in listed]
        steps = math.gcd(*ends)
        ends, listed = (0, *ends), (begins, *listed)
        return cls(dt, steps * dt, steps, 1, len(ends) - 1, ends, listed, begins)

    @property
    def is_uneven(self) -> bool:
        """Whether different times lie between its rows."""
        return len(set(np.diff(self.ends).tolist())) > 1

    def snapshots(self, rows: int) -> int:
        """The number of snapshots complete after `rows` rows beyond the first."""
        return rows // self.rows_per_snapshot

    def time(self, row: int) -> float:
        """The time of a row."""
        return self.listed[row] if self.listed else self.begins + row * self.save_every

    def times(self, first: int, end: int, each: int = 1, dtype: Any = np.float64) -> np.ndarray:
        """The times of the rows first * each, ..., (end - 1) * each, computed in a precision."""
        if self.listed:
            return np.asarray(self.listed[first * each : (end - 1) * each + 1 : each], dtype)
        return self.begins + np.arange(first, end).astype(dtype) * dtype(self.save_every * each)

    def steps(self, first: int, end: int) -> list[int]:
        """The steps of each row that follows the rows `first` to `end` - 1."""
        if self.ends:
            return np.diff(self.ends[first : end + 1]).tolist()
        return [self.steps_per_row] * (end - first)

    def fitting(self, done: int, steps: int) -> int:
        """How many rows after row `done` so many steps complete."""
        if self.ends:
            return bisect.bisect_right(self.ends, self.ends[done] + steps) - 1 - done
        return min(steps // self.steps_per_row, self.rows - done)


def times_at(given: Any) -> np.ndarray:
    """The times that `run.save_at` asks for, without one of 0: a list, or as many as a spacing
    says, {"logspace": [first, last, count]}. Raises ParameterError.
    """
    if isinstance(given, dict):
        return _spaced(given)
    times = np.atleast_1d(np.asarray(given, float))
    times = times[1:] if times.size and times[0] == 0 else times
    rising = times.ndim == 1 and np.all(np.diff(times, prepend=0.0) > 0)
    if not (0 < times.size <= MOST_TIMES and np.all(np.isfinite(times)) and rising):
        words = f"given {_few(times)}, allowed: up to {MOST_TIMES} rising times > 0"
        raise ParameterError("save_at", words)
    return times


def _spaced(given: dict[str, Any]) -> np.ndarray:
    allowed = "{ logspace = [first, last, count] } or { linspace = [first, last, count] }"
    spacing, ends = cast("tuple[str, Any]", next(iter(given.items()), ("", ())))
    three = isinstance(ends, list | tuple) and len(ends) == 3
    numbers = three and all(type(end) in (int, float) for end in ends)
    if len(given) != 1 or spacing not in SPACINGS or not numbers:
        raise ParameterError("save_at", f"given {brief(given)}, allowed: {allowed}, or a list")
    first, last, count = ends
    if not (0 < first < last < np.inf and 2 <= count <= MOST_TIMES and count == int(count)):
        words = f"0 < first < last and a count of 2 to {MOST_TIMES}, as {allowed}"
        raise ParameterError("save_at", f"given {brief(given)}, allowed: {words}")
    return SPACINGS[spacing](first, last, int(count))


def unit_of(given: Any) -> float:
    """A time that divides all those of a list, as decimal numbers, or the first of a spacing."""
    times = times_at(given).tolist()
    if isinstance(given, dict):
        return times[0]
    exact = [Fraction(repr(t)) for t in times]
    whole = math.lcm(*(t.denominator for t in exact))
    return math.gcd(*(int(t * whole) for t in exact)) / whole


def _few(times: np.ndarray) -> str:
    more = ", ..." if times.size > 4 else ""
    return f"[{', '.join(f'{t:g}' for t in times.ravel()[:4])}{more}]"


def _times(
    name: str, given: float, unit_name: str, unit: float, exactness: float, begins: float = 0.0
) -> int:
    if given <= begins + exactness * abs(begins):
        words = f"given {given!r}, but it begins at t = {begins:g}, allowed: later times"
        raise ParameterError(name, words)
    value = given - begins
    ratio = value / unit
    count = round(ratio) if ratio < 2**62 else 0
    if count < 1 or abs(count * unit - value) > exactness * given:
        below, above = max(1, int(min(ratio, 2**62))), int(min(ratio, 2**62)) + 1
        raise ParameterError(
            name,
            f"given {given!r}, allowed: a multiple of {unit_name} = {unit!r}"
            f"{f' after t = {begins:g}' if begins else ''}; near it: {begins + below * unit:.12g} "
            f"or {begins + above * unit:.12g}, or {unit_name} = {value / above!r}",
        )
    return count
