"""Arrays as users have them: any byte order, half precision, integers, any units of measurement.

Rules that hold for every function of `physent.entropy`:

- half precision is computed in float32, whole numbers in JAX's default precision;
- one value that is not finite makes every number computed from it NaN;
- a value nearer to 0 than the smallest normal number (1.2e-38 in float32, 2.2e-308 in float64) is
  0, as it is to the processor; and so is -0;
- a change of units changes a value by its law or not at all: what is squared is scaled first.
"""

from collections.abc import Callable, Sequence
from numbers import Number, Real
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from physent.protocol.parameters import brief


def native(value: Any) -> Any:
    """Arrays of numpy, xarray and pandas as arrays that JAX takes, in the byte order of this
    machine, NaN for what is masked, floats for whole numbers that JAX's default integers do not
    hold and for long doubles; integers of numpy as Python's. Lists of arrays likewise. Anything
    else stays as it is.

    Raises ValueError for arrays of dates, texts and other things that are no numbers.
    """
    if isinstance(value, np.integer | np.bool_):
        return value.item()
    if type(value) in (list, tuple) and any(isinstance(each, np.ndarray) for each in value):
        return type(value)(map(native, value))
    if isinstance(value, np.floating):
        return float(value) if value.dtype.itemsize > 8 else value
    if isinstance(value, np.generic | jax.Array) or not hasattr(value, "__array__"):
        return value
    array = value if isinstance(value, np.ma.MaskedArray) else np.asarray(value)
    array = _numbers(array)
    if isinstance(array, np.ma.MaskedArray):  # what is missing is not a number
        array = np.ma.filled(array.astype(np.result_type(array, np.float32)), np.nan)
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    whole = jax.dtypes.canonicalize_dtype(array.dtype) if array.dtype.kind in "iu" else array.dtype
    if whole != array.dtype and array.size:  # it would begin again at the other end
        bounds = np.iinfo(whole)
        if array.max() > bounds.max or array.min() < bounds.min:
            return array.astype(float)
    return array


def _numbers(array: np.ndarray) -> np.ndarray:
    """The array in a type of numbers that JAX has."""
    kind = array.dtype.kind
    if kind in "fc" and array.dtype.itemsize > (8 if kind == "f" else 16):
        return array.astype(float if kind == "f" else complex)
    if kind == "O" and all(isinstance(each, Real) for each in array.flat):
        return array.astype(float)
    if kind in "Mm":
        raise ValueError(
            f"given {'dates' if kind == 'M' else 'times'} ({array.dtype}), allowed: numbers, such "
            f"as seconds, {'(t - t[0])' if kind == 'M' else 't'} / np.timedelta64(1, 's')"
        )
    if not jnp.issubdtype(array.dtype, np.number) and kind != "b":
        words = "texts" if kind in "SUT" else f"values of type {array.dtype}"
        strange = next((each for each in array.flat if not isinstance(each, Real)), None)
        words += f", such as {brief(strange)}" if array.size else ""
        raise ValueError(f"given {words}, allowed: numbers")
    return array


def on_host(x: Any) -> np.ndarray | None:
    """An array of numpy, or of numbers in lists, as it was given; None for an array of JAX.

    Raises ValueError for rows of different lengths, and for what is no array.
    """
    if isinstance(x, jax.Array) or hasattr(x, "__jax_array__"):
        return None
    if isinstance(x, np.ma.MaskedArray):
        return x
    if not (isinstance(x, list | tuple | range | Number) or hasattr(x, "__array__")):
        raise ValueError(f"given {brief(x)}, allowed: an array of numbers")
    try:
        if isinstance(x, list | tuple) and any(isinstance(e, np.ma.MaskedArray) for e in x):
            return np.ma.stack(x)
        return np.asarray(x)
    except jax.errors.TracerArrayConversionError:
        return None
    except ValueError:
        raise ValueError("given rows of different lengths, allowed: an array of numbers") from None


def as_array(x: ArrayLike) -> Array:
    """Numbers of any kind as an array of JAX; see `native` and `on_host`."""
    array = None if isinstance(x, bool | float | complex) else on_host(x)
    return jnp.asarray(x if array is None else native(array))


def as_floating(x: ArrayLike) -> Array:
    """The array in its own precision if it is floating point or complex (float32 at least), else in
    JAX's default.
    """
    x = as_array(x)
    if not jnp.issubdtype(x.dtype, jnp.inexact):
        return x.astype(jnp.result_type(float))
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))


