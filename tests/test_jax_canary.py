"""jax 0.10.2 must stay excluded: on the CPU it silently returns wrong sums (jax issue 39103)."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest


@pytest.mark.compiles_afresh
@pytest.mark.parametrize(("dtype", "rows"), [("float64", 16_385), ("float32", 32_769)])
def test_a_vmapped_product_and_reduction_are_right_for_many_rows(dtype, rows):
    index = jnp.arange(rows, dtype=dtype)
    x = jnp.stack((index, jnp.zeros_like(index), jnp.zeros_like(index)), axis=1)
    identity = jnp.eye(3, dtype=dtype)
    squares = jax.jit(jax.vmap(lambda row: jnp.sum((identity @ row) ** 2)))(x)
    np.testing.assert_array_equal(squares, np.arange(rows, dtype=dtype) ** 2)
