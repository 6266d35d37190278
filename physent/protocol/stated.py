"""What the statement of a field equation says, as arrays: its unknowns, and the multipliers of its
linear part.
"""

import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from physent.errors import ParameterError
from physent.numerics.basis import Basis, Parity, shapes_of
from physent.numerics.exponential import etdrk2_step, etdrk4_step
from physent.numerics.field import Vector
from physent.numerics.imex import imex_rk3_step
from physent.protocol.choosing import Unsampled
from physent.protocol.declaration import declarations
from physent.protocol.parameters import known, member_axes
from physent.protocol.starts import GivenFields
from physent.protocol.variables import Variable

T = TypeVar("T")
Methods = Literal[
    "etdrk4",
    "etdrk2",
    "imex_rk3",
    "dopri8",
    "strang",
    "yoshida_4",
    "blanes_moan_4",
    "blanes_moan_6",
]


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


STEPS = {"etdrk2": etdrk2_step, "etdrk4": etdrk4_step, "imex_rk3": imex_rk3_step}
RESERVED = ("t", "x", "y", "z", "basis", "keys", "items", "values", "get")


def described_on(axes: tuple[str, ...], variable: Variable) -> Variable:
    """The variable on these axes unless it has its own."""
    v = variable
    return Variable(v.dims or axes, v.role, v.units, v.long_name, v.nan)


def check_statement(solver: Any, splitting: bool, has_flow: bool) -> None:
    """Raise ParameterError where the settings of a field equation do not fit each other."""
    shape, name = shapes_of(solver.n), type(solver).__name__
    if len(shape) not in solver.dimensions:
        allowed = " or ".join(map(str, solver.dimensions))
        words = f"given {list(shape)}, {len(shape)} axes, allowed: {allowed} for {name}"
        raise ParameterError("n", words)
    boundary, dealias = solver.boundary, solver.dealias
    if isinstance(boundary, tuple) and len(boundary) != len(shape):
        words = f"given {len(boundary)} entries, allowed: {len(shape)}, one for each axis"
        raise ParameterError("boundary", words)
    names = solver.unknowns()
    taken = [name for name in names if name in RESERVED]
    if taken:
        words = f"{name}.fields() names an unknown {taken[0]!r}, which stands for something else"
        raise ParameterError("n", words)
    described = solver.fields().values()
    if len({getattr(each, "complex", False) for each in described}) > 1:
        raise ParameterError("n", f"{name} has real and complex unknowns, allowed: all of one sort")
    for each in described:
        said = getattr(each, "walls", "even")
        said = said if isinstance(said, tuple) else (said,) * len(shape)
        if len(said) != len(shape) or not set(said) <= {"even", "odd"}:
            words = f"{name}.fields() gives walls {said}, allowed: 'even' or 'odd', or one an axis"
            raise ParameterError("boundary", words)
    ends = boundary if isinstance(boundary, tuple) else (boundary,)
    if solver.method == "dopri8" and set(ends) == {"walls"}:
        words = "given 'dopri8', allowed with a periodic or antiperiodic axis only"
        raise ParameterError("method", words)
    each = ends if len(ends) == len(shape) else ends * len(shape)
    if any(n % 2 for n, end in zip(shape, each, strict=True) if end == "antiperiodic"):
        words = "allowed: even numbers along axes with boundary 'antiperiodic'"
        raise ParameterError("n", f"given {list(shape)}, {words}")
    exact = dealias in ("exact", "two_thirds")
    if exact and solver.degree is None:
        words = f"given {dealias!r}, but {name} is no polynomial, allowed: filter, none"
        raise ParameterError("dealias", words)
    if splitting and not has_flow:
        words = f"given {solver.method!r}, allowed: etdrk4, etdrk2, imex_rk3, dopri8 ({name} "
        raise ParameterError("method", f"{words}has no exact_flow(), which it needs)")
    if splitting and exact:
        words = f"given {dealias!r}, but method {solver.method!r} never forms the products: allowed"
        others = "etdrk4, etdrk2, imex_rk3 and dopri8; 'filter' works with every method"
        raise ParameterError("dealias", f"{words} with {others}")


def check_values(start: Any, names: tuple[str, ...], shape: tuple[int, ...]) -> None:
    """Raise ValueError for what a start must not return."""
    given = list(start) if isinstance(start, Mapping) else type(start).__name__
    if given != list(names) and sorted(given) != sorted(names):
        raise ValueError(f"a start gave {given}, allowed: values of {', '.join(names)} by name")
    for name in names:
        if jnp.shape(start[name]) != shape:
            words = f"a start gave {name} of shape {jnp.shape(start[name])}, allowed: {shape}"
            raise ValueError(words)


def grid_of(n: Any, length: Array, boundary: Any, real: bool, more: float) -> Basis:
    """The grid of these settings, with `more` times as many points for products."""
    shape = shapes_of(n)
    fine = shape if more == 1 else tuple(2 * math.ceil(each * more / 2) for each in shape)
    lengths = (length,) * len(shape) if jnp.ndim(length) == 0 else tuple(length)
    each = boundary if isinstance(boundary, tuple) else (boundary,) * len(shape)
    walls, turned = (tuple(end == word for end in each) for word in ("walls", "antiperiodic"))
    return Basis(shape, lengths, walls, real, fine, turned)


