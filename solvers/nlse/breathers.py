"""Breathers on a constant background: Akhmediev, Peregrine and Kuznetsov-Ma.

All three are one family (N. Akhmediev, A. Ankiewicz, Solitons, 1997, chapter 3) and are given here
on a background of any amplitude, in any focusing medium, with their maximum at x = position, t =
-start.
"""

import math

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float

from physent.numerics.rotation import sech
from physent.protocol.parameters import (
    as_number,
    known,
    param,
)
from physent.solvers.checks import on_host, refuse

from .initial import BrightSolution, Medium


def _dimensionless(breather, x: Array, t: Array, medium: Medium) -> tuple[Array, Array]:
    """x and t of a breather scaled to beta = 1/2, g = 1 and a background of 1."""
    xi = medium.steepness(breather.amplitude) * medium.distance(x, breather.position)
    return xi, medium.nonlinearity * breather.amplitude**2 * (breather.start + t)


class Akhmediev(BrightSolution):
    """The Akhmediev breather, periodic in x and localised in t; exact where its period fits the
    box.

    psi = e^{it} [(1 - 4a) cosh bt + sqrt(2a) cos Omega x + i b sinh bt]/[sqrt(2a) cos Omega x -
    cosh bt], with b = sqrt(8a(1 - 2a)) and Omega = 2 sqrt(1 - 2a); peak 1 + 2 sqrt(2a). (N.
    Akhmediev, V. Korneev, Theor. Math. Phys. 69, 1089, 1986.)
    """

    a: Array = param(
        default=0.375,
        converter=as_number,
        gt=0,
        lt=0.5,
        doc="family parameter; 3/8 has the period 2 pi, 1/4 grows fastest",
    )
    amplitude: Array = param(default=1.0, converter=as_number, gt=0, doc="|psi| of the background")
    position: Array = param(
        default=0.0, converter=as_number, doc="position of a maximum", units="length"
    )
    start: Array = param(
        default=-4.0,
        converter=as_number,
        doc="time of the initial state, relative to the maximum",
        units="time",
    )

    def evolved(
        self, x: Float[Array, "..."], t: Float[Array, ""], medium: Medium
    ) -> Complex[Array, "..."]:
        """The solution above, `start` + t after its maximum."""
        xi, tau = _dimensionless(self, x, t, medium)
        b, root = jnp.sqrt(8 * self.a * (1 - 2 * self.a)), jnp.sqrt(2 * self.a)
        wave = jnp.cos(2 * jnp.sqrt(1 - 2 * self.a) * xi)
        # divided by cosh b tau, which would overflow
        decay = sech(b * tau)
        above = (1 - 4 * self.a) + root * wave * decay + 1j * b * jnp.tanh(b * tau)
        return self.amplitude * jnp.exp(1j * tau) * above / (root * wave * decay - 1)

    def fits(self, medium: Medium) -> None:
        """The medium must be focusing and the box a whole number of breather periods."""
        super().fits(medium)
        period = math.pi / (jnp.sqrt(1 - 2 * self.a) * medium.steepness(self.amplitude))
        if not known(period, medium.length):
            return
        length, period = on_host((medium.length, period))
        count = np.maximum(np.round(length / period), 1)
        refuse(
            np.abs(length / period - count) > 1e-6 * count,
            "length",
            f"given {length}, allowed: a multiple of the breather's period {period}; the nearest "
            f"is {count * period}",
        )


class Peregrine(BrightSolution):
    """The Peregrine soliton, localised in x and t: psi = e^{it} [1 - 4(1 + 2it)/(1 + 4x^2 + 4t^2)],
    peak 3.

    It decays as 1/x^2, so on a periodic box it is exact only up to about 1/length^2. (D. H.
    Peregrine, J. Austral. Math. Soc. B 25, 16, 1983.)
    """

    amplitude: Array = param(default=1.0, converter=as_number, gt=0, doc="|psi| of the background")
    position: Array = param(
        default=0.0, converter=as_number, doc="position of the maximum", units="length"
    )
    start: Array = param(
        default=-2.0,
        converter=as_number,
        doc="time of the initial state, relative to the maximum",
        units="time",
    )

    def evolved(
        self, x: Float[Array, "..."], t: Float[Array, ""], medium: Medium
    ) -> Complex[Array, "..."]:
        """The solution on the unbounded line, `start` + t after its maximum."""
        xi, tau = _dimensionless(self, x, t, medium)
        hump = 4 * (1 + 2j * tau) / (1 + 4 * xi**2 + 4 * tau**2)
        return self.amplitude * jnp.exp(1j * tau) * (1 - hump)


class KuznetsovMa(BrightSolution):
    """The Kuznetsov-Ma breather, localised in x and periodic in t.

    psi = e^{it} [(1 - 4a) cos beta t + sqrt(2a) cosh kappa x - i beta sin beta t]/[sqrt(2a) cosh
    kappa x - cos beta t], with beta = sqrt(8a(2a - 1)) and kappa = 2 sqrt(2a - 1); period 2
    pi/beta, peak 1 + 2 sqrt(2a). (E. A. Kuznetsov, Sov. Phys. Dokl. 22, 507, 1977; Y.-C. Ma, Stud.
    Appl. Math. 60, 43, 1979.)
    """

    a: Array = param(
        default=1.0,
        converter=as_number,
        gt=0.5,
        doc="family parameter; larger is narrower and faster",
    )
    amplitude: Array = param(default=1.0, converter=as_number, gt=0, doc="|psi| of the background")
    position: Array = param(
        default=0.0, converter=as_number, doc="position of the maximum", units="length"
    )
    start: Array = param(
        default=0.0,
        converter=as_number,
        doc="time of the initial state, relative to a maximum",
        units="time",
    )

    def evolved(
        self, x: Float[Array, "..."], t: Float[Array, ""], medium: Medium
    ) -> Complex[Array, "..."]:
        """The solution above, `start` + t after a maximum."""
        xi, tau = _dimensionless(self, x, t, medium)
        beta, root = jnp.sqrt(8 * self.a * (2 * self.a - 1)), jnp.sqrt(2 * self.a)
        # divided by cosh kappa xi, which would overflow
        decay = sech(2 * jnp.sqrt(2 * self.a - 1) * xi)
        above = (
            (1 - 4 * self.a) * jnp.cos(beta * tau) - 1j * beta * jnp.sin(beta * tau)
        ) * decay + root
        return self.amplitude * jnp.exp(1j * tau) * above / (root - jnp.cos(beta * tau) * decay)
