"""Ordinary differential equations, maps and Hamiltonian systems: the solver."""

from collections.abc import Callable
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from physent.errors import ParameterError, nearest
from physent.numerics.ordinary import adaptive_step, rk4_step
from physent.numerics.splitting import SPLITTINGS, split_step
from physent.protocol.parameters import (
    as_number,
    as_numbers,
    as_step,
    known,
    param,
    require_one_member,
    static,
)
from physent.protocol.solver import Solver, State
from physent.protocol.variables import Axis, Domain, Variable

from .finding import found, parameters_of
from .systems import System

MOST_TRACED = 64  # components, to which the growth of volumes is observed


class OrdinaryState(State):
    """x at time t, and for an adaptive method the inner step to try next."""

    t: Float[Array, ""]
    x: Float[Array, " d"]
    inner_step: Float[Array, ""] | None = None


class Ordinary(Solver[OrdinaryState]):
    """An ordinary differential equation x' = f(x), a map x -> f(x), or a Hamiltonian system q' =
    dH/dp, p' = -dH/dq of x = (q, p).

    The system is a name, or a function of your own, written with jax.numpy: of x, (d,), and of
    parameters by their names, with defaults; one that takes `t`, too, is given the time. It gives
    the d components of f, or one number, the energy H, and then is Hamiltonian; with the method
    "map" it gives the next x.

    `dopri8` takes as many inner steps in a dt as `rtol` and `atol` ask for, `rk4` takes one. The
    splitting methods, for energies T(p) + V(q), are symplectic and reversible.
    """

    auxiliary = ("t", "inner_step")
    system: str | Callable[..., Any] = static(
        "lorenz",
        function=True,
        doc="name of a system, 'path.py:function', or 'dysts:Name' where dysts is installed",
    )
    parameters: dict[str, Array] = param(
        default={},
        converter=as_numbers,
        table=True,
        doc="parameters of the system that are not the usual ones",
    )
    initial: Array = param(
        default=None, converter=as_number, ndim=1, doc="x at t = 0; none: that of a named system"
    )
    size: int | None = static(
        None, ge=2, doc="number of units of a named system of any size", example=32
    )
    names: tuple[str, ...] | None = static(
        None, doc="names of the components; none: x, y, z of up to three", example=["x", "y"]
    )
    dt: Array = param(
        default=None,
        converter=as_step,
        gt=0,
        doc="time step; none: .01, and 1, a turn, for a map",
        units="time",
    )
    method: (
        Literal[
            "dopri8",
            "rk4",
            "strang",
            "yoshida_4",
            "blanes_moan_4",
            "blanes_moan_6",
            "map",
        ]
        | None
    ) = static(
        None,
        doc="time stepping method; none: map for a map, dopri8 for all others",
        example="blanes_moan_4",
    )
    rtol: Array = param(default=1e-10, converter=as_number, gt=0, doc="relative tolerance")
    atol: Array = param(default=1e-12, converter=as_number, gt=0, doc="absolute tolerance")

    def __check_init__(self):
        """Reject what does not fit the system, and fill in what it says."""
        system = self._system()
        usual = parameters_of(system.function)
        for name in self.parameters:
            if name not in usual:
                allowed = ", ".join(usual) or "none"
                words = f"unknown parameter{nearest(name, usual)} (allowed: {allowed})"
                raise ParameterError(f"parameters.{name}", words)
        own = {name: as_number(value) for name, value in usual.items()} | self.parameters
        object.__setattr__(self, "parameters", {name: own[name] for name in sorted(own)})
        object.__setattr__(self, "initial", self._start(system))
        if self.method is None:
            object.__setattr__(self, "method", "map" if system.sort == "map" else "dopri8")
        if self.dt is None:
            object.__setattr__(self, "dt", as_number(1.0 if self.method == "map" else 0.01))
        self._check(system)

    def init(self, key: PRNGKeyArray) -> OrdinaryState:
        """x at t = 0."""
        require_one_member(self)
        t, x = jnp.zeros_like(self.dt), jnp.asarray(self.initial)
        return OrdinaryState(t, x, jnp.zeros_like(t) if self.method == "dopri8" else None)

    def step(self, state: OrdinaryState) -> OrdinaryState:
        """x one dt, or one turn of a map, later."""
        t, x, dt, inner_step = state.t, state.x, jnp.asarray(self.dt), state.inner_step
        if self.method == "map":
            x = self._function(t, x, self.parameters)
        elif self.method == "rk4":
            x = rk4_step(self._system().slope, t, x, self.parameters, dt)
        elif self.method in SPLITTINGS:
            x, _ = split_step(SPLITTINGS[self.method], (x, t), dt, self._kick, self._drift)
        else:
            tried = jnp.zeros_like(dt) if inner_step is None else inner_step
            x, inner_step = adaptive_step(
                self._system().slope,  # which holds nothing that is traced
                t,
                x,
                self.parameters,
                dt,
                tried,
                self.rtol,
                self.atol,
            )
        return OrdinaryState(t + dt, x, inner_step)

    def observe(self, state: OrdinaryState) -> dict[str, Array]:
        """x, and its components by name; and how fast volumes in phase space grow."""
        shown = {"state": state.x} | dict(zip(self._names(), state.x, strict=False))
        if self._is_traced():
            shown["divergence"] = self._divergence(state)
        return shown

    def variables(self) -> dict[str, Variable]:
        """Series, and a row of all components."""
        shown = {"state": Variable(("component",), "state", "1", "components of the state")}
        shown |= {name: Variable((), "scalar", "1", f"component {name}") for name in self._names()}
        if self._is_traced():
            words = (
                "logarithm of the growth of volumes in a turn"
                if self.method == "map"
                else "rate at which volumes in phase space grow"
            )
            shown["divergence"] = Variable((), "scalar", "1/time", words)
        return shown

    def domain(self) -> Domain:
        """The numbers of the components, from 0."""
        numbers = jnp.arange(jnp.shape(self.initial)[-1])
        return Domain((Axis("component", numbers, long_name="number of the component"),))

    def invariants(self, state: OrdinaryState) -> dict[str, Array]:
        """The energy of a Hamiltonian system."""
        if self._system().sort != "hamiltonian":
            return {}
        return {"energy": self._function(state.t, state.x, self.parameters)}

    def kept(self) -> dict[str, Literal["exactly", "bounded"]]:
        """Splittings are symplectic."""
        return {"energy": "bounded"} if self.method in SPLITTINGS else {}

    def why_irreversible(self) -> str | None:
        """Splittings are reversible."""
        if self.method in SPLITTINGS:
            return None
        return f"method {self.method!r} is not reversible (splittings are)"

    # ----------------------------------------------------------------------------------------------

    def _system(self) -> System:
        return found(self.system, self.method == "map", self._start_given())

    def _start_given(self) -> np.ndarray | None:
        return None if self.initial is None else np.zeros(jnp.shape(self.initial)[-1])

    def _start(self, system: System) -> Array:
        """x at t = 0. Raises ParameterError where it is not known, or said twice."""
        sized = callable(system.start)
        if self.size is not None and (not sized or self.initial is not None):
            words = "a named system of any size, without `initial`, which says it"
            raise ParameterError("size", f"given {self.size}, allowed for {words}")
        if self.initial is not None:
            return self.initial
        if system.start is None:
            words = "missing: x at t = 0 (allowed: a list of numbers)"
            raise ParameterError("initial", words)
        if callable(system.start):
            return as_number(system.start(self.size or system.size or 2))
        return as_number(system.start)

    def _names(self) -> tuple[str, ...]:
        if self.names is not None:
            return self.names
        d, known = jnp.shape(self.initial)[-1], self._system().names
        if known and len(known) == d:
            return known
        return ("x", "y", "z")[:d] if d <= 3 else ()

    def _is_traced(self) -> bool:
        sort = self._system().sort
        return sort != "hamiltonian" and jnp.shape(self.initial)[-1] <= MOST_TRACED

    def _check(self, system: System) -> None:
        """Reject a function, names or a method that do not fit."""
        d = jnp.shape(self.initial)[-1]
        names = self.names or ()
        if self.names is not None and len(names) != d:
            raise ParameterError("names", f"given {len(names)}, allowed: {d}, one a component")
        for name in names:
            if not name.isidentifier() or name in ("t", "state", "divergence", "member"):
                words = "a name of letters, digits and underscores that stands for nothing else"
                raise ParameterError("names", f"given {name!r}, allowed: {words}")
        if (self.method == "map") != (system.sort == "map"):
            words = "map" if system.sort == "map" else "every method but map"
            raise ParameterError("method", f"given {self.method!r}, allowed for it: {words}")
        if self.method == "map" and np.any(np.asarray(self.dt) != 1):
            given = np.asarray(self.dt).tolist()
            raise ParameterError("dt", f"given {given}, allowed for a map: 1, a turn")
        if system.sort == "hamiltonian" and d % 2:
            words = "an even number of components, positions and then momenta"
            raise ParameterError("initial", f"given {d} components, allowed: {words}")
        if self.method not in SPLITTINGS:
            return
        if system.sort != "hamiltonian":
            words = "allowed for a Hamiltonian system, whose function gives its energy"
            raise ParameterError("method", f"given {self.method!r}, {words}")
        if not self._is_separable():
            words = "allowed for an energy T(p) + V(q): dopri8 and rk4 take any"
            raise ParameterError("method", f"given {self.method!r}, {words}")

    def _is_separable(self) -> bool:
        """Whether d^2 H/dq dp vanishes at three points."""
        d = jnp.shape(self.initial)[-1]
        first = {k: v if jnp.ndim(v) == 0 else v[0] for k, v in self.parameters.items()}
        if not known(self.initial, *first.values()):
            return True

        def mixed(x: Array) -> Array:
            def along_q(x: Array) -> Array:
                return jax.grad(lambda x: self._function(jnp.zeros(()), x, first))(x)[: d // 2]

            way = jnp.concatenate([jnp.zeros(d // 2), jnp.cos(jnp.arange(d - d // 2) + 0.5)])
            return jax.jvp(along_q, (x,), (way.astype(x.dtype),))[1]

        with jax.ensure_compile_time_eval():
            start = jnp.reshape(jnp.asarray(self.initial), (-1, d))[0]
            points = [start + 0.3 * jnp.sin(jnp.arange(d) + i) for i in range(3)]
            values = [np.max(np.abs(np.asarray(mixed(x)))) for x in points]
        return bool(np.all(np.nan_to_num(values, nan=0.0) < 1e-6))

    def _function(self, t: Array, x: Array, parameters: Any) -> Array:
        return self._system().value(t, x, parameters)

    def _slope(self, t: Array, x: Array, parameters: Any) -> Array:
        return self._system().slope(t, x, parameters)

    def _kick(self, now: tuple[Array, Array], tau: Array) -> tuple[Array, Array]:
        """p -= tau dV/dq; the time stands still."""
        x, t = now
        half = x.shape[0] // 2
        slope = self._slope(t, x, self.parameters)
        return x + tau * jnp.concatenate([jnp.zeros_like(x[:half]), slope[half:]]), t

    def _drift(self, now: tuple[Array, Array], tau: Array) -> tuple[Array, Array]:
        """q += tau dT/dp; the time goes on."""
        x, t = now
        half = x.shape[0] // 2
        slope = self._slope(t, x, self.parameters)
        return x + tau * jnp.concatenate([slope[:half], jnp.zeros_like(x[half:])]), t + tau

    def _divergence(self, state: OrdinaryState) -> Array:
        """div f, or ln |det Df| of a map."""
        if self.method == "map":
            change = jax.jacfwd(lambda x: self._function(state.t, x, self.parameters))(state.x)
            return jnp.linalg.slogdet(change)[1]
        change = jax.jacfwd(lambda x: self._slope(state.t, x, self.parameters))(state.x)
        return jnp.trace(change)
