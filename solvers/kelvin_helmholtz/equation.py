"""Stratified shear flow in a vertical plane: the solver."""

from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from physent.numerics.derivatives import forward_only
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
from physent.solvers.checks import each_member, refuse

from .box import INTEGRALS, Box, Fluid, Method, Walls
from .forcing import FORCINGS, CustomForcing, Forcing
from .given import GivenFlow
from .initial import INITIALS, Initial
from .projection import Projection, Staggered
from .pseudospectral import Pseudospectral, Spectrum

INNER_STEPS = (
    "reverse mode cannot pass the inner steps of stepping 'adaptive' and 'courant', of which there "
    "are as many as it takes; allowed: stepping = 'fixed', or forward mode (jax.jvp, jax.jacfwd)"
)


class KelvinHelmholtzState(State):
    """The flow in the form of its method, the number of inner steps per dt, and the random key of
    the forcing.
    """

    t: Float[Array, ""]
    flow: Staggered | Spectrum
    inner_steps: Int[Array, ""]
    key: PRNGKeyArray | None


class KelvinHelmholtz(Solver[KelvinHelmholtzState]):
    """Two-dimensional stratified incompressible flow in the Boussinesq approximation, in units of
    the shear.

    du/dt + u.grad u = -grad p + (1/Re) lap u - G (rho - 1) z + forcing,  div u = 0,
    drho/dt + u.grad rho = 1/(Re Pr) lap rho,

    x in [0, length) periodic, z in [0, height] between walls without flux, free-slip or no-slip, or
    periodic. A passive dye obeys the equation of the density. Method `projection` (A): staggered
    grid, exact projection, second order in space and third in time, density within its bounds.
    Method `spectral` (B): vorticity in Fourier and sine modes, fourth order in time; free-slip and
    periodic boxes, fields smooth on the grid. One step advances dt: as a single step (`stepping`
    "fixed") or as inner steps of at most `courant`, as few as fit: their number is chosen once
    ("courant") or anew after each ("adaptive"), from velocity, buoyancy and explicit diffusion at
    that time, with room for what buoyancy adds to the velocity but no second look. Method A does
    three at once where it can, in nine stages for twelve.
    """

    nx: int = static(128, ge=4, le=2**17, doc="cells in x")
    nz: int = static(64, ge=4, le=2**17, doc="cells in z, an even number")
    length: Array = param(
        default=2.0, converter=as_number, gt=0, doc="length of the box", units="length"
    )
    height: Array = param(
        default=1.0, converter=as_number, gt=0, doc="height of the box", units="length"
    )
    dt: Array = param(
        default=0.1,
        converter=as_step,
        gt=0,
        doc="time step, or 'auto'; divided into inner steps unless stepping is fixed",
        units="time",
    )
    reynolds: Array = param(
        default=1000.0, converter=as_number, gt=0, finite=False, doc="Re, 1/viscosity; inf for none"
    )
    prandtl: Array = param(
        default=1.0,
        converter=as_number,
        gt=0,
        finite=False,
        doc="Pr, viscosity/diffusivity of the density",
    )
    schmidt: Array = param(
        default=1.0, converter=as_number, gt=0, finite=False, doc="viscosity/diffusivity of the dye"
    )
    buoyancy: Array = param(
        default=0.5,
        converter=as_number,
        ge=0,
        doc="G, weight of the excess density",
        units="velocity^2/length",
    )
    walls: Walls = static("free_slip", doc="boundary condition in z")
    initial: Initial = choice(
        converter=one_of(INITIALS, given=GivenFlow), default="shear_layer", doc="initial flow"
    )
    noise: Array = param(
        default=0.0,
        converter=as_number,
        ge=0,
        doc="standard deviation of white noise on w at t = 0",
        units="velocity",
    )
    forcing: Forcing = choice(
        converter=one_of(FORCINGS, law=CustomForcing), default="none", doc="forcing of the flow"
    )
    with_dye: bool = static(False, doc="whether to carry a passive dye")
    method: Literal["projection", "spectral"] = static("projection", doc="discretisation: A or B")
    stepping: Literal["adaptive", "courant", "fixed"] = static(
        "adaptive", doc="how dt is divided into inner steps"
    )
    courant: Array = param(
        default=1.0,
        converter=as_number,
        gt=0,
        doc="largest (|u|/dx + |w|/dz) x inner step; above 1 the density is not bounded",
    )
    advection: Literal["tvd", "central"] = static(
        "tvd", doc="fluxes of density and dye in method projection"
    )
    diffusion: Literal["explicit", "exponential"] = static(
        "explicit", doc="diffusion in method projection"
    )
    staggered: bool = static(
        False, doc="whether to also save u and w on the faces (method projection)"
    )

    def __check_init__(self):
        """Reject inconsistent combinations."""
        settle(self, lambda solver: solver._box.centres())
        refuse(self.nz % 2, "nz", f"given {self.nz}, allowed: an even number")
        refuse(
            self.method == "spectral" and self.walls == "no_slip",
            "walls",
            "given 'no_slip', allowed with method 'spectral': free_slip, periodic",
        )
        refuse(
            self.method == "spectral" and self.staggered,
            "staggered",
            "given True, allowed with method 'spectral': false",
        )
        self.initial.check(self._box)
        self.forcing.check(self._box)

    def init(self, key: PRNGKeyArray) -> KelvinHelmholtzState:
        """The initial flow, with noise and random phases from the key."""
        require_one_member(self)
        box, method = self._box, self._method
        for_phases, for_noise, for_forcing = jax.random.split(key, 3)
        # noise 0 is not drawn at all only where it is known to be 0: a traced value may become
        # anything
        noise = self.noise * jax.random.normal(for_noise, (self.nx, self.nz), box.length.dtype)
        flow = method.start(
            lambda x, z: self.initial.velocity(x, z, box, for_phases),
            lambda z: self.initial.layers(z, box),
            (lambda z: self.initial.dye(z, box)) if self.with_dye else None,
            noise,
        )
        steps = jnp.ones((), int) if self.stepping == "fixed" else self._inner_steps(flow, self.dt)
        return KelvinHelmholtzState(
            jnp.zeros_like(self.dt), flow, steps, for_forcing if self.forcing.random else None
        )

    def step(self, state: KelvinHelmholtzState) -> KelvinHelmholtzState:
        """The state after one time step dt."""
        if self.stepping == "fixed":
            flow, key = self._inner_step((state.flow, state.key), state.t, self.dt)
            return KelvinHelmholtzState(state.t + self.dt, flow, state.inner_steps, key)
        flow, key, taken = self._divided(state)
        steps = taken if self.stepping == "adaptive" else state.inner_steps
        return KelvinHelmholtzState(state.t + self.dt, flow, steps, key)

    def observe(self, state: KelvinHelmholtzState) -> dict[str, Array]:
        """Fields at the cell centres, integrals over the box, Richardson numbers and the energy
        spectrum.
        """
        method = self._method
        fields, integrals = method.centred(state.flow), method.integrals(state.flow)
        bulk, gradient = fields.richardson(self._box, self.buoyancy)
        observed = {
            "u": fields.u,
            "w": fields.w,
            "density": fields.density,
            "vorticity": fields.vorticity,
        }
        if fields.dye is not None:
            observed["dye"] = fields.dye
        if isinstance(state.flow, Staggered) and self.staggered:
            observed |= {"u_face": state.flow.u.T, "w_face": state.flow.w.T}
        return observed | {
            **{name: integrals[name] for name in INTEGRALS},
            "forcing_power": integrals["forcing_power"]
            + self.forcing.supplied(fields, state.t, self._box),
            "bulk_richardson": bulk,
            "min_gradient_richardson": gradient,
            "max_divergence": integrals["max_divergence"],
            "inner_steps": state.inner_steps,
            "energy_spectrum": fields.energy_spectrum(self._box),
        }

    def variables(self) -> dict[str, Variable]:
        """Fields on (x, z), series, and the spectrum."""
        plane, faces = ("x", "z"), {}
        dye = {"dye": Variable(plane, "concentration", "1", "dye")} if self.with_dye else {}
        if self.staggered:
            faces = {
                "u_face": Variable(
                    ("x_face", "z"), "velocity", "1", "velocity along x on the left faces"
                ),
                "w_face": Variable(
                    ("x", "z_face"), "velocity", "1", "velocity along z on the lower faces"
                ),
            }
        series = INTEGRALS | {
            "bulk_richardson": "bulk Richardson number of the horizontal means",
            "min_gradient_richardson": "smallest gradient Richardson number of the horizontal "
            "means",
            "max_divergence": "largest divergence of the velocity",
        }
        return {
            "u": Variable(plane, "velocity", "1", "velocity along x"),
            "w": Variable(plane, "velocity", "1", "velocity along z"),
            "density": Variable(plane, "density", "1", "density"),
            "vorticity": Variable(plane, "vorticity", "1", "vorticity, w_x - u_z"),
            **dye,
            **faces,
            **{name: Variable((), "scalar", "1", words) for name, words in series.items()},
            "inner_steps": Variable((), "count", "1", "inner steps in a dt"),
            "energy_spectrum": Variable(
                ("wavenumber",), "spectrum", "1", "kinetic energy of each wavenumber along x"
            ),
        }

    def domain(self) -> Domain:
        """Centres and faces of the cells, and the wavenumbers along x."""
        box = self._box
        k = jnp.arange(self.nx // 2 + 1, dtype=self.length.dtype) * box.wave[0]
        axes = (
            Axis("x", box.x()[:, 0], self.length, periodic=True, long_name="horizontal position"),
            Axis("z", box.z()[0], self.height, periodic=box.periodic, long_name="height"),
            Axis("wavenumber", k, long_name="angular wavenumber along x"),
        )
        if not self.staggered:
            return Domain(axes)
        return Domain(
            (
                *axes,
                Axis(
                    "x_face",
                    box.x(0)[:, 0],
                    self.length,
                    periodic=True,
                    long_name="horizontal position of left faces",
                ),
                Axis(
                    "z_face",
                    box.z(0)[0],
                    self.height,
                    periodic=box.periodic,
                    long_name="height of lower faces",
                ),
            )
        )

    def kept(self) -> dict[str, Literal["exactly", "bounded"]]:
        """Fluxes between cells and nonlinear terms conserve the means exactly."""
        return {"mass": "exactly", "momentum": "exactly"}

    def invariants(self, state: KelvinHelmholtzState) -> dict[str, Array]:
        """The mass, and the horizontal momentum if there is no wall friction."""
        integrals = self._method.integrals(state.flow)
        if self.walls == "no_slip" or self.forcing.random or self.forcing.timed:
            return {"mass": integrals["mass"]}
        return {"mass": integrals["mass"], "momentum": integrals["momentum"]}

    def exact(self, t: Array) -> dict[str, Array]:
        """The fields at time t if the initial condition is a solution; NaN with noise, when it is
        not.
        """
        if type(self.forcing) is not FORCINGS["none"]:
            return {}
        return {
            name: jnp.where(self.noise > 0, jnp.nan, field)
            for name, field in self.initial.exact(t, self._box, self._fluid).items()
        }

    def longest_dt(self) -> Array:
        """Of a fixed step, the Courant limit of the initial flow, advective and viscous; any other
        is divided into inner steps that keep to it.
        """
        if self.stepping != "fixed":
            return jnp.full_like(self.dt, jnp.inf)

        def longest(solver: "KelvinHelmholtz") -> Array:
            flow = solver.init(jax.random.key(0)).flow
            return solver.courant / solver._method.rate(flow)

        return each_member(longest, self)

    def doubtful_dt(self) -> str | None:
        """Whether a fixed step is longer than the Courant limit of the initial flow."""
        long = too_long(self.dt, self.longest_dt(), "the Courant limit of the initial flow, ")
        return long and f"{long}, and stepping is 'fixed': the flow may blow up; 'auto' keeps to it"

    def split(self, devices: int) -> dict[str, int]:
        """Method `spectral`: fields are partitioned along x, and the modes that it evolves
        along z.
        """
        refuse(
            self.method == "projection",
            "run.devices",
            "method 'projection' cannot split one run, allowed: method 'spectral'",
        )
        for name, size in (("nx", self.nx), ("nz", self.nz)):
            refuse(size % devices, name, f"{name} = {size} is not a multiple of {devices}")
        refuse(
            self.nx < 2 * devices,
            "nx",
            f"nx = {self.nx} leaves fewer than two cells for each of {devices} devices",
        )
        return {"flow.modes": 1}

    # ----------------------------------------------------------------------------------------------
    # parts

    @property
    def _box(self) -> Box:
        return Box(
            self.nx,
            self.nz,
            self.length,
            self.height,
            self.walls,
            two_thirds=self.method == "spectral",
        )

    @property
    def _fluid(self) -> Fluid:
        viscosity = 1 / self.reynolds
        return Fluid(viscosity, viscosity / self.prandtl, viscosity / self.schmidt, self.buoyancy)

    @property
    def _method(self) -> Method:
        box, sources = self._box, self.forcing.sources(self._box, self.initial)
        if self.method == "spectral":
            return Pseudospectral(box, self._fluid, sources)
        return Projection(box, self._fluid, sources, self.advection, self.diffusion)

    def _inner_steps(self, flow, time: Array) -> Int[Array, ""]:
        """The smallest number of equal steps that respects the Courant number."""
        wanted = jnp.ceil(time * self._method.rate(flow) / self.courant)
        # beyond that the flow has blown up, and the run is to stop rather than to stand still
        return jnp.clip(jnp.where(jnp.isnan(wanted), 1, wanted), 1, 100_000).astype(int)

    def _divided(self, state: KelvinHelmholtzState):
        """The flow and the key after dt, and the number of steps: strides while they fit, then
        single steps.

        Adaptive stepping chooses the number of steps in the rest of dt anew after each of them.
        """
        adaptive, stride = (
            self.stepping == "adaptive",
            1 if state.key is not None or self.forcing.timed else self._method.stride,
        )

        def by(steps: int):
            def move(carried):
                flow, key, rest, left, taken = carried
                now = state.t + (self.dt - rest)
                flow, key = self._inner_step((flow, key), now, rest / left, steps)
                remaining = left - steps
                rest = rest * (remaining / left)
                if adaptive:
                    remaining = jnp.where(remaining > 0, self._inner_steps(flow, rest), 0)
                return flow, key, rest, remaining, taken + steps

            return move

        left = self._inner_steps(state.flow, self.dt) if adaptive else state.inner_steps
        carried = (state.flow, state.key, self.dt, left, jnp.zeros_like(left))
        if stride > 1:
            carried = jax.lax.while_loop(lambda carried: carried[3] >= stride, by(stride), carried)
        carried = jax.lax.while_loop(lambda carried: carried[3] > 0, by(1), carried)
        flow, key, *_, taken = carried
        return forward_only(flow, INNER_STEPS), key, taken

    def _inner_step(self, carried, t: Array, dt: Array, steps: int = 1):
        (flow, key), half = carried, None
        if self.forcing.timed:
            half = self.forcing.push(t + dt * steps / 2, dt * steps / 2, self._box)
            flow = self._method.kicked(flow, half)
        flow = self._method.advance(flow, dt, steps)
        if half is not None:
            flow = self._method.kicked(flow, half)
        if key is None:
            return flow, key
        key, now = jax.random.split(key)
        return self._method.kicked(flow, self.forcing.kick(now, dt, self._box)), key
