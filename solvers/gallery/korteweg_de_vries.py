"""The Korteweg-de Vries equation."""

import jax.numpy as jnp
from jaxtyping import Array

from physent.numerics.rotation import sech
from physent.protocol.parameters import as_number, param
from physent.protocol.spectral import SpectralSolver
from physent.protocol.starts import Start
from physent.protocol.variables import Variable
from physent.solvers.checks import require_length


class Solitons(Start):
    """A sum of solitons (c/2) sech^2(sqrt(c) (x - x_0)/2) of speed c; one alone is exact."""

    speed: Array = param(
        default=(4.0, 1.0), converter=as_number, ndim=1, gt=0, doc="c of each", units="length/time"
    )
    position: Array = param(
        default=(-12.0, -4.0), converter=as_number, ndim=1, doc="x_0 of each", units="length"
    )

    def __call__(self, solver, key):
        """See `Start`."""
        return {"u": self._sum(solver, jnp.zeros_like(solver.dt))}

    def exact(self, solver, t):
        """One soliton moves without a change."""
        return {"u": self._sum(solver, t)} if self.speed.shape[-1] == 1 else {}

    def check(self, solver):
        """As many places as speeds."""
        count = self.speed.shape[-1]
        require_length(self, ("position",), count, f"{count}, as many as speeds", "initial.")

    def _sum(self, solver, t):
        (x,), length = solver.basis.coordinates(), solver.length
        away = x[:, None] - (self.position + self.speed * t)[None]
        away = jnp.mod(away + length / 2, length) - length / 2
        speed = self.speed[None]
        return jnp.sum(speed / 2 * sech(jnp.sqrt(speed) / 2 * away) ** 2, axis=1)


class KortewegDeVries(SpectralSolver):
    """Waves in shallow water, u_t + 6 u u_x + u_xxx = 0 on a ring: solitons that pass each other.

    (N. J. Zabusky, M. D. Kruskal, Phys. Rev. Lett. 15, 240, 1965.)
    """

    dimensions = (1,)
    defaults = {"n": 256, "length": 40.0, "dt": 0.002, "initial": {"solitons": Solitons}}

    def fields(self):
        """u, the height of the wave."""
        return {"u": Variable(role="amplitude", long_name="height of the wave")}

    def linear(self, k):
        """i k^3."""
        return 1j * k**3

    def nonlinear(self, f):
        """-3 (u^2)_x."""
        return -3 * (f.u * f.u).dx

    def conserved(self, f):
        """Mass, momentum and energy, the first of infinitely many."""
        return {"mass": f.u, "momentum": f.u**2, "energy": f.u.dx**2 / 2 - f.u**3}
