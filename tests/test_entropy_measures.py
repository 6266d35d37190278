"""Measures of a probability vector against closed forms, against each other and against their
limits.
"""

import decimal
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as npst

from physent.entropy import (
    MEASURES,
    Curado,
    Extropy,
    Hartley,
    Kaniadakis,
    MinEntropy,
    Renyi,
    Shannon,
    Tsallis,
)
from physent.errors import ParameterError
from physent.protocol import parameters

EVERY = [
    Shannon(),
    Renyi(order=0.0),
    Renyi(order=0.5),
    Renyi(order=1.0),
    Renyi(order=2.0),
    Renyi(order=30.0),
    Renyi(order=math.inf),
    Tsallis(order=0.5),
    Tsallis(order=1.0),
    Tsallis(order=3.0),
    Hartley(),
    MinEntropy(),
    Kaniadakis(kappa=0.0),
    Kaniadakis(kappa=0.6),
    Curado(b=2.0),
    Extropy(),
]


@jax.jit
def every(p):
    return jnp.stack([measure(p) for measure in EVERY])


MAXIMA = np.array([float(measure.maximum(8)) for measure in EVERY])

weights = npst.arrays(float, 8, elements=st.just(0.0) | st.floats(1e-6, 1.0)).filter(
    lambda w: w.sum() > 1e-3
)


def geometric(p=0.3, n=200):
    return jnp.asarray(p * (1 - p) ** np.arange(n))


@pytest.mark.parametrize(
    ("measure", "value"),
    [
        (Shannon(), 2.036214),
        (Renyi(order=0.5), 2.419870),
        (Renyi(order=2), 1.734601),
        (Renyi(order=3), 1.595924),
        (MinEntropy(), 1.203973),
        (Tsallis(order=2), 0.823529),
    ],
)
def test_geometric_distribution(measure, value, record_number):
    name = " ".join(
        [type(measure).__name__, *(f"{order:g}" for order in parameters.settings(measure).values())]
    )
    record_number(
        f"geometric distribution, p = 0.3: {name}", measure(geometric()), exact=value, within=5e-7
    )


ORDERS = np.array(
    [
        0,
        0.3,
        0.9,
        0.999,
        1 - 1e-6,
        1 - 1e-9,
        1,
        1 + 1e-7,
        1.00001,
        1.2,
        1.49,
        1.51,
        2,
        7,
        60,
        np.inf,
    ]
)
renyi_orders = jax.jit(jax.vmap(lambda order, p: Renyi(order=order)(p), in_axes=(0, None)))
tsallis_orders = jax.jit(jax.vmap(lambda order, p: Tsallis(order=order)(p), in_axes=(0, None)))


def test_renyi_and_tsallis_of_a_geometric_distribution_at_any_order():
    """sum p^q = p^q/(1 - (1 - p)^q), evaluated in 50 digits so that the cancellation at order 1 is
    the code's alone.
    """
    renyi, tsallis, orders = [], [], ORDERS[1:-1]
    with decimal.localcontext(prec=50):
        p = decimal.Decimal("0.3")
        for order in orders:
            q = decimal.Decimal(float(order))
            if q == 1:
                q += decimal.Decimal("1e-20")
            power_sum = p**q / (1 - (1 - p) ** q)
            renyi.append(float(power_sum.ln() / (1 - q)))
            tsallis.append(float((1 - power_sum) / (q - 1)))
    np.testing.assert_allclose(renyi_orders(orders, geometric(n=2000)), renyi, rtol=2e-12)
    np.testing.assert_allclose(tsallis_orders(orders, geometric(n=2000)), tsallis, rtol=2e-12)


def test_limits_of_the_order():
    p = geometric()
    assert float(Renyi(order=0)(p)) == pytest.approx(math.log(200), rel=1e-14)
    assert float(Hartley()(p)) == pytest.approx(math.log(200), rel=1e-14)
    assert float(Renyi(order=math.inf)(p)) == float(MinEntropy()(p))
    assert float(Renyi(order=1e6)(p)) == pytest.approx(float(MinEntropy()(p)), rel=2e-6)
    assert float(Renyi(order=1)(p)) == pytest.approx(float(Shannon()(p)), rel=1e-14)
    assert float(Tsallis(order=0)(p)) == pytest.approx(199, rel=1e-12)
    assert float(Kaniadakis(kappa=0)(p)) == pytest.approx(float(Shannon()(p)), rel=1e-14)
    assert float(Kaniadakis(kappa=1e-4)(p)) == pytest.approx(float(Shannon()(p)), rel=1e-6)


def test_kaniadakis_curado_and_extropy_by_hand():
    p = np.array([0.5, 0.3, 0.2])
    kappa, b = 0.4, 1.7
    assert float(Kaniadakis(kappa=kappa)(jnp.asarray(p))) == pytest.approx(
        -(p ** (1 + kappa) - p ** (1 - kappa)).sum() / (2 * kappa), rel=1e-14
    )
    assert float(Curado(b=b)(jnp.asarray(p))) == pytest.approx(
        (1 - np.exp(-b * p)).sum() + np.exp(-b) - 1, rel=1e-14
    )
    assert float(Extropy()(jnp.asarray(p))) == pytest.approx(
        -((1 - p) * np.log(1 - p)).sum(), rel=1e-14
    )
    two = jnp.asarray([0.2, 0.8])
    assert float(Extropy()(two)) == pytest.approx(float(Shannon()(two)), rel=1e-14)


