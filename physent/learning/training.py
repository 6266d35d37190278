"""Training: from batches of samples to the parameters of a score, with a checkpoint that continues
bit for bit.
"""

import abc
import dataclasses
import math
import time
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Int, PRNGKeyArray

from physent.errors import ParameterError
from physent.learning.losses import Objective
from physent.learning.model import Score
from physent.learning.splits import Batch, Stream
from physent.numerics.products import with_all_digits

TOGETHER = 25  # steps in one call, at most
CALL_SECONDS = 1.0  # of one call, if a step takes no longer
WARM = 10.0


class Schedule(Protocol):
    """The training schedule read from the settings.

    Arrays stand as Any: a field with a converter is a descriptor to type checkers, which protocols
    do not see through.
    """

    @property
    @abc.abstractmethod
    def steps(self) -> int:
        """Training steps."""

    @property
    @abc.abstractmethod
    def batch(self) -> int:
        """Samples per step."""

    @property
    @abc.abstractmethod
    def learning_rate(self) -> Any:
        """Learning rate of Adam, with cosine decay to 0."""

    @property
    @abc.abstractmethod
    def clip(self) -> Any:
        """Maximum norm of the gradient."""

    @property
    @abc.abstractmethod
    def average(self) -> Any:
        """Horizon of the parameter average, as a fraction of the steps."""

    @property
    @abc.abstractmethod
    def checks(self) -> int:
        """Number of error estimates during training."""

    @property
    @abc.abstractmethod
    def patience(self) -> int | None:
        """Stop after this many checks without a smaller error."""

    @property
    @abc.abstractmethod
    def devices(self) -> int | None:
        """Number of devices that share a batch."""


class TrainingProgress(NamedTuple):
    """Training progress: the error of the average on the check samples, with its standard error and
    R^2.
    """

    step: int
    steps: int
    loss: float
    error: float
    standard_error: float
    r_squared: float
    seconds: float


class Training(eqx.Module):
    """The full training state, from which training continues.

    `score` is trained, `average` the running mean of its parameters, `best` the one with the
    smallest error so far, `stale` how many checks ago that was, `losses` the sum of the losses
    since the last check.
    """

    score: Score
    average: Score
    best: Score
    optimiser: Any
    key: PRNGKeyArray
    step: Int[Array, ""]
    least: Array
    stale: Int[Array, ""]
    losses: Array


def optimiser(settings: Schedule) -> optax.GradientTransformation:
    """Adam with b2 = 0.99, cosine decay of the learning rate to 0, and gradient clipping."""
    return optax.chain(
        optax.clip_by_global_norm(float(settings.clip)),
        optax.adam(
            optax.cosine_decay_schedule(float(settings.learning_rate), settings.steps), b2=0.99
        ),
    )


def begin(score: Score, settings: Schedule, key: PRNGKeyArray) -> Training:
    """The training state before the first step."""
    state = optimiser(settings).init(eqx.filter(score, eqx.is_inexact_array))
    zero = jnp.zeros((), jnp.int32)
    # copies: one buffer may not be given up twice
    average, best = (
        jax.tree.map(lambda leaf: leaf + 0 if eqx.is_array(leaf) else leaf, score) for _ in range(2)
    )
    return Training(
        score, average, best, state, key, zero, jnp.asarray(jnp.inf), zero, jnp.zeros(())
    )


