"""A run kept in memory, as an xarray Dataset."""

from typing import Any

import numpy as np
import xarray as xr

from physent.engine.cadence import Cadence
from physent.engine.rows import Block, Instant, Rows
from physent.io.layout import Layout


class MemorySink:
    """Collects rows; `dataset` joins them into one Dataset."""

    def __init__(self, layout: Layout, cadence: Cadence):
        self.layout = layout
        self.cadence = cadence
        self.rows: list[Rows] = []
        self.lengths: dict[str, int] = {}

    def append(self, block: Block) -> None:
        """Keep the rows of a chunk."""
        # copies, because the views they come as would keep a chunk's whole buffers alive
        series = {name: np.array(value) for name, value in block.rows.series.items()}
        fields = {name: np.array(value) for name, value in block.rows.fields.items()}
        self.rows.append(Rows(series, fields, {}))
        self.lengths = {
            "t": block.first + block.count,
            "t_snapshot": block.first_snapshot + block.snapshots,
        }

    def commit(self, instant: Instant, rows: int) -> None:
        """Do nothing: memory needs no checkpoint."""

    def dataset(self) -> xr.Dataset:
        """All rows so far."""
        layout = self.layout
        data: dict[str, Any] = {}
        for stored in layout.variables:
            parts = [(rows.series | rows.fields)[stored.name] for rows in self.rows]
            data[stored.name] = (
                (stored.time, *stored.dims),
                np.concatenate(parts),
                stored.attributes,
            )
        coordinates: dict[str, Any] = dict(layout.coordinates)
        each = {"t": 1, "t_snapshot": self.cadence.rows_per_snapshot}
        for name in layout.times:
            times = self.cadence.times(0, self.lengths[name], each[name])
            coordinates[name] = ((name,), times, {"long_name": "time", "units": "1"})
        return xr.Dataset(data, coordinates, layout.attributes)
