"""Method A: a projection method of second order on a staggered grid."""

from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from physent.numerics.ssp import ssp_rk3_step
from physent.numerics.staggered import (
    Edge,
    advected,
    advective_fluxes,
    closed,
    curl,
    diffuse,
    divergence,
    extended,
    inner,
    laplacian,
    project,
)

from .box import (
    Centred,
    Field,
    Method,
    Profile,
    Velocity,
    courant_rate,
)

Rows = Float[Array, "nz nx"]


class Staggered(eqx.Module):
    """u on the left faces, w on the lower faces (0 on a wall), density and dye at the centres; all
    (nz, nx).
    """

    u: Rows
    w: Rows
    density: Rows
    dye: Rows | None


class Projection(Method[Staggered]):
    """Central momentum fluxes that conserve kinetic energy, limited upwind fluxes of density, SSP
    Runge-Kutta.

    Every Euler step of the third-order methods ends with an exact projection, so that the
    divergence is 0 to rounding. One step has four stages, and three at once have nine. With
    `diffusion` "exponential" the discrete heat equation is solved exactly before and after each
    step (Strang splitting), which lifts the limit of the step at low Reynolds numbers; of a held
    base only the deviation diffuses. It is of second order in time, between walls without slip of
    first, since there diffusion and the projection do not commute.
    """

    advection: Literal["tvd", "central"] = eqx.field(static=True)
    diffusion: Literal["explicit", "exponential"] = eqx.field(static=True)

    def start(
        self, velocity: Velocity, density: Profile, dye: Profile | None, noise: Field | None
    ) -> Staggered:
        """See `Method`."""
        box = self.box
        flat = jnp.zeros((box.nz, box.nx), box.length.dtype)
        u, w = self._sampled(velocity)
        u, w = self._projected(u, w if noise is None else w + self._off_walls(noise.T))
        return Staggered(
            u, w, density(box.z()).T + flat, None if dye is None else dye(box.z()).T + flat
        )

    @property
    def stride(self) -> int:
        """See `Method`: nine stages advance as far as three steps of four stages."""
        return 3 if self.diffusion == "explicit" else 1

    def advance(self, flow: Staggered, dt: Array, steps: int = 1) -> Staggered:
        """See `Method`."""
        if self.diffusion == "explicit":
            return self._moved(flow, dt * steps, {1: 2, 3: 3}[steps])
        return self._diffused(self._moved(self._diffused(flow, dt / 2), dt), dt / 2)

    def kicked(self, flow: Staggered, velocity: Velocity) -> Staggered:
        """See `Method`."""
        u, w = self._sampled(velocity)
        u, w = self._projected(flow.u + u, flow.w + w)
        return Staggered(u, w, flow.density, flow.dye)

    def rate(self, flow: Staggered) -> Array:
        """`courant_rate` of the largest outflow, with explicit diffusion plus nu (1/dx^2 + 1/dz^2).

        Euler steps of half its inverse keep the density within its bounds as long as no stage is
        faster than the flow they start from: see `limited_face`. It is inside the regions of
        stability, about ellipses with half axes 2.15 and 5.15 for a step of 1 and 4.11 and 13.2 for
        one of 3.
        """
        box, fluid = self.box, self.fluid
        u, w = (jnp.abs(f) for f in self._ghosts(flow.u, flow.w))
        along_x, along_z = u[1:-1, 1:-1] + u[1:-1, 2:], w[1:-1, 1:-1] + w[2:, 1:-1]
        outflow = jnp.max(along_x * (0.5 / box.dx) + along_z * (0.5 / box.dz))
        rate = courant_rate(outflow, flow.density.T, box, fluid)
        if self.diffusion == "exponential":
            return rate
        largest = jnp.maximum(
            jnp.maximum(fluid.viscosity, fluid.diffusivity), fluid.dye_diffusivity
        )
        return rate + largest * (1 / box.dx**2 + 1 / box.dz**2)

    def centred(self, flow: Staggered) -> Centred:
        """See `Method`; velocity and vorticity are means over two faces and four corners."""
        u, w = self._ghosts(flow.u, flow.w)
        corners = curl(u, w, self.box.dx, self.box.dz)
        vorticity = (corners[:-1, :-1] + corners[:-1, 1:] + corners[1:, :-1] + corners[1:, 1:]) / 4
        return Centred(
            u=((u[1:-1, 1:-1] + u[1:-1, 2:]) / 2).T,
            w=((w[1:-1, 1:-1] + w[2:, 1:-1]) / 2).T,
            density=flow.density.T,
            vorticity=vorticity.T,
            dye=None if flow.dye is None else flow.dye.T,
        )

    def integrals(self, flow: Staggered) -> dict[str, Array]:
        """Sums over the faces, corners or centres where each quantity is defined.

        Dissipation, buoyancy flux and what diffusion does are those of the discrete equations, so
        that budgets close to the error of the time step: that of kinetic energy always, those of
        potential energy and density variance with central fluxes. Limited ones mix by themselves,
        which is what then remains of both.
        """
        box, integral = self.box, self.box.integral
        u, w = self._ghosts(flow.u, flow.w)
        corners = curl(u, w, box.dx, box.dz)[:, :-1] ** 2
        weights = jnp.ones(box.nz + 1, corners.dtype).at[jnp.array([0, -1])].set(0.5)
        density = extended(flow.density, 1, self._edge("even"))
        excess = flow.density - 1
        # slopes on the left and on the lower faces; on a wall 0
        along_x = (density[1:-1, 1:-1] - density[1:-1, :-2]) / box.dx
        upward = (density[1:-1, 1:-1] - density[:-2, 1:-1]) / box.dz
        return dict(
            kinetic_energy=(integral(flow.u**2) + integral(flow.w**2)) / 2,
            vertical_energy=integral(flow.w**2),
            vertical_kinetic_energy=integral(flow.w**2) / 2,
            density_variance=integral(excess**2),
            enstrophy=integral(corners * weights[:, None]),
            dissipation=-integral(flow.u * self._viscosity(u) + flow.w * self._viscosity(w)),
            buoyancy_flux=integral(flow.w * self._weight(density)),
            forcing_power=integral(flow.u * self._steady()),
            potential_energy=self.fluid.buoyancy * integral(excess * box.z().T),
            diffusive_gain=-self.fluid.buoyancy * self.fluid.diffusivity * integral(upward),
            variance_dissipation=2
            * self.fluid.diffusivity
            * (integral(along_x**2) + integral(upward**2)),
            mass=integral(flow.density),
            momentum=integral(flow.u),
            max_divergence=jnp.max(jnp.abs(divergence(u, w, box.dx, box.dz))),
        )

    # ----------------------------------------------------------------------------------------------
    # one Euler step

    def _moved(self, flow: Staggered, dt: Array, root: int = 2) -> Staggered:
        """One step of the method of `root`^2 stages; ghost cells are passed from stage to stage."""
        scalars = jax.tree.map(self._scalar_ghosts, (flow.density, flow.dye))
        flow = ssp_rk3_step(
            Staggered(*self._ghosts(flow.u, flow.w), *scalars), dt, self._euler, root
        )
        scalars = jax.tree.map(lambda f: inner(f, 2), (flow.density, flow.dye))
        return Staggered(inner(flow.u, 1), inner(flow.w, 1), *scalars)

    def _euler(self, flow: Staggered, dt: Array) -> Staggered:
        u, w = flow.u, flow.w
        density = self._scalar_step(flow.density, u, w, self.fluid.diffusivity, dt)
        if self.sources.base is not None and self.diffusion == "explicit":
            density = density + dt * self._held(self.sources.base[1], self.fluid.diffusivity)
        dye = jax.tree.map(
            lambda f: self._scalar_step(f, u, w, self.fluid.dye_diffusivity, dt), flow.dye
        )
        u_rate, w_rate = advected(u, w, self.box.dx, self.box.dz)
        w_rate = w_rate + self._weight(flow.density[1:-1, 1:-1])
        if self.diffusion == "explicit":
            u_rate = u_rate + self._viscosity(u)
            w_rate = w_rate + self._viscosity(w)
        u_rate = u_rate + (self._steady() if self.diffusion == "explicit" else self._acceleration())
        u, w = inner(u, 1) + dt * u_rate, self._off_walls(inner(w, 1) + dt * w_rate)
        scalars = jax.tree.map(self._scalar_ghosts, (density, dye))
        return Staggered(*self._projected_ghosts(*self._ghosts(u, w)), *scalars)

    def _scalar_step(self, f: Array, u: Array, w: Array, diffusivity: Array, dt: Array) -> Rows:
        """A scalar after one Euler step, from extended fields."""
        box = self.box
        along_x, along_z = advective_fluxes(f, u, w, self.advection == "tvd")
        rate = (along_x[:, :-1] - along_x[:, 1:]) * (1 / box.dx) + (along_z[:-1] - along_z[1:]) * (
            1 / box.dz
        )
        if self.diffusion == "explicit":
            rate = rate + diffusivity * laplacian(f[1:-1, 1:-1], box.dx, box.dz)
        return inner(f, 2) + dt * rate

    def _diffused(self, flow: Staggered, dt: Array) -> Staggered:
        box, fluid = self.box, self.fluid

        def after(f: Rows, diffusivity: Array, edge: Edge, held: Array | int = 0) -> Rows:
            return held + diffuse(f - held, diffusivity * dt, box.dx, box.dz, self._edge(edge))

        stream, layers = (
            (0, 0) if self.sources.base is None else map(self._column, self.sources.base)
        )
        u, w = self._projected(
            after(flow.u, fluid.viscosity, self._slip, stream),
            after(flow.w, fluid.viscosity, "faces"),
        )
        dye = jax.tree.map(lambda f: after(f, fluid.dye_diffusivity, "even"), flow.dye)
        return Staggered(u, w, after(flow.density, fluid.diffusivity, "even", layers), dye)

    # ---------------------------------------------------------------------------------------------
    # forces and walls

    def _weight(self, density: Array) -> Rows:
        """-G (rho - 1) on the lower faces, from density with a ghost cell on every side.

        Between walls the pressure carries the mean weight; a periodic pressure cannot, and the box
        would fall: there only the excess over the mean weighs.
        """
        weight = -self.fluid.buoyancy * ((density[1:-1, 1:-1] + density[:-2, 1:-1]) / 2 - 1)
        return weight - jnp.mean(weight) if self.box.periodic else self._off_walls(weight)

    def _viscosity(self, extended_velocity: Array) -> Rows:
        return self.fluid.viscosity * laplacian(extended_velocity, self.box.dx, self.box.dz)

    def _acceleration(self) -> Array:
        """The steady acceleration of u, which broadcasts against it."""
        along_x = jnp.zeros((1, 1), self.box.length.dtype)
        return (
            along_x
            if self.sources.acceleration is None
            else along_x + self.sources.acceleration(self.box.z()).T
        )

    def _steady(self) -> Array:
        """The same with the source that maintains the base state."""
        along_x = self._acceleration()
        if self.sources.base is not None:
            along_x = along_x + self._held(self.sources.base[0], self.fluid.viscosity, self._slip)
        return along_x

    def _held(self, profile: Profile, diffusivity: Array, edge: Edge = "even") -> Array:
        """-diffusivity D f of a profile, (nz, 1)."""
        column = extended(self._column(profile), 1, self._edge(edge))
        return -diffusivity * laplacian(column, self.box.dx, self.box.dz)

    def _column(self, profile: Profile) -> Array:
        """A profile at the centres, (nz, 1)."""
        return jnp.broadcast_to(profile(self.box.z()), (1, self.box.nz)).T

    @property
    def _slip(self) -> Edge:
        return "odd" if self.box.walls == "no_slip" else "even"

    def _edge(self, edge: Edge) -> Edge:
        return "periodic" if self.box.periodic else edge

    def _ghosts(self, u: Rows, w: Rows) -> tuple[Array, Array]:
        return extended(u, 1, self._edge(self._slip)), extended(w, 1, self._edge("faces"))

    def _scalar_ghosts(self, f: Rows) -> Array:
        return extended(f, 2, self._edge("even"))

    def _off_walls(self, w: Rows) -> Rows:
        return w if self.box.periodic else closed(w)

    def _projected(self, u: Rows, w: Rows) -> tuple[Rows, Rows]:
        u, w = self._projected_ghosts(*self._ghosts(u, w))
        return inner(u, 1), inner(w, 1)

    def _projected_ghosts(self, u: Array, w: Array) -> tuple[Array, Array]:
        """The same for fields extended by one cell."""
        u, w = project(u, w, self.box.dx, self.box.dz, self.box.periodic)
        # about a wall that holds u the gradient of the pressure is even, and u is to be odd
        return (extended(inner(u, 1), 1, "odd") if self.box.walls == "no_slip" else u), w

    def _sampled(self, velocity: Velocity) -> tuple[Rows, Rows]:
        box, shape = self.box, (self.box.nx, self.box.nz)
        u, _ = velocity(box.x(0), box.z())
        _, w = velocity(box.x(), box.z(0))
        return jnp.broadcast_to(u, shape).T, self._off_walls(jnp.broadcast_to(w, shape).T)
