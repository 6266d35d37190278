"""What an initial condition of the Klein-Gordon equation is, and what it knows of the equation."""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from physent.errors import ParameterError
from physent.protocol.parameters import Declared

from .boundary import Antiperiodic, Boundary, Periodic
from .potential import CustomPotential, Phi4, Potential


class Medium(eqx.Module):
    """What an initial condition has to know of the equation: its box, its potential and its
    boundary.
    """

    length: Float[Array, ""]
    potential: Potential
    boundary: Boundary

    def around(
        self, x: Float[Array, " n"], centre: Float[Array, ""]
    ) -> tuple[Float[Array, " n"], Float[Array, " n"]]:
        """x - centre = s + turns length with s in [-length/2, length/2): both s and the number of
        turns.
        """
        distance = x - centre
        turns = jnp.floor(distance / self.length + 0.5)
        return distance - turns * self.length, turns

    def continued(self, phi: Float[Array, " n"], turns: Float[Array, " n"]) -> Float[Array, " n"]:
        """The field so many turns round the ring from where it is phi."""
        return self.boundary.turned(phi, turns, self.potential.repeat())


class Initial(Declared):
    """A field to start from, given as a field that moves, whose value and time derivative at t = 0
    are taken.
    """

    @abc.abstractmethod
    def field(
        self, x: Float[Array, " n"], t: Float[Array, ""], medium: Medium
    ) -> Float[Array, " n"]:
        """phi at the points x and the time t, a solution or, near t = 0, nearly one."""

    @abc.abstractmethod
    def is_solution(self, medium: Medium) -> bool:
        """Whether `field` solves the equation at all times, but for exponentially small tails at
        the edge.
        """

    @abc.abstractmethod
    def boundaries(self, medium: Medium) -> tuple[Boundary, ...]:
        """The boundaries that the field fits, the natural one first."""

    def check(self, n: int, medium: Medium) -> None:
        """Raise a ParameterError where the initial condition does not fit the grid or the
        potential.
        """

    def start(
        self, x: Float[Array, " n"], t: Float[Array, ""], medium: Medium
    ) -> tuple[Float[Array, " n"], Float[Array, " n"]]:
        """phi and phi_t at time t."""
        return jax.jvp(lambda t: self.field(x, t, medium), (t,), (jnp.ones_like(t),))


def require(
    potential: Potential, cls: type[Potential] | tuple[type[Potential], ...], kinds: str
) -> None:
    """Raise a ParameterError unless the potential is of one of these classes."""
    if not isinstance(potential, cls):
        raise ParameterError("initial", f"this initial condition needs potential {kinds}")


def localised(medium: Medium) -> tuple[Boundary, ...]:
    """The boundaries of a field that returns to the same vacuum: an antiperiodic one only if that
    vacuum is 0.
    """
    at_zero = not isinstance(medium.potential, Phi4 | CustomPotential)
    return (Periodic(), Antiperiodic()) if at_zero else (Periodic(),)
