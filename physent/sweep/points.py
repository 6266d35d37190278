"""The points of a sweep: which keys of an experiment take which values.

solver.dt=0.01,0.02           the values themselves: numbers, words or lists
solver.nu=linspace(0, 1, 5)   equally spaced; geomspace(a, b, n) in equal ratios
solver.nu=uniform(0, 1)       drawn, for mode = "random"; loguniform(a, b) in the logarithm;
                              a list: drawn from it
"""

import itertools
import math
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tomli_w

from physent.errors import ParameterError, nearest
from physent.experiment.parsing import value_or_word
from physent.experiment.settings import SweepSettings

_RANGES = {"linspace": np.linspace, "geomspace": np.geomspace}
_DRAWS = {
    "uniform": lambda rng, a, b: rng.uniform(a, b),
    "loguniform": lambda rng, a, b: math.exp(rng.uniform(math.log(a), math.log(b))),
}
_CALL = re.compile(r"\s*([a-z]+)\(([^()]*)\)\s*")


@dataclass(frozen=True)
class Point:
    """One run of a sweep: its index, and the keys it sets."""

    index: int
    settings: dict[str, Any]

    @property
    def name(self) -> str:
        """The folder name: the index and the settings, as in 0003_dt=0.02_method=strang."""
        if "run.members" in self.settings:
            return "members"
        words = [f"{key.rpartition('.')[2]}={_word(value)}" for key, value in self.settings.items()]
        return "_".join([f"{self.index:04d}", *words])[:120]

    def overrides(self) -> list[str]:
        """The settings in the form of `--set`."""
        return [f"{key}={_toml(value)}" for key, value in self.settings.items()]


def _word(value: Any) -> str:
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return re.sub(r"[^\w.+-]+", "-", text).strip("-")


def _toml(value: Any) -> str:
    return tomli_w.dumps({"x": value}, multiline_strings=False).split("=", 1)[1].strip()


@dataclass(frozen=True)
class _Over:
    key: str
    values: list[Any] | None
    draw: Any = None


def _parse(text: str) -> _Over:
    key, equals, right = text.partition("=")
    key = key.strip()
    if not equals or not key or not right.strip():
        raise ParameterError(
            "over", f"given {text!r}, allowed: key=values, as in solver.dt=0.01,0.02"
        )
    if call := _CALL.fullmatch(right):
        return _call(key, text, *call.groups())
    try:
        values = tomllib.loads(f"values = [{right}]")["values"]
    except tomllib.TOMLDecodeError:
        values = [value_or_word(part.strip()) for part in right.split(",")]
    return _Over(key, values)


def _call(key: str, text: str, name: str, arguments: str) -> _Over:
    try:
        numbers = [float(part) for part in arguments.split(",")]
    except ValueError:
        numbers = []
    positive = name not in ("geomspace", "loguniform") or all(number > 0 for number in numbers[:2])
    counted = len(numbers) == 3 and math.isfinite(numbers[2]) and numbers[2] == int(numbers[2]) >= 1
    if name in _RANGES and counted and positive:
        values = [float(v) for v in _RANGES[name](numbers[0], numbers[1], int(numbers[2]))]
        whole = all(value.is_integer() for value in values) and not re.search(r"[.e]", arguments)
        return _Over(key, [int(value) for value in values] if whole else values)
    if name in _DRAWS and len(numbers) == 2 and positive:
        return _Over(key, None, lambda rng: float(_DRAWS[name](rng, *numbers)))
    known = [*_RANGES, *_DRAWS]
    hint = nearest(name, known) if name not in known else ""
    raise ParameterError(
        "over",
        f"given {text!r}{hint}, allowed: linspace(a, b, n), geomspace(a, b, n), uniform(a, b), "
        "loguniform(a, b); "
        "the ends of geomspace and loguniform positive",
    )


def points(settings: SweepSettings) -> list[Point]:
    """All points of a sweep, in order. Raises ParameterError if the values define no points."""
    overs = [_parse(text) for text in settings.over]
    if not overs:
        raise ParameterError(
            "over", "missing: which keys vary (allowed: key=values, as in solver.dt=0.01,0.02)"
        )
    keys = [over.key for over in overs]
    if len(set(keys)) < len(keys):
        raise ParameterError("over", f"a key is given twice: {', '.join(sorted(keys))}")
    if settings.mode == "random":
        rng = np.random.default_rng(settings.seed)
        rows = [tuple(_drawn(over, rng) for over in overs) for _ in range(settings.samples)]
    else:
        for over in overs:
            if over.values is None:
                raise ParameterError("over", f"{over.key} is drawn, which needs mode = 'random'")
        lists = [over.values or [] for over in overs]
        for over, values in zip(overs, lists, strict=True):
            if settings.mode == "grid" and any(
                value in values[:i] for i, value in enumerate(values)
            ):
                raise ParameterError(
                    "over", f"{over.key} has a repeated value; values in a grid must be distinct"
                )
        if settings.mode == "zip" and len({len(values) for values in lists}) > 1:
            lengths = ", ".join(
                f"{over.key}: {len(values)}" for over, values in zip(overs, lists, strict=True)
            )
            raise ParameterError(
                "over",
                f"with values side by side, all keys need the same number of values ({lengths})",
            )
        rows = (
            list(zip(*lists, strict=True))
            if settings.mode == "zip"
            else list(itertools.product(*lists))
        )
    return [Point(index, dict(zip(keys, row, strict=True))) for index, row in enumerate(rows)]


def _drawn(over: _Over, rng: np.random.Generator) -> Any:
    if over.values is None:
        return over.draw(rng)
    return over.values[int(rng.integers(len(over.values)))]


def as_members(points: Sequence[Point]) -> Point:
    """All points as one run with a member for each. Raises ParameterError if that is not
    possible.
    """
    for key in points[0].settings:
        if not key.startswith("solver."):
            raise ParameterError(
                "over", f"{key} cannot vary by member, allowed: numeric solver parameters"
            )
    if len(points) == 1:
        return points[0]
    columns = {key: [point.settings[key] for point in points] for key in points[0].settings}
    return Point(0, columns | {"run.members": len(points)})
