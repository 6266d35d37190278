"""What can go wrong: every public exception, each a sentence for the user; how to warn; the nearest
match to offer.

The command line ends with exit code 2 for all of them but RunError, whose is 1, and Interrupted,
whose is 128 + n.
"""

import difflib
import importlib
import os
import sys
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any


class ConfigError(Exception):
    """An experiment that cannot be run; `problems` holds one line for each thing wrong with it."""

    def __init__(self, problems: list[str]):
        super().__init__("\n".join(problems))
        self.problems = problems


class ParameterError(ValueError):
    """A parameter has a value it cannot have; `key` is its dotted name where it was found."""

    def __init__(self, key: str, message: str):
        super().__init__(f"{key}: {message}")
        self.key = key
        self.message = message


class RegistryError(ValueError):
    """A name that stands for nothing, or for something that cannot be loaded."""


class OptionError(Exception):
    """Options of the command line that do not go together, or a value that one of them cannot
    have.
    """


class CheckoutError(ImportError):
    """A part of physent that is not there, because a checkout was made without symbolic links."""


class FolderError(Exception):
    """A folder or file that cannot be read or written, or is not a run."""


class Locked(Exception):
    """Somebody else has the lock."""


class RunError(Exception):
    """A run that had to stop; what was saved before is valid, and is `dataset` where `physent.run`
    raised it.
    """

    dataset: Any = None


class SamplesError(ValueError):
    """A run that no score can be learned from."""


class Interrupted(KeyboardInterrupt):
    """A signal that ends what is not a run; `signal` says which."""

    def __init__(self, number: int):
        super().__init__(number)
        self.signal = number


_OURS = (
    str(Path(__file__).parent) + os.sep,
    str(Path(importlib.__file__).parent) + os.sep,
    "<frozen importlib",
)


def warn_user(words: str, category: type[Warning] = UserWarning) -> None:
    """Warn at the line of whoever called physent: the first that is neither in it nor in the
    machinery of imports.
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
    """', did you mean X?' for the entry of `words` that is spelt most like `word`, or nothing."""
    match = difflib.get_close_matches(str(word), [str(entry) for entry in words], n=1, cutoff=0.5)
    return f", did you mean {match[0]}?" if match else ""
