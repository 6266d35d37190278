"""Operators of vector calculus on the fields of an equation, in its own words."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike

from physent.numerics.field import Field, Vector, derivative, together_to_modes
from physent.numerics.unknowns import Fields


def absorber(f: Fields, width: ArrayLike, strength: ArrayLike) -> Array:
    """The rate, in 1/time, of a layer at the ends of the box in which waves die away.

    gamma = strength cos(pi d/(2 width))^2 at a distance d < width from the nearest end of an axis,
    0 farther in, summed over the axes; -gamma u belongs to the right-hand side. A wave of speed v
    that crosses the two layers of a periodic axis keeps exp(-strength width/v) of its amplitude.
    Slow waves, and waves as long as the layer, are thrown back in part: make it wide, not strong.

    **Arguments:**

    - `f`: the unknowns, at whose points of products gamma is given.
    - `width`: of a layer, in units of length.
    - `strength`: the largest rate, in 1/time.

    **Returns:**

    Values at the points of products, `f.x` and its like.
    """
    basis = f.basis
    total = jnp.zeros(basis.fine, basis.dtype)
    for x, length in zip(basis.coordinates(basis.fine), basis.lengths, strict=True):
        inward = jnp.clip((length / 2 - jnp.abs(x)) / width, 0, 1)
        total = total + strength * jnp.cos(jnp.pi / 2 * inward) ** 2
    return total


def gradient(f: Field) -> Vector:
    """grad f."""
    return Vector(derivative(f, axis) for axis in range(len(f.basis.shape)))


def divergence(v: Vector) -> Field:
    """div v."""
    together_to_modes(v)
    parts = [derivative(component, axis) for axis, component in enumerate(v)]
    return sum(parts[1:], parts[0])


def laplacian(f: Field, power: int = 1) -> Field:
    """The Laplacian of f, or a power of it."""
    return f.times((-1) ** power * sum(k**2 for k in f.basis.wavenumbers()) ** power)


def inverse_laplacian(f: Field) -> Field:
    """The function of mean 0 whose Laplacian is f without its mean."""
    square = sum(k**2 for k in f.basis.wavenumbers())
    assert isinstance(square, jax.Array)
    return f.times(-jnp.where(square == 0, 0, 1 / jnp.where(square == 0, 1, square)))


def curl(v: Any) -> Any:
    """curl v: a Vector in three dimensions, the scalar v_y,x - v_x,y in two; of a scalar f in two
    dimensions the Vector (f_y, -f_x).
    """
    if isinstance(v, Field):
        if len(v.basis.shape) != 2:
            raise ValueError("the curl of a scalar is a vector in two dimensions only")
        return Vector((v.dy, -v.dx))
    together_to_modes(v)
    if len(v) == 2:
        return v[1].dx - v[0].dy
    if len(v) == 3:
        x, y, z = v
        return Vector((z.dy - y.dz, x.dz - z.dx, y.dx - x.dy))
    raise ValueError("a curl has two or three dimensions")


def advection(v: Vector, f: Field | Vector) -> Any:
    """(v . grad) f, of a scalar or of each component of a vector."""
    if isinstance(f, Vector):
        return Vector(v.dot(gradient(component)) for component in f)
    return v.dot(gradient(f))
