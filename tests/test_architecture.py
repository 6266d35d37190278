"""The arrow is solvers -> physent, never back; the entropy module depends on arrays only; help does not load jax."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def modules(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize("path", modules("physent"), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_core_never_imports_a_solver(path):
    wrong = {name for name in imports(path) if name.startswith(("physent.solvers", "solvers"))}
    typing_only = path == ROOT / "physent" / "__init__.py"
    assert not wrong or (typing_only and wrong <= {"physent.solvers"})


@pytest.mark.parametrize("path", modules("physent/entropy"), ids=lambda path: path.name)
def test_entropy_depends_on_arrays_only(path):
    ours = {name for name in imports(path) if name.split(".")[0] == "physent"}
    assert all(name.startswith(("physent.entropy", "physent.protocol.parameters")) for name in ours), ours


@pytest.mark.parametrize("path", modules("physent/numerics"), ids=lambda path: path.name)
def test_numerics_know_no_physics(path):
    assert all(name.startswith("physent.numerics") for name in imports(path) if name.split(".")[0] == "physent")


def test_no_module_is_long():
    long = {path: n for path in modules("physent") + modules("solvers") if (n := path.read_text().count("\n")) > 520}
    assert not long


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["--version"]])
def test_help_loads_neither_jax_nor_the_schema(arguments):
    code = (
        "import sys; sys.argv = ['physent', *sys.argv[1:]]\nfrom physent.app.cli import main\n"
        "try: main()\nexcept SystemExit as end: code = end.code\n"
        "assert not {'jax', 'numpy', 'pydantic', 'xarray'} & set(sys.modules), 'too much'\nsys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


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
        [sys.executable, "-c", "import solvers"], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1 and "import this package as 'physent.solvers'" in done.stderr


def test_the_public_names_exist_and_are_few():
    import physent

    assert len(physent.__all__) <= 20
    for name in physent.__all__:
        assert getattr(physent, name) is not None
    assert set(physent.__all__) <= set(dir(physent))
    with pytest.raises(AttributeError, match="no attribute 'runn'"):
        physent.runn  # noqa: B018
