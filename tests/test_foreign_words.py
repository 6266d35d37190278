"""The words of `physent diagnose` and of the accessor for files of other programs: time, weights,
missing values, expressions, particles, and the sentences for what cannot be.
"""

import tracemalloc

import foreign
import numpy as np
import pytest
import xarray as xr
from test_foreign_files import command  # noqa: F401 - a fixture

import physent
import physent.data.accessor  # registers the accessor
from physent.data.opening import open_any
from physent.diagnostics import DifferentialEntropy, Entropy, MeanSquareDisplacement
from physent.entropy import Histogram

R = np.random.default_rng(3)


def only(dataset):
    return next(iter(dataset.data_vars.values()))


# ---- time ----------------------------------------------------------------------------------------


def test_time_that_may_be_two_dimensions_is_asked_for(command, tmp_path):  # noqa: F811
    data = foreign.grid(foreign.numbers(), False).rename(time="step", y="time")
    data = data.assign_coords(step=("step", np.arange(3).astype("m8[h]").astype("m8[ns]")))
    data.to_netcdf("a.nc")
    code, _, said = command("a.nc", "--of", "u")
    words = "which dimension is time? it may be step or time (dimensions: step, time, x); choose"
    assert code == 2 and words in said
    with pytest.raises(ValueError, match="it may be step or time"):
        data.u.physent.entropy()
    assert command("a.nc", "--of", "u", "--time", "step")[0] == 0


def test_variables_have_their_own_times():
    a = foreign.grid(foreign.numbers()).u
    b = foreign.grid(foreign.numbers()).u.rename(time="valid_time", y="lat")
    data = xr.Dataset({"a": a, "b": b})
    for name, dim in (("a", "time"), ("b", "valid_time")):
        found = physent.diagnose(data, [Entropy(of=name)])
        assert only(found).dims == data[name].physent.entropy().dims == (dim,)
    with pytest.raises(ValueError, match="a along time, b along valid_time"):
        physent.diagnose(data, [Entropy(of="a"), Entropy(of="b")])


# ---- the sizes of cells --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["lat-lon", "with poles", "gauss", "MPAS"])
def test_a_uniform_field_on_the_sphere_has_ln_4_pi(kind):
    lat = np.linspace(-90, 90, 19) if kind == "with poles" else np.arange(-85.0, 90, 10)
    x, gw = np.polynomial.legendre.leggauss(16)
    if kind == "gauss":
        lat = np.degrees(np.arcsin(x))
    coords = {"lat": ("lat", lat, {"units": "degrees_north"})}
    coords["lon"] = ("lon", np.arange(36) * 10.0, {"standard_name": "longitude"})
    data = xr.Dataset({"u": (("time", "lat", "lon"), np.ones((2, len(lat), 36)))}, coords)
    if kind == "gauss":
        data["gw"] = "lat", gw
    if kind == "MPAS":  # cells of any sizes, which make the sphere
        area = R.random(200)
        data = xr.Dataset({"u": (("Time", "nCells"), np.ones((2, 200)))})
        data["areaCell"] = "nCells", area * (4 * np.pi / area.sum())
    for found in (
        only(physent.diagnose(data, [DifferentialEntropy(of="u")], weights="area")),
        only(physent.diagnose(data, [Entropy(of="u")], weights="area")),
        data.physent.differential_entropy("u", weights="area"),
        data.physent.entropy("u", weights="area"),
    ):
        np.testing.assert_allclose(found, np.log(4 * np.pi), rtol=1e-3)
        np.testing.assert_allclose(found, np.log(4 * np.pi), rtol=1e-6)


def test_a_histogram_counts_by_area():
    data = foreign.globe(foreign.numbers())
    space = Histogram(bins=4, low=0.0, high=1.2)
    found = only(physent.diagnose(data, [Entropy(of="t2m", outcomes=space)], weights="area"))
    area = np.repeat(foreign.angles()[None], 3, axis=0)
    for t in range(3):
        n = np.histogram(data.t2m[t], 4, (0, 1.2), weights=area[t])[0] / area[t].sum()
        assert float(found[t]) == pytest.approx(-np.sum(n[n > 0] * np.log(n[n > 0])), rel=1e-12)
    assert found.attrs["weights"] == "area"


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ("area", "no areas of the cells of u are found"),
        ("volum", "there is no variable 'volum', did you mean volume"),
        ("v", "v has the dimension z, which u has not"),
        ("minus", "given -1 for a cell of u, allowed: numbers >= 0"),
        ("x**", "is neither a variable"),
    ],
)
def test_weights_that_are_none_are_said(weights, words):
    data = foreign.grid(
        {"u": foreign.numbers(), "v": (("z",), [1.0]), "minus": (("x",), -np.ones(6))}
    )
    with pytest.raises(ValueError, match=words):
        physent.diagnose(data, [Entropy(of="u")], weights=weights)


