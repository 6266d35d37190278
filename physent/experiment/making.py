"""From plain data to an instance of a declared class, checked, converted and recorded in one
pass.
"""

import functools
import sys
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from physent.errors import ParameterError, RegistryError, brief, nearest, shortened
from physent.experiment.recorded import is_range
from physent.experiment.toml_lines import Key
from physent.protocol import registry
from physent.protocol.declaration import Declaration, declarations
from physent.protocol.given import Stored
from physent.protocol.sources import TRUST

MOST_UNKNOWN = 20  # keys of one table that are named


class Reading:
    """Reads tables of an experiment; `found` collects their problems with keys.

    Paths are looked for in `folder`.
    """

    def __init__(self, folder: Path | None = None):
        self.folder = folder
        self.found: list[tuple[Key, str]] = []

    def add(self, key: Key, words: str) -> None:
        """Record a problem of a key; code that may not run is refused once, however often named."""
        if not (words.endswith(TRUST) and any(told == words for _, told in self.found)):
            self.found.append((key, words))

    def refuse(self, error: ParameterError, key: Key = ()) -> None:
        """Record a problem of a key inside `key`."""
        self.add((*key, *error.key.split(".")), error.message)

    def unknown(
        self, key: Key, names: Sequence[str], known: Collection[str], elsewhere: Sequence[str] = ()
    ) -> None:
        """Record the names in a table that are not among the known ones, with the nearest of those
        or of keys elsewhere.
        """
        allowed = ", ".join(known) or "none"
        for name in names[:MOST_UNKNOWN]:
            self.add(
                (*key, name),
                f"unknown key{nearest(name, [*known, *elsewhere])} (allowed: {allowed})",
            )
        if len(names) > MOST_UNKNOWN:
            self.add(key, f"and {len(names) - MOST_UNKNOWN} more unknown keys")

    def make(
        self, cls: type, data: Any, key: Key = (), members: int | None = 1, n: Any = None
    ) -> tuple[Any, dict[str, Any]]:
        """An instance of a declared class, and its data with all defaults filled in; `n` are the
        points of a grid that a part of its own does not know.

        There is no instance (None) where something is wrong, nor with `members` = None, which only
        checks. The record keeps the user's own notation where he gave a value.
        """
        if not isinstance(data, dict):
            self.add(key, f"given {brief(data)}, allowed: a table [{'.'.join(map(str, key))}]")
            return None, {}
        before, known = len(self.found), declarations(cls)
        points = data.get("n", known["n"].default) if "n" in known else n
        known = {name: declaration.on(points) for name, declaration in known.items()}
        self.unknown(key, [name for name in data if name not in known], known)
        values, record = {}, {}
        for name, declaration in known.items():
            try:
                if declaration.required and name not in data:
                    raise ParameterError(
                        name, f"missing: {declaration.doc} (allowed: {declaration.allowed})"
                    )
                if declaration.form == "choice":
                    values[name], record[name] = self._option(
                        declaration, data.get(name, {}), (*key, name), members, points
                    )
                elif name in data:
                    values[name], record[name] = self._value(declaration, data[name], members)
                else:
                    record[name] = _noted(declaration, declaration.default)
            except ParameterError as error:
                self.refuse(error, key)
        record = {name: value for name, value in record.items() if value is not None}
        if len(self.found) > before or members is None:
            return None, record
        try:
            made = cls(**values)
            for name in (name for name, declaration in known.items() if declaration.table):
                every = getattr(made, name).items()  # also those that its owner knows
                each = {k: np.asarray(entry).tolist() for k, entry in every}
                record[name] = each | record[name]
            return made, record
        except ParameterError as error:
            self.refuse(error, key)
        except (ValueError, TypeError, OSError, ArithmeticError, MemoryError) as error:
            self.add(key, shortened(" ".join(str(error).split()), 400))
        return None, record

    def part(
        self,
        given: Any,
        key: Key,
        find: Callable[[Any], type],
        members: int | None = 1,
        n: Any = None,
    ) -> tuple[Any, dict[str, Any]]:
        """An instance of the class named by a string or by the `kind` of a table, and its record.

        `find` says which class a kind is, None where there is none, or raises a RegistryError.
        """
        table: dict[str, Any] = {"kind": given} if isinstance(given, str) else given
        kind: Any = table.get("kind")
        try:
            cls = find(kind)
        except RegistryError as error:
            self.add((*key, "kind"), str(error))
            return None, {}
        rest = {name: value for name, value in table.items() if name != "kind"}
        made, record = self.make(cls, rest, key, members, n)
        return made, {"kind": registry.lasting(kind, self.folder)} | record

    def _option(
        self, declaration: Declaration, given: Any, key: Key, members: int | None, n: Any
    ) -> tuple[Any, dict[str, Any]]:
        """The option selected by a choice, or what a file gives in its place."""
        by_file = isinstance(given, dict) and "file" in given and "kind" not in given
        if by_file and declaration.given is not None and declaration.given.from_file:
            return self._stored(declaration, given, key, members)
        if not isinstance(given, str | dict):
            raise ParameterError(
                declaration.name, f"given {brief(given)}, allowed: {declaration.allowed}"
            )
        if isinstance(given, dict) and not declaration.required:
            given = {"kind": declaration.default} | given
        find = functools.partial(declaration.option, folder=self.folder)
        return self.part(given, key, find, members, n)

    def _stored(
        self, declaration: Declaration, given: Any, key: Key, members: int | None
    ) -> tuple[Any, dict[str, Any]]:
        """The values in a file that stand for a choice, and their record with a digest."""
        stored, record = self.make(Stored, given, key, members)
        if stored is None:
            return None, record
        if not Path(stored.file).is_file():
            place = self.folder or Path.cwd()
            hint = nearest(stored.file, [each.name for each in place.glob("*.nc")])
            words = f"no file {stored.file!r}{hint} (looked for in {place})"
            raise ParameterError(f"{declaration.name}.file", words)
        try:
            made = declaration.given.read(stored)
        except ParameterError as error:
            raise ParameterError(f"{declaration.name}.{error.key}", error.message) from None
        digest = made.as_table(declaration.name, {})["digest"]
        return made, record | {"file": stored.file, "digest": digest}

    def _value(self, declaration: Declaration, value: Any, members: int | None) -> tuple[Any, Any]:
        """A value as passed to the class, and as recorded; ParameterError if it is invalid."""
        if declaration.table and isinstance(value, dict):
            return self._entries(declaration, value, members)
        if declaration.form != "param":
            words = declaration.violation(value)
        elif _is_number(declaration, value):
            words = declaration.of_axes(value) if declaration.axes else None
        else:
            words = f"given {brief(value)}, allowed: {declaration.allowed}"
        if words:
            raise ParameterError(declaration.name, words)
        if declaration.path and isinstance(value, str):
            file = registry.file_of(value, self.folder)
            value = str(file or registry.lasting(value, self.folder))
        noted = _noted(declaration, value)
        if declaration.form == "param" and value is not None and members is not None:
            return _per_member(declaration, value, members), noted
        return tuple(value) if isinstance(value, list) else value, noted

    def _entries(self, declaration: Declaration, value: Any, members: int | None) -> Any:
        """The entries of a table, as passed to the class, and as recorded."""
        made, noted = {}, {}
        for name, each in value.items():
            try:
                made[name], noted[name] = self._value(declaration.entry(), each, members)
            except ParameterError as error:
                raise ParameterError(f"{declaration.name}.{name}", error.message) from None
        return made, noted


