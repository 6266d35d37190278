"""Kinks and breathers: of the phi^4 potential, V = (lambda/4) (phi^2 - v^2)^2, a kink, and a kink
with an antikink; of the sine-Gordon equation kinks, breathers, and collisions of two kinks, exact.

(R. Rajaraman, Solitons and Instantons, 1982, sections 2.3 and 2.5.) Written with atan2, tanh and
sech, so that nothing overflows far from the centre.
"""

import math
from typing import ClassVar, Literal

import jax.numpy as jnp
from jaxtyping import Array, Float

from physent.numerics.rotation import sech
from physent.protocol.parameters import (
    as_number,
    param,
    static,
)

from .boundary import Antiperiodic, Boundary, Periodic, Winding
from .initial import Initial, Medium, Solution
from .potential import DoubleSineGordon, Phi4, SineGordon


def kink(
    away: Float[Array, "..."], velocity: Float[Array, ""], potential: Phi4
) -> Float[Array, "..."]:
    """v tanh(gamma sqrt(lambda/2) v s) at the distance s from the centre, gamma = 1/sqrt(1 -
    velocity^2).

    Its energy is gamma (2 sqrt(2)/3) sqrt(lambda) v^3. (R. Rajaraman, Solitons and Instantons,
    1982, section 2.3.)
    """
    steepness = jnp.sqrt(potential.coupling / 2) * potential.vacuum / jnp.sqrt(1 - velocity**2)
    return potential.vacuum * jnp.tanh(steepness * away)


class Phi4Kink(Solution):
    """One kink, from -v on the left to v on the right, or an antikink (charge -1); exact, also
    around the ring.
    """

    needs: ClassVar[tuple[type, ...]] = (Phi4,)
    position: Array = param(default=0.0, converter=as_number, doc="centre at t = 0", units="length")
    velocity: Array = param(
        default=0.0, converter=as_number, gt=-1, lt=1, doc="velocity in units of the speed of light"
    )
    charge: Literal[1, -1] = static(1, doc="1: a kink, -1: an antikink")

    def field(
        self, x: Float[Array, "..."], t: Float[Array, ""], medium: Medium
    ) -> Float[Array, "..."]:
        """See `kink`."""
        assert isinstance(medium.potential, Phi4)
        away, turns = medium.around(x, self.position + self.velocity * t)
        return medium.continued(self.charge * kink(away, self.velocity, medium.potential), turns)

    def boundaries(self, medium: Medium) -> tuple[Boundary, ...]:
        """Antiperiodic: on a periodic box the field would jump from v to -v at the edge, and
        radiate.
        """
        return (Antiperiodic(),)


class KinkAntikink(Initial):
    """A kink on the left and an antikink on the right that approach each other, phi = K(x + d/2) -
    K(x - d/2) - v.

    -v is what takes the sum back to the vacuum outside. The sum is no solution, but its error is
    exponentially small in the distance d. (D. K. Campbell, J. F. Schonfeld, C. A. Wingate, Physica
    D 9, 1, 1983.)
    """

    needs: ClassVar[tuple[type, ...]] = (Phi4,)
    separation: Array = param(
        default=20.0,
        converter=as_number,
        gt=0,
        doc="d, distance between the centres at t = 0",
        units="length",
    )
    velocity: Array = param(
        default=0.2,
        converter=as_number,
        gt=-1,
        lt=1,
        doc="velocity of the kink; the antikink has the opposite",
    )
    position: Array = param(
        default=0.0, converter=as_number, doc="point halfway between them", units="length"
    )

    def field(
        self, x: Float[Array, "..."], t: Float[Array, ""], medium: Medium
    ) -> Float[Array, "..."]:
        """The superposition of the two, each moving independently."""
        assert isinstance(medium.potential, Phi4)
        away, _ = medium.around(x, self.position)
        half = self.separation / 2 - self.velocity * t
        left, right = (
            kink(away + sign * half, self.velocity, medium.potential) for sign in (1, -1)
        )
        return left - right - medium.potential.vacuum


