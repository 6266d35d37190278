"""Functions on a grid as one writes them: sums, products and derivatives, with the fewest
transforms.

A `Field` is known by its modes or by its values at the points. Sums and multiples keep what they
are of; a derivative needs modes and a product needs values, and what was transformed once is not
transformed again. Fields that belong together, as the components of a gradient, are transformed
together. All of this happens while a program is traced.
"""

from collections.abc import Callable, Iterable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from physent.numerics.basis import Basis, Parity
from physent.numerics.products import scale, scale_by_i


class _Node:
    """A function known by its modes, by its values, or by both; `family` are those that are
    transformed with it.
    """

    def __init__(self, basis: Basis, parity: Parity, modes: Any = None, values: Any = None):
        self.basis, self.parity, self.modes, self.values = basis, parity, modes, values
        self.family: list[_Node] = [self]

    def need_values(self) -> Array:
        if self.values is None:
            alike = [n for n in self.family if n.values is None and n.parity == self.parity]
            found = _together(self.basis.values, [each.modes for each in alike], self.parity)
            for each, values in zip(alike, found, strict=True):
                each.values = values
        assert self.values is not None
        return self.values

    def need_modes(self) -> Array:
        if self.modes is None:
            transform_to_modes([self])
        assert self.modes is not None
        return self.modes


def transform_to_modes(nodes: list[_Node]) -> None:
    """The modes of nodes that are known by their values, in one transform for each parity."""
    lacking = list({id(node): node for node in nodes if node.modes is None}.values())
    while lacking:
        first = lacking[0]
        alike = [node for node in lacking if node.parity == first.parity]
        found = _together(first.basis.modes, [node.values for node in alike], first.parity)
        for node, modes in zip(alike, found, strict=True):
            node.modes = modes
        lacking = [node for node in lacking if node.modes is None]


def _together(
    transform: Callable[[Array, Parity], Array], arrays: list[Array], parity: Parity
) -> Iterable[Array]:
    if len(arrays) == 1:
        return [transform(arrays[0], parity)]
    dtype = jnp.result_type(*arrays)
    return transform(jnp.stack([each.astype(dtype) for each in arrays]), parity)


