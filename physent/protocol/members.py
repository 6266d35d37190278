"""Parameters that are given once for each member of an ensemble."""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from physent.errors import ParameterError
from physent.protocol.declaration import declarations_of


def members_given(module: Any) -> dict[str, int]:
    """How many values each parameter that is given per member has, by its dotted name."""
    given = {}
    for path, axis in jax.tree_util.tree_leaves_with_path(member_axes(module)):
        name = jax.tree_util.keystr(path).lstrip(".").removesuffix(".fields_")
        given[name] = np.shape(functools.reduce(_part, path, module))[axis]
    return given


def require_one_member(module: Any) -> None:
    """Raise ParameterError where a parameter is given per member: what computes one member would
    broadcast it over cells or components.
    """
    for name, count in members_given(module).items():
        words = f"given {count} values, one for each member, where one member is made"
        raise ParameterError(name, f"{words}: allowed in physent.run, or under jax.vmap")


def member_axes(module: Any) -> Any:
    """The vmap axes of a module: 0 for each parameter given per member, None elsewhere."""

    def axis(path: tuple[Any, ...], leaf: Any) -> int | None:
        entry = not hasattr(path[-1], "name")  # of a table
        owner = functools.reduce(_part, path[: -1 - entry], module)
        name = getattr(path[-1 - entry], "name", "") if len(path) > entry else ""
        declared = declarations_of(owner) if dataclasses.is_dataclass(owner) else {}
        if name not in declared or declared[name].form != "param":
            return None
        return 0 if jnp.ndim(leaf) == declared[name].ndim + 1 else None

    return jax.tree_util.tree_map_with_path(axis, module)


def _part(owner: Any, key: Any) -> Any:
    """What a key of a path of JAX leads to."""
    if hasattr(key, "name"):
        return getattr(owner, key.name)
    return owner[getattr(key, "idx", getattr(key, "key", None))]
