"""Arrays, functions of space and files in the place of a kind."""

import re
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

import physent
from physent.app.cli import _exit_code
from physent.errors import ConfigError, ParameterError
from physent.experiment.building import load_experiment
from physent.io.folder import read_header
from physent.protocol.parameters import members_given, settings
from physent.runs import resume
from physent.solvers import NLSE, ActiveMatter, Couzin, KelvinHelmholtz, KleinGordon, Vicsek
from physent.sweep.executors import run_point

N = 8
X = (np.arange(N) / N - 0.5) * 10.0


@dataclass
class Case:
    """A solver class, the choice that takes values and the values by name; `function` gives the
    same, `base` is what else the solver needs, and `shows` where the first row has them.
    """

    solver: type
    choice: str
    values: dict[str, np.ndarray]
    function: Any = None
    base: dict[str, Any] = field(default_factory=dict)
    shows: dict[str, str] = field(default_factory=dict)

    def made(self, value):
        return self.solver(**self.base, **{self.choice: value})

    def one(self) -> Any:
        """The values as they are given: one array alone, several by name."""
        return next(iter(self.values.values())) if len(self.values) == 1 else self.values


def flow(x, z):
    """Vortices between walls of slip, in layers of density."""
    u = jnp.sin(np.pi * x) * jnp.cos(np.pi * z)
    w = -jnp.cos(np.pi * x) * jnp.sin(np.pi * z)
    return {"u": u, "w": w, "density": 1 + 0.1 * jnp.cos(np.pi * x) * jnp.cos(np.pi * z)}


FLOW = {
    name: np.asarray(values)
    for name, values in flow(*KelvinHelmholtz(nx=N, nz=4)._box.centres()).items()
}
BOX = {"nx": N, "nz": 4, "dt": 0.01}
ANGLES = np.linspace(0, 6, N)
DIRECTIONS = np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1)
PLACES = 4 * DIRECTIONS
LINE = {"n": N, "length": 10.0, "dt": 0.01}
CASES = {
    "nlse_initial": Case(
        NLSE,
        "initial",
        {"psi": np.exp(-(X**2) + 1j * X)},
        lambda x: jnp.exp(-(x**2) + 1j * x),
        LINE,
        {"psi": "psi"},
    ),
    "nlse_potential": Case(NLSE, "potential", {"potential": X**2}, lambda x: x**2, LINE),
    "klein_gordon": Case(
        KleinGordon,
        "initial",
        {"phi": np.exp(-(X**2)), "phi_t": X * np.exp(-(X**2))},
        lambda x: (jnp.exp(-(x**2)), x * jnp.exp(-(x**2))),
        LINE | {"boundary": "antiperiodic"},
        {"phi": "phi", "phi_t": "phi_t"},
    ),
    "kelvin_helmholtz": Case(
        KelvinHelmholtz, "initial", FLOW, flow, BOX | {"stepping": "fixed"}, {"density": "density"}
    ),
    "couzin": Case(
        Couzin,
        "initial",
        {"position": PLACES, "heading": DIRECTIONS},
        None,
        {"n": N, "dimensions": 2, "dt": 0.01},
        {"position": "position", "heading": "heading"},
    ),
    "vicsek": Case(
        Vicsek,
        "initial",
        {"position": np.mod(PLACES, 10.0), "heading": DIRECTIONS},
        None,
        {"n": N, "length": 10.0, "dt": 0.01},
        {"position": "position", "heading": "heading"},
    ),
    "active_matter": Case(
        ActiveMatter,
        "initial",
        {"position": PLACES, "propulsion": DIRECTIONS},
        None,
        {"particles": N, "length": 10.0, "dt": 0.01},
        {"position": "position", "propulsion": "propulsion"},
    ),
}
EVERY = pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
TIMES: dict[str, Any] = {"t_end": 0.02, "save_every": 0.01}


