"""The nonlinear Schroedinger equation in one to three dimensions: the solver."""

from collections.abc import Mapping
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float

from physent.numerics import slab, spectral
from physent.numerics.basis import Wavenumbers, shapes_of
from physent.numerics.derivatives import angle
from physent.numerics.field import Field
from physent.numerics.operators import gradient
from physent.numerics.rotation import cosine_sine
from physent.numerics.splitting import SPLITTINGS
from physent.numerics.unknowns import Fields
from physent.protocol.parameters import as_number, choice, one_of, param
from physent.protocol.solver import State, too_long
from physent.protocol.spectral import SpectralSolver, Unknown
from physent.protocol.starts import Start
from physent.protocol.variables import Variable
from physent.solvers.checks import each_member, on_host, refuse

from .initial import Medium
from .interaction import INTERACTIONS, Cubic, Interaction
from .losses import LOSSES, Damping, Losses, NoLosses
from .potential import POTENTIALS, GivenPotential, NoPotential, Potential
from .profiles import GivenWave
from .rotating import turned
from .starts import INITIALS

ELEMENTS = ("length", "area", "volume")


class NLSEState(State):
    """psi at the grid points at time t, and for an adaptive method the next inner step size."""

    t: Float[Array, ""]
    psi: Complex[Array, "..."]
    inner_step: Float[Array, ""] | None = None


