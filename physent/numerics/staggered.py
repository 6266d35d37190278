"""A staggered (marker-and-cell) grid in two dimensions, and exact solutions of its discrete Poisson and heat equations.

Cells (i, k) fill a box that is periodic in x; in z it is periodic or has walls. Scalars live at the centres; u[i, k] is
the velocity through the left face of the cell, w[i, k] that through its lower face. All arrays are (nx, nz): with
walls w[:, 0] = 0, and w is 0 on the upper wall, which is not stored. Cut into slabs along x (`physent.numerics.slab`),
everything here is for use in `each_slab`, and nx is that of one slab. (F. H. Harlow, J. E. Welch, Phys. Fluids 8, 2182,
1965.)
"""

from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from physent.numerics import slab
from physent.numerics.cosine import cosine_transform, inverse_cosine_transform, order

Edge = Literal["periodic", "even", "odd", "faces"]
Field = Float[Array, "nx nz"]


def extended(f: Field, width: int, edge: Edge) -> Float[Array, "nx2 nz2"]:
    """The field with `width` ghost cells on every side: periodic in x, and in z what `edge` says.

    "even" and "odd" reflect about the wall a value at centres (no flux; no slip), "faces" one on faces that is 0 there.
    """
    if edge == "periodic":
        below, above = f[:, -width:], f[:, :width]
    elif edge == "faces":
        below = -f[:, 1 : width + 1][:, ::-1]
        above = jnp.concatenate([jnp.zeros_like(f[:, :1]), -f[:, f.shape[1] - width + 1 :][:, ::-1]], axis=1)
    else:
        sign = 1 if edge == "even" else -1
        below, above = sign * f[:, :width][:, ::-1], sign * f[:, -width:][:, ::-1]
    return slab.wrapped(jnp.concatenate([below, f, above], axis=1), width)


def divergence(u: Field, w: Field, dx: Array, dz: Array) -> Field:
    """The flow out of each cell per area, (u[i+1] - u[i])/dx + (w[k+1] - w[k])/dz."""
    # with walls w[:, 0] is 0 and so stands for the upper wall too
    return (slab.rolled(u, -1) - u) / dx + (jnp.roll(w, -1, 1) - w) / dz


def gradient(p: Field, dx: Array, dz: Array, periodic: bool) -> tuple[Field, Field]:
    """The differences across the left and the lower face of each cell; 0 across a wall."""
    along_z = (p - jnp.roll(p, 1, 1)) / dz
    return (p - slab.rolled(p, 1)) / dx, along_z if periodic else closed(along_z)


def closed(w: Field) -> Field:
    """The same with 0 on the lower face of the lowest cells, the wall."""
    return jnp.where(jnp.arange(w.shape[1])[None, :] == 0, 0, w)


def curl(u: Float[Array, "nx2 nz2"], w: Float[Array, "nx2 nz2"], dx: Array, dz: Array) -> Float[Array, "nx1 nz1"]:
    """w_x - u_z at the corners of the cells, (nx + 1, nz + 1), from fields `extended` by one cell."""
    return (w[1:, 1:] - w[:-1, 1:]) / dx - (u[1:, 1:] - u[1:, :-1]) / dz


def laplacian(f: Float[Array, "nx2 nz2"], dx: Array, dz: Array) -> Field:
    """The five-point Laplacian of a field `extended` by one cell."""
    inner = f[1:-1, 1:-1]
    return (f[2:, 1:-1] - 2 * inner + f[:-2, 1:-1]) / dx**2 + (f[1:-1, 2:] - 2 * inner + f[1:-1, :-2]) / dz**2


def second_difference(n: int, modes: np.ndarray, spacing: Array) -> Array:
    """The eigenvalues -(2 sin(theta/2)/spacing)^2, theta = 2 pi m/n, of the second difference for the modes m."""
    return -((jnp.asarray(2 * np.sin(np.pi * modes / n), spacing.dtype) / spacing) ** 2)


