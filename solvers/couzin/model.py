"""The zones of Couzin et al.: the solver."""

from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from physent.numerics.space import Space
from physent.parameters import ParameterError, choice, param, static
from physent.solver import Axis, Domain, Solver, State, Variable

from . import order
from .from_file import FromFile
from .initial import Initial, RandomBall, RandomBox, Ring
from .schedule import SCHEDULES, Constant, Schedule
from .social import Combine, Fish, distances, social, ways, wish
from .turning import deflect, interpolate_towards, jostle, rotate_towards

INITIALS: dict[str, type] = {"ball": RandomBall, "box": RandomBox, "ring": Ring, "from_file": FromFile}


class CouzinState(State):
    """Positions and headings of length 1 at time t, and the key of the noise to come."""

    t: Float[Array, ""]
    position: Float[Array, "n d"]
    heading: Float[Array, "n d"]
    key: PRNGKeyArray


class Couzin(Solver[CouzinState]):
    """A school of fish that keep apart, align and stay together, each by its neighbours in three zones.

    A fish turns away from those in its zone of repulsion, d = -sum r_ij/|r_ij|; if there are none, it wants
    d = w d_o + d_a: along the headings in the shell of orientation, towards those in the shell of attraction, both sums
    normalised first (or not, `combine`). It turns to d by at most turning_rate dt, with an error, and swims on by
    speed dt. It does not see into a cone behind it. (I. D. Couzin, J. Krause, R. James, G. D. Ruxton, N. R. Franks, J.
    Theor. Biol. 218, 1, 2002.)

    The four states of the paper, at its other parameters, which are the defaults: swarm (orientation_width 0), torus
    (0.5 to 1), dynamic parallel (3 to 4), highly parallel (6 and more). With `combine = "sum"` a fish follows whichever
    zone is fuller, and the last two are no longer distinct.

    The package dewi-kadita differs: `combine = "sum"`, `turning = "interpolation"`, `noise_model = "vector"`,
    `blind_to_repulsion = true`; its max_turn is turning_rate dt.
    """

    n: int = static(100, ge=2, doc="number of fish")
    dimensions: Literal[2, 3] = static(3, doc="dimensions of space")
    length: Array | None = param(None, gt=0, doc="side of the periodic box; default: unbounded space", units="length")
    dt: Array = param(0.1, gt=0, doc="time step, the reaction time of the fish", units="time")
    speed: Array = param(3.0, gt=0, doc="swimming speed", units="length/time")
    repulsion_radius: Array = param(1.0, ge=0, doc="outer radius of the zone of repulsion", units="length")
    orientation_width: Array = param(0.75, ge=0, doc="width of the zone of orientation about it", units="length")
    attraction_width: Array = param(14.0, ge=0, doc="width of the zone of attraction about that", units="length")
    combine: Combine = static(
        "normalised", doc="whether orientation and attraction are normalised before they are added"
    )
    orientation_weight: Array = param(1.0, ge=0, doc="w, weight of orientation against attraction")
    blind_angle: Array = param(0.25 * np.pi, ge=0, le=np.pi, doc="half the angle of the blind cone", units="rad")
    blind_to_repulsion: bool = static(False, doc="whether fish in the blind cone do not repel either")
    turning_rate: Array = param(np.radians(40), gt=0, doc="largest angle turned in a unit of time", units="rad/time")
    turning: Literal["rotation", "interpolation"] = static(
        "rotation", doc="by that angle along a great circle, or as far on the chord as it is of the whole angle"
    )
    noise: Array = param(0.05, ge=0, doc="standard deviation of the error of a step", units="rad")
    noise_model: Literal["angular", "vector"] = static(
        "angular", doc="the wish is rotated before the turn, or a Gaussian vector added after it"
    )
    schedule: Schedule = choice(SCHEDULES, "constant", doc="how orientation_width changes in time")
    initial: Initial = choice(INITIALS, "ball", doc="positions and headings at t = 0")
    speed_factors: Array | None = param(None, ndim=1, gt=0, doc="speed of each of the n fish over speed")
    repulsion_factors: Array | None = param(None, ndim=1, ge=0, doc="the same for repulsion_radius")
    orientation_factors: Array | None = param(None, ndim=1, ge=0, doc="the same for orientation_width")
    attraction_factors: Array | None = param(None, ndim=1, ge=0, doc="the same for attraction_width")

    def __check_init__(self):
        """Refuse lists that are not of n fish, and what the initial condition refuses."""
        for name in ("speed", "repulsion", "orientation", "attraction"):
            factors = getattr(self, f"{name}_factors")
            if factors is not None and factors.shape[-1] != self.n:
                raise ParameterError(
                    f"{name}_factors", f"given {factors.shape[-1]} numbers, allowed: n = {self.n}, one for each fish"
                )
        self.initial.check((self.dimensions, self.n), self.length)

    def init(self, key: PRNGKeyArray) -> CouzinState:
        """The initial condition at t = 0."""
        start, noise = jax.random.split(key)
        position, heading = self.initial(start, (self.dimensions, self.n), self.length, self.speed.dtype)
        return CouzinState(jnp.zeros_like(self.dt), self._wrapped(position).T, heading.T, noise)

    def step(self, state: CouzinState) -> CouzinState:
        """The school one dt later: all fish turn, then all move."""
        key, now = jax.random.split(state.key)
        position, heading = state.position.T, state.heading.T
        fish = self._fish(position, heading, state.t)
        sums = social(fish, fish, self._space(), self._blind(), self.blind_to_repulsion)
        direction = wish(sums, heading, self.combine, self.orientation_weight)
        if self.noise_model == "angular":
            direction = deflect(direction, self.noise, now)
        turn = rotate_towards if self.turning == "rotation" else interpolate_towards
        heading = turn(heading, direction, self.turning_rate * self.dt)
        if self.noise_model == "vector":
            heading = jostle(heading, self.noise, now)
        step = self.dt * self.speed * heading
        if self.speed_factors is not None:
            step = step * self.speed_factors[None, :]
        return CouzinState(state.t + self.dt, self._wrapped(position + step).T, heading.T, key)

    def observe(self, state: CouzinState) -> dict[str, Array]:
        """Positions, headings, and the order parameters."""
        position, heading = state.position.T, state.heading.T
        fish = self._fish(position, heading, state.t)
        out = order.from_centre(position, self._space())
        distance = distances(ways(position, position, self._space()))
        reach = jnp.maximum(fish.attraction[:, None], fish.attraction[None, :])
        values = {
            "position": state.position,
            "heading": state.heading,
            "polarization": order.polarization(heading),
            "rotation": order.rotation(out, heading),
            "spread": order.spread(out),
            "neighbour_distance": jnp.mean(jnp.min(distance, axis=0)),
            "groups": order.groups(distance < reach),
        }
        if not isinstance(self.schedule, Constant):
            values["orientation_width_now"] = self._orientation_width(state.t)
        return values

    def variables(self) -> dict[str, Variable]:
        """Two lists over fish and components, and series."""
        declared = {
            "position": Variable(("fish", "component"), "position", "length", "position"),
            "heading": Variable(("fish", "component"), "heading", "1", "unit vector along the velocity"),
            "polarization": Variable((), "order", "1", "length of the mean heading"),
            "rotation": Variable((), "order", "1", "length of the mean angular momentum of unit vectors"),
            "spread": Variable((), "scalar", "length", "root mean square distance from the centre of mass"),
            "neighbour_distance": Variable((), "scalar", "length", "mean distance to the nearest neighbour"),
            "groups": Variable((), "count", "1", "groups connected by attraction"),
        }
        if not isinstance(self.schedule, Constant):
            words = "width of the zone of orientation"
            declared["orientation_width_now"] = Variable((), "parameter", "length", words)
        return declared

    def domain(self) -> Domain:
        """The axes x, y and z, which hold no grid."""
        names = ("x", "y", "z")[: self.dimensions]
        periodic = self.length is not None
        return Domain(tuple(Axis(name, None, self.length, periodic, units="length") for name in names))

    # --------------------------------------------------------------------------------------------------- parts

    def _space(self) -> Space:
        if self.length is None:
            return Space.free(self.dimensions, self.speed.dtype)
        return Space.torus(jnp.full(self.dimensions, self.length))

    def _wrapped(self, position: Float[Array, "d n"]) -> Float[Array, "d n"]:
        return position if self.length is None else jnp.mod(position, self.length)

    def _orientation_width(self, t: Array) -> Array:
        return self.schedule(self.orientation_width, t + 0.5 * self.dt)

    def _fish(self, position: Array, heading: Array, t: Array) -> Fish:
        def each(value: Array, factors: Array | None) -> Array:
            return jnp.full(self.n, value) if factors is None else value * factors

        repulsion = each(self.repulsion_radius, self.repulsion_factors)
        orientation = repulsion + each(self._orientation_width(t), self.orientation_factors)
        attraction = orientation + each(self.attraction_width, self.attraction_factors)
        return Fish(position, heading, repulsion, orientation, attraction)

    def _blind(self) -> Array:
        """The cosine beyond which a fish sees; without a blind cone rounding must not make one."""
        return jnp.where(self.blind_angle > 0, -jnp.cos(self.blind_angle), -2.0)
