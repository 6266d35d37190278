"""`physent compare` of files of other programs, and the words for what such files do not have."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import physent
import physent.data.accessor
from physent.app import cli
from physent.data.times import even_parts, uneven
from physent.diagnostics import DifferentialEntropy, Entropy
from physent.report.checks import finished
from physent.solvers import NLSE

ROWS, LAT, LON = 400, np.arange(-80.0, 81, 20), np.arange(0.0, 360, 40)


@pytest.fixture
def command(monkeypatch, tmp_path, capsys):
    """Run a command in a folder of its own; returns (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        monkeypatch.setattr("sys.argv", ["physent", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        captured = capsys.readouterr()
        return end.value.code, captured.out, captured.err

    return call


def ocean(seed, spread):
    r = np.random.default_rng(seed)
    rain = np.exp(spread * r.standard_normal((ROWS, len(LAT), len(LON))))
    rain[:, LAT > 50] = np.nan
    hours = np.arange(ROWS).astype("m8[h]") + np.datetime64("2020-01-01", "ns")
    axes = {
        "valid_time": hours,
        "lat": ("lat", LAT, {"units": "degrees_north"}),
        "lon": ("lon", LON, {"units": "degrees_east"}),
    }
    index = ("valid_time", r.standard_normal(ROWS) + spread)
    return xr.Dataset({"rain": (("valid_time", "lat", "lon"), rain), "index": index}, axes)


@pytest.fixture
def files(tmp_path):
    a, b = ocean(1, 1.0), ocean(2, 1.1)
    a.to_netcdf(tmp_path / "a.nc")
    b.to_netcdf(tmp_path / "b.nc")
    return a, b


def row(out, name):
    return next(line for line in out.splitlines() if line.startswith(f"{name} "))


def test_entropies_of_two_files_are_compared_as_numpy_does(command, files):
    code, out, err = command(
        "compare", "a.nc", "b.nc", "--of", "rain", "--weights", "area", "--skip-missing",
        "--output", "both.html",
    )  # fmt: skip
    assert (code, err) == (0, "") and Path("both.html").is_file()
    w = np.sin(np.radians(LAT + 10).clip(-np.pi / 2, np.pi / 2))
    w = (w - np.sin(np.radians(LAT - 10)))[:, None] * np.full(len(LON), np.radians(40.0))
    w = w * (LAT <= 50)[:, None]
    series = []
    for data in files:
        share = np.nan_to_num(data.rain.values) * w
        share = share / share.sum((1, 2), keepdims=True)
        density = np.where(share > 0, share, 1) / np.where(share > 0, w, 1)
        series.append(-np.sum(share * np.log(density), axis=(1, 2)))
    found = row(out, "entropy_rain_shannon")
    for each in series:
        assert f" {each.mean():.6g} ± 0.0" in found
    assert "differ" in found and "no significant" not in found
    assert "area, solid angles of the sphere" in row(out, "weights of entropy_rain_shannon")
    left = 1 - w.sum() / (4 * np.pi)
    assert out.count(f"{left:.2%}") == 2 and "valid_time (s since the first)" in out


def test_without_a_name_the_series_of_both_are_compared(command, files):
    code, out, err = command("compare", "a.nc", "b.nc")
    assert (code, err) == (0, "") and "rain" not in out
    a, b = (float(each["index"].mean()) for each in files)
    assert f" {a:.6g} ± " in row(out, "index") and f" {a - b:.3g} ± " in row(out, "index")


def test_what_cannot_be_compared_says_what_it_needs(command, files):
    a, b = files
    a.drop_vars("index").to_netcdf("fields.nc")
    b.rename(index="other").to_netcdf("other.nc")
    a.isel(valid_time=[0, 1, 2, 5, 6]).to_netcdf("gap.nc")
    for arguments, words in (
        (
            ("fields.nc", "b.nc"),
            "--of VARIABLE says of what to compare the entropy (there are:",
        ),
        (("a.nc", "other.nc"), "no series is in both (a.nc has index; other.nc has other): --of"),
        (("a.nc", "gap.nc"), "10800 s lie between rows 2 and 3, and 3600 s elsewhere"),
        (("a.nc", "b.nc", "--of", "rain"), "rain is masked or not finite at row 0, index (7, 0)"),
        (("a.nc", "b.nc", "--weights", "area"), "--weights: of which variable? --of NAME is"),
        (("a.nc", "b.nc", "--of", "rian", "--skip-missing"), "did you mean rain?"),
        (("a.nc", "nothing.nc"), "nothing.nc"),
    ):
        code, out, err = command("compare", *arguments)
        assert code == 2 and out == "" and words in err, (arguments, err)
        assert "Traceback" not in err


# ---- what files and runs say of themselves -------------------------------------------------------


def test_a_missing_date_is_refused_by_both_ways(command):
    times = np.array(["2020-01-01", "NaT", "2020-01-03"], "M8[ns]")
    data = xr.Dataset({"a": (("time", "x"), np.ones((3, 4)))}, {"time": times, "x": np.arange(4.0)})
    words = "the time of row 1 is not a number, but NaT"
    for call in (
        lambda: data.physent.entropy("a"),
        lambda: data.a.physent.differential_entropy(),
        lambda: data.a.physent.entropy("time", outcomes="ordinal"),
        lambda: physent.diagnose(data, [Entropy(of="a")]),
    ):
        with pytest.raises(ValueError, match=words):
            call()


@pytest.mark.parametrize("text", ["[1", "1]", "[[1]]", "1;2", "", "[]"])
def test_half_a_list_is_no_period(command, text):
    xr.Dataset({"a": (("time", "x"), np.ones((3, 4)))}, {"time": np.arange(3.0)}).to_netcdf("a.nc")
    code, _, err = command("diagnose", "a.nc", "--of", "a", "--period", text)
    assert code == 2 and f"given --period {text!r}, allowed: numbers > 0" in err
    assert command("diagnose", "a.nc", "--of", "a", "--period", "[1, inf]")[0] == 0


def test_a_density_that_vanishes_is_told(command):
    a = np.ones((3, 4))
    xr.Dataset({"a": (("time", "x"), a)}, {"time": np.arange(3.0)}).to_netcdf("a.nc")
    code, out, err = command("diagnose", "a.nc", "--of", "time*a")
    assert code == 0 and "1.386" in out
    assert err == "entropy_time_times_a_shannon is NaN at 1 of 3 rows, first at time = 0.0\n"


def test_a_diagnostic_of_lengths_says_their_units_whatever_its_class():
    class Width(DifferentialEntropy):
        pass

    data = xr.Dataset(
        {"a": (("time", "x"), np.ones((2, 4)))},
        {"time": [0.0, 1.0], "x": ("x", np.arange(4.0), {"units": "km"})},
    )
    found = physent.diagnose(data, [Width(of="a"), Entropy(of="a")])
    assert found.differential_entropy_a.attrs["coordinate_units"] == "x: km"
    assert "coordinate_units" not in found.entropy_a_shannon.attrs


def test_a_run_in_memory_names_no_file_that_is_nowhere_and_says_how_it_ended():
    x = np.linspace(-25, 25, 64, endpoint=False)
    run = physent.run(
        NLSE(n=64, length=50.0, dt=0.01, initial=(1 / np.cosh(x)).astype(complex)),
        t_end=1.0,
        save_every=0.1,
        diagnostics=[Entropy(of="density")],
        until={"of": "entropy_density_shannon", "above": 0.1},
    )
    assert "given.nc" not in run.attrs["experiment"]
    assert 'file = "(given in Python, kept in no file)"' in run.attrs["experiment"]
    said = finished(run)
    assert said.state == "good" and said.sentence == (
        "yes, ended by run.until at t = 0 of 1, 1 rows: entropy_density_shannon is above 0.1"
    )


def test_parts_between_gaps_are_even():
    t = np.array([0.0, 1, 2, 5, 6, 6, 7, 8, 20, 30])
    data = xr.Dataset({"x": ("t", np.arange(10.0))}, {"t": t})
    parts = even_parts(data, "t")
    assert [part.x.values.tolist() for part in parts] == [[0, 1, 2], [3, 4], [5, 6, 7]]
    assert not any(uneven(part, "t") for part in parts) and uneven(data, "t")
    dates = np.datetime64("2020-01-01", "ns") + np.array([0, 1, 2, 9, 10]).astype("m8[h]")
    series = xr.DataArray(np.arange(5.0), {"date": dates}, "date")
    assert [part.size for part in even_parts(series, "date")] == [3, 2]
    assert even_parts(series[:1], "date") == []