def make(cls: type, data: dict[str, Any], members: int = 1, folder: Path | None = None) -> Any:
    """An instance of a declared class from plain data, with paths in `folder`. Raises
    ParameterError with the dotted key of the first problem.
    """
    reading = Reading(folder)
    made, _ = reading.make(cls, data, (), members)
    for key, words in reading.found:
        raise ParameterError(".".join(map(str, key)), words) if key else ValueError(words)
    return made


def problems(cls: type, data: Any) -> list[tuple[Key, str]]:
    """All problems of `data` as the parameters of `cls`: (path of the key, message)."""
    reading = Reading()
    reading.make(cls, data, (), None)
    return reading.found


def _noted(declaration: Declaration, value: Any) -> Any:
    if isinstance(value, int) and declaration.form == "param":
        return float(value)
    return list(value) if isinstance(value, tuple) else value


def _is_number(declaration: Declaration, value: Any) -> bool:
    """Whether this is a number of the declared rank, a list of them (one per member), or {linspace
    = [a, b]} over the members.
    """
    if isinstance(value, dict) and is_range(value):
        (ends,) = value.values()
        return _rank(ends) == 1 and len(ends) == 2 and declaration.violation(ends) is None
    if value is None:
        return declaration.default is None
    ranks = (declaration.ndim, declaration.ndim + 1, *[0] * (declaration.axes > 0))
    return _rank(value) in ranks and declaration.violation(value) is None


def _rank(value: Any) -> int | None:
    """The depth of a regular nested list of numbers; None if it is not one."""
    if isinstance(value, float) or (type(value) is int and abs(value) <= sys.float_info.max):
        return 0
    if isinstance(value, list | tuple) and value:
        ranks = {_rank(entry) for entry in value}
        rank = ranks.pop()
        return None if ranks or rank is None else rank + 1
    return None


def _per_member(declaration: Declaration, value: Any, members: int) -> Any:
    name, allowed = declaration.name, declaration.allowed
    if isinstance(value, dict):
        (spacing, (start, stop)) = next(iter(value.items()))
        if declaration.ndim:
            raise ParameterError(name, f"a {spacing} gives numbers, allowed: {allowed} per member")
        if spacing == "geomspace" and start * stop <= 0:
            raise ParameterError(
                name, "the ends of a geomspace must be nonzero and have the same sign"
            )
        if members == 1:
            raise ParameterError(
                name, f"a {spacing} gives one value per member, but run.members = 1"
            )
        return getattr(np, spacing)(start, stop, members)
    if np.ndim(value) == declaration.ndim + 1 and len(value) != members:
        if members == 1:
            words = f"given {brief(value)}, allowed: {allowed}"
            words += " (a value per member needs run.members > 1)"
        else:
            each = f"or one for each of the {members} members"
            words = f"given {len(value)} values, allowed: {allowed}, {each}"
        raise ParameterError(name, words)
    alone = members == 1 and np.ndim(value) == declaration.ndim + 1
    return value[0] if alone else value
