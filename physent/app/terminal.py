"""Output: what is printed is text and nothing else, and outlives its reader.

Names, paths and attributes come from anybody's files. They are shown as they are, so nothing here
is read as markup, and characters that steer a terminal are written as escapes. A run continues when
its terminal or pipe is closed.
"""

import contextlib
import errno
import io
import os
import sys
from itertools import accumulate
from typing import Any

from rich.console import Console
from rich.text import Text

from physent.errors import printable, shortened

MOST = 4000  # characters of an answer to bad input

_GONE = (errno.EPIPE, errno.EIO, errno.ENXIO)  # a pipe without a reader, a terminal that hung up


def say(words: object, *, wrong: bool = False) -> None:
    """Print words; what is `wrong` goes to stderr, and of a long list of it the beginning."""
    text = str(words)
    if wrong and len(text) > MOST:
        lines = [shortened(line, MOST // 2) for line in text.splitlines()]
        ends = list(accumulate(len(line) + 1 for line in lines))  # each with its line break
        told = max(1, sum(end <= MOST for end in ends))
        more = [f"and {len(lines) - told} more lines"] if told < len(lines) else []
        text = "\n".join([*lines[:told], *more])
    print(printable(text), file=sys.stderr if wrong else sys.stdout, flush=True)


class PlainConsole(Console):
    """A console of rich that takes text as it is."""

    def __init__(self, **options: Any):
        super().__init__(markup=False, emoji=False, highlight=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """The text, without control characters."""
        return super().render_str(printable(text), **options)


class Lasting:
    """A text stream that discards output once its reader is gone; other write errors are raised.
    Characters that its encoding lacks are written as escapes.
    """

    def __init__(self, stream: Any):
        self._stream = io.StringIO() if stream is None else stream  # None: closed from the start
        self._gone = stream is None
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")

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
