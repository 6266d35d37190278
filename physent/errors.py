"""All public exceptions, each with a message for the user, and what messages are made of: warnings,
values in brief, suggestions for misspelt names.

The command line ends with exit code 2 for all of them but RunError, whose is 1, and Interrupted,
whose is 128 + n.
"""

import difflib
import importlib
import os
import reprlib
import sys
import unicodedata
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

LONGEST = 120  # characters of a value or a key in a message
_HIDDEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")  # kinds of characters that are not to be seen


class ConfigError(Exception):
    """An experiment that cannot be run; `problems` holds one line per problem."""

    def __init__(self, problems: list[str]):
        # what is given here is what a copy in another process is made of
        super().__init__(problems)
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join(self.problems)


class ParameterError(ValueError):
    """A parameter with an invalid value; `key` is its dotted name."""

    def __init__(self, key: str, message: str):
        super().__init__(key, message)
        self.key = key
        self.message = message

    def __str__(self) -> str:
        return f"{self.key}: {self.message}"


class RegistryError(ValueError):
    """A name that is unknown, or whose class cannot be loaded."""


class OptionError(Exception):
    """Command line options that cannot be combined, or an option with an invalid value."""


class CheckoutError(ImportError):
    """A part of physent that is missing because the checkout has no symbolic links."""


class FolderError(Exception):
    """A folder or file that cannot be read or written, or is not a run."""


class Locked(Exception):
    """Another process holds the lock."""


class RunError(Exception):
    """A run that had to stop; the data saved before are valid, and are `dataset` if `physent.run`
    raised it.
    """

    dataset: Any = None


class DerivativeError(ValueError):
    """A derivative that does not exist in the mode asked for; the message says where it does."""


class SamplesError(ValueError):
    """A run from which no score can be learned."""


class Interrupted(KeyboardInterrupt):
    """A signal that ended something other than a run; `signal` is its number."""

    def __init__(self, number: int):
        super().__init__(number)
        self.signal = number


_OURS = (
    str(Path(__file__).parent) + os.sep,
    str(Path(importlib.__file__).parent) + os.sep,
    "<frozen importlib",
)


def warn_user(words: str, category: type[Warning] = UserWarning) -> None:
    """Warn at the line that called physent: the first that is neither in physent nor in the import
    machinery.
    """
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_OURS):
        frame = frame.f_back
    warnings.warn_explicit(
        words,
        category,
        frame.f_code.co_filename,
        frame.f_lineno,
        frame.f_globals.get("__name__"),
        frame.f_globals.setdefault("__warningregistry__", {}),
    )


def nearest(word: str, words: Iterable[str]) -> str:
    """', did you mean X?' for the entry of `words` most similar to `word`, or ""."""
    word = str(word)[:LONGEST]  # the time goes as the square of the length
    match = difflib.get_close_matches(word, [str(entry) for entry in words], n=1, cutoff=0.5)
    return f", did you mean {match[0]}?" if match else ""


class _Brief(reprlib.Repr):
    def __init__(self) -> None:
        super().__init__()
        self.maxlevel, self.maxlist, self.maxtuple, self.maxdict = 3, 6, 6, 6
        self.maxstring = self.maxother = LONGEST

    def repr_int(self, x: int, level: int) -> str:
        digits = int(x.bit_length() * 0.30103) + 1  # Python refuses to write the longest ones out
        return repr(x) if digits <= 40 else f"an integer of about {digits} digits"


def brief(value: Any) -> str:
    """The repr of a value as a message shows it: one printable line of at most 120 characters,
    however large the value is.
    """
    return shortened(printable(" ".join(_Brief().repr(value).split())))


def path_of(key: str, value: Any) -> Path:
    """A path that somebody gave. Raises ParameterError, about `key`, for anything else: a number,
    a list, bytes, an open Dataset.
    """
    try:
        return Path(value)
    except TypeError:
        raise ParameterError(key, f"given {brief(value)}, allowed: a path") from None


def texts_of(key: str, value: Any) -> list[str]:
    """A list of names or the like that somebody gave. Raises ParameterError, about `key`, for
    anything else.
    """
    several = isinstance(value, Iterable) and not isinstance(value, str | bytes | dict)
    texts: list[Any] = list(value) if several else []
    if not several or not all(isinstance(each, str) for each in texts):
        raise ParameterError(key, f"given {brief(value)}, allowed: a list of texts")
    return texts


def shortened(text: str, most: int = LONGEST) -> str:
    """A text of at most `most` characters: what is more is cut out of its middle."""
    half = (most - 3) // 2
    return text if len(text) <= most else f"{text[:half]}...{text[-half:]}"


def printable(text: str) -> str:
    """A text in which characters that steer a terminal, or are not to be seen, are written as
    escapes; line ends and tabs stay.
    """
    return "".join(char if _is_shown(char) else ascii(char)[1:-1] for char in text)


def _is_shown(char: str) -> bool:
    return char in "\n\t" or unicodedata.category(char) not in _HIDDEN
