"""What users write is no type error: the Python of README.md and docs/, and what constructors
take.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from test_docs import blocks

ROOT = Path(__file__).parents[1]
PYRIGHT = Path(sys.executable).with_name("pyright")
RIGHT = """
import numpy as np
from physent.solvers import NLSE, ActiveMatter, KleinGordon
from physent.solvers.active_matter import CustomForce

NLSE(n=256, length=40.0, dt=0.01)
NLSE(n=256, length=[40.0, 50.0], potential="harmonic")
NLSE(initial=np.zeros(512), potential=lambda x: x**2)
ActiveMatter(initial={"position": np.zeros((64, 2))})
ActiveMatter(force="wca")
ActiveMatter(force=lambda r: 1 / r)
KleinGordon(potential=lambda phi: phi**2)
CustomForce(function=lambda r: 1 / r, cutoff=2.0)
Fisher(rate=[0.5, 1.0])
"""
WRONG = """
from physent.solvers import NLSE, ActiveMatter, KleinGordon

NLSE(n="many")
NLSE(length="long")
ActiveMatter(force=3)
NLSE(initial=object())
KleinGordon(potential=3)
"""


@pytest.mark.skipif(not PYRIGHT.exists(), reason="pyright is not installed beside this Python")
def test_readme_and_docs_have_no_type_errors_and_constructors_know_theirs(tmp_path):
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        # a page reads on from block to block
        if code := "\n".join(blocks("python", page.read_text(encoding="utf-8"))):
            name = re.sub(r"\W", "_", page.stem.lower())
            (tmp_path / f"page_{name}.py").write_text(code, encoding="utf-8")
    (tmp_path / "right.py").write_text(f"from page_extending import Fisher\n{RIGHT}")
    (tmp_path / "wrong.py").write_text(WRONG)
    settings = {
        "typeCheckingMode": "standard",
        "reportUnusedExpression": False,
        "reportMissingImports": False,  # such as dask_jobqueue
        "extraPaths": [str(ROOT)],
    }
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
    done = subprocess.run(
        [PYRIGHT, "--pythonpath", sys.executable, "--outputjson", "--project", tmp_path],
        capture_output=True,
        text=True,
        timeout=300,
    )
    found = json.loads(done.stdout)["generalDiagnostics"]
    errors = {
        f"{Path(entry['file']).name}:{entry['range']['start']['line'] + 1}: {entry['message']}"
        for entry in found
        if entry["severity"] == "error"
    }
    wrong = {error for error in errors if error.startswith("wrong.py")}
    assert not errors - wrong, "\n".join(sorted(errors - wrong))
    assert {int(error.split(":")[1]) for error in wrong} == {4, 5, 6, 7, 8}
