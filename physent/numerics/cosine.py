"""Cosine and sine transforms between n midpoints of an interval and its modes, as products with
dense matrices.

For the sizes of two-dimensional boxes (n up to some hundreds) a product is faster on a CPU than a
transform through `jnp.fft` of the reflected function, and it may leave its result transposed for
nothing: functions are (m, n), modes come as (n, m), ready for a Fourier transform along m. Modes of
even number come first, then the odd ones (`order`), since each half needs only half of the points.
"""

import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike
from jaxtyping import Array, Float

from physent.numerics.products import einsum


def order(n: int) -> np.ndarray:
    """The number k of each mode, 0, 2, 4, ..., 1, 3, 5, ..."""
    return np.concatenate([np.arange(0, n, 2), np.arange(1, n, 2)])


def cosine_halves(n: int, dtype: DTypeLike) -> tuple[np.ndarray, np.ndarray]:
    """The even and the odd modes, as rows, on the first half of the points; their products are 1/2
    or 0.
    """
    return _halves(n, dtype, np.cos)


def cosine_transform(f: Float[Array, "m n"]) -> Float[Array, "n m"]:
    """The coefficients of the orthonormal cos(pi k (j + 1/2)/n) sqrt(2/n), k = 0 with sqrt(1/n); n
    is even.
    """
    return _transformed(_folded(f), cosine_halves(f.shape[1], f.dtype))


def inverse_cosine_transform(a: Float[Array, "n m"]) -> Float[Array, "m n"]:
    """The function with these coefficients, the inverse and the transpose of `cosine_transform`."""
    return _unfolded(*_summed(a, cosine_halves(a.shape[0], a.dtype)))


def sine_transform(f: Float[Array, "m n"]) -> Float[Array, "n m"]:
    """The coefficients of sin(pi k (j + 1/2)/n) sqrt(2/n) for k = 0 (which is 0), ..., n - 1.

    The mode k = n, which alternates from point to point, is left out, so that sine modes are
    numbered as cosine modes are and a derivative takes one to the other.
    """
    total, difference = _folded(f)
    return _transformed((difference, total), _halves(f.shape[1], f.dtype, np.sin))


def inverse_sine_transform(a: Float[Array, "n m"]) -> Float[Array, "m n"]:
    """The function with these coefficients."""
    difference, total = _summed(a, _halves(a.shape[0], a.dtype, np.sin))
    return _unfolded(total, difference)


def _halves(n: int, dtype: DTypeLike, function: np.ufunc) -> tuple[np.ndarray, np.ndarray]:
    k, j = order(n), np.arange(n // 2)
    norms = np.where(k == 0, np.sqrt(1 / n), np.sqrt(2 / n))[:, None]
    matrix = (function(np.pi / n * np.outer(k, j + 0.5)) * norms).astype(dtype)
    return matrix[: n // 2], matrix[n // 2 :]


def _transformed(
    parts: tuple[Array, Array], modes: tuple[np.ndarray, np.ndarray]
) -> Float[Array, "n m"]:
    """The coefficients of the even modes in the first part, then of the odd ones in the second."""
    pairs = zip(parts, modes, strict=True)
    return jnp.concatenate([einsum("mz,kz->km", part, mode) for part, mode in pairs])


def _summed(a: Float[Array, "n m"], modes: tuple[np.ndarray, np.ndarray]) -> tuple[Array, Array]:
    """The sums of the even and of the odd modes with these coefficients, on the first half."""
    (even, odd), half = modes, a.shape[0] // 2
    return einsum("km,kz->mz", a[:half], even), einsum("km,kz->mz", a[half:], odd)


def _folded(f: Float[Array, "m n"]) -> tuple[Array, Array]:
    half = f.shape[1] // 2
    first, last = f[:, :half], f[:, half:][:, ::-1]
    return first + last, first - last


def _unfolded(
    total: Float[Array, "m half"], difference: Float[Array, "m half"]
) -> Float[Array, "m n"]:
    return jnp.concatenate([total + difference, (total - difference)[:, ::-1]], axis=1)
