"""Entropy production of Langevin systems dX = b dt + sqrt(2 D) dW with constant diagonal D and even
variables.

With the density p, the score s = grad ln p and the current velocity v = b - D s, in nats per unit
time:

    total  sigma = E[v . D^-1 v],  system  d/dt E[-ln p] = E[div v],  medium = total - system = E[b
    . D^-1 b + div b].

The medium's rate is the heat over the temperature, <b . D^-1 o dX>/dt, and needs no score; where p
is stationary the system's is 0, so it is the total (U. Seifert, Rep. Prog. Phys. 75, 126001, 2012).
Parts are exact for linear systems.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike

from physent.entropy.discrete import (
    as_real,
    compiled,
    native,
    unit_of,
)


def medium_entropy_production(
    drift: ArrayLike, diffusion: ArrayLike, divergence: ArrayLike
) -> Array:
    """b^2/D + db/dx of every component; the mean of its sum is the medium rate, and the total rate
    at stationarity.

    `divergence` holds d b_i/dx_i, and D is a number or one a component. Where D = 0 a component
    contributes -db/dx: then the total diverges, and what remains is the finite part that stays in
    the noisy variables, E[v_g . D^-1 v_g] = E[div_g v_g] = -E[div_x b_x], for a noisy g whose own
    drift is D grad of a function of g (AOUPs without translational noise).
    """
    b, divergence = as_real(drift), as_real(divergence)
    d = jnp.broadcast_to(jnp.asarray(diffusion, b.dtype), b.shape)
    return jnp.where(d > 0, b**2 / _noise(d) + divergence, -divergence)


def _noise(diffusion: Array) -> Array:
    """D as a safe divisor, 1 where D = 0."""
    return jnp.where(diffusion > 0, diffusion, jnp.ones_like(diffusion))


class LinearProduction(NamedTuple):
    """The stationary covariance (d, d) of a linear system, its entropy production, and the
    contribution of every variable.
    """

    covariance: Array
    total: Array
    parts: Array


@compiled()
def linear_entropy_production(matrix: ArrayLike, diffusion: ArrayLike) -> LinearProduction:
    """Closed forms of dX = A X dt + sqrt(2 D) dW: A S + S A' + 2 D = 0, sigma = E[v . D^-1 v], v =
    (A + D S^-1) X.

    `matrix` is A (d, d), stable; `diffusion` is (d,). The parts, one a variable, are E[v_i^2]/D_i
    and add up to sigma = tr(A' D^-1 A S) + tr A; that of a variable with D = 0 is infinite, or 0
    where its v vanishes.
    """
    a = as_real(matrix)
    unit = unit_of(a)[0, 0]
    a, d = a / unit, jnp.asarray(native(diffusion), a.dtype) / unit
    covariance = stationary_covariance(a, d)
    flow = a + d[:, None] * jnp.linalg.inv(covariance)
    square = jnp.einsum("ij,jk,ik->i", flow, covariance, flow)
    still = jnp.where(square > 0, jnp.inf, 0.0).astype(a.dtype)
    parts = jnp.where(d > 0, square / _noise(d), still)
    return LinearProduction(covariance, unit * jnp.sum(parts), unit * parts)


def stationary_covariance(matrix: Array, diffusion: Array) -> Array:
    """S of the Lyapunov equation A S + S A' = -2 D, by one linear solve of size d^2."""
    size = matrix.shape[0]
    identity = jnp.eye(size, dtype=matrix.dtype)
    operator = jnp.kron(matrix, identity) + jnp.kron(identity, matrix)
    covariance = jnp.linalg.solve(operator, -2 * jnp.diag(diffusion).ravel()).reshape(size, size)
    return (covariance + covariance.T) / 2
