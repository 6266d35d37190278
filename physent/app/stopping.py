"""The command line ends within seconds of a signal, whatever it is doing then."""

import contextlib
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator

SECONDS = 4.0  # from the first signal to the end
AGAIN = 0.5  # from the second


@contextlib.contextmanager
def ending_in_time() -> Iterator[None]:
    """A context manager in which this process ends soon after a signal to stop, and at once after a
    second one.

    Usually what is going on stops by itself (`physent.engine.interrupts`). But Python's handlers
    run between two instructions of the main thread only, and compiling, or one step of a large
    system, is a single one that may take minutes. So another thread is woken by each signal, and in
    the end it ends the process, as a kill would: what was committed is valid, and goes on.
    """
    reading, writing = socket.socketpair()
    writing.setblocking(False)
    before = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
    watch = threading.Thread(target=_watch, args=(reading,), name="physent-signals", daemon=True)
    watch.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        writing.close()
        watch.join()
        reading.close()


def _watch(reading: socket.socket) -> None:
    names = ("SIGINT", "SIGTERM", "SIGHUP")
    stopping = [getattr(signal, name) for name in names if hasattr(signal, name)]
    first, until = 0, float("inf")
    while True:
        if first:
            reading.settimeout(max(0.001, until - time.monotonic()))
        try:
            heard = reading.recv(1)
        except TimeoutError:
            return end(128 + first)
        if not heard:
            return None
        if heard[0] in stopping:
            wait = AGAIN if first else SECONDS
            first, until = first or heard[0], min(until, time.monotonic() + wait)


def end(code: int) -> None:
    """End this process without waiting for what XLA is doing; not in the middle of a write."""
    if hdf5 := sys.modules.get("physent.protocol.hdf5"):
        for _ in range(50):
            if hdf5.LOCK.acquire(blocking=False):
                break
            time.sleep(0.01)
    with contextlib.suppress(Exception):
        if sys.stdout.isatty():
            sys.stdout.write("\x1b[?25h")  # the cursor, which a progress bar hides
        print("interrupted before a computation was over; what was saved is valid", file=sys.stderr)
    leave(code)


def leave(code: int) -> None:
    """Exit with a code, now: what an interrupted run has left to XLA is not waited for."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    os._exit(code)
