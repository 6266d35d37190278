"""Where the birds are at t = 0, and where they head."""

import abc

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from physent.entropy.schools.directions import unit
from physent.protocol.given import Given
from physent.protocol.parameters import Declared, as_number, param
from physent.solvers.checks import on_host, refuse


class Start(Declared):
    """Positions in the box [0, length)^d, and headings of length 1."""

    @abc.abstractmethod
    def __call__(
        self, key: PRNGKeyArray, shape: tuple[int, int], length: Array, dtype: jnp.dtype
    ) -> tuple[Float[Array, "n d"], Float[Array, "n d"]]:
        """Both of the shape (n, d)."""

    def check(self, shape: tuple[int, int]) -> None:
        """Raise ParameterError if the start does not fit the birds and their dimensions."""


class Random(Start):
    """Anywhere, to anywhere."""

    def __call__(
        self, key: PRNGKeyArray, shape: tuple[int, int], length: Array, dtype: jnp.dtype
    ) -> tuple[Float[Array, "n d"], Float[Array, "n d"]]:
        """Uniform in the box, isotropic."""
        where, whither = jax.random.split(key)
        heading = unit(jax.random.normal(whither, shape, dtype))
        return length * jax.random.uniform(where, shape, dtype), heading


class Aligned(Start):
    """Anywhere, all along x."""

    def __call__(
        self, key: PRNGKeyArray, shape: tuple[int, int], length: Array, dtype: jnp.dtype
    ) -> tuple[Float[Array, "n d"], Float[Array, "n d"]]:
        """Uniform in the box."""
        along = jnp.zeros(shape, dtype).at[:, 0].set(1)
        return length * jax.random.uniform(key, shape, dtype), along


class GivenFlock(Given, Start):
    """Positions and headings, (bird, component), from arrays or a file; headings are normalised,
    positions taken into the box.
    """

    position: Array = param(converter=as_number, ndim=2, doc="positions", units="length")
    heading: Array = param(converter=as_number, ndim=2, doc="headings, of any length but 0")

    def __call__(
        self, key: PRNGKeyArray, shape: tuple[int, int], length: Array, dtype: jnp.dtype
    ) -> tuple[Float[Array, "n d"], Float[Array, "n d"]]:
        """The arrays."""
        return self.position.astype(dtype), unit(self.heading.astype(dtype))

    def check(self, shape: tuple[int, int]) -> None:
        """There must be d components for each of n birds, and each must head somewhere."""
        n, d = shape
        self.fit("initial", shape, f"n = {n} birds by {d} components")
        refuse(
            ~(on_host(self.heading) != 0).any(-1),
            "initial",
            "given a heading of 0, allowed: vectors of any other length",
        )


STARTS: dict[str, type[Start]] = {"random": Random, "aligned": Aligned}
