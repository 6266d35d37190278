"""Method B: a pseudo-spectral method for vorticity and density, with exact diffusion."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float

from physent.numerics import slab
from physent.numerics.cosine import (
    cosine_transform,
    inverse_cosine_transform,
    inverse_sine_transform,
    order,
    sine_transform,
)
from physent.numerics.exponential import etdrk4_step

from .box import (
    Centred,
    Field,
    Method,
    Profile,
    Velocity,
    courant_rate,
)

Modes = Complex[Array, "nz k"]


class Spectrum(eqx.Module):
    """Modes of vorticity, density - 1 and, if any, dye; and the mean velocity, which is
    constant.
    """

    modes: Complex[Array, "fields nz k"]
    mean: Float[Array, ""]


class Pseudospectral(Method[Spectrum]):
    """Fourier modes in x; in z sines (vorticity, w) and cosines (u, scalars) between free-slip
    walls, or Fourier modes.

    zeta_t = -div(v zeta) + nu lap zeta - G rho_x, rho_t = -div(v rho) + kappa lap rho, with v =
    (psi_z, -psi_x) and zeta = -lap psi: without divergence by construction. Products are formed on
    the grid and cut by the two-thirds rule; time steps are those of a fourth-order exponential
    Runge-Kutta method, exact for diffusion.
    """

    def start(
        self, velocity: Velocity, density: Profile, dye: Profile | None, noise: Field | None
    ) -> Spectrum:
        """See `Method`."""
        u, w = self._sampled(velocity)
        fields = [
            self._vorticity(u, w if noise is None else w + noise),
            self._profile(lambda z: density(z) - 1),
        ]
        if dye is not None:
            fields.append(self._profile(dye))
        return Spectrum(jnp.stack(fields) * self._resolved()[None], jnp.mean(u))

    def advance(self, flow: Spectrum, dt: Array, steps: int = 1) -> Spectrum:
        """See `Method`."""
        linear = -self._diffusivities(flow) * self._square()[None]
        source = self._source(flow)

        def nonlinear(modes: Array, _: Array) -> Array:
            return (self._nonlinear(Spectrum(modes, flow.mean)) + source) * self._resolved()[None]

        return Spectrum(etdrk4_step(flow.modes, dt, linear, nonlinear), flow.mean)

    def kicked(self, flow: Spectrum, velocity: Velocity) -> Spectrum:
        """See `Method`."""
        u, w = self._sampled(velocity)
        modes = flow.modes.at[0].add(self._vorticity(u, w) * self._resolved())
        return Spectrum(modes, flow.mean + jnp.mean(u))

    def rate(self, flow: Spectrum) -> Array:
        """`courant_rate` of max |u|/dx + |w|/dz; diffusion sets no limit."""
        u, w = self._velocity(flow)
        outflow = jnp.max(
            jnp.abs(self._from_cosine(u)) / self.box.dx + jnp.abs(self._from_sine(w)) / self.box.dz
        )
        return courant_rate(outflow, self._from_cosine(flow.modes[1]), self.box, self.fluid)

    def centred(self, flow: Spectrum) -> Centred:
        """See `Method`."""
        u, w = self._velocity(flow)
        return Centred(
            u=self._from_cosine(u),
            w=self._from_sine(w),
            density=1 + self._from_cosine(flow.modes[1]),
            vorticity=self._from_sine(flow.modes[0]),
            dye=self._from_cosine(flow.modes[2]) if flow.modes.shape[0] == 3 else None,
        )

    def integrals(self, flow: Spectrum) -> dict[str, Array]:
        """Sums over the grid, exact for the modes that the two-thirds rule keeps."""
        integral, fluid, at = self.box.integral, self.fluid, self.centred(flow)
        u, w = self._velocity(flow)
        force = jnp.zeros((1, 1), self.box.length.dtype)
        if self.sources.acceleration is not None:
            force = force + self.sources.acceleration(self.box.z())
        if self.sources.base is not None:
            force = force + self._from_cosine(
                fluid.viscosity * self._square() * self._profile(self.sources.base[0])
            )
        enstrophy = integral(at.vorticity**2)
        excess = at.density - 1
        along_x = self._from_cosine(self._ik() * flow.modes[1])
        upward = self._from_sine(self._z_of_cosine(flow.modes[1]))
        divergence = self._from_cosine(self._ik() * u + self._z_of_sine(w))
        return dict(
            kinetic_energy=integral(at.u**2 + at.w**2) / 2,
            vertical_energy=integral(at.w**2),
            vertical_kinetic_energy=integral(at.w**2) / 2,
            density_variance=integral(excess**2),
            enstrophy=enstrophy,
            dissipation=fluid.viscosity * enstrophy,
            buoyancy_flux=-fluid.buoyancy * integral(at.w * excess),
            forcing_power=integral(at.u * force),
            potential_energy=fluid.buoyancy * integral(excess * self._height()),
            diffusive_gain=-fluid.buoyancy * fluid.diffusivity * integral(upward),
            variance_dissipation=2
            * fluid.diffusivity
            * (integral(along_x**2) + integral(upward**2)),
            mass=integral(at.density),
            momentum=integral(at.u),
            max_divergence=jnp.max(jnp.abs(divergence)),
        )

    # ----------------------------------------------------------------------------------------------
    # the equations

    def _nonlinear(self, flow: Spectrum) -> Array:
        u, w = self._velocity(flow)
        u, w, vorticity = self._from_cosine(u), self._from_sine(w), self._from_sine(flow.modes[0])
        scalars = [self._from_cosine(modes) for modes in flow.modes[1:]]
        # the weight is a sum of cosines and vorticity one of sines: what makes vorticity is taken
        # on the grid
        forced = self._sine(u * vorticity + self.fluid.buoyancy * scalars[0])
        rates = [-self._ik() * forced - self._z_of_cosine(self._cosine(w * vorticity))]
        for f in scalars:
            rates.append(-self._ik() * self._cosine(u * f) - self._z_of_sine(self._sine(w * f)))
        return jnp.stack(rates)

    def _source(self, flow: Spectrum) -> Array:
        """The steady sources: -f_z of an acceleration f(z), and those that maintain a base
        state.
        """
        source = jnp.zeros_like(flow.modes)
        if self.sources.acceleration is not None:
            source = source.at[0].add(-self._z_of_cosine(self._profile(self.sources.acceleration)))
        if self.sources.base is not None:
            base = [
                -self._z_of_cosine(self._profile(self.sources.base[0])),
                self._profile(self.sources.base[1]),
            ]
            held = self._diffusivities(flow)[:2] * self._square()[None] * jnp.stack(base)
            source = source.at[:2].add(held)
        return source

    def _diffusivities(self, flow: Spectrum) -> Array:
        fluid = self.fluid
        values = jnp.stack([fluid.viscosity, fluid.diffusivity, fluid.dye_diffusivity])
        return values[: flow.modes.shape[0], None, None]

    def _velocity(self, flow: Spectrum) -> tuple[Modes, Modes]:
        """u = psi_z + mean in cosines, w = -psi_x in sines."""
        square = self._square()
        stream = jnp.where(square == 0, 0, flow.modes[0] / jnp.where(square == 0, 1, square))
        amplitude = flow.mean if self.box.periodic else flow.mean * np.sqrt(self.box.nz)
        return self._z_of_sine(stream).at[0, 0].add(amplitude), -self._ik() * stream

    def _height(self) -> Field:
        """The z of potential energy: between walls the sum of cosines whose slope is 1 on the grid,
        z to O(dz^2).

        With it what potential energy gains is what the buoyancy flux takes.
        """
        if self.box.periodic:
            return jnp.broadcast_to(self.box.z(), (self.box.nx, self.box.nz))
        kappa, ones = self._kappa(), jnp.ones((self.box.nx, self.box.nz), self.box.length.dtype)
        modes = jnp.where(kappa == 0, 0, -self._sine(ones) / jnp.where(kappa == 0, 1, kappa))
        return self.box.height / 2 + self._from_cosine(modes)

    def _vorticity(self, u: Field, w: Field) -> Modes:
        return self._ik() * self._sine(w) - self._z_of_cosine(self._cosine(u))

    # --------------------------------------------------------------------------------------------
    # modes and the grid

    def _cosine(self, f: Field) -> Modes:
        if self.box.periodic:
            return slab.rfft2(f.T, norm="forward")
        return slab.rfft(cosine_transform(f), norm="forward")

    def _sine(self, f: Field) -> Modes:
        return (
            self._cosine(f) if self.box.periodic else slab.rfft(sine_transform(f), norm="forward")
        )

    def _from_cosine(self, modes: Modes) -> Field:
        nx, nz = self.box.nx, self.box.nz
        if self.box.periodic:
            return slab.irfft2(modes, (nz, nx), norm="forward").T
        return inverse_cosine_transform(slab.irfft(modes, nx, norm="forward"))

    def _from_sine(self, modes: Modes) -> Field:
        if self.box.periodic:
            return self._from_cosine(modes)
        return inverse_sine_transform(slab.irfft(modes, self.box.nx, norm="forward"))

    def _flat(self) -> Field:
        return jnp.zeros((self.box.nx, self.box.nz), self.box.length.dtype)

    def _sampled(self, velocity: Velocity) -> tuple[Field, Field]:
        u, w = velocity(self.box.x(), self.box.z())
        return u + self._flat(), w + self._flat()

    def _profile(self, profile: Profile) -> Modes:
        return self._cosine(profile(self.box.z()) + self._flat())

    def _ik(self) -> Complex[Array, "1 k"]:
        k = jnp.arange(self.box.nx // 2 + 1, dtype=self.box.length.dtype) * self.box.wave[0]
        return jax.lax.complex(jnp.zeros_like(k), k)[None, :]

    def _numbers(self) -> np.ndarray:
        return (
            np.fft.fftfreq(self.box.nz, 1 / self.box.nz)
            if self.box.periodic
            else order(self.box.nz)
        )

    def _kappa(self) -> Float[Array, "nz 1"]:
        return jnp.asarray(self._numbers(), self.box.length.dtype)[:, None] * self.box.wave[1]

    def _z_of_cosine(self, modes: Modes) -> Modes:
        """The z derivative of a sum of cosines, as sines."""
        kappa = self._kappa()
        return (1j * kappa if self.box.periodic else -kappa) * modes

    def _z_of_sine(self, modes: Modes) -> Modes:
        """The z derivative of a sum of sines, as cosines."""
        kappa = self._kappa()
        return (1j * kappa if self.box.periodic else kappa) * modes

    def _square(self) -> Float[Array, "nz k"]:
        return self._kappa() ** 2 - (self._ik() ** 2).real

    def _resolved(self) -> np.ndarray:
        """The two-thirds rule in both directions; it removes the modes onto which products could be
        aliased.
        """
        numbers, nz = np.abs(self._numbers()), self.box.nz
        along_z = 3 * numbers < (nz if self.box.periodic else 2 * nz)
        along_x = 3 * np.arange(self.box.nx // 2 + 1) < self.box.nx
        return (along_z[:, None] & along_x[None, :]).astype(np.float32)
