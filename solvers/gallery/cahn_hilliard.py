"""The Cahn-Hilliard equation."""

from jaxtyping import Array

from physent.numerics.operators import gradient, laplacian
from physent.protocol.parameters import as_number, param
from physent.protocol.spectral import SpectralSolver
from physent.protocol.variables import Variable


class CahnHilliard(SpectralSolver):
    """A mixture that separates, phi_t = M lap mu, mu = -a phi + a phi^3 - K lap phi: domains that
    grow like t^(1/3).

    An interface is tanh(x sqrt(a/2K)). The mean of phi is constant, the free energy falls. (J. W.
    Cahn, J. E. Hilliard, J. Chem. Phys. 28, 258, 1958.)
    """

    degree = 3
    defaults = {"n": (128, 128), "length": 128.0, "dt": 0.1}
    a: Array = param(default=1.0, converter=as_number, gt=0, doc="a")
    stiffness: Array = param(default=1.0, converter=as_number, gt=0, doc="K", units="length^2")
    mobility: Array = param(default=1.0, converter=as_number, gt=0, doc="M")

    def fields(self):
        """phi, the composition."""
        return {"phi": Variable(role="scalar", long_name="composition")}

    def linear(self, k):
        """M k^2 (a - K k^2)."""
        return self.mobility * k**2 * (self.a - self.stiffness * k**2)

    def nonlinear(self, f):
        """M a lap phi^3."""
        return self.mobility * self.a * laplacian(f.phi**3)

    def derived(self, f):
        """The density of the free energy, a (phi^2 - 1)^2/4 + K |grad phi|^2/2."""
        slope = gradient(f.phi)
        energy = self.a / 4 * (f.phi**2 - 1) ** 2 + self.stiffness / 2 * slope.dot(slope)
        return {"free_energy": (Variable(role="energy_density", long_name="free energy"), energy)}

    def conserved(self, f):
        """The amount of one component."""
        return {"mass": f.phi}
