"""The topological sectors of a field on a ring: periodic, antiperiodic, winding; each with its
Fourier transform.

phi = background + u, where u is expanded in the modes e^{i k (x + length/2)} of the sector with
amplitudes c,

    u(x) = Re sum_k w_k c_k e^{i k (x + length/2)},

one mode of each pair k, -k, whose weight w is 2 (1 for a mode without a partner).
"""

import abc
import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float

from physent.protocol.parameters import Declared, static
from physent.solvers.checks import refuse


class Boundary(Declared):
    """The continuation phi(x + length) of phi beyond the box, and the modes of u: by default those
    of a periodic field.
    """

    def check(self, n: int, period: float | None, even: bool) -> None:
        """Raise ParameterError if the boundary does not fit the grid and the potential."""

    def modes(self, u: Float[Array, " n"]) -> Complex[Array, " k"]:
        """The amplitudes c of a real field on the grid."""
        return jnp.fft.rfft(u, norm="forward")

    def field(self, modes: Complex[Array, " k"], n: int) -> Float[Array, " n"]:
        """The field on the grid from its amplitudes, the inverse of `modes`."""
        return jnp.fft.irfft(modes, n, norm="forward")

    def wavenumbers(self, n: int, length: Float[Array, ""]) -> Float[Array, " k"]:
        """The k of the modes, in 1/length: 2 pi m / length, m = 0, ..., n/2."""
        return jnp.arange(n // 2 + 1, dtype=length.dtype) * (2 * math.pi / length)

    def weights(self, n: int) -> np.ndarray:
        """The w of the modes: 2, but 1 for the mean and the Nyquist mode."""
        m = np.arange(n // 2 + 1)
        return np.where((m == 0) | (2 * m == n), 1.0, 2.0)

    def jump(self, period: float | None) -> float:
        """The growth of the background over the length, phi(x + length) - phi(x)."""
        return 0.0

    @abc.abstractmethod
    def charge(self) -> int:
        """The topological charge fixed by the boundary; for an antiperiodic field the number of
        kinks modulo 2.
        """

    def turned(
        self, phi: Float[Array, " n"], turns: Float[Array, " n"], period: float | None
    ) -> Float[Array, " n"]:
        """phi(x + turns length) for the values of phi(x)."""
        return phi


class Periodic(Boundary):
    """phi(x + length) = phi(x)."""

    def charge(self) -> int:
        """0: as many kinks as antikinks."""
        return 0


class Antiperiodic(Boundary):
    """phi(x + length) = -phi(x), the sector of one kink of an even potential; half-integer
    wavenumbers.
    """

    def check(self, n: int, period: float | None, even: bool) -> None:
        """Needs an even number of points and V(-phi) = V(phi)."""
        refuse(n % 2, "n", f"given {n}, allowed: an even number with boundary 'antiperiodic'")
        refuse(
            not even,
            "boundary",
            "given 'antiperiodic', but V(-phi) is not V(phi): allowed with this potential: "
            "'periodic'",
        )

    def modes(self, u: Float[Array, " n"]) -> Complex[Array, " k"]:
        """One complex transform of half the length: the modes m = 0, 2, 4, ... of e^{2 pi i (m +
        1/2) j/n}.
        """
        half = u.shape[-1] // 2
        cosine, sine = _half_turn(half, u.dtype)
        first, second = u[..., :half], u[..., half:]
        # (first - i second) e^{-i pi j/n}, for e^{-2 pi i (m + 1/2)/2} = -i
        folded = jax.lax.complex(first * cosine - second * sine, -first * sine - second * cosine)
        return 0.5 * jnp.fft.fft(folded, norm="forward")

    def field(self, modes: Complex[Array, " k"], n: int) -> Float[Array, " n"]:
        """See `Boundary`."""
        folded = jnp.fft.ifft(modes, norm="forward")
        cosine, sine = _half_turn(n // 2, folded.real.dtype)
        first = folded.real * cosine - folded.imag * sine
        second = folded.real * sine + folded.imag * cosine
        return 2 * jnp.concatenate([first, -second], axis=-1)

    def wavenumbers(self, n: int, length: Float[Array, ""]) -> Float[Array, " k"]:
        """2 pi (m + 1/2) / length; of each pair +-k the one with even m between -n/2 and n/2."""
        m = np.arange(0, n, 2)
        return jnp.asarray(np.where(m < n / 2, m, m - n) + 0.5, length.dtype) * (
            2 * math.pi / length
        )

    def weights(self, n: int) -> np.ndarray:
        """2: every mode has a partner."""
        return np.full(n // 2, 2.0)

    def charge(self) -> int:
        """1: an odd number of kinks."""
        return 1

    def turned(
        self, phi: Float[Array, " n"], turns: Float[Array, " n"], period: float | None
    ) -> Float[Array, " n"]:
        """The sign changes at every turn."""
        return phi * (1 - 2 * jnp.mod(turns, 2))


class Winding(Boundary):
    """phi(x + length) = phi(x) + number P, P the period of V: `number` more kinks than antikinks.

    phi = number P x/length + u with a periodic u.
    """

    number: int = static(1, doc="kinks minus antikinks")

    def check(self, n: int, period: float | None, even: bool) -> None:
        """Needs a potential with a period."""
        refuse(
            period is None,
            "boundary",
            "given 'winding', but V has no period: allowed with this potential: 'periodic' or "
            "'antiperiodic'",
        )

    def jump(self, period: float | None) -> float:
        """The number of windings times the period."""
        return 0.0 if period is None else self.number * period

    def charge(self) -> int:
        """The number of windings."""
        return self.number

    def turned(
        self, phi: Float[Array, " n"], turns: Float[Array, " n"], period: float | None
    ) -> Float[Array, " n"]:
        """One more jump at every turn."""
        return phi + self.jump(period) * turns


BOUNDARIES: dict[str, type[Boundary]] = {
    "periodic": Periodic,
    "antiperiodic": Antiperiodic,
    "winding": Winding,
}


def named(boundary: Boundary) -> str:
    """A boundary as written in a config."""
    if isinstance(boundary, Winding) and boundary.number != 1:
        return f'{{ kind = "winding", number = {boundary.number} }}'
    return repr(next(kind for kind, cls in BOUNDARIES.items() if type(boundary) is cls))


def _half_turn(half: int, dtype: jnp.dtype) -> tuple[Array, Array]:
    angle = np.pi * np.arange(half) / (2 * half)
    return jnp.asarray(np.cos(angle), dtype), jnp.asarray(np.sin(angle), dtype)
