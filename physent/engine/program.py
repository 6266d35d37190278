"""The compiled program: rows over time steps, members and devices."""

import functools
from collections.abc import Callable
from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from physent.engine import devices
from physent.engine.cadence import Cadence
from physent.engine.outline import Outline
from physent.engine.portions import Portion
from physent.engine.rows import (
    Instant,
    Rows,
    measure,
)
from physent.numerics import slab
from physent.numerics.products import with_all_digits
from physent.protocol.solver import Solver


class Program(Outline):
    """A solver with its diagnostics, compiled: the first row, and chunks of later ones.

    With `members` > 1 everything is vmapped, or mapped in turn (`Solver.members_in_turn`): each
    member has its own key and its own value of every parameter given per member, and all arrays
    carry a leading member axis (after the row). With `devices` > 1 members are shared out, and one
    member is cut as its solver says (`physent.engine.devices`).
    """

    _row_shapes: Any = None  # as the first row says

    @functools.cached_property
    def mesh(self) -> Mesh | None:
        """The device mesh, if there is more than one device."""
        return devices.mesh_of(self.devices, self.members) if self.devices > 1 else None

    # ----------------------------------------------------------------------------------------------
    # traced

    def _stepped(self, solver: Solver, state: Any, steps: Any) -> Any:
        """The state of one member some steps later."""
        return jax.lax.fori_loop(0, steps, lambda _, state: self._cut(solver.step(state)), state)

    def _followed(self, solver: Solver, state: Any, carries: tuple, steps: Any) -> Any:
        """The same with what diagnostics do at every step: the state, and their carries."""

        def one(_, now):
            before, carries = now
            after = self._cut(solver.step(before))
            each = zip(self.diagnostics, carries, strict=True)
            return after, tuple(
                diagnostic.advance(carry, solver, before, after) if diagnostic.follows else carry
                for diagnostic, carry in each
            )

        return jax.lax.fori_loop(0, steps, one, (state, carries))

    def _row(self, solver: Solver, state: Any, carries: tuple, t: Any) -> tuple[Any, tuple, Rows]:
        # the row's own time, not a sum of many dt: exact in float64, and float32 cannot stall
        state = eqx.tree_at(lambda state: state.t, state, t.astype(state.t.dtype))
        return state.t, *self.measure(solver, state, carries)

    def measure(
        self, solver: Solver, state: Any, carries: tuple | None = None
    ) -> tuple[tuple, Rows]:
        """One row of one member and the diagnostics' next carries; no carries (None) means t =
        0.
        """
        return measure(solver, state, self.diagnostics, carries, self.selected, self.thinned)

    def _over_members(self, function: Callable, *axes: Any) -> Callable:
        function = with_all_digits(function)
        if self.members == 1:
            return function
        if not self.solver.members_in_turn():
            return eqx.filter_vmap(function, in_axes=(self.axes, *axes))
        per_member = jax.tree.map(
            lambda axis: axis is not None, self.axes, is_leaf=lambda axis: axis is None
        )

        def in_turn(solver, *arguments):
            own, shared = eqx.partition(solver, per_member)

            def member(mapped):
                own, *theirs = mapped
                rest = iter(theirs)
                given = (
                    next(rest) if axis == 0 else argument
                    for argument, axis in zip(arguments, axes, strict=True)
                )
                return function(eqx.combine(own, shared), *given)

            return jax.lax.map(
                member, (own, *(a for a, axis in zip(arguments, axes, strict=True) if axis == 0))
            )

        return in_turn

    def _cut(self, state: Any) -> Any:
        """The state of one member with its arrays partitioned over the devices."""
        if self.mesh is None or self.members > 1:
            return state
        mesh, axes = self.mesh, self.solver.split(self.devices)

        def put(path, leaf):
            names = ".".join(getattr(key, "name", str(key)) for key in path)
            axis = next(
                (axis for name, axis in axes.items() if f"{names}.".startswith(f"{name}.")), None
            )
            return jax.lax.with_sharding_constraint(leaf, NamedSharding(mesh, slab.spec(axis)))

        return jax.tree_util.tree_map_with_path(put, state)

    def _spread(self, function: Callable, shared: tuple[bool, ...], into: Any) -> Callable:
        """The function (solver, ...), distributed over the devices.

        Of members, every device takes its share of those arguments that are `shared`, and computes
        by itself; `into` are the `PartitionSpec` of the results. Of one member, the function is
        traced for arrays cut into slabs.
        """
        mesh = self.mesh
        if mesh is None:
            return function
        if self.members == 1:

            def cut(*arguments):
                with jax.sharding.use_abstract_mesh(mesh.abstract_mesh):
                    return function(*arguments)

            return cut
        share, copy = PartitionSpec(devices.MEMBERS), PartitionSpec()
        own = jax.tree.map(
            lambda axis: copy if axis is None else share,
            self.axes,
            is_leaf=lambda axis: axis is None,
        )
        given = (own, *(share if each else copy for each in shared))

        def each_share(solver, *arguments):
            numbers, fixed = eqx.partition(solver, eqx.is_array)

            def share_of(numbers, *arguments):
                return function(eqx.combine(numbers, fixed), *arguments)

            # its members' values differ from device to device in ways that only loops know of
            return jax.shard_map(
                share_of, mesh=mesh, in_specs=given, out_specs=into, check_vma=False
            )(numbers, *arguments)

        return each_share

    @property
    def init(self) -> Callable[[Solver, Any], Any]:
        """(solver, key) -> state at t = 0; the key of a member does not depend on the number of
        members.
        """
        return self.once("init", lambda program: program._init())

    def _init(self) -> Callable[[Solver, Any], Any]:
        def begun(solver, key):
            each = self._over_members(lambda solver, key: self._cut(solver.init(key)), 0)
            each = self._spread(each, (True,), PartitionSpec(devices.MEMBERS))
            if self.members == 1:
                return each(solver, key)
            return each(
                solver,
                jax.vmap(lambda member: jax.random.fold_in(key, member))(jnp.arange(self.members)),
            )

        return eqx.filter_jit(lambda solver, key: jax.tree.map(_strongly_typed, begun(solver, key)))

    def observe(self, solver: Solver, state: Any) -> dict[str, Any]:
        """The observables of a state, of all members."""
        return self._over_members(lambda solver, state: solver.observe(state), 0)(solver, state)

    def error_bits(self, solver: Solver, state: Any) -> Any:
        """The error bits of a state, of all members."""
        return self._over_members(lambda solver, state: solver.error(state), 0)(solver, state)

    def first_row(self, solver: Solver, state: Any) -> tuple[tuple, Rows]:
        """The diagnostics' carries after t = 0, and the row at that time."""
        carries, rows = self._first(solver, state)
        self._row_shapes = jax.eval_shape(lambda: rows)
        return carries, rows

    @property
    def _first(self) -> Callable[[Solver, Any], tuple[tuple, Rows]]:
        def make(program: Self) -> Callable[[Solver, Any], tuple[tuple, Rows]]:
            row = program.per_member(program.measure)
            return eqx.filter_jit(
                lambda solver, state: jax.tree.map(_strongly_typed, row(solver, state))
            )

        return self.once("first", make)

    def per_member(self, function: Callable[[Solver, Any], Any]) -> Callable[[Solver, Any], Any]:
        """A function of the solver and state of one member, for those of all members."""
        each = self._over_members(function, 0)
        return self._spread(each, (True,), PartitionSpec(devices.MEMBERS))

    def step(self, solver: Solver, state: Any) -> Any:
        """The state one step later, of all members."""
        step = self.per_member(lambda solver, state: self._cut(solver.step(state)))
        return step(solver, state)

    def chunk(self, cadence: Cadence, capacity: int) -> Callable[..., tuple[Any, tuple, Rows, Any]]:
        """(numbers, state, carries, rows done, rows to do, steps of each, its time, whole) ->
        state, carries, rows, error bits.

        `numbers` are the solver's arrays, `capacity` the rows that the buffers hold. Without
        `whole` the steps are a part of a row, at whose end nothing is observed. All lengths are
        traced, so nothing is unrolled: one program, and the same bits, for every length.
        """
        per_snapshot = cadence.rows_per_snapshot
        stepped = self._over_members(self._stepped, 0, None)
        if followed := any(diagnostic.follows for diagnostic in self.diagnostics):
            stepped = self._over_members(self._followed, 0, 0, None)
        row = self._over_members(self._row, 0, 0, None)
        fixed = eqx.filter(self.solver, eqx.is_array, inverse=True)

        def rows_of(solver, state, carries, done, count, steps, times, whole):
            def write(buffer, values, at):
                return jax.tree.map(
                    lambda b, v: jax.lax.dynamic_update_index_in_dim(b, v, at, 0), buffer, values
                )

            def one_row(i, loop):
                state, carries, buffers = loop
                if followed:
                    state, carries = stepped(solver, state, carries, steps[i])
                else:
                    state = stepped(solver, state, steps[i])

                def ended(j, loop):
                    _, carries, (by_row, fields) = loop
                    t, carries, rows = row(solver, state, carries, times[i + j])
                    by_row = write(by_row, (rows.series, rows.finite), i)
                    # every row writes its fields, and the last of a snapshot's rows stays: cheaper
                    # than a branch
                    slot = (done + i) // per_snapshot - done // per_snapshot
                    return t, carries, (by_row, write(fields, rows.fields, slot))

                # a loop of one turn or none, not a branch, in which some sums would be compiled to
                # others in the last digit
                t, carries, buffers = jax.lax.fori_loop(
                    0, whole, ended, (state.t, carries, buffers)
                )
                return eqx.tree_at(lambda state: state.t, state, t), carries, buffers

            def buffer(length, tree):
                return jax.tree.map(lambda leaf: jnp.zeros((length, *leaf.shape), leaf.dtype), tree)

            shapes = self._row_shapes
            if shapes is None or self.mesh is not None:  # of a share of the members
                shapes = jax.eval_shape(lambda: row(solver, state, carries, jnp.zeros(()))[2])
            slots = -(-(capacity - 1) // per_snapshot) + 1
            buffers = (
                buffer(capacity, (shapes.series, shapes.finite)),
                buffer(slots, shapes.fields),
            )
            state, carries, buffers = jax.lax.fori_loop(
                0, count, one_row, (state, carries, buffers)
            )
            (series, finite), fields = buffers
            return state, carries, Rows(series, fields, finite), self.error_bits(solver, state)

        share, by_row = PartitionSpec(devices.MEMBERS), PartitionSpec(None, devices.MEMBERS)
        spread = self._spread(
            rows_of, (True, True, False, False, False, False, False), (share, share, by_row, share)
        )
        return lambda numbers, *arguments: spread(eqx.combine(numbers, fixed), *arguments)

    def arguments(
        self, instant: Instant, portion: Portion, cadence: Cadence, capacity: int
    ) -> tuple[Any, ...]:
        """The arguments of a chunk that does a portion from an instant on."""
        solver, state, carries = instant
        dtype = np.float64 if self.wide else np.float32
        steps, times = np.zeros(capacity, np.int32), np.zeros(capacity, dtype)
        steps[: len(portion.steps)] = portion.steps
        times[: portion.count] = cadence.times(1 + portion.first, 1 + portion.end, dtype=dtype)
        numbers = eqx.filter(solver, eqx.is_array)
        rest = portion.first, max(1, portion.count), steps, times, int(portion.count > 0)
        return numbers, state, carries, *map(jnp.asarray, rest)

    def compiled(self, cadence: Cadence, capacity: int, *arguments: Any) -> Any:
        """The chunk, compiled for arguments like these; state and carries stay on their devices."""
        _, state, carries, *_ = arguments
        there = (
            [None, None]
            if self.mesh is None
            else jax.tree.map(lambda leaf: leaf.sharding, [state, carries])
        )

        def make(program: Self) -> Any:
            chunk = jax.jit(program.chunk(cadence, capacity), out_shardings=(*there, None, None))
            return chunk.lower(*arguments).compile()

        leaves, tree = jax.tree.flatten(arguments)
        alike = tree, *(jax.typeof(leaf) for leaf in leaves), *(leaf.sharding for leaf in leaves)
        return self.once(("chunk", cadence.rows_per_snapshot, capacity, alike), make)


def _strongly_typed(leaf: Any) -> Any:
    """The leaf with a strong dtype, so that states before and after a step have the same argument
    types.
    """
    return (
        leaf
        if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
        else jax.lax.convert_element_type(leaf, leaf.dtype)
    )
