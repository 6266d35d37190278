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

from collections.abc import Mapping
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike

from physent.entropy.discrete import (
    alike,
    as_array,
    as_real,
    compiled,
    matmul,
    unit_of,
)


def medium_entropy_production(
    drift: ArrayLike, diffusion: ArrayLike, divergence: ArrayLike
) -> Array:
    """b^2/D + db/dx of every component; the mean of its sum is the medium rate, and the total rate
    at stationarity.

    Args:
        drift: b, of any shape.
        diffusion: D, a number or one for each component, of the same units as b x; subnormal
            numbers count as 0.
        divergence: d b_i/dx_i, of the shape of b.

    Returns an array of the shape of b, NaN where one of them is and where D < 0. Where D = 0 a
    component contributes -db/dx: then the total diverges, and what remains is the finite part that
    stays in the noisy variables, E[v_g . D^-1 v_g] = E[div_g v_g] = -E[div_x b_x], for a noisy g
    whose own drift is D grad of a function of g (AOUPs without translational noise). Raises
    ValueError for other shapes.
    """
    b, divergence, d = as_real(drift), as_real(divergence), as_array(diffusion)
    alike("drift, divergence", b, divergence)
    ending = zip(reversed(d.shape), reversed(b.shape), strict=False)
    if d.ndim > b.ndim or any(n not in (1, of_b) for n, of_b in ending):
        raise ValueError(
            f"diffusion: given shape {d.shape}, allowed: a number, or one for each component of "
            f"the drift, {b.shape}"
        )
    d = jnp.broadcast_to(d.astype(b.dtype), b.shape)
    rate = jnp.where(d == 0, -divergence, b * (b / _noise(d)) + divergence)
    return jnp.where(d >= 0, rate, jnp.nan)


def _noise(diffusion: Array) -> Array:
    """D as a safe divisor, 1 where D = 0."""
    return jnp.where(diffusion > 0, diffusion, jnp.ones_like(diffusion))


MOST_CONTROLS = 24
BLOCKS = 256  # of a series, whose means tell the coefficients


def stationary_controls(
    values: Mapping[str, ArrayLike],
    drift: Mapping[str, Array],
    diffusion: Mapping[str, Array],
    gradient: Mapping[str, Array] | None = None,
    laplacian: Mapping[str, Array] | None = None,
    independent: bool = False,
    confined: Mapping[str, ArrayLike] | None = None,
) -> Array:
    """L f = b . grad f + D lap f of some functions f of the state, (m,): their means are 0 at
    stationarity, and they may be added to any rate with any coefficients.

    Every f is half a product of two variables of `values`, summed over parts and components. Of
    `independent` copies (N, d) it is half a product of two components i <= j, near ones first, 24
    at most: for a linear drift the total is then without variance up to d = 6. One more f has the
    `gradient` and the second derivatives `laplacian`, each by variable and component, as the
    reference score of a `StochasticSolver`.

    Args:
        values: stochastic variables X (N, d) with a stationary distribution and not wrapped round
            a ring, by name; those that are left out take no part in products.
        drift: b (N, d) of all stochastic variables, by name.
        diffusion: D of all of them, a scalar or an array that can be broadcast.
        gradient: df/dX, by name.
        laplacian: d^2 f/dX_i^2, by name.
        independent: whether parts are independent copies.
        confined: False, by name, for variables whose products are to be 0, as they have no
            stationary distribution; it may be traced.
    """
    x = {name: as_real(value) for name, value in values.items()}
    names, found = list(x), []
    bound = {name: jnp.asarray((confined or {}).get(name, True)) for name in names}
    noise = {name: jnp.broadcast_to(jnp.asarray(diffusion[name]), x[name].shape) for name in names}
    if gradient is not None and laplacian is not None:
        terms = [
            jnp.sum(drift[name] * gradient[name])
            + jnp.sum(jnp.broadcast_to(diffusion[name], gradient[name].shape) * laplacian[name])
            for name in drift
        ]
        found.append(sum(terms))
    if independent:
        for name in names:
            d, b = x[name].shape[-1], jnp.asarray(drift[name])
            products, constants = matmul(x[name].reshape(-1, d).T, b.reshape(-1, d)), noise[name]
            constants = jnp.diag(jnp.sum(constants.reshape(-1, d), axis=0))
            pairs = sorted((j - i, i, j) for i in range(d) for j in range(i, d))[:MOST_CONTROLS]
            rates = (products + products.T) / 2 + constants
            found += [jnp.where(bound[name], rates[i, j], 0) for _, i, j in pairs]
    else:
        for k, one in enumerate(names):
            for other in names[k:]:
                if x[one].shape == x[other].shape:
                    mixed = x[one] * drift[other] + x[other] * drift[one]
                    total = jnp.sum(mixed / 2 + (noise[one] if one == other else 0))
                    found.append(jnp.where(bound[one] & bound[other], total, 0))
    return jnp.stack(found) if found else jnp.zeros(0)


