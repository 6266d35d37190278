"""Plane waves and smooth profiles other than solitons, with or without noise, and fields from a
file.
"""

import math
from typing import Any, ClassVar, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float, PRNGKeyArray

from physent.numerics.rotation import sech
from physent.protocol.parameters import (
    as_number,
    known,
    param,
    static,
)
from physent.protocol.starts import GivenFields, Start
from physent.solvers.checks import on_host
from physent.solvers.snapshot import Snapshot

from .initial import Initial, Medium


class PlaneWave(Initial):
    """A plane wave with a small perturbation, a e^{i k x} [1 + epsilon w(x)], k = 2 pi mode/length.

    w is cos(2 pi perturbation_mode x/length), or complex Gaussian noise of unit variance in each
    part. In a focusing medium a perturbation of wavenumber q grows at the rate beta |q| sqrt(2 g
    a^2/beta - q^2) where that is real (V. I. Bespalov, V. I. Talanov, JETP Lett. 3, 307, 1966).
    Exact without a perturbation.
    """

    amplitude: Array = param(default=1.0, converter=as_number, gt=0, doc="|psi| of the wave")
    mode: int = static(0, doc="number of wavelengths in the box, negative for a left-moving wave")
    perturbation: Literal["none", "cosine", "noise"] = static(
        "none", doc="shape w(x) of the perturbation"
    )
    perturbation_amplitude: Array = param(
        default=1e-8, converter=as_number, doc="epsilon, relative to the wave"
    )
    perturbation_mode: int = static(1, ge=1, doc="number of wavelengths of the cosine in the box")

    def wave(
        self, x: Float[Array, "..."], medium: Medium, key: PRNGKeyArray
    ) -> Complex[Array, "..."]:
        """The perturbed wave; the noise comes from `key`, the random key of the run."""
        wave = self._wave(x, jnp.zeros_like(medium.length), medium)
        if self.perturbation == "cosine":
            shape = jnp.cos((2 * math.pi * self.perturbation_mode / medium.length) * x)
        elif self.perturbation == "noise":
            shape = _complex_noise(key, x)
        else:
            return wave
        return wave * (1 + self.perturbation_amplitude * shape)

    def evolved(
        self, x: Float[Array, "..."], t: Float[Array, ""], medium: Medium
    ) -> Complex[Array, "..."] | None:
        """a e^{i(k x - omega t)}, omega = beta k^2 - g a^2, if there is no perturbation."""
        return self._wave(x, t, medium) if self.perturbation == "none" else None

    def _wave(self, x: Array, t: Array, medium: Medium) -> Array:
        k = 2 * math.pi * self.mode / medium.length
        turn = k * x - (medium.dispersion * k**2 - medium.nonlinearity * self.amplitude**2) * t
        return jax.lax.complex(self.amplitude * jnp.cos(turn), self.amplitude * jnp.sin(turn))


class Packet(Initial):
    """A Gaussian packet of waves, a exp(-(x - x0)^2/(4 w^2) + i k (x - x0)), which spreads; exact
    where there is no interaction.

    k is rounded to a whole number of wavelengths in the box. |psi|^2 has the standard deviation w.
    """

    amplitude: Array = param(default=1.0, converter=as_number, gt=0, doc="|psi| in the middle")
    width: Array = param(
        default=5.0, converter=as_number, gt=0, doc="w, of the packet", units="length"
    )
    position: Array = param(
        default=0.0, converter=as_number, doc="x0, middle of the packet", units="length"
    )
    wavenumber: Array = param(
        default=1.0, converter=as_number, doc="k, mean wavenumber", units="1/length"
    )

    def wave(
        self, x: Float[Array, "..."], medium: Medium, key: PRNGKeyArray
    ) -> Complex[Array, "..."]:
        """The packet at t = 0."""
        return self._packet(x, jnp.zeros_like(medium.length), medium)

    def evolved(
        self, x: Float[Array, "..."], t: Float[Array, ""], medium: Medium
    ) -> Complex[Array, "..."] | None:
        """The spreading packet, if the nonlinearity is known to be 0."""
        free = np.all(on_host(medium.nonlinearity) == 0) if known(medium.nonlinearity) else False
        return self._packet(x, t, medium) if free else None

    def _packet(self, x: Array, t: Array, medium: Medium) -> Array:
        unit, beta = 2 * math.pi / medium.length, medium.dispersion
        k = unit * jnp.round(self.wavenumber / unit)
        away = medium.distance(x, self.position + 2 * beta * k * t)
        spread = self.width**2 + 1j * beta * t
        turn = k * away + beta * k**2 * t
        height = self.amplitude * self.width / jnp.sqrt(spread)
        return height * jnp.exp(-(away**2) / (4 * spread) + 1j * turn)


