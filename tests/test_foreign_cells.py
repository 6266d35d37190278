"""The cells of other programs' grids: which weights are found for them, which are refused, and what
share is left out, the same by both ways.
"""

import jax
import numpy as np
import pytest
import xarray as xr
from test_foreign_traps import LN4, ROW, field, globe
from test_foreign_words import only

import physent
import physent.data.accessor  # registers the accessor
from physent.data.blocks import check_fits, checked_weights, rows_of, share_left_out
from physent.data.cells import weights_of
from physent.data.described import box_of
from physent.diagnostics import DifferentialEntropy, Entropy, HistogramEntropy

LAT = np.arange(-85.0, 90, 10)
NAME = {"standard_name": "latitude"}


def both(data, weights, **words):
    """The entropy of v by physent.diagnose and by the accessor."""
    return (
        only(physent.diagnose(data, [Entropy(of="v")], weights=weights, **words)),
        data.physent.entropy("v", weights=weights, **words),
    )


def shannon(row, size):
    p = np.multiply(row, size) / np.sum(np.multiply(row, size))
    there = p > 0
    return -np.sum(p[there] * np.log(p[there] / np.broadcast_to(size, p.shape)[there]))


# ---- the sphere ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lon", "part"),
    [
        ([350.0, 355, 0, 5], 20 / 360),
        ([170.0, 175, -180, -175], 20 / 360),
        ([180.0, 270, 0, 90], 1.0),
        ([5.0, 0, 355, 350], 20 / 360),
        ([0.0, 90, 180, 270], 1.0),
    ],
)
def test_longitudes_may_jump_at_a_full_circle(lon, part):
    found = weights_of(globe(LAT, lon, NAME), "v", ("lat", "lon"), "area")
    assert float(found.sum()) == pytest.approx(4 * np.pi * part, rel=1e-12)
    assert np.ptp(found.values, axis=1) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("key", ["attrs", "encoding"])
def test_bounds_of_longitude_may_cross_the_full_circle(key):
    data = globe(LAT, [0.0, 10.0], NAME)
    getattr(data.lon, key)["bounds"] = "b"
    data["b"] = ("lon", "n"), [[355.0, 5.0], [5.0, 15.0]]
    found = weights_of(data, "v", ("lat", "lon"), "area")
    assert float(found.sum()) == pytest.approx(4 * np.pi * 20 / 360, rel=1e-12)
    data = globe(LAT, [180.0], NAME)
    getattr(data.lon, key)["bounds"] = "b"
    data["b"] = ("lon", "n"), [[0.0, 360.0]]
    assert float(weights_of(data, "v", ("lat", "lon"), "area").sum()) == pytest.approx(4 * np.pi)


@pytest.mark.parametrize(
    ("units", "name", "taken"),
    [
        ("m2", "area", True),
        ("km^2", "area", True),
        ("m**2", "areaCell", True),
        ("steradian", "area", True),
        ("1e6 km2", "area", True),
        ("1", "area", False),
        ("%", "areacello", False),
        ("kg m-2", "area", False),
        (None, "areaCell", True),
    ],
)
def test_an_area_has_a_unit_of_area(units, name, taken):
    data = globe(LAT, np.arange(36) * 10.0, NAME)
    attributes = {} if units is None else {"units": units}
    data[name] = ("lat", "lon"), np.full((18, 36), 0.5), attributes
    found = weights_of(data, "v", ("lat", "lon"), "area")
    assert found.name == (name if taken else "solid angles of the sphere")


def test_what_is_called_area_without_units_goes_with_the_sphere_or_is_asked_for():
    data = globe(LAT, np.arange(36) * 10.0, NAME)
    angles = weights_of(data, "v", ("lat", "lon"), "area")
    data["area"] = 3 * angles
    assert weights_of(data, "v", ("lat", "lon"), "area").name == "area"
    data["area"] = xr.ones_like(data.v) * 0.5
    with pytest.raises(ValueError, match=r"'area' has no units, and does not go with .* \(area\)"):
        weights_of(data, "v", ("lat", "lon"), "area")
    assert float(weights_of(data, "v", ("lat", "lon"), "(area)").max()) == 0.5
    data = field(area=(("time", "x"), np.ones((2, 4))))
    with pytest.raises(ValueError, match="'area' has no units"):
        weights_of(data, "v", ("x",), "area")


def test_the_result_says_which_weights_it_has():
    data = field(area=("x", [1.0, 2, 3, 4], {"units": "m2"}))
    for found in both(data, "volume"):
        assert found.attrs["weights"] == "volume" and found.attrs["weights_are"] == "area"
    for found in both(field(), "volume"):
        assert found.attrs["weights_are"] == "the widths along x"
    for found in both(data, "x"):
        assert found.attrs["weights"] == "x" and "weights_are" not in found.attrs


def test_weights_that_are_an_array_are_called_as_it_is():
    weights = xr.DataArray([1.0, 2, 3, 4], dims="x", name="depth")
    for found in (
        only(physent.diagnose(field(), [Entropy(of="v")], weights=weights)),
        field().physent.entropy("v", weights=weights),
    ):
        assert found.attrs["weights"] == "depth"


