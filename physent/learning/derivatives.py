"""A score of one state and its componentwise derivatives: exact, or by random signs."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray

from physent.learning.model import Score
from physent.learning.system import System
from physent.numerics.products import with_all_digits
from physent.protocol.variables import substitute

TOGETHER = 16  # derivatives taken at once


class Learned(NamedTuple):
    """The known and the learned part of the score of each noisy variable, and the derivative d/dx_i
    of component i.
    """

    known: dict[str, Array]
    learned: dict[str, Array]
    known_slope: dict[str, Array]
    learned_slope: dict[str, Array]

    @property
    def score(self) -> dict[str, Array]:
        """s."""
        return {name: self.known[name] + self.learned[name] for name in self.known}

    @property
    def slope(self) -> dict[str, Array]:
        """d s_i/d x_i."""
        return {name: self.known_slope[name] + self.learned_slope[name] for name in self.known}


@with_all_digits
def exactly(score: Score, system: System, state: Any, of: Array | None = None) -> Learned:
    """The score of a state and its derivatives by forward mode, one pass per component; for
    independent walkers, one per component of a walker.

    `of` are particles: then only the derivatives of their components are taken, and the others are
    0.
    """
    known, learned = score.parts(system, state)
    slope = {name: _diagonal(score, system, state, name, of) for name in learned}
    return _with_slopes(score, system, state, known, learned, slope)


@with_all_digits
def by_probes(
    score: Score, system: System, state: Any, key: PRNGKeyArray, probes: int = 1
) -> Learned:
    """As `exactly`, with the mean of xi_i (J xi)_i over random signs xi for the derivatives.

    These, and their sums, are unbiased; the variance comes from J off the diagonal. (M. F.
    Hutchinson, Commun. Stat. Simul. 19, 433, 1990.)
    """
    known, learned = score.parts(system, state)
    values = {name: getattr(state, name) for name in learned}
    _, along = jax.linearize(
        lambda values: score.parts(system, substitute(state, values))[1], values
    )

    def once(key: PRNGKeyArray) -> dict[str, Array]:
        keys = jax.random.split(key, len(values))
        signs = {
            name: jax.random.rademacher(own, value.shape).astype(value.dtype)
            for own, (name, value) in zip(keys, values.items(), strict=True)
        }
        return jax.tree.map(jnp.multiply, along(signs), signs)

    if probes == 1:
        slope = once(key)
    else:
        each = jax.lax.map(once, jax.random.split(key, probes), batch_size=min(probes, TOGETHER))
        slope = jax.tree.map(lambda slopes: jnp.mean(slopes, axis=0), each)
    return _with_slopes(score, system, state, known, learned, slope)


def _with_slopes(
    score: Score,
    system: System,
    state: Any,
    known: dict[str, Array],
    learned: dict[str, Array],
    slope: dict[str, Array],
) -> Learned:
    reference = score.known_divergence(system, state)
    names = [name for name in system.parity() if name in learned]
    return Learned(
        {name: known[name] for name in names},
        {name: learned[name] for name in names},
        {name: jnp.broadcast_to(reference[name], learned[name].shape) for name in names},
        {name: slope[name] for name in names},
    )


def _diagonal(score: Score, system: System, state: Any, name: str, of: Array | None) -> Array:
    """d u_i/d x_i of one variable."""
    value = getattr(state, name)
    shape = value.shape[1:] if system.independent() else value.shape
    count = math.prod(shape)
    _, along = jax.linearize(
        lambda x: score.parts(system, substitute(state, {name: x}))[1][name], value
    )

    def component(i: Array) -> Array:
        one = jnp.zeros(count, value.dtype).at[i].set(1).reshape(shape)
        direction = jnp.broadcast_to(
            one, value.shape
        )  # walkers do not see each other: one direction serves all
        return along(direction) * direction

    which = jnp.arange(count)
    if of is not None:
        which = which.reshape(value.shape[0], -1)[of].ravel()
    if which.size <= TOGETHER:
        return jnp.sum(jax.vmap(component)(which), axis=0)
    return jnp.sum(jax.lax.map(component, which, batch_size=TOGETHER), axis=0)


Slopes = Callable[[Score, System, Any, PRNGKeyArray], Learned]


def slopes(components: int, probes: int) -> Slopes:
    """How derivatives are taken: exactly for few components, else by this many probes."""
    if components <= 4 * TOGETHER:
        return lambda score, system, state, key: exactly(score, system, state)
    return lambda score, system, state, key: by_probes(score, system, state, key, probes)
