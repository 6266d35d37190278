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

import jax
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
    except ImportError as error:
        words = f"given {DYSTS}{name}, of a package that is not installed ({error})"
        raise ParameterError("system", f"{words}: pip install dysts") from None
    known = [n for n, each in vars(flows).items() if isinstance(each, type)]
    if name not in known:
        words = f"dysts has no system {name!r}{nearest(name, known)}"
        raise ParameterError("system", words)
    with warnings.catch_warnings(action="ignore"):
        made = getattr(flows, name)()
    if getattr(made, "delay", False):
        raise ParameterError("system", f"given {DYSTS}{name}, which has a delay")
    numbers = {n: np.asarray(v, float) for n, v in sorted(made.params.items())}
    scalars = {n: float(v) for n, v in numbers.items() if v.ndim == 0}
    own_rhs = any("_rhs" in vars(c) for c in type(made).__mro__ if c.__module__ == flows.__name__)
    traced: Any = object.__new__(_with_jax(type(made)))
    vars(traced).update(vars(made))

    def function(x: Any, t: Any = 0.0, **parameters: Any) -> Any:
        every = {n: jnp.asarray(parameters.get(n, v)) for n, v in numbers.items()}
        if own_rhs:
            given = traced._rhs(*x, t, *every.values())
            return jnp.stack([jnp.asarray(each) for each in given])
        own: Any = object.__new__(type(traced))
        vars(own).update(vars(traced) | every)
        return jnp.asarray(own.rhs(x, t))

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
    try:
        jax.eval_shape(function, jnp.asarray(start))
    except Exception as error:
        words = " ".join(str(error).split())[:200]
        raise ParameterError("system", f"{DYSTS}{name} cannot be traced: {words}") from None
    return System(function, "flow", tuple(map(float, start)))


def _with_jax(cls: type) -> type:
    """A class of dysts whose own functions compute with jax.numpy."""
    found: dict[str, Any] = {}
    for each in reversed([c for c in cls.__mro__ if c.__module__ == cls.__module__]):
        for name, member in vars(each).items():
            plain = member.__func__ if isinstance(member, staticmethod) else member
            plain = getattr(plain, "py_func", plain)  # numba's
            if isinstance(plain, types.FunctionType):
                names = dict(plain.__globals__) | {"np": jnp}
                made = types.FunctionType(
                    plain.__code__, names, name, plain.__defaults__, plain.__closure__
                )
                found[name] = staticmethod(made) if isinstance(member, staticmethod) else made
    return type(cls.__name__, (cls,), found)
