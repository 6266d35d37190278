"""Field equations that are stated: unknowns, a linear symbol and a nonlinear part. Everything else
follows from these three methods.

The method is pseudo-spectral: derivatives are exact for the modes of the grid, products are formed
at its points, and the linear part is solved exactly or implicitly, mode by mode.
"""

from collections.abc import Callable, Mapping
from typing import Any, Generic

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from physent.errors import ParameterError
from physent.numerics import slab_basis
from physent.numerics.basis import Basis, shapes_of
from physent.numerics.field import Field
from physent.numerics.flows import matrix_flow
from physent.numerics.independent import independent_parts
from physent.numerics.products import scale
from physent.numerics.rotation import exponential
from physent.numerics.splitting import SPLITTINGS, split_step
from physent.numerics.unknowns import Fields, stacked_modes
from physent.protocol.longest_step import Parts, longest_step, of_symbols
from physent.protocol.parameters import member_axes, require_one_member
from physent.protocol.stated import (
    STEPS,
    Unknown as Unknown,
    check_statement,
    check_values,
    described_on,
    first_member,
    grid_of,
    in_order,
    mixes,
    multipliers,
    on_modes,
    only_turns,
    settle_choices,
    smooth_cut,
)
from physent.protocol.statement import F, SpectralState as SpectralState, Statement
from physent.protocol.tangent import flattened
from physent.protocol.variables import Axis, Domain, Variable

AXES = ("x", "y", "z")


