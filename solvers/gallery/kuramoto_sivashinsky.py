"""The Kuramoto-Sivashinsky equation."""

from physent.protocol.parameters import static
from physent.protocol.spectral import SpectralSolver, Unknown


class KuramotoSivashinsky(SpectralSolver):
    """Flames and falling films, u_t + u u_x + u_xx + u_xxxx = 0 on a ring: chaos in space and time.

    Waves with 0 < |k| < 1 grow. (Y. Kuramoto, T. Tsuzuki, Prog. Theor. Phys. 55, 356, 1976; G. I.
    Sivashinsky, Acta Astronaut. 4, 1177, 1977.)
    """

    dimensions = (1,)
    defaults = {"length": 22.0, "dt": 0.05}
    zero_mean: bool = static(False, doc="whether the mean of u, which is constant, is kept at 0")

    def fields(self):
        """u, the slope of the front."""
        return {"u": Unknown(role="velocity", long_name="slope of the front", walls="odd")}

    def linear(self, k):
        """k^2 - k^4."""
        return k**2 - k**4

    def nonlinear(self, f):
        """-(u^2)_x/2."""
        return -0.5 * (f.u * f.u).dx

    def constrained(self, f):
        """u without its mean, where that is kept at 0."""
        return f.u.fluctuation if self.zero_mean else None

    def conserved(self, f):
        """The mean of u."""
        return {} if self.zero_mean else {"mass": f.u}
