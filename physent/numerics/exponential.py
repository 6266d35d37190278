"""Exponential integrators for y' = L y + N(y, t), L the linear part of a spectrum, possibly
complex: a multiplier of each mode, or a matrix that mixes several fields in each mode.

The linear part is solved exactly. For a dispersive equation L is imaginary and the coefficients are
complex: taking their real part, as is right for a dissipative equation on a real field, costs all
but the first order.
"""

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Inexact

from physent.numerics.products import scale

_TERMS = 24  # of the Taylor series, for |z| < 2: the first one left out is below 1e-17
_DOUBLINGS = 40  # of a matrix, at most: norms of 1e12 are reached

Rate = Callable[[Array, Array], Array]  # N(y, time since the step began)


def phi_functions(z: Inexact[Array, "..."]) -> tuple[Array, Array, Array]:
    """phi_1, phi_2 and phi_3 of z: phi_j(z) = sum_m z^m / (m + j)!, so phi_1 = (e^z - 1)/z.

    The series is summed for |z| < 2; beyond, the recurrence phi_{j+1} = (phi_j - 1/j!)/z has no
    harmful cancellation. Differentiable at every z. (Hochbruck and Ostermann, Acta Numerica 19,
    209, 2010, section 2.1.)
    """
    near = jnp.abs(z) < 2
    small = jnp.where(near, z, 0)
    large = jnp.where(near, 4, z)
    values, previous = [], jnp.exp(large)
    for j in (1, 2, 3):
        series = jnp.full_like(z, 1 / math.factorial(_TERMS + j))
        for m in range(_TERMS - 1, -1, -1):
            series = series * small + 1 / math.factorial(m + j)
        previous = (previous - 1 / math.factorial(j - 1)) / large
        values.append(jnp.where(near, series, previous))
    return values[0], values[1], values[2]


def matrix_phi_functions(a: Inexact[Array, "m m ..."]) -> tuple[Array, Array, Array, Array]:
    """e^a, phi_1, phi_2 and phi_3 of the matrices a, whose indices are the first two axes.

    Taylor series of a/2^s, |a/2^s| < 1, and s doublings by e^{2z} = (e^z)^2, phi_1(2z) = (e^z + 1)
    phi_1/2, phi_2(2z) = (phi_1^2 + 2 phi_2)/4, phi_3(2z) = (phi_1 phi_2 + phi_2 + 2 phi_3)/8.
    (B. Skaflestad, W. M. Wright, Appl. Numer. Math. 59, 783, 2009, section 2.)
    """
    size = jnp.max(jnp.sum(jnp.abs(a), axis=1), axis=0)
    count = jnp.clip(jnp.ceil(jnp.log2(jnp.maximum(size, 0.5))), 0, _DOUBLINGS)[None, None]
    small = a * 2.0**-count
    one = jnp.broadcast_to(np.eye(a.shape[0]).reshape(a.shape[:2] + (1,) * (a.ndim - 2)), a.shape)
    one = one.astype(a.dtype)
    inverse = jnp.asarray([[1 / math.factorial(m + j) for j in range(4)] for m in range(19)])

    def added(phis: tuple[Array, ...], last: Array) -> tuple[tuple[Array, ...], None]:
        """One more term of Horner's rule."""
        pairs = zip(phis, last.astype(a.real.dtype), strict=True)
        return tuple(matrix_product(small, phi) + one * c for phi, c in pairs), None

    def doubled(phis: tuple[Array, ...], k: Array) -> tuple[tuple[Array, ...], None]:
        e, p1, p2, p3 = phis
        p3_twice = (matrix_product(p1, p2) + p2 + 2 * p3) / 8
        p2_twice = (matrix_product(p1, p1) + 2 * p2) / 4
        p1_twice = matrix_product(e + one, p1) / 2
        new = (matrix_product(e, e), p1_twice, p2_twice, p3_twice)
        return tuple(jnp.where(k < count, n, o) for n, o in zip(new, phis, strict=True)), None

    # loops, and not lines: their derivatives would take a minute to compile
    phis, _ = jax.lax.scan(added, (jnp.zeros_like(a),) * 4, inverse[::-1])
    phis, _ = jax.lax.scan(doubled, phis, jnp.arange(_DOUBLINGS))
    return phis[0], phis[1], phis[2], phis[3]


