"""Where the particles are at t = 0."""

import abc
import math
from typing import ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from physent.protocol.given import Given
from physent.protocol.parameters import Declared, as_number, param
from physent.solvers.checks import on_host, refuse


class Start(Declared):
    """Positions, and propulsions where they are not to be drawn from their stationary
    distribution. `overlaps` says whether particles that do are to be pushed apart.
    """

    overlaps: ClassVar[bool] = False

    @abc.abstractmethod
    def __call__(
        self, key: PRNGKeyArray, shape: tuple[int, int], length: Array, dtype: jnp.dtype
    ) -> tuple[Float[Array, "n d"], Float[Array, "n d"] | None]:
        """Both of the shape (N, d), in a box of this edge about 0."""

    def check(self, shape: tuple[int, int], directed: bool) -> None:
        """Raise ParameterError if the start does not fit the particles and their dimension, or
        their propulsion, which keeps unit vectors if `directed`.
        """


class Random(Start):
    """Uniform in the box; where the force diverges, overlaps are pushed apart."""

    overlaps: ClassVar[bool] = True

    def __call__(
        self, key: PRNGKeyArray, shape: tuple[int, int], length: Array, dtype: jnp.dtype
    ) -> tuple[Float[Array, "n d"], Float[Array, "n d"] | None]:
        """Drawn from the key."""
        return jax.random.uniform(key, shape, dtype, -0.5, 0.5) * length, None


class Lattice(Start):
    """On the sites of a square or cubic lattice, from the first on."""

    def __call__(
        self, key: PRNGKeyArray, shape: tuple[int, int], length: Array, dtype: jnp.dtype
    ) -> tuple[Float[Array, "n d"], Float[Array, "n d"] | None]:
        """The same for every key."""
        particles, dimension = shape
        side = math.ceil(particles ** (1 / dimension) - 1e-9)
        sites = jnp.stack(jnp.unravel_index(jnp.arange(particles), (side,) * dimension), axis=1)
        return ((sites.astype(dtype) + 0.5) / side - 0.5) * length, None


class GivenParticles(Given, Start):
    """Positions and, if they are not to be drawn, propulsions, (particle, component), from arrays
    or a file.

    Positions are taken into a periodic box. Propulsions are as they are: where the process keeps
    unit vectors, they are to be some.
    """

    position: Array = param(converter=as_number, ndim=2, doc="positions", units="length")
    propulsion: Array | None = param(
        default=None, converter=as_number, ndim=2, doc="propulsions g (default: drawn)"
    )

    def __call__(
        self, key: PRNGKeyArray, shape: tuple[int, int], length: Array, dtype: jnp.dtype
    ) -> tuple[Float[Array, "n d"], Float[Array, "n d"] | None]:
        """The arrays."""
        return self.position, self.propulsion

    def check(self, shape: tuple[int, int], directed: bool) -> None:
        """There must be d components for each particle, and unit vectors where they are to be."""
        self.fit("initial", shape, f"{shape[0]} particles by {shape[1]} components")
        if directed and self.propulsion is not None:
            square = (on_host(self.propulsion) ** 2).sum(-1)
            refuse(
                abs(square - 1) > 1e-5,
                "initial",
                "given a propulsion of another length than 1, allowed with 'brownian' and "
                "'run_and_tumble': unit vectors",
            )


STARTS: dict[str, type[Start]] = {"random": Random, "lattice": Lattice}
