"""Grids of one to three axes and the modes of functions on them: Fourier modes along a periodic
axis, those of half-integer wavenumbers along an antiperiodic one, cosines or sines between two
walls.

Modes are sums over the points, as those of `jnp.fft`: a function is the sum of its modes divided by
the number of points. A function that is real has half of the modes along its last periodic axis,
or without one along its last antiperiodic axis, f(x + length) = -f(x): those of e^{2 pi i (m + 1/2)
(x - x_0)/length} with an even m.
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

from physent.numerics import slab, slab_basis
from physent.numerics.ends import (
    fold,
    from_half_integers,
    from_wall,
    to_half_integers,
    to_wall,
    unfold,
)
from physent.numerics.wavenumbers import Wavenumber as Wavenumber, Wavenumbers as Wavenumbers

# of a function along each axis: between walls +1 even or -1 odd, along an antiperiodic axis -1, and
# +1 for a product of two such functions, which is periodic and has no modes here; elsewhere +1
Parity = tuple[int, ...]


class Basis(eqx.Module):
    """A grid, and the transforms between values at its points and modes.

    **Arguments:**

    - `shape`: the number of points along each axis.
    - `lengths`: of each axis, its period where it is periodic.
    - `walls`: whether each axis lies between two walls.
    - `real`: whether functions are real.
    - `fine`: the number of points at which products are formed, at least `shape`.
    - `turned`: whether each axis is antiperiodic; none by default.
    """

    shape: tuple[int, ...] = eqx.field(static=True)
    lengths: tuple[Float[Array, ""], ...]
    walls: tuple[bool, ...] = eqx.field(static=True)
    real: bool = eqx.field(static=True)
    fine: tuple[int, ...] = eqx.field(static=True)
    turned: tuple[bool, ...] = eqx.field(static=True, default=())

    def __check_init__(self):
        if not self.turned:
            object.__setattr__(self, "turned", (False,) * len(self.shape))

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
        axes = self.periodic or [axis for axis, turned in enumerate(self.turned) if turned]
        return axes[-1] if self.real and axes else None

    @property
    def periodic(self) -> list[int]:
        """The axes that are periodic."""
        ends = enumerate(zip(self.walls, self.turned, strict=True))
        return [axis for axis, (wall, turned) in ends if not wall and not turned]

    @property
    def modes_shape(self) -> tuple[int, ...]:
        """The number of modes along each axis."""
        return tuple(len(self.numbers(axis)) for axis in range(len(self.shape)))

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
        # made on the host: what is computed from a constant is lifted out of loops, from iota not
        shares = (np.arange(n, dtype=self.dtype) + shift) / n - 0.5
        return jnp.asarray(shares.astype(self.dtype)) * length

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
        if self.turned[axis]:
            m = np.arange(0, n, 2 if axis == self.half else 1)
            return np.where(2 * m < n, m, m - n) + 0.5
        if axis == self.half:
            return np.arange(n // 2 + 1)
        return slab.numbers(n) if len(self.shape) == 1 else slab.signed(np.arange(n), n)

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
                alone = (numbers == 0) | (2 * numbers == n)
                factor = np.where(alone, 1.0, 2.0)
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
            return slab_basis.to_modes(self, values, parity, to_wall)
        for axis, wall in enumerate(self.walls):
            if wall:
                values = _parts(lambda f, i=axis: to_wall(f, first + i, parity[i]), values)
        if periodic := [first + axis for axis in self.periodic]:
            transform = jnp.fft.rfftn if self.real else slab.fftn
            values = transform(values, axes=periodic)
        for axis in self._turned(parity):
            transform = fold if axis == self.half else to_half_integers
            values = transform(values, first + axis)
        if given != self.shape:
            values = self._resized(values, self.shape, given)
        return values

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
            return slab_basis.to_values(self, modes, parity, from_wall)
        if shape != self.shape:
            modes = self._resized(modes, shape, self.shape)
        periodic = self.periodic
        axes = [first + axis for axis in periodic]
        values = modes
        for axis in reversed(self._turned(parity)):
            transform = unfold if axis == self.half else from_half_integers
            values = transform(values, first + axis)
        if periodic and self.real:
            values = jnp.fft.irfftn(values, [shape[axis] for axis in periodic], axes=axes)
        elif periodic:
            values = slab.ifftn(values, axes=axes)
        for axis, wall in enumerate(self.walls):
            if wall:
                values = _parts(lambda a, i=axis: from_wall(a, first + i, parity[i]), values)
        return values

    def _turned(self, parity: Parity) -> list[int]:
        """The antiperiodic axes in the order of their transforms, the one with half of the modes
        first, for it takes real functions.
        """
        axes = [axis for axis, turned in enumerate(self.turned) if turned]
        if any(parity[axis] > 0 for axis in axes):
            raise ValueError(
                "given the modes of a function that is periodic along an antiperiodic axis, as the "
                "product of two antiperiodic ones is: allowed are its values, and products with an "
                "odd number of them"
            )
        return sorted(axes, key=lambda axis: axis != self.half)

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
            elif self.turned[axis]:
                least, all_ = (least // 2, m // 2) if axis == self.half else (least, m)
                modes = _ends(modes, at, (least + 1) // 2, least // 2, all_)
            elif axis == self.half:
                modes = _length(modes, at, (least - 1) // 2 + 1, m // 2 + 1)
            else:
                paired = (least - 1) // 2
                modes = _ends(modes, at, paired + 1, paired, m)
        return modes * (math.prod(new) / math.prod(old))


def _along(values: Array, axis: int, ndim: int) -> Array:
    return values.reshape([-1 if i == axis else 1 for i in range(ndim)])


def _length(modes: Array, axis: int, kept: int, length: int) -> Array:
    """The first modes along an axis, and zeros up to a length."""
    modes = jax.lax.slice_in_dim(modes, 0, kept, axis=axis)
    width = [(0, length - kept if i == axis else 0) for i in range(modes.ndim)]
    return jnp.pad(modes, width)


def _ends(modes: Array, axis: int, low: int, high: int, length: int) -> Array:
    """The first and the last modes along an axis, with zeros between them."""
    size, between = modes.shape[axis], list(modes.shape)
    between[axis] = length - low - high
    first = jax.lax.slice_in_dim(modes, 0, low, axis=axis)
    last = jax.lax.slice_in_dim(modes, size - high, size, axis=axis)
    return jnp.concatenate([first, jnp.zeros(between, modes.dtype), last], axis)


def _parts(function, values: Array) -> Array:
    """A real linear function of values that may be complex."""
    if not jnp.iscomplexobj(values):
        return function(values)
    return jax.lax.complex(function(values.real), function(values.imag))


def shapes_of(n: int | Sequence[int]) -> tuple[int, ...]:
    """The number of points along each axis."""
    return (n,) if isinstance(n, int) else tuple(n)
