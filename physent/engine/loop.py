"""The engine's host loop round the compiled chunk.

A chunk is a transaction. It advances the state over a number of rows and returns them; only when
its error bits are clear and its values finite do rows and state reach the file, and until then the
state before it is kept. The number of rows is an argument of the compiled program (its buffers have
a static capacity), so that a chunk can take about a second whatever the system costs, a last,
shorter one compiles nothing new, and no length of chunk can change a bit of the result. Buffers are
small (4 MiB), because they are written out anyway and memory is to be the same for every run.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from physent.engine import devices
from physent.engine.cadence import Cadence
from physent.engine.program import Program
from physent.engine.progress import Progress
from physent.engine.rows import Rows
from physent.errors import RunError
from physent.protocol.solver import Solver

CHUNK_BYTES = 4 * 2**20
CHUNK_SECONDS = 1.0


class Sink(Protocol):
    """Where rows go. The engine calls `append` once for each finished chunk, then `commit` with the
    state after it.

    Either raises RunError where no more can be written; the run ends then.
    """

    def append(
        self, rows: Rows, first_row: int, row_count: int, first_snapshot: int, snapshot_count: int
    ) -> None:
        """Write rows and snapshots (host arrays, no longer than said) from these places on."""
        ...

    def commit(self, solver: Solver, state: Any, carries: tuple, rows: int) -> None:
        """Make what was appended last, with the state that continues it after so many rows."""
        ...


@dataclass
class Outcome:
    """How a run ended: `reason` is 'done', 'interrupted' or 'failed', with a sentence for the
    latter.

    `rows` counts all that are saved after the first; `seconds` is the wall time without
    compilation, and `diagnostic_seconds` the part of it that observing and diagnosing took.
    `undefined` names the diagnostics that were not finite somewhere, with the first such time.
    """

    reason: str
    rows: int
    seconds: float
    compile_seconds: float
    diagnostic_seconds: float
    undefined: dict[str, float]
    message: str = ""


def capacity_of(cadence: Cadence, first: Rows, limit: int | None) -> int:
    """Rows that a chunk's buffers hold: within CHUNK_BYTES if one row fits them, and within
    `limit`.
    """
    series = sum(leaf.nbytes for leaf in jax.tree.leaves((first.series, first.finite)))
    fields = sum(leaf.nbytes for leaf in jax.tree.leaves(first.fields))
    fitting = int((CHUNK_BYTES - fields) // max(1, series + fields / cadence.rows_per_snapshot))
    return max(1, min(cadence.rows, fitting, limit or fitting))


@dataclass
class _Pending:
    """A chunk under way: the state it began from, what it will return, and which rows it does."""

    before: tuple[Any, Any, tuple]
    state: Any
    carries: tuple
    rows: Rows
    bits: Any
    first: int
    count: int
    dispatched: float

    @property
    def end(self) -> int:
        return self.first + self.count


class Loop:
    """The host loop: dispatches chunks, checks them, hands them to a sink."""

    def __init__(
        self,
        program: Program,
        cadence: Cadence,
        *,
        limit: int | None = None,
        tell: Callable[[Progress], None] = lambda progress: None,
        stop: Callable[[], bool] = lambda: False,
    ):
        self.program = program
        self.cadence = cadence
        self.limit = limit
        self.tell = tell
        self.stop = stop
        self.compile_seconds = 0.0
        self.undefined: dict[str, float] = {}
        self._defined: set[str] = set()

    def begin(self, key: Any) -> tuple[Any, tuple, Rows]:
        """State, carries and row at t = 0; RunError if that is not finite."""
        started = time.perf_counter()
        state = self.program.init(self.program.solver, key)
        while np.any(devices.fetch(self.program.error_bits(self.program.solver, state))):
            self.program.solver = self.program.solver.grow(state)[0]
            state = self.program.init(self.program.solver, key)
        carries, rows = self.program.first_row(self.program.solver, state)
        rows = jax.tree.map(lambda leaf: leaf[None], devices.fetch(rows))
        self.compile_seconds += time.perf_counter() - started
        if where := self._not_finite(rows, 1):
            raise RunError(f"the initial state is not finite: {where[1]}")
        self._note_undefined(rows.series, 0, 1)
        return state, carries, rows

    def recall(self, blocks: Iterable[tuple[int, dict[str, np.ndarray]]]) -> None:
        """Series that earlier sessions of this run saved, from row 1 on: (first row, values by
        name) of each block.

        What was not finite then is not forgotten by the session that goes on.
        """
        for first, series in blocks:
            count = len(next(iter(series.values()), ()))
            self._note_undefined(series, first, count)

    def loop(
        self,
        sink: Sink,
        solver: Solver,
        state: Any,
        carries: tuple,
        first_rows: Rows,
        done: int = 0,
    ) -> Outcome:
        """From the state after `done` rows to the end, the first failure, or a request to stop."""
        self.sink, self.started_at = sink, done
        self.capacity = capacity_of(self.cadence, first_rows, self.limit)
        if done >= self.cadence.rows:
            self.began, self.compiled_before = time.perf_counter(), self.compile_seconds
            return self._outcome("done", done)
        self._compile(solver, state, carries)
        self.row_seconds = self._time_rows(solver, state, carries)
        self.began, self.compiled_before = time.perf_counter(), self.compile_seconds
        count, ready = 1, self.began  # one row first: how long it takes says how many make a second
        pending = self._dispatch(solver, state, carries, done, count)
        following: _Pending | None = None
        while True:
            if pending.first > done and pending.end < self.cadence.rows:
                following = self._next(solver, pending, count)
            rows, bits = devices.fetch((pending.rows, pending.bits))
            now = time.perf_counter()
            per_row, ready = (now - max(ready, pending.dispatched)) / pending.count, now
            count = max(1, min(self.capacity, 100 * count, int(CHUNK_SECONDS / max(per_row, 1e-9))))
            count = devices.agreed(count)
            if words := self._fatal(bits):
                return self._outcome("failed", pending.first, f"{words} {self._when(pending)}")
            if np.any(bits):
                solver, state, carries = self._grow(pending)
                pending, following = (
                    self._dispatch(solver, state, carries, pending.first, pending.count),
                    None,
                )
                continue
            if where := self._not_finite(rows, pending.count):
                return self._fail(pending, where)
            try:
                self._write(solver, pending, rows)
            except RunError as error:  # the sink takes no more
                return self._outcome("failed", pending.first, str(error))
            self.tell(self._progress(pending.end))
            if pending.end >= self.cadence.rows:
                return self._outcome("done", pending.end)
            if devices.anybody(self.stop()):
                return self._outcome("interrupted", pending.end)
            pending, following = following or self._next(solver, pending, count), None

    def _next(self, solver: Solver, pending: _Pending, count: int) -> _Pending:
        """Dispatch what follows a chunk, which need not have finished."""
        left = self.cadence.rows - pending.end
        return self._dispatch(solver, pending.state, pending.carries, pending.end, min(count, left))

    def _compile(self, solver: Solver, state: Any, carries: tuple) -> None:
        started = time.perf_counter()
        arguments = self._arguments(solver, state, carries, 0, 1)
        self._chunk = self.program.compiled(self.cadence, self.capacity, *arguments)
        self.compile_seconds += time.perf_counter() - started

    def _arguments(
        self,
        solver: Solver,
        state: Any,
        carries: tuple,
        first: int,
        count: int,
        steps: int | None = None,
    ):
        lengths = (first, count, self.cadence.steps_per_row if steps is None else steps)
        return eqx.filter(solver, eqx.is_array), state, carries, *map(jnp.asarray, lengths)

    def _time_rows(self, solver: Solver, state: Any, carries: tuple) -> float:
        """Seconds that observing and diagnosing one row takes: rows with no step between them."""
        count = min(self.capacity, 16)
        arguments = self._arguments(solver, state, carries, 0, count, steps=0)
        jax.block_until_ready(self._chunk(*arguments))
        started = time.perf_counter()
        jax.block_until_ready(self._chunk(*arguments))
        return (time.perf_counter() - started) / count

    def _dispatch(
        self, solver: Solver, state: Any, carries: tuple, first: int, count: int
    ) -> _Pending:
        after, following, rows, bits = self._chunk(
            *self._arguments(solver, state, carries, first, count)
        )
        return _Pending(
            (solver, state, carries),
            after,
            following,
            rows,
            bits,
            first,
            count,
            time.perf_counter(),
        )

    def _write(self, solver: Solver, pending: _Pending, rows: Rows) -> None:
        first, end = self.cadence.snapshots(pending.first), self.cadence.snapshots(pending.end)
        kept = Rows(
            {name: value[: pending.count] for name, value in rows.series.items()},
            {name: value[: end - first] for name, value in rows.fields.items()},
            {},
        )
        self._note_undefined(kept.series, pending.first + 1, pending.count)
        self.sink.append(kept, 1 + pending.first, pending.count, 1 + first, end - first)
        self.sink.commit(solver, pending.state, pending.carries, pending.end)

    def _grow(self, pending: _Pending) -> tuple[Solver, Any, tuple]:
        solver, state, carries = pending.before
        grown, state = solver.grow(state)
        self.program.solver = grown
        state = devices.place(state, pending.before[1])
        self._compile(grown, state, carries)
        return grown, state, carries

    def _fatal(self, bits: Any) -> str | None:
        """A sentence where some member met an error that does not go away by growing."""
        return next(filter(None, map(self.program.solver.fatal, np.unique(bits).tolist())), None)

    def _when(self, pending: _Pending) -> str:
        start, end = (row * self.cadence.save_every for row in (pending.first, pending.end))
        return (
            f"between t = {start:g} and {end:g}; the last good state is the checkpoint at t = "
            f"{start:g}"
        )

    def _fail(self, pending: _Pending, where: tuple[int, str, str]) -> Outcome:
        """Write the rows before the first that is not finite, then say what went wrong where."""
        solver, state, carries = pending.before
        good, words, name = where
        if good:
            redone = self._dispatch(solver, state, carries, pending.first, good)
            self._write(solver, redone, devices.fetch(redone.rows))
        every, end = self.cadence.save_every, pending.first + good
        bad = self._dispatch(solver, state, carries, pending.first, good + 1).state
        message = (
            f"{words}{self._index(solver, bad, name)} at t = {(end + 1) * every:g}; "
            f"the last good state is the checkpoint at t = {end * every:g}"
        )
        return self._outcome("failed", end, message)

    def _index(self, solver: Solver, state: Any, name: str) -> str:
        """' at index (i, j)' of the first value of an observable that is not finite."""
        values = self.program.observe(solver, state)[name]
        indices = np.argwhere(~np.isfinite(devices.fetch(values)))
        index = (
            tuple(indices[0][1 if self.program.members > 1 else 0 :].tolist())
            if len(indices)
            else ()
        )
        return f" at index {index}" if index else ""

    def _not_finite(self, rows: Rows, count: int) -> tuple[int, str, str] | None:
        """The first row with an observable that is not finite, a sentence on which, in which
        member, and its name.
        """
        variables = self.program.example.variables
        checked = (name for name in variables if name in rows.finite)
        fields_first = sorted(checked, key=lambda name: not variables[name].dims)
        found: tuple[int, str, str] | None = None
        for name in fields_first:
            bad = ~np.asarray(rows.finite[name])[:count]
            in_rows = bad.reshape(len(bad), -1).any(axis=1)
            row = int(np.argmax(in_rows))
            if in_rows.any() and (found is None or row < found[0]):
                member = f" in member {int(np.argmax(bad[row]))}" if bad.ndim > 1 else ""
                found = row, f"{name} is not finite{member}", name
        return found

    def _note_undefined(self, series: dict[str, Any], first: int, count: int) -> None:
        """Remember the first time at which each diagnostic is not finite; the run goes on.

        What is not finite from the start may be waiting for its window to fill: it counts only if
        it never is.
        """
        for name, values in series.items():
            if name in self.program.may_be_nan:
                continue
            good = np.isfinite(values).reshape(count, -1).all(axis=1)
            if name in self._defined:
                start = 0
            elif good.any():
                start = int(np.argmax(good))
                self._defined.add(name)
                self.undefined.pop(name, None)
            else:
                start = 0
            if not good[start:].all():
                self.undefined.setdefault(
                    name, (first + start + int(np.argmin(good[start:]))) * self.cadence.save_every
                )

    def _elapsed(self) -> float:
        return time.perf_counter() - self.began - (self.compile_seconds - self.compiled_before)

    def _progress(self, rows: int) -> Progress:
        every = self.cadence.save_every
        return Progress(
            rows * every,
            self.started_at * every,
            self.cadence.rows * every,
            rows,
            self.cadence.rows,
            self._elapsed(),
        )

    def _outcome(self, reason: str, rows: int, message: str = "") -> Outcome:
        measured = (rows - self.started_at) * self.row_seconds if rows > self.started_at else 0.0
        seconds = self._elapsed()
        return Outcome(
            reason,
            rows,
            seconds,
            self.compile_seconds,
            min(measured, seconds),
            dict(self.undefined),
            message,
        )