def solve_poisson(rhs: Field, dx: Array, dz: Array, periodic: bool) -> Field:
    """p with div grad p = rhs to rounding, of mean 0; with walls the normal derivative there is 0.

    Transforms that diagonalise the difference operators: Fourier in x, cosine (walls) or Fourier in z. The mean of rhs
    has to be 0, and is ignored.
    """
    nx, nz = rhs.shape[0] * slab.slabs(), rhs.shape[1]
    along_x = second_difference(nx, np.arange(nx // 2 + 1), dx)
    modes = np.fft.fftfreq(nz, 1 / nz) if periodic else order(nz) / 2
    eigenvalue = slab.own(second_difference(nz, modes, dz))[:, None] + along_x[None, :]
    inverse = jnp.where(eigenvalue == 0, 0, 1 / jnp.where(eigenvalue == 0, 1, eigenvalue))
    if periodic:
        return slab.irfft2(slab.rfft2(rhs.T) * inverse, (nz, nx)).T
    return inverse_cosine_transform(slab.irfft(slab.rfft(cosine_transform(rhs)) * inverse, nx))


def project(u: Field, w: Field, dx: Array, dz: Array, periodic: bool) -> tuple[Field, Field]:
    """The nearest velocity without divergence: u - grad p with div grad p = div u."""
    p = solve_poisson(divergence(u, w, dx, dz), dx, dz, periodic)
    along_x, along_z = gradient(p, dx, dz, periodic)
    return u - along_x, w - along_z


def diffuse(f: Field, amount: Array, dx: Array, dz: Array, edge: Edge) -> Field:
    """exp(amount D) f with the five-point Laplacian D and the ghost values of `edge`; `amount` is diffusivity x time.

    Exact in time and positive, so that no extremum grows, however large the amount.
    """
    nx, nz = f.shape[0] * slab.slabs(), f.shape[1]
    along_x = second_difference(nx, np.arange(nx // 2 + 1), dx)[None, :]
    if edge == "periodic":
        along_z = slab.own(second_difference(nz, np.fft.fftfreq(nz, 1 / nz), dz))[:, None]
        return slab.irfft2(slab.rfft2(f.T) * jnp.exp(amount * (along_x + along_z)), (nz, nx)).T
    basis, modes = _basis(nz, edge)
    basis = jnp.asarray(basis, f.dtype)
    along_z = slab.own(second_difference(nz, modes / 2, dz))[:, None]
    spectrum = slab.rfft(jnp.einsum("xz,kz->kx", f, basis)) * jnp.exp(amount * (along_x + along_z))
    return jnp.einsum("kx,kz->xz", slab.irfft(spectrum, nx), basis)


def _basis(n: int, edge: Edge) -> tuple[np.ndarray, np.ndarray]:
    """The orthonormal eigenvectors (k, n) of the second difference and their numbers of half waves."""
    j = np.arange(n)
    k = j if edge == "even" else j + 1 if edge == "odd" else j
    angle = np.pi / n * np.outer(k, j if edge == "faces" else j + 0.5)
    vectors = np.cos(angle) if edge == "even" else np.sin(angle)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(norms < 1e-8, np.inf, norms), k  # the sine of k = 0 is no mode


def upwind_face(farther: Array, upwind: Array, downwind: Array) -> Array:
    """The value at a face by the third-order upwind-biased interpolation with Koren's limiter.

    It lies between its neighbours, and no farther from `upwind` than `farther` is; so a forward Euler step with twice
    the outflow below the cell's content makes no new extrema (R. J. LeVeque, Finite Volume Methods, 2002, chapter 6;
    B. Koren, in Numerical Methods for Advection-Diffusion Problems, 1993).
    """
    before, after = upwind - farther, downwind - upwind
    rising = jnp.minimum(jnp.minimum(before, after), (before + 2 * after) / 6)
    falling = jnp.maximum(jnp.maximum(before, after), (before + 2 * after) / 6)
    return upwind + jnp.maximum(rising, 0) + jnp.minimum(falling, 0)


def advective_fluxes(
    f: Float[Array, "nx4 nz4"], u: Float[Array, "nx2 nz2"], w: Float[Array, "nx2 nz2"], limited: bool
) -> tuple[Float[Array, "nx1 nz"], Float[Array, "nx nz1"]]:
    """u f and w f through the nx + 1 and nz + 1 faces, f extended by two cells, u and w by one; central or limited."""

    def through(velocity, cells):
        if not limited:
            return velocity * (cells[1] + cells[2]) / 2
        forward = upwind_face(cells[0], cells[1], cells[2])
        backward = upwind_face(cells[3], cells[2], cells[1])
        return velocity * jnp.where(velocity > 0, forward, backward)

    nx, nz = f.shape[0] - 4, f.shape[1] - 4
    along_x = [jax.lax.slice(f, (s, 2), (s + nx + 1, nz + 2)) for s in range(4)]
    along_z = [jax.lax.slice(f, (2, s), (nx + 2, s + nz + 1)) for s in range(4)]
    return through(u[1:, 1:-1], along_x), through(w[1:-1, 1:], along_z)


def advected(u: Float[Array, "nx2 nz2"], w: Float[Array, "nx2 nz2"], dx: Array, dz: Array) -> tuple[Field, Field]:
    """-div(u u) and -div(u w) by central fluxes, which conserve the kinetic energy of a flow without divergence."""
    nz = w.shape[1] - 2
    xx = ((u[:-1, 1:-1] + u[1:, 1:-1]) / 2) ** 2
    zz = ((w[1:-1, :-1] + w[1:-1, 1:]) / 2) ** 2
    xz = (w[1:, 1:] + w[:-1, 1:]) * (u[1:, 1:] + u[1:, :-1]) / 4
    along_x = (xx[:-1] - xx[1:]) / dx + (xz[:-1, :-1] - xz[:-1, 1:]) / dz
    along_z = (xz[:-1, :nz] - xz[1:, :nz]) / dx + (zz[:, :-1] - zz[:, 1:]) / dz
    return along_x, along_z
