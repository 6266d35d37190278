"""The sizes of the cells of a grid: their widths along an axis, their areas on a sphere, and what
somebody gives as weights.
"""

import re
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from physent.data.expressions import expression
from physent.data.times import are_dates, steps_of
from physent.errors import nearest

UNIFORM = 1e-4  # float32 coordinates of a uniform grid differ by about that much
AREAS = ("areaCell", "cell_area", "area", "areacella", "areacello", "area_t")
SPHERE = ("lat", "latitude", "lon", "longitude")
OF_AREA = re.compile(  # units: square metres, steradians, and the like
    r"\s*([\d.]+(e[-+]?\d+)?\s*\*?\s*)?"
    r"(([kcdhm]?m|(kilo)?met(re|er)s?|ft|yd|rad(ian)?s?|deg(ree)?s?)\s*(\^|\*\*)?\s*2"
    r"|square.*|sr|steradians?|ha|hectares?|acres?)\s*",
    re.IGNORECASE,
)
GIVEN = "allowed: area, volume, or the name of a variable"


def number_in(words: Mapping[str, Any], key: str) -> float | None:
    """The number that an attribute is; None where it is something else, as of other programs."""
    try:
        return float(words[key])
    except (KeyError, TypeError, ValueError):
        return None


def is_even(points: np.ndarray) -> bool:
    """Whether the points of an axis are equally spaced, but for the rounding of float32."""
    steps = steps_of(points)
    return not len(steps) or bool(np.all(np.abs(steps - steps[0]) <= UNIFORM * np.abs(steps[0])))


def edges_of(data: xr.Dataset, dim: Hashable) -> np.ndarray:
    """The lower and upper edges (n, 2) of the cells along an axis, dates in seconds: those of the
    variable that its attribute `bounds` names, else the middles between its points; the outermost
    cells reach as far beyond their point as inwards.

    Raises ValueError where there is no coordinate, one point without bounds, or points in no order.
    """
    if dim not in data.coords or not (
        data[dim].dtype.kind in "fiumM" or are_dates(data[dim].values)
    ):
        raise ValueError(
            f"dimension {dim!r} has no coordinate: its spacing is not known. Give it one, or the "
            "sizes of its cells as weights"
        )
    coordinate = data[dim]
    if (bounds := bounds_of(coordinate)) is not None:
        if bounds not in data.variables or data[bounds].shape != (coordinate.size, 2):
            raise ValueError(
                f"the bounds {bounds!r} of axis {dim!r} are not there, or not two numbers for each "
                "cell: give them, or drop the attribute `bounds`"
            )
        edges = data[bounds].values
        if not are_dates(edges):
            return np.sort(edges.astype(float), axis=1)
    if coordinate.size < 2:
        length = number_in(coordinate.attrs, "length")
        if length is not None and coordinate.attrs.get("periodic") == "true":
            return np.array([[0.0, length]])
        raise ValueError(
            f"axis {dim!r} has only one point, so it has no spacing: give it bounds (CF), or the "
            "sizes of its cells as weights"
        )
    steps = steps_of(coordinate.values)
    if not (np.all(steps > 0) or np.all(steps < 0)):
        raise ValueError(f"the points of axis {dim!r} do not go one way, so it has no cells")
    points = np.concatenate([[0.0], np.cumsum(steps)])
    middles = (points[1:] + points[:-1]) / 2
    ends = 2 * points[0] - middles[0], 2 * points[-1] - middles[-1]
    whole = np.concatenate([[ends[0]], middles, [ends[1]]])
    first = 0.0 if are_dates(coordinate.values) else float(coordinate.values[0])
    return first + np.sort(np.stack([whole[:-1], whole[1:]], axis=1), axis=1)


def bounds_of(coordinate: xr.DataArray) -> Any:
    """The name of the bounds of an axis; None where it has none."""
    return coordinate.attrs.get("bounds", coordinate.encoding.get("bounds"))


def widths_of(data: xr.Dataset, dim: Hashable) -> np.ndarray:
    """The widths of the cells along an axis; all those of an even one are its spacing."""
    coordinate = data[dim] if dim in data.coords else None
    bounded = coordinate is not None and bounds_of(coordinate) is not None
    if coordinate is not None and not bounded and coordinate.size > 1:
        points, attributes = coordinate.values, coordinate.attrs
        if (points.dtype.kind in "fiu" or are_dates(points)) and is_even(points):
            length = number_in(attributes, "length")
            if attributes.get("periodic") == "true" and length is not None:
                return np.full(len(points), length / len(points))
            return np.full(len(points), abs(float(steps_of(points)[0])))
    edges = edges_of(data, dim)
    return edges[:, 1] - edges[:, 0]


