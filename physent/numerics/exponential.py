"""Exponential integrators for y' = L y + N(y), L diagonal (a spectrum's linear part), possibly
complex.

The linear part is solved exactly. For a dispersive equation L is imaginary and the coefficients are
complex: taking their real part, as is right for a dissipative equation on a real field, costs all
but the first order.
"""

import math
from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array, Float, Inexact

_TERMS = 24  # of the Taylor series, for |z| < 2: the first one left out is below 1e-17


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


def etdrk4_step(
    y: Inexact[Array, "..."],
    dt: Float[Array, ""],
    linear: Inexact[Array, "..."],
    nonlinear: Callable[[Array], Array],
) -> Array:
    """One step of the fourth-order exponential time differencing Runge-Kutta method of Cox and
    Matthews.

    `linear` has the shape of `y`, a spectrum. What depends on `linear` and `dt` alone is left to
    the compiler to lift out of the loop. (S. M. Cox, P. C. Matthews, J. Comput. Phys. 176, 430,
    2002, eqs. 26-29, written with phi functions in place of differences that cancel.)
    """
    whole, half = jnp.exp(linear * dt), jnp.exp(linear * (dt / 2))
    phi_1, phi_2, phi_3 = phi_functions(linear * dt)
    stage = (dt / 2) * phi_functions(linear * (dt / 2))[0]
    n_y = nonlinear(y)
    a = half * y + stage * n_y
    n_a = nonlinear(a)
    n_b = nonlinear(half * y + stage * n_a)
    n_c = nonlinear(half * a + stage * (2 * n_b - n_y))
    first = dt * (phi_1 - 3 * phi_2 + 4 * phi_3)
    middle = dt * (2 * phi_2 - 4 * phi_3)
    last = dt * (4 * phi_3 - phi_2)
    return whole * y + first * n_y + middle * (n_a + n_b) + last * n_c
