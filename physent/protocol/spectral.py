"""Field equations that are stated: unknowns, a linear symbol and a nonlinear part. Everything else
follows from these three methods.

The method is pseudo-spectral: derivatives are exact for the modes of the grid, products are formed
at its points, and the linear part is solved exactly or implicitly, mode by mode.
"""

import abc
import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Inexact, PRNGKeyArray

from physent.errors import ParameterError
from physent.numerics.basis import Basis, Wavenumbers, shapes_of
from physent.numerics.exponential import etdrk2_step, etdrk4_step
from physent.numerics.field import Field, Fields, Vector, stacked_modes
from physent.numerics.imex import imex_rk3_step
from physent.numerics.splitting import SPLITTINGS, split_step
from physent.protocol.choosing import Unsampled, one_of
from physent.protocol.parameters import (
    as_number,
    as_step,
    choice,
    member_axes,
    param,
    require_one_member,
    static,
)
from physent.protocol.solver import Solver, State
from physent.protocol.starts import STARTS, GivenFields, Start
from physent.protocol.variables import Axis, Domain, Variable

AXES = ("x", "y", "z")
STEPS = {"etdrk2": etdrk2_step, "etdrk4": etdrk4_step, "imex_rk3": imex_rk3_step}
Linear = Any


@dataclass(frozen=True)
class Unknown(Variable):
    """The description of an unknown of a field equation: a `Variable` on all axes.

    **Arguments:**

    - `complex`: whether it is complex.
    - `walls`: what it does at walls: "even", its slope vanishes there, or "odd", it vanishes
        itself; or one of these for each axis. It counts along axes with walls only.
    """

    complex: bool = False
    walls: Literal["even", "odd"] | tuple[Literal["even", "odd"], ...] = "even"


class SpectralState(State):
    """The unknowns at time t, one after another along the first axis: their modes, or for a
    splitting method their values at the points of the grid.
    """

    t: Float[Array, ""]
    unknowns: Inexact[Array, "fields ..."]
    inner_step: Float[Array, ""] | None = None


