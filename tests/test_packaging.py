"""What is said of the package in several places is the same in all of them, and complete."""

import csv
import datetime
import re
import runpy
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_the_citation_file_is_valid():
    """The fields that version 1.2.0 of the format requires, and those that a citation needs."""
    cff = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert (
        cff["cff-version"] == "1.2.0"
        and cff["message"]
        and cff["title"]
        and cff["type"] == "software"
    )
    assert (
        all({"name"} <= set(author) or {"family-names"} <= set(author) for author in cff["authors"])
        and cff["authors"]
    )
    assert cff["version"] == PROJECT["version"] and cff["license"] == PROJECT["license"]
    unreleased = f"## {PROJECT['version']} (unreleased)" in (ROOT / "CHANGELOG.md").read_text(
        encoding="utf-8"
    )
    assert ("date-released" in cff) != unreleased
    if not unreleased:
        datetime.date.fromisoformat(str(cff["date-released"]))
    known = (
        "cff-version message type title abstract authors license version date-released keywords "
        "doi url repository-code"
    )
    assert set(cff) <= set(known.split())


def test_the_conda_recipe_wants_what_the_package_wants():
    text = (ROOT / "packaging" / "conda" / "recipe.yaml").read_text(encoding="utf-8")
    recipe = yaml.safe_load(text)
    assert recipe["context"]["version"] == PROJECT["version"]

    def parts(requirement):
        name, bounds = re.fullmatch(r"([\w.-]+) ?(.*)", requirement).groups()
        return {"matplotlib": "matplotlib-base"}.get(name.lower(), name.lower()), bounds

    wanted = {parts(requirement) for requirement in PROJECT["dependencies"]}
    assert {parts(str(entry)) for entry in recipe["requirements"]["run"]} == wanted | {
        ("python", ">=3.11")
    }
    assert PROJECT["requires-python"] == ">=3.11"


def test_every_dependency_has_one_lower_bound(tmp_path):
    lowest = runpy.run_path(str(ROOT / ".ci" / "lowest_versions.py"))["lowest"]
    found = lowest(ROOT / "pyproject.toml")
    assert len(found) == len(PROJECT["dependencies"]) and all(
        re.fullmatch(r"[\w-]+==[\w.]+", line) for line in found
    )
    assert "jax==0.9" in found
    (tmp_path / "pyproject.toml").write_text('[project]\ndependencies = ["numpy"]\n')
    with pytest.raises(SystemExit, match="no lower bound"):
        lowest(tmp_path / "pyproject.toml")


def test_numbers_that_are_committed_belong_to_tests_that_exist():
    files = sorted((ROOT / "data" / "validation").glob("test_*.csv"))
    assert files
    for file in files:
        text = (ROOT / "tests" / f"{file.stem}.py").read_text(encoding="utf-8")
        tests = set(re.findall(r"^def (test_\w+)\([^)]*\brecord_number\b", text, re.MULTILINE))
        with file.open(encoding="utf-8", newline="") as lines:
            named = {row["test"].partition("[")[0] for row in csv.DictReader(lines)}
        assert named == tests, file.name
