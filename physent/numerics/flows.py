"""The exact flow of y' = A y for the modes of several fields, A a matrix for each mode."""

import jax.numpy as jnp
from jaxtyping import Array, Float, Inexact

from physent.numerics.exponential import matrix_phi_functions, matrix_product
from physent.numerics.products import scale
from physent.numerics.rotation import cosine_sine


def wave_flow(
    phi: Array, phi_t: Array, square: Float[Array, "..."], tau: Float[Array, ""]
) -> tuple[Array, Array]:
    """The flow of phi_tt = -square phi over a time tau, square >= 0: phi and phi_t."""
    moving = square > 0
    omega = jnp.sqrt(jnp.where(moving, square, 1))
    cosine, sine = cosine_sine(omega * tau)
    cosine, sine = jnp.where(moving, cosine, 1), jnp.where(moving, sine / omega, tau)
    return cosine * phi + sine * phi_t, cosine * phi_t - (square * sine) * phi


def damped_flow(
    phi: Array,
    phi_t: Array,
    square: Float[Array, "..."],
    damping: Float[Array, ""],
    tau: Float[Array, ""],
) -> tuple[Array, Array]:
    """The flow of phi_tt = -square phi - damping phi_t over a time tau: phi and phi_t."""
    decay = jnp.exp(-damping / 2 * tau)
    cosine, sine = (decay * each for each in _oscillation(square - damping**2 / 4, tau))
    half = damping / 2 * sine
    return (cosine + half) * phi + sine * phi_t, (cosine - half) * phi_t - (square * sine) * phi


def matrix_flow(
    y: Inexact[Array, "m ..."], matrix: Inexact[Array, "m m ..."], tau: Float[Array, ""]
) -> Array:
    """e^(matrix tau) y. Two fields have a closed form: with A = h + B, h half of the trace, B^2 =
    -w^2, e^(A tau) = e^(h tau) (cos(w tau) + B sin(w tau)/w), with cosh and sinh where w^2 < 0.
    """
    if matrix.shape[0] != 2:
        return matrix_product(matrix_phi_functions(matrix * tau)[0], y)
    (a, b), (c, d) = matrix
    half, difference = (a + d) / 2, (a - d) / 2
    cosine, sine = (
        scale(jnp.exp(half * tau), each) for each in _oscillation(-(difference**2 + b * c), tau)
    )
    first = scale(cosine + difference * sine, y[0]) + scale(b * sine, y[1])
    second = scale(cosine - difference * sine, y[1]) + scale(c * sine, y[0])
    return jnp.stack([first, second])


def _oscillation(square: Inexact[Array, "..."], tau: Float[Array, ""]) -> tuple[Array, Array]:
    """cos(w tau) and sin(w tau)/w for w^2 = square, which may be negative or complex."""
    tiny = jnp.abs(square) * tau**2 < 1e-8  # sums of two terms are exact to rounding
    safe = jnp.where(tiny, 1, square)
    if jnp.iscomplexobj(square):
        omega = jnp.sqrt(safe)
        cosine, sine = jnp.cos(omega * tau), jnp.sin(omega * tau) / omega
    else:
        turns, omega = safe > 0, jnp.sqrt(jnp.abs(safe))
        angle = jnp.where(turns, omega * tau, 0)
        growth = jnp.where(turns, 0, omega * tau)
        cosine, sine = cosine_sine(angle)
        cosine = jnp.where(turns, cosine, jnp.cosh(growth))
        sine = jnp.where(turns, sine, jnp.sinh(growth)) / omega
    small = square * tau**2
    cosine = jnp.where(tiny, 1 - small / 2 + small**2 / 24, cosine)
    return cosine, jnp.where(tiny, tau * (1 - small / 6 + small**2 / 120), sine)
