"""The names and words of other programs' files and of `physent diagnose`: expressions, quoted and
Greek names, dates of tables, the help.
"""

import numpy as np
import pandas as pd
import pytest
from test_foreign_files import command  # noqa: F401 - a fixture
from test_foreign_traps import LN4, field, named
from test_foreign_words import only

import physent
from physent.data.expressions import expression
from physent.data.opening import open_any
from physent.data.tables import read_table
from physent.diagnostics import Entropy
from physent.errors import FolderError

NAMES = dict.fromkeys("abc")


# ---- expressions ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "texts",
    [
        ("a+b*c", "(a+b)*c"),
        ("a-b+c", "a-(b+c)"),
        ("a-b-c", "a-(b-c)"),
        ("a/b*c", "a/(b*c)"),
        ("a**b**c", "(a**b)**c"),
        ("a**b+c", "a**(b+c)"),
        ("-a+b", "-(a+b)"),
        ("-a**2", "(-a)**2"),
        ("abs(a)+b", "abs(a+b)"),
        ("abs(a+b)+c", "abs(a+b+c)", "abs(a)+b+c"),
        ("((a+b)*c)**2", "(a+b)*c**2", "(a+b*c)**2", "a+b*c**2"),
    ],
)
def test_other_formulas_have_other_names(texts):
    found = [expression(text, NAMES) for text in texts]
    assert len({each.word for each in found if each is not None}) == len(texts)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("a**2", "a_to_2"),
        ("a**2 + b**2", "a_to_2_plus_b_to_2"),
        ("((a))*b", "a_times_b"),
        ("abs(a)**2", "abs_a_to_2"),
        ("a**-2", "a_to_minus_2"),
    ],
)
def test_simple_formulas_have_simple_names(text, word):
    found = expression(text, NAMES)
    assert found is not None and found.word == word


def test_a_quoted_name_may_stand_alone(command):  # noqa: F811
    data = field().rename(v="wind speed")
    for text in ('"wind speed"', "'wind speed'"):
        found = physent.diagnose(data, [Entropy(of=text)])
        assert list(found) == ["entropy_wind speed_shannon"]
        np.testing.assert_allclose(only(found), LN4)
        np.testing.assert_allclose(data.physent.entropy(text), LN4)
    data.to_netcdf("a.nc")
    assert "entropy_wind speed_shannon" in command("a.nc", "--of", '"wind speed"')[1]
    with pytest.raises(ValueError, match="there is no variable 'wind sped', did you mean wind"):
        data.physent.entropy('"wind sped"')


def test_letters_that_python_takes_for_others_are_found():
    """The sign micro is a Greek letter to it."""
    micro = "\N{MICRO SIGN}"
    data = field().rename(v=micro)
    for text in (f"{micro}**2", f'"{micro}"**2', "\N{GREEK SMALL LETTER MU}**2"):
        np.testing.assert_array_equal(named(text, data), data[micro] ** 2)


# ---- words ---------------------------------------------------------------------------------------


def test_the_help_shows_what_it_is_asked_to(command):  # noqa: F811
    code, out, _ = command("--help")
    assert code in (0, None) and '"psi_abs**2"' in out and "override a key" not in out
    assert "Set a parameter of the diagnostic" in out


def test_no_period_is_refused(command):  # noqa: F811
    field().to_netcdf("a.nc")
    code, _, said = command("a.nc", "--of", "v", "--period", "")
    assert code == 2 and "given --period '', allowed: numbers > 0" in said


def test_where_there_is_no_time_it_is_said_how_to_give_one():
    data = field().isel(time=0, drop=True)
    with pytest.raises(ValueError, match=r"or give data without time one, expand_dims\('time'\)"):
        physent.diagnose(data, [Entropy(of="v")])


def test_a_zarr_store_without_names_of_dimensions_is_said(tmp_path):
    zarr = pytest.importorskip("zarr")
    for version in (2, 3):
        path = tmp_path / f"{version}.zarr"
        zarr.open_group(path, mode="w", zarr_format=version).create_array("v", data=np.ones(3))
        with pytest.raises(FolderError, match=f"{version}.zarr: cannot be read: .*dimension"):
            open_any(path)


# ---- dates ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dates", "last"),
    [
        (["30/01/2020", "31/01/2020", "01/02/2020"], "2020-02-01"),
        (["30.01.2020 12:00", "31.01.2020 12:00", "01.02.2020 12:00"], "2020-02-01T12"),
        (["01/30/2020", "01/31/2020", "02/01/2020"], "2020-02-01"),
        (["2020-01-30", "2020-01-31", "2020-02-01"], "2020-02-01"),
    ],
)
def test_the_day_of_a_date_is_known_by_the_others(tmp_path, dates, last):
    lines = "".join(f"{date},{i}\n" for i, date in enumerate(dates))
    (tmp_path / "a.csv").write_text(f"date,a\n{lines}")
    found = read_table(tmp_path / "a.csv").date.values
    assert found[-1] == pd.Timestamp(last) and np.ptp(found) == np.timedelta64(2, "D")


@pytest.mark.parametrize(
    ("dates", "words"),
    [
        (["01/02/2020", "02/02/2020"], "is the day first or the month"),
        (["2020-01-01", "Feb 2 2020"], "column 'date' holds no times"),
        (["13/13/2020", "01/01/2020"], "column 'date' holds no times"),
    ],
)
def test_a_date_that_may_be_two_is_asked_for(tmp_path, dates, words):
    (tmp_path / "a.csv").write_text("date,a\n" + "".join(f"{date},1\n" for date in dates))
    with pytest.raises(FolderError, match=words):
        read_table(tmp_path / "a.csv")
