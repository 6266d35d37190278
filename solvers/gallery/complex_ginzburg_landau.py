"""The complex Ginzburg-Landau equation."""

import jax.numpy as jnp
from jaxtyping import Array

from physent.protocol.parameters import as_number, param, static
from physent.protocol.spectral import SpectralSolver, Unknown
from physent.protocol.starts import STARTS, Start
from physent.protocol.variables import Variable


class PlaneWave(Start):
    """sqrt(1 - q^2) e^{i (q x - w t)}, w = c + (b - c) q^2: a solution for any b and c."""

    mode: int = static(1, doc="number of wavelengths along x in the box")

    def __call__(self, solver, key):
        """See `Start`."""
        return self.exact(solver, jnp.zeros_like(solver.dt))

    def exact(self, solver, t):
        """The wave turns."""
        basis, b, c = solver.basis, solver.dispersion, solver.nonlinear_dispersion
        q = 2 * jnp.pi * self.mode / basis.lengths[0]
        turn = q * basis.coordinates()[0] - (c + (b - c) * q**2) * t
        return {"psi": jnp.sqrt(1 - q**2) * jnp.exp(1j * turn)}


class ComplexGinzburgLandau(SpectralSolver):
    """Oscillating media near their threshold, psi_t = psi + (1 + i b) lap psi - (1 + i c) |psi|^2
    psi: plane waves, spirals, and defect turbulence where 1 + b c < 0.

    (I. S. Aranson, L. Kramer, Rev. Mod. Phys. 74, 99, 2002.)
    """

    degree = 3
    defaults = {"n": 256, "length": 100.0, "dt": 0.05, "initial": STARTS | {"wave": PlaneWave}}
    dispersion: Array = param(default=2.0, converter=as_number, doc="b")
    nonlinear_dispersion: Array = param(default=-1.2, converter=as_number, doc="c")

    def fields(self):
        """psi, the complex amplitude."""
        return {"psi": Unknown(role="amplitude", complex=True, long_name="amplitude")}

    def linear(self, k):
        """1 - (1 + i b) k^2."""
        return 1 - (1 + 1j * self.dispersion) * k**2

    def nonlinear(self, f):
        """-(1 + i c) |psi|^2 psi."""
        return -(1 + 1j * self.nonlinear_dispersion) * (f.psi.square * f.psi)

    def derived(self, f):
        """|psi|^2."""
        return {"density": (Variable(role="density", long_name="squared modulus"), f.psi.square)}
