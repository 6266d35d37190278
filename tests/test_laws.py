"""Functions in the place of a kind: potentials, schedules, pair forces and forcings."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from test_given import TIMES, toml_of

import physent
from physent.app.cli import _exit_code
from physent.errors import ConfigError, ParameterError, RunError
from physent.experiment.building import load_experiment
from physent.protocol import registry
from physent.protocol.declaration import declarations
from physent.protocol.identity import key_of
from physent.protocol.parameters import settings
from physent.protocol.starts import GivenFields
from physent.runs import resume
from physent.solvers import ActiveMatter, Couzin, KelvinHelmholtz, KleinGordon
from physent.solvers.active_matter import CustomForce
from physent.solvers.couzin import CustomSchedule
from physent.solvers.kelvin_helmholtz.forcing import FORCINGS


@dataclass
class Case:
    """A solver class, the choice that takes a function, a function and its code, a kind that is
    the same, and what else the solver needs.
    """

    solver: type
    choice: str
    function: Any
    code: str
    kind: Any
    base: dict[str, Any]
    slack: float = 1e-12

    def made(self, value):
        return self.solver(**self.base, **{self.choice: value})


CASES = {
    "klein_gordon": Case(
        KleinGordon,
        "potential",
        lambda phi: 1 - jnp.cos(phi),
        "import jax.numpy as jnp\ndef law(phi):\n    return 1 - jnp.cos(phi)\n",
        "sine_gordon",
        {"n": 8, "length": 10.0, "dt": 0.01},
    ),
    "couzin": Case(
        Couzin,
        "schedule",
        lambda t: 2.0 + 0.0 * t,
        "def law(t):\n    return 2.0 + 0.0 * t\n",
        "constant",
        {"n": 8, "dimensions": 2, "dt": 0.01, "orientation_width": 2.0},
    ),
    "active_matter": Case(
        ActiveMatter,
        "force",
        lambda r: jnp.log1p(jnp.exp(7.5 * (2 - r))) / 7.5,
        "from jax.numpy import exp, log1p\n"
        "def law(r):\n    return log1p(exp(7.5 * (2 - r))) / 7.5\n",
        "softplus",
        {"particles": 8, "length": 10.0, "dt": 0.01, "initial": "lattice"},
        1e-5,  # of which the kind is cut
    ),
    "kelvin_helmholtz": Case(
        KelvinHelmholtz,
        "forcing",
        lambda x, z, t: 0.1 * jnp.sin(2 * jnp.pi * z),
        "import jax.numpy as jnp\ndef law(x, z, t):\n    return 0.1 * jnp.sin(2 * jnp.pi * z)\n",
        "kolmogorov",
        {"nx": 8, "nz": 8, "dt": 0.01, "method": "spectral", "initial": "taylor_green"}
        | {"walls": "periodic", "stepping": "fixed"},
        1e-6,  # of splitting
    ),
}
EVERY = pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))


def text_of(case, value):
    return toml_of(case, f"{case.choice} = {value}\n")


def same(a, b, slack=0.0):
    for name in {*a.data_vars} & {*b.data_vars}:
        if a[name].dtype.kind in "fc":
            assert np.allclose(a[name], b[name], slack, slack), name


def test_every_solver_whose_choice_takes_values_or_functions_is_held_to_it():
    import test_given

    # the starts of field equations are one class, held in test_field_equations
    tested = {(each.solver, each.choice) for each in (*CASES.values(), *test_given.CASES.values())}
    for cls in registry.available("solvers").values():
        for name, declaration in declarations(cls).items():
            held = declaration.given in (None, GivenFields) or (cls, name) in tested
            assert held, (cls, name)


@EVERY
def test_a_function_is_a_kind_by_itself_and_by_its_place_and_its_run_goes_on(case, tmp_path):
    (tmp_path / "my.py").write_text(case.code)
    text = text_of(case, '{ kind = "custom", function = "my.py:law" }')
    (tmp_path / "own.toml").write_text(text)
    own = physent.run(case.made(case.function), t_end=0.04, save_every=0.01)
    same(physent.run(case.made(case.kind), t_end=0.04, save_every=0.01), own, case.slack)
    there = tmp_path / "run"
    physent.run(load_experiment(tmp_path / "own.toml"), output=there).close()
    assert f"{tmp_path / 'my.py'}:law" in (there / "experiment.toml").read_text()
    if case.choice == "potential":  # once is enough
        assert _exit_code(["verify", str(there), "--rows", "0:3"]) == 0
    (tmp_path / "my.py").unlink()  # its copy runs
    longer = resume(there, t_end=0.04).dataset().load()
    longer.close()
    same(own, longer)


def potential(phi):
    """V(phi) of this module."""
    return phi**4 / 4


def test_a_function_with_a_name_has_a_place_and_a_lambda_runs_and_says_that_it_has_none(tmp_path):
    case = CASES["klein_gordon"]
    assert settings(case.made(potential))["potential"]["function"] == f"{__file__}:potential"
    physent.run(case.made(case.function), output=tmp_path / "run", **TIMES).close()
    words = "has no name by which it is found in a file or module: this run cannot be resumed"
    assert words in (tmp_path / "run" / "run.log").read_text()
    with pytest.raises(ConfigError, match=r"function: .*<lambda> has no name .* state=FOLDER"):
        resume(tmp_path / "run", t_end=0.04)
    again = physent.run(
        case.made(case.function), state=tmp_path / "run", t_end=0.04, save_every=0.01
    )
    assert again.sizes["t"] == 3
    (tmp_path / "my.py").write_text(case.code)
    for place, words in {
        "'my.py:law'": "is a function, allowed for one: { kind = .custom., function",
        '{ kind = "custom", function = "my.py:lew" }': "no function 'lew', did you mean law",
        '{ kind = "custom", function = "my.py:jnp" }': "my.py:jnp is no function",
        '{ kind = "custom", function = 3 }': "given 3, allowed: a function, by 'path.py:function'",
    }.items():
        (tmp_path / "own.toml").write_text(text_of(case, place))
        with pytest.raises(ConfigError, match=rf"own.toml:\d+: solver.potential.*{words}"):
            load_experiment(tmp_path / "own.toml")


@EVERY
def test_what_is_no_such_function_is_refused_in_one_sentence(case):
    wrong: list[Any] = [
        3,
        None,
        case.solver,
        KleinGordon(n=8),
        "costum",
        "my.py:law",
        lambda: 0.0,
        lambda *x: jnp.sum(x[0]) + 0 * x[0],
        lambda *x: 1j * x[0],
        lambda *x: jnp.zeros((2, 3)),
        lambda *x: "a",
    ]
    for value in wrong:
        with pytest.raises(ParameterError) as error:
            case.made(value)
        assert error.value.key.startswith(case.choice)
        assert "\n" not in error.value.message, value


def test_gradients_go_through_what_a_function_takes_from_outside():
    def kick(strength):
        made = CASES["klein_gordon"].made(lambda phi: strength * phi**4)
        return jnp.sum(made.step(made.init(jax.random.key(0))).phi_t.real)

    slope, step = jax.jit(jax.grad(kick))(0.3), 1e-4
    assert np.isclose(slope, (kick(0.3 + step) - kick(0.3 - step)) / (2 * step), 1e-6)


def test_the_same_function_made_anew_compiles_nothing_and_another_does():
    def key(power):
        made = CASES["klein_gordon"].made(lambda phi: phi**power)
        return key_of(made, None)

    assert key(4) is not None and key(4) == key(4) != key(2)


def test_a_schedule_keeps_to_its_bound_which_tiles_need():
    base = CASES["couzin"].base
    tiled: dict[str, Any] = base | {"search": "tiles"}
    with pytest.raises(ParameterError, match="without a bound, allowed with tiles"):
        physent.run(Couzin(**tiled, schedule=lambda t: 2.0 + t), **TIMES)
    rising = CustomSchedule(function=lambda t: 2.0 + t, top=2.01)
    with pytest.raises(RunError, match="orientation_width_now is not finite"):
        physent.run(Couzin(**base, schedule=rising), **TIMES)
    for wrong in (lambda t: t - 1, lambda t: 1 / t):
        with pytest.raises(ParameterError, match=r"at t = 0, allowed: a width >= 0"):
            Couzin(**base, schedule=wrong)


def test_a_force_ends_where_it_is_cut():
    base: dict[str, Any] = CASES["active_matter"].base
    with pytest.raises(ParameterError, match=r"is 0.25 at r = 4, .* CustomForce\(f, cutoff="):
        ActiveMatter(**base, force=lambda r: 1 / r)
    with pytest.raises(ParameterError, match=r"not finite at r = 0\.4"):
        ActiveMatter(**base, force=lambda r: jnp.log(r - 2))
    cut = CustomForce(function=lambda r: 1 / r, cutoff=3.0)
    two: dict[str, Any] = base | {"particles": 2}
    alone = ActiveMatter(**two, force=cut)
    pair = jnp.asarray([[0.0, 0.0], [2.0, 0.0]])
    state = alone.at({"position": pair, "propulsion": jnp.zeros((2, 2))})
    assert np.allclose(alone.observe(state)["force"], [[-0.5, 0], [0.5, 0]])
    state = alone.at({"position": 1.6 * pair, "propulsion": jnp.zeros((2, 2))})
    assert np.allclose(alone.observe(state)["force"], 0)


@pytest.mark.parametrize("kind", [k for k in FORCINGS if k != "custom"])
def test_what_every_forcing_supplies_is_observed(kind):
    base: dict[str, Any] = CASES["kelvin_helmholtz"].base
    finer: dict[str, Any] = base | {"nx": 32, "nz": 32}  # for five waves of the stochastic one
    made = KelvinHelmholtz(**finer, forcing=kind)
    state = jax.eval_shape(made.init, jax.random.key(0))
    assert jax.eval_shape(made.observe, state)["forcing_power"].shape == ()


def test_a_forcing_of_time_is_of_second_order_and_its_power_is_that_of_the_flow():
    """With u' = cos 3t in a box without walls the mean of u is sin(3t)/3 more."""
    base: dict[str, Any] = CASES["kelvin_helmholtz"].base
    errors = []
    for dt in (0.1, 0.05):
        at: dict[str, Any] = base | {"dt": dt}
        made = KelvinHelmholtz(**at, forcing=lambda x, z, t: (jnp.cos(3 * t), 1.0))
        run = physent.run(made, t_end=0.4, save_every=0.2)
        means = run.u.mean(("x", "z")) - run.u[0].mean()
        errors.append(float(abs(means[-1] - np.sin(1.2) / 3)))
        assert np.allclose(run.w.mean(), 0, 0, 1e-12)  # of which the mean is left out
        power = float(np.cos(1.2) * run.u[-1].mean() * 2.0)
        assert np.isclose(run.forcing_power[-1], power, 1e-9)
    assert 3.9 < errors[0] / errors[1] < 4.1
