"""Entropy and energy of mixing: of a dye, and of a stratified fluid."""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from physent.entropy.continuous.differential import cell_volume
from physent.entropy.discrete import (
    POSITIVE,
    as_real,
    axes_of,
    centred_on_host,
    checked,
    compiled,
    finite_or_nan,
    less_mean,
    log_nonzero,
    matmul,
    nonnegative,
)
from physent.entropy.discrete.arguments import Check
from physent.entropy.outcomes.space import Axes, arrange, as_axes
from physent.entropy.outcomes.weighting import as_weights, filled


@checked(spacing=POSITIVE)
def dye_entropy(
    concentration: ArrayLike,
    spacing: ArrayLike | Sequence | None = None,
    axis: Axes = None,
    density: ArrayLike | None = None,
    negative: Literal["nan", "clip"] = "nan",
    weights: ArrayLike | None = None,
) -> Array:
    """Volume-integrated entropy of a dye, S = -int rho c ln c dV.

    Grows monotonically by diffusion alone (dS/dt = int rho kappa |grad c|^2/c dV), and so measures
    irreversible mixing. Lecoanet et al., Mon. Not. R. Astron. Soc. 455, 4274 (2016), eq. 22. c is
    not normalised: this is no entropy of a probability distribution, and its value depends on the
    units of volume and of c. c from 0 to 1 makes it positive; any c >= 0 is right, as of a dye in
    another unit or of an overshoot beyond 1, for in a unit 1/a as large S is a S - a ln a int rho c
    dV, and the last does not change by mixing.

    Args:
        concentration: c on a grid.
        spacing: of a uniform grid, one number, or one for each of the axes in `axis`.
        axis: the axis or axes of space; by default the last.
        density: rho on the same grid; None means 1.
        negative: what a negative concentration becomes, NaN or zero (for overshoots of a numerical
            method).
        weights: instead of a spacing, the volume of every cell, of the shape of c or of the axes
            read; a cell of volume 0 is left out, NaN included.

    Raises ValueError where there is neither a spacing nor weights, or both, for other shapes, and
    for a spacing that is not positive; where that is traced the value is NaN.
    """
    if (spacing is None) == (weights is None):
        raise ValueError("allowed: either a spacing or weights")
    c = as_real(concentration)
    axes = axes_of(c, as_axes(axis))
    if density is not None and jnp.ndim(density) and jnp.shape(density) != c.shape:
        raise ValueError(
            f"density: given shape {jnp.shape(density)}, allowed: {c.shape}, that of the "
            "concentration"
        )
    if weights is None and spacing is not None:
        terms, volume = _terms(c, density, negative), cell_volume(spacing, axis).astype(c.dtype)
        return finite_or_nan(jnp.sum(terms, axis=axes) * volume)
    batch, laid_out = arrange(c, axes, None)
    assert weights is not None
    volumes = as_weights(weights, c, axes, None).astype(c.dtype)
    rho = None if density is None else arrange(jnp.asarray(density, c.dtype), axes, None)[1]
    terms = _terms(filled(laid_out, volumes), rho, negative)
    terms = jnp.where(volumes == 0, jnp.zeros_like(terms), terms * volumes)
    return finite_or_nan(jnp.sum(terms.reshape(len(terms), -1), axis=1).reshape(batch))


def _terms(c: Array, density: ArrayLike | None, negative: Literal["nan", "clip"]) -> Array:
    """-rho c ln c."""
    c = nonnegative(c, negative)
    terms = -c * log_nonzero(c)
    return terms if density is None else terms * jnp.asarray(density, c.dtype)


