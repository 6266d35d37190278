"""Names become classes: registered ones, files, modules; a broken plugin warns and is skipped."""

import warnings
from importlib.metadata import EntryPoint

import pytest

import physent
from physent.app import cli
from physent.errors import CheckoutError, RegistryError
from physent.protocol import moved, registry


@pytest.fixture
def entry_points(monkeypatch):
    """Entry points of our choice instead of the installed ones."""

    def install(*points):
        found = [EntryPoint(name, value, "physent.solvers") for name, value in points]
        monkeypatch.setattr(
            registry,
            "entry_points",
            lambda group: [point for point in found if point.group == group],
        )

    registry.registered.cache_clear()
    yield install
    registry.registered.cache_clear()


def test_built_in_classes_come_through_the_same_door():
    assert registry.find("solvers", "nlse").__name__ == "NLSE"
    assert set(registry.available("diagnostics")) >= {
        "entropy",
        "differential_entropy",
        "complexity",
        "error",
    }


def test_an_unknown_name_gets_the_nearest_one():
    with pytest.raises(
        RegistryError, match=r"unknown kind 'nsle', did you mean nlse\? \(allowed: .*nlse"
    ):
        registry.find("solvers", "nsle")


def test_a_plugin_is_found_and_a_broken_one_warns_and_is_skipped(entry_points):
    entry_points(("heat", "toys:Heat"), ("gone", "no_such_package:Solver"))
    with pytest.warns(UserWarning, match=r"'gone' \(no_such_package:Solver.*cannot be loaded"):
        found = registry.available("solvers")
    assert list(found) == ["heat"]
    with pytest.raises(RegistryError, match="cannot be loaded"):
        registry.find("solvers", "gone")


def test_of_two_plugins_of_one_name_the_second_is_hidden_with_a_warning(entry_points):
    entry_points(("heat", "toys:Heat"), ("heat", "toys:Walk"))
    with pytest.warns(UserWarning, match="toys:Walk is hidden by toys:Heat"):
        assert registry.find("solvers", "heat").__name__ == "Heat"


def test_one_plugin_seen_twice_is_one(entry_points):
    entry_points(("heat", "toys:Heat"), ("heat", "toys:Heat"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert list(registry.available("solvers")) == ["heat"]


def test_a_kind_is_found_by_its_old_name_unless_somebody_registers_that(monkeypatch, entry_points):
    monkeypatch.setitem(moved.KINDS, "solvers", {"warmth": "heat"})
    entry_points(("heat", "toys:Heat"))
    with pytest.warns(FutureWarning, match="the kind 'warmth' is now called 'heat'"):
        assert registry.find("solvers", "warmth").__name__ == "Heat"
    assert registry.current("solvers", "warmth") == "heat"
    registry.registered.cache_clear()
    entry_points(("heat", "toys:Heat"), ("warmth", "toys:Walk"))
    assert registry.find("solvers", "warmth").__name__ == "Walk"
    assert registry.current("solvers", "warmth") == "warmth"


def test_a_current_kind_that_is_not_registered_is_of_an_older_installation(
    monkeypatch, entry_points
):
    monkeypatch.setitem(moved.KINDS, "solvers", {"warmth": "heat"})
    entry_points(("warmth", "toys:Heat"))
    with pytest.raises(
        RegistryError,
        match="'heat' is not registered: the installed package is older than this source",
    ):
        registry.find("solvers", "heat")


def test_a_checkout_that_is_not_whole_is_said_once(monkeypatch, entry_points, capsys):
    def refuse(point):
        raise CheckoutError("physent/solvers should be a symbolic link")

    entry_points(("heat", "toys:Heat"), ("walk", "toys:Walk"))
    monkeypatch.setattr(registry.EntryPoint, "load", refuse)
    with pytest.raises(CheckoutError):
        registry.find("solvers", "heat")
    with pytest.warns(UserWarning, match="should be a symbolic link") as said:
        assert registry.available("solvers") == {}
    assert len(said) == 1
    monkeypatch.setattr("sys.argv", ["physent", "new", "heat"])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert (
        end.value.code == 2
        and capsys.readouterr().err == "physent/solvers should be a symbolic link\n"
    )


def test_a_class_of_a_file_or_module(tmp_path):
    text = "import physent\nclass Mine(physent.Solver):\n    '''Mine.'''\n"
    (tmp_path / "mine.py").write_text(text)
    cls = registry.find("solvers", "mine.py:Mine", tmp_path)
    assert issubclass(cls, physent.Solver)
    assert registry.find("solvers", "mine.py:Mine", tmp_path) is cls
    assert registry.find("solvers", "toys:Heat").__name__ == "Heat"
    with pytest.raises(RegistryError, match=r"there is no file your\.py"):
        registry.find("solvers", "your.py:Mine", tmp_path)
    with pytest.raises(RegistryError, match="has no class 'Mien', did you mean Mine"):
        registry.find("solvers", "mine.py:Mien", tmp_path)


def test_a_file_that_does_not_load_says_why(tmp_path):
    (tmp_path / "broken.py").write_text("import physent\n1 / 0\n")
    with pytest.raises(RegistryError, match=r"broken\.py cannot be loaded: ZeroDivisionError"):
        registry.find("solvers", "broken.py:Mine", tmp_path)
