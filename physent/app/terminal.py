"""Output that outlives its reader: a run goes on when its terminal is closed or its pipe ends."""

import contextlib
import errno
import io
import os
from typing import Any

_GONE = (errno.EPIPE, errno.EIO, errno.ENXIO)  # a pipe without a reader, a terminal that hung up


class Lasting:
    """A text stream that falls silent once nobody can read it; any other failure to write is
    raised.
    """

    def __init__(self, stream: Any):
        self._stream = io.StringIO() if stream is None else stream  # None: closed from the start
        self._gone = stream is None

    def write(self, text: str) -> int:
        """Write text, if somebody is there."""
        if not self._gone:
            try:
                return self._stream.write(text)
            except OSError as error:
                self._judge(error)
        return len(text)

    def flush(self) -> None:
        """Flush, if somebody is there."""
        if not self._gone:
            try:
                self._stream.flush()
            except OSError as error:
                self._judge(error)

    def _judge(self, error: OSError) -> None:
        if error.errno not in _GONE:
            raise error
        self._gone = True
        with contextlib.suppress(
            OSError, ValueError
        ):  # what is still in the buffer has to go somewhere at exit
            place, nowhere = self._stream.fileno(), os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, place)
            os.close(nowhere)

    def __getattr__(self, name: str) -> Any:
        """Everything else is the stream's own."""
        return getattr(self._stream, name)
