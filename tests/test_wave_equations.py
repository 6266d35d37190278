"""Field equations of second order in time, as they are stated: matrices in the drift, kicks of one
unknown, antiperiodic axes.
"""

import functools
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg

import physent
from physent import SpectralSolver, Variable
from physent.errors import ParameterError
from physent.numerics.basis import Basis
from physent.numerics.field import Field
from physent.numerics.flows import damped_flow, matrix_flow, wave_flow


class DoubleWell(SpectralSolver):
    """phi_tt - lap phi + phi^3 - phi = 0."""

    degree = 3
    defaults: ClassVar = {
        "n": (16, 16),
        "length": 8.0,
        "dealias": "none",
        "method": "blanes_moan_6",
    }

    def fields(self):
        """phi and its rate."""
        return {"phi": Variable(role="amplitude"), "phi_t": Variable(role="momentum")}

    def linear(self, k):
        """phi_tt = lap phi."""
        return {"phi": {"phi_t": 1.0}, "phi_t": {"phi": -(k**2)}}

    def nonlinear(self, f):
        """The force, without that of the gradient."""
        return {"phi_t": f.phi - f.phi * f.phi * f.phi}

    def exact_flow(self, f, tau):
        """A kick."""
        return {"phi_t": f.phi_t + tau * (f.phi - f.phi * f.phi * f.phi)}

    def conserved(self, f):
        """The energy."""
        slope = f.phi.dx**2 + f.phi.dy**2
        return {"energy": 0.5 * (f.phi_t**2 + slope) + 0.25 * f.phi**4 - 0.5 * f.phi**2}


def start(x, y):
    """A bump on the vacuum."""
    bump = jnp.exp(-(jnp.sin(jnp.pi * x / 8) ** 2 + jnp.sin(jnp.pi * (y - 1) / 8) ** 2))
    return {"phi": 1 - 1.2 * bump, "phi_t": 0.2 * bump}


@eqx.filter_jit
def after(solver, steps):
    """The state after some steps."""
    begin = solver.init(jax.random.key(0))
    return jax.lax.fori_loop(0, steps, lambda _, state: solver.step(state), begin)


@functools.cache
def reference(t=1.0):
    """The same equation in NumPy and scipy, on the same points."""
    n, length = 16, 8.0
    x = (np.arange(n) / n - 0.5) * length
    begin = start(*np.meshgrid(x, x, indexing="ij"))
    k = 2 * np.pi * np.fft.fftfreq(n, length / n)
    square = k[:, None] ** 2 + k[None] ** 2

    def rate(_, y):
        phi, phi_t = y.reshape(2, n, n)
        lap = np.fft.ifft2(-square * np.fft.fft2(phi)).real
        return np.concatenate([phi_t.ravel(), (lap + phi - phi**3).ravel()])

    from scipy.integrate import solve_ivp

    y = np.concatenate([np.ravel(begin["phi"]), np.ravel(begin["phi_t"])])
    found = solve_ivp(rate, (0, t), y, "DOP853", rtol=1e-13, atol=1e-13)
    return found.y[:, -1].reshape(2, n, n)


@pytest.mark.parametrize(
    ("method", "order", "steps"),
    [("strang", 2, 40), ("yoshida_4", 4, 40), ("blanes_moan_4", 4, 20), ("blanes_moan_6", 6, 3)],
)
def test_splittings_have_their_order_in_two_dimensions(method, order, steps):
    errors = []
    for count in (steps, 2 * steps):
        solver = DoubleWell(initial=start, method=method, dt=1.0 / count)
        errors.append(
            float(np.max(np.abs(solver.observe(after(solver, count))["phi"] - reference()[0])))
        )
    assert np.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.15)


def test_a_fine_step_agrees_with_numpy_and_keeps_the_energy():
    solver = DoubleWell(initial=start, dt=0.02)
    state = after(solver, 50)
    found = solver.observe(state)
    np.testing.assert_allclose(found["phi"], reference()[0], atol=1e-10)
    np.testing.assert_allclose(found["phi_t"], reference()[1], atol=1e-10)
    begin = solver.invariants(solver.init(jax.random.key(0)))["energy"]
    assert float(solver.invariants(state)["energy"] - begin) == pytest.approx(0, abs=1e-9)


def test_a_kick_takes_two_transforms():
    solver = DoubleWell(initial=start, method="strang", dt=0.1)
    state = solver.init(jax.random.key(0))
    text = jax.jit(lambda state: solver.step(state)).lower(state).compile().as_text()
    assert text.count(" fft(") == 4  # two kicks


def test_waves_go_back():
    solver = DoubleWell(initial=start, dt=0.1)
    assert solver.why_irreversible() is None

    @jax.jit
    def functional(length):
        solver = DoubleWell(initial=start, dt=0.1, length=length, method="strang")
        rows, _ = physent.trajectory(solver, 2, 5, adjoint="reversible")
        return jnp.sum(rows["phi"] ** 2)

    at = 8.0
    difference = (functional(at + 1e-5) - functional(at - 1e-5)) / 2e-5
    assert float(jax.grad(functional)(at)) == pytest.approx(float(difference), rel=1e-7)


