"""dt = "auto" of field equations: from the linear symbol, the method, and the start."""

import jax.numpy as jnp
import numpy as np
import pytest
from equations import HeatBetweenWalls, KortewegDeVries, Schroedinger

import physent
from physent.errors import ParameterError
from physent.solvers import KuramotoSivashinsky, NavierStokes2D
from physent.solvers.gallery.korteweg_de_vries import KortewegDeVries as Waves, Solitons

FASTEST = 2 * np.pi / 40 * 21  # the largest wavenumber below two thirds, n = 64, length = 40


def level(**given):
    return KortewegDeVries(n=64, length=40.0, initial=lambda x: 2.0 + 0 * x, **given)


@pytest.mark.parametrize(
    ("method", "share"), [("etdrk4", 0.5), ("etdrk2", 0.25), ("dopri8", np.inf)]
)
def test_on_a_level_it_is_a_share_of_the_courant_time(method, share):
    """6 u u_x at u = 2 has the rates 12 k."""
    assert level(method=method).longest_dt() == pytest.approx(share / (12 * FASTEST), rel=0.02)


def test_an_implicit_step_follows_the_waves():
    k = 2 * np.pi / 10 * 21
    waves = KortewegDeVries(n=64, length=10.0, initial=lambda x: 0.1 + 0 * x, method="imex_rk3")
    assert waves.longest_dt() == pytest.approx(0.35 / k**3, rel=1e-6)


def test_a_splitting_keeps_below_resonance():
    wave = Schroedinger(
        n=64, length=20.0, dealias="none", method="strang", initial=lambda x: 1.0 + 0j * x
    )
    assert wave.longest_dt() == pytest.approx(0.9 * np.pi / (0.5 * (np.pi * 64 / 20) ** 2))


def test_each_member_has_its_own():
    given = np.array([40.0, 20.0])
    found = KortewegDeVries(
        n=64, length=jnp.asarray(given), initial=lambda x: 2.0 + 0 * x
    ).longest_dt()
    assert found == pytest.approx(0.5 / (12 * FASTEST) * given / 40, rel=0.02)


def test_heat_alone_takes_any_step():
    solver = HeatBetweenWalls(n=16, boundary="walls")
    assert solver.longest_dt() == np.inf


@pytest.mark.parametrize(
    ("solver", "words"),
    [
        (KuramotoSivashinsky(n=32), "waves grow from the start"),
        (NavierStokes2D(n=(8, 8), forcing=1.0, initial=lambda x, y: 0 * x), "driven from rest"),
    ],
)
def test_what_the_start_does_not_tell_is_refused(solver, words):
    with pytest.raises(ParameterError, match=rf"solver.dt: given 'auto', but .*{words}"):
        solver.longest_dt()


def test_a_soliton_is_resolved():
    solver = Waves(n=128, length=30.0, dt="auto", initial=Solitons(speed=[2.0], position=[-5.0]))
    run = physent.run(
        solver, t_end=1.0, save_every=0.5, diagnostics=[physent.diagnostics.Error(of="u")]
    )
    assert float(run["error_u"][-1]) < 1e-4
