"""Potentials V(phi) of the Klein-Gordon equation, with their vacua and symmetries."""

import abc
import math
from collections.abc import Callable
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from physent.numerics.rotation import cosine_sine
from physent.protocol.law import Law
from physent.protocol.parameters import (
    Declared,
    as_number,
    known,
    param,
    static,
)
from physent.solvers.checks import refuse


class Potential(Declared):
    """V(phi), pointwise, with V = 0 in the vacuum."""

    @abc.abstractmethod
    def __call__(self, phi: Float[Array, "..."]) -> Float[Array, "..."]:
        """V at each value of phi."""

    @abc.abstractmethod
    def slope(self, phi: Float[Array, "..."]) -> Float[Array, "..."]:
        """V'(phi) at each value of phi."""

    @abc.abstractmethod
    def rest(self) -> Float[Array, ""]:
        """A value of phi where V is smallest."""

    def repeat(self) -> float | None:
        """The period of V, or None."""
        return None

    def is_even(self) -> bool:
        """Whether V(-phi) = V(phi), which an antiperiodic field needs."""
        return True

    def check(self) -> None:
        """Raise ParameterError if the potential is inconsistent."""

    def mass_squared(self) -> Float[Array, ""]:
        """V'' in the vacuum, the square of the mass of small waves about it."""
        return jax.grad(lambda phi: jnp.sum(self.slope(phi)))(self.rest())


class Linear(Potential):
    """A free field of mass m, V = m^2 phi^2 / 2; every initial condition then has an exact
    solution, mode by mode.
    """

    mass: Array = param(
        default=1.0, converter=as_number, ge=0, doc="m, mass of the field", units="1/length"
    )

    def __call__(self, phi: Float[Array, "..."]) -> Float[Array, "..."]:
        """m^2 phi^2 / 2."""
        return 0.5 * (self.mass * phi) ** 2

    def slope(self, phi: Float[Array, "..."]) -> Float[Array, "..."]:
        """m^2 phi."""
        return self.mass**2 * phi

    def rest(self) -> Float[Array, ""]:
        """0."""
        return jnp.zeros_like(self.mass)


class Phi4(Potential):
    """The double well, V = (lambda/4) (phi^2 - v^2)^2, with vacua at -v and v.

    Small waves about them have the mass sqrt(2 lambda) v.
    """

    coupling: Array = param(
        default=1.0, converter=as_number, gt=0, doc="lambda, the coupling", units="1/length^2"
    )
    vacuum: Array = param(
        default=1.0, converter=as_number, gt=0, doc="v, the value of phi in the vacuum"
    )

    def __call__(self, phi: Float[Array, "..."]) -> Float[Array, "..."]:
        """(lambda/4) (phi^2 - v^2)^2."""
        return (self.coupling / 4) * (phi**2 - self.vacuum**2) ** 2

    def slope(self, phi: Float[Array, "..."]) -> Float[Array, "..."]:
        """lambda phi (phi^2 - v^2)."""
        return self.coupling * phi * (phi**2 - self.vacuum**2)

    def rest(self) -> Float[Array, ""]:
        """v."""
        return self.vacuum


class SineGordon(Potential):
    """V = 1 - cos phi, with vacua at the multiples of 2 pi and small waves of mass 1;
    integrable.
    """

    def __call__(self, phi: Float[Array, "..."]) -> Float[Array, "..."]:
        """2 sin^2(phi/2), which is 1 - cos phi without cancellation."""
        return 2 * cosine_sine(phi / 2)[1] ** 2

    def slope(self, phi: Float[Array, "..."]) -> Float[Array, "..."]:
        """sin phi."""
        return cosine_sine(phi)[1]

    def rest(self) -> Float[Array, ""]:
        """0."""
        return jnp.asarray(0.0)  # weakly typed: it takes the precision of what it meets

    def repeat(self) -> float:
        """2 pi."""
        return 2 * math.pi


class DoubleSineGordon(Potential):
    """V = 1 - cos phi + (eta/2) (1 - cos 2 phi), with small waves of mass sqrt(1 + 2 eta); not
    integrable.

    (C. A. Condat, R. A. Guyer, M. D. Miller, Phys. Rev. B 27, 474, 1983.)
    """

    eta: Array = param(
        default=0.5, converter=as_number, gt=-0.5, doc="strength of the second harmonic"
    )

    def __call__(self, phi: Float[Array, "..."]) -> Float[Array, "..."]:
        """2 sin^2(phi/2) + eta sin^2 phi."""
        return 2 * cosine_sine(phi / 2)[1] ** 2 + self.eta * cosine_sine(phi)[1] ** 2

    def slope(self, phi: Float[Array, "..."]) -> Float[Array, "..."]:
        """sin phi + eta sin 2 phi."""
        cosine, sine = cosine_sine(phi)
        return sine * (1 + 2 * self.eta * cosine)

    def rest(self) -> Float[Array, ""]:
        """0."""
        return jnp.zeros_like(self.eta)

    def repeat(self) -> float:
        """2 pi."""
        return 2 * math.pi


class CustomPotential(Law, Potential):
    """A potential of your own: a function V(phi) written with jax.numpy; V' comes from automatic
    differentiation.

    It acts on arrays element by element. From Python the function itself may be given, also in the
    place of the potential.
    """

    arguments: ClassVar[str] = "phi"
    function: str | Callable[..., Any] = static(
        function=True, doc="V(phi) as 'path.py:function'", example="my.py:potential"
    )
    vacuum: Array = param(
        default=0.0, converter=as_number, doc="a value of phi where V is smallest"
    )
    period: float | None = static(
        None, gt=0, doc="period of V in phi, if it has one", example=6.283185307179586
    )

    def __init__(
        self, function: str | Callable[..., Any], vacuum: Any = 0.0, period: float | None = None
    ):
        self.function = function
        self.vacuum = vacuum
        self.period = period

    def __call__(self, phi: Float[Array, "..."]) -> Float[Array, "..."]:
        """The function."""
        return self.law()(phi)

    def slope(self, phi: Float[Array, "..."]) -> Float[Array, "..."]:
        """V'(phi) by automatic differentiation."""
        return jax.grad(lambda phi: jnp.sum(self.law()(phi)))(phi)

    def rest(self) -> Float[Array, ""]:
        """As given."""
        return self.vacuum

    def repeat(self) -> float | None:
        """As given."""
        return self.period

    def is_even(self) -> bool:
        """Tested at a few values; of a function that is being differentiated it is assumed."""
        phi = np.linspace(0.1, 2.9, 7)
        with jax.ensure_compile_time_eval():
            sides = [self(jnp.asarray(sign * phi)) for sign in (1, -1)]
            return not known(*sides) or bool(np.allclose(*sides, rtol=1e-5, atol=1e-6))

    def check(self) -> None:
        """The function must exist, act elementwise, and have the given period."""
        phi = np.linspace(-2.3, 2.7, 5)
        values = self.tried("potential.function", phi)
        if values is not None and self.period is not None:
            with jax.ensure_compile_time_eval():
                shifted = np.asarray(self(jnp.asarray(phi + self.period)))
            refuse(
                not np.allclose(values, shifted, rtol=1e-4, atol=1e-4),
                "potential.period",
                f"given {self.period!r}, but V(phi + {self.period!r}) is not V(phi)",
            )


POTENTIALS: dict[str, type[Potential]] = {
    "linear": Linear,
    "phi4": Phi4,
    "sine_gordon": SineGordon,
    "double_sine_gordon": DoubleSineGordon,
    "custom": CustomPotential,
}
