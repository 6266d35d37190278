"""The Gray-Scott reaction."""

import jax
import jax.numpy as jnp
from jaxtyping import Array

from physent.protocol.parameters import as_number, param
from physent.protocol.spectral import SpectralSolver
from physent.protocol.starts import Start
from physent.protocol.variables import Variable


class Spot(Start):
    """u = 1, v = 0 but for a spot in the middle where u = 1/2, v = 1/4, with a little noise."""

    width: Array = param(default=0.1, converter=as_number, gt=0, doc="of the spot", units="length")
    noise: Array = param(default=0.01, converter=as_number, ge=0, doc="relative, in the spot")

    def __call__(self, solver, key):
        """See `Start`."""
        x = solver.basis.coordinates()
        spot = jnp.exp(-sum((each / self.width) ** 2 for each in x))
        spot = spot * (1 + self.noise * jax.random.normal(key, spot.shape, spot.dtype))
        return {"u": 1 - spot / 2, "v": spot / 4}


class GrayScott(SpectralSolver):
    """A fed reaction u + 2 v -> 3 v in which v decays, u_t = D_u lap u - u v^2 + F (1 - u), v_t =
    D_v lap v + u v^2 - (F + k) v: spots that divide, stripes, spirals.

    (J. E. Pearson, Science 261, 189, 1993, whose diffusivities and spacing of points are the
    defaults, in a quarter of his box.)
    """

    degree = 3
    defaults = {"n": (128, 128), "length": 1.25, "dt": 1.0, "initial": {"spot": Spot}}
    feed: Array = param(default=0.035, converter=as_number, ge=0, doc="F", units="1/time")
    kill: Array = param(default=0.06, converter=as_number, ge=0, doc="k", units="1/time")
    diffusivity_u: Array = param(default=2e-5, converter=as_number, ge=0, doc="D_u")
    diffusivity_v: Array = param(default=1e-5, converter=as_number, ge=0, doc="D_v")

    def fields(self):
        """u and v, concentrations."""
        return {
            name: Variable(role="density", long_name=f"concentration of {name}") for name in "uv"
        }

    def linear(self, k):
        """Diffusion, and the loss of each."""
        loss_v = self.feed + self.kill
        return {
            "u": -self.diffusivity_u * k**2 - self.feed,
            "v": -self.diffusivity_v * k**2 - loss_v,
        }

    def nonlinear(self, f):
        """The reaction, and the feed."""
        reaction = f.u * f.v * f.v
        return {"u": self.feed - reaction, "v": reaction}
