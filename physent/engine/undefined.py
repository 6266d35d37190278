"""When diagnostics stopped being finite: the run continues, and reports it at its end."""

from typing import Any

import numpy as np


class Undefined:
    """`since`: the first time at which each series was not finite.

    What is not finite from the start may be waiting for its window to fill: it counts only if it
    never is. Those in `allowed` may be NaN without anything being wrong.
    """

    def __init__(self, allowed: set[str], save_every: float):
        self.since: dict[str, float] = {}
        self._allowed = allowed
        self._every = save_every
        self._defined: set[str] = set()

    def note(self, series: dict[str, Any], first: int, count: int) -> None:
        """Check `count` values of each series, starting at row `first`."""
        for name, values in series.items():
            if name in self._allowed:
                continue
            good = np.isfinite(values).reshape(count, -1).all(axis=1)
            start = 0
            if name not in self._defined and good.any():
                start = int(np.argmax(good))
                self._defined.add(name)
                self.since.pop(name, None)
            if not good[start:].all():
                row = first + start + int(np.argmin(good[start:]))
                self.since.setdefault(name, row * self._every)
