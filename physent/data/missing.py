"""Values that a file marks as missing without _FillValue: those outside the valid range, and those
that NetCDF has where nothing was ever written.
"""

from typing import Any

import netCDF4
import numpy as np
import xarray as xr

from physent.data.lazy import later

RANGE = ("valid_range", "valid_min", "valid_max")


def marked_missing(stored: xr.Dataset, never_written: bool) -> xr.Dataset:
    """A dataset as it is stored, not decoded, in which such values are the _FillValue of their
    variable, so that decoding makes them NaN.

    Of whole numbers only those of 32 bits are told from others that way: for smaller and packed
    ones the value of what was never written may be a number as well, and 64 bits fit no float.
    """
    found = {}
    for name, variable in stored.variables.items():
        changed = _in_range(variable)
        words, kind = changed.attrs, changed.dtype
        if never_written and _is_telling(variable, str(name)) and "_FillValue" not in words:
            fill = netCDF4.default_fillvals.get(f"{kind.kind}{kind.itemsize}")
            if fill is not None and "missing_value" not in words:
                changed = changed.copy(deep=False)
                changed.attrs = words | {"_FillValue": kind.newbyteorder("=").type(fill)}
        if changed is not variable:
            found[name] = changed
    return stored.assign(found) if found else stored


def _is_telling(variable: xr.Variable, name: str) -> bool:
    """Whether the value of NetCDF for what was never written stands for nothing else."""
    if variable.dtype.kind != "i":
        return variable.dtype.kind == "f"
    packed = "scale_factor" in variable.attrs or "add_offset" in variable.attrs
    return variable.dtype.itemsize == 4 and not packed and name not in variable.dims


def _in_range(variable: xr.Variable) -> xr.Variable:
    """A variable whose values outside the valid range, as CF states it, are its _FillValue."""
    words, kind = variable.attrs, variable.dtype
    if kind.kind not in "fiu" or not any(key in words for key in RANGE):
        return variable
    try:
        both = np.ravel(words.get("valid_range", [-np.inf, np.inf])).astype(float)
        low = max(float(both[0]), float(words.get("valid_min", -np.inf)))
        high = min(float(both[-1]), float(words.get("valid_max", np.inf)))
    except (TypeError, ValueError, IndexError):  # of another program, and no numbers
        return variable
    native = kind.newbyteorder("=")
    fill: Any = words.get("_FillValue", words.get("missing_value"))
    if fill is None:
        fill = netCDF4.default_fillvals.get(f"{kind.kind}{kind.itemsize}")
    fill = native.type(np.ravel(fill)[0])

    def valid(each: xr.Variable) -> xr.Variable:
        values: Any = each.data if each.chunks else each.values
        there = (values >= low) & (values <= high)
        return xr.Variable(each.dims, np.where(there, values, fill).astype(native))

    made = later(valid, variable) if variable.dims else valid(variable)
    made.attrs = words | {"_FillValue": fill}
    made.encoding = variable.encoding
    return made
