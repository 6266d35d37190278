"""Stationary states of the lowest energy of nonlinear Schroedinger fields, and what is excited on
them.

A ground state minimises the energy at a fixed mass: H psi = mu psi with H = -beta lap + V - g
f(|psi|^2) - Omega L_z. First psi descends along the preconditioned gradient, then Newton's method
takes it to rounding; its linear systems, positive on what keeps the mass and the phase, are solved
by conjugate gradients. (X. Antoine, A. Levitt, Q. Tang, J. Comput. Phys. 343, 92, 2017, for the
preconditioner.)
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float, PRNGKeyArray

from physent.errors import ParameterError
from physent.numerics.basis import Basis
from physent.numerics.field import Field
from physent.numerics.products import scale
from physent.numerics.spectral import squared_modulus
from physent.numerics.unknowns import Fields
from physent.protocol.parameters import as_number, param, static
from physent.protocol.starts import Start

from .potential import along


class Ground(NamedTuple):
    """A stationary state: `residual` is the norm of H psi - mu psi, divided by that of psi."""

    psi: Complex[Array, "..."]
    chemical_potential: Float[Array, ""]
    residual: Float[Array, ""]


def ground_state(
    solver: Any,
    mass: Any = 1.0,
    *,
    guess: Array | None = None,
    descents: int = 20_000,
    turns: int = 30,
) -> Ground:
    """The state of lowest energy with int |psi|^2 = mass, near a guess. It can be traced.

    Args:
        solver: the equation, an `NLSE`, with its grid, potential, interaction and rotation; its
            `initial` plays no part.
        mass: int |psi|^2.
        guess: psi to begin with, of the shape of the grid; by default the Thomas-Fermi profile
            where particles repel each other in a potential, else a Gaussian.
        descents: steps along the gradient, at most, to a residual of 1e-3.
        turns: steps of Newton's method, at most.

    Returns:
        psi, mu and the residual, below 1e-10 mu where the grid resolves the state; look at it: a
        state of which there are many, such as a lattice of vortices, may be a local minimum.
    """
    basis = solver.basis.with_points(solver.basis.shape)
    cell = basis.volume / float(np.prod(basis.shape))
    mass = jnp.asarray(mass, basis.dtype)
    psi = _guess(solver, basis, mass) if guess is None else jnp.asarray(guess)
    complex_ = jnp.result_type(basis.dtype, jnp.complex64)

    def normal(psi: Array) -> Array:
        return scale(jnp.sqrt(mass / (cell * jnp.sum(squared_modulus(psi)))), psi)

    def state_of(psi: Array) -> tuple[Array, Array, Array]:
        """H psi, mu and the residual."""
        turned = hamiltonian(solver, basis, psi)
        mu = _inner(psi, turned) / _inner(psi, psi)
        left = turned - scale(mu, psi)
        return left, mu, jnp.sqrt(_inner(left, left) / _inner(psi, psi))

    def near(psi: Array, mu: Array) -> Callable[[Array], Array]:
        return _preconditioner(solver, basis, psi, mu)

    def descend(carry: Any) -> Any:
        psi, count, _, pace, energy = carry
        left, mu, _ = state_of(psi)
        down = near(psi, mu)(left)
        trial = normal(psi - scale(pace, down))
        after = _energy(solver, basis, trial)
        better = after <= energy + 1e-12 * jnp.abs(energy)
        psi = jnp.where(better, trial, psi)
        pace = jnp.where(better, jnp.minimum(1.1 * pace, 1.5), pace / 2)
        return psi, count + 1, state_of(psi)[2], pace, jnp.where(better, after, energy)

    def turn(carry: Any) -> Any:
        psi, count, _, _ = carry
        left, mu, before = state_of(psi)

        def tangent(v: Array) -> Array:
            """Without what changes the mass or the phase."""
            size = _inner(psi, psi)
            v = v - scale(_inner(psi, v) / size, psi)
            return v - scale(_inner(1j * psi, v) / size, 1j * psi)

        def slope(v: Array) -> Array:
            v = tangent(v)
            along_v = jax.jvp(lambda p: hamiltonian(solver, basis, p), (psi,), (v,))[1]
            return tangent(along_v - scale(mu, v))

        ready = near(psi, mu)
        step, _ = jax.scipy.sparse.linalg.cg(
            slope, -tangent(left), tol=1e-6, maxiter=400, M=lambda v: tangent(ready(tangent(v)))
        )
        trial = normal(psi + tangent(step))
        after = state_of(trial)[2]
        better = after < before
        return jnp.where(better, trial, psi), count + 1, jnp.minimum(after, before), better

    def both(carry: Any) -> Any:
        """Descend to a residual, then turn; where Newton's method does not help yet, descend on."""
        psi, aim, count, _ = carry
        size = 1 + jnp.abs(state_of(psi)[1])
        psi, used, *_ = jax.lax.while_loop(
            lambda own: (own[1] < descents) & (own[2] > aim * size) & (own[3] > 1e-8),
            descend,
            (psi, count, inf, jnp.ones((), basis.dtype), _energy(solver, basis, psi)),
        )
        psi, _, left, _ = jax.lax.while_loop(
            lambda own: (own[1] < turns) & own[3] & (own[2] > 1e-14 * size),
            turn,
            (psi, jnp.zeros((), int), inf, jnp.asarray(True)),
        )
        return psi, 0.1 * aim, used, left / size

    psi, inf = normal(psi.astype(complex_)), jnp.full((), jnp.inf, basis.dtype)
    first = (psi, jnp.full((), 1e-3, basis.dtype), jnp.zeros((), int), inf)
    psi, *_ = jax.lax.while_loop(lambda own: (own[3] > 1e-12) & (own[1] > 1e-10), both, first)
    _, mu, residual = state_of(psi)
    return Ground(psi, mu, residual)


