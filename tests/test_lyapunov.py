"""Lyapunov exponents of running systems, against what is known exactly or was published."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import physent
from physent.diagnostics import Lyapunov, covariant_lyapunov_vectors
from physent.diagnostics.lyapunov import kaplan_yorke
from physent.errors import ParameterError
from physent.runs import resume
from physent.solvers import (
    NLSE,
    ActiveMatter,
    Couzin,
    KuramotoSivashinsky,
    LinearLangevin,
    NavierStokes2D,
    Ordinary,
)
from physent.solvers.active_matter.propulsion import Brownian


def exponents(solver, t_end, **settings):
    """The last row of a run."""
    given: Any = {"count": solver.initial.shape[-1] if "count" not in settings else 1} | settings
    ds = physent.run(solver, t_end=t_end, save_every=t_end / 4, diagnostics=[Lyapunov(**given)])
    return ds.isel(t=-1)


GOLDEN = np.log((3 + np.sqrt(5)) / 2)


def test_of_a_linear_map_they_are_exact():
    """Of the cat map +-ln[(3 + sqrt 5)/2] in every frame, and so the errors are 0."""
    last = exponents(Ordinary(system="cat_map"), 400, every=2)
    np.testing.assert_allclose(last.lyapunov_exponents, [GOLDEN, -GOLDEN], rtol=1e-12)
    assert np.all(last.lyapunov_error < 1e-12)
    assert float(last.kolmogorov_sinai) == pytest.approx(GOLDEN, rel=1e-12)
    assert float(last.kaplan_yorke) == 2


@pytest.mark.parametrize(
    ("system", "known", "sum_"),
    [
        ("henon", (0.41922, -1.62319), np.log(0.3)),  # REFERENCE.md
        ("logistic", (np.log(2),), np.log(2)),
        ("standard_map", (1.6199, -1.6199), 0.0),
    ],
)
def test_of_maps(system, known, sum_):
    last = exponents(Ordinary(system=system), 100_000, every=1)
    np.testing.assert_allclose(last.lyapunov_exponents, known, rtol=0.01)
    assert np.all(np.abs(last.lyapunov_exponents - known) < 4 * last.lyapunov_error + 1e-4)
    if system != "logistic":
        assert float(last.lyapunov_exponents.sum()) == pytest.approx(sum_, abs=1e-9)


def test_of_lorenz_they_sum_to_the_divergence_and_one_is_0():
    last = exponents(Ordinary(method="rk4"), 500)
    assert float(last.lyapunov_exponents.sum()) == pytest.approx(-41 / 3, abs=2e-4)  # order 4
    np.testing.assert_allclose(last.lyapunov_exponents, [0.9056, 0, -14.5723], atol=0.05)
    assert float(last.divergence) == pytest.approx(-41 / 3)


def test_symplectic_pairs_are_exact():
    chain = Ordinary(system="phi4_chain", size=4, dt=0.05, method="blanes_moan_4")
    found = exponents(chain, 100, frame="symplectic").lyapunov_exponents.values
    np.testing.assert_allclose(found + found[::-1], 0, atol=1e-12)


def test_of_a_field_its_modes_count_once():
    """64 points of a real field, two thirds of the modes: 43 degrees of freedom."""
    solver = KuramotoSivashinsky(n=64, length=22.0, dt=0.1)
    state = solver.init(jax.random.key(0))
    flat, back = solver.degrees_of_freedom(state)
    assert flat.shape == (43,)
    np.testing.assert_array_equal(back(flat).unknowns, state.unknowns)
    last = exponents(solver, 800.0, count=9)
    known = [0.048, 0, 0, -0.001, -0.003, -0.189, -0.256, -0.290, -0.310]  # REFERENCE.md
    assert np.all(np.abs(last.lyapunov_exponents - known) < 5 * last.lyapunov_error + 0.005)
    assert np.all(last.lyapunov_error < 0.02)


def test_modes_of_a_real_field_in_two_dimensions_are_found_again():
    solver = NavierStokes2D(n=(8, 10))
    state = solver.init(jax.random.key(1))
    flat, back = solver.degrees_of_freedom(state)
    kept = solver.basis.below(2 / 3)
    twice = np.sum(solver.basis.weights() * kept)
    assert flat.shape == (int(twice),)  # as many as real values at points could have
    np.testing.assert_allclose(back(flat).unknowns, state.unknowns, atol=1e-14)
    again, _ = solver.degrees_of_freedom(solver.step(back(flat)))
    plain, _ = solver.degrees_of_freedom(solver.step(state))
    np.testing.assert_allclose(again, plain, rtol=1e-12, atol=1e-12)


def test_of_a_soliton_they_vanish():
    """Its neighbours part as t, so the exponent falls as ln T/T."""
    last = exponents(NLSE(n=64, length=20.0, dt=0.02), 20.0, count=2, transient=0.0)
    assert np.all(np.abs(last.lyapunov_exponents) * 20 < 5 * np.log(20))


def test_a_run_of_members_has_those_of_each():
    several = Ordinary(system="logistic", parameters={"r": [3.2, 4.0, 3.9]}, initial=[0.3])
    settings: Any = dict(t_end=2000, save_every=1000, diagnostics=[Lyapunov(count=1)])
    ds = physent.run(several, members=3, **settings).isel(t=-1)
    for i, r in enumerate([3.2, 4.0, 3.9]):
        one = Ordinary(system="logistic", parameters={"r": r}, initial=[0.3])
        alone = physent.run(one, **settings).isel(t=-1)
        np.testing.assert_allclose(
            ds.lyapunov_exponents[i], alone.lyapunov_exponents, rtol=1e-6, err_msg=str(r)
        )
    assert ds.lyapunov_exponents[0] < -0.1  # a cycle of two


def test_a_run_goes_on_with_the_same_bits(tmp_path):
    settings: Any = dict(save_every=0.5, diagnostics=[Lyapunov(count=2, finite_time=True)])
    whole = physent.run(Ordinary(method="rk4"), t_end=4, **settings)
    physent.run(Ordinary(method="rk4"), t_end=2, output=tmp_path / "run", **settings)
    resume(tmp_path / "run", t_end=4)
    with physent.open_run(tmp_path / "run") as again:
        for name in ("lyapunov_exponents", "lyapunov_finite_time", "kolmogorov_sinai"):
            np.testing.assert_array_equal(again[name], whole[name])


def test_the_frame_does_not_matter_nor_do_rows_between():
    runs = [
        physent.run(
            Ordinary(method="rk4"), t_end=50, save_every=every, diagnostics=[Lyapunov(count=3)]
        ).isel(t=-1)
        for every in (50, 0.25)
    ]
    np.testing.assert_array_equal(runs[0].lyapunov_exponents, runs[1].lyapunov_exponents)


def test_a_direction_that_is_lost_in_rounding_is_no_number():
    """0.3^40 of the fastest direction: below what float64 can tell."""
    with pytest.warns(UserWarning, match="not finite"):
        last = exponents(Ordinary(system="henon"), 400, every=40)
    assert np.isfinite(last.lyapunov_exponents[0]) and np.isnan(last.lyapunov_exponents[1])


def test_kaplan_yorke_by_hand():
    found = [
        kaplan_yorke(jnp.asarray(exponents), whole)
        for exponents, whole in (
            ([0.9, 0.0, -14.5], True),
            ([0.5, -0.2], False),
            ([0.5, -0.5], True),
            ([-0.1, -0.2], True),
            ([0.5, -0.2, -0.6], False),
        )
    ]
    np.testing.assert_allclose(found, [2 + 0.9 / 14.5, np.nan, 2, 0, 2.5])


@pytest.mark.parametrize(
    ("solver", "settings", "words"),
    [
        (Ordinary(), dict(count=4), "count: given 4, allowed: at most 3, the degrees of freedom"),
        (Ordinary(), dict(count=3, frame="symplectic"), "all exponents, allowed for an even"),
        (LinearLangevin(walkers=2), dict(count=1), "draw noise, which no perturbation follows"),
        (Couzin(n=8), dict(count=1), "the steps of Couzin draw noise"),
    ],
)
def test_what_has_no_exponents_is_refused(solver, settings, words):
    with pytest.raises(ParameterError, match=words):
        physent.run(solver, t_end=1, save_every=1, diagnostics=[Lyapunov(**settings)])


def test_particles_without_noise_have_them():
    """They swim straight on: two exponents of each direction of swimming are 0."""
    particles = ActiveMatter(
        particles=4,
        packing_fraction=0.2,
        propulsion=Brownian(rotational_diffusivity=0.0),
        initial="lattice",
        dt=0.01,
    )
    last = exponents(particles, 2.0, count=4)
    assert np.all(np.isfinite(last.lyapunov_exponents))


def test_a_file_has_none():
    ds = physent.run(Ordinary(method="rk4"), t_end=1, save_every=0.1)
    with pytest.raises(ParameterError, match="a file has saved states only"):
        physent.diagnose(ds, [Lyapunov(count=1)])


def test_covariant_vectors_of_the_cat_map_are_its_eigenvectors():
    found = covariant_lyapunov_vectors(
        Ordinary(system="cat_map"), 2, 5, every=2, before=20, after=20
    )
    _, vectors = np.linalg.eigh(np.array([[2.0, 1.0], [1.0, 1.0]]))
    np.testing.assert_allclose(found.growth, [[GOLDEN, -GOLDEN]] * 5, rtol=1e-10)
    for row in np.asarray(found.vectors):
        np.testing.assert_allclose(np.abs(row), np.abs(vectors.T[::-1]), rtol=1e-8)
    assert np.all(found.participation >= 1) and np.all(found.participation <= 2)


def test_covariant_vectors_of_lorenz_hold_the_flow():
    """The vector of the exponent 0 is the direction of x' (Ginelli et al. 2007)."""
    solver = Ordinary(method="rk4", dt=0.005)
    warm = physent.trajectory(solver, 1, 4000)[1]
    found = covariant_lyapunov_vectors(solver, 3, 50, before=400, after=600, state=warm)
    x = jnp.asarray(physent.trajectory(solver, 449, 5, state=warm)[0]["state"])[400:]
    flow = np.stack([10 * (x[:, 1] - x[:, 0]), x[:, 0] * (28 - x[:, 2]) - x[:, 1],
                     x[:, 0] * x[:, 1] - 8 / 3 * x[:, 2]], 1)  # fmt: skip
    flow /= np.linalg.norm(flow, axis=1, keepdims=True)
    cosine = np.abs(np.sum(flow * np.asarray(found.vectors)[:, 1], axis=1))
    np.testing.assert_allclose(cosine, 1, atol=1e-5)
