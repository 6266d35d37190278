"""What is not finite: at an observable the run ends; a diagnostic is reported at the end of it."""

from collections.abc import Callable
from typing import Any

import numpy as np

from physent.engine.program import Program
from physent.engine.rows import Rows


class Undefined:
    """`since`: the first time at which each series was not finite.

    What is not finite from the start may be waiting for its window to fill: it counts only if it
    never is. Those in `allowed` may be NaN without anything being wrong.
    """

    def __init__(self, allowed: set[str], time: Callable[[int], float]):
        self.since: dict[str, float] = {}
        self._allowed = allowed
        self._time = time
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
                self.since.setdefault(name, self._time(row))


def not_finite(program: Program, rows: Rows, count: int) -> tuple[int, str, str] | None:
    """The first of `count` rows with a non-finite observable, a message that names it and the
    member, and its name.
    """
    variables = program.example.variables
    checked = (name for name in variables if name in rows.finite)
    fields_first = sorted(checked, key=lambda name: not variables[name].dims)
    found: tuple[int, str, str] | None = None
    for name in fields_first:
        bad = ~np.asarray(rows.finite[name])[:count]
        in_rows = bad.reshape(len(bad), -1).any(axis=1)
        row = int(np.argmax(in_rows))
        if in_rows.any() and (found is None or row < found[0]):
            member = f" in member {int(np.argmax(bad[row]))}" if bad.ndim > 1 else ""
            found = row, f"{name} is not finite{member}", name
    return found
