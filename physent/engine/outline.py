"""The contents of a run from one trace of its solver: shapes and dtypes instead of values."""

import copy
import functools
import math
from collections.abc import Callable, Hashable, Iterator
from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp

from physent.engine.devices import check_fork
from physent.engine.rows import dynamics_at, invariant, observed_at
from physent.engine.soundness import faults as faults_of
from physent.engine.thinning import Thinned
from physent.protocol import reuse
from physent.protocol.diagnostic import Diagnostic, Dynamics, Observed
from physent.protocol.identity import key_of
from physent.protocol.parameters import member_axes
from physent.protocol.solver import Solver, State
from physent.protocol.variables import Domain, Variable


class Outline:
    """A solver with its diagnostics, and their outputs."""

    def __init__(
        self,
        solver: Solver,
        diagnostics: tuple[Diagnostic, ...] = (),
        members: int = 1,
        fields: Any = None,
        devices: int = 1,
        thinned: Thinned = (),
    ):
        check_fork()  # even a trace needs JAX's threads
        self.solver = solver
        self.diagnostics = tuple(diagnostics)
        self.members = members
        self.selected = fields
        self.devices = devices
        self.thinned = thinned
        self.wide = bool(jax.config.read("jax_enable_x64"))
        self._made: dict[Hashable, Any] = {}
        self._made_for: Solver | None = None

    def trust(self, other: "Outline | None") -> bool:
        """Reuse the results of another program, if it has the same objects, number of devices and
        precision; returns whether it has.
        """
        same = other is not None and (
            self.solver is other.solver
            and list(map(id, self.diagnostics)) == list(map(id, other.diagnostics))
            and (self.members, self.selected, self.devices, self.thinned, self.wide)
            == (other.members, other.selected, other.devices, other.thinned, other.wide)
        )
        if other is not None and same:
            self.example = other.example
        return same

    def once(self, name: Hashable, make: Callable[[Self], Any]) -> Any:
        """What `make` gives for this program, made once for all programs that are the same but for
        the values of their solvers' arrays, as long as that is kept (`physent.protocol.reuse`).

        `make` is given a program that stays as it is, for functions that are traced later.
        """
        if self._made_for is not self.solver:
            turns = self.solver.members_in_turn() if self.members > 1 else None
            rest = (self.diagnostics, self.members, self.selected, self.devices, turns)
            rest += (self.thinned,) if self.thinned else ()
            self._made = reuse.made_for(key_of(self.solver, rest))
            self._made_for = self.solver
        if name not in self._made:
            self._made[name] = make(copy.copy(self))
        return self._made[name]

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

    @property
    def _traced(self) -> tuple[Any, dict[str, Any], list[str], Any]:
        """State and observables of one member at t = 0, shapes and dtypes instead of values, and
        the names of its invariants, in the solver's own order, and these: one trace of the
        solver.
        """
        return self.once("traced", lambda program: program._trace())

    def _trace(self) -> tuple[Any, dict[str, Any], list[str], Any]:
        invariants: list[str] = []

        def first(solver):
            state = solver.init(jax.random.key(0))
            if not isinstance(state, State):
                return state, {}, {}
            found = solver.invariants(state)
            invariants.extend(found if isinstance(found, dict) else ())
            return state, solver.observe(state), found

        state, values, found = eqx.filter_eval_shape(first, self.one)
        return state, values, invariants, found

    def faults(self) -> list[str]:
        """What is wrong with a solver of somebody's own, a sentence for each fault."""

        def make(program: Self) -> list[str]:
            state, values, _, invariants = program._traced
            return faults_of(program.one, state, values, invariants)

        return self.once("faults", make)

    @property
    def fewest_bytes(self) -> int:
        """The memory that a state and the next one need, if they have one number for each of the n
        points or particles of the solver: known before anything is traced.
        """
        n = getattr(self.solver, "n", 0)
        sizes = n if isinstance(n, tuple) else (n,)
        count = math.prod(sizes) if all(isinstance(each, int) for each in sizes) else 0
        return 2 * self.members * count * (8 if self.wide else 4)

    @property
    def least_bytes(self) -> int:
        """The memory that a run needs at least: a state and the next one, and what is observed, of
        all members.
        """
        state, values, *_ = self._traced
        leaves = jax.tree.leaves((state, state, values))
        return self.members * sum(leaf.size * leaf.dtype.itemsize for leaf in leaves)

    @functools.cached_property
    def example(self) -> Observed:
        """The observables of one member's first state: shapes and dtypes instead of values.

        Raises ValueError where the solver's `variables` and `observe` do not name the same
        observables.
        """
        state, values, *_ = self._traced
        variables = self.one.variables()
        if odd := set(variables) ^ set(values):
            names = ", ".join(sorted(odd))
            raise ValueError(
                f"variables() and observe() of {type(self.solver).__name__} disagree on: {names}"
            )
        values = {
            name: values[name] for name in sorted(values, key=list(variables).index)
        }  # traced dicts are sorted
        one = self.one

        def exact() -> dict[str, Any]:
            return eqx.filter_eval_shape(lambda solver: solver.exact(jnp.zeros(())), one)

        def dynamics() -> Dynamics | None:
            return eqx.filter_eval_shape(dynamics_at, one, state)

        return Observed(
            values,
            variables,
            self.one.domain(),
            jnp.zeros(()),
            exact,
            dynamics,
            lambda: (one, None),
        )

    def axes_of(self, solver: Solver) -> Domain:
        """The axes of one member: those of its domain and of its diagnostics."""
        domain, example = solver.domain(), self.example
        observed = Observed(dict(example.items()), example.variables, domain, example.t)
        own = (axis for diagnostic in self.diagnostics for axis in diagnostic.axes(observed))
        return Domain((*domain.axes, *own))

    @property
    def invariant_names(self) -> list[str]:
        """The names of the solver's invariants, in its own order."""
        return self._traced[2]

    def outputs(self) -> list[dict[str, Any] | Exception]:
        """The output of each diagnostic at t = 0, as shapes and dtypes, or the exception that it
        raises: one trace of all of them.
        """
        return self.once("outputs", lambda program: program._outputs())

    def _outputs(self) -> list[dict[str, Any] | Exception]:
        state, values, *_ = self._traced
        raised: dict[int, Exception] = {}

        def first(solver, state, values):
            observed = observed_at(solver, state, values)
            return [given(i, each, observed) for i, each in enumerate(self.diagnostics)]

        def given(i, diagnostic, observed):
            try:
                return diagnostic(diagnostic.init(observed), observed)[1]
            except Exception as error:
                raised[i] = error
                return {}

        found = eqx.filter_eval_shape(first, self.one, state, values)
        return [raised.get(i) or outputs for i, outputs in enumerate(found)]

    def variables(self) -> Iterator[tuple[str, Variable, str]]:
        """(name, variable, 'row' or 'snapshot') of everything a run saves, in the file's order."""
        for name, variable in self.example.variables.items():
            if self.selected is None or name in self.selected:
                yield name, variable, "snapshot" if variable.dims else "row"
        for diagnostic in self.diagnostics:
            for name, variable in diagnostic.variables(self.example).items():
                yield name, variable, "row"
        for name in self.invariant_names:
            words = f"{name.replace('_', ' ')} (conserved)"
            yield invariant(name), Variable((), "invariant", "1", words), "row"

    @functools.cached_property
    def may_be_nan(self) -> set[str]:
        """The names of what may legitimately be NaN."""
        return {name for name, variable, _ in self.variables() if variable.nan}
