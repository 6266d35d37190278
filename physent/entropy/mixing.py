"""Entropy and energy of mixing: of a dye, and of a stratified fluid."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike

from physent.entropy.continuous.differential import cell_volume
from physent.entropy.discrete import (
    as_real,
    checked,
    compiled,
    finite_or_nan,
    log_nonzero,
    matmul,
    nonnegative,
)
from physent.entropy.outcomes.space import Axes, arrange, as_axes
from physent.entropy.outcomes.weighting import as_weights, filled


@checked()
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
    irreversible mixing. Lecoanet et al., Mon. Not. R. Astron. Soc. 455, 4274 (2016), eq. 22. c is a
    concentration between 0 and 1, not normalised: this is no entropy of a probability distribution,
    and its value depends on the units of volume.

    Args:
        concentration: c on a grid.
        spacing: of a uniform grid, one number, or one for each of the axes in `axis`.
        axis: the axis or axes of space; by default the last.
        density: rho on the same grid; None means 1.
        negative: what a negative concentration becomes, NaN or zero (for overshoots of a numerical
            method).
        weights: instead of a spacing, the volume of every cell, of the shape of c or of the axes
            read; a cell of volume 0 is left out, NaN included.

    Raises ValueError where there is neither a spacing nor weights, or both.
    """
    if (spacing is None) == (weights is None):
        raise ValueError("allowed: either a spacing or weights")
    c = as_real(concentration)
    if density is not None and jnp.ndim(density) and jnp.shape(density) != c.shape:
        raise ValueError(
            f"density: given shape {jnp.shape(density)}, allowed: {c.shape}, that of the "
            "concentration"
        )
    if weights is None and spacing is not None:
        terms, volume = _terms(c, density, negative), cell_volume(spacing, axis).astype(c.dtype)
        return finite_or_nan(jnp.sum(terms, axis=as_axes(axis)) * volume)
    axes = as_axes(axis)
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

    Danckwerts, Appl. Sci. Res. A 3, 279 (1952). For c between 0 and 1.
    """
    batch, laid_out = arrange(as_real(concentration), axis, None)
    c = laid_out.reshape(laid_out.shape[0], -1)
    mean = jnp.mean(c, axis=1)
    return (jnp.mean((c - mean[:, None]) ** 2, axis=1) / (mean * (1 - mean))).reshape(batch)


class PotentialEnergies(NamedTuple):
    """Potential energies per unit horizontal area: total, background (after sorting) and the
    difference.
    """

    total: Array
    background: Array
    available: Array


@compiled()
def potential_energies(
    density: ArrayLike, height: ArrayLike, gravity: ArrayLike = 1.0
) -> PotentialEnergies:
    """Total, background and available potential energy of a stratified fluid in a rectangular box.

    total = g int rho z dz averaged horizontally; background is the same with the densities sorted,
    heaviest lowest: the least energy that moving fluid adiabatically can reach. Only mixing raises
    it. Winters, Lombard, Riley and D'Asaro, J. Fluid Mech. 289, 115 (1995).

    Args:
        density: (..., nx, nz) at the centres of equal cells, the vertical last.
        height: (nz,) uniform heights of the centres.
        gravity: g.

    Sorts the field: O(n ln n) with n = nx nz.
    """
    density, height = as_real(density), jnp.asarray(height)
    nx, nz = density.shape[-2:]
    height = height.astype(density.dtype)
    step = height[1] - height[0]
    total = jnp.sum(matmul(density, height), axis=-1) * (step / nx)
    heaviest_first = -jnp.sort(-density.reshape(*density.shape[:-2], nx * nz), axis=-1)
    reference = (
        height[0] - step / 2 + (jnp.arange(nx * nz, dtype=density.dtype) + 0.5) * (step / nx)
    )
    background = matmul(heaviest_first, reference) * (step / nx)
    gravity = jnp.asarray(gravity, density.dtype)
    energies = (gravity * total, gravity * background, gravity * (total - background))
    return PotentialEnergies(*map(finite_or_nan, energies))
