"""The nonlinear Schroedinger equation on a periodic interval: the solver."""

from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float, PRNGKeyArray

from physent.numerics import slab, spectral
from physent.numerics.derivatives import angle
from physent.numerics.exponential import etdrk4_step
from physent.numerics.rotation import cosine_sine, rotate
from physent.numerics.splitting import SPLITTINGS, split_step
from physent.protocol.given import settle
from physent.protocol.parameters import (
    as_number,
    as_step,
    choice,
    one_of,
    param,
    require_one_member,
    static,
)
from physent.protocol.solver import Solver, State, too_long
from physent.protocol.variables import Axis, Domain, Variable
from physent.solvers.checks import each_member, on_host, refuse

from .breathers import Akhmediev, KuznetsovMa, Peregrine
from .initial import Initial, Medium
from .potential import POTENTIALS, GivenPotential, NoPotential, Potential
from .profiles import FromFile, GaussianNoise, GivenWave, ModulatedSech, Packet, PlaneWave
from .solitons import BoundState, Soliton, Solitons

INITIALS: dict[str, type[Initial]] = {
    "soliton": Soliton,
    "solitons": Solitons,
    "bound_state": BoundState,
    "akhmediev": Akhmediev,
    "peregrine": Peregrine,
    "kuznetsov_ma": KuznetsovMa,
    "plane_wave": PlaneWave,
    "packet": Packet,
    "breather": ModulatedSech,
    "gaussian_noise": GaussianNoise,
    "from_file": FromFile,
}


class NLSEState(State):
    """psi at the grid points at time t, and for an adaptive method the next inner step size."""

    t: Float[Array, ""]
    psi: Complex[Array, " n"]
    inner_step: Float[Array, ""] | None = None