class Field:
    """A function on a grid, real or complex, while a program is traced.

    Fields add, multiply and take numbers, and arrays of values at the points of products, such as
    functions of the coordinates. `f.dx`, `f.dy` and `f.dz` are derivatives; `values` and `modes`
    are arrays. Between walls, and where it is antiperiodic, a function has a parity
    (`physent.numerics.basis`): functions of unequal parity cannot be added.
    """

    __array_ufunc__ = None  # numpy arrays leave sums and products to fields

    def __init__(self, terms: list[tuple[Any, _Node]]):
        self._terms = terms

    @classmethod
    def of_modes(cls, basis: Basis, modes: Array, parity: Parity | None = None) -> "Field":
        """The function with these modes."""
        return cls([(1, _Node(basis, parity or basis.even, modes=modes))])

    @classmethod
    def of_values(cls, basis: Basis, values: Array, parity: Parity | None = None) -> "Field":
        """The function with these values at the points of products."""
        return cls([(1, _Node(basis, parity or basis.even, values=values))])

    @property
    def basis(self) -> Basis:
        """The grid and its modes."""
        return self._terms[0][1].basis

    @property
    def parity(self) -> Parity:
        """+1 or -1 along each axis with walls, +1 along others."""
        return self._terms[0][1].parity

    @property
    def modes(self) -> Array:
        """Its modes."""
        return self._summed("modes")

    @property
    def values(self) -> Array:
        """Its values at the points of products."""
        return self._summed("values")

    def _summed(self, what: str) -> Array:
        """The sum of what is known, and of what is not the transform of a sum."""
        other = "values" if what == "modes" else "modes"
        lacking = [(c, node) for c, node in self._terms if getattr(node, what) is None]
        terms = [(c, node) for c, node in self._terms if getattr(node, what) is not None]
        if len(lacking) > 1 and not any(len(node.family) > 1 for _, node in lacking):
            merged = _Node(self.basis, self.parity)
            setattr(merged, other, _total((c, getattr(node, other)) for c, node in lacking))
            lacking = [(1, merged)]
        self._terms = terms + lacking
        get = _Node.need_modes if what == "modes" else _Node.need_values
        return _total((c, get(node)) for c, node in self._terms)

    def lacking(self) -> list[_Node]:
        """What must be transformed for its modes, after sums."""
        lacking = [(c, node) for c, node in self._terms if node.modes is None]
        if len(lacking) > 1:
            merged = _Node(self.basis, self.parity)
            merged.values = _total((c, node.need_values()) for c, node in lacking)
            known = [(c, node) for c, node in self._terms if node.modes is not None]
            self._terms = [*known, (1, merged)]
            lacking = [(1, merged)]
        return [node for _, node in lacking]

    # ----------------------------------------------------------------------------------------------
    # arithmetic

    def __add__(self, other: Any) -> "Field":
        other = self._taken(other)
        if other.parity != self.parity:
            raise ValueError(
                f"given the sum of functions of parities {self.parity} and {other.parity} at the "
                "walls: allowed are functions of one parity (a derivative across walls changes it)"
            )
        terms = list(self._terms)
        for c, node in other._terms:
            at = next((i for i, (_, own) in enumerate(terms) if own is node), None)
            if at is None:
                terms.append((c, node))
            else:
                terms[at] = (terms[at][0] + c, node)
        return Field(terms)

    __radd__ = __add__

    def __neg__(self) -> "Field":
        return self * -1

    def __sub__(self, other: Any) -> "Field":
        return self + (-other)

    def __rsub__(self, other: Any) -> "Field":
        return (-self) + other

    def __mul__(self, other: Any) -> "Field":
        if isinstance(other, Vector):
            return NotImplemented
        if not isinstance(other, Field) and np.ndim(other) == 0:
            return Field([(c * other, node) for c, node in self._terms])
        return self._pointwise(other, lambda a, b: a * b)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> "Field":
        if not isinstance(other, Field) and np.ndim(other) == 0:
            return self * (1 / other)
        return self._pointwise(other, lambda a, b: a / b)

    def __rtruediv__(self, other: Any) -> "Field":
        return self._taken(other)._pointwise(self, lambda a, b: a / b)

    def __pow__(self, power: int | float) -> "Field":
        if power != int(power):
            return self.map(lambda values: values**power)
        parity = tuple(each ** (int(power) % 2) for each in self.parity)
        return Field.of_values(self.basis, self.values**power, parity)

    def map(self, function: Callable[[Array], Array], parity: Parity | None = None) -> "Field":
        """A function of its values; one of an odd function must say its `parity`."""
        if parity is None and -1 in self.parity:
            raise ValueError(
                "given a function of values that are odd at a wall or antiperiodic, whose parity "
                "is not known: allowed with parity=..., +1 or -1 for each axis"
            )
        return Field.of_values(self.basis, function(self.values), parity)

    @property
    def fluctuation(self) -> "Field":
        """f without its mean over the box; a function that is odd at walls has none to take away,
        for a constant is even.
        """
        if -1 in self.parity:
            raise ValueError("given the fluctuation of a function without a mean, odd at walls")
        first = np.ones(self.basis.modes_shape, np.float32)
        first[(0,) * first.ndim] = 0
        return self.times(jnp.asarray(first, self.basis.dtype))

    @property
    def conj(self) -> "Field":
        """Its complex conjugate."""
        return Field.of_values(self.basis, jnp.conj(self.values), self.parity)

    @property
    def square(self) -> "Field":
        """|f|^2, which is real."""
        v = self.values
        square = v.real**2 + v.imag**2 if jnp.iscomplexobj(v) else v * v
        return Field.of_values(self.basis, square)

    @property
    def real(self) -> "Field":
        """Its real part."""
        return Field.of_values(self.basis, self.values.real, self.parity)

    @property
    def imag(self) -> "Field":
        """Its imaginary part."""
        return Field.of_values(self.basis, self.values.imag, self.parity)

    def _pointwise(self, other: Any, function: Callable[[Array, Array], Array]) -> "Field":
        if isinstance(other, Field):
            parity = tuple(a * b for a, b in zip(self.parity, other.parity, strict=True))
            return Field.of_values(self.basis, function(self.values, other.values), parity)
        _check(other, self.basis)
        return Field.of_values(self.basis, function(self.values, other), self.parity)

    def _taken(self, other: Any) -> "Field":
        if isinstance(other, Field):
            return other
        if np.ndim(other):  # values of somebody who knows what they do at the walls
            _check(other, self.basis)
            return Field.of_values(self.basis, other, self.parity)
        unit = _Node(self.basis, self.basis.even)
        unit.values = jnp.ones(self.basis.fine, self.basis.dtype)
        unit.modes = mean_mode(self.basis)
        return Field([(other, unit)])

    # ----------------------------------------------------------------------------------------------
    # derivatives

    @property
    def dx(self) -> "Field":
        """Its derivative along the first axis."""
        return derivative(self, 0)

    @property
    def dy(self) -> "Field":
        """Its derivative along the second axis."""
        return derivative(self, 1)

    @property
    def dz(self) -> "Field":
        """Its derivative along the third axis."""
        return derivative(self, 2)

    def times(self, symbol: Array, parity: Parity | None = None) -> "Field":
        """The function whose modes are multiplied by a symbol, an array over the modes."""
        return Field.of_modes(self.basis, scale(symbol, self.modes), parity or self.parity)


