"""Entropies of schools as diagnostics: the box is the domain's, and what contradicts it is
refused.
"""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

import physent
from physent import entropy as library
from physent.diagnostics import SchoolDewiKadita, SchoolEntropy, VelocityCorrelation
from physent.errors import ConfigError, ParameterError
from physent.protocol.diagnostic import Observed
from physent.solvers.couzin import Couzin, RandomBall

BOX, FREE = Couzin(n=8, length=25.0), Couzin(n=8)


def looked_at(solver) -> Observed:
    """What a diagnostic sees of the start."""
    state = jax.eval_shape(solver.init, jax.random.key(0))
    return Observed(
        jax.eval_shape(solver.observe, state), solver.variables(), solver.domain(), jnp.zeros(())
    )


@pytest.mark.parametrize(
    ("solver", "diagnostic", "key", "words"),
    [
        (FREE, SchoolDewiKadita(), "length", "no side lengths"),
        (FREE, SchoolDewiKadita(length=5.0, periodic=True), "periodic", "given true"),
        (BOX, SchoolDewiKadita(length=5.0), "length", "given 5.0"),
        (BOX, SchoolDewiKadita(periodic=False), "periodic", "given false"),
        (BOX, SchoolEntropy(period=[5.0] * 3), "period", "25.0"),
        (BOX, SchoolEntropy(period=[np.inf] * 3), "period", "25.0"),
        (FREE, SchoolEntropy(period=[5.0] * 3), "period", "unbounded"),
        (BOX, SchoolEntropy(period=[25.0] * 2), "period", "given 2 numbers, allowed: 3"),
        (
            FREE,
            VelocityCorrelation(period=[5.0, np.inf, 5.0]),
            "period",
            "along every component or along none",
        ),
    ],
)
def test_a_box_that_the_domain_contradicts_is_refused(solver, diagnostic, key, words):
    with pytest.raises(ParameterError, match=words) as refusal:
        diagnostic.variables(looked_at(solver))
    assert refusal.value.key == key


def test_a_refusal_names_the_key(tmp_path):
    text = '[solver]\nkind = "couzin"\nn = 8\nlength = 25.0\n[run]\nt_end = 1.0\nsave_every = 1.0\n'
    (tmp_path / "case.toml").write_text(
        text + '[[diagnostics]]\nkind = "school_dewi_kadita"\nlength = 5.0\n'
    )
    with pytest.raises(ConfigError, match=r"case.toml:10: diagnostics.0.length: given 5.0"):
        physent.load_experiment(tmp_path / "case.toml")


@pytest.mark.slow
@pytest.mark.parametrize("length", [None, 25.0])
def test_the_box_is_the_domain_s(length):
    """A run gives what the functions give; the peer's entropies of a school in free space need a
    length.
    """
    solver = Couzin(n=8, length=length, dt=0.5)
    seven = SchoolDewiKadita() if length else SchoolDewiKadita(length=25.0)
    run = physent.run(solver, t_end=1.0, save_every=0.5, diagnostics=[seven, SchoolEntropy()])
    x, v = run.position.values, run.heading.values
    expected = library.schooling_entropies(x, v, 25.0, length is not None)
    np.testing.assert_allclose(run.schooling_cohesion_entropy, expected.cohesion, atol=1e-12)
    np.testing.assert_allclose(
        run.school_depth_entropy, library.school_entropies(x, v, length).depth, atol=1e-12
    )


def test_a_file_does_not_say_in_what_space_its_school_lives():
    rng = np.random.default_rng(0)
    dims = ("t", "fish", "component")
    school = xr.Dataset(
        {name: (dims, rng.normal(size=(2, 8, 3))) for name in ("position", "heading")}
    )
    with pytest.raises(ParameterError, match="period: missing"):
        physent.diagnose(school, [SchoolEntropy()])
    with pytest.raises(ParameterError, match="length: missing"):
        physent.diagnose(school, [SchoolDewiKadita()])
    free = physent.diagnose(school, [SchoolEntropy(period=[np.inf] * 3)])
    x, v = school.position.values, school.heading.values
    np.testing.assert_allclose(
        free.school_depth_entropy, library.school_entropies(x, v).depth, atol=1e-12
    )


def test_an_empty_shell_and_a_lonely_fish_are_no_failure():
    """NaN where it is declared: no warning, no end of the run, and the file says what it means."""
    solver = Couzin(
        n=6, dt=0.5, attraction_width=0.01, orientation_width=0.01, initial=RandomBall(radius=1e3)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run = physent.run(
            solver,
            t_end=1.0,
            save_every=0.5,
            diagnostics=[VelocityCorrelation(edges=[0.0, 1.0, 1e4])],
        )
    assert np.all(np.isnan(run.neighbour_distance)) and np.all(run.groups == 6)
    assert np.all(np.isnan(run.velocity_correlation_mean[:, 0])) and np.all(
        np.isfinite(run.velocity_correlation_mean[:, 1])
    )
    assert (
        run.velocity_correlation_mean.attrs["nan"] == "no pair"
        and run.neighbour_distance.attrs["nan"]
    )


@pytest.mark.parametrize("edges", [[4.0, 1.0, 0.0], [1.0, 1.0], [1.0]])
def test_edges_rise(edges):
    with pytest.raises(
        ParameterError, match=r"edges: given .* allowed: two or more increasing numbers"
    ):
        VelocityCorrelation(edges=edges)
    with pytest.raises(ValueError, match="edges: given"):
        library.velocity_correlation_profile(np.zeros((6, 3)), np.ones((6, 3)), edges)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda x, v: library.schooling_entropies(x, v, -1.0), "length: given -1.0"),
        (lambda x, v: library.cohesion_entropy(x, np.nan), "length: given nan"),
        (lambda x, v: library.school_entropies(x, v, 0.0), "period: given 0.0"),
        (
            lambda x, v: library.school_entropies(x, v, [1.0, 1.0]),
            "period: given 2 numbers, allowed: one, or 3",
        ),
        (lambda x, v: library.school_entropies(x, v[:7]), "of the same fish"),
    ],
)
def test_functions_refuse_in_one_sentence(call, words):
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=words):
        call(rng.normal(size=(8, 3)), rng.normal(size=(8, 3)))
