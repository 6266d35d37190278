"""The FitzHugh-Nagumo equations."""

import jax.numpy as jnp
from jaxtyping import Array

from physent.protocol.parameters import as_number, param
from physent.protocol.spectral import SpectralSolver
from physent.protocol.starts import Start
from physent.protocol.variables import Variable


class Stimulus(Start):
    """Rest, u = v = 0, but for u = 1 in a strip |x| < width/2; behind it, at x < 0, v is raised so
    that one pulse leaves.
    """

    width: Array = param(default=10.0, converter=as_number, gt=0, doc="width", units="length")
    refractory: Array = param(default=0.2, converter=as_number, ge=0, doc="v behind the strip")

    def __call__(self, solver, key):
        """See `Start`."""
        x, width = solver.basis.coordinates()[0], self.width
        behind = (jnp.tanh(x + width) - jnp.tanh(x)) / 2
        return {
            "u": (jnp.tanh(x + width / 2) - jnp.tanh(x - width / 2)) / 2,
            "v": self.refractory * behind,
        }


class FitzHughNagumo(SpectralSolver):
    """Nerves and hearts, u_t = D lap u + u (1 - u) (u - a) - v, v_t = e (u - g v): pulses.

    With v = 0 a front moves at sqrt(D/2) (1 - 2 a). (R. FitzHugh, Biophys. J. 1, 445, 1961; J.
    Nagumo, S. Arimoto, S. Yoshizawa, Proc. IRE 50, 2061, 1962.)
    """

    degree = 3
    defaults = {"n": 512, "length": 200.0, "dt": 0.1, "initial": {"stimulus": Stimulus}}
    diffusivity: Array = param(default=1.0, converter=as_number, ge=0, doc="D")
    threshold: Array = param(default=0.1, converter=as_number, doc="a")
    slowness: Array = param(default=0.005, converter=as_number, ge=0, doc="e", units="1/time")
    recovery: Array = param(default=2.0, converter=as_number, ge=0, doc="g")

    def fields(self):
        """u, the voltage, and v, the recovery."""
        return {
            "u": Variable(role="scalar", long_name="membrane voltage"),
            "v": Variable(role="scalar", long_name="recovery"),
        }

    def linear(self, k):
        """Diffusion of u, and the losses of both."""
        loss = self.slowness * self.recovery
        return {"u": -self.diffusivity * k**2 - self.threshold, "v": -loss}

    def nonlinear(self, f):
        """(1 + a) u^2 - u^3 - v, and e u."""
        excited = (f.u * f.u) * (1 + self.threshold - f.u)
        return {"u": excited - f.v, "v": self.slowness * f.u}
