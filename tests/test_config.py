"""A config is right, or every problem in it is reported at once with its line."""

import json
import tomllib
from pathlib import Path

import jax.numpy as jnp
import jsonschema
import numpy as np
import pytest
from jaxtyping import Array
from toys import Heat

from physent.errors import ConfigError
from physent.experiment import building as config, making, schema
from physent.experiment.building import load_experiment
from physent.experiment.experiment import describe
from physent.experiment.toml_lines import line_of, lines_of
from physent.protocol import registry
from physent.protocol.parameters import Declared, param

EXPERIMENTS = sorted((Path(__file__).parents[1] / "experiments").glob("*/*.toml"))
TOYS = Path(__file__).with_name("toys.py")
GOOD = f"""
name = "toy"
[solver]
kind = "{TOYS}:Heat"
nu = 0.2
[run]
t_end = 1.0
save_every = 0.1
[[diagnostics]]
kind = "entropy"
of = "u"
"""


def load(tmp_path, text, *overrides):
    path = tmp_path / "case.toml"
    path.write_text(text)
    return load_experiment(path, list(overrides))


def problems(tmp_path, text, *overrides):
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text, *overrides)
    return [problem.replace(f"{tmp_path}/", "") for problem in caught.value.problems]


def test_every_problem_is_reported_at_once_with_line_key_value_and_nearest_match(tmp_path):
    text = f"""name = "bad"
[solver]
kind = "{TOYS}:Heat"
n = 2
lenght = 50.0
nu = -1
noise = "a"
growth = [1.0, 2.0]
[run]
t_end = true
save_evry = 0.1
precision = "float46"
[[diagnostics]]
kind = "entrpy"
[[diagnostics]]
kind = "entropy"
of = "u"
measure = "shanon"
[[diagnostics]]
kind = "entropy"
of = "u"
measure = {{ kind = "renyi", order = -2 }}
[outptu]
"""
    measures = schema.declarations(registry.find("diagnostics", "entropy"))["measure"].options
    assert problems(tmp_path, text) == [
        "case.toml:4: solver.n: given 2, allowed: an integer >= 4",
        "case.toml:5: solver.lenght: unknown key, did you mean length? (allowed: n, nu, growth, "
        "noise, length, dt)",
        "case.toml:6: solver.nu: given -1, allowed: a number >= 0",
        "case.toml:7: solver.noise: given 'a', allowed: a number >= 0",
        "case.toml:9: run.save_every: missing: time between saved rows of series and "
        "diagnostics "
        "(allowed: a number > 0)",
        "case.toml:10: run.t_end: given True, allowed: a number > 0",
        "case.toml:11: run.save_evry: unknown key, did you mean save_every? "
        "(allowed: t_end, save_every, save_at, until, snapshot_every, seed, precision, members, "
        "devices, chunk)",
        "case.toml:12: run.precision: given 'float46', allowed: one of float64, float32, did you "
        "mean float64?",
        "case.toml:14: diagnostics.0.kind: unknown kind 'entrpy', did you mean entropy? "
        f"(allowed: {', '.join(registry.registered('diagnostics'))}, or 'path.py:Class')",
        "case.toml:18: diagnostics.1.measure.kind: unknown kind 'shanon', did you mean shannon? "
        "(allowed: "
        f"{', '.join(measures)})",
        "case.toml:22: diagnostics.2.measure.order: given -2, allowed: a number >= 0",
        "case.toml:23: outptu: unknown key, did you mean output? "
        "(allowed: name, description, solver, run, diagnostics, output, sweep, score)",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[solver\n", "case.toml:1: not valid TOML"),
        (GOOD.replace('name = "toy"', "name = 1"), "case.toml:2: name: given 1, allowed: a string"),
        ("[run]\nt_end = 1.0\nsave_every = 0.1\n", "case.toml:1: solver.kind: missing"),
        (
            GOOD.replace("toys.py:Heat", "toys.py:Haet"),
            "case.toml:4: solver.kind: * has no class 'Haet', did you mean Heat?",
        ),
        (GOOD.replace("toys.py:Heat", "toy.py:Heat"), "case.toml:4: solver.kind: there is no file"),
        (
            GOOD.replace("toys.py:Heat", "toys.py:jax"),
            "case.toml:4: solver.kind: * is not a physent.Solver",
        ),
        (
            GOOD.replace('of = "u"', 'of = "w"'),
            "case.toml:11: diagnostics.0.of: no observable or role 'w'",
        ),
        (
            GOOD.replace('of = "u"', 'of = "mean"'),
            "case.toml:11: diagnostics.0.of: mean does not live on a spatial grid",
        ),
        (
            GOOD + '[[diagnostics]]\nkind = "entropy"\nof = "u"\n',
            "case.toml:12: diagnostics.1.name: two variables are called",
        ),
        (
            GOOD + '[output]\nvariables = ["v"]\n',
            "case.toml:13: output.variables: unknown observable 'v'",
        ),
        (
            GOOD + '[output]\nvariables = "u"\n',
            "case.toml:13: output.variables: given 'u', allowed: a list, each a string",
        ),
        (
            GOOD.replace("save_every = 0.1", "save_every = 0.3"),
            "case.toml:7: run.t_end: given 1.0, allowed: a multiple",
        ),
        (
            GOOD.replace("nu = 0.2", "nu = { linspace = [0.1, 0.2] }"),
            "case.toml:5: solver.nu: a linspace gives one value",
        ),
    ],
)
def test_each_kind_of_problem_has_a_sentence_and_a_line(tmp_path, text, message):
    found = problems(tmp_path, text)
    assert len(found) == 1
    place, _, words = message.partition("*")
    assert found[0].startswith(place) and words.strip() in found[0], found