def hamiltonian(solver: Any, basis: Basis, psi: Array) -> Array:
    """H psi at the points of the grid."""
    f = Fields(basis, {"psi": Field.of_values(basis, psi)}, jnp.zeros_like(solver.dt))
    density, v = squared_modulus(psi), solver.potential(basis, f.t)
    own = -solver.nonlinearity * solver.interaction.potential(density, basis)
    found = f.psi.times(solver.dispersion * basis.wavenumbers() ** 2).values
    found = found + scale(own if v is None else own + v, psi)
    if solver.rotation is not None:
        found = found + scale(1j * solver.rotation, (f.x * f.psi.dy - f.y * f.psi.dx).values)
    return found


def _energy(solver: Any, basis: Basis, psi: Array) -> Array:
    """The energy per cell: that of H, where the interaction counts half."""
    density = squared_modulus(psi)
    extra = density * solver.interaction.potential(density, basis)
    double = solver.interaction.doubled_energy(density, basis)
    whole = _inner(psi, hamiltonian(solver, basis, psi))
    return whole + solver.nonlinearity * jnp.sum(extra - double / 2)


def _preconditioner(solver: Any, basis: Basis, psi: Array, mu: Array) -> Callable[[Array], Array]:
    """About the inverse of the positive part of H, symmetric in V and the kinetic energy."""
    v = solver.potential(basis, jnp.zeros_like(solver.dt))
    density = squared_modulus(psi)
    deep = jnp.abs(solver.nonlinearity) * density + (0 if v is None else v - jnp.min(v))
    mean = jnp.sum(density * deep) / jnp.sum(density) + jnp.abs(mu) * 0.1 + 1e-3
    half = jnp.sqrt(mean / (mean + deep))
    inverse = 1 / (mean + solver.dispersion * basis.wavenumbers() ** 2)

    def apply(w: Array) -> Array:
        return scale(half, jnp.fft.ifftn(inverse * jnp.fft.fftn(scale(half, w))))

    return apply


def _inner(a: Array, b: Array) -> Array:
    return jnp.sum(a.real * b.real + a.imag * b.imag)


def _guess(solver: Any, basis: Basis, mass: Array) -> Array:
    """The Thomas-Fermi profile with a soft edge, or a Gaussian."""
    x = basis.coordinates()
    square = sum(each**2 for each in x)
    width = 0.1 * jnp.min(jnp.stack(basis.lengths))
    gaussian = jnp.exp(-square / (2 * width**2))
    v = solver.potential(basis, jnp.zeros_like(solver.dt))
    if v is None:
        return jnp.where(solver.nonlinearity > 0, gaussian, jnp.ones_like(gaussian))
    cell, g = basis.volume / float(np.prod(basis.shape)), jnp.maximum(-solver.nonlinearity, 1e-6)

    def count(mu: Array) -> Array:
        return cell * jnp.sum(jnp.maximum(mu - v, 0)) / g

    def halve(_: int, ends: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = ends
        middle = (low + high) / 2
        more = count(middle) > mass
        return jnp.where(more, low, middle), jnp.where(more, middle, high)

    low, high = jax.lax.fori_loop(
        0, 60, halve, (jnp.min(v), jnp.max(v) + g * mass / basis.volume + 1)
    )
    thomas_fermi = jnp.sqrt(jnp.maximum((low + high) / 2 - v, 0) / g)
    lowest = jnp.exp(-(v - jnp.min(v)) / (1 + jnp.sqrt(jnp.max(v) - jnp.min(v))))
    strong = low - jnp.min(v) > 1
    return jnp.where(strong, thomas_fermi + 0.05 * jnp.max(thomas_fermi) * lowest, lowest)


class GroundStart(Start):
    """The state of lowest energy with a mass in the potential, moved as a whole by `shift`, with
    `winding` turns of its phase round the middle before it descends.
    """

    n: Any = eqx.field(static=True, default=None, kw_only=True)  # of the grid, from the solver
    mass: Array = param(default=1.0, converter=as_number, gt=0, doc="int |psi|^2")
    shift: Array = param(
        default=0.0,
        converter=as_number,
        per_axis=True,
        doc="by how much psi is moved along each axis",
        units="length",
    )
    winding: int = static(0, doc="turns of the phase round the last axis: a vortex")

    def __call__(self, solver: Any, key: PRNGKeyArray) -> dict[str, Array]:
        """See `Start`."""
        basis = solver.basis.with_points(solver.basis.shape)
        guess = None
        if self.winding:
            x, y = basis.coordinates()[:2]
            radius = jnp.sqrt(x**2 + y**2)
            core = radius ** abs(self.winding) / (1 + radius ** abs(self.winding))
            phase = self.winding * jnp.arctan2(y, x)
            guess = scale(_guess(solver, basis, self.mass) * core, jnp.exp(1j * phase))
        psi = ground_state(solver, self.mass, guess=guess).psi
        modes = jnp.fft.fftn(psi)
        for axis, k in enumerate(basis.wavenumbers()):
            modes = modes * jnp.exp(-1j * along(self.shift, axis) * k)
        return {"psi": jnp.fft.ifftn(modes)}

    def check(self, solver: Any) -> None:
        """A winding needs a plane."""
        if self.winding and len(solver.basis.shape) == 1:
            words = f"given {self.winding} on a line, allowed: 0"
            raise ParameterError("initial.winding", words)
