"""What a nonlinear Schroedinger field loses or gains, psi_t = i w psi + (loss), with its exact flow
beside that of a frequency w = g f(|psi|^2) - V.
"""

import abc
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from physent.errors import ParameterError
from physent.numerics.basis import Basis
from physent.numerics.exponential import phi_functions
from physent.numerics.products import scale
from physent.numerics.rotation import rotate
from physent.numerics.splitting import SPLITTINGS
from physent.protocol.parameters import Declared, as_number, param

from .potential import along


class Losses(Declared):
    """What is lost or gained."""

    @abc.abstractmethod
    def term(self, psi: Array, frequency: Array, basis: Basis) -> Array | None:
        """The additional part of psi_t at the points of a grid, or None. It is traced."""

    @abc.abstractmethod
    def flow(self, psi: Array, frequency: Array, v: Array | None, tau: Array, solver: Any) -> Array:
        """psi a time tau later, without dispersion, where w is `frequency` now and V is `v`."""

    def check(self, solver: Any) -> None:
        """Raise ParameterError if they do not fit the solver."""


class NoLosses(Losses):
    """Nothing is lost."""

    def term(self, psi: Array, frequency: Array, basis: Basis) -> None:
        """None, so that nothing is computed."""
        return None

    def flow(self, psi: Array, frequency: Array, v: Array | None, tau: Array, solver: Any) -> Array:
        """The phase turns."""
        return rotate(psi, tau * frequency)


class Damping(Losses):
    """Phenomenological damping towards a chemical potential, psi_t = (i + gamma)(g |psi|^2 - V + mu
    + beta lap) psi: what is excited decays, and what is missing is filled up.

    (S. Choi, S. A. Morgan, K. Burnett, Phys. Rev. A 57, 4057, 1998.) With `strang`, `etdrk4` and
    `etdrk2`, and the cubic interaction with g < 0.
    """

    rate: Array = param(default=0.01, converter=as_number, ge=0, doc="gamma")
    chemical_potential: Array = param(
        default=1.0, converter=as_number, doc="mu, towards which psi goes", units="1/time"
    )

    def term(self, psi: Array, frequency: Array, basis: Basis) -> Array:
        """gamma w psi + (i + gamma) mu psi."""
        mu = self.chemical_potential
        return scale(self.rate * (frequency + mu), psi) + scale(1j * mu, psi)

    def flow(self, psi: Array, frequency: Array, v: Array | None, tau: Array, solver: Any) -> Array:
        """The density obeys a logistic equation, n_t = 2 gamma (g n + a) n with a = mu - V, and the
        phase turns by ln(n/n_0)/(2 gamma).
        """
        a = self.chemical_potential - (0 if v is None else v)
        w = frequency + self.chemical_potential  # g n + a, now
        z = 2 * self.rate * tau * a
        # n_0/n = e^{-z} - 2 gamma tau g n_0 phi_1(-z), in logarithms
        phi_1 = phi_functions(-z)[0]
        loss = jnp.log1p(-2 * self.rate * tau * w * phi_1)
        turned = jnp.where(
            self.rate > 0, -loss / (2 * jnp.where(self.rate > 0, self.rate, 1)), tau * w
        )
        return rotate(scale(jnp.exp(-loss / 2), psi), turned)

    def check(self, solver: Any) -> None:
        """Only forwards in time."""
        if solver.method in SPLITTINGS and solver.method != "strang":
            words = f"given {solver.method!r}, which goes back in time: allowed with damping"
            raise ParameterError("method", f"{words}: strang, etdrk4, etdrk2")
        if type(solver.interaction).__name__ != "Cubic":
            raise ParameterError("losses", "given 'damping', allowed with interaction = 'cubic'")


class Gain(Losses):
    """Growth or decay at one rate, psi_t = ... + rate psi."""

    rate: Array = param(
        default=-0.01, converter=as_number, doc="of psi, negative for a loss", units="1/time"
    )

    def term(self, psi: Array, frequency: Array, basis: Basis) -> Array:
        """rate psi."""
        return scale(self.rate, psi)

    def flow(self, psi: Array, frequency: Array, v: Array | None, tau: Array, solver: Any) -> Array:
        """psi grows, and its frequency with it; for f = |psi|^2."""
        grown = 2 * self.rate * tau
        own = frequency if v is None else frequency + v
        turn = own * (phi_functions(grown)[0] - 1) + frequency
        return rotate(scale(jnp.exp(grown / 2), psi), tau * turn)

    def check(self, solver: Any) -> None:
        """The flow is that of the cubic interaction."""
        if solver.method in SPLITTINGS and type(solver.interaction).__name__ != "Cubic":
            raise ParameterError("losses", "given 'gain', allowed with interaction = 'cubic'")


class Absorber(Losses):
    """Layers at the ends of the box in which waves are absorbed, psi_t = ... - W psi, W = strength
    sum_i sin^2 of the way into a layer.
    """

    n: Any = eqx.field(static=True, default=None, kw_only=True)  # of the grid, from the solver
    width: Array = param(
        default=2.0,
        converter=as_number,
        gt=0,
        per_axis=True,
        doc="of the layer at each end of each axis",
        units="length",
    )
    strength: Array = param(
        default=5.0, converter=as_number, ge=0, doc="W at the ends", units="1/time"
    )

    def layer(self, basis: Basis) -> Float[Array, "..."]:
        """W at the points of the grid."""
        total = jnp.zeros(basis.shape, basis.dtype)
        for i, (x, length) in enumerate(zip(basis.coordinates(), basis.lengths, strict=True)):
            width = along(self.width, i)
            depth = jnp.clip((jnp.abs(x) - (length / 2 - width)) / width, 0, 1)
            total = total + jnp.sin(jnp.pi / 2 * depth) ** 2
        return self.strength * total

    def term(self, psi: Array, frequency: Array, basis: Basis) -> Array:
        """-W psi."""
        return scale(-self.layer(basis.with_points(psi.shape)), psi)

    def flow(self, psi: Array, frequency: Array, v: Array | None, tau: Array, solver: Any) -> Array:
        """psi decays by e^{-W tau}, and the frequency of the interaction with it."""
        lost = -2 * self.layer(solver.basis) * tau
        own = frequency if v is None else frequency + v
        turn = own * (phi_functions(lost)[0] - 1) + frequency
        return rotate(scale(jnp.exp(lost / 2), psi), tau * turn)

    def check(self, solver: Any) -> None:
        """The flow is that of the cubic interaction."""
        if solver.method in SPLITTINGS and type(solver.interaction).__name__ != "Cubic":
            raise ParameterError("losses", "given 'absorber', allowed with interaction = 'cubic'")


LOSSES: dict[str, type[Losses]] = {
    "none": NoLosses,
    "gain": Gain,
    "damping": Damping,
    "absorber": Absorber,
}
