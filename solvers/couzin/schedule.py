"""Time dependence of the width of the zone of orientation."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from physent.protocol.parameters import (
    Declared,
    as_number,
    param,
)
from physent.solvers.checks import on_host, refuse


class Schedule(Declared):
    """The width of the zone of orientation as a function of time; constant unless a class overrides
    it.
    """

    def __call__(self, width: Float[Array, ""], t: Float[Array, ""]) -> Float[Array, ""]:
        """The width at time t, given the initial width."""
        return width

    def largest(self, width: Float[Array, ""]) -> Float[Array, ""]:
        """The largest width of the run."""
        return width

    def check(self, width: Array) -> None:
        """Raise ParameterError if the schedule does not fit the initial width."""


class Constant(Schedule):
    """The width stays constant."""


class Staircase(Schedule):
    """The width rises to `top` in steps and falls back to its initial value: the two branches of a
    hysteresis.

    It stays for `hold` on each stair, the top one included, and changes by `rise` from one to the
    next; the run takes (2 (top - width)/rise + 1) hold.
    """

    top: Array = param(default=4.5, converter=as_number, ge=0, doc="largest width", units="length")
    rise: Array = param(
        default=0.25, converter=as_number, gt=0, doc="height of a step", units="length"
    )
    hold: Array = param(
        default=200.0, converter=as_number, gt=0, doc="time on each step", units="time"
    )

    def __call__(self, width: Float[Array, ""], t: Float[Array, ""]) -> Float[Array, ""]:
        """The width at time t; evaluate it between two time steps, where rounding does not
        matter.
        """
        stairs = jnp.round((self.top - width) / self.rise)
        climbed = jnp.maximum(stairs - jnp.abs(jnp.floor(t / self.hold) - stairs), 0)
        return width + self.rise * climbed

    def largest(self, width: Float[Array, ""]) -> Float[Array, ""]:
        """The width of the top step."""
        return jnp.maximum(width, width + self.rise * jnp.round((self.top - width) / self.rise))

    def check(self, width: Array) -> None:
        """The range from the width to the top must be a whole number of steps."""
        top, rise, width = on_host((self.top, self.rise, width))
        stairs = (top - width) / rise
        refuse(
            (abs(stairs - stairs.round()) > 1e-4) | (stairs.round() < 1),
            "schedule.rise",
            f"{stairs} steps from orientation_width to top, allowed: a whole number >= 1",
        )


SCHEDULES: dict[str, type[Schedule]] = {"constant": Constant, "staircase": Staircase}
