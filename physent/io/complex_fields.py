"""Complex fields stored as pairs of real variables, `<name>_re` and `<name>_im`, which any tool
reads, and joined again.
"""

from typing import Any

import numpy as np
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing

from physent.io.layout import Stored


def parts_of(stored: Stored) -> list[tuple[str, np.dtype, dict[str, str]]]:
    """(name, dtype, attributes) of the real variables that hold one stored variable."""
    if not np.issubdtype(stored.dtype, np.complexfloating):
        dtype = np.dtype(np.int8) if stored.dtype == bool else stored.dtype
        return [(stored.name, dtype, stored.attributes)]
    real = np.finfo(stored.dtype).dtype
    words = stored.attributes["long_name"]
    return [
        (f"{stored.name}_re", real, stored.attributes | {"long_name": f"real part of {words}"}),
        (
            f"{stored.name}_im",
            real,
            stored.attributes | {"long_name": f"imaginary part of {words}"},
        ),
    ]


def split_complex(name: str, values: np.ndarray) -> dict[str, np.ndarray]:
    """The real arrays that hold the values of a variable, by their names in the file."""
    if not np.iscomplexobj(values):
        return {name: values}
    return {f"{name}_re": np.real(values), f"{name}_im": np.imag(values)}


class _ComplexPair(BackendArray):
    """Two real variables as one complex array, read only when indexed."""

    def __init__(self, real: xr.Variable, imaginary: xr.Variable):
        self.real = real
        self.imaginary = imaginary
        self.shape = real.shape
        self.dtype = np.result_type(real.dtype, np.complex64)

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        """The values at an xarray indexer."""
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.OUTER, self._read
        )

    def _read(self, key: tuple) -> np.ndarray:
        values = np.asarray(self.real[key].values, dtype=self.dtype)
        values.imag = self.imaginary[key].values
        return values


def join_complex(dataset: xr.Dataset) -> xr.Dataset:
    """The dataset with every pair `<name>_re`, `<name>_im` joined to a complex `<name>`, as the
    first variables.

    Nothing is read before it is used.
    """
    names = [
        str(name)[:-3]
        for name in dataset
        if str(name).endswith("_re") and f"{str(name)[:-3]}_im" in dataset
    ]
    if not names:
        return dataset
    joined = {}
    for name in names:
        real, imaginary = dataset[f"{name}_re"].variable, dataset[f"{name}_im"].variable
        words = str(real.attrs.get("long_name", name)).removeprefix("real part of ")
        data = indexing.LazilyIndexedArray(_ComplexPair(real, imaginary))
        joined[name] = xr.Variable(real.dims, data, real.attrs | {"long_name": words})
    rest = dataset.drop_vars([f"{name}_{part}" for name in names for part in ("re", "im")])
    return xr.Dataset(joined | dict(rest.data_vars), rest.coords, rest.attrs)
