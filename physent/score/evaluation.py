"""A function of a score and a state, evaluated on many samples of a run."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from physent.learning.model import Score, Values
from physent.learning.splits import Batch, Part, flattened
from physent.protocol.stochastic import StochasticSolver
from physent.score.samples import Samples

BLOCK = 4096  # samples read at once, at least


def over(samples: Samples, part: Part, most: int, function: Callable[[int, Batch], Any]) -> Any:
    """A function of the number of a block and its samples (count, ...), over a part in blocks of
    about `most` samples: the arrays it returns, as float64 (rows, trajectories, ...).
    """
    blocks = enumerate(samples.blocks(part, most))
    found = _joined([function(number, flattened(values)) for number, (_, values) in blocks])
    count = len(part.trajectories)
    return jax.tree.map(
        lambda value: value.reshape(len(value) // count, count, *value.shape[1:]), found
    )


def _joined(pieces: list[Any]) -> Any:
    return jax.tree.map(lambda *arrays: np.concatenate(arrays, dtype=float), *pieces)


class Evaluation:
    """`function`(score, state, key) -> arrays, by name or in a record, over the samples of a part;
    compiled once for all of them.

    `batch` samples are on the device together.
    """

    def __init__(
        self,
        function: Callable[[Score, Any, PRNGKeyArray], Any],
        solver: StochasticSolver,
        samples: Samples,
        batch: int,
    ):
        self.samples, self.batch = samples, batch

        @eqx.filter_jit
        def evaluate(score: Score, values: Values, keys: PRNGKeyArray) -> Any:
            return jax.vmap(lambda values, key: function(score, solver.at(values), key))(
                values, keys
            )

        self.evaluate = evaluate

    def __call__(self, score: Score, part: Part, seed: int = 0) -> Any:
        """float64 arrays (rows, trajectories, ...); random signs, if any, are drawn from the
        seed.
        """
        count, root = min(self.batch, part.size), jax.random.key(seed)

        def block(number: int, flat: Batch) -> Any:
            size, key = len(next(iter(flat.values()))), jax.random.fold_in(root, number)

            def piece(first: int) -> Any:
                index = np.minimum(np.arange(first, first + count), size - 1)
                keys = jax.random.split(jax.random.fold_in(key, first), count)
                values = {name: jnp.asarray(value[index]) for name, value in flat.items()}
                return jax.tree.map(np.asarray, self.evaluate(score, values, keys))

            whole = _joined([piece(first) for first in range(0, size, count)])
            return jax.tree.map(lambda value: value[:size], whole)  # the last sample was repeated

        return over(self.samples, part, max(count, BLOCK), block)
