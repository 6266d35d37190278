"""The box of a stratified shear flow, its fluid, and the interface of both methods."""

import abc
import math
from collections.abc import Callable
from typing import Generic, Literal, TypeVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from physent.errors import ParameterError
from physent.numerics import slab

Walls = Literal["free_slip", "no_slip", "periodic"]
Field = Float[Array, "nx nz"]
Profile = Callable[[Array], Array]  # of z
F = TypeVar("F")
Velocity = Callable[
    [Array, Array], tuple[Array, Array]
]  # (x, z), broadcast against each other -> u, w


class Box(eqx.Module):
    """x in [0, length), periodic; z in [0, height], between walls or periodic; nx by nz cells."""

    nx: int = eqx.field(static=True)
    nz: int = eqx.field(static=True)
    length: Float[Array, ""]
    height: Float[Array, ""]
    walls: Walls = eqx.field(static=True)
    two_thirds: bool = eqx.field(static=True, default=False)

    @property
    def dx(self) -> Array:
        """Width of a cell."""
        return self.length / self.nx

    @property
    def dz(self) -> Array:
        """Height of a cell."""
        return self.height / self.nz

    @property
    def periodic(self) -> bool:
        """Whether z is periodic."""
        return self.walls == "periodic"

    @property
    def wave(self) -> tuple[Array, Array]:
        """The smallest wavenumbers in x and z: a whole period in x, in z half a period between
        walls.
        """
        return 2 * math.pi / self.length, (2 if self.periodic else 1) * math.pi / self.height

    @property
    def most_waves(self) -> tuple[int, int]:
        """The largest wavenumber of the grid, in units of `wave`; with `two_thirds` the largest
        that the rule keeps.
        """
        points = self.nx, self.nz if self.periodic else 2 * self.nz
        x, z = ((n - 1) // 3 if self.two_thirds else (n - 1) // 2 for n in points)
        return x, z

    def check_waves(
        self, m: tuple[str, int] | None = None, n: tuple[str, int] | None = None, per_wave: int = 1
    ):
        """Raise ParameterError if the grid cannot resolve m waves in x, or n times `per_wave` of
        `wave` in z.
        """
        for given, most, count in zip((m, n), self.most_waves, (1, per_wave), strict=True):
            if given is not None and given[1] * count > most:
                raise ParameterError(
                    given[0], f"given {given[1]}, allowed on this grid: at most {most // count}"
                )

    def x(self, offset: float = 0.5) -> Float[Array, "nx 1"]:
        """x of the cell centres, or with offset 0 of the left faces."""
        return ((jnp.arange(self.nx, dtype=self.length.dtype) + offset) * self.dx)[:, None]

    def z(self, offset: float = 0.5) -> Float[Array, "1 nz"]:
        """z of the cell centres, or with offset 0 of the lower faces."""
        return ((jnp.arange(self.nz, dtype=self.length.dtype) + offset) * self.dz)[None, :]

    def centres(self) -> tuple[Field, Field]:
        """x and z of every cell centre."""
        x, z = jnp.broadcast_arrays(self.x(), self.z())
        return x, z

    def integral(self, f: Float[Array, "a b"]) -> Float[Array, ""]:
        """The sum over the cells times the cell area."""
        return slab.total(jnp.sum(f)) * (self.dx * self.dz)


class Fluid(eqx.Module):
    """Viscosity, the diffusivities of density and dye, and the force per density, all in units of
    the box.
    """

    viscosity: Float[Array, ""]
    diffusivity: Float[Array, ""]
    dye_diffusivity: Float[Array, ""]
    buoyancy: Float[Array, ""]


def courant_rate(outflow: Array, density: Field, box: Box, fluid: Fluid) -> Array:
    """1/dt of the largest step at Courant number 1, from the largest outflow of a cell per area and
    from buoyancy.

    max(outflow, 3/4 outflow + 2 B), B^2 = G max(max |drho| over a face/dz, max |rho - its row's
    mean|/min(dx, dz)): the fastest internal waves are resolved, and there is room for what buoyancy
    adds to the outflow, B^2 per time. Where 8 B < outflow it changes nothing.
    """
    above = jnp.concatenate([density, density[:, :1]], axis=1) if box.periodic else density
    over_faces = jnp.max(jnp.abs(jnp.diff(above, axis=1))) / box.dz
    in_rows = jnp.max(jnp.abs(density - jnp.mean(density, axis=0, keepdims=True))) / jnp.minimum(
        box.dx, box.dz
    )
    buoyant = jnp.sqrt(fluid.buoyancy * jnp.maximum(over_faces, in_rows))
    return jnp.maximum(outflow, 0.75 * outflow + 2 * buoyant)


class Sources(eqx.Module):
    """Steady forcing: a horizontal acceleration (z), and a base state maintained against diffusion
    (z).
    """

    acceleration: Profile | None = None
    base: tuple[Profile, Profile] | None = None  # U and rho0


class Centred(eqx.Module):
    """A flow at the cell centres."""

    u: Field
    w: Field
    density: Field
    vorticity: Field
    dye: Field | None

    def richardson(self, box: Box, buoyancy: Array) -> tuple[Array, Array]:
        """The bulk and the smallest gradient Richardson number of the horizontal means U(z) and
        rho(z).

        Bulk: G (rho_bottom - rho_top) delta/(Delta U)^2, with Delta U the range of U and delta =
        Delta U/max |U'| the vorticity thickness. Gradient: min over z of -G rho'/U'^2, where |U'|
        is at least a tenth of its maximum; a layer can be unstable only where it falls below 1/4
        (J. W. Miles, L. N. Howard, J. Fluid Mech. 10, 496 and 509, 1961).
        """
        stream, density = jnp.mean(self.u, axis=0), jnp.mean(self.density, axis=0)
        shear, stratification = jnp.diff(stream) / box.dz, -buoyancy * jnp.diff(density) / box.dz
        steepest = jnp.max(jnp.abs(shear))
        tiny = jnp.finfo(shear.dtype).eps
        bulk = (
            buoyancy
            * (density[0] - density[-1])
            / (steepest * (jnp.max(stream) - jnp.min(stream)) + tiny)
        )
        ratio = stratification / (shear**2 + tiny)
        sheared = jnp.abs(shear) >= 0.1 * steepest
        return bulk, jnp.min(jnp.where(sheared, ratio, jnp.max(jnp.abs(ratio))))

    def energy_spectrum(self, box: Box) -> Float[Array, " k"]:
        """The kinetic energy of each horizontal wavenumber, integrated over z; its sum is the sum
        over the cell centres.
        """
        modes = jnp.stack([slab.rfft(f.T, norm="forward") for f in (self.u, self.w)])
        energy = jnp.sum(modes.real**2 + modes.imag**2, axis=(0, 1)) * (box.length * box.dz / 2)
        k = jnp.arange(energy.shape[0])
        return jnp.where((k == 0) | (2 * k == box.nx), 1, 2) * energy


# integrals over the box by name, and what they are
INTEGRALS = {
    "kinetic_energy": "integral of (u^2 + w^2)/2",
    "vertical_energy": "integral of w^2, twice the vertical kinetic energy",
    "vertical_kinetic_energy": "integral of w^2/2",
    "density_variance": "integral of (density - 1)^2, not divided by the area of the box",
    "enstrophy": "integral of the squared vorticity",
    "potential_energy": "integral over the box of G (density - 1) z",
    "diffusive_gain": "gain of potential energy from diffusion, laminar: G kappa length "
    "(rho_bottom - rho_top)",
    "variance_dissipation": "loss of density_variance to diffusion, 2 kappa integral of "
    "|grad density|^2",
    "dissipation": "viscous loss of kinetic energy",
    "buoyancy_flux": "gain of kinetic energy from buoyancy, -G integral of w (density - 1)",
    "forcing_power": "gain of kinetic energy from forcing, on average where it is random",
}


class Method(eqx.Module, Generic[F]):
    """A discretisation of the flow; F is its state, a pytree of arrays."""

    box: Box
    fluid: Fluid
    sources: Sources

    @abc.abstractmethod
    def start(
        self, velocity: Velocity, density: Profile, dye: Profile | None, noise: Field | None
    ) -> F:
        """The flow with this velocity, made divergence-free, and these profiles; noise is added to
        w.
        """

    @property
    def stride(self) -> int:
        """The number of steps that the method can do at once."""
        return 1

    @abc.abstractmethod
    def advance(self, flow: F, dt: Array, steps: int = 1) -> F:
        """The flow after 1 or `stride` steps of dt."""

    @abc.abstractmethod
    def kicked(self, flow: F, velocity: Velocity) -> F:
        """The flow with an added velocity."""

    @abc.abstractmethod
    def rate(self, flow: F) -> Array:
        """1/dt of the largest step at Courant number 1."""

    @abc.abstractmethod
    def centred(self, flow: F) -> Centred:
        """The fields at the centres of the cells."""

    @abc.abstractmethod
    def integrals(self, flow: F) -> dict[str, Array]:
        """The values of all `INTEGRALS`, `mass`, `momentum` and `max_divergence`, the largest
        |div u|; as accurate as the method.
        """
