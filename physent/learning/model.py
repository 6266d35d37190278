"""The learned model: a score s = grad ln p of a stochastic system's variables, as a module."""

import abc
from collections.abc import Mapping
from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray

from physent.learning.system import System, over_diffusion
from physent.numerics.products import with_all_digits as with_all_digits
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
        """The score s of one state.

        **Arguments:**

        - `system`: the system whose state it is. It may be of another size or density than the one
          that the score was learned from.
        - `state`: a state of that system, as `system.at` makes it.

        **Returns:**

        s of each variable that has noise, by name, in the shape (N, d) of the variable and its
        inverse units; variables without noise are left out. Where walkers are independent copies
        (`system.independent()`), the score of one must not depend on the others, and there may be
        any number of them.
        """

    def parts(self, system: System, state: Any) -> tuple[dict[str, Array], dict[str, Array]]:
        """The known part s0 and the learned part u of s = s0 + u. By default s0 = 0.

        **Arguments:**

        - `system`, `state`: as those of `__call__`.

        **Returns:**

        s0 and u, each by name for the variables that have noise, (N, d). Only u is differentiated
        and trained: `known_divergence` gives the derivatives of s0.
        """
        learned = self(system, state)
        return {name: jnp.zeros_like(value) for name, value in learned.items()}, learned

    def known_divergence(self, system: System, state: Any) -> dict[str, Array]:
        """The derivative of each component of the known part by the same component of the variable.

        **Arguments:**

        - `system`, `state`: as those of `__call__`.

        **Returns:**

        d s0_i/d x_i by name, (N, d), or a shape that can be broadcast to it, of at least the
        variables that have noise.
        """
        return {name: jnp.zeros_like(getattr(state, name)) for name in system.parity()}


class Residual(Score):
    """A network that learns the difference from a known score s0: the system's `reference_score`,
    or D^-1 b.

    With s0 = D^-1 b, "drift", it is minus the current, u = -D^-1 v, that is learned.
    """

    network: Score
    reference: Literal["equilibrium", "drift"] = eqx.field(static=True, default="equilibrium")

    def __call__(self, system: System, state: Any) -> dict[str, Array]:
        """The sum of the reference and the learned part."""
        known, learned = self.parts(system, state)
        return {name: known[name] + learned[name] for name in known}

    def parts(self, system: System, state: Any) -> tuple[dict[str, Array], dict[str, Array]]:
        """The reference and the learned part."""
        learned = self.network(system, state)
        if self.reference == "drift":
            reference = _over_diffusion(system, state, system.drift(state))
        else:
            reference = system.reference_score(state)
        return {name: reference[name] for name in learned}, learned

    def known_divergence(self, system: System, state: Any) -> dict[str, Array]:
        """d s0_i/d x_i of the reference."""
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
    """The names of the stochastic variables with D > 0, in the order of `parity`; D itself is not
    traced.
    """
    with jax.ensure_compile_time_eval():
        diffusion = {name: bool(jnp.any(d > 0)) for name, d in system.diffusion(state).items()}
    return tuple(name for name in system.parity() if diffusion[name])


def singular(system: System, state: Any) -> bool:
    """Whether a variable, or a component of one, has no noise; D itself is not traced."""
    with jax.ensure_compile_time_eval():
        return any(bool(jnp.any(d == 0)) for d in system.diffusion(state).values())


class Network(Declared):
    """The network settings of an experiment: kind, sizes and choices; builds the `Score` to train.

    Registered in `physent.learning.networks`. Training wraps what it builds in the `Residual` to
    the reference that the experiment names.
    """

    @abc.abstractmethod
    def build(self, system: System, samples: Values, key: PRNGKeyArray) -> Score:
        """An untrained score.

        It is traced when a trained score is loaded, to learn the shapes of its arrays: they must
        not depend on the values of the samples.

        **Arguments:**

        - `system`: the system whose score is to be learned.
        - `samples`: some hundred samples to train on, (samples, N, d) of each stochastic variable
          by name, from which a network may take moments; where walkers are independent copies,
          a sample is one walker, N = 1.
        - `key`: a random key for the parameters.

        **Returns:**

        A `Score`, whose floating-point arrays are trained. Raises ParameterError, with the key
        "kind", for a system that the network is not made for.
        """
