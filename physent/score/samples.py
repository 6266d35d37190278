"""Snapshots of a run as samples for training, checks and the verdict; read on demand."""

import math
from collections.abc import Iterator
from typing import Any

import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array

from physent.errors import SamplesError
from physent.learning.splits import Batch, Part, split
from physent.protocol.stochastic import StochasticSolver


class Samples:
    """The stochastic variables of a run's snapshots.

    A sample is the variables of one state, (N, d) each. Where walkers are independent copies it is
    those of one walker, (1, d), and each walker is a trajectory; elsewhere each member is one. Kept
    from training are whole trajectories, or, of a single one, the rows at its end behind a gap:
    then the samples kept are of the same trajectory.
    """

    def __init__(
        self,
        dataset: xr.Dataset,
        solver: StochasticSolver,
        *,
        after: float = 0.0,
        member: int | None = None,
        dtype: Any = np.float32,
        buffer: float = 256e6,
    ):
        self.names = tuple(solver.parity())
        self.dtype, self.buffer = np.dtype(dtype), buffer
        self.walkers = solver.independent()
        if missing := [name for name in self.names if name not in dataset]:
            raise SamplesError(
                f"the run did not save {', '.join(missing)}: add {', '.join(self.names)} to "
                "output.variables"
            )
        self.time = str(dataset[self.names[0]].dims[0])
        for name in self.names:
            if "stride" in dataset[name].attrs or dataset[name].dims[0] != self.time:
                raise SamplesError(
                    f"the run stored {name} thinned ({dataset[name].attrs['thinned']}): a score "
                    "needs every point, and all variables at the same times; run it again without "
                    "output.fields"
                )
        if "member" in dataset.dims and member is not None:
            if member >= dataset.sizes["member"]:
                raise SamplesError(
                    f"there is no member {member}: the run has {dataset.sizes['member']}"
                )
            dataset = dataset.isel(member=slice(member, member + 1))
        self.dataset = dataset
        self.times = np.asarray(dataset[self.time].values, float)
        self.rows = np.flatnonzero(self.times >= after - 1e-9 * max(1.0, abs(after)))
        if len(self.rows) < 2:
            raise SamplesError(
                f"{len(self.rows)} snapshots since t = {after:g} (the last is at "
                f"{self.times[-1] if len(self.times) else 0.0:g}): save more"
            )
        steps = np.diff(self.times[self.rows])
        self.interval = float(steps[0])
        if np.ptp(steps) > 1e-6 * self.interval:
            raise SamplesError(
                f"the snapshots are not evenly spaced: {np.min(steps):g} to {np.max(steps):g} lie "
                "between them; a score needs even ones (run.save_every, not run.save_at)"
            )
        self.shapes: dict[str, tuple[int, ...]] = {}
        for name in self.names:
            sizes = dataset[name].sizes.items()
            shape = tuple(size for dim, size in sizes if dim not in (self.time, "member"))
            self.shapes[name] = (1, *shape[1:]) if self.walkers else shape
            self.trajectories = dataset.sizes.get("member", 1) * (shape[0] if self.walkers else 1)

    @property
    def components(self) -> int:
        """The number of components of a sample."""
        return sum(math.prod(shape) for shape in self.shapes.values())

    @property
    def parts(self) -> int:
        """Particles in a sample; 1 if walkers are independent, and where no variable has components
        beside them: then they are those of one vector.
        """
        longest = max(self.shapes.values(), key=len)
        return longest[0] if len(longest) > 1 else 1

    @property
    def example(self) -> dict[str, Array]:
        """A sample of zeros."""
        return {name: jnp.zeros(shape, self.dtype) for name, shape in self.shapes.items()}

    @property
    def everything(self) -> Part:
        """All samples."""
        return Part(self.rows, np.arange(self.trajectories))

    def split(self, holdout: float, gap: int, seed: int) -> tuple[Part, Part, Part]:
        """Samples to train on, to check with, and for the verdict
        (`physent.learning.splits.split`).
        """
        return split(self.rows, self.trajectories, holdout, gap, seed)

    def read(self, rows: np.ndarray, trajectories: np.ndarray, together: int = 1) -> Batch:
        """The values (rows, trajectories, ...) of every variable; of `together` > 1 successive rows
        on a third axis.
        """

        def at(name: str, rows: np.ndarray) -> np.ndarray:
            values = np.asarray(self.dataset[name].isel({self.time: rows}).values, self.dtype)
            values = values.reshape(len(rows), self.trajectories, *self.shapes[name])
            return values[:, trajectories]

        if together == 1:
            return {name: at(name, rows) for name in self.names}
        return {
            name: np.stack([at(name, rows + shift) for shift in range(together)], axis=2)
            for name in self.names
        }

    def bytes_of_row(self, part: Part) -> int:
        """The memory taken by one row of a part."""
        return self.components * self.dtype.itemsize * len(part.trajectories)

    def blocks(self, part: Part, samples: int) -> Iterator[tuple[slice, Batch]]:
        """A part in order, in blocks of whole rows with about `most` samples: the rows and the
        values.

        A row is read with all its trajectories, and no more rows at once than fit the `buffer`
        (bytes), but one.
        """
        fit = int(self.buffer // self.bytes_of_row(self.everything))
        rows = max(1, min(fit, samples // len(part.trajectories)))
        for first in range(0, len(part.rows), rows):
            chosen = part.rows[first : first + rows]
            yield slice(first, first + len(chosen)), self.read(chosen, part.trajectories)
