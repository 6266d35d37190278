"""Time dependence of the width of the zone of orientation."""

from collections.abc import Callable
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from physent.errors import ParameterError
from physent.protocol.law import Law
from physent.protocol.parameters import (
    Declared,
    as_number,
    param,
    static,
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


class CustomSchedule(Law, Schedule):
    """A width of your own, a function of t written with jax.numpy; orientation_width is not used.

    A width below 0, or above `top`, is NaN, and ends the run.
    """

    arguments: ClassVar[str] = "t"
    function: str | Callable[..., Any] = static(
        function=True, doc="width(t) as 'path.py:function'", example="my.py:width"
    )
    top: Array | None = param(
        default=None,
        converter=as_number,
        ge=0,
        doc="a bound of the width, which tiles of fish need",
        units="length",
    )

    def __call__(self, width: Float[Array, ""], t: Float[Array, ""]) -> Float[Array, ""]:
        """The function."""
        now = jnp.asarray(self.law()(t), width.dtype)
        allowed = (now >= 0) if self.top is None else (now >= 0) & (now <= self.top)
        return jnp.where(allowed, now, jnp.nan)

    def largest(self, width: Float[Array, ""]) -> Float[Array, ""]:
        """`top`, without which nobody knows."""
        if self.top is None:
            words = "given a function without a bound, allowed with tiles of fish: one with top"
            raise ParameterError("schedule.top", f"{words}, or search = 'dense'")
        return self.top

    def check(self, width: Array) -> None:
        """The function must act elementwise, and give a width at t = 0."""
        values = self.tried("schedule.function", np.array([0.0, 0.5, 10.0]))
        if values is not None:
            words = f"{self.function} is {values[0]:.6g} at t = 0, allowed: a width >= 0"
            top = np.inf if self.top is None else on_host(self.top)
            good = np.isfinite(values[0]) and values[0] >= 0
            refuse(not good, "schedule.function", words)
            refuse(values[0] > top, "schedule.top", f"{words}, at most top")


SCHEDULES: dict[str, type[Schedule]] = {
    "constant": Constant,
    "staircase": Staircase,
    "custom": CustomSchedule,
}
