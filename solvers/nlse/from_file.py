"""A field read from a NetCDF file, for instance the last snapshot of another run."""

from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float, PRNGKeyArray

from physent.protocol.parameters import static
from physent.solvers.snapshot import Snapshot

from .initial import Initial, Medium


class FromFile(Snapshot, Initial):
    """psi = first variable + i second variable, at one time of a NetCDF file; the grids must have
    equal sizes.

    A variable is (x), (t, x), or (t, member, x). The file is read when the run starts, on the host.
    """

    counts: ClassVar[tuple[int, ...]] = (1, 2)
    variables: tuple[str, ...] = static(
        ("psi_re", "psi_im"), doc="variables with the real and the imaginary part"
    )

    def __call__(
        self, x: Float[Array, " n"], medium: Medium, key: PRNGKeyArray
    ) -> Complex[Array, " n"]:
        """The field, in the precision of x."""
        parts = self._fields(x.size)
        imaginary = parts[1] if len(parts) == 2 else np.zeros_like(parts[0])
        return jnp.asarray(parts[0], x.dtype) + 1j * jnp.asarray(imaginary, x.dtype)

    def check(self, n: int, medium: Medium) -> None:
        """The file must exist and hold the variables on n points."""
        self._fields(n)

    def _fields(self, n: int) -> list[np.ndarray]:
        return self.read((n,), f"n = {n} points along its last axis")
