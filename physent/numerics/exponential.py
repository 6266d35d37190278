"""Exponential integrators for y' = L y + N(y), L diagonal (a spectrum's linear part), possibly complex.

The linear part is solved exactly. For a dispersive equation L is imaginary and the coefficients are complex: taking
their real part, as is right for a dissipative equation on a real field, costs all but the first order.
"""

import math
from collections.abc import Callable
from typing import Any, cast

import diffrax
import jax
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float, Inexact

_TERMS = 24  # of the Taylor series, for |z| < 2: the first one left out is below 1e-17


def phi_functions(z: Inexact[Array, "..."]) -> tuple[Array, Array, Array]:
    """phi_1, phi_2 and phi_3 of z: phi_j(z) = sum_m z^m / (m + j)!, so phi_1 = (e^z - 1)/z.

    The series is summed for |z| < 2; beyond, the recurrence phi_{j+1} = (phi_j - 1/j!)/z has no harmful cancellation.
    Differentiable at every z. (Hochbruck and Ostermann, Acta Numerica 19, 209, 2010, section 2.1.)
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
    y: Inexact[Array, "..."], dt: Float[Array, ""], linear: Inexact[Array, "..."], nonlinear: Callable[[Array], Array]
) -> Array:
    """One step of the fourth-order exponential time differencing Runge-Kutta method of Cox and Matthews.

    `linear` has the shape of `y`, a spectrum. What depends on `linear` and `dt` alone is left to the compiler to lift
    out of the loop. (S. M. Cox, P. C. Matthews, J. Comput. Phys. 176, 430, 2002, eqs. 26-29, written with phi functions
    in place of differences that cancel.)
    """
    whole, half = jnp.exp(linear * dt), jnp.exp(linear * (dt / 2))
    phi_1, phi_2, phi_3 = phi_functions(linear * dt)
    stage = (dt / 2) * phi_functions(linear * (dt / 2))[0]
    n_y = nonlinear(y)
    a = half * y + stage * n_y
    n_a = nonlinear(a)
    b = half * y + stage * n_a
    n_b = nonlinear(b)
    c = half * a + stage * (2 * n_b - n_y)
    n_c = nonlinear(c)
    first = dt * (phi_1 - 3 * phi_2 + 4 * phi_3)
    middle = dt * (2 * phi_2 - 4 * phi_3)
    last = dt * (4 * phi_3 - phi_2)
    return whole * y + first * n_y + middle * (n_a + n_b) + last * n_c


class _Remembering(diffrax.AbstractStepSizeController):
    """A controller whose state ends with the size of the step that it would take next, were there no end to step to."""

    inner: diffrax.PIDController

    def wrap(self, direction):
        return _Remembering(self.inner.wrap(direction))

    def init(self, terms, t0, t1, y0, dt0, args, func, error_order) -> Any:
        first, state = self.inner.init(terms, t0, t1, y0, dt0, args, func, error_order)
        return first, (state, jnp.asarray(first - t0))

    def adapt_step_size(self, t0, t1, y0, y1_candidate, args, y_error, error_order, controller_state) -> Any:
        state, wanted = controller_state
        accepted, start, end, jumped, state, result = self.inner.adapt_step_size(
            t0, t1, y0, y1_candidate, args, y_error, error_order, state
        )
        # a step cut short by the end of the interval says nothing against the size that was wanted
        cut = accepted & (t1 - t0 < wanted)
        wanted = jnp.where(cut, jnp.maximum(wanted, end - start), end - start)
        return accepted, start, end, jumped, (state, wanted), result


def dopri8_step(
    y: Complex[Array, " k"],
    dt: Float[Array, ""],
    linear: Complex[Array, " k"],
    nonlinear: Callable[[Array], Array],
    inner_step: Float[Array, ""],
    rtol: Float[Array, ""],
    atol: Float[Array, ""],
    max_steps: int = 4096,
) -> tuple[Complex[Array, " k"], Float[Array, ""]]:
    """Advance the spectrum `y` by `dt` in as many adaptive steps as the tolerances ask for; return the next step size.

    The integrating factor v(s) = e^{-L s} y(s) removes the linear part, and v' = e^{-L s} N(e^{L s} v) goes to the
    eighth-order Dormand-Prince method (diffrax.Dopri8). `inner_step` is the size to try first, 0 for dt. Where
    `max_steps` do not suffice the result is NaN, for nothing can be raised inside a compiled program. Meant for L that
    is imaginary or nearly so: e^{-L s} of a strongly damped mode would overflow. Complex numbers go through diffrax as
    pairs of reals.
    """

    def slope(s, v, _):
        factor = jnp.exp(linear * s)
        n = nonlinear(factor * jax.lax.complex(v[0], v[1])) / factor
        return jnp.stack([n.real, n.imag])

    controller = _Remembering(diffrax.PIDController(rtol=rtol, atol=atol))
    solution = diffrax.diffeqsolve(
        diffrax.ODETerm(slope),  # pyright: ignore[reportArgumentType]
        diffrax.Dopri8(),
        t0=jnp.zeros_like(dt),
        t1=dt,
        dt0=jnp.where(inner_step > 0, jnp.minimum(inner_step, dt), dt),
        y0=jnp.stack([y.real, y.imag]),
        stepsize_controller=controller,
        saveat=diffrax.SaveAt(t1=True, controller_state=True),
        max_steps=max_steps,
        throw=False,
    )
    assert solution.ys is not None
    done = jnp.exp(linear * dt) * jax.lax.complex(solution.ys[0, 0], solution.ys[0, 1])
    reached = solution.result == diffrax.RESULTS.successful
    _, next_step = cast(tuple[Any, Array], solution.controller_state)
    return jnp.where(reached, done, jnp.nan), next_step
