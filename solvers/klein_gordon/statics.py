"""Kinks of any potential, by quadrature, and the small waves on a static field: internal modes."""

from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from physent.errors import ParameterError
from physent.protocol.parameters import as_number, param, static
from physent.solvers.checks import refuse

from .boundary import Antiperiodic, Boundary, Walls, Winding
from .initial import Medium, Solution
from .potential import Potential

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(20)
_PANELS = np.linspace(-15, 15, 61)  # of s: at the ends phi is 1e-13 from the vacua


class Kink(Solution):
    """The kink of any potential between neighbouring vacua a and b, phi_x = sqrt(2 V(phi)), exact
    to rounding, moving or at rest.

    With phi = a + (b - a)(1 + tanh s)/2 the place x(s) = int_0^s (b - a) sech(s)^2/sqrt(8 V) ds has
    a smooth integrand, V itself is the integral of V' from the nearer vacuum, and x(s) is inverted
    by Newton's method. Its energy is gamma int_a^b sqrt(2 V) dphi.
    """

    left: Array | None = param(
        default=None,
        converter=as_number,
        doc="a, vacuum on the left; default: minus that of the potential, or itself where V has a "
        "period",
    )
    right: Array | None = param(
        default=None,
        converter=as_number,
        doc="b, vacuum on the right; default: that of the potential, a period on where V has one",
    )
    position: Array = param(
        default=0.0, converter=as_number, doc="where phi is (a + b)/2 at t = 0", units="length"
    )
    velocity: Array = param(
        default=0.0, converter=as_number, gt=-1, lt=1, doc="velocity in units of the speed of light"
    )
    charge: Literal[1, -1] = static(1, doc="1: a kink, -1: an antikink, which is its mirror image")

    def field(
        self, x: Float[Array, "..."], t: Float[Array, ""], medium: Medium
    ) -> Float[Array, "..."]:
        """The kink, continued around the box."""
        away, turns = medium.around(x, self.position + self.velocity * t)
        s = self.charge * away / jnp.sqrt(1 - self.velocity**2)
        a, b = self._vacua(medium.potential)
        phi = profile(s, a, b, medium.potential)
        if self.charge < 0 and medium.potential.repeat() is not None:
            phi = phi - (b - a)  # it begins where a kink does
        return medium.continued(phi, turns)

    def boundaries(self, medium: Medium) -> tuple[Boundary, ...]:
        """Winding where V has a period, antiperiodic from -a to a, else between walls."""
        if medium.potential.repeat() is not None:
            return (Winding(number=self.charge),)
        own = self.left is not None or self.right is not None
        return (Walls(),) if own else (Antiperiodic(),)

    def check(self, shape: tuple[int, ...], medium: Medium) -> None:
        """V must be positive between the vacua."""
        a, b = self._vacua(medium.potential)
        inside = a + (b - a) * np.linspace(0.01, 0.99, 33).reshape((-1,) + (1,) * jnp.ndim(a + b))
        words = "allowed between neighbouring vacua, V = 0 there and V > 0 between them"
        refuse(medium.potential(inside) <= 0, "initial", f"given vacua without a kink, {words}")

    def _vacua(self, potential: Potential) -> tuple[Array, Array]:
        rest, period = potential.rest(), potential.repeat()
        a, b = (-jnp.abs(rest), jnp.abs(rest)) if period is None else (rest, rest + period)
        return (a if self.left is None else self.left), (b if self.right is None else self.right)


