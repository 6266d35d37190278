"""Small solvers for the tests of the machinery; they know no physics worth the name."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from physent import Axis, Diagnostic, Domain, Solver, State, Variable, as_number, param, static


class HeatState(State):
    t: Array
    u: Array
    key: Array


class Heat(Solver[HeatState]):
    """A noisy heat equation on a ring, u_t = nu u_xx + growth u^3 + noise."""

    n: int = static(32, doc="grid points", ge=4)
    nu: Array = param(default=0.1, converter=as_number, doc="diffusivity", ge=0)
    growth: Array = param(
        default=0.0, converter=as_number, doc="growth rate; blows up in finite time"
    )
    noise: Array = param(default=0.01, converter=as_number, doc="noise per step", ge=0)
    length: Array = param(default=6.0, converter=as_number, doc="length of the ring", gt=0)
    dt: Array = param(default=0.01, converter=as_number, doc="time step", gt=0)

    def init(self, key):
        x = jnp.arange(self.n) * (2 * jnp.pi / self.n)
        return HeatState(t=jnp.zeros(()), u=1 + 0.5 * jnp.cos(x), key=key)

    def step(self, state):
        k = 2 * jnp.pi * jnp.fft.rfftfreq(self.n, 1 / self.n) / self.length
        key, now = jax.random.split(state.key)
        u = jnp.fft.irfft(jnp.exp(-self.nu * k**2 * self.dt) * jnp.fft.rfft(state.u), self.n)
        u = u + self.dt * self.growth * u**3 + self.noise * jax.random.normal(now, (self.n,))
        return HeatState(t=state.t + self.dt, u=u, key=key)

    def observe(self, state):
        return {"u": state.u, "z": jax.lax.complex(state.u, 2 * state.u), "mean": jnp.mean(state.u)}

    def variables(self):
        return {
            "u": Variable(("x",), "density", "1", "temperature"),
            "z": Variable(("x",), "amplitude", "1", "complex temperature"),
            "mean": Variable((), "scalar", "1", "mean temperature"),
        }

    def domain(self):
        x = jnp.arange(self.n) * (self.length / self.n)
        return Domain((Axis("x", x, self.length, periodic=True, long_name="position"),))

    def invariants(self, state):
        return {"mass": jnp.mean(state.u)}


class WalkState(State):
    t: Array
    key: Array
    x: Array
    seen: Array
    overflow: Array


class Walk(Solver[WalkState]):
    """A random walk that must remember its last |x| positions in a buffer: far out, the buffer
    overflows.
    """

    capacity: int = static(2, doc="buffer length", ge=1)
    dt: Array = param(default=1.0, converter=as_number, doc="time step", gt=0)

    def init(self, key):
        return WalkState(
            jnp.zeros(()), key, jnp.zeros(()), jnp.zeros(self.capacity), jnp.zeros((), int)
        )

    def step(self, state):
        key, now = jax.random.split(state.key)
        x = state.x + jax.random.normal(now)
        seen = jnp.roll(state.seen, 1).at[0].set(x)
        overflow = state.overflow | (jnp.abs(x) > self.capacity).astype(int)
        # a true overflow loses what did not fit: the walk itself goes wrong
        return WalkState(state.t + self.dt, key, jnp.where(overflow == 1, 0.0, x), seen, overflow)

    def observe(self, state):
        return {"x": state.x}

    def variables(self):
        return {"x": Variable((), "position", "1", "position")}

    def domain(self):
        return Domain(())

    def error(self, state):
        return state.overflow

    def grow(self, state):
        larger = Walk(capacity=2 * self.capacity, dt=self.dt)
        seen = jnp.zeros(2 * self.capacity).at[: self.capacity].set(state.seen)
        return larger, eqx.tree_at(lambda state: state.seen, state, seen)


class GasState(State):
    t: Array
    position: Array


class Gas(Solver[GasState]):
    """Free particles over a mixture that lies still in a box: particles and a field on two axes."""

    particles: int = static(16, doc="number of particles", ge=4)
    n: int = static(8, doc="grid points an axis", ge=2)
    dt: Array = param(default=0.1, converter=as_number, doc="time step", gt=0)

    def init(self, key):
        return GasState(jnp.zeros(()), jax.random.uniform(key, (self.particles, 2)))

    def step(self, state):
        return GasState(state.t + self.dt, state.position + 0.1 * self.dt)

    def observe(self, state):
        z = (jnp.arange(self.n) + 0.5) / self.n
        return {
            "position": state.position,
            "mixture": 1.5 - jnp.tile(z, (self.n, 1)) * jnp.cos(state.t),
        }

    def variables(self):
        return {
            "position": Variable(("particle", "component"), "position", "1", "position"),
            "mixture": Variable(("x", "z"), "density", "1", "density of the mixture"),
        }

    def domain(self):
        points = (jnp.arange(self.n) + 0.5) / self.n
        return Domain(
            (Axis("x", points, jnp.ones(()), periodic=True), Axis("z", points, jnp.ones(())))
        )


class Blink(Diagnostic[tuple[()]]):
    """The time, but for a while, when it is not a number."""

    begin: float = static(doc="not finite from here", example=0.1)
    end: float = static(doc="to here", example=0.2)
    name: str | None = static(None, doc="name of the output variable")

    def variables(self, observed):
        return {self.name or "blink": Variable((), "scalar", "1", "time")}

    def init(self, observed):
        return ()

    def __call__(self, carry, observed):
        blind = (observed.t > self.begin) & (observed.t < self.end)
        return carry, {self.name or "blink": jnp.where(blind, jnp.nan, observed.t)}
