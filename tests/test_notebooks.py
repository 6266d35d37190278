"""Every notebook's source runs, and the notebook beside it shows that source."""

import os
from pathlib import Path

import jupytext
import nbformat
import pytest
from nbconvert.preprocessors import ExecutePreprocessor

FOLDER = Path(__file__).parents[1] / "experiments" / "notebooks"
SOURCES = sorted(FOLDER.glob("*.py"))


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # the kernel machinery's own warnings are not ours
@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_a_notebook_runs_from_its_source(source, tmp_path):
    notebook = jupytext.read(source)
    os.environ.setdefault("MPLBACKEND", "agg")
    ExecutePreprocessor(timeout=300, kernel_name="python3").preprocess(notebook, {"metadata": {"path": str(tmp_path)}})


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_the_notebook_beside_a_source_shows_it(source):
    text, shown = jupytext.read(source), nbformat.read(source.with_suffix(".ipynb"), as_version=4)
    assert [(cell.cell_type, cell.source) for cell in text.cells] == [(c.cell_type, c.source) for c in shown.cells]
    assert any(cell.get("outputs") for cell in shown.cells), "the notebook was never executed"


def test_there_are_notebooks():
    assert SOURCES
