"""Labels stay with the entropies of xarray's arrays, and dask arrays stay lazy."""

import jax
import numpy as np
import pytest
import xarray as xr

import physent
import physent.data.accessor  # registers the accessor
from physent.diagnostics import Entropy, PermutationEntropy, Regularity, TransferEntropy
from physent.entropy import (
    Counts,
    Density,
    MillerMadow,
    Ordinal,
    Renyi,
    SpatialOrdinal,
    differential_entropy,
    entropy,
    jensen_shannon_complexity,
    sample_entropy,
    time_average,
)


@pytest.fixture
def field():
    values = np.random.default_rng(0).random((6, 5, 8))
    return xr.DataArray(
        values, dims=("t", "y", "x"), name="density",
        coords={"t": np.arange(6) * 0.5, "y": np.arange(5) * 0.2, "x": np.arange(8) * 0.1,
                "run": ("t", list("abcdef"))},
    )  # fmt: skip


def test_labels_and_values(field):
    result = field.physent.entropy()
    assert result.dims == ("t",)
    assert result.name == "entropy_density_shannon"
    assert result.attrs == {
        "units": "1", "long_name": "Shannon entropy of density in nats", "role": "entropy"
    }  # fmt: skip
    assert list(result.run.values) == list("abcdef")
    np.testing.assert_allclose(result, entropy(field.values, axis=(1, 2)), rtol=1e-14)
    result = field.physent.entropy(dim="t", outcomes=Ordinal(order=3), normalise=True)
    assert result.dims == ("y", "x")
    expected = entropy(field.values, outcomes=Ordinal(order=3), axis=0, normalise=True)
    np.testing.assert_allclose(result, expected, rtol=1e-14)
    result = field.physent.entropy(["y", "x"], Renyi(order=3), "spatial_ordinal", base=2)
    expected = entropy(field.values, Renyi(order=3), SpatialOrdinal(), axis=(1, 2), base=2)
    np.testing.assert_allclose(result, expected, rtol=1e-14)
    counts = xr.DataArray(np.array([[3, 4], [5, 0]]), dims=("t", "bin"))
    expected = entropy(counts.values, outcomes=Counts(), estimator=MillerMadow())
    np.testing.assert_allclose(
        counts.physent.entropy(outcomes="counts", estimator="miller_madow"), expected
    )


def test_other_quantities(field):
    h = field.physent.differential_entropy()
    np.testing.assert_allclose(
        h, differential_entropy(field.values, (0.2, 0.1), (1, 2)), rtol=1e-13
    )
    p = Ordinal(order=3).probabilities(field.values, 2)
    c = field.physent.complexity("x", Ordinal(order=3))
    np.testing.assert_allclose(c, jensen_shannon_complexity(p), rtol=1e-13)
    np.testing.assert_allclose(
        field.physent.sample_entropy("x", order=1), sample_entropy(field.values, order=1)
    )
    with pytest.warns(UserWarning, match="too few .* the mean of 40 in 40") as said:
        average = field.physent.time_average()
    assert len(said) == 1
    assert average.standard_error.dims == ("y", "x")
    np.testing.assert_allclose(average.value, field.mean("t"), rtol=1e-13)
    expected = jax.jit(time_average)(np.moveaxis(field.values, 0, -1)).standard_error
    np.testing.assert_allclose(average.standard_error, expected, rtol=1e-13)


def test_dask_in_lazily_out(field):
    pytest.importorskip("dask", reason="an optional dependency of xarray")
    expected = field.physent.entropy()
    for chunks in ({"t": 2}, {"t": 3, "x": 4}):
        result = field.chunk(chunks).physent.entropy()
        assert result.chunks is not None
        np.testing.assert_allclose(result.compute(), expected, rtol=1e-14)


def test_what_is_not_there_is_named(field):
    with pytest.raises(ValueError, match=r"no dimension 'z' \(there are: t, y, x\)"):
        field.physent.entropy("z")
    with pytest.raises(ValueError, match="no measure 'shanon', did you mean shannon"):
        field.physent.entropy(measure="shanon")
    with pytest.raises(ValueError, match="the points of axis 'x' do not go one way"):
        field.assign_coords(x=[0, 1, 2, 3, 7, 6, 5, 4]).physent.differential_entropy("x")
    with pytest.raises(ValueError, match="'x' are not equally spaced, as a spectrum needs them"):
        field.assign_coords(x=np.arange(8) ** 2).physent.entropy("x", outcomes="spectrum")
    with pytest.raises(ValueError, match="density has no values along 'x'"):
        field.isel(x=slice(0)).physent.entropy()
    with pytest.raises(ValueError, match="its spacing is not known"):
        field.drop_vars("x").physent.differential_entropy("x")


def test_it_is_what_diagnose_gives_in_the_precision_of_the_data(field):
    offline = physent.diagnose(
        field.to_dataset(), [Entropy(of="density", measure=Renyi(order=2.0))]
    )
    with jax.enable_x64(False):
        result = field.physent.entropy(measure=Renyi(order=2.0))
        assert field.astype("f4").physent.entropy().dtype == np.float32
    xr.testing.assert_allclose(result, offline.entropy_density_renyi_2, rtol=1e-14)
    assert result.dtype == np.float64 and result.attrs == offline.entropy_density_renyi_2.attrs