def weights_of(
    data: xr.Dataset, name: str, dims: Sequence[Hashable], given: str | xr.DataArray
) -> xr.DataArray:
    """The weights of the cells of a variable along some of its dimensions of space.

    Args:
        data: the dataset.
        name: of the variable.
        dims: its dimensions of space.
        given: an array; "area", looked for as the CF attribute `cell_measures` says, by a variable
            with the standard name cell_area or one of AREAS, by Gauss weights `gw`, by 1/(pm pn),
            and by latitude (and longitude) axes, in steradians; "volume", the area times the widths
            along the other axes; or the name of a variable, or an expression.

    Their name says what was found. Raises ValueError where nothing is, and where it does not fit.
    """
    if isinstance(given, xr.DataArray):
        return _fitting(given, data[name], name)
    if not isinstance(given, str):
        words = f"weights: given {type(given).__name__}, {GIVEN}, or a DataArray"
        raise ValueError(words)
    if given == "volume" and (stated := _measured(data, name, "volume")) is not None:
        return _fitting(stated, data[name], name)
    if given in ("area", "volume"):
        found = _area(data, name, dims)
        unknown = [str(d) for d in dims if str(d).lower() in SPHERE]
        if found is None and given == "volume" and unknown:
            words = "has no units of degrees or radians, so the areas are not known"
            raise ValueError(f"weights: axis {unknown[0]} {words}; {GIVEN}")
        if found is None and given == "area":
            raise ValueError(
                f"weights: no areas of the cells of {name} are found: no cell_measures, none of "
                f"{', '.join(AREAS)}, no latitude with units degrees_north; {GIVEN}"
            )
        found = xr.DataArray(1.0) if found is None else found
        said = [str(found.name)] if found.name else []
        for dim in dims if given == "volume" else ():
            if dim not in found.dims:
                found = found * xr.DataArray(widths_of(data, dim), dims=[dim])
                said.append(f"the widths along {dim}")
        return _fitting(found.rename(" times ".join(said)), data[name], name)
    if given in data.variables:
        return _fitting(data[given], data[name], name)
    formula = expression(given, data.variables)
    if formula is None:
        words = nearest(given, [*map(str, data.variables), "area", "volume"])
        raise ValueError(f"weights: there is no variable {given!r}{words} ({GIVEN})")
    return _fitting(formula.of(data), data[name], name)


def _fitting(found: xr.DataArray, array: xr.DataArray, name: str) -> xr.DataArray:
    other = [str(d) for d in found.dims if d not in array.dims]
    if other or found.dtype.kind not in "fiub":
        what = f"{found.name or 'what is given'}"
        raise ValueError(
            f"weights: {what} has the dimension {other[0]}, which {name} has not"
            if other
            else f"weights: {what} holds no numbers"
        )
    for dim in found.dims:
        if found.sizes[dim] != array.sizes[dim]:
            raise ValueError(
                f"weights: given {found.sizes[dim]} along {dim}, where {name} has "
                f"{array.sizes[dim]}"
            )
        labelled = dim in found.coords and dim in array.coords
        if labelled and not found[dim].equals(array[dim]):
            raise ValueError(
                f"weights: their coordinate {dim} is not that of {name}: bring them into one order "
                "first (reindex_like), or drop it"
            )
    return found.drop_vars(list(found.coords))


def _measured(data: xr.Dataset, name: str, what: str) -> xr.DataArray | None:
    """The area or volume that the CF attribute `cell_measures` of a variable names, or that is
    called so where it is a volume; None where there is none in the file.
    """
    words = str({**data[name].encoding, **data[name].attrs}.get("cell_measures", "")).split()
    named = dict(zip(words[::2], words[1::2], strict=False))
    stated = named.get(f"{what}:", what if what == "volume" else None)
    return data[stated] if stated in data.variables else None


def _area(data: xr.Dataset, name: str, dims: Sequence[Hashable]) -> xr.DataArray | None:
    """The areas of cells, by the first way that there is; None where there is none.

    Raises ValueError where a variable called `area` may be something else, as the share of a cell
    that ice covers.
    """
    array = data[name]
    if (stated := _measured(data, name, "area")) is not None:
        return stated
    standard = [n for n, v in data.variables.items() if v.attrs.get("standard_name") == "cell_area"]
    for each in (*standard, *AREAS):
        if each in data.variables and set() < set(data[each].dims) <= set(array.dims):
            units = data[each].attrs.get("units")
            doubtful = units is None and each == "area" and each not in standard
            if doubtful and not _is_like(data[each], dims, _on_sphere(data, dims)):
                raise ValueError(
                    "weights: the variable 'area' has no units, and does not go with the areas of "
                    f"the cells: is it something else? {GIVEN}, such as (area)"
                )
            if each in standard or units is None or OF_AREA.fullmatch(str(units)):
                return data[each]
    if {"pm", "pn"} <= set(data.variables) and set(data["pm"].dims) <= set(dims):
        return (1 / (data["pm"] * data["pn"])).rename("1/(pm pn)")
    return _on_sphere(data, dims)


