"""A staggered (marker-and-cell) grid in two dimensions, and exact solutions of its discrete Poisson
and heat equations.

Cells (k, i) fill a box that is periodic in x; in z it is periodic or has walls. Scalars live at the
centres; u[k, i] is the velocity through the left face of the cell, w[k, i] that through its lower
face. Arrays are (nz, nx), a row for a height: with walls w[0] = 0, and w is 0 on the upper wall,
which is not stored. (F. H. Harlow, J. E. Welch, Phys. Fluids 8, 2182, 1965.) Stencils take fields
`extended` by ghost cells, so that they are sums of slices, which vectorise.
"""

from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from physent.numerics.cosine import cosine_halves, order
from physent.numerics.products import matmul

Edge = Literal["periodic", "even", "odd", "faces"]
Field = Float[Array, "nz nx"]
Extended = Float[Array, "nz2 nx2"]


def extended(f: Field, width: int, edge: Edge) -> Extended:
    """The field with `width` ghost cells on every side: periodic in x, and in z as set by `edge`.

    "even" and "odd" reflect about the wall a value at centres (no flux; no slip), "faces" one on
    faces that is 0 there.
    """
    f = jnp.concatenate([f[:, -width:], f, f[:, :width]], axis=1)
    nz = f.shape[0]
    if edge == "periodic":
        return _stacked([f[-width:], f, f[:width]])
    if edge == "faces":
        below = [-f[k : k + 1] for k in range(width, 0, -1)]
        above = [jnp.zeros_like(f[:1])] + [-f[nz - k : nz - k + 1] for k in range(1, width)]
    else:
        sign = 1 if edge == "even" else -1
        below = [sign * f[k : k + 1] for k in range(width - 1, -1, -1)]
        above = [sign * f[nz - k : nz - k + 1] for k in range(1, width + 1)]
    return _stacked([*below, f, *above])


def inner(f: Extended, width: int) -> Field:
    """The field without its ghost cells."""
    return f[width:-width, width:-width]


def _stacked(parts: list[Array]) -> Array:
    """The parts stacked vertically.

    Written as one long row: XLA on a CPU copies what it concatenates along the last axis, but along
    the first it asks for every element where it comes from (twice the time of a whole step,
    measured).
    """
    return jnp.concatenate([part.reshape(1, -1) for part in parts], axis=1).reshape(
        -1, parts[0].shape[1]
    )


def divergence(u: Extended, w: Extended, dx: Array, dz: Array) -> Field:
    """The flow out of each cell per area, u_x + w_z, of a velocity extended by one cell."""
    return (u[1:-1, 2:] - u[1:-1, 1:-1]) * (1 / dx) + (w[2:, 1:-1] - w[1:-1, 1:-1]) * (1 / dz)


def closed(w: Field) -> Field:
    """The same with 0 on the lower face of the lowest cells, the wall."""
    return jnp.where(jnp.arange(w.shape[0])[:, None] == 0, 0, w)


def curl(u: Extended, w: Extended, dx: Array, dz: Array) -> Float[Array, "nz1 nx1"]:
    """w_x - u_z at the corners of the cells, (nz + 1, nx + 1), of a velocity extended by one
    cell.
    """
    return (w[1:, 1:] - w[1:, :-1]) / dx - (u[1:, 1:] - u[:-1, 1:]) / dz


def laplacian(f: Extended, dx: Array, dz: Array) -> Field:
    """The five-point Laplacian of a field extended by one cell."""
    twice = 2 * f[1:-1, 1:-1]
    return (f[1:-1, 2:] - twice + f[1:-1, :-2]) * (1 / dx**2) + (
        f[2:, 1:-1] - twice + f[:-2, 1:-1]
    ) * (1 / dz**2)


def second_difference(n: int, modes: np.ndarray, spacing: Array) -> Array:
    """The eigenvalues -(2 sin(theta/2)/spacing)^2, theta = 2 pi m/n, of the second difference for
    the modes m.
    """
    return -((jnp.asarray(2 * np.sin(np.pi * modes / n), spacing.dtype) / spacing) ** 2)