class SineGordonKink(Solution):
    """One kink, 4 atan e^s from 0 to 2 pi, or an antikink (charge -1); s = gamma (x - x0 - velocity
    t).

    Its energy is 8 gamma. With the double sine-Gordon potential it is pi + 2 atan(sinh(m s)/m), m =
    sqrt(1 + 2 eta). Exact, round the ring too.
    """

    needs: ClassVar[tuple[type, ...]] = (SineGordon, DoubleSineGordon)
    position: Array = param(
        default=0.0, converter=as_number, doc="x0, centre at t = 0", units="length"
    )
    velocity: Array = param(
        default=0.0, converter=as_number, gt=-1, lt=1, doc="velocity in units of the speed of light"
    )
    charge: Literal[1, -1] = static(1, doc="1: a kink, -1: an antikink")

    def field(
        self, x: Float[Array, "..."], t: Float[Array, ""], medium: Medium
    ) -> Float[Array, "..."]:
        """The kink, continued by 2 pi per turn."""
        away, turns = medium.around(x, self.position + self.velocity * t)
        m = jnp.sqrt(medium.potential.mass_squared())
        s = m * away / jnp.sqrt(1 - self.velocity**2)
        kink = math.pi + 2 * jnp.arctan2(jnp.tanh(s), m * sech(s))
        return medium.continued(self.charge * kink, turns)

    def boundaries(self, medium: Medium) -> tuple[Boundary, ...]:
        """Winding, with number equal to the charge."""
        return (Winding(number=self.charge),)


class Breather(Solution):
    """A breather, 4 atan[(kappa/omega) sin(theta) sech(kappa gamma (x - x0 - velocity t))].

    kappa = sqrt(1 - omega^2), theta = omega gamma (t - velocity (x - x0)) + phase. Its energy is 16
    kappa gamma, its largest value 4 atan(kappa/omega).
    """

    needs: ClassVar[tuple[type, ...]] = (SineGordon,)
    frequency: Array = param(
        default=0.5, converter=as_number, gt=0, lt=1, doc="omega, frequency at rest", units="1/time"
    )
    phase: Array = param(
        default=0.0,
        converter=as_number,
        doc="theta at x0 and t = 0; pi/2: at its maximum",
        units="rad",
    )
    position: Array = param(
        default=0.0, converter=as_number, doc="x0, centre at t = 0", units="length"
    )
    velocity: Array = param(
        default=0.0, converter=as_number, gt=-1, lt=1, doc="velocity in units of the speed of light"
    )

    def field(
        self, x: Float[Array, "..."], t: Float[Array, ""], medium: Medium
    ) -> Float[Array, "..."]:
        """The breather, continued around the box."""
        away, turns = medium.around(x, self.position + self.velocity * t)
        gamma = 1 / jnp.sqrt(1 - self.velocity**2)
        kappa = jnp.sqrt(1 - self.frequency**2)
        # t - velocity (s + velocity t) = t/gamma^2 - velocity s
        theta = self.frequency * (t / gamma - gamma * self.velocity * away) + self.phase
        phi = 4 * jnp.arctan((kappa / self.frequency) * jnp.sin(theta) * sech(kappa * gamma * away))
        return medium.continued(phi, turns)


class TwoKink(Solution):
    """Two kinks that meet at the point x0 at the time t0, with velocities v and -v.

    Two kinks repel: 4 atan[v sinh(gamma s)/cosh(gamma v tau)], from -2 pi to 2 pi, s = x - x0, tau
    = t - t0. A kink and an antikink pass through each other: 4 atan[sinh(gamma v tau)/(v cosh(gamma
    s))]. The energy is 16 gamma.
    """

    needs: ClassVar[tuple[type, ...]] = (SineGordon,)
    velocity: Array = param(
        default=0.5, converter=as_number, gt=0, lt=1, doc="v, speed of each long before they meet"
    )
    position: Array = param(
        default=0.0, converter=as_number, doc="x0, where they meet", units="length"
    )
    meeting: Array = param(
        default=20.0, converter=as_number, doc="t0, when they meet", units="time"
    )
    charges: Literal["equal", "opposite"] = static(
        "equal", doc="equal: two kinks; opposite: a kink and an antikink"
    )

    def field(
        self, x: Float[Array, "..."], t: Float[Array, ""], medium: Medium
    ) -> Float[Array, "..."]:
        """The solution."""
        away, turns = medium.around(x, self.position)
        gamma = 1 / jnp.sqrt(1 - self.velocity**2)
        s, tau = gamma * away, gamma * self.velocity * (t - self.meeting)
        if self.charges == "equal":
            phi = 4 * jnp.arctan2(self.velocity * jnp.tanh(s) * sech(tau), sech(s))
        else:
            phi = 4 * jnp.arctan2(jnp.tanh(tau) * sech(s), self.velocity * sech(tau))
        return medium.continued(phi, turns)

    def boundaries(self, medium: Medium) -> tuple[Boundary, ...]:
        """Winding twice for two kinks, periodic for a kink and an antikink."""
        return (Winding(number=2),) if self.charges == "equal" else (Periodic(), Antiperiodic())