def matrix_product(a: Array, b: Array) -> Array:
    """The products of matrices, or of matrices and vectors, whose indices are the first axes."""
    if b.ndim == a.ndim:
        return jnp.sum(a[:, :, None] * b[None, :, :], axis=1)
    return jnp.sum(a * b[None], axis=1)


def _functions(linear: Array, dt: Array, y: Array):
    """e^z, phi_1, phi_2, phi_3 of z = linear dt, and how they act."""
    if linear.ndim == y.ndim + 1:
        return *matrix_phi_functions(linear * dt), matrix_product
    z = linear * dt
    return jnp.exp(z), *phi_functions(z), scale


def _before(kept: Any, linear: Array) -> Any:
    """With as many axes as the multipliers or matrices have."""
    missing = linear.ndim - np.ndim(kept)
    return kept if np.ndim(kept) == 0 else kept.reshape((1,) * missing + np.shape(kept))


def etdrk2_step(
    y: Inexact[Array, "..."],
    dt: Float[Array, ""],
    linear: Inexact[Array, "..."],
    nonlinear: Rate,
    kept: Any = 1,
) -> Array:
    """One step of the second-order exponential time differencing Runge-Kutta method; arguments as
    those of `etdrk4_step`. (S. M. Cox, P. C. Matthews, J. Comput. Phys. 176, 430, 2002, eqs.
    20-22.)
    """
    whole, phi_1, phi_2, _, apply = _functions(linear, dt, y)
    kept = _before(kept, linear)
    first, second = dt * phi_1 * kept, dt * phi_2 * kept
    n_y = nonlinear(y, jnp.zeros_like(dt))
    a = apply(whole, y) + apply(first, n_y)
    return a + apply(second, nonlinear(a, dt) - n_y)


def etdrk4_step(
    y: Inexact[Array, "..."],
    dt: Float[Array, ""],
    linear: Inexact[Array, "..."],
    nonlinear: Rate,
    kept: Any = 1,
) -> Array:
    """One step of the fourth-order exponential time differencing Runge-Kutta method of Cox and
    Matthews.

    `linear` has the shape of `y`, a spectrum, or one more axis before where it is a matrix; `kept`
    is 1 for the modes in which N counts and 0 for others. What depends on these and on `dt` alone
    is left to the compiler to lift out of the loop. (S. M. Cox, P. C. Matthews, J. Comput. Phys.
    176, 430, 2002, eqs. 26-29, written with phi functions in place of differences that cancel.)
    """
    whole, phi_1, phi_2, phi_3, apply = _functions(linear, dt, y)
    half, half_phi_1, _, _, _ = _functions(linear, dt / 2, y)
    kept = _before(kept, linear)
    stage = (dt / 2) * half_phi_1 * kept
    n_y = nonlinear(y, jnp.zeros_like(dt))
    a = apply(half, y) + apply(stage, n_y)
    n_a = nonlinear(a, dt / 2)
    n_b = nonlinear(apply(half, y) + apply(stage, n_a), dt / 2)
    n_c = nonlinear(apply(half, a) + apply(stage, n_b + n_b - n_y), dt)
    first = dt * (phi_1 - 3 * phi_2 + 4 * phi_3) * kept
    middle = dt * (2 * phi_2 - 4 * phi_3) * kept
    last = dt * (4 * phi_3 - phi_2) * kept
    return apply(whole, y) + apply(first, n_y) + apply(middle, n_a + n_b) + apply(last, n_c)
