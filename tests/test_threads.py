"""Threads, forks, and what killed processes leave: right, or one sentence."""

import os
import pickle
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from toys import Heat

import physent
from physent.errors import FolderError
from physent.io.replacing import replacing
from physent.protocol import hdf5

# in a process of its own, because without the lock it is the interpreter that dies
BESIDE_EACH_OTHER = """
import sys, threading
from concurrent.futures import ThreadPoolExecutor
import jax, numpy as np, physent, xarray as xr
from toys import Heat
from physent.data.catalogue import entries

out = sys.argv[1]
SETTINGS = dict(t_end=1.0, save_every=0.02, chunk=2)
alone = physent.run(Heat(), **SETTINGS)
physent.run(Heat(), output=f"{out}/read", **SETTINGS).close()
done = threading.Event()

def look():
    count = 0
    while not done.is_set():
        with xr.open_dataset(f"{out}/read/run.nc") as dataset:
            np.testing.assert_array_equal(dataset.u.values, alone.u.values)
        entries(physent.io.folder.Path(out))
        count += 1
    return count

def run(i):
    with physent.run(Heat(), output=f"{out}/{i}", **SETTINGS) as dataset:
        for name in alone.variables:
            np.testing.assert_array_equal(dataset[name].values, alone[name].values)

with ThreadPoolExecutor(5) as pool:
    looking = [pool.submit(look) for _ in range(2)]
    runs = [pool.submit(run, i) for i in range(6)]
    try:
        for future in runs:
            future.result()
    finally:
        done.set()
    assert all(future.result() > 0 for future in looking)
"""


def python(code: str, *arguments: object, timeout: float = 120) -> subprocess.CompletedProcess:
    tests = str(Path(__file__).parent)
    paths = os.pathsep.join([tests, *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": paths, "JAX_ENABLE_X64": "true"},
        capture_output=True,
        text=True,
        timeout=timeout,
    )


def test_threads_run_while_others_read(tmp_path):
    ended = python(BESIDE_EACH_OTHER, tmp_path)
    assert ended.returncode == 0, ended.stderr[-3000:]


def test_the_lock_lets_its_holder_in_again_and_is_the_one_of_xarray():
    other = ThreadPoolExecutor(1)
    with other, hdf5.LOCK, hdf5.LOCK:
        assert hdf5.THEIRS.locked()
        assert not other.submit(hdf5.LOCK.acquire, False).result()
    assert not hdf5.LOCK.locked() and not hdf5.THEIRS.locked()
    with hdf5.THEIRS:
        assert not hdf5.LOCK.acquire(blocking=False)
    assert hdf5.LOCK.acquire(blocking=False)
    hdf5.LOCK.release()


def test_datasets_that_are_opened_with_the_lock_can_be_sent_to_other_processes(tmp_path):
    file = tmp_path / "x.nc"
    hdf5.save_dataset(xr.Dataset({"x": ("t", np.arange(5.0))}), file)
    for opening in (hdf5.open_dataset, xr.open_dataset):
        with opening(file) as dataset, pickle.loads(pickle.dumps(dataset)) as sent:
            np.testing.assert_array_equal(sent.x.values, np.arange(5.0))
    assert pickle.loads(pickle.dumps(hdf5.LOCK)) is hdf5.LOCK


def test_of_two_threads_that_want_one_folder_one_gets_it(tmp_path):
    both = threading.Barrier(2)

    def run(nu):
        both.wait()
        try:
            physent.run(
                Heat(nu=nu), t_end=2.0, save_every=0.05, chunk=2, output=tmp_path / "run"
            ).close()
        except FolderError as error:
            return str(error)
        return nu

    with ThreadPoolExecutor(2) as pool:
        ended = list(pool.map(run, (0.1, 0.2)))
    (won,) = [nu for nu in ended if isinstance(nu, float)]
    (words,) = [words for words in ended if isinstance(words, str)]
    assert "exists" in words
    with physent.open_run(tmp_path / "run") as dataset:
        assert f"nu = {won}" in dataset.experiment and dataset.status == "done"
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_what_killed_processes_left_is_removed_and_what_is_being_written_is_not(tmp_path):
    target = tmp_path / "score.nc"
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    with replacing(target) as mine:
        mine.write_text("mine")
        gone = mine.with_name(mine.name.replace(f"-{os.getpid()}-", f"-{dead.pid}-"))
        gone.write_text("left")
        folder = mine.with_name(gone.name.replace(".score.nc", ".run"))
        (folder / "inside").mkdir(parents=True)
        elsewhere = tmp_path / f".abcdef-{dead.pid}-1.score.nc"  # a process of another machine
        elsewhere.write_text("its own")
        with ThreadPoolExecutor(1) as pool:  # another thread, with another name

            def write():
                with replacing(target) as its:
                    its.write_text("first")
                with replacing(tmp_path / "run") as its:
                    its.mkdir()

            pool.submit(write).result()
        assert target.read_text() == "first" and mine.read_text() == "mine"
        assert not gone.exists() and not folder.exists() and elsewhere.exists()
    assert target.read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == [elsewhere.name, "run", "score.nc"]


FORKED = """
import multiprocessing, sys, warnings
import physent, physent.runs
from toys import Heat

def run():
    try:
        physent.run(Heat(), t_end=0.1, save_every=0.1)
        sys.exit(0)
    except physent.errors.RunError as error:
        print(error)
        sys.exit(3)

warnings.simplefilter("ignore")
if sys.argv[1] == "used":
    Heat()
child = multiprocessing.get_context("fork").Process(target=run)
child.start()
child.join(60)
sys.exit(child.exitcode)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.parametrize(("before", "code"), [("used", 3), ("unused", 0)])
def test_a_forked_process_runs_or_says_why_it_cannot(before, code):
    ended = python(FORKED, before)
    assert ended.returncode == code, ended.stderr[-3000:]
    assert ("spawn" in ended.stdout) == (before == "used")
