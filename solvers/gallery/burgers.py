"""The viscous Burgers equation."""

import jax.numpy as jnp
from jaxtyping import Array

from physent.protocol.parameters import as_number, param
from physent.protocol.spectral import SpectralSolver, Unknown
from physent.protocol.starts import Start


class Sine(Start):
    """u = amplitude sin(2 pi x/length), which steepens into a shock at x = length/2."""

    amplitude: Array = param(default=1.0, converter=as_number, doc="largest u")

    def __call__(self, solver, key):
        """See `Start`."""
        (x,) = solver.basis.coordinates()
        return {"u": self.amplitude * jnp.sin(2 * jnp.pi * x / solver.length)}


class Burgers(SpectralSolver):
    """A gas without pressure, u_t + u u_x = nu u_xx on a ring: shocks of width ~ nu.

    (J. M. Burgers, Adv. Appl. Mech. 1, 171, 1948.)
    """

    dimensions = (1,)
    defaults = {"dt": 0.002, "initial": {"sine": Sine}}
    viscosity: Array = param(default=0.05, converter=as_number, ge=0, doc="nu")

    def fields(self):
        """u, the velocity."""
        return {"u": Unknown(role="velocity", long_name="velocity", walls="odd")}

    def linear(self, k):
        """-nu k^2."""
        return -self.viscosity * k**2

    def nonlinear(self, f):
        """-(u^2)_x/2."""
        return -0.5 * (f.u * f.u).dx

    def conserved(self, f):
        """The momentum."""
        return {"momentum": f.u}
