"""What is set of the Klein-Gordon equation: its parameters, its state, and the box it lives in."""

import dataclasses
from typing import Literal

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Inexact, Int, PRNGKeyArray

from physent.errors import ParameterError
from physent.numerics.basis import shapes_of
from physent.numerics.spectral import grid
from physent.protocol.declaration import declarations_of
from physent.protocol.given import settle
from physent.protocol.parameters import (
    as_number,
    as_step,
    choice,
    kind_of,
    one_of,
    param,
    static,
)
from physent.protocol.solver import Solver, State
from physent.solvers.checks import certain, on_host, refuse

from .boundary import BOUNDARIES, Boundary, named
from .given import GivenField
from .initial import Initial, Medium
from .kinks import Breather, KinkAntikink, Phi4Kink, SineGordonKink, TwoKink
from .potential import POTENTIALS, CustomPotential, Linear, Potential
from .profiles import Gaussian, PlaneWave, Random, Sampled
from .statics import Kink
from .waves import Pair, Waves, absorbing_layers

INITIALS: dict[str, type[Initial]] = {
    "gaussian": Gaussian,
    "plane_wave": PlaneWave,
    "phi4_kink": Phi4Kink,
    "kink_antikink": KinkAntikink,
    "sine_gordon_kink": SineGordonKink,
    "breather": Breather,
    "two_kink": TwoKink,
    "kink": Kink,
    "random": Random,
    "sampled": Sampled,
}
AXES = ("x", "y", "z")


class KleinGordonState(State):
    """The amplitudes of u = phi - background and of phi_t at time t, in the modes of the boundary.

    `probe` is phi at the probe point and `bounces` how often it has fallen through zero there. An
    adaptive method keeps the size of the inner step to try next.
    """

    t: Float[Array, ""]
    phi: Inexact[Array, "..."]
    phi_t: Inexact[Array, "..."]
    probe: Float[Array, ""]
    bounces: Int[Array, ""]
    inner_step: Float[Array, ""] | None = None


