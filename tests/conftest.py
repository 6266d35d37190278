"""Every test runs in float64 unless it asks for float32, and rank promotion is an error."""

import gc
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import jaxlib.version

# Compilation is most of the suite's time. XLA's older CPU emitters take half as long (measured:
# 0.40 against 0.74 s for a small run), and without optimisation a third less again; what runs
# for long is marked `runs_long` and optimises (half the time for some). A program in one piece
# compiles in a quarter less time than in 32. The subprocesses of the tests inherit all three. An
# unknown flag aborts, hence the version.
if jaxlib.version.__version__.startswith(("0.9.", "0.10.")):
    QUICK = "--xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1"
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {QUICK}".strip()
os.environ["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "true"

# The workers and the subprocesses of one session compile the same programs again and again: they
# share a folder of compiled ones, which is new for each session and removed at its end, or that of
# several sessions, which PHYSENT_TESTS_COMPILED names.
CACHE, SHARED = None, os.environ.get("PHYSENT_TESTS_COMPILED")
if "PYTEST_XDIST_WORKER" not in os.environ:
    CACHE = None if SHARED else tempfile.mkdtemp(prefix="physent-tests-compiled-")
    os.environ |= {
        "JAX_COMPILATION_CACHE_DIR": SHARED or str(CACHE),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        "TF_CPP_MIN_LOG_LEVEL": "3",  # XLA's false alarms about prefer-no-gather when it loads one
        "XDG_STATE_HOME": tempfile.mkdtemp(
            prefix="physent-tests-state-"
        ),  # not the user's own list
    }

import jax  # noqa: E402 - reads the flags
import pytest  # noqa: E402
from recording import Recorder, commit, table  # noqa: E402

# A shell that starts us in the background lets us, and all that we start, ignore Ctrl-C.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Tracing makes hundreds of thousands of small objects that live: looking through them a tenth as
# often saves a seventh of the suite's time (measured).
gc.set_threshold(50_000, 20, 50)

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_numpy_rank_promotion", "raise")


def pytest_addoption(parser):
    parser.addoption(
        "--record-numbers", action="store_true", help="commit measured numbers to data/validation"
    )


def pytest_unconfigure():
    if CACHE:
        shutil.rmtree(CACHE, ignore_errors=True)
    if "PYTEST_XDIST_WORKER" not in os.environ:
        shutil.rmtree(os.environ["XDG_STATE_HOME"], ignore_errors=True)


# What promises bits, or watches the compiler itself, takes no program from the cache; what runs for
# long is compiled with all optimisations.
SWITCHED_OFF = {
    "compiles_afresh": "jax_enable_compilation_cache",
    "runs_long": "jax_disable_most_optimizations",
}


@pytest.fixture(autouse=True)
def compiled_as_marked(request, monkeypatch):
    """Switches off what a test's markers say, here and in its subprocesses."""
    if request.node.get_closest_marker("compiles_afresh"):
        from physent.protocol import reuse  # late: what is set above is set before anything of ours

        reuse.forget()
    names = [
        name for marker, name in SWITCHED_OFF.items() if request.node.get_closest_marker(marker)
    ]
    for name in names:
        monkeypatch.setenv(name.upper(), "false")
        jax.config.update(name, False)
    yield
    for name in names:
        jax.config.update(name, True)


@pytest.fixture(autouse=True, scope="module")
def few_mappings():
    """Forget compiled programs in time: they hold memory mappings, and at the 65,530 of Linux the
    compiler crashes.
    """
    yield
    maps = Path("/proc/self/maps")
    if maps.exists() and maps.read_bytes().count(b"\n") > 8_000:
        if "physent.protocol.reuse" in sys.modules:
            sys.modules["physent.protocol.reuse"].forget()
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
