"""What a row of a run holds: observables, what the diagnostics make of them, invariants; and
whether all is finite.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax.numpy as jnp

from physent.protocol.diagnostic import Diagnostic, Dynamics, Observed
from physent.protocol.solver import Solver
from physent.protocol.stochastic import StochasticSolver


class Rows(NamedTuple):
    """Saved values: `series` by row, `fields` by snapshot, and by row whether what is looked at is
    finite.
    """

    series: dict[str, Any]
    fields: dict[str, Any]
    finite: dict[str, Any]


@dataclass(frozen=True)
class Block:
    """Rows that follow each other, and where they belong: `count` rows from row `first` on, and
    `snapshots` snapshots from snapshot `first_snapshot` on; row and snapshot 0 are at t = 0.
    """

    rows: Rows
    first: int
    count: int
    first_snapshot: int
    snapshots: int


class Instant(NamedTuple):
    """Where a run is between two rows, as one pytree: the solver, which may have grown, its state,
    and what the diagnostics carry on.
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
) -> tuple[tuple, Rows]:
    """One row of one member and the diagnostics' next carries; of observables only the `selected`,
    or all (None). At t = 0 nothing is carried yet: `carries` is None.
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
    # series that nobody keeps are not computed for that
    looked_at = [
        name for name in values if (dims[name] or name in written) and not variables[name].nan
    ]
    finite = {name: jnp.all(jnp.isfinite(values[name])) for name in looked_at}
    return tuple(following), Rows(series, fields, finite)


def invariant(name: str) -> str:
    """What the series of an invariant is called."""
    return f"invariant_{name}"


def observed_at(solver: Solver, state: Any, values: dict[str, Any]) -> Observed:
    """The observables of a state, with what the solver knows of them."""
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
