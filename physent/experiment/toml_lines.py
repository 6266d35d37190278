"""TOML, read within bounds, and the line of each key, which `tomllib` does not report."""

import re
import tomllib
from typing import Any

Key = tuple[str | int, ...]
# What an experiment may be: `tomllib` takes 100 times the memory of nested keys, or more
MOST_CHARACTERS, MOST_KEYS, MOST_BRACKETS, DEEPEST = 16 * 2**20, 100_000, 500_000, 32

_STRING = r'"(?:[^"\\\n]|\\.)*+"?|\'[^\'\n]*+\'?'
# a string that is not closed ends with its line, or with the text
_TOKEN = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*+(?:"{3,5}|\Z)|'
    r"'''(?:[^']|'(?!''))*+(?:'{3,5}|\Z)|" + _STRING + r"|#[^\n]*+|[][{}=\n]|[^][{}=\n#\"']++",
    re.DOTALL,
)
_PART = rf"(?:[\w-]++|{_STRING})"
_DOTTED = rf"{_PART}(?:[ \t]*+\.[ \t]*+{_PART})*+"
_HEADER = re.compile(rf"[ \t]*+(\[\[?)[ \t]*+({_DOTTED})[ \t]*+\]")
_PAIR = re.compile(rf"[ \t]*+({_DOTTED})[ \t]*+=")


def loads(text: str) -> dict[str, Any]:
    """The data of a TOML text. Raises `tomllib.TOMLDecodeError` where it is none, and where it is
    longer or deeper than an experiment can be.
    """
    _check(text)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise
    except (ValueError, RecursionError) as error:  # of a number that Python does not read
        raise tomllib.TOMLDecodeError(str(error)) from None


def _check(text: str) -> None:
    """Raise TOMLDecodeError for a text out of bounds."""
    if len(text) > MOST_CHARACTERS:
        raise tomllib.TOMLDecodeError(
            f"{len(text)} characters, allowed: {MOST_CHARACTERS}; keep large data in a NetCDF file"
        )
    depth = keys = brackets = dots = 0
    for token in _TOKEN.finditer(text):
        word = token[0]
        if word in "[{":
            depth, brackets, dots = depth + 1, brackets + 1, 0
        elif word in "]}":
            depth = max(0, depth - 1)
        elif word == "=":
            keys, dots = keys + 1, 0
        elif word == "\n":
            dots = 0
        elif word[0] not in "\"'#":
            dots = word.rpartition(",")[2].count(".") + (0 if "," in word else dots)
        if depth <= DEEPEST > dots and keys <= MOST_KEYS and brackets <= MOST_BRACKETS:
            continue
        for count, most, what in (
            (depth, DEEPEST, "brackets in each other"),
            (1 + dots, DEEPEST, "parts in a key"),
            (keys, MOST_KEYS, "keys"),
            (brackets, MOST_BRACKETS, "brackets"),
        ):
            if count > most:
                line = text.count("\n", 0, token.start()) + 1
                raise tomllib.TOMLDecodeError(f"more than {most} {what} (at line {line}, column 1)")


def lines_of(text: str) -> dict[Key, int]:
    """The line (from 1) of every table header and key of a valid TOML text; entries of [[tables]]
    count from 0.
    """
    found: dict[Key, int] = {}
    counts: dict[Key, int] = {}
    table: Key = ()
    place, number = 0, 1
    while place < len(text):
        if header := _HEADER.match(text, place):
            table = _absolute(_parts(header[2]), counts)
            if header[1] == "[[":
                counts[table] = counts.get(table, -1) + 1
                table = (*table, counts[table])
            found.setdefault(table, number)
        elif pair := _PAIR.match(text, place):
            found.setdefault((*table, *_parts(pair[1])), number)
        end = _end(text, place)
        number += text.count("\n", place, end)
        place = end
    return found


def _parts(dotted: str) -> Key:
    parts: list[str] = []
    inner = tomllib.loads(f"{dotted} = 0")
    while isinstance(inner, dict):
        name, inner = next(iter(inner.items()))
        parts.append(name)
    return tuple(parts)


def _absolute(parts: Key, counts: dict[Key, int]) -> Key:
    """A header's key with the index of the latest entry behind each array of tables on its way."""
    key: Key = ()
    for part in parts[:-1]:
        key = (*key, part)
        if key in counts:
            key = (*key, counts[key])
    return (*key, parts[-1])


def _end(text: str, place: int) -> int:
    """Where the statement that begins at a place ends, behind its last line: not while a bracket or
    a string of several lines is open.
    """
    depth = 0
    for token in _TOKEN.finditer(text, place):
        if token[0] == "\n" and depth <= 0:
            return token.end()
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(token[0], 0)
    return len(text)


def line_of(lines: dict[Key, int], key: Key) -> int:
    """The line of a key, or of the innermost table that would hold it, or 1."""
    around = (key[:length] for length in range(len(key), 0, -1))
    return next((lines[place] for place in around if place in lines), 1)
