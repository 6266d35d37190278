"""Attacks on what a run vouches for: code of a stranger that wants to run, and physics that wants
to change without a word.
"""

# ruff: noqa: F811 - fixtures of another file
import importlib
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import matplotlib
import pytest
from test_provenance import (  # noqa: F401
    EXPERIMENT,
    RATES,
    SOLVER,
    case,
    command,
    packaged,
    stopped,
    stranger,
)
from test_runs import after, same

import physent
from physent import runs
from physent.errors import FolderError
from physent.experiment.building import load_experiment
from physent.io import checkpoint, digests
from physent.io.folder import read_header
from physent.io.integrity import check, differences
from physent.protocol.sources import list_of_known
from physent.report.page import write
from physent.score.trained import load
from physent.solvers import NLSE

OPTIONS = {"sweep": ["--over", "solver.dt=0.1,0.05", "--workers", "1"]}


@pytest.mark.parametrize("name", ["score", "verify", "validate", "run", "sweep"])
def test_an_experiment_that_is_a_link_out_of_its_folder_runs_nothing(
    stranger, command, tmp_path, name
):
    (stranger / ".x").mkdir()
    (stranger / "experiment.toml").rename(stranger / ".x" / "experiment.toml")
    (stranger / "experiment.toml").symlink_to(".x/experiment.toml")
    rest = {"verify": ["--rows", "0:3"]} | OPTIONS
    place = stranger if name in ("score", "verify") else stranger / "experiment.toml"
    code, said = command(name, place, *rest.get(name, []))
    assert code == 2 and "code that you have not run before" in said
    assert not (tmp_path / "marker").exists()


@pytest.mark.parametrize("name", ["run", "validate", "sweep"])
def test_the_experiment_of_a_run_runs_with_trust_which_counts_once(
    stranger, command, tmp_path, name
):
    output = [] if name == "validate" else ["--output", tmp_path / "o"]
    arguments = [name, stranger / "experiment.toml", *OPTIONS.get(name, []), *output]
    assert command(*arguments)[0] == 2 and not (tmp_path / "marker").exists()
    code, said = command(*arguments, "--trust")
    assert code == 0, said
    assert (tmp_path / "marker").exists() and not list_of_known().exists()


def test_a_changed_source_of_a_recorded_experiment_is_refused(case, stopped, command, tmp_path):
    (case / "rates.py").write_text("def rate(u):\n    return u\n")
    for name in ("run", "validate", "sweep"):
        arguments = [name, stopped / "experiment.toml", *OPTIONS.get(name, [])]
        code, said = command(*arguments)
        assert code == 2 and "was changed since the run began" in said


def test_what_is_only_looked_at_is_not_known(case, command):
    assert command("validate", case / "case.toml")[0] == 0
    load_experiment(case / "case.toml")
    assert not list_of_known().exists()
    assert command("run", case / "case.toml", "--output", case / "run")[0] == 0
    assert len(list_of_known().read_text().split()) == 1


def test_code_that_is_named_often_is_refused_in_one_line(stranger, command):
    text = (stranger / "experiment.toml").read_text()
    kind = re.search(r'kind = "(.*:Decay)"', text)[1]
    text += "".join(f'[[diagnostics]]\nkind = "{kind}"\n' for _ in range(3))
    (stranger / "experiment.toml").write_text(text)
    code, said = command("resume", stranger)
    assert code == 2 and len(said.strip().splitlines()) == 1


@pytest.mark.parametrize(
    "solver",
    [
        {"kind": "linear_langevin", "walkers": 4, "dt": 0.1, "system": {"kind": "evil.py:X"}},
        {
            "kind": "active_matter",
            "particles": 4,
            "force": {"kind": "custom", "function": "evil.py:f"},
        },
        {"kind": "subprocess:Popen", "args": ["touch", "done"]},
    ],
)
def test_no_part_of_a_score_runs_code(tmp_path, monkeypatch, solver):
    monkeypatch.chdir(tmp_path)
    Path("evil.py").write_text("open('done', 'w')\nclass X: pass\ndef f(r): return r\n")
    header = {"format": 2, "precision": "float32", "reference": "none", "shapes": {}}
    header |= {"network": {"kind": "mlp"}, "solver": solver}
    checkpoint.save(tmp_path / "score.eqx", header, ())
    with pytest.raises(FolderError):
        load(tmp_path / "score.eqx")
    assert not Path("done").exists()


