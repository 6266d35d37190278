"""A worker process of a sweep: one thread, and no longer than whoever started it."""

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from multiprocessing.process import BaseProcess

PATIENCE = 3.5  # seconds, with a run that was asked to stop


def one_thread() -> None:
    """Limit a worker to one thread, before XLA creates its threads."""
    flags = os.environ.get("XLA_FLAGS", "")
    if "xla_cpu_multi_thread_eigen" not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} --xla_cpu_multi_thread_eigen=false".strip()
    os.environ["OMP_NUM_THREADS"] = "1"


def prepare() -> None:
    """Make this process a worker: it stops as if asked to when its parent has ended or was
    killed.
    """
    one_thread()
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(PATIENCE)
        os._exit(128 + signal.SIGTERM)

    threading.Thread(target=watch, name="physent-parent", daemon=True).start()


@contextlib.contextmanager
def stopping() -> Iterator[None]:
    """A context manager that, where it is left by an exception, stops the worker processes that
    were started in it: each run after its chunk, or without mercy if that takes too long.
    """
    before = set(multiprocessing.active_children())
    try:
        yield
    except BaseException:
        _stop([each for each in multiprocessing.active_children() if each not in before])
        raise


def _stop(workers: list[BaseProcess]) -> None:
    for worker in workers:
        worker.terminate()
    until = time.monotonic() + PATIENCE
    for worker in workers:
        worker.join(max(0.0, until - time.monotonic()))
        if worker.is_alive():
            worker.kill()
