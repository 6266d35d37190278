"""What is written is true: the README's code runs, the table of parameters is that of the
declarations.
"""

import re
import runpy
import shlex
import tomllib
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr

from physent.app import cli
from physent.experiment import building as config
from physent.protocol import registry

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


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
    scope: dict = {}
    for language, code in re.findall(
        r"^```(python|console)\n(.*?)^```$", README, flags=re.DOTALL | re.MULTILINE
    ):
        if language == "python":
            exec(code, scope)
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


def test_pages_and_files_that_are_linked_exist():
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            if not target.startswith("_generated/"):  # made by the build, which checks them
                assert (page.parent / target).exists(), f"{page.name}: {target}"
