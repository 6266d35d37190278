"""The interface of learning to the system that produced the samples."""

import abc
from collections.abc import Mapping
from typing import Any, Protocol

import jax.numpy as jnp
from jaxtyping import Array

from physent.protocol.variables import Domain, Variable


class System(Protocol):
    """dX = b dt + sqrt(2 D) dW, as seen by a score and its losses.

    Every `StochasticSolver` is such a system; so is anything else with these methods, as a set of
    trajectories that nobody simulated.

    A variable is an array with one leading axis, over the particles of one system or over
    independent walkers, and `d` components along the last axis: (N, d). A state is any module
    whose leaves have the names of the variables. Arrays are passed and returned by these names.
    """

    @abc.abstractmethod
    def parity(self) -> dict[str, int]:
        """The stochastic variables and their parity under time reversal.

        **Returns:**

        +1 for a variable that is even under time reversal, -1 for an odd one, by variable name.
        The keys name all stochastic variables, and their order is the order of variables
        everywhere in learning.
        """

    @abc.abstractmethod
    def independent(self) -> bool:
        """Whether the variables hold independent copies of one system.

        **Returns:**

        True where the first axis runs over independent walkers, of which there may be any number:
        a sample is then one walker, (1, d). False where it runs over the parts of one system, as
        interacting particles: a sample is then the whole state, (N, d).
        """

    @abc.abstractmethod
    def at(self, values: Mapping[str, Array]) -> Any:
        """The state with given values of its variables. It is traced and vectorised over samples.

        **Arguments:**

        - `values`: an array (N, d) for each variable, by name.

        **Returns:**

        A state, the first argument of `drift`, `divergence`, `diffusion` and the reference. What
        else it holds, as a neighbour list, fits these values.
        """

    @abc.abstractmethod
    def drift(self, state: Any) -> dict[str, Array]:
        """The drift b.

        **Arguments:**

        - `state`: a state, as `at` makes it.

        **Returns:**

        b of each variable by name, (N, d), or a shape that can be broadcast to it, in units of
        the variable per time.
        """

    @abc.abstractmethod
    def divergence(self, state: Any) -> dict[str, Array]:
        """The derivative of each component of the drift by the same component of the variable.

        **Arguments:**

        - `state`: a state, as `at` makes it.

        **Returns:**

        d b_i/d x_i of each variable by name, (N, d), or a shape that can be broadcast to it, per
        time. Their sum over all components of all variables is div b.
        """

    @abc.abstractmethod
    def diffusion(self, state: Any) -> dict[str, Array]:
        """The diffusion coefficient D, which must not depend on the values of the variables.

        **Arguments:**

        - `state`: a state, as `at` makes it.

        **Returns:**

        D of each variable by name, a scalar or an array that can be broadcast to (N, d), in
        squared units of the variable per time. 0 where a variable, or a component of it, has no
        noise.
        """

    @abc.abstractmethod
    def reference_score(self, state: Any) -> dict[str, Array]:
        """A known score s0; a network then learns the rest, s - s0.

        **Arguments:**

        - `state`: a state, as `at` makes it.

        **Returns:**

        s0 of each variable by name, (N, d), in inverse units of the variable; zeros where nothing
        is known.
        """

    @abc.abstractmethod
    def reference_divergence(self, state: Any) -> dict[str, Array]:
        """The derivative of each component of the known score by the same component of the
        variable.

        **Arguments:**

        - `state`: a state, as `at` makes it.

        **Returns:**

        d s0_i/d x_i of each variable by name, (N, d), or a shape that can be broadcast to it.
        """

    @abc.abstractmethod
    def variables(self) -> Mapping[str, Variable]:
        """The description of each variable.

        **Returns:**

        A `Variable` by name; its role "position" marks coordinates in the `domain`.
        """

    @abc.abstractmethod
    def domain(self) -> Domain:
        """The space of the positions.

        **Returns:**

        Its axes, with the length and the period of each where there are any.
        """


def over_diffusion(value: Array | float, diffusion: Array) -> Array:
    """D^-1 x of every component, and 0 where D = 0: no noise means no rate and no score."""
    noisy = diffusion > 0
    safe = jnp.where(noisy, diffusion, jnp.ones_like(diffusion))
    return jnp.where(noisy, value / safe, jnp.zeros_like(diffusion))
