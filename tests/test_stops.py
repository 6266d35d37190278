"""Stops within seconds, also inside a row of minutes; the bits are those of a run that was let."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from test_runs import CONFIG, after, same

import physent
from physent import runs
from physent.engine import loop
from physent.engine.cadence import Cadence
from physent.engine.portions import Portions
from physent.experiment.building import load_experiment
from physent.learning import training

PROMISED = 30.0  # seconds, on a machine with more to do; alone it is 5 (measured: .4 to 1.4)


@pytest.fixture
def start():
    """Starts processes, and ends those that are there at the end."""
    started: list[subprocess.Popen] = []

    def one(*arguments: Any, **options: Any) -> subprocess.Popen:
        started.append(subprocess.Popen(*arguments, **options))
        return started[-1]

    yield one
    for process in started:
        if process.poll() is None:
            process.kill()
            process.communicate()


@given(
    per_row=st.integers(1, 10**7),
    rows=st.integers(1, 30),
    capacity=st.integers(1, 8),
    step=st.floats(1e-7, 3.0),
    of_a_row=st.floats(0.0, 2.0),
    steps_before_a_stop=st.integers(1, 300),
)
@settings(deadline=None)
def test_portions_cover_a_run_and_take_about_a_second(
    per_row, rows, capacity, step, of_a_row, steps_before_a_stop
):
    portions = Portions(Cadence(1.0, 1.0, per_row, 1, rows), capacity, 1.0)
    portions.allowed = min(100, max(1, int(1 / step)))
    done, begun, several = 0, 0, False
    for _ in range(steps_before_a_stop):
        portion = portions.after(done, begun, several=several)
        assert (portion.first, portion.begun) == (done, begun)
        assert min(portion.steps) >= 1 and portion.count <= capacity
        if portion.count != 1:
            assert begun == 0 or portion.count == 0
        if portion.count > 1:
            assert portion.steps == (per_row,) * portion.count
        seconds = sum(portion.steps) * step + portion.count * of_a_row
        assert seconds <= 2 + 2 * step + of_a_row * max(1, portion.count)
        portions.took(portion, seconds)
        done, begun = portion.end, portion.begun_after
        several = True
        assert begun < per_row and done <= rows
        if done == rows:
            break


@pytest.mark.compiles_afresh
def test_a_row_that_is_cut_has_the_bits_of_one_that_is_not(tmp_path, monkeypatch):
    config = tmp_path / "toy.toml"
    short = CONFIG.replace("t_end = 4.0", "t_end = 1.2\nsnapshot_every = 0.2")
    config.write_text(short.replace("save_every = 0.05", "save_every = 0.1"))
    runs.execute(load_experiment(config), tmp_path / "whole")
    monkeypatch.setattr(loop, "CHUNK_SECONDS", 1e-9)  # a step at a time
    stopped = runs.execute(load_experiment(config), tmp_path / "cut", stop=after(17))
    assert stopped.outcome.reason == "interrupted" and stopped.outcome.rows == 1
    with physent.open_run(tmp_path / "cut") as dataset:
        assert dataset.status == "interrupted" and len(dataset.t) == 2
    told = []
    assert runs.resume(tmp_path / "cut", tell=told.append).outcome.reason == "done"
    assert len(told) > 50 and [each.t for each in told] == sorted(each.t for each in told)
    same(tmp_path / "whole", tmp_path / "cut")


LONG = """
[solver]
kind = "nlse"
n = 32
length = 20.0
dt = 1e-8
[run]
t_end = 10.0
save_every = 1.0
"""
# a step that no cutting helps
ENDLESS = """
import jax, jax.numpy as jnp
from toys import Heat

class Endless(Heat):
    def step(self, state):
        ever = jax.lax.while_loop(lambda x: x < 2, lambda x: jnp.cos(x), state.u[0])
        return Heat.step(self, state.__class__(state.t, state.u + ever, state.key))
"""


UNDER_A_TERMINAL = """
import signal
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whoever runs the suite
from physent.app.cli import main
main()
"""


def begun(start: Any, text: str, folder: Path) -> subprocess.Popen:
    """A process that is in the middle of its first row."""
    case = folder / "case.toml"
    case.write_text(text)
    process = start(
        [sys.executable, "-c", UNDER_A_TERMINAL, "run", case, "--output", folder / "run"],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stderr=subprocess.PIPE,
        text=True,
    )
    until = time.monotonic() + 100
    while not (folder / "run" / "checkpoint.eqx").exists():
        assert process.poll() is None and time.monotonic() < until
        time.sleep(0.05)
    time.sleep(2.0)  # and compiled
    return process


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGINT,
        *(pytest.param(other, marks=pytest.mark.slow) for other in (signal.SIGTERM, signal.SIGHUP)),
    ],
)
def test_a_signal_ends_a_run_inside_a_row_of_minutes(start, tmp_path, number):
    process = begun(start, LONG, tmp_path)
    sent = time.monotonic()
    process.send_signal(number)
    words = process.communicate(timeout=60)[1]
    assert time.monotonic() - sent < PROMISED
    assert process.returncode == 128 + number and "physent resume" in words
    with physent.open_run(tmp_path / "run") as dataset:
        assert dataset.status == "interrupted" and len(dataset.t) == 1


@pytest.mark.slow
def test_a_signal_ends_a_run_inside_a_step_of_minutes(start, tmp_path):
    (tmp_path / "endless.py").write_text(ENDLESS)
    text = LONG.replace('"nlse"', '"endless.py:Endless"').replace("1e-8", "0.1")
    process = begun(start, text, tmp_path)
    sent = time.monotonic()
    process.send_signal(signal.SIGINT)
    words = process.communicate(timeout=60)[1]
    assert time.monotonic() - sent < PROMISED
    assert process.returncode == 130
    with physent.open_run(tmp_path / "run") as dataset:
        # on a busy machine the process is ended before it can say so in the file
        assert (dataset.status == "interrupted") == ("physent resume" in words)
        assert len(dataset.t) == 1


DEAF = """
import sys, time
import jax, jax.numpy as jnp
from physent.app.stopping import ending_in_time

