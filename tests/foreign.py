"""Small files as other programs write them, each with what is in it as NumPy has it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cftime
import netCDF4
import numpy as np
import xarray as xr

SHAPE = T, Y, X = 3, 4, 6
LON, LAT = np.arange(X) * 60.0, np.array([-67.5, -22.5, 22.5, 67.5])
HEIGHT = np.array([0.0, 1.0, 3.0, 7.0])
HOURS = {"units": "hours since 2020-01-01", "calendar": "standard", "standard_name": "time"}


@dataclass
class Foreign:
    """A file, the words that ask for a variable of it, and what they stand for."""

    path: Path
    of: str
    values: np.ndarray  # time first; NaN is missing
    volumes: Any  # of the cells, for the differential entropy
    weights: Any = None  # the same as `words` ask for it
    words: dict[str, Any] = field(default_factory=dict)
    rtol: float = 1e-12


def numbers(dtype: Any = "f8", shape: tuple[int, ...] = SHAPE, seed: int = 0) -> np.ndarray:
    return (np.random.default_rng(seed).random(shape) + 0.1).astype(dtype)


def middles(points: np.ndarray) -> np.ndarray:
    """The widths of cells whose edges lie in the middle."""
    edges = (points[1:] + points[:-1]) / 2
    ends = 2 * points[0] - edges[0], 2 * points[-1] - edges[-1]
    return np.abs(np.diff(np.concatenate([[ends[0]], edges, [ends[1]]])))


def angles(lat: np.ndarray = LAT, half: float = 22.5) -> np.ndarray:
    """The solid angles of cells of the sphere."""
    upper, lower = (np.sin(np.radians(lat + d)) for d in (half, -half))
    return (upper - lower)[:, None] * np.full(X, np.radians(60.0))


def grid(u: Any, time: Any = None, **coords: Any) -> xr.Dataset:
    values = u if isinstance(u, dict) else {"u": u}
    given = {"y": np.arange(Y) * 0.5, "x": np.arange(X) * 0.25} | coords
    time = np.arange(T) * 0.1 if time is None else time
    data = {n: v if isinstance(v, tuple) else (("time", "y", "x"), v) for n, v in values.items()}
    return xr.Dataset(data, given | ({"time": time} if time is not False else {}))


def globe(u: np.ndarray, **more: Any) -> xr.Dataset:
    axes = {
        "longitude": ("longitude", LON.astype("f4"), {"units": "degrees_east"}),
        "latitude": ("latitude", LAT.astype("f4"), {"units": "degrees_north"}),
        "valid_time": ("valid_time", np.arange(T) * 6, HOURS),
    }
    return xr.Dataset({"t2m": (("valid_time", "latitude", "longitude"), u), **more}, axes)


CELL = 0.5 * 0.25


def written(folder: Path, data: xr.Dataset, name: str = "a.nc", **options: Any) -> Path:
    data.to_netcdf(folder / name, **options)
    return folder / name


def plain(kind: str, **options: Any):
    def make(folder: Path) -> Foreign:
        u = numbers(kind)
        encoding = {"u": {"dtype": kind}} if options.get("format") != "NETCDF3_64BIT" else {}
        path = written(folder, grid(u), encoding=encoding, **options)
        rtol = 1e-12 if u.dtype.itemsize == 8 else 1e-5
        return Foreign(path, "u", u.astype(u.dtype.newbyteorder("=")), CELL, rtol=rtol)

    return make


def counts(folder: Path) -> Foreign:
    u = np.random.default_rng(1).integers(1, 3, SHAPE).astype("u1")
    data = grid(u, False).rename(time="frame")
    return Foreign(written(folder, data), "u", u, CELL)


def packed(area: bool):
    def make(folder: Path) -> Foreign:
        packing = {"dtype": "i2", "scale_factor": 0.001, "add_offset": 0.5, "_FillValue": -32767}
        path = written(folder, globe(numbers()), encoding={"t2m": packing})
        with xr.open_dataset(path) as read:
            u = read.t2m.values
        if area:
            return Foreign(path, "t2m", u, angles(), angles(), {"weights": "area"})
        return Foreign(path, "t2m", u, 45.0 * 60.0)

    return make


def cesm(zonal: bool):
    def make(folder: Path) -> Foreign:
        u, lev = numbers("f4", (T, 2, Y, X)), np.array([100.0, 900.0])
        gw = ("lat", np.array([0.3, 0.7, 0.7, 0.3]))
        times = [cftime.DatetimeNoLeap(2001, m, 28) for m in (2, 3, 4)]
        lat = ("lat", LAT, {"units": "degrees_north"})
        lon = ("lon", LON, {"units": "degrees_east"})
        level = ("lev", lev, {"formula_terms": "a: hyam b: hybm p0: P0 ps: PS", "bounds": "lev_b"})
        bounds = ("lev", "nbnd"), np.array([[0.0, 400.0], [400.0, 1000.0]])
        data = xr.Dataset(
            {"Q": (("time", "lev", "lat", "lon"), u), "gw": gw, "hyam": ("lev", lev)},
            {"time": times, "lev": level, "lat": lat, "lon": lon, "lev_b": bounds},
        )
        area = np.array([0.3, 0.7, 0.7, 0.3])[:, None] * np.full(X, np.pi / 3)
        if zonal:
            data, u = data.isel(lev=0, lon=0, drop=True), u[:, 0, :, 0]
            area = area.sum(axis=1)
            return Foreign(
                written(folder, data), "Q", u, area, area, {"weights": "area"}, rtol=1e-5
            )
        volumes = area * np.array([400.0, 600.0])[:, None, None]
        return Foreign(
            written(folder, data), "Q", u, volumes, volumes, {"weights": "volume"}, rtol=1e-5
        )

    return make


def wrf(folder: Path) -> Foreign:
    u, factor = numbers("f4"), numbers("f8", (Y, X), 5)
    dims = ("Time", "south_north", "west_east")
    data = xr.Dataset({"T2": (dims, u), "MAPFAC_M": (dims[1:], factor)})
    data["XTIME"] = ("Time", np.arange(T) * 60.0, {"units": "minutes since 2020-01-01"})
    words = {"weights": "9e6/MAPFAC_M**2"}
    size = 9e6 / factor**2
    return Foreign(written(folder, data), "T2", u, size, size, words, rtol=1e-5)


def roms(area: bool):
    def make(folder: Path) -> Foreign:
        u, pm = numbers(), numbers("f8", (Y, X), 3)
        u[:, 1, 2:4] = np.nan
        u[0, 0, 0] = np.nan
        dims = ("ocean_time", "eta_rho", "xi_rho")
        data = xr.Dataset(
            {"zeta": (dims, u), "pm": (dims[1:], pm), "pn": (dims[1:], 2 * pm)},
            {"ocean_time": np.arange(T) * 1e3, "eta_rho": np.arange(Y), "xi_rho": np.arange(X)},
        )
        path = written(folder, data)
        if not area:
            return Foreign(path, "zeta", u, np.ones((Y, X)), None, {"skip_missing": True})
        size = 1 / (2 * pm**2)
        return Foreign(path, "zeta", u, size, size, {"weights": "area", "skip_missing": True})

    return make


def mpas(kind: str):
    def make(folder: Path) -> Foreign:
        u, area = numbers("f8", (T, 24)), numbers("f8", (24,), 2)
        thick = numbers("f8", (T, 24), 4)
        attributes = {"cell_measures": "area: surface"} if kind == "measures" else {}
        name = "surface" if kind == "measures" else "areaCell"
        data = xr.Dataset(
            {
                "ke": (("Time", "nCells"), u, attributes),
                name: ("nCells", area),
                "thickness": (("Time", "nCells"), thick),
            }
        )
        given, size = "area", area
        if kind == "thickness":
            given, size = "areaCell*thickness", area * thick
        return Foreign(written(folder, data), "ke", u, size, size, {"weights": given})

    return make


def layers(one: bool):
    def make(folder: Path) -> Foreign:
        u, z = numbers("f8", (T, Y, 1, X)), np.array([-9.0, -4.0, -2.0, -1.0])
        axes = {"time": np.arange(T) * 2.0, "zC": z, "xC": np.arange(X) + 0.5}
        data = xr.Dataset({"b": (("time", "zC", "yC", "xC"), u)}, axes)
        volumes = middles(z)[:, None] * np.ones(X)
        if not one:
            return Foreign(written(folder, data.isel(yC=0)), "b", u[:, :, 0], volumes)
        data = data.assign_coords(yC=("yC", [2.0], {"bounds": "yF"}))
        data["yF"] = ("yC", "side"), [[0.0, 4.0]]
        return Foreign(written(folder, data), "b", u, 4 * volumes[:, None])

    return make


def dedalus(folder: Path) -> Foreign:
    import h5py

    u, path = numbers(), folder / "snapshots_s1.h5"
    points = {"x": np.arange(Y) * 0.1, "z": np.array([0.0, 0.1, 0.3, 0.6, 1.0, 1.5])}
    with h5py.File(path, "w") as file:
        scales, task = file.create_group("scales"), file.create_group("tasks")
        scales["sim_time"], scales["iteration"] = np.arange(T) * 0.5, np.arange(T)
        for name, each in points.items():
            scales[f"{name}_hash_1f"] = each
        task["b"] = u
        scale: Any = scales.__getitem__
        field: Any = task["b"]
        for name in ("sim_time", "iteration", "x_hash_1f", "z_hash_1f"):
            scale(name).make_scale(name)
        for i, (label, names) in enumerate(
            {"t": ("iteration", "sim_time"), "x": ("x_hash_1f",), "z": ("z_hash_1f",)}.items()
        ):
            field.dims[i].label = label
            for name in names:
                field.dims[i].attach_scale(scale(name))
    return Foreign(path, "b", u, 0.1 * np.ones((Y, 1)) * middles(points["z"]))


def zarr(folder: Path) -> Foreign:
    u = numbers()
    grid(u).to_zarr(folder / "a.zarr", consolidated=False, zarr_format=2)
    return Foreign(folder / "a.zarr", "u", u, CELL)


def half(folder: Path) -> Foreign:
    u = numbers("f2")
    path = written(folder, grid(u), "half.nc", engine="h5netcdf")
    return Foreign(path, "u", u.astype("f4"), CELL, rtol=1e-5)


def compound(folder: Path) -> Foreign:
    psi = numbers() + 1j * numbers(seed=1)
    path = written(folder, grid({}), "a.nc")
    with netCDF4.Dataset(path, "a") as file:
        kind = np.dtype([("r", "f8"), ("i", "f8")])
        stored = file.createVariable(
            "psi", file.createCompoundType(kind, "complex"), ("time", "y", "x")
        )
        values = np.empty(SHAPE, kind)
        values["r"], values["i"] = psi.real, psi.imag
        stored[:] = values
    return Foreign(path, "psi", psi, CELL)


def parts(real: str, imaginary: str, of: str = "psi", dtype: str = "f8"):
    def make(folder: Path) -> Foreign:
        psi = numbers(dtype) - 1j * numbers(dtype, seed=1)
        data = {real: psi.real, imaginary: psi.imag, "psi_abs": np.abs(psi)}
        rtol = 1e-12 if dtype == "f8" else 1e-5
        return Foreign(written(folder, grid(data)), of, psi, CELL, rtol=rtol)

    return make


def along(dim: str, labels: list[str] | None):
    def make(folder: Path) -> Foreign:
        psi = numbers() - 1j * numbers(seed=1)
        pair = [psi.imag, psi.real] if labels else [psi.real, psi.imag]
        data = grid({"psi": (("time", "y", "x", dim), np.stack(pair, axis=-1))})
        data = data.assign_coords({dim: labels}) if labels else data
        return Foreign(written(folder, data), "psi", psi, CELL)

    return make


def groups(folder: Path) -> Foreign:
    u = numbers()
    path = written(folder, grid({}))
    data = xr.Dataset({"u": (("time", "y", "x"), u)})
    data.to_netcdf(path, mode="a", group="model/fields")
    return Foreign(path, "u", u, CELL, words={"group": "model/fields"})


def odd_names(folder: Path) -> Foreign:
    u = numbers()
    path = written(folder, grid({"wind speed.10m-mean": u}))
    return Foreign(path, "wind speed.10m-mean", u, CELL)


def timed(dim: str, time: Any, attributes: dict | None = None):
    def make(folder: Path) -> Foreign:
        u = numbers()
        data = grid(u, False).rename(time=dim).assign_coords({dim: (dim, time, attributes or {})})
        return Foreign(written(folder, data), "u", u, CELL)

    return make


def curvilinear(folder: Path) -> Foreign:
    u, area = numbers(), numbers("f8", (Y, X), 9)
    data = grid({"u": u, "tarea": (("y", "x"), area, {"standard_name": "cell_area"})})
    return Foreign(written(folder, data), "u", u, area, area, {"weights": "area"})


def north_first(folder: Path) -> Foreign:
    u, edges = numbers(), np.array([90.0, 30.0, 0.0, -50.0, -90.0])
    lat = ("lat", np.array([60.0, 10.0, -20.0, -80.0]))
    data = xr.Dataset(
        {"q": (("time", "lat", "lon"), u), "lat_b": (("lat", "n"), np.c_[edges[:-1], edges[1:]])},
        {
            "time": np.arange(T),
            "lat": (*lat, {"standard_name": "latitude", "bounds": "lat_b"}),
            "lon": ("lon", LON, {"units": "degrees_east"}),
        },
    )
    height = -np.diff(np.sin(np.radians(edges)))
    area = height[:, None] * np.full(X, np.pi / 3)
    return Foreign(written(folder, data), "q", u, area, area, {"weights": "area"})


def formula(folder: Path) -> Foreign:
    u, v = numbers(), numbers(seed=1)
    return Foreign(written(folder, grid({"u": u, "v": v})), "u**2 + v**2", u**2 + v**2, CELL)


def filled(folder: Path) -> Foreign:
    u = numbers()
    u[:, 2] = np.nan
    path = written(folder, grid(u), encoding={"u": {"_FillValue": -999.0}})
    return Foreign(path, "u", u, np.full((Y, X), CELL), None, {"skip_missing": True})


def snapshot(folder: Path) -> Foreign:
    u = numbers()
    return Foreign(written(folder, grid(u).isel(time=0)), "u", u[:1], CELL)


def stretched(folder: Path) -> Foreign:
    u = numbers()
    path = written(folder, grid(u, y=HEIGHT))
    return Foreign(path, "u", u, middles(HEIGHT)[:, None] * np.full(X, 0.25))


FILES = {
    "NetCDF of double precision": plain("f8"),
    "NetCDF of single precision": plain("f4"),
    "classic NetCDF": plain("f8", format="NETCDF3_64BIT"),
    "big-endian": plain(">f8"),
    "big-endian, single precision": plain(">f4"),
    "frames of a camera": counts,
    "ERA5 by areas": packed(True),
    "ERA5": packed(False),
    "CESM on levels": cesm(False),
    "CESM, zonal mean": cesm(True),
    "WRF": wrf,
    "ROMS by areas": roms(True),
    "ROMS": roms(False),
    "MPAS": mpas("area"),
    "MPAS by cell_measures": mpas("measures"),
    "MPAS by volumes that change": mpas("thickness"),
    "Oceananigans": layers(False),
    "Oceananigans of one layer": layers(True),
    "Dedalus": dedalus,
    "zarr": zarr,
    "half precision": half,
    "complex as a compound type": compound,
    "_real and _imag": parts("psi_real", "psi_imag"),
    "_re and _im": parts("psi_re", "psi_im", dtype="f4"),
    "_r and _i": parts("psi_r", "psi_i"),
    "a squared modulus": parts("psi_real", "psi_imag", "psi_abs**2"),
    "a sum of squares": parts("psi_real", "psi_imag", "psi_real**2 + psi_imag**2"),
    "dimension ri": along("ri", None),
    "dimension complex": along("complex", ["imag", "real"]),
    "groups": groups,
    "odd names": odd_names,
    "dates of 360 days": timed("epoch", [cftime.Datetime360Day(2000, 2, d) for d in (28, 29, 30)]),
    "axis T": timed("record", [1.0, 2.0, 3.0], {"axis": "T"}),
    "spans of time": timed("lead", np.arange(T).astype("m8[h]").astype("m8[ns]")),
    "areas by standard name": curvilinear,
    "bounds from north to south": north_first,
    "an expression": formula,
    "filled values": filled,
    "one time": snapshot,
    "a stretched axis": stretched,
}
PACKAGES = {"Dedalus": "h5py", "zarr": "zarr", "half precision": "h5py"}
