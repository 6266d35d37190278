"""Splitting methods on an oscillator whose parts are shears, and the sine and cosine they turn
by.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from physent.numerics.rotation import cosine_sine, rotate
from physent.numerics.splitting import SPLITTINGS, STRANG, Splitting, split_step


def pendulum(splitting, steps, t_end=4.0):
    """q'' = -sin q: the drift moves q, the kick moves p, and A is quadratic in p as a Nystrom
    scheme wants it.
    """
    y = (1.0, 0.5)
    for _ in range(steps):
        y = split_step(
            splitting, y, t_end / steps,
            kick=lambda y, tau: (y[0], y[1] - tau * math.sin(y[0])),  # pyright: ignore[reportArgumentType]
            drift=lambda y, tau: (y[0] + tau * y[1], y[1]),  # pyright: ignore[reportArgumentType]
        )  # fmt: skip
    return np.array(y)


@pytest.mark.parametrize(
    ("name", "steps"),
    [("strang", 32), ("yoshida_4", 32), ("blanes_moan_4", 32), ("blanes_moan_6", 8)],
)
def test_nominal_order(name, steps):
    finest = pendulum(SPLITTINGS["blanes_moan_6"], 64)
    errors = [
        np.max(np.abs(pendulum(SPLITTINGS[name], count) - finest)) for count in (steps, 2 * steps)
    ]
    assert math.log2(errors[0] / errors[1]) == pytest.approx(SPLITTINGS[name].order, abs=0.15)


@pytest.mark.parametrize("name", SPLITTINGS)
def test_symmetric_and_consistent(name):
    splitting = SPLITTINGS[name]
    assert splitting.kicks == splitting.kicks[::-1]
    assert splitting.drifts == splitting.drifts[::-1]
    assert sum(splitting.kicks) == pytest.approx(1, abs=1e-15)
    assert sum(splitting.drifts) == pytest.approx(1, abs=1e-15)


def test_strang_is_kick_drift_kick():
    trace = []
    split_step(
        STRANG, 0.0, jnp.asarray(0.5),
        lambda y, tau: trace.append(("kick", float(tau))) or y,
        lambda y, tau: trace.append(("drift", float(tau))) or y,
    )  # fmt: skip
    assert trace == [("kick", 0.25), ("drift", 0.5), ("kick", 0.25)]


def test_a_coefficient_of_zero_costs_nothing():
    kicks = []
    split_step(
        SPLITTINGS["blanes_moan_6"],
        0.0,
        1.0,  # pyright: ignore[reportArgumentType]
        lambda y, tau: kicks.append(tau) or y,
        lambda y, tau: y,
    )
    assert len(kicks) == 14


def test_wrong_coefficients_are_refused():
    with pytest.raises(ValueError, match="one more kick"):
        Splitting(2, (1.0,), (1.0,), False, "")
    with pytest.raises(ValueError, match="sum to 1"):
        Splitting(2, (0.5, 0.6), (1.0,), False, "")


@pytest.mark.parametrize("scale", [1e-8, 0.5, 10.0, 1e3, 1e6])
def test_cosine_and_sine_to_the_last_bit_but_one(scale):
    phase = scale * np.random.default_rng(0).uniform(-1, 1, 20_000)
    cosine, sine = jax.jit(cosine_sine)(jnp.asarray(phase))
    assert np.max(np.abs(cosine - np.cos(phase))) <= 2.3e-16
    assert np.max(np.abs(sine - np.sin(phase))) <= 2.3e-16


def test_cosine_and_sine_at_the_quadrants():
    phase = np.arange(-8, 9) * (np.pi / 2)
    cosine, sine = cosine_sine(jnp.asarray(phase))
    assert np.allclose(cosine, np.cos(phase), atol=1e-16, rtol=0)
    assert np.allclose(sine, np.sin(phase), atol=1e-16, rtol=0)


def test_cosine_and_sine_differentiate_and_keep_single_precision():
    phase = jnp.asarray(0.7)
    assert jax.grad(lambda p: cosine_sine(p)[0])(phase) == pytest.approx(-np.sin(0.7), abs=1e-15)
    assert jax.grad(jax.grad(lambda p: cosine_sine(p)[1]))(phase) == pytest.approx(
        -np.sin(0.7), abs=1e-15
    )
    assert {value.dtype for value in cosine_sine(jnp.float32(0.7))} == {jnp.dtype("float32")}
    assert np.allclose(
        rotate(jnp.asarray([1 + 2j]), jnp.asarray([0.7])), (1 + 2j) * np.exp(0.7j), atol=1e-15
    )
