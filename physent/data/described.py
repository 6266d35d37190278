"""What a dataset says of itself, as a solver would declare it: variables, axes, the box of
particles.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence

import numpy as np
import xarray as xr

from physent.data.cells import UNIFORM, is_even, number_in, widths_of
from physent.data.times import are_dates
from physent.protocol.parameters import as_number
from physent.protocol.variables import Axis, Domain, Variable, rows_between

UNWRAPPED = "unwrapped_position"


def variable_of(array: xr.DataArray, time: str, mapped: bool) -> Variable:
    """The declaration of a variable, without time and members."""
    dims = tuple(str(dim) for dim in array.dims if dim != time and not (mapped and dim == "member"))
    words = array.attrs
    return Variable(
        dims,
        str(words.get("role", "scalar")),
        str(words.get("units", "1")),
        str(words.get("long_name", array.name)),
    )


def measured_in(data: xr.Dataset | xr.DataArray, dims: Iterable[Hashable]) -> dict[str, str]:
    """The attribute that says the units of the coordinates along dimensions, as they are measured,
    for what depends on them; empty where they have none.
    """
    units = {
        dim: "s" if are_dates(data[dim].values) else str(data[dim].attrs.get("units", ""))
        for dim in dims
        if dim in data.coords
    }
    words = ", ".join(f"{dim}: {unit or '1'}" for dim, unit in units.items())
    return {"coordinate_units": words} if any(units.values()) else {}


def domain_of(dataset: xr.Dataset, time: str, box: np.ndarray | None) -> Domain:
    """The axes of space of a dataset, and those of the box of its particles."""
    dims = [str(dim) for dim in dataset.dims if str(dim) not in (time, "member")]
    dims = [dim for dim in dims if rows_between(dim) is None]
    axes = [_axis(dataset, dim) for dim in dims]
    for letter, length in zip("xyz", () if box is None else box, strict=False):
        name = f"box_{letter}" if letter in dims else letter
        circle = bool(np.isfinite(length))
        axes.append(Axis(name, None, as_number(length) if circle else None, periodic=circle))
    return Domain(tuple(axes))


def _axis(dataset: xr.Dataset, dim: str) -> Axis:
    points, words = np.arange(dataset.sizes[dim], dtype=float), {}
    if dim in dataset.coords and dataset[dim].dtype.kind in "fiu":
        points, words = dataset[dim].values.astype(float), dataset[dim].attrs
    length, widths, unsized = number_in(words, "length"), None, ""
    try:
        found = widths_of(dataset, dim)
        step = np.abs(points[1] - points[0]) if len(points) > 1 and is_even(points) else np.nan
        if not np.all(np.abs(found - step) <= UNIFORM * step):
            widths = as_number(found)
    except ValueError as error:
        unsized = str(error)
    return Axis(
        name=dim,
        points=as_number(points),
        length=None if length is None else as_number(length),
        periodic=words.get("periodic") == "true",
        uniform=is_even(points),
        units=str(words.get("units", "1")),
        widths=widths,
        unsized=unsized,
    )


def box_of(arrays: Mapping[str, xr.DataArray], given: Sequence[float] | None) -> np.ndarray | None:
    """The period of every component of the positions: what is given, or the attribute `period` of
    positions, or of what may be some; None where there is neither. Raises ValueError where what is
    given is no list of numbers > 0.
    """
    stated = [each.attrs["period"] for each in arrays.values() if _has_period(each)]
    if given is None and not stated:
        return None
    period = np.atleast_1d(np.asarray(stated[0] if given is None else given))
    if not _is_period(period):
        raise ValueError(
            f"period: given {period.tolist()}, allowed: up to 3 numbers > 0, one per component, "
            "inf where it is not periodic"
        )
    return period.astype(float)


def _is_period(period: np.ndarray) -> bool:
    numbers = period.ndim == 1 and 0 < period.size <= 3 and period.dtype.kind in "fiu"
    return numbers and bool(np.all(period > 0))


def _has_period(array: xr.DataArray) -> bool:
    """Whether a variable may be positions in a box, as its attributes say; others of that name are
    of other programs.
    """
    period = np.atleast_1d(np.asarray(array.attrs.get("period", "")))
    components = array.shape[-1] if array.ndim else 0
    fits = array.attrs.get("role") == "position" or components == period.size
    return fits and _is_period(period)


def unwrapping(
    arrays: Mapping[str, xr.DataArray], wanted: Sequence[str], box: np.ndarray | None
) -> list[str]:
    """The positions that are to be unwrapped: those with the role, or called so, or else what was
    asked for. Raises ValueError where there are none, and where the box is not known.
    """
    if box is None:
        raise ValueError(
            "period: missing, and no variable has the attribute period: positions cannot be "
            "unwrapped without it (--period 10,10, in Python period=(10, 10))"
        )
    fitting = {
        name: each.attrs.get("role", "scalar")
        for name, each in arrays.items()
        if each.ndim > 2 and each.shape[-1] == len(box)
    }
    found = [name for name, role in fitting.items() if role == "position"]
    found = found or [name for name in fitting if name == "position"]
    found = found or [name for name, role in fitting.items() if role == "scalar" and name in wanted]
    if not found:
        raise ValueError(
            f"there are no positions with {len(box)} components, as many as period has numbers"
        )
    return found


def shape_of(array: xr.DataArray, mapped: bool) -> tuple[int, ...]:
    """The shape of a variable, time first, at one time and of one member."""
    return tuple(
        size for dim, size in list(array.sizes.items())[1:] if not (mapped and dim == "member")
    )