class NLSE(Solver[NLSEState]):
    """The one-dimensional nonlinear Schroedinger (Gross-Pitaevskii) equation on a periodic box.

    i psi_t + beta psi_xx + g |psi|^2 psi - V(x) psi = 0,  x in [-length/2, length/2), n points, in
    dimensionless units.

    beta g > 0 is the focusing case with bright solitons. Conserved are the mass int |psi|^2, the
    energy int beta |psi_x|^2 - (g/2) |psi|^4 + V |psi|^2, and without a potential the momentum int
    Im(psi* psi_x).

    The splitting methods conserve the mass to rounding and the energy without a trend; `etdrk4` and
    `dopri8` conserve neither exactly. `dopri8` takes as many inner steps in a `dt` as `rtol` and
    `atol` ask for. With a splitting method waves with |beta| k^2 dt > pi can grow by resonance with
    the step (J. A. C. Weideman, B. M. Herbst, SIAM J. Numer. Anal. 23, 485, 1986): a smooth field
    tolerates that for a while, white noise needs dt below pi/(|beta| k_max^2).
    """

    auxiliary = ("t", "inner_step")
    n: int = static(512, ge=4, doc="number of grid points")
    length: Array = param(
        default=50.0, converter=as_number, gt=0, doc="period of the box", units="length"
    )
    dt: Array = param(
        default=0.01, converter=as_step, gt=0, doc="time step, or 'auto'", units="time"
    )
    dispersion: Array = param(
        default=0.5, converter=as_number, doc="beta, coefficient of psi_xx", units="length^2/time"
    )
    nonlinearity: Array = param(
        default=1.0,
        converter=as_number,
        doc="g, coefficient of |psi|^2 psi; negative: defocusing",
        units="1/time",
    )
    potential: Potential = choice(
        converter=one_of(POTENTIALS, given=GivenPotential),
        default="none",
        doc="external potential V(x)",
    )
    initial: Initial = choice(
        converter=one_of(INITIALS, given=GivenWave), default="soliton", doc="psi at t = 0"
    )
    method: Literal["strang", "yoshida_4", "blanes_moan_4", "blanes_moan_6", "etdrk4", "dopri8"] = (
        static("blanes_moan_4", doc="time stepping method")
    )
    dealias: Literal["none", "filter", "exact"] = static(
        "none",
        doc="filter: damp the spectrum by exp(-36 (|k|/k_c)^36), k_c two thirds of the largest "
        "k, once per step; exact: form the cubic product on twice as many points (etdrk4, "
        "dopri8)",
    )
    rtol: Array = param(
        default=1e-11, converter=as_number, gt=0, doc="relative tolerance of dopri8, for each mode"
    )
    atol: Array = param(
        default=1e-12,
        converter=as_number,
        gt=0,
        doc="absolute tolerance of dopri8, for the amplitude of each mode",
    )

    def __check_init__(self):
        """Reject inconsistent combinations."""
        settle(self, lambda solver: (solver._grid(),))
        refuse(
            self.dealias == "exact" and self.method in SPLITTINGS,
            "dealias",
            f"given 'exact', but method {self.method!r} never forms the cubic product: allowed "
            "with etdrk4 and dopri8; 'filter' works with every method",
        )
        self.potential.check(self.n)
        self.initial.check(self.n, self._medium())

    def init(self, key: PRNGKeyArray) -> NLSEState:
        """The initial condition at t = 0."""
        require_one_member(self)
        t = jnp.zeros_like(self.dt)
        return NLSEState(
            t=t,
            psi=self.initial(self._grid(), self._medium(), key),
            inner_step=jnp.zeros_like(t) if self.method == "dopri8" else None,
        )

    def step(self, state: NLSEState) -> NLSEState:
        """The state after one time step dt."""
        inner_step = state.inner_step
        if self.method in SPLITTINGS:
            psi = split_step(SPLITTINGS[self.method], state.psi, self.dt, self._kick, self._drift)
        elif self.method == "etdrk4":
            spectrum = etdrk4_step(
                slab.fft(state.psi), self.dt, self._linear(), lambda y, _: self._nonlinear(y)
            )
            psi = slab.ifft(spectrum)
        else:
            from physent.numerics.adaptive import dopri8_step  # diffrax takes a second to import

            # divided by n the spectrum holds amplitudes, which is what the absolute tolerance
            # speaks of
            spectrum, inner_step = dopri8_step(
                slab.fft(state.psi) / self.n,
                self.dt,
                self._linear(),
                lambda amplitudes, _: self._nonlinear(amplitudes * self.n) / self.n,
                self.dt if state.inner_step is None else state.inner_step,
                self.rtol,
                self.atol,
            )
            psi = slab.ifft(spectrum * self.n)
        if self.dealias == "filter":
            psi = slab.ifft(spectral.two_thirds_filter(self.n, self.dt.dtype) * slab.fft(psi))
        return NLSEState(t=state.t + self.dt, psi=psi, inner_step=inner_step)

    def observe(self, state: NLSEState) -> dict[str, Array]:
        """psi, its density |psi|^2 and phase arg psi, and two densities from the spectral
        derivative.

        energy_density = beta |psi_x|^2 - (g/2)|psi|^4 + V |psi|^2, current = 2 beta Im(psi* psi_x),
        which obeys density_t + current_x = 0.
        """
        psi, density = state.psi, spectral.squared_modulus(state.psi)
        slope = spectral.derivative(psi, self.length)
        energy = (
            self.dispersion * spectral.squared_modulus(slope) - (self.nonlinearity / 2) * density**2
        )
        v = self._potential()
        return {
            "psi": psi,
            "density": density,
            "phase": angle(psi),
            "energy_density": energy if v is None else energy + v * density,
            "current": 2 * self.dispersion * (psi.real * slope.imag - psi.imag * slope.real),
        }

    def variables(self) -> dict[str, Variable]:
        """All observables live on the grid x and are dimensionless, like the equation."""
        return {
            "psi": Variable(("x",), "amplitude", "1", "complex amplitude of the wave"),
            "density": Variable(("x",), "density", "1", "squared modulus of the wave"),
            "phase": Variable(("x",), "phase", "rad", "phase of the wave, between -pi and pi"),
            "energy_density": Variable(("x",), "energy_density", "1", "energy per unit length"),
            "current": Variable(("x",), "current", "1", "flux of the squared modulus"),
        }

    def domain(self) -> Domain:
        """The periodic axis x."""
        return Domain((Axis("x", self._grid(), self.length, periodic=True, long_name="position"),))

    def kept(self) -> dict[str, Literal["exactly", "bounded"]]:
        """Splittings are unitary and symplectic, unless a filter damps the spectrum."""
        if self.method in ("etdrk4", "dopri8") or self.dealias == "filter":
            return {}
        return {"mass": "exactly", "energy": "bounded", "momentum": "bounded"}

    def invariants(self, state: NLSEState) -> dict[str, Array]:
        """Mass, energy and, without a potential, momentum; sums over the modes, exact for the
        grid's interpolant.

        The kinetic energy counts the Nyquist mode, as the solver evolves it; the momentum does not,
        for it has no sign.
        """
        spectrum, k = slab.fft(state.psi) / self.n, spectral.wavenumbers(self.n, self.length)
        power, density = spectral.squared_modulus(spectrum), spectral.squared_modulus(state.psi)
        energy = self.dispersion * jnp.sum(k**2 * power) - (self.nonlinearity / 2) * jnp.mean(
            density**2
        )
        v = self._potential()
        if v is not None:
            return {
                "mass": self.length * jnp.mean(density),
                "energy": self.length * (energy + jnp.mean(v * density)),
            }
        paired = spectral.signed_wavenumbers(self.n, self.length)
        return {
            "mass": self.length * jnp.mean(density),
            "momentum": self.length * jnp.sum(paired * power),
            "energy": self.length * energy,
        }

    def exact(self, t: Array) -> dict[str, Array]:
        """psi and density at time t, if the solution has a closed form and there is no
        potential.
        """
        if not isinstance(self.potential, NoPotential):
            return {}
        psi = self.initial.exact(self._grid(), t, self._medium())
        return {} if psi is None else {"psi": psi, "density": spectral.squared_modulus(psi)}

    def longest_dt(self) -> Array:
        """Nine tenths of pi/(|beta| k_max^2), from where on the shortest waves resonate with the
        step, and so little that the phase turns by half a radian (a tenth with `strang`).

        Any step is right for `dopri8`, which divides it, and for a splitting of a free wave. The
        phase is that of |g| |psi|^2 + |V|, at most, at t = 0.
        """

        def longest(solver: "NLSE") -> Array:
            psi, v = solver.init(jax.random.key(0)).psi, solver._potential()
            turning = jnp.abs(solver.nonlinearity) * jnp.max(spectral.squared_modulus(psi))
            turning = turning if v is None else turning + jnp.max(jnp.abs(v))
            share = 0.1 if solver.method == "strang" else 0.5
            bound = jnp.minimum(0.9 * solver._resonant_dt(), share / turning)
            return jnp.where(turning > 0, bound, jnp.inf)

        if self.method == "dopri8":
            return jnp.full_like(self.dt, jnp.inf)
        return each_member(longest, self)

    def doubtful_dt(self) -> str | None:
        """Whether waves in a potential, or on a background that fills the box, can resonate with
        the step of a splitting.

        A pulse in empty space is not noted: its shortest waves leave it, and do not grow for long.
        """
        with np.errstate(divide="ignore"):  # without dispersion any step is right
            resonant = on_host(self)._resonant_dt()
        long = too_long(self.dt, resonant, "pi/(|beta| k_max^2) = ", slack=0.0)
        if self.method not in SPLITTINGS or long is None:
            return None

        def filled(solver: "NLSE") -> Array:
            density = spectral.squared_modulus(solver.init(jax.random.key(0)).psi)
            there = jnp.minimum(density[0], density[-1]) > 1e-6 * jnp.max(density)
            return (solver.nonlinearity != 0) & there

        free = isinstance(self.potential, NoPotential)
        if free and not np.any(np.asarray(each_member(filled, self))):
            return None
        return (
            f"{long}: in a potential or on a background the shortest waves can grow by resonance "
            "with the step; 'auto' chooses a shorter one"
        )

    def why_irreversible(self) -> str | None:
        """Splittings without a filter are reversible."""
        if self.method not in SPLITTINGS:
            return f"method {self.method!r} is not reversible (splittings are)"
        return "dealias = 'filter' loses what it damps" if self.dealias == "filter" else None

    def split(self, devices: int) -> dict[str, int]:
        """psi is partitioned along x."""
        refuse(
            self.dealias == "exact",
            "dealias",
            "dealias = 'exact' cannot be split ('none' and 'filter' can)",
        )
        refuse(
            self.method == "dopri8",
            "method",
            "method = 'dopri8' cannot be split (every other method can)",
        )
        refuse(
            slab.factors(self.n, devices) is None,
            "n",
            f"n = {self.n} is not a product of two multiples of {devices}",
        )
        return {"psi": 0}

    def _resonant_dt(self) -> Float[Array, "..."]:
        return np.pi / (abs(self.dispersion) * (np.pi * self.n / self.length) ** 2)

    def _medium(self) -> Medium:
        return Medium(self.length, self.dispersion, self.nonlinearity)

    def _grid(self) -> Float[Array, " n"]:
        return spectral.grid(self.n, self.length)

    def _potential(self) -> Float[Array, " n"] | None:
        return self.potential(self._grid(), self.length)

    def _kick(self, psi: Array, tau: Array) -> Array:
        frequency = self.nonlinearity * spectral.squared_modulus(psi)
        v = self._potential()
        return rotate(psi, tau * (frequency if v is None else frequency - v))

    def _drift(self, psi: Array, tau: Array) -> Array:
        cosine, sine = cosine_sine(
            (tau * self.dispersion) * spectral.wavenumbers(self.n, self.length) ** 2
        )
        return slab.ifft(jax.lax.complex(cosine, -sine) * slab.fft(psi))

    def _linear(self) -> Complex[Array, " n"]:
        return -1j * self.dispersion * spectral.wavenumbers(self.n, self.length) ** 2

    def _nonlinear(self, spectrum: Array) -> Array:
        """The spectrum of i (g |psi|^2 - V) psi, given that of psi."""
        v = self._potential()
        if self.dealias == "exact":
            cubic = 1j * self.nonlinearity * spectral.dealiased_cubic(spectrum)
            return cubic if v is None else cubic - 1j * slab.fft(v * slab.ifft(spectrum))
        psi = slab.ifft(spectrum)
        frequency = self.nonlinearity * spectral.squared_modulus(psi)
        return 1j * slab.fft((frequency if v is None else frequency - v) * psi)
