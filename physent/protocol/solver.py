"""Protocol one: a solver is one physical system with one numerical method.

A solver is an `equinox.Module` and so a pytree: immutable, jittable, vmappable and differentiable.
Its parameters are declared on the class (`parameters`, beside this file); its state is a module of
its own that carries the time `t` and, for a stochastic system, the random key, so that the way a
run is cut into chunks cannot change the trajectory.
"""

import abc
from collections.abc import Callable
from typing import ClassVar, Generic, Literal, Self, TypeVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, PRNGKeyArray

from physent.errors import ParameterError
from physent.protocol.parameters import Declared
from physent.protocol.tangent import flattened
from physent.protocol.variables import Domain, Variable


def too_long(dt: ArrayLike, limit: ArrayLike, name: str = "", slack: float = 1e-6) -> str | None:
    """ "given DT, longer than NAME LIMIT" where a step is longer than its limit by more than a
    relative `slack`, for the member where it is longest beside it; None where none is.
    """
    given, limit = np.broadcast_arrays(np.asarray(dt), np.asarray(limit))
    excess = given / limit
    if not np.any(excess > 1 + slack):
        return None
    worst = np.unravel_index(np.argmax(excess), excess.shape)
    return f"given {given[worst]:.6g}, longer than {name}{limit[worst]:.6g}"


class State(eqx.Module):
    """The state of a system at one time: a module of arrays; `t`, a scalar, is the time."""

    t: eqx.AbstractVar[Array]


S = TypeVar("S", bound=State)


