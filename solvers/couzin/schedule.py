"""How the width of the zone of orientation changes during a run."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from physent.protocol.parameters import (
    Declared,
    as_number,
    param,
)
from physent.solvers.checks import on_host, refuse


class Schedule(Declared):
    """The width of the zone of orientation as a function of time, the same at all times unless a
    class says otherwise.
    """

    def __call__(self, width: Float[Array, ""], t: Float[Array, ""]) -> Float[Array, ""]:
        """The width at time t, from the one it starts with."""
        return width

    def largest(self, width: Float[Array, ""]) -> Float[Array, ""]:
        """The largest width there will be."""
        return width

    def check(self, width: Array) -> None:
        """Raise a ParameterError where the schedule does not fit the width it starts with."""


class Constant(Schedule):
    """The width stays what it is."""


class Staircase(Schedule):
    """The width goes up to `top` by stairs, and down again to where it began: the two branches of a
    hysteresis.

    It stays for `hold` on each stair, the top one included, and changes by `rise` from one to the
    next; the run takes (2 (top - width)/rise + 1) hold.
    """

    top: Array = param(default=4.5, converter=as_number, ge=0, doc="largest width", units="length")
    rise: Array = param(
        default=0.25, converter=as_number, gt=0, doc="difference between two stairs", units="length"
    )
    hold: Array = param(
        default=200.0, converter=as_number, gt=0, doc="time on each stair", units="time"
    )

    def __call__(self, width: Float[Array, ""], t: Float[Array, ""]) -> Float[Array, ""]:
        """The width of the stair at time t; ask between two steps, where rounding cannot decide."""
        stairs = jnp.round((self.top - width) / self.rise)
        climbed = jnp.maximum(stairs - jnp.abs(jnp.floor(t / self.hold) - stairs), 0)
        return width + self.rise * climbed

    def largest(self, width: Float[Array, ""]) -> Float[Array, ""]:
        """That of the top stair."""
        return jnp.maximum(width, width + self.rise * jnp.round((self.top - width) / self.rise))

    def check(self, width: Array) -> None:
        """From the width to the top there must be whole stairs."""
        top, rise, width = on_host((self.top, self.rise, width))
        stairs = (top - width) / rise
        refuse(
            (abs(stairs - stairs.round()) > 1e-4) | (stairs.round() < 1),
            "schedule.rise",
            f"{stairs} stairs from orientation_width to top, allowed: a whole number >= 1",
        )


SCHEDULES: dict[str, type[Schedule]] = {"constant": Constant, "staircase": Staircase}