def written(case, path, start=None):
    """A NetCDF file with the values, and the TOML table that refers to it."""
    arrays: dict[str, Any] = {}
    for name, values in case.values.items():
        dims = tuple(f"{name}_{axis}" for axis in range(values.ndim))
        pair = {"_re": values.real, "_im": values.imag} if np.iscomplexobj(values) else {"": values}
        arrays |= {f"my_{name}{end}": (dims, part) for end, part in pair.items()}
    xr.Dataset(arrays).to_netcdf(path)
    names = [f"my_{name}" for name in case.values]
    return f'file = "{path.name}"\nvariable = {names if len(names) > 1 else repr(names[0])}\n'


def toml_of(case, choice):
    """The experiment of a case, with the text that makes its choice."""
    base = "\n".join(f"{key} = {value!r}" for key, value in case.base.items())
    kind = re.sub("(?<=[a-z])(?=[A-Z])", "_", case.solver.__name__).lower()
    return f'[solver]\nkind = "{kind}"\n{base}\n{choice}[run]\nt_end = 0.02\nsave_every = 0.01\n'


def text_of(case, table):
    return toml_of(case, f"[solver.{case.choice}]\n{table}")


def same(a, b, exactly=True):
    for name in a.data_vars:
        if a[name].dtype.kind in "fc":
            assert np.allclose(a[name], b[name], 0 if exactly else 1e-9, 0 if exactly else 1e-11)


@EVERY
def test_array_function_and_file_are_the_same_and_a_run_can_be_repeated(case, tmp_path):
    array = physent.run(case.made(case.one()), output=tmp_path / "run", **TIMES).load()
    array.close()
    for name, observed in case.shows.items():
        assert np.allclose(array[observed][0], case.values[name], 0, 1e-12)
    if case.function is not None:
        same(physent.run(case.made(case.function), **TIMES), array, exactly=False)
    (tmp_path / "own.toml").write_text(text_of(case, written(case, tmp_path / "mine.nc")))
    same(physent.run(load_experiment(tmp_path / "own.toml")), array)

    there = tmp_path / "run"
    assert (there / "given.nc").is_file()
    same(physent.run(load_experiment(there / "experiment.toml")), array)
    assert _exit_code(["verify", str(there), "--rows", "0:3"]) == 0
    there = there.rename(tmp_path / "moved")
    longer = resume(there, t_end=0.04).dataset().load()
    longer.close()
    assert longer.sizes["t"] == 5
    same(physent.run(case.made(case.one()), t_end=0.04, save_every=0.01), longer)


@EVERY
def test_values_are_leaves_with_gradients_and_each_member_may_have_its_own(case):
    solver = case.made(case.one())
    table = settings(solver)[case.choice]
    assert table["file"] == "given.nc" and len(table["digest"]) == 64
    first = next(iter(case.values))
    seen = next(name for name in solver.variables() if name in ("psi", "phi", "u", "position"))

    def last(scale):
        made = case.made(case.values | {first: scale * case.values[first]})
        state = made.init(jax.random.key(0))
        if case.solver is not KelvinHelmholtz:  # whose step takes long to compile
            state = made.step(state)
        return jnp.sum(jnp.real(made.observe(state)[seen]) ** 2)

    last, step = jax.jit(jax.value_and_grad(last)), 1e-5
    slope = last(1.0)[1]
    assert np.isclose(slope, (last(1.0 + step)[0] - last(1.0 - step)[0]) / (2 * step), 1e-4, 1e-7)
    both = case.made({name: np.stack([v, 2 * v]) for name, v in case.values.items()})
    assert set(members_given(both).values()) == {2}


def test_each_member_of_a_run_has_its_own(tmp_path):
    case = CASES["nlse_initial"]
    both = case.made(np.stack([case.one(), 2 * case.one()]))
    run = physent.run(both, members=2, output=tmp_path / "run", **TIMES).load()
    run.close()
    assert np.allclose(run.psi[0], [case.one(), 2 * case.one()], 0, 1e-12)
    same(physent.run(load_experiment(tmp_path / "run" / "experiment.toml")), run)
    wide = NLSE(n=N, length=[10.0, 20.0], initial=lambda x: jnp.exp(-(x**2)))
    psi = jax.tree.leaves(wide.initial)[0]
    assert np.allclose(psi, np.exp(-(np.stack([X, 2 * X]) ** 2)))


