"""A strong-stability-preserving Runge-Kutta method."""

from collections.abc import Callable
from typing import TypeVar

import jax
from jaxtyping import Array

Y = TypeVar("Y")


def ssp_rk43_step(y: Y, dt: Array, euler: Callable[[Y, Array], Y]) -> Y:
    """One step of the third-order method with four stages, from forward Euler steps `euler(y, dt/2)`.

    Whatever an Euler step of dt/2 preserves (bounds, a vanishing divergence) the method preserves with dt: it is made
    of convex combinations. Stable for |lambda| dt < 2.15 on the imaginary axis and < 5.15 on the negative one. (J. F.
    B. M. Kraaijevanger, BIT 31, 482, 1991; S. J. Ruuth, R. J. Spiteri, SIAM J. Numer. Anal. 40, 469, 2002.)
    """
    half = dt / 2
    third = euler(euler(euler(y, half), half), half)
    third = jax.tree.map(lambda first, last: (2 * first + last) / 3, y, third)
    return euler(third, half)
