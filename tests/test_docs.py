"""What is written is true: the README's code runs, the table of parameters is that of the
declarations.
"""

import ast
import re
import runpy
import shlex
import textwrap
import tomllib
from pathlib import Path

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import pytest
import test_contract as contract
import xarray as xr
import yaml

from physent.app import cli
from physent.engine.soundness import FIELDS
from physent.experiment import building as config
from physent.protocol import registry
from physent.report.particles import HEADINGS
from physent.report.pictures import ENTROPIES, FIRST_ROLES
from physent.report.sorts import PLACES, VECTORS
from physent.report.style import COLORMAPS
from physent.solvers import ActiveMatter

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
# folders of the repository, by which a path is known from other words with a slash
TOP = {"physent", "solvers", "experiments", "tests", "docs", "data", ".ci", ".github"}


def blocks(language: str, text: str = README) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)


def test_the_table_of_parameters_is_that_of_the_declarations():
    page = runpy.run_path(str(ROOT / "docs" / "make_parameters.py"))["page"]
    assert (ROOT / "docs" / "parameters.md").read_text(encoding="utf-8") == page(), (
        "run python docs/make_parameters.py"
    )


def test_the_readme_names_two_commands_every_command_and_every_solver():
    assert len(blocks("sh")) == 2
    run, test = blocks("sh")
    assert "physent run experiments/nlse/single_soliton.toml" in run
    assert "pytest" in test
    for name in cli.app:
        assert name.startswith("-") or f"`physent {name}" in README, name
    for name in registry.registered("solvers"):
        assert name in README


def test_the_readme_experiment_is_valid(tmp_path):
    for text in blocks("toml"):
        tomllib.loads(text)
        (tmp_path / "readme.toml").write_text(text)
        config.load_experiment(tmp_path / "readme.toml")


def command(line, monkeypatch):
    """Run one line of a console block as the command line does."""
    monkeypatch.setattr("sys.argv", ["physent", *shlex.split(line)[1:]])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 0, line