class NLSE(SpectralSolver[NLSEState]):
    """The nonlinear Schroedinger (Gross-Pitaevskii) equation on a periodic line, plane or box.

    i psi_t + beta lap psi + g |psi|^2 psi - V psi = 0, each axis [-length/2, length/2) with n
    points, in dimensionless units.

    beta g > 0 is the focusing case with bright solitons. Conserved are the mass int |psi|^2, the
    energy int beta |grad psi|^2 - (g/2) |psi|^4 + V |psi|^2, and without a potential the momentum
    int Im(psi* grad psi). In a frame that turns with `rotation`, Omega, i Omega (x psi_y - y psi_x)
    is added, and the energy has -Omega times the angular momentum.

    The splitting methods conserve the mass to rounding and the energy without a trend; `etdrk4` and
    `dopri8` conserve neither exactly. `dopri8` takes as many inner steps in a `dt` as `rtol` and
    `atol` ask for. With a splitting method waves with |beta| k^2 dt > pi can grow by resonance with
    the step (J. A. C. Weideman, B. M. Herbst, SIAM J. Numer. Anal. 23, 485, 1986): a smooth field
    tolerates that for a while, white noise needs dt below pi/(|beta| k_max^2).
    """

    auxiliary = ("t", "inner_step")
    degree = 3
    values_kept = True  # states have psi at the points whatever the method, in files of any age
    defaults = {
        "n": 512,
        "length": 50.0,
        "dt": 0.01,
        "method": "blanes_moan_4",
        "dealias": "none",
        "rtol": 1e-11,
        "atol": 1e-12,
    }
    initial: Start = choice(
        converter=one_of(INITIALS, given=GivenWave), default="soliton", doc="psi at t = 0"
    )
    dispersion: Array = param(
        default=0.5, converter=as_number, doc="beta, coefficient of lap psi", units="length^2/time"
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
        doc="external potential V",
    )
    interaction: Interaction = choice(
        converter=one_of(INTERACTIONS), default="cubic", doc="f(|psi|^2) in the place of |psi|^2"
    )
    losses: Losses = choice(converter=one_of(LOSSES), default="none", doc="what is lost or gained")
    rotation: Array | None = param(
        default=None,
        converter=as_number,
        doc="Omega, angular velocity of the frame about the last axis (z)",
        units="1/time",
    )

    def __check_init__(self):
        """Reject inconsistent combinations."""
        degree, dealias = self.interaction.degree, self.dealias
        refuse(
            dealias in ("two_thirds", "exact") and degree != 3,
            "dealias",
            f"given {dealias!r}, allowed with another interaction than 'cubic': filter, none",
        )
        if self.rotation is not None:
            axes = len(shapes_of(self.n))
            refuse(axes == 1, "rotation", "given on a line, allowed in two and three dimensions")
            refuse(self.method == "dopri8", "method", "given 'dopri8', allowed in a turning frame: "
                   "the splittings and etdrk4")  # fmt: skip
        ends = self.boundary if isinstance(self.boundary, tuple) else (self.boundary,)
        refuse("walls" in ends, "boundary", "given 'walls', allowed: periodic")

    def fields(self) -> Mapping[str, Variable]:
        """psi, which is complex."""
        return {"psi": Unknown((), "amplitude", "1", "complex amplitude of the wave", complex=True)}

    def packed(self, t: Array, unknowns: Array, inner_step: Array | None) -> NLSEState:
        """psi without the axis before."""
        return NLSEState(t=t, psi=unknowns[0], inner_step=inner_step)

    def unpacked(self, state: NLSEState) -> tuple[Array, Array | None]:
        """psi with it."""
        return state.psi[None], state.inner_step

    def linear(self, k: Wavenumbers) -> Array:
        """-i beta k^2, and -gamma beta k^2 of damping."""
        turn = -1j * self.dispersion * k**2
        if isinstance(self.losses, Damping):
            return turn - self.losses.rate * self.dispersion * k**2
        return turn

    def nonlinear(self, f: Fields) -> Field:
        """i (g f(|psi|^2) - V) psi, losses, and the turning of the frame."""
        basis = f.basis.with_points(f.basis.fine)
        psi = f.psi.values
        frequency = self._frequency(spectral.squared_modulus(psi), self._v(basis, f.t), basis)
        total = 1j * Field.of_values(f.basis, frequency * psi)
        lost = self.losses.term(psi, frequency, basis)
        if lost is not None:
            total = total + Field.of_values(f.basis, lost)
        if self.rotation is not None:
            total = total + self.rotation * (f.x * f.psi.dy - f.y * f.psi.dx)
        return total

    def exact_flow(self, f: Fields, tau: Array) -> Field:
        """The density stays, or is lost, and the phase turns."""
        psi, v = f.psi.values, self._v(f.basis, f.t)
        frequency = self._frequency(spectral.squared_modulus(psi), v, f.basis)
        return Field.of_values(f.basis, self.losses.flow(psi, frequency, v, tau, self))

    def linear_flow(self, f: Fields, tau: Array) -> Field:
        """Each mode turns; in a turning frame psi turns as a whole, which commutes with that."""
        square = f.basis.wavenumbers() ** 2
        cosine, sine = cosine_sine((tau * self.dispersion) * square)
        turn = jax.lax.complex(cosine, -sine)
        if isinstance(self.losses, Damping):
            turn = turn * jnp.exp(-(tau * self.losses.rate * self.dispersion) * square)
        psi = f.psi.times(turn)
        omega = self.rotation
        if omega is None:
            return psi
        return psi.map(lambda values: turned(values, omega * tau, f.basis))

    def derived(self, f: Fields) -> dict[str, tuple[Variable, Any]]:
        """The density |psi|^2 and phase arg psi, and two densities from the spectral derivative.

        energy_density = beta |grad psi|^2 - (g/2)|psi|^4 + V |psi|^2, current = 2 beta Im(psi* grad
        psi), which obeys density_t + div current = 0.
        """
        psi, density = f.psi.values, spectral.squared_modulus(f.psi.values)
        axes, basis, beta = len(f.basis.shape), f.basis, self.dispersion
        slopes = [each.values for each in gradient(f.psi)]
        kinetic = beta * _sum([spectral.squared_modulus(slope) for slope in slopes])
        energy = kinetic - (self.nonlinearity / 2) * self.interaction.doubled_energy(density, basis)
        v = self._v(basis, f.t)
        energy = energy if v is None else energy + v * density
        currents = [2 * beta * (psi.real * slope.imag - psi.imag * slope.real) for slope in slopes]
        if self.rotation is not None:
            x, y = f.x, f.y
            spin = (x * currents[1] - y * currents[0]) / (2 * beta)
            energy = energy - self.rotation * spin
        found: dict[str, tuple[Variable, Any]] = {
            "density": (Variable((), "density", "1", "squared modulus of the wave"), density),
            "phase": (
                Variable((), "phase", "rad", "phase of the wave, between -pi and pi"),
                angle(psi),
            ),
            "energy_density": (
                Variable((), "energy_density", "1", f"energy per unit {ELEMENTS[axes - 1]}"),
                energy,
            ),
        }
        for axis, current in zip("xyz", currents, strict=False):
            words = "flux of the squared modulus" + (f" along {axis}" if axes > 1 else "")
            name = f"current_{axis}" if axes > 1 else "current"
            found[name] = (Variable((), "current", "1", words), current)
        return found

    def kept(self) -> dict[str, Literal["exactly", "bounded"]]:
        """Splittings are unitary and symplectic, unless a filter damps the spectrum."""
        lossless = isinstance(self.losses, NoLosses)
        if self.method not in SPLITTINGS or self.dealias == "filter" or not lossless:
            return {}
        kept: dict[str, Literal["exactly", "bounded"]] = {"mass": "exactly", "energy": "bounded"}
        for name in ("momentum", "momentum_x", "momentum_y", "momentum_z"):
            kept[name] = "bounded"
        return kept

    def conserved(self, f: Fields) -> dict[str, Array]:
        """Mass, energy and, without a potential, momentum; sums over the modes, exact for the
        grid's interpolant.

        The kinetic energy counts the Nyquist mode, as the solver evolves it; the momentum does not,
        for it has no sign.
        """
        if not isinstance(self.losses, NoLosses):
            return {}
        basis, volume = f.basis, f.basis.volume
        spectrum, k = f.psi.modes / float(np.prod(basis.shape)), basis.wavenumbers()
        fine = basis.with_points(basis.fine)
        power, density = spectral.squared_modulus(spectrum), spectral.squared_modulus(f.psi.values)
        energy = self.dispersion * jnp.sum(k**2 * power) - (self.nonlinearity / 2) * jnp.mean(
            self.interaction.doubled_energy(density, fine)
        )
        found = {"mass": volume * jnp.mean(density)}
        v = self._v(fine, f.t)
        if v is None and self.rotation is None:
            for axis, each in zip("xyz", k.axes, strict=False):
                name = "momentum" if len(k) == 1 else f"momentum_{axis}"
                found[name] = volume * jnp.sum(each**1 * power)
        if v is not None:
            energy = energy + jnp.mean(v * density)
        if self.rotation is not None:
            spin = (f.psi.conj * (f.x * f.psi.dy - f.y * f.psi.dx)).values.imag
            energy = energy - self.rotation * jnp.mean(spin)
        return found if self.potential.varies else found | {"energy": volume * energy}

    def longest_dt(self) -> Array:
        """Nine tenths of pi/(|beta| k_max^2), from where on the shortest waves resonate with the
        step, and so little that the phase turns by half a radian (a tenth with `strang`).

        Any step is right for `dopri8`, which divides it, and for a splitting of a free wave. The
        phase is that of |g| |psi|^2 + |V|, at most, at t = 0.
        """

        def longest(solver: "NLSE") -> Array:
            state = solver.init(jax.random.key(0))
            psi, v = state.psi, solver._v(solver.basis, state.t)
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
            density = spectral.squared_modulus(solver.init(jax.random.key(0)).psi).reshape(-1)
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
        """Splittings without a filter and without losses are reversible."""
        if not isinstance(self.losses, NoLosses):
            return "losses take away what no step back finds again"
        return super().why_irreversible()

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
        refuse(self.rotation is not None, "rotation", "a turning frame cannot be split")
        shape = shapes_of(self.n)
        if len(shape) == 1:
            refuse(
                slab.factors(shape[0], devices) is None,
                "n",
                f"n = {self.n} is not a product of two multiples of {devices}",
            )
        for axis in (0, 1)[: len(shape) if len(shape) > 1 else 0]:
            words = f"n = {list(shape)}: {shape[axis]} is not a multiple of {devices}"
            refuse(shape[axis] % devices != 0, "n", words)
        return {"psi": 0}

    @property
    def plain(self) -> bool:
        """Whether this is the equation without a potential and all that may be added."""
        nothing = isinstance(self.potential, NoPotential) and isinstance(self.losses, NoLosses)
        return nothing and isinstance(self.interaction, Cubic) and self.rotation is None

    @property
    def medium(self) -> Medium:
        """What an initial condition along x is told."""
        return Medium(self.basis.lengths[0], self.dispersion, self.nonlinearity)

    def _resonant_dt(self) -> Float[Array, "..."]:
        shape = shapes_of(self.n)
        lengths = self.length if len(shape) > 1 else self.length[..., None]
        largest = sum((np.pi * n / lengths[..., axis]) ** 2 for axis, n in enumerate(shape))
        return np.pi / (abs(self.dispersion) * largest)

    def _v(self, basis: Any, t: Array) -> Array | None:
        """V at the points of the grid."""
        return self.potential(basis, t)

    def _frequency(self, density: Array, v: Array | None, basis: Any) -> Array:
        """g f(|psi|^2) - V."""
        frequency = self.nonlinearity * self.interaction.potential(density, basis)
        return frequency if v is None else frequency - v


def _sum(arrays: list[Array]) -> Array:
    return sum(arrays[1:], arrays[0])
