"""Tables in text files: a line of names, and a column for each series."""

import csv
import io
import re
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from physent.data.times import TIMES
from physent.errors import FolderError, brief, nearest

SUFFIXES = (".csv", ".tsv", ".txt", ".dat")
AS_TIME = (*TIMES, "date", "datetime", "timestamp", "seconds")


def read_table(path: Path, time: str | None = None, rows: str | None = None) -> xr.Dataset:
    """The columns of a table as variables along time.

    Values are separated by commas, semicolons, tabs or blanks; lines that begin with # are left
    out. The column of time is the one that `time` names, or else one of AS_TIME in whatever
    letters; numbers and dates are read in it. With `rows` no column is time, and that is the name
    of the dimension along the lines. A value that is missing is NaN.

    Raises FolderError where there is no such column, and where columns have no names.
    """
    lines = _lines(path)
    separator = _separator(lines)
    _check_fields(path, lines, separator)
    try:
        table = pd.read_csv(
            io.StringIO("".join(text for _, text in lines)),
            sep=separator,
            skipinitialspace=True,
            index_col=False,
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        words = str(error).splitlines()[0]
        raise FolderError(f"{path}: cannot be read as a table: {words}") from None
    table.columns = [str(name).strip() for name in table.columns]
    if all(_is_number(name) for name in table.columns):
        raise FolderError(
            f"{path}: its first line holds numbers, where the names of its columns go"
        )
    found = [name for name in table.columns if name.lower() in AS_TIME]
    if rows is not None:
        return xr.Dataset(_series(path, table, rows, lines))
    if time is None and len(found) != 1:
        what = f"it may be {' or '.join(found)}" if found else "none is called t, time or date"
        raise FolderError(
            f"{path}: which column is time? {what} (columns: {', '.join(table.columns)}); choose "
            "it with --time NAME"
        )
    time = str(time or found[0])
    if time not in table.columns:
        hint = nearest(time, table.columns)
        raise FolderError(
            f"{path}: there is no column {time!r}{hint} (columns: {', '.join(table.columns)})"
        )
    series = _series(path, table, time, lines)
    return xr.Dataset(series, {time: (time, _times(path, pd.Series(table[time])))})


def _series(
    path: Path, table: pd.DataFrame, dim: str, lines: list[tuple[int, str]]
) -> dict[str, tuple[str, np.ndarray]]:
    """The columns of numbers but for that of time. Raises FolderError where one holds others."""
    for name, column in table.items():
        if name != dim:
            _check_numbers(path, str(name), column, [number for number, _ in lines[1:]])
    return {
        str(name): (dim, column.to_numpy())
        for name, column in table.items()
        if name != dim and column.dtype.kind in "fiub"
    }


def _lines(path: Path) -> list[tuple[int, str]]:
    """The lines that are no remarks, with their numbers, each without a separator at its end where
    the line of names has one.
    """
    try:
        with open(path, encoding="utf-8-sig") as file:
            lines = [
                (number, text)
                for number, text in enumerate(file, 1)
                if text.strip() and not text.lstrip().startswith("#")
            ]
    except UnicodeDecodeError as error:
        raise FolderError(f"{path}: cannot be read as a table: {error}") from None
    ends = [text.rstrip()[-1] for _, text in lines[1:]]
    for each in (",", ";"):  # as some programs write them, whatever the names do
        if ends and all(end == each for end in ends):
            fields = {text.rstrip().rstrip(each).count(each) for _, text in lines}
            if len(fields) == 1:
                return [(number, text.rstrip().rstrip(each) + "\n") for number, text in lines]
    return lines


def _separator(lines: list[tuple[int, str]]) -> str:
    """What separates the names in the first line."""
    names = re.sub('"[^"]*"', "", lines[0][1]) if lines else ""
    return next((each for each in (",", ";", "\t") if each in names), r"\s+")


def _check_fields(path: Path, lines: list[tuple[int, str]], separator: str) -> None:
    """Raise FolderError where a line has another number of values than there are names, so that
    they would stand under names of others, and where two columns have one name.
    """
    blank = separator == r"\s+"
    texts = (re.sub(r"\s+", " ", text.strip()) if blank else text for _, text in lines)
    rows = csv.reader(texts, delimiter=" " if blank else separator, skipinitialspace=True)
    try:
        names = [name.strip() for name in next(rows, [])]
        for row in rows:
            if len(row) != len(names):
                raise FolderError(
                    f"{path}:{lines[rows.line_num - 1][0]}: given {len(row)} values, allowed: "
                    f"{len(names)}, one under each name ({', '.join(names)})"
                )
    except csv.Error as error:
        raise FolderError(f"{path}: cannot be read as a table: {error}") from None
    if twice := [name for name in names if name and names.count(name) > 1]:
        raise FolderError(f"{path}: two columns are called {twice[0]!r}: rename one")


def _check_numbers(path: Path, name: str, column: pd.Series, numbers: list[int]) -> None:
    """Raise FolderError where a column of numbers holds a value that is none, such as 3,5."""
    if column.dtype.kind in "fiubMm":
        return
    read = pd.Series(pd.to_numeric(column, errors="coerce"))
    wrong = read.isna() & column.notna()
    looks = column.astype(str).str.fullmatch(r"\s*[-+]?[\d.,' ]*\d([eEdD][-+]?\d+)?\s*")
    if wrong.any() and (read.notna().mean() > 0.5 or (looks | column.isna()).all()):
        row = int(np.argmax(wrong))
        raise FolderError(
            f"{path}:{numbers[row]}: column {name!r} holds {brief(column.iloc[row])}, allowed: a "
            "number with a decimal point, or nothing where it is missing"
        )


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _day_first(path: Path, column: pd.Series) -> bool:
    """Whether dates as 31/12/2020 have the day first. Raises FolderError where it may be either."""
    parts = [
        found
        for each in column.astype(str)
        if (found := re.match(r"\s*(\d{1,2})[/.-](\d{1,2})[/.-](\d{4}|\d{2})\b", each))
    ]
    day_first = any(int(each[1]) > 12 for each in parts)
    if parts and not day_first and not any(int(each[2]) > 12 for each in parts):
        raise FolderError(
            f"{path}: column {column.name!r} holds {brief(parts[0][0].strip())}: is the day first "
            "or the month? Write dates as 2020-12-31"
        )
    return day_first


def _times(path: Path, column: pd.Series) -> np.ndarray:
    if column.dtype.kind in "fiu":
        return column.to_numpy()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)  # that it guesses each for itself
            dates = pd.to_datetime(column, utc=True, dayfirst=_day_first(path, column))
    except (ValueError, TypeError, UserWarning) as error:
        words = str(error).splitlines()[0]
        raise FolderError(f"{path}: column {column.name!r} holds no times: {words}") from None
    return dates.dt.tz_localize(None).to_numpy()
