"""Output that outlives its reader: a run continues when its terminal or pipe is closed."""

import contextlib
import errno
import io
import os
from typing import Any

_GONE = (errno.EPIPE, errno.EIO, errno.ENXIO)  # a pipe without a reader, a terminal that hung up


class Lasting:
    """A text stream that discards output once its reader is gone; other write errors are raised."""

    def __init__(self, stream: Any):
        self._stream = io.StringIO() if stream is None else stream  # None: closed from the start
        self._gone = stream is None

    def write(self, text: str) -> int:
        """Write text, unless the reader is gone."""
        if not self._gone:
            try:
                return self._stream.write(text)
            except OSError as error:
                self._judge(error)
        return len(text)

    def flush(self) -> None:
        """Flush, unless the reader is gone."""
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
        """Delegate everything else to the stream."""
        return getattr(self._stream, name)
