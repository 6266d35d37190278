"""Bright solitons: one, several, and bound states."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float, PRNGKeyArray

from physent.numerics.rotation import sech
from physent.protocol.parameters import (
    as_number,
    param,
    static,
)
from physent.solvers.checks import require_length

from .initial import Bright, BrightSolution, Medium


def soliton(
    x: Float[Array, "..."],
    t: Float[Array, ""],
    medium: Medium,
    amplitude: Float[Array, ""],
    position: Float[Array, ""],
    velocity: Float[Array, ""],
    phase: Float[Array, ""],
) -> Complex[Array, "..."]:
    """A sech(kappa (x - x0 - v t)) e^{i[v x/(2 beta) + (g A^2/2 - v^2/(4 beta)) t + phase]}, kappa
    = A sqrt(g/2 beta).

    x is followed round the box with the soliton, so the jump of the carrier lies where the soliton
    is smallest. (V. E. Zakharov, A. B. Shabat, Sov. Phys. JETP 34, 62, 1972.)
    """
    beta, g = medium.dispersion, medium.nonlinearity
    centre = position + velocity * t
    away = medium.distance(x, centre)
    turn = (
        (velocity / (2 * beta)) * (centre + away)
        + (g * amplitude**2 / 2 - velocity**2 / (4 * beta)) * t
        + phase
    )
    envelope = amplitude * sech(medium.steepness(amplitude) * away)
    return jax.lax.complex(envelope * jnp.cos(turn), envelope * jnp.sin(turn))


class Soliton(BrightSolution):
    """One bright soliton, A sech(A (x - x0)) e^{i(v x + phase)} for beta = 1/2, g = 1; exact, also
    around the box.
    """

    amplitude: Array = param(default=1.0, converter=as_number, gt=0, doc="peak of |psi|")
    position: Array = param(default=0.0, converter=as_number, doc="centre at t = 0", units="length")
    velocity: Array = param(
        default=0.0, converter=as_number, doc="group velocity", units="length/time"
    )
    phase: Array = param(
        default=0.0, converter=as_number, doc="phase of psi at x = 0, t = 0", units="rad"
    )

    def evolved(
        self, x: Float[Array, "..."], t: Float[Array, ""], medium: Medium
    ) -> Complex[Array, "..."]:
        """See `soliton`."""
        return soliton(x, t, medium, self.amplitude, self.position, self.velocity, self.phase)


class Solitons(Bright):
    """The sum of any number of soliton profiles, a solution only as long as they do not overlap."""

    amplitude: Array = param(
        default=(2.0, 1.5), converter=as_number, ndim=1, gt=0, doc="peak of |psi| of each"
    )
    position: Array = param(
        default=(-10.0, 10.0),
        converter=as_number,
        ndim=1,
        doc="centre of each at t = 0",
        units="length",
    )
    velocity: Array = param(
        default=(2.0, -2.0),
        converter=as_number,
        ndim=1,
        doc="group velocity of each",
        units="length/time",
    )
    phase: Array | None = param(
        default=None,
        converter=as_number,
        ndim=1,
        doc="phase of each at x = 0, t = 0 (default: 0)",
        units="rad",
    )

    def wave(
        self, x: Float[Array, "..."], medium: Medium, key: PRNGKeyArray
    ) -> Complex[Array, "..."]:
        """The sum of the profiles."""
        t = jnp.zeros_like(medium.length)
        phase = jnp.zeros_like(self.amplitude) if self.phase is None else self.phase
        one = jax.vmap(lambda *of: soliton(x, t, medium, *of))
        return jnp.sum(one(self.amplitude, self.position, self.velocity, phase), axis=0)

    def fits(self, medium: Medium) -> None:
        """The lists must have the same length, and the medium must be focusing."""
        super().fits(medium)
        count = self.amplitude.shape[-1]
        allowed = f"the length of amplitude, {count}"
        require_length(self, ("position", "velocity", "phase"), count, allowed, "initial.")


class BoundState(Bright):
    """`order` solitons bound together: order A sech(kappa x) at t = 0, kappa = A sqrt(g/(2 beta)).

    |psi| has the period pi/(2 g A^2) (order > 1). Exact for the orders 1 and 2. (J. Satsuma,
    N. Yajima, Prog. Theor. Phys. Suppl. 55, 284, 1974.)
    """

    order: int = static(2, ge=1, doc="number of solitons")
    amplitude: Array = param(
        default=1.0, converter=as_number, gt=0, doc="peak of |psi| at t = 0, divided by the order"
    )
    position: Array = param(default=0.0, converter=as_number, doc="centre", units="length")

    def wave(
        self, x: Float[Array, "..."], medium: Medium, key: PRNGKeyArray
    ) -> Complex[Array, "..."]:
        """order A sech(kappa (x - position)), real."""
        profile = sech(medium.steepness(self.amplitude) * medium.distance(x, self.position))
        return jax.lax.complex(self.order * self.amplitude * profile, jnp.zeros_like(profile))

    def evolved(
        self, x: Float[Array, "..."], t: Float[Array, ""], medium: Medium
    ) -> Complex[Array, "..."] | None:
        """Order 2: 4 e^{i t/2} (cosh 3x + 3 e^{4 i t} cosh x)/(cosh 4x + 4 cosh 2x + 3 cos 4t) in
        scaled x and t.
        """
        xi = jnp.abs(medium.steepness(self.amplitude) * medium.distance(x, self.position))
        tau = medium.nonlinearity * self.amplitude**2 * t
        if self.order == 1:
            return self.amplitude * sech(xi) * jnp.exp(0.5j * tau)
        if self.order == 2:
            # both parts divided by the growing e^{4 xi}/2, which would overflow
            e = jnp.exp(-xi)
            above = e * (1 + e**6) + 3 * jnp.exp(4j * tau) * e**3 * (1 + e**2)
            below = 1 + e**8 + 4 * e**2 * (1 + e**4) + 6 * jnp.cos(4 * tau) * e**4
            return 4 * self.amplitude * jnp.exp(0.5j * tau) * above / below
        return None