def _total(terms: Iterable[tuple[Any, Array]]) -> Array:
    """sum c a, without a multiplication by 1."""
    total = None
    for c, array in terms:
        one = isinstance(c, int) and c == 1
        minus = isinstance(c, int) and c == -1
        if total is None:
            total = array if one else -array if minus else scale(c, array)
        elif one or minus:
            total = total + array if one else total - array
        else:
            total = total + scale(c, array)
    assert total is not None
    return total


def _check(values: Any, basis: Basis) -> None:
    if np.shape(values) != basis.fine:
        raise ValueError(
            f"given values of shape {np.shape(values)}, allowed: {basis.fine}, that of the points "
            "of products, whose coordinates are f.x, f.y and f.z"
        )


def mean_mode(basis: Basis) -> Array:
    """The modes of the function 1."""
    first = np.zeros(basis.modes_shape)
    first[(0,) * first.ndim] = np.prod(basis.shape)
    modes = jnp.asarray(first, basis.dtype)
    return (
        modes
        if all(basis.walls) and basis.real
        else modes.astype(jnp.result_type(basis.dtype, jnp.complex64))
    )


# --------------------------------------------------------------------------------------------------
# vectors


class Vector(tuple[Field, ...]):
    """The components of a vector field, one for each axis, transformed together."""

    def __new__(cls, components: Iterable[Field]) -> "Vector":
        """A vector of these components."""
        made = super().__new__(cls, components)
        family = [node for field in made for _, node in field._terms if node.values is None]
        for node in family:
            node.family = family
        return made

    def __add__(self, other: Any) -> "Vector":  # pyright: ignore[reportIncompatibleMethodOverride]
        return Vector(a + b for a, b in zip(self, other, strict=True))

    def __sub__(self, other: Any) -> "Vector":
        return Vector(a - b for a, b in zip(self, other, strict=True))

    def __neg__(self) -> "Vector":
        return Vector(-a for a in self)

    def __mul__(self, other: Any) -> "Vector":  # pyright: ignore[reportIncompatibleMethodOverride]
        return Vector(a * other for a in self)

    __rmul__ = __mul__  # pyright: ignore[reportAssignmentType]

    def __truediv__(self, other: Any) -> "Vector":
        return Vector(a / other for a in self)

    def dot(self, other: "Vector") -> Field:
        """The scalar product."""
        products = [a * b for a, b in zip(self, other, strict=True)]
        return sum(products[1:], products[0])


def derivative(f: Field, axis: int, order: int = 1) -> Field:
    """The derivative of some order along an axis, which changes the parity between walls where the
    order is odd.
    """
    basis = f.basis
    if not 0 <= axis < len(basis.shape):
        words = f"{len(basis.shape)} dimension" + "s" * (len(basis.shape) > 1)
        raise ValueError(f"given a derivative along axis {axis} in {words}")
    k, odd = basis.wavenumbers().axes[axis], order % 2 == 1
    turn = (-1) ** (order // 2)
    if not odd:
        return f.times(turn * k**order)
    if not basis.walls[axis]:
        return Field.of_modes(basis, scale_by_i(turn * k**order, f.modes), f.parity)
    parity = tuple(-p if i == axis else p for i, p in enumerate(f.parity))
    return f.times(-turn * f.parity[axis] * k.every**order, parity)


def together_to_modes(fields: Iterable[Field]) -> None:
    """Transform what has no modes yet of several fields at once."""
    transform_to_modes([node for field in fields for node in field.lacking()])
