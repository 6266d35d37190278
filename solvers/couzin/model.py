"""The zones of Couzin et al.: the solver."""

import dataclasses
from collections.abc import Callable
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from physent.entropy import from_centre
from physent.numerics.space import Space
from physent.numerics.tiles import Tiling, over_tiles, renew_tiling, tile, tile_count
from physent.protocol.parameters import (
    as_number,
    choice,
    declarations,
    one_of,
    param,
    require_one_member,
    static,
)
from physent.protocol.solver import Solver, State
from physent.protocol.variables import Axis, Domain, Variable
from physent.solvers.checks import require_length

from . import order
from .initial import FromFile, GivenSchool, Initial, RandomBall, RandomBox, Ring
from .schedule import SCHEDULES, Constant, CustomSchedule, Schedule
from .social import Combine, Fish, social, squares, ways, wish
from .turning import deflect, interpolate_towards, jostle, rotate_towards

INITIALS: dict[str, type[Initial]] = {
    "ball": RandomBall,
    "box": RandomBox,
    "ring": Ring,
    "from_file": FromFile,
}

DENSE = 400  # fish up to which all pairs are faster than tiles


class CouzinState(State):
    """Positions and headings of length 1 at time t, the random key of later noise, and the tiles of
    a large school.
    """

    t: Float[Array, ""]
    position: Float[Array, "n d"]
    heading: Float[Array, "n d"]
    key: PRNGKeyArray
    tiling: Tiling | None = None


