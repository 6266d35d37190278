"""User errors as messages and exit codes, for every command."""

import contextlib
import functools
import os
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from physent.app.terminal import say
from physent.errors import (
    CheckoutError,
    ConfigError,
    FolderError,
    OptionError,
    ParameterError,
    RegistryError,
    RunError,
    shortened,
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
        say(f"warning: {place}{message}", wrong=True)

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
            say(error, wrong=True)
            raise _Stop(2) from None
        except RunError as error:
            say(f"the run failed: {error}", wrong=True)
            raise _Stop(1) from None
        except (MemoryError, RuntimeError) as error:
            words = str(error).splitlines()[0] if str(error) else ""
            if not isinstance(error, MemoryError) and "RESOURCE_EXHAUSTED" not in words:
                raise
            say(f"the run failed: there is not enough memory ({shortened(words)})", wrong=True)
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
    """A context manager in which JAX computes in float32 or float64. Raises OptionError where it
    cannot compute at all.
    """
    import jax

    try:
        jax.devices()
    except (RuntimeError, AssertionError) as error:  # of a platform that fails, or is not installed
        asked = os.environ.get("JAX_PLATFORMS", "")
        why = f" ({shortened(str(error).splitlines()[0])})" if str(error) else ""
        raise OptionError(
            f"JAX_PLATFORMS={asked}: jax cannot compute there{why}: unset JAX_PLATFORMS, or choose "
            "another, as in JAX_PLATFORMS=cpu"
        ) from None
    with jax.enable_x64(name == "float64"):
        yield
