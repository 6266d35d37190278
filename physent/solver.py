"""Protocol one: a solver is one physical system with one numerical method.

A solver is an `equinox.Module` and so a pytree: immutable, jittable, vmappable and differentiable. Its parameters are
declared on the class (`physent.parameters`); its state is a module of its own that carries the time `t` and, for a
stochastic system, the random key, so that the way a run is cut into chunks cannot change the trajectory.
"""

import abc
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, Self, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray

from physent.parameters import Declared, ParameterError


@dataclass(frozen=True)
class Variable:
    """What an observable or the value of a diagnostic is; declared, never guessed from the array.

    `dims` names its axes in order (an empty tuple makes it a series), `role` says what it stands for physically
    ("amplitude", "density", "scalar", "velocity", "position", "heading", ...), which is how diagnostics find it. `nan`
    says what NaN means in a variable that may have it, "no pair"; in any other it is a failure.
    """

    dims: tuple[str, ...] = ()
    role: str = "scalar"
    units: str = "1"
    long_name: str = ""
    nan: str = ""


class Axis(eqx.Module):
    """One direction of space, or one list of labels.

    `points` has shape (n,) and holds the coordinate, or is None for particles, which live between the points of no
    grid; `length` is the extent of the domain, the period where `periodic`.
    """

    name: str = eqx.field(static=True)
    points: Array | None = None
    length: Array | None = None
    periodic: bool = eqx.field(static=True, default=False)
    uniform: bool = eqx.field(static=True, default=True)
    units: str = eqx.field(static=True, default="1")
    long_name: str = eqx.field(static=True, default="")

    @property
    def spacing(self) -> Array:
        """The grid spacing of a uniform axis; ValueError for any other."""
        if self.points is None:
            raise ValueError(f"axis {self.name!r} has no grid points")
        if not self.uniform:
            raise ValueError(f"the points of axis {self.name!r} are not equally spaced")
        if self.periodic and self.length is not None:
            return self.length / self.points.shape[-1]
        if self.points.shape[-1] < 2:
            raise ValueError(f"axis {self.name!r} has one point and so no spacing")
        return jnp.abs(self.points[1] - self.points[0])


class Domain(eqx.Module):
    """The axes that the dims of the observables refer to; a staggered grid has more than one axis a direction."""

    axes: tuple[Axis, ...]

    def __getitem__(self, name: str) -> Axis:
        """The axis of that name; KeyError if there is none."""
        for axis in self.axes:
            if axis.name == name:
                return axis
        raise KeyError(name)

    def __contains__(self, name: str) -> bool:
        """Whether an axis has that name."""
        return any(axis.name == name for axis in self.axes)


class State(eqx.Module):
    """What a step maps to what; `t` is the time, a scalar array."""

    t: eqx.AbstractVar[Array]


S = TypeVar("S", bound=State)


