"""Fourier methods on a uniform periodic grid: wavenumbers, derivatives, filters and products
without aliasing.

Spectra are those of `jnp.fft.fft`, in its order and scaling; those of a line cut into slabs
(`physent.numerics.slab`) are in the order of `slab.fft`. Every function takes the `axis` it works
along and leaves the others alone; lengths may be traced.
"""

import math

import jax
import jax.core
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike
from jaxtyping import Array, Complex, Float, Inexact

from physent.numerics import slab


def grid(n: int, length: Float[Array, ""]) -> Float[Array, " n"]:
    """The points (j/n - 1/2) length, j = 0, ..., n - 1."""
    if isinstance(length, jax.core.Tracer):
        return (jnp.arange(n, dtype=length.dtype) / n - 0.5) * length
    # on the host, where no operation has to be compiled; the bits are the same
    host = np.asarray(length)
    return jnp.asarray((np.arange(n, dtype=host.dtype) / n - 0.5) * host)


def squared_modulus(z: Complex[Array, "..."]) -> Float[Array, "..."]:
    """|z|^2, without the square root of |z|."""
    return z.real**2 + z.imag**2


def wavenumbers(n: int, length: Float[Array, ""]) -> Float[Array, " n"]:
    """The angular wavenumbers k = 2 pi m / length in the order of the FFT, in units of 1/length.

    m runs 0, 1, ..., -2, -1; for an even n it includes the unpaired Nyquist mode m = -n/2.
    """
    return _modes(n, length.dtype) * (2 * math.pi / length)


def signed_wavenumbers(n: int, length: Float[Array, ""]) -> Float[Array, " n"]:
    """The same with 0 for the Nyquist mode of an even n, which has no sign and so no odd
    derivative.
    """
    k = wavenumbers(n, length)
    return k if n % 2 else jnp.where(slab.order(n) == n // 2, 0, k)


def _modes(n: int, dtype: DTypeLike) -> Float[Array, " n"]:
    """m = 0, 1, ..., -2, -1, in the order of the spectra."""
    return jnp.asarray(slab.numbers(n), dtype)


def along(values: Array, ndim: int, axis: int) -> Array:
    """A vector reshaped so that it multiplies an array of `ndim` dimensions along `axis`."""
    shape = [1] * ndim
    shape[axis] = values.shape[0]
    return values.reshape(shape)


def derivative(
    f: Inexact[Array, "..."], length: Float[Array, ""], order: int = 1, axis: int = -1
) -> Array:
    """The spectral derivative d^order f / dx^order of a periodic function, real where f is real.

    The Nyquist mode of an even n has no sign and so no odd derivative: there it counts as zero
    (Trefethen, Spectral Methods in MATLAB, 2000, chapter 3).
    """
    k = (signed_wavenumbers if order % 2 else wavenumbers)(f.shape[axis], length)
    result = slab.ifft(along((1j * k) ** order, f.ndim, axis) * slab.fft(f, axis), axis)
    return result if jnp.iscomplexobj(f) else result.real


def two_thirds_filter(
    n: int, dtype: DTypeLike = float, strength: float = 36.0, power: int = 36
) -> Float[Array, " n"]:
    """The smooth two-thirds rule exp(-strength (|k|/k_c)^power), k_c being two thirds of the
    largest wavenumber.

    With the defaults, k_c is damped by e^-36 and three quarters of k_c by one part in 900. The form
    is that of Hou and Li (J. Comput. Phys. 226, 379, 2007), the cut-off that of Orszag's rule.
    """
    return jnp.exp(-strength * (jnp.abs(_modes(n, dtype)) * (3.0 / n)) ** power)


def pad(spectrum: Complex[Array, "..."], n: int, axis: int = -1) -> Complex[Array, "..."]:
    """The same function on a finer grid of `n` points, as a spectrum.

    The Nyquist mode of an even grid is left out, so that what is left is band-limited to |m| < old
    n / 2.
    """
    return _resized(spectrum, n, (spectrum.shape[axis] - 1) // 2, axis)


def truncate(spectrum: Complex[Array, "..."], n: int, axis: int = -1) -> Complex[Array, "..."]:
    """The projection on a coarser grid of `n` points, the inverse of `pad`; an even n gets no
    Nyquist mode.
    """
    return _resized(spectrum, n, (n - 1) // 2, axis)


def _resized(spectrum: Array, n: int, paired: int, axis: int) -> Array:
    """The modes |m| <= paired on n points, the others 0."""
    size, shape = spectrum.shape[axis], list(spectrum.shape)
    shape[axis] = n - 2 * paired - 1
    low = jax.lax.slice_in_dim(spectrum, 0, paired + 1, axis=axis)
    high = jax.lax.slice_in_dim(spectrum, size - paired, size, axis=axis)
    return jnp.concatenate([low, jnp.zeros(shape, spectrum.dtype), high], axis) * (n / size)


def dealiased_cubic(spectrum: Complex[Array, "..."], axis: int = -1) -> Complex[Array, "..."]:
    """The spectrum of |f|^2 f for the f of `spectrum`, without aliasing, projected on the same
    modes.

    The product is formed on twice as many points: three factors with |m| < n/2 reach |m| < 3n/2,
    which folds onto |m| > n/2 only. The Nyquist mode of an even n takes no part. (Orszag, J. Atmos.
    Sci. 28, 1074, 1971, for the idea.)
    """
    n = spectrum.shape[axis]
    fine = jnp.fft.ifft(pad(spectrum, 2 * n, axis), axis=axis)
    return truncate(jnp.fft.fft(squared_modulus(fine) * fine, axis=axis), n, axis)
