"""Variables computed from others, piece by piece, when they are read."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing


class _Computed(BackendArray):
    """What a function makes of the same piece of several variables."""

    def __init__(
        self,
        function: Callable[..., xr.Variable],
        operands: Sequence[xr.Variable],
        dims: tuple[str, ...],
        dtype: np.dtype,
    ):
        self.function, self.operands, self.dims, self.dtype = function, operands, dims, dtype
        sizes = {dim: size for each in operands for dim, size in each.sizes.items()}
        self.shape = tuple(sizes[dim] for dim in dims)

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        """The values at an xarray indexer."""
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.OUTER, self._read
        )

    def _read(self, key: tuple) -> np.ndarray:
        at = dict(zip(self.dims, key, strict=True))
        parts = [each.isel({d: at[d] for d in each.dims}) for each in self.operands]  # type: ignore
        left = [dim for dim, k in at.items() if not isinstance(k, int | np.integer)]
        return np.asarray(self.function(*parts).transpose(*left).values)


def later(function: Callable[..., xr.Variable], *operands: xr.Variable) -> xr.Variable:
    """The function of the variables, which acts cell by cell, computed where it is read and as far
    as it is; where dask has the variables, dask has the result.
    """
    if any(each.chunks for each in operands):
        return function(*operands)
    alike = [xr.Variable(each.dims, np.ones((1,) * each.ndim, each.dtype)) for each in operands]
    made = function(*alike)
    if not made.dims:
        return function(*operands)
    data = _Computed(function, operands, tuple(map(str, made.dims)), made.dtype)
    return xr.Variable(made.dims, indexing.LazilyIndexedArray(data))
