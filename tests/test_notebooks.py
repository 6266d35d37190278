"""The notebook beside a source shows that source, executed; `.ci/run` executes the sources
themselves.
"""

from pathlib import Path

import jupytext
import nbformat
import pytest

FOLDER = Path(__file__).parents[1] / "experiments" / "notebooks"
SOURCES = sorted(FOLDER.glob("*.py"))


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_the_notebook_beside_a_source_shows_it(source):
    text, shown = jupytext.read(source), nbformat.read(source.with_suffix(".ipynb"), as_version=4)
    assert [(cell.cell_type, cell.source) for cell in text.cells] == [
        (c.cell_type, c.source) for c in shown.cells
    ]
    assert any(cell.get("outputs") for cell in shown.cells), "the notebook was never executed"


def test_there_are_notebooks():
    assert SOURCES