class SpectralSolver(Statement[F], Generic[F]):
    """A field equation in one to three dimensions, u_t = L u + N(u, t).

    A subclass states `fields`, `linear` and `nonlinear`, and `defaults` of what is declared in
    `Statement`. The box is [-length/2, length/2) along each axis.
    """

    def __check_init__(self):
        """Reject inconsistent combinations."""
        own = type(self).exact_flow is not Statement.exact_flow
        check_statement(self, self.method in SPLITTINGS, own)
        if len(shapes_of(self.n)) > 1 and np.ndim(self.length) == 0:
            each = jnp.broadcast_to(self.length, (len(shapes_of(self.n)),))
            object.__setattr__(self, "length", each)
        settle_choices(self, self.unknowns())

    def unknowns(self) -> tuple[str, ...]:
        """The names of the unknowns, in order."""
        return tuple(self.fields())

    @property
    def basis(self) -> Basis:
        """The grid and its modes, with the points at which products are formed."""
        complex_ = (getattr(each, "complex", False) for each in self.fields().values())
        more = 1.0 if self.dealias != "exact" else ((self.degree or 1) + 1) / 2
        return grid_of(self.n, self.length, self.boundary, not any(complex_), more)

    def parity(self, name: str) -> tuple[int, ...]:
        """+1 or -1 of an unknown along each axis (`physent.numerics.basis`)."""
        basis, said = self.basis, getattr(self.fields()[name], "walls", "even")
        each = said if isinstance(said, tuple) else (said,) * len(basis.shape)
        ends = zip(basis.walls, basis.turned, each, strict=True)
        return tuple(-1 if turned or (wall and own == "odd") else 1 for wall, turned, own in ends)

    def init(self, key: PRNGKeyArray) -> F:
        """The start at t = 0."""
        require_one_member(self)
        basis, t = self.basis, jnp.zeros_like(self.dt)
        start, names = self.initial(self, key), self.unknowns()
        check_values(start, names, basis.shape)
        if not self._keeps_modes():
            dtype = basis.dtype if basis.real else jnp.result_type(basis.dtype, jnp.complex64)
            unknowns = jnp.stack([start[name].astype(dtype) for name in names])
            if self.dealias == "two_thirds":
                unknowns = self._on_modes(unknowns, self._resolved)
        else:
            parts = [basis.modes(start[name], self.parity(name)) for name in names]
            unknowns = self._resolved(jnp.stack(parts))
        unknowns = self._constrained(unknowns, t, self._keeps_modes())
        return self.packed(t, unknowns, jnp.zeros_like(t) if self.method == "dopri8" else None)

    def step(self, state: F) -> F:
        """The state after one time step dt."""
        t, (held, inner_step), modes = state.t, self.unpacked(state), self._keeps_modes()
        if self.method in SPLITTINGS:
            unknowns, _ = split_step(  # time goes on with the drifts, and stands still in kicks
                SPLITTINGS[self.method],
                (held, t),
                self.dt,
                lambda now, tau: (self._kick(*now, tau), now[1]),
                lambda now, tau: (self._drift(*now, tau), now[1] + tau),
            )
            if self.dealias == "filter":
                filtered = self._filtered
                unknowns = filtered(unknowns) if modes else self._on_modes(unknowns, filtered)
        elif modes:
            unknowns, inner_step = self._modes_after(held, t, inner_step)
        else:
            found: list[Array | None] = []  # what comes back beside the modes

            def after(given: Array) -> Array:
                new, inner = self._modes_after(given, t, inner_step)
                found.append(inner)
                return new

            unknowns, inner_step = self._on_modes(held, after), found[0]
        unknowns = self._constrained(unknowns, t + self.dt, modes)
        return self.packed(t + self.dt, unknowns, inner_step)

    def observe(self, state: F) -> dict[str, Array]:
        """The unknowns and what is derived from them, at the points of the grid."""
        f = self._fields_of(state, fine=False)
        found = {name: field.values for name, field in f.items()}
        for name, (_, values) in self.derived(f).items():
            found[name] = values.values if isinstance(values, Field) else jnp.asarray(values)
        return found

    def variables(self) -> dict[str, Variable]:
        """The unknowns and what is derived from them."""
        axes = AXES[: len(shapes_of(self.n))]
        own = {name: described_on(axes, variable) for name, variable in self.fields().items()}
        described: dict[str, Variable] = {}

        def trace() -> None:
            one = first_member(self)
            basis = one.basis.with_points(one.basis.shape)
            dtype = basis.dtype if basis.real else jnp.result_type(basis.dtype, jnp.complex64)
            zeros = jnp.zeros((len(own), *basis.shape), dtype)
            f = one._fields(basis, zeros, jnp.zeros_like(one.dt), modes=False)
            for name, (variable, values) in one.derived(f).items():
                if name in own:
                    words = f"{type(self).__name__}.derived() names {name!r}, which is an unknown"
                    raise ValueError(f"{words}: give it another name")
                field = isinstance(values, Field) or np.ndim(values) > 0
                described[name] = described_on(axes if field else (), variable)

        jax.eval_shape(trace)
        return own | described

    def domain(self) -> Domain:
        """The axes x, y and z."""
        basis = self.basis
        axes = []
        for i, (name, wall) in enumerate(zip(AXES, basis.walls, strict=False)):
            words = "position" if len(basis.shape) == 1 else f"position along {name}"
            axes.append(Axis(name, basis.points(i), basis.lengths[i], not wall, long_name=words))
        return Domain(tuple(axes))

    def why_irreversible(self) -> str | None:
        """Splittings without a filter are reversible."""
        if self.method not in SPLITTINGS:
            return f"method {self.method!r} is not reversible (splittings are)"
        if type(self).constrained is not Statement.constrained:
            return "constrained() loses what it takes away"
        linear = self._linear()
        turns = only_turns(linear) if mixes(linear, self.basis) else jnp.iscomplexobj(linear)
        if not turns:
            return "the linear part is real, so waves grow or decay"
        return "dealias = 'filter' loses what it damps" if self.dealias == "filter" else None

    def split(self, devices: int) -> dict[str, int]:
        """The unknowns are cut along one axis, those known by their modes along another one."""
        words = slab_basis.problem(self.basis, devices)
        if self.method == "dopri8":
            words = "method = 'dopri8' cannot be split (every other method can)"
        if words is not None:
            raise ParameterError("run.devices", words)
        of_values, of_modes = slab_basis.cut_axes(self.basis)
        return {"unknowns": 1 + (of_modes if self._keeps_modes() else of_values)}

    def degrees_of_freedom(self, state: F) -> tuple[Float[Array, " d"], Callable[[Array], F]]:
        """The values of the unknowns for splitting methods, else the parts of the modes that are
        independent and take part.
        """
        if not self._keeps_modes():
            return flattened(state, ("t", "inner_step"))
        unknowns, inner_step = self.unpacked(state)
        mask = self._mask()
        kept = np.ones((1, *self.basis.modes_shape), bool) if isinstance(mask, int) else mask > 0
        vector, rebuilt = independent_parts(unknowns, self.basis, kept)

        def changed(numbers: Array) -> F:
            return self.packed(state.t, rebuilt(numbers), inner_step)

        return vector, changed

    def longest_dt(self) -> Array:
        """The step that the linear symbol and the nonlinear part at the start allow
        (`physent.protocol.longest_step`).
        """
        return longest_step(self, lambda one: one._parts())

    def doubtful_dt(self) -> str | None:
        """A note on `imex_rk3`, whose implicit stages lose waves that grow as fast as the step, and
        divide by 0 where L dt = 2. `longest_dt`, which takes seconds, is not asked.
        """
        if self.method != "imex_rk3" or len(jax.tree.leaves(member_axes(self))):
            return None
        growing, _ = of_symbols(np.asarray(self._linear()), len(self.basis.shape), False)
        dt = float(self.dt)
        if dt * growing < 1:
            return None
        rate = f"waves grow at the rate {growing:.6g}"
        return f"given {dt:.6g}, but {rate}: imex_rk3 needs a step well below 1/rate"

    def invariants(self, state: F) -> dict[str, Array]:
        """The integrals of what is conserved, exact for products that the grid resolves."""
        f = self._fields_of(state, fine=True)
        return {
            name: f.basis.volume * jnp.mean(each.values.real) if isinstance(each, Field) else each
            for name, each in self.conserved(f).items()
        }

    def exact(self, t: Array) -> dict[str, Array]:
        """The exact solution, where the start knows it."""
        return self.initial.exact(self, t)

    def _modes_after(
        self, modes: Array, t: Array, inner_step: Array | None
    ) -> tuple[Array, Array | None]:
        """One step of a method that works on modes."""
        if self.method == "dopri8":
            from physent.numerics.adaptive import dopri8_step  # diffrax takes a second to import

            size = float(np.prod(self.basis.shape))  # divided by it modes are amplitudes
            modes, inner_step = dopri8_step(
                modes / size,
                self.dt,
                self._linear(),
                lambda modes, after: self._resolved(self._rate(modes * size, t + after)) / size,
                self.dt if inner_step is None else inner_step,
                self.rtol,
                self.atol,
            )
            modes = modes * size
        else:
            modes = STEPS[self.method](
                modes,
                self.dt,
                self._linear(),
                lambda modes, after: self._rate(modes, t + after),
                self._mask(),
            )
        return (self._filtered(modes) if self.dealias == "filter" else modes), inner_step

    def _fields_of(self, state: F, fine: bool) -> Fields:
        basis, modes = self.basis, self._keeps_modes()
        unknowns, _ = self.unpacked(state)
        if not fine:
            basis = basis.with_points(basis.shape)
        elif basis.fine != basis.shape and not modes:
            pairs = zip(unknowns, self._parities().values(), strict=True)
            unknowns, modes = jnp.stack([basis.modes(own, parity) for own, parity in pairs]), True
        return self._fields(basis, unknowns, state.t, modes)

    def _fields(self, basis: Basis, unknowns: Array, t: Array, modes: bool) -> Fields:
        make = Field.of_modes if modes else Field.of_values
        found = {
            name: make(basis, each, self.parity(name))
            for name, each in zip(self.unknowns(), unknowns, strict=True)
        }
        return Fields(basis, found, t)

    def _constrained(self, unknowns: Array, t: Array, modes: bool) -> Array:
        basis = self.basis if modes else self.basis.with_points(self.basis.shape)
        given = self.constrained(self._fields(basis, unknowns, t, modes))
        if given is None:
            return unknowns
        found = in_order(self.unknowns(), given)
        if modes:
            return self._resolved(stacked_modes(found, basis, self._parities()))
        return jnp.stack([each.values.astype(unknowns.dtype) for each in found])

    def _rate(self, modes: Array, t: Array) -> Array:
        """The modes of N."""
        f = self._fields(self.basis, modes, t, modes=True)
        found = in_order(self.unknowns(), self.nonlinear(f))
        return self._constrained(stacked_modes(found, f.basis, self._parities()), t, True)

    def _parts(self) -> Parts:
        """The equation at its start, with modes of noise beside it."""
        basis, (started, _) = self.basis, self.unpacked(self.init(jax.random.key(0)))

        def in_modes(values: Array) -> Array:
            each = zip(values, self._parities().values(), strict=True)
            return jnp.stack([basis.modes(own, parity) for own, parity in each])

        noise = jax.random.normal(jax.random.key(1), (2, len(started), *basis.shape), basis.dtype)
        linear = self._linear()
        return Parts(
            started if self._keeps_modes() else in_modes(started),
            self._resolved(in_modes(noise[0] if basis.real else jax.lax.complex(*noise))),
            lambda modes, t: self._resolved(self._rate(self._resolved(modes), t)),
            linear * np.broadcast_to(self._mask(), linear.shape),
        )

    def _parities(self) -> dict[str, tuple[int, ...]]:
        return {name: self.parity(name) for name in self.unknowns()}

    def _resolved(self, modes: Array) -> Array:
        """The modes that take part."""
        return modes if self.dealias != "two_thirds" else modes * self._mask()

    def _mask(self) -> Any:
        """1 for the modes that take part and 0 for others."""
        if self.dealias != "two_thirds":
            return 1
        assert self.degree is not None
        return self.basis.below(2 / (self.degree + 1)).astype(np.float32)[None]

    def _filtered(self, modes: Array) -> Array:
        return scale(smooth_cut(self.basis)[None], modes)

    def _linear(self) -> Array:
        """The multipliers of the unknowns, or matrices."""
        basis = self.basis
        return multipliers(self.linear(basis.wavenumbers()), self.unknowns(), basis)

    def _keeps_modes(self) -> bool:
        """Whether the state has modes: those of a splitting have values, but where the linear part
        mixes the unknowns, of which a kick then changes some only.
        """
        if self.values_kept:
            return False
        return self.method not in SPLITTINGS or mixes(self._linear(), self.basis)

    def _kick(self, unknowns: Array, t: Array, tau: Array) -> Array:
        modes, names = self._keeps_modes(), self.unknowns()
        f = self._fields(self.basis, unknowns, t, modes)
        given = self.exact_flow(f, tau)
        kept = {name: f[name] for name in names} if isinstance(given, Mapping) else {}
        found = in_order(names, kept | dict(given) if kept else given)
        if modes:
            return stacked_modes(found, f.basis, self._parities())
        return jnp.stack([each.values.astype(unknowns.dtype) for each in found])

    def _drift(self, unknowns: Array, t: Array, tau: Array) -> Array:
        if type(self).linear_flow is not Statement.linear_flow:
            f = self._fields(self.basis, unknowns, t, modes=False)
            found = in_order(self.unknowns(), self.linear_flow(f, tau))
            return jnp.stack([each.values.astype(unknowns.dtype) for each in found])
        linear = self._linear()
        if mixes(linear, self.basis):
            return matrix_flow(unknowns, linear, tau)
        return self._on_modes(unknowns, lambda modes: exponential(linear * tau) * modes)

    def _on_modes(self, values: Array, function: Callable[[Array], Array]) -> Array:
        basis, parities = self.basis, list(self._parities().values())
        return on_modes(values, basis.with_points(basis.shape), parities, function)
