"""The turning of a field about the last axis, which is what a rotating frame does to it."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float

from physent.numerics.basis import Basis
from physent.numerics.rotation import cosine_sine


def turned(psi: Complex[Array, "..."], angle: Float[Array, ""], basis: Basis) -> Array:
    """psi(x cos a - y sin a, x sin a + y cos a), by three shears, each exact for the interpolant on
    the periodic box.

    It solves psi_t = Omega (x psi_y - y psi_x) with a = Omega t. The box must hold psi well, for
    what crosses its edge comes in at the other side. (A. Paeth, Graphics Interface 86, 77, 1986;
    C. Besse, G. Dujardin, I. Lacroix-Violet, SIAM J. Numer. Anal. 55, 1387, 2017, for its use
    here.)
    """
    slope = -jnp.tan(angle / 2)
    psi = _sheared(psi, slope, 0, 1, basis)
    psi = _sheared(psi, jnp.sin(angle), 1, 0, basis)
    return _sheared(psi, slope, 0, 1, basis)


def _sheared(psi: Array, slope: Array, along: int, by: int, basis: Basis) -> Array:
    """psi with the coordinate `along` replaced by itself + slope times the coordinate `by`."""
    first, rank = psi.ndim - len(basis.shape), len(basis.shape)
    k = basis.wavenumbers().axes[along] ** 1
    shape = [1] * rank
    shape[by] = -1
    cosine, sine = cosine_sine(slope * k * basis.points(by).reshape(shape))
    modes = jnp.fft.fft(psi, axis=first + along)
    return jnp.fft.ifft(jax.lax.complex(cosine, sine) * modes, axis=first + along)
