"""Ground states of nonlinear Schroedinger fields and their spectra, beside closed forms."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest
from trajectory import advance, start

from physent.errors import ParameterError
from physent.solvers.nlse import NLSE, GroundStart, Harmonic, bogoliubov, ground_state

found = eqx.filter_jit(ground_state)
PLANE = NLSE(
    n=(48, 48), length=14.0, dt=0.01, nonlinearity=-1.0, potential=Harmonic(),
    initial=GroundStart(mass=50.0, shift=(0.5, 0.0)),
)  # fmt: skip


def test_a_soliton_is_the_ground_state_of_a_focusing_line():
    solver = NLSE(n=256, length=40.0, initial="random")
    ground = found(solver, 2.0)
    assert float(ground.residual) < 1e-10
    x = np.asarray(solver.basis.points(0))
    assert np.max(np.abs(np.abs(ground.psi) - 1 / np.cosh(x))) < 1e-8
    assert float(ground.chemical_potential) == pytest.approx(-0.5, abs=1e-8)


def test_a_trap_has_the_virial_and_the_spectrum_that_symmetry_gives():
    """2 T - 2 V + 2 E_int = 0 in two dimensions; Kohn's mode twice, and breathing at 2 omega."""
    ground = found(PLANE, 50.0)
    assert float(ground.residual) < 1e-10
    density, k = np.abs(ground.psi) ** 2, PLANE.basis.wavenumbers()
    cell = float(PLANE.basis.volume) / density.size
    kinetic = float(jnp.sum(0.5 * k**2 * jnp.abs(jnp.fft.fftn(ground.psi)) ** 2)) / density.size
    trap = np.sum(PLANE.potential(PLANE.basis, jnp.asarray(0.0)) * density)
    inner = np.sum(density**2) / 2
    assert abs(kinetic - trap + inner) * cell < 1e-8 * 50 and density.sum() * cell == (
        pytest.approx(50.0)
    )
    lowest = bogoliubov(PLANE, ground, 6).frequencies
    assert np.max(np.abs(lowest[[0, 1]] - 1)) < 1e-8 and np.min(np.abs(lowest - 2)) < 1e-8


def test_sound_in_a_uniform_gas():
    solver = NLSE(n=32, length=10.0, nonlinearity=-1.0, initial="ground_state")
    lowest = bogoliubov(solver, found(solver, 20.0), 4).frequencies
    k = 2 * np.pi * np.array([1, 1, 2, 2]) / 10
    assert np.max(np.abs(lowest / np.sqrt(k**2 / 2 * (k**2 / 2 + 4)) - 1)) < 1e-8
    with pytest.raises(ParameterError, match="rotation: given"):
        bogoliubov(PLANE.__class__(n=(8, 8), rotation=0.1), found(solver, 20.0))


def test_a_ground_state_starts_a_run_and_turns_as_a_vortex_in_a_turning_frame():
    centre = np.abs(start(PLANE).psi) ** 2
    x = np.asarray(PLANE.basis.points(0))
    assert float(centre.sum(1) @ x / centre.sum()) == pytest.approx(0.5, abs=1e-9)
    vortex = NLSE(
        n=(48, 48), length=14.0, dt=0.01, nonlinearity=-1.0, potential=Harmonic(), rotation=0.6,
        initial=GroundStart(mass=50.0, winding=1),
    )  # fmt: skip
    first, later = start(vortex), advance(vortex, 50)
    assert np.max(np.abs(np.abs(later.psi) - np.abs(first.psi))) < 1e-5
    assert float(jnp.abs(first.psi[24, 24])) < 1e-6  # the core
