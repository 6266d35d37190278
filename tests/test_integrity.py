"""What was damaged, edited or exchanged in the folder of a run is noticed: by `verify` always, by
whoever uses it otherwise.

PHYSENT_SABOTAGE=300 damages as many folders.
"""

import functools
import json
import os
import random
import shutil
import warnings

import netCDF4
import numpy as np
import pytest
import xarray as xr

import physent
from physent import runs
from physent.app import cli, verifying
from physent.errors import ConfigError, FolderError
from physent.experiment.building import load_experiment
from physent.io import checkpoint
from physent.io.integrity import check, differences
from physent.io.still_open import OPEN
from physent.report.comparison import compare_runs
from physent.report.files import opened
from physent.report.page import write

COUNT = int(os.environ.get("PHYSENT_SABOTAGE", "40"))
CASE = """
name = "case"
[solver]
kind = "nlse"
n = {n}
length = 20.0
dt = 0.01
[run]
t_end = 0.4
save_every = 0.02
snapshot_every = 0.04
[[diagnostics]]
kind = "entropy"
of = "density"
"""
FILES = ("run.nc", "checkpoint.eqx", "experiment.toml", "run.sum")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Two finished runs, and one that was stopped."""
    place = tmp_path_factory.mktemp("runs")
    for name, n in (("run", 256), ("other", 512)):
        (place / f"{name}.toml").write_text(CASE.format(n=n))
        runs.execute(load_experiment(place / f"{name}.toml"), place / name)
    rows = []
    stop = lambda: len(rows) > 3  # noqa: E731
    experiment = load_experiment(place / "run.toml", ["run.chunk=2"])
    runs.execute(experiment, place / "stopped", tell=rows.append, stop=stop)
    return place


def test_a_run_as_it_was_written_holds(finished):
    for name in ("run", "other", "stopped"):
        assert differences(finished / name) == []
        check(finished / name)
    header = checkpoint.check(finished / "stopped" / "checkpoint.eqx")
    assert header["rows"] == json.loads((finished / "stopped" / "run.sum").read_text())["rows"]


def damaged(folder, other, r):
    """One thing done to a folder, in words; "" where nothing differs after all."""
    file = folder / r.choice(FILES)
    before = file.read_bytes()
    what = r.choice(["flip", "cut", "delete", "swap", "edit"])
    if what == "flip":
        data, place = bytearray(before), r.randrange(len(before))
        data[place] ^= 1 << r.randrange(8)
        file.write_bytes(data)
    elif what == "cut":
        file.write_bytes(before[: r.randrange(len(before))])
    elif what == "delete":
        file.unlink()
    elif what == "swap":
        shutil.copy(other / file.name, file)
    elif file.name == "run.nc":
        with netCDF4.Dataset(file, "a") as stored:
            name = r.choice(["density", "t", "invariant_energy", "title"])
            if name == "title":
                stored.title = "another"
            else:
                row = r.randrange(len(stored[name]))
                stored[name][row] = stored[name][row] * (1 + 1e-12) + 1e-12
    elif file.name == "checkpoint.eqx":
        line, rest = before.split(b"\n", 1)
        header = json.loads(line)
        file.write_bytes(json.dumps(header | {"rows": header["rows"] - 1}).encode() + b"\n" + rest)
    else:
        file.write_bytes(before.replace(b"1", b"2", 1))
    return f"{what} {file.name}"


def same(a, b):
    """Whether two files of runs hold the same values, variables and attributes."""
    try:
        with netCDF4.Dataset(a) as one, netCDF4.Dataset(b) as two:
            if one.ncattrs() != two.ncattrs() or list(one.variables) != list(two.variables):
                return False
            attributes = all(np.all(one.getncattr(k) == two.getncattr(k)) for k in one.ncattrs())
            return attributes and all(
                v[...].tobytes() == two[k][...].tobytes()
                and [(w, v.getncattr(w)) for w in v.ncattrs()]
                == [(w, two[k].getncattr(w)) for w in two[k].ncattrs()]
                for k, v in one.variables.items()
            )
    except Exception:
        return False


def test_a_saboteur_is_noticed(finished, tmp_path):
    """By verify wherever something differs; resume, report and compare use nothing that does."""
    for seed in range(COUNT):
        r, source = random.Random(seed), finished / ("run" if seed % 2 else "stopped")
        folder = tmp_path / f"{seed}"
        shutil.copytree(source, folder)
        what = f"seed {seed}: {damaged(folder, finished / 'other', r)}"
        alike = all(
            (folder / name).is_file()
            and (
                (folder / name).read_bytes() == (source / name).read_bytes()
                or (name == "run.nc" and same(folder / name, source / name))
            )
            for name in FILES
        )
        found = differences(folder)
        assert bool(found) or alike, what
        assert all(words.count("\n") == 0 and len(words) < 1000 for words in found), what
        if not (folder / "run.nc").is_file():
            continue
        right = same(folder / "run.nc", source / "run.nc")
        whole = (write, functools.partial(compare_runs, finished / "run"))
        for use in (opened, *(whole if seed % 20 < 2 else ())):  # both begin by opening it
            try:
                use(folder)
                assert right, what
            except FolderError:
                pass
        go_on(folder, finished / "run", what)
        for left in tmp_path.iterdir():
            shutil.rmtree(left)


def go_on(folder, whole, what):
    """Resume a folder: it is refused in a sentence, or ends with the rows of what was never
    touched, as far as both go.
    """
    with warnings.catch_warnings(action="ignore", category=UserWarning):  # that it starts again
        try:
            outcome, said = runs.resume(folder).outcome, ""
        except (FolderError, ConfigError) as error:
            outcome, said = None, str(error)
    if outcome is None:
        assert 0 < len(said) < 1000, what
        return
    assert outcome.reason == "done", what
    with netCDF4.Dataset(folder / "run.nc") as one, netCDF4.Dataset(whole / "run.nc") as two:
        assert set(one.variables) == set(two.variables), what
        for name, variable in two.variables.items():
            rows = min(len(variable), len(one[name]))
            assert one[name][:rows].tobytes() == variable[:rows].tobytes(), f"{what}: {name}"
            assert one[name].ncattrs() == variable.ncattrs(), what
    found = [words for words in differences(folder) if "run.log" not in words]
    assert found == [], what


def test_the_command_says_what_differs_and_computes_rows_again(finished, tmp_path, capsys):
    folder = finished / "run"
    assert cli._exit_code(["verify", str(folder)]) == 0
    assert "every file is as it was written" in capsys.readouterr().out
    assert cli._exit_code(["verify", str(folder), "--rows", "3:6"]) == 0
    assert "rows 3:6 come out again bit for bit" in capsys.readouterr().out
    for rows, code in (("6:3", 2), ("x", 2), ("0:99", 2)):
        assert cli._exit_code(["verify", str(folder), "--rows", rows]) == code
    shutil.copytree(folder, tmp_path / "run")
    with netCDF4.Dataset(tmp_path / "run" / "run.nc", "a") as stored:
        stored["density"][2, 7] *= 1 + 1e-15
    assert cli._exit_code(["verify", str(tmp_path / "run")]) == 1
    assert "values of density are not as they were written" in capsys.readouterr().out
    for name in ("run.sum", "checkpoint.eqx"):  # digests that fit another value
        (tmp_path / "run" / name).unlink()
    again = list(_computed_again_of(tmp_path / "run", folder))
    assert (
        len(again) == 1 and "density is other when it is computed again, first in row 4" in again[0]
    )


def _computed_again_of(changed, whole):
    """As of a run whose digests were made to fit."""
    shutil.copy(whole / "checkpoint.eqx", changed)
    return verifying._computed_again(changed, 3, 6)


@pytest.mark.parametrize("part", ["header", "leaves"])
def test_a_checkpoint_that_is_not_as_it_was_written_is_not_gone_on_with(finished, tmp_path, part):
    shutil.copytree(finished / "stopped", tmp_path / "run")
    path = tmp_path / "run" / "checkpoint.eqx"
    data = bytearray(path.read_bytes())
    data[20 if part == "header" else -9] ^= 4
    path.write_bytes(data)
    with pytest.raises(FolderError, match="cannot be read"):
        runs.resume(tmp_path / "run")


def test_rows_that_are_not_as_they_were_written_are_made_again(finished, tmp_path):
    shutil.copytree(finished / "stopped", tmp_path / "run")
    with netCDF4.Dataset(tmp_path / "run" / "run.nc", "a") as stored:
        stored["density"][1, 7] *= 1 + 1e-15
    with pytest.warns(UserWarning, match=r"run.nc is damaged \(values of density are not"):
        runs.resume(tmp_path / "run")
    with physent.open_run(tmp_path / "run") as again, physent.open_run(finished / "run") as whole:
        np.testing.assert_array_equal(again.density, whole.density)
    assert differences(tmp_path / "run") == []


def _run_with(action, finished, tmp_path):
    """The outcome of a run that `action` is done to after its first rows."""
    done = []

    def tell(progress):
        if not done:
            action()
        done.append(progress)

    experiment = load_experiment(finished / "run.toml", ["run.chunk=2"])
    return runs.execute(experiment, tmp_path / "run", tell=tell).outcome


def _replace(path):
    """What another run of the same name would do."""
    shutil.copytree(path, path.with_name("other"))
    shutil.rmtree(path)
    path.with_name("other").rename(path)


@pytest.mark.skipif(not OPEN.is_dir(), reason="the system gives open files no path")
@pytest.mark.parametrize(
    ("action", "place"),
    [
        (shutil.rmtree, "run.rescued"),
        (lambda path: (path / "run.nc").unlink(), "run.rescued"),
        (lambda path: path.rename(path.with_name("moved")), "moved"),
        (lambda path: (path / "run.nc").rename(path / "run.old"), "run.rescued"),
        (_replace, "run.rescued"),
    ],
    ids=["removed", "file removed", "moved", "file renamed", "replaced"],
)
def test_a_folder_that_vanishes_is_saved_elsewhere(finished, tmp_path, action, place):
    outcome = _run_with(lambda: action(tmp_path / "run"), finished, tmp_path)
    assert outcome.reason == "failed" and "is not there any more" in outcome.message
    assert outcome.message.endswith(f"physent resume {tmp_path / place}")
    with physent.open_run(tmp_path / place) as saved:
        assert saved.sizes["t"] > 1
    runs.resume(tmp_path / place)
    with physent.open_run(tmp_path / place) as saved, physent.open_run(finished / "run") as whole:
        xr.testing.assert_equal(saved, whole)
    assert differences(tmp_path / place) == []


def test_a_folder_that_vanishes_for_good_is_noticed(finished, tmp_path, monkeypatch):
    monkeypatch.setattr("physent.io.still_open.OPEN", tmp_path / "nothing")
    outcome = _run_with(lambda: shutil.rmtree(tmp_path / "run"), finished, tmp_path)
    assert outcome.reason == "failed" and outcome.message.endswith("run it again")
