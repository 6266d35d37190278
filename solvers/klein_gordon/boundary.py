"""The topological sectors of a field on a ring: periodic, antiperiodic, winding; and walls.

phi = background + u, where u has modes (`physent.numerics.basis`). In two and three dimensions the
sector is that of the axis x, and the others are periodic.
"""

import abc
from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Float

from physent.numerics.basis import Basis
from physent.protocol.parameters import Declared, static
from physent.solvers.checks import refuse


class Boundary(Declared):
    """The continuation phi(x + length) of phi beyond the box, and so its modes."""

    turned: ClassVar[bool] = False  # whether u changes its sign from end to end along x
    walls: ClassVar[bool] = False  # whether the box has walls

    def check(self, n: int, period: float | None, even: bool) -> None:
        """Raise ParameterError if the boundary does not fit the grid and the potential."""

    def basis(self, shape: tuple[int, ...], lengths: tuple[Float[Array, ""], ...]) -> Basis:
        """The grid of these numbers of points in a box of these lengths, and its modes."""
        others = len(shape) - 1
        walls, turned = (self.walls,) * len(shape), (self.turned, *[False] * others)
        return Basis(shape, lengths, walls, True, shape, turned)

    def jump(self, period: float | None) -> float:
        """The growth of the background over the length, phi(x + length) - phi(x)."""
        return 0.0

    @abc.abstractmethod
    def charge(self) -> int:
        """The topological charge fixed by the boundary; for an antiperiodic field the number of
        kinks modulo 2.
        """

    def continued(
        self, phi: Float[Array, "..."], turns: Float[Array, "..."], period: float | None
    ) -> Float[Array, "..."]:
        """phi(x + turns length) for the values of phi(x)."""
        return phi


class Periodic(Boundary):
    """phi(x + length) = phi(x)."""

    def charge(self) -> int:
        """0: as many kinks as antikinks."""
        return 0


class Antiperiodic(Boundary):
    """phi(x + length) = -phi(x), the sector of one kink of an even potential; half-integer
    wavenumbers.
    """

    turned: ClassVar[bool] = True

    def check(self, n: int, period: float | None, even: bool) -> None:
        """Needs an even number of points and V(-phi) = V(phi)."""
        refuse(n % 2, "n", f"given {n}, allowed: an even number with boundary 'antiperiodic'")
        refuse(
            not even,
            "boundary",
            "given 'antiperiodic', but V(-phi) is not V(phi): allowed with this potential: "
            "'periodic'",
        )

    def charge(self) -> int:
        """1: an odd number of kinks."""
        return 1

    def continued(
        self, phi: Float[Array, "..."], turns: Float[Array, "..."], period: float | None
    ) -> Float[Array, "..."]:
        """The sign changes at every turn."""
        return phi * (1 - 2 * jnp.mod(turns, 2))


class Winding(Boundary):
    """phi(x + length) = phi(x) + number P, P the period of V: `number` more kinks than antikinks.

    phi = number P x/length + u with a periodic u.
    """

    number: int = static(1, doc="kinks minus antikinks")

    def check(self, n: int, period: float | None, even: bool) -> None:
        """Needs a potential with a period."""
        refuse(
            period is None,
            "boundary",
            "given 'winding', but V has no period: allowed with this potential: 'periodic' or "
            "'antiperiodic'",
        )

    def jump(self, period: float | None) -> float:
        """The number of windings times the period."""
        return 0.0 if period is None else self.number * period

    def charge(self) -> int:
        """The number of windings."""
        return self.number

    def continued(
        self, phi: Float[Array, "..."], turns: Float[Array, "..."], period: float | None
    ) -> Float[Array, "..."]:
        """One more jump at every turn."""
        return phi + self.jump(period) * turns


class Walls(Boundary):
    """Walls at the ends of every axis, where the slope of phi vanishes: waves and kinks are
    reflected. Points are the midpoints of cells.
    """

    walls: ClassVar[bool] = True

    def charge(self) -> int:
        """0, though any number of kinks may lie between walls."""
        return 0


BOUNDARIES: dict[str, type[Boundary]] = {
    "periodic": Periodic,
    "antiperiodic": Antiperiodic,
    "winding": Winding,
    "walls": Walls,
}


def named(boundary: Boundary) -> str:
    """A boundary as written in a config."""
    if isinstance(boundary, Winding) and boundary.number != 1:
        return f'{{ kind = "winding", number = {boundary.number} }}'
    return repr(next(kind for kind, cls in BOUNDARIES.items() if type(boundary) is cls))