class Solver(Declared, Generic[S]):
    """One physical system with one numerical method.

    `init`, `step`, `observe`, `variables` and `domain` make a solver; the others have defaults. All but `grow` are
    traced: no host callbacks, no shapes that depend on values.
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
        """How the method keeps invariants: `exactly` to round-off, `bounded` within an error that has no trend.

        What is not named drifts with the error of the step. This is written beside each, and reports judge by it.
        """
        return {}

    def split(self, devices: int) -> dict[str, int]:
        """How one run is spread over devices: the axis along which each array of the state is cut.

        Arrays go by their dotted names in the state, and what is not named is copied to every device. `step` and
        `observe` then work on cut arrays, with `physent.numerics.slab` for transforms and ghost cells. Raises a
        ParameterError where the solver, or its sizes, cannot be cut; the default always does.
        """
        raise ParameterError("run.devices", f"{type(self).__name__} cannot cut one run (members can be spread)")

    def members_in_turn(self) -> bool:
        """Whether members are computed one after another instead of side by side.

        For steps that branch on data, such as lists that are renewed only when they must be: side by side (`vmap`)
        every member would take both branches of every step.
        """
        return False

    def longest_dt(self) -> Array | None:
        """The longest dt to use with these parameters and this start, which `dt = "auto"` keeps to; None: no rule.

        Called on the host with a dt that means nothing yet.
        """
        return None

    def error(self, state: S) -> Array:
        """Sticky error bits, an integer; not 0 (neighbour overflow, ...) makes the engine `grow` and redo the chunk."""
        return jnp.zeros((), dtype=int)

    def fatal(self, error: int) -> str | None:
        """What error bits mean that no larger buffer mends: the run ends with that sentence; None (default): `grow`."""
        return None

    def grow(self, state: S) -> tuple[Self, S]:
        """On the host, after an error: a solver with larger buffers and the last good state in its shape."""
        raise RuntimeError(f"{type(self).__name__} reported an error that it has no way to mend")


class StochasticSolver(Solver[S]):
    """A solver of dX = b dt + sqrt(2 D) dW, which says its drift b, its diffusion D and the parity of its variables."""

    @abc.abstractmethod
    def drift(self, state: S) -> dict[str, Array]:
        """The drift b of each stochastic variable, by observable name."""

    @abc.abstractmethod
    def diffusion(self, state: S) -> dict[str, Array]:
        """The diffusion coefficient D of each stochastic variable: a scalar, or one value a component."""

    def divergence(self, state: S) -> dict[str, Array]:
        """d b_i/d x_i of every component of the drift, by observable name.

        The default differentiates `drift` by the leaf of the state that has the variable's name, with one derivative a
        component: for a few hundred components at most.
        """
        return {name: _diagonal(self.drift, state, name) for name in self.parity()}

    @abc.abstractmethod
    def parity(self) -> dict[str, int]:
        """+1 for variables even under time reversal, -1 for odd ones."""

    def other_noise(self) -> dict[str, Literal["diffuses", "jumps"]]:
        """Random variables of the state that `drift` and `diffusion` leave out, and what they do; none by default.

        One that diffuses on a circle or a sphere, or one that jumps.
        """
        return {}

    def independent(self) -> bool:
        """Whether the first axis of the variables runs over independent copies of one system (walkers), not its parts.

        Then a state may have any number of them.
        """
        return False

    def at(self, values: Mapping[str, Array], key: PRNGKeyArray | None = None) -> S:
        """The state whose stochastic variables, the names of `parity`, have these values; t = 0.

        The default replaces the leaves of these names in `init(key)`: enough where nothing else in the state depends on
        them.
        """
        state = self.init(jax.random.key(0) if key is None else key)
        return substitute(state, {name: values[name] for name in self.parity()})

    def reference_score(self, state: S) -> dict[str, Array]:
        """A known score s0 that a network may learn the residual to, by observable name; the default is 0."""
        return {name: jnp.zeros_like(getattr(state, name)) for name in self.parity()}

    def reference_divergence(self, state: S) -> dict[str, Array]:
        """d s0_i/d x_i of every component of the reference score, by observable name.

        The default differentiates, as that of `divergence`.
        """
        return {name: _diagonal(self.reference_score, state, name) for name in self.parity()}


def substitute(state: S, values: Mapping[str, Array]) -> S:
    """The state with other values of some of its variables and everything else, as its neighbour list, as it is."""
    names = tuple(values)

    def where(state: Any) -> list[Any]:
        return [getattr(state, name) for name in names]

    return eqx.tree_at(where, state, [values[name] for name in names])


def _diagonal(drift: Callable[[Any], dict[str, Array]], state: Any, name: str) -> Array:
    value = getattr(state, name)

    def component(i):
        direction = jnp.zeros(value.size, value.dtype).at[i].set(1).reshape(value.shape)

        def at(x):
            return drift(substitute(state, {name: x}))[name]

        return jnp.sum(jax.jvp(at, (value,), (direction,))[1] * direction)

    return jax.vmap(component)(jnp.arange(value.size)).reshape(value.shape)
