"""A run may end before its `t_end`: once a series is below or above a level, or steady."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from physent.engine.program import Program
from physent.errors import ParameterError, brief, nearest

ALLOWED = (
    "{ of = SERIES, below = LEVEL }, { of = SERIES, above = LEVEL } or "
    "{ of = SERIES, steady = CHANGE, over = TIME }"
)


@dataclass
class Until:
    """The condition of `run.until`, and what it remembers of the rows so far.

    Steady is a series whose largest and smallest values of the last `over` differ by at most
    `steady`. Of members, and of a series with several values, all have to be so; what is NaN is
    not.
    """

    of: str
    below: float | None = None
    above: float | None = None
    steady: float | None = None
    over: float | None = None
    held: bool = False
    _times: list[float] = field(default_factory=list)
    _values: list[np.ndarray] = field(default_factory=list)

    @classmethod
    def of_settings(cls, given: dict[str, Any] | None) -> "Until | None":
        """The condition that is given; None where there is none. Raises ParameterError."""
        if given is None:
            return None
        forms = ({"of", "below"}, {"of", "above"}, {"of", "steady", "over"})
        numbers = [value for key, value in given.items() if key != "of"]
        right = isinstance(given.get("of"), str) and all(
            type(number) in (int, float) and np.isfinite(number) for number in numbers
        )
        if set(given) not in forms or not right:
            raise ParameterError("until", f"given {brief(given)}, allowed: {ALLOWED}")
        for key, least in (("steady", 0.0), ("over", np.nextafter(0, 1))):
            if key in given and given[key] < least:
                words = f"given {given[key]}, allowed: a number {'>= 0' if least == 0 else '> 0'}"
                raise ParameterError(f"until.{key}", words)
        return cls(**given)

    @classmethod
    def begun(cls, given: dict[str, Any] | None, first: dict[str, np.ndarray]) -> "Until | None":
        """The condition that is given, which has seen the first row of the series."""
        until = cls.of_settings(given)
        if until is not None:
            until.look(first[until.of], np.zeros(1))
        return until

    def check(self, program: Program) -> None:
        """Raise ParameterError where a run has no such series."""
        names = [name for name, _, when in program.variables() if when != "snapshot"]
        if self.of not in names:
            raise ParameterError(
                "run.until.of",
                f"unknown series {brief(self.of)}{nearest(self.of, names)} (allowed: "
                f"{', '.join(names) or 'none'})",
            )

    def look(self, values: np.ndarray, times: np.ndarray) -> int | None:
        """The first of these rows, which follow those of before, at which the condition holds; from
        then on it is `held`.
        """
        for row, (value, t) in enumerate(zip(values, times, strict=True)):
            if self._holds(np.asarray(value), float(t)):
                self.held = True
                return row
        return None

    def _holds(self, value: np.ndarray, t: float) -> bool:
        if self.below is not None:
            return bool(np.all(value < self.below))
        if self.above is not None:
            return bool(np.all(value > self.above))
        assert self.over is not None and self.steady is not None
        self._times.append(t)
        self._values.append(value)
        slack = 1e-9 * self.over
        while len(self._times) > 1 and self._times[1] <= t - self.over + slack:
            del self._times[0], self._values[0]  # the first that remains is `over` ago, or before
        if self._times[0] > t - self.over + slack:
            return False
        apart = np.max(self._values, axis=0) - np.min(self._values, axis=0)
        return bool(np.all(apart <= self.steady))

    def said(self) -> str:
        """The condition in words."""
        if self.steady is not None:
            return f"{self.of} changed by at most {self.steady:g} over the last {self.over:g}"
        level = f"below {self.below:g}" if self.below is not None else f"above {self.above:g}"
        return f"{self.of} is {level}"
