"""Base classes of initial conditions of the Klein-Gordon equation, and the data they receive."""

import abc
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from physent.numerics.basis import Basis
from physent.protocol.parameters import Declared
from physent.solvers.checks import refuse

from .boundary import Antiperiodic, Boundary, Periodic
from .potential import POTENTIALS, CustomPotential, Phi4, Potential


class Medium(eqx.Module):
    """The data of the equation for an initial condition: box, potential and boundary.

    `across` has the coordinates y and z of the points, where the box has these axes, and `key` what
    is drawn of.
    """

    basis: Basis
    potential: Potential
    boundary: Boundary
    across: tuple[Float[Array, "..."], ...] = ()
    key: PRNGKeyArray | None = None

    @property
    def length(self) -> Float[Array, ""]:
        """Of the box along x."""
        return self.basis.lengths[0]

    def around(
        self, x: Float[Array, "..."], centre: Float[Array, ""], axis: int = 0
    ) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
        """x - centre = s + turns length with s in [-length/2, length/2); returns s and the number
        of turns; none between walls.
        """
        distance, length = x - centre, self.basis.lengths[axis]
        if self.boundary.walls:
            return distance, jnp.zeros_like(distance)
        turns = jnp.floor(distance / length + 0.5)
        return distance - turns * length, turns

    def continued(
        self, phi: Float[Array, "..."], turns: Float[Array, "..."]
    ) -> Float[Array, "..."]:
        """The field a number of turns around the ring from where it is phi."""
        return self.boundary.continued(phi, turns, self.potential.repeat())


class Initial(Declared):
    """An initial condition, given as a moving field whose value and time derivative at t = 0 are
    used. `needs` are the supported classes of potential; none: any.
    """

    needs: ClassVar[tuple[type, ...]] = ()

    @abc.abstractmethod
    def field(
        self, x: Float[Array, "..."], t: Float[Array, ""], medium: Medium
    ) -> Float[Array, "..."]:
        """phi at the points x and the time t, a solution or, near t = 0, nearly one."""

    def is_solution(self, medium: Medium) -> bool:
        """Whether `field` solves the equation at all times, up to exponentially small tails at the
        edge.
        """
        return False

    def boundaries(self, medium: Medium) -> tuple[Boundary, ...]:
        """The boundaries that the field fits, the natural one first: periodic for a field that
        returns to the same vacuum, and antiperiodic only if that vacuum is 0.
        """
        if isinstance(medium.potential, Phi4 | CustomPotential):
            return (Periodic(),)
        return (Periodic(), Antiperiodic())

    def check(self, shape: tuple[int, ...], medium: Medium) -> None:
        """Raise ParameterError if the initial condition does not fit the grid or the potential."""
        kinds = " or ".join(repr(kind) for kind, cls in POTENTIALS.items() if cls in self.needs)
        refuse(
            self.needs and not isinstance(medium.potential, self.needs),
            "initial",
            f"this initial condition needs potential {kinds}",
        )

    def start(
        self, x: Float[Array, "..."], t: Float[Array, ""], medium: Medium
    ) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
        """phi and phi_t at time t."""
        return jax.jvp(lambda t: self.field(x, t, medium), (t,), (jnp.ones_like(t),))


class Solution(Initial):
    """An initial condition whose field is a solution at all times."""

    def is_solution(self, medium: Medium) -> bool:
        """True."""
        return True
