"""Interacting active particles, overdamped: the solver."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, Literal, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from physent.numerics.derivatives import root
from physent.numerics.neighbors import NeighborList, enough
from physent.numerics.space import Space
from physent.protocol.parameters import (
    as_number,
    as_step,
    choice,
    known,
    member_axes,
    one_of,
    param,
    require_one_member,
    static,
)
from physent.protocol.stochastic import StochasticSolver
from physent.protocol.variables import Domain, Variable
from physent.solvers.checks import each_member, on_host, refuse

from . import time_step
from .pair_force import PAIR_FORCES, CustomForce, PairForce
from .pairs import Pairs, over
from .propulsion import PROPULSIONS, Brownian, OrnsteinUhlenbeck, Propulsion, RunAndTumble
from .start import STARTS, GivenParticles, Start
from .state import ActiveMatterState, domain, variables


class ActiveMatter(StochasticSolver[ActiveMatterState]):
    """Active particles that repel each other, in one, two or three dimensions.

    dx_i = [v0 g_i + sum_j f(r_ij) (x_i - x_j)/r_ij - A x_i] dt + sqrt(2 eps) dW,  g_i by the
    `propulsion`.

    The box is [-length/2, length/2)^d, periodic or open; without a `length` it is that of discs of
    radius 1 at the `packing_fraction`. The propulsion is advanced over any dt (see its class).
    `euler_maruyama` moves x by the drift at the beginning of the step (weak order 1).
    `adams_bashforth` extrapolates the force from the last two steps, (3 F_n - F_(n-1))/2, and takes
    the mean of g at both ends: weak order 2, measured, for one evaluation of the force. `splitting`
    is half a step of g, a Heun step of x, half a step of g: weak order 2 for two. Forces come from
    a Verlet list that is renewed when a particle has moved by half the `skin`; the engine makes a
    full one larger, with nothing lost. A run ends where a diverging pair force moves a particle
    beyond its reach in one step; overlaps of a random start are pushed apart. (N. M. Boffi, E.
    Vanden-Eijnden, PNAS 121, e2318106121, 2024; AOUP: E. Fodor et al., PRL 117, 038103, 2016.)
    """

    auxiliary = ("t", "neighbors", "leap")
    particles: int = static(64, ge=1, doc="number of particles N")
    dimension: Literal[1, 2, 3] = static(2, doc="d, dimensions of space")
    boundary: Literal["periodic", "open"] = static("periodic", doc="boundary condition of the box")
    packing_fraction: Array = param(
        default=0.5,
        converter=as_number,
        gt=0,
        doc="phi, volume of balls of radius 1 over that of the box",
    )
    length: Array | None = param(
        default=None,
        converter=as_number,
        gt=0,
        doc="edge of the box (default: from the packing fraction)",
        units="length",
    )
    speed: Array = param(
        default=0.025,
        converter=as_number,
        ge=0,
        doc="v0, speed of self-propulsion",
        units="length/time",
    )
    propulsion: Propulsion = choice(
        converter=one_of(PROPULSIONS),
        default="ornstein_uhlenbeck",
        doc="stochastic process of the self-propulsion g",
    )
    force: PairForce = choice(
        converter=one_of(PAIR_FORCES, law=CustomForce),
        default="softplus",
        doc="force between pairs",
    )
    trap: Array = param(
        default=0.0,
        converter=as_number,
        ge=0,
        doc="A, stiffness of a harmonic trap at the origin",
        units="1/time",
    )
    diffusivity: Array | None = param(
        default=None,
        converter=as_number,
        ge=0,
        doc="eps, diffusivity of the translational noise (default: none)",
        units="length^2/time",
    )
    dt: Array = param(
        default=0.01, converter=as_step, gt=0, doc="time step, or 'auto'", units="time"
    )
    method: Literal["euler_maruyama", "adams_bashforth", "splitting"] = static(
        "euler_maruyama", doc="time stepping method"
    )
    initial: Start = choice(
        converter=one_of(STARTS, given=GivenParticles),
        default="random",
        doc="positions at t = 0; g starts from its stationary distribution, or as given",
    )
    skin: Array = param(
        default=0.6,
        converter=as_number,
        gt=0,
        doc="margin of the neighbour list; affects speed only",
        units="length",
    )
    neighbors: int = static(24, ge=1, doc="initial slots of the neighbour list; N - 1: all pairs")

    def __check_init__(self):
        """Reject inconsistent combinations."""
        refuse(
            self.dimension == 1 and isinstance(self.propulsion, Brownian),
            "propulsion",
            "given 'brownian', which needs 2 or 3 dimensions; allowed in one dimension: the others",
        )
        directed = isinstance(self.propulsion, Brownian | RunAndTumble)
        self.initial.check((self.particles, self.dimension), directed)
        self.force.check()
        here = on_host(self)
        # a particle in a trap has a place, not one of many images
        refuse(
            self.boundary == "periodic" and here.trap > 0,
            "boundary",
            "given 'periodic' with a trap, allowed: 'open'",
        )
        if self.boundary == "periodic" and known(*jax.tree.leaves(self)):
            # farther images than the nearest would push, too, and the force jumps where the nearest
            # changes
            with jax.ensure_compile_time_eval():
                length, needed = on_host((here._length(), 2 * here.force.reach()))
            refuse(
                length < needed,
                "length",
                f"the box of edge {np.min(length):.4g} is smaller than twice the reach of the "
                f"force, {np.max(needed):.4g}: use more particles, or a longer box",
            )

    def init(self, key: PRNGKeyArray) -> ActiveMatterState:
        """Particles where `initial` says, with stationary propulsions unless it says those, too."""
        require_one_member(self)
        key, place, direct = jax.random.split(key, 3)
        shape = (self.particles, self.dimension)
        position, g = self.initial(place, shape, self._length(), self.dt.dtype)
        if self.initial.overlaps and self.force.diverges:
            position = self._pairs.relaxed(position, self.dt)
        if g is None:
            g = self.propulsion.start(direct, shape, self.dt.dtype)
        return self._start(key, position, g)

    def step(self, state: ActiveMatterState) -> ActiveMatterState:
        """The state after one time step dt."""
        key, turn, kick = jax.random.split(state.key, 3)
        noise = None
        if self.diffusivity is not None:
            noise = jax.random.normal(kick, state.position.shape, self.dt.dtype)
            noise = jnp.sqrt(2 * self.diffusivity * self.dt) * noise
        g, x, neighbors = state.propulsion, state.position, state.neighbors
        pairs = self._pairs
        pull = self._pull(x, neighbors)
        leap = jnp.maximum(state.leap, pairs.leap(pull + self.trap * x, self.dt))
        if self.method == "euler_maruyama":
            move = self._move(self.dt * (self.speed * g + pull), noise)
            g = self.propulsion.advance(g, self.dt, turn)
        elif self.method == "adams_bashforth":
            assert state.previous is not None
            later = self.propulsion.advance(g, self.dt, turn)
            velocity = self.speed * (g + later) / 2 + (3 * pull - state.previous) / 2
            move, g = self._move(self.dt * velocity, noise), later
        else:
            turn, turn_again = jax.random.split(turn)
            g = self.propulsion.advance(g, self.dt / 2, turn)
            velocity = self.speed * g + pull
            there, _ = pairs.space.shift(x, self._move(self.dt * velocity, noise))
            neighbors = pairs.renewed(neighbors, there)
            velocity = (velocity + self._velocity(there, g, neighbors)) / 2
            move = self._move(self.dt * velocity, noise)
            g = self.propulsion.advance(g, self.dt / 2, turn_again)
        position, rounds = pairs.space.shift(x, move)
        return ActiveMatterState(
            t=state.t + self.dt,
            key=key,
            position=position,
            rounds=state.rounds + rounds,
            propulsion=g,
            neighbors=pairs.renewed(neighbors, position),
            leap=leap,
            previous=pull if self.method == "adams_bashforth" else None,
        )

    def observe(self, state: ActiveMatterState) -> dict[str, Array]:
        """Positions, propulsions, velocities without noise, and pair forces; mean speed, and
        pressures in a periodic box.

        Pressures are sum_(i<j) r f/(d V), and that of swimming tau sum_i v0 g_i . v_i/(d V), tau
        the persistence time.
        """
        x, neighbors = state.position, state.neighbors
        velocity = self._velocity(x, state.propulsion, neighbors)
        observed = {
            "position": x,
            "unwrapped": x + state.rounds.astype(self.dt.dtype) * self._length(),
            "propulsion": state.propulsion,
            "force": self._pairs.forces(x, neighbors),
            "velocity": velocity,
            "mean_speed": jnp.mean(root(jnp.sum(velocity**2, axis=1))),
        }
        if self.boundary == "periodic":
            share = 1 / (self.dimension * self._length() ** self.dimension)
            tau = self.propulsion.persistence(self.dimension)
            virial = self._pairs.over(lambda r2: r2 * self.force.over_distance(r2), x, neighbors)
            observed["interaction_pressure"] = share * jnp.sum(virial) / 2
            swim = self.speed * tau * jnp.sum(state.propulsion * velocity)
            observed["swim_pressure"] = share * swim
        return observed

    def variables(self) -> dict[str, Variable]:
        """Vectors of each particle, and series."""
        return variables(self.dimension, self.boundary == "periodic")

    def domain(self) -> Domain:
        """One axis per dimension, without grid points."""
        return domain(self.dimension, self._length(), self.boundary == "periodic")

    def drift(self, state: ActiveMatterState) -> dict[str, Array]:
        """The velocity, and for Ornstein-Uhlenbeck propulsion -gamma g."""
        return self._stochastic(
            self._velocity(state.position, state.propulsion, state.neighbors),
            self.propulsion.langevin(state.propulsion)[0],
        )

    def diffusion(self, state: ActiveMatterState) -> dict[str, Array]:
        """eps, and for Ornstein-Uhlenbeck propulsion gamma."""
        eps = jnp.zeros_like(self.dt) if self.diffusivity is None else self.diffusivity
        return self._stochastic(eps, self.propulsion.langevin(state.propulsion)[1])

    def parity(self) -> dict[str, int]:
        """Both even: g is the heading of a particle, which time reversal does not change."""
        return self._stochastic(1, 1)

    def other_noise(self) -> dict[str, Literal["diffuses", "jumps"]]:
        """The propulsion if it is a direction, not an Ornstein-Uhlenbeck process."""
        if "propulsion" in self.parity():
            return {}
        return {"propulsion": "jumps" if self.propulsion.jumps else "diffuses"}

    def divergence(self, state: ActiveMatterState) -> dict[str, Array]:
        """d b/dx, for positions shared equally by the components of a particle."""
        stiffness = self._pairs.over(
            lambda r2: self.force.stiffness(r2, self.dimension), state.position, state.neighbors
        )
        return self._stochastic(
            jnp.broadcast_to(stiffness[:, None] / self.dimension - self.trap, state.position.shape),
            self.propulsion.langevin(state.propulsion)[2],
        )

    def confined(self) -> Array:
        """Whether there is a trap."""
        return self.trap > 0

    def at(self, values: Mapping[str, Array], key: PRNGKeyArray | None = None) -> ActiveMatterState:
        """The state with these positions and, for Ornstein-Uhlenbeck propulsion, propulsions, with
        a new neighbour list.

        Positions are taken back into the box; other propulsions are drawn from their stationary
        distribution.
        """
        onward, direct = jax.random.split(jax.random.key(0) if key is None else key)
        position = values["position"]
        if "propulsion" in self.parity():
            return self._start(onward, position, values["propulsion"])
        return self._start(
            onward, position, self.propulsion.start(direct, position.shape, position.dtype)
        )

    def reference_score(self, state: ActiveMatterState) -> dict[str, Array]:
        """The score of the equilibrium at v0 = 0: pair and trap forces over eps, and -g; 0 for x
        where eps = 0.
        """
        pull = self._pull(state.position, state.neighbors)
        return self._stochastic(over(pull, self.diffusivity), -state.propulsion)

    def reference_divergence(self, state: ActiveMatterState) -> dict[str, Array]:
        """The divergence of the forces over eps, and -1."""
        return self._stochastic(
            over(self.divergence(state)["position"], self.diffusivity),
            jnp.full_like(state.propulsion, -1),
        )

    def members_in_turn(self) -> bool:
        """True if there are neighbour lists to renew."""
        return self._slots() < self.particles - 1

    def error(self, state: ActiveMatterState) -> Int[Array, ""]:
        """1 when the neighbour list ran out of slots, 2 when a pair force moved a particle farther
        than it reaches.
        """
        return state.neighbors.overflow() + 2 * (state.leap > 1).astype(int)

    def fatal(self, error: int) -> str | None:
        """Steps too long for the forces, unless a neighbour list was too short, which growing may
        fix.
        """
        words = "a pair force moved a particle farther than its reach in one step: dt is too large"
        return f"{words} for it" if error == 2 else None

    def grow(self, state: ActiveMatterState) -> tuple[Self, ActiveMatterState]:
        """The required number of slots with a margin; at least 1.5 times as many as before."""
        slots = max(
            enough(state.neighbors, self.particles), min(self.particles - 1, self._slots() * 3 // 2)
        )
        larger = dataclasses.replace(self, neighbors=slots)
        find = eqx.filter_jit(lambda solver, position: solver._pairs.found(position))
        if state.position.ndim > 2:
            find = eqx.filter_vmap(find, in_axes=(member_axes(larger), 0))
        # made here: the next step asks for forces before it asks whether the list serves
        return larger, dataclasses.replace(state, neighbors=find(larger, state.position))

    def longest_dt(self) -> Array:
        """A share of the stability limit of the forces; see `time_step`."""
        return each_member(time_step.longest, self)

    def doubtful_dt(self) -> str | None:
        """Whether the step is beyond the stability limit of the forces."""
        return time_step.doubt(self)

    def split(self, devices: int) -> dict[str, int]:
        """Particles are distributed over devices; all positions are gathered to compute forces."""
        refuse(
            self.particles % devices,
            "particles",
            f"{self.particles} particles cannot be divided evenly among {devices} devices",
        )
        cut = ["position", "rounds", "propulsion", "neighbors.reference"]
        cut += ["previous"] if self.method == "adams_bashforth" else []
        return dict.fromkeys(cut, 0) | {"neighbors.slots": 1}

    # ----------------------------------------------------------------------------------------------
    # parts

    def _start(
        self, key: PRNGKeyArray, position: Float[Array, "n d"], g: Float[Array, "n d"]
    ) -> ActiveMatterState:
        """The state at t = 0 with particles at these positions, wrapped into the box."""
        position, rounds = self._space().shift(position, jnp.zeros_like(position))
        neighbors = self._pairs.found(position)
        return ActiveMatterState(
            t=jnp.zeros_like(self.dt),
            key=key,
            position=position,
            rounds=jnp.zeros_like(rounds),
            propulsion=g,
            neighbors=neighbors,
            leap=jnp.zeros_like(self.dt),
            # the first step of adams_bashforth is one of Euler
            previous=self._pull(position, neighbors) if self.method == "adams_bashforth" else None,
        )

    def _stochastic(self, of_position: Any, of_propulsion: Any) -> dict[str, Any]:
        """The values of stochastic variables by name; an Ornstein-Uhlenbeck g is one of them."""
        if isinstance(self.propulsion, OrnsteinUhlenbeck):
            return {"position": of_position, "propulsion": of_propulsion}
        return {"position": of_position}

    def _length(self) -> Float[Array, ""]:
        if self.length is not None:
            return self.length
        ball = {1: 2.0, 2: math.pi, 3: 4 * math.pi / 3}[self.dimension]
        return (self.particles * ball / self.packing_fraction) ** (1 / self.dimension)

    def _space(self) -> Space:
        if self.boundary == "open":
            return Space.free(self.dimension, self.dt.dtype)
        return Space.torus(jnp.stack([self._length()] * self.dimension))

    @property
    def _pairs(self) -> Pairs:
        reach = self.force.reach().astype(self.dt.dtype)
        return Pairs(self.force, reach, self._space(), self.skin, self._slots())

    def _slots(self) -> int:
        return min(self.neighbors, max(1, self.particles - 1))

    def _move(self, drift: Array, noise: Array | None) -> Float[Array, "n d"]:
        return drift if noise is None else drift + noise

    def _velocity(self, position: Array, g: Array, neighbors: NeighborList) -> Float[Array, "n d"]:
        return self.speed * g + self._pull(position, neighbors)

    def _pull(self, position: Float[Array, "n d"], neighbors: NeighborList) -> Float[Array, "n d"]:
        """The position-dependent drift: pair forces and trap."""
        return self._pairs.forces(position, neighbors) - self.trap * position