def test_a_file_that_is_not_there_is_one_sentence(tmp_path):
    (tmp_path / "single.toml").write_text(GOOD)
    with pytest.raises(
        ConfigError,
        match=r"singel.toml: cannot be read: No such file or directory, did you mean single.toml",
    ):
        load_experiment(tmp_path / "singel.toml")


def test_overrides_take_dotted_keys_and_toml_values(tmp_path):
    experiment = load(
        tmp_path,
        GOOD,
        "solver.n=64",
        'run.precision="float32"',
        "run.members = 2",
        "solver.nu=[0.1, 0.3]",
        "diagnostics.0.measure={kind='renyi', order=0.5}",
        "name=other",
    )
    assert experiment.solver.n == 64 and experiment.name == "other" and experiment.run.members == 2
    np.testing.assert_allclose(experiment.solver.nu, [0.1, 0.3])
    assert float(experiment.diagnostics[0].measure.order) == 0.5
    assert experiment.resolved["run"]["precision"] == "float32"


def test_a_bad_override_is_named_as_such(tmp_path):
    assert problems(tmp_path, GOOD, "solver.n=2") == [
        "--set: solver.n: given 2, allowed: an integer >= 4"
    ]
    assert "--set: solver.m: unknown key" in problems(tmp_path, GOOD, "solver.m=2")[0]
    assert "allowed: --set key=value" in problems(tmp_path, GOOD, "solver.n")[0]
    assert "no such key" in problems(tmp_path, GOOD, "diagnostics.7.of=u")[0]


def test_the_resolved_experiment_resolves_to_itself(tmp_path):
    first = load(tmp_path, GOOD, "run.members=3", "solver.nu={linspace=[0.1,0.3]}")
    np.testing.assert_allclose(first.solver.nu, [0.1, 0.2, 0.3])
    second = load(tmp_path, first.toml())
    assert second.resolved == first.resolved and second.toml() == first.toml()
    assert first.resolved["solver"]["length"] == 6.0  # defaults are written out


def test_a_value_per_member_needs_as_many_values_as_members(tmp_path):
    found = problems(tmp_path, GOOD, "run.members=3", "solver.nu=[0.1, 0.2]")
    assert "given 2 values, allowed: a number >= 0, or one for each of the 3 members" in found[0]


def test_a_list_of_one_value_is_the_value_of_one_member(tmp_path):
    assert load(tmp_path, GOOD, "solver.nu=[0.3]").solver.nu.shape == ()


class Spun(Declared):
    """Something with a complex number."""

    c: Array = param(default=1 + 0.5j, converter=lambda value: jnp.asarray(value, complex), doc="c")


def test_a_template_comments_out_what_toml_has_not():
    text = schema.template(Spun, "solver", "spun")
    assert "# c = (1+0.5j)" in text and tomllib.loads(text) == {"solver": {"kind": "spun"}}


