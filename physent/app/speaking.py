"""User errors as messages and exit codes, for every command."""

import contextlib
import functools
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from physent.errors import (
    CheckoutError,
    ConfigError,
    FolderError,
    OptionError,
    ParameterError,
    RegistryError,
    RunError,
)


class _Stop(Exception):
    """Ends a command with an exit code."""

    def __init__(self, code: int):
        self.code = code


@contextlib.contextmanager
def _speaking() -> Iterator[None]:
    """Turn user errors into messages on stderr and an exit code, and warnings into one line
    each.
    """

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        *_: Any,
        **__: Any,
    ) -> None:
        # an old name in somebody's own file is said to be there
        own = (
            category is FutureWarning
            and filename.endswith(".py")
            and "site-packages" not in filename
        )
        place = f"{filename}:{lineno}: " if own else ""
        print(f"warning: {place}{message}", file=sys.stderr)

    with warnings.catch_warnings():
        warnings.simplefilter("default", UserWarning)
        warnings.showwarning = show
        try:
            yield
        except (
            CheckoutError,
            ConfigError,
            FolderError,
            OptionError,
            ParameterError,
            RegistryError,
        ) as error:
            print(error, file=sys.stderr)
            raise _Stop(2) from None
        except RunError as error:
            print(f"the run failed: {error}", file=sys.stderr)
            raise _Stop(1) from None


def command(function: Callable[..., int]) -> Callable[..., int]:
    """Wrap a function so that it returns an exit code also when it raises a user error."""

    @functools.wraps(function)
    def spoken(**options: Any) -> int:
        try:
            with _speaking():
                return function(**options)
        except _Stop as stop:
            return stop.code

    return spoken


@contextlib.contextmanager
def precision(name: str) -> Iterator[None]:
    """A context manager in which JAX computes in float32 or float64."""
    import jax

    with jax.enable_x64(name == "float64"):
        yield
