"""physent production: files to a table, a sentence and a page."""

import sys

import numpy as np
import pytest
import xarray as xr

from physent.app import cli
from physent.data.tracks import tracks
from physent.production import estimate, systems


@pytest.fixture
def physent(monkeypatch, tmp_path, capsys):
    """Run the command in a folder of its own; returns (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["physent", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        captured = capsys.readouterr()
        return end.value.code, captured.out, captured.err

    return call


def turning(n=20_000, seed=0):
    known = systems.rotation()
    return known, known.sample(n, np.random.default_rng(seed))


def test_a_table_of_two_columns_gives_a_sentence_and_a_page(physent, tmp_path):
    known, x = turning()
    lines = [f"{known.dt * i:.3f},{a:.6f},{b:.6f}" for i, (a, b) in enumerate(x)]
    (tmp_path / "bead.csv").write_text("\n".join(["time,x,y", *lines]))
    code, out, err = physent(
        "production", "bead.csv", "--of", "x,y", "--output", "out.nc", "--quiet"
    )
    assert code == 0, err
    assert "Trust linear, " in out and "out.nc" in out and "out.html" in out and err == ""
    with xr.open_dataset("out.nc") as table:
        row = table.sel(estimator=table.attrs["recommended"])
        assert abs(row.rate - known.rate) < 4 * row.standard_error < 0.3 * known.rate
    page = (tmp_path / "out.html").read_text()
    assert "Trust linear, " in page and "<svg" in page and "hidden variables" in page
    assert physent("production", "bead.csv", "--of", "x,y", "--output", "out.nc")[0] == 2
    plain = "\n".join(["x y", *[f"{a:.6f} {b:.6f}" for a, b in x]])
    (tmp_path / "plain.txt").write_text(plain)
    code, _, err = physent("production", "plain.txt", "--of", "x,y")
    assert code == 2 and err.strip().endswith("or say the time between rows, --dt DT")
    words = "production", "plain.txt", "--of", "x", "--of", "y", "--estimators", "linear"
    code, out, err = physent(*words, "--dt", known.dt)
    assert code == 0 and "Trust linear, " in out and "linear ..." in err


def test_what_cannot_be_read_is_one_sentence_and_exit_code_2(physent, tmp_path):
    time = np.arange(200) * 0.1
    x = np.random.default_rng(0).standard_normal(200)
    xr.Dataset({"x": ("t", x), "y": ("t", x)}, {"t": time}).to_netcdf(tmp_path / "a.nc")
    uneven = time + 0.03 * np.random.default_rng(0).random(200)
    xr.Dataset({"x": ("t", x)}, {"t": uneven}).to_netcdf(tmp_path / "b.nc")
    for arguments, words in (
        (("nowhere.nc", "--of", "x"), "No such file"),
        (("a.nc",), "--of is missing: which variable? (there are: x, y)"),
        (("a.nc", "--of", "xx"), "a.nc: there is no variable 'xx', did you mean x?"),
        (("b.nc", "--of", "x"), "b.nc: its times 't' are not evenly spaced"),
        (("a.nc", "--of", "x,y", "--odd", "v"), "--odd v: unknown component (allowed: x, y)"),
        (("a.nc", "--of", "x,y", "--period", "a"), "given --period 'a', allowed: numbers > 0"),
        (("a.nc", "--of", "x,y", "--estimators", "liner"), "unknown 'liner'"),
        (("a.nc", "--of", "x,y", "--dt", "-1"), "given --dt -1.0, allowed: a number > 0"),
        (("a.nc", "--of", "x", "--output", "a.nc"), "a.nc exists: choose another --output"),
    ):
        code, out, err = physent("production", *arguments)
        assert code == 2 and words in err and out == "", (arguments, err)
        assert len(err.strip().splitlines()) == 1


def test_particles_of_one_table_are_trajectories_and_missing_frames_are_gaps():
    known, x = turning(6000)
    particle, frame = np.repeat(np.arange(6), 1000), np.tile(np.arange(1000), 6)
    keep = np.arange(6000) != 2500
    table = xr.Dataset(
        {"x": ("frame", x[keep, 0]), "y": ("frame", x[keep, 1]), "who": ("frame", particle[keep])},
        {"frame": frame[keep]},
    )
    found = tracks(table, ["x,y"], by="who")
    assert [len(part) for part in found.parts] == [1000, 1000, 500, 499, 1000, 1000, 1000]
    assert found.dt == 1 and found.components == ("x", "y")
    np.testing.assert_array_equal(found.parts[1], x[1000:2000])
    assert tracks(table, ["x", "y"], by="who", dt=known.dt).dt == known.dt


def test_members_are_trajectories_and_other_dimensions_components():
    _, x = turning(400)
    array = xr.DataArray(
        x.reshape(4, 100, 2), dims=("member", "t", "axis"), attrs={"period": [2.0, np.inf]}
    )
    data = xr.Dataset({"r": array}, {"t": 0.5 * np.arange(100)})
    found = tracks(data, ["r"])
    assert len(found.parts) == 4 and found.dt == 0.5 and found.components == ("r[0]", "r[1]")
    np.testing.assert_array_equal(found.period, [2, np.inf])
    with pytest.raises(ValueError, match="r has no dimension 'axes'"):
        tracks(data, ["r"], time="axes")


def test_states_of_a_file_stay_states(physent, tmp_path):
    known = systems.flashing_ratchet()
    x = known.sample(20_000, np.random.default_rng(0))
    lines = ["t,place,switch", *[f"{i},{a},{b}" for i, (a, b) in enumerate(x)]]
    (tmp_path / "ratchet.csv").write_text("\n".join(lines))
    code, out, err = physent("production", "ratchet.csv", "--of", "place,switch", "--quiet")
    assert code == 0 and "Trust markov_chain, " in out, err
    same = estimate(x, 1.0, estimators="markov_chain")
    assert f"{same.rate.item():.5g} +-" in out
