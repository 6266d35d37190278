"""The model of Vicsek et al.: the solver."""

from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from physent.numerics.nearby import sum_over_nearest, sum_within
from physent.numerics.space import Space
from physent.protocol.parameters import (
    as_number,
    choice,
    one_of,
    param,
    require_one_member,
    static,
)
from physent.protocol.solver import Solver, State
from physent.protocol.variables import Axis, Domain, Variable
from physent.solvers.checks import refuse

from .noise import NoiseModel, decided
from .start import STARTS, GivenFlock, Start


class VicsekState(State):
    """Positions in [0, length)^d and headings of length 1 at time t, and the key of later noise."""

    t: Float[Array, ""]
    position: Float[Array, "n d"]
    heading: Float[Array, "n d"]
    key: PRNGKeyArray


class Vicsek(Solver[VicsekState]):
    """Birds of one speed in a periodic box that take the mean direction of their neighbours, but
    for some noise.

    heading_i = N(sum of heading_j over |x_j - x_i| < radius, i among them), then
    x_i += speed dt heading_i (T. Vicsek et al., Phys. Rev. Lett. 75, 1226, 1995). The noise N turns
    the mean direction (`noise_model = "scalar"`), or adds a random vector to the sum ("vector":
    G. Gregoire, H. Chate, Phys. Rev. Lett. 92, 025702, 2004), each bird its own; at noise 1 there
    is no order in either. `neighbours = "topological"` sums over the `count` nearest and the bird
    itself, at whatever distance (M. Ballerini et al., PNAS 105, 1232, 2008).

    With `moves = "before"` a bird moves along the heading that it had, as in the first paper;
    "after" is what most have done since. The package manuk-kepudang is `dimensions = 3` and
    `noise_model = "unit_vector"`.
    """

    n: int = static(1024, ge=2, doc="number of birds")
    dimensions: Literal[2, 3] = static(2, doc="dimensions of space")
    length: Array = param(
        default=32.0, converter=as_number, gt=0, doc="side of the periodic box", units="length"
    )
    dt: Array = param(
        default=1.0, converter=as_number, gt=0, doc="time between two decisions", units="time"
    )
    speed: Array = param(
        default=0.5, converter=as_number, ge=0, doc="speed of the birds", units="length/time"
    )
    radius: Array = param(
        default=1.0, converter=as_number, gt=0, doc="distance of metric neighbours", units="length"
    )
    neighbours: Literal["metric", "topological"] = static(
        "metric", doc="all within the radius, or the nearest ones"
    )
    count: int = static(6, ge=1, doc="number of topological neighbours")
    noise: Array = param(
        default=0.2, converter=as_number, ge=0, doc="noise of a decision, 1 for no order"
    )
    noise_model: NoiseModel = static(
        "scalar", doc="turn the direction, or add a vector to the sum, or to its unit vector"
    )
    moves: Literal["after", "before"] = static(
        "after", doc="whether birds move after their decision or before"
    )
    initial: Start = choice(
        converter=one_of(STARTS, given=GivenFlock), default="random", doc="the flock at t = 0"
    )

    def __check_init__(self):
        """Reject more neighbours than birds, noise beyond isotropy, and starts that do not fit."""
        words = f"given {self.count}, allowed: at most n - 1 = {self.n - 1}"
        refuse(self.neighbours == "topological" and self.count >= self.n, "count", words)
        if self.noise_model == "scalar":
            refuse(
                self.noise > 1, "noise", "given more than 1, allowed with 'scalar' noise: 0 to 1"
            )
        self.initial.check((self.n, self.dimensions))

    def doubtful_dt(self) -> str | None:
        """Whether a bird flies past its metric neighbours in one step.

        There is no `longest_dt`: a step is a decision, and a shorter one another system.
        """
        stride, radius = np.asarray(self.dt * self.speed), np.asarray(self.radius)
        if self.neighbours != "metric" or not np.any(stride > radius):
            return None
        words = f"given {np.max(np.asarray(self.dt)):.6g}, in which a bird flies"
        return f"{words} {np.max(stride):.4g}, farther than the radius {np.min(radius):.4g}"

    def init(self, key: PRNGKeyArray) -> VicsekState:
        """The start at t = 0."""
        require_one_member(self)
        start, noise = jax.random.split(key)
        shape = self.n, self.dimensions
        position, heading = self.initial(start, shape, self.length, self.speed.dtype)
        return VicsekState(jnp.zeros_like(self.dt), self._wrapped(position), heading, noise)

    def step(self, state: VicsekState) -> VicsekState:
        """The flock after one decision of every bird, all at once, and one flight."""
        key, now = jax.random.split(state.key)
        before = state.heading.T
        total, count = self._sums(state.position, before)
        heading = decided(total, count, before, self.noise, self.noise_model, now).T
        along = heading if self.moves == "after" else state.heading
        position = self._wrapped(state.position + self.dt * self.speed * along)
        return VicsekState(state.t + self.dt, position, heading, key)

    def observe(self, state: VicsekState) -> dict[str, Array]:
        """Positions, headings, and the order parameter."""
        return {
            "position": state.position,
            "heading": state.heading,
            "polarization": jnp.linalg.norm(jnp.mean(state.heading, axis=0)),
        }

    def variables(self) -> dict[str, Variable]:
        """Two lists over birds and components, and a series."""
        each = ("bird", "component")
        return {
            "position": Variable(each, "position", "length", "position"),
            "heading": Variable(each, "heading", "1", "unit vector along the velocity"),
            "polarization": Variable((), "order", "1", "length of the mean heading"),
        }

    def domain(self) -> Domain:
        """The axes x, y and z, without grid points."""
        names = "xyz"[: self.dimensions]
        return Domain(tuple(Axis(name, None, self.length, True, units="length") for name in names))

    # ----------------------------------------------------------------------------------------------
    # parts

    def _sums(
        self, position: Float[Array, "n d"], heading: Float[Array, "d n"]
    ) -> tuple[Float[Array, "d n"], Float[Array, " n"]]:
        """The sums of the headings of the neighbours of each bird, and how many they are."""
        space = Space.torus(jnp.full(self.dimensions, self.length))
        centred = position - self.length / 2
        if self.neighbours == "topological":
            total = sum_over_nearest(centred, heading, space, self.count)
            return total, jnp.full(self.n, self.count + 1, heading.dtype)
        if self.noise_model != "vector":
            return sum_within(centred, heading, space, self.radius), jnp.ones_like(heading[0])
        both = jnp.concatenate([heading, jnp.ones_like(heading[:1])])
        sums = sum_within(centred, both, space, self.radius)
        return sums[:-1], sums[-1]

    def _wrapped(self, position: Float[Array, "n d"]) -> Float[Array, "n d"]:
        # the remainder of a small negative number may round to the length itself
        inside = jnp.mod(position, self.length)
        return jnp.where(inside < self.length, inside, 0)
