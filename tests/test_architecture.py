"""The house as docs/architecture.md draws it: rooms, arrows that point down, one place and one name
for one thing.
"""

import ast
import importlib
import json
import re
import runpy
import subprocess
import sys
import tomllib
import warnings
from pathlib import Path
from unittest import mock

import pytest
from toys import Heat

import physent
import physent.entropy
import physent.score
from physent.data import offline
from physent.engine import loop
from physent.errors import CheckoutError
from physent.protocol import late, moved

ROOT = Path(__file__).parents[1]
ROOMS = runpy.run_path(str(ROOT / ".ci" / "rooms.py"))
FILES = list(ROOMS["files"](ROOT))
SOLVERS = sorted((ROOT / "solvers").rglob("*.py"))
# modules of ours that stand for a library that is slow to load, and are loaded when they are
# needed: diffrax takes a second, xarray a third of one
HEAVY = {"physent.numerics.adaptive", "physent.protocol.hdf5"}


def name_of(path):
    return str(path.relative_to(ROOT))


def modules_of(tree):
    """The modules that an import statement below a node names, with the statement."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            module = (
                f"physent.{node.module}" if node.level else node.module
            )  # only solvers have relative imports
            yield module, node
            yield from ((f"{module}.{alias.name}", node) for alias in node.names)


def imports(path):
    return {name for name, _ in modules_of(ast.parse(path.read_text(encoding="utf-8")))}


def ours(path):
    return {name for name in imports(path) if name.partition(".")[0] == "physent"}


# --------------------------------------------------------------------------------------------------
# rooms and arrows


def test_rooms_are_few_and_no_arrow_points_up_by_folder_or_by_file():
    rooms = {ROOMS["room_of"](file, ROOT) for file in FILES}
    loose = [file for file in FILES if ROOMS["room_of"](file, ROOT) == "physent"]
    assert len(rooms) <= ROOMS["ROOMS"] == 20 and len(loose) <= ROOMS["LOOSE"] == 4
    assert len(ROOMS["arrows"](ROOT)) <= ROOMS["ARROWS"] == 84
    assert ROOMS["upward"](ROOT) == [] and ROOMS["circle"](ROOT) == []


HOUSE = {
    "physent/__init__.py": "",
    "physent/errors.py": "from physent.io import b",
    "physent/io/__init__.py": "",
    "physent/io/b.py": "import physent.engine.a\nfrom physent.solvers.nlse import NLSE\nimport "
    "solvers\n",
    "physent/engine/__init__.py": "",
    "physent/engine/a.py": "def f():\n    from physent.engine.c import x\n",
    "physent/engine/c.py": "import physent.engine.a\nimport numpy\n",
    "physent/engine/d.py": "from ..io import b\nimport "
    "importlib\nimportlib.import_module('physent.gone')\n",
    "physent/attic/__init__.py": "import physent.errors",
    "solvers/__init__.py": "from .nlse import NLSE",
    "solvers/nlse.py": "from physent.engine.a import f\nfrom ..protocol.gone import g\n",
}
WRONG = {
    "physent/errors.py imports physent/io/b.py",
    "physent/io/b.py imports solvers/nlse.py",
    "physent/io/b.py imports solvers, which is not there",
    "physent/engine/d.py imports physent/io/b.py",
    "physent/engine/d.py imports physent.gone, which is not there",
    "physent/attic/__init__.py imports physent/errors.py",
    "solvers/nlse.py imports physent.protocol.gone, which is not there",
}
UP = "solvers/nlse.py imports physent/engine/a.py"  # engine stands above solvers


def test_an_arrow_that_points_up_and_a_circle_are_found(tmp_path):
    for name, text in HOUSE.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert set(ROOMS["upward"](tmp_path)) == {*WRONG, UP}
    assert set(ROOMS["circle"](tmp_path)) >= {"physent/engine/a.py", "physent/engine/c.py"}
    pairs = {("", "/io"), ("/attic", ""), ("/io", "/engine"), ("/engine", "/io")}
    assert ROOMS["arrows"](tmp_path) == {(f"physent{a}", f"physent{b}") for a, b in pairs}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_nothing_inside_imports_from_the_face_of_physent(path):
    """`from physent import run` is for users; inside, a name comes from where it is defined."""
    rooms = {file.parent.name for file in FILES} | {"errors", "runs", "solvers"}
    taken = {name.partition(".")[2] for name in ours(path) if name.count(".") == 1}
    assert taken <= rooms


LIBRARIES = {  # rooms that somebody would install for themselves, and what of ours they may import
    "entropy": (
        "physent.entropy", "physent.protocol.identity", "physent.protocol.parameters",
        "physent.protocol.reuse",
    ),
    "learning": (
        "physent.learning", "physent.errors", "physent.numerics", "physent.protocol.parameters",
        "physent.protocol.variables",
    ),
    "numerics": ("physent.errors", "physent.numerics"),
    "production": ("physent.production", "physent.errors", "physent.protocol.late"),
}  # fmt: skip


@pytest.mark.parametrize("room", LIBRARIES)
def test_libraries_depend_on_little_of_ours(room):
    for path in FILES:
        if path.is_relative_to(ROOT / "physent" / room):
            modules = {name for name in ours(path) if ROOMS["file_of"](name, ROOT)}
            assert all(name.startswith(LIBRARIES[room]) for name in modules), (
                name_of(path),
                modules,
            )


@pytest.mark.parametrize("path", [*FILES, *SOLVERS], ids=name_of)
def test_no_import_is_hidden_in_a_function_but_that_of_a_heavy_library(path):
    """Of ours only in the command line, which must answer before jax is loaded."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    room = ROOMS["place_of"](path, ROOT) if path in FILES else "solvers"
    functions = [
        node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    hidden = {name for function in functions for name, _ in modules_of(function)}
    assert not {name for name in hidden if name.partition(".")[0] in sys.stdlib_module_names}
    allowed = {name for name in hidden if name.startswith(tuple(HEAVY))}
    if room != "app":
        assert not {name for name in hidden - allowed if name.partition(".")[0] == "physent"}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_imports_of_the_core_are_whole(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert not [
        node.lineno for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level
    ]


def test_the_map_has_every_room_in_the_order_that_is_held():
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = page[page.index("## The map") : page.index("| beside it |")]
    shown = [name.rstrip("/") for name in re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)]
    assert shown == [place for place in ROOMS["ORDER"] if place not in ("__main__.py", "solvers")]


def test_no_module_is_long():
    long = {
        name_of(path): n for path in [*FILES, *SOLVERS] if (n := path.read_text().count("\n")) > 410
    }
    assert not long


def test_no_room_has_a_name_that_says_nothing():
    empty = re.compile(r"utils?|common|helpers?|base|misc|\w*(manager|handler|factory)")
    assert not [
        name_of(path)
        for path in FILES
        for part in path.with_suffix("").parts
        if empty.fullmatch(part)
    ]


# ------------------------------------------------------------------------------------ one place,
# one name, one meaning


@pytest.mark.parametrize("path", [*FILES, *SOLVERS], ids=name_of)
def test_public_exceptions_are_defined_in_errors(path):
    classes = [
        node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ClassDef)
    ]
    bases = {node.name: {ast.unparse(base) for base in node.bases} for node in classes}
    wrong = [
        name
        for name, of in bases.items()
        if any(re.search(r"(Error|Exception|Interrupt)$", base) for base in of)
    ]
    assert path == ROOT / "physent" / "errors.py" or all(name.startswith("_") for name in wrong)


