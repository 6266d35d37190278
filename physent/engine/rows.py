"""A row of a run: observables, diagnostics and invariants, and whether all are finite."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax.numpy as jnp

from physent.engine.thinning import Thinned
from physent.protocol.diagnostic import Diagnostic, Dynamics, Observed
from physent.protocol.solver import Solver
from physent.protocol.stochastic import StochasticSolver
from physent.protocol.variables import Domain


class Rows(NamedTuple):
    """Saved values: `series` by row, `fields` by snapshot, and for each row whether the checked
    values are finite.
    """

    series: dict[str, Any]
    fields: dict[str, Any]
    finite: dict[str, Any]


@dataclass(frozen=True)
class Block:
    """Consecutive rows and their position: `count` rows starting at row `first`, and `snapshots`
    snapshots starting at `first_snapshot`; row and snapshot 0 are at t = 0.
    """

    rows: Rows
    first: int
    count: int
    first_snapshot: int
    snapshots: int

    def span(self, each: int) -> tuple[int, int]:
        """The first and the end of its snapshots among every `each`-th of the run."""
        end = self.first_snapshot + self.snapshots
        return -(-self.first_snapshot // each), -(-end // each)

    def part(self, each: int, values: Any) -> Any:
        """Of the values of a field at its snapshots, those of every `each`-th of the run."""
        return values[-self.first_snapshot % each :: each]


class Instant(NamedTuple):
    """The instant of a run between two rows, as one pytree: the solver, which may have grown, its
    state, and the carries of the diagnostics.
    """

    solver: Solver
    state: Any
    carries: tuple


def measure(
    solver: Solver,
    state: Any,
    diagnostics: tuple[Diagnostic, ...],
    carries: tuple | None,
    selected: Any = None,
    thinned: Thinned = (),
) -> tuple[tuple, Rows]:
    """One row of one member and the diagnostics' next carries; only `selected` observables, or all
    (None), some of them `thinned`. At t = 0 there are no carries yet: `carries` is None.
    """
    values = solver.observe(state)
    observed = observed_at(solver, state, values)
    if carries is None:
        carries = tuple(diagnostic.init(observed) for diagnostic in diagnostics)
    variables = solver.variables()
    dims = {name: variable.dims for name, variable in variables.items()}
    written = [name for name in values if selected is None or name in selected]
    series = {name: values[name] for name in written if not dims[name]}
    following = []
    for diagnostic, carry in zip(diagnostics, carries, strict=True):
        carry, outputs = diagnostic(carry, observed)
        following.append(carry)
        series |= outputs
    series |= {invariant(name): value for name, value in solver.invariants(state).items()}
    fields = {name: values[name] for name in written if dims[name]}
    for name, thin in thinned:
        fields[name] = thin.of(values[name], dims[name], grid_axes(solver.domain()))
    # series that nobody keeps are not computed for that
    looked_at = [
        name for name in values if (dims[name] or name in written) and not variables[name].nan
    ]
    finite = {name: jnp.all(jnp.isfinite(values[name])) for name in looked_at}
    return tuple(following), Rows(series, fields, finite)


def grid_axes(domain: Domain) -> set[str]:
    """The names of the axes with points, along which fields can be stored at fewer of them."""
    return {axis.name for axis in domain.axes if axis.points is not None}


def invariant(name: str) -> str:
    """The name of the series of an invariant."""
    return f"invariant_{name}"


def observed_at(solver: Solver, state: Any, values: dict[str, Any]) -> Observed:
    """The observables of a state, with the solver's metadata."""
    return Observed(
        values,
        solver.variables(),
        solver.domain(),
        state.t,
        lambda: solver.exact(state.t),
        lambda: dynamics_at(solver, state),
        lambda: (solver, state),
    )


def dynamics_at(solver: Solver, state: Any) -> Dynamics | None:
    """Drift, diffusion and divergence of a stochastic solver at a state; None for any other."""
    if not isinstance(solver, StochasticSolver):
        return None
    return Dynamics(solver.drift(state), solver.diffusion(state), solver.divergence(state))
