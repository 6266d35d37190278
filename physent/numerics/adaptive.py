"""An adaptive eighth-order method for y' = L y + N(y, t), L diagonal, behind an integrating
factor.
"""

from typing import Any, cast

import diffrax
import jax
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float

from physent.numerics.derivatives import reverse_only
from physent.numerics.exponential import Rate
from physent.numerics.rotation import exponential

INNER_STEPS = (
    "forward mode cannot pass the inner steps of method 'dopri8', of which there are as many as it "
    "takes; allowed: reverse mode (jax.vjp, jax.grad), or a method with a fixed step"
)


class Remembering(diffrax.AbstractStepSizeController):
    """A controller whose state ends with the next step size, as if there were no final time."""

    inner: diffrax.PIDController

    def wrap(self, direction):
        """See `diffrax`."""
        return Remembering(self.inner.wrap(direction))

    def init(self, terms, t0, t1, y0, dt0, args, func, error_order) -> Any:
        """See `diffrax`."""
        first, state = self.inner.init(terms, t0, t1, y0, dt0, args, func, error_order)
        return first, (state, jnp.asarray(first - t0))

    def adapt_step_size(
        self, t0, t1, y0, y1_candidate, args, y_error, error_order, controller_state
    ) -> Any:
        """See `diffrax`."""
        state, wanted = controller_state
        accepted, start, end, jumped, state, result = self.inner.adapt_step_size(
            t0, t1, y0, y1_candidate, args, y_error, error_order, state
        )
        # a step cut short by the end of the interval says nothing against the size that was wanted
        cut = accepted & (t1 - t0 < wanted)
        wanted = jnp.where(cut, jnp.maximum(wanted, end - start), end - start)
        return accepted, start, end, jumped, (state, wanted), result


def dopri8_step(
    y: Complex[Array, "..."],
    dt: Float[Array, ""],
    linear: Complex[Array, "..."],
    nonlinear: Rate,
    inner_step: Float[Array, ""],
    rtol: Float[Array, ""],
    atol: Float[Array, ""],
    max_steps: int = 4096,
) -> tuple[Complex[Array, "..."], Float[Array, ""]]:
    """Advance the spectrum `y` by `dt` in as many adaptive steps as the tolerances ask for; return
    the next step size.

    The integrating factor v(s) = e^{-L s} y(s) removes the linear part, and v' = e^{-L s} N(e^{L s}
    v) goes to the eighth-order Dormand-Prince method (diffrax.Dopri8). `inner_step` is the size to
    try first, 0 for dt. Where `max_steps` do not suffice the result is NaN, for nothing can be
    raised inside a compiled program. Meant for L that is imaginary or nearly so: e^{-L s} of a
    strongly damped mode would overflow. Complex numbers go through diffrax as pairs of reals.
    Derivatives are those of reverse mode; forward mode raises DerivativeError.
    """
    if linear.ndim > y.ndim:
        words = "method 'dopri8' takes a multiplier for each unknown, and no linear part that mixes"
        raise ValueError(f"{words} them: allowed are etdrk4, etdrk2 and imex_rk3")
    y, dt, inner_step = reverse_only((y, dt, inner_step), INNER_STEPS)

    def slope(s, v, _):
        turned = exponential(linear * s) * jax.lax.complex(v[0], v[1])
        n = exponential(-linear * s) * nonlinear(turned, s)
        return jnp.stack([n.real, n.imag])

    solution = diffrax.diffeqsolve(
        diffrax.ODETerm(slope),  # pyright: ignore[reportArgumentType]
        diffrax.Dopri8(),
        t0=jnp.zeros_like(dt),
        t1=dt,
        dt0=jnp.where(inner_step > 0, jnp.minimum(inner_step, dt), dt),
        y0=jnp.stack([y.real, y.imag]),
        stepsize_controller=Remembering(diffrax.PIDController(rtol=rtol, atol=atol)),
        saveat=diffrax.SaveAt(t1=True, controller_state=True),
        max_steps=max_steps,
        throw=False,
    )
    assert solution.ys is not None
    done = exponential(linear * dt) * jax.lax.complex(solution.ys[0, 0], solution.ys[0, 1])
    _, next_step = cast(tuple[Any, Array], solution.controller_state)
    return jnp.where(solution.result == diffrax.RESULTS.successful, done, jnp.nan), next_step
