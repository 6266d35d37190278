"""The order of every method, measured where it is hardest to keep: on a soliton that moves, so that
dispersion matters.

Halving the step must divide the error by 2^order. The windows lie above rounding, about 10^-12, and
below the steps at which resonances of a splitting with short waves show.
"""

import jax.numpy as jnp
import numpy as np
import pytest
from trajectory import advance, exact, start

from physent.numerics.splitting import SPLITTINGS
from physent.solvers.nlse import NLSE, BoundState, NLSEState, Soliton

pytestmark = pytest.mark.slow  # minutes of compilation in all

VELOCITY = 2 * np.pi * 6 / 40  # a whole number of wavelengths of the carrier in the box


def order(steps, errors):
    return -np.polyfit(np.log(steps), np.log(errors), 1)[0]


@pytest.mark.parametrize(
    ("method", "nominal", "steps"),
    [("strang", 2, (400, 800)), ("yoshida_4", 4, (400, 800)), ("etdrk4", 4, (400, 800, 1600))],
)
def test_order_against_the_exact_moving_soliton(method, nominal, steps, record_number):
    errors = []
    for count in steps:
        solver = NLSE(
            length=40.0, dt=2 / count, method=method,
            initial=Soliton(amplitude=2.0, position=-1.0, velocity=VELOCITY),
        )  # fmt: skip
        state = advance(solver, count)
        errors.append(np.max(np.abs(np.asarray(state.psi) - np.asarray(exact(solver, state.t)))))
    record_number(
        f"{method}: order, moving soliton", order(steps, errors), exact=nominal, within=0.15
    )


def boosted(solver):
    """The initial state carried along at VELOCITY by Galilean invariance."""
    x = np.asarray(solver.domain()["x"].points)
    state = start(solver)
    return NLSEState(
        t=state.t, psi=state.psi * jnp.exp(1j * VELOCITY * x), inner_step=state.inner_step
    )


@pytest.mark.parametrize(
    ("method", "nominal", "initial", "t_end", "steps"),
    [
        # One soliton hides the fourth-order error of this scheme behind its higher ones down to
        # rounding.
        ("blanes_moan_4", 4, BoundState(order=2, amplitude=1.0), 2.0, (320, 480, 640)),
        # A Nystrom scheme keeps the sixth order on resolved fields only, which one soliton is here
        # and two are not.
        ("blanes_moan_6", 6, BoundState(order=1, amplitude=1.0), 8.0, (96, 128, 160, 200)),
        # Tolerances that accept every step make one inner step of each dt.
        ("dopri8", 8, BoundState(order=2, amplitude=1.0), 2.0, (200, 240, 320)),
    ],
)
def test_order_on_moving_bound_states(method, nominal, initial, t_end, steps, record_number):
    """Against the same grid's solution by the eighth-order method with small steps: the error is
    that of time alone.
    """

    def final(method, count):
        solver = NLSE(
            n=128, length=40.0, dt=t_end / count, method=method, initial=initial, rtol=1e6, atol=1e6
        )
        return np.asarray(advance(solver, count, boosted(solver)).psi)

    reference = final("dopri8", 1600)
    errors = [np.max(np.abs(final(method, count) - reference)) for count in steps]
    record_number(
        f"{method}: order, moving bound state", order(steps, errors), exact=nominal, within=0.15
    )


def test_every_method_is_measured_here():
    measured = {"strang", "yoshida_4", "etdrk4", "blanes_moan_4", "blanes_moan_6", "dopri8"}
    assert measured == {*SPLITTINGS, "etdrk4", "dopri8"}


def test_the_adaptive_method_follows_its_tolerance():
    errors = []
    for tolerance in (1e-6, 1e-8, 1e-10):
        solver = NLSE(
            length=40.0, dt=0.5, method="dopri8", rtol=tolerance, atol=tolerance / 10,
            initial=Soliton(amplitude=2.0, position=-1.0, velocity=VELOCITY),
        )  # fmt: skip
        state = advance(solver, 4)
        errors.append(np.max(np.abs(np.asarray(state.psi) - np.asarray(exact(solver, state.t)))))
    assert errors[0] > 10 * errors[1] > 100 * errors[2]


def test_the_adaptive_method_remembers_its_inner_step():
    solver = NLSE(
        length=40.0,
        dt=0.5,
        method="dopri8",
        rtol=1e-9,
        atol=1e-10,
        initial=Soliton(amplitude=2.0, velocity=VELOCITY),
    )
    once, twice = advance(solver, 1), advance(solver, 2)
    assert 0 < float(once.inner_step) < 0.1
    # a step cut short by the end of dt does not shrink what is remembered
    assert float(twice.inner_step) == pytest.approx(float(once.inner_step), rel=0.5)
