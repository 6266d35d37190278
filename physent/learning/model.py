"""What is learned: a score s = grad ln p of a stochastic system's variables, as a module."""

import abc
from collections.abc import Mapping
from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray

from physent.learning.system import System, over_diffusion
from physent.protocol.parameters import Declared

Values = Mapping[str, Array]


class Score(eqx.Module):
    """The score of the variables that have noise, D > 0.

    A score is a function of the stochastic variables alone (`parity` has their names): it is
    differentiated by putting other values of them into the state, with everything else, as the
    neighbour list, left as it is. What it should not learn, as moments of the data, it keeps in
    arrays that it reads through `jax.lax.stop_gradient`.
    """

    @abc.abstractmethod
    def __call__(self, system: System, state: Any) -> dict[str, Array]:
        """s by observable name, in the shape of the observable.

        Variables without noise are left out. Where walkers are independent copies
        (`system.independent()`), the score of one must not depend on the others, and there may be
        any number of them.
        """

    def parts(self, system: System, state: Any) -> tuple[dict[str, Array], dict[str, Array]]:
        """The known part s0, whose divergence the system knows, and the learned part u of s = s0 +
        u.
        """
        learned = self(system, state)
        return {name: jnp.zeros_like(value) for name, value in learned.items()}, learned

    def known_divergence(self, system: System, state: Any) -> dict[str, Array]:
        """d s0_i/d x_i of the known part, by observable name, of the variables that have noise and
        maybe of others.
        """
        return {name: jnp.zeros_like(getattr(state, name)) for name in system.parity()}


class Residual(Score):
    """A network that learns the difference to a known score s0: the system's `reference_score`, or
    D^-1 b.

    With s0 = D^-1 b, "drift", it is minus the current, u = -D^-1 v, that is learned.
    """

    network: Score
    reference: Literal["equilibrium", "drift"] = eqx.field(static=True, default="equilibrium")

    def __call__(self, system: System, state: Any) -> dict[str, Array]:
        """The reference and what was learned, added."""
        known, learned = self.parts(system, state)
        return {name: known[name] + learned[name] for name in known}

    def parts(self, system: System, state: Any) -> tuple[dict[str, Array], dict[str, Array]]:
        """The reference, and what was learned."""
        learned = self.network(system, state)
        if self.reference == "drift":
            reference = _over_diffusion(system, state, system.drift(state))
        else:
            reference = system.reference_score(state)
        return {name: reference[name] for name in learned}, learned

    def known_divergence(self, system: System, state: Any) -> dict[str, Array]:
        """That of the reference."""
        if self.reference == "drift":
            return _over_diffusion(system, state, system.divergence(state))
        return system.reference_divergence(state)


def _over_diffusion(system: System, state: Any, values: Values) -> dict[str, Array]:
    """D^-1 times the values, and 0 where D = 0."""
    found = {}
    for name, d in system.diffusion(state).items():
        d = jnp.broadcast_to(d, getattr(state, name).shape)
        found[name] = over_diffusion(1, d) * values[name]
    return found


def noisy(system: System, state: Any) -> tuple[str, ...]:
    """The names of the stochastic variables that have a D > 0, in the order of `parity`; D itself
    is not traced.
    """
    with jax.ensure_compile_time_eval():
        diffusion = {name: bool(jnp.any(d > 0)) for name, d in system.diffusion(state).items()}
    return tuple(name for name in system.parity() if diffusion[name])


def singular(system: System, state: Any) -> bool:
    """Whether a variable, or a component of one, has no noise; D itself is not traced."""
    with jax.ensure_compile_time_eval():
        return any(bool(jnp.any(d == 0)) for d in system.diffusion(state).values())


class Network(Declared):
    """What an experiment says of a network: its kind, sizes and choices; it builds the `Score` that
    is trained.

    Registered in `physent.learning.networks`. Training wraps what it builds in the `Residual` to
    the reference that the experiment names.
    """

    @abc.abstractmethod
    def build(self, system: System, samples: Values, key: PRNGKeyArray) -> Score:
        """An untrained score.

        `samples` are some hundred values of every stochastic variable, (samples, *shape of a
        sample), from which a network may take moments. A sample is a state's variables; where
        walkers are independent copies, those of one walker, whose first axis is 1. Traced when a
        trained score is loaded: shapes must not depend on the values.
        """
