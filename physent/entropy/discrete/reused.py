"""Programs of functions that somebody gives, compiled once for the same functions."""

from collections.abc import Callable
from typing import Any

import jax

from physent.protocol.identity import key_of
from physent.protocol.reuse import made_for


def jitted_with(function: Callable[..., Any], *given: Callable[..., Any]) -> Callable[..., Any]:
    """A function to be jitted that calls those given: the one that was jitted before, if these are
    known to be the same, else a new one.
    """
    made = made_for(key_of((), (function.__qualname__, given)))
    return made.setdefault("jitted", jax.jit(function))
