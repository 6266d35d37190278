"""The stationary mean of a rate with the least variance, streamed: a regression on controls.

Sums of a fixed number of blocks are kept. Where all are full, neighbours are joined, and blocks are
twice as long from then on, so that they outgrow any correlation.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from physent.entropy.discrete import matmul, unit_of
from physent.entropy.production import BLOCKS, coefficients, stationary_controls
from physent.protocol.stochastic import StochasticSolver


class Blocks(NamedTuple):
    """Sums of 1, the rate and the controls in each block, (BLOCKS, 2 + m), and in the one that is
    not full; how many are full, and of how many rows.
    """

    sums: Array
    rest: Array
    full: Array
    length: Array


def controls_of(
    solver: StochasticSolver,
    state: Any,
    values: Mapping[str, Array],
    drift: Mapping[str, Array],
    diffusion: Mapping[str, Array],
) -> Array:
    """The control variates of a stochastic solver at a state, (m,), from the values, the drift and
    the diffusion of its stochastic variables.
    """
    periodic, kinds = any(axis.periodic for axis in solver.domain().axes), solver.variables()
    places = [name for name in drift if kinds[name].role == "position"]
    gradient = laplacian = None
    if type(solver).reference_score is not StochasticSolver.reference_score:
        gradient, laplacian = solver.reference_score(state), solver.reference_divergence(state)
    return stationary_controls(
        {name: values[name] for name in drift if not (periodic and name in places)},
        drift,
        diffusion,
        gradient,
        laplacian,
        solver.independent(),
        dict.fromkeys(places, solver.confined()),
    )


def no_blocks(controls: Array, dtype) -> Blocks:
    """Empty sums."""
    sums = jnp.zeros((BLOCKS, 2 + controls.shape[0]), dtype)
    return Blocks(sums, sums[0], jnp.zeros((), jnp.int32), jnp.ones((), jnp.int32))


def add_row(blocks: Blocks, rate: Array, controls: Array, counted: Array) -> Blocks:
    """The sums with another row, if `counted` is 1."""
    sums, rest, full, length = blocks
    row = jnp.concatenate([jnp.stack([jnp.ones_like(rate), rate]), controls])
    rest = rest + jnp.where(counted > 0, row, 0)
    return filed(Blocks(sums, rest, full, length), rest[0] >= length)


def filed(blocks: Blocks, done: Array) -> Blocks:
    """The sums with the block that was not full among the others, if it is `done`; neighbours are
    joined where all are full.
    """
    sums, rest, full, length = blocks
    sums = jnp.where(done, sums.at[full].set(rest), sums)
    rest, full = jnp.where(done, 0, rest), full + done
    joined = jnp.concatenate([sums[::2] + sums[1::2], jnp.zeros_like(sums[::2])])
    enough = full == sums.shape[0]
    return Blocks(
        jnp.where(enough, joined, sums),
        rest,
        jnp.where(enough, sums.shape[0] // 2, full),
        jnp.where(enough, 2 * length, length),
    )


def correlation_of_successive(residual: Array, square: Array, number: Array) -> Array:
    """The correlation of successive blocks along the first axis, of whose residuals `square` is the
    sum of squares; its bias 1/blocks is made up for, and it is clipped to 0 ... 0.9.
    """
    found = jnp.sum(residual[1:] * residual[:-1], axis=0) / jnp.where(square > 0, square, 1)
    return jnp.clip(found + 1 / number, 0, 0.9)


@eqx.filter_jit
def least_variance_mean(blocks: Blocks) -> tuple[Array, Array]:
    """The mean of all rows, by the coefficients of `physent.entropy.production.least_variance`, and
    its standard error.

    The error is that of the residuals of blocks, times (1 + r)/(1 - r) in the square for the
    correlation r of successive ones, whose bias 1/blocks is made up for and which is then clipped
    to 0 ... 0.9: a negative one is taken as 0, and of a series that is still correlated over many
    blocks the error is too small. NaN for fewer than 8 blocks.
    """
    sums, rest, full, _ = blocks
    whole, dtype = jnp.sum(sums, axis=0) + rest, sums.dtype
    there = (jnp.arange(BLOCKS) < full).astype(dtype)
    used = jnp.arange(sums.shape[1] - 2) < full // 8
    means = sums[:, 1:] / jnp.maximum(sums[:, :1], 1)
    means = means * jnp.concatenate([jnp.ones(1, dtype), used.astype(dtype)])[None, :]
    number = jnp.maximum(full, 1).astype(dtype)
    found = coefficients(means, jnp.where(full > 0, there, 1))
    residual = means[:, 0] - matmul(means[:, 1:], found)
    residual = there * (residual - jnp.sum(there * residual) / number)
    size = unit_of(residual)[0]  # what is squared fits at any size
    residual = residual / size
    square = jnp.sum(residual**2)
    successive = correlation_of_successive(residual, square, number)
    freedom = (number - 1 - jnp.sum(used)) * number
    variance = square / jnp.maximum(freedom, 1) * (1 + successive) / (1 - successive)
    mean = (whole[1] - matmul(whole[2:], found)) / whole[0]
    return mean, jnp.where(full < 8, jnp.nan, size * jnp.sqrt(variance))
