"""Numbers that tests measure, committed in data/validation and shown on the documentation's page of
validation.

`record_number` holds a measured number to what is asked of it, and to the committed one, so that a
number on that page comes out of the code as it is. `pytest tests/test_x.py --record-numbers`
commits what it measures instead.
"""

import csv
import fcntl
import functools
import math
import os
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parents[1] / "data" / "validation"
COLUMNS = ("test", "what", "asked", "measured")


class Locked:
    """A lock on a folder."""

    def __init__(self, folder: Path):
        self.folder = folder

    def __enter__(self):
        self.descriptor = os.open(self.folder, os.O_RDONLY)
        fcntl.flock(self.descriptor, fcntl.LOCK_EX)

    def __exit__(self, *_):
        os.close(self.descriptor)


class Number(NamedTuple):
    """One committed line: the test, what it measured, in words what was asked, the number."""

    test: str
    what: str
    asked: str
    measured: str


@functools.cache
def committed(module: str) -> dict[tuple[str, str], Number]:
    """The numbers of the tests in one file, by test and what it measured."""
    file = FOLDER / f"{module}.csv"
    if not file.exists():
        return {}
    with file.open(encoding="utf-8", newline="") as lines:
        return {(row["test"], row["what"]): Number(**row) for row in csv.DictReader(lines)}


def commit(module: str, numbers: list[Number]) -> None:
    """Put the numbers in the place of those that the same tests had."""
    ran = {number.test for number in numbers}
    FOLDER.mkdir(parents=True, exist_ok=True)
    with Locked(FOLDER):  # of the workers of pytest-xdist
        committed.cache_clear()
        kept = [number for number in committed(module).values() if number.test not in ran]
        with (FOLDER / f"{module}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(COLUMNS)
            writer.writerows(sorted([*kept, *numbers]))


def table(
    name: str, columns: tuple[str, ...], rows: list[tuple[str, ...]], recording: bool, share: float
) -> None:
    """Hold a whole table to the committed one, every number to a share of it and everything else to
    the letter.
    """
    file = FOLDER / f"{name}.csv"
    if recording:
        FOLDER.mkdir(parents=True, exist_ok=True)
        with file.open("w", encoding="utf-8", newline="") as lines:
            csv.writer(lines, lineterminator="\n").writerows([columns, *rows])
        return
    with file.open(encoding="utf-8", newline="") as lines:
        committed_columns, *committed_rows = csv.reader(lines)
    assert tuple(committed_columns) == columns and len(committed_rows) == len(rows), (
        f"{file} has another shape"
    )
    for before, row in zip(committed_rows, rows, strict=True):
        for old, new in zip(before, row, strict=True):
            assert old == new or math.isclose(
                float(old), float(new), rel_tol=share, abs_tol=share
            ), (file, before, row)


class Recorder:
    """What a test calls with each number it measures."""

    def __init__(self, module: str, test: str, recording: bool):
        self.module, self.test, self.recording = module, test, recording
        self.numbers: list[Number] = []

    def __call__(
        self,
        what: str,
        measured: float,
        *,
        at_most: float | None = None,
        at_least: float | None = None,
        exact: float | None = None,
        within: float | None = None,
        repeats: float | None = None,
    ) -> None:
        """Hold a number to a bar, or to an exact value `within` an absolute distance, and to the
        committed number.

        `repeats` says how far from the committed number it may come out again, as a share of it: 1
        % by default, and for what has only a bar, an error, a factor of 3 to either side.
        """
        measured = float(measured)
        if exact is not None and within is not None:
            asked = f"{exact:.8g} ± {within:.2g}"
            assert abs(measured - exact) <= within, f"{what}: {measured!r}, asked: {asked}"
        elif at_least is not None:
            asked = f"≥ {at_least:.3g}"
            assert measured >= at_least, f"{what}: {measured!r}, asked: {asked}"
        else:
            assert at_most is not None, "say what is asked of the number"
            asked = f"≤ {at_most:.2g}"
            assert measured <= at_most, f"{what}: {measured!r}, asked: {asked}"
        self.numbers.append(Number(self.test, what, asked, f"{measured:.8g}"))
        if self.recording:
            return
        number = committed(self.module).get((self.test, what))
        command = f"pytest tests/{self.module}.py --record-numbers"
        assert number is not None, (
            f"{what}: not in data/validation/{self.module}.csv; commit it with {command}"
        )
        assert number.asked.split(" ±")[0] == asked.split(" ±")[0], (
            f"{what}: {number.asked} is committed; {command}"
        )
        before = float(number.measured)
        if repeats is None and exact is None and before > 0:
            again = before / 3 <= measured <= before * 3
        else:
            again = abs(measured - before) <= (0.01 if repeats is None else repeats) * abs(before)
        assert again, (
            f"{what}: {measured!r}, and {number.measured} is committed; if that is right, {command}"
        )