def project(
    u: Extended, w: Extended, dx: Array, dz: Array, periodic: bool
) -> tuple[Extended, Extended]:
    """The nearest velocity without divergence, u - grad p with div grad p = div u, both extended by
    one cell.

    Transforms that diagonalise the difference operators solve for p to rounding: Fourier in x,
    cosine (walls, on which the normal derivative of p is 0) or Fourier in z. Ghost cells come out
    right for a periodic box and for walls about which u is even.
    """
    p = (_periodic_pressure if periodic else _pressure_between_walls)(u, w, dx, dz)
    u = u - (p[1:-1, 1:-1] - p[1:-1, :-2]) * (1 / dx)
    return u, w - (p[1:-1, 1:-1] - p[:-2, 1:-1]) * (1 / dz)


def _periodic_pressure(u: Extended, w: Extended, dx: Array, dz: Array) -> Float[Array, "nz4 nx4"]:
    rhs = divergence(u, w, dx, dz)
    nz, nx = rhs.shape
    modes = jnp.fft.rfft2(rhs) * _inverse(np.fft.fftfreq(nz, 1 / nz), nz, nx, dx, dz)
    return extended(jnp.fft.irfft2(modes, (nz, nx)), 2, "periodic")


def _pressure_between_walls(
    u: Extended, w: Extended, dx: Array, dz: Array
) -> Float[Array, "nz4 nx4"]:
    """Modes that are even and odd about the middle of the box are two problems of half the height
    each.

    Besides halving the work of the cosine transform, which is a product with a dense matrix, this
    keeps Fourier transforms below the size from which XLA shares one among its threads, at a loss.
    """
    nz, nx = u.shape[0] - 2, u.shape[1] - 2
    half = nz // 2
    lower, upper = (
        divergence(u[: half + 2], w[: half + 2], dx, dz),
        divergence(u[half:], w[half:], dx, dz)[::-1],
    )
    modes = order(nz) / 2

    def solved(basis: Array, rhs: Array, modes: np.ndarray) -> Array:
        spectrum = jnp.fft.rfft(matmul(basis, rhs)) * _inverse(modes, nz, nx, dx, dz)
        return matmul(basis.T, jnp.fft.irfft(spectrum, nx))

    even_basis, odd_basis = (jnp.asarray(basis) for basis in cosine_halves(nz, u.dtype))
    even, odd = (
        solved(even_basis, lower + upper, modes[:half]),
        solved(odd_basis, lower - upper, modes[half:]),
    )
    lower, upper = (
        jnp.concatenate([p[:, -2:], p, p[:, :2]], axis=1) for p in (even + odd, (even - odd)[::-1])
    )
    return _stacked([lower[1:2], lower[:1], lower, upper, upper[-1:], upper[-2:-1]])