def settle_choices(solver: Any, names: tuple[str, ...]) -> None:
    """Give the parts of a field equation what they could not know before it was made: values that
    were held until there is a grid, and the number of axes; and ask each whether it fits.
    """
    for name, declaration in declarations(type(solver)).items():
        if declaration.form != "choice":
            continue
        part = getattr(solver, name)
        if isinstance(part, Unsampled):
            held: Any = part.function
            own = names if issubclass(declaration.given, GivenFields) else declaration.given.usual
            family: Any = declaration.given
            part = family.settled(held, solver, own, name)
        if isinstance(part, GivenFields):
            part = part.named(names)
        if getattr(part, "n", 0) is None:
            part = dataclasses.replace(part, n=solver.n)
        object.__setattr__(solver, name, part)
    for name, declaration in declarations(type(solver)).items():
        check = getattr(getattr(solver, name), "check", None)
        if declaration.form == "choice" and check is not None:
            check(solver)


def first_member(solver: T) -> T:
    """The solver with the parameters of the first member."""
    return jax.tree.map(
        lambda axis, leaf: leaf if axis is None else leaf[0],
        member_axes(solver),
        solver,
        is_leaf=lambda leaf: leaf is None,
    )


def in_order(names: tuple[str, ...], given: Any) -> list[Any]:
    """Fields or numbers in the order of the unknowns."""
    if isinstance(given, Mapping):
        strange = [name for name in given if name not in names]
        if strange:
            raise ValueError(f"given {strange[0]!r}, allowed: {', '.join(names)}")
        return [given.get(name, 0.0) for name in names]
    if isinstance(given, Vector | tuple | list):
        if len(given) != len(names):
            raise ValueError(f"given {len(given)} fields, allowed: {len(names)}")
        return list(given)
    if given is None:
        raise ValueError("nonlinear() and its like must return something, got nothing")
    if len(names) > 1:
        raise ValueError(f"given one field, allowed: a mapping from {', '.join(names)}")
    return [given]


def multipliers(given: Any, names: tuple[str, ...], basis: Basis) -> Array:
    """The multipliers of the unknowns, (fields, ...), or matrices (fields, fields, ...), from what
    `linear` gives.
    """
    shape = basis.modes_shape

    def full(value: Any) -> Array:
        return jnp.broadcast_to(jnp.asarray(value), shape)

    if not isinstance(given, Mapping):
        given = dict(zip(names, in_order(names, given), strict=True))
    in_order(names, given)
    matrix = any(isinstance(row, Mapping) for row in given.values())
    if not matrix:
        rows = [full(given.get(name, 0.0)) for name in names]
        return jnp.stack(_alike(rows, basis))
    entries = []
    for name in names:
        row = given.get(name, {})
        row = row if isinstance(row, Mapping) else {name: row}
        in_order(names, row)
        entries += [full(row.get(other, 0.0)) for other in names]
    return jnp.stack(_alike(entries, basis)).reshape(len(names), len(names), *shape)


def smooth_cut(basis: Basis) -> Float[Array, "..."]:
    """exp(-36 (|k|/k_c)^36) along every axis, k_c two thirds of the largest k."""
    factor = None
    for axis, (n, wall) in enumerate(zip(basis.shape, basis.walls, strict=True)):
        numbers = jnp.asarray(np.abs(basis.numbers(axis)), basis.dtype)
        share = numbers * (1.5 / n if wall else 3.0 / n)
        along = jnp.exp(-36.0 * share**36).reshape(
            [-1 if i == axis else 1 for i in range(len(basis.shape))]
        )
        factor = along if factor is None else factor * along
    assert factor is not None
    return factor


def mixes(linear: Array, basis: Basis) -> bool:
    """Whether the linear part is a matrix for each mode."""
    return linear.ndim == len(basis.shape) + 2


def only_turns(linear: Array) -> bool:
    """Whether matrices, of two fields for each mode, have imaginary eigenvalues; of traced ones it
    is assumed.
    """
    if linear.shape[0] != 2 or not known(linear):
        return linear.shape[0] == 2
    (a, b), (c, d) = np.asarray(linear)
    square = ((a - d) / 2) ** 2 + b * c
    return bool(np.all(a + d == 0) and np.all(square.imag == 0) and np.all(square.real <= 0))


def on_modes(
    values: Array, basis: Basis, parities: list[Parity], function: Callable[[Array], Array]
) -> Array:
    """The values of what a function makes of the modes of all unknowns."""
    if len(set(parities)) == 1:
        return basis.values(function(basis.modes(values, parities[0])), parities[0])
    each = zip(values, parities, strict=True)
    modes = function(jnp.stack([basis.modes(own, parity) for own, parity in each]))
    pairs = zip(modes, parities, strict=True)
    return jnp.stack([basis.values(own, parity) for own, parity in pairs])


def _alike(arrays: list[Array], basis: Basis) -> list[Array]:
    dtype = jnp.result_type(basis.dtype, *(each.dtype for each in arrays))
    kind = jnp.complex64 if any(jnp.iscomplexobj(each) for each in arrays) else basis.dtype
    wide = jnp.result_type(basis.dtype, kind)
    return [each.astype(wide if dtype != wide else dtype) for each in arrays]