def test_who_takes_no_weights_says_so():
    data = foreign.grid(foreign.numbers())
    for diagnostic in (
        physent.diagnostics.PermutationEntropy(of="u", order=2),
        Entropy(of="u", outcomes=physent.entropy.Spectrum()),
    ):
        with pytest.raises(ValueError, match="takes none"):
            physent.diagnose(data, [diagnostic], weights="volume")


# ---- missing values ------------------------------------------------------------------------------


def test_the_share_that_is_left_out_is_written(command):  # noqa: F811
    land, moving = foreign.numbers(), foreign.numbers()
    land[:, 0], moving[1, :2] = np.nan, np.nan
    data = foreign.grid({"land": land, "moving": moving})
    data.to_netcdf("a.nc")
    told = command("a.nc", "--of", "land", "--of", "moving", "--skip-missing", "--output", "b.nc")
    assert told[0] == 0, told
    with xr.open_dataset("b.nc") as found:
        assert found.entropy_land_shannon.attrs["left_out"] == pytest.approx(0.25)
        assert found.entropy_moving_shannon.attrs["left_out"] == pytest.approx(1 / 6)
        np.testing.assert_allclose(found.left_out_moving, [0, 0.5, 0], atol=1e-15)
        assert "left_out_land" not in found
    label = data.moving.physent.entropy(skip_missing=True)
    np.testing.assert_allclose(label.left_out_moving, [0, 0.5, 0], atol=1e-15)
    assert data.land.physent.entropy(skip_missing=True).attrs["left_out"] == pytest.approx(0.25)
    code, _, said = command("a.nc", "--of", "land")
    assert code == 2 and "leave such cells out (--skip-missing" in said
    arguments = ("--kind", "permutation_entropy", "--set", "order=2", "--skip-missing")
    code, _, said = command("a.nc", "--of", "land", *arguments)
    assert code == 2 and "masked or not finite" in said
    lazy = data.moving.chunk({"time": 1}).physent.entropy(skip_missing=True)
    np.testing.assert_allclose(lazy.compute(), label, rtol=1e-14)
    np.testing.assert_allclose(lazy.left_out_moving.compute(), [0, 0.5, 0], atol=1e-15)


# ---- complex variables and expressions -----------------------------------------------------------


def test_parts_that_do_not_belong_together_stay_apart():
    u, short = foreign.numbers(), foreign.numbers()[:, :, :3]
    data = foreign.grid({"a_re": u, "b_re": u, "b_im": u.astype("f4"), "c_r": u, "c_i": u, "c": u})
    data["d_real"], data["d_imag"] = (("time", "y", "x"), u), (("time", "y", "k"), short)
    with pytest.raises(ValueError, match=r"no observable or role 'a' \(observables: a_re"):
        physent.diagnose(data, [Entropy(of="a")])
    for name in ("b", "d"):
        with pytest.raises(ValueError, match=f"no observable or role '{name}'"):
            physent.diagnose(data, [Entropy(of=name)])
    for name in ("a_re", "b_im", "c_r", "c"):
        assert np.isfinite(only(physent.diagnose(data, [Entropy(of=name)]))).all()


def test_published_files_of_nlse_give_their_density():
    """psi_abs alone is no density: 3.47 came for 2.94."""
    x = np.linspace(-25, 25, 512, endpoint=False)
    psi = 2 / np.cosh(2 * x) * np.exp(1j * x) * np.ones((2, 1))
    parts = {"psi_real": psi.real, "psi_imag": psi.imag, "psi_abs": np.abs(psi)}
    data = xr.Dataset({n: (("t", "x"), v) for n, v in parts.items()}, {"x": x, "t": [0.0, 1.0]})
    p = np.abs(psi[0]) ** 2 / np.sum(np.abs(psi[0]) ** 2)
    expected = -np.sum(p * np.log(np.where(p > 0, p, 1)))
    assert expected == pytest.approx(2.940, abs=2e-3)
    for of in ("psi", "psi_abs**2", "psi_real**2 + psi_imag**2", "abs(psi)**2", "conj(psi)"):
        found = physent.diagnose(data, [Entropy(of=of)])
        np.testing.assert_allclose(only(found), expected, rtol=1e-12)
        np.testing.assert_allclose(data.physent.entropy(of), expected, rtol=1e-12)
    assert only(physent.diagnose(data, [Entropy(of="psi_abs")]))[0] == pytest.approx(
        3.471, abs=2e-3
    )
    assert "entropy_psi_abs_to_2_shannon" in physent.diagnose(data, [Entropy(of="psi_abs**2")])


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').getcwd()",
        "u.__class__()",
        "(lambda: u)()",
        "[u for u in u]+u",
        "u if u else u+1",
        "eval('u')",
        "abs(u, u)",
        "u**v",
        "u +",
        "9**9**9*u",
        "(" * 300 + "u" + ")" * 300,
        "-" * 400 + "u",
        "1 + 2",
        "u + True + x",
    ],
)
def test_the_language_has_nothing_else(text):
    with pytest.raises(ValueError, match=r"allowed|neither|no variable|has no value|operations"):
        physent.diagnose(foreign.grid(foreign.numbers()), [Entropy(of=text)])


