"""The parts of modes that can be changed independently: a real function has some twice."""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Inexact

from physent.numerics.basis import Basis


def independent_parts(
    modes: Inexact[Array, "fields ..."], basis: Basis, kept: np.ndarray
) -> tuple[Float[Array, " d"], Callable[[Array], Array]]:
    """The real and imaginary parts of modes that are independent, as one vector, and the modes for
    such a vector.

    **Arguments:**

    - `modes`: of several functions.
    - `basis`: their grid.
    - `kept`: which modes take part, (1, ...); others are 0.

    **Returns:**

    The vector and the inverse of taking it.
    """
    kept = np.broadcast_to(kept, modes.shape).reshape(-1)
    partner, inside = (each.reshape(-1) for each in _partners(basis))
    count, size = modes.shape[0], partner.size
    index = np.arange(count * size)
    partner = (np.arange(count)[:, None] * size + partner).reshape(-1)
    inside = np.tile(inside, count)
    real = np.flatnonzero(kept & (~inside | (index <= partner)))
    if not jnp.iscomplexobj(modes):
        real = np.flatnonzero(kept)
        return jnp.ravel(modes)[real], lambda vector: _filled(vector, real, modes.shape)
    imaginary = np.flatnonzero(kept & (~inside | (index < partner)))
    twice = inside & (index > partner)

    def rebuilt(vector: Array) -> Array:
        a, b = vector[: real.size], vector[real.size :]
        a, b = (_filled(part, at, (count * size,)) for part, at in ((a, real), (b, imaginary)))
        if twice.any():
            a, b = jnp.where(twice, a[partner], a), jnp.where(twice, -b[partner], b)
        return jax.lax.complex(a, b).reshape(modes.shape)

    flat = jnp.ravel(modes)
    return jnp.concatenate([flat[real].real, flat[imaginary].imag]), rebuilt


def _filled(values: Array, at: np.ndarray, shape: tuple[int, ...]) -> Array:
    return jnp.zeros(int(np.prod(shape)), values.dtype).at[at].set(values).reshape(shape)


def _partners(basis: Basis) -> tuple[np.ndarray, np.ndarray]:
    """For each mode of a real function the index, counted in a row, of the one that is its
    complex conjugate, and whether it is among the modes itself: those of a plane in the middle
    of what a real function has twice.
    """
    index = np.arange(math.prod(basis.modes_shape)).reshape(basis.modes_shape)
    partner, inside = index, np.zeros(basis.modes_shape, bool)
    if basis.half is None:
        return partner, inside
    for axis, (wall, turned) in enumerate(zip(basis.walls, basis.turned, strict=True)):
        if not wall and axis != basis.half:  # the k of an antiperiodic axis are half-integers
            partner = np.roll(np.flip(partner, axis), 0 if turned else 1, axis)
    numbers = basis.numbers(basis.half)
    alone = (numbers == 0) | (2 * numbers == basis.shape[basis.half])
    along = [-1 if axis == basis.half else 1 for axis in range(len(basis.shape))]
    return partner, inside | alone.reshape(along)
