"""Ctrl-C and SIGTERM: the first asks a run to stop after its chunk, the second stops at once."""

import signal
import threading
from types import FrameType


class Interrupts:
    """A context in which `requested()` turns true at the first SIGINT or SIGTERM; `signal` says which it was."""

    def __init__(self):
        self.signal: int | None = None
        self._before = {}

    def __enter__(self) -> "Interrupts":
        # only the main thread may set handlers; elsewhere the program round us keeps its own
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
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
        """Whether the run is to stop."""
        return self.signal is not None