def _is_like(area: xr.DataArray, dims: Sequence[Hashable], angles: xr.DataArray | None) -> bool:
    """Whether what is called an area is one: it does not change in time, and where the solid angles
    are known it is they but for a factor.
    """
    if angles is None or not set(area.dims) <= set(dims):
        return set(area.dims) <= set(dims)
    ratio = (area.drop_vars(list(area.coords)) / angles).values
    ratio = ratio[np.isfinite(ratio)]
    return bool(np.max(ratio, initial=0) <= 1.5 * np.min(ratio, initial=np.inf))


def _on_sphere(data: xr.Dataset, dims: Sequence[Hashable]) -> xr.DataArray | None:
    """Solid angles of the cells between circles of latitude and longitude, in steradians; a belt of
    all longitudes where there is no such axis.
    """
    data = _unbroken(data, dims)
    latitude = [d for d in dims if _is_degrees(data, d, "latitude", "north")]
    longitude = [d for d in dims if _is_degrees(data, d, "longitude", "east")]
    if len(latitude) != 1 or len(longitude) > 1:
        return None
    (lat,) = latitude
    if "gw" in data.variables and data["gw"].dims == (lat,):
        height = np.asarray(data["gw"].values, float)
    else:
        edges = np.clip(_radians(data, lat, edges_of(data, lat)), -np.pi / 2, np.pi / 2)
        height = np.sin(edges[:, 1]) - np.sin(edges[:, 0])
    words = "solid angles of the sphere"
    area = xr.DataArray(height, dims=[lat], name=words)
    if not longitude:
        return area * (2 * np.pi)
    (lon,) = longitude
    points, bounded = _radians(data, lon, data[lon].values), bounds_of(data[lon]) is not None
    if not bounded and _goes_round(points):
        width = np.full(len(points), 2 * np.pi / len(points))
    else:
        width = _radians(data, lon, widths_of(data, lon))
        if bounded:  # from 350 to 10 degrees are 20, where the point is 0
            lower, upper = _radians(data, lon, edges_of(data, lon)).T
            outside = (points < lower - 1e-3 * width) | (points > upper + 1e-3 * width)
            width = np.where(outside & (width > np.pi), 2 * np.pi - width, width)
    if np.sum(width) > 2 * np.pi * (1 + 1e-3):
        raise ValueError(
            f"weights: the cells along {lon} go round more than once: cut what repeats"
        )
    return area * xr.DataArray(width, dims=[lon], name=words)


def _unbroken(data: xr.Dataset, dims: Sequence[Hashable]) -> xr.Dataset:
    """The dataset with axes of longitude without bounds that do not jump at a full circle."""
    for dim in dims:
        if _is_degrees(data, dim, "longitude", "east") and bounds_of(data[dim]) is None:
            points, circle = data[dim].values.astype(float), 360.0
            if _radians(data, dim, np.ones(1)) == 1:
                circle = 2 * np.pi
            if not (np.all(np.diff(points) > 0) or np.all(np.diff(points) < 0)):
                points = np.unwrap(points, period=circle)
                data = data.assign_coords({dim: (dim, points, data[dim].attrs)})
    return data


def _goes_round(longitudes: np.ndarray) -> bool:
    """Whether equal cells of longitude make a whole circle; a single one does."""
    size = len(longitudes)
    if size == 1:
        return True
    step = abs(longitudes[1] - longitudes[0])
    return is_even(longitudes) and abs(step * size / (2 * np.pi) - 1) < 1e-3


def _radians(data: xr.Dataset, dim: Hashable, angles: np.ndarray) -> np.ndarray:
    """Angles along an axis in radians, whatever its units are."""
    return angles if str(data[dim].attrs.get("units", "")).startswith("rad") else np.radians(angles)


def _is_degrees(data: xr.Dataset, dim: Hashable, standard: str, towards: str) -> bool:
    """Whether an axis is latitude or longitude, as CF says it."""
    words = data[dim].attrs if dim in data.coords else {}
    letter = towards[0].upper()
    spelt = [f"degree{s}{end}" for s in ("", "s") for end in (f"_{towards}", f"_{letter}", letter)]
    return words.get("standard_name") == standard or words.get("units") in spelt
