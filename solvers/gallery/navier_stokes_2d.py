"""The Navier-Stokes equations in two dimensions."""

import jax.numpy as jnp
from jaxtyping import Array

from physent.numerics.operators import curl, inverse_laplacian
from physent.protocol.parameters import as_number, param, static
from physent.protocol.spectral import SpectralSolver
from physent.protocol.variables import Variable


class NavierStokes2D(SpectralSolver):
    """An incompressible fluid in two dimensions, w_t + v . grad w = nu lap w - a w + curl f, with w
    = curl v.

    The force is f = (F cos(2 pi m y/length), 0), Kolmogorov's. Products are those of C. Basdevant
    (J. Comput. Phys. 50, 209, 1983): four transforms.
    """

    dimensions = (2,)
    defaults = {"n": (128, 128), "dt": 0.01}
    viscosity: Array = param(default=1e-3, converter=as_number, ge=0, doc="nu")
    drag: Array = param(default=0.0, converter=as_number, ge=0, doc="a", units="1/time")
    forcing: Array = param(default=0.0, converter=as_number, doc="F, largest acceleration")
    wavelengths: int = static(4, ge=1, doc="m, wavelengths of the force in the box")

    def fields(self):
        """w, the vorticity."""
        return {"vorticity": Variable(role="vorticity", units="1/time", long_name="vorticity")}

    def linear(self, k):
        """-nu k^2 - a."""
        return -self.viscosity * k**2 - self.drag

    def nonlinear(self, f):
        """(d_yy - d_xx) u v + d_x d_y (u^2 - v^2), and the force."""
        u, v = self._velocity(f)
        mixed, difference = u * v, u * u - v * v
        k = 2 * jnp.pi * self.wavelengths / f.basis.lengths[1]
        curl_of_force = self.forcing * k * jnp.sin(k * f.y)
        return mixed.dy.dy - mixed.dx.dx + difference.dx.dy + curl_of_force

    def derived(self, f):
        """The velocity."""
        u, v = self._velocity(f)
        words = "velocity along"
        return {
            "u": (Variable((), "velocity", "length/time", f"{words} x"), u),
            "v": (Variable((), "velocity", "length/time", f"{words} y"), v),
        }

    def _velocity(self, f):
        return curl(-inverse_laplacian(f.vorticity))
