"""Protocol one for systems with noise: a stochastic solver also provides its drift, diffusion and
parity.
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
    """A solver of dX = b dt + sqrt(2 D) dW that provides its drift b, its diffusion D and the
    parity of its variables.
    """

    @abc.abstractmethod
    def drift(self, state: S) -> dict[str, Array]:
        """The drift b. It is traced.

        **Arguments:**

        - `state`: a state.

        **Returns:**

        b of each stochastic variable by observable name, in the shape of the variable, in its units
        per time.
        """

    @abc.abstractmethod
    def diffusion(self, state: S) -> dict[str, Array]:
        """The diffusion coefficient D, which must not depend on the values of the variables.

        **Arguments:**

        - `state`: a state.

        **Returns:**

        D of each stochastic variable by observable name, a scalar or an array that can be broadcast
        to the variable, in its squared units per time; 0 for a component without noise.
        """

    def heun(self, state: S) -> S:
        """A step by Heun's method, of weak order 2, for a `step` that has nothing else to do:

            x' = x + b(x) dt + sqrt(2 D dt) xi,
            x(t + dt) = x + [b(x) + b(x')] dt/2 + sqrt(2 D dt) xi

        of the leaves of the state that have the names of `parity`, xi a standard normal number for
        each component. `state.key` is split and `state.t` grows by `dt`; all else stays.

        **Arguments:**

        - `state`: a state with the leaf `key`.

        **Returns:**

        The state after `dt`.
        """
        names = tuple(self.parity())
        key, *keys = jax.random.split(getattr(state, "key"), 1 + len(names))  # noqa: B009
        here, spread = self.drift(state), self.diffusion(state)
        x = {name: getattr(state, name) for name in names}
        kick = {
            name: jnp.sqrt(2 * spread[name] * self.dt) * jax.random.normal(own, x[name].shape)
            for name, own in zip(names, keys, strict=True)
        }
        there = substitute(state, {n: x[n] + self.dt * here[n] + kick[n] for n in names})
        drift = self.drift(there)
        after = {n: x[n] + self.dt * (here[n] + drift[n]) / 2 + kick[n] for n in names}
        return substitute(state, after | {"t": state.t + self.dt, "key": key})

    def divergence(self, state: S) -> dict[str, Array]:
        """The derivative of each component of the drift by the same component of the variable.

        The default differentiates `drift` by the leaf of the state that has the variable's name,
        with one derivative for each component: for a few hundred components at most.

        **Arguments:**

        - `state`: a state.

        **Returns:**

        d b_i/d x_i by observable name, in the shape of the variable, per time.
        """
        return {name: _diagonal(self.drift, state, name) for name in self.parity()}

    @abc.abstractmethod
    def parity(self) -> dict[str, int]:
        """The stochastic variables and their parity under time reversal.

        **Returns:**

        +1 for a variable that is even under time reversal, -1 for an odd one, by observable name.
        """

    def other_noise(self) -> dict[str, Literal["diffuses", "jumps"]]:
        """Random variables of the state that `drift` and `diffusion` leave out.

        **Returns:**

        By observable name `diffuses`, of one on a circle or a sphere, or `jumps`; none by default.
        """
        return {}

    def independent(self) -> bool:
        """Whether the variables hold independent copies of one system.

        **Returns:**

        True where the first axis runs over independent walkers, of which a state may have any
        number; False, the default, where it runs over the parts of one system.
        """
        return False

    def confined(self) -> bool | Array:
        """Whether variables with the role position have a stationary distribution, where the domain
        is not periodic. It is traced.

        **Returns:**

        True or False, which may depend on parameters; the default is `independent()`. Where it is
        True, products of positions may lower the variance of a stationary mean
        (`physent.entropy.stationary_controls`).
        """
        return self.independent()

    def at(self, values: Mapping[str, Array], key: PRNGKeyArray | None = None) -> S:
        """The state with given values of the stochastic variables.

        The default replaces the leaves of these names in `init(key)`: enough where nothing else in
        the state depends on them.

        **Arguments:**

        - `values`: an array for each name of `parity`.
        - `key`: of everything else that is random; by default `jax.random.key(0)`.

        **Returns:**

        A state at t = 0.
        """
        state = self.init(jax.random.key(0) if key is None else key)
        return substitute(state, {name: values[name] for name in self.parity()})

    def reference_score(self, state: S) -> dict[str, Array]:
        """A known score s0; a network learns the residual s - s0.

        **Arguments:**

        - `state`: a state.

        **Returns:**

        s0 by observable name, in the shape of the variable and its inverse units; 0 by default.
        """
        return {name: jnp.zeros_like(getattr(state, name)) for name in self.parity()}

    def reference_divergence(self, state: S) -> dict[str, Array]:
        """The derivative of each component of the reference score by the same component of the
        variable. The default differentiates, as the default of `divergence` does.

        **Arguments:**

        - `state`: a state.

        **Returns:**

        d s0_i/d x_i by observable name, in the shape of the variable.
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
