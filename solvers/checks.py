"""Checks of parameters that several solvers make: on the host, and of what is known there."""

from collections.abc import Iterable
from typing import Any, TypeVar

import jax
import numpy as np

from physent.errors import ParameterError
from physent.protocol.parameters import known

T = TypeVar("T")


def on_host(values: T) -> T:
    """The same tree with the arrays that are known as NumPy's, whose arithmetic compiles nothing;
    traced ones stay.
    """
    return jax.tree.map(lambda leaf: np.asarray(leaf) if known(leaf) else leaf, values)


def certain(condition: Any) -> bool:
    """Whether a condition is known to hold, for some member at least; a traced one is not."""
    return known(condition) and bool(np.any(np.asarray(condition)))


def refuse(condition: Any, key: str, message: str) -> None:
    """Raise ParameterError(key, message) where the condition is certain."""
    if certain(condition):
        raise ParameterError(key, message)


def require_length(
    owner: Any, names: Iterable[str], size: int, allowed: str, below: str = ""
) -> None:
    """Raise a ParameterError, about a parameter of `owner`, where a list is given that does not
    have `size` numbers.
    """
    for name in names:
        values = getattr(owner, name)
        count = size if values is None else np.shape(values)[-1]
        refuse(count != size, f"{below}{name}", f"given {count} numbers, allowed: {allowed}")
