"""A particle driven around a ring with a barrier, the simplest system with a current."""

from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from physent.numerics.products import matmul
from physent.protocol.parameters import (
    as_number,
    as_step,
    param,
    require_one_member,
    static,
)
from physent.protocol.solver import State
from physent.protocol.stochastic import StochasticSolver
from physent.protocol.variables import Axis, Domain, Variable

TURN = 2 * np.pi


class TiltedRingState(State):
    """The unwrapped angles of all walkers."""

    t: Float[Array, ""]
    key: PRNGKeyArray
    position: Float[Array, "walkers 1"]


class TiltedRing(StochasticSolver[TiltedRingState]):
    """Walkers on a ring, dx = (f + U0 sin x) dt + sqrt(2 D) dW: the potential U0 cos x, tilted by a
    force f.

    In the steady state they move with <v> = L D (1 - e^(-f L/D))/I, I = int_0^L dx int_0^L dy
    e^([V(x) - V(x - y)]/D), V = U0 cos x - f x, L = 2 pi, and produce the entropy f <v>/D. (R. L.
    Stratonovich, 1958; H. Risken, The Fokker-Planck Equation, 1989, chapter 11.) `heun` has the
    weak order 2, `euler_maruyama` 1.
    """

    walkers: int = static(1024, ge=1, doc="independent copies")
    barrier: Array = param(
        default=1.0, converter=as_number, doc="U0, half the height of the potential"
    )
    tilt: Array = param(default=1.0, converter=as_number, doc="f, driving force")
    diffusivity: Array = param(default=1.0, converter=as_number, gt=0, doc="D")
    dt: Array = param(
        default=0.02, converter=as_step, gt=0, doc="time step, or 'auto'", units="time"
    )
    method: Literal["euler_maruyama", "heun"] = static("heun", doc="time stepping method")

    def exact_velocity(self, points: int = 512) -> Float[Array, ""]:
        """<v>, by the trapezoidal rule around the ring and Gauss-Legendre quadrature along it."""
        # <v> is odd in f, and for f < 0 the integral overflows
        tilt = jnp.abs(self.tilt)
        x = jnp.arange(points, dtype=self.dt.dtype) * (TURN / points)
        nodes, weights = np.polynomial.legendre.leggauss(points)
        y = (jnp.asarray(nodes, self.dt.dtype) + 1) * jnp.pi
        there = jnp.cos(x)[:, None] - jnp.cos(x[:, None] - y[None, :])
        inner = jnp.exp((self.barrier * there - tilt * y[None, :]) / self.diffusivity)
        across = matmul(inner, jnp.asarray(weights, self.dt.dtype) * jnp.pi)
        integral = (TURN / points) * jnp.sum(across)
        velocity = TURN * self.diffusivity * -jnp.expm1(-tilt * TURN / self.diffusivity) / integral
        return jnp.sign(self.tilt) * velocity

    def exact_production(self) -> Float[Array, ""]:
        """f <v>/D of one walker."""
        return self.tilt * self.exact_velocity() / self.diffusivity

    def init(self, key: PRNGKeyArray) -> TiltedRingState:
        """Walkers spread evenly around the ring."""
        require_one_member(self)
        key, start = jax.random.split(key)
        position = jax.random.uniform(start, (self.walkers, 1), self.dt.dtype) * TURN
        return TiltedRingState(jnp.zeros_like(self.dt), key, position)

    def step(self, state: TiltedRingState) -> TiltedRingState:
        """The state after one time step dt."""
        key, now = jax.random.split(state.key)
        spread = jnp.sqrt(2 * self.diffusivity * self.dt)
        noise = spread * jax.random.normal(now, state.position.shape, state.position.dtype)
        velocity = self._velocity(state.position)
        if self.method == "heun":
            there = state.position + self.dt * velocity + noise
            velocity = (velocity + self._velocity(there)) / 2
        return TiltedRingState(state.t + self.dt, key, state.position + self.dt * velocity + noise)

    def longest_dt(self) -> Array:
        """A tenth of the time 1/(|f| + |U0| + D) in which a walker goes, falls or spreads by about
        a radian; a fortieth with `euler_maruyama`.
        """
        share = 0.1 if self.method == "heun" else 0.025
        return share / (jnp.abs(self.tilt) + jnp.abs(self.barrier) + self.diffusivity)

    def observe(self, state: TiltedRingState) -> dict[str, Array]:
        """The angle in [0, 2 pi), the unwrapped angle, and the mean drift velocity."""
        return {
            "position": jnp.mod(state.position, TURN),
            "unwrapped": state.position,
            "mean_velocity": jnp.mean(self._velocity(state.position)),
        }

    def variables(self) -> dict[str, Variable]:
        """Angles of the walkers and a series."""
        return {
            "position": Variable(
                ("walker", "component"), "position", "rad", "angle of each walker"
            ),
            "unwrapped": Variable(
                ("walker", "component"), "unwrapped_position", "rad", "unwrapped angle"
            ),
            "mean_velocity": Variable((), "speed", "rad/time", "mean drift velocity"),
        }

    def domain(self) -> Domain:
        """The ring, without grid points."""
        return Domain(
            (Axis("x", length=jnp.asarray(TURN, self.dt.dtype), periodic=True, units="rad"),)
        )

    def drift(self, state: TiltedRingState) -> dict[str, Array]:
        """f + U0 sin x."""
        return {"position": self._velocity(state.position)}

    def diffusion(self, state: TiltedRingState) -> dict[str, Array]:
        """D."""
        return {"position": self.diffusivity}

    def divergence(self, state: TiltedRingState) -> dict[str, Array]:
        """U0 cos x."""
        return {"position": self.barrier * jnp.cos(state.position)}

    def parity(self) -> dict[str, int]:
        """Even."""
        return {"position": 1}

    def independent(self) -> bool:
        """True: walkers do not interact."""
        return True

    def _velocity(self, x: Float[Array, "walkers 1"]) -> Float[Array, "walkers 1"]:
        return self.tilt + self.barrier * jnp.sin(x)
