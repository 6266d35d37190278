"""Transforms of a grid of two or three axes that is cut into slabs, one per device: values along
one axis, modes along another one (`physent.numerics.slab`).

What lies whole in a slab is transformed there; one all-to-all makes the cut axis whole for its own
transform. The half spectrum of a real function has no size that devices divide, so that its axis is
never the one along which modes are cut. In a plane of real values it is the one along which values
are, and both transforms are complex, twice the work; in three dimensions it is neither.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Inexact

from physent.numerics import slab

Wall = Callable[[Array, int, int], Array]  # transforms real arrays along an axis, for a parity


def cut_axes(basis: Any) -> tuple[int, int]:
    """The axes along which values and modes are cut."""
    return (1, 0) if basis.half == 1 and len(basis.shape) == 2 else (0, 1)


def problem(basis: Any, devices: int) -> str | None:
    """Why a grid cannot be cut over so many devices."""
    if len(basis.shape) == 1:
        return "a field on one axis cannot be split (in two and three dimensions it can)"
    if any(basis.turned):
        return "an antiperiodic axis cannot be split"
    if basis.fine != basis.shape:
        return "dealias = 'exact' cannot be split (two_thirds, filter and none can)"
    for axis in cut_axes(basis):
        if basis.shape[axis] % devices:
            return f"{devices} does not divide the {basis.shape[axis]} points along {'xyz'[axis]}"
    return None


def is_cut(basis: Any, shape: tuple[int, ...]) -> bool:
    """Whether transforms to or from values of this shape are those of slabs, in the program being
    traced.
    """
    return slab.slabs() > 1 and shape == basis.shape and problem(basis, slab.slabs()) is None


def to_modes(
    basis: Any, values: Inexact[Array, "..."], parity: tuple[int, ...], to_wall: Wall
) -> Inexact[Array, "..."]:
    """The modes of values that are cut; `to_wall` transforms along an axis between walls."""
    (v, m), plan = cut_axes(basis), _Plan(basis, values.ndim)
    wall = _along(to_wall, plan.first, parity)

    def transform(f: Array) -> Array:
        for axis in plan.walls:
            f = wall(f, axis)
        if plan.local:
            real = basis.half is not None and not plan.half_last
            f = (jnp.fft.rfftn if real else jnp.fft.fftn)(f, axes=plan.local)
        f = jax.lax.all_to_all(f, slab.AXIS, plan.at(m), plan.at(v), tiled=True)
        if basis.walls[v]:
            return wall(f, v)
        if plan.half_last and not plan.local:
            return jnp.fft.rfft(f, axis=plan.at(v))
        f = jnp.fft.fft(f, axis=plan.at(v))
        kept = basis.modes_shape[v]
        return jax.lax.slice_in_dim(f, 0, kept, axis=plan.at(v)) if plan.half_last else f

    return slab.each_slab(transform, (plan.at(v),), plan.at(m))(values)


def to_values(
    basis: Any, modes: Inexact[Array, "..."], parity: tuple[int, ...], from_wall: Wall
) -> Inexact[Array, "..."]:
    """The values of modes that are cut, the inverse of `to_modes`."""
    (v, m), plan = cut_axes(basis), _Plan(basis, modes.ndim)
    wall = _along(from_wall, plan.first, parity)
    sizes, n = [basis.shape[axis - plan.first] for axis in plan.local], basis.shape[v]

    def transform(f: Array) -> Array:
        if basis.walls[v]:
            f = wall(f, v)
        elif plan.half_last and not plan.local:
            f = jnp.fft.irfft(f, n, axis=plan.at(v))
        else:
            if plan.half_last:  # the modes left out are conjugate to these
                k = jnp.arange(basis.modes_shape[v])
                twice = jnp.where((k == 0) | (2 * k == n), 1, 2).astype(basis.dtype)
                f = f * twice.reshape([-1 if i == plan.at(v) else 1 for i in range(f.ndim)])
                missing = n - basis.modes_shape[v]
                f = jnp.pad(f, [(0, missing if i == plan.at(v) else 0) for i in range(f.ndim)])
            f = jnp.fft.ifft(f, axis=plan.at(v))
        f = jax.lax.all_to_all(f, slab.AXIS, plan.at(v), plan.at(m), tiled=True)
        if plan.local and basis.half is not None and not plan.half_last:
            f = jnp.fft.irfftn(f, sizes, axes=plan.local)
        elif plan.local:
            f = jnp.fft.ifftn(f, axes=plan.local)
        f = f.real if plan.half_last and plan.local else f
        for axis in plan.walls:
            f = wall(f, axis)
        return f

    return slab.each_slab(transform, (plan.at(m),), plan.at(v))(modes)


def _along(transform: Wall, first: int, parity: tuple[int, ...]) -> Callable[[Array, int], Array]:
    """The transform of arrays, complex ones by their parts, along an axis of space."""

    def wall(f: Array, axis: int) -> Array:
        def real(part: Array) -> Array:
            return transform(part, first + axis, parity[axis])

        return jax.lax.complex(real(f.real), real(f.imag)) if jnp.iscomplexobj(f) else real(f)

    return wall


class _Plan:
    """Which transforms are made while values are cut: those along all axes but one."""

    def __init__(self, basis: Any, ndim: int):
        v, _ = cut_axes(basis)
        self.first = ndim - len(basis.shape)
        self.walls = [i for i, wall in enumerate(basis.walls) if wall and i != v]
        self.local = [self.at(i) for i, wall in enumerate(basis.walls) if not wall and i != v]
        self.half_last = basis.half == v  # the half spectrum is of the axis that comes last

    def at(self, axis: int) -> int:
        """The place of an axis of space in the array."""
        return self.first + axis