def _eigenvalues(modes: np.ndarray, nz: int, nx: int, dx: Array, dz: Array) -> Array:
    """The eigenvalues of the five-point Laplacian, for the modes along z and those of a real
    transform along x.
    """
    along_x = second_difference(nx, np.arange(nx // 2 + 1), dx)
    return second_difference(nz, modes, dz)[:, None] + along_x[None, :]


def _inverse(modes: np.ndarray, nz: int, nx: int, dx: Array, dz: Array) -> Array:
    """1 over the eigenvalues of div grad, 0 for the mean."""
    eigenvalue = _eigenvalues(modes, nz, nx, dx, dz)
    return jnp.where(eigenvalue == 0, 0, 1 / jnp.where(eigenvalue == 0, 1, eigenvalue))


def diffuse(f: Field, amount: Array, dx: Array, dz: Array, edge: Edge) -> Field:
    """exp(amount D) f with the five-point Laplacian D and the ghost values of `edge`; `amount` is
    diffusivity x time.

    Exact in time and positive, so that no extremum grows, however large the amount.
    """
    nz, nx = f.shape
    if edge == "periodic":
        decay = jnp.exp(amount * _eigenvalues(np.fft.fftfreq(nz, 1 / nz), nz, nx, dx, dz))
        return jnp.fft.irfft2(jnp.fft.rfft2(f) * decay, (nz, nx))
    basis, modes = _basis(nz, edge)
    basis = jnp.asarray(basis, f.dtype)
    decay = jnp.exp(amount * _eigenvalues(modes / 2, nz, nx, dx, dz))
    return matmul(basis.T, jnp.fft.irfft(jnp.fft.rfft(matmul(basis, f)) * decay, nx))


def _basis(n: int, edge: Edge) -> tuple[np.ndarray, np.ndarray]:
    """The orthonormal eigenvectors (k, n) of the second difference and their numbers of half
    waves.
    """
    j = np.arange(n)
    k = j if edge == "even" else j + 1 if edge == "odd" else j
    angle = np.pi / n * np.outer(k, j if edge == "faces" else j + 0.5)
    vectors = np.cos(angle) if edge == "even" else np.sin(angle)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(norms < 1e-8, np.inf, norms), k  # the sine of k = 0 is no mode


def limited_face(velocity: Array, cells: list[Array]) -> Array:
    """The value at a face between cells[1] and cells[2]: third-order upwind-biased, with Koren's
    limiter.

    It lies between its neighbours, and no farther from the upwind cell than the next one upwind is;
    so a forward Euler step with twice the outflow below the cell's content makes no new extrema (R.
    J. LeVeque, Finite Volume Methods, 2002, chapter 6; B. Koren, in Numerical Methods for
    Advection-Diffusion Problems, 1993).
    """
    forward = velocity > 0
    after = cells[2] - cells[1]
    before = jnp.where(forward, cells[1] - cells[0], cells[3] - cells[2])
    # the smallest of three, 0 where signs differ. With `where`, since jnp.minimum takes three times
    # as long: it hands on a NaN, which a cell that has one does anyway
    low, high = _smaller(_larger(before, after), 0), _larger(_smaller(before, after), 0)
    step = _larger(low, _smaller(high, (before + 2 * after) * (1 / 6)))
    return jnp.where(forward, cells[1] + step, cells[2] - step)


def _smaller(a: Array, b: Array | int) -> Array:
    return jnp.where(a < b, a, b)


def _larger(a: Array, b: Array | int) -> Array:
    return jnp.where(a > b, a, b)


def advective_fluxes(
    f: Float[Array, "nz4 nx4"], u: Extended, w: Extended, limited: bool
) -> tuple[Float[Array, "nz nx1"], Float[Array, "nz1 nx"]]:
    """u f and w f through the nx + 1 and nz + 1 faces, f extended by two cells, u and w by one;
    central or limited.
    """

    def through(velocity, cells):
        return velocity * (limited_face(velocity, cells) if limited else (cells[1] + cells[2]) / 2)

    nz, nx = f.shape[0] - 4, f.shape[1] - 4
    along_x = [jax.lax.slice(f, (2, s), (nz + 2, s + nx + 1)) for s in range(4)]
    along_z = [jax.lax.slice(f, (s, 2), (s + nz + 1, nx + 2)) for s in range(4)]
    return through(u[1:-1, 1:], along_x), through(w[1:, 1:-1], along_z)


def advected(u: Extended, w: Extended, dx: Array, dz: Array) -> tuple[Field, Field]:
    """-div(u u) and -div(u w) by central fluxes, which conserve the kinetic energy of a flow
    without divergence.
    """
    nz = w.shape[0] - 2
    xx = (u[1:-1, :-1] + u[1:-1, 1:]) ** 2 * (1 / (4 * dx))
    zz = (w[:-1, 1:-1] + w[1:, 1:-1]) ** 2 * (1 / (4 * dz))
    xz = (w[1:, 1:] + w[1:, :-1]) * (u[1:, 1:] + u[:-1, 1:])
    along_x = (xx[:, :-1] - xx[:, 1:]) + (xz[:-1, :-1] - xz[1:, :-1]) * (1 / (4 * dz))
    return along_x, (zz[:-1] - zz[1:]) + (xz[:nz, :-1] - xz[:nz, 1:]) * (1 / (4 * dx))
