"""How particles of a nonlinear Schroedinger field act on each other: the frequency g f(|psi|^2)."""

import abc
from typing import Any, ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Float

from physent.errors import ParameterError
from physent.numerics.basis import Basis
from physent.protocol.parameters import Declared, as_number, param


class Interaction(Declared):
    """i psi_t = ... - g f psi, where f depends on the density alone, so that it has an exact flow.

    `degree` is that of f psi as a polynomial of psi, None where it is none.
    """

    degree: ClassVar[int | None] = None

    @abc.abstractmethod
    def potential(self, density: Float[Array, "..."], basis: Basis) -> Float[Array, "..."]:
        """f at the points of the grid. It is traced."""

    @abc.abstractmethod
    def doubled_energy(self, density: Float[Array, "..."], basis: Basis) -> Float[Array, "..."]:
        """F, whose integral times -g/2 is the energy: f = (1/2) dF/d density. It is traced."""


class Cubic(Interaction):
    """f = |psi|^2."""

    degree: ClassVar[int | None] = 3

    def potential(self, density: Float[Array, "..."], basis: Basis) -> Float[Array, "..."]:
        """The density."""
        return density

    def doubled_energy(self, density: Float[Array, "..."], basis: Basis) -> Float[Array, "..."]:
        """Its square."""
        return density**2


class CubicQuintic(Interaction):
    """f = |psi|^2 + q |psi|^4: of light in some glasses; with g < 0 and q < 0 droplets."""

    degree: ClassVar[int | None] = 5
    quintic: Array = param(default=-0.1, converter=as_number, doc="q, relative to g")

    def potential(self, density: Float[Array, "..."], basis: Basis) -> Float[Array, "..."]:
        """n + q n^2."""
        return density + self.quintic * density**2

    def doubled_energy(self, density: Float[Array, "..."], basis: Basis) -> Float[Array, "..."]:
        """n^2 + (2/3) q n^3."""
        return density**2 + (2 / 3) * self.quintic * density**3


class Saturable(Interaction):
    """f = |psi|^2/(1 + s |psi|^2): of light in photorefractive crystals."""

    saturation: Array = param(default=0.1, converter=as_number, gt=0, doc="s")

    def potential(self, density: Float[Array, "..."], basis: Basis) -> Float[Array, "..."]:
        """n/(1 + s n)."""
        return density / (1 + self.saturation * density)

    def doubled_energy(self, density: Float[Array, "..."], basis: Basis) -> Float[Array, "..."]:
        """2 (s n - ln(1 + s n))/s^2."""
        full = self.saturation * density
        return 2 * (full - jnp.log1p(full)) / self.saturation**2


class Dipolar(Interaction):
    """f = |psi|^2 + e U * |psi|^2, the convolution with the potential of dipoles along the last
    axis, U_k = 3 k_last^2/k^2 - 1, in three dimensions.

    The mean over the box, k = 0, has U = 0. (T. Lahaye, C. Menotti, L. Santos, M. Lewenstein,
    T. Pfau, Rep. Prog. Phys. 72, 126401, 2009, eq. 2.9.)
    """

    strength: Array = param(default=0.5, converter=as_number, doc="e, relative to contact")

    def check(self, solver: Any) -> None:
        """Dipoles are in a box."""
        if len(solver.basis.shape) != 3:
            words = f"given 'dipolar' on {len(solver.basis.shape)} axes, allowed: three"
            raise ParameterError("interaction", words)

    def potential(self, density: Float[Array, "..."], basis: Basis) -> Float[Array, "..."]:
        """n + e U * n."""
        return density + self.strength * self._convolved(density, basis)

    def doubled_energy(self, density: Float[Array, "..."], basis: Basis) -> Float[Array, "..."]:
        """n^2 + e n (U * n)."""
        return density * self.potential(density, basis)

    def _convolved(self, density: Array, basis: Basis) -> Array:
        wavenumbers = basis.with_points(density.shape).wavenumbers()
        square = wavenumbers**2
        along = jnp.broadcast_to(wavenumbers.axes[-1] ** 2, square.shape)
        kernel = jnp.where(square == 0, 0, 3 * along / jnp.where(square == 0, 1, square) - 1)
        return jnp.fft.ifftn(kernel * jnp.fft.fftn(density)).real


INTERACTIONS: dict[str, type[Interaction]] = {
    "cubic": Cubic,
    "cubic_quintic": CubicQuintic,
    "saturable": Saturable,
    "dipolar": Dipolar,
}
