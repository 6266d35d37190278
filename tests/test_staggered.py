"""The staggered grid: exact inverses, conservation and bounds, of random fields."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from physent.numerics.cosine import (
    cosine_transform,
    inverse_cosine_transform,
    inverse_sine_transform,
    order,
    sine_transform,
)
from physent.numerics.ssp import ssp_rk3_step
from physent.numerics.staggered import (
    advected,
    advective_fluxes,
    closed,
    diffuse,
    divergence,
    extended,
    inner,
    laplacian,
    limited_face,
    project,
)

NX, NZ = 12, 10
DX, DZ = jnp.asarray(2 / NX), jnp.asarray(1 / NZ)


def random(seed, faces=False):
    f = jnp.asarray(np.random.default_rng(seed).normal(size=(NZ, NX)))
    return closed(f) if faces else f


def test_cosine_and_sine_modes_are_what_their_names_say():
    f = random(0)
    z = (np.arange(NZ) + 0.5) / NZ
    np.testing.assert_allclose(inverse_cosine_transform(cosine_transform(f)), f, atol=1e-14)
    for transform, inverse, function in (
        (cosine_transform, inverse_cosine_transform, np.cos),
        (sine_transform, inverse_sine_transform, np.sin),
    ):
        wave = jnp.asarray(np.tile(function(3 * np.pi * z), (NX, 1)))
        modes = np.asarray(transform(wave))
        assert set(order(NZ)[np.any(np.abs(modes) > 1e-13, axis=1)]) == {3}
        np.testing.assert_allclose(inverse(jnp.asarray(modes)), wave, atol=1e-14)


def ghosts(u, w, periodic):
    return extended(u, 1, "periodic" if periodic else "even"), extended(
        w, 1, "periodic" if periodic else "faces"
    )


@pytest.mark.parametrize("periodic", [False, True])
def test_a_projection_leaves_no_divergence_and_repeats_itself(periodic):
    u, w = random(1), random(2, faces=not periodic)
    first = project(*ghosts(u, w, periodic), DX, DZ, periodic)
    assert float(jnp.max(jnp.abs(divergence(*first, DX, DZ)))) < 1e-13 / float(DZ)
    for again, once in zip(project(*first, DX, DZ, periodic), first, strict=True):
        np.testing.assert_allclose(again, once, atol=1e-14)
    for own, expected in zip(first, ghosts(*(inner(f, 1) for f in first), periodic), strict=True):  # pyright: ignore[reportCallIssue]
        np.testing.assert_allclose(own, expected, atol=1e-14)
    if not periodic:
        assert not np.any(inner(first[1], 1)[0])


@pytest.mark.parametrize("walls", ["even", "odd", "periodic"])
def test_central_advection_conserves_kinetic_energy_and_momentum(walls):
    periodic = walls == "periodic"
    u, w = (
        inner(f, 1)
        for f in project(*ghosts(random(3), random(4, not periodic), periodic), DX, DZ, periodic)
    )
    u_rate, w_rate = advected(
        extended(u, 1, walls), extended(w, 1, walls if periodic else "faces"), DX, DZ
    )
    size = float(jnp.sum(jnp.abs(u * u_rate)))
    assert abs(float(jnp.sum(u * u_rate) + jnp.sum(w * w_rate))) < 1e-14 * size
    assert abs(float(jnp.sum(u_rate))) < 1e-14 * size


@pytest.mark.parametrize("edge", ["even", "odd", "faces", "periodic"])
def test_exact_diffusion_is_the_limit_of_many_small_steps(edge):
    f = random(5, faces=edge == "faces")
    amount, steps = 0.02, 2000
    small = jax.lax.fori_loop(
        0, steps, lambda _, f: f + amount / steps * laplacian(extended(f, 1, edge), DX, DZ), f
    )  # fmt: skip
    whole = diffuse(f, jnp.asarray(amount), DX, DZ, edge)
    np.testing.assert_allclose(whole, small, atol=2e-3)
    if edge in ("even", "periodic"):
        assert abs(float(jnp.sum(whole) - jnp.sum(f))) < 1e-12
        assert float(jnp.max(whole)) <= float(jnp.max(f)) and float(jnp.min(whole)) >= float(
            jnp.min(f)
        )


def test_the_limited_face_lies_between_its_neighbours_and_is_of_third_order():
    cells = jnp.asarray(np.random.default_rng(6).normal(size=(4, 500)))
    face = limited_face(jnp.ones(500), list(cells))
    np.testing.assert_array_equal(limited_face(-jnp.ones(500), list(cells[::-1])), face)
    low, high = jnp.minimum(cells[1], cells[2]), jnp.maximum(cells[1], cells[2])
    assert bool(jnp.all((face >= low - 1e-15) & (face <= high + 1e-15)))
    errors = []
    for h in (0.02, 0.01):
        mean = [(np.exp(b) - np.exp(a)) / h for a, b in ((-2 * h, -h), (-h, 0), (0, h), (h, 2 * h))]
        errors.append(abs(float(limited_face(jnp.ones(()), list(map(jnp.asarray, mean)))) - 1))
    assert 7.5 < errors[0] / errors[1] < 8.5


@pytest.mark.parametrize("root", [2, 3])
@pytest.mark.parametrize("periodic", [False, True])
def test_density_keeps_its_mass_and_bounds_up_to_the_largest_step(periodic, root):
    """A random density in a random flow: the largest steps for which bounds are guaranteed, with
    diffusion.
    """
    edge = "periodic" if periodic else "even"
    u, w = project(*ghosts(random(7), random(8, faces=not periodic), periodic), DX, DZ, periodic)
    # what leaves a cell counts, and that is at most what flows through its faces
    flows = ((u[1:-1, 2:], DX), (-u[1:-1, 1:-1], DX), (w[2:, 1:-1], DZ), (-w[1:-1, 1:-1], DZ))
    outflow = sum(jnp.maximum(part, 0) / d for part, d in flows)
    diffusivity = 0.01
    dt = (root**2 - root) / 2 / (jnp.max(outflow) + diffusivity * (1 / DX**2 + 1 / DZ**2))

    def euler(f, dt):
        ghosts = extended(f, 2, edge)
        x, z = advective_fluxes(ghosts, u, w, True)
        spread = diffusivity * laplacian(ghosts[1:-1, 1:-1], DX, DZ)
        return f - dt * ((x[:, 1:] - x[:, :-1]) / DX + (z[1:] - z[:-1]) / DZ - spread)

    start = jnp.asarray(np.random.default_rng(9).integers(0, 2, (NZ, NX)).astype(float))
    f = jax.lax.fori_loop(0, 40 // root, lambda _, f: ssp_rk3_step(f, dt, euler, root), start)
    assert abs(float(jnp.sum(f) - jnp.sum(start))) < 1e-12
    assert float(jnp.min(f)) >= -1e-14 and float(jnp.max(f)) <= 1 + 1e-14


@pytest.mark.parametrize("root", [2, 3])
def test_the_runge_kutta_methods_are_of_third_order(root):
    def euler(y, h):
        return y + h * jnp.stack([-y[1], y[0] * y[0] + y[1]])

    @jax.jit
    def whole(steps):
        return jax.lax.fori_loop(
            0, steps, lambda _, y: ssp_rk3_step(y, 1 / steps, euler, root), jnp.asarray([1.0, 0.0])
        )

    def error(steps):
        return np.asarray(whole(jnp.asarray(steps)))

    exact = error(400)
    ratio = np.linalg.norm(error(10) - exact) / np.linalg.norm(error(20) - exact)
    assert np.log2(ratio) == pytest.approx(3, abs=0.15)
