"""The engine: a jitted chunk, and the host loop round it.

A chunk is a transaction. It advances the state over a number of snapshots and returns their rows; only when its error
bits are clear and its values finite do rows and state reach the file, and until then the state before it is kept.
The number of snapshots is an argument of the compiled program (its buffers have a static capacity), so that a chunk can
take about a second whatever the system costs, a last, shorter one compiles nothing new, and no length of chunk can
change a bit of the result.
"""

import dataclasses
import functools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from physent.diagnostic import Diagnostic, Observed
from physent.parameters import ParameterError, member_axes
from physent.solver import Solver, Variable

CHUNK_BYTES = 16 * 2**20
CHUNK_SECONDS = 1.0


class RunError(Exception):
    """A run that had to stop; what was saved before is valid, and is `dataset` where `physent.run` raised it."""

    dataset: Any = None


@dataclass(frozen=True)
class Cadence:
    """How steps make rows, rows make snapshots, and snapshots make the run."""

    dt: float
    save_every: float
    steps_per_row: int
    rows_per_snapshot: int
    snapshots: int

    @classmethod
    def of(cls, solver: Any, run: Any) -> "Cadence":
        """From the settings of a run. Raises ParameterError where one time is not a multiple of the other."""
        steps = np.unique(np.asarray(solver.dt, dtype=float))
        if steps.size > 1:
            raise ParameterError("solver.dt", "members share their times, so dt must be the same for all of them")
        dt = float(steps[0])
        steps_per_row = _times("run.save_every", run.save_every, "solver.dt", dt)
        every = run.save_every if run.snapshot_every is None else run.snapshot_every
        rows_per_snapshot = _times("run.snapshot_every", every, "run.save_every", run.save_every)
        snapshots = _times(
            "run.t_end", run.t_end, "run.save_every" if every == run.save_every else "run.snapshot_every", every
        )
        return cls(dt, run.save_every, steps_per_row, rows_per_snapshot, snapshots)

    @property
    def rows(self) -> int:
        """Saved rows after the one at the start."""
        return self.snapshots * self.rows_per_snapshot


