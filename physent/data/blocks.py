"""Reads arrays in blocks that fit memory, and says what is wrong with their values."""

import itertools
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Any

import jax
import numpy as np
import xarray as xr

from physent.entropy import OutcomeSpace
from physent.entropy.entropy import length_with_room

PIECE_BYTES = 128 * 2**20


def native_block(part: Any) -> np.ndarray:
    """Values in the byte order of this machine."""
    part = np.asarray(part)
    return part.astype(part.dtype.newbyteorder("="), copy=False)


def check(
    part: np.ndarray, name: str, spaces: Sequence[OutcomeSpace], skip_missing: bool, first: int = -1
) -> None:
    """Raise ValueError for values that are masked or not finite, and those that an outcome space
    does not take; `first` is the number of the first row, where rows are numbered.
    """
    finite = np.isfinite(part) if part.dtype.kind in "fc" else np.ones(0, bool)
    if not np.all(finite) and not skip_missing:
        where = np.argwhere(~finite)[0]
        place = f" at row {first + where[0]}, index {tuple(where[1:].tolist())}"
        raise ValueError(
            f"{name} is masked or not finite{place if first >= 0 else ''}: fill or cut it first, "
            "or, for an entropy over space, leave such cells out (--skip-missing, in Python "
            "skip_missing=True)"
        )
    for outcomes in spaces:
        if words := outcomes.misfit(part):
            raise ValueError(f"{name} {words}")


def check_fits(part: np.ndarray, name: str) -> None:
    """Raise ValueError for values that the precision of JAX cannot hold."""
    if jax.config.read("jax_enable_x64") or part.dtype.itemsize < 4 or not part.size:
        return
    if part.dtype.kind in "iu":
        most, what = np.iinfo(np.int32).max, "whole numbers beyond 32 bits"
    else:
        most, what = float(np.finfo(np.float32).max), "numbers beyond single precision"
    size = np.abs(part[np.isfinite(part)]).max(initial=0)
    if 0 < size < np.finfo(np.float32).tiny:
        most, what = 0, "numbers too small for single precision"
    if size > most or size < 0:  # the least of all integers is its own negative
        raise ValueError(
            f"{name} holds {what} ({size:g}), in which JAX computes: call "
            'jax.config.update("jax_enable_x64", True) first'
        )


def rows_of(
    arrays: Mapping[str, xr.DataArray], time: str, count: int, most: int
) -> Iterator[tuple[slice, dict[str, np.ndarray]]]:
    """Blocks of rows along time, of at most so many bytes, with their places; time is made the
    first dimension in memory, as files are slow to read in another order than theirs.
    """
    rows = max(1, most // max(1, sum(array.nbytes // count for array in arrays.values())))

    def read(array: xr.DataArray, place: slice) -> np.ndarray:
        values = native_block(array.isel({time: place}).values)
        return np.moveaxis(values, array.get_axis_num(time), 0)

    for first in range(0, count, rows):
        place = slice(first, min(first + rows, count))
        yield place, {name: read(array, place) for name, array in arrays.items()}


def rows_with_room(rows: Any) -> int:
    """How many rows to make of those of a block, so that blocks of nearly as many need no other
    program.
    """
    columns = jax.tree.leaves(rows)
    count = columns[0].shape[0]
    small = sum(column.nbytes for column in columns) <= 2**20
    return length_with_room(count) if small else count


def longer(rows: Any, more: int) -> Any:
    """The columns of a block with so many copies of their last row behind."""
    return jax.tree.map(
        lambda column: np.pad(column, [(0, more)] + [(0, 0)] * (column.ndim - 1), "edge"), rows
    )


def pieces(
    array: xr.DataArray, dims: Sequence[Hashable]
) -> Iterator[tuple[dict[Hashable, slice], xr.DataArray]]:
    """Parts of an array that hold all of the dimensions read, with their places along the others,
    which are cut from the first on until a part fits.
    """
    left, cuts = array.nbytes, {}
    for dim in (dim for dim in array.dims if dim not in dims):
        size = array.sizes[dim]
        left = left // max(1, size)  # the bytes of one
        step = max(1, min(size, PIECE_BYTES // max(1, left)))
        cuts[dim] = [slice(i, min(i + step, size)) for i in range(0, size, step)]
        if step > 1:
            break
    for places in itertools.product(*cuts.values()):
        place = dict(zip(cuts, places, strict=True))
        yield place, array.isel(place)


def share_left_out(
    values: np.ndarray, weights: np.ndarray | None, axes: tuple[int, ...]
) -> np.ndarray:
    """The share of the cells, by their weights, whose values or weights are not finite; a cell
    whose weight is not counts there as one of mean weight. 1 where no cell weighs anything.
    """
    finite = np.isfinite(values) if values.dtype.kind in "fc" else np.ones(values.shape, bool)
    if weights is None:
        return 1 - np.mean(finite, axis=axes)
    known = np.broadcast_to(np.isfinite(weights), values.shape)
    given = np.where(known, weights, 0.0)
    kept = np.sum(np.where(finite, given, 0.0), axis=axes)
    with np.errstate(all="ignore"):
        whole = np.sum(given, axis=axes) / np.mean(known, axis=axes)
        return np.where(whole > 0, 1 - kept / whole, 1.0)


def checked_weights(
    weights: np.ndarray, name: str, skip_missing: bool, axes: tuple[int, ...] | None = None
) -> np.ndarray:
    """Weights as floats, a mask as it is. Raises ValueError for one that is negative or, unless
    what is missing is left out, not finite; and where those along the axes are all 0.
    """
    values = native_block(weights)
    values = values if values.dtype == bool else values.astype(float)
    wrong = values < 0 if skip_missing else ~((values >= 0) & np.isfinite(values))
    if np.any(wrong):
        raise ValueError(
            f"weights: given {values[wrong][0]:g} for a cell of {name}, allowed: numbers >= 0"
        )
    if not skip_missing and values.size and not np.all(np.any(values > 0, axis=axes)):
        raise ValueError(
            f"weights: those of the cells of {name} are all 0, at least at one place or time "
            "(--skip-missing, in Python skip_missing=True, gives NaN there)"
        )
    return values


def follow(period: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """A function that unwraps block after block of positions (rows, ..., components): between two
    rows a particle moves by less than half a period.
    """
    last: list[np.ndarray] = []
    circles = np.where(np.isfinite(period), period, 1.0)

    def unwrapped(part: np.ndarray) -> np.ndarray:
        wrapped, whole = last or (part[:1], part[:1])
        steps = np.diff(np.concatenate([wrapped, part]).astype(float), axis=0)
        turns = np.where(np.isfinite(period), np.round(steps / circles), 0.0)
        result = whole + np.cumsum(steps - turns * circles, axis=0)
        last[:] = part[-1:], result[-1:]
        return result.astype(part.dtype)

    return unwrapped
