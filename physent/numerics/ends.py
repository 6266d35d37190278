"""Transforms along one axis of functions that are not periodic along it: cosines and sines between
two walls, and half-integer wavenumbers where a function changes its sign from end to end.

(`physent.numerics.basis` says which functions and points these are.)
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float, Inexact


def to_wall(f: Float[Array, "..."], axis: int, parity: int) -> Float[Array, "..."]:
    """sum_j f_j for m = 0, else 2 sum_j f_j cos(pi m (j + 1/2)/n); with sines where f is odd.

    One real transform of the same length (J. Makhoul, IEEE Trans. ASSP 28, 27, 1980). Sines are
    cosines of the function whose sign changes from point to point, in reverse order: the mode n of
    an odd function is left out.
    """
    f = jnp.moveaxis(f, axis, -1)
    n = f.shape[-1]
    if parity < 0:
        f = f * _alternating(n, f)
    reordered = jnp.concatenate([f[..., ::2], f[..., 1::2][..., ::-1]], -1)
    spectrum = jnp.fft.rfft(reordered) * _quarter_turns(n, f, -1)
    last = spectrum.shape[-1] - (n % 2 == 0)  # the middle mode of an even number is real
    above = -2 * spectrum[..., 1:last].imag[..., ::-1]
    cosines = jnp.concatenate([spectrum[..., :1].real, 2 * spectrum[..., 1:].real, above], -1)
    if parity < 0:
        cosines = jnp.concatenate(
            [jnp.zeros_like(cosines[..., :1]), cosines[..., 1:][..., ::-1]], -1
        )
    return jnp.moveaxis(cosines, -1, axis)


def from_wall(a: Float[Array, "..."], axis: int, parity: int) -> Float[Array, "..."]:
    """The function with these modes, the inverse of `to_wall`."""
    a = jnp.moveaxis(a, axis, -1)
    n = a.shape[-1]
    if parity < 0:
        a = jnp.concatenate([jnp.zeros_like(a[..., :1]), a[..., 1:][..., ::-1]], -1)
    half = n // 2 + 1
    reverse = jnp.concatenate([jnp.zeros_like(a[..., :1]), a[..., 1:][..., ::-1]], -1)
    ahead = jnp.concatenate([2 * a[..., :1], a[..., 1:half]], -1)
    spectrum = jax.lax.complex(ahead, -reverse[..., :half]) * (0.5 * _quarter_turns(n, a, 1))
    v = jnp.fft.irfft(spectrum, n)
    f = jnp.zeros_like(v)
    f = f.at[..., ::2].set(v[..., : (n + 1) // 2])
    f = f.at[..., 1::2].set(v[..., (n + 1) // 2 :][..., ::-1])
    if parity < 0:
        f = f * _alternating(n, f)
    return jnp.moveaxis(f, -1, axis)


def _alternating(n: int, like: Array) -> Array:
    return _last(1 - 2 * (np.arange(n) % 2), like)


def _quarter_turns(n: int, like: Array, sign: int) -> Array:
    angle = sign * np.pi * np.arange(n // 2 + 1) / (2 * n)
    return jax.lax.complex(_last(np.cos(angle), like), _last(np.sin(angle), like))


def _last(values: np.ndarray, like: Array) -> Array:
    """A vector that multiplies an array along its last axis."""
    return jnp.asarray(values, like.real.dtype).reshape((1,) * (like.ndim - 1) + (-1,))


# --------------------------------------------------------------------------------------------------
# half-integer wavenumbers


def to_half_integers(f: Inexact[Array, "..."], axis: int) -> Complex[Array, "..."]:
    """sum_j f_j e^{-2 pi i (m + 1/2) j/n}, m in the order of the FFT."""
    f = jnp.moveaxis(f, axis, -1)
    cosine, sine = half_turn(f.shape[-1], f)
    return jnp.moveaxis(jnp.fft.fft(f * jax.lax.complex(cosine, -sine)), -1, axis)


def from_half_integers(modes: Complex[Array, "..."], axis: int) -> Complex[Array, "..."]:
    """The function with these modes, the inverse of `to_half_integers`."""
    modes = jnp.moveaxis(modes, axis, -1)
    cosine, sine = half_turn(modes.shape[-1], modes)
    return jnp.moveaxis(jnp.fft.ifft(modes) * jax.lax.complex(cosine, sine), -1, axis)


def fold(f: Float[Array, "..."], axis: int) -> Complex[Array, "..."]:
    """The modes of `to_half_integers` with an even m, of a real function of an even number n of
    points: one complex transform of half the length. The others are their complex conjugates.
    """
    f = jnp.moveaxis(f, axis, -1)
    half = f.shape[-1] // 2
    cosine, sine = half_turn(half, f, 2 * half)
    first, second = f[..., :half], f[..., half:]
    # (first - i second) e^{-i pi j/n}, for e^{-2 pi i (m + 1/2)/2} = -i
    folded = jax.lax.complex(first * cosine - second * sine, -first * sine - second * cosine)
    return jnp.moveaxis(jnp.fft.fft(folded), -1, axis)


def unfold(modes: Complex[Array, "..."], axis: int) -> Float[Array, "..."]:
    """The real function with these modes, the inverse of `fold`."""
    modes = jnp.moveaxis(modes, axis, -1)
    half = modes.shape[-1]
    folded = jnp.fft.ifft(modes)
    cosine, sine = half_turn(half, folded, 2 * half)
    first = folded.real * cosine - folded.imag * sine
    second = folded.real * sine + folded.imag * cosine
    return jnp.moveaxis(jnp.concatenate([first, -second], axis=-1), -1, axis)


def half_turn(count: int, like: Array, n: int | None = None) -> tuple[Array, Array]:
    """The cosine and the sine of pi j/n, j = 0, ..., count - 1, along a last axis."""
    angle = np.pi * np.arange(count) / (n or count)
    return _last(np.cos(angle), like), _last(np.sin(angle), like)
