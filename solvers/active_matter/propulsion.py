"""Stochastic processes of the self-propulsion, advanced over any time independently of the
positions.
"""

import abc
from typing import ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from physent.numerics.derivatives import root
from physent.protocol.parameters import (
    Declared,
    as_number,
    param,
)


class Propulsion(Declared):
    """The self-propulsion g of each particle, (N, d), which moves it with the velocity v0 g.

    `jumps` says whether it does, or else diffuses.
    """

    jumps: ClassVar[bool] = False

    def start(self, key: PRNGKeyArray, shape: tuple[int, ...], dtype) -> Float[Array, "n d"]:
        """A draw from the stationary distribution: of unit vectors, uniform over directions."""
        return _directions(key, shape, dtype)

    @abc.abstractmethod
    def advance(
        self, g: Float[Array, "n d"], time: Float[Array, ""], key: PRNGKeyArray
    ) -> Float[Array, "n d"]:
        """g after a given time."""

    @abc.abstractmethod
    def persistence(self, dimension: int) -> Float[Array, ""]:
        """The correlation time of g."""

    def langevin(self, g: Float[Array, "n d"]) -> tuple[Array | None, Array | None, Array | None]:
        """Drift, diffusion coefficient and the drift's derivative if dg = b dt + sqrt(2 D) dW with
        constant D; None for other processes.
        """
        return None, None, None


class OrnsteinUhlenbeck(Propulsion):
    """AOUP: dg = -gamma g dt + sqrt(2 gamma) dW, of unit variance in every component."""

    rate: Array = param(
        default=0.1,
        converter=as_number,
        gt=0,
        doc="gamma, inverse persistence time",
        units="1/time",
    )

    def start(self, key: PRNGKeyArray, shape: tuple[int, ...], dtype) -> Float[Array, "n d"]:
        """Standard normal."""
        return jax.random.normal(key, shape, dtype)

    def advance(
        self, g: Float[Array, "n d"], time: Float[Array, ""], key: PRNGKeyArray
    ) -> Float[Array, "n d"]:
        """g e^{-gamma t} + sqrt(1 - e^{-2 gamma t}) xi."""
        spread = jnp.sqrt(-jnp.expm1(-2 * self.rate * time))
        return g * jnp.exp(-self.rate * time) + spread * jax.random.normal(key, g.shape, g.dtype)

    def persistence(self, dimension: int) -> Float[Array, ""]:
        """1/gamma."""
        return 1 / self.rate

    def langevin(self, g: Float[Array, "n d"]) -> tuple[Array, Array, Array]:
        """-gamma g, gamma, -gamma."""
        return -self.rate * g, self.rate, jnp.full_like(g, -1) * self.rate


class Brownian(Propulsion):
    """ABP: g is a unit vector that diffuses on the circle or the sphere with the coefficient
    D_r.
    """

    rotational_diffusivity: Array = param(
        default=1.0, converter=as_number, ge=0, doc="D_r; 0: g stays", units="1/time"
    )

    def advance(
        self, g: Float[Array, "n d"], time: Float[Array, ""], key: PRNGKeyArray
    ) -> Float[Array, "n d"]:
        """Exact on the circle; on the sphere exact for the mean and the correlation of g at every
        t.

        There g turns by an angle with cos = 2 u^tanh(D_r t) - 1, u uniform, in a uniform direction:
        E cos is e^(-2 D_r t), the law is that of diffusion for short times and the uniform one for
        long times. In between its higher moments are not those of diffusion.
        """
        turned = self.rotational_diffusivity * time
        if g.shape[1] == 2:
            angle = root(2 * turned) * jax.random.normal(key, g.shape[:1], g.dtype)
            cosine, sine = jnp.cos(angle), jnp.sin(angle)
            return _unit(
                jnp.stack(
                    [cosine * g[:, 0] - sine * g[:, 1], sine * g[:, 0] + cosine * g[:, 1]], axis=1
                )
            )
        far, where = jax.random.split(key)
        exponent = -jnp.tanh(turned) * jax.random.exponential(far, (g.shape[0], 1), g.dtype)
        near, rest = jnp.exp(exponent), -jnp.expm1(exponent)  # cos^2 and sin^2 of half the angle
        across = jax.random.normal(where, g.shape, g.dtype)
        across = _unit(across - jnp.sum(across * g, axis=1, keepdims=True) * g)
        return _unit((near - rest) * g + 2 * jnp.sqrt(near * rest) * across)

    def persistence(self, dimension: int) -> Float[Array, ""]:
        """1/((d - 1) D_r)."""
        return 1 / ((dimension - 1) * self.rotational_diffusivity)


class RunAndTumble(Propulsion):
    """g is a unit vector that is redrawn uniformly at the times of a Poisson process."""

    jumps: ClassVar[bool] = True

    tumble_rate: Array = param(
        default=1.0, converter=as_number, gt=0, doc="tumbles per unit time", units="1/time"
    )

    def advance(
        self, g: Float[Array, "n d"], time: Float[Array, ""], key: PRNGKeyArray
    ) -> Float[Array, "n d"]:
        """A new direction with the probability 1 - e^{-rate t}."""
        when, where = jax.random.split(key)
        tumbles = jax.random.uniform(when, (g.shape[0], 1), g.dtype) < -jnp.expm1(
            -self.tumble_rate * time
        )
        return jnp.where(tumbles, _directions(where, g.shape, g.dtype), g)

    def persistence(self, dimension: int) -> Float[Array, ""]:
        """1/rate."""
        return 1 / self.tumble_rate


def _unit(g: Float[Array, "n d"]) -> Float[Array, "n d"]:
    return g * jax.lax.rsqrt(jnp.sum(g**2, axis=1, keepdims=True))


def _directions(key: PRNGKeyArray, shape: tuple[int, ...], dtype) -> Float[Array, "n d"]:
    if shape[1] == 1:
        return jax.random.rademacher(key, shape).astype(dtype)
    return _unit(jax.random.normal(key, shape, dtype))


PROPULSIONS: dict[str, type[Propulsion]] = {
    "ornstein_uhlenbeck": OrnsteinUhlenbeck,
    "brownian": Brownian,
    "run_and_tumble": RunAndTumble,
}