def test_maximum_is_attained_by_equal_probabilities_and_certainty_gives_zero():
    np.testing.assert_allclose(every(jnp.full(8, 1 / 8)), MAXIMA, rtol=1e-13)
    np.testing.assert_allclose(every(jnp.eye(8)[3]), 0, atol=1e-15)


@settings(max_examples=60, deadline=None)
@given(weights, st.permutations(range(8)))
def test_bounds_and_permutation_invariance(weights, order):
    p = weights / weights.sum()
    values = np.asarray(every(jnp.asarray(p)))
    assert np.all(values >= -1e-13)
    assert np.all(values <= MAXIMA * (1 + 1e-12))
    np.testing.assert_allclose(every(jnp.asarray(p[list(order)])), values, rtol=1e-11, atol=1e-13)


@settings(max_examples=40, deadline=None)
@given(weights, weights)
def test_additivity_for_independent_systems(a, b):
    """H(A, B) = H(A) + H(B) for Shannon and every Renyi entropy; pseudo-additive for Tsallis."""
    a, b = a / a.sum(), b / b.sum()
    together = np.asarray(every(jnp.asarray(np.outer(a, b).ravel())))
    of_a, of_b = np.asarray(every(jnp.asarray(a))), np.asarray(every(jnp.asarray(b)))
    for measure, joint, first, second in zip(EVERY, together, of_a, of_b, strict=True):
        if isinstance(measure, Shannon | Renyi | Hartley | MinEntropy):
            assert joint == pytest.approx(first + second, abs=1e-11)
        if isinstance(measure, Tsallis):
            expected = first + second + (1 - float(measure.order)) * first * second
            assert joint == pytest.approx(expected, abs=1e-10)


@settings(max_examples=60, deadline=None)
@given(weights)
def test_renyi_does_not_increase_with_its_order(weights):
    values = np.asarray(renyi_orders(jnp.asarray(ORDERS), jnp.asarray(weights / weights.sum())))
    assert np.all(np.diff(values) <= 1e-12)


def test_agrees_with_scipy():
    p = np.random.default_rng(0).dirichlet(np.ones(50), size=20)
    np.testing.assert_allclose(
        Shannon()(jnp.asarray(p)), scipy.stats.entropy(p, axis=-1), rtol=1e-13
    )
    np.testing.assert_allclose(
        Shannon()(jnp.asarray(p.T), axis=0), scipy.stats.entropy(p, axis=-1), rtol=1e-13
    )


def test_gradients_are_those_of_finite_differences_and_finite_at_zero():
    """Compared along directions that move probability from one outcome to another: only those keep
    sum p = 1.
    """
    jacobian = jax.jit(jax.jacrev(every))
    p = jnp.asarray([0.2, 0.17, 0.16, 0.12, 0.11, 0.09, 0.08, 0.07])
    move = 1e-6 * (np.eye(8) - np.roll(np.eye(8), 1, axis=1))
    numeric = np.stack([(every(p + m) - every(p - m)) / 2e-6 for m in move], axis=-1)
    np.testing.assert_allclose(jacobian(p) @ move.T * 1e6, numeric, atol=2e-8)
    assert np.all(np.isfinite(jacobian(jnp.asarray([0.0, 0.6, 0.4, 0.0, 0.0, 0.0, 0.0, 0.0]))))
    assert np.all(np.isfinite(jacobian(jnp.eye(8)[2])))


def test_derivative_with_respect_to_the_order():
    p = geometric()
    at = jax.jit(lambda order: Renyi(order=order)(p))
    slope = jax.jit(jax.grad(at))
    for order in (0.2, 0.8, 1.4, 2.5, 10.0):
        numeric = (float(at(order + 1e-5)) - float(at(order - 1e-5))) / 2e-5
        assert float(slope(order)) == pytest.approx(numeric, rel=1e-7)
    log_p = np.log(np.asarray(p))
    variance = float((p * log_p**2).sum() - (p * log_p).sum() ** 2)
    assert float(slope(1.0)) == pytest.approx(-variance / 2, rel=1e-10)
    assert np.isfinite(float(slope(0.0)))
    assert np.isfinite(float(slope(1e9)))
    tsallis = lambda order: Tsallis(order=order)(p)  # noqa: E731
    assert float(jax.grad(tsallis)(1.0)) == pytest.approx(
        -float((p * log_p**2).sum()) / 2, rel=1e-10
    )


def test_single_precision_stays_single_and_close():
    p = np.random.default_rng(1).dirichlet(np.ones(8))
    single = every(jnp.asarray(p, jnp.float32))
    assert single.dtype == jnp.float32
    np.testing.assert_allclose(single, every(jnp.asarray(p)), rtol=3e-6)


def test_not_a_number_is_not_hidden():
    assert np.all(np.isnan(every(jnp.asarray([0.5, 0.1, 0.1, 0.1, np.nan, 0.1, 0.1, 0.0]))))


def test_orders_out_of_range_are_refused():
    with pytest.raises(ParameterError, match=r"order: given -1\.0, allowed: a number >= 0"):
        Renyi(order=-1)
    with pytest.raises(ParameterError, match="kappa"):
        Kaniadakis(kappa=1.0)


def test_every_measure_has_a_name():
    assert {type(measure) for measure in EVERY} == set(MEASURES.values())