def _times(name: str, value: float, unit_name: str, unit: float) -> int:
    count = round(value / unit)
    # float32 parameters are only that exact; a multiple to this accuracy is meant as one
    if count < 1 or abs(count * unit - value) > 1e-6 * value:
        below, above = max(1, int(value // unit)), int(value // unit) + 1
        raise ParameterError(
            name,
            f"given {value!r}, allowed: a multiple of {unit_name} = {unit!r}; near it: {below * unit:.12g} or "
            f"{above * unit:.12g}, or {unit_name} = {value / above:.17g}",
        )
    return count


class Rows(NamedTuple):
    """What a chunk returns: `series` by row, `fields` by snapshot, and by row whether each observable is finite."""

    series: dict[str, Any]
    fields: dict[str, Any]
    finite: dict[str, Any]


class Program:
    """A solver with its diagnostics, compiled: the first row, and chunks of later ones.

    With `members` > 1 everything is vmapped: each member has its own key and its own value of every parameter given per
    member, and all arrays carry a leading member axis (after the row).
    """

    def __init__(self, solver: Solver, diagnostics: tuple[Diagnostic, ...] = (), members: int = 1, fields: Any = None):
        self.solver = solver
        self.diagnostics = tuple(diagnostics)
        self.members = members
        self.selected = fields

    @property
    def axes(self) -> Any:
        """The vmap axes of the solver's parameters."""
        return member_axes(self.solver)

    @property
    def one(self) -> Solver:
        """The solver of the first member."""
        if self.members == 1:
            return self.solver
        return jax.tree.map(
            lambda leaf, axis: leaf if axis is None else leaf[0],
            self.solver,
            self.axes,
            is_leaf=lambda leaf: leaf is None,
        )

    @functools.cached_property
    def example(self) -> Observed:
        """The observables of one member's first state: shapes and dtypes instead of values.

        Raises ValueError where the solver's `variables` and `observe` do not name the same observables.
        """
        values = eqx.filter_eval_shape(lambda solver: solver.observe(solver.init(jax.random.key(0))), self.one)
        variables = self.one.variables()
        if odd := set(variables) ^ set(values):
            names = ", ".join(sorted(odd))
            raise ValueError(f"variables() and observe() of {type(self.solver).__name__} disagree on: {names}")
        values = {name: values[name] for name in sorted(values, key=list(variables).index)}  # traced dicts are sorted
        return Observed(values, variables, self.one.domain(), jnp.zeros(()), functools.partial(_shapes, self.one))

    # ------------------------------------------------------------------------------------------------- traced

    def measure(self, solver: Solver, state: Any, carries: tuple) -> tuple[tuple, Rows]:
        """One row of one member: series, fields, finiteness, and the diagnostics' next carries."""
        values = solver.observe(state)
        observed = Observed(values, solver.variables(), solver.domain(), state.t, lambda: solver.exact(state.t))
        dims = {name: variable.dims for name, variable in solver.variables().items()}
        kept = [name for name in values if self.selected is None or name in self.selected]
        series = {name: values[name] for name in kept if not dims[name]}
        following = []
        for diagnostic, carry in zip(self.diagnostics, carries, strict=True):
            carry, outputs = diagnostic(carry, observed)
            following.append(carry)
            series |= outputs
        series |= {f"invariant_{name}": value for name, value in solver.invariants(state).items()}
        fields = {name: values[name] for name in kept if dims[name]}
        finite = {name: jnp.all(jnp.isfinite(value)) for name, value in values.items()}
        return tuple(following), Rows(series, fields, finite)

    def _first_row(self, solver: Solver, state: Any) -> tuple[tuple, Rows]:
        observed = Observed(
            solver.observe(state), solver.variables(), solver.domain(), state.t, lambda: solver.exact(state.t)
        )
        carries = tuple(diagnostic.init(observed) for diagnostic in self.diagnostics)
        return self.measure(solver, state, carries)

    def _row(self, solver: Solver, state: Any, carries: tuple, steps: Any, t: Any) -> tuple[Any, tuple, Rows]:
        state = jax.lax.fori_loop(0, steps, lambda _, state: solver.step(state), state)
        # the row's own time, not a sum of many dt: exact in float64, and float32 cannot stall
        state = eqx.tree_at(lambda state: state.t, state, t.astype(state.t.dtype))
        return state, *self.measure(solver, state, carries)

    def _over_members(self, function: Callable, *axes: Any) -> Callable:
        return function if self.members == 1 else eqx.filter_vmap(function, in_axes=(self.axes, *axes))

    @functools.cached_property
    def init(self) -> Callable[[Solver, Any], Any]:
        """(solver, key) -> state at t = 0; the key of a member does not depend on how many there are."""

        def run(solver, key):
            if self.members == 1:
                return solver.init(key)
            keys = jax.vmap(lambda member: jax.random.fold_in(key, member))(jnp.arange(self.members))
            return self._over_members(lambda solver, key: solver.init(key), 0)(solver, keys)

        return eqx.filter_jit(run)

    @functools.cached_property
    def first_row(self) -> Callable[[Solver, Any], tuple[tuple, Rows]]:
        """(solver, state at t = 0) -> carries and the first row."""
        return eqx.filter_jit(self._over_members(self._first_row, 0))

    def compile(self, cadence: Cadence, capacity: int) -> Callable[..., tuple[Any, tuple, Rows, Any]]:
        """(solver, state, carries, snapshots done, snapshots to do, steps a row) -> state, carries, rows, error bits.

        Both lengths are traced, so nothing is unrolled: one program, and the same bits, for every length.
        """
        per_snapshot = cadence.rows_per_snapshot
        row = self._over_members(self._row, 0, 0, None, None)

        # jax.jit and not eqx.filter_jit, which waits for the result: the next chunk is to run while the last is written
        _, fixed = eqx.partition(self.solver, eqx.is_array)

        @jax.jit
        def run(numbers, state, carries, done, count, steps):
            solver = eqx.combine(numbers, fixed)

            def advance(state, carries, index):
                return row(solver, state, carries, steps, (index + 1) * jnp.asarray(cadence.save_every))

            def write(buffer, values, at):
                return jax.tree.map(lambda b, v: jax.lax.dynamic_update_index_in_dim(b, v, at, 0), buffer, values)

            def one_row(i, loop):
                state, carries, (by_row, fields) = loop
                state, carries, rows = advance(state, carries, done * per_snapshot + i)
                by_row = write(by_row, (rows.series, rows.finite), i)
                # every row writes its fields, and the last of a snapshot's rows stays: cheaper than a branch
                return state, carries, (by_row, write(fields, rows.fields, i // per_snapshot))

            def buffer(length, tree):
                return jax.tree.map(lambda leaf: jnp.zeros((length, *leaf.shape), leaf.dtype), tree)

            shapes = jax.eval_shape(lambda: advance(state, carries, done)[2])
            buffers = (buffer(capacity * per_snapshot, (shapes.series, shapes.finite)), buffer(capacity, shapes.fields))
            loop = (state, carries, buffers)
            state, carries, buffers = jax.lax.fori_loop(0, count * per_snapshot, one_row, loop)
            (series, finite), fields = buffers
            error = self._over_members(lambda solver, state: solver.error(state), 0)(solver, state)
            return state, carries, Rows(series, fields, finite), error

        return lambda solver, *rest: run(eqx.filter(solver, eqx.is_array), *rest)


def _shapes(solver: Solver) -> dict[str, Any]:
    return eqx.filter_eval_shape(lambda solver: solver.exact(jnp.zeros(())), solver)


class Sink(Protocol):
    """Where rows go. The engine calls `append` once for each finished chunk, then `commit` with the state after it."""

    def append(self, rows: Rows, first_row: int, first_snapshot: int) -> None:
        """Write rows (host arrays) whose first has these indices in the file."""
        ...

    def commit(self, solver: Solver, state: Any, carries: tuple, snapshots: int) -> None:
        """Make what was appended last, with the state that continues it."""
        ...


@dataclass
class Progress:
    """What a run can say of itself while it goes on; `seconds` leaves compilation out."""

    t: float
    t_end: float
    snapshots: int
    total: int
    seconds: float
    compile_seconds: float


@dataclass
class Outcome:
    """How a run ended: `reason` is 'done', 'interrupted' or 'failed', with a sentence for the latter."""

    reason: str
    snapshots: int
    solve_seconds: float
    compile_seconds: float
    message: str = ""


def capacity_of(cadence: Cadence, rows: Rows, limit: int | None) -> int:
    """Snapshots that a chunk's buffers hold."""
    series = sum(np.asarray(leaf).nbytes for leaf in jax.tree.leaves((rows.series, rows.finite)))
    fields = sum(np.asarray(leaf).nbytes for leaf in jax.tree.leaves(rows.fields))
    fitting = int(CHUNK_BYTES // max(1, series * cadence.rows_per_snapshot + fields))
    return max(1, min(cadence.snapshots, limit or fitting))


@dataclass
class _Pending:
    before: tuple[Any, Any, tuple]
    state: Any
    carries: tuple
    rows: Rows
    error: Any
    first: int
    count: int
    dispatched: float


class Run:
    """The host loop: dispatches chunks, checks them, hands them to a sink."""

    def __init__(
        self, program: Program, cadence: Cadence, *, limit: int | None = None,
        report: Callable[[Progress], None] = lambda progress: None, stop: Callable[[], bool] = lambda: False,
    ):  # fmt: skip
        self.program = program
        self.cadence = cadence
        self.limit = limit
        self.report = report
        self.stop = stop
        self.compile_seconds = 0.0
        self.row_seconds = 0.0
        self.before = 0.0

    def begin(self, key: Any) -> tuple[Any, tuple, Rows]:
        """State, carries and row at t = 0; RunError if that is not finite."""
        started = time.perf_counter()
        solver = self.program.solver
        state = self.program.init(solver, key)
        carries, rows = self.program.first_row(solver, state)
        rows = _host(jax.tree.map(lambda leaf: leaf[None], rows))
        self.compile_seconds += time.perf_counter() - started
        if where := self._not_finite(rows):
            raise RunError(f"the initial state is not finite: {where[1]}")
        # once more, compiled: what observing and diagnosing one row costs
        started = time.perf_counter()
        jax.block_until_ready(self.program.first_row(solver, state))
        self.row_seconds = time.perf_counter() - started
        return state, carries, rows

    def loop(self, sink: Sink, solver: Solver, state: Any, carries: tuple, first_rows: Rows, done: int = 0) -> Outcome:
        """From the state after `done` snapshots to the end, the first failure, or a request to stop."""
        cadence, began = self.cadence, time.perf_counter()
        self.sink = sink
        self.before = self.compile_seconds
        self.capacity = capacity = capacity_of(cadence, first_rows, self.limit)
        self.chunk = self.program.compile(cadence, capacity)
        count = 1
        pending = self._dispatch(solver, state, carries, done, count) if done < cadence.snapshots else None
        ready = began
        while pending is not None:
            first_dispatch = pending.first == done and pending.count == 1
            end = pending.first + pending.count
            # about a second's worth of snapshots, once one was timed without its compilation
            following = None
            if not first_dispatch and end < cadence.snapshots:
                following = self._dispatch(
                    solver, pending.state, pending.carries, end, min(count, cadence.snapshots - end)
                )
            rows, error = _host(pending.rows), np.asarray(pending.error)
            now = time.perf_counter()
            per_snapshot = (now - max(ready, pending.dispatched)) / pending.count
            ready = now
            count = max(1, min(capacity, 100 * count, int(CHUNK_SECONDS / max(per_snapshot, 1e-9))))
            if np.any(error):
                solver, state, carries = self._grow(pending)
                pending = self._dispatch(solver, state, carries, pending.first, pending.count)
                continue
            if where := self._not_finite(rows, pending.count * cadence.rows_per_snapshot):
                return self._fail(pending, where, began)
            self._write(solver, pending, rows)
            self.report(self._progress(end, began))
            if end < cadence.snapshots and self.stop():
                return self._outcome("interrupted", end, began)
            if following is None and end < cadence.snapshots:
                following = self._dispatch(
                    solver, pending.state, pending.carries, end, min(count, cadence.snapshots - end)
                )
            pending = following
        return self._outcome("done", cadence.snapshots, began)

    def _dispatch(self, solver: Solver, state: Any, carries: tuple, first: int, count: int) -> _Pending:
        started = time.perf_counter()
        lengths = (jnp.asarray(n) for n in (first, count, self.cadence.steps_per_row))
        after, next_carries, rows, error = self.chunk(solver, state, carries, *lengths)
        now = time.perf_counter()
        if now - started > 0.02:  # dispatch returns at once unless it traced and compiled
            self.compile_seconds += now - started
        return _Pending((solver, state, carries), after, next_carries, rows, error, first, count, now)

    def _write(self, solver: Solver, pending: _Pending, rows: Rows) -> None:
        per = self.cadence.rows_per_snapshot
        kept = Rows(
            jax.tree.map(lambda leaf: leaf[: pending.count * per], rows.series),
            jax.tree.map(lambda leaf: leaf[: pending.count], rows.fields),
            {},
        )
        self.sink.append(kept, 1 + pending.first * per, 1 + pending.first)
        self.sink.commit(solver, pending.state, pending.carries, pending.first + pending.count)

    def _grow(self, pending: _Pending) -> tuple[Solver, Any, tuple]:
        solver, state, carries = pending.before
        grown, state = solver.grow(state)
        self.program.solver = grown
        self.chunk = self.program.compile(self.cadence, self.capacity)
        return grown, state, carries

    def _fail(self, pending: _Pending, where: tuple[int, str], began: float) -> Outcome:
        """Write the snapshots before the first that is not finite, then say what went wrong where."""
        solver, state, carries = pending.before
        good = where[0] // self.cadence.rows_per_snapshot
        if good:
            redone = self._dispatch(solver, state, carries, pending.first, good)
            self._write(solver, redone, _host(redone.rows))
        row = pending.first * self.cadence.rows_per_snapshot + where[0] + 1
        every, per = self.cadence.save_every, self.cadence.rows_per_snapshot
        message = (
            f"{where[1]}{self._locate(pending, where)} at t = {row * every:g}; "
            f"the last good state is the checkpoint at t = {(pending.first + good) * per * every:g}"
        )
        return self._outcome("failed", pending.first + good, began, message)

    def _locate(self, pending: _Pending, where: tuple[int, str]) -> str:
        """' at index (i, j)' of the first value that is not finite, found by doing the chunk again up to that row."""
        solver, state, carries = pending.before
        by_row = self.program.compile(dataclasses.replace(self.cadence, rows_per_snapshot=1), 1)
        first = pending.first * self.cadence.rows_per_snapshot
        lengths = (jnp.asarray(n) for n in (first, where[0] + 1, self.cadence.steps_per_row))
        bad = by_row(solver, state, carries, *lengths)[0]
        values = self.program._over_members(lambda solver, state: solver.observe(state), 0)(solver, bad)
        name = where[1].split()[0]
        indices = np.argwhere(~np.isfinite(np.asarray(values[name])))
        if not len(indices):
            return ""
        index = indices[0][1 if self.program.members > 1 else 0 :]
        return f" at index {tuple(index.tolist())}" if len(index) else ""

    def _not_finite(self, rows: Rows, count: int | None = None) -> tuple[int, str] | None:
        """The first row with an observable that is not finite, and a sentence that says which one, in which member."""
        variables = self.program.example.variables
        fields_first = sorted(variables, key=lambda name: not variables[name].dims)
        found: tuple[int, str] | None = None
        for name in fields_first:
            bad = ~np.asarray(rows.finite[name])[:count]
            in_rows = bad.reshape(len(bad), -1).any(axis=1)
            row = int(np.argmax(in_rows))
            if in_rows.any() and (found is None or row < found[0]):
                member = f" in member {int(np.argmax(bad[row]))}" if bad.ndim > 1 else ""
                found = row, f"{name} is not finite{member}"
        return found

    def _progress(self, snapshots: int, began: float) -> Progress:
        every = self.cadence.rows_per_snapshot * self.cadence.save_every
        return Progress(
            snapshots * every, self.cadence.snapshots * every, snapshots, self.cadence.snapshots,
            time.perf_counter() - began - (self.compile_seconds - self.before), self.compile_seconds,
        )  # fmt: skip

    def _outcome(self, reason: str, snapshots: int, began: float, message: str = "") -> Outcome:
        elapsed = time.perf_counter() - began - (self.compile_seconds - self.before)
        return Outcome(reason, snapshots, elapsed, self.compile_seconds, message)


def _host(tree: Any) -> Any:
    return jax.tree.map(np.asarray, tree)


def variables_of(program: Program) -> Iterator[tuple[str, Variable, str]]:
    """(name, variable, 'row' or 'snapshot') of everything a run saves, in the file's order."""
    example = program.example
    for name, variable in example.variables.items():
        if program.selected is None or name in program.selected:
            yield name, variable, "snapshot" if variable.dims else "row"
    for diagnostic in program.diagnostics:
        for name, variable in diagnostic.variables(example).items():
            yield name, variable, "row"
    invariants = eqx.filter_eval_shape(lambda solver: solver.invariants(solver.init(jax.random.key(0))), program.one)
    for name in invariants:
        yield f"invariant_{name}", Variable((), "invariant", "1", f"{name.replace('_', ' ')} (conserved)"), "row"
