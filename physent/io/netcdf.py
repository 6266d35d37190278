"""The NetCDF file of a run: written along an unlimited `t`, synced once per chunk.

HDF5 keeps no journal, so a kill in the middle of a sync must not leave half rewritten what was
whole before. Hence a compressed chunk is one row and never written twice (a rewritten one would
move, and its old place be used again before the index says so), and series and other short rows are
not compressed, so that theirs are rewritten in place. What is written once has a checksum in the
file, which any tool minds that reads it; of everything there are digests (`digests`) beside it.
"""

import functools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import xarray as xr

from physent.engine.cadence import Cadence
from physent.engine.rows import Block
from physent.errors import RunError
from physent.io.complex_fields import parts_of, split_complex
from physent.io.digests import READ_BYTES, Values, attributes_of, over_time, rows_of, structure_of
from physent.io.layout import Layout, Stored
from physent.io.still_open import StillOpen
from physent.protocol import hdf5
from physent.protocol.variables import rows_between, snapshots_between

SERIES_CHUNK = 512
SHORT_ROW_BYTES = 2**11


class NetCDFWriter:
    """Appends rows to a file, or overwrites those that a resumed run repeats; `values` are the
    digests of those before them.
    """

    @hdf5.alone
    def __init__(self, path: Path, cadence: Cadence, values: Values | None = None):
        self.path, self.cadence, self.values = path, cadence, values or Values()
        self.file = netCDF4.Dataset(hdf5.named(path), "r+")
        self.opened = StillOpen(path)
        self.file.set_auto_mask(False)
        for variable in self.file.variables.values():
            # the default cache would take 16 MiB a variable; a chunk is finished before the next
            # one begins
            chunk = variable.chunking()
            if chunk != "contiguous":
                variable.set_var_chunk_cache(
                    size=2 * int(np.prod(chunk)) * variable.dtype.itemsize, nelems=11
                )

    @classmethod
    def create(cls, path: Path, layout: Layout, cadence: Cadence, output: Any) -> "NetCDFWriter":
        """Create a file with the dimensions, coordinates and variables of `layout` and no rows."""
        with hdf5.opened(path, "w") as file:
            file.setncatts(layout.attributes)
            for name in layout.times:
                file.createDimension(name, None)
                variable = file.createVariable(name, "f8", (name,), chunksizes=(SERIES_CHUNK,))
                variable.setncatts({"long_name": "time", "units": "1"})
            for name, size in layout.sizes.items():
                file.createDimension(name, size)
            for name, (dims, values, attributes) in layout.coordinates.items():
                once = values.dtype.kind in "iuf" and bool(dims)  # scalars and texts have none
                variable = file.createVariable(name, values.dtype, dims, fletcher32=once)
                variable.setncatts(attributes)
                variable[...] = values
            for stored in layout.variables:
                for name, dtype, attributes in parts_of(stored):
                    _create(file, name, dtype, attributes, stored, output)
        return cls(path, cadence)

    @property
    def is_there(self) -> bool:
        """Whether the file has its name still: somebody may have removed, moved or replaced it."""
        return self.opened.is_at(self.path)

    @hdf5.alone
    def append(self, block: Block) -> None:
        """Write rows and snapshots at their indices, and sync the file."""
        if not self.is_there and self.opened.path() is None:  # the rows would vanish with the file
            raise RunError(f"{self.path} is not there any more")
        end, cadence = block.first + block.count, self.cadence
        self._put("t", block.first, cadence.times(block.first, end))
        for name, values in block.rows.series.items():
            self._put(name, block.first, values)
        if block.snapshots:
            for dim in filter(rows_between, self.file.dimensions):
                self._put_times(dim, block)
            for name, values in block.rows.fields.items():
                self._put_snapshots(name, values, block)
        self.file.sync()

    def _put_times(self, dim: str, block: Block) -> None:
        """The times of the snapshots of a block along a dimension of them."""
        every = snapshots_between(dim)
        first, end = block.span(every)
        if dim != "t" and first < end:
            rows = self.cadence.rows_per_snapshot * every
            self._put(dim, first, self.cadence.times(first, end, rows))

    def _put_snapshots(self, name: str, values: np.ndarray, block: Block) -> None:
        """The snapshots of a field in a block, of those that are kept of it."""
        part = name if name in self.file.variables else f"{name}_re"
        if part in self.file.variables:
            every = snapshots_between(self.file[part].dimensions[0])
            first, end = block.span(every)
            if first < end:
                self._put(name, first, block.part(every, values))

    def series(
        self, names: Iterable[str], first: int, end: int
    ) -> Iterator[tuple[int, dict[str, np.ndarray]]]:
        """The named series between two rows, in blocks: (first row, values by name)."""
        block = 64 * SERIES_CHUNK
        for begin in range(first, end, block):
            rows = slice(begin, min(begin + block, end))
            yield begin, {name: self._get(name, rows) for name in names if self._has(name)}

    @hdf5.alone
    def invariants(self, rows: int) -> xr.Dataset:
        """The first `rows` rows of the invariants with their attributes, and those of the file."""
        data = {
            name: (
                variable.dimensions,
                variable[:rows],
                {key: variable.getncattr(key) for key in variable.ncattrs()},
            )
            for name, variable in self.file.variables.items()
            if getattr(variable, "role", "") == "invariant"
        }
        attributes = {key: self.file.getncattr(key) for key in self.file.ncattrs()}
        return xr.Dataset(data, {"t": self.file["t"][:rows]}, attributes)

    @hdf5.alone
    def _get(self, name: str, rows: slice) -> np.ndarray:
        if name in self.file.variables:
            return self.file[name][rows]
        return self.file[f"{name}_re"][rows] + 1j * self.file[f"{name}_im"][rows]

    def _has(self, name: str) -> bool:
        """Whether the file has a variable: one begun by an earlier version goes on without those
        that came later.
        """
        return name in self.file.variables or f"{name}_re" in self.file.variables

    def _put(self, name: str, first: int, values: np.ndarray) -> None:
        if not self._has(name):
            return
        for part, real in split_complex(name, values).items():
            variable, end = self.file[part], first + len(real)
            variable[first:end] = real
            # what is rounded on its way is taken as the file gives it back
            rounded = variable.quantization() is not None
            stored = variable[first:end] if rounded else real.astype(variable.dtype, copy=False)
            self.values.add(part, stored)

    @hdf5.alone
    def digests(self) -> dict[str, Any]:
        """What the rows so far, and the structure of the file, are known by."""
        return {"values": self.values.digests(), "structure": self._structure}

    @functools.cached_property
    def _structure(self) -> str:
        return structure_of(self.file)

    @hdf5.alone
    def attributes(self, **changed: Any) -> str:
        """The digest of the attributes that change, as they will be with these."""
        return attributes_of(self.file, **changed)

    @hdf5.alone
    def annotate(self, **attributes: Any) -> None:
        """Set attributes of the file; None removes one."""
        for name, value in attributes.items():
            if value is not None:
                self.file.setncattr(name, value)
            elif name in self.file.ncattrs():
                self.file.delncattr(name)
        self.file.sync()

    @hdf5.alone
    def attribute(self, name: str, default: Any) -> Any:
        """An attribute of the file."""
        return getattr(self.file, name, default)

    @hdf5.alone
    def close(self) -> None:
        """Close the file."""
        self.file.close()