@pytest.mark.parametrize("walls", ["free_slip", "periodic", "no_slip"])
@pytest.mark.parametrize("method", ["projection", "spectral"])
def test_a_flow_of_the_solver_starts_a_run_as_it_was(method, walls):
    """From cell centres to faces and back, where a mean of two faces is cos(pi m/n) of a wave."""
    if (method, walls) == ("spectral", "no_slip"):
        return

    def field(x, z):
        u, w, density = flow(x, z).values()
        if walls == "no_slip":  # w = sin^2(pi z) and its u
            w = -jnp.cos(np.pi * x) * jnp.sin(np.pi * z) ** 2
            u = jnp.sin(np.pi * x) * jnp.sin(2 * np.pi * z)
        elif walls == "periodic":
            u = 2 * jnp.sin(np.pi * x) * jnp.cos(2 * np.pi * z)
            w = -jnp.cos(np.pi * x) * jnp.sin(2 * np.pi * z)
            density = 1 + 0.1 * jnp.cos(np.pi * x) * jnp.cos(2 * np.pi * z)
        return {"u": u, "w": w, "density": density}

    made = KelvinHelmholtz(nx=16, nz=16, method=method, walls=walls, initial=field)
    seen = made.observe(made.init(jax.random.key(0)))
    for name, values in field(*made._box.centres()).items():
        slack = 0.05 if method == "projection" else 1e-12
        assert np.allclose(seen[name], values, 0, slack), (
            name,
            np.max(np.abs(seen[name] - values)),
        )
    if walls == "no_slip":
        with pytest.raises(ParameterError, match="moves along a wall"):
            KelvinHelmholtz(nx=N, nz=4, walls=walls, initial=FLOW)
    with pytest.raises(ParameterError, match="a density of 0"):
        KelvinHelmholtz(nx=N, nz=4, initial=FLOW | {"density": 0 * FLOW["density"]})


def test_directions_are_directions():
    def school(heading):
        return Couzin(n=N, dimensions=2, dt=0.01, initial=(PLACES, heading))

    state = school(2 * DIRECTIONS).init(jax.random.key(0))
    assert np.allclose(state.heading, DIRECTIONS)
    with pytest.raises(ParameterError, match="a heading of 0"):
        school(0 * DIRECTIONS)

    def particles(start):
        return ActiveMatter(particles=N, length=10.0, propulsion="brownian", initial=start)

    with pytest.raises(ParameterError, match="unit vectors"):
        particles((PLACES, 2 * DIRECTIONS))
    drawn = particles(PLACES).init(jax.random.key(0))
    assert np.allclose(np.sum(drawn.propulsion**2, axis=1), 1)


@EVERY
def test_wrong_values_are_refused_in_one_sentence(case):
    name, values = next(iter(case.values.items()))
    rest = case.values
    wrong: list[Any] = [
        rest | {name: values[:-1]},
        rest | {name: np.zeros((2, 2, 2, *values.shape))},
        rest | {name: np.full(values.shape, np.nan)},
        rest | {"strange": values},
        rest | {name: [[1.0], [1.0, 2.0]]},
        rest | {name: ["a"]},
        {},
        None,
        dict,
        NLSE(n=8),
        "gausian",
        lambda: 0.0,
        lambda *x: 1j * np.zeros(3),
    ]
    if not np.iscomplexobj(values):
        wrong.append(rest | {name: 1j * values})
    for value in wrong:
        with pytest.raises(ParameterError) as error:
            case.made(value)
        assert error.value.key.startswith(case.choice)
        assert "\n" not in error.value.message and "given" in error.value.message, value