def with_axes(x: Array, core: int) -> Array:
    """The array; raises ValueError unless there are values along its last `core` axes."""
    if x.ndim < core or 0 in x.shape[x.ndim - core :]:
        raise ValueError(
            f"given an array of shape {x.shape}, allowed: values along the last "
            f"{'axis' if core == 1 else f'{core} axes'}"
        )
    return x


def as_real(x: ArrayLike, core: int = 0) -> Array:
    """As `as_floating`; raises ValueError for complex values, which have no order, and unless there
    are values along the last `core` axes.
    """
    x = with_axes(as_floating(x), core)
    if jnp.iscomplexobj(x):
        raise ValueError(
            "given complex values, allowed: real ones; use the modulus, the phase, or the real and "
            "imaginary parts"
        )
    return x


def as_ordered(x: ArrayLike) -> Array:
    """As `as_real`, but whole numbers stay whole: comparing them needs every digit."""
    x = as_array(x)
    return x if x.dtype.kind in "iu" else as_real(x)


def by_component(samples: ArrayLike) -> Array:
    """Real samples (..., N, d) in floating point; (N,) is taken as (N, 1)."""
    samples = as_real(samples, core=1)
    return samples[:, None] if samples.ndim == 1 else samples


def alike(what: str, *arrays: Array, ending: int = 0) -> None:
    """Raise ValueError unless arrays are of one shape, but for their last `ending` axes."""
    shapes = [array.shape for array in arrays]
    if len({shape[: len(shape) - ending] for shape in shapes}) > 1:
        words = f"one shape but for the last {ending} axis" if ending else "one shape"
        raise ValueError(f"{what}: given shapes {', '.join(map(str, shapes))}, allowed: {words}")


def rowwise(function: Callable[[Array], Array], x: ArrayLike, core: int = 1) -> Array:
    """Apply a function of rows (batch, n), or of (batch, N, d) for `core` = 2, to an array with any
    number of leading axes, which are restored.
    """
    x = with_axes(as_array(x), core)
    leading = x.ndim - core
    result = function(x.reshape(-1, *x.shape[leading:]))
    return result.reshape(*x.shape[:leading], *result.shape[1:])


def matmul(a: Array, b: Array) -> Array:
    """The product of matrices with all digits, which a GPU would cut to ten bits."""
    return jnp.matmul(a, b, precision=jax.lax.Precision.HIGHEST)


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


def moderate(x: Array) -> Array:
    """Where values are far from the ends of the numbers, so that what is added up to them, or is a
    millionth of a millionth of them, has its digits; nowhere that they are 0 or NaN.
    """
    least = float(jnp.finfo(x.dtype).tiny) ** 0.25  # 3e-10 in float32, 1e-77 in float64
    return (jnp.abs(x) > least) & (jnp.abs(x) < 1 / least)


def less_first(x: Array, axes: Sequence[int]) -> Array:
    """The array less its first value along axes, counted from 0 on: exactly 0 for constants."""
    return x - x[tuple(slice(0, 1) if a in axes else slice(None) for a in range(x.ndim))]


def less_mean(x: Array, axes: tuple[int, ...]) -> Array:
    """The array less its mean over axes, counted from 0 on: exactly 0 for constants, whose mean may
    be rounded.
    """
    x = less_first(x, axes)
    return x - jnp.mean(x, axis=axes, keepdims=True)


def azimuth(vectors: Array) -> Array:
    """The angle, from -pi to pi, of the first two components along the last axis; the sign of a
    zero does not matter.
    """
    x, y = vectors[..., 0], vectors[..., 1]
    x, y = (jnp.where(each == 0, jnp.zeros_like(each), each) for each in (x, y))
    return jnp.arctan2(y, x)


def root_mean_square(x: Array, axis: int | tuple[int, ...] | None = None) -> Array:
    """The root mean square, at any scale."""
    unit = unit_of(x, axis)
    value = jnp.sqrt(jnp.mean((x * (1 / unit)) ** 2, axis=axis, keepdims=True)) * unit
    return jnp.squeeze(value, axis)


def std(
    x: Array,
    axis: int | tuple[int, ...] | None = None,
    ddof: int = 0,
    where: Array | None = None,
) -> Array:
    """The standard deviation, at any scale, of the values where the mask has them; exactly 0 for
    constants, whose mean may be rounded.
    """
    unit = unit_of(x, axis)
    ends = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    x = less_first(x * (1 / unit), [a % x.ndim for a in ends])
    value = jnp.std(x, axis=axis, ddof=ddof, keepdims=True, where=where) * unit
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