def profile(
    x: Float[Array, "..."], a: Float[Array, ""], b: Float[Array, ""], potential: Potential
) -> Float[Array, "..."]:
    """The static kink at the distances x from the place where it is (a + b)/2."""
    dtype = jnp.result_type(x, float) if x.dtype == jnp.float64 else x.dtype
    nodes, weights = (jnp.asarray(each, dtype) for each in (0.5 * (1 + _NODES), 0.5 * _WEIGHTS))
    panels = jnp.asarray(_PANELS, dtype)

    def on(values: Array, each: Array) -> Array:
        """Products of values and nodes, along a last axis."""
        return values[..., None] * each.reshape((1,) * values.ndim + (-1,))

    def mean(values: Array) -> Array:
        return jnp.sum(values * weights.reshape((1,) * (values.ndim - 1) + (-1,)), axis=-1)

    def rate(s: Array) -> Array:
        """dx/ds."""
        lower = jax.nn.sigmoid(2 * s)  # (phi - a)/(b - a)
        upper = jax.nn.sigmoid(-2 * s)
        vacuum = jnp.where(s < 0, a, b)
        away = jnp.where(s < 0, lower, -upper) * (b - a)
        slopes = potential.slope(vacuum[..., None] + on(away, nodes))
        height = away * mean(slopes)  # V, without cancellation
        return 2 * (b - a) * lower * upper / jnp.sqrt(2 * jnp.abs(height))

    def between(start: Array, end: Array) -> Array:
        return (end - start) * mean(rate(start[..., None] + on(end - start, nodes)))

    places = jnp.cumsum(between(panels[:-1], panels[1:]))
    places = jnp.concatenate([jnp.zeros(1, dtype), places])
    places = places - places[len(_PANELS) // 2]

    def nearer(_: int, s: Array) -> Array:
        """One step of Newton's method."""
        index = jnp.clip(jnp.searchsorted(panels, s) - 1, 0, len(_PANELS) - 2)
        found = places[index] + between(panels[index], s)
        return jnp.clip(s - (found - x) / rate(s), panels[0], panels[-1])

    s = jnp.interp(jax.lax.stop_gradient(x), places, panels)
    s = jax.lax.fori_loop(0, 5, nearer, s)
    return a + (b - a) * jax.nn.sigmoid(2 * s)


class InternalModes(NamedTuple):
    """Small waves on a static field: `squares`, the omega^2 of each, smallest first, `shapes` of
    (modes, points...), each of mean square 1 over the box, and `residual`, the largest |lap phi -
    V'(phi)| of the field itself, which is to be small.
    """

    squares: np.ndarray
    shapes: np.ndarray
    residual: float


def internal_modes(solver, count: int = 6) -> InternalModes:
    """The lowest modes of -lap + V''(phi_0) on the start phi_0 of a `KleinGordon`, which is to be
    at rest: eta_tt = -(-lap + V''(phi_0)) eta.

    A dense matrix up to 1,500 points, and beyond it scipy's Lanczos iteration.

    **Arguments:**

    - `solver`: a `KleinGordon` with a static start, as a kink with velocity 0.
    - `count`: how many.

    **Returns:**

    `InternalModes`; omega^2 of 0 is a translation, one below 0 an instability, and one below
    V''(vacuum) a mode that stays at the place of the field.
    """
    waves = solver._waves()
    state = solver.init(jax.random.key(0))
    phi = waves.phi(state.phi)
    if float(jnp.max(jnp.abs(state.phi_t))) > 1e-9:
        raise ParameterError("initial", "given a field that moves, allowed: one at rest")
    curvature = jax.jvp(waves.potential.slope, (phi,), (jnp.ones_like(phi),))[1]
    square, shape = waves.square(), phi.shape

    @jax.jit
    def apply(eta: Array) -> Array:
        f = eta.reshape(shape)
        return (waves.field(square * waves.modes(f)) + curvature * f).reshape(-1)

    force = waves.field(square * state.phi) + waves.potential.slope(phi)
    if phi.size <= 1500:
        matrix = np.asarray(jax.vmap(apply)(jnp.eye(phi.size, dtype=phi.dtype)))
        squares, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
        squares, vectors = squares[:count], vectors[:, :count]
    else:
        from scipy.sparse.linalg import LinearOperator, eigsh

        operator = LinearOperator((phi.size,) * 2, lambda v: np.asarray(apply(jnp.asarray(v))))
        squares, vectors = eigsh(operator, count, which="SA")
        order = np.argsort(squares)
        squares, vectors = squares[order], vectors[:, order]
    shapes = vectors.T.reshape(-1, *shape) * np.sqrt(phi.size)
    return InternalModes(squares, shapes, float(jnp.max(jnp.abs(force))))
