"""The engine's host loop around the compiled chunk.

A chunk is a transaction. It advances the state over a number of rows and returns them; only when
its error bits are clear and its values finite do rows and state reach the file, and until then the
state before it is kept. The number of rows is an argument of the compiled program (its buffers have
a static capacity), so that a chunk can take about a second whatever the system costs, a last,
shorter one compiles nothing new, and no length of chunk can change a bit of the result. A row that
takes longer is cut into several chunks, of which the last writes it. Buffers are small (4 MiB),
because they are written out anyway and memory is to be the same for every run.

Python hears no signal while it waits inside XLA, so the host looks now and then whether a chunk is
ready, and leaves one to itself that takes long when the run is to stop (one step, or what is
measured of a row, may take minutes).
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import equinox as eqx
import jax
import numpy as np

from physent.engine import devices
from physent.engine.cadence import Cadence
from physent.engine.portions import Portion, Portions
from physent.engine.program import Program
from physent.engine.progress import Progress
from physent.engine.rows import Block, Instant, Rows
from physent.engine.undefined import Undefined, not_finite
from physent.engine.until import Until
from physent.errors import RunError
from physent.protocol.solver import Solver

CHUNK_BYTES = 4 * 2**20
CHUNK_SECONDS = 1.0
PATIENCE = 3.0  # seconds, with a chunk that is not ready when the run is to stop
LOOKS = 0.02  # seconds between two looks at a chunk, at most
GROWTHS = 16  # of one chunk: buffers that double as often would fill any machine


class Sink(Protocol):
    """The destination of rows. The engine calls `append` once for each finished chunk, then
    `commit` with the instant that the run has reached.

    Either raises RunError where no more can be written; the run ends then.
    """

    def append(self, block: Block) -> None:
        """Write a block of rows and snapshots (host arrays)."""
        ...

    def commit(self, instant: Instant, rows: int) -> None:
        """Commit what was appended: `rows` rows after the first are written, and the run continues
        from this instant.
        """
        ...


@dataclass
class Outcome:
    """How a run ended: `reason` is 'done', 'interrupted' or 'failed', the last with a message.

    `rows` counts all that are saved after the first; `seconds` is the wall time without
    compilation, and `diagnostic_seconds` the part of it that observing and diagnosing took.
    `undefined` names the diagnostics that were not finite somewhere, with the first such time, and
    `held` is the condition of `run.until` that ended it, in words.
    """

    reason: str
    rows: int
    seconds: float
    compile_seconds: float
    diagnostic_seconds: float
    undefined: dict[str, float]
    message: str = ""
    held: str = ""


def capacity_of(cadence: Cadence, first: Rows, limit: int | None) -> int:
    """Rows that a chunk's buffers hold: within CHUNK_BYTES if one row fits them, and within
    `limit`.
    """
    series = sum(leaf.nbytes for leaf in jax.tree.leaves((first.series, first.finite)))
    fields = sum(leaf.nbytes for leaf in jax.tree.leaves(first.fields))
    fitting = int((CHUNK_BYTES - fields) // max(1, series + fields / cadence.rows_per_snapshot))
    return max(1, min(cadence.rows, fitting, limit or fitting))


class Beginning(NamedTuple):
    """A run at t = 0: its instant, its first row (with a leading axis), what was not finite in it,
    and the compilation time in seconds.
    """

    instant: Instant
    rows: Rows
    undefined: Undefined
    seconds: float

    @property
    def block(self) -> Block:
        """The first row as a block."""
        return Block(self.rows, 0, 1, 0, 1)


def begin(program: Program, cadence: Cadence, key: Any) -> Beginning:
    """Start a run at t = 0, growing buffers until none overflows; `program` then has that solver.

    Raises RunError where that is not possible, or an observable is not finite.
    """
    started = time.perf_counter()
    state = program.init(program.solver, key)
    for growths in range(GROWTHS + 1):
        bits = devices.fetch(program.error_bits(program.solver, state))
        if not np.any(bits):
            break
        try:
            program.solver = _grown(program.solver, state, bits, growths)[0]
        except RunError as error:
            raise RunError(f"{error} at t = 0") from None
        state = program.init(program.solver, key)
    carries, row = program.first_row(program.solver, state)
    rows = jax.tree.map(lambda leaf: leaf[None], devices.fetch(row))
    seconds = time.perf_counter() - started
    if where := not_finite(program, rows, 1):
        raise RunError(f"the initial state is not finite: {where[1]}")
    undefined = Undefined(program.may_be_nan, cadence.time)
    undefined.note(rows.series, 0, 1)
    return Beginning(Instant(program.solver, state, carries), rows, undefined, seconds)


def _grown(solver: Solver, state: Any, bits: Any, before: int) -> tuple[Solver, Any]:
    """A solver with larger buffers, after `before` attempts at the same rows, and the state
    reshaped to it. Raises RunError if growing does not help.
    """
    for words in filter(None, map(solver.fatal, np.unique(bits).tolist())):
        raise RunError(words)
    grown, state = solver.grow(state)
    name = type(solver).__name__
    if bool(eqx.tree_equal(grown, solver)):
        raise RunError(f"{name} reported an error, and its grow() changed nothing")
    if before >= GROWTHS:
        raise RunError(f"{name} grew {before} times, and the error remained")
    return grown, state


@dataclass
class _Pending:
    """A chunk in flight: its starting instant, its future results, and its portion of the run."""

    before: Instant
    after: Instant
    rows: Rows
    bits: Any
    portion: Portion
    dispatched: float

    @property
    def first(self) -> int:
        return self.portion.first

    @property
    def count(self) -> int:
        return self.portion.count

    @property
    def end(self) -> int:
        return self.portion.end


class _Left(Exception):
    """A chunk was left to itself."""


class Loop:
    """The host loop of a run that continues after `done` rows: it dispatches and checks chunks and
    passes them to a sink.
    """

    def __init__(
        self,
        program: Program,
        cadence: Cadence,
        sink: Sink,
        beginning: Beginning,
        *,
        done: int = 0,
        limit: int | None = None,
        tell: Callable[[Progress], None] = lambda progress: None,
        stop: Callable[[], bool] = lambda: False,
        until: Until | None = None,
    ):
        self.program = program
        self.cadence = cadence
        self.sink = sink
        self.undefined = beginning.undefined
        self.done = done
        self.tell = tell
        self.stop = stop
        self.until = until
        self.capacity = capacity_of(cadence, beginning.rows, limit)
        self.portions = Portions(cadence, self.capacity, CHUNK_SECONDS)
        self.committed = done
        self.compile_seconds = self.compiled_before = beginning.seconds
        self.began = time.perf_counter()
        self.row_seconds = 0.0
        self._chunk: Any = None  # compiled by `advance`, and again for a solver that has grown

    def advance(self, instant: Instant) -> Outcome:
        """Run from an instant to the end, the first failure, or a request to stop."""
        if self.done >= self.cadence.rows or devices.anybody(self._held):
            return self._outcome("done", self.done)
        try:
            self._compile(instant)
            self._time(instant)
            self.began, self.compiled_before = time.perf_counter(), self.compile_seconds
            return self._advance(instant)
        except _Left:
            return self._outcome("interrupted", self.committed)

    def _advance(self, instant: Instant) -> Outcome:
        ready = self.began
        # at most one row first: how long it takes says how many make a second
        pending = self._dispatch(instant, self.portions.after(self.done, several=False))
        following, growths = None, 0
        while True:
            if pending.first > self.done and pending.end < self.cadence.rows:
                following = self._next(pending)
            self._wait((pending.rows, pending.bits))
            rows, bits = devices.fetch((pending.rows, pending.bits))
            now = time.perf_counter()
            self.portions.took(pending.portion, now - max(ready, pending.dispatched))
            ready = now
            try:
                if np.any(bits):
                    instant = self._larger(pending, bits, growths)
                    pending, following = self._dispatch(instant, pending.portion), None
                    growths += 1
                    continue
            except RunError as error:
                return self._outcome("failed", pending.first, f"{error} {self._when(pending)}")
            if pending.count:
                if where := not_finite(self.program, rows, pending.count):
                    return self._fail(pending, where)
                pending, rows = self._until(pending, rows)
                try:
                    self._write(pending, rows)
                except RunError as error:  # the sink takes no more
                    return self._outcome("failed", pending.first, str(error))
            self.tell(self._progress(pending.end, pending.portion.begun_after))
            if pending.end >= self.cadence.rows or self._held:
                return self._outcome("done", pending.end)
            if devices.anybody(self.stop()):
                return self._outcome("interrupted", pending.end)
            pending, following, growths = following or self._next(pending), None, 0

    def _next(self, pending: _Pending) -> _Pending:
        """Dispatch the chunk after one that need not have finished."""
        portion = self.portions.after(pending.end, pending.portion.begun_after)
        return self._dispatch(pending.after, portion)

    def _wait(self, results: Any) -> None:
        """Wait for results, open to signals. Raises _Left where they take long and the run is to
        stop; where several processes run, all of them would have to leave together, and wait.
        """
        leaves: list[Any] = jax.tree.leaves(results)
        began, alone = time.perf_counter(), jax.process_count() == 1
        while not all(leaf.is_ready() for leaf in leaves):
            waited = time.perf_counter() - began
            if alone and waited > PATIENCE and self.stop():
                raise _Left
            time.sleep(min(LOOKS, 0.01 * waited))

    def _compile(self, instant: Instant) -> None:
        started = time.perf_counter()
        arguments = self._arguments(instant, Portion(0, 0, 1, (0,)))
        self._chunk = self.program.compiled(self.cadence, self.capacity, *arguments)
        self.compile_seconds += time.perf_counter() - started

    def _time(self, instant: Instant) -> None:
        """Measure how long it takes to observe and diagnose a row, on rows with no step between
        them, and how long a step takes.
        """

        def seconds(portion: Portion) -> float:
            started = time.perf_counter()
            self._wait(self._chunk(*self._arguments(instant, portion))[2:])
            return time.perf_counter() - started

        first = seconds(Portion(0, 0, 1, (0,)))
        count = devices.agreed(max(1, min(self.capacity, 16, int(0.5 / first))))
        self.row_seconds = seconds(Portion(0, 0, count, (0,) * count)) / count
        step = Portion(self.done, 0, 0, (1,))
        self.portions.took(step, seconds(step))

    def _dispatch(self, instant: Instant, portion: Portion) -> _Pending:
        state, carries, rows, bits = self._chunk(*self._arguments(instant, portion))
        after = Instant(instant.solver, state, carries)
        return _Pending(instant, after, rows, bits, portion, time.perf_counter())

    def _arguments(self, instant: Instant, portion: Portion) -> tuple[Any, ...]:
        return self.program.arguments(instant, portion, self.cadence, self.capacity)

    @property
    def _held(self) -> bool:
        return self.until is not None and self.until.held

    def _until(self, pending: _Pending, rows: Rows) -> tuple[_Pending, Rows]:
        """A chunk and its rows; where the run ends within it, computed again as far as that."""
        if self.until is None:
            return pending, rows
        first, count = 1 + pending.first, pending.count
        times = self.cadence.times(first, first + count)
        row = self.until.look(rows.series[self.until.of][:count], times)
        self.until.held = devices.anybody(row is not None)
        ends = devices.agreed(count if row is None else row + 1)
        if ends < count:
            pending = self._dispatch(pending.before, pending.portion.cut(ends))
            rows = devices.fetch(pending.rows)
        return pending, rows

    def _write(self, pending: _Pending, rows: Rows) -> None:
        first, end = self.cadence.snapshots(pending.first), self.cadence.snapshots(pending.end)
        series = {name: value[: pending.count] for name, value in rows.series.items()}
        fields = {name: value[: end - first] for name, value in rows.fields.items()}
        self.undefined.note(series, pending.first + 1, pending.count)
        self.sink.append(
            Block(
                Rows(series, fields, {}), 1 + pending.first, pending.count, 1 + first, end - first
            )
        )
        self.sink.commit(pending.after, pending.end)
        self.committed = pending.end

    def _larger(self, pending: _Pending, bits: Any, growths: int) -> Instant:
        """The starting instant of a chunk, with larger buffers."""
        solver, state, carries = pending.before
        solver, larger = _grown(solver, state, bits, growths)
        self.program.solver = solver
        instant = Instant(solver, devices.place(larger, state), carries)
        self._compile(instant)
        return instant

    def _when(self, pending: _Pending) -> str:
        rows = pending.first, pending.first + max(1, pending.count)
        start, end = map(self.cadence.time, rows)
        return (
            f"between t = {start:g} and {end:g}; the last good state is the checkpoint at t = "
            f"{start:g}"
        )

    def _fail(self, pending: _Pending, where: tuple[int, str, str]) -> Outcome:
        """Write the rows before the first that is not finite, then report what failed and where."""
        good, words, name = where

        def again(count: int) -> _Pending:
            return self._dispatch(pending.before, pending.portion.cut(count))

        if good:
            redone = again(good)
            self._write(redone, devices.fetch(redone.rows))
        end = pending.first + good
        bad = again(good + 1).after
        message = (
            f"{words}{self._index(bad, name)} at t = {self.cadence.time(end + 1):g}; "
            f"the last good state is the checkpoint at t = {self.cadence.time(end):g}"
        )
        return self._outcome("failed", end, message)

    def _index(self, instant: Instant, name: str) -> str:
        """' at index (i, j)' of the first value of an observable that is not finite."""
        values = self.program.observe(instant.solver, instant.state)[name]
        indices = np.argwhere(~np.isfinite(devices.fetch(values)))
        if not len(indices):
            return ""
        return f" at index {tuple(indices[0][1 if self.program.members > 1 else 0 :].tolist())}"

    def _elapsed(self) -> float:
        return time.perf_counter() - self.began - (self.compile_seconds - self.compiled_before)

    def _progress(self, rows: int, steps: int) -> Progress:
        time, end = self.cadence.time, self.cadence.rows
        t = time(rows) + steps * self.cadence.dt
        total = rows if self._held else end
        return Progress(t, time(self.done), time(end), rows, total, self._elapsed())

    def _outcome(self, reason: str, rows: int, message: str = "") -> Outcome:
        measured = (rows - self.done) * self.row_seconds
        seconds = self._elapsed()
        return Outcome(
            reason,
            rows,
            seconds,
            self.compile_seconds,
            min(measured, seconds),
            dict(self.undefined.since),
            message,
            self.until.said() if self.until is not None and self.until.held else "",
        )
