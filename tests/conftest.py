"""Every test runs in float64 unless it asks for float32, and rank promotion is an error."""

import gc
import os
from pathlib import Path

import jaxlib

# Compilation is nearly all of the suite's time, and XLA's older CPU emitters take half as long
# (measured: 0.40 against 0.74 s for a small run), at -O0 a third less again. The subprocesses of
# the tests inherit it. An unknown flag aborts, hence the version.
QUICK = "--xla_cpu_use_fusion_emitters=false --xla_backend_optimization_level=0"
if jaxlib.__version__.startswith(("0.9.", "0.10.")):
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {QUICK}".strip()

import jax  # noqa: E402 - reads the flags
import pytest  # noqa: E402
from recording import Recorder, commit, table  # noqa: E402

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_numpy_rank_promotion", "raise")


def pytest_addoption(parser):
    parser.addoption(
        "--record-numbers", action="store_true", help="commit measured numbers to data/validation"
    )


@pytest.fixture(autouse=True, scope="module")
def few_mappings():
    """Forget compiled programs in time: they hold memory mappings, and at the 65,530 of Linux the
    compiler crashes.
    """
    yield
    maps = Path("/proc/self/maps")
    if maps.exists() and maps.read_bytes().count(b"\n") > 8_000:
        jax.clear_caches()
        gc.collect()


@pytest.fixture
def record_number(request):
    """Holds a number to what is asked of it and to the committed one (see recording.py)."""
    recording = request.config.getoption("--record-numbers")
    recorder = Recorder(request.module.__name__, request.node.name, recording)
    yield recorder
    if recording and recorder.numbers:
        commit(recorder.module, recorder.numbers)


@pytest.fixture
def record_table(request):
    """Holds a table to the committed one (see recording.py)."""
    recording = request.config.getoption("--record-numbers")
    return lambda name, columns, rows, share=1e-3: table(name, columns, rows, recording, share)
