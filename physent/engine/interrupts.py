"""Ctrl-C, SIGTERM, a closed terminal: the first signal stops a run after its chunk, the second at
once.
"""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from physent.errors import Interrupted


def _stopping() -> list[int]:
    """The signals that stop a run: SIGHUP only if it exists and is not ignored (nohup)."""
    hangup = getattr(signal, "SIGHUP", None)
    if hangup is None or signal.getsignal(hangup) == signal.SIG_IGN:
        return [signal.SIGINT, signal.SIGTERM]
    return [signal.SIGINT, signal.SIGTERM, hangup]


class Interrupts:
    """A context manager in which `requested()` turns true at the first such signal, kept in
    `signal`.
    """

    def __init__(self):
        self.signal: int | None = None
        self._before = {}

    def __enter__(self) -> "Interrupts":
        # only the main thread may set handlers; elsewhere the program round us keeps its own
        if threading.current_thread() is threading.main_thread():
            for number in _stopping():
                self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, _: FrameType | None) -> None:
        if self.signal is not None:
            if number == signal.SIGINT:
                raise KeyboardInterrupt
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        self.signal = number

    def requested(self) -> bool:
        """Whether the run should stop."""
        return self.signal is not None


@contextlib.contextmanager
def raised() -> Iterator[None]:
    """A context manager in which every such signal raises `Interrupted`, as Ctrl-C raises
    KeyboardInterrupt elsewhere.
    """

    def handle(number: int, _: FrameType | None) -> None:
        raise Interrupted(number)

    before = {number: signal.signal(number, handle) for number in _stopping()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
