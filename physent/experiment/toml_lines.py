"""The line of each key of a TOML text, which `tomllib` does not report."""

import re
import tomllib

Key = tuple[str | int, ...]
_HEADER = re.compile(r"^\s*(\[\[?)\s*(.+?)\s*\]\]?\s*(#.*)?$")
_PAIR = re.compile(
    r"^\s*((?:[\w-]+|\"[^\"]*\"|'[^']*')(?:\s*\.\s*(?:[\w-]+|\"[^\"]*\"|'[^']*'))*)\s*=(.*)$"
)


_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"""|\'\'\'.*?\'\'\'|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|#[^\n]*|[][{}\n]',
    re.DOTALL,
)


def lines_of(text: str) -> dict[Key, int]:
    """The line (from 1) of every table header and key of a valid TOML text; entries of [[tables]]
    count from 0.
    """
    lines = text.splitlines()
    found: dict[Key, int] = {}
    counts: dict[Key, int] = {}
    table: Key = ()
    number = 0
    while number < len(lines):
        line = lines[number]
        if header := _HEADER.match(line):
            table = _absolute(_parts(header[2]), counts)
            if header[1] == "[[":
                counts[table] = counts.get(table, -1) + 1
                table = (*table, counts[table])
            found.setdefault(table, number + 1)
        elif pair := _PAIR.match(line):
            found.setdefault((*table, *_parts(pair[1])), number + 1)
            number += _extent(pair[2], lines[number + 1 :])
        number += 1
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


def _extent(value: str, following: list[str]) -> int:
    """The number of further lines of a value: while a bracket or a multi-line string is open."""
    text, depth, lines = "\n".join([value, *following]), 0, 0
    for token in _TOKEN.finditer(text):
        word = token[0]
        if word == "\n" and depth == 0:
            return lines
        lines += word.count("\n")
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(word, 0)
    return lines


def line_of(lines: dict[Key, int], key: Key) -> int:
    """The line of a key, or of the innermost table that would hold it, or 1."""
    around = (key[:length] for length in range(len(key), 0, -1))
    return next((lines[place] for place in around if place in lines), 1)
