"""Protocol one for systems with noise: a stochastic solver also says its drift, its diffusion and
its parity.
"""

import abc
from collections.abc import Callable, Mapping
from typing import Any, Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray

from physent.protocol.solver import S, Solver
from physent.protocol.variables import substitute


class StochasticSolver(Solver[S]):
    """A solver of dX = b dt + sqrt(2 D) dW, which says its drift b, its diffusion D and the parity
    of its variables.
    """

    @abc.abstractmethod
    def drift(self, state: S) -> dict[str, Array]:
        """The drift b of each stochastic variable, by observable name."""

    @abc.abstractmethod
    def diffusion(self, state: S) -> dict[str, Array]:
        """The diffusion coefficient D of each stochastic variable: a scalar, or one value a
        component.
        """

    def divergence(self, state: S) -> dict[str, Array]:
        """d b_i/d x_i of every component of the drift, by observable name.

        The default differentiates `drift` by the leaf of the state that has the variable's name,
        with one derivative a component: for a few hundred components at most.
        """
        return {name: _diagonal(self.drift, state, name) for name in self.parity()}

    @abc.abstractmethod
    def parity(self) -> dict[str, int]:
        """+1 for variables even under time reversal, -1 for odd ones."""

    def other_noise(self) -> dict[str, Literal["diffuses", "jumps"]]:
        """Random variables of the state that `drift` and `diffusion` leave out, and what they do;
        none by default.

        One that diffuses on a circle or a sphere, or one that jumps.
        """
        return {}

    def independent(self) -> bool:
        """Whether the first axis of the variables runs over independent copies of one system
        (walkers), not its parts.

        Then a state may have any number of them.
        """
        return False

    def at(self, values: Mapping[str, Array], key: PRNGKeyArray | None = None) -> S:
        """The state whose stochastic variables, the names of `parity`, have these values; t = 0.

        The default replaces the leaves of these names in `init(key)`: enough where nothing else in
        the state depends on them.
        """
        state = self.init(jax.random.key(0) if key is None else key)
        return substitute(state, {name: values[name] for name in self.parity()})

    def reference_score(self, state: S) -> dict[str, Array]:
        """A known score s0 that a network may learn the residual to, by observable name; the
        default is 0.
        """
        return {name: jnp.zeros_like(getattr(state, name)) for name in self.parity()}

    def reference_divergence(self, state: S) -> dict[str, Array]:
        """d s0_i/d x_i of every component of the reference score, by observable name.

        The default differentiates, as that of `divergence`.
        """
        return {name: _diagonal(self.reference_score, state, name) for name in self.parity()}


def _diagonal(drift: Callable[[Any], dict[str, Array]], state: Any, name: str) -> Array:
    value = getattr(state, name)

    def component(i):
        direction = jnp.zeros(value.size, value.dtype).at[i].set(1).reshape(value.shape)

        def at(x):
            return drift(substitute(state, {name: x}))[name]

        return jnp.sum(jax.jvp(at, (value,), (direction,))[1] * direction)

    return jax.vmap(component)(jnp.arange(value.size)).reshape(value.shape)