def test_the_names_of_time_are_listed_once():
    lists = [name_of(path) for path in FILES if re.search(r'"time", "Time"', path.read_text())]
    assert lists == ["physent/data/times.py"]


# What may be called by a word whose meaning must not be doubtful, in physent/ and solvers/: files,
# functions, methods, classes. The command line has a function for each of its commands.
MEANINGS = {
    "report": {"physent/report", "physent/app/cli.py:report", "physent/app/reading.py:report"},
    "error": {
        "physent/diagnostics/error.py",
        "physent/diagnostics/error.py:Error",
        "solvers:error",
        "protocol:error",
        "physent/score/verdict.py:error",
    },
    "verdict": {
        "physent/score/verdict.py",
        "physent/score/verdict.py:verdict",
        "physent/score/verdict.py:Verdict",
    },
    "compare": {
        "physent/entropy/error_bars.py:compare",
        "physent/app/cli.py:compare",
        "physent/app/reading.py:compare",
    },
    "kept": {"solvers:kept", "protocol:kept"},
    "run": {"physent/runs.py:run", "physent/app/cli.py:run", "physent/app/running.py:run"},
    "maps": {"physent/score/maps.py", "physent/score/maps.py:maps"},
}


@pytest.mark.parametrize("word", MEANINGS)
def test_a_word_has_one_meaning(word):
    found = set()
    for path in [*FILES, *SOLVERS]:
        place = name_of(path)
        if path.parent.name == word and path.parent.parent.name == "physent":
            found.add(f"physent/{word}")
        if path.stem == word:
            found.add(place)
        group = "solvers" if path in SOLVERS else "protocol" if "protocol" in path.parts else place
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.FunctionDef | ast.ClassDef)
                and node.name.strip("_").lower() == word
            ):
                found.add(f"{group}:{node.name}")
    assert found == MEANINGS[word]


