"""What a solver of somebody's own may get wrong, said in a sentence before anything is compiled."""

from typing import Any

import jax
import jax.numpy as jnp

from physent.protocol.solver import Solver, State

FIELDS = ("amplitude", "density", "energy_density", "current", "phase")  # roles of what has a grid


def faults(solver: Solver, state: Any, values: Any, invariants: Any) -> list[str]:
    """The faults of a solver, given what it makes at t = 0 as shapes and dtypes.

    physent's own are not looked at: their tests do, and a step is long to trace.
    """
    name = type(solver).__name__
    if type(solver).__module__.startswith("physent."):
        return []
    found = _of_start(name, state)
    if not isinstance(values, dict):
        found.append(
            f"observe() of {name} gives {_kind(values)}, allowed: a dict of arrays by name"
        )
    if not isinstance(invariants, dict):
        found.append(
            f"invariants() of {name} gives {_kind(invariants)}, allowed: a dict of scalars"
        )
    elif vectors := [key for key, value in invariants.items() if jnp.shape(value) != ()]:
        shape = jnp.shape(invariants[vectors[0]])
        found.append(f"invariants() of {name}: {vectors[0]} has shape {shape}, allowed: a scalar")
    return found or [*_of_grid(solver, values), *_of_step(solver, state)]


def _kind(value: Any) -> str:
    return "an array" if hasattr(value, "shape") else f"{type(value).__name__}"


def _of_start(name: str, state: Any) -> list[str]:
    if not isinstance(state, State):
        return [f"init() of {name} gives {_kind(state)}, allowed: a physent.State"]
    t = state.t
    if not hasattr(t, "dtype") or jnp.shape(t) != () or not jnp.issubdtype(t.dtype, jnp.inexact):
        given = f"{t!r}" if not hasattr(t, "dtype") else f"an array {t.dtype}{list(t.shape)}"
        return [f"init() of {name} gives t = {given}, allowed: a scalar array, as jnp.zeros(())"]
    return []


def _of_grid(solver: Solver, values: dict[str, Any]) -> list[str]:
    """Fields with dims that the domain lacks, or of other sizes than its axes."""
    name, domain, found = type(solver).__name__, solver.domain(), []
    if not hasattr(domain, "axes"):
        return [f"domain() of {name} gives {_kind(domain)}, allowed: a physent.Domain"]
    there = ", ".join(axis.name for axis in domain.axes) or "none"
    for key, variable in solver.variables().items():
        shape = jnp.shape(values[key]) if key in values else (0,) * len(variable.dims)
        if len(shape) != len(variable.dims):
            found.append(
                f"observe() of {name}: {key} has shape {shape}, and variables() gives it the dims "
                f"{variable.dims}"
            )
            continue
        for dim, size in zip(variable.dims, shape, strict=True):
            if dim not in domain and variable.role in FIELDS:
                found.append(
                    f"variables() of {name} puts {key} on {dim!r}, which domain() has no axis for "
                    f"(axes: {there})"
                )
            points = domain[dim].points if dim in domain and key in values else None
            if points is not None and points.shape[-1] != size:
                found.append(
                    f"observe() of {name}: {key} has {size} values on {dim!r}, whose axis has "
                    f"{points.shape[-1]} points"
                )
    return found


def _of_step(solver: Solver, state: Any) -> list[str]:
    name = type(solver).__name__
    try:
        traced, after = jax.make_jaxpr(solver.step, return_shape=True)(state)
    except jax.errors.ConcretizationTypeError as error:
        words = str(error).strip().splitlines()[0]
        return [
            f"step() of {name} cannot be compiled: {words} Values are not known while it is "
            "traced: use jnp.where or jax.lax.cond instead of if, and jax.numpy instead of numpy"
        ]
    if type(after) is not type(state):
        words = f"{_kind(after)}, allowed: a {type(state).__name__}, as init() does"
        return [f"step() of {name} gives {words}"]
    before, then = (jax.tree_util.tree_leaves_with_path(tree) for tree in (state, after))
    if [path for path, _ in before] != [path for path, _ in then]:
        return [f"step() of {name} gives a state of another structure than init()"]
    found = [
        f"step() of {name} changes {jax.tree_util.keystr(path).lstrip('.')} from "
        f"{_words(old)} to {_words(new)}"
        for (path, old), (_, new) in zip(before, then, strict=True)
        if (jnp.shape(old), old.dtype) != (jnp.shape(new), new.dtype)
    ]
    place = [jax.tree_util.keystr(path) for path, _ in before].index(".t")
    if not found and traced.jaxpr.outvars[place] is traced.jaxpr.invars[place]:
        found.append(f"step() of {name} leaves t as it is, allowed: t + dt")
    return found


def _words(leaf: Any) -> str:
    return f"{leaf.dtype}[{','.join(map(str, jnp.shape(leaf)))}]"
