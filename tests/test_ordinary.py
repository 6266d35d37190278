"""Ordinary differential equations, maps and Hamiltonian systems."""

import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import physent
from physent.errors import ConfigError, ParameterError
from physent.experiment.building import load_experiment
from physent.solvers import Ordinary
from physent.solvers.ordinary import SYSTEMS


def oscillator(x, frequency=2.0):
    q, p = x
    return p, -(frequency**2) * q


def energy(x, frequency=2.0):
    q, p = x
    return p**2 / 2 + frequency**2 * q**2 / 2


def driven(x, t, strength=1.0):
    return strength * jnp.cos(t) * jnp.ones_like(x)


def last(solver, t_end):
    return physent.run(solver, t_end=t_end, save_every=t_end).isel(t=-1)


@pytest.mark.parametrize(
    ("settings", "order"),
    [
        (dict(system=oscillator, method="rk4"), 4),
        (dict(system=energy, method="strang"), 2),
        (dict(system=energy, method="blanes_moan_4"), 4),
        (dict(system=energy, method="blanes_moan_6"), 6),
    ],
)
def test_methods_have_their_order(settings, order):
    exact = np.array([np.cos(4.0), -2 * np.sin(4.0)])  # at t = 2

    def error(dt):
        made = Ordinary(initial=[1.0, 0.0], dt=dt, **settings)
        return np.linalg.norm(last(made, 2.0).state - exact)

    coarse, fine = error(0.2), error(0.1)
    assert np.log2(coarse / fine) == pytest.approx(order, abs=0.25)


def test_the_adaptive_method_keeps_its_tolerance_and_both_modes_pass_it():
    exact = [np.cos(4.0), -2 * np.sin(4.0)]

    def along(frequency):
        made = Ordinary(
            system=oscillator, initial=[1.0, 0.0], dt=2.0, parameters={"frequency": frequency}
        )
        x = made.step(made.init(jax.random.key(0))).x
        return x[0], x  # cos(2 frequency)

    slopes = jax.grad(along, has_aux=True)(2.0), jax.jacfwd(along, has_aux=True)(2.0)
    np.testing.assert_allclose(slopes[0][1], exact, atol=1e-8)
    slopes = [slope for slope, _ in slopes]
    np.testing.assert_allclose(slopes, [-2 * np.sin(4.0)] * 2, rtol=1e-7)


def test_a_function_of_the_time_is_given_it():
    solver = Ordinary(system=driven, initial=[0.0], dt=0.01, method="rk4")
    assert float(last(solver, 2.0).x) == pytest.approx(np.sin(2.0), abs=1e-8)


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_system_runs(name):
    """And a Hamiltonian one keeps its energy."""
    solver = Ordinary(system=name)
    state = solver.init(jax.random.key(0))
    after = jax.jit(lambda state: solver.step(solver.step(state)))(state)
    assert np.all(np.isfinite(after.x)) and not np.array_equal(after.x, state.x)
    for before, later in zip(
        solver.invariants(state).values(), solver.invariants(after).values(), strict=True
    ):
        assert float(later) == pytest.approx(float(before), abs=1e-9)


def test_a_bar_keeps_the_integral_of_jacobi_and_its_frame_turns():
    """In the frame at rest a free orbit does not feel the rotation."""
    kept = physent.run(Ordinary(system="rotating_bar", dt=0.05), t_end=5, save_every=1)
    np.testing.assert_allclose(kept.invariant_energy, kept.invariant_energy[0], atol=1e-9)


FILE = "def rhs(x, a=1.0, b=2.0):\n    return -a * x + b\n"


def test_an_experiment_names_a_function_and_its_parameters(tmp_path):
    (tmp_path / "mine.py").write_text(FILE)
    config = tmp_path / "one.toml"
    text = (
        '[solver]\nkind = "ordinary"\nsystem = "mine.py:rhs"\ninitial = [0.0, 1.0]\n'
        "parameters = {{ {} }}\n[run]\nt_end = 1.0\nsave_every = 0.5\nmembers = 2\n"
    )
    config.write_text(text.format("a = [1.0, 3.0]"))
    experiment = load_experiment(config)
    np.testing.assert_array_equal(experiment.solver.parameters["a"], [1.0, 3.0])
    assert experiment.solver.parameters["b"].shape == ()
    assert experiment.resolved["solver"]["parameters"] == {"a": [1.0, 3.0], "b": 2.0}
    assert load_experiment(config, ["solver.parameters.b=5"]).solver.parameters["b"] == 5
    for given, words in (
        ("aa = 1.0", r"solver.parameters.aa: unknown parameter.*\(allowed: a, b\)"),
        ('a = "x"', "solver.parameters.a: given 'x', allowed: a number"),
        ("a = [1.0, 2.0, 3.0]", "solver.parameters.a: given 3 values"),
    ):
        config.write_text(text.format(given))
        with pytest.raises(ConfigError, match=words):
            load_experiment(config)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (dict(system="lorentz"), "unknown system 'lorentz'.*did you mean lorenz"),
        (dict(system=oscillator), "initial: missing: x at t = 0"),
        (dict(system=oscillator, initial=[1.0]), "system: it cannot be evaluated"),
        (dict(system=lambda x: x[:1], initial=[1.0, 2.0]), r"shape \(1,\), allowed: \(2,\)"),
        (dict(system=lambda x, a: x, initial=[1.0]), "parameter 'a' has no default"),
        (dict(method="strang"), "allowed for a Hamiltonian system"),
        (dict(system="double_pendulum", method="strang"), r"allowed for an energy T\(p\) \+ V"),
        (dict(system="henon", dt=0.1), "dt: given 0.1, allowed for a map: 1, a turn"),
        (dict(system="henon", method="rk4"), "method: given 'rk4', allowed for it: map"),
        (dict(parameters={"rha": 1.0}), "parameters.rha: unknown parameter"),
        (dict(parameters=[1.0]), "parameters: given .*allowed: a table of numbers"),
        (dict(names=["a", "b"]), "names: given 2, allowed: 3"),
        (dict(size=4), "size: given 4, allowed for a named system of any size"),
    ],
)
def test_what_does_not_fit_is_said(settings, words):
    with pytest.raises(ParameterError, match=words):
        Ordinary(**settings)


def test_a_package_that_is_not_there_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "dysts", None)
    with pytest.raises(ParameterError, match="dysts:Lorenz, of a package that is not installed"):
        Ordinary(system="dysts:Lorenz")


def test_an_ensemble_is_its_members():
    r = [3.6, 3.9]
    both = physent.run(
        Ordinary(system="logistic", parameters={"r": r}), members=2, t_end=20, save_every=1
    )
    for i, each in enumerate(r):
        alone = physent.run(
            Ordinary(system="logistic", parameters={"r": each}), t_end=20, save_every=1
        )
        np.testing.assert_array_equal(both.x[:, i], alone.x)