# --------------------------------------------------------------------------------------------------
# old names


def test_every_old_path_leads_to_modules_that_exist():
    for path, places in moved.PATHS.items():
        assert ROOMS["file_of"](f"physent.{path}", ROOT) is None, path
        for place in places:
            importlib.import_module(f"physent.{place}")
    for path, names in moved.NAMES.items():
        assert path in moved.PATHS or ROOMS["file_of"](f"physent.{path}", ROOT), path
        for name, now in names.items():
            place, _, called = now.rpartition(".")
            assert hasattr(importlib.import_module(f"physent.{place}"), called), name


def test_every_public_name_of_version_0_1_is_served_under_its_old_path():
    """By the list of them that was made of its source; communication.py belongs to the benchmarks
    now.
    """
    names = json.loads((ROOT / "tests" / "data" / "version_0_1" / "names.json").read_text())
    # a method of Program now; and the digests of rows, which are more than that they are there
    gone = {"physent.program.variables_of", "physent.io.folder.vouched_rows"}
    gone |= {
        "physent.entropy.power_sums.renyi_of_sums"
    }  # of the jackknife, which has no use for it
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        missing = {
            f"{path}.{name}"
            for path in names
            for name in names[path]
            if not hasattr(importlib.import_module(path), name)
        }
    assert missing == gone and sum(map(len, names.values())) > 900


OLD = """
import warnings
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    import physent.accessor, physent.sde
    from physent import config
    from physent.solver import Axis, Domain, Solver, State, StochasticSolver, Variable, substitute
    from physent.diagnostic import Diagnostic, Observed
    from physent.diagnostics import LearnedEntropyProduction, SchoolingEntropy
    from physent.engine import CHUNK_BYTES, Progress, Run, RunError
    from physent.entropy.discrete import entropy
    from physent.entropy.outcomes import OUTCOMES
    from physent.entropy.production import block_bootstrap
    from physent.entropy.schooling import schooling_entropies
    from physent.io.folder import FolderError
    from physent.parameters import ParameterError, param
    from physent.score.local import current, exactly, sums
    from physent.score.learning import learn
    from physent.score.networks import NETWORKS
    from physent.sweep.points import SweepSettings, points, short_names
words = [str(warning.message) for warning in said if warning.category is FutureWarning]
assert "physent.solver is now physent.protocol.solver" in " ".join(words), words
assert any("physent.engine.Run is now physent.engine.loop.Loop" in word for word in words), words
assert all(word.endswith("the old name will be removed in the next release") for word in words)
places = {warning.filename for warning in said if warning.category is FutureWarning}
assert places == {"<string>"}, said
import physent, physent.protocol.solver, physent.experiment.building
assert Solver is physent.Solver and physent.solver.State is State
assert entropy is physent.entropy.entropy
assert config.load_experiment is physent.load_experiment
assert config.ConfigError is physent.errors.ConfigError
try:
    from physent.solver import Nothing
except ImportError:
    pass
else:
    raise AssertionError
import numpy, xarray
assert xarray.DataArray(numpy.ones(4), dims="x", name="a").physent.entropy("x") > 1
"""


