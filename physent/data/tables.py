"""Tables in text files: a line of names, and a column for each series."""

from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from physent.data.times import TIMES
from physent.errors import FolderError, nearest

SUFFIXES = (".csv", ".tsv", ".txt", ".dat")
AS_TIME = (*TIMES, "date", "datetime", "timestamp", "seconds")


def read_table(path: Path, time: str | None = None) -> xr.Dataset:
    """The columns of a table as variables along time.

    Values are separated by commas, semicolons, tabs or blanks; lines that begin with # are left
    out. The column of time is the one that `time` names, or else one of AS_TIME in whatever
    letters; numbers and dates are read in it. A value that is missing is NaN.

    Raises FolderError where there is no such column, and where columns have no names.
    """
    try:
        table = pd.read_csv(path, sep=_separator(path), comment="#", skipinitialspace=True)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise FolderError(f"{path}: cannot be read as a table: {error}") from None
    table.columns = [str(name).strip() for name in table.columns]
    if all(_is_number(name) for name in table.columns):
        raise FolderError(
            f"{path}: its first line holds numbers, where the names of its columns go"
        )
    found = [name for name in table.columns if name.lower() in AS_TIME]
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
    series = {
        name: (time, column.to_numpy())
        for name, column in table.items()
        if name != time and column.dtype.kind in "fiub"
    }
    return xr.Dataset(series, {time: (time, _times(path, pd.Series(table[time])))})


def _separator(path: Path) -> str:
    """What separates the names in the first line that is no remark."""
    with open(path, encoding="utf-8-sig") as file:
        line = next((line for line in file if line.strip() and not line.startswith("#")), "")
    return next((each for each in (",", ";", "\t") if each in line), r"\s+")


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _times(path: Path, column: pd.Series) -> np.ndarray:
    if column.dtype.kind in "fiu":
        return column.to_numpy()
    try:
        dates = pd.to_datetime(column, utc=True)
    except (ValueError, TypeError) as error:
        words = str(error).splitlines()[0]
        raise FolderError(f"{path}: column {column.name!r} holds no times: {words}") from None
    return dates.dt.tz_localize(None).to_numpy()
