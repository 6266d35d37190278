"""Initial positions and headings of the fish."""

import abc
import math
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from physent.entropy.schools.directions import unit
from physent.protocol.given import Given
from physent.protocol.parameters import (
    Declared,
    as_number,
    param,
    static,
)
from physent.solvers.checks import on_host, refuse
from physent.solvers.snapshot import Snapshot

Start = tuple[Float[Array, "d n"], Float[Array, "d n"]]


class Initial(Declared):
    """Positions, and headings of length 1."""

    @abc.abstractmethod
    def __call__(
        self, key: PRNGKeyArray, shape: tuple[int, int], length: Array | None, dtype: jnp.dtype
    ) -> Start:
        """Positions and headings of the shape (d, n); `length` is the side of the periodic box, if
        there is one.
        """

    def check(self, shape: tuple[int, int], length: Array | None) -> None:
        """Raise ParameterError if the initial condition does not fit the school or its space."""


class RandomBox(Initial):
    """Fish at random in a cube (a square) with random headings; by default the periodic box."""

    side: Array | None = param(
        default=None,
        converter=as_number,
        gt=0,
        doc="side of the cube; default: the side of the periodic box",
        units="length",
    )

    def __call__(
        self, key: PRNGKeyArray, shape: tuple[int, int], length: Array | None, dtype: jnp.dtype
    ) -> Start:
        """Uniform in [0, side), or about the middle of the periodic box."""
        where, whither = jax.random.split(key)
        side = length if self.side is None else self.side
        place = jax.random.uniform(where, shape, dtype)
        assert side is not None  # or `check` had refused
        corner = 0.0 if length is None or self.side is None else (length - side) / 2
        return corner + side * place, random_directions(whither, shape, dtype)

    def check(self, shape: tuple[int, int], length: Array | None) -> None:
        """In unbounded space the side must be given; a periodic box must contain it."""
        refuse(
            self.side is None and length is None,
            "initial.side",
            "missing, and unbounded space has no box side to use",
        )
        _fits("side", self.side, length)


class RandomBall(Initial):
    """Fish at random in a ball (a disc) with random headings, as in Couzin et al. (2002)."""

    radius: Array = param(
        default=3.5, converter=as_number, gt=0, doc="radius of the ball", units="length"
    )

    def __call__(
        self, key: PRNGKeyArray, shape: tuple[int, int], length: Array | None, dtype: jnp.dtype
    ) -> Start:
        """Uniform in the ball about the origin, or about the middle of the periodic box."""
        where, far, whither = jax.random.split(key, 3)
        distance = self.radius * jax.random.uniform(far, shape[1:], dtype) ** (1 / shape[0])
        place = distance[None, :] * random_directions(where, shape, dtype)
        return _middle(length) + place, random_directions(whither, shape, dtype)

    def check(self, shape: tuple[int, int], length: Array | None) -> None:
        """A periodic box must contain the ball."""
        _fits("radius", self.radius, length, 2)


class Ring(Initial):
    """Fish around a circle, heading along it, like the initial torus of dewi-kadita; in three
    dimensions across z.

    The angles are equally spaced but for their spread; spreads are standard deviations.
    """

    radius: Array = param(
        default=6.0, converter=as_number, gt=0, doc="radius of the circle", units="length"
    )
    angle_spread: Array = param(
        default=0.1,
        converter=as_number,
        ge=0,
        doc="spread of the angles on the circle",
        units="rad",
    )
    radial_spread: Array = param(
        default=0.15,
        converter=as_number,
        ge=0,
        doc="spread of the distances from the middle, over the radius",
    )
    height_spread: Array = param(
        default=0.3, converter=as_number, ge=0, doc="spread of z, over the radius"
    )
    heading_spread: Array = param(
        default=0.1,
        converter=as_number,
        ge=0,
        doc="spread of the component of the heading along z, before it is normalised",
    )

    def __call__(
        self, key: PRNGKeyArray, shape: tuple[int, int], length: Array | None, dtype: jnp.dtype
    ) -> Start:
        """The ring about the origin, or about the middle of the periodic box."""
        d, n = shape
        angle, radius, height, climb = jax.random.normal(key, (4, n), dtype)
        angle = 2 * math.pi * jnp.arange(n, dtype=dtype) / n + self.angle_spread * angle
        radius = self.radius * (1 + self.radial_spread * radius)
        place = [
            radius * jnp.cos(angle),
            radius * jnp.sin(angle),
            self.radius * self.height_spread * height,
        ]
        course = [-jnp.sin(angle), jnp.cos(angle), self.heading_spread * climb]
        return _middle(length) + jnp.stack(place[:d]), unit(jnp.stack(course[:d]), axis=0)

    def check(self, shape: tuple[int, int], length: Array | None) -> None:
        """A periodic box must contain the circle, if not the whole spread about it."""
        _fits("radius", self.radius, length, 2)


class FromFile(Snapshot, Initial):
    """Positions and headings at one time of a NetCDF file, with the number of fish and components
    of the school.

    A variable is (fish, component), (t, fish, component), or (t, member, fish, component). The file
    is read when the run starts, on the host.
    """

    counts: ClassVar[tuple[int, ...]] = (2,)
    variables: tuple[str, ...] = static(
        ("position", "heading"), doc="variables with the positions and the headings"
    )

    def __call__(
        self, key: PRNGKeyArray, shape: tuple[int, int], length: Array | None, dtype: jnp.dtype
    ) -> Start:
        """The school, its headings normalised."""
        position, heading = (jnp.asarray(values.T, dtype) for values in self._fields(shape))
        return position, unit(heading, axis=0)

    def check(self, shape: tuple[int, int], length: Array | None) -> None:
        """The file must exist and contain both variables, of this shape."""
        self._fields(shape)

    def _fields(self, shape: tuple[int, int]) -> list[np.ndarray]:
        d, n = shape
        return self.read((n, d), f"n = {n} fish and {d} components along its last axes")


class GivenSchool(Given, Initial):
    """Positions and headings, (fish, component), from arrays or a file; headings are normalised."""

    position: Array = param(converter=as_number, ndim=2, doc="positions", units="length")
    heading: Array = param(converter=as_number, ndim=2, doc="headings, of any length but 0")

    def __call__(
        self, key: PRNGKeyArray, shape: tuple[int, int], length: Array | None, dtype: jnp.dtype
    ) -> Start:
        """The school."""
        return self.position.T.astype(dtype), unit(self.heading.T.astype(dtype), axis=0)

    def check(self, shape: tuple[int, int], length: Array | None) -> None:
        """There must be d components for each of n fish, and each must head somewhere."""
        d, n = shape
        self.fit("initial", (n, d), f"n = {n} fish by {d} components")
        refuse(
            ~(on_host(self.heading) != 0).any(-1),
            "initial",
            "given a heading of 0, allowed: vectors of any other length",
        )


def random_directions(
    key: PRNGKeyArray, shape: tuple[int, int], dtype: jnp.dtype
) -> Float[Array, "d n"]:
    """Isotropic unit vectors."""
    return unit(jax.random.normal(key, shape, dtype), axis=0)


def _fits(name: str, size: Array | None, length: Array | None, times: int = 1) -> None:
    """Reject configurations that would overlap themselves in the periodic box."""
    given, side = on_host((size, length))
    refuse(
        given is not None and side is not None and times * given > side * (1 + 1e-6),
        f"initial.{name}",
        f"given {given}, which does not fit into the box of length {side}",
    )


def _middle(length: Array | None) -> Array | float:
    return 0.0 if length is None else length / 2
