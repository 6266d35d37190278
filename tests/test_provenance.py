"""Code that an experiment names: kept with the run, never exchanged in silence, and run for
somebody else's folder only where the user has said so.
"""

import importlib.util
import os
import py_compile
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from test_runs import after, same

import physent
from physent import runs
from physent.app import cli
from physent.errors import ConfigError
from physent.experiment.building import load_experiment
from physent.io.folder import read_header
from physent.io.integrity import differences

SOLVER = """
from pathlib import Path

import jax.numpy as jnp
import physent
from physent import as_number, param
from rates import rate

Path({marker!r}).write_text("run")


class State(physent.State):
    t: object
    u: object


class Decay(physent.Solver):
    '''du/dt = rate(u)'''

    dt: object = param(default=0.1, converter=as_number, gt=0, doc="time step")

    def init(self, key):
        return State(t=jnp.zeros_like(self.dt), u=jnp.ones(4))

    def step(self, state):
        return State(t=state.t + self.dt, u=state.u + self.dt * rate(state.u))

    def observe(self, state):
        return {{"u": state.u}}

    def variables(self):
        return {{"u": physent.Variable(("x",))}}

    def domain(self):
        return physent.Domain((physent.Axis("x", jnp.arange(4.0), jnp.asarray(4.0)),))
"""
RATES = "def rate(u):\n    return -u\n"
EXPERIMENT = """
[solver]
kind = "decay.py:Decay"
[run]
t_end = 2.0
save_every = 0.1
chunk = 2
"""


