"""The tangent space of a state: its degrees of freedom as one vector of real numbers."""

from collections.abc import Callable
from typing import Any, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

S = TypeVar("S")


def flattened(
    state: S, without: tuple[str, ...] = ()
) -> tuple[Float[Array, " d"], Callable[[Array], S]]:
    """The floating-point arrays of a state as one vector, and the state for such a vector.

    **Arguments:**

    - `state`: a pytree.
    - `without`: the names in it of arrays, or of modules of arrays, that do not count.

    **Returns:**

    The vector, in which a complex number is two, and the inverse of taking it.
    """
    leaves, tree = jax.tree_util.tree_flatten_with_path(state)

    def counts(path: Any, leaf: Any) -> bool:
        named = any(getattr(key, "name", None) in without for key in path)
        return eqx.is_inexact_array(leaf) and not named

    chosen = [i for i, (path, leaf) in enumerate(leaves) if counts(path, leaf)]
    values = [leaf for _, leaf in leaves]
    parts = [as_real(values[i]) for i in chosen]
    vector = jnp.concatenate(parts) if parts else jnp.zeros(0)

    def rebuilt(vector: Array) -> S:
        found, start = list(values), 0
        for i, part in zip(chosen, parts, strict=True):
            piece = vector[start : start + part.size].astype(part.dtype)
            found[i] = of_real(piece, values[i])
            start += part.size
        return jax.tree_util.tree_unflatten(tree, found)

    return vector, rebuilt


def as_real(values: Array) -> Float[Array, " d"]:
    """The numbers of an array in a row, complex ones as their real and then their imaginary
    parts.
    """
    if not jnp.iscomplexobj(values):
        return jnp.ravel(values)
    return jnp.concatenate([jnp.ravel(values.real), jnp.ravel(values.imag)])


def of_real(numbers: Float[Array, " d"], like: Array) -> Array:
    """The inverse of `as_real`, for an array of this shape."""
    if not jnp.iscomplexobj(like):
        return numbers.reshape(like.shape)
    real, imaginary = jnp.split(numbers, 2)
    return jax.lax.complex(real, imaginary).reshape(like.shape)