def least_variance(rate: ArrayLike, controls: ArrayLike) -> Array:
    """The series rate - controls . c (N,) with the mean of least variance.

    The mean of controls (N, m) is 0 but for fluctuations. The coefficients are c = Cov(C, C)^-1
    Cov(C, R) with the covariances of the means of up to 255 blocks, since the fluctuations of a
    mean are not those of single values where these are correlated (S. Asmussen, P. W. Glynn,
    Stochastic Simulation, 2007, section V.2). Of the controls the first blocks/8 are used, so none
    below 8 values. Error bars are those of any series, `time_average`: too small by a factor
    1 - m/blocks or so, for the coefficients come from the same series.
    """
    rate, controls = as_real(rate), as_real(controls)
    if rate.ndim != 1 or controls.ndim != 2 or controls.shape[0] != rate.shape[0]:
        raise ValueError(
            f"rate, controls: given shapes {rate.shape}, {controls.shape}, allowed: (N,), (N, m)"
        )
    return rate - matmul(controls, control_coefficients(rate, controls))


def control_coefficients(rate: Array, controls: Array) -> Array:
    """The coefficients c (m,) of `least_variance`, 0 for controls that are not used."""
    n, length = rate.shape[0], 1
    while n // length >= BLOCKS:
        length *= 2
    blocks = n // length
    used = min(blocks // 8, controls.shape[1])
    if not used:
        return jnp.zeros(controls.shape[1], rate.dtype)
    table = jnp.concatenate([rate[:, None], controls[:, :used]], axis=1)[: blocks * length]
    means = jnp.mean(table.reshape(blocks, length, -1), axis=1)
    found = coefficients(means, jnp.ones(blocks, rate.dtype))
    return jnp.pad(found, (0, controls.shape[1] - used))


def coefficients(means: Array, weights: Array) -> Array:
    """Of the regression of the first column of means (blocks, 1 + m) on the others, (m,), with
    weights; 0 for combinations of controls that do not fluctuate.
    """
    share = (weights / jnp.sum(weights))[:, None]
    size = unit_of(means, 0)  # what is squared fits at any size
    means = means / size
    centred = means - jnp.sum(share * means, axis=0, keepdims=True)
    scales = jnp.sqrt(jnp.sum(share * centred**2, axis=0))
    scales = jnp.where(scales > 0, scales, 1)
    unit = centred / scales[None, :] * jnp.sqrt(share)
    inverse = jnp.linalg.pinv(unit[:, 1:], rtol=1e3 * float(jnp.finfo(means.dtype).eps))
    found = matmul(inverse, unit[:, 0])
    return found * scales[0] / scales[1:] * (size[0, 0] / size[0, 1:])


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

    `matrix` is A (d, d); `diffusion` is (d,), or a number for all. The parts, one per variable, are
    E[v_i^2]/D_i and add up to sigma = tr(A' D^-1 A S) + tr A; that of a variable with D = 0 is
    infinite. NaN where there is no stationary distribution with a density: where A is not stable,
    D is negative or S is singular, its correlation matrix having an eigenvalue of rounding errors.
    Raises ValueError for other shapes.
    """
    a, diffusion = as_real(matrix), as_real(diffusion)
    if a.ndim != 2 or a.shape[0] != a.shape[1] or diffusion.shape not in ((), a.shape[:1]):
        raise ValueError(
            f"matrix, diffusion: given shapes {a.shape}, {diffusion.shape}, allowed: (d, d) and a "
            "number or (d,), the diagonal of D"
        )
    unit = unit_of(a)[0, 0]
    d = jnp.broadcast_to(diffusion.astype(a.dtype), a.shape[:1]) / unit
    a = a / unit
    spread, correlation = _stationary(a, d)
    covariance = correlation * spread[:, None] * spread[None, :]
    least = 4 * a.shape[0] * jnp.finfo(a.dtype).eps
    there = jnp.all(jnp.linalg.eigvalsh(correlation) > least)
    there &= jnp.all(d >= 0)
    covariance, correlation = (
        jnp.where(there, each, jnp.nan) for each in (covariance, correlation)
    )
    own = a * spread[None, :] / spread[:, None]
    d = d / spread / spread
    flow = own + d[:, None] * jnp.linalg.inv(correlation)
    square = jnp.sum(matmul(flow, correlation) * flow, axis=1)
    still = jnp.where(square > 0, jnp.inf, 0.0).astype(a.dtype)
    parts = jnp.where(there, jnp.where(d > 0, square / _noise(d), still), jnp.nan)
    return LinearProduction(covariance, unit * jnp.sum(parts), unit * parts)


def _stationary(a: Array, d: Array) -> tuple[Array, Array]:
    """The standard deviations (d,) and the correlations (d, d), not positive where there are none.

    Solved twice, the second time with each variable in the unit that the first time gave it: those
    of one matrix may differ by many powers of ten.
    """

    def solved(unit: Array) -> tuple[Array, Array]:
        own = a * unit[None, :] / unit[:, None]
        covariance = stationary_covariance(own, d / unit / unit)
        variance = jnp.diag(covariance)
        spread = jnp.sqrt(jnp.where(variance > 0, variance, 1))
        return unit * spread, covariance / spread[:, None] / spread[None, :]

    return solved(solved(jnp.sqrt(jnp.where(d > 0, d, 1)))[0])


def stationary_covariance(matrix: Array, diffusion: Array) -> Array:
    """S of the Lyapunov equation A S + S A' = -2 D, by one linear solve of size d^2."""
    size = matrix.shape[0]
    identity = jnp.eye(size, dtype=matrix.dtype)
    operator = jnp.kron(matrix, identity) + jnp.kron(identity, matrix)
    covariance = jnp.linalg.solve(operator, -2 * jnp.diag(diffusion).ravel()).reshape(size, size)
    return (covariance + covariance.T) / 2
