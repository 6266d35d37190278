"""Wavenumbers, which multiply modes as arrays do, and know which of their powers have a meaning."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float


class Wavenumber(eqx.Module):
    """The wavenumbers along one axis, which multiply modes as an array does.

    An even power has the mode of an even number of points that has no partner, -n/2, and an odd one
    has 0 for it, for it has no sign. Between walls there is no odd power: an odd derivative makes
    sines of cosines.
    """

    every: Float[Array, "..."]
    signed: Float[Array, "..."] | None

    def __pow__(self, power: int) -> Array:
        if power != int(power) or power < 0:
            raise ValueError(f"given k**{power}, allowed: whole powers of 0 and more")
        return (self.every if power % 2 == 0 else self._odd()) ** int(power)

    def _odd(self) -> Array:
        if self.signed is None:
            raise ValueError(
                "an odd power of a wavenumber between walls is no multiplier, for an odd "
                "derivative makes sines of cosines: take the derivative in nonlinear(), or "
                "boundary = 'periodic'"
            )
        return self.signed

    def __mul__(self, other: "Array | complex | Wavenumber") -> Array:
        if isinstance(other, Wavenumber):
            return self**2 if other is self else self._odd() * other._odd()
        return self._odd() * other

    def __rmul__(self, other: Array | complex) -> Array:
        return other * self._odd()

    def __truediv__(self, other: Array | complex) -> Array:
        return self._odd() / other

    def __neg__(self) -> Array:
        return -self._odd()

    def __add__(self, other: Array | complex) -> Array:
        return self._odd() + other

    __radd__ = __add__

    def __sub__(self, other: Array | complex) -> Array:
        return self._odd() - other

    def __rsub__(self, other: Array | complex) -> Array:
        return other - self._odd()

    def __abs__(self) -> Array:
        return jnp.abs(self.every)


class Wavenumbers(eqx.Module):
    """The wavenumbers of a grid: `k.x`, `k.y` and `k.z` along its axes, `k**2` the square of their
    vector, `k**4` its square. In one dimension k is k.x.
    """

    axes: tuple[Wavenumber, ...]

    @property
    def x(self) -> Wavenumber:
        """Along the first axis."""
        return self.axes[0]

    @property
    def y(self) -> Wavenumber:
        """Along the second axis."""
        return self.axes[1]

    @property
    def z(self) -> Wavenumber:
        """Along the third axis."""
        return self.axes[2]

    def __iter__(self):
        return iter(self.axes)

    def __len__(self) -> int:
        return len(self.axes)

    def __pow__(self, power: int) -> Array:
        if len(self.axes) == 1:
            return self.x**power
        if power % 2 or power < 0:
            raise ValueError(
                f"k**{power} has no meaning in {len(self.axes)} dimensions: allowed are even "
                "powers, and powers of k.x, k.y and k.z"
            )
        return sum(k**2 for k in self.axes) ** (power // 2)  # pyright: ignore[reportReturnType]

    def _only(self) -> Wavenumber:
        if len(self.axes) > 1:
            raise ValueError("the wavenumbers are a vector: allowed are k.x, k.y, k.z and k**2")
        return self.x

    def __mul__(self, other: "Array | complex | Wavenumbers") -> Array:
        return self._only() * (other._only() if isinstance(other, Wavenumbers) else other)

    def __truediv__(self, other: Array | complex) -> Array:
        return self._only() / other

    def __rmul__(self, other: Array | complex) -> Array:
        return other * self._only()

    def __neg__(self) -> Array:
        return -self._only()

    def __add__(self, other: Array | complex) -> Array:
        return self._only() + other

    __radd__ = __add__

    def __sub__(self, other: Array | complex) -> Array:
        return self._only() - other

    def __rsub__(self, other: Array | complex) -> Array:
        return other - self._only()

    def __abs__(self) -> Array:
        return jnp.sqrt(self**2)
