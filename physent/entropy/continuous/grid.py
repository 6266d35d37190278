"""Differential entropy of a density known on a grid."""

from collections.abc import Sequence

import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array

from physent.entropy.discrete.measures import Shannon
from physent.entropy.outcomes.fields import Density
from physent.entropy.outcomes.space import Axes

_SHANNON, _DENSITY = Shannon(), Density()


def differential_entropy(
    density: ArrayLike, spacing: ArrayLike | Sequence, axis: Axes = None
) -> Array:
    """Differential Shannon entropy of a density sampled on a uniform grid, h = -int p ln p dV, in
    nats.

    The density need not be normalised, p = density/(sum density dV). h is the discrete entropy of
    the cells plus ln dV, converges as the grid is refined (spectrally fast where the density is
    smooth and periodic), may be negative, and has the unit "logarithm of a volume".

    Args:
        density: non-negative field; a complex one is an amplitude, its density |psi|^2; a negative
        value gives NaN. spacing: of the grid, one number, or one for each of the axes in `axis`.
        axis: the axis or axes of space; by default the last.
    """
    p = _DENSITY.probabilities(density, axis)
    return _SHANNON(p) + jnp.log(cell_volume(spacing, axis)).astype(p.dtype)


def cell_volume(spacing: ArrayLike | Sequence, axis: Axes) -> Array:
    """The volume of one grid cell; raises ValueError unless there is one spacing, or one for each
    axis.
    """
    dimensions = len(axis) if isinstance(axis, Sequence) else 1
    spacing = jnp.asarray(spacing, dtype=jnp.result_type(float))
    if spacing.ndim == 0:
        return spacing**dimensions
    if spacing.shape != (dimensions,):
        raise ValueError(
            f"spacing has shape {spacing.shape}, allowed: one number, or {dimensions} for "
            f"axis={axis}"
        )
    return jnp.prod(spacing)
