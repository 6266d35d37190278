"""Base classes of initial conditions of the nonlinear Schroedinger equation, and the data they
receive.
"""

import abc
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from physent.numerics.spectral import squared_modulus
from physent.protocol.starts import Start
from physent.solvers.checks import on_host, refuse


class Medium(eqx.Module):
    """The parameters of the equation i psi_t + beta psi_xx + g |psi|^2 psi = 0 and the length of
    its box along x, for initial conditions.

    Every solution u(xi, tau) for beta = 1/2, g = 1 gives the solutions a u(a sqrt(g/2 beta) x, g
    a^2 t) of the equation with any beta g > 0.
    """

    length: Float[Array, ""]
    dispersion: Float[Array, ""]
    nonlinearity: Float[Array, ""]

    def steepness(self, amplitude: Float[Array, "..."]) -> Float[Array, "..."]:
        """a sqrt(g / (2 beta)), the inverse width of a soliton of amplitude a, in 1/length."""
        return amplitude * jnp.sqrt(self.nonlinearity / (2 * self.dispersion))

    def distance(self, x: Float[Array, "..."], centre: Float[Array, ""]) -> Float[Array, "..."]:
        """The minimum image of x - centre, in [-length/2, length/2)."""
        return jnp.mod(x - centre + self.length / 2, self.length) - self.length / 2


class Initial(Start):
    """psi at t = 0 as a function of x, the first axis; in a plane or a box it is the same along the
    others.
    """

    @abc.abstractmethod
    def wave(self, x: Float[Array, "..."], medium: Medium, key: PRNGKeyArray) -> Array:
        """psi at points with the coordinate x at t = 0; `key` is the random key of the run."""

    def evolved(self, x: Float[Array, "..."], t: Float[Array, ""], medium: Medium) -> Array | None:
        """psi at time t without a potential, or None, the default, if no closed form is known."""
        return None

    def fits(self, medium: Medium) -> None:
        """Raise ParameterError if the initial condition does not fit the medium."""

    def __call__(self, solver: Any, key: PRNGKeyArray) -> dict[str, Array]:
        """See `Start`."""
        psi = self.wave(solver.basis.coordinates()[0], solver.medium, key)
        return {"psi": psi}

    def exact(self, solver: Any, t: Float[Array, ""]) -> dict[str, Array]:
        """psi and its density at time t, where they have a closed form."""
        if not solver.plain:
            return {}
        psi = self.evolved(solver.basis.coordinates()[0], t, solver.medium)
        return {} if psi is None else {"psi": psi, "density": squared_modulus(psi)}

    def check(self, solver: Any) -> None:
        """See `fits`."""
        self.fits(solver.medium)


class Bright(Initial):
    """A state of bright solitons or breathers, which only a focusing medium has."""

    def fits(self, medium: Medium) -> None:
        """Needs beta g > 0; traced values pass."""
        medium = on_host(medium)
        refuse(
            medium.dispersion * medium.nonlinearity <= 0,
            "initial",
            "this solution needs dispersion * nonlinearity > 0 (a focusing medium); "
            "plane_wave, gaussian_noise and from_file do not",
        )


class BrightSolution(Bright):
    """An initial state taken from a closed-form solution."""

    def wave(self, x: Float[Array, "..."], medium: Medium, key: PRNGKeyArray) -> Array:
        """The exact solution at t = 0."""
        return self.evolved(x, jnp.zeros_like(medium.length), medium)

    @abc.abstractmethod
    def evolved(self, x: Float[Array, "..."], t: Float[Array, ""], medium: Medium) -> Array:
        """psi at time t."""
