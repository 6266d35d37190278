"""Method A: a projection method of second order on a staggered grid."""

from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from physent.numerics import slab
from physent.numerics.ssp import ssp_rk43_step
from physent.numerics.staggered import (
    Edge,
    advected,
    advective_fluxes,
    closed,
    curl,
    diffuse,
    divergence,
    extended,
    laplacian,
    project,
)

from .box import Box, Centred, Field, Fluid, Integrals, Method, Profile, Sources, Velocity


class Staggered(eqx.Module):
    """u on the left faces, w on the lower faces (0 on a wall), density and dye at the centres; all (nx, nz)."""

    u: Field
    w: Field
    density: Field
    dye: Field | None


class Projection(Method[Staggered]):
    """Central momentum fluxes that conserve kinetic energy, limited upwind fluxes of density, SSP Runge-Kutta.

    Every Euler step of the four-stage third-order method ends with an exact projection, so that the divergence is 0 to
    rounding. With `diffusion` "exponential" the discrete heat equation is solved exactly before and after each step
    (Strang splitting, second order in time), which lifts the limit of the step at low Reynolds numbers.
    """

    box: Box
    fluid: Fluid
    sources: Sources
    advection: Literal["tvd", "central"] = eqx.field(static=True)
    diffusion: Literal["explicit", "exponential"] = eqx.field(static=True)

    def start(self, velocity: Velocity, density: Profile, dye: Profile | None, noise: Field | None) -> Staggered:
        """See `Method`."""
        box = self.box
        flat = jnp.zeros((box.nx, 1), box.length.dtype)
        u, w = self._sampled(velocity)
        u, w = self._projected(u, w if noise is None else w + self._off_walls(noise))
        return Staggered(u, w, density(box.z()) + flat, None if dye is None else dye(box.z()) + flat)

    def advance(self, flow: Staggered, dt: Array) -> Staggered:
        """See `Method`."""
        return slab.each_slab(self._advance, (0, None), 0)(flow, dt)

    def _advance(self, flow: Staggered, dt: Array) -> Staggered:
        if self.diffusion == "explicit":
            return ssp_rk43_step(flow, dt, self._euler)
        return self._diffused(ssp_rk43_step(self._diffused(flow, dt / 2), dt, self._euler), dt / 2)

    def kicked(self, flow: Staggered, velocity: Velocity) -> Staggered:
        """See `Method`."""
        u, w = self._sampled(velocity)
        u, w = self._projected(flow.u + u, flow.w + w)
        return Staggered(u, w, flow.density, flow.dye)

    def rate(self, flow: Staggered) -> Array:
        """max |u|/dx + |w|/dz, with explicit diffusion the root of its square plus that of nu (1/dx^2 + 1/dz^2).

        The region of stability is about an ellipse, with half axes 2.15 and 5.15 = 1.29 x 4.
        """
        box, fluid = self.box, self.fluid
        speed = jnp.abs(flow.u) / box.dx + jnp.abs(flow.w) / box.dz
        if self.diffusion == "exponential":
            return jnp.max(speed)
        largest = jnp.maximum(jnp.maximum(fluid.viscosity, fluid.diffusivity), fluid.dye_diffusivity)
        return jnp.hypot(jnp.max(speed), largest * (1 / box.dx**2 + 1 / box.dz**2))

    def centred(self, flow: Staggered) -> Centred:
        """See `Method`; velocity and vorticity are means over two faces and four corners."""
        return slab.each_slab(self._centred, (0,), 0)(flow)

    def _centred(self, flow: Staggered) -> Centred:
        u, w = self._ghosts(flow)
        corners = curl(u, w, self.box.dx, self.box.dz)
        return Centred(
            u=(u[1:-1, 1:-1] + u[2:, 1:-1]) / 2,
            w=(w[1:-1, 1:-1] + w[1:-1, 2:]) / 2,
            density=flow.density,
            vorticity=(corners[:-1, :-1] + corners[1:, :-1] + corners[:-1, 1:] + corners[1:, 1:]) / 4,
            dye=flow.dye,
        )

    def integrals(self, flow: Staggered) -> Integrals:
        """Sums over the faces, corners or centres where each quantity lives.

        Dissipation and buoyancy flux are those of the discrete equations, so that the energy budget closes to the error
        of the time step.
        """
        return slab.each_slab(self._integrals, (0,), None)(flow)

    def _integrals(self, flow: Staggered) -> Integrals:
        box, integral = self.box, self.box.integral
        u, w = self._ghosts(flow)
        corners = curl(u, w, box.dx, box.dz)[:-1] ** 2
        weights = jnp.ones(box.nz + 1, corners.dtype).at[jnp.array([0, -1])].set(0.5)
        density = extended(flow.density, 1, self._edge("even"))
        excess = flow.density - 1
        return Integrals(
            kinetic_energy=(integral(flow.u**2) + integral(flow.w**2)) / 2,
            vertical_energy=integral(flow.w**2),
            density_variance=integral(excess**2),
            enstrophy=integral(jnp.sum(corners * weights[None, :], axis=1)),
            dissipation=-integral(self._viscous(flow.u, u) + self._viscous(flow.w, w)),
            buoyancy_flux=integral(flow.w * self._weight(density)),
            forcing_power=integral(flow.u * self._steady()),
            potential_energy=self.fluid.buoyancy * integral(excess * box.z()),
            mass=integral(flow.density),
            momentum=integral(flow.u),
            max_divergence=slab.largest(jnp.max(jnp.abs(divergence(flow.u, flow.w, box.dx, box.dz)))),
        )

    # ------------------------------------------------------------------------------------------------ one Euler step

    def _euler(self, flow: Staggered, dt: Array) -> Staggered:
        u, w = self._ghosts(flow)
        scalars = {"density": (flow.density, self.fluid.diffusivity)}
        if flow.dye is not None:
            scalars["dye"] = (flow.dye, self.fluid.dye_diffusivity)
        ghosts = {name: extended(f, 2, self._edge("even")) for name, (f, _) in scalars.items()}
        # what is needed at several places: without the barriers the compiler computes it at each of them
        u, w, ghosts = jax.lax.optimization_barrier((u, w, ghosts))
        fluxes = {name: advective_fluxes(f, u, w, self.advection == "tvd") for name, f in ghosts.items()}
        fluxes = jax.lax.optimization_barrier(fluxes)
        u_rate, w_rate = advected(u, w, self.box.dx, self.box.dz)
        w_rate = w_rate + self._weight(ghosts["density"][1:-1, 1:-1])
        if self.diffusion == "explicit":
            u_rate = u_rate + self._viscosity(u)
            w_rate = w_rate + self._viscosity(w)
        u, w = jax.lax.optimization_barrier((flow.u + dt * (u_rate + self._steady()), flow.w + dt * w_rate))
        u, w = self._projected(u, w)
        later = {
            name: f + dt * self._scalar_rate(ghosts[name][1:-1, 1:-1], fluxes[name], diffusivity)
            for name, (f, diffusivity) in scalars.items()
        }
        if self.sources.base is not None:
            later["density"] += dt * self._held(self.sources.base[1], self.fluid.diffusivity)
        return jax.lax.optimization_barrier(Staggered(u, w, later["density"], later.get("dye")))

    def _scalar_rate(self, f: Array, fluxes: tuple[Array, Array], diffusivity: Array) -> Field:
        """The rate of a scalar, extended by one cell, from its advective fluxes."""
        box, (along_x, along_z) = self.box, fluxes
        rate = (along_x[:-1] - along_x[1:]) / box.dx + (along_z[:, :-1] - along_z[:, 1:]) / box.dz
        return rate + diffusivity * laplacian(f, box.dx, box.dz) if self.diffusion == "explicit" else rate

    def _diffused(self, flow: Staggered, dt: Array) -> Staggered:
        box, fluid = self.box, self.fluid

        def after(f: Field, diffusivity: Array, edge: Edge) -> Field:
            return diffuse(f, diffusivity * dt, box.dx, box.dz, self._edge(edge))

        u, w = after(flow.u, fluid.viscosity, self._slip), after(flow.w, fluid.viscosity, "faces")
        u, w = self._projected(u, w)
        dye = None if flow.dye is None else after(flow.dye, fluid.dye_diffusivity, "even")
        return Staggered(u, w, after(flow.density, fluid.diffusivity, "even"), dye)

    # --------------------------------------------------------------------------------------------- forces and walls

    def _weight(self, density: Array) -> Field:
        """-G (rho - 1) on the lower faces, from density with a ghost cell on every side.

        Between walls the pressure carries the mean weight; a periodic pressure cannot, and the box would fall: there
        only the excess over the mean weighs.
        """
        weight = -self.fluid.buoyancy * ((density[1:-1, 1:-1] + density[1:-1, :-2]) / 2 - 1)
        if not self.box.periodic:
            return self._off_walls(weight)
        return weight - slab.total(jnp.sum(weight)) / (self.box.nx * self.box.nz)

    def _viscosity(self, extended_velocity: Array) -> Field:
        return self.fluid.viscosity * laplacian(extended_velocity, self.box.dx, self.box.dz)

    def _viscous(self, velocity: Field, extended_velocity: Array) -> Field:
        return velocity * self._viscosity(extended_velocity)

    def _steady(self) -> Array:
        """The steady acceleration of u, which broadcasts against it."""
        along_x = jnp.zeros((1, 1), self.box.length.dtype)
        if self.sources.acceleration is not None:
            along_x = along_x + self.sources.acceleration(self.box.z())
        if self.sources.base is not None:
            along_x = along_x + self._held(self.sources.base[0], self.fluid.viscosity, self._slip)
        return along_x

    def _held(self, profile: Profile, diffusivity: Array, edge: Edge = "even") -> Array:
        """-diffusivity D f of a profile, (1, nz)."""
        row = jnp.broadcast_to(profile(self.box.z()), (1, self.box.nz))
        return -diffusivity * laplacian(extended(row, 1, self._edge(edge)), self.box.dx, self.box.dz)

    @property
    def _slip(self) -> Edge:
        return "odd" if self.box.walls == "no_slip" else "even"

    def _edge(self, edge: Edge) -> Edge:
        return "periodic" if self.box.periodic else edge

    def _ghosts(self, flow: Staggered) -> tuple[Array, Array]:
        return extended(flow.u, 1, self._edge(self._slip)), extended(flow.w, 1, self._edge("faces"))

    def _off_walls(self, w: Field) -> Field:
        return w if self.box.periodic else closed(w)

    def _projected(self, u: Field, w: Field) -> tuple[Field, Field]:
        box = self.box
        return slab.each_slab(lambda u, w: project(u, w, box.dx, box.dz, box.periodic), (0, 0), (0, 0))(u, w)

    def _sampled(self, velocity: Velocity) -> tuple[Field, Field]:
        box = self.box
        shape = (box.nx, box.nz)
        u, _ = velocity(box.x(0), box.z())
        _, w = velocity(box.x(), box.z(0))
        return jnp.broadcast_to(u, shape), self._off_walls(jnp.broadcast_to(w, shape))
