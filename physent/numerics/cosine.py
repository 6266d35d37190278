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
    even, odd = cosine_halves(f.shape[1], f.dtype)
    total, difference = _folded(f)
    return jnp.concatenate(
        [jnp.einsum("mz,kz->km", total, even), jnp.einsum("mz,kz->km", difference, odd)]
    )


def inverse_cosine_transform(a: Float[Array, "n m"]) -> Float[Array, "m n"]:
    """The function with these coefficients, the inverse and the transpose of `cosine_transform`."""
    even, odd = cosine_halves(a.shape[0], a.dtype)
    half = a.shape[0] // 2
    total, difference = (
        jnp.einsum("km,kz->mz", a[:half], even),
        jnp.einsum("km,kz->mz", a[half:], odd),
    )
    return _unfolded(total, difference)


def sine_transform(f: Float[Array, "m n"]) -> Float[Array, "n m"]:
    """The coefficients of sin(pi k (j + 1/2)/n) sqrt(2/n) for k = 0 (which is 0), ..., n - 1.

    The mode k = n, which alternates from point to point, is left out, so that sine modes are
    numbered as cosine modes are and a derivative takes one to the other.
    """
    even, odd = _halves(f.shape[1], f.dtype, np.sin)
    total, difference = _folded(f)
    return jnp.concatenate(
        [jnp.einsum("mz,kz->km", difference, even), jnp.einsum("mz,kz->km", total, odd)]
    )


def inverse_sine_transform(a: Float[Array, "n m"]) -> Float[Array, "m n"]:
    """The function with these coefficients."""
    even, odd = _halves(a.shape[0], a.dtype, np.sin)
    half = a.shape[0] // 2
    difference, total = (
        jnp.einsum("km,kz->mz", a[:half], even),
        jnp.einsum("km,kz->mz", a[half:], odd),
    )
    return _unfolded(total, difference)


def _halves(n: int, dtype: DTypeLike, function: np.ufunc) -> tuple[np.ndarray, np.ndarray]:
    k, j = order(n), np.arange(n // 2)
    matrix = (
        function(np.pi / n * np.outer(k, j + 0.5))
        * np.where(k == 0, np.sqrt(1 / n), np.sqrt(2 / n))[:, None]
    )
    matrix = matrix.astype(dtype)
    return matrix[: n // 2], matrix[n // 2 :]


def _folded(f: Float[Array, "m n"]) -> tuple[Array, Array]:
    half = f.shape[1] // 2
    first, last = f[:, :half], f[:, half:][:, ::-1]
    return first + last, first - last


def _unfolded(
    total: Float[Array, "m half"], difference: Float[Array, "m half"]
) -> Float[Array, "m n"]:
    return jnp.concatenate([total + difference, (total - difference)[:, ::-1]], axis=1)
