"""The command line as a user meets it: exit codes, sentences on stderr, nothing left behind."""

import json
import subprocess
import tomllib
from pathlib import Path

import jax
import numpy as np
import pytest
import xarray as xr

from physent.app import cli

TOYS = Path(__file__).with_name("toys.py")
TOY = f"""name = "toy"
[solver]
kind = "{TOYS}:Heat"
[run]
t_end = 1.0
save_every = 0.1
[[diagnostics]]
kind = "entropy"
of = "u"
"""


@pytest.fixture
def physent(monkeypatch, tmp_path, capsys):
    """Run the command in a folder of its own; returns (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "toy.toml").write_text(TOY)

    def call(*arguments):
        monkeypatch.setattr("sys.argv", ["physent", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        captured = capsys.readouterr()
        return end.value.code, captured.out, captured.err

    return call


def test_a_folder_that_exists_is_refused_before_anything_is_compiled(physent, tmp_path):
    (tmp_path / "there").mkdir()
    words = "there exists: choose another --output, or --overwrite it"
    for arguments in (("--output", "there"), ("--set", "output.folder=there")):
        code, out, err = physent("run", "toy.toml", *arguments)
        assert code == 2 and words in err and out == ""  # no "compiling"


def test_members_that_differ_are_printed_one_by_one(physent, tmp_path):
    code, out, err = physent(
        "run", "toy.toml", "--set", "run.members=3", "--set", "solver.nu=[0.1, 0.2, 0.3]"
    )
    assert (code, err) == (0, "") and "entropies of each member" in out
    assert out.count("entropy_u_shannon") == 3 and "spread" not in out


def test_run_prints_drift_entropies_and_place_and_writes_a_run(physent, tmp_path):
    code, out, err = physent("run", "toy.toml")
    assert code == 0 and not err
    for words in (
        "t = 1 of 1",
        "mass",
        "entropy_u_shannon",
        "11 rows",
        "wrote data/runs/toy/run.nc",
    ):
        assert words in out
    folder = tmp_path / "data" / "runs" / "toy"
    assert {path.name for path in folder.iterdir()} == {
        "run.nc",
        "experiment.toml",
        "checkpoint.eqx",
        "run.log",
        "run.sum",
        "source",
    }
    with xr.open_dataset(folder / "run.nc") as dataset:
        assert dataset.attrs["status"] == "done" and dataset.u.dtype == "float64"
    code, _, err = physent("run", "toy.toml")
    assert code == 2 and "exists" in err and "--overwrite" in err
    assert physent("run", "toy.toml", "--overwrite", "--quiet") == (0, "", "")
    assert physent("resume", "data/runs/toy", "--quiet") == (0, "", "")


def test_members_have_entropies_on_the_console_and_their_spread(physent, tmp_path):
    code, out, _ = physent("run", "toy.toml", "--set", "run.members=3")
    assert code == 0 and "means over 3 members" in out and "spread of members" in out
    with xr.open_dataset(tmp_path / "data" / "runs" / "toy" / "run.nc") as run:
        entropy = run.entropy_u_shannon
    numbers = [entropy[0].mean(), entropy[-1].mean(), entropy.mean(), entropy.min(), entropy.max()]
    numbers.append(entropy.mean("t").std(ddof=1))
    for number in numbers:
        assert f" {float(number):.6g} " in out


def test_set_and_output(physent, tmp_path):
    code, out, _ = physent(
        "run",
        "toy.toml",
        "--set",
        "solver.n=16",
        "--set",
        'run.precision="float32"',
        "--output",
        "here",
    )
    assert code == 0 and "wrote here/run.nc" in out
    with xr.open_dataset("here/run.nc") as dataset:
        assert dataset.u.dtype == "float32" and dataset.sizes["x"] == 16
    resolved = tomllib.loads((tmp_path / "here" / "experiment.toml").read_text())
    assert resolved["solver"]["n"] == 16 and resolved["run"]["precision"] == "float32"


def test_the_command_line_leaves_the_precision_of_the_program_alone(physent):
    with jax.enable_x64(False):
        physent("run", "toy.toml", "--quiet")
        assert jax.numpy.zeros(1).dtype == "float32"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ("run", "toy.toml", "--set", "solver.lenght=3"),
            "--set: solver.lenght: unknown key, did you mean length?",
        ),
        (
            ("run", "toy.toml", "--set", "runt_end=3"),
            "--set: runt_end: unknown key, did you mean run.t_end?",
        ),
        (("run", "nowhere.toml"), "nowhere.toml: cannot be read: No such file or directory"),
        (("run", "tou.toml"), "did you mean toy.toml?"),
        (("run",), "physent run --help"),
        (("rnu", "toy.toml"), 'Did you mean "run"?'),
        (("run", "toy.toml", "--ouput", "x"), "--ouput"),
        (("resume", "nowhere"), "nowhere is not a run that can be resumed"),
        (
            ("validate", "toy.toml", "--set", "run.t_end=-1"),
            "run.t_end: given -1, allowed: a number > 0",
        ),
        (("new", "nsle"), "unknown kind 'nsle', did you mean nlse?"),
        (
            ("diagnose", "toy.toml", "--of", "u"),
            "toy.toml: cannot be read: it is not a NetCDF file. Read arrays with numpy or pandas",
        ),
        (
            ("diagnose", "nowhere.nc", "--of", "u"),
            "nowhere.nc: cannot be read: [Errno 2] No such file or directory",
        ),
    ],
)
def test_bad_input_is_one_message_exit_code_2_and_nothing_left(physent, tmp_path, arguments, words):
    code, _, err = physent(*arguments)
    assert code == 2 and words in err and "Traceback" not in err
    assert {path.name for path in tmp_path.iterdir()} == {"toy.toml"}


def test_a_folder_that_cannot_be_written_is_one_sentence(physent, tmp_path):
    (tmp_path / "file").write_text("")
    code, _, err = physent("run", "toy.toml", "--output", "file/run")
    assert code == 2 and "cannot be written: Not a directory" in err and "Traceback" not in err


def test_a_run_that_fails_exits_1_and_says_where(physent):
    code, _, err = physent(
        "run",
        "toy.toml",
        "--set",
        "solver.growth=9.0",
        "--set",
        "run.t_end=5.0",
        "--output",
        "run",
        "--quiet",
    )
    assert code == 1 and "the run failed: u is not finite at index" in err


def test_validate_says_that_a_file_is_valid(physent):
    code, out, _ = physent("validate", "toy.toml")
    assert code == 0 and out.startswith("toy.toml: valid")


def test_list_shows_solvers_diagnostics_and_experiments(physent):
    code, out, err = physent("list")
    assert code == 0 and not err
    for words in ("nlse", "entropy", "nlse/single_soliton"):
        assert words in out
    _, solvers, _ = physent("list", "solvers")
    assert "nlse" in solvers and "single_soliton" not in solvers


@pytest.mark.parametrize("kind", ["nlse", f"{TOYS}:Heat"])
def test_a_new_experiment_runs_as_it_is_printed(physent, tmp_path, kind):
    code, out, _ = physent("new", kind)
    assert code == 0
    (tmp_path / "mine.toml").write_text(out)
    assert physent("validate", "mine.toml")[0] == 0


def test_the_schema_is_json(physent):
    code, out, _ = physent("schema")
    assert code == 0 and "solver" in json.loads(out)["properties"]


def test_diagnose_a_file(physent):
    physent("run", "toy.toml", "--quiet", "--output", "run")
    code, out, _ = physent(
        "diagnose", "run/run.nc", "--of", "u", "--of", "z", "--measure", "{kind='renyi', order=2}"
    )
    assert code == 0 and "entropy_u_renyi_2" in out and "entropy_z_renyi_2" in out
    code, out, _ = physent("diagnose", "run/run.nc", "--of", "u", "--output", "entropy.nc")
    assert code == 0 and out.strip() == "entropy.nc"
    with xr.open_dataset("entropy.nc") as result, xr.open_dataset("run/run.nc") as run:
        xr.testing.assert_allclose(result.entropy_u_shannon, run.entropy_u_shannon, rtol=1e-12)
    assert physent("diagnose", "run/run.nc", "--of", "u", "--output", "entropy.nc")[0] == 2
    code, _, err = physent("diagnose", "run/run.nc", "--of", "uu")
    assert code == 2 and "no observable or role 'uu', did you mean u?" in err
    code, _, err = physent("diagnose", "run/run.nc", "--of", "u", "--measure", "shanon")
    assert code == 2 and "did you mean shannon?" in err


def test_diagnose_refuses_a_negative_density_and_asks_for_time(physent, tmp_path):
    wave = xr.DataArray(np.sin(np.arange(60.0)).reshape(3, 20), dims=("step", "x"), name="u")
    wave.to_netcdf("u.nc")
    code, _, err = physent("diagnose", "u.nc", "--of", "u", "--output", "e.nc")
    assert code == 2 and "(dimensions: step, x); choose it with --time NAME" in err
    code, _, err = physent("diagnose", "u.nc", "--of", "u", "--time", "step", "--output", "e.nc")
    assert code == 2 and "u.nc: u has negative values, so it is not a density" in err
    assert {path.name for path in tmp_path.iterdir()} == {"toy.toml", "u.nc"}
    code, out, _ = physent(
        "diagnose", "u.nc", "--of", "u", "--time", "step", "--outcomes", "histogram"
    )
    assert code == 0 and "entropy_u_histogram_shannon" in out and "NaN" not in out


def test_the_doctor_finds_this_machine_well_and_a_read_only_folder_not(physent, monkeypatch):
    code, out, err = physent("doctor")
    assert (code, err) == (0, "") and out.endswith("all is well\n")
    for subject in (
        "packages: physent",
        "devices: cpu",
        "precision: float64 works",
        "arithmetic: sums",
        "locking: run folders",
    ):
        assert subject in out
    from physent.app import doctor

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(doctor.tempfile, "TemporaryDirectory", refuse)
    monkeypatch.setattr(doctor.registry, "registered", lambda family: ["nothing_of_this_name"])
    code, out, _ = physent("doctor")
    assert code == 1 and "cannot be written: Permission denied" in out and "2 to fix" in out


def test_bash_completes_commands_and_options(physent, tmp_path):
    code, text, _ = physent("completion", "bash")
    assert code == 0
    script = tmp_path / "completion.sh"
    script.write_text(text)

    def completed(*words):
        typed = " ".join(words)
        ask = (
            f". {script}; COMP_WORDS=({typed}); COMP_CWORD={len(words) - 1}; _physent physent; "
            f'echo "${{COMPREPLY[@]}}"'
        )
        return subprocess.run(
            ["bash", "-c", ask], capture_output=True, text=True, check=True
        ).stdout.split()

    assert completed("physent", "ru") == ["run"]
    assert completed("physent", "run", "--se") == ["--set"]
    assert "--executor" in completed("physent", "sweep", "a.toml", "--e")