@compiled()
def segregation(concentration: ArrayLike, axis: Axes = None) -> Array:
    """Danckwerts' intensity of segregation, var(c)/(<c>(1 - <c>)): 1 if unmixed, 0 if fully mixed.

    Danckwerts, Appl. Sci. Res. A 3, 279 (1952). For c between 0 and 1; NaN unless its mean is
    between them.
    """
    batch, laid_out = arrange(as_real(concentration), axis, None)
    c = laid_out.reshape(laid_out.shape[0], -1)
    mean = jnp.mean(c, axis=1)
    largest = mean * (1 - mean)
    largest = jnp.where(largest > 0, largest, jnp.nan)
    return (jnp.mean((c - mean[:, None]) ** 2, axis=1) / largest).reshape(batch)


class PotentialEnergies(NamedTuple):
    """Potential energies per unit horizontal area: total, background (after sorting) and the
    difference.
    """

    total: Array
    background: Array
    available: Array


def _even(height: Any) -> Any:
    """Whether heights (nz,) of numpy or JAX increase by one distance, up to a hundredth of it or
    to rounding in float32.
    """
    number = np.arange(height.shape[0], dtype=height.dtype)
    step = (height[-1] - height[0]) / number[-1]
    off = abs(height[0] + step * number - height).max()
    rounding = 4 * float(np.finfo(np.float32).eps) * abs(height).max()
    return (step > 0) & (step < np.inf) & ((off <= 1e-2 * step) | (off <= rounding))


EVEN: tuple[Check, str] = (
    lambda height: height.ndim == 1 and len(height) > 1 and _even(height),
    "two or more heights that increase by one distance",
)


@checked(height=EVEN)
def potential_energies(
    density: ArrayLike, height: ArrayLike, gravity: ArrayLike = 1.0
) -> PotentialEnergies:
    """Total, background and available potential energy of a stratified fluid in a rectangular box.

    total = g int rho z dz averaged horizontally; background is the same with the densities sorted,
    heaviest lowest: the least energy that moving fluid adiabatically can reach. Only mixing raises
    it. Winters, Lombard, Riley and D'Asaro, J. Fluid Mech. 289, 115 (1995).

    Args:
        density: (..., nx, nz) at the centres of equal cells, the vertical last.
        height: (nz,) heights of the centres, increasing by one distance.
        gravity: g.

    The available energy has all digits however small the differences of density are beside its
    mean. Raises ValueError for other shapes and heights; where heights are traced and not evenly
    spaced, the energies are NaN. Sorts the field: O(n ln n) with n = nx nz.
    """
    offset, density = centred_on_host(density, (-2, -1))
    base = 0.0 if offset is None else offset[..., 0, 0].astype(float)
    return _energies(density, height, gravity, base)


@compiled()
def _energies(
    density: ArrayLike, height: ArrayLike, gravity: ArrayLike, base: ArrayLike
) -> PotentialEnergies:
    rho, z = as_real(density, core=2), as_real(height)
    nx, nz = rho.shape[-2:]
    if z.shape != (nz,) or nz < 2:
        raise ValueError(
            f"density, height: given shapes {rho.shape}, {z.shape}, allowed: (..., nx, nz) and "
            "(nz,), nz >= 2"
        )
    z = z.astype(rho.dtype)
    step = jnp.where(_even(z), (z[-1] - z[0]) / (nz - 1), jnp.nan)
    # from the middle of the box, and without the mean density: neither moves what is available
    middle = (z[0] + z[-1]) / 2
    axes = (rho.ndim - 2, rho.ndim - 1)
    rest = less_mean(rho, axes)
    mean = jnp.mean(rho - rest, axis=axes) + jnp.asarray(base, rho.dtype)
    moved = jnp.sum(matmul(rest, z - middle), axis=-1)
    heaviest_first = -jnp.sort(-rest.reshape(*rest.shape[:-2], nx * nz), axis=-1)
    least = matmul(heaviest_first, (jnp.arange(nx * nz) - (nx * nz - 1) / 2).astype(rho.dtype))
    g = jnp.asarray(gravity, rho.dtype)
    moved, least = (g * part * (step / nx) for part in (moved, least * (step / nx)))
    common = g * mean * (middle * step * nz)
    energies = (common + moved, common + least, moved - least)
    return PotentialEnergies(*map(finite_or_nan, energies))