def test_names_that_are_no_words_are_quoted():
    data = foreign.grid({"wind-u": foreign.numbers(), "wind.v": foreign.numbers(seed=1)})
    total = data["wind-u"] ** 2 + data["wind.v"] ** 2
    found = data.physent.entropy('"wind-u"**2 + wind.v**2')
    np.testing.assert_allclose(found, total.physent.entropy(), rtol=1e-14)


# ---- particles -----------------------------------------------------------------------------------


def walk(steps=40):
    moves = np.random.default_rng(7).standard_normal((steps, 30, 2)) * 0.4
    free = np.cumsum(moves, axis=0) + 5
    data = xr.Dataset(
        {"x": (("time", "particle", "component"), free % 10)}, {"time": np.arange(steps)}
    )
    return free, data


def test_wrapped_positions_are_followed(command, monkeypatch):  # noqa: F811
    free, data = walk()
    data.to_netcdf("a.nc")
    kind = ("--kind", "mean_square_displacement", "--of", "x", "--output", "b.nc")
    told = command("a.nc", *kind, "--period", "10,10", "--unwrap")
    assert told[0] == 0, told
    expected = np.mean(np.sum((free - free[0]) ** 2, axis=-1), axis=1)
    with xr.open_dataset("b.nc") as found:
        np.testing.assert_allclose(found.mean_square_displacement, expected, rtol=1e-12)
    monkeypatch.setattr("physent.data.offline.BLOCK_BYTES", 3 * 480)  # across blocks, too
    again = physent.diagnose(data, [MeanSquareDisplacement(of="x")], period=[10, 10], unwrap=True)
    np.testing.assert_allclose(again.mean_square_displacement, expected, rtol=1e-12)
    code, _, said = command("a.nc", *kind[:-1], "c.nc", "--unwrap")
    assert code == 2 and "period: missing" in said
    data["x"].attrs |= {"role": "position", "period": [10.0, 10.0]}
    with pytest.raises(ValueError, match="is wrapped into a periodic box"):
        physent.diagnose(data, [MeanSquareDisplacement(of="x")])
    found = physent.diagnose(data, [MeanSquareDisplacement()], unwrap=True)
    np.testing.assert_allclose(found.mean_square_displacement, expected, rtol=1e-12)


PARTICLES = {
    "particle_entropy": ["--set", "outcomes={kind='cells', bins=[4, 4], high=[10.0, 10.0]}"],
    "boltzmann_entropy": ["--set", "cells={kind='cells', bins=[4, 4], high=[10.0, 10.0]}"],
    "nearest_neighbour_entropy": [],
    "radial_distribution": ["--set", "radius=3.0"],
    "structure_factor": [],
    "clusters": ["--set", "radius=1.5", "--set", "slots=29"],
    "hexatic_order": ["--set", "radius=3.5", "--set", "slots=29"],
    "local_density": [],
}


@pytest.mark.parametrize("kind", PARTICLES)
def test_diagnostics_of_particles_from_the_command_line(kind, command):  # noqa: F811
    _, data = walk(3)
    data["x"].attrs["period"] = [10.0, 10.0]
    data.to_netcdf("a.nc")
    told = command("a.nc", "--kind", kind, "--of", "x", *PARTICLES[kind], "--output", "b.nc")
    assert told[0] == 0, told
    with xr.open_dataset("b.nc") as found:
        known = [array for array in found.data_vars.values() if "nan" not in array.attrs]
        assert known and all(np.isfinite(array).all() for array in known), found


def test_positions_and_velocities_are_joined(command):  # noqa: F811
    _, data = walk(3)
    data["v"] = data.x * 0.1
    data.to_netcdf("a.nc")
    cells = "outcomes={kind='cells', bins=[4], low=[0.0], high=[10.0]}"
    for of in ("x,v", '["x", "v"]'):
        told = command("a.nc", "--kind", "particle_entropy", "--of", of, "--set", cells)
        assert told[0] == 0 and "entropy_x_v_cells" in told[1], told


# ---- tables --------------------------------------------------------------------------------------


