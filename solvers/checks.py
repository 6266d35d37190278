"""Parameter checks shared by several solvers: on the host, for concrete values."""

from collections.abc import Iterable
from typing import Any, TypeVar

import jax
import numpy as np

from physent.errors import ParameterError
from physent.protocol.parameters import known

T = TypeVar("T")


def on_host(values: T) -> T:
    """The same tree with concrete arrays as NumPy arrays, whose arithmetic compiles nothing;
    tracers stay.
    """
    return jax.tree.map(lambda leaf: np.asarray(leaf) if known(leaf) else leaf, values)


def certain(condition: Any) -> bool:
    """Whether a condition is known to hold for at least one member; false for tracers."""
    return known(condition) and bool(np.any(np.asarray(condition)))


def refuse(condition: Any, key: str, message: str) -> None:
    """Raise ParameterError(key, message) if the condition is certain."""
    if certain(condition):
        raise ParameterError(key, message)


def require_length(
    owner: Any, names: Iterable[str], size: int, allowed: str, below: str = ""
) -> None:
    """Raise ParameterError, about a parameter of `owner`, if a given list does not have `size`
    numbers.
    """
    for name in names:
        values = getattr(owner, name)
        count = size if values is None else np.shape(values)[-1]
        refuse(count != size, f"{below}{name}", f"given {count} numbers, allowed: {allowed}")