@pytest.mark.parametrize("kind", [*registry.registered("solvers"), f"{TOYS}:Heat"])
def test_the_template_of_every_solver_is_a_valid_experiment_with_every_key(kind):
    cls = registry.find("solvers", kind)
    text = "\n".join([
        schema.template(cls, "solver", kind), schema.template(config.RunSettings, "run"),
        schema.template(config.OutputSettings, "output"),
    ])  # fmt: skip
    data = tomllib.loads(text)
    assert not making.problems(
        cls, {key: value for key, value in data["solver"].items() if key != "kind"}
    )
    assert not making.problems(config.RunSettings, data["run"])
    for declaration in schema.declarations(cls).values():
        assert declaration.name in text and declaration.doc in text


@pytest.fixture(scope="module")
def validator():
    whole = schema.experiment_schema(
        registry.available("solvers"), registry.available("diagnostics"),
        config.RunSettings, config.OutputSettings, config.SweepSettings, config.ScoreSettings,
    )  # fmt: skip
    jsonschema.Draft202012Validator.check_schema(whole)
    return jsonschema.Draft202012Validator(json.loads(json.dumps(whole)))


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_every_shipped_experiment_is_valid_described_and_accepted_by_the_schema(validator, path):
    experiment = load_experiment(path)
    assert experiment.name == path.stem and experiment.description
    assert not list(validator.iter_errors(tomllib.loads(path.read_text())))
    assert not list(validator.iter_errors(experiment.resolved))


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("solver", "lenght"), 50.0),
        (("solver", "n"), 1.5),
        (("solver", "method"), "blanes"),
        (("solver", "initial", "kind"), "solitn"),
        (("solver", "initial", "amplitud"), 2.0),
        (("solver", "initial"), 3),
        (("solver", "kind"), "nsle"),
        (("run", "t_end"), -1.0),
        (("run", "save_evry"), 0.1),
        (("diagnostics", 0, "kind"), "entrpy"),
        (("diagnostics", 0, "measure"), "shanon"),
        (("diagnostics", 0, "measure"), {"kind": "renyi", "order": -2}),
        (("outptu",), {}),
    ],
)
def test_the_json_schema_refuses_what_validate_refuses(validator, where, value):
    data = tomllib.loads(
        next(path for path in EXPERIMENTS if path.stem == "single_soliton").read_text()
    )
    place = data
    for key in where[:-1]:
        place = place[key]
    place[where[-1]] = value
    assert list(validator.iter_errors(data))


def test_python_refuses_what_a_config_refuses():
    with pytest.raises(ValueError, match=r"nu: given -1.0, allowed: a number >= 0"):
        Heat(nu=-1.0)
    with pytest.raises(ValueError, match=r"n: given 2, allowed: an integer >= 4"):
        Heat(n=2)


def test_lines_of_finds_every_form_of_key():
    text = """a = 1
b.c = [1,
  2,  # = not a key
]
"d e" = '''
[not.a.table]
x = 1
'''
[t]
x = { y = 1 }
[[list]]
z = 1
[[list]]
z = 2
  [list.sub]
  w = "]"
[[list.deep]]
v = 1
"""
    tomllib.loads(text)
    lines = lines_of(text)
    expected = {
        ("a",): 1,
        ("b", "c"): 2,
        ("d e",): 5,
        ("t",): 9,
        ("t", "x"): 10,
        ("list", 0): 11,
        ("list", 0, "z"): 12,
        ("list", 1): 13,
        ("list", 1, "z"): 14,
        ("list", 1, "sub"): 15,
        ("list", 1, "sub", "w"): 16,
        ("list", 1, "deep", 0): 17,
        ("list", 1, "deep", 0, "v"): 18,
    }
    assert lines == expected
    assert line_of(lines, ("t", "x", "y")) == 10
    assert line_of(lines, ("nowhere",)) == 1


def test_problems_of_every_kind_come_together(tmp_path):
    text = (
        GOOD.replace("save_every = 0.1", "save_every = 0.3").replace('of = "u"', 'of = "uu"')
        + "[outpt]\n"
    )
    found = problems(tmp_path, text, "nowhere.deep.0.x=1")
    for words in (
        "--set: nowhere",
        "run.t_end: given 1.0, allowed: a multiple",
        "role 'uu'",
        "outpt: unknown key",
    ):
        assert any(words in problem for problem in found), (words, found)


def test_a_long_list_is_no_trouble_to_find_lines_in():
    text = "x = [\n" + "    1.0,\n" * 20_000 + "]\ny = 2\n"
    assert lines_of(text) == {("x",): 1, ("y",): 20_003}