def test_the_matplotlibrc_of_a_folder_decides_nothing(tmp_path):
    physent.run(NLSE(n=16, length=20.0), t_end=0.02, save_every=0.01, output=tmp_path / "run")
    with matplotlib.rc_context({"text.usetex": True, "text.latex.preamble": r"\write18{x}"}):
        write(tmp_path / "run")


def test_a_module_that_shadows_the_standard_library_is_not_imported(tmp_path):
    for name in ("queue", "netCDF4", "tomllib"):
        (tmp_path / f"{name}.py").write_text("open('done', 'w')\n")
    command = [sys.executable, "-m", "physent", "list", "diagnostics"]
    env = os.environ | {"PYTHONPATH": str(Path(physent.__file__).parents[1])}
    subprocess.run(command, cwd=tmp_path, check=True, env=env, capture_output=True)
    assert not (tmp_path / "done").exists()


def test_a_log_that_is_a_link_is_not_written(stopped, command, tmp_path):
    (tmp_path / "precious").write_text("mine\n")
    (stopped / "run.log").unlink()
    (stopped / "run.log").symlink_to(tmp_path / "precious")
    code, said = command("resume", stopped)
    assert code == 2 and "cannot be written" in said
    assert (tmp_path / "precious").read_text() == "mine\n"


@pytest.mark.parametrize("name", ["source/more.py", "source/lib-01234567/more.py", "source/l"])
def test_a_file_that_was_added_to_the_copies_is_said_and_not_overwritten(
    case, stopped, command, name
):
    (stopped / name).parent.mkdir(exist_ok=True)
    (stopped / name).write_text("")
    code, said = command("verify", stopped)
    assert code == 1 and "is of no run" in said and "/".join(name.split("/")[:2]) in said
    code, said = command("run", case / "case.toml", "--output", stopped, "--overwrite")
    assert code == 2 and (stopped / name).exists()


def test_what_lies_in_a_copy_beside_it_is_not_overwritten(case, stopped, command):
    (place,) = (stopped / "source").iterdir()
    (place / "thesis.tex").write_text("mine")
    arguments = ["run", case / "case.toml", "--output", stopped, "--overwrite"]
    assert command(*arguments)[0] == 2 and (place / "thesis.tex").exists()
    (place / "thesis.tex").unlink()
    assert command(*arguments)[0] == 0


def test_a_link_in_a_copy_is_said(stopped, command, tmp_path):
    (place,) = (stopped / "source").iterdir()
    (place / "etc").symlink_to("/etc")
    code, said = command("verify", stopped)
    assert code == 1 and place.name in said


def test_the_init_of_a_package_is_part_of_its_modules(packaged, case, command):
    (case / "lab" / "__init__.py").write_text("from . import rates\nrates.rate = lambda u: u\n")
    code, said = command("resume", packaged)
    assert code == 2 and "lab.decay was changed since the run began" in said


def test_a_module_elsewhere_on_the_path_is_kept_and_not_exchanged(case, command, monkeypatch):
    other = case.parent / "other"
    other.mkdir()
    (case / "rates.py").rename(other / "rates.py")
    monkeypatch.syspath_prepend(str(other))
    monkeypatch.delitem(sys.modules, "rates", raising=False)
    runs.execute(load_experiment(case / "case.toml"), case / "run", stop=after(3))
    (place,) = (case / "run" / "source").iterdir()
    assert {path.name for path in place.iterdir()} == {"decay.py", "rates.py"}
    shutil.copytree(case / "run", case / "moved")
    runs.resume(case / "run")
    (other / "rates.py").write_text("def rate(u):\n    return u\n")
    code, said = command("resume", case / "moved")
    assert code == 2 and "was changed since the run began" in said
    (case / "decay.py").unlink()  # what was kept runs, with the module that was kept
    assert command("resume", case / "moved")[0] == 0
    same(case / "moved", case / "run")
    monkeypatch.delitem(sys.modules, "rates", raising=False)