class Couzin(Solver[CouzinState]):
    """A school of fish that repel, align and attract each other in three zones.

    A fish turns away from those in its zone of repulsion, d = -sum r_ij/|r_ij|; if there are none,
    it wants d = w d_o + d_a: along the headings in the shell of orientation, towards those in the
    shell of attraction, both sums normalised first (or not, `combine`). It turns to d by at most
    turning_rate dt, with an error, and swims on by speed dt. It does not see into a cone behind it.
    (I. D. Couzin, J. Krause, R. James, G. D. Ruxton, N. R. Franks, J. Theor. Biol. 218, 1, 2002.)

    The four states of the paper, at its other parameters, which are the defaults: swarm
    (orientation_width 0), torus (0.5 to 1), dynamic parallel (3 to 4), highly parallel (6 and
    more). With `combine = "sum"` a fish follows whichever zone is fuller, and the last two are no
    longer distinct.

    The package dewi-kadita differs: `combine = "sum"`, `turning = "interpolation"`,
    `noise_model = "vector"`, `blind_to_repulsion = true`; its max_turn is turning_rate dt.
    """

    n: int = static(100, ge=2, doc="number of fish")
    dimensions: Literal[2, 3] = static(3, doc="dimensions of space")
    length: Array | None = param(
        default=None,
        converter=as_number,
        gt=0,
        doc="side of the periodic box; default: unbounded space",
        units="length",
    )
    dt: Array = param(
        default=0.1,
        converter=as_number,
        gt=0,
        doc="time step, the reaction time of the fish",
        units="time",
    )
    speed: Array = param(
        default=3.0, converter=as_number, gt=0, doc="swimming speed", units="length/time"
    )
    repulsion_radius: Array = param(
        default=1.0,
        converter=as_number,
        ge=0,
        doc="outer radius of the zone of repulsion",
        units="length",
    )
    orientation_width: Array = param(
        default=0.75,
        converter=as_number,
        ge=0,
        doc="width of the zone of orientation around it",
        units="length",
    )
    attraction_width: Array = param(
        default=14.0,
        converter=as_number,
        ge=0,
        doc="width of the zone of attraction around that",
        units="length",
    )
    combine: Combine = static(
        "normalised", doc="whether orientation and attraction are normalised before they are added"
    )
    orientation_weight: Array = param(
        default=1.0, converter=as_number, ge=0, doc="w, weight of orientation against attraction"
    )
    blind_angle: Array = param(
        default=0.25 * np.pi,
        converter=as_number,
        ge=0,
        le=np.pi,
        doc="half the angle of the blind cone",
        units="rad",
    )
    blind_to_repulsion: bool = static(False, doc="whether the blind cone also applies to repulsion")
    turning_rate: Array = param(
        default=np.radians(40),
        converter=as_number,
        gt=0,
        doc="maximum turning angle per unit time",
        units="rad/time",
    )
    turning: Literal["rotation", "interpolation"] = static(
        "rotation",
        doc="turn by that angle along a great circle, or by that fraction of the whole angle "
        "along the chord",
    )
    noise: Array = param(
        default=0.05,
        converter=as_number,
        ge=0,
        doc="standard deviation of the noise of a step",
        units="rad",
    )
    noise_model: Literal["angular", "vector"] = static(
        "angular",
        doc="rotate the desired direction before the turn, or add a Gaussian vector after it",
    )
    schedule: Schedule = choice(
        converter=one_of(SCHEDULES, law=CustomSchedule),
        default="constant",
        doc="time dependence of orientation_width",
    )
    initial: Initial = choice(
        converter=one_of(INITIALS, given=GivenSchool), default="ball", doc="the school at t = 0"
    )
    search: Literal["auto", "dense", "tiles"] = static(
        "auto",
        doc="all pairs, or pairs of nearby tiles of fish; auto chooses by n",
    )
    tile_size: int = static(8, ge=1, doc="fish per tile; multiples of 8 are fast")
    near_tiles: int = static(192, ge=1, doc="initial slots for nearby tiles; grows when needed")
    speed_factors: Array | None = param(
        default=None,
        converter=as_number,
        ndim=1,
        gt=0,
        doc="speed of each of the n fish, relative to speed",
    )
    repulsion_factors: Array | None = param(
        default=None, converter=as_number, ndim=1, ge=0, doc="the same for repulsion_radius"
    )
    orientation_factors: Array | None = param(
        default=None, converter=as_number, ndim=1, ge=0, doc="the same for orientation_width"
    )
    attraction_factors: Array | None = param(
        default=None, converter=as_number, ndim=1, ge=0, doc="the same for attraction_width"
    )

    def __check_init__(self):
        """Reject lists that do not have n entries, and invalid initial conditions."""
        factors = [name for name in declarations(Couzin) if name.endswith("_factors")]
        require_length(self, factors, self.n, f"n = {self.n}, one per fish")
        self.initial.check((self.dimensions, self.n), self.length)
        self.schedule.check(self.orientation_width)

    def doubtful_dt(self) -> str | None:
        """Whether a fish swims through a zone of repulsion in one step.

        There is no `longest_dt`: the noise is that of a step, and a shorter one another system.
        """
        stride, zone = np.asarray(self.dt * self.speed), np.asarray(self.repulsion_radius)
        if not np.any((zone > 0) & (stride > zone)):
            return None
        words = (
            f"given {np.max(np.asarray(self.dt)):.6g}, in which a fish swims {np.max(stride):.4g}"
        )
        return f"{words}, farther than the repulsion radius {np.min(zone):.4g}"

    def init(self, key: PRNGKeyArray) -> CouzinState:
        """The initial condition at t = 0."""
        require_one_member(self)
        start, noise = jax.random.split(key)
        position, heading = self.initial(
            start, (self.dimensions, self.n), self.length, self.speed.dtype
        )
        position = self._wrapped(position)
        tiling = None
        if self._tiled():
            room = min(self.near_tiles, tile_count(self.dimensions, self.n, self.tile_size))
            tiling = tile(
                position, self._space(), self._reach(), self._skin(), self.tile_size, room
            )
        return CouzinState(jnp.zeros_like(self.dt), position.T, heading.T, noise, tiling)

    def step(self, state: CouzinState) -> CouzinState:
        """The school after one time step: all fish turn, then all move."""
        key, now = jax.random.split(state.key)
        position, heading = state.position.T, state.heading.T
        # the cosine beyond which a fish sees; without a blind cone rounding must not make one
        blind = jnp.where(self.blind_angle > 0, -jnp.cos(self.blind_angle), -2.0)
        space = self._space()
        tiling = self._renewed(state.tiling, position)  # one that has just grown is empty
        sums = _over_pairs(
            tiling,
            lambda ours, others, absent: social(
                ours, others, absent, space, blind, self.blind_to_repulsion
            ),
            self._fish(position, heading, state.t),
        )
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
        position = self._wrapped(position + step)
        # renewed here and not when it is looked at, where an overflow would be lost
        return CouzinState(
            state.t + self.dt, position.T, heading.T, key, self._renewed(tiling, position)
        )

    def observe(self, state: CouzinState) -> dict[str, Array]:
        """Positions, headings, and the order parameters."""
        position, heading = state.position.T, state.heading.T
        space, tiling = self._space(), state.tiling
        out = from_centre(state.position, self.length).T
        fish = self._fish(position, heading, state.t)

        def apart(ours: Fish, others: Fish, absent: Array | None) -> Array:
            """(others, ours), so that the results for each of ours lie along columns."""
            return squares(
                ways(others.position, ours.position, space),
                None if absent is None else absent[..., None],
            )

        def joined(ours: Fish, others: Fish, absent: Array | None) -> Array:
            reach = jnp.maximum(ours.attraction[..., None, :], others.attraction[..., :, None])
            return apart(ours, others, absent) < reach**2

        def lowest(joined: Array, label: Array) -> Array:
            return jnp.min(jnp.where(joined, label[..., :, None], self.n), axis=-2)

        together = joined(fish, fish, None) if tiling is None else None

        def smallest(label: Array) -> Array:
            if tiling is None:
                assert together is not None
                return lowest(together, label)
            return over_tiles(
                tiling, lambda a, b, absent: lowest(joined(a[0], b[0], absent), b[1]), (fish, label)
            )

        distance = jnp.sqrt(_over_pairs(tiling, lambda *pair: jnp.min(apart(*pair), axis=-2), fish))
        accompanied = distance < fish.attraction
        values = {
            "position": state.position,
            "heading": state.heading,
            "polarization": order.polarization(heading),
            "rotation": order.rotation(out, heading),
            "spread": order.spread(out),
            "neighbour_distance": jnp.sum(jnp.where(accompanied, distance, 0))
            / jnp.sum(accompanied),
            "groups": order.groups(smallest, self.n),
        }
        if not isinstance(self.schedule, Constant):
            values["orientation_width_now"] = self._orientation_width(state.t)
        return values

    def variables(self) -> dict[str, Variable]:
        """Two lists over fish and components, and series."""
        declared = {
            "position": Variable(("fish", "component"), "position", "length", "position"),
            "heading": Variable(
                ("fish", "component"), "heading", "1", "unit vector along the velocity"
            ),
            "polarization": Variable((), "order", "1", "length of the mean heading"),
            "rotation": Variable(
                (), "order", "1", "length of the mean angular momentum of unit vectors"
            ),
            "spread": Variable(
                (), "scalar", "length", "root mean square distance from the centre of mass"
            ),
            "neighbour_distance": Variable(
                (),
                "scalar",
                "length",
                "mean nearest-neighbour distance of the fish attracted by others",
                nan="no fish is attracted by another",
            ),
            "groups": Variable((), "count", "1", "groups connected by attraction"),
        }
        if not isinstance(self.schedule, Constant):
            declared["orientation_width_now"] = Variable(
                (), "parameter", "length", "width of the zone of orientation"
            )
        return declared

    def domain(self) -> Domain:
        """The axes x, y and z, without grid points."""
        return Domain(
            tuple(
                Axis(name, None, self.length, self.length is not None, units="length")
                for name in "xyz"[: self.dimensions]
            )
        )

    def members_in_turn(self) -> bool:
        """True if there are tiles to renew."""
        return self._tiled()

    def error(self, state: CouzinState) -> Array:
        """1 if there was no room for all nearby tiles of some tile."""
        return jnp.zeros((), int) if state.tiling is None else state.tiling.overflow()

    def grow(self, state: CouzinState) -> tuple["Couzin", CouzinState]:
        """Room for 1.5 times as many nearby tiles, or for the number found plus one eighth.

        The last good state need not know how many there were when there was no room.
        """
        if state.tiling is None:
            raise RuntimeError("Couzin reported an error without a tiling")
        tiles, had = state.tiling.members.shape[-2], state.tiling.capacity
        room = min(tiles, max(state.tiling.enough(), had + had // 2 + 1))
        grown = dataclasses.replace(state, tiling=state.tiling.emptied(room))
        return dataclasses.replace(self, near_tiles=room), grown

    # ----------------------------------------------------------------------------------------------
    # parts

    def _tiled(self) -> bool:
        return self.search == "tiles" or (self.search == "auto" and self.n > DENSE)

    def _reach(self) -> Float[Array, " n"]:
        """The largest interaction range of each fish at any time."""
        return self._zones(self.schedule.largest(self.orientation_width))[2]

    def _skin(self) -> Array:
        """Ten steps of the fastest fish: tiles last for five."""
        factors = self.speed_factors
        return 10 * self.dt * (self.speed if factors is None else self.speed * jnp.max(factors))

    def _renewed(self, tiling: Tiling | None, position: Float[Array, "d n"]) -> Tiling | None:
        if tiling is None:
            return None
        return renew_tiling(tiling, position, self._space(), self._reach(), self._skin())

    def _space(self) -> Space:
        if self.length is None:
            return Space.free(self.dimensions, self.speed.dtype)
        return Space.torus(jnp.full(self.dimensions, self.length))

    def _wrapped(self, position: Float[Array, "d n"]) -> Float[Array, "d n"]:
        return position if self.length is None else jnp.mod(position, self.length)

    def _orientation_width(self, t: Array) -> Array:
        return self.schedule(self.orientation_width, t + 0.5 * self.dt)

    def _zones(self, width: Array) -> tuple[Array, Array, Array]:
        """The three radii about each fish."""

        def each(value: Array, factors: Array | None) -> Array:
            return jnp.full(self.n, value) if factors is None else value * factors

        repulsion = each(self.repulsion_radius, self.repulsion_factors)
        orientation = repulsion + each(width, self.orientation_factors)
        return (
            repulsion,
            orientation,
            orientation + each(self.attraction_width, self.attraction_factors),
        )

    def _fish(self, position: Array, heading: Array, t: Array) -> Fish:
        return Fish(position, heading, *self._zones(self._orientation_width(t)))


def _over_pairs(
    tiling: Tiling | None, function: Callable[[Any, Any, Array | None], Any], values: Any
) -> Any:
    """A function of ours and others, all of them or tile by tile, for every fish."""
    return (
        function(values, values, None) if tiling is None else over_tiles(tiling, function, values)
    )