def test_old_import_paths_work_and_warn():
    done = subprocess.run([sys.executable, "-c", OLD], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_old_names_are_attributes_of_the_packages_that_had_them():
    with pytest.warns(
        FutureWarning, match="physent.entropy.uncertainty is now physent.entropy.error_bars"
    ):
        importlib.reload(importlib.import_module("physent.entropy.uncertainty"))
    for module, name in ((physent, "config"), (physent.score, "learning")):
        vars(module).pop(name, None)  # an import has left it there
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        assert physent.config.ConfigError is physent.errors.ConfigError  # type: ignore[attr-defined]
        assert physent.score.learning.learn is physent.score.learn  # type: ignore[attr-defined]
    for module, name in (
        (physent, "sovler"),
        (physent.score, "lern"),
        (physent.entropy, "entorpy"),
    ):
        with pytest.raises(AttributeError, match=f"has no attribute '{name}'"):
            getattr(module, name)


def test_what_is_set_under_an_old_path_is_set_where_it_is_now(monkeypatch):
    with pytest.warns(FutureWarning, match="physent.offline is now physent.data.offline"):
        old = importlib.reload(importlib.import_module("physent.offline"))
    monkeypatch.setattr(old, "BLOCK_BYTES", 7)
    assert offline.BLOCK_BYTES == 7 and "physent.data.offline" in str(old.__doc__)
    monkeypatch.setattr(old, "BLOCK_BYTES", 8)
    with mock.patch.object(old, "BLOCK_BYTES", 9):
        assert offline.BLOCK_BYTES == old.BLOCK_BYTES == 9
    assert offline.BLOCK_BYTES == 8
    monkeypatch.undo()
    assert offline.BLOCK_BYTES > 9 and old.BLOCK_BYTES == offline.BLOCK_BYTES
    with pytest.warns(
        FutureWarning, match="physent.engine.CHUNK_SECONDS is now physent.engine.loop.CHUNK_SECONDS"
    ):
        monkeypatch.setattr(physent.engine, "CHUNK_SECONDS", 0.5)
    assert loop.CHUNK_SECONDS == 0.5
    monkeypatch.undo()
    assert loop.CHUNK_SECONDS == 1.0


def test_an_error_of_a_module_that_is_loaded_late_is_not_hidden(monkeypatch):
    def broken(name):
        raise AttributeError("module 'jax' has no attribute 'foo'")

    with monkeypatch.context() as patched:
        patched.setattr(late.importlib, "import_module", broken)
        with pytest.raises(AttributeError, match="has no attribute 'foo'"):
            physent.score.probability_flow  # noqa: B018


def test_a_keyword_is_taken_by_its_old_name_with_a_warning_at_the_line_that_says_it():
    seen = []
    with pytest.warns(FutureWarning, match=r"run\(report=\) is now tell=") as said:
        physent.run(Heat(), t_end=0.2, save_every=0.1, report=seen.append)  # pyright: ignore[reportCallIssue]
    assert seen[-1].t == pytest.approx(0.2) and said[0].filename == __file__
    with pytest.raises(TypeError, match=r"takes tell= or, by its former name, report=, not both"):
        physent.run(Heat(), t_end=0.2, save_every=0.1, report=seen.append, tell=seen.append)  # pyright: ignore[reportCallIssue]


def test_a_checkout_without_symbolic_links_says_so(tmp_path, monkeypatch):
    (tmp_path / "physent" / "protocol").mkdir(parents=True)
    (tmp_path / "physent" / "solvers").write_text("../solvers")
    monkeypatch.setattr(moved, "__file__", str(tmp_path / "physent" / "protocol" / "moved.py"))
    with pytest.raises(
        CheckoutError,
        match=r"should be a symbolic link to ../solvers.*git config core.symlinks true",
    ):
        moved._check_link("physent.solvers", None)
    with pytest.raises(
        CheckoutError, match=r"physent.experiments is missing here.*git config core.symlinks true"
    ):
        moved._check_link("physent.experiments", None)


# --------------------------------------------------------------------------------------------------
# packaging


def test_solvers_and_experiments_are_links_to_the_folders_at_the_top():
    for name in ("solvers", "experiments"):
        link = ROOT / "physent" / name
        if (ROOT / ".git").exists():
            assert link.is_symlink() and link.readlink() == Path("..") / name
        for file in link.rglob("*.py"):  # in an sdist, which has no links, they are copies
            assert file.read_bytes() == (ROOT / name / file.relative_to(link)).read_bytes()


def test_every_package_of_the_tree_is_in_the_wheel():
    """What setuptools will find, by its own rules, is every folder with an __init__.py, links
    followed.
    """
    from setuptools import find_packages

    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
        "setuptools"
    ]
    assert (
        settings["package-dir"] == {"": "."} and settings["packages"]["find"]["namespaces"] is False
    )
    found = set(find_packages(str(ROOT), include=settings["packages"]["find"]["include"]))
    tree = {".".join(file.parent.relative_to(ROOT).parts) for file in FILES}
    for name in ("solvers", "experiments"):
        inits = (ROOT / name).rglob("__init__.py")
        tree |= {".".join(("physent", *file.parent.relative_to(ROOT).parts)) for file in inits}
    assert found == tree
    assert all((ROOT.joinpath(*package.split(".")) / "__init__.py").is_file() for package in tree)