with ending_in_time():
    print("deaf", flush=True)
    ever = jax.jit(lambda x: jax.lax.while_loop(lambda x: x < 2, jnp.cos, x))
    ever(jnp.zeros(())).block_until_ready()  # one instruction of the main thread
"""


@pytest.mark.parametrize("times", [1, 2])
def test_the_command_line_ends_when_python_hears_nothing(start, times):
    process = start(
        [sys.executable, "-c", DEAF], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "deaf\n"
    time.sleep(1.0)
    sent = time.monotonic()
    for _ in range(times):
        process.send_signal(signal.SIGINT)
        time.sleep(0.1)
    words = process.communicate(timeout=60)[1]
    assert time.monotonic() - sent < PROMISED
    assert process.returncode == 130 and "what was saved is valid" in words


NOTEBOOK = """
import _thread, threading
import jax
jax.config.update("jax_enable_x64", True)
import physent
from physent.solvers import NLSE

for attempt in range(2):
    threading.Timer(4.0, _thread.interrupt_main).start()
    try:
        physent.run(NLSE(n=32, length=20.0, dt=1e-8), t_end=10.0, save_every=1.0)
    except KeyboardInterrupt as interrupt:
        print(len(interrupt.dataset.t))
print(len(physent.run(NLSE(n=32, length=20.0, dt=0.01), t_end=1.0, save_every=0.5).t))
"""


@pytest.mark.slow
def test_a_loop_in_a_notebook_is_interrupted_and_goes_on():
    ended = subprocess.run(
        [sys.executable, "-c", NOTEBOOK], capture_output=True, text=True, timeout=100
    )
    assert ended.stdout.split() == ["1", "1", "3"], ended.stderr


def children(process: int) -> list[Path]:
    listed = Path(f"/proc/{process}/task/{process}/children").read_text()
    return [Path("/proc") / number for number in listed.split()]


def lives(process: Path) -> bool:
    """Whether a process is there, and not only the memory of it."""
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="no list of processes")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_workers_of_a_sweep_end_with_it(start, tmp_path, number):
    (tmp_path / "case.toml").write_text(LONG)
    command = ["sweep", tmp_path / "case.toml", "--over", "solver.length=20.0,30.0"]
    process = start(
        [sys.executable, "-m", "physent", *map(str, command), "--output", str(tmp_path / "out")],
        stderr=subprocess.DEVNULL,
    )
    until = time.monotonic() + 100
    while len(list((tmp_path / "out").glob("*/checkpoint.eqx"))) < 1:
        assert process.poll() is None and time.monotonic() < until
        time.sleep(0.05)
    time.sleep(2.0)
    workers = children(process.pid)
    assert workers
    sent = time.monotonic()
    process.send_signal(number)
    process.wait(timeout=30)
    while any(map(lives, workers)):
        assert time.monotonic() - sent < PROMISED
        time.sleep(0.05)


SCHEDULE = SimpleNamespace(
    steps=24, batch=8, learning_rate=1e-2, clip=1.0, average=0.5, checks=2, patience=None, devices=1
)


class Drawn:
    """Batches of random numbers, each of its step alone."""

    def take(self, step: int, count: int) -> dict[str, np.ndarray]:
        each = [np.random.default_rng(step + i).normal(size=(8, 3)) for i in range(count)]
        return {"x": np.stack(each)}


def _loss(network: Any, values: Any, key: Any) -> Any:
    return jnp.sum((network(values["x"]) - values["x"][0]) ** 2)


def trained(stops: Callable[[], bool] = lambda: False) -> Any:
    """What a small network has learned; where a stop is asked for, it is asked to go on."""
    network: Any = eqx.nn.MLP(3, 1, 8, 1, key=jax.random.key(0))
    state: Any = training.begin(network, cast(Any, SCHEDULE), jax.random.key(1))
    kept: list[tuple[Any, list[Any]]] = []
    history, done = [], False
    while not done:
        state, history, done = training.train(
            state,
            cast(Any, SCHEDULE),
            cast(Any, Drawn()),
            cast(Any, _loss),
            lambda network: (1.0, 0.1, 0.5),
            tell=lambda progress: None,
            save=lambda state, history: kept.append((state, history)),
            stop=stops,
            history=history,
        )
        state, history = kept[-1]
    return state, [each.loss for each in history]


@pytest.mark.compiles_afresh
def test_training_that_is_cut_anywhere_has_the_same_bits(monkeypatch):
    whole = trained()
    monkeypatch.setattr(training, "CALL_SECONDS", 1e-9)  # a step at a time
    asked = iter(range(1000))
    assert eqx.tree_equal(whole, trained(lambda: next(asked) % 7 == 5))
    assert next(asked) == 24
