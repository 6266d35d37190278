"""Products of matrices with all digits of their numbers.

An accelerator multiplies numbers of float32 with ten bits unless it is asked for more, and JAX does
not ask by default. Solvers, and everything here, take their products from this file.
"""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import jax
import jax.numpy as jnp

P = ParamSpec("P")
R = TypeVar("R")

matmul = functools.partial(jnp.matmul, precision=jax.lax.Precision.HIGHEST)
einsum = functools.partial(jnp.einsum, precision=jax.lax.Precision.HIGHEST)


def with_all_digits(function: Callable[P, R]) -> Callable[P, R]:
    """A function that is traced so that the products in it, also those of somebody's own solver,
    have all digits unless they ask for fewer.
    """

    @functools.wraps(function)
    def traced(*args: P.args, **kwargs: P.kwargs) -> R:
        with jax.default_matmul_precision("highest"):
            return function(*args, **kwargs)

    return traced
