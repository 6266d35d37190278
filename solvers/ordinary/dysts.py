"""The systems of the package dysts, whose right-hand sides are traced with jax.numpy.

(W. Gilpin, Chaos as an interpretable benchmark for forecasting and data-driven modelling, NeurIPS
2021.)
"""

import functools
import importlib
import inspect
import types
import warnings
from typing import Any

import jax.numpy as jnp
import numpy as np

from physent.errors import ParameterError, nearest

from .systems import System

DYSTS = "dysts:"


@functools.cache
def dysts_system(name: str) -> System:
    """The flow or map of this name in dysts, with its parameters and its start.

    Raises ParameterError where dysts is not installed, has no such system, or where that cannot be
    traced: those with a delay, or that depend on the time.
    """
    try:
        with warnings.catch_warnings(action="ignore"):
            flows = importlib.import_module("dysts.flows")
    except ImportError:
        words = f"given {DYSTS}{name}, of a package that is not installed: pip install dysts"
        raise ParameterError("system", words) from None
    known = [n for n, each in vars(flows).items() if isinstance(each, type)]
    if name not in known:
        words = f"dysts has no system {name!r}{nearest(name, known)}"
        raise ParameterError("system", words)
    with warnings.catch_warnings(action="ignore"):
        made = getattr(flows, name)()
    if getattr(made, "delay", False):
        raise ParameterError("system", f"given {DYSTS}{name}, which has a delay")
    numbers = {n: np.asarray(v, float) for n, v in sorted(made.params.items())}
    rhs = _with_jax(type(made)._rhs if "_rhs" in _owners(made) else type(made).rhs)
    scalars = {n: float(v) for n, v in numbers.items() if v.ndim == 0}

    if "_rhs" in _owners(made):

        def function(x: Any, t: Any = 0.0, **parameters: Any) -> Any:
            every = [parameters.get(n, jnp.asarray(v)) for n, v in numbers.items()]
            return jnp.stack([jnp.asarray(each) for each in rhs(*x, t, *every)])

    else:

        def function(x: Any, t: Any = 0.0, **parameters: Any) -> Any:
            own = types.SimpleNamespace(**(vars(made) | numbers | parameters))
            return jnp.asarray(rhs(own, x, t))

    function.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter("x", inspect.Parameter.POSITIONAL_ONLY),
            inspect.Parameter("t", inspect.Parameter.KEYWORD_ONLY, default=0.0),
            *(
                inspect.Parameter(n, inspect.Parameter.KEYWORD_ONLY, default=v)
                for n, v in scalars.items()
            ),
        ]
    )
    start = np.reshape(np.asarray(made.ic, float), (-1, made.dimension))[0]
    return System(function, "flow", tuple(map(float, start)))


def _owners(made: Any) -> set[str]:
    """The methods that its own class, or one between it and those of dysts, defines."""
    own = [cls for cls in type(made).__mro__ if cls.__module__ == type(made).__module__]
    return {name for cls in own for name in vars(cls)}


def _with_jax(function: Any) -> Any:
    """A function of NumPy that computes with jax.numpy."""
    function = getattr(function, "py_func", function)  # numba's
    names = dict(function.__globals__) | {"np": jnp}
    return types.FunctionType(
        function.__code__, names, function.__name__, function.__defaults__, function.__closure__
    )
