"""Sweeps: which points there are, that each is the single run bit for bit, and that a sweep
survives its workers.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import xarray as xr
from toys import Heat

import physent
from physent.app import cli
from physent.errors import FolderError, OptionError, ParameterError
from physent.sweep import Point, Result, SweepSettings, as_members, executors, points, summarise

TOYS = Path(__file__).with_name("toys.py")
TEXT = f"""
[solver]
kind = "{TOYS}:Heat"
[run]
t_end = 0.4
save_every = 0.1
[[diagnostics]]
kind = "entropy"
of = "u"
"""
# Dies the first time a worker builds it with nu > 0.25, as a machine that runs out of memory would.
MORTAL = f"""
import multiprocessing, os, pathlib, sys
sys.path.insert(0, {str(TOYS.parent)!r})
import toys

class Mortal(toys.Heat):
    def __check_init__(self):
        marker = pathlib.Path(__file__).with_suffix(".died")
        if multiprocessing.parent_process() and float(self.nu) > 0.25 and not marker.exists():
            marker.touch()
            os._exit(9)
"""


def command_line(arguments):
    return cli.app(arguments, exit_on_error=False, print_error=False)


def settings_of(*over, **others):
    return [point.settings for point in points(SweepSettings(over=over, **others))]


def test_points_of_a_grid_side_by_side_and_at_random():
    grid = settings_of("solver.n=8,16", "solver.method=strang,verlet")
    assert grid[1] == {"solver.n": 8, "solver.method": "verlet"} and len(grid) == 4
    pairs = settings_of("solver.n=8,16", "solver.nu=geomspace(0.1, 10, 2)", mode="zip")
    assert [list(pair.values()) for pair in pairs] == [[8, 0.1], [16, pytest.approx(10)]]
    drawn = settings_of(
        "a.b=loguniform(0.01, 1)", "a.c=uniform(2, 3)", "a.d=1,2", mode="random", samples=200
    )
    b, c, d = (np.array([point[key] for point in drawn]) for key in ("a.b", "a.c", "a.d"))
    assert b.min() > 0.01 and b.max() < 1 and abs(np.mean(np.log10(b)) + 1) < 0.15
    assert c.min() > 2 and c.max() < 3 and set(d) == {1, 2}
    assert drawn == settings_of(
        "a.b=loguniform(0.01, 1)", "a.c=uniform(2, 3)", "a.d=1,2", mode="random", samples=200
    )
    assert settings_of("solver.n=linspace(64, 256, 4)")[1] == {"solver.n": 128}
    lists = settings_of("solver.initial.position=[-1.0, 1.0], [0.0, 2.0]")
    assert lists[1] == {"solver.initial.position": [0.0, 2.0]}
    names = [
        point.name for point in points(SweepSettings(over=("solver.nu=0.5", "solver.file=a/b,c")))
    ]
    assert names == ["0000_nu=0.5_file=a-b", "0001_nu=0.5_file=c"]
    (alone,) = points(SweepSettings(over=("solver.nu=0.5",)))
    assert as_members([alone]) == alone


@pytest.mark.parametrize(
    ("over", "options", "message"),
    [
        (("solver.n",), {}, "allowed: key=values"),
        (("solver.n=linspac(0, 1, 3)",), {}, "did you mean linspace"),
        (("solver.n=geomspace(0, 1, 3)",), {}, "positive"),
        (("solver.n=uniform(0, 1)",), {}, "needs mode = 'random'"),
        (("a=1,2", "b=1,2,3"), {"mode": "zip"}, "same number of values"),
        (("a=1,2", "a=1"), {}, "given twice"),
        (("a=1,1",), {}, "has a repeated value"),
        (("a=linspace(0, 1, inf)",), {}, "allowed: linspace"),
    ],
)
def test_values_that_make_no_points_are_refused(over, options, message):
    with pytest.raises(ParameterError, match=message):
        settings_of(*over, **options)


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    """A sweep of two points on the process pool, run twice."""
    place = tmp_path_factory.mktemp("sweep")
    (place / "case.toml").write_text(TEXT)
    command = [
        "sweep",
        str(place / "case.toml"),
        "--over",
        "solver.nu=0.1,0.3",
        "--output",
        str(place / "out"),
    ]
    assert command_line(command) == 0
    return place, command


@pytest.mark.compiles_afresh
@pytest.mark.slow
def test_every_point_is_the_single_run_bit_for_bit(swept):
    place, _ = swept
    single = physent.run(
        Heat(nu=0.3), t_end=0.4, save_every=0.1, diagnostics=[physent.diagnostics.Entropy(of="u")]
    )  # fmt: skip
    with physent.open_run(place / "out" / "0001_nu=0.3") as run:
        assert run.u.values.tobytes() == single.u.values.tobytes()
        assert run.entropy_u_shannon.values.tobytes() == single.entropy_u_shannon.values.tobytes()
    with xr.open_dataset(place / "out" / "summary.nc") as summary:
        assert summary.entropy_u_shannon.dims == ("nu",) and list(summary.nu) == [0.1, 0.3]
        assert float(summary.entropy_u_shannon[1]) == float(single.entropy_u_shannon[-1])
        assert float(summary.entropy_u_shannon_mean[1]) == pytest.approx(
            float(single.entropy_u_shannon.mean())
        )
        assert list(summary.status.values) == ["done", "done"]


@pytest.mark.compiles_afresh
@pytest.mark.slow
def test_what_is_done_is_not_done_again_and_another_sweep_is_not_mixed_in(swept, capsys):
    place, command = swept
    before = {file: file.stat().st_mtime_ns for file in place.glob("out/*/run.nc")}
    capsys.readouterr()
    assert command_line(command) == 0
    assert capsys.readouterr().out.count("done before") == 2
    assert before == {file: file.stat().st_mtime_ns for file in place.glob("out/*/run.nc")}
    assert command_line([*command[:3], "solver.nu=0.1,0.4", *command[4:]]) == 2
    assert "holds another sweep" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("executor", ["process", "dask"])
@pytest.mark.filterwarnings("default")  # distributed's own
def test_a_worker_that_dies_costs_nothing_but_time(tmp_path, executor):
    if executor == "dask":
        pytest.importorskip("distributed")
    (tmp_path / "mortal.py").write_text(MORTAL)
    (tmp_path / "case.toml").write_text(TEXT.replace(f"{TOYS}:Heat", "mortal.py:Mortal"))
    command = [
        "sweep",
        str(tmp_path / "case.toml"),
        "--over",
        "solver.nu=0.2,0.3",
        "--output",
        str(tmp_path / "out"),
    ]
    assert command_line([*command, "--executor", executor, "--workers", "1"]) == 0
    assert (tmp_path / "mortal.died").exists()
    runs = physent.open_runs(tmp_path / "out")
    assert list(runs.nu) == [0.2, 0.3] and runs.sizes["t"] == 5


@pytest.mark.compiles_afresh
@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_a_sweep_that_is_killed_and_run_again_is_the_whole_sweep(tmp_path):
    (tmp_path / "case.toml").write_text(TEXT.replace("t_end = 0.4", "t_end = 20.0\nchunk = 8"))
    over, out = "solver.nu=0.1,0.2,0.3", tmp_path / "out"
    command = [
        "sweep",
        str(tmp_path / "case.toml"),
        "--over",
        over,
        "--workers",
        "1",
        "--output",
        str(out),
    ]
    killed = subprocess.Popen(
        [sys.executable, "-m", "physent", *command],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert killed.stdout is not None
    assert killed.stdout.readline().startswith("1 of 3: 0000_nu=0.1: done")
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL and not (out / "summary.nc").exists()
    before = (out / "0000_nu=0.1" / "run.nc").stat().st_mtime_ns
    assert command_line(command) == 0
    assert (out / "0000_nu=0.1" / "run.nc").stat().st_mtime_ns == before
    for i, nu in enumerate((0.1, 0.2, 0.3)):
        with physent.open_run(out / f"000{i}_nu={nu}") as run:
            assert (
                run.u.values.tobytes()
                == physent.run(Heat(nu=nu), t_end=20.0, save_every=0.1).u.values.tobytes()
            )


@pytest.mark.slow
def test_all_points_as_members_of_one_run(tmp_path):
    (tmp_path / "case.toml").write_text(
        TEXT + '[sweep]\nover = ["solver.nu=linspace(0.1, 0.3, 3)"]\n'
    )
    command = ["sweep", str(tmp_path / "case.toml"), "--output", str(tmp_path / "o")]
    assert command_line([*command, "--vmap", "--workers", "1"]) == 0
    with (
        xr.open_dataset(tmp_path / "o" / "summary.nc") as summary,
        physent.open_run(tmp_path / "o" / "members") as run,
    ):
        np.testing.assert_array_equal(summary.entropy_u_shannon, run.entropy_u_shannon[-1])
        assert summary.entropy_u_shannon.dims == ("nu",)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--over", "solver.mu=0.1,0.2"], "--over: solver.mu: unknown key, did you mean nu?"),
        (
            ["--over", "solver.nu=0.1", "--executor", "proces"],
            "unknown executor 'proces', did you mean process?",
        ),
        ([], "sweep.over: missing"),
        (["--over", "run.seed=1,2", "--vmap"], "run.seed cannot vary by member"),
        (
            ["--over", "solver.n=8,16", "--vmap"],
            "(with --vmap only floating-point solver parameters can",
        ),
        (["--over", "solver.nu=0.1,0.2", "--samples", "3"], "only with --mode random"),
    ],
)
def test_a_bad_sweep_is_one_sentence_and_leaves_nothing(tmp_path, capsys, options, message):
    (tmp_path / "case.toml").write_text(TEXT)
    assert (
        command_line(
            ["sweep", str(tmp_path / "case.toml"), "--output", str(tmp_path / "out"), *options]
        )
        == 2
    )
    assert message in capsys.readouterr().err
    assert os.listdir(tmp_path) == ["case.toml"]


def test_a_summary_is_over_members_and_leaves_out_windows_that_fill(tmp_path):
    results = []
    for point in points(SweepSettings(over=("solver.nu=0.1,0.2",))):
        folder = tmp_path / point.name
        folder.mkdir()
        results.append(Result(point, folder, "done"))
        if point.index == 1:
            (folder / "run.nc").write_bytes(b"torn")
            continue
        with netCDF4.Dataset(folder / "run.nc", "w") as file:
            file.status, file.wall_time = "done", 2.0
            file.createDimension("t", 3)
            file.createDimension("member", 2)
            stored = file.createVariable("h", "f8", ("t", "member"))
            stored.setncatts({"units": "1", "long_name": "h", "role": "entropy"})
            stored[:] = [[np.nan, np.nan], [1.0, 3.0], [3.0, 5.0]]
    summary = summarise(results, [result.point for result in results], "grid")
    assert float(summary.h[0]) == 4 and float(summary.h_mean[0]) == 3 and np.isnan(summary.h[1])
    named = summarise(results, points(SweepSettings(over=("solver.h=0.1,0.2",))), "grid")
    assert named.h.dims == ("parameter_h",) and list(named.parameter_h) == [0.1, 0.2]


def small_run(folder, nu, rows, solver="heat"):
    """A run's file as netCDF4 writes it, without the run."""
    folder.mkdir(parents=True)
    with netCDF4.Dataset(folder / "run.nc", "w") as file:
        file.experiment = f'name = "{folder.name}"\n[solver]\nkind = "{solver}"\nnu = {nu}\n'
        file.createDimension("t", None)
        file.createVariable("t", "f8", ("t",))[:] = np.arange(rows)
        file.createVariable("u_re", "f8", ("t",))[:] = np.arange(rows) * nu
        file.createVariable("u_im", "f8", ("t",))[:] = nu


