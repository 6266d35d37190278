"""Files of other programs with something in them that is easily read for something else."""

import jax
import netCDF4
import numpy as np
import pytest
import xarray as xr
from test_foreign_words import command, only  # noqa: F401

import physent
from physent.data.cells import weights_of
from physent.data.expressions import expression
from physent.data.opening import open_any
from physent.data.tables import read_table
from physent.diagnostics import (
    DifferentialEntropy,
    Entropy,
    HistogramEntropy,
    PermutationEntropy,
)
from physent.entropy import PlugIn
from physent.errors import FolderError

ROW = [[1.0, 2.0, 3.0, 4.0], [4.0, 3.0, 2.0, 1.0]]
LN4 = -np.sum(np.arange(1, 5) / 10 * np.log(np.arange(1, 5) / 10))


def field(x=(0.5, 1.5, 2.5, 3.5), **more):
    coords = {"time": [0.0, 1.0], "x": ("x", np.asarray(x, float), more.pop("words", {}))}
    return xr.Dataset({"v": (("time", "x"), np.array(ROW)), **more}, coords)


def named(text, dataset):
    found = expression(text, dataset.variables)
    assert found is not None
    return found.of(dataset)


# ---- values --------------------------------------------------------------------------------------


def test_expressions_do_not_wrap_around():
    small = {
        "b": ("x", np.array([1, 2, 3], "u1")),
        "c": ("x", np.array([2, 1, 4], "u1")),
        "a": ("x", np.array([300, 400, 7], "i2")),
        "h": ("x", np.array([300, 400, 7], "f2")),
    }
    data = xr.Dataset(small)
    np.testing.assert_array_equal(named("abs(b-c)", data), [1, 1, 1])
    np.testing.assert_array_equal(named("a*a", data), [90_000, 160_000, 49])
    np.testing.assert_array_equal(named("h*1000", data), [300_000, 400_000, 7_000])
    assert named("sqrt(b)", data).dtype == named("exp(a/100)", data).dtype == np.float64
    with pytest.raises(ValueError, match=r"given an integer of about 321 digits, allowed: numbers"):
        named("a*1" + "0" * 320, data)
    assert named("b**1e9", data).name != named("b**1e-9", data).name


def test_cells_that_were_never_written_or_are_not_valid_are_missing(tmp_path, command):  # noqa: F811
    with netCDF4.Dataset(tmp_path / "u.nc", "w") as file:
        for dim, size in (("time", 2), ("x", 6)):
            file.createDimension(dim, size)
        file.createVariable("time", "f8", ("time",))[:] = [0, 1]
        file.createVariable("v", "f8", ("time", "x"))[:, :4] = ROW
        limited = file.createVariable("w", "f4", ("time", "x"))
        limited[:] = np.pad(ROW, ((0, 0), (0, 2)), constant_values=999.0)
        limited.valid_max = np.float32(100)
        packed = file.createVariable("p", "i2", ("time", "x"))
        packed[:] = np.pad(ROW, ((0, 0), (0, 2)), constant_values=-5)
        packed.valid_range = np.array([0, 50], "i2")
    for name in ("v", "w", "p"):
        with open_any(tmp_path / "u.nc") as data:
            assert np.isnan(data[name].values[:, 4:]).all()
            np.testing.assert_array_equal(data[name].values[:, :4], ROW)
    assert command("u.nc", "--of", "v")[0] == 2
    code, out, _ = command("u.nc", "--of", "v", "--skip-missing")
    assert code == 0 and f"{LN4:.5f}" in out


def test_a_time_that_was_never_written_is_no_traceback(tmp_path, command):  # noqa: F811
    with netCDF4.Dataset(tmp_path / "t.nc", "w") as file:
        for dim, size in (("time", 2), ("x", 4)):
            file.createDimension(dim, size)
        time = file.createVariable("time", "f8", ("time",), fill_value=False)
        time[:], time.units = [0, 1e36], "days since 2000-01-01"
        file.createVariable("v", "f8", ("time", "x"))[:] = ROW
    code, _, said = command("t.nc", "--of", "v")
    assert code in (0, 2) and "Traceback" not in said


