"""Strong-stability-preserving Runge-Kutta methods of third order."""

from collections.abc import Callable
from typing import TypeVar

import jax
from jaxtyping import Array

Y = TypeVar("Y")


def ssp_rk3_step(y: Y, dt: Array, euler: Callable[[Y, Array], Y], root: int = 2) -> Y:
    """One step of the third-order method with n^2 stages, n = `root`, from forward Euler steps of
    dt/(n^2 - n).

    Whatever such an Euler step preserves (bounds, a vanishing divergence) the method preserves: it
    is made of convex combinations. A stage takes the share 1 - 1/n of an Euler step, so that nine
    stages do three quarters of the work of four. Stable on the imaginary axis for |lambda| dt <
    2.15 (n = 2), 4.11 (3), on the negative one for 5.14, 13.2. (D. I. Ketcheson, SIAM J. Sci.
    Comput. 30, 2113, 2008; n = 2: J. F. B. M. Kraaijevanger, BIT 31, 482, 1991.)
    """
    h = dt / (root**2 - root)

    def steps(y: Y, count: int) -> Y:
        # a loop compiles one stage, and keeps its buffers in the cache
        return jax.lax.fori_loop(0, count, lambda _, y: euler(y, h), y) if count else y

    early = steps(y, (root - 1) * (root - 2) // 2)
    late = steps(early, 2 * root - 1)
    mean = jax.tree.map(
        lambda a, b: (root * a + (root - 1) * b) * (1 / (2 * root - 1)), early, late
    )
    return steps(mean, root * (root - 1) // 2)
