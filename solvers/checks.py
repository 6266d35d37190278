"""Parameter checks shared by several solvers: on the host, for concrete values."""

import functools
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import equinox as eqx
import jax
import numpy as np

from physent.errors import ParameterError
from physent.protocol.parameters import known, member_axes
from physent.protocol.reuse import QUICK

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


def each_member(function: Callable[[Any], Any], solver: Any) -> Any:
    """The value of a function of a solver, for each member where parameters differ by member."""
    numbers, fixed = eqx.partition(solver, eqx.is_array)
    leaves, tree = jax.tree.flatten(fixed)
    # one program compiles faster than its operations
    return _whole(function, tuple(leaves), tree)(numbers)


@functools.lru_cache(maxsize=64)
def _whole(function: Callable[[Any], Any], leaves: tuple[Any, ...], tree: Any) -> Any:
    """The program for solvers with this fixed part."""
    fixed = jax.tree.unflatten(tree, leaves)

    def whole(numbers: Any) -> Any:
        solver = eqx.combine(numbers, fixed)
        axes = member_axes(solver)
        if any(axis is not None for axis in jax.tree.leaves(axes)):
            return eqx.filter_vmap(function, in_axes=(axes,))(solver)
        return function(solver)

    return jax.jit(whole, compiler_options=QUICK)