def test_whole_numbers_beyond_32_bits_are_refused_in_single_precision():
    data = field()
    data["v"] = ("time", "x"), np.array([[2**31 + 1, 2**32, 5, 7], [1, 2, 3, 4]])
    large = field()
    large["v"] = ("time", "x"), np.array(ROW) * 1e39
    with jax.enable_x64(False):
        for each, words in ((data, "beyond 32 bits"), (large, "beyond single precision")):
            with pytest.raises(ValueError, match=words):
                physent.diagnose(each, [Entropy(of="v")])


# ---- weights and gaps ----------------------------------------------------------------------------


def test_weights_are_no_counts():
    with pytest.raises(ValueError, match=r"MillerMadow corrects .* set the estimator to plug_in"):
        physent.diagnose(field(), [HistogramEntropy(of="v", low=0, high=5)], weights="x")
    plain = HistogramEntropy(of="v", low=0, high=5, estimator=PlugIn())
    assert only(physent.diagnose(field(), [plain], weights="x")).max() <= np.log(4)


def test_gaps_are_for_those_only_that_leave_them_out():
    data = field()
    data["v"][1, 2] = np.nan
    gaps = [Entropy(of="v")]
    assert np.isfinite(only(physent.diagnose(data, gaps, skip_missing=True))).all()
    with pytest.raises(ValueError, match="v is masked or not finite"):
        physent.diagnose(data, [*gaps, PermutationEntropy(of="v", order=2)], skip_missing=True)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (xr.DataArray([1.0, 2, 3, 4], dims="x", coords={"x": [3.5, 2.5, 1.5, 0.5]}), "one order"),
        (xr.DataArray([1.0, 2], dims="x"), "given 2 along x, where v has 4"),
        (np.ones(4), "given ndarray, allowed: area, volume, .* or a DataArray"),
        (5, "given int, allowed"),
    ],
)
def test_weights_of_other_places_are_refused(given, words):
    for call in (
        lambda: physent.diagnose(field(), [Entropy(of="v")], weights=given),
        lambda: field().physent.entropy("v", weights=given),
    ):
        with pytest.raises(ValueError, match=words):
            call()


def test_bounds_count_on_an_even_axis_as_well():
    edges = np.array([[-4.0, 1], [1, 2], [2, 3], [3, 4]])
    data = field(words={"bounds": "x_b"}, x_b=(("x", "n"), edges))
    widths = edges[:, 1] - edges[:, 0]
    for row, value in enumerate(only(physent.diagnose(data, [DifferentialEntropy(of="v")]))):
        p = np.array(ROW[row]) * widths / np.sum(np.array(ROW[row]) * widths)
        np.testing.assert_allclose(value, -np.sum(p * np.log(p / widths)), rtol=1e-12)
        np.testing.assert_allclose(value, data.physent.differential_entropy("v")[row], rtol=1e-12)
    with pytest.raises(ValueError, match="bounds 'x_b' of axis 'x' are not there"):
        physent.diagnose(data.drop_vars("x_b"), [DifferentialEntropy(of="v")])


def test_attributes_of_other_programs_are_theirs():
    data = field(words={"length": "4 m", "periodic": "true"})
    np.testing.assert_allclose(only(physent.diagnose(data, [Entropy(of="v")])), LN4)


def globe(lat, lon, lat_words, lon_words=None):
    words = {"standard_name": "longitude"} if lon_words is None else lon_words
    coords = {"lat": ("lat", lat, lat_words), "lon": ("lon", lon, words)}
    return xr.Dataset({"v": (("lat", "lon"), np.ones((len(lat), len(lon))))}, coords)


