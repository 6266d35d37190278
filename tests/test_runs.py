"""Run folders: whole or absent, resumable bit for bit, whatever ended them."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import jax
import netCDF4
import numpy as np
import pytest
from toys import Heat, Walk

import physent
from physent import errors, runs
from physent.diagnostics import Entropy
from physent.errors import FolderError
from physent.experiment.building import load_experiment
from physent.io import checkpoint
from physent.io.folder import CHECKPOINT, RUN
from physent.io.integrity import differences
from physent.io.lock import lock

TOYS = Path(__file__).with_name("toys.py")
CONFIG = f"""
name = "toy"
[solver]
kind = "{TOYS}:Heat"
[run]
t_end = 4.0
save_every = 0.05
chunk = 5
[[diagnostics]]
kind = "entropy"
of = "u"
"""


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "toy.toml"
    path.write_text(CONFIG)
    return path


def contents(folder: Path) -> dict[str, np.ndarray]:
    with netCDF4.Dataset(folder / RUN) as file:
        return {name: variable[...].data for name, variable in file.variables.items()}


def same(a: Path, b: Path) -> None:
    left, right = contents(a), contents(b)
    assert left.keys() == right.keys()
    for name, values in left.items():
        np.testing.assert_array_equal(values, right[name], err_msg=name)


def after(chunks: int):
    """A stop that is asked for after so many chunks."""
    calls = iter(range(10**6))
    return lambda: next(calls) >= chunks - 1


@pytest.mark.compiles_afresh
def test_a_run_in_memory_and_one_on_disk_are_the_same(tmp_path):
    settings: dict[str, Any] = dict(t_end=1.0, save_every=0.1, diagnostics=[Entropy(of="u")])
    memory = physent.run(Heat(), **settings)
    with physent.run(Heat(), output=tmp_path / "run", **settings) as disk:
        assert set(memory.variables) == set(disk.variables)
        for name in memory.variables:
            np.testing.assert_array_equal(memory[name].values, disk[name].values)
            assert memory[name].dims == disk[name].dims
        assert memory.attrs.keys() == disk.attrs.keys()


@pytest.mark.compiles_afresh
def test_the_resolved_experiment_runs_to_the_same_bits(config, tmp_path):
    first = runs.execute(load_experiment(config, ["solver.nu=0.2"]), tmp_path / "first")
    assert first.outcome.reason == "done"
    again = load_experiment(tmp_path / "first" / "experiment.toml")
    runs.execute(again, tmp_path / "second")
    same(tmp_path / "first", tmp_path / "second")
    with netCDF4.Dataset(tmp_path / "first" / RUN) as file:
        assert file.experiment == (tmp_path / "first" / "experiment.toml").read_text()
        assert "nu = 0.2" in file.experiment


@pytest.mark.compiles_afresh
@pytest.mark.parametrize("chunks", [1, 9])
def test_an_interrupted_run_continues_bit_for_bit(config, tmp_path, chunks):
    experiment = load_experiment(config)
    runs.execute(experiment, tmp_path / "whole")
    cut = runs.execute(experiment, tmp_path / "cut", stop=after(chunks))
    assert cut.outcome.reason == "interrupted"
    with physent.open_run(tmp_path / "cut") as dataset:
        assert dataset.attrs["status"] == "interrupted"
        assert 1 < len(dataset.t) < 81
    resumed = runs.resume(tmp_path / "cut")
    assert resumed.outcome.reason == "done"
    same(tmp_path / "whole", tmp_path / "cut")
    with physent.open_run(tmp_path / "cut") as dataset:
        assert dataset.attrs["status"] == "done"


@pytest.mark.compiles_afresh
def test_a_finished_run_resumes_to_itself(config, tmp_path):
    runs.execute(load_experiment(config), tmp_path / "run")
    before = contents(tmp_path / "run")
    assert runs.resume(tmp_path / "run").outcome.reason == "done"
    np.testing.assert_array_equal(before["u"], contents(tmp_path / "run")["u"])


@pytest.mark.compiles_afresh
@pytest.mark.slow
def test_a_run_whose_buffers_grew_resumes(tmp_path):
    config = tmp_path / "walk.toml"
    config.write_text(
        f'[solver]\nkind = "{TOYS}:Walk"\n[run]\nt_end = 300.0\nsave_every = 1.0\nchunk = 20\n'
    )
    experiment = load_experiment(config)
    runs.execute(experiment, tmp_path / "whole")
    cut = runs.execute(load_experiment(config), tmp_path / "cut", stop=after(8))
    assert cut.outcome.reason == "interrupted"
    assert (
        checkpoint.read_header(tmp_path / "cut" / CHECKPOINT)["grown"]["capacity"] > Walk().capacity
    )
    runs.resume(tmp_path / "cut")
    same(tmp_path / "whole", tmp_path / "cut")


@pytest.mark.compiles_afresh
@pytest.mark.slow
def test_rows_beyond_the_checkpoint_are_written_again(config, tmp_path):
    experiment = load_experiment(config)
    runs.execute(experiment, tmp_path / "whole")
    runs.execute(experiment, tmp_path / "cut", stop=after(4))
    with netCDF4.Dataset(
        tmp_path / "cut" / RUN, "r+"
    ) as file:  # as if killed between two variables of a chunk
        rows = len(file.dimensions["t"])
        file["u"][rows : rows + 3] = -1.0
        file.setncattr("status", "running")  # which is what a kill leaves
    with physent.open_run(tmp_path / "cut") as dataset:
        assert len(dataset.t) == rows
    runs.resume(tmp_path / "cut")
    same(tmp_path / "whole", tmp_path / "cut")


@pytest.mark.compiles_afresh
@pytest.mark.slow
def test_a_damaged_file_is_run_again(config, tmp_path):
    experiment = load_experiment(config)
    runs.execute(experiment, tmp_path / "whole")
    runs.execute(experiment, tmp_path / "cut", stop=after(4))
    data = (tmp_path / "cut" / RUN).read_bytes()
    (tmp_path / "cut" / RUN).write_bytes(data[: len(data) // 3])
    with pytest.warns(UserWarning, match=r"damaged.*the old one is .*cut\.damaged"):
        runs.resume(tmp_path / "cut")
    same(tmp_path / "whole", tmp_path / "cut")
    assert (tmp_path / "cut.damaged" / RUN).exists()


def test_a_run_that_fails_keeps_what_was_good(tmp_path):
    with pytest.raises(errors.RunError, match="not finite"):
        physent.run(
            Heat(growth=5.0, noise=0.0),
            t_end=5.0,
            save_every=0.01,
            output=tmp_path / "run",
            chunk=4,
        )
    with physent.open_run(tmp_path / "run") as dataset:
        assert dataset.attrs["status"] == "failed" and "not finite" in dataset.attrs["message"]
        assert np.isfinite(dataset.u.values).all() and len(dataset.t) > 2
    header = checkpoint.read_header(tmp_path / "run" / CHECKPOINT)
    assert header["rows"] == len(dataset.t) - 1


def test_a_bad_start_leaves_nothing_behind(tmp_path):
    class Broken(Heat):
        def init(self, key):
            raise ValueError("no such beginning")

    with pytest.raises(ValueError, match="no such beginning"):
        physent.run(Broken(), t_end=1.0, save_every=0.1, output=tmp_path / "run")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_taken_is_refused(tmp_path):
    settings: dict[str, Any] = dict(t_end=0.1, save_every=0.1, output=tmp_path / "run")
    physent.run(Heat(), **settings).close()
    with pytest.raises(FolderError, match="exists"):
        physent.run(Heat(), **settings)
    physent.run(Heat(), overwrite=True, **settings).close()
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "to_grandmother.txt").write_text("dear")
    with pytest.raises(FolderError, match="not a run folder"):
        physent.run(Heat(), t_end=0.1, save_every=0.1, output=tmp_path / "letters", overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["letters", "run"]


def test_a_run_that_is_going_on_is_left_alone(config, tmp_path):
    experiment = load_experiment(config)
    runs.execute(experiment, tmp_path / "run", stop=after(4))
    before = contents(tmp_path / "run")
    with lock(tmp_path / "run" / "run.log"):
        with pytest.raises(FolderError, match="another process is running it"):
            runs.resume(tmp_path / "run")
        with pytest.raises(FolderError, match="another process is running it"):
            runs.execute(experiment, tmp_path / "run", overwrite=True)
    np.testing.assert_array_equal(before["u"], contents(tmp_path / "run")["u"])


@pytest.mark.slow
def test_a_run_can_be_looked_at_while_it_goes_on(config, tmp_path):
    seen = []

    def look(progress):
        with physent.open_run(tmp_path / "run") as dataset:
            seen.append((len(dataset.t), progress.rows, bool(np.isfinite(dataset.u.values).all())))

    cut = runs.execute(load_experiment(config), tmp_path / "run", tell=look, stop=after(3))
    assert cut.outcome.reason == "interrupted"
    assert seen
    assert all(rows == done + 1 and whole for rows, done, whole in seen)
    with (
        physent.open_run(tmp_path / "run"),
        pytest.raises(FolderError, match="open in this program, close it"),
    ):
        runs.resume(tmp_path / "run")  # HDF5 has no file open twice in one process
    reader = (
        "import sys, physent; held = physent.open_run(sys.argv[1]); print(len(held.t), "
        "flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", reader, tmp_path / "run"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert 1 < int(process.stdout.readline()) < 81
        assert runs.resume(tmp_path / "run").outcome.reason == "done"
        process.communicate("\n", timeout=60)


@pytest.mark.slow
def test_an_experiment_may_be_made_longer_and_not_otherwise_changed(config, tmp_path):
    whole = load_experiment(config)
    runs.execute(whole, tmp_path / "whole")
    runs.execute(load_experiment(config, ["run.t_end=2.0"]), tmp_path / "run")
    file = tmp_path / "run" / "experiment.toml"
    text = file.read_text()
    for line, other in (
        ("nu = 0.1", "nu = 0.3"),
        ("save_every = 0.05", "save_every = 0.1"),
        ("n = 32", "n = 64"),
    ):
        assert line in text
        file.write_text(text.replace(line, other))
        with pytest.raises(FolderError, match=r"was changed after the run began: only run\.t_end"):
            runs.resume(tmp_path / "run")
    file.write_text(text.replace("t_end = 2.0", "t_end = 1.0"))
    with pytest.raises(FolderError, match="already at t = 2, beyond"):
        runs.resume(tmp_path / "run")
    file.write_text(text.replace("t_end = 2.0", "t_end = 4.0"))
    assert runs.resume(tmp_path / "run").outcome.reason == "done"
    same(tmp_path / "whole", tmp_path / "run")


@pytest.mark.compiles_afresh
@pytest.mark.slow
def test_members_resume_bit_for_bit(config, tmp_path):
    overrides = ["run.members=3", "solver.nu={linspace=[0.1,0.3]}", "run.snapshot_every=0.2"]
    runs.execute(load_experiment(config, overrides), tmp_path / "whole")
    runs.execute(load_experiment(config, overrides), tmp_path / "cut", stop=after(2))
    runs.resume(tmp_path / "cut")
    same(tmp_path / "whole", tmp_path / "cut")


def test_what_was_not_finite_in_an_earlier_session_is_not_forgotten(tmp_path):
    config = tmp_path / "toy.toml"
    kind = f'[[diagnostics]]\nkind = "{TOYS}:Blink"'
    blinks = (
        f'{kind}\nname = "later"\nbegin = 0.12\nend = 0.22\n{kind}\nname = "window"\nbegin = '
        "-1.0\nend = 0.82\n"
    )
    config.write_text(CONFIG.replace("t_end = 4.0", "t_end = 2.0") + blinks)
    with pytest.warns(UserWarning, match=r"window from t = 0, later from t = 0\.15$"):
        runs.execute(load_experiment(config), tmp_path / "cut", stop=after(2))
    with pytest.warns(UserWarning, match=r"not finite: later from t = 0\.15$"):
        runs.resume(tmp_path / "cut")
    with physent.open_run(tmp_path / "cut") as dataset:
        assert dataset.attrs["status"] == "done" and dataset.attrs["not_finite"] == "later"


@pytest.mark.slow
def test_wall_times_of_the_sessions_of_a_run_add_up(config, tmp_path):
    runs.execute(load_experiment(config), tmp_path / "run", stop=after(4))
    with physent.open_run(tmp_path / "run") as dataset:
        first = dataset.attrs["wall_time"]
    runs.resume(tmp_path / "run")
    with physent.open_run(tmp_path / "run") as dataset:
        assert dataset.attrs["wall_time"] > first


def test_a_damaged_checkpoint_is_a_sentence(config, tmp_path):
    runs.execute(load_experiment(config), tmp_path / "run", stop=after(4))
    (tmp_path / "run" / CHECKPOINT).write_bytes(b"")
    with pytest.raises(FolderError, match=r"checkpoint\.eqx cannot be read"):
        runs.resume(tmp_path / "run")


def test_precision_is_that_of_jax_or_refused(config):
    with (
        jax.enable_x64(False),
        pytest.raises(errors.ParameterError, match="but JAX computes in float32"),
    ):
        physent.run(load_experiment(config))


@pytest.mark.slow
def test_a_solver_of_a_script_is_recorded_by_its_file_and_one_that_toml_cannot_say_still_runs(
    tmp_path,
):
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\nsys.path.insert(0, sys.argv[1])\nfrom toys import Heat\nimport physent\n"
        "class Mine(Heat):\n    'Mine.'\n"
        "if __name__ == '__main__':\n    physent.run(Mine(), t_end=0.2, save_every=0.1, "
        "output='run').close()\n"
    )
    subprocess.run([sys.executable, script, TOYS.parent], cwd=tmp_path, check=True, timeout=120)
    assert f'kind = "{script}:Mine"' in (tmp_path / "run" / "experiment.toml").read_text()

    class Callable(Heat):
        force: object = physent.static(abs, doc="a function")

    assert (
        "built-in function abs"
        in physent.run(Callable(), t_end=0.1, save_every=0.1).attrs["experiment"]
    )


def test_a_checkpoint_of_a_later_format_is_refused_in_one_sentence(config, tmp_path):
    runs.execute(load_experiment(config), tmp_path / "run")
    path = tmp_path / "run" / "checkpoint.eqx"
    line, rest = path.read_bytes().split(b"\n", 1)
    header = json.loads(line)
    assert header["format"] == 2
    path.write_bytes(json.dumps(header | {"format": 3}).encode() + b"\n" + rest)
    with pytest.raises(FolderError, match=r"has format 3, and physent .* reads formats up to 2"):
        runs.resume(tmp_path / "run")
    for name in ("format", "sha256", "leaves", "values", "structure"):  # as version 0.1 wrote it
        del header[name]
    path.write_bytes(json.dumps(header).encode() + b"\n" + rest)
    assert runs.resume(tmp_path / "run").outcome.reason == "done"


def test_resuming_what_is_not_a_run_is_refused(tmp_path):
    with pytest.raises(FolderError, match="not a run that can be resumed"):
        runs.resume(tmp_path)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_run(tmp_path):
    """Resident memory after 2,000 rows and after 10,000; experiments/benchmarks/engine.py goes to
    100,000.
    """
    resident = {}

    def measure(progress):
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        resident[progress.rows] = pages * os.sysconf("SC_PAGE_SIZE")

    settings: dict[str, Any] = dict(
        t_end=100.0,
        save_every=0.01,
        diagnostics=[Entropy(of="u")],
        output=tmp_path / "run",
        chunk=100,
    )
    physent.run(Heat(n=512), tell=measure, **settings).close()
    early = max(value for rows, value in resident.items() if rows <= 2_000)
    assert max(resident.values()) < 1.1 * early


# -----------------------------------------------------------------------------------------
# processes that die


def physent_process(*arguments):
    command = [
        sys.executable,
        "-c",
        "from physent.app.cli import main; main()",
        *map(str, arguments),
    ]
    log = tempfile.TemporaryFile("w+")  # noqa: SIM115 - read when the process has ended
    process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    return process, log


def output_of(log) -> str:
    with log:
        log.seek(0)
        return log.read()


def wait_for(condition, process, log, seconds=120.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            if condition():
                return
        except (OSError, ValueError, KeyError):
            pass
        time.sleep(0.002)
    process.kill()
    process.wait()
    raise AssertionError(f"never happened: {output_of(log)}")


def rows_in(folder: Path) -> int:
    return checkpoint.read_header(folder / CHECKPOINT)["rows"]


def test_a_finished_run_goes_on_to_a_later_end(config, tmp_path):
    runs.execute(load_experiment(config), tmp_path / "whole")
    runs.execute(load_experiment(config, ["run.t_end=2.0"]), tmp_path / "run")
    assert runs.resume(tmp_path / "run", t_end=4.0).outcome.reason == "done"
    same(tmp_path / "run", tmp_path / "whole")
    assert "t_end = 4.0" in (tmp_path / "run" / "experiment.toml").read_text()
    assert differences(tmp_path / "run") == []


LONG = CONFIG.replace("t_end = 4.0", "t_end = 60.0").replace(
    "save_every = 0.05", "save_every = 0.01"
)


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_finishes_the_chunk_and_leaves_a_valid_file(tmp_path, number, code):
    (tmp_path / "toy.toml").write_text(LONG)
    folder = tmp_path / "run"
    process, log = physent_process("run", tmp_path / "toy.toml", "--output", folder)
    wait_for(lambda: rows_in(folder) > 20, process, log)
    process.send_signal(number)
    process.wait(timeout=60)
    output = output_of(log)
    assert process.returncode == code, output
    assert "physent resume" in output
    with physent.open_run(folder) as dataset:
        assert dataset.attrs["status"] == "interrupted" and len(dataset.t) == 1 + rows_in(folder)