def strides(settings: Schedule) -> tuple[int, int]:
    """Steps between checks, and steps per call, which divides the former and the total number of
    steps.
    """
    every = -(-settings.steps // settings.checks)
    both = math.gcd(every, settings.steps)
    return every, max(n for n in range(1, min(TOGETHER, both) + 1) if both % n == 0)


def advance(
    settings: Schedule, objective: Objective
) -> Callable[[Training, dict[str, Array], Array, Array], Any]:
    """(training, batches (steps, samples, ...), first, count) -> training after `count` of these
    steps, compiled; the batches may be shared by devices.
    """
    rule = optimiser(settings)
    horizon = max(1.0, float(settings.average) * settings.steps)

    def loss(score: Score, values: dict[str, Array], keys: PRNGKeyArray) -> Array:
        return jnp.mean(jax.vmap(lambda values, key: objective(score, values, key))(values, keys))

    def step(training: Training, values: dict[str, Array]) -> Training:
        key, now = jax.random.split(training.key)
        keys = jax.random.split(now, len(next(iter(values.values()))))
        value, slope = eqx.filter_value_and_grad(loss)(training.score, values, keys)
        change, state = rule.update(
            slope, training.optimiser, eqx.filter(training.score, eqx.is_inexact_array)
        )
        score = eqx.apply_updates(training.score, change)
        done = training.step.astype(value.dtype)
        # of a short run the horizon is short, and at first shorter still: the random start is soon
        # forgotten
        share = jnp.maximum(1 / horizon, 1 - (1 + done) / (WARM + done))
        average = jax.tree.map(
            lambda mean, new: (
                mean + share.astype(mean.dtype) * (new - mean)
                if eqx.is_inexact_array(mean)
                else mean
            ),
            training.average,
            score,
        )
        return dataclasses.replace(
            training,
            score=score,
            average=average,
            optimiser=state,
            key=key,
            step=training.step + 1,
            losses=training.losses + value.astype(training.losses.dtype),
        )

    @eqx.filter_jit
    @with_all_digits
    def several(
        training: Training, batches: dict[str, Array], first: Array, count: Array
    ) -> Training:
        numbers, fixed = eqx.partition(training, eqx.is_array)

        def body(i, numbers):
            values = {
                name: jax.lax.dynamic_index_in_dim(each, i, keepdims=False)
                for name, each in batches.items()
            }
            return eqx.filter(step(eqx.combine(numbers, fixed), values), eqx.is_array)

        return eqx.combine(jax.lax.fori_loop(first, first + count, body, numbers), fixed)

    return several


def mesh(settings: Schedule) -> Mesh:
    """The devices that share a batch: the requested number, or all that divide it. Raises
    ParameterError otherwise.
    """
    devices = jax.devices()
    count = settings.devices or max(
        n for n in range(1, len(devices) + 1) if settings.batch % n == 0
    )
    if count > len(devices) or settings.batch % count:
        raise ParameterError(
            "devices",
            f"given {count}, allowed: at most {len(devices)}, and a divisor of the batch of "
            f"{settings.batch}",
        )
    return Mesh(np.asarray(devices[:count]), ("samples",))


def placed(batches: Batch, on: Mesh) -> dict[str, Array]:
    """The batches on the devices, with the samples of each distributed among them."""
    if on.size == 1:
        return {name: jnp.asarray(values) for name, values in batches.items()}
    return jax.device_put(batches, NamedSharding(on, PartitionSpec(None, "samples")))


def everywhere(tree: Any, on: Mesh) -> Any:
    """The tree with every array on all devices."""
    if on.size == 1:
        return tree
    arrays, rest = eqx.partition(tree, eqx.is_array)
    return eqx.combine(jax.device_put(arrays, NamedSharding(on, PartitionSpec())), rest)


Check = Callable[[Score], tuple[float, float, float]]


def train(
    training: Training,
    settings: Schedule,
    stream: Stream,
    objective: Objective,
    check: Check,
    *,
    tell: Callable[[TrainingProgress], None],
    save: Callable[[Training, list[TrainingProgress]], None],
    stop: Callable[[], bool],
    history: list[TrainingProgress],
) -> tuple[Training, list[TrainingProgress], bool]:
    """Train to the end, to `patience`, or until `stop`, which is asked every second or so; returns
    the final state, the checks, and whether it finished.

    `save` is called after each check and when stopped; from what it was given, training goes on bit
    for bit. Raises ParameterError where the loss is not finite.
    """
    every, together = strides(settings)
    on, several = mesh(settings), advance(settings, objective)
    training = everywhere(training, on)
    begun = time.monotonic() - (history[-1].seconds if history else 0.0)
    step, allowed = int(training.step), 1
    batches = placed(stream.take(step - step % together, together), on)
    while True:
        checked = history[-1].step if history else 0
        if step > checked and (step % every == 0 or step >= settings.steps):
            progress = TrainingProgress(
                step,
                settings.steps,
                _loss(training, settings, step - checked),
                *check(training.average),
                time.monotonic() - begun,
            )
            training, history = _judged(training, progress.error), [*history, progress]
            save(training, history)
            tell(progress)
        if step >= settings.steps or _over(training, settings):
            return training, history, True
        first = step % together
        count, started = min(allowed, together - first), time.monotonic()
        training = several(training, batches, *map(jnp.asarray, (first, count)))
        step += count
        if step % together == 0 and step < settings.steps:  # while these steps are computed
            batches = placed(stream.take(step, together), on)
        jax.block_until_ready(training.step)
        in_time = CALL_SECONDS * count / max(time.monotonic() - started, 1e-9)
        allowed = max(1, min(together, int(in_time)))
        if stop():
            save(training, history)
            return training, history, False


def _over(training: Training, settings: Schedule) -> bool:
    return settings.patience is not None and int(training.stale) >= settings.patience


def _loss(training: Training, settings: Schedule, steps: int) -> float:
    """The mean loss of the last steps. Raises ParameterError if it is not finite."""
    loss = float(training.losses) / steps
    if not math.isfinite(loss):
        raise ParameterError(
            "learning_rate",
            f"given {settings.learning_rate:g}, and the loss is not finite at step "
            f"{int(training.step)}: try a smaller rate, or more slots if the network has them",
        )
    return loss


def _judged(training: Training, error: float) -> Training:
    """Keep the average as the best so far if its error is the smallest, never if it is NaN."""
    training = dataclasses.replace(training, losses=jnp.zeros_like(training.losses))
    if not error < float(training.least):
        return dataclasses.replace(training, stale=training.stale + 1)
    return dataclasses.replace(
        training,
        best=training.average,
        least=jnp.asarray(error, training.least.dtype),
        stale=jnp.zeros_like(training.stale),
    )
