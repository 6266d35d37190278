"""What learning is told of the system whose samples it sees."""

from collections.abc import Mapping
from typing import Any, Protocol

import jax.numpy as jnp
from jaxtyping import Array

from physent.protocol.variables import Domain, Variable


class System(Protocol):
    """dX = b dt + sqrt(2 D) dW, as far as a score of it and its losses need to know: a stochastic
    solver is one.

    A state is any module whose leaves have the names of the variables; arrays come and go by these
    names.
    """

    def parity(self) -> dict[str, int]:
        """+1 for variables that are even under time reversal, -1 for odd ones; its keys are the
        variables' names.
        """
        ...

    def independent(self) -> bool:
        """Whether the first axis of the variables runs over independent copies of one system, not
        its parts.
        """
        ...

    def at(self, values: Mapping[str, Array]) -> Any:
        """The state whose variables have these values."""
        ...

    def drift(self, state: Any) -> dict[str, Array]:
        """b of each variable."""
        ...

    def divergence(self, state: Any) -> dict[str, Array]:
        """d b_i/d x_i of every component."""
        ...

    def diffusion(self, state: Any) -> dict[str, Array]:
        """D of each variable: a scalar, or one value a component."""
        ...

    def reference_score(self, state: Any) -> dict[str, Array]:
        """A known score s0 of each variable."""
        ...

    def reference_divergence(self, state: Any) -> dict[str, Array]:
        """d s0_i/d x_i of every component."""
        ...

    def variables(self) -> Mapping[str, Variable]:
        """What each variable is."""
        ...

    def domain(self) -> Domain:
        """The axes that the variables live on."""
        ...


def over_diffusion(value: Array | float, diffusion: Array) -> Array:
    """D^-1 x of every component, and 0 where D = 0: what has no noise has no rate and no score."""
    noisy = diffusion > 0
    safe = jnp.where(noisy, diffusion, jnp.ones_like(diffusion))
    return jnp.where(noisy, value / safe, jnp.zeros_like(diffusion))