class Solver(Declared, Generic[S]):
    """One physical system with one numerical method.

    `init`, `step`, `observe`, `variables` and `domain` make a solver; the others have defaults. All
    but `grow` are traced: no host callbacks, no shapes that depend on values.
    """

    automatic: ClassVar[tuple[str, ...]] = ("dt",)
    # arrays of the state, by their names in it, that no perturbation of the system can change alone
    auxiliary: ClassVar[tuple[str, ...]] = ("t",)
    dt: eqx.AbstractVar[Array]

    @abc.abstractmethod
    def init(self, key: PRNGKeyArray) -> S:
        """The state at the start. It is traced, and vectorised over members.

        **Arguments:**

        - `key`: a random key, another one for each member of an ensemble; a deterministic system
            may ignore it. A system with noise keeps what is left of it in the state.

        **Returns:**

        The state at t = 0, with the shapes and dtypes that `step` returns.
        """

    @abc.abstractmethod
    def step(self, state: S) -> S:
        """One step of the method. It is traced: pure, without shapes that depend on values.

        **Arguments:**

        - `state`: a state, as `init` or `step` returned it.

        **Returns:**

        The state one `dt` later, of the same structure, shapes and dtypes, with `t` advanced.
        """

    @abc.abstractmethod
    def observe(self, state: S) -> dict[str, Array]:
        """The observables of a state, saved and passed to diagnostics. It is traced.

        **Arguments:**

        - `state`: a state.

        **Returns:**

        The observables by name, real or complex arrays in physical space, each with the axes and
        the units that `variables` declares.
        """

    @abc.abstractmethod
    def variables(self) -> dict[str, Variable]:
        """The description of each observable.

        **Returns:**

        A `Variable` for every name that `observe` returns, in the order of the file.
        """

    @abc.abstractmethod
    def domain(self) -> Domain:
        """The space that the observables live in. It may be traced, for parameters can be.

        **Returns:**

        A `Domain` with an `Axis` for each dim of a grid that a `Variable` names, and one for each
        direction of a box of particles.
        """

    def invariants(self, state: S) -> dict[str, Array]:
        """The quantities that the continuous system conserves. It is traced.

        **Arguments:**

        - `state`: a state.

        **Returns:**

        Scalars by name, none by default; saved in each row as `invariant_<name>`.
        """
        return {}

    def exact(self, t: Array) -> dict[str, Array]:
        """The exact solution, where one is known. It is traced.

        **Arguments:**

        - `t`: the time, a scalar.

        **Returns:**

        Observables of the exact solution by name, with the shapes that `observe` gives; those that
        are not known, by default all, are left out.
        """
        return {}

    def kept(self) -> dict[str, Literal["exactly", "bounded"]]:
        """How the method conserves invariants, used by reports to judge their drift.

        **Returns:**

        By the name of the invariant `exactly`, to round-off, or `bounded`, within an error without
        a trend. One that is not named drifts with the error of the step.
        """
        return {}

    def why_irreversible(self) -> str | None:
        """Why a step of -dt does not undo one of dt, to rounding, as reverse mode through long runs
        can use it (`physent.trajectory`, adjoint = "reversible").

        **Returns:**

        A clause, as "method 'etdrk4' is not reversible"; None where it does undo it.
        """
        return f"{type(self).__name__} has no reversible method"

    def degrees_of_freedom(self, state: S) -> tuple[Float[Array, " d"], Callable[[Array], S]]:
        """What perturbations of a state can change, for the dynamics in its tangent space
        (`physent.diagnostics.Lyapunov`). It is traced.

        **Arguments:**

        - `state`: a state.

        **Returns:**

        Real numbers that can be changed independently, and a function from such numbers to a state
        that is the same otherwise. By default these are the floating-point arrays of the state, a
        complex number as two, without those that the class names as `auxiliary`.
        """
        return flattened(state, self.auxiliary)

    def split(self, devices: int) -> dict[str, int]:
        """How one run is distributed over devices.

        `step` and `observe` then work on cut arrays, with `physent.numerics.slab` for transforms
        and ghost cells.

        **Arguments:**

        - `devices`: the number of devices, at least 2.

        **Returns:**

        The axis along which each array of the state is cut, by its dotted name in the state; what
        is not named is copied to every device. Raises a ParameterError where the solver, or its
        sizes, cannot be cut; the default always does.
        """
        raise ParameterError(
            "run.devices",
            f"{type(self).__name__} cannot split one run over devices (members can be distributed)",
        )

    def members_in_turn(self) -> bool:
        """Whether members are computed one after another instead of side by side.

        **Returns:**

        True for steps that branch on data, such as lists that are renewed only when they must be:
        side by side (`vmap`) every member would take both branches of every step. By default False.
        """
        return False

    def longest_dt(self) -> Array | None:
        """The longest time step for these parameters and this initial state, which limits
        `dt = "auto"`. It is called on the host, with a placeholder `dt`.

        **Returns:**

        A step, or one for each member, infinite where any is right; None, the default, where the
        solver has no rule.
        """
        return None

    def doubtful_dt(self) -> str | None:
        """What is doubtful about the step `dt`, for a note before the run, which goes on. It is
        called on the host.

        **Returns:**

        A sentence that begins with what was given; None where nothing is. By default a step is
        doubtful that is longer than `longest_dt`.
        """
        longest = self.longest_dt()
        long = None if longest is None else too_long(self.dt, longest)
        return long and f"{long}, the longest step that 'auto' takes"

    def error(self, state: S) -> Array:
        """Whether a buffer of fixed size was too small (neighbour overflow, ...). It is traced.

        **Arguments:**

        - `state`: a state.

        **Returns:**

        Error bits, an integer scalar, 0 by default. They are sticky: once set they stay set in all
        later states. Where they are not 0, the engine asks for `grow` and does the chunk again.
        """
        return jnp.zeros((), dtype=int)

    def fatal(self, error: int) -> str | None:
        """Whether error bits signal an error that larger buffers cannot fix.

        **Arguments:**

        - `error`: error bits that are not 0, as `error` returned them.

        **Returns:**

        A sentence, with which the run ends; None, the default, where `grow` helps.
        """
        return None

    def grow(self, state: S) -> tuple[Self, S]:
        """Make room after an error. It is called on the host.

        **Arguments:**

        - `state`: the last state without an error, or a first state with one.

        **Returns:**

        A solver with larger buffers, and the state in its shapes. A run ends with a sentence where
        nothing was changed, or the error stays after several growths. The default raises a
        RuntimeError.
        """
        raise RuntimeError(f"{type(self).__name__} reported an error that it cannot fix")