def _create(
    file: Any, name: str, dtype: np.dtype, attributes: dict, stored: Stored, output: Any
) -> None:
    row_bytes = max(1, int(np.prod(stored.shape)) * dtype.itemsize)
    short = row_bytes <= SHORT_ROW_BYTES
    rows = SERIES_CHUNK * 8 // max(8, row_bytes) or 1 if short else 1
    field = (
        attributes["role"] not in ("entropy", "invariant")
        and bool(stored.dims)
        and np.issubdtype(dtype, np.floating)
    )
    digits = output.significant_digits if field else None
    variable = file.createVariable(
        name,
        dtype,
        (stored.time, *stored.dims),
        compression="zlib" if output.compression and not short else None,
        complevel=output.compression,
        shuffle=True,
        chunksizes=(rows, *stored.shape),
        fletcher32=not short,
        significant_digits=digits,
        quantize_mode="GranularBitRound",
    )
    variable.setncatts(attributes)


def holds(path: Path, rows: int, cadence: Cadence) -> bool:
    """Whether the file of a run, begun before there were digests, has all of its first `rows` rows;
    False if it is damaged.

    Raises OSError where the operating system, and not the file, is what keeps it from being read.
    """
    with open(path, "rb"):
        pass
    try:
        with hdf5.opened(path) as file:
            for variable in over_time(file):
                wanted = rows_of(variable, rows, cadence.rows_per_snapshot)
                if len(variable) < wanted:
                    return False
                step = max(
                    1,
                    READ_BYTES
                    // max(1, int(np.prod(variable.shape[1:])) * variable.dtype.itemsize),
                )
                for first in range(0, wanted, step):
                    if np.ma.is_masked(variable[first : min(first + step, wanted)]):
                        return False  # a value never written
    except OSError as error:
        if error.errno is not None and error.errno > 0:  # netCDF's own codes are negative
            raise
        return False
    except (RuntimeError, KeyError):
        return False
    return True
