"""How files of other programs are stored: groups, half precision, scales at some dimensions only,
values that were never written, lines of tables.
"""

import netCDF4
import numpy as np
import pytest
import xarray as xr

from physent.data import opening
from physent.data.opening import open_any
from physent.data.tables import read_table
from physent.errors import FolderError

U = np.arange(1.0, 7).reshape(2, 3)


# ---- groups --------------------------------------------------------------------------------------


def with_group(path, own=False):
    """x, its bounds, weights and times in the root; v in the group g, along x of its own or not."""
    with netCDF4.Dataset(path, "w") as file:
        for dim, size in (("time", 2), ("x", 3), ("nv", 2)):
            file.createDimension(dim, size)
        file.createVariable("time", "f8", ("time",))[:] = [0, 1]
        x = file.createVariable("x", "f8", ("x",))
        x[:], x.bounds = [1, 2, 4], "x_b"
        file.createVariable("x_b", "f8", ("x", "nv"))[:] = [[0, 1.5], [1.5, 3], [3, 9]]
        file.createVariable("w", "f8", ("x",))[:] = [1, 2, 4]
        file.createVariable("other", "f8", ("nv",))[:] = [1, 2]
        group = file.createGroup("g")
        if own:
            group.createDimension("x", 3)
        group.createVariable("v", "f8", ("time", "x"))[:] = U
    return path


def test_bounds_and_weights_of_the_groups_around_come_along(tmp_path):
    with open_any(with_group(tmp_path / "a.nc"), "g") as data:
        np.testing.assert_array_equal(data.x_b, [[0, 1.5], [1.5, 3], [3, 9]])
        assert list(data.data_vars) == ["v"] and set(data.coords) == {"time", "x", "x_b", "w"}
        width = np.array([1.5, 1.5, 6])
        p = U * width / np.sum(U * width, axis=1, keepdims=True)
        expected = -np.sum(p * np.log(p / width), axis=1)
        np.testing.assert_allclose(data.physent.differential_entropy("v"), expected)
        p = U * [1, 2, 4] / np.sum(U * [1, 2, 4], axis=1, keepdims=True)
        expected = -np.sum(p * np.log(p / [1, 2, 4]), axis=1)
        np.testing.assert_allclose(data.physent.entropy("v", weights="w"), expected)


def test_a_dimension_that_a_group_defines_anew_has_no_points_of_the_root(tmp_path):
    with open_any(with_group(tmp_path / "a.nc", own=True), "g") as data:
        assert set(data.coords) == {"time"}


@pytest.mark.parametrize("kind", ["classic", "table", "Dedalus"])
def test_a_group_where_there_are_none_is_refused(tmp_path, kind):
    path = tmp_path / "a.nc"
    if kind == "classic":
        xr.Dataset({"v": ("x", [1.0])}).to_netcdf(path, format="NETCDF3_64BIT")
    elif kind == "table":
        path = tmp_path / "a.csv"
        path.write_text("time,a\n0,1\n")
    else:
        h5py = pytest.importorskip("h5py")
        with h5py.File(path, "w") as file:
            file["scales/t"], file["tasks/b"] = [0.0, 1], U
    with pytest.raises(FolderError, match="--group g: "):
        open_any(path, "g")


def test_the_root_is_named_among_groups(tmp_path):
    path = with_group(tmp_path / "a.nc")
    with netCDF4.Dataset(path, "a") as file:
        file.createGroup("empty")
    with pytest.raises(FolderError, match=r"groups with arrays: the root, without --group, g\)"):
        open_any(path, "empty")


# ---- HDF5 ----------------------------------------------------------------------------------------


def test_half_precision_is_found_wherever_it_is(tmp_path, monkeypatch):
    """netCDF4 dies of it."""
    h5py = pytest.importorskip("h5py")
    monkeypatch.setattr(opening, "NEAR", 20)
    nested = np.zeros(2, np.dtype([("r", "f8"), ("h", "f2", (2,))]))
    for given, half in ((np.float16(U), True), (nested, True), (U, False), (["a"], False)):
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["first"], file["g/v"] = np.arange(3, dtype="u2"), given
        assert opening._has_half(tmp_path / "a.h5") == half
    with h5py.File(tmp_path / "a.h5", "a") as file:
        file["first"].attrs["unit"] = np.float16(2)
    assert opening._has_half(tmp_path / "a.h5")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert opening._has_half(tmp_path / "a.h5")


def test_hdf5_with_a_scale_at_one_dimension_only_is_read(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["time"], file["v"], file["z"] = [0.5, 1.5], U, 1j * U
        file["time"].make_scale("time")
        file["v"].dims[0].attach_scale(file["time"])
        file["v"].attrs["units"] = "m"
    with open_any(tmp_path / "a.h5") as data:
        assert data.v.dims == ("time", "dim_1") and data.v.attrs == {"units": "m"}
        np.testing.assert_array_equal(data.v, U)
        np.testing.assert_array_equal(data.z, 1j * U)
        np.testing.assert_array_equal(data.time, [0.5, 1.5])


def test_a_task_of_dedalus_has_the_points_of_its_own_grid(tmp_path):
    h5py = pytest.importorskip("h5py")
    points = {"a": [0.0, 1, 2], "b": [0.0, 1, 4], "c": [0.0, 7]}
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["scales/sim_time"] = [0.0, 1]
        file["scales/sim_time"].make_scale("sim_time")
        for name, each in points.items():
            file[f"scales/x_{name}"], file[f"tasks/{name}"] = each, U[:, : len(each)]
            file[f"scales/x_{name}"].make_scale(name)
            for i, (label, scale) in enumerate((("t", "sim_time"), ("x", f"x_{name}"))):
                file[f"tasks/{name}"].dims[i].label = label
                file[f"tasks/{name}"].dims[i].attach_scale(file[f"scales/{scale}"])
        file["tasks/p"], file["tasks/q"] = U, U[:, :2]  # without grids, of two sizes
    with open_any(tmp_path / "a.h5") as data:
        for name, each in points.items():
            np.testing.assert_array_equal(data[name][data[name].dims[1]], each)
        assert data.p.shape == (2, 3) and data.q.shape == (2, 2)


def test_whole_numbers_that_were_never_written_are_missing(tmp_path):
    with netCDF4.Dataset(tmp_path / "a.nc", "w") as file:
        file.createDimension("x", 3)
        file.createVariable("x", "i4", ("x",))[:] = [1, 2, 3]
        file.createVariable("n", "i4", ("x",))[:2] = [5, 6]
        file.createVariable("i", "i2", ("x",))[:] = [5, 6, -32767]
    with open_any(tmp_path / "a.nc") as data:
        np.testing.assert_array_equal(data.n, [5, 6, np.nan])
        np.testing.assert_array_equal(data.i, [5, 6, -32767])
        assert data.x.dtype == np.int32


# ---- tables --------------------------------------------------------------------------------------


def test_a_quoted_text_may_hold_the_separator_and_a_line(tmp_path):
    (tmp_path / "a.csv").write_text('time,a,note\n0,1,"x, y"\n1,2,"two\nlines"\n')
    np.testing.assert_array_equal(read_table(tmp_path / "a.csv").a, [1, 2])
