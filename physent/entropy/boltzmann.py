"""Boltzmann's entropy of particles in coarse-grained one-particle phase space."""

import math

import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array

from physent.entropy.discrete.counting import as_floating
from physent.entropy.discrete.estimators import Estimator, Grassberger
from physent.entropy.entropy import entropy
from physent.entropy.outcomes.particles import Cells

_GRASSBERGER = Grassberger()


def boltzmann_entropy(
    position: ArrayLike,
    cells: Cells,
    velocity: ArrayLike | None = None,
    estimator: Estimator = _GRASSBERGER,
) -> Array:
    """Coarse-grained Boltzmann entropy per particle, S/(N k_B) = -sum_c p_c ln p_c + ln(cell
    volume).

    Args:
        position: (..., particles, d). cells: the boxes of position, or of position and velocity (2
        d components, positions first). velocity: (..., particles, d), or None for positions only.
        estimator: of the cells' Shannon entropy; counts of N particles in K cells have the plug-in
        bias -(K - 1)/(2N),
            a spurious order that falls as the gas spreads, so a correction is the default.

    Differences of the value do not depend on units; with exact dynamics the fine-grained entropy is
    constant and all growth comes from the cells, which is why it depends on their size. Particles
    beyond the range are dropped or put in the outermost boxes, as `cells` says.
    """
    particles = as_floating(jnp.asarray(position))
    if velocity is not None:
        particles = jnp.concatenate([particles, jnp.asarray(velocity, particles.dtype)], axis=-1)
    d = particles.shape[-1]
    low, high = (
        jnp.broadcast_to(jnp.asarray(v, particles.dtype), (d,)) for v in (cells.low, cells.high)
    )
    log_volume = jnp.sum(jnp.log(high - low)) - math.log(cells.boxes(d))
    return entropy(particles, outcomes=cells, estimator=estimator, axis=(-2, -1)) + log_volume