def test_a_range_over_members_is_of_numbers_only(tmp_path):
    text = (
        '[solver]\nkind = "nlse"\n[solver.initial]\nkind = "solitons"\namplitude = { linspace = '
        "[1.0, 2.0] }\n"
    )
    found = problems(tmp_path, text + "[run]\nt_end = 1.0\nsave_every = 0.1\nmembers = 2\n")
    assert "solver.initial.amplitude: a linspace gives numbers" in found[0]


def test_a_path_is_relative_to_the_config(tmp_path):
    import physent

    physent.run(Heat(n=16), t_end=0.1, save_every=0.1, output=tmp_path / "earlier").close()
    text = """[solver]
kind = "nlse"
n = 16
[solver.initial]
kind = "from_file"
path = "earlier/run.nc"
variables = ["z_re", "z_im"]
[run]
t_end = 0.1
save_every = 0.1
"""
    experiment = load(tmp_path, text)
    assert experiment.resolved["solver"]["initial"]["path"] == str(tmp_path / "earlier" / "run.nc")


def test_a_dt_is_chosen_once_and_said(tmp_path):
    """Klein-Gordon: at most dx/2 = 1/16 (dx/8 with Verlet), and a whole number of steps between two
    rows.
    """
    text = """[solver]
kind = "klein_gordon"
n = 80
length = 10.0
dt = "auto"
[run]
t_end = 2.0
save_every = 0.1
"""
    for method, dt in (("blanes_moan_4", 0.05), ("stormer_verlet", 0.1 / 7)):
        experiment = load(tmp_path, text, f"solver.method={method}")
        assert float(experiment.solver.dt) == pytest.approx(dt, rel=1e-12)
        assert experiment.resolved["solver"]["dt"] == pytest.approx(dt, rel=1e-12)
        assert experiment.notes[0].startswith(
            f"dt = {dt:.6g}, chosen for save_every = 0.1 and at most 0.0"
        )
    members = load(tmp_path, text, "run.members=2", "solver.length=[10.0, 5.0]")
    assert float(members.solver.dt) == pytest.approx(0.025)
    message = "solver.dt: given 'auto', but this solver has no rule for it, allowed: a number > 0"
    found = problems(tmp_path, text.replace("klein_gordon", "couzin"))
    assert len(found) == 1 and message in found[0]


MINE = """
import jax.numpy as jnp
from physent import param
from physent.solvers.active_matter import PairForce

class Spring(PairForce):
    diverges = False
    constant: jnp.ndarray = param(1.0, ge=0, doc="k")

    def reach(self):
        return jnp.asarray(2.0)

    def magnitude(self, r):
        return self.constant * (2 - r)
"""
WITH_MINE = """
[solver]
kind = "active_matter"
particles = 20
neighbors = 19
force = {kind = "mine.py:Spring", constant = 2.0}
[run]
t_end = 0.01
save_every = 0.01
"""


def test_a_choice_can_be_a_class_in_a_file(tmp_path):
    (tmp_path / "mine.py").write_text(MINE)
    (tmp_path / "case.toml").write_text(WITH_MINE)
    experiment = load_experiment(tmp_path / "case.toml")
    force = experiment.solver.force
    assert type(force).__name__ == "Spring" and float(force.constant) == 2
    (tmp_path / "resolved.toml").write_text(experiment.toml())
    again = load_experiment(tmp_path / "resolved.toml")
    assert again.resolved == experiment.resolved and type(again.solver.force) is type(force)
    # what a Python call amounts to can be read again, too
    described = describe(experiment.solver, [], experiment.run, experiment.output, "case")
    (tmp_path / "described.toml").write_text(described.toml())
    assert type(load_experiment(tmp_path / "described.toml").solver.force) is type(force)


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (
            "constant = 2.0",
            "constant = -2.0",
            "solver.force.constant: given -2.0, allowed: a number >= 0",
        ),
        (
            "constant",
            "stifness",
            "solver.force.stifness: unknown key 'stifness', did you mean constant|unknown key",
        ),
        ("mine.py:Spring", "mine.py:Sprin", "has no class 'Sprin', did you mean Spring"),
        ("mine.py:Spring", "mine.py:jnp", "is not a PairForce"),
        ("mine.py:Spring", "their.py:Spring", "there is no file"),
    ],
)
def test_a_choice_in_a_file_that_does_not_fit_says_so(tmp_path, before, after, words):
    (tmp_path / "mine.py").write_text(MINE)
    (tmp_path / "case.toml").write_text(WITH_MINE.replace(before, after))
    with pytest.raises(ConfigError, match=words):
        load_experiment(tmp_path / "case.toml")
