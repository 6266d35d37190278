"""The Swift-Hohenberg equation."""

import math

from jaxtyping import Array

from physent.protocol.parameters import as_number, param
from physent.protocol.spectral import SpectralSolver
from physent.protocol.variables import Variable


class SwiftHohenberg(SpectralSolver):
    """Convection at its threshold, u_t = r u - (1 + lap)^2 u + g u^2 - u^3: stripes, hexagons.

    Stripes of wavenumber 1 have the amplitude sqrt(4 r/3) to leading order. The free energy below
    falls. (J. Swift, P. C. Hohenberg, Phys. Rev. A 15, 319, 1977.)
    """

    degree = 3
    defaults = {"n": (128, 128), "length": 20 * math.pi, "dt": 0.1}
    control: Array = param(default=0.3, converter=as_number, doc="r", units="1/time")
    quadratic: Array = param(default=0.0, converter=as_number, doc="g")

    def fields(self):
        """u, as the temperature in the middle of a layer."""
        return {"u": Variable(role="amplitude", long_name="order parameter")}

    def linear(self, k):
        """r - (1 - k^2)^2."""
        return self.control - (1 - k**2) ** 2

    def nonlinear(self, f):
        """g u^2 - u^3."""
        return (f.u * f.u) * (self.quadratic - f.u)

    def derived(self, f):
        """The density of the free energy."""
        bent = f.u.times(1 - f.basis.wavenumbers() ** 2)  # (1 + lap) u
        energy = (bent**2 - self.control * f.u**2) / 2 - self.quadratic / 3 * f.u**3 + f.u**4 / 4
        return {"free_energy": (Variable(role="energy_density", long_name="free energy"), energy)}
