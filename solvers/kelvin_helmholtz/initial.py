"""Initial flows."""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PRNGKeyArray

from physent.errors import ParameterError
from physent.numerics.products import matmul
from physent.protocol.parameters import (
    Declared,
    as_number,
    choice,
    kind_of,
    one_of,
    param,
    static,
)
from physent.solvers.checks import certain, on_host, refuse

from .box import Box, Fluid
from .perturbation import PERTURBATIONS, Perturbation


class Initial(Declared):
    """A velocity of (x, z), profiles of density and dye, and the base state of its layers, if
    any.
    """

    @abc.abstractmethod
    def velocity(self, x: Array, z: Array, box: Box, key: PRNGKeyArray) -> tuple[Array, Array]:
        """u and w at the points, which broadcast against each other; divergence and flow through
        walls are removed later.
        """

    def stream(self, z: Array, box: Box) -> Array:
        """The base velocity U(z); 0 by default."""
        return jnp.zeros_like(z)

    def density(self, z: Array, box: Box) -> Array:
        """The density; by default 1, the reference."""
        return jnp.ones_like(z)

    def layers(self, z: Array, box: Box) -> Array:
        """The density at t = 0, at the cell centres: `density`, or a field."""
        return self.density(z, box)

    @abc.abstractmethod
    def dye(self, z: Array, box: Box) -> Array:
        """The dye at the cell centres, between 0 and 1."""

    def exact(self, t: Array, box: Box, fluid: Fluid) -> dict[str, Array]:
        """The fields at time t if they are known, without forcing and buoyancy."""
        return {}

    def check(self, box: Box) -> None:
        """Raise ParameterError if the flow does not fit the box and its grid."""


def _step(z: Array, thickness: Array, centre: Array) -> Array:
    return jnp.tanh((z - centre) / thickness)


class ShearLayer(Initial):
    """A tanh layer of velocity and density at mid-height."""

    thickness: Array = param(
        default=0.05,
        converter=as_number,
        gt=0,
        doc="delta of tanh((z - height/2)/delta)",
        units="length",
    )
    u_top: Array = param(default=1.0, converter=as_number, doc="velocity above", units="velocity")
    u_bottom: Array = param(
        default=-1.0, converter=as_number, doc="velocity below", units="velocity"
    )
    density_top: Array = param(default=1.0, converter=as_number, gt=0, doc="density above")
    density_bottom: Array = param(default=1.2, converter=as_number, gt=0, doc="density below")
    perturbation: Perturbation = choice(
        converter=one_of(PERTURBATIONS), default="mode", doc="disturbance of the layer"
    )

    def velocity(self, x: Array, z: Array, box: Box, key: PRNGKeyArray) -> tuple[Array, Array]:
        """The layer and its disturbance."""
        u, w = self.perturbation.velocity(x, z, box, (box.height / 2,), self.thickness)
        return self.stream(z, box) + u, w

    def stream(self, z: Array, box: Box) -> Array:
        """U(z)."""
        return _between(self.u_bottom, self.u_top, _step(z, self.thickness, box.height / 2))

    def density(self, z: Array, box: Box) -> Array:
        """rho0(z)."""
        return _between(
            self.density_bottom, self.density_top, _step(z, self.thickness, box.height / 2)
        )

    def dye(self, z: Array, box: Box) -> Array:
        """1 above, 0 below."""
        return (1 + _step(z, self.thickness, box.height / 2)) / 2

    def check(self, box: Box) -> None:
        """Reject a periodic z, and no-slip walls along which the fluid moves."""
        _needs_walls(box, "shear_layer")
        _needs_rest(self, box)
        self.perturbation.check(box, "initial.perturbation")


class WithLayer(Initial):
    """A `layer` with an added velocity, by default with the base state of the layer."""

    layer: eqx.AbstractVar[ShearLayer]

    def stream(self, z: Array, box: Box) -> Array:
        """From the layer."""
        return self.layer.stream(z, box)

    def density(self, z: Array, box: Box) -> Array:
        """From the layer."""
        return self.layer.density(z, box)

    def dye(self, z: Array, box: Box) -> Array:
        """From the layer."""
        return self.layer.dye(z, box)

    def check(self, box: Box) -> None:
        """Does not fit a periodic z, nor walls without slip."""
        _needs_walls(box, kind_of(self, INITIALS))
        _needs_rest(self, box)
        self.layer.perturbation.check(box, "initial.layer.perturbation")


