"""The nonlinear Schroedinger equation in planes and boxes: names and shapes, exact motions, turning
frames, losses and interactions, each beside a closed form or another method.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from trajectory import advance, start

import physent
from physent.errors import ParameterError
from physent.protocol.parameters import member_axes
from physent.solvers.nlse import NLSE, Harmonic, Soliton
from physent.solvers.nlse.losses import Gain


def packet(x, y):
    """A displaced Gaussian, about as wide as the ground state of its trap."""
    return jnp.exp(-((x - 1) ** 2 + 1.5 * (y + 0.5) ** 2) / 2)


TRAP = NLSE(
    n=(48, 64), length=17.0, dt=0.01, nonlinearity=-2.0, initial=packet,
    potential=Harmonic(frequency=(1.0, 1.5)),
)  # fmt: skip


def test_a_plane_has_the_observables_of_a_line_and_a_flux_an_axis():
    solver = NLSE(
        n=(16, 12), length=(10.0, 8.0), initial=packet, potential=lambda x, y: x**2 + y**2
    )
    run = physent.run(solver, t_end=0.02, save_every=0.01)
    assert run.psi.dims == ("t", "x", "y") and run.psi.shape == (3, 16, 12)
    names = {"psi", "density", "phase", "energy_density", "current_x", "current_y"}
    assert names <= set(run) and {"invariant_mass", "invariant_energy"} <= set(run)
    assert run.energy_density.attrs["long_name"] == "energy per unit area"
    box = NLSE(n=(6, 6, 8), length=8.0, nonlinearity=-1.0, initial="plane_wave")
    state = advance(box, 2)
    assert set(box.invariants(state)) == {
        "mass", "momentum_x", "momentum_y", "momentum_z", "energy"
    }  # fmt: skip


def test_a_soliton_of_a_line_is_one_of_a_plane():
    line = NLSE(n=128, length=40.0, initial=Soliton(velocity=0.5))
    plane = dataclasses.replace(line, n=(128, 4), length=jnp.asarray([40.0, 3.0]))
    after = advance(plane, 50)
    found = np.asarray(after.psi)
    assert np.max(np.abs(found - found[:, :1])) < 1e-13
    assert np.max(np.abs(found[:, 0] - advance(line, 50).psi)) < 1e-13
    assert np.max(np.abs(plane.exact(after.t)["psi"] - found)) < 1e-5


def test_the_numbers_of_an_axis_are_one_an_axis_or_an_outer_list_of_members():
    assert member_axes(TRAP).potential.frequency is None
    several = NLSE(n=(8, 8), potential=Harmonic(frequency=[[1.0, 2.0], [1.0, 3.0]]))
    assert member_axes(several).potential.frequency == 0
    with pytest.raises(ParameterError, match="given 3 numbers along the last axis"):
        NLSE(n=(8, 8), potential=Harmonic(frequency=[1.0, 2.0, 3.0]))
    with pytest.raises(ParameterError, match="rotation: given on a line"):
        NLSE(n=8, rotation=0.5)
    with pytest.raises(ParameterError, match="losses: given 'damping'"):
        NLSE(n=8, method="strang", losses="damping", interaction="saturable")


def test_the_centre_of_mass_oscillates_as_one_particle():
    """Kohn's theorem, whatever the interaction."""
    after = advance(dataclasses.replace(TRAP, method="blanes_moan_6"), 157)
    density = np.abs(after.psi) ** 2
    points = [np.asarray(TRAP.basis.points(axis)) for axis in (0, 1)]
    centre = [density.sum(1 - axis) @ points[axis] / density.sum() for axis in (0, 1)]
    expected = [np.cos(after.t), -0.5 * np.cos(1.5 * after.t)]
    assert np.max(np.abs(np.subtract(centre, expected))) < 1e-8


@pytest.mark.parametrize(
    "more",
    [
        {"rotation": 0.4},
        {"losses": "gain"},
        {"losses": "absorber"},
        {"losses": "damping"},
        {"interaction": "cubic_quintic"},
        {"interaction": "saturable"},
    ],
    ids=lambda more: str(next(iter(more.values()))),
)
def test_the_exact_flows_are_those_of_the_equation(more):
    """Splitting against the exponential Runge-Kutta method, which forms the terms themselves."""
    split = dataclasses.replace(TRAP, method="strang", dt=jnp.asarray(5e-4), **_made(more))
    other = dataclasses.replace(split, method="etdrk4")
    assert np.max(np.abs(advance(split, 100).psi - advance(other, 100).psi)) < 1e-7
    if "losses" not in more:
        first, last = start(split), advance(split, 100)
        energy = [float(split.invariants(state)["energy"]) for state in (first, last)]
        assert abs(energy[1] / energy[0] - 1) < 1e-6


def _made(more):
    """Names of kinds as their instances, which `dataclasses.replace` needs."""
    made = NLSE(n=(8, 8), method="strang", **more)
    return {name: getattr(made, name) for name in more}


def test_dipoles_in_a_box_conserve_the_energy():
    solver = NLSE(
        n=(8, 8, 8), length=8.0, nonlinearity=-1.0, interaction="dipolar", dt=0.005,
        initial=lambda x, y, z: jnp.exp(-(x**2 + y**2 + z**2) / 2),
        potential=Harmonic(frequency=(1.0, 1.0, 2.0)),
    )  # fmt: skip
    energy = [solver.invariants(state)["energy"] for state in (start(solver), advance(solver, 100))]
    assert abs(energy[1] / energy[0] - 1) < 1e-7
    with pytest.raises(ParameterError, match="interaction: given 'dipolar' on 1 axes"):
        NLSE(interaction="dipolar")


def test_derivatives_pass_a_turning_frame():
    def moved(omega):
        solver = dataclasses.replace(TRAP, rotation=omega, method="strang")
        state = solver.step(solver.init(jax.random.key(0)))
        return jnp.sum(jnp.abs(state.psi[:16]) ** 4)

    slope, step = jax.jit(jax.grad(moved))(jnp.asarray(0.3)), 1e-4
    both = [jax.jit(moved)(jnp.asarray(0.3 + sign * step)) for sign in (1, -1)]
    assert np.isclose(slope, (both[0] - both[1]) / (2 * step), 1e-6)


def test_what_is_lost_is_not_reconstructed():
    """Steps of -dt would grow again what was absorbed, out of rounding errors."""
    solver = NLSE(n=16, losses=Gain(rate=-0.1))
    assert "losses" in (solver.why_irreversible() or "")
    with pytest.raises(ParameterError, match="losses take away"):
        physent.trajectory(solver, 1, adjoint="reversible")
    assert NLSE(n=16).why_irreversible() is None
