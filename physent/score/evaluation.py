"""A function of a score and a state, taken over many samples of a run."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PRNGKeyArray

from physent.learning.model import Score
from physent.learning.splits import Part
from physent.protocol.stochastic import StochasticSolver
from physent.score.samples import Samples

BLOCK = 4096  # samples read at once, at least


class Evaluation:
    """`function`(score, state, key) -> arrays by name, over the samples of a part; compiled once
    for all of them.

    `batch` samples are on the device together.
    """

    def __init__(
        self,
        function: Callable[[Score, Any, PRNGKeyArray], dict[str, Array]],
        solver: StochasticSolver,
        samples: Samples,
        batch: int,
    ):
        self.samples, self.batch = samples, batch

        @eqx.filter_jit
        def evaluate(
            score: Score, values: dict[str, Array], keys: PRNGKeyArray
        ) -> dict[str, Array]:
            return jax.vmap(lambda values, key: function(score, solver.at(values), key))(
                values, keys
            )

        self.evaluate = evaluate

    def __call__(self, score: Score, part: Part, seed: int = 0) -> dict[str, np.ndarray]:
        """float64 arrays (rows, trajectories, ...); random signs, where there are any, are those of
        the seed.
        """
        count = min(self.batch, part.size)
        blocks: dict[str, list[np.ndarray]] = {}
        key = jax.random.key(seed)
        for number, (_, values) in enumerate(self.samples.blocks(part, max(count, BLOCK))):
            shape = next(iter(values.values())).shape[:2]
            flat = {name: v.reshape(-1, *v.shape[2:]) for name, v in values.items()}
            size = shape[0] * shape[1]
            pieces: dict[str, list[np.ndarray]] = {}
            for first in range(0, size, count):
                index = np.minimum(
                    np.arange(first, first + count), size - 1
                )  # the last is repeated, and cut off
                keys = jax.random.split(
                    jax.random.fold_in(jax.random.fold_in(key, number), first), count
                )
                found = self.evaluate(
                    score, {name: jnp.asarray(v[index]) for name, v in flat.items()}, keys
                )
                for name, value in found.items():
                    pieces.setdefault(name, []).append(np.asarray(value, float)[: size - first])
            for name, arrays in pieces.items():
                joined = np.concatenate(arrays)
                blocks.setdefault(name, []).append(joined.reshape(*shape, *joined.shape[1:]))
        return {name: np.concatenate(arrays) for name, arrays in blocks.items()}