def test_the_question_of_time_is_asked(field):
    for name in ("time", "Time", "t_snapshot", "valid_time", "ocean_time", "frame"):
        assert field.rename(t=name).physent.entropy().dims == (name,)
    with pytest.raises(ValueError, match=r"time\? it may be t or time .*; choose dimensions with"):
        field.rename(y="time").physent.entropy()
    for name in ("step", "number"):
        with pytest.raises(
            ValueError, match=rf"which dimension is time\? .* \(dimensions: {name}, y, x\)"
        ):
            field.rename(t=name).physent.entropy()
    assert field.isel(t=0).physent.entropy().dims == ()
    with pytest.raises(
        ValueError, match="choose dimensions with dim="
    ):  # a member says nothing of time
        field.rename(t="step").assign_coords(member=0).physent.entropy()
    with pytest.raises(ValueError, match=r"use ordinal patterns, dim='t', outcomes='ordinal'"):
        field.isel(x=0, y=0).physent.entropy()
    assert field.isel(x=0, y=0).physent.entropy(dim="t", outcomes="ordinal") > 0


def test_data_that_have_no_such_entropy_are_refused(field):
    """As on the command line, and where NaN would say nothing."""
    with pytest.raises(ValueError, match="density is masked or not finite"):
        field.where(field.t < 2).physent.entropy()
    anomaly = field - 0.5
    for refused in (
        anomaly.physent.entropy,
        anomaly.physent.complexity,
        anomaly.physent.differential_entropy,
    ):
        with pytest.raises(
            ValueError,
            match="has negative values, so it is not a density: take the entropy with outcomes",
        ):
            refused()
    with pytest.raises(ValueError, match="cannot be counts"):
        anomaly.physent.entropy(outcomes="counts")
    for outcomes in ("histogram", "spectrum", "spatial_ordinal", Density(negative="clip")):
        assert np.isfinite(anomaly.physent.entropy(outcomes=outcomes)).all()


METHODS = ["entropy", "complexity", "differential_entropy", "sample_entropy", "time_average"]


@pytest.mark.parametrize("method", METHODS)
def test_any_byte_order_precision_and_unit(method):
    """Big-endian arrays (FITS, MITgcm), half precision, and values of 1e-30 or 1e30 in float32."""
    values = np.random.default_rng(2).integers(1, 9, (3, 64)) / 8.0
    coords = {"t": np.arange(3.0), "x": np.arange(64.0)}

    def found(data):
        array = xr.DataArray(data, coords, ("t", "x"), name="u")
        result = getattr(array.physent, method)("x")
        return result["value"] if isinstance(result, xr.Dataset) else result

    # a complexity is a small difference of entropies: of 1 it loses two digits more
    rtol = 1e-3 if method == "complexity" else 2e-5
    plain = found(values)
    for kind in (">f8", ">f4", "f4", "f2"):
        result = found(values.astype(kind))
        assert result.dtype.isnative and result.dtype.itemsize >= 4
        np.testing.assert_allclose(result, plain, rtol=rtol)
    for a in (1e-30, 1e30):
        expected = plain * a if method == "time_average" else plain
        np.testing.assert_allclose(found((values * a).astype("f4")), expected, rtol=rtol)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_dates_are_measured_in_seconds_whatever_their_resolution(unit):
    values, hours = np.random.default_rng(0).random(48), np.arange(48)
    dates = (np.datetime64("2026-01-01T00", "h") + hours).astype(f"datetime64[{unit}]")
    found = xr.DataArray(values, dims="time", coords={"time": dates}, name="rain")
    found = found.physent.differential_entropy("time")
    expected = xr.DataArray(values, dims="x", coords={"x": hours * 3600.0}, name="rain")
    expected = expected.physent.differential_entropy("x")
    np.testing.assert_allclose(found, expected, rtol=1e-14)
    assert found.attrs["coordinate_units"] == "time: s"
    assert "coordinate_units" not in expected.attrs


TIMES = {
    "gap": ([0, 1, 2, 5, 6, 7], "3 lie between rows 2 and 3, and 1 elsewhere"),
    "twice": ([0, 1, 1, 2, 3, 4], "rows 1 and 2 have the same one"),
    "unsorted": ([0, 1, 3, 2, 4, 5], "that of row 3 is not after that of row 2"),
}


@pytest.mark.parametrize("kind", TIMES)
@pytest.mark.parametrize("dates", [False, True])
def test_times_that_do_not_follow_each_other_evenly_are_refused(kind, dates):
    times, words = TIMES[kind]
    times = np.array(times, float)
    if dates:
        times, words = times.astype("datetime64[s]"), words.replace("3 lie", "3 s lie")
        words = words.replace("and 1 elsewhere", "and 1 s elsewhere")
    series = xr.DataArray(np.random.default_rng(0).random(6), {"time": times}, "time", name="u")
    asked = [
        lambda a: a.physent.entropy("time", outcomes="ordinal"),
        lambda a: a.physent.entropy("time", outcomes="dispersion"),
        lambda a: a.physent.complexity("time", outcomes="spectrum"),
        lambda a: a.physent.sample_entropy("time"),
        lambda a: physent.diagnose(a.to_dataset(), [PermutationEntropy(of="u", order=2)]),
        lambda a: physent.diagnose(a.to_dataset(), [TransferEntropy(of="u", to="u")]),
        lambda a: physent.diagnose(a.to_dataset(), [Regularity(of="u", window=4)]),
    ]
    for ask in asked:
        with pytest.raises(ValueError, match=f"'time' are not evenly spaced: .*{words}"):
            ask(series)
    series.physent.entropy("time", outcomes="density")  # what has no order is not asked for one
    asked[0](series.drop_vars("time"))  # rows are what counts


def test_rounding_of_times_is_no_gap():
    times = 1000 + 0.1 * np.arange(50)
    for rounded in (times.astype(np.float32), np.round(times, 5), times):
        array = xr.DataArray(np.sin(times), {"t": rounded}, "t", name="u")
        array.physent.entropy("t", outcomes="ordinal")
