"""A school read from a NetCDF file, for instance the last snapshot of another run."""

from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PRNGKeyArray

from physent.entropy.schools.directions import unit
from physent.protocol.parameters import static
from physent.solvers.snapshot import Snapshot

from .initial import Initial, Start


class FromFile(Snapshot, Initial):
    """Positions and headings at one time of a NetCDF file, with as many fish and components as the
    school.

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
        """The file must exist and hold both variables, of this shape."""
        self._fields(shape)

    def _fields(self, shape: tuple[int, int]) -> list[np.ndarray]:
        d, n = shape
        return self.read((n, d), f"n = {n} fish and {d} components along its last axes")
