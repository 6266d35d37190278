"""The same diagnostic gives the same numbers during a run and afterwards, and on files that physent
did not write.
"""

import numpy as np
import pytest
import xarray as xr
from toys import Heat

import physent
from physent.diagnostics import Complexity, DifferentialEntropy, Entropy, Error, PermutationEntropy
from physent.entropy import Density, Histogram, Renyi, Spectrum

DIAGNOSTICS = [
    Entropy(of="u"),
    Entropy(of="z", outcomes=Spectrum(), measure=Renyi(order=0.5), base=2.0),
    DifferentialEntropy(of="density"),
    Complexity(of="u"),
]


@pytest.mark.parametrize("members", [1, 3])
def test_offline_equals_streaming(tmp_path, members):
    run = physent.run(
        Heat(),
        t_end=1.0,
        save_every=0.1,
        diagnostics=DIAGNOSTICS,
        members=members,
        output=tmp_path / "run",
    )
    again = physent.diagnose(run, DIAGNOSTICS)
    assert set(again.data_vars) == {
        "entropy_u_shannon",
        "entropy_z_spectrum_renyi_0p5",
        "differential_entropy_u",
        "complexity_u",
    }
    for name in again.data_vars:
        assert again[name].dims == run[name].dims
        np.testing.assert_allclose(again[name].values, run[name].values, rtol=1e-13)
    run.close()


def foreign(dims=("time", "lat", "lon"), values=None):
    values = (
        np.random.default_rng(0).uniform(0.5, 1.5, (4, 5, 6)).astype("f4")
        if values is None
        else values
    )
    coords = {"lon": np.linspace(0.0, 10.0, 6), "lat": np.linspace(-4.0, 4.0, 5)}
    return xr.Dataset({"tracer": (dims, values)}, coords)


def test_a_file_physent_did_not_write():
    data = foreign()
    result = physent.diagnose(data, [Entropy(of="tracer")])
    p = data.tracer.values.astype(float).reshape(4, -1)
    p /= p.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(
        result.entropy_tracer_shannon, -(p * np.log(p)).sum(axis=1), rtol=1e-5
    )
    assert result.entropy_tracer_shannon.dtype == np.float32


def test_time_may_be_named_and_be_a_date():
    data = foreign(("epoch", "lat", "lon")).assign_coords(
        epoch=np.arange("2026-01-01", "2026-01-05", dtype="datetime64[D]")
    )
    result = physent.diagnose(data, [Entropy(of="tracer")], time="epoch")
    assert result.entropy_tracer_shannon.dims == ("epoch",) and result.epoch.dtype.kind == "M"


@pytest.mark.parametrize(
    ("data", "diagnostic", "message"),
    [
        (foreign(("when", "lat", "lon")), Entropy(of="tracer"), "which dimension is time"),
        (foreign(), Entropy(of="tacer"), "no observable or role 'tacer', did you mean tracer"),
        (foreign(), Error(of="tracer"), "no exact solution is known"),
        (foreign().isel(time=slice(0)), Entropy(of="tracer"), "no dimension 'time' with rows"),
        (
            foreign(),
            Entropy(of="tracer", name="lat"),
            "the name 'lat' is taken by a variable or dimension",
        ),
        (
            foreign().assign_coords(lon=np.geomspace(1, 9, 6)),
            Entropy(of="tracer", outcomes=Spectrum()),
            "not equally spaced, as a spectrum needs them",
        ),
        (
            foreign().assign_coords(lon=[0.0, 1, 2, 5, 4, 3]),
            DifferentialEntropy(of="tracer"),
            "points of axis 'lon' do not go one way",
        ),
        (
            foreign().drop_vars("lon"),
            DifferentialEntropy(of="tracer"),
            "dimension 'lon' has no coordinate: its spacing is not known",
        ),
        (foreign().isel(lon=slice(0)), Entropy(of="tracer"), "tracer has no values"),
        (
            foreign().assign_coords(time=[0.0, 1.0, np.nan, 3.0]),
            Entropy(of="tracer"),
            "the time of row 2 is not a number, but nan",
        ),
        (foreign().isel(lon=[0]), DifferentialEntropy(of="tracer"), "has only one point"),
        (xr.Dataset({"name": ("time", ["a", "b"])}), Entropy(of="name"), "no numeric variable"),
        (
            foreign(values=np.full((4, 5, 6), -1.0)),
            Entropy(of="tracer"),
            "tracer has negative values, so it is not a dens",
        ),
        (
            foreign(values=np.full((4, 5, 6), -1.0)),
            DifferentialEntropy(of="tracer"),
            "tracer has negative values",
        ),
        (
            foreign(values=np.full((4, 5, 6), -1.0)),
            Complexity(of="tracer"),
            "tracer has negative values",
        ),
        (
            foreign().isel(lat=0, lon=0),
            Entropy(of="tracer"),
            "a time series use kind = permutation_entropy",
        ),
        (
            foreign(values=np.full((4, 5, 6), np.nan)),
            Entropy(of="tracer"),
            "masked or not finite at row 0, index",
        ),
    ],
)
def test_what_cannot_be_done_is_said(data, diagnostic, message):
    with pytest.raises(ValueError, match=message):
        physent.diagnose(data, [diagnostic])


def test_a_field_with_both_signs_has_other_outcomes():
    data = foreign(values=np.random.default_rng(0).standard_normal((4, 5, 6)))
    result = physent.diagnose(
        data,
        [
            Entropy(of="tracer", outcomes=each)
            for each in (Spectrum(), Histogram(), Density(negative="clip"))
        ],
    )
    assert all(np.isfinite(array).all() for array in result.data_vars.values())


def test_a_series_alone_has_its_patterns():
    data = foreign(("time",), np.random.default_rng(0).standard_normal(50))[["tracer"]]
    result = physent.diagnose(data, [PermutationEntropy(of="tracer")])
    assert 0.9 < result.permutation_tracer_entropy[-1] <= 1


def test_a_file_larger_than_a_block_is_read_in_blocks(monkeypatch):
    whole = physent.diagnose(foreign(), [Entropy(of="tracer")])
    monkeypatch.setattr("physent.data.offline.BLOCK_BYTES", 1)
    np.testing.assert_array_equal(
        whole.entropy_tracer_shannon,
        physent.diagnose(foreign(), [Entropy(of="tracer")]).entropy_tracer_shannon,
    )


def test_the_direction_and_the_bytes_of_an_array_do_not_matter():
    data = foreign(values=np.random.default_rng(0).uniform(0.5, 1.5, (4, 5, 6)))
    turned = data.isel(lon=slice(None, None, -1))
    swapped = data.assign(tracer=data.tracer.astype(">f8"))
    values = [
        physent.diagnose(each, [DifferentialEntropy(of="tracer")])
        for each in (data, turned, swapped)
    ]
    for other in values[1:]:
        np.testing.assert_allclose(
            other.differential_entropy_tracer, values[0].differential_entropy_tracer, rtol=1e-12
        )
