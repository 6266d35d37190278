"""The nonlinear Klein-Gordon equation on a ring: the solver."""

from typing import Literal

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float, Int, PRNGKeyArray

from physent.errors import ParameterError
from physent.numerics.rotation import cosine_sine
from physent.numerics.spectral import grid, squared_modulus
from physent.numerics.splitting import SPLITTINGS, STRANG, split_step
from physent.protocol.given import settle
from physent.protocol.parameters import (
    as_number,
    as_step,
    choice,
    kind_of,
    one_of,
    param,
    require_one_member,
    static,
)
from physent.protocol.solver import Solver, State, too_long
from physent.protocol.variables import Axis, Domain, Variable
from physent.solvers.checks import certain, on_host, refuse

from .boundary import BOUNDARIES, Boundary, Winding, named
from .initial import Initial, Medium
from .kinks import Breather, KinkAntikink, Phi4Kink, SineGordonKink, TwoKink
from .potential import POTENTIALS, CustomPotential, Linear, Potential
from .profiles import Gaussian, GivenField, PlaneWave, Sampled

INITIALS: dict[str, type[Initial]] = {
    "gaussian": Gaussian,
    "plane_wave": PlaneWave,
    "phi4_kink": Phi4Kink,
    "kink_antikink": KinkAntikink,
    "sine_gordon_kink": SineGordonKink,
    "breather": Breather,
    "two_kink": TwoKink,
    "sampled": Sampled,
}


class KleinGordonState(State):
    """The amplitudes of u = phi - background and of phi_t at time t, in the modes of the boundary.

    `probe` is phi at the probe point and `bounces` how often it has fallen through zero there. An
    adaptive method keeps the size of the inner step to try next.
    """

    t: Float[Array, ""]
    phi: Complex[Array, " k"]
    phi_t: Complex[Array, " k"]
    probe: Float[Array, ""]
    bounces: Int[Array, ""]
    inner_step: Float[Array, ""] | None = None


Pair = tuple[Complex[Array, " k"], Complex[Array, " k"]]


