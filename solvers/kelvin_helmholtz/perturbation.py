"""Small disturbances of a layer that trigger its instability; each is a velocity field of (x,
z).
"""

import abc

import jax.numpy as jnp
from jaxtyping import Array

from physent.protocol.parameters import (
    Declared,
    as_number,
    param,
    static,
)

from .box import Box


class Perturbation(Declared):
    """A velocity added to layers of the given thickness at the given heights."""

    @abc.abstractmethod
    def velocity(
        self, x: Array, z: Array, box: Box, centres: tuple[Array, ...], thickness: Array
    ) -> tuple[Array, Array]:
        """u and w at the points."""

    def check(self, box: Box, key: str) -> None:
        """Raise ParameterError, about a parameter below `key`, if the grid cannot resolve the
        disturbance.
        """


class Unperturbed(Perturbation):
    """No disturbance."""

    def velocity(
        self, x: Array, z: Array, box: Box, centres: tuple[Array, ...], thickness: Array
    ) -> tuple[Array, Array]:
        """0."""
        return jnp.zeros_like(x), jnp.zeros_like(z)


class Wave(Perturbation):
    """A disturbance with a number of wavelengths in the box, which the grid must resolve."""

    amplitude: Array = param(default=0.01, converter=as_number, doc="A", units="velocity")
    m: int = static(2, doc="waves in the box", ge=1)

    def check(self, box: Box, key: str) -> None:
        """See `Perturbation`."""
        box.check_waves((f"{key}.m", self.m))


class Mode(Wave):
    """One divergence-free wave: psi = A delta exp(-((z - z0)/delta)^2) cos(2 pi m x/length), u =
    psi_z, w = -psi_x.

    The same at every layer; delta is the layer's thickness.
    """

    amplitude: Array = param(
        default=0.01,
        converter=as_number,
        doc="A, of the order of its velocity",
        units="velocity",
    )

    def velocity(
        self, x: Array, z: Array, box: Box, centres: tuple[Array, ...], thickness: Array
    ) -> tuple[Array, Array]:
        """psi_z and -psi_x."""
        k = self.m * box.wave[0]
        along = [(z - centre) / thickness for centre in centres]
        envelope = sum((jnp.exp(-(s**2)) for s in along), jnp.zeros_like(z))
        slope = sum((-2 * s * jnp.exp(-(s**2)) for s in along), jnp.zeros_like(z))
        return self.amplitude * slope * jnp.cos(
            k * x
        ), self.amplitude * thickness * k * envelope * jnp.sin(k * x)


class Ripple(Wave):
    """The disturbance of kh2d-solver, u += A sin(2 pi m x/length) exp(-((z - z0)/delta)^2); its
    divergence is projected away.
    """

    def velocity(
        self, x: Array, z: Array, box: Box, centres: tuple[Array, ...], thickness: Array
    ) -> tuple[Array, Array]:
        """See the class."""
        envelope = sum(
            (jnp.exp(-(((z - centre) / thickness) ** 2)) for centre in centres), jnp.zeros_like(z)
        )
        return self.amplitude * jnp.sin(self.m * box.wave[0] * x) * envelope, jnp.zeros_like(z)


PERTURBATIONS: dict[str, type[Perturbation]] = {
    "none": Unperturbed,
    "mode": Mode,
    "ripple": Ripple,
}
