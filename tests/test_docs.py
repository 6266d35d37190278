"""What is written is true: the README's code runs, the table of parameters is that of the declarations."""

import re
import runpy
import tomllib
from pathlib import Path

import pytest
import xarray as xr

from physent import cli, config, registry

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.DOTALL | re.MULTILINE)


def test_the_table_of_parameters_is_that_of_the_declarations():
    page = runpy.run_path(str(ROOT / "docs" / "make_parameters.py"))["page"]
    assert (ROOT / "docs" / "parameters.md").read_text(encoding="utf-8") == page(), "run python docs/make_parameters.py"


@pytest.mark.slow
def test_every_experiment_is_valid_and_described():
    paths = sorted((ROOT / "experiments").glob("*/*.toml"))
    assert paths
    for path in paths:
        experiment = config.load_experiment(path)
        assert experiment.name == path.stem
        assert experiment.description


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


def test_the_readme_python_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["physent", "run", str(ROOT / "experiments/nlse/single_soliton.toml"), "--quiet"])
    with pytest.raises(SystemExit):
        cli.main()
    scope: dict = {}
    for code in blocks("python"):
        exec(code, scope)
    assert "2.94000" in capsys.readouterr().out
    xr.open_dataset("data/runs/single_soliton/run.nc").close()
