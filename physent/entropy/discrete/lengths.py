"""Series of many lengths in programs of few.

A program is compiled for one shape, so that a loop over series of 900, 910, ... values would
compile at every turn, for half a second, what takes a millisecond. Where values are known, that is
outside `jax.jit` and `jax.vmap`, series are therefore made longer, to one of eight lengths an
octave, by copies of their last value, and their true length is an argument. Functions leave the
copies out: counts of patterns and of neighbours are the same to the bit, sums to rounding.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from physent.entropy.discrete.arrays import as_array, native, on_host
from physent.protocol.parameters import known

Count = int | Array | np.ndarray
_MOST = 2**20  # values, above which compiling is a small part of the time
_LEAST = 64
_STEPS = 8  # lengths an octave


def length_with_room(n: int) -> int:
    """The next of the lengths to which series are brought, at most an eighth more than n (64 at
    least).
    """
    if n <= _LEAST:
        return _LEAST
    step = 2 ** ((n - 1).bit_length() - 1) // _STEPS
    return -(-n // step) * step


def with_room(
    axis: int, *given: Any, or_only: bool = False
) -> tuple[tuple[Any, ...], Count | None]:
    """Arrays of one length along an axis, or the only one (`or_only`), with room behind, and their
    length, to be traced; the arrays as they are and None where they are traced, on another device,
    large, or do not fit.
    """
    arrays = [as_near(each) for each in given]
    if not all(isinstance(each, np.ndarray) and each.dtype.kind in "biuf" for each in arrays):
        return given, None
    axes = [-1 if or_only and each.ndim == 1 else axis for each in arrays]
    there = all(-each.ndim <= a < each.ndim for each, a in zip(arrays, axes, strict=True))
    if not there or any(not 0 < each.size <= _MOST for each in arrays):
        return given, None
    n, *rest = {each.shape[a] for each, a in zip(arrays, axes, strict=True)}
    if rest:
        return given, None
    return tuple(map(_longer, arrays, axes)), np.asarray(n, np.int32)


def _longer(array: np.ndarray, axis: int) -> np.ndarray:
    n = array.shape[axis]
    widths = [(0, 0)] * array.ndim
    widths[axis] = (0, length_with_room(n) - n)
    return np.pad(array, widths, "edge")


def as_near(x: Any) -> Any:
    """Numbers that are known, and not on another device, as an array of numpy, whose parts compile
    nothing; others as an array of JAX.
    """
    if not known(x):
        return as_array(x)
    if not isinstance(x, jax.Array):
        array = on_host(x)
        return as_array(x) if array is None else native(array)
    near = x.is_fully_addressable and all(d.platform == "cpu" for d in x.devices())
    return np.asarray(x) if near else x


def first_of(size: int, count: Count) -> Array | None:
    """Which of `size` places hold one of the first `count` values; None for all of them, whose
    number is known.
    """
    return None if isinstance(count, int) else jnp.arange(size, dtype=jnp.int32) < count
