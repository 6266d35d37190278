"""How a Klein-Gordon field moves: its modes, the exact flow of waves, the kicks of the force."""

import math

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Inexact

from physent.numerics.basis import Basis
from physent.numerics.flows import damped_flow, wave_flow
from physent.numerics.rotation import cosine_sine

from .boundary import Boundary, Winding
from .potential import Potential

Modes = Inexact[Array, "..."]
Pair = tuple[Modes, Modes]


class Waves(eqx.Module):
    """phi_tt - lap phi + V'(phi) + (damping + absorption(x)) phi_t = force(t) as flows of pairs of
    modes, those of u = phi - background and of phi_t.

    Modes are amplitudes, the mean of u e^{-i k (x + length/2)}. `mass` is that in the part which is
    solved exactly, `free` says that nothing else is left.
    """

    basis: Basis
    potential: Potential
    boundary: Boundary
    mass: Array | None
    free: bool = eqx.field(static=True)
    damping: Array | None = None
    absorption: Float[Array, "..."] | None = None
    forcing: tuple[Array, Array] | None = None

    # ----------------------------------------------------------------------------------------------
    # space and modes

    @property
    def parity(self) -> tuple[int, ...]:
        """Of u along each axis."""
        return tuple(-1 if turned else 1 for turned in self.basis.turned)

    def modes(self, u: Float[Array, "..."]) -> Modes:
        """The amplitudes of a field of the sector from its values."""
        return self.basis.modes(u, self.parity) * (1 / math.prod(self.basis.shape))

    def field(self, modes: Modes) -> Float[Array, "..."]:
        """The values of a field from its amplitudes, the inverse of `modes`."""
        return self.basis.values(modes, self.parity) * math.prod(self.basis.shape)

    def slopes(self, modes: Modes) -> tuple[Float[Array, "..."], ...]:
        """The derivatives of phi along each axis."""
        found = []
        for axis, k in enumerate(self.basis.wavenumbers()):
            if k.signed is not None:
                slope = self.field(1j * k.signed * modes)
            else:
                parity = tuple(-1 if i == axis else 1 for i in range(len(self.basis.shape)))
                slope = self.basis.values(-k.every * modes, parity) * math.prod(self.basis.shape)
            found.append(slope if axis else slope + self.background_slope())
        return tuple(found)

    def background(self, x: Float[Array, "..."]) -> Float[Array, "..."]:
        """phi - u at points with these coordinates x."""
        return self.background_slope() * x

    def background_slope(self) -> Float[Array, ""]:
        """The derivative of phi - u along x."""
        return self.boundary.jump(self.potential.repeat()) / self.basis.lengths[0]

    def phi(self, modes: Modes) -> Float[Array, "..."]:
        """phi from the amplitudes of u."""
        u = self.field(modes)
        if not isinstance(self.boundary, Winding):
            return u
        shape = [-1] + [1] * (u.ndim - 1)
        return u + self.background(self.basis.points(0)).reshape(shape)

    def square(self) -> Float[Array, "..."]:
        """k^2 of each mode."""
        return sum(k**2 for k in self.basis.wavenumbers())  # pyright: ignore[reportReturnType]

    def weights(self) -> Float[Array, "..."]:
        """How many times each mode counts in the mean of a square."""
        return jnp.asarray(self.basis.weights(), self.basis.dtype)

    def at(self, place: tuple[Array, ...], modes: Modes) -> Float[Array, ""]:
        """u at a place, from its amplitudes."""
        turns = []
        for axis, (k, length) in enumerate(
            zip(self.basis.wavenumbers(), self.basis.lengths, strict=True)
        ):
            turns.append(cosine_sine(k.every * (place[axis] + length / 2)))
        if any(self.basis.walls):
            cosines = math.prod((cosine for cosine, _ in turns), start=jnp.ones(()))
            return jnp.sum(modes * cosines)
        cosine, sine = turns[0]
        for c, s in turns[1:]:
            cosine, sine = cosine * c - sine * s, cosine * s + sine * c
        return jnp.sum(self.weights() * (modes.real * cosine - modes.imag * sine))

    # ----------------------------------------------------------------------------------------------
    # flows

    def drift(self, pair: Pair, tau: Array) -> Pair:
        """The exact flow of u_tt = lap u - mass^2 u - damping u_t."""
        mass = jnp.zeros_like(self.basis.lengths[0]) if self.mass is None else self.mass
        square = self.square() + mass**2
        if self.damping is None:
            return wave_flow(*pair, square, tau)
        return damped_flow(*pair, square, self.damping, tau)

    def kick(self, pair: Pair, t: Array, tau: Array) -> Pair:
        """phi_t -= tau (V'(phi) - mass^2 u - force), and what the layers absorb."""
        phi, phi_t = pair
        if self.free and self.forcing is None and self.absorption is None:
            return pair
        if self.absorption is None:
            return phi, phi_t - tau * self._rest_of_force(phi, t)
        # phi_t' = -force - absorption phi_t at every point, with all else at rest
        rest = self.field(self._rest_of_force(phi, t))
        lost = -jnp.expm1(-self.absorption * tau)
        still = self.absorption == 0
        time = jnp.where(still, tau, lost / jnp.where(still, 1, self.absorption))
        return phi, self.modes((1 - lost) * self.field(phi_t) - time * rest)

    def whole_kick(self, pair: Pair, tau: Array) -> Pair:
        """phi_t += tau (lap phi - V'(phi))."""
        phi, phi_t = pair
        return phi, phi_t - tau * (self._force(phi) + self.square() * phi)

    def _force(self, modes: Modes, t: Array | None = None) -> Modes:
        """The modes of V'(phi) - force(t)."""
        values = self.potential.slope(self.phi(modes))
        if self.forcing is not None and t is not None:
            amplitude, frequency = self.forcing
            values = values - amplitude * jnp.cos(frequency * t)
        return self.modes(values)

    def _rest_of_force(self, modes: Modes, t: Array | None = None) -> Modes:
        force = self._force(modes, t)
        return force if self.mass is None else force - self.mass**2 * modes

    def adaptive(
        self, pair: Pair, dt: Array, inner_step: Array, rtol: Array, atol: Array
    ) -> tuple[Pair, Array]:
        """One dt of dopri8 in the variables omega u +- i phi_t, which the linear part only
        turns.
        """
        from physent.numerics.adaptive import dopri8_step  # diffrax takes a second to import

        square = self.square()
        square = square if self.mass is None else square + self.mass**2
        # a mode at rest is turned too, and the force takes it back
        omega = jnp.sqrt(jnp.where(square > 0, square, 1))
        phi, phi_t = pair

        def nonlinear(y, _):
            forward, backward = jnp.split(y, 2)
            modes = self._like((forward + backward) / (2 * omega))
            force = (omega**2 - square) * modes - self._rest_of_force(modes)
            return jnp.concatenate([1j * force, -1j * force])

        y, inner_step = dopri8_step(
            jnp.concatenate([omega * phi + 1j * phi_t, omega * phi - 1j * phi_t]),
            dt,
            jnp.concatenate([-1j * omega, 1j * omega]),
            nonlinear,
            inner_step,
            rtol,
            atol,
        )
        forward, backward = jnp.split(y, 2)
        now = (forward + backward) / (2 * omega), (forward - backward) / 2j
        return (self._like(now[0]), self._like(now[1])), inner_step

    def _like(self, modes: Modes) -> Modes:
        """Modes between walls are real."""
        return modes.real if all(self.basis.walls) else modes


def absorbing_layers(
    basis: Basis, width: Float[Array, ""], strength: Float[Array, ""]
) -> Float[Array, "..."]:
    """A rate of absorption that rises to `strength` in layers of this width at the ends of every
    axis, as the square of a sine.
    """
    total = jnp.zeros(basis.shape, basis.dtype)
    for x, length in zip(basis.coordinates(), basis.lengths, strict=True):
        depth = jnp.clip(1 - (length / 2 - jnp.abs(x)) / width, 0, 1)
        total = total + jnp.sin(np.pi / 2 * depth) ** 2
    return strength * total