class Setting(Solver[KleinGordonState]):
    """The parameters of the Klein-Gordon equation, and its box; `KleinGordon` says how it moves."""

    auxiliary = ("t", "probe", "inner_step")
    n: int | tuple[int, ...] = static(
        512, ge=4, doc="number of grid points, or a list with those along each axis"
    )
    length: Array = param(
        default=60.0,
        converter=as_number,
        gt=0,
        per_axis=True,
        doc="length of the box along each axis",
        units="length",
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
        per_axis=True,
        doc="point where phi and phi_t are followed and bounces counted",
        units="length",
    )
    damping: Array | None = param(
        default=None, converter=as_number, ge=0, doc="gamma, of -gamma phi_t", units="1/time"
    )
    absorbing_width: Array | None = param(
        default=None,
        converter=as_number,
        gt=0,
        doc="width of layers at the ends of each axis that absorb waves",
        units="length",
    )
    absorbing_rate: Array | None = param(
        default=None,
        converter=as_number,
        ge=0,
        doc="damping at the very ends (default: 2)",
        units="1/time",
    )
    forcing: Array | None = param(
        default=None, converter=as_number, doc="F, of a uniform force F cos(w t)"
    )
    forcing_frequency: Array | None = param(
        default=None, converter=as_number, doc="w, of the force (default: 0)", units="1/time"
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
        shape, dimension = shapes_of(self.n), len(shapes_of(self.n))
        if not 1 <= dimension <= 3:
            raise ParameterError("n", f"given {dimension} axes, allowed: 1, 2 or 3")
        for name in ("length", "probe"):
            if dimension > 1 and np.ndim(getattr(self, name)) == 0:
                each = jnp.broadcast_to(getattr(self, name), (dimension,))
                object.__setattr__(self, name, each)
            if words := declarations_of(self)[name].misshapen(getattr(self, name)):
                raise ParameterError(name, words)
        settle(self, lambda solver: solver._points())
        if isinstance(self.initial, GivenField):
            object.__setattr__(self, "initial", self.initial.on(shape))
        self.potential.check()
        self.boundary.check(shape[0], self.potential.repeat(), self.potential.is_even())
        medium = self._medium()
        self.initial.check(shape, medium)
        own, fitting = self.boundary, self.initial.boundaries(medium)
        refuse(
            not own.walls
            and all(
                (type(own), own.charge()) != (type(other), other.charge()) for other in fitting
            ),
            "boundary",
            f"given {named(own)}, but initial condition "
            f"{kind_of(self.initial, INITIALS)!r} with this potential continues differently "
            f"beyond the box, allowed: {' or '.join(named(other) for other in fitting)}",
        )
        dt = on_host(self.dt)
        longest = 2 * self._spacing() / np.pi
        if self.method == "stormer_verlet" and certain(dt >= longest):
            raise ParameterError(
                "dt",
                f"given {dt.tolist()}, allowed with stormer_verlet: < 2/k_max = "
                f"{np.min(longest):.6g}",
            )
        for name in self._losses():
            if self.method in ("stormer_verlet", "dopri8"):
                words = f"given {name} with {self.method!r}, allowed: without, or with 'strang', "
                raise ParameterError("method", f"{words}'blanes_moan_4' or 'blanes_moan_6'")
        if self.forcing is not None and own.turned:
            raise ParameterError("forcing", "a uniform force is not antiperiodic")

    # ----------------------------------------------------------------------------------------------
    # space, and what moves in it

    def _lengths(self) -> tuple[Array, ...]:
        return (self.length,) if len(shapes_of(self.n)) == 1 else tuple(self.length)

    def _probe(self) -> tuple[Array, ...]:
        return (self.probe,) if len(shapes_of(self.n)) == 1 else tuple(self.probe)

    def _spacing(self) -> np.ndarray:
        """Between points; in several dimensions (sum_i dx_i^-2)^(-1/2)."""
        shape, length = shapes_of(self.n), on_host(self.length)
        if len(shape) == 1:
            return length / shape[0]  # pyright: ignore[reportReturnType]
        return ((np.asarray(shape) / length) ** 2).sum(-1) ** -0.5  # pyright: ignore[reportReturnType]

    def _lines(self) -> tuple[Float[Array, " n"], ...]:
        """The coordinate along each axis."""
        shape = shapes_of(self.n)
        if not self.boundary.walls:
            return tuple(grid(n, each) for n, each in zip(shape, self._lengths(), strict=True))
        basis = self.boundary.basis(shape, self._lengths())
        return tuple(basis.points(axis) for axis in range(len(shape)))

    def _points(self) -> tuple[Float[Array, "..."], ...]:
        """The coordinates of all points."""
        lines = self._lines()
        return lines if len(lines) == 1 else tuple(jnp.meshgrid(*lines, indexing="ij"))

    def _medium(self, key: PRNGKeyArray | None = None) -> Medium:
        basis = self.boundary.basis(shapes_of(self.n), self._lengths())
        return Medium(basis, self.potential, self.boundary, key=key)

    def _medium_at(self, key: PRNGKeyArray | None = None) -> tuple[Array, Medium]:
        """The coordinate x of all points, and the medium with the others."""
        x, *across = self._points()
        return x, dataclasses.replace(self._medium(key), across=tuple(across))

    def _waves(self) -> Waves:
        mass = self.linear_mass
        if mass is None and isinstance(self.potential, Linear):
            mass = self.potential.mass
        basis, width = self._medium().basis, self.absorbing_width
        rate = 2.0 if self.absorbing_rate is None else self.absorbing_rate
        frequency = 0.0 if self.forcing_frequency is None else self.forcing_frequency
        return Waves(
            basis,
            self.potential,
            self.boundary,
            mass,
            self._is_free(),
            self.damping,
            None if width is None else absorbing_layers(basis, width, jnp.asarray(rate)),
            None if self.forcing is None else (self.forcing, jnp.asarray(frequency)),
        )

    def _start(self, key: PRNGKeyArray | None = None) -> Pair:
        waves, (x, medium) = self._waves(), self._medium_at(key)
        phi, phi_t = self.initial.start(x, jnp.zeros_like(self.dt), medium)
        return waves.modes(phi - waves.background(x)), waves.modes(phi_t)

    def _at_probe(self, waves: Waves, phi: Inexact[Array, "..."]) -> Float[Array, ""]:
        place = self._probe()
        return waves.at(place, phi) + waves.background(place[0])

    def _is_free(self) -> bool:
        return self.linear_mass is None and isinstance(self.potential, Linear)

    def _losses(self) -> list[str]:
        """What is switched on of that which takes energy away or brings some."""
        every = ("damping", "absorbing_width", "forcing")
        return [name for name in every if getattr(self, name) is not None]

    @staticmethod
    def _momentum(axis: int, density: str = "_density") -> str:
        return f"momentum{density}" + ("" if axis == 0 else f"_{AXES[axis]}")
