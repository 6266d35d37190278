"""Base classes of initial conditions of the nonlinear Schroedinger equation, and the data they
receive.
"""

import abc

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float, PRNGKeyArray

from physent.protocol.parameters import Declared
from physent.solvers.checks import on_host, refuse


class Medium(eqx.Module):
    """The parameters of the equation i psi_t + beta psi_xx + g |psi|^2 psi = 0 and its box, for
    initial conditions.

    Every solution u(xi, tau) for beta = 1/2, g = 1 gives the solutions a u(a sqrt(g/2 beta) x, g
    a^2 t) of the equation with any beta g > 0.
    """

    length: Float[Array, ""]
    dispersion: Float[Array, ""]
    nonlinearity: Float[Array, ""]

    def steepness(self, amplitude: Float[Array, "..."]) -> Float[Array, "..."]:
        """a sqrt(g / (2 beta)), the inverse width of a soliton of amplitude a, in 1/length."""
        return amplitude * jnp.sqrt(self.nonlinearity / (2 * self.dispersion))

    def distance(self, x: Float[Array, " n"], centre: Float[Array, ""]) -> Float[Array, " n"]:
        """The minimum image of x - centre, in [-length/2, length/2)."""
        return jnp.mod(x - centre + self.length / 2, self.length) - self.length / 2


class Initial(Declared):
    """An initial state, and its exact evolution without a potential, if that has a closed form."""

    @abc.abstractmethod
    def __call__(
        self, x: Float[Array, " n"], medium: Medium, key: PRNGKeyArray
    ) -> Complex[Array, " n"]:
        """psi at the grid points x at t = 0; `key` is the random key of the run."""

    def exact(
        self, x: Float[Array, " n"], t: Float[Array, ""], medium: Medium
    ) -> Complex[Array, " n"] | None:
        """psi at time t, or None if no closed form is known."""
        return None

    def check(self, n: int, medium: Medium) -> None:
        """Raise ParameterError if the initial condition does not fit the grid or the medium."""


class Bright(Initial):
    """A state of bright solitons or breathers, which only a focusing medium has."""

    def check(self, n: int, medium: Medium) -> None:
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

    def __call__(
        self, x: Float[Array, " n"], medium: Medium, key: PRNGKeyArray
    ) -> Complex[Array, " n"]:
        """The exact solution at t = 0."""
        return self.exact(x, jnp.zeros_like(medium.length), medium)

    @abc.abstractmethod
    def exact(
        self, x: Float[Array, " n"], t: Float[Array, ""], medium: Medium
    ) -> Complex[Array, " n"]:
        """psi at time t."""