class KleinGordon(Solver[KleinGordonState]):
    """The nonlinear Klein-Gordon equation of a real field on a ring, in units where the speed of
    light is 1.

    phi_tt - phi_xx + V'(phi) = 0,  x in [-length/2, length/2), n points.

    Conserved are the energy int phi_t^2/2 + phi_x^2/2 + V, the momentum -int phi_t phi_x, and the
    topological charge, which the boundary fixes. The splitting methods solve phi_tt = phi_xx -
    linear_mass^2 phi exactly and kick phi_t by the rest of the force, so that a free field is exact
    for any dt; `stormer_verlet` kicks by the whole force. All of them are symplectic and
    reversible, with a fixed dt; `dopri8` takes as many inner steps in a dt as `rtol` and `atol` ask
    for. A mass in the linear part helps small waves about phi = 0 and hurts moving kinks, which it
    makes 25 to 150 times less accurate.
    """

    auxiliary = ("t", "probe", "inner_step")
    n: int = static(512, ge=4, doc="number of grid points")
    length: Array = param(
        default=60.0, converter=as_number, gt=0, doc="length of the box", units="length"
    )
    dt: Array = param(
        default=0.05, converter=as_step, gt=0, doc="time step, or 'auto'", units="time"
    )
    potential: Potential = choice(
        converter=one_of(POTENTIALS, law=CustomPotential), default="linear", doc="V(phi)"
    )
    boundary: Boundary = choice(
        converter=one_of(BOUNDARIES),
        default="periodic",
        doc="phi(x + length), the topological sector",
    )
    initial: Initial = choice(
        converter=one_of(INITIALS, given=GivenField),
        default="gaussian",
        doc="phi and phi_t at t = 0",
    )
    method: Literal["stormer_verlet", "strang", "blanes_moan_4", "blanes_moan_6", "dopri8"] = (
        static("blanes_moan_4", doc="time stepping method")
    )
    linear_mass: Array | None = param(
        default=None,
        converter=as_number,
        ge=0,
        doc="mass in the exactly solved linear part (default: the mass of a linear potential, "
        "else 0)",
    )
    probe: Array = param(
        default=0.0,
        converter=as_number,
        doc="point where phi and phi_t are followed and bounces counted",
        units="length",
    )
    rtol: Array = param(
        default=1e-11, converter=as_number, gt=0, doc="relative tolerance of dopri8, for each mode"
    )
    atol: Array = param(
        default=1e-12,
        converter=as_number,
        gt=0,
        doc="absolute tolerance of dopri8, for omega times the amplitude of each mode",
    )

    def __check_init__(self):
        """Reject inconsistent combinations."""
        settle(self, lambda solver: (solver._grid(),))
        self.potential.check()
        self.boundary.check(self.n, self.potential.repeat(), self.potential.is_even())
        medium = self._medium()
        self.initial.check(self.n, medium)
        own, fitting = self.boundary, self.initial.boundaries(medium)
        refuse(
            all((type(own), own.charge()) != (type(other), other.charge()) for other in fitting),
            "boundary",
            f"given {named(own)}, but initial condition "
            f"{kind_of(self.initial, INITIALS)!r} with this potential continues differently "
            f"beyond the box, allowed: {' or '.join(named(other) for other in fitting)}",
        )
        length, dt = on_host((self.length, self.dt))
        longest = 2 * length / (np.pi * self.n)
        if self.method == "stormer_verlet" and certain(dt >= longest):
            raise ParameterError(
                "dt",
                f"given {dt.tolist()}, allowed with stormer_verlet: < 2/k_max = "
                f"{np.min(longest):.6g}",
            )

    def init(self, key: PRNGKeyArray) -> KleinGordonState:
        """The initial condition at t = 0, without noise."""
        require_one_member(self)
        t = jnp.zeros_like(self.dt)
        phi, phi_t = self._start()
        return KleinGordonState(
            t=t,
            phi=phi,
            phi_t=phi_t,
            probe=self._at_probe(phi, self._background_slope() * self.probe),
            bounces=jnp.zeros((), int),
            inner_step=jnp.zeros_like(t) if self.method == "dopri8" else None,
        )

    def step(self, state: KleinGordonState) -> KleinGordonState:
        """The state after one time step dt."""
        pair, inner_step = (state.phi, state.phi_t), state.inner_step
        if self.method == "stormer_verlet":
            pair = split_step(
                STRANG,
                pair,
                self.dt,
                self._whole_kick,
                lambda pair, tau: (pair[0] + tau * pair[1], pair[1]),
            )
        elif self.method in SPLITTINGS:
            pair = split_step(SPLITTINGS[self.method], pair, self.dt, self._kick, self._drift)
        else:
            pair, inner_step = self._adaptive(pair, self.dt if inner_step is None else inner_step)
        probe = self._at_probe(pair[0], self._background_slope() * self.probe)
        return KleinGordonState(
            t=state.t + self.dt,
            phi=pair[0],
            phi_t=pair[1],
            probe=probe,
            bounces=state.bounces + ((state.probe > 0) & (probe <= 0)),  # it has fallen
            inner_step=inner_step,
        )

    def observe(self, state: KleinGordonState) -> dict[str, Array]:
        """phi and phi_t, and the densities phi_t^2/2 + phi_x^2/2 + V and -phi_t phi_x by spectral
        derivatives.

        At the probe point: phi, phi_t, and the number of times phi has fallen through zero, found
        once a step.
        """
        phi, phi_t = self._phi(state.phi), self.boundary.field(state.phi_t, self.n)
        slope = self.boundary.field(self._ik() * state.phi, self.n) + self._background_slope()
        return {
            "phi": phi,
            "phi_t": phi_t,
            "energy_density": 0.5 * (phi_t**2 + slope**2) + self.potential(phi),
            "momentum_density": -phi_t * slope,
            "phi_probe": state.probe,
            "phi_t_probe": self._at_probe(state.phi_t, jnp.zeros_like(self.length)),
            "bounces": state.bounces,
        }

    def variables(self) -> dict[str, Variable]:
        """Fields on the grid x, and series at the probe; dimensionless, like the equation."""
        return {
            "phi": Variable(("x",), "amplitude", "1", "field"),
            "phi_t": Variable(
                ("x",), "momentum", "1", "time derivative of the field, its conjugate momentum"
            ),
            "energy_density": Variable(("x",), "energy_density", "1", "energy per unit length"),
            "momentum_density": Variable(
                ("x",), "momentum_density", "1", "momentum per unit length"
            ),
            "phi_probe": Variable((), "scalar", "1", "field at the probe point"),
            "phi_t_probe": Variable(
                (), "scalar", "1", "time derivative of the field at the probe point"
            ),
            "bounces": Variable(
                (), "count", "1", "times the field has fallen through zero at the probe point"
            ),
        }

    def domain(self) -> Domain:
        """The axis x, periodic in space for any boundary of the field."""
        return Domain((Axis("x", self._grid(), self.length, periodic=True, long_name="position"),))

    def kept(self) -> dict[str, Literal["exactly", "bounded"]]:
        """All methods except dopri8 are symplectic; the topological sector is conserved."""
        if self.method == "dopri8":
            return {"topological_charge": "exactly"}
        return {"energy": "bounded", "momentum": "bounded", "topological_charge": "exactly"}

    def why_irreversible(self) -> str | None:
        """All methods except dopri8 are reversible."""
        return "method 'dopri8' is not reversible" if self.method == "dopri8" else None

    def invariants(self, state: KleinGordonState) -> dict[str, Array]:
        """Energy, momentum and topological charge; sums over the modes, exact for the grid's
        interpolant.

        The energy counts the Nyquist mode, as the solver evolves it; the momentum does not, for it
        has no sign.
        """
        weights = self._weights()
        kinetic = jnp.sum(weights * squared_modulus(state.phi_t))
        slope = self._background_slope()
        gradient = jnp.sum(weights * self._k() ** 2 * squared_modulus(state.phi)) + slope**2
        crossed = (self._ik() * state.phi) * jnp.conj(state.phi_t)
        # the first mode is the mean
        momentum = jnp.sum(weights * crossed.real) + slope * state.phi_t[0].real
        energy = 0.5 * (kinetic + gradient) + jnp.mean(self.potential(self._phi(state.phi)))
        return {
            "energy": self.length * energy,
            "momentum": -self.length * momentum,
            "topological_charge": jnp.full_like(self.length, self.boundary.charge()),
        }

    def exact(self, t: Array) -> dict[str, Array]:
        """phi and phi_t at time t, if the initial condition is a solution; always with the linear
        potential, mode by mode from t = 0, in one step.
        """
        if isinstance(self.potential, Linear):
            modes = self._flow(self._start(), t, self.potential.mass)
            phi, phi_t = self._phi(modes[0]), self.boundary.field(modes[1], self.n)
        elif self.initial.is_solution(self._medium()):
            phi, phi_t = self.initial.start(self._grid(), t, self._medium())
        else:
            return {}
        return {"phi": phi, "phi_t": phi_t}

    def longest_dt(self) -> Array:
        """Half the light travel time between grid points, dx/2; dx/8 with methods of order 2.

        Verlet's method is stable up to 2/k_max = .64 dx. The step stays fixed: a change on the way
        would cost the bounded energy error, which a symplectic method has with one dt only.
        """
        share = 0.125 if self.method in ("stormer_verlet", "strang") else 0.5
        return share * self.length / self.n

    def doubtful_dt(self) -> str | None:
        """Whether the step of a splitting is longer than light takes between grid points, where
        k_max dt > pi and the shortest waves can resonate with it; free fields are exact.
        """
        if self.method == "dopri8" or self._is_free():
            return None
        spacing = on_host(self.length) / self.n
        long = too_long(self.dt, spacing, "light takes between grid points, ")
        return long and (
            f"{long}: the shortest waves can grow by resonance with the step; 'auto' chooses a "
            "shorter one"
        )

    # -------------------------------------------------------------------------------------------
    # space and modes

    def _medium(self) -> Medium:
        return Medium(self.length, self.potential, self.boundary)

    def _grid(self) -> Float[Array, " n"]:
        return grid(self.n, self.length)

    def _start(self) -> Pair:
        phi, phi_t = self.initial.start(self._grid(), jnp.zeros_like(self.dt), self._medium())
        return self.boundary.modes(phi - self._background()), self.boundary.modes(phi_t)

    def _background(self) -> Float[Array, "..."]:
        if not isinstance(self.boundary, Winding):
            return jnp.zeros_like(self.length)
        return self._background_slope() * self._grid()

    def _background_slope(self) -> Float[Array, ""]:
        return self.boundary.jump(self.potential.repeat()) / self.length

    def _phi(self, modes: Complex[Array, " k"]) -> Float[Array, " n"]:
        u = self.boundary.field(modes, self.n)
        return u + self._background() if isinstance(self.boundary, Winding) else u

    def _weights(self) -> Float[Array, " k"]:
        return jnp.asarray(self.boundary.weights(self.n), self.length.dtype)

    def _k(self) -> Float[Array, " k"]:
        return self.boundary.wavenumbers(self.n, self.length)

    def _ik(self) -> Complex[Array, " k"]:
        """The factor of a derivative; a Nyquist mode without a partner has none."""
        return 1j * jnp.where(self._weights() == 2, self._k(), 0)

    def _at_probe(
        self, modes: Complex[Array, " k"], background: Float[Array, ""]
    ) -> Float[Array, ""]:
        cosine, sine = cosine_sine(self._k() * (self.probe + self.length / 2))
        return jnp.sum(self._weights() * (modes.real * cosine - modes.imag * sine)) + background

    # ----------------------------------------------------------------------------------------------
    # flows

    def _linear_mass(self) -> Array | None:
        if self.linear_mass is None and isinstance(self.potential, Linear):
            return self.potential.mass
        return self.linear_mass

    def _is_free(self) -> bool:
        return self.linear_mass is None and isinstance(self.potential, Linear)

    def _kick(self, pair: Pair, tau: Array) -> Pair:
        """phi_t -= tau (V'(phi) - m^2 u), m the mass in the linear part."""
        phi, phi_t = pair
        if self._is_free():
            return pair
        return phi, phi_t - tau * self._rest_of_force(phi)

    def _rest_of_force(self, modes: Complex[Array, " k"]) -> Complex[Array, " k"]:
        force = self.boundary.modes(self.potential.slope(self._phi(modes)))
        mass = self._linear_mass()
        return force if mass is None else force - mass**2 * modes

    def _drift(self, pair: Pair, tau: Array) -> Pair:
        mass = self._linear_mass()
        return self._flow(pair, tau, jnp.zeros_like(self.length) if mass is None else mass)

    def _flow(self, pair: Pair, tau: Array, mass: Array) -> Pair:
        """The exact flow of u_tt = u_xx - mass^2 u over a time tau, mode by mode."""
        square = self._k() ** 2 + mass**2
        moving = square > 0
        omega = jnp.sqrt(jnp.where(moving, square, 1))
        cosine, sine = cosine_sine(omega * tau)
        cosine, sine = jnp.where(moving, cosine, 1), jnp.where(moving, sine / omega, tau)
        phi, phi_t = pair
        return cosine * phi + sine * phi_t, cosine * phi_t - (square * sine) * phi

    def _whole_kick(self, pair: Pair, tau: Array) -> Pair:
        """phi_t += tau (phi_xx - V'(phi))."""
        phi, phi_t = pair
        force = self.boundary.modes(self.potential.slope(self._phi(phi)))
        return phi, phi_t - tau * (force + self._k() ** 2 * phi)

    def _adaptive(self, pair: Pair, inner_step: Array) -> tuple[Pair, Array]:
        """One dt of dopri8 in the variables omega u +- i phi_t, which the linear part only
        turns.
        """
        from physent.numerics.adaptive import dopri8_step  # diffrax takes a second to import

        square, mass = self._k() ** 2, self._linear_mass()
        square = square if mass is None else square + mass**2
        # a mode at rest is turned too, and the force takes it back
        omega = jnp.sqrt(jnp.where(square > 0, square, 1))
        phi, phi_t = pair

        def nonlinear(y, _):
            forward, backward = jnp.split(y, 2)
            modes = (forward + backward) / (2 * omega)
            force = (omega**2 - square) * modes - self._rest_of_force(modes)
            return jnp.concatenate([1j * force, -1j * force])

        y, inner_step = dopri8_step(
            jnp.concatenate([omega * phi + 1j * phi_t, omega * phi - 1j * phi_t]),
            self.dt,
            jnp.concatenate([-1j * omega, 1j * omega]),
            nonlinear,
            inner_step,
            self.rtol,
            self.atol,
        )
        forward, backward = jnp.split(y, 2)
        return ((forward + backward) / (2 * omega), (forward - backward) / 2j), inner_step
