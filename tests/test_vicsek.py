"""Flocks: neighbours against all pairs, steps against plain NumPy, and the laws of the noise."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import physent
from physent.errors import ParameterError
from physent.numerics.nearby import DENSE, nearest_particles, sum_within
from physent.numerics.space import Space
from physent.solvers import Vicsek
from physent.solvers.vicsek.noise import decided, isotropic, turned

BIRDS = DENSE + 50  # more than all pairs are used for


STILL = [[0.0, 0.0], [1.0, 1.0]]
within = jax.jit(jax.vmap(sum_within, (0, 0, None, None)))
nearest = jax.jit(nearest_particles, static_argnums=2)


def squares(x, length):
    apart = x[:, None] - x[None]
    return ((apart - length * np.round(apart / length)) ** 2).sum(-1)


@pytest.mark.parametrize("dimensions", [2, 3])
@pytest.mark.parametrize("length", [1.9, 4.0, 12.0])
def test_cells_find_whom_all_pairs_find(dimensions, length):
    """In boxes of one, few and many cells, with a cluster in a corner; also under vmap."""
    r = np.random.default_rng(dimensions)
    x = r.uniform(-length / 2, length / 2, (BIRDS, dimensions))
    x[:100] = length / 2 - 0.3 * r.uniform(0, 1, (100, dimensions))
    values = r.standard_normal((2, BIRDS))
    space, square = Space.torus(jnp.full(dimensions, length)), squares(x, length)
    near = square < 1
    flocks = jnp.stack([x, -x]), jnp.stack([values, values])
    found = within(*flocks, space, jnp.asarray(1.0))
    np.testing.assert_allclose(found, np.stack([values @ near] * 2), atol=1e-12)
    order = np.argsort(square, axis=1)[:, 1:6]
    np.testing.assert_array_equal(nearest(jnp.asarray(x), space, 5).T, order)


def test_sums_over_cells_have_the_derivatives_of_sums_over_all_pairs():
    r = np.random.default_rng(0)
    x, values = r.uniform(-3, 3, (BIRDS, 2)), r.standard_normal((1, BIRDS))
    space, near = Space.torus(jnp.full(2, 6.0)), squares(x, 6.0) < 1

    def of(values):
        return jnp.sum(sum_within(jnp.asarray(x), values, space, jnp.asarray(1.0)) ** 2)

    expected = 2 * (values @ near) @ near
    slope = jax.jit(jax.grad(of))(jnp.asarray(values))
    np.testing.assert_allclose(slope, expected, rtol=1e-12)
    v = jnp.asarray(values)
    along = jax.jit(lambda v: jax.jvp(of, (v,), (v,))[1])(v)
    assert float(along) == pytest.approx(np.sum(expected * values), rel=1e-12)


def flown(x, v, length, steps, moves, k=None):
    """The model without noise in plain NumPy, radius 1, half a radius a step."""
    for _ in range(steps):
        square = squares(x, length)
        if k is None:
            total = (square < 1) @ v
        else:
            total = v[np.argsort(square, axis=1)[:, : k + 1]].sum(axis=1)
        new = total / np.linalg.norm(total, axis=1, keepdims=True)
        x = np.mod(x + 0.5 * (v if moves == "before" else new), length)
        v = new
    return x, v


@pytest.mark.parametrize("n", [50, BIRDS])
@pytest.mark.parametrize(
    ("dimensions", "neighbours", "moves"),
    [(2, "metric", "after"), (3, "metric", "before"), (2, "topological", "after")],
)
def test_steps_without_noise_are_those_of_plain_numpy_to_rounding(n, dimensions, neighbours, moves):
    length = n ** (1 / dimensions)
    solver = Vicsek(
        n=n, dimensions=dimensions, length=length, noise=0.0, neighbours=neighbours, moves=moves
    )
    state = solver.init(jax.random.key(4))
    k = 6 if neighbours == "topological" else None
    x, v = flown(np.array(state.position), np.array(state.heading), length, 10, moves, k)
    end = jax.jit(lambda s: jax.lax.fori_loop(0, 10, lambda _, s: solver.step(s), s))(state)
    apart = np.array(end.position) - x
    assert np.abs(apart - length * np.round(apart / length)).max() < 1e-12
    np.testing.assert_allclose(end.heading, v, atol=1e-12)


N = 40_000


@pytest.mark.parametrize("noise", [0.1, 0.5, 1.0])
def test_scalar_noise_is_uniform_in_the_arc_and_in_the_cap(noise):
    """Mean cosines sin(a)/a and cos^2(a/2), a = noise pi; within five standard errors."""
    a = noise * np.pi
    for d, mean in ((2, np.sin(a) / a), (3, np.cos(a / 2) ** 2)):
        direction = isotropic(jax.random.key(1), (d, N), jnp.dtype(float))
        new = turned(direction, jnp.asarray(noise), jax.random.key(2))
        cosine = np.sum(np.asarray(direction * new), axis=0)
        assert np.abs(np.linalg.norm(new, axis=0) - 1).max() < 1e-12
        assert np.cos(a) - 1e-9 <= cosine.min() < np.cos(a) + 0.01
        assert abs(cosine.mean() - mean) < 5 * cosine.std() / np.sqrt(N)
        # to no side more than to another
        assert abs((np.asarray(new) - cosine * np.asarray(direction)).mean(axis=1)).max() < 0.025


def test_vector_noise_is_added_to_the_sum_and_unit_noise_to_its_direction():
    total = jnp.asarray([[3.0, 0.0], [4.0, 0.0]])
    count, heading = jnp.asarray([5.0, 2.0]), jnp.asarray([[1.0, 0.0], [0.0, 1.0]])
    key = jax.random.key(0)
    xi = np.asarray(isotropic(key, (2, 2), total.dtype))

    def unit(v):
        return v / np.linalg.norm(v, axis=0)

    half = jnp.asarray(0.5)
    expected = unit(np.asarray(total) + 0.5 * np.asarray(count) * xi)
    np.testing.assert_allclose(decided(total, count, heading, half, "vector", key), expected)
    mean = np.array([[0.6, 0.0], [0.8, 1.0]])  # a sum of 0 has the direction of the bird itself
    found = decided(total, count, heading, half, "unit_vector", key)
    np.testing.assert_allclose(found, unit(mean + 0.5 * xi))
    none = decided(total, count, heading, jnp.asarray(0.0), "scalar", key)
    np.testing.assert_allclose(none, mean, atol=1e-15)


def test_there_is_order_at_little_noise_and_none_at_much():
    run = physent.run(
        Vicsek(n=100, length=10.0, noise=[0.1, 1.0]), t_end=100.0, save_every=1.0, members=2
    )
    order = run.polarization.isel(t=slice(50, None))
    assert float(order[:, 0].mean()) > 0.9
    # |sum of 100 random unit vectors|/100 has the mean square 1/100
    assert float((order[:, 1] ** 2).mean()) == pytest.approx(0.01, rel=0.6)
    assert float(run.position.min()) >= 0 and float(run.position.max()) < 10


@pytest.mark.parametrize(
    ("given", "key", "words"),
    [
        (dict(n=5, neighbours="topological"), "count", "at most n - 1 = 4"),
        (dict(noise=1.5), "noise", "0 to 1"),
        (
            dict(n=2, initial={"position": [[0, 0]] * 2, "heading": [[0, 0], [1, 0]]}),
            "initial",
            "0",
        ),
    ],
)
def test_refusals_say_what_is_allowed(given, key, words):
    with pytest.raises(ParameterError, match=words) as refusal:
        Vicsek(**given)
    assert refusal.value.key == key


def test_a_step_past_all_neighbours_is_doubted():
    assert Vicsek().doubtful_dt() is None
    assert "farther than the radius" in str(Vicsek(dt=3.0).doubtful_dt())
