"""Exponential integrators: phi functions at every size of argument, and problems with known
solutions.
"""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from physent.numerics.adaptive import dopri8_step
from physent.numerics.exponential import etdrk4_step, phi_functions


def exact_phi(j, z):
    """phi_j(z) = (1/(j - 1)!) int_0^1 e^{(1 - s) z} s^{j - 1} ds, by Gauss-Legendre quadrature on
    short panels.
    """
    nodes, weights = np.polynomial.legendre.leggauss(24)
    panels = 2 + int(abs(z))
    s = (np.arange(panels)[:, None] + (nodes + 1) / 2) / panels
    return np.sum(np.exp((1 - s) * z) * s ** (j - 1) * weights) / (
        2 * panels * math.factorial(j - 1)
    )


def test_phi_functions_on_the_imaginary_axis_and_off_it():
    sizes = np.concatenate([[0.0], np.logspace(-12, 3, 46), [1.9999, 2.0, 2.0001]])
    for direction in (1j, -1j, -1.0, np.exp(2.5j)):
        z = sizes * direction
        for j, values in enumerate(jax.jit(phi_functions)(jnp.asarray(z)), start=1):
            exact = np.array([exact_phi(j, value) for value in z])
            assert np.max(np.abs(values - exact)) < 2e-15  # phi_1 has zeros at 2 pi i m


def test_phi_functions_of_real_arguments_and_their_derivative_at_zero():
    assert not jnp.iscomplexobj(phi_functions(jnp.asarray([-1.0, 0.0]))[0])
    for j in (1, 2, 3):
        slope = jax.grad(lambda z, j=j: phi_functions(z)[j - 1])(jnp.asarray(0.0))
        assert slope == pytest.approx(1 / math.factorial(j + 1), abs=1e-15)


LINEAR = jnp.asarray([0.0, 1j, -40j, 300j])


def cubic(y, _: Any = 0.0):
    """|y|^2 y i, which turns every component at its own |y|^2: the exact solution is y e^{(L + i
    |y|^2) t}.
    """
    return 1j * (y.real**2 + y.imag**2) * y


START = jnp.asarray([1.0, 0.5 + 0.5j, 1.5, 0.3j])


def solution(t):
    return START * np.exp((np.asarray(LINEAR) + 1j * np.abs(START) ** 2) * t)


def test_etdrk4_keeps_its_order_for_imaginary_linear_parts():
    # stiff components are exact here only in the limit, so the order is that of the method on a
    # dispersive problem
    errors = []
    for steps in (1000, 2000):
        y = jax.lax.fori_loop(
            0,
            steps,
            lambda _, y, dt=1 / steps: etdrk4_step(y, jnp.asarray(dt), LINEAR, cubic),
            START,
        )
        errors.append(np.max(np.abs(y - solution(1.0))))
    assert np.log2(errors[0] / errors[1]) == pytest.approx(4, abs=0.15)


def test_etdrk4_solves_a_linear_problem_with_constant_forcing_exactly():
    y = etdrk4_step(START, jnp.asarray(0.7), LINEAR, lambda y, _: jnp.full_like(y, 2.0))
    z = np.asarray(LINEAR) * 0.7
    exact = np.exp(z) * np.asarray(START) + 1.4 * np.array([exact_phi(1, value) for value in z])
    assert np.max(np.abs(y - exact)) < 1e-13


@pytest.mark.slow
def test_dopri8_takes_as_many_inner_steps_as_it_needs():
    y, inner = START, jnp.asarray(0.0)
    for _ in range(2):
        y, inner = jax.jit(dopri8_step, static_argnums=(3,))(
            y, jnp.asarray(0.5), LINEAR, cubic, inner, jnp.asarray(1e-11), jnp.asarray(1e-12)
        )
    assert np.max(np.abs(y - solution(1.0))) < 1e-9
    assert inner > 0


def test_dopri8_gives_nan_when_it_may_not_take_enough_steps():
    y, _ = dopri8_step(
        START,
        jnp.asarray(50.0),
        LINEAR,
        cubic,
        jnp.asarray(0.0),
        jnp.asarray(1e-12),
        jnp.asarray(1e-12),
        max_steps=3,
    )
    assert np.all(np.isnan(y))