def test_every_file_of_python_lies_in_a_package():
    for path in [*FILES, *SOLVERS]:
        assert (path.parent / "__init__.py").is_file(), name_of(path)


# --------------------------------------------------------------------------------------------------
# what it loads


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["--version"]])
def test_help_loads_neither_jax_nor_the_schema(arguments):
    code = (
        "import sys; sys.argv = ['physent', *sys.argv[1:]]\nfrom physent.app.cli import main\n"
        "try: main()\nexcept SystemExit as end: code = end.code\n"
        "assert not {'jax', 'numpy', 'pydantic', 'xarray'} & set(sys.modules), 'too "
        "much'\nsys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_an_experiment_is_checked_without_xarray(tmp_path):
    """Nor netCDF4, which together take a third of a second."""
    code = (
        "import sys\nfrom physent.experiment.building import load_experiment\n"
        "load_experiment(sys.argv[1])\n"
        "assert not {'netCDF4', 'xarray', 'pandas'} & set(sys.modules)"
    )
    path = ROOT / "experiments" / "nlse" / "single_soliton.toml"
    subprocess.run([sys.executable, "-c", code, path], check=True, timeout=60)


def test_hdf5_is_loaded_without_its_locks():
    """Else nobody could look at a run that is going on."""
    code = (
        "import importlib.abc, os, sys\n"
        "class Watch(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, path, target=None):\n"
        "        assert name != 'netCDF4' or os.environ.get('HDF5_USE_FILE_LOCKING') == 'FALSE'\n"
        "sys.meta_path.insert(0, Watch())\n"
        "os.environ.pop('HDF5_USE_FILE_LOCKING', None)\n"
        "import physent.data.catalogue\nassert 'netCDF4' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_solvers_refuse_another_name():
    done = subprocess.run(
        [sys.executable, "-c", "import solvers"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1 and "import this package as 'physent.solvers'" in done.stderr


def test_the_public_names_exist_and_are_few():
    assert len(physent.__all__) <= 22
    for name in physent.__all__:
        assert getattr(physent, name) is not None
    assert set(physent.__all__) <= set(dir(physent))
    with pytest.raises(AttributeError, match="no attribute 'runn'"):
        physent.runn  # noqa: B018