class SpectralSolver(Solver[SpectralState]):
    """A field equation in one to three dimensions, u_t = L u + N(u, t).

    A subclass states `fields`, `linear` and `nonlinear`, and may redeclare any field for another
    default. The box is [-length/2, length/2) along each axis.
    """

    dimensions: ClassVar[tuple[int, ...]] = (1, 2, 3)  # that the equation has
    degree: ClassVar[int | None] = 2  # of the nonlinear part as a polynomial of the unknowns

    n: int | tuple[int, ...] = static(
        128, ge=4, doc="number of grid points, or a list with those along each axis"
    )
    length: Array = param(
        default=2 * np.pi,
        converter=as_number,
        gt=0,
        per_axis=True,
        doc="length of the box along each axis",
        units="length",
    )
    dt: Array = param(default=0.01, converter=as_step, gt=0, doc="time step", units="time")
    initial: Start = choice(
        converter=one_of(STARTS, given=GivenFields), default="random", doc="unknowns at t = 0"
    )
    boundary: Literal["periodic", "walls"] | tuple[Literal["periodic", "walls"], ...] = static(
        "periodic", doc="what is at the ends of each axis, or of all of them"
    )
    method: Literal[
        "etdrk4",
        "etdrk2",
        "imex_rk3",
        "dopri8",
        "strang",
        "yoshida_4",
        "blanes_moan_4",
        "blanes_moan_6",
    ] = static("etdrk4", doc="time stepping method; the last four need exact_flow()")
    dealias: Literal["two_thirds", "exact", "filter", "none"] = static(
        "two_thirds",
        doc="two_thirds: keep the modes below 2/(degree + 1) of the largest; exact: form products "
        "on (degree + 1)/2 times as many points; filter: damp the spectrum by exp(-36 "
        "(|k|/k_c)^36), k_c two thirds of the largest k, once per step",
    )
    rtol: Array = param(
        default=1e-9, converter=as_number, gt=0, doc="relative tolerance of dopri8, for each mode"
    )
    atol: Array = param(
        default=1e-10,
        converter=as_number,
        gt=0,
        doc="absolute tolerance of dopri8, for the amplitude of each mode",
    )

    # ----------------------------------------------------------------------------------------------
    # the statement

    @abc.abstractmethod
    def fields(self) -> Mapping[str, Variable]:
        """The unknowns of the equation.

        **Returns:**

        A `Variable` for each unknown by its name, without dims; an `Unknown` where it is complex or
        vanishes at walls.
        """

    @abc.abstractmethod
    def linear(self, k: Wavenumbers) -> Linear:
        """The symbol of the linear part L. It is traced.

        **Arguments:**

        - `k`: the wavenumbers, with `k.x`, `k.y`, `k.z` and `k**2` (`Wavenumbers`); a first
            derivative along x is 1j * k.x.

        **Returns:**

        The multiplier of each mode, an array or a number; for several unknowns a mapping from their
        names to multipliers, where those not named have 0, or to mappings: {"u": {"v": 1}} is
        u_t = v.
        """

    @abc.abstractmethod
    def nonlinear(self, f: Fields) -> Any:
        """The nonlinear part N. It is traced.

        **Arguments:**

        - `f`: the unknowns, f.u, which add, multiply and have derivatives f.u.dx (`Field`); the
            time f.t and the coordinates f.x, f.y, f.z.

        **Returns:**

        A `Field`; for several unknowns a mapping from their names, where those not named have 0.
        """

    def exact_flow(self, f: Fields, tau: Array) -> Any:
        """The exact flow of the nonlinear part alone over a time tau, which splitting methods need.
        It is traced.

        **Arguments:**

        - `f`: the unknowns, known by their values.
        - `tau`: the time, which may be negative.

        **Returns:**

        Like `nonlinear`, the unknowns at a time tau later.
        """
        raise NotImplementedError

    def constrained(self, f: Fields) -> Any:
        """The unknowns with what holds at every time imposed on them, as a mean of 0 or no
        divergence; it is applied to the start, and after every step. It is traced.

        **Arguments:**

        - `f`: the unknowns.

        **Returns:**

        Like `nonlinear`, or None, the default, where nothing is imposed.
        """
        return None

    def derived(self, f: Fields) -> dict[str, tuple[Variable, Any]]:
        """Observables beside the unknowns. It is traced.

        **Arguments:**

        - `f`: the unknowns.

        **Returns:**

        By name a `Variable`, without dims for a field, and a `Field`; none by default.
        """
        return {}

    def conserved(self, f: Fields) -> dict[str, Field]:
        """The densities of what the continuous equation conserves. It is traced.

        **Arguments:**

        - `f`: the unknowns.

        **Returns:**

        A `Field` by the name of the invariant, which is its integral over the box; none by default.
        """
        return {}

    # ----------------------------------------------------------------------------------------------
    # what follows

    def __check_init__(self):
        """Reject inconsistent combinations."""
        shape, name = shapes_of(self.n), type(self).__name__
        if len(shape) not in self.dimensions:
            allowed = " or ".join(map(str, self.dimensions))
            words = f"given {list(shape)}, {len(shape)} axes, allowed: {allowed} for {name}"
            raise ParameterError("n", words)
        if isinstance(self.boundary, tuple) and len(self.boundary) != len(shape):
            words = f"given {len(self.boundary)} entries, allowed: {len(shape)}, one for each axis"
            raise ParameterError("boundary", words)
        if len(shape) > 1 and np.ndim(self.length) == 0:
            object.__setattr__(self, "length", jnp.broadcast_to(self.length, (len(shape),)))
        if self.dealias in ("exact", "two_thirds") and self.degree is None:
            words = f"given {self.dealias!r}, but {name} is no polynomial, allowed: filter, none"
            raise ParameterError("dealias", words)
        if self.method in SPLITTINGS:
            if type(self).exact_flow is SpectralSolver.exact_flow:
                words = f"given {self.method!r}, allowed: etdrk4, etdrk2, imex_rk3, dopri8 ({name} "
                raise ParameterError("method", f"{words}has no exact_flow(), which it needs)")
            if self.dealias in ("exact", "two_thirds"):
                words = f"given {self.dealias!r}, allowed with {self.method}: filter, none"
                raise ParameterError("dealias", words)
        if isinstance(self.initial, Unsampled):
            held: Any = self.initial.function
            object.__setattr__(self, "initial", GivenFields.settled(held, self))
        if isinstance(self.initial, GivenFields):
            object.__setattr__(self, "initial", self.initial.named(self.unknowns()))
        self.initial.check(self)

    def unknowns(self) -> tuple[str, ...]:
        """The names of the unknowns, in order."""
        return tuple(self.fields())

    @property
    def basis(self) -> Basis:
        """The grid and its modes, with the points at which products are formed."""
        return self.basis_of()

    def basis_of(self) -> Basis:
        """See `basis`."""
        shape = shapes_of(self.n)
        fine = shape
        if self.dealias == "exact":
            assert self.degree is not None
            fine = tuple(_even(n * (self.degree + 1) / 2) for n in shape)
        lengths = (self.length,) if len(shape) == 1 else tuple(self.length)
        each = self.boundary if isinstance(self.boundary, tuple) else (self.boundary,) * len(shape)
        real = not any(getattr(field, "complex", False) for field in self.fields().values())
        return Basis(shape, lengths, tuple(end == "walls" for end in each), real, fine)

    def parity(self, name: str) -> tuple[int, ...]:
        """+1 or -1 of an unknown along each axis (`physent.numerics.basis`)."""
        basis, said = self.basis_of(), getattr(self.fields()[name], "walls", "even")
        each = said if isinstance(said, tuple) else (said,) * len(basis.shape)
        return tuple(
            -1 if wall and own == "odd" else 1 for wall, own in zip(basis.walls, each, strict=True)
        )

    def init(self, key: PRNGKeyArray) -> SpectralState:
        """The start at t = 0."""
        require_one_member(self)
        basis, t = self.basis, jnp.zeros_like(self.dt)
        start, names = self.initial(self, key), self.unknowns()
        if self.method in SPLITTINGS:
            dtype = basis.dtype if basis.real else jnp.result_type(basis.dtype, jnp.complex64)
            unknowns = jnp.stack([start[name].astype(dtype) for name in names])
        else:
            parts = [basis.modes(start[name], self.parity(name)) for name in names]
            unknowns = self._kept(jnp.stack(parts))
        unknowns = self._constrained(unknowns, t)
        adaptive = self.method == "dopri8"
        return SpectralState(t, unknowns, jnp.zeros_like(t) if adaptive else None)

    def step(self, state: SpectralState) -> SpectralState:
        """The state after one time step dt."""
        t, inner_step = state.t, state.inner_step
        if self.method in SPLITTINGS:
            unknowns = split_step(
                SPLITTINGS[self.method],
                state.unknowns,
                self.dt,
                lambda values, tau: self._kick(values, t, tau),
                self._drift,
            )
        elif self.method == "dopri8":
            from physent.numerics.adaptive import dopri8_step  # diffrax takes a second to import

            size = float(np.prod(self.basis.shape))  # divided by it modes are amplitudes
            unknowns, inner_step = dopri8_step(
                state.unknowns / size,
                self.dt,
                self._linear(),
                lambda modes, after: self._kept(self._rate(modes * size, t + after)) / size,
                self.dt if inner_step is None else inner_step,
                self.rtol,
                self.atol,
            )
            unknowns = unknowns * size
        else:
            unknowns = STEPS[self.method](
                state.unknowns,
                self.dt,
                self._linear(),
                lambda modes, after: self._rate(modes, t + after),
                self._mask(),
            )
        if self.dealias == "filter":
            unknowns = self._filtered(unknowns)
        unknowns = self._constrained(unknowns, t + self.dt)
        return SpectralState(t + self.dt, unknowns, inner_step)

    def observe(self, state: SpectralState) -> dict[str, Array]:
        """The unknowns and what is derived from them, at the points of the grid."""
        f = self._fields_of(state, fine=False)
        found = {name: field.values for name, field in f.items()}
        for name, (_, values) in self.derived(f).items():
            found[name] = values.values if isinstance(values, Field) else jnp.asarray(values)
        return found

    def variables(self) -> dict[str, Variable]:
        """The unknowns and what is derived from them."""
        axes = AXES[: len(shapes_of(self.n))]
        own = {name: _plain(variable, axes) for name, variable in self.fields().items()}
        described: dict[str, Variable] = {}

        def trace(state: SpectralState) -> None:
            f = self._fields_of(state, fine=False)
            for name, (variable, values) in self.derived(f).items():
                field = isinstance(values, Field) or np.ndim(values) > 0
                described[name] = _plain(variable, axes if field else ())

        jax.eval_shape(trace, self._outline())
        return own | described

    def domain(self) -> Domain:
        """The axes x, y and z."""
        basis = self.basis
        axes = []
        for i, (name, wall) in enumerate(zip(AXES, basis.walls, strict=False)):
            words = "position" if len(basis.shape) == 1 else f"position along {name}"
            axes.append(Axis(name, basis.points(i), basis.lengths[i], not wall, long_name=words))
        return Domain(tuple(axes))

    def invariants(self, state: SpectralState) -> dict[str, Array]:
        """The integrals of what is conserved, exact for products that the grid resolves."""
        f = self._fields_of(state, fine=True)
        volume = f.basis.volume
        found = self.conserved(f)
        return {name: volume * jnp.mean(density.values.real) for name, density in found.items()}

    def exact(self, t: Array) -> dict[str, Array]:
        """The exact solution, where the start knows it."""
        return self.initial.exact(self, t)

    # ----------------------------------------------------------------------------------------------

    def _outline(self) -> Any:
        """The shapes of a state."""
        return jax.eval_shape(lambda: _one_member(self).init(jax.random.key(0)))

    def _fields_of(self, state: SpectralState, fine: bool) -> Fields:
        basis = self.basis
        if not fine:
            basis = dataclasses.replace(basis, fine=basis.shape)
        return self._fields(basis, state.unknowns, state.t, self.method not in SPLITTINGS)

    def _fields(self, basis: Basis, unknowns: Array, t: Array, modes: bool) -> Fields:
        make = Field.of_modes if modes else Field.of_values
        found = {
            name: make(basis, each, self.parity(name))
            for name, each in zip(self.unknowns(), unknowns, strict=True)
        }
        return Fields(basis, found, t)

    def _in_order(self, given: Any) -> list[Any]:
        """Fields or numbers in the order of the unknowns."""
        names = self.unknowns()
        if isinstance(given, Mapping):
            strange = [name for name in given if name not in names]
            if strange:
                raise ValueError(f"given {strange[0]!r}, allowed: {', '.join(names)}")
            return [given.get(name, 0.0) for name in names]
        if isinstance(given, Vector | tuple | list):
            if len(given) != len(names):
                raise ValueError(f"given {len(given)} fields, allowed: {len(names)}")
            return list(given)
        if len(names) > 1:
            raise ValueError(f"given one field, allowed: a mapping from {', '.join(names)}")
        return [given]

    def _constrained(self, unknowns: Array, t: Array) -> Array:
        basis, modes = self.basis, self.method not in SPLITTINGS
        given = self.constrained(self._fields(basis, unknowns, t, modes))
        if given is None:
            return unknowns
        found = self._in_order(given)
        if modes:
            return self._kept(stacked_modes(found, basis))
        return jnp.stack([each.values.astype(unknowns.dtype) for each in found])

    def _rate(self, modes: Array, t: Array) -> Array:
        """The modes of N."""
        f = self._fields(self.basis, modes, t, modes=True)
        return stacked_modes(self._in_order(self.nonlinear(f)), f.basis)

    def _kept(self, modes: Array) -> Array:
        """The modes that take part."""
        return modes if self.dealias != "two_thirds" else modes * self._mask()

    def _mask(self) -> Any:
        """1 for the modes that take part and 0 for others."""
        if self.dealias != "two_thirds":
            return 1
        assert self.degree is not None
        return self.basis.below(2 / (self.degree + 1)).astype(np.float32)[None]

    def _filtered(self, unknowns: Array) -> Array:
        basis, factor = self.basis, np.ones(self.basis.modes_shape)
        for axis, (n, wall) in enumerate(zip(basis.shape, basis.walls, strict=True)):
            share = np.abs(basis.numbers(axis)) * (1.5 / n if wall else 3 / n)
            along = [-1 if i == axis else 1 for i in range(len(basis.shape))]
            factor = factor * np.exp(-36 * share**36).reshape(along)
        factor = jnp.asarray(factor, basis.dtype)
        if self.method not in SPLITTINGS:
            return unknowns * factor[None]
        return self._on_modes(unknowns, lambda modes: modes * factor[None])

    def _linear(self) -> Array:
        """The multipliers of the unknowns, (fields, ...), or matrices (fields, fields, ...)."""
        basis, names = self.basis, self.unknowns()
        shape = basis.modes_shape

        def full(value: Any) -> Array:
            return jnp.broadcast_to(jnp.asarray(value), shape)

        given = self.linear(basis.wavenumbers())
        if not isinstance(given, Mapping):
            given = dict(zip(names, self._in_order(given), strict=True))
        self._in_order(given)
        matrix = any(isinstance(row, Mapping) for row in given.values())
        if not matrix:
            rows = [full(given.get(name, 0.0)) for name in names]
            return jnp.stack(_alike(rows, basis))
        entries = []
        for name in names:
            row = given.get(name, {})
            row = row if isinstance(row, Mapping) else {name: row}
            self._in_order(row)
            entries += [full(row.get(other, 0.0)) for other in names]
        return jnp.stack(_alike(entries, basis)).reshape(len(names), len(names), *shape)

    def _kick(self, values: Array, t: Array, tau: Array) -> Array:
        f = self._fields(self.basis, values, t, modes=False)
        found = self._in_order(self.exact_flow(f, tau))
        return jnp.stack([each.values.astype(values.dtype) for each in found])

    def _drift(self, values: Array, tau: Array) -> Array:
        linear = self._linear()
        if linear.ndim > values.ndim:
            raise ValueError("splitting methods take one multiplier for each unknown, no matrix")
        return self._on_modes(values, lambda modes: jnp.exp(linear * tau) * modes)

    def _on_modes(self, values: Array, function: Any) -> Array:
        """The values of what a function makes of the modes of all unknowns."""
        basis = self.basis
        parities = [self.parity(name) for name in self.unknowns()]
        if len(set(parities)) == 1:
            return basis.values(function(basis.modes(values, parities[0])), parities[0])
        each = zip(values, parities, strict=True)
        modes = function(jnp.stack([basis.modes(own, parity) for own, parity in each]))
        pairs = zip(modes, parities, strict=True)
        return jnp.stack([basis.values(own, parity) for own, parity in pairs])


def _plain(variable: Variable, axes: tuple[str, ...]) -> Variable:
    """The variable on these axes unless it has its own."""
    v = variable
    return Variable(v.dims or axes, v.role, v.units, v.long_name, v.nan)


def _alike(arrays: list[Array], basis: Basis) -> list[Array]:
    dtype = jnp.result_type(basis.dtype, *(each.dtype for each in arrays))
    kind = jnp.complex64 if any(jnp.iscomplexobj(each) for each in arrays) else basis.dtype
    wide = jnp.result_type(basis.dtype, kind)
    return [each.astype(wide if dtype != wide else dtype) for each in arrays]


def _even(n: float) -> int:
    """The next even number."""
    return 2 * int(np.ceil(n / 2))


def _one_member(solver: SpectralSolver) -> SpectralSolver:
    """The solver of the first member."""
    axes = member_axes(solver)
    return jax.tree.map(
        lambda axis, leaf: leaf if axis is None else leaf[0],
        axes,
        solver,
        is_leaf=lambda leaf: leaf is None,
    )
