"""From the name, the place or the function of a system to what it is."""

import inspect
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from physent.errors import ParameterError, RegistryError, nearest
from physent.protocol import registry
from physent.protocol.functions import Function

from .dysts import DYSTS, dysts_system
from .hamiltonians import HAMILTONIANS
from .systems import FLOWS, MAPS, System

SYSTEMS: dict[str, System] = FLOWS | MAPS | HAMILTONIANS


def found(given: Any, is_map: bool, like: np.ndarray | None) -> System:
    """The system that is named, or that a function makes; `like` is an x. Raises ParameterError."""
    if isinstance(given, Function):
        return _own(given.function, is_map, like)
    if given in SYSTEMS:
        return SYSTEMS[given]
    if str(given).startswith(DYSTS):
        return dysts_system(str(given).removeprefix(DYSTS))
    if ":" not in given:
        words = f"unknown system {given!r}{nearest(given, SYSTEMS)}"
        names = ", ".join(SYSTEMS)
        raise ParameterError("system", f"{words} (allowed: {names}, or 'path.py:function')")
    try:
        function: Any = registry.from_place(given, sort="function")
    except RegistryError as error:
        raise ParameterError("system", str(error)) from None
    if not callable(function) or isinstance(function, type):
        raise ParameterError("system", f"{given} is no function")
    return _own(function, is_map, like)


def parameters_of(function: Callable[..., Any]) -> dict[str, float]:
    """The parameters of a system by name, with their defaults. Raises ParameterError for one
    without.
    """
    others = list(inspect.signature(function).parameters.values())[1:]
    usual = {}
    for each in others:
        if each.name == "t" or each.kind is inspect.Parameter.VAR_KEYWORD:
            continue
        if each.default is inspect.Parameter.empty:
            words = f"its parameter {each.name!r} has no default (as {each.name}=1.0)"
            raise ParameterError("system", words)
        if not isinstance(each.default, int | float | np.number):
            words = f"the default of its parameter {each.name!r} is no number"
            raise ParameterError("system", words)
        usual[each.name] = float(each.default)
    return usual


def _own(function: Callable[..., Any], is_map: bool, like: np.ndarray | None) -> System:
    """The system of somebody's own function, whose sort its values say."""
    if like is None:
        raise ParameterError("initial", "missing: x at t = 0 (allowed: a list of numbers)")
    x = jax.ShapeDtypeStruct(like.shape, jnp.result_type(float))
    time = jax.ShapeDtypeStruct((), x.dtype)
    usual = parameters_of(function)
    timed = "t" in inspect.signature(function).parameters

    def tried(x: Any, t: Any) -> Any:
        given = function(x, **usual, **({"t": t} if timed else {}))
        return jnp.stack([*given]) if isinstance(given, tuple | list) else jnp.asarray(given)

    try:
        shape = jax.eval_shape(tried, x, time).shape
    except Exception as error:
        words = " ".join(str(error).split())[:300]
        raise ParameterError("system", f"it cannot be evaluated: {words}") from None
    if shape == () and not is_map:
        return System(function, "hamiltonian")
    if shape != like.shape:
        words = f"{like.shape}, that of x" + ("" if is_map else ", or one number, the energy")
        raise ParameterError("system", f"its values have the shape {shape}, allowed: {words}")
    return System(function, "map" if is_map else "flow")
