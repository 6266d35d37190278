"""The names that mark a time dimension."""

import xarray as xr

OWN = ("t_snapshot", "t")  # of the files that physent writes: fields are wanted before series
TIMES = (*OWN, "time", "Time")


def time_of(data: xr.Dataset | xr.DataArray, hint: str) -> str:
    """The first of TIMES that is a dimension. Raises ValueError, with the hint, if there is
    none.
    """
    for name in TIMES:
        if name in data.dims:
            return name
    dims = ", ".join(map(str, data.dims))
    raise ValueError(
        f"which dimension is time? none is called t or time (dimensions: {dims}); {hint}"
    )
