"""A run kept in memory, as an xarray Dataset."""

from typing import Any

import numpy as np
import xarray as xr

from physent.engine.cadence import Cadence
from physent.engine.rows import Block, Instant
from physent.io.layout import Layout
from physent.protocol.variables import rows_between, snapshots_between


class MemorySink:
    """Collects rows; `dataset` joins them into one Dataset."""

    def __init__(self, layout: Layout, cadence: Cadence):
        self.layout = layout
        self.cadence = cadence
        self.rows: list[dict[str, np.ndarray]] = []
        self.every = {each.name: snapshots_between(each.time) for each in layout.variables}
        self.end = 0

    def append(self, block: Block) -> None:
        """Keep the rows of a chunk."""
        # copies, because the views they come as would keep a chunk's whole buffers alive
        series = {name: np.array(value) for name, value in block.rows.series.items()}
        fields = {
            name: np.array(block.part(self.every[name], value))
            for name, value in block.rows.fields.items()
        }
        self.rows.append(series | fields)
        self.end = block.first + block.count

    def commit(self, instant: Instant, rows: int) -> None:
        """Do nothing: memory needs no checkpoint."""

    def dataset(self) -> xr.Dataset:
        """All rows so far."""
        layout = self.layout
        data: dict[str, Any] = {}
        for stored in layout.variables:
            parts = [rows[stored.name] for rows in self.rows]
            data[stored.name] = (
                (stored.time, *stored.dims),
                np.concatenate(parts),
                stored.attributes,
            )
        coordinates: dict[str, Any] = dict(layout.coordinates)
        for name in layout.times:
            each = rows_between(name, self.cadence.rows_per_snapshot)
            assert each is not None
            times = self.cadence.times(0, 1 + (self.end - 1) // each, each)
            coordinates[name] = ((name,), times, {"long_name": "time", "units": "1"})
        return xr.Dataset(data, coordinates, layout.attributes)
