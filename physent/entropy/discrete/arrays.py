"""Arrays as users have them: any byte order, half precision, integers, any units of measurement.

Rules that hold for every function of `physent.entropy`:

- half precision is computed in float32, whole numbers in JAX's default precision;
- one value that is not finite makes every number computed from it NaN;
- a change of units changes a value by its law or not at all: what is squared is scaled first.
"""

import functools
import inspect
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from physent.protocol.parameters import known

P = ParamSpec("P")
R = TypeVar("R")
Check = Callable[[np.ndarray], Any]


def native(value: Any) -> Any:
    """Arrays of numpy, xarray and pandas as arrays that JAX takes, in the byte order of this
    machine, NaN for what is masked, floats for whole numbers that JAX's default integers do not
    hold; integers of numpy as Python's. Anything else stays as it is.
    """
    if isinstance(value, np.integer | np.bool_):
        return value.item()
    if isinstance(value, np.generic | jax.Array) or not hasattr(value, "__array__"):
        return value
    if isinstance(value, np.ma.MaskedArray):  # what is missing is not a number
        value = np.ma.filled(value.astype(np.result_type(value, np.float32)), np.nan)
    array = np.asarray(value)
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    whole = jax.dtypes.canonicalize_dtype(array.dtype) if array.dtype.kind in "iu" else array.dtype
    if whole != array.dtype and array.size:  # it would begin again at the other end
        bounds = np.iinfo(whole)
        if array.max() > bounds.max or array.min() < bounds.min:
            return array.astype(float)
    return array


def compiled(**allowed: tuple[Check, str]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorate a function to be jitted, with `native` arguments.

    Named arguments are checked first where they have values: `allowed` gives for each a predicate
    and what it allows in words, for the ValueError. None passes, and so do traced arguments.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        jitted, signature = eqx.filter_jit(function), inspect.signature(function)

        @functools.wraps(function)
        def called(*args: P.args, **kwargs: P.kwargs) -> R:
            args = tuple(map(native, args))  # pyright: ignore[reportAssignmentType]
            kwargs = {name: native(value) for name, value in kwargs.items()}  # pyright: ignore
            given = signature.bind(*args, **kwargs).arguments if allowed else {}
            for name, (holds, words) in allowed.items():
                value = given.get(name)
                if value is None or not known(*jax.tree.leaves(value)):
                    continue
                if not holds(np.asarray(value, float)):
                    raise ValueError(
                        f"{name}: given {np.asarray(value).tolist()}, allowed: {words}"
                    )
            return jitted(*args, **kwargs)

        return called

    return decorate


def chosen(name: str, value: Any, *allowed: Any) -> None:
    """Raise ValueError unless the value of an option is one of those allowed."""
    if value not in allowed:
        words = ", ".join(map(str, allowed))
        raise ValueError(f"{name}: given {value!r}, allowed: {words}")


def as_floating(x: ArrayLike) -> Array:
    """The array in its own precision if it is floating point or complex (float32 at least), else in
    JAX's default.
    """
    x = jnp.asarray(native(x))
    if not jnp.issubdtype(x.dtype, jnp.inexact):
        return x.astype(jnp.result_type(float))
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))


def as_real(x: ArrayLike) -> Array:
    """As `as_floating`; raises ValueError for complex values, which have no order."""
    x = as_floating(x)
    if jnp.iscomplexobj(x):
        raise ValueError(
            "given complex values, allowed: real ones; use the modulus, the phase, or the real and "
            "imaginary parts"
        )
    return x


def by_component(samples: ArrayLike) -> Array:
    """Real samples (..., N, d) in floating point; (N,) is taken as (N, 1)."""
    samples = as_real(samples)
    return samples[:, None] if samples.ndim == 1 else samples


def rowwise(function: Callable[[Array], Array], x: ArrayLike, core: int = 1) -> Array:
    """Apply a function of rows (batch, n), or of (batch, N, d) for `core` = 2, to an array with any
    number of leading axes, which are restored.
    """
    x = jnp.asarray(x)
    leading = x.ndim - core
    if leading < 0 or 0 in x.shape[leading:]:
        raise ValueError(
            f"given an array of shape {x.shape}, allowed: values along the last "
            f"{'axis' if core == 1 else f'{core} axes'}"
        )
    result = function(x.reshape(-1, *x.shape[leading:]))
    return result.reshape(*x.shape[:leading], *result.shape[1:])


def unit_of(x: Array, axis: int | tuple[int, ...] | None = None) -> Array:
    """A power of two near the sum of the moduli along an axis (kept, with length 1), to divide by
    before anything is squared: the quotient is exact. 1 where all values are 0, or one is NaN.
    Raises ValueError where there are no values.
    """
    if x.size == 0:
        raise ValueError(f"given an array of shape {x.shape}, allowed: one with values")
    total = jnp.sum(jnp.abs(jax.lax.stop_gradient(x)), axis=axis, keepdims=True)
    number = jnp.finfo(total.dtype)
    whole = jnp.dtype(f"int{number.bits}")
    one = (number.maxexp - 1) << number.nmant  # the bits of 1.0
    exponent = jax.lax.bitcast_convert_type(total, whole) & (
        ((1 << number.nexp) - 1) << number.nmant
    )
    # a power of two, also where the sum is too large for a number; its reciprocal must be a normal
    # number too
    exponent = jnp.clip(exponent, 1 << number.nmant, (2 * number.maxexp - 4) << number.nmant)
    return jax.lax.bitcast_convert_type(jnp.where(total > 0, exponent, one), total.dtype)


def scaled(x: Array, axis: int | tuple[int, ...] | None = None) -> Array:
    """The array over its `unit_of`."""
    return x * (1 / unit_of(x, axis))


def root_mean_square(x: Array, axis: int | tuple[int, ...] | None = None) -> Array:
    """The root mean square, at any scale."""
    unit = unit_of(x, axis)
    value = jnp.sqrt(jnp.mean((x * (1 / unit)) ** 2, axis=axis, keepdims=True)) * unit
    return jnp.squeeze(value, axis)


def std(x: Array, axis: int | tuple[int, ...] | None = None, ddof: int = 0) -> Array:
    """The standard deviation, at any scale."""
    unit = unit_of(x, axis)
    value = jnp.std(x * (1 / unit), axis=axis, ddof=ddof, keepdims=True) * unit
    return jnp.squeeze(value, axis)


def finite_or_nan(value: Array) -> Array:
    """The value, NaN where it is infinite: for sums that no finite data make infinite."""
    return jnp.where(jnp.isfinite(value), value, jnp.asarray(jnp.nan, value.dtype))


def only_finite(value: Array, x: Array, core: int = 1) -> Array:
    """The value, of shape (batch, ...), of data (batch, ...), NaN where one of the data is not
    finite; `core` is the number of axes of the data after those of the batch.
    """
    if not jnp.issubdtype(x.dtype, jnp.inexact):
        return value
    finite = jnp.all(jnp.isfinite(x), axis=tuple(range(x.ndim - core, x.ndim)))
    finite = finite.reshape(*finite.shape, *(1,) * (value.ndim - finite.ndim))
    return jnp.where(finite, value, jnp.asarray(jnp.nan, value.dtype))
