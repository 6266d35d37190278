"""Implicit-explicit Runge-Kutta methods for y' = L y + N(y, t): the linear part implicit, mode by
mode.
"""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Inexact

from physent.numerics.exponential import Rate, matrix_product
from physent.numerics.products import scale

# U. M. Ascher, S. J. Ruuth, R. J. Spiteri, Appl. Numer. Math. 25, 151 (1997), section 2.8: the
# third-order pair (4, 4, 3), L-stable. The last row of each table is the weights.
_IMPLICIT = (
    (1 / 2,),
    (1 / 6, 1 / 2),
    (-1 / 2, 1 / 2, 1 / 2),
    (3 / 2, -3 / 2, 1 / 2, 1 / 2),
)
_EXPLICIT = (
    (1 / 2,),
    (11 / 18, 1 / 18),
    (5 / 6, -5 / 6, 1 / 2),
    (1 / 4, 7 / 4, 3 / 4, -7 / 4),
)
_TIMES = (1 / 2, 2 / 3, 1 / 2, 1.0)


def imex_rk3_step(
    y: Inexact[Array, "..."],
    dt: Float[Array, ""],
    linear: Inexact[Array, "..."],
    nonlinear: Rate,
    kept: Any = 1,
) -> Array:
    """One step of the method ARS(4, 4, 3) of Ascher, Ruuth and Spiteri: of third order, with four
    solutions of (1 - dt L/2) u = r, and four evaluations of N.

    `linear` and `kept` are those of `etdrk4_step`.
    """
    act, solve = _actions(linear, dt / 2, y)
    slopes, rates = [], [nonlinear(y, jnp.zeros_like(dt))]
    stage = y
    for implicit, explicit, time in zip(_IMPLICIT, _EXPLICIT, _TIMES, strict=True):
        right = y
        for a, slope in zip(implicit, slopes, strict=False):
            right = right + scale(dt * a, slope)
        for a, rate in zip(explicit, rates, strict=True):
            right = right + scale(dt * a * kept, rate)
        stage = solve(right)
        slopes.append(act(stage))
        if len(rates) < len(_TIMES):
            rates.append(nonlinear(stage, time * dt))
    return stage


def _actions(
    linear: Array, share: Array, y: Array
) -> tuple[Callable[[Array], Array], Callable[[Array], Array]]:
    """L y, and the solution of (1 - share L) u = y."""
    if linear.ndim == y.ndim:
        inverse = 1 / (1 - share * linear)
        return lambda u: scale(linear, u), lambda r: scale(inverse, r)
    one = np.eye(linear.shape[0]).reshape(linear.shape[:2] + (1,) * (linear.ndim - 2))
    matrix = jnp.moveaxis(one - share * linear, (0, 1), (-2, -1))
    inverse = jnp.moveaxis(jnp.linalg.inv(matrix), (-2, -1), (0, 1))
    return lambda u: matrix_product(linear, u), lambda r: matrix_product(inverse, r)
