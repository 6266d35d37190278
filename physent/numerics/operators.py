"""Operators of vector calculus on the fields of an equation, in its own words."""

from typing import Any

import jax
import jax.numpy as jnp

from physent.numerics.field import Field, Vector, derivative, together_to_modes


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