class Rotating(WithLayer):
    """A tanh layer with a uniform shear added, u += rate (z - height/2): called rotation in
    kh2d-solver.

    It is no rotation: in a vertical plane the Coriolis force of an incompressible flow is a
    gradient, which pressure takes up, and so cannot act. Solid shear is what remains of the name.
    It does not fit free-slip walls, which have no vorticity where the shear has -rate: from the
    start a layer without it diffuses into the flow from both.
    """

    rate: Array = param(default=0.5, converter=as_number, doc="shear added", units="1/time")
    layer: ShearLayer = choice(
        converter=one_of({"shear_layer": ShearLayer}), default="shear_layer", doc="the layer"
    )

    def velocity(self, x: Array, z: Array, box: Box, key: PRNGKeyArray) -> tuple[Array, Array]:
        """The layer's and the shear."""
        u, w = self.layer.velocity(x, z, box, key)
        return u + self.rate * (z - box.height / 2), w

    def stream(self, z: Array, box: Box) -> Array:
        """U(z)."""
        return self.layer.stream(z, box) + self.rate * (z - box.height / 2)


class Forced(WithLayer):
    """A tanh layer with random waves added at the start, called forced in kh2d-solver; not forced
    later.

    u += sum over kx, kz = 1 ... modes of A/|k| sin(2 pi kx x/length + phase) cos(2 pi kz z/height),
    w += A/|k| cos(2 pi kx x/length) sin(2 pi kz z/height + phase), |k| = sqrt(kx^2 + kz^2), phases
    random. Much of it is divergence, and projected away.
    """

    amplitude: Array = param(default=0.1, converter=as_number, doc="A", units="velocity")
    modes: int = static(5, ge=1, doc="waves in each direction")
    layer: ShearLayer = choice(
        converter=one_of({"shear_layer": ShearLayer}), default="shear_layer", doc="the layer"
    )

    def velocity(self, x: Array, z: Array, box: Box, key: PRNGKeyArray) -> tuple[Array, Array]:
        """The layer's and the waves."""
        u, w = self.layer.velocity(x, z, box, key)
        number = jnp.arange(1, self.modes + 1, dtype=box.length.dtype)
        phase = jax.random.uniform(key, (self.modes, self.modes), box.length.dtype, 0, 2 * jnp.pi)
        size = self.amplitude / jnp.sqrt(number[:, None] ** 2 + number[None, :] ** 2)
        ax = (2 * jnp.pi / box.length) * x * number[None, :]  # (nx, kx)
        az = (2 * jnp.pi / box.height) * number[:, None] * z  # (kz, nz)
        along, across = size * jnp.cos(phase), size * jnp.sin(phase)
        sine, cosine = ([matmul(f(ax), a) for a in (along, across)] for f in (jnp.sin, jnp.cos))
        u = u + matmul(sine[0] + cosine[1], jnp.cos(az))
        w = w + matmul(cosine[0], jnp.sin(az)) + matmul(cosine[1], jnp.cos(az))
        return u, w

    def check(self, box: Box) -> None:
        """Does not fit a periodic z, nor walls without slip; the grid is to carry its waves."""
        super().check(box)
        box.check_waves(("initial.modes", self.modes), ("initial.modes", self.modes), per_wave=2)


class DoubleShear(Initial):
    """A jet between two tanh layers, u = u_max (tanh - tanh - 1), with light fluid inside and heavy
    fluid outside; fits any box.

    The density jumps at the layers as in kh2d-solver (`density_thickness` 0), or follows tanh.
    """

    thickness: Array = param(
        default=0.04, converter=as_number, gt=0, doc="delta of the layers", units="length"
    )
    separation: Array = param(
        default=0.3, converter=as_number, gt=0, doc="distance between the layers", units="length"
    )
    u_max: Array = param(
        default=1.0,
        converter=as_number,
        doc="velocity between the layers, with opposite sign outside",
        units="velocity",
    )
    density_between: Array = param(
        default=1.0, converter=as_number, gt=0, doc="density between the layers"
    )
    density_outside: Array = param(default=1.5, converter=as_number, gt=0, doc="density outside")
    density_thickness: Array = param(
        default=0.0,
        converter=as_number,
        ge=0,
        doc="delta of the density, 0 for a jump",
        units="length",
    )
    perturbation: Perturbation = choice(
        converter=one_of(PERTURBATIONS), default="mode", doc="disturbance of both layers"
    )

    def _centres(self, box: Box) -> tuple[Array, Array]:
        return box.height / 2 - self.separation / 2, box.height / 2 + self.separation / 2

    def _inside(self, z: Array, thickness: Array, box: Box) -> Array:
        """1 between the layers and 0 outside."""
        lower, upper = self._centres(box)
        soft = jnp.where(thickness == 0, 1, thickness)
        jump = ((z >= lower) & (z <= upper)).astype(z.dtype)
        return jnp.where(thickness == 0, jump, (_step(z, soft, lower) - _step(z, soft, upper)) / 2)

    def velocity(self, x: Array, z: Array, box: Box, key: PRNGKeyArray) -> tuple[Array, Array]:
        """The jet and its disturbance."""
        u, w = self.perturbation.velocity(x, z, box, self._centres(box), self.thickness)
        return self.stream(z, box) + u, w

    def stream(self, z: Array, box: Box) -> Array:
        """U(z)."""
        return self.u_max * (2 * self._inside(z, self.thickness, box) - 1)

    def density(self, z: Array, box: Box) -> Array:
        """rho0(z)."""
        inside = self._inside(z, self.density_thickness, box)
        return self.density_outside + (self.density_between - self.density_outside) * inside

    def dye(self, z: Array, box: Box) -> Array:
        """1 between the layers, 0 outside."""
        return self._inside(z, self.thickness, box)

    def check(self, box: Box) -> None:
        """Both layers must be in the box; a periodic box needs smooth ends, and Fourier modes a
        smooth density.
        """
        _needs_rest(self, box)
        self.perturbation.check(box, "initial.perturbation")
        given, height = on_host((self, box.height))
        refuse(
            given.separation >= height,
            "initial.separation",
            f"given {given.separation}, allowed: less than the height, {height}",
        )
        refuse(
            box.two_thirds and given.density_thickness == 0,
            "initial.density_thickness",
            "given 0, a jump, which overshoots in method 'spectral', allowed: > 0, or method "
            "'projection'",
        )
        most = (height - given.separation) / 8
        for name in ("thickness", "density_thickness"):
            thickness = getattr(given, name)
            if box.periodic and certain(thickness > most):
                raise ParameterError(
                    f"initial.{name}",
                    f"given {thickness}, a kink where z is periodic, allowed: at most "
                    f"{np.min(most):.3g}, (height - separation)/8",
                )