def test_many_runs_are_one_dataset_with_what_differs_along_it(tmp_path):
    for i in range(20):
        small_run(tmp_path / f"run_{i:02d}", 0.1 * i, 6)
    runs = physent.open_runs(tmp_path / "run_*")
    assert runs.sizes == {"run": 20, "t": 6} and "kind" not in runs.coords
    assert complex(runs.u.sel(run="run_07")[2]) == pytest.approx(1.4 + 0.7j)
    np.testing.assert_allclose(runs.nu, 0.1 * np.arange(20))
    assert isinstance(physent.open_runs(tmp_path), xr.Dataset)
    small_run(tmp_path / ".run_98.123", 0.5, 7)
    small_run(tmp_path / "run_98.damaged", 0.5, 7)
    assert physent.open_runs(tmp_path).sizes["run"] == 20
    small_run(tmp_path / "run_99", 0.5, 7)
    tree = physent.open_runs(tmp_path)
    assert (
        isinstance(tree, xr.DataTree)
        and tree["run_99"].attrs["nu"] == 0.5
        and tree["run_99"].sizes["t"] == 7
    )
    assert list(physent.open_runs([tmp_path / "run_99"], variables=["u"])) == ["u"]
    with pytest.raises(FolderError, match="matches no run"):
        physent.open_runs(tmp_path / "nothing*")


def test_a_sweep_is_known_by_old_and_by_new_kinds(tmp_path):
    """What version 0.1 began with a kind that has been renamed since goes on, and is no other
    sweep.
    """
    text = '[solver]\nkind = "couzin"\n[[diagnostics]]\nkind = "{}"\n'
    points = [Point(0, {"solver.n": 8})]
    old, new, other = (
        text.format(kind) for kind in ("schooling_entropy", "school_dewi_kadita", "school_entropy")
    )
    executors._claim(tmp_path / "sweep", [old], points)
    executors._claim(tmp_path / "sweep", [new], points)
    manifest = tmp_path / "sweep" / executors.MANIFEST
    for claim in (None, "{}", "[]", '{"points": [], "experiments": ["x ="]}'):
        if claim is not None:
            manifest.write_text(claim)
        with pytest.raises(FolderError, match=r"holds another sweep|is not a sweep"):
            executors._claim(tmp_path / "sweep", [other], points)


@pytest.mark.parametrize(("executor", "workers"), [("proces", None), ("process", 0)])
def test_an_option_that_cannot_be_is_an_option_error(executor, workers):
    with pytest.raises(OptionError, match="allowed: "):
        executors.check_executor(executor, workers)
