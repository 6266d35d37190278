"""Protocol one: a solver is one physical system with one numerical method.

A solver is an `equinox.Module` and so a pytree: immutable, jittable, vmappable and differentiable.
Its parameters are declared on the class (`parameters`, beside this file); its state is a module of
its own that carries the time `t` and, for a stochastic system, the random key, so that the way a
run is cut into chunks cannot change the trajectory.
"""

import abc
from typing import Generic, Literal, Self, TypeVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray

from physent.errors import ParameterError
from physent.protocol.parameters import Declared
from physent.protocol.variables import Domain, Variable


class State(eqx.Module):
    """What a step maps to what; `t` is the time, a scalar array."""

    t: eqx.AbstractVar[Array]


S = TypeVar("S", bound=State)


class Solver(Declared, Generic[S]):
    """One physical system with one numerical method.

    `init`, `step`, `observe`, `variables` and `domain` make a solver; the others have defaults. All
    but `grow` are traced: no host callbacks, no shapes that depend on values.
    """

    dt: eqx.AbstractVar[Array]

    @abc.abstractmethod
    def init(self, key: PRNGKeyArray) -> S:
        """The state at the start, t = 0; a deterministic system may ignore the key."""

    @abc.abstractmethod
    def step(self, state: S) -> S:
        """The state one `dt` later."""

    @abc.abstractmethod
    def observe(self, state: S) -> dict[str, Array]:
        """The observables of a state by name, real or complex, in physical space."""

    @abc.abstractmethod
    def variables(self) -> dict[str, Variable]:
        """What each observable is."""

    @abc.abstractmethod
    def domain(self) -> Domain:
        """The axes the observables live on."""

    def invariants(self, state: S) -> dict[str, Array]:
        """The quantities the continuous system conserves, as scalars by name."""
        return {}

    def exact(self, t: Array) -> dict[str, Array]:
        """The observables of the exact solution at time `t`, by name, where one is known."""
        return {}

    def kept(self) -> dict[str, Literal["exactly", "bounded"]]:
        """How the method keeps invariants: `exactly` to round-off, `bounded` within an error that
        has no trend.

        What is not named drifts with the error of the step. This is written beside each, and
        reports judge by it.
        """
        return {}

    def split(self, devices: int) -> dict[str, int]:
        """How one run is spread over devices: the axis along which each array of the state is cut.

        Arrays go by their dotted names in the state, and what is not named is copied to every
        device. `step` and `observe` then work on cut arrays, with `physent.numerics.slab` for
        transforms and ghost cells. Raises a ParameterError where the solver, or its sizes, cannot
        be cut; the default always does.
        """
        raise ParameterError(
            "run.devices", f"{type(self).__name__} cannot cut one run (members can be spread)"
        )

    def members_in_turn(self) -> bool:
        """Whether members are computed one after another instead of side by side.

        For steps that branch on data, such as lists that are renewed only when they must be: side
        by side (`vmap`) every member would take both branches of every step.
        """
        return False

    def longest_dt(self) -> Array | None:
        """The longest dt to use with these parameters and this start, which `dt = "auto"` keeps to;
        None: no rule.

        Called on the host with a dt that means nothing yet.
        """
        return None

    def error(self, state: S) -> Array:
        """Sticky error bits, an integer; not 0 (neighbour overflow, ...) makes the engine `grow`
        and redo the chunk.
        """
        return jnp.zeros((), dtype=int)

    def fatal(self, error: int) -> str | None:
        """What error bits mean that no larger buffer mends: the run ends with that sentence; None
        (default): `grow`.
        """
        return None

    def grow(self, state: S) -> tuple[Self, S]:
        """On the host, after an error: a solver with larger buffers and the last good state in its
        shape.
        """
        raise RuntimeError(f"{type(self).__name__} reported an error that it has no way to mend")