def test_areas_of_the_sphere_whatever_the_units_and_the_cut():
    lat, lon = np.arange(-85.0, 90, 10), np.arange(36) * 10.0
    name = {"standard_name": "latitude"}

    def whole(data):
        return float(weights_of(data, "v", ("lat", "lon"), "area").sum())

    turns = np.radians(lat), np.radians(lon), {**name, "units": "radian"}
    east = {"standard_name": "longitude", "units": "radian"}
    np.testing.assert_allclose(whole(globe(*turns, east)), 4 * np.pi, rtol=1e-12)
    one = globe(lat, [10.0], name, {"standard_name": "longitude", "bounds": "b"})
    one["b"] = ("lon", "n"), [[5.0, 15.0]]
    np.testing.assert_allclose(whole(one), 4 * np.pi / 36, rtol=1e-12)
    with pytest.raises(ValueError, match="go round more than once"):
        whole(globe(lat, np.arange(37) * 10.0, name))
    ice = globe(lat, lon, name)
    ice["area"] = ("lat", "lon"), np.full((18, 36), 0.5), {"units": "%"}
    np.testing.assert_allclose(whole(ice), 4 * np.pi, rtol=1e-12)
    flat = globe(lat, lon, {"units": "degrees"}, {"units": "degrees"})
    with pytest.raises(ValueError, match="axis lat has no units of degrees"):
        weights_of(flat, "v", ("lat", "lon"), "volume")
    for key, words in (("volume", {}), ("volcello", {"cell_measures": "volume: volcello"})):
        data = globe(lat, lon, name)
        data["v"].attrs = words
        data[key] = ("lat", "lon"), np.full((18, 36), 2.0)
        assert float(weights_of(data, "v", ("lat", "lon"), "volume").sum()) == 2 * 18 * 36


# ---- files ---------------------------------------------------------------------------------------


def test_coordinates_beside_the_axes_come_along(tmp_path, command):  # noqa: F811
    data = field().assign_coords(height=2.0, XTIME=("time", [0.0, 60.0]))
    data.to_netcdf(tmp_path / "aux.nc")
    code, out, said = command("aux.nc", "--of", "v")
    assert code == 0 and f"{LN4:.5f}" in out, said
    assert command("aux.nc", "--of", "v", "--output", "o.nc")[0] == 0
    with xr.open_dataset(tmp_path / "o.nc") as found:
        assert float(found.height) == 2.0 and found.XTIME.dims == ("time",)


@pytest.mark.parametrize(
    "text",
    [
        "time,up,down\n0,10,50\n1,11,43\n2,12,41\n",
        "time,up,down\n0,10,50,\n1,11,43,\n2,12,41,\n",
        "time,up,down,\n0,10,50,\n1,11,43,\n2,12,41,\n",
        "# a remark\ntime;up;down\n0;10;50\n  # another\n1;11;43\n2;12;41\n",
        'time;"up";down\n0;10;50\n1;11;43\n2;12;41\n',
        "time up down\n0 10 50\n1 11 43\n2 12 41\n",
    ],
)
def test_columns_stay_under_their_names(tmp_path, text):
    (tmp_path / "a.csv").write_text(text)
    found = read_table(tmp_path / "a.csv")
    np.testing.assert_array_equal(found.time, [0, 1, 2])
    np.testing.assert_array_equal(found.up, [10, 11, 12])
    np.testing.assert_array_equal(found.down, [50, 43, 41])


def test_names_of_columns_may_hold_anything(tmp_path):
    (tmp_path / "a.csv").write_text('time,sensor #1,"wind, speed"\n0,1,3\n1,2,4\n')
    found = read_table(tmp_path / "a.csv")
    np.testing.assert_array_equal(found["sensor #1"], [1, 2])
    np.testing.assert_array_equal(found["wind, speed"], [3, 4])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("time,a\n0,1,2\n1,2,3\n", r"a.csv:2: given 3 values, allowed: 2, one under each name"),
        ("time,a,b\n0,1,2\n# x\n1,2\n", r"a.csv:4: given 2 values, allowed: 3"),
        ("t (s) a (m)\n0 1\n1 2\n", r"a.csv:2: given 2 values, allowed: 4"),
        ("time,a,a\n0,1,2\n1,2,3\n", "two columns are called 'a'"),
        ("time;a\n0;1,5\n1;2,5\n", r"a.csv:2: column 'a' holds '1,5', allowed: a number"),
        ("time,a\n0,1\n# x\n1,2\n2,bad\n", r"a.csv:5: column 'a' holds 'bad'"),
        ("", "cannot be read as a table"),
    ],
)
def test_a_table_that_is_wrong_is_said_with_its_line(tmp_path, text, words):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(FolderError, match=words):
        read_table(tmp_path / "a.csv")


def test_labels_in_a_table_are_left_out(tmp_path):
    (tmp_path / "a.csv").write_text("time,a,state\n0,1,on\n1,,off\n2,3,on\n")
    found = read_table(tmp_path / "a.csv")
    assert list(found.data_vars) == ["a"] and np.isnan(found.a[1])