@pytest.fixture
def case(tmp_path, monkeypatch):
    """A user's folder with an experiment, its solver and what that imports; a list of their own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    work = tmp_path / "work"
    work.mkdir()
    (work / "decay.py").write_text(SOLVER.format(marker=str(tmp_path / "marker")))
    (work / "rates.py").write_text(RATES)
    (work / "case.toml").write_text(EXPERIMENT)
    return work


@pytest.fixture
def stopped(case):
    """The run of that experiment, stopped on its way."""
    folder = case / "run"
    outcome = runs.execute(load_experiment(case / "case.toml"), folder, stop=after(3)).outcome
    assert outcome.reason == "interrupted"
    return folder


@pytest.fixture
def stranger(stopped, monkeypatch, tmp_path):
    """The folder of that run on the machine of somebody else, who has nothing else of it."""
    folder = tmp_path / "from_somebody"
    stopped.rename(folder)
    shutil.rmtree(tmp_path / "work")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "other_state"))
    (tmp_path / "marker").unlink()
    return folder


@pytest.fixture
def command(monkeypatch, capsys):
    def call(*arguments):
        monkeypatch.setattr("sys.argv", ["physent", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        captured = capsys.readouterr()
        return end.value.code, captured.out + captured.err

    return call


def test_a_run_keeps_a_copy_of_its_source_and_of_what_that_imports(stopped):
    (place,) = (stopped / "source").iterdir()
    assert {path.name for path in place.iterdir()} == {"decay.py", "rates.py"}
    assert (place / "rates.py").read_text() == RATES
    (noted,) = read_header(stopped)["sources"].values()
    assert noted["copy"] == f"source/{place.name}/decay.py"
    assert differences(stopped) == []


@pytest.mark.parametrize("edited", ["decay.py", "rates.py"])
def test_a_changed_source_is_not_gone_on_with(case, stopped, command, edited):
    before = (case / edited).read_text()
    (case / edited).write_text(before.replace("-u", "-2 * u").replace("jnp.ones", "2 * jnp.ones"))
    code, said = command("resume", stopped)
    assert code == 2 and "was changed since the run began, whose copy is" in said
    assert "--trust" in said
    (case / edited).write_text(before)
    assert command("resume", stopped)[0] == 0
    runs.execute(load_experiment(case / "case.toml"), case / "whole")
    same(stopped, case / "whole")


def test_a_changed_source_that_is_trusted_goes_on_and_is_kept(case, stopped, command):
    (case / "rates.py").write_text("def rate(u):\n    return 0 * u\n")
    assert command("resume", stopped, "--trust")[0] == 0
    with physent.open_run(stopped) as run:
        assert np.ptp(run.u.values[-5:]) == 0
    assert len(list((stopped / "source").iterdir())) == 2
    assert differences(stopped) == []


def test_a_run_goes_on_without_the_files_that_it_was_made_of(case, stopped, command):
    shutil.copytree(stopped, case.parent / "elsewhere")
    runs.resume(stopped)
    for name in ("decay.py", "rates.py"):
        (case / name).unlink()
    assert command("resume", case.parent / "elsewhere")[0] == 0
    same(case.parent / "elsewhere", stopped)
    assert differences(case.parent / "elsewhere") == []


@pytest.mark.parametrize("arguments", [["resume"], ["score"], ["verify", "--rows", "0:5"]])
def test_nothing_of_a_stranger_runs_unless_it_is_trusted(stranger, command, tmp_path, arguments):
    code, said = command(arguments[0], stranger, *arguments[1:])
    assert code == 2 and "code that you have not run before" in said and "--trust" in said
    assert not (tmp_path / "marker").exists()
    code, said = command(arguments[0], stranger, *arguments[1:], "--trust")
    assert (tmp_path / "marker").exists() and "have not run before" not in said
    if arguments[0] != "score":  # which this system has none of
        assert code == 0


def test_python_is_asked_as_the_command_line_is(stranger, tmp_path):
    with pytest.raises(ConfigError, match=r"not run before, named by .*: read it, then say"):
        load_experiment(stranger / "experiment.toml")
    with pytest.raises(ConfigError, match="not run before"):
        runs.resume(stranger)
    assert not (tmp_path / "marker").exists()
    experiment = load_experiment(stranger / "experiment.toml", trust=True)
    assert type(experiment.solver).__name__ == "Decay"
    assert runs.resume(stranger, trust=True).outcome.reason == "done"


@pytest.mark.parametrize("without", [["checkpoint.eqx"], ["checkpoint.eqx", "source"], ["run.nc"]])
def test_a_folder_that_lacks_something_is_a_folder_still(stranger, tmp_path, without, command):
    for name in without:
        path = stranger / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    (stranger / "decay.py").write_text(SOLVER.format(marker=str(tmp_path / "marker")))
    (stranger / "rates.py").write_text(RATES)
    text = (stranger / "experiment.toml").read_text().splitlines()
    named = ['kind = "decay.py:Decay"' if "decay.py:Decay" in line else line for line in text]
    (stranger / "experiment.toml").write_text("\n".join(named))
    (tmp_path / "linked.toml").symlink_to(stranger / "experiment.toml")
    for file in (stranger / "experiment.toml", tmp_path / "linked.toml"):
        with pytest.raises(ConfigError):
            load_experiment(file)
        for name in ("validate", "run", "sweep"):
            assert command(name, file)[0] == 2
    for name in ("resume", "score"):
        assert command(name, stranger)[0] == 2
    assert not (tmp_path / "marker").exists()


def test_a_point_that_is_another_run_is_not_gone_on_with(case, command, stopped, tmp_path):
    text = '[solver]\nkind = "tilted_ring"\nwalkers = 4\n[run]\nt_end = 0.1\nsave_every = 0.1\n'
    (case / "s.toml").write_text(text)
    arguments = "sweep", case / "s.toml", "--over", "solver.tilt=0.5,1.0", "--output", case / "s"
    code, said = command(*arguments, "--workers", "1")
    assert code == 0, said
    point = next(path for path in sorted((case / "s").iterdir()) if path.is_dir())
    shutil.rmtree(point)
    stopped.rename(point)
    (tmp_path / "marker").unlink()
    code, said = command(*arguments, "--workers", "1")
    assert code == 1 and "is not that of this point" in said
    assert not (tmp_path / "marker").exists()


def test_no_compiled_file_beside_a_known_source_is_run(case, stopped, command, tmp_path):
    (case / "decay.py").rename(case / "away.py")
    (place,) = (stopped / "source").iterdir()
    (place / "__pycache__").mkdir()
    evil = f"from pathlib import Path\nPath({str(tmp_path / 'evil')!r}).write_text('')\n" + RATES
    (case / "evil.py").write_text(evil)
    for file in (place / "rates.pyc", importlib.util.cache_from_source(str(place / "rates.py"))):
        mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
        py_compile.compile(str(case / "evil.py"), str(file), invalidation_mode=mode)
    assert command("resume", stopped)[0] == 0
    assert not (tmp_path / "evil").exists()
    code, said = command("verify", stopped)
    assert code == 1 and place.name in said


def test_a_relative_folder_is_as_an_absolute_one(case, stopped, monkeypatch):
    for name in ("decay.py", "rates.py"):
        (case / name).unlink()
    monkeypatch.chdir(case)
    assert runs.resume("run", trust=True).outcome.reason == "done"
    assert differences(Path("run")) == []
    assert len(list((stopped / "source").iterdir())) == 1


def test_packages_and_relative_imports_are_kept(case):
    (case / "own").mkdir()
    (case / "own" / "__init__.py").write_text("")
    (case / "own" / "a.py").write_text("from .b import rate\n")
    (case / "own" / "b.py").write_text(RATES)
    (case / "rates.py").write_text("from own import a\n\nrate = a.rate\n")
    runs.execute(load_experiment(case / "case.toml"), case / "run", stop=after(3))
    (place,) = (case / "run" / "source").iterdir()
    kept = {path.relative_to(place).as_posix() for path in place.rglob("*.py")}
    assert kept == {"decay.py", "rates.py", "own/__init__.py", "own/a.py", "own/b.py"}
    shutil.rmtree(case / "own")
    (case / "decay.py").unlink()
    assert runs.resume(case / "run").outcome.reason == "done"


def test_what_looks_only_runs_nothing(stranger, command, tmp_path):
    assert command("verify", stranger)[0] == 0
    assert command("report", stranger)[0] == 0
    assert command("compare", stranger, stranger)[0] == 0
    assert command("list", "runs", tmp_path)[0] == 0
    assert not (tmp_path / "marker").exists()


def test_an_installed_module_is_code_as_well(case, stopped, command, tmp_path, monkeypatch):
    text = (stopped / "experiment.toml").read_text()
    place = next(iter(read_header(stopped)["sources"]))
    (stopped / "experiment.toml").write_text(text.replace(f"{place}:Decay", "this:Decay"))
    monkeypatch.delitem(sys.modules, "this", raising=False)
    code, said = command("resume", stopped)
    assert code == 2 and "this is code that you have not run before" in said
    assert "this" not in sys.modules


def test_a_local_module_of_a_path_is_kept(case, monkeypatch):
    monkeypatch.syspath_prepend(str(case))
    (case / "case.toml").write_text(EXPERIMENT.replace("decay.py:", "decay:"))
    for name in ("decay", "rates"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    runs.execute(load_experiment(case / "case.toml"), case / "run")
    assert list(read_header(case / "run")["sources"]) == ["decay"]
    (place,) = (case / "run" / "source").iterdir()
    assert {path.name for path in place.iterdir()} == {"decay.py", "rates.py"}


def test_the_function_of_a_potential_is_kept(case, tmp_path):
    (case / "own.py").write_text("import jax.numpy as jnp\n\ndef v(phi):\n    return phi**4\n")
    (case / "kg.toml").write_text(
        '[solver]\nkind = "klein_gordon"\nn = 32\ninitial = { kind = "gaussian" }\n'
        'potential = { kind = "custom", function = "own.py:v" }\n'
        "[run]\nt_end = 0.1\nsave_every = 0.1\n"
    )
    runs.execute(load_experiment(case / "kg.toml"), case / "run")
    assert list(read_header(case / "run")["sources"]) == [f"{case}/own.py"]


def test_a_link_is_kept_as_what_it_leads_to(case, command):
    (case / "linked").mkdir()
    (case / "linked" / "link.py").symlink_to(case / "decay.py")
    text = EXPERIMENT.replace("decay.py", "linked/link.py")
    (case / "case.toml").write_text(text)
    runs.execute(load_experiment(case / "case.toml"), case / "run", stop=after(3))
    (place,) = (case / "run" / "source").iterdir()
    assert not any(path.is_symlink() for path in place.iterdir())
    assert command("resume", case / "run")[0] == 0


@pytest.mark.parametrize("change", ["edited", "removed", "added"])
def test_a_copy_that_is_not_as_it_was_written_is_seen(stopped, command, change):
    (place,) = (stopped / "source").iterdir()
    if change == "edited":
        (place / "rates.py").write_text(RATES + "\n")
    elif change == "removed":
        shutil.rmtree(place)
    else:
        (place / "more.py").write_text("")
    code, said = command("verify", stopped)
    assert code == 1 and place.name in said


def test_an_edited_copy_is_unknown(case, stopped, command):
    shutil.move(case / "decay.py", case / "away.py")
    (place,) = (stopped / "source").iterdir()
    (place / "rates.py").write_text("def rate(u):\n    return u\n")
    code, said = command("resume", stopped)
    assert code == 2 and "is not as it was written" in said


@pytest.fixture
def packaged(case, monkeypatch):
    """The same solver as a module of a package without an __init__.py, which is on the path."""
    (case / "lab").mkdir()
    text = (case / "decay.py").read_text().replace("from rates", "from .rates")
    (case / "lab" / "decay.py").write_text(text)
    (case / "rates.py").rename(case / "lab" / "rates.py")
    monkeypatch.syspath_prepend(str(case))
    (case / "case.toml").write_text(EXPERIMENT.replace("decay.py:", "lab.decay:"))
    for name in ("lab", "lab.decay", "lab.rates"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    runs.execute(load_experiment(case / "case.toml"), case / "run", stop=after(3))
    return case / "run"


def test_a_module_that_is_as_it_was_goes_on(packaged, command):
    assert command("resume", packaged)[0] == 0
    assert len(list((packaged / "source").iterdir())) == 1


def test_a_module_that_was_changed_does_not(packaged, case, command):
    (case / "lab" / "rates.py").write_text("def rate(u):\n    return u\n")
    code, said = command("resume", packaged)
    assert code == 2 and "lab.decay was changed since the run began" in said


def test_a_module_that_is_gone_goes_on_from_its_copy(packaged, case, command):
    shutil.rmtree(case / "lab")
    for name in ("lab", "lab.decay", "lab.rates"):
        sys.modules.pop(name, None)
    assert command("resume", packaged)[0] == 0


def test_a_link_that_is_imported_is_kept_as_what_it_leads_to(case, command):
    (case / "shared").mkdir()
    (case / "rates.py").rename(case / "shared" / "rates.py")
    (case / "rates.py").symlink_to(case / "shared" / "rates.py")
    runs.execute(load_experiment(case / "case.toml"), case / "run", stop=after(3))
    (place,) = (case / "run" / "source").iterdir()
    assert {path.name for path in place.iterdir()} == {"decay.py", "rates.py"}
    (case / "shared" / "rates.py").write_text("def rate(u):\n    return u\n")
    assert command("resume", case / "run")[0] == 2


def test_what_a_star_imports_is_kept(case):
    (case / "own").mkdir()
    (case / "own" / "__init__.py").write_text("__all__ = ['eq']\n")
    (case / "own" / "eq.py").write_text(RATES)
    (case / "rates.py").write_text("from own import *\n\nrate = eq.rate\n")
    runs.execute(load_experiment(case / "case.toml"), case / "run", stop=after(3))
    (place,) = (case / "run" / "source").iterdir()
    assert (place / "own" / "eq.py").read_text() == RATES
    assert runs.resume(case / "run").outcome.reason == "done"


def test_files_of_one_name_in_two_folders_stay_apart(case):
    """Also where they are imported when they are called."""
    text = (case / "decay.py").read_text().replace("from rates import rate\n", "")
    text = text.replace("rate(state.u)", "late(state.u)")
    text += "\n\ndef late(u):\n    from rates import rate\n\n    return rate(u)\n"
    for name, rate in (("a", 1), ("b", 2)):
        (case / name).mkdir()
        (case / name / "rates.py").write_text(f"def rate(u):\n    return {rate} + 0 * u\n")
        early = "import rates\n" if name == "a" else ""
        (case / name / "decay.py").write_text(early + text)
        (case / name / "case.toml").write_text(EXPERIMENT)
    ends = []
    for name in ("a", "b", "a"):
        experiment = load_experiment(case / name / "case.toml", ["run.t_end=0.1"])
        with physent.run(experiment) as run:
            ends.append(float(run.u[-1, 0]))
    assert ends == [pytest.approx(1.1), pytest.approx(1.2), pytest.approx(1.1)]


@pytest.mark.parametrize("kind", ["decay.py/.:Decay", "./decay:Decay", "a b:Decay", ":Decay"])
def test_a_place_is_a_file_or_a_module(case, tmp_path, kind):
    (case / "case.toml").write_text(EXPERIMENT.replace("decay.py:Decay", kind))
    with pytest.raises(ConfigError, match="allowed: a file of Python, or a module"):
        load_experiment(case / "case.toml")
    assert not (tmp_path / "marker").exists()


def test_a_helper_that_fails_is_read_again(case):
    (case / "rates.py").write_text("def rate(u):\n    return 1 + 0 * u\n")
    (case / "decay.py").write_text((case / "decay.py").read_text() + "\nraise ValueError('no')\n")
    with pytest.raises(ConfigError, match="no"):
        load_experiment(case / "case.toml")
    text = (case / "decay.py").read_text().replace("raise ValueError('no')", "")
    (case / "decay.py").write_text(text)
    (case / "rates.py").write_text(RATES)
    with physent.run(load_experiment(case / "case.toml")) as run:
        assert float(run.u[-1, 0]) < 1


def test_a_source_that_changes_in_the_middle_of_a_sweep_ends_it(case, command):
    arguments = "sweep", case / "case.toml", "--over", "solver.dt=0.1,0.05", "--output", case / "s"
    assert command(*arguments, "--workers", "1")[0] == 0
    (case / "rates.py").write_text("def rate(u):\n    return u\n")
    code, said = command(*arguments)
    assert code == 2 and "decay.py was changed since" in said


def test_a_folder_named_source_of_somebody_is_not_removed(case, stopped):
    (stopped / "source" / "thesis.tex").write_text("")
    with pytest.raises(physent.errors.FolderError, match="'source' is of no run"):
        runs.execute(load_experiment(case / "case.toml"), stopped, overwrite=True)


def test_a_class_of_a_notebook_says_so(case, stopped):
    text = (stopped / "experiment.toml").read_text()
    place = next(iter(read_header(stopped)["sources"]))
    (stopped / "experiment.toml").write_text(text.replace(f"{place}:Decay", "__main__:Decay"))
    with pytest.raises(ConfigError, match="'Decay' was defined in a notebook: resume it"):
        runs.resume(stopped)


def test_a_run_of_a_script_keeps_the_script(case):
    script = SOLVER.format(marker=str(case / "marker")) + (
        "\n\nif __name__ == '__main__':\n"
        "    physent.run(Decay(), t_end=1.0, save_every=0.1, output='run')\n"
    )
    (case / "script.py").write_text(script)
    subprocess.run([sys.executable, "script.py"], cwd=case, check=True, env=os.environ)
    (place,) = (case / "run" / "source").iterdir()
    assert {path.name for path in place.iterdir()} == {"script.py", "rates.py"}


def test_without_a_place_for_the_list_all_works_but_for_its_memory(case, monkeypatch, command):
    Path(case / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(case / "file"))
    with pytest.warns(UserWarning, match="known_sources cannot be written: .* --trust only"):
        runs.execute(load_experiment(case / "case.toml"), case / "run", stop=after(3))
    code, said = command("resume", case / "run")
    assert code == 2 and "--trust" in said
    assert command("resume", case / "run", "--trust")[0] == 0
