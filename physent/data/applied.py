"""A function of blocks of values, applied to a labelled array over some of its dimensions."""

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import jax
import numpy as np
import xarray as xr

from physent.data.blocks import check, checked_weights, native_block, pieces, share_left_out
from physent.data.weighing import changes, mean_left_out, words_of_left_out
from physent.entropy import OutcomeSpace

OnBlock = Callable[..., tuple[np.ndarray, np.ndarray]]


def applied(
    function: Callable[..., Any],
    array: xr.DataArray,
    dims: Sequence[Hashable],
    outcomes: OutcomeSpace | None,
    weights: xr.DataArray | None,
    skip_missing: bool,
    widths: xr.DataArray | None = None,
) -> xr.DataArray:
    """The function of every block of values, of the axes read, and of the weights of the cells
    where these have any; computed in float64 as far as the data are.

    Args:
        function: of a block, its axes to read, and perhaps weights of the shape of the block.
        array: in memory, in a file, or of dask, which is left to dask.
        dims: the dimensions to read.
        outcomes: an outcome space that may refuse the values.
        weights: of the cells, along some of the dimensions.
        skip_missing: give what is not finite the weight 0, and tell its share by the weights.
        widths: what the weights are multiplied with; the share left out knows nothing of them.
    """
    axes, name = tuple(range(-len(dims), 0)), str(array.name)
    spaces = [] if outcomes is None else [outcomes]

    def on_block(block: np.ndarray, *factors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        block, sizes = native_block(block), None
        check(block, name, spaces, skip_missing)
        if weights is not None:
            sizes = checked_weights(factors[0], name, skip_missing, axes)
        share = np.zeros(block.shape[: block.ndim - len(dims)])
        if skip_missing:
            share = np.asarray(share_left_out(block, sizes, axes))
        if widths is not None:
            sizes = factors[-1] if sizes is None else sizes * factors[-1]
        if skip_missing:
            there = np.isfinite(block)
            known = True if sizes is None else np.isfinite(sizes)
            zero = np.zeros((), bool if sizes is None else sizes.dtype)
            sizes = there if sizes is None else np.where(there & known, sizes, zero)
        elif sizes is not None:
            sizes = np.broadcast_to(sizes, block.shape)
        with jax.enable_x64(True):
            found = function(block, axes) if sizes is None else function(block, axes, sizes)
            return np.asarray(found), share

    through = _lazily if array.chunks else _at_once
    factors = [each for each in (weights, widths) if each is not None]
    result, share = through(on_block, array, list(dims), factors)
    return _told(result, share, name) if skip_missing else result


def _at_once(
    on_block: OnBlock, array: xr.DataArray, dims: list[Hashable], factors: Sequence[xr.DataArray]
) -> tuple[xr.DataArray, xr.DataArray]:
    """The results of all pieces, one after the other, and the shares left out."""
    batch = [d for d in array.dims if d not in dims]
    like = array.isel(dict.fromkeys(dims, slice(1))).isel(dict.fromkeys(dims, 0), drop=True)
    results: list[np.ndarray] = []
    for place, part in pieces(array, dims):
        sizes = []
        for each in factors:
            each = each.expand_dims({d: 1 for d in dims if d not in each.dims})
            cut = {d: where for d, where in place.items() if d in each.dims}
            along = [d for d in batch if d in each.dims]
            values = each.isel(cut).transpose(*along, *dims).values
            missing = [i for i, d in enumerate(batch) if d not in each.dims]
            sizes.append(np.expand_dims(values, missing) if along else values)
        found = on_block(part.transpose(*batch, *dims).values, *sizes)
        if not results:
            results = [np.empty(like.shape, each.dtype) for each in found]
        at = tuple(place.get(d, slice(None)) for d in batch)
        for whole, each in zip(results, found, strict=True):
            whole[at] = each
    value, share = (xr.DataArray(each, dims=batch, coords=like.coords) for each in results)
    return value, share


def _lazily(
    on_block: OnBlock, array: xr.DataArray, dims: list[Hashable], factors: Sequence[xr.DataArray]
) -> tuple[xr.DataArray, xr.DataArray]:
    """The same of a dask array, computed where it is read."""
    real = np.real(np.zeros(1, array.dtype)).dtype.newbyteorder("=")
    kind = np.promote_types(real, "f4") if real.kind == "f" else np.dtype(float)
    like = xr.DataArray(np.empty([array.sizes[d] for d in dims]), dims=dims)
    given = [each.broadcast_like(like) for each in factors]
    found = xr.apply_ufunc(
        on_block,
        array,
        *given,
        input_core_dims=[dims] * (1 + len(given)),
        output_core_dims=[[], []],
        dask="parallelized",
        output_dtypes=[kind, np.dtype(float)],
        dask_gufunc_kwargs={"allow_rechunk": True},
    )
    return found[0], found[1]


def _told(result: xr.DataArray, share: xr.DataArray, name: str) -> xr.DataArray:
    """The result with the share of cells left out, as an attribute where it is known, and as a
    coordinate where it changes.
    """
    share.attrs = words_of_left_out(name)
    if not share.chunks:
        result.attrs |= mean_left_out(share.values)
    if share.chunks or changes(share.values):
        return result.assign_coords({f"left_out_{name}": share})
    return result