@pytest.mark.parametrize(
    "reads",
    [
        'Path(__file__).with_name("table.txt")',
        'Path(__file__).parent / "data" / "table.txt"',
        'os.path.join(os.path.dirname(__file__), "data", "table.txt")',
    ],
)
def test_data_that_code_names_is_noted_and_a_change_is_said(case, command, reads):
    table = case / ("data/table.txt" if '"data"' in reads else "table.txt")
    table.parent.mkdir(exist_ok=True)
    table.write_text("1.0")
    rates = f"import os\nfrom pathlib import Path\nK = float(Path({reads}).read_text())\n"
    (case / "rates.py").write_text(f"{rates}\n\ndef rate(u):\n    return -K * u\n")
    code, said = command("validate", case / "case.toml")
    assert code == 0 and "table.txt, which the run does not keep" in said
    runs.execute(load_experiment(case / "case.toml"), case / "run", stop=after(3))
    table.write_text("2.0")
    code, said = command("resume", case / "run")
    assert code == 0 and "table.txt, which decay.py names, is not as it was when the run" in said


@pytest.mark.parametrize(
    ("old", "new"), [("return -u", "return -2 * u"), ("K = 1.0", "K = 2.0"), ("", "")]
)
def test_a_module_that_was_edited_after_its_import_is_said(case, monkeypatch, old, new):
    monkeypatch.syspath_prepend(str(case))
    (case / "rates.py").write_text(f"K = 1.0\n\n\n{RATES}")
    (case / "case.toml").write_text(EXPERIMENT.replace("decay.py:", "decay:"))
    for name in ("decay", "rates"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    experiment = load_experiment(case / "case.toml")
    importlib.import_module("rates")
    text = (case / "rates.py").read_text()
    (case / "rates.py").write_text(text.replace(old, new))
    now = time.time() + 5
    os.utime(case / "rates.py", (now, now))
    if not old:  # touched only
        runs.execute(experiment, case / "run")
        return
    with pytest.warns(UserWarning, match=r"rates.py was edited after this Python had imported it"):
        runs.execute(experiment, case / "run")


def test_a_name_of_code_in_the_folder_of_a_copy_leads_nowhere_else(stopped, command, tmp_path):
    """A copy that is a link to somewhere, or no file at all."""
    (place,) = (stopped / "source").iterdir()
    shutil.rmtree(tmp_path / "work" / "rates.py", ignore_errors=True)
    (tmp_path / "work" / "decay.py").rename(tmp_path / "away.py")
    for made in (
        lambda: (place / "decay.py").symlink_to(tmp_path / "away.py"),
        lambda: os.mkfifo(place / "decay.py"),
        lambda: (place / "decay.py").mkdir(),
    ):
        if (place / "decay.py").is_dir():
            (place / "decay.py").rmdir()
        (place / "decay.py").unlink(missing_ok=True)
        made()
        code, said = command("resume", stopped)
        assert code == 2 and len(said.strip().splitlines()) == 1, said


@pytest.mark.parametrize("name", [" blank", "a\nb", "a#mode=zarr", "a b'\"$(x)", "[red]x{y}"])
def test_odd_names_of_folders_are_as_good_as_others(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    physent.run(NLSE(n=16, length=20.0), output=name, t_end=0.02, save_every=0.01).close()
    assert differences(Path(name)) == []
    runs.resume(name, t_end=0.04)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["a\\b", os.fsdecode(b"\xff\xfe")])
def test_names_that_netcdf_cannot_have_are_refused(tmp_path, name):
    with pytest.raises(FolderError, match="netCDF cannot have a backslash, or bytes"):
        physent.run(NLSE(n=16), t_end=0.02, save_every=0.01, output=tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_values_are_looked_at_in_blocks(tmp_path, monkeypatch):
    """Of a large variable no more than a block is read at once, and nothing of it is left out."""
    physent.run(NLSE(n=16, length=20.0), t_end=0.3, save_every=0.01, output=tmp_path / "run")
    whole = read_header(tmp_path / "run")["values"]
    monkeypatch.setattr(digests, "READ_BYTES", 300)
    check(tmp_path / "run")
    with physent.protocol.hdf5.opened(tmp_path / "run" / "run.nc", "a") as file:
        assert digests.read_values(file, 31, 1)[0].digests() == whole
        file["density"][29, 3] *= 1 + 1e-15
    with pytest.raises(FolderError, match="values of density are not as they were written"):
        check(tmp_path / "run")