def test_a_file_that_does_not_fit_is_named_with_key_and_line(tmp_path):
    case = CASES["nlse_initial"]
    table = written(case, tmp_path / "mine.nc")
    for wrong, words in {
        table.replace(
            "mine", "mein"
        ): "own.toml:7: solver.initial.file: no file 'mein.nc', did you mean mine.nc?",
        table.replace(
            "my_psi", "my_ps"
        ): "own.toml:8: solver.initial.variable: no variable 'my_ps'",
        table + "varable = 1\n": "own.toml:9: solver.initial.varable: unknown key, did you mean",
        table + "index = true\n": "own.toml:9: solver.initial.index: given True",
        table + 'digest = "00"\n': "solver.initial.digest: the values in",
        table.replace('"my_psi"', "'my_psi', 'b'").replace("variable = ", "variable = ["): "TOML",
    }.items():
        (tmp_path / "own.toml").write_text(text_of(case, wrong))
        with pytest.raises(ConfigError) as error:
            load_experiment(tmp_path / "own.toml")
        assert words in str(error.value), error.value
    (tmp_path / "own.toml").write_text(text_of(case, table))
    finer = physent.run(load_experiment(tmp_path / "own.toml", ["solver.n=16"]))
    assert finer.sizes["x"] == 16 and abs(finer.psi[0]).max() < 1.1


def test_what_was_given_belongs_to_the_folder(tmp_path):
    case = CASES["nlse_initial"]
    physent.run(case.made(case.one()), output=tmp_path / "run", **TIMES).close()
    physent.run(case.made(case.one()), output=tmp_path / "run", overwrite=True, **TIMES).close()
    with xr.open_dataset(tmp_path / "run" / "given.nc") as stored:
        changed = stored.load() * 2
    kept = (tmp_path / "run" / "given.nc").read_bytes()
    changed.to_netcdf(tmp_path / "run" / "given.nc")
    with pytest.raises(ConfigError, match="not those that this experiment began with"):
        resume(tmp_path / "run", t_end=0.04)
    (tmp_path / "run" / "given.nc").unlink()
    assert _exit_code(["verify", str(tmp_path / "run")]) == 1
    (tmp_path / "run" / "given.nc").write_bytes(kept)
    text = load_experiment(tmp_path / "run" / "experiment.toml").toml(folder=False)
    for _ in range(2):  # as a point of a sweep, which the second continues
        assert run_point(text, str(tmp_path / "point"))["status"] == "done"
    assert _exit_code(["verify", str(tmp_path / "point")]) == 0
    physent.run(NLSE(n=8), output=tmp_path / "run", overwrite=True, **TIMES).close()
    assert not (tmp_path / "run" / "given.nc").exists()


def test_other_values_do_not_compile_again():
    case, traced = CASES["nlse_initial"], []

    @jax.jit
    def start(solver):
        traced.append(1)
        return solver.init(jax.random.key(0)).psi

    for scale in (1.0, 2.0):
        assert np.allclose(start(case.made(scale * case.one())), scale * case.one())
    assert len(traced) == 1


CLOSE = np.random.default_rng(4).uniform(-1, 1, (12, 2))
GROWING = {  # with too little room, with enough; what was given has to outlive the change
    "active_matter": (
        lambda given, room: ActiveMatter(
            particles=12, dt=0.001, neighbors=2 if room else 11, initial=given
        ),
        {"position": CLOSE},
    ),
    "couzin": (
        lambda given, room: Couzin(
            n=12, dt=0.1, search="tiles", near_tiles=1 if room else 64, initial=given
        ),
        {
            "position": np.random.default_rng(5).uniform(-9, 9, (12, 3)),
            "heading": np.random.default_rng(6).standard_normal((12, 3)),
        },
    ),
}


@pytest.mark.parametrize("members", [1, 2])
@pytest.mark.parametrize("name", GROWING)
def test_what_was_given_outlives_buffers_that_grow(name, members, tmp_path):
    make, given = GROWING[name]
    if members > 1:
        given = {key: np.stack([values, values[::-1]]) for key, values in given.items()}
    step = float(make(given, 0).dt)
    settings_ = {"save_every": 2 * step, "members": members, "output": tmp_path / "run"}
    with physent.run(make(given, 1), t_end=4 * step, **settings_) as first:
        np.testing.assert_allclose(first.position[0], given["position"], rtol=1e-6)
    assert "grown" in read_header(tmp_path / "run")
    longer = resume(tmp_path / "run", t_end=8 * step).dataset().load()
    roomy = physent.run(make(given, 0), t_end=8 * step, save_every=2 * step, members=members)
    np.testing.assert_allclose(longer.position, roomy.position, rtol=1e-5, atol=1e-6)
    longer.close()
