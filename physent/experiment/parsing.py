"""A TOML file with its `--set` overrides, and its problems with line numbers."""

import functools
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from physent.errors import ConfigError, nearest, shortened
from physent.experiment.toml_lines import DEEPEST, MOST_CHARACTERS, Key, line_of, lines_of, loads

MOST_PROBLEMS = 50  # that are told of one file


@dataclass
class Problems:
    """Collects problems and locates each one in the file."""

    file: str
    text: str
    overridden: set[Key] = field(default_factory=set)
    found: list[tuple[int, str]] = field(default_factory=list)

    @functools.cached_property
    def lines(self) -> dict[Key, int]:
        """The line of each key, computed at the first problem."""
        return lines_of(self.text)

    def add(self, key: Key, message: str) -> None:
        """Record a problem of a key."""
        self.found.append((self._line(key), self.said(key, message)))

    def said(self, key: Key, message: str) -> str:
        """A message about a key, with its place."""
        line = self._line(key)
        named = [".".join(shortened(str(part)) for part in key)] if key else []
        return ": ".join([f"{self.file}:{line}" if line else "--set", *named, message])

    def _line(self, key: Key) -> int:
        """The line of a key, 0 where --set gave it."""
        made = any(  # by an override of it, of a table that holds it, or of what only it holds
            key[: len(override)] == override
            or (key not in self.lines and override[: len(key)] == key)
            for override in self.overridden
        )
        return 0 if made else line_of(self.lines, key)

    def check(self) -> None:
        """Raise ConfigError if there were problems."""
        if self.found:
            told = [text for _, text in sorted(self.found, key=lambda problem: problem[0])]
            more = len(told) - MOST_PROBLEMS
            raise ConfigError(
                told[:MOST_PROBLEMS] + [f"{self.file}: and {more} more problems"] * (more > 0)
            )


def parse(path: str | Path, overrides: list[str] | None = None) -> tuple[dict[str, Any], Problems]:
    """The data of a TOML file with `--set` overrides applied, and a collector of problems with line
    numbers.
    """
    path = Path(path)
    try:
        text = _text_of(path)
    except (OSError, ValueError) as error:
        wrong = "not UTF-8 text" if isinstance(error, UnicodeDecodeError) else str(error)
        reason = getattr(error, "strerror", None) or wrong
        hint = nearest(path.name, [entry.name for entry in path.parent.glob("*.toml")])
        raise ConfigError([f"{path}: cannot be read: {reason}{hint}"]) from None
    return parse_text(text, str(path), overrides)


def _text_of(path: Path) -> str:
    """The text of a file without a byte order mark, no more of it than what is too much."""
    with open(path, encoding="utf-8-sig") as file:
        return file.read(MOST_CHARACTERS + 1)


def parse_text(
    text: str, file: str, overrides: list[str] | None = None
) -> tuple[dict[str, Any], Problems]:
    """Like `parse`, for a text that is called `file` in messages."""
    try:
        data = loads(text)
    except tomllib.TOMLDecodeError as error:
        words, _, place = str(error).rpartition(" (at ")
        line = (
            place.removeprefix("line ").split(",")[0]
            if place.startswith("line ")
            else str(text.count("\n") + 1)
        )
        words = shortened(words or str(error), 300)
        raise ConfigError([f"{file}:{line}: not valid TOML: {words}"]) from None
    problems = Problems(file, text)
    for override in overrides or []:
        _override(data, override, problems)
    return data, problems


def _override(data: dict[str, Any], override: str, problems: Problems) -> None:
    dotted, equals, text = override.partition("=")
    key: tuple[Any, ...] = tuple(
        int(part) if part.isascii() and part.isdigit() else part
        for part in dotted.strip().split(".")
    )
    problems.overridden.add(key)
    if not equals:
        problems.add(
            key[:DEEPEST],
            f"given --set {shortened(override)}, allowed: --set key=value, as in --set "
            "solver.n=1024",
        )
        return
    if len(key) > DEEPEST:
        problems.add(key[:DEEPEST], f"more than {DEEPEST} parts in a key")
        return
    place: Any = data
    try:
        for part in key[:-1]:
            place = place[part] if isinstance(place, list) else place.setdefault(part, {})
        place[key[-1]] = value_or_word(text.strip())
    except (TypeError, IndexError, KeyError, AttributeError):
        problems.add(key, "there is no such key in the file")


def value_or_word(text: str) -> Any:
    """The TOML value of a text, or else the text itself: a word whose quotes the shell has
    removed.
    """
    try:
        return loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def precision_of(data: dict[str, Any]) -> str:
    """The precision requested by a file, which must be known before its arrays are built."""
    section = data.get("run")
    precision = section.get("precision") if isinstance(section, dict) else None
    return "float32" if precision == "float32" else "float64"