@pytest.mark.parametrize("real", [True, False])
@pytest.mark.parametrize("ends", ["a", "pa", "ap", "aa", "wa", "aw", "paa"])
def test_antiperiodic_modes_are_sums_over_all_points(ends, real):
    shape = (8, 6, 10)[: len(ends)]
    lengths = tuple(jnp.asarray(5.0 + i) for i in range(len(ends)))
    walls, turned = (tuple(end == word for end in ends) for word in ("w", "a"))
    basis = Basis(shape, lengths, walls, real, shape, turned)
    parity = tuple(-1 if each else 1 for each in turned)
    rng = np.random.default_rng(0)
    f = rng.normal(size=shape) + (0 if real else 1j * rng.normal(size=shape))
    modes = basis.modes(jnp.asarray(f), parity)
    assert modes.shape == basis.modes_shape
    np.testing.assert_allclose(basis.values(modes, parity), f, atol=1e-13)
    total = np.sum(basis.weights() * np.abs(modes) ** 2) / f.size**2
    assert total == pytest.approx(np.mean(np.abs(f) ** 2), rel=1e-12)
    if "w" not in ends:
        by_hand = f
        for axis, n in enumerate(shape):
            turns = np.exp(-2j * np.pi * np.outer(basis.numbers(axis), np.arange(n)) / n)
            by_hand = np.moveaxis(np.tensordot(turns, by_hand, (1, axis)), 0, axis)
        np.testing.assert_allclose(modes, by_hand, atol=1e-12)
    fine = Basis(shape, lengths, walls, real, tuple(2 * n for n in shape), turned)
    slope = Field.of_modes(basis, basis.modes(jnp.asarray(f), parity), parity).dx
    finer = Field.of_modes(fine, fine.modes(jnp.asarray(f), parity), parity)
    back = fine.modes(finer.values, parity)
    kept = np.asarray(basis.weights()) > 0
    if not any(end == "p" for end in ends):
        np.testing.assert_allclose(np.where(kept, back, 0), modes, atol=1e-11)
    assert slope.modes.shape == modes.shape


def test_a_kink_on_an_antiperiodic_axis_moves():
    """The exact kink of the double well, and refusals of what is periodic where it must not be."""

    def kink(x, y):
        s = x / jnp.sqrt(2 * (1 - 0.3**2))
        return {"phi": jnp.tanh(s) + 0 * y, "phi_t": -0.3 * s / x * (1 - jnp.tanh(s) ** 2)}

    def moved(x, t=1.0):
        return np.tanh((x - 0.3 * t) / np.sqrt(2 * (1 - 0.3**2)))

    box: Any = {"n": (96, 8), "length": (24.0, 4.0), "boundary": ("antiperiodic", "periodic")}

    def shifted(x, y):  # no point lies at 0
        return kink(x + 1e-9, y)

    solver = DoubleWell(**box, initial=shifted, dt=0.05)
    found = solver.observe(after(solver, 20))["phi"]
    x = np.asarray(solver.basis.points(0))
    np.testing.assert_allclose(found, moved(x)[:, None] + np.zeros(8), atol=2e-7)
    with pytest.raises(ParameterError, match="even numbers"):
        DoubleWell(**(box | {"n": (95, 8)}))

    class Square(DoubleWell):
        def exact_flow(self, f, tau):
            return {"phi_t": f.phi_t + tau * f.phi**2}

    wrong = Square(**box, initial=shifted)
    state = wrong.init(jax.random.key(0))
    with pytest.raises(ValueError, match="parities"):
        wrong.step(state)


@pytest.mark.parametrize("entries", [(0, 1, -3, 0), (-0.2, 1, 0.5, -0.7), (0, 1, 0, 0)])
def test_a_matrix_of_two_fields_has_a_closed_form(entries):
    matrix = np.reshape(entries, (2, 2)).astype(float)
    y = np.array([0.4, -1.3])
    for tau in (0.7, -0.3, 1e-6):
        exact = scipy.linalg.expm(matrix * tau) @ y
        found = matrix_flow(
            jnp.asarray(y)[:, None], jnp.asarray(matrix)[..., None], jnp.asarray(tau)
        )
        np.testing.assert_allclose(found[:, 0], exact, rtol=1e-13, atol=1e-14)
    wide = np.kron(np.eye(2), matrix) + 0.1
    found = matrix_flow(jnp.ones((4, 1)), jnp.asarray(wide)[..., None], jnp.asarray(0.7))
    np.testing.assert_allclose(found[:, 0], scipy.linalg.expm(wide * 0.7) @ np.ones(4), rtol=1e-12)


def test_damped_waves_have_a_closed_form():
    phi, phi_t, tau = jnp.asarray([0.4]), jnp.asarray([-1.3]), jnp.asarray(0.6)
    for square, damping in ((3.0, 0.5), (0.0, 0.5), (1.0, 2.0), (0.1, 4.0)):
        matrix = np.array([[0, 1], [-square, -damping]])
        exact = scipy.linalg.expm(matrix * 0.6) @ [0.4, -1.3]
        args = (jnp.asarray([square]), jnp.asarray(damping), tau)
        np.testing.assert_allclose(np.ravel(damped_flow(phi, phi_t, *args)), exact, rtol=1e-13)
    free = wave_flow(phi, phi_t, jnp.asarray([3.0]), tau)
    np.testing.assert_allclose(
        np.ravel(free), scipy.linalg.expm(np.array([[0, 1], [-3.0, 0]]) * 0.6) @ [0.4, -1.3]
    )