# ---- weights that are wrong, and gaps ------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([1.0, -1, 2, 3], "given -1 for a cell of v, allowed: numbers >= 0"),
        ([1.0, np.nan, 2, 3], "given nan for a cell of v"),
        ([1.0, np.inf, 2, 3], "given inf for a cell of v"),
        ([0.0, 0, 0, 0], "those of the cells of v are all 0"),
    ],
)
def test_weights_that_are_wrong_are_refused_by_both(given, words):
    weights = xr.DataArray(given, dims="x")
    for call in (
        lambda: physent.diagnose(field(), [Entropy(of="v")], weights=weights),
        lambda: field().physent.entropy("v", weights=weights),
        lambda: field().physent.differential_entropy("v", weights=weights),
    ):
        with pytest.raises(ValueError, match=words):
            call()


def test_weights_of_one_row_may_not_all_be_0():
    weights = np.array([[0.0, 0, 0], [1, 2, 3]])
    with pytest.raises(ValueError, match="are all 0"):
        checked_weights(weights, "v", False, (1,))
    np.testing.assert_array_equal(checked_weights(weights, "v", True, (1,)), weights)


def test_the_share_left_out_knows_cells_without_a_weight():
    values, nan = np.ones((2, 4)), np.nan
    values[1, 0] = nan
    share = share_left_out(values, np.array([3.0, 1, nan, 2]), (1,))
    np.testing.assert_allclose(share, [0.25, 1 - 3 / 8])
    np.testing.assert_allclose(share_left_out(values, np.zeros(4), (1,)), [1, 1])
    np.testing.assert_allclose(share_left_out(values, None, (1,)), [0, 0.25])


def test_the_share_left_out_and_the_units_are_the_same_by_both_ways():
    data = field(x=(0.0, 1, 3, 7), words={"units": "m"})
    data["v"][1, 3] = np.nan
    one = physent.diagnose(data, [DifferentialEntropy(of="v")], skip_missing=True)
    other = data.physent.differential_entropy("v", skip_missing=True)
    np.testing.assert_allclose(only(one), other, rtol=1e-12)
    np.testing.assert_allclose(one.left_out_v, [0, 0.25])
    np.testing.assert_allclose(other.left_out_v, [0, 0.25])
    assert only(one).attrs["coordinate_units"] == other.attrs["coordinate_units"] == "x: m"


def test_a_mask_admits_estimators_that_correct():
    space = physent.entropy.Histogram(bins=4, low=0.0, high=5.0)
    mask = xr.DataArray([True, True, True, False], dims="x")
    words = {"outcomes": space, "estimator": physent.entropy.MillerMadow()}
    data = field()
    label = data.physent.entropy("v", weights=mask, **words)
    found = physent.diagnose(data, [Entropy(of="v", **words)], weights=mask)
    np.testing.assert_allclose(only(found), label, rtol=1e-12)
    row = HistogramEntropy(of="v", low=0, high=5, bins=4)
    found = only(physent.diagnose(data, [row], weights=mask))
    np.testing.assert_allclose(found[0], label[0], rtol=1e-12)


@pytest.mark.parametrize("lazy", [False, True])
def test_weights_may_lack_a_dimension(lazy):
    values = np.arange(1.0, 9).reshape(1, 2, 4)
    data = xr.Dataset({"v": (("time", "cell", "lev"), values)}, {"time": [0.0]})
    data["areaCell"] = "cell", [1.0, 3]
    if lazy:
        pytest.importorskip("dask")
        data = data.chunk(time=1)
    expected = shannon(values[0], np.array([[1.0], [3]]))
    np.testing.assert_allclose(data.physent.entropy("v", weights="area"), [expected])


# ---- what is beside the numbers ------------------------------------------------------------------


def test_time_is_known_by_what_is_beside_it_to_the_accessor_too():
    data = field().rename(time="nt").drop_vars("nt")
    data["tsec"] = "nt", [0.0, 1], {"units": "seconds since 2000-01-01"}
    found = data.physent.entropy("v")
    assert found.dims == ("nt",)
    np.testing.assert_allclose(found, LN4)


def test_no_rows_are_said():
    with pytest.raises(ValueError, match="v has no values along 'time'"):
        field().isel(time=slice(0)).physent.entropy("v")


def test_a_period_that_is_none_is_of_another_program():
    for period in ("monthly", 0, 12.0, [1.0, 2, 3, 4]):
        assert box_of({"v": xr.DataArray(np.ones(2), attrs={"period": period})}, None) is None
    with pytest.raises(ValueError, match=r"period: given .*monthly"):
        box_of({}, "monthly")  # pyright: ignore[reportArgumentType]
    walk = xr.DataArray(np.ones((5, 2)), attrs={"period": [2, 3]})
    np.testing.assert_array_equal(box_of({"v": walk}, None), [2, 3])


def test_numbers_too_small_for_single_precision_are_refused():
    with jax.enable_x64(False), pytest.raises(ValueError, match=r"too small .* \(4e-39\)"):
        check_fits(np.array(ROW) * 1e-39, "v")
    with jax.enable_x64(False):
        check_fits(np.array(ROW) * 1e-37, "v")
        check_fits(np.zeros(3), "v")


def test_time_that_is_last_is_first_in_memory():
    values = np.arange(24.0).reshape(2, 3, 4)
    arrays = {"v": xr.DataArray(values, dims=("y", "x", "time"))}
    parts = list(rows_of(arrays, "time", 4, 96))
    assert [place for place, _ in parts] == [slice(0, 2), slice(2, 4)]
    found = np.concatenate([part["v"] for _, part in parts])
    np.testing.assert_array_equal(found, np.moveaxis(values, -1, 0))