def test_the_readme_works_from_top_to_bottom(tmp_path, monkeypatch, capsys):
    """Its experiment, its Python and its commands, in the order in which they stand there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(plt, "show", lambda: None)
    command(f"physent run {ROOT / 'experiments/nlse/single_soliton.toml'} --quiet", monkeypatch)
    for language, code in re.findall(
        r"^```(python|console)\n(.*?)^```$", README, flags=re.DOTALL | re.MULTILINE
    ):
        if language == "python":
            exec(code, {})  # each block as it stands
        else:
            for line in code.splitlines():
                command(line, monkeypatch)
    assert "2.94000" in capsys.readouterr().out
    xr.open_dataset("data/runs/single_soliton/run.nc").close()
    with xr.open_dataset("entropy.nc") as found:
        entropy = found[next(iter(found.data_vars))].values
        assert entropy.shape == (50,) and np.all(np.diff(entropy) > 0)  # what spreads gains entropy
    assert Path("entropy.png").stat().st_size > 5000
    plt.close("all")


def test_the_page_of_files_works_from_top_to_bottom(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    page, scope = (ROOT / "docs" / "files.md").read_text(encoding="utf-8"), {}
    for language, code in re.findall(
        r"^```(python|console)\n(.*?)^```$", page, flags=re.DOTALL | re.MULTILINE
    ):
        if language == "python":
            exec(code, scope)
        else:
            for line in code.splitlines():
                command(line.removeprefix("$ "), monkeypatch)
    assert "2.94" in capsys.readouterr().out
    assert Path("walked.nc").exists()


@pytest.mark.parametrize("page", ["configuration", "extending"])
def test_the_experiments_in_the_guides_are_valid(page, tmp_path):
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    for block in blocks("toml", text):
        if "[solver]" in block:
            (tmp_path / "guide.toml").write_text(block)
            config.load_experiment(tmp_path / "guide.toml")
        else:
            tomllib.loads(block)


def test_the_solver_and_the_diagnostic_of_the_guide_work():
    scope: dict = {}
    for code in blocks("python", (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")):
        exec(code, scope)
    assert scope["run"].widest.isel(t=-1).min() > 0


@pytest.mark.parametrize("page", ["field_equations", "particles", "production", "stochastic"])
def test_the_systems_of_the_guides_work(page):
    """Their examples hold their own numbers, against theory or a second way to them."""
    found = blocks("python", (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8"))
    assert len(found) >= 2 and sum("assert" in code for code in found) >= 1
    scope: dict = {}
    for code in found:
        exec(code, scope)


def test_the_propulsion_and_the_force_of_the_guide_work():
    scope: dict = {}
    for code in blocks("python", (ROOT / "docs" / "active_matter.md").read_text(encoding="utf-8")):
        exec(code, scope)
    g = jnp.broadcast_to(jnp.array([1.0, 0.0]), (20_000, 2))
    turned = scope["Chiral"]().advance(g, jnp.asarray(0.7), jax.random.key(0))
    expected = np.exp(-0.07) * np.array([np.cos(0.7), np.sin(0.7)])
    np.testing.assert_allclose(turned.mean(axis=0), expected, atol=0.01)
    solver = ActiveMatter(particles=8, propulsion=scope["Chiral"](), force=scope["Spring"]())
    assert float(solver.propulsion.persistence(2)) == pytest.approx(0.1 / 1.01)


def roles_of_the_code() -> set[str]:
    """The roles that variables are declared with, or that are looked for."""
    found: set[str] = {*FIRST_ROLES, *ENTROPIES, *VECTORS, *PLACES, *HEADINGS, *FIELDS, *COLORMAPS}
    for file in [*(ROOT / "physent").rglob("*.py"), *(ROOT / "solvers").rglob("*.py")]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Variable":
                named = [each.value for each in node.keywords if each.arg == "role"]
                found |= {
                    each.value
                    for each in [*node.args[1:2], *named]
                    if isinstance(each, ast.Constant) and isinstance(each.value, str)
                }
            elif isinstance(node, ast.Dict):  # attributes of a file
                found |= {
                    value.value
                    for key, value in zip(node.keys, node.values, strict=True)
                    if isinstance(key, ast.Constant)
                    and key.value == "role"
                    and isinstance(value, ast.Constant)
                    and isinstance(value.value, str)
                }
    return found


def test_the_table_of_roles_is_that_of_the_code():
    text = (ROOT / "docs" / "roles.md").read_text(encoding="utf-8")
    table = re.findall(r"^\| `(\w+)` \|", text, flags=re.MULTILINE)
    assert sorted(table) == sorted(set(table) | roles_of_the_code())


def test_the_recipes_of_contributing_work(tmp_path, monkeypatch):
    """Every block of Python, one after the other; the contract holds for what they define."""
    monkeypatch.chdir(tmp_path)
    scope: dict = {}
    found = re.findall(r"^ *```python\n(.*?)^ *```$", CONTRIBUTING, flags=re.DOTALL | re.MULTILINE)
    assert len(found) >= 8
    for code in found:
        exec(textwrap.dedent(code), scope)
    monkeypatch.setitem(contract.SOLVERS, "recipe", scope["Relaxation"])
    monkeypatch.setattr(contract, "DIAGNOSTICS", {"recipe": scope["Contrast"]})
    solver, steps, _ = contract.seen("recipe")
    contract.test_a_solver_is_a_module_with_array_parameters_and_documented_fields(solver)
    contract.test_a_step_keeps_the_structure_of_the_state_and_adds_dt(solver, steps)
    contract.test_observables_are_declared_with_the_dims_they_have(solver, steps)
    contract.test_a_solver_survives_its_settings(solver)
    contract.test_diagnostics_give_what_they_declare_over_members("recipe", solver)


def test_files_that_contributing_names_exist():
    made = {"solvers/relaxation/", "tests/test_relaxation.py", "experiments/relaxation/"}
    made |= {"docs/relaxation.md", "docs/_build/html"}
    named = set(re.findall(r"[\w.-]+(?:/[\w.-]*)+", re.sub(r"https?://\S+", "", CONTRIBUTING)))
    paths = {name for name in named if name.partition("/")[0] in TOP} - made
    assert len(paths) >= 15
    assert not [path for path in sorted(paths) if not (ROOT / path).exists()]


# --------------------------------------------------------------------------------------------------
# workflows and hooks

COMMANDS = (  # what .ci/run does is what the workflow does
    "ruff check .",
    "ruff format --check .",
    "pyright -p . --pythonpath .venv/bin/python",
    "twine check --strict",
    "check-wheel-contents",
    ".ci/check_distributions.py",
    ".ci/lowest_versions.py pyproject.toml",
    "sphinx -b html -W --keep-going",
)


def test_the_workflow_runs_what_ci_run_does_on_files_that_exist():
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    assert workflow[True]["push"] == {"branches": ["main"]}  # YAML 1.1 reads "on" as true
    jobs = workflow["jobs"]
    assert set(jobs) == {"lint", "fast", "slow", "distributions", "notebooks", "docs", "lowest"}
    assert not any("needs" in job for job in jobs.values())  # they run side by side
    lines = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    text = "\n".join(lines)
    named = {name for line in lines for name in re.findall(r"[\w.-]+(?:/[\w*.-]+)+", line)}
    paths = {name for name in named if name.partition("/")[0] in TOP} - {"docs/_build/html"}
    paths -= {"docs/_build/html/index.html"}
    assert len(paths) >= 8
    assert not [path for path in sorted(paths) if not list(ROOT.glob(path))]
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert not [words for words in COMMANDS if words not in text or words not in ci]
    assert "secrets." not in (ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8")


def test_hooks_need_no_network_and_templates_are_forms():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    assert [repo["repo"] for repo in hooks["repos"]] == ["local"]
    found = {hook["id"]: hook for hook in hooks["repos"][0]["hooks"]}
    assert {"ruff-check", "ruff-format", "trailing-whitespace", "end-of-file"} <= set(found)
    for name, wrong, right in (
        ("trailing-whitespace", b"a = 1 \n", b"a = 1\n"),
        ("end-of-file", b"a = 1", b"a = 1\n"),
    ):
        pattern = re.compile(found[name]["entry"].encode(), re.MULTILINE)
        assert pattern.search(wrong) and not pattern.search(right), name
    forms = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
    assert {form.stem for form in forms} == {"bug", "config", "proposal", "wrong_number"}
    for form in forms:
        fields = yaml.safe_load(form.read_text(encoding="utf-8")).get("body", [])
        assert all(field["id"] and field["attributes"]["label"] for field in fields)


# --------------------------------------------------------------------------------------------------
# what changed


def test_the_tables_of_old_names_are_those_that_are_served():
    page = runpy.run_path(str(ROOT / "docs" / "make_what_changed.py"))["page"]
    assert (ROOT / "docs" / "what_changed.md").read_text(encoding="utf-8") == page(), (
        "run python docs/make_what_changed.py"
    )


def test_the_changelog_has_a_section_by_release_in_the_usual_sorts():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    sorts = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]
    _, *releases = re.split(r"^## ", text, flags=re.MULTILINE)
    assert [release.split()[0] for release in releases] == ["0.2.0", "0.1.0"]
    for release in releases:
        before, *parts = re.split(r"^### ", release, flags=re.MULTILINE)
        titles = [part.partition("\n")[0] for part in parts]
        assert titles == [title for title in sorts if title in titles] and "- " not in before
        assert all(part.partition("\n")[2].startswith("\n- ") for part in parts)


def test_pages_and_files_that_are_linked_exist():
    top = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "RELEASING.md")]
    for page in [*top, *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            if not target.startswith("_generated/"):  # made by the build, which checks them
                assert (page.parent / target).exists(), f"{page.name}: {target}"
