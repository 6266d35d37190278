"""A row of a run: observables, diagnostics and invariants, and whether all are finite."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax.numpy as jnp

from physent.protocol.diagnostic import Diagnostic, Dynamics, Observed
from physent.protocol.solver import Solver
from physent.protocol.stochastic import StochasticSolver


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
) -> tuple[tuple, Rows]:
    """One row of one member and the diagnostics' next carries; only `selected` observables, or all
    (None). At t = 0 there are no carries yet: `carries` is None.
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
