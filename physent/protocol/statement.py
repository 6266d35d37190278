"""What one says of a field equation: its parameters, its unknowns, a linear symbol and a nonlinear
part, and what may be added to them.
"""

import abc
from collections.abc import Mapping
from typing import Any, ClassVar, Generic, Literal, cast

import numpy as np
from jaxtyping import Array, Float, Inexact
from typing_extensions import TypeVar

from physent.numerics.basis import Wavenumbers
from physent.numerics.field import Field
from physent.numerics.unknowns import Fields
from physent.protocol.choosing import one_of
from physent.protocol.parameters import as_number, as_step, choice, param, static
from physent.protocol.solver import Solver, State
from physent.protocol.starts import STARTS, GivenFields, Start
from physent.protocol.stated import Methods
from physent.protocol.variables import Variable

Ends = Literal["periodic", "antiperiodic", "walls"]


class SpectralState(State):
    """The unknowns at time t, one after another along the first axis: their modes, or for a
    splitting method without a matrix their values at the points of the grid; and for an adaptive
    method the next inner step size.
    """

    t: Float[Array, ""]
    unknowns: Inexact[Array, "fields ..."]
    inner_step: Float[Array, ""] | None = None


F = TypeVar("F", bound=State, default=SpectralState)


class Statement(Solver[F], Generic[F]):
    """A field equation u_t = L u + N(u, t) as it is stated; how it is solved is in
    `SpectralSolver`.
    """

    dimensions: ClassVar[tuple[int, ...]] = (1, 2, 3)  # that the equation has
    values_kept: ClassVar[bool] = False  # whether its states have values whatever the method
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
    boundary: Ends | tuple[Ends, ...] = static(
        "periodic", doc="what is at the ends of each axis, or of all of them"
    )
    method: Methods = static("etdrk4", doc="time stepping method; the last four need exact_flow()")
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

    @abc.abstractmethod
    def fields(self) -> Mapping[str, Variable]:
        """The unknowns of the equation.

        **Returns:**

        A `Variable` for each unknown by its name, without dims; an `Unknown` where it is complex or
        vanishes at walls.
        """

    @abc.abstractmethod
    def linear(self, k: Wavenumbers) -> Any:
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

        - `f`: the unknowns, known by their values; f.t is the time, which stands still.
        - `tau`: the time, which may be negative.

        **Returns:**

        Like `nonlinear`, the unknowns at a time tau later; those not named stay as they are.
        """
        raise NotImplementedError

    def linear_flow(self, f: Fields, tau: Array) -> Any:
        """The exact flow of the linear part over a time tau, for splitting methods: where it is no
        multiplier of modes, or one that is known better than as e^{L tau}. It is traced.

        **Arguments:**

        - `f`: the unknowns.
        - `tau`: the time, which may be negative.

        **Returns:**

        Like `nonlinear`, the unknowns at a time tau later. Left out, their modes times e^{L tau}.
        """
        raise NotImplementedError

    def packed(self, t: Array, unknowns: Array, inner_step: Array | None) -> F:
        """The state with these unknowns, for an equation that has a state of its own.

        **Arguments:**

        - `t`: the time.
        - `unknowns`: the unknowns, one after another along the first axis.
        - `inner_step`: the next inner step size of `dopri8`, None for other methods.

        **Returns:**

        The state, by default a `SpectralState`.
        """
        return cast(F, SpectralState(t, unknowns, inner_step))

    def unpacked(self, state: F) -> tuple[Array, Array | None]:
        """What a state holds beside the time.

        **Arguments:**

        - `state`: a state, as `packed` made it.

        **Returns:**

        The unknowns and the inner step that `packed` was given.
        """
        own = cast(SpectralState, state)
        return own.unknowns, own.inner_step

    def constrained(self, f: Fields) -> Any:
        """A linear projection on what holds at every time, as a mean of 0 or no divergence; it is
        applied to the start, to N, and after every step. It is traced.

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

    def conserved(self, f: Fields) -> Mapping[str, Field | Array]:
        """What the continuous equation conserves. It is traced.

        **Arguments:**

        - `f`: the unknowns.

        **Returns:**

        By the name of the invariant its density, a `Field` whose integral over the box it is, or
        the number itself, an array without axes; none by default.
        """
        return {}
