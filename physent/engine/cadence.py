"""How time steps, saved rows, snapshots and the run length relate."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from physent.errors import ParameterError


@dataclass(frozen=True)
class Cadence:
    """A row of series and diagnostics every `steps_per_row` steps, a snapshot of fields every
    `rows_per_snapshot` rows.

    `rows` counts those after the one at t = 0; row i is at t = i * `save_every`.
    """

    dt: float
    save_every: float
    steps_per_row: int
    rows_per_snapshot: int
    rows: int

    @classmethod
    def of(cls, solver: Any, run: Any) -> "Cadence":
        """The cadence of a run's settings. Raises ParameterError if one time is not a multiple of
        the other.
        """
        steps = np.unique(np.asarray(solver.dt))
        if steps.size > 1:
            raise ParameterError(
                "solver.dt",
                "all members are saved at the same times, so dt must be the same for all",
            )
        dt = float(steps[0])
        if not np.isfinite(dt):
            words = "given 'auto', which physent.run and experiments replace by a number first"
            raise ParameterError("solver.dt", words)
        # a step in float32 is known to its rounding only; in float64 a row must not be labelled
        # with another time
        exactness = 1e-6 if steps.dtype == np.float32 else 1e-10
        steps_per_row = _times("run.save_every", run.save_every, "solver.dt", dt, exactness)
        every = run.save_every if run.snapshot_every is None else run.snapshot_every
        rows_per_snapshot = _times(
            "run.snapshot_every", every, "run.save_every", run.save_every, 1e-10
        )
        unit = "run.save_every" if rows_per_snapshot == 1 else "run.snapshot_every"
        snapshots = _times("run.t_end", run.t_end, unit, every, 1e-10)
        return cls(
            dt, run.save_every, steps_per_row, rows_per_snapshot, snapshots * rows_per_snapshot
        )

    def snapshots(self, rows: int) -> int:
        """The number of snapshots complete after `rows` rows beyond the first."""
        return rows // self.rows_per_snapshot


def _times(name: str, value: float, unit_name: str, unit: float, exactness: float) -> int:
    ratio = value / unit
    count = round(ratio) if ratio < 2**62 else 0
    if count < 1 or abs(count * unit - value) > exactness * value:
        below, above = max(1, int(min(ratio, 2**62))), int(min(ratio, 2**62)) + 1
        raise ParameterError(
            name,
            f"given {value!r}, allowed: a multiple of {unit_name} = {unit!r}; near it: "
            f"{below * unit:.12g} or "
            f"{above * unit:.12g}, or {unit_name} = {value / above!r}",
        )
    return count
