"""Grids of one to three axes and the modes of functions on them: Fourier modes along a periodic
axis, cosines or sines between two walls.

Modes are sums over the points, as those of `jnp.fft`: a function is the sum of its modes divided by
the number of points. A function that is real has half of the modes along its last periodic axis.
Between walls, which lie at the two ends of an axis, points are the midpoints of equal cells; an
even function has a vanishing slope at the walls, cos(pi m (x - x_0)/length), an odd one vanishes
there, sin(pi m (x - x_0)/length), m = 0, ..., n - 1.
"""

import dataclasses
import math
from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Inexact

from physent.numerics import slab_basis

Parity = tuple[int, ...]  # of a function along each axis, +1 even or -1 odd; +1 where periodic


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
                "derivative makes sines of cosines: take the derivative in nonlinear()"
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


class Basis(eqx.Module):
    """A grid, and the transforms between values at its points and modes.

    **Arguments:**

    - `shape`: the number of points along each axis.
    - `lengths`: of each axis, its period where it is periodic.
    - `walls`: whether each axis lies between two walls.
    - `real`: whether functions are real.
    - `fine`: the number of points at which products are formed, at least `shape`.
    """

    shape: tuple[int, ...] = eqx.field(static=True)
    lengths: tuple[Float[Array, ""], ...]
    walls: tuple[bool, ...] = eqx.field(static=True)
    real: bool = eqx.field(static=True)
    fine: tuple[int, ...] = eqx.field(static=True)

    def with_points(self, shape: tuple[int, ...]) -> "Basis":
        """Another grid of the same box, on which products are formed at its own points."""
        return dataclasses.replace(self, shape=shape, fine=shape)

    @property
    def dtype(self) -> jnp.dtype:
        """Of real values."""
        return self.lengths[0].dtype

    @property
    def even(self) -> Parity:
        """The parity of a function that is even along every axis with walls."""
        return (1,) * len(self.shape)

    @property
    def half(self) -> int | None:
        """The axis with half of the modes, if any."""
        periodic = [axis for axis, wall in enumerate(self.walls) if not wall]
        return periodic[-1] if self.real and periodic else None

    @property
    def modes_shape(self) -> tuple[int, ...]:
        """The number of modes along each axis."""
        return tuple(n // 2 + 1 if i == self.half else n for i, n in enumerate(self.shape))

    @property
    def volume(self) -> Float[Array, ""]:
        """Of the box, in the units of a length to the power of its dimension."""
        return math.prod(self.lengths, start=jnp.ones((), self.dtype))

    def points(self, axis: int, n: int | None = None) -> Float[Array, " n"]:
        """The coordinate along an axis at `n` points, by default those of the grid.

        They begin at -length/2; between walls they are the midpoints of the cells.
        """
        n, length = n or self.shape[axis], self.lengths[axis]
        shift = 0.5 if self.walls[axis] else 0.0
        return ((jnp.arange(n, dtype=self.dtype) + shift) / n - 0.5) * length

    def coordinates(self, shape: tuple[int, ...] | None = None) -> tuple[Array, ...]:
        """The coordinates at every point of a grid of this shape, by default its own."""
        shape = shape or self.shape
        return tuple(
            jnp.broadcast_to(_along(self.points(axis, n), axis, len(shape)), shape)
            for axis, n in enumerate(shape)
        )

    def numbers(self, axis: int) -> np.ndarray:
        """The mode numbers along an axis, in the order of the modes."""
        n = self.shape[axis]
        if self.walls[axis]:
            return np.arange(n)
        return np.arange(n // 2 + 1) if axis == self.half else np.fft.fftfreq(n, 1 / n)

    def wavenumbers(self) -> Wavenumbers:
        """The wavenumbers along every axis, which multiply modes along it."""
        found = []
        for axis, (n, length) in enumerate(zip(self.shape, self.lengths, strict=True)):
            numbers = self.numbers(axis)
            unit = (math.pi if self.walls[axis] else 2 * math.pi) / length
            signed = np.where(2 * np.abs(numbers) == n, 0, numbers)
            every, odd = (
                _along(jnp.asarray(each, self.dtype), axis, len(self.shape)) * unit
                for each in (numbers, signed)
            )
            found.append(Wavenumber(every, None if self.walls[axis] else odd))
        return Wavenumbers(tuple(found))

    def below(self, share: float) -> Bool[np.ndarray, "..."]:
        """Whether a mode lies below a share of the largest mode number along every axis."""
        kept = np.ones(self.modes_shape, bool)
        for axis, (n, wall) in enumerate(zip(self.shape, self.walls, strict=True)):
            largest = n if wall else n / 2
            lower = np.abs(self.numbers(axis)) < share * largest * (1 - 1e-12)
            kept &= lower.reshape([-1 if i == axis else 1 for i in range(len(self.shape))])
        return kept

    def weights(self) -> Float[np.ndarray, "..."]:
        """How many times each mode counts in sums of squares: the mean of f g over the points is
        the sum of weights times conj(f) g, divided by the square of the number of points.
        """
        total = np.ones(self.modes_shape)
        for axis, (n, wall) in enumerate(zip(self.shape, self.walls, strict=True)):
            numbers = self.numbers(axis)
            factor = np.ones(len(numbers))
            if wall:
                factor = np.where(numbers == 0, 1.0, 0.5)
            elif axis == self.half:
                factor = np.where((numbers == 0) | (2 * numbers == n), 1.0, 2.0)
            total *= factor.reshape([-1 if i == axis else 1 for i in range(len(self.shape))])
        return total

    # ----------------------------------------------------------------------------------------------
    # transforms

    def modes(self, values: Inexact[Array, "..."], parity: Parity) -> Inexact[Array, "..."]:
        """The modes of functions of one parity, given at the points of the grid or of the fine
        grid; axes before those of space are left alone.
        """
        given = values.shape[-len(self.shape) :]
        first = values.ndim - len(given)
        if slab_basis.is_cut(self, given):
            return slab_basis.to_modes(self, values, parity, _to_wall)
        for axis, wall in enumerate(self.walls):
            if wall:
                values = _parts(lambda f, i=axis: _to_wall(f, first + i, parity[i]), values)
        periodic = [first + axis for axis, wall in enumerate(self.walls) if not wall]
        if periodic:
            transform = jnp.fft.rfftn if self.real else jnp.fft.fftn
            values = transform(values, axes=periodic)
        return values if given == self.shape else self._resized(values, self.shape, given)

    def values(
        self,
        modes: Inexact[Array, "..."],
        parity: Parity,
        shape: tuple[int, ...] | None = None,
    ) -> Inexact[Array, "..."]:
        """The values of functions of one parity at the points of a grid of this shape, by default
        the fine one.
        """
        shape = shape or self.fine
        first = modes.ndim - len(self.shape)
        if slab_basis.is_cut(self, shape):
            return slab_basis.to_values(self, modes, parity, _from_wall)
        if shape != self.shape:
            modes = self._resized(modes, shape, self.shape)
        periodic = [axis for axis, wall in enumerate(self.walls) if not wall]
        axes = [first + axis for axis in periodic]
        if periodic and self.real:
            values = jnp.fft.irfftn(modes, [shape[axis] for axis in periodic], axes=axes)
        elif periodic:
            values = jnp.fft.ifftn(modes, axes=axes)
        else:
            values = modes
        for axis, wall in enumerate(self.walls):
            if wall:
                values = _parts(lambda a, i=axis: _from_wall(a, first + i, parity[i]), values)
        return values

    def _resized(self, modes: Array, new: tuple[int, ...], old: tuple[int, ...]) -> Array:
        """The modes of the same functions on another grid; those that it does not have are left
        out, and so is the one without a partner of an even number of points.
        """
        first = modes.ndim - len(self.shape)
        for axis, (n, m) in enumerate(zip(old, new, strict=True)):
            if n == m:
                continue
            at, least = first + axis, min(n, m)
            if self.walls[axis]:
                modes = _length(modes, at, least, m)
            elif axis == self.half:
                modes = _length(modes, at, (least - 1) // 2 + 1, m // 2 + 1)
            else:
                paired, size = (least - 1) // 2, modes.shape[at]
                low = jax.lax.slice_in_dim(modes, 0, paired + 1, axis=at)
                high = jax.lax.slice_in_dim(modes, size - paired, size, axis=at)
                between = list(modes.shape)
                between[at] = m - 2 * paired - 1
                modes = jnp.concatenate([low, jnp.zeros(between, modes.dtype), high], at)
        return modes * (math.prod(new) / math.prod(old))


def _along(values: Array, axis: int, ndim: int) -> Array:
    return values.reshape([-1 if i == axis else 1 for i in range(ndim)])


def _length(modes: Array, axis: int, kept: int, length: int) -> Array:
    """The first modes along an axis, and zeros up to a length."""
    modes = jax.lax.slice_in_dim(modes, 0, kept, axis=axis)
    width = [(0, length - kept if i == axis else 0) for i in range(modes.ndim)]
    return jnp.pad(modes, width)


def _parts(function, values: Array) -> Array:
    """A real linear function of values that may be complex."""
    if not jnp.iscomplexobj(values):
        return function(values)
    return jax.lax.complex(function(values.real), function(values.imag))


# --------------------------------------------------------------------------------------------------
# cosines and sines of one axis


def _to_wall(f: Float[Array, "..."], axis: int, parity: int) -> Float[Array, "..."]:
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


def _from_wall(a: Float[Array, "..."], axis: int, parity: int) -> Float[Array, "..."]:
    """The function with these modes, the inverse of `_to_wall`."""
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


def shapes_of(n: int | Sequence[int]) -> tuple[int, ...]:
    """The number of points along each axis."""
    return (n,) if isinstance(n, int) else tuple(n)
