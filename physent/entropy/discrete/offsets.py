"""Offsets, removed where numpy still has the digits that JAX would round away.

1e9 + noise in float64 is a constant in float32, and so are whole numbers about 2^60 in float64.
What does not depend on the origin of the data is computed from their differences instead, which are
taken on the host.
"""

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from physent.entropy.discrete.arrays import on_host
from physent.protocol.parameters import known

P = ParamSpec("P")
R = TypeVar("R")
Axes = int | tuple[int, ...] | None
_FAR = 16  # an offset of so many ranges costs more than the last digits


def less_offset(x: Any, axes: int | tuple[int, ...]) -> Any:
    """The data less their smallest value along axes where that keeps digits; else `x` itself."""
    return centred_on_host(x, axes)[1]


def centred_on_host(x: Any, axes: int | tuple[int, ...]) -> tuple[np.ndarray | None, Any]:
    """The smallest values along axes, which are kept with length 1, and the data less these; None
    and `x` itself where JAX has all digits, or the offset is less than sixteen times the range.
    """
    if not _may_lose(x):
        return None, x
    array = np.asarray(x) if isinstance(x, jax.Array) else on_host(x)
    axes = axes if isinstance(axes, tuple) else (axes,)
    if array is None or array.size == 0 or array.dtype.kind not in "fiu":
        return None, x
    if any(not -array.ndim <= axis < array.ndim for axis in axes):
        return None, x  # refused where it is used
    floating = jnp.result_type(float)
    if isinstance(array, np.ma.MaskedArray) and array.dtype.kind != "f":
        return None, x
    if array.dtype.kind == "f" and array.dtype.itemsize <= floating.itemsize:
        return None, x
    if array.dtype.kind != "f" and 8 * array.dtype.itemsize <= jnp.finfo(floating).nmant:
        return None, x
    with np.errstate(invalid="ignore", over="ignore"):
        low, high = (end(array, axis=axes, keepdims=True) for end in (np.min, np.max))
        size = np.maximum(np.abs(low.astype(float)), np.abs(high.astype(float)))
        if array.dtype.kind == "f":
            far = size > _FAR * (high - low)
            return (low, array - low) if np.any(far & (high > low)) else (None, x)
        if np.max(size) < 2.0 ** (jnp.finfo(floating).nmant + 1):
            return None, x
        # exact, whatever the sign: numbers of 64 bits begin again at the other end
        rest = array.astype(np.uint64) - low.astype(np.uint64)
        return low, rest.astype(np.int64) if np.max(rest) < 2**63 else rest


def refuse_lost(x: Any, axes: int | tuple[int, ...], name: str = "x") -> None:
    """Raise ValueError for data whose differences along axes would lose half of their digits or
    more in JAX's default precision, for functions that cannot do without the offset.
    """
    low, rest = centred_on_host(x, axes)
    if low is None:
        return
    axes = axes if isinstance(axes, tuple) else (axes,)
    size, spread = np.abs(low.astype(float)), np.max(rest, axis=axes, keepdims=True)
    floating = jnp.finfo(jnp.result_type(float))
    lost = (spread > 0) & (spread < float(floating.eps) ** 0.5 * size)
    if np.any(lost):
        raise ValueError(
            f"{name}: given values near {low[lost][0]:g} that differ by {spread[lost][0]:g} at "
            f"most, which {floating.dtype} does not tell apart, allowed: values less their offset, "
            "or jax_enable_x64"
        )


def _may_lose(x: Any) -> bool:
    """Whether JAX may round what is given when it computes with it."""
    if isinstance(x, jax.Array):
        return known(x) and jnp.issubdtype(x.dtype, jnp.integer)
    return x is not None and not isinstance(x, int | float)


def along_samples(name: str) -> Callable[[Mapping[str, Any]], int]:
    """For `shift_free`: the axis of samples (N,) or (..., N, d)."""

    def axis(given: Mapping[str, Any]) -> int:
        x = given[name]
        array = x if hasattr(x, "ndim") else on_host(x)
        return -2 if array is not None and array.ndim > 1 else -1

    return axis


def shift_free(
    **axes: Axes | Callable[[Mapping[str, Any]], Axes],
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorate a function whose value stays the same when a constant is added to the data along
    axes, given for each named argument, or by a function of all arguments, None for no axis.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(function)
        places = [(i, name) for i, name in enumerate(signature.parameters) if name in axes]

        @functools.wraps(function)
        def called(*args: P.args, **kwargs: P.kwargs) -> R:
            values = [args[i] if i < len(args) else kwargs.get(name) for i, name in places]
            if not any(map(_may_lose, values)):
                return function(*args, **kwargs)
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            given = bound.arguments
            for name, along in axes.items():
                chosen = along(given) if callable(along) else along
                if chosen is not None:
                    given[name] = less_offset(given[name], chosen)
            return function(*bound.args, **bound.kwargs)

        return called

    return decorate