class ModulatedSech(Initial):
    """sqrt(2) a sech(a x) e^{i f x} (1 + m cos 2 f x), the "breather" of simple-idealized-1d-nlse
    0.0.5.

    It is no breather but an amplitude-modulated pulse; kept so that its published numbers can be
    repeated.
    """

    amplitude: Array = param(
        default=1.0,
        converter=as_number,
        gt=0,
        doc="a, the inverse width; the peak is sqrt(2) a (1 + m)",
    )
    frequency: Array = param(
        default=0.5,
        converter=as_number,
        doc="f, wavenumber of the carrier and half that of the modulation",
        units="1/length",
    )
    modulation: Array = param(default=0.5, converter=as_number, doc="m, depth of the modulation")

    def wave(
        self, x: Float[Array, "..."], medium: Medium, key: PRNGKeyArray
    ) -> Complex[Array, "..."]:
        """The profile; its carrier need not fit the box, at whose edges the pulse is small."""
        envelope = math.sqrt(2) * self.amplitude * sech(self.amplitude * x)
        modulated = envelope * (1 + self.modulation * jnp.cos(2 * self.frequency * x))
        turn = self.frequency * x
        return jax.lax.complex(modulated * jnp.cos(turn), modulated * jnp.sin(turn))


class GaussianNoise(Initial):
    """A Gaussian with complex white noise, a exp(-(x - x0)^2/(2 w^2)) + epsilon (xi + i eta).

    With a `seed`, xi and then eta are drawn from NumPy's legacy generator, so that numbers
    published with it can be repeated; without one they come from the key of the run, differently
    for every member.
    """

    amplitude: Array = param(default=1.0, converter=as_number, ge=0, doc="peak of the Gaussian")
    width: Array = param(
        default=5.0,
        converter=as_number,
        gt=0,
        doc="w, standard deviation of the Gaussian",
        units="length",
    )
    position: Array = param(
        default=0.0, converter=as_number, doc="x0, centre of the Gaussian", units="length"
    )
    noise: Array = param(
        default=0.01,
        converter=as_number,
        ge=0,
        doc="epsilon, standard deviation of each part of the noise",
    )
    seed: int | None = static(
        None, doc="seed of NumPy's legacy RandomState; none: the key of the run"
    )

    def wave(
        self, x: Float[Array, "..."], medium: Medium, key: PRNGKeyArray
    ) -> Complex[Array, "..."]:
        """The noisy profile."""
        envelope = self.amplitude * jnp.exp(
            -(medium.distance(x, self.position) ** 2) / (2 * self.width**2)
        )
        if self.seed is None:
            return envelope + self.noise * _complex_noise(key, x)
        generator = np.random.RandomState(self.seed)  # the published numbers were drawn from it
        xi, eta = generator.randn(*x.shape), generator.randn(*x.shape)
        return envelope + self.noise * jax.lax.complex(
            jnp.asarray(xi, x.dtype), jnp.asarray(eta, x.dtype)
        )


class FromFile(Snapshot, Start):
    """psi = first variable + i second variable, at one time of a NetCDF file; the grids must have
    the same size.

    A variable has the axes of space, preceded at most by t, or t and member. The file is read when
    the run starts, on the host.
    """

    counts: ClassVar[tuple[int, ...]] = (1, 2)
    variables: tuple[str, ...] = static(
        ("psi_re", "psi_im"), doc="variables with the real and the imaginary part"
    )

    def __call__(self, solver: Any, key: PRNGKeyArray) -> dict[str, Array]:
        """The field, in the precision of the grid."""
        parts, dtype = self._fields(solver), solver.basis.dtype
        imaginary = parts[1] if len(parts) == 2 else np.zeros_like(parts[0])
        return {"psi": jnp.asarray(parts[0], dtype) + 1j * jnp.asarray(imaginary, dtype)}

    def check(self, solver: Any) -> None:
        """The file must exist and contain the variables on n points."""
        self._fields(solver)

    def _fields(self, solver: Any) -> list[np.ndarray]:
        shape = solver.basis.shape
        axis = "axis" if len(shape) == 1 else "axes"
        return self.read(shape, f"n = {solver.n} points along its last {axis}")


class GivenWave(GivenFields):
    """psi from an array, a function of the coordinates or a file."""

    usual = ("psi",)


def _complex_noise(key: PRNGKeyArray, x: Array) -> Array:
    parts = jax.random.normal(key, (2, *x.shape), x.dtype)
    return jax.lax.complex(parts[0], parts[1])