class TaylorGreen(Initial):
    """Vortices psi = A sin(k x) sin(kappa z) of uniform density, an exact solution that decays as
    e^{-nu (k^2 + kappa^2) t}.

    k = 2 pi m/length; kappa = n pi/height between free-slip walls, 2 pi n/height where z is
    periodic.
    """

    amplitude: Array = param(default=0.1, converter=as_number, doc="A", units="length velocity")
    m: int = static(1, ge=1, doc="waves in x")
    n: int = static(1, ge=1, doc="half waves in z between walls, waves where z is periodic")

    def _wave(self, box: Box) -> tuple[Array, Array]:
        return self.m * box.wave[0], self.n * box.wave[1]

    def velocity(self, x: Array, z: Array, box: Box, key: PRNGKeyArray) -> tuple[Array, Array]:
        """psi_z and -psi_x."""
        k, kappa = self._wave(box)
        u = self.amplitude * kappa * jnp.sin(k * x) * jnp.cos(kappa * z)
        return u, -self.amplitude * k * jnp.cos(k * x) * jnp.sin(kappa * z)

    def dye(self, z: Array, box: Box) -> Array:
        """1 in the upper half."""
        return (z > box.height / 2).astype(z.dtype)

    def exact(self, t: Array, box: Box, fluid: Fluid) -> dict[str, Array]:
        """The vortices at time t."""
        k, kappa = self._wave(box)
        square = k**2 + kappa**2
        decay = jnp.exp(-fluid.viscosity * square * t)
        u, w = self.velocity(box.x(), box.z(), box, jax.random.key(0))
        vorticity = self.amplitude * square * jnp.sin(k * box.x()) * jnp.sin(kappa * box.z())
        return {
            "u": decay * u,
            "w": decay * w,
            "vorticity": decay * vorticity,
            "density": jnp.ones_like(vorticity),
        }

    def check(self, box: Box) -> None:
        """Reject no-slip walls; the grid must resolve its waves."""
        refuse(
            box.walls == "no_slip",
            "walls",
            "given 'no_slip', allowed with initial 'taylor_green': free_slip, periodic",
        )
        box.check_waves(("initial.m", self.m), ("initial.n", self.n))


def _between(bottom: Array, top: Array, step: Array) -> Array:
    return bottom + (top - bottom) * ((1 + step) / 2)


def _needs_walls(box: Box, kind: str) -> None:
    refuse(
        box.periodic,
        "walls",
        f"given 'periodic', but {kind!r} differs above and below, allowed: free_slip, no_slip "
        "(periodic fits initial 'double_shear' and 'taylor_green')",
    )


def _needs_rest(initial: Initial, box: Box) -> None:
    """A flow along a no-slip wall would start with a vortex sheet of zero thickness."""
    if box.walls != "no_slip":
        return
    speed = jnp.stack([jnp.abs(initial.stream(z, box)) for z in (0 * box.height, box.height)])
    if certain(speed > 1e-3):
        raise ParameterError(
            "walls",
            f"given 'no_slip', but the flow starts with speed {np.max(speed):.3g} along "
            "a wall, allowed: free_slip, or a start at rest there (u_top and u_bottom 0, set in "
            "motion by a forcing)",
        )


INITIALS: dict[str, type[Initial]] = {
    "shear_layer": ShearLayer,
    "double_shear": DoubleShear,
    "rotating": Rotating,
    "forced": Forced,
    "taylor_green": TaylorGreen,
}
