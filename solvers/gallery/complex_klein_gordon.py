"""A complex Klein-Gordon field with a global U(1) symmetry: vortices, and strings in 3-D."""

import jax.numpy as jnp
from jaxtyping import Array

from physent.numerics.operators import gradient
from physent.protocol.parameters import as_number, param, static
from physent.protocol.spectral import SpectralSolver, Unknown
from physent.protocol.starts import Start, random_field
from physent.protocol.variables import Variable


class Quench(Start):
    """A smooth random field at rest about 0, the top of the potential, from which it falls."""

    amplitude: Array = param(
        default=0.1, converter=as_number, ge=0, doc="root mean square of |phi|"
    )
    wavelengths: int = static(8, ge=1, doc="typical number of wavelengths in the box")

    def __call__(self, solver, key):
        """See `Start`."""
        drawn = random_field(solver.basis, solver.parity("phi"), key, self.wavelengths)
        return {"phi": self.amplitude * drawn, "phi_t": jnp.zeros_like(drawn)}


class ComplexKleinGordon(SpectralSolver):
    """A complex field whose phase is free, phi_tt + gamma phi_t - lap phi + (lambda/2) (|phi|^2 -
    v^2) phi = 0: vortices with charges +1 and -1, strings in three dimensions.

    Conserved without damping are the energy int |phi_t|^2 + |grad phi|^2 + (lambda/4) (|phi|^2 -
    v^2)^2 and the charge int Im(phi* phi_t). (A. Vilenkin, E. P. S. Shellard, Cosmic Strings and
    Other Topological Defects, 1994, section 3.1.)
    """

    degree = 3
    defaults = {
        "n": (128, 128),
        "length": 60.0,
        "dt": 0.1,
        "method": "blanes_moan_4",
        "dealias": "none",
        "initial": {"quench": Quench},
    }
    coupling: Array = param(default=2.0, converter=as_number, gt=0, doc="lambda")
    vacuum: Array = param(default=1.0, converter=as_number, gt=0, doc="v, |phi| in the vacuum")
    damping: Array | None = param(
        default=None, converter=as_number, ge=0, doc="gamma", units="1/time"
    )

    def fields(self):
        """phi and its rate."""
        return {
            "phi": Unknown(role="amplitude", complex=True, long_name="field"),
            "phi_t": Unknown(role="momentum", complex=True, long_name="time derivative"),
        }

    def linear(self, k):
        """Waves, and their damping."""
        damping = 0.0 if self.damping is None else self.damping
        return {"phi": {"phi_t": 1.0}, "phi_t": {"phi": -(k**2), "phi_t": -damping}}

    def nonlinear(self, f):
        """The force of the potential."""
        return {"phi_t": self._force(f)}

    def exact_flow(self, f, tau):
        """A kick."""
        return {"phi_t": f.phi_t + tau * self._force(f)}

    def derived(self, f):
        """|phi|^2, and the densities of energy and charge."""
        energy, charge = self._densities(f)
        return {
            "density": (Variable(role="density", long_name="squared modulus"), f.phi.square),
            "energy_density": (Variable(role="energy_density", long_name="energy"), energy),
            "charge_density": (Variable(role="scalar", long_name="charge"), charge),
        }

    def conserved(self, f):
        """Energy and charge, without damping."""
        energy, charge = self._densities(f)
        return {} if self.damping is not None else {"energy": energy, "charge": charge}

    def _force(self, f):
        return -self.coupling / 2 * ((f.phi.square - self.vacuum**2) * f.phi)

    def _densities(self, f):
        well = self.coupling / 4 * (f.phi.square - self.vacuum**2) ** 2
        slopes = [each.square for each in gradient(f.phi)]
        return sum(slopes, f.phi_t.square + well), (f.phi.conj * f.phi_t).imag
