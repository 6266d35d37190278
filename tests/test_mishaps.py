"""What goes wrong around a run: one sentence, the right exit code, and a valid run or nothing left
behind.
"""

import os
import pty
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections import namedtuple
from pathlib import Path

import pytest
from test_cli import (
    TOY,
    physent as command,  # noqa: F401 - a fixture
)
from test_runs import LONG, output_of, physent_process, rows_in, wait_for

import physent
from physent import errors, runs
from physent.app.terminal import Lasting
from physent.engine.progress import Milestones, Progress, duration, pace
from physent.io import folder as folders
from physent.report.live import follow

Usage = namedtuple("Usage", "total used free")


def test_a_disk_that_fills_up_stops_the_run_and_leaves_a_valid_one(command, monkeypatch, tmp_path):  # noqa: F811
    free = iter([1e9, 1e9, 1e9, 1e3])
    monkeypatch.setattr(
        folders.shutil, "disk_usage", lambda path: Usage(10**10, 0, next(free, 1e3))
    )
    code, _, err = command("run", "toy.toml", "--output", "run", "--set", "run.chunk=2", "--quiet")
    assert code == 1 and "the run failed: run cannot be written: the disk is full" in err
    assert len(err.strip().splitlines()) == 1 and "physent resume run" in err
    with physent.open_run("run") as dataset:
        assert (
            dataset.attrs["status"] == "failed" and len(dataset.t) == 1 + rows_in(Path("run")) == 4
        )
    assert "ERROR" in Path("run/run.log").read_text()
    monkeypatch.undo()
    assert runs.resume(tmp_path / "run").outcome.reason == "done"


def test_a_disk_that_is_full_from_the_start_leaves_nothing(command, monkeypatch, tmp_path):  # noqa: F811
    monkeypatch.setattr(folders.shutil, "disk_usage", lambda path: Usage(10**10, 0, 1e3))
    code, _, err = command("run", "toy.toml", "--output", "run", "--quiet")
    assert code == 2 and "run: cannot be written: the disk is full" in err
    assert [path.name for path in tmp_path.iterdir()] == ["toy.toml"]


@pytest.mark.parametrize("broken", ["append", "annotate"])
def test_a_file_that_cannot_be_written_is_a_sentence_and_not_a_traceback(
    command,  # noqa: F811
    monkeypatch,
    broken,
):
    whole = getattr(folders.NetCDFWriter, broken)

    def fail(writer, *arguments, **attributes):
        if broken == "annotate" or arguments[0].first > 0:
            raise RuntimeError("NetCDF: HDF error")
        return whole(writer, *arguments, **attributes)

    monkeypatch.setattr(folders.NetCDFWriter, broken, fail)
    code, _, err = command("run", "toy.toml", "--output", "run", "--quiet")
    assert (code, "cannot be written: NetCDF: HDF error" in err) == (
        (1, True) if broken == "append" else (0, False)
    )
    assert "HDF error" in Path("run/run.log").read_text()


@pytest.mark.slow
def test_a_limit_on_the_size_of_files_is_seen_before_it_is_hit(tmp_path):
    """With the real limit of a real process: HDF5 would lose the file."""
    (tmp_path / "toy.toml").write_text(LONG.replace("n = 32", "n = 256"))
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, "
        f"{resource.RLIM_INFINITY}))\n"
        "from physent.app.cli import main; main()"
    )
    arguments = ["run", "toy.toml", "--output", "run", "--set", "solver.n=512", "--quiet"]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 1 and "files cannot be larger than 0.6 MB here" in done.stderr, (
        done.stderr
    )
    assert len(done.stderr.strip().splitlines()) == 1
    with physent.open_run(tmp_path / "run") as dataset:
        assert len(dataset.t) == 1 + rows_in(tmp_path / "run")


@pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("mount"), reason="mounting needs to be root"
)
@pytest.mark.slow
def test_a_file_system_that_is_read_only(command, tmp_path):  # noqa: F811
    place = tmp_path / "disk"
    place.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", place], capture_output=True
    ).returncode:
        pytest.skip("this root may not mount")
    try:
        assert command("run", "toy.toml", "--output", "disk/run", "--quiet")[0] == 0
        subprocess.run(["mount", "-o", "remount,ro", place], check=True)
        for arguments, expected in (
            (("run", "toy.toml", "--output", "disk/other"), 2),
            (("run", "toy.toml", "--output", "disk/run", "--overwrite"), 2),
            (("resume", "disk/run"), 2),
            (("report", "disk/run"), 2),
            (("sweep", "toy.toml", "--over", "solver.nu=0.1,0.2", "--output", "disk/sweep"), 2),
            (("diagnose", "disk/run/run.nc", "--of", "u", "--output", "disk/out.nc"), 2),
        ):
            code, _, err = command(*arguments)
            assert code == expected and "Read-only file system" in err, (arguments, err)
            assert len(err.strip().splitlines()) == 1, err
        assert command("list", "runs", "disk")[0] == 0
    finally:
        subprocess.run(["umount", place], check=True)


# ------------------------------------------------------------------------------------- terminals
# and pipes that go


class Broken:
    """A stream whose reader has gone."""

    def __init__(self, number):
        self.number = number

    def write(self, text):
        raise OSError(self.number, "gone")

    flush = write

    def fileno(self):
        raise OSError


def test_output_outlives_its_reader_and_nothing_else():
    for number in (5, 32):
        stream = Lasting(Broken(number))
        assert stream.write("word") == 4 and stream.write("again") == 5
        stream.flush()
    with pytest.raises(OSError, match="gone"):
        Lasting(Broken(28)).write("a full disk is worth a word")
    assert Lasting(None).write("closed from the start") == 21


