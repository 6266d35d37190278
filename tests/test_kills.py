"""Killed at random moments, again and again: no committed row is lost, files stay readable, and
what goes on ends with the bits of what was never killed.

PHYSENT_KILLS=200 kills as often, over all cases.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from test_runs import TOYS, contents, rows_in, same

import physent
from physent import runs
from physent.protocol import hdf5

KILLS = int(os.environ.get("PHYSENT_KILLS", "2"))

RUN = """
name = "case"
[solver]
kind = "{kind}"
{solver}
[run]
t_end = {t_end}
save_every = {save_every}
snapshot_every = {snapshot_every}
chunk = 5
members = {members}
"""
SOLVERS = {
    f"{TOYS}:Heat": (1, 0.01, ""),
    "nlse": (1, 0.02, "n = 64\ndt = 0.01"),
    "klein_gordon": (3, 0.02, "n = 64\ndt = 0.01"),
    "kelvin_helmholtz": (1, 0.01, "nx = 32\nnz = 16\ndt = 0.005"),
    "couzin": (2, 0.2, "n = 20\ndt = 0.1"),
    "active_matter": (1, 0.02, "particles = 16\npacking_fraction = 0.2\ndt = 0.01"),
    "linear_langevin": (2, 0.02, 'walkers = 8\ndt = 0.01\nsystem = { kind = "trapped_aoup" }'),
    "tilted_ring": (1, 0.02, "walkers = 8\ndt = 0.01"),
}
SCORE = """
[score]
steps = 600
batch = 64
checks = 6
validation = 200
test = 200
"""


@dataclass
class Case:
    """What is begun and continued by `command`, in a folder; `look` sees to what a kill has left,
    and `equal` to what is there at the end. What was killed after its last file is `over`.
    """

    begin: Callable[[Path], None]
    command: Callable[[Path], list[str]]
    look: Callable[[Path, Path], None]
    equal: Callable[[Path, Path], None]
    over: Callable[[Path], bool] = lambda folder: False


def experiment_of(kind: str, rows: int) -> str:
    members, every, solver = SOLVERS[kind]
    return RUN.format(
        kind=kind,
        solver=solver,
        t_end=rows * every,
        save_every=every,
        snapshot_every=2 * every,
        members=members,
    )


def run_case(kind: str) -> Case:
    def begin(folder: Path) -> None:
        folder.with_suffix(".toml").write_text(experiment_of(kind, 300))

    def command(folder: Path) -> list[str]:
        if folder.exists():
            return ["resume", str(folder)]
        return ["run", str(folder.with_suffix(".toml")), "--output", str(folder)]

    return Case(begin, command, prefix, same)


def prefix(folder: Path, whole: Path) -> None:
    """What a killed run has is what the whole one has, as far as rows are vouched for."""
    if not folder.exists():  # killed before there was anything
        return
    vouched, found, reference = rows_in(folder), contents(folder), contents(whole)
    assert len(found["t"]) >= 1 + vouched
    with physent.open_run(folder) as dataset:
        assert len(dataset.t) >= 1 + vouched
    for name, values in found.items():
        per_row = reference[name].shape[:1] == reference["t"].shape
        rows = slice(1 + vouched if per_row else 1 + vouched // 2)
        np.testing.assert_array_equal(values[rows], reference[name][rows], err_msg=name)


def sweep_case() -> Case:
    def begin(folder: Path) -> None:
        folder.with_suffix(".toml").write_text(experiment_of("tilted_ring", 100))

    def command(folder: Path) -> list[str]:
        over = ["--over", "solver.tilt=0.5,1.0,1.5", "--workers", "2"]
        return ["sweep", str(folder.with_suffix(".toml")), *over, "--output", str(folder)]

    def look(folder: Path, whole: Path) -> None:
        for point in whole.iterdir():
            if (folder / point.name / "run.nc").exists():
                prefix(folder / point.name, point)

    def equal(folder: Path, whole: Path) -> None:
        points = [path.parent.name for path in whole.glob("*/run.nc")]
        assert len(points) == 3
        for point in points:
            same(folder / point, whole / point)

    return Case(begin, command, look, equal)


def score_case() -> Case:
    def begin(folder: Path) -> None:
        solver = 'walkers = 128\ndt = 0.1\nsystem = { kind = "trapped_aoup" }'
        every = {"save_every": 1.0, "snapshot_every": 1.0, "t_end": 200.0, "members": 1}
        experiment = RUN.format(kind="linear_langevin", solver=solver, **every) + SCORE
        folder.with_suffix(".toml").write_text(experiment)
        runs.execute(physent.load_experiment(folder.with_suffix(".toml")), folder)

    def look(folder: Path, whole: Path) -> None:
        same(folder, whole)
        if (folder / "score.nc").exists():
            equal(folder, whole)

    def equal(folder: Path, whole: Path) -> None:
        with (
            hdf5.open_dataset(folder / "score.nc") as a,
            hdf5.open_dataset(whole / "score.nc") as b,
        ):
            seconds = "training_seconds"
            xr.testing.assert_equal(a.load().drop_vars(seconds), b.load().drop_vars(seconds))

    def over(folder: Path) -> bool:
        return (folder / "score.nc").exists() and not (folder / "score.checkpoint.eqx").exists()

    return Case(begin, lambda folder: ["score", str(folder)], look, equal, over)


CASES = {kind.rpartition(":")[2]: run_case(kind) for kind in SOLVERS} | {
    "sweep": sweep_case(),
    "score": score_case(),
}


def campaign(case: Case, root: Path, kills: int, seed: int) -> None:
    """Kill what a case runs at random moments until that has happened so often; whatever comes to
    its end is compared with the whole.
    """
    rng = np.random.default_rng(seed)
    whole, folder, ended = root / "whole", root / "killed", 0
    case.begin(whole)
    began = time.monotonic()
    until(case.command(whole), None)
    takes = time.monotonic() - began
    while kills or not ended:
        if ended or not folder.exists():
            shutil.rmtree(folder, ignore_errors=True)
            case.begin(folder)
            ended = 0
        ended = until(case.command(folder), rng.uniform(0.1, takes) if kills else None)
        if ended:
            case.equal(folder, whole)
        else:
            kills -= 1
            case.look(folder, whole)
            ended = case.over(folder)


def until(command: list[str], seconds: float | None) -> bool:
    """Whether a command of physent ended, and well, before it was killed."""
    main = [sys.executable, "-c", "from physent.app.cli import main; main()", *command]
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(main, stdout=log, stderr=subprocess.STDOUT)
        try:
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return False
        log.seek(0)
        assert process.returncode == 0, log.read()
    return True


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES if len(CASES) <= KILLS else ["Heat"])
def test_kill_9_costs_at_most_the_chunk_in_flight(tmp_path, name):
    campaign(CASES[name], tmp_path, max(KILLS // len(CASES), 2), seed=len(name))