def test_a_table_has_a_column_of_time(command, tmp_path):  # noqa: F811
    rain = R.random(50)
    lines = [
        f"2020-01-{1 + i // 24:02}T{i % 24:02}:00,{x!r},ok" for i, x in enumerate(rain.tolist())
    ]
    (tmp_path / "a.csv").write_text("# a gauge\ndate,rain (mm),flag\n" + "\n".join(lines))
    words = ("--kind", "histogram_entropy", "--set", "low=0", "--set", "high=1", "--set", "bins=4")
    plug_in = ("--set", "estimator=plug_in", "--output", "b.nc")
    told = command("a.csv", "--of", "rain (mm)", *words, *plug_in)
    assert told[0] == 0, told
    n = np.histogram(rain, 4, (0, 1))[0] / 50
    with xr.open_dataset("b.nc") as found:
        last = only(found)[-1]
        assert float(last) == pytest.approx(-np.sum(n * np.log(n)), rel=1e-12)
        assert found.date.dtype.kind == "M"
    data = open_any(tmp_path / "a.csv")
    label = data["rain (mm)"].physent.entropy("date", outcomes=Histogram(bins=4, low=0.0, high=1.0))
    assert float(label) == pytest.approx(float(last), rel=1e-12)
    (tmp_path / "c.csv").write_text("when;a\n1;2\n2;3\n")
    code, _, said = command("c.csv", "--of", "a", "--kind", "permutation_entropy")
    assert code == 2 and "which column is time? none is called t" in said
    words = ("--kind", "permutation_entropy", "--set", "order=2", "--time", "when")
    assert command("c.csv", "--of", "a", *words)[0] == 0


# ---- sentences -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--kind", "os:getcwd"], "--kind os:getcwd: it is a builtin_function_or_method, allowed"),
        (["--kind", "pathlib:Path"], "it is a class Path, allowed: a diagnostic"),
        (["--outcomes", "{kind='histogram', low=2, high=1}"], "low: given 2, allowed: a number <="),
        (["--kind", "histogram_entropy", "--set", "low=2", "--set", "high=1"], "low: given 2"),
        (["--set", "bins"], "given --set 'bins', allowed: --set key=value"),
        (["--period", "ten"], "given --period 'ten', allowed: numbers > 0"),
        (["--time", "never"], "there is no dimension 'never' with rows"),
        (["--group", "g"], "there is no group 'g' (groups: none)"),
        (
            ["--kind", "regularity", "--set", "measure={kind='multiscale_entropy', scales=[1, 40]}",
             "--set", "window=10"],
            "scales: given 40, allowed: up to 2 for a series of 10 values",
        ),
        (["--of", "ghost"], "no observable or role 'ghost'"),
        (["--of", "u ** ghost"], "there is no variable 'ghost'"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_one_sentence_and_leaves_nothing(words, said, command, tmp_path):  # noqa: F811
    foreign.grid(foreign.numbers()).to_netcdf("a.nc")
    code, _, err = command("a.nc", "--of", "u", *words, "--output", "b.nc")
    assert code == 2 and said in err and "Traceback" not in err
    assert {path.name for path in tmp_path.iterdir()} == {"a.nc"}


def test_files_that_need_a_package_or_a_group_say_so(command, tmp_path, monkeypatch):  # noqa: F811
    data = xr.Dataset({"u": ("x", [1.0])})
    data.to_netcdf("a.nc", group="deep/er")
    code, _, err = command("a.nc", "--of", "u")
    assert code == 2 and "choose a group with --group NAME (groups with arrays: deep/er)" in err
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    (tmp_path / "a.zarr").mkdir()
    (tmp_path / "a.zarr" / "zarr.json").write_text("{}")
    code, _, err = command("a.zarr", "--of", "u")
    assert code == 2 and "it is a zarr store, for which zarr is needed: pip install zarr" in err
    (tmp_path / "b.zarr").mkdir()
    assert "it is a folder, and no zarr store" in command("b.zarr", "--of", "u")[2]


# ---- memory --------------------------------------------------------------------------------------


def test_a_field_larger_than_a_block_is_not_loaded_whole(tmp_path, monkeypatch):
    """32 MiB in rows of 0.5 MiB, read in pieces of 2 MiB."""
    u = R.random((64, 256, 256))
    xr.Dataset({"u": (("time", "y", "x"), u)}).to_netcdf(tmp_path / "a.nc")
    monkeypatch.setattr("physent.data.blocks.PIECE_BYTES", 2**21)
    with xr.open_dataset(tmp_path / "a.nc") as data:
        tracemalloc.start()
        found = data.u.physent.entropy()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 16 * 2**20
    p = u / u.sum(axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(found, -np.sum(p * np.log(p), axis=(1, 2)), rtol=1e-12)
    swapped = xr.DataArray(u[:4, :32], dims=("y", "time", "x"), name="u")  # time is not the first
    np.testing.assert_allclose(
        swapped.physent.entropy(), swapped.transpose("time", ...).physent.entropy(), rtol=1e-13
    )
