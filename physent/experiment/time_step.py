"""The time step of a solver: chosen where it is "auto", doubted where it is long."""

import dataclasses
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from physent.engine.cadence import unit_of
from physent.errors import ParameterError
from physent.experiment.settings import RunSettings
from physent.protocol.parameters import is_automatic, known

SOME_DT = 1e-9  # stands in for dt = "auto" until the solver has said how long it may be


def automatic(solver: Any, run: RunSettings) -> tuple[float, str]:
    """A dt that divides save_every, or the times of save_at, and does not exceed the solver's limit
    for any member, and a message on it. Raises ParameterError where the solver has no rule.
    """
    longest = solver.longest_dt()
    if longest is None:
        raise ParameterError(
            "solver.dt", "given 'auto', but this solver has no rule for it, allowed: a number > 0"
        )
    limit = float(np.min(np.asarray(longest)))
    if not limit > 0:
        raise ParameterError(
            "solver.dt", f"given 'auto', but the solver's rule gives {limit}, allowed: a number > 0"
        )
    every = run.save_every if run.save_at is None else unit_of(run.save_at)
    assert every is not None
    steps = max(1.0, np.ceil(every / limit * (1 - 1e-9)))
    dt = float(every / steps)
    what = "save_every =" if run.save_at is None else "save_at, in units of"
    most = f" and at most {limit:.6g}" if np.isfinite(limit) else "; any step is right here"
    return dt, f"dt = {dt:.6g}, chosen for {what} {every:g}{most}"


def resolved(solver: Any, run: RunSettings) -> tuple[Any, tuple[str, ...]]:
    """A solver made with dt="auto" with a step that fits the run, and a message on it; any other
    is as it was.
    """
    if not is_automatic(solver.dt):
        return solver, ()
    dt, note = automatic(_with(solver, SOME_DT), run)
    return _with(solver, dt), (note,)


def doubts(solver: Any) -> tuple[str, ...]:
    """What is doubtful about the time step of a solver; at most one sentence."""
    if not known(*jax.tree.leaves(solver)):
        return ()
    words = solver.doubtful_dt()
    return () if words is None else (words,)


def _with(solver: Any, dt: float) -> Any:
    array = jnp.asarray(dt, solver.dt.dtype)
    try:
        return dataclasses.replace(solver, dt=array)
    except TypeError:  # a constructor of its own
        return eqx.tree_at(lambda solver: solver.dt, solver, array)
