"""Steps for y' = f(t, y, p), a vector y and parameters p: by a fixed Runge-Kutta method, or with as
many inner steps as an error asks for.
"""

from collections.abc import Callable
from typing import Any, cast

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from physent.numerics.both_modes import in_both_modes

Slope = Callable[[Array, Array, Any], Array]


def rk4_step(
    slope: Slope, t: Float[Array, ""], y: Float[Array, " d"], p: Any, dt: Float[Array, ""]
) -> Float[Array, " d"]:
    """y after one step of the classical method of order 4 (W. Kutta, 1901)."""
    k1 = slope(t, y, p)
    k2 = slope(t + dt / 2, y + (dt / 2) * k1, p)
    k3 = slope(t + dt / 2, y + (dt / 2) * k2, p)
    k4 = slope(t + dt, y + dt * k3, p)
    return y + (dt / 6) * (k1 + 2 * (k2 + k3) + k4)


def adaptive_step(
    slope: Slope,
    t: Float[Array, ""],
    y: Float[Array, " d"],
    p: Any,
    dt: Float[Array, ""],
    inner_step: Float[Array, ""],
    rtol: Float[Array, ""],
    atol: Float[Array, ""],
    max_steps: int = 4096,
) -> tuple[Float[Array, " d"], Float[Array, ""]]:
    """y after `dt`, in inner steps whose estimated errors stay below atol + rtol |y|, and the size
    to try first in the next step.

    The eighth-order Dormand-Prince method (diffrax.Dopri8); for a stiff equation it takes many,
    for diffrax's implicit methods would call back to the host at each. `inner_step` is the size to
    try first, 0 for dt. Where `max_steps` do not suffice the result is NaN. Both modes of
    differentiation pass: forward mode through the loop, reverse mode from checkpoints. Sizes of
    steps have no derivatives.
    """
    import diffrax  # takes a second to import

    from physent.numerics.adaptive import Remembering

    numbers, tree = jax.tree.flatten(p)

    def solve(adjoint: Any) -> Callable[..., tuple[Array, Array]]:
        def solved(y: Array, t: Array, dt: Array, *rest: Array) -> tuple[Array, Array]:
            inner_step, rtol, atol = jax.lax.stop_gradient(rest[:3])
            control = diffrax.PIDController(rtol=rtol, atol=atol)
            solution = diffrax.diffeqsolve(
                diffrax.ODETerm(slope),  # pyright: ignore[reportArgumentType]
                diffrax.Dopri8(),
                t0=t,
                t1=t + dt,
                dt0=jnp.where(inner_step > 0, jnp.minimum(inner_step, dt), dt),
                y0=y,
                args=jax.tree.unflatten(tree, rest[3:]),
                stepsize_controller=Remembering(control),
                saveat=diffrax.SaveAt(t1=True, controller_state=True),
                max_steps=max_steps,
                adjoint=adjoint,
                throw=False,
            )
            assert solution.ys is not None
            _, following = cast(tuple[Any, Array], solution.controller_state)
            done = solution.result == diffrax.RESULTS.successful
            return jnp.where(done, solution.ys[0], jnp.nan), jax.lax.stop_gradient(following)

        return solved

    ahead, back = solve(diffrax.ForwardMode()), solve(diffrax.RecursiveCheckpointAdjoint())
    found = in_both_modes(ahead, back, y, t, dt, inner_step, rtol, atol, *numbers)
    return found[0], found[1]
