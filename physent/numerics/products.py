"""Products of matrices with all digits of their numbers.

An accelerator multiplies numbers of float32 with ten bits unless it is asked for more, and JAX does
not ask by default. Solvers, and everything here, take their products from this file.
"""

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import Array

P = ParamSpec("P")
R = TypeVar("R")

matmul = functools.partial(jnp.matmul, precision=jax.lax.Precision.HIGHEST)
einsum = functools.partial(jnp.einsum, precision=jax.lax.Precision.HIGHEST)


def scale(factor: Any, z: Array) -> Array:
    """factor z, with two products instead of four where the factor is real and z complex, or the
    other way round.
    """
    if jnp.iscomplexobj(factor) and not jnp.iscomplexobj(z):
        factor, z = z, factor
    if jnp.iscomplexobj(z) and not jnp.iscomplexobj(factor):
        return jax.lax.complex(factor * z.real, factor * z.imag)
    return factor * z


def scale_by_i(factor: Array, z: Array) -> Array:
    """i factor z for a real factor."""
    if not jnp.iscomplexobj(z):
        return jax.lax.complex(jnp.zeros_like(z * factor), factor * z)
    return jax.lax.complex(-factor * z.imag, factor * z.real)


def with_all_digits(function: Callable[P, R]) -> Callable[P, R]:
    """A function that is traced so that the products in it, also those of somebody's own solver,
    have all digits unless they ask for fewer.
    """

    @functools.wraps(function)
    def traced(*args: P.args, **kwargs: P.kwargs) -> R:
        with jax.default_matmul_precision("highest"):
            return function(*args, **kwargs)

    return traced