@pytest.mark.slow
@pytest.mark.parametrize(
    "unbuffered", ["", "1"]
)  # with a buffer the interpreter writes once more at its end
def test_a_pipe_that_ends_early_and_one_that_is_full(unbuffered):
    start = [sys.executable, "-c", "from physent.app.cli import main; main()", "list"]
    line = " ".join(f"'{part}'" for part in start)
    done = subprocess.run(
        [
            "bash",
            "-c",
            f"set -o pipefail; {line} | head -1; echo $?; {line} > /dev/full; echo $?; "
            f"{line} >&-; echo $?",
        ],
        capture_output=True,
        text=True,
        timeout=300,
        env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
    )
    assert done.stdout.split() == ["solvers", "0", "1", "0"]
    assert done.stderr.strip() == "physent: No space left on device"


@pytest.mark.slow
def test_a_terminal_that_goes_away_ends_the_run_after_its_chunk(tmp_path):
    (tmp_path / "toy.toml").write_text(LONG)
    folder = tmp_path / "run"
    leader, follower = pty.openpty()
    code = (
        "import fcntl, os, signal, termios; os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
        "signal.signal(signal.SIGHUP, signal.SIG_DFL)  # as in a terminal, whoever runs the suite\n"
        "from physent.app.cli import main; main()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, "run", str(tmp_path / "toy.toml"), "--output", str(folder)],
        stdin=follower, stdout=follower, stderr=follower,
    )  # fmt: skip
    os.close(follower)
    end = time.monotonic() + 120
    while not (folder / "checkpoint.eqx").exists() or rows_in(folder) < 20:
        assert process.poll() is None and time.monotonic() < end
        os.read(leader, 65536)
    os.close(leader)
    assert process.wait(timeout=120) == 128 + signal.SIGHUP
    with physent.open_run(folder) as dataset:
        assert dataset.attrs["status"] == "interrupted" and len(dataset.t) == 1 + rows_in(folder)


# -----------------------------------------------------------------------------------------
# progress, log, live


def test_progress_says_rate_and_what_is_left():
    progress = Progress(t=2.0, t_begin=0.0, t_end=10.0, rows=20, total=100, seconds=100.0)
    assert pace(progress) == ("0.02 time units/s", "6 min 40 s left")
    assert [duration(s) for s in (3, 3700, 300_000)] == ["3 s", "1 h 1 min", "3.5 days"]
    milestones = Milestones()
    assert [milestones.passed(Progress(0, 0, 1, rows, 100, 1)) for rows in (5, 10, 15, 20)] == [
        False,
        True,
        False,
        True,
    ]


def test_the_log_can_be_read(command):  # noqa: F811
    code, out, _ = command("run", "toy.toml", "--output", "run", "--set", "run.chunk=1")
    log = Path("run/run.log").read_text()
    assert code == 0 and " left" in out and "time units/s" in out
    for words in (
        "begin at t = 0 of 1: ",
        "Heat, float64",
        "physent 0",
        "t = 0.5 of 1",
        "done at t = 1 after",
    ):
        assert words in log


@pytest.mark.slow
def test_a_live_report_follows_a_run_and_ends_with_it(tmp_path):
    (tmp_path / "toy.toml").write_text(TOY)
    runs.execute(physent.load_experiment(tmp_path / "toy.toml"), tmp_path / "run")
    pages = []
    with folders.lock(tmp_path / "run" / "run.log") as held:

        def seen(page, running):
            pages.append((running, page.read_text()))
            held.close()  # the run ends

        page = follow(tmp_path / "run", every=0.1, tell=seen)
    assert [running for running, _ in pages] == [True, False]
    assert 'http-equiv="refresh" content="1"' in pages[0][1] and "refresh" not in pages[1][1]
    assert page == tmp_path / "run" / "report.html" and page.read_text() == pages[1][1]


@pytest.mark.slow
def test_an_interrupted_live_report_leaves_a_page_that_stands_still(tmp_path):
    (tmp_path / "toy.toml").write_text(LONG)
    run, log = physent_process(
        "run", tmp_path / "toy.toml", "--output", tmp_path / "run", "--set", "run.t_end=6000.0"
    )
    try:
        wait_for(lambda: rows_in(tmp_path / "run") > 5, run, log)
        live, words = physent_process("report", "--live", tmp_path / "run", "--every", "1")
        page = tmp_path / "run" / "report.html"
        wait_for(lambda: 'http-equiv="refresh"' in page.read_text(), live, words)
        text = page.read_text()
        assert "not yet: it is still running" in text
        live.send_signal(signal.SIGTERM)
        assert live.wait(timeout=120) == 143 and "Traceback" not in output_of(words)
        assert "refresh" not in page.read_text() and page.read_text().endswith("</html>")
        run.kill()
        run.wait()
        physent.report.write(tmp_path / "run")
        assert "it was killed after" in page.read_text()
        assert not list((tmp_path / "run").glob(".*"))
    finally:
        run.kill()
        run.wait()
        log.close()


def test_a_run_error_of_the_sink_has_its_dataset(monkeypatch, tmp_path):
    free = iter([1e9, 1e9, 1e3])
    monkeypatch.setattr(
        folders.shutil, "disk_usage", lambda path: Usage(10**10, 0, next(free, 1e3))
    )
    (tmp_path / "toy.toml").write_text(TOY)
    experiment = physent.load_experiment(tmp_path / "toy.toml", ["run.chunk=1"])
    with pytest.raises(errors.RunError, match="the disk is full") as caught:
        physent.run(experiment, output=tmp_path / "run")
    with caught.value.dataset as dataset:
        assert 1 <= dataset.sizes["t"] < 11
