"""An initial flow from arrays, a function of x and z, or a file."""

import math
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from physent.errors import ParameterError
from physent.protocol.given import Given
from physent.protocol.parameters import as_number, param
from physent.solvers.checks import certain, on_host

from .box import Box
from .initial import Initial

AT_REST = 0.05  # of the largest u: what it may be at a wall without slip


class GivenFlow(Given, Initial):
    """u, w, density and dye at the cell centres, (nx, nz), where a run saves them.

    Method `projection`, which holds u and w on faces, takes them there by half a cell, exactly for
    the waves of the grid. As in every start, divergence and flow through walls are removed. The
    base state of a forcing that holds one is the horizontal mean.
    """

    coordinates: ClassVar[str] = "x and z"
    u: Array = param(converter=as_number, ndim=2, doc="velocity along x", units="velocity")
    w: Array = param(converter=as_number, ndim=2, doc="velocity along z", units="velocity")
    density_: Array | None = param(
        default=None, converter=as_number, ndim=2, doc="density (default: 1)"
    )
    dye_: Array | None = param(default=None, converter=as_number, ndim=2, doc="dye (default: 0)")

    def velocity(self, x: Array, z: Array, box: Box, key: PRNGKeyArray) -> tuple[Array, Array]:
        """u and w where the method of the box holds them."""
        if box.two_thirds:
            return self.u, self.w
        # u is on left faces; w is odd about walls, and on lower faces
        w = self.w if box.periodic else jnp.concatenate([self.w, -self.w[:, ::-1]], axis=1)
        return _half_a_cell_down(self.u.T).T, _half_a_cell_down(w)[:, : box.nz]

    def stream(self, z: Array, box: Box) -> Array:
        """The horizontal mean of u at the cell centres."""
        return jnp.mean(self.u, axis=0, keepdims=True)

    def density(self, z: Array, box: Box) -> Array:
        """The horizontal mean of the density at the cell centres."""
        return jnp.mean(self.layers(z, box), axis=0, keepdims=True)

    def layers(self, z: Array, box: Box) -> Array:
        """The density."""
        return jnp.ones((box.nx, box.nz), z.dtype) if self.density_ is None else self.density_

    def dye(self, z: Array, box: Box) -> Array:
        """The dye."""
        return jnp.zeros((box.nx, box.nz), z.dtype) if self.dye_ is None else self.dye_

    def check(self, box: Box) -> None:
        """Reject other shapes, a density that is not positive, and flow along a wall without slip
        or, in a box that is periodic in z, through it.
        """
        self.fit("initial", (box.nx, box.nz), f"nx = {box.nx} by nz = {box.nz} cells")
        u, w, density = on_host((self.u, self.w, self.density_))
        if density is not None and certain(density <= 0):
            words = f"given a density of {np.min(density):.6g} at least, allowed: > 0"
            raise ParameterError("initial", words)
        if box.walls == "no_slip":
            ends = u[..., :3], u[..., :-4:-1]
            speed = [abs(15 * f[..., 0] - 10 * f[..., 1] + 3 * f[..., 2]) / 8 for f in ends]
            if certain(speed[0] > AT_REST * abs(u).max()) or certain(
                speed[1] > AT_REST * abs(u).max()
            ):
                words = "given 'no_slip', but the given flow moves along a wall, allowed: free_slip"
                raise ParameterError("walls", f"{words}, or a start at rest there")
        if box.periodic and certain(abs(w.mean((-2, -1))) > 1e-6 * (abs(w).max() + abs(u).max())):
            words = "given w with a mean, by which the whole box would rise, allowed: mean 0"
            raise ParameterError("initial", words)


def _half_a_cell_down(f: Float[Array, "m n"]) -> Float[Array, "m n"]:
    """The values half a cell below along the last axis, which is periodic, by its waves; the
    shortest, of which only every second point is seen, has none.
    """
    n = f.shape[-1]
    turn = np.exp(-1j * math.pi * np.arange(n // 2 + 1) / n)[None, :]
    turn[:, -1] = 0 if n % 2 == 0 else turn[:, -1]
    modes = jnp.fft.rfft(f, axis=-1)
    return jnp.fft.irfft(modes * jnp.asarray(turn, modes.dtype), n, axis=-1)
