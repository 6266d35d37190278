"""Kinks of the phi^4 potential, V = (lambda/4) (phi^2 - v^2)^2: one, and a kink with an
antikink.
"""

from typing import ClassVar, Literal

import jax.numpy as jnp
from jaxtyping import Array, Float

from physent.protocol.parameters import param, static

from .boundary import Antiperiodic, Boundary, Periodic
from .initial import Initial, Medium, Solution
from .potential import Phi4


def kink(
    away: Float[Array, " n"], velocity: Float[Array, ""], potential: Phi4
) -> Float[Array, " n"]:
    """v tanh(gamma sqrt(lambda/2) v s) at the distance s from the centre, gamma = 1/sqrt(1 -
    velocity^2).

    Its energy is gamma (2 sqrt(2)/3) sqrt(lambda) v^3. (R. Rajaraman, Solitons and Instantons,
    1982, section 2.3.)
    """
    steepness = jnp.sqrt(potential.coupling / 2) * potential.vacuum / jnp.sqrt(1 - velocity**2)
    return potential.vacuum * jnp.tanh(steepness * away)


class Phi4Kink(Solution):
    """One kink, from -v on the left to v on the right, or an antikink (charge -1); exact, round the
    ring too.
    """

    needs: ClassVar[tuple[type, ...]] = (Phi4,)
    position: Array = param(0.0, doc="centre at t = 0", units="length")
    velocity: Array = param(0.0, gt=-1, lt=1, doc="velocity in units of that of light")
    charge: Literal[1, -1] = static(1, doc="1: a kink, -1: an antikink")

    def field(
        self, x: Float[Array, " n"], t: Float[Array, ""], medium: Medium
    ) -> Float[Array, " n"]:
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
        20.0, gt=0, doc="d, distance between the centres at t = 0", units="length"
    )
    velocity: Array = param(
        0.2, gt=-1, lt=1, doc="velocity of the kink, the antikink has its opposite"
    )
    position: Array = param(0.0, doc="point halfway between them", units="length")

    def field(
        self, x: Float[Array, " n"], t: Float[Array, ""], medium: Medium
    ) -> Float[Array, " n"]:
        """The sum of the two moving on their own."""
        assert isinstance(medium.potential, Phi4)
        away, _ = medium.around(x, self.position)
        half = self.separation / 2 - self.velocity * t
        left, right = (
            kink(away + sign * half, self.velocity, medium.potential) for sign in (1, -1)
        )
        return left - right - medium.potential.vacuum

    def boundaries(self, medium: Medium) -> tuple[Boundary, ...]:
        """Periodic."""
        return (Periodic(),)
