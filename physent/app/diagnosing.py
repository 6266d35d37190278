"""The command that applies a diagnostic to a file; it returns the exit code."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_origin

import jax
import numpy as np
import xarray as xr

from physent.app.speaking import command
from physent.app.terminal import say
from physent.data.described import box_of
from physent.data.offline import diagnose as apply
from physent.data.opening import numeric, open_any
from physent.errors import FolderError, OptionError, brief
from physent.experiment.making import make, problems as problems_of
from physent.experiment.parsing import value_or_word
from physent.io.folder import write_dataset
from physent.protocol import registry
from physent.protocol.declaration import declarations
from physent.protocol.diagnostic import Diagnostic


@command
def diagnose(
    file: Path,
    of: list[str] | None,
    kind: str,
    measure: str | None,
    outcomes: str | None,
    set_: list[str] | None,
    time: str | None,
    group: str | None,
    weights: str | None,
    skip_missing: bool,
    period: str | None,
    unwrap: bool,
    output: Path | None,
) -> int:
    """Apply a diagnostic to a file."""
    if output is not None and output.exists():
        raise FolderError(f"{output} exists: choose another --output")
    named = {"measure": measure, "outcomes": outcomes}
    words = {"time": time, "group": group, "weights": weights, "skip_missing": skip_missing}
    result = diagnosed(file, of, kind, named, set_, **words, period=period, unwrap=unwrap)
    for words in _undefined(result):
        say(words, wrong=True)
    if output is None:
        say(result.to_dataframe().to_string())
        return 0
    for variable in result.variables.values():  # how the file packed it is of no use for another
        kept = ("units", "calendar")
        variable.encoding = {
            key: variable.encoding[key] for key in kept if key in variable.encoding
        }
    try:
        write_dataset(result, output)
    except (RuntimeError, ValueError, TypeError) as error:
        raise FolderError(f"{output}: cannot be written: {error}") from None
    say(output)
    return 0


def diagnosed(
    file: Path,
    of: list[str] | None,
    kind: str,
    named: dict[str, str | None],
    set_: list[str] | None,
    *,
    time: str | None,
    group: str | None,
    weights: str | None,
    skip_missing: bool,
    period: str | None = None,
    unwrap: bool = False,
) -> xr.Dataset:
    """What a diagnostic gives of a file; `named` are those of its parameters with an option of
    their own.
    """
    cls = _class_of(kind)
    data: dict[str, Any] = {
        key: value_or_word(value) for key, value in named.items() if value is not None
    }
    for setting in set_ or []:
        key, equals, value = setting.partition("=")
        if not equals:
            raise OptionError(f"given --set {brief(setting)}, allowed: --set key=value")
        data[key.strip()] = value_or_word(value.strip())
    box = None if period is None else _period_of(period)
    with jax.enable_x64(True), open_any(file, group, time) as dataset:
        diagnostics = []
        for words in _chosen(cls, kind, of, dataset):
            settings = _with_period(cls, data | words, box, dataset)
            diagnostics.append(_made(cls, kind, settings))
        try:
            result = apply(
                dataset,
                diagnostics,
                time=time,
                weights=weights,
                skip_missing=skip_missing,
                period=box,
                unwrap=unwrap,
            )
            return result.load()  # its coordinates are of the file
        except ValueError as error:
            raise FolderError(f"{file}: {error}") from None


def _undefined(result: xr.Dataset) -> Iterator[str]:
    """What has no value somewhere though it should, and where first."""
    for name, array in result.data_vars.items():
        if array.dtype.kind == "f" and "nan" not in array.attrs:
            rows = np.isnan(array.values).reshape(len(array), -1).any(axis=1)
            if rows.any():
                time, row = array.dims[0], int(np.argmax(rows))
                label = array[time].values[row] if time in array.coords else row
                words = f"is NaN at {rows.sum()} of {rows.size} rows"
                yield f"{name} {words}, first at {time} = {label}"


def _class_of(kind: str) -> type[Diagnostic]:
    cls = registry.find("diagnostics", kind, Path.cwd())
    if not (isinstance(cls, type) and issubclass(cls, Diagnostic)):
        what = f"a class {cls.__name__}" if isinstance(cls, type) else f"a {type(cls).__name__}"
        raise OptionError(
            f"--kind {kind}: it is {what}, allowed: a diagnostic (physent list diagnostics), or "
            "'path.py:Class' of a subclass of physent.Diagnostic"
        )
    return cls


def _chosen(
    cls: type[Diagnostic], kind: str, of: list[str] | None, dataset: xr.Dataset
) -> list[dict[str, Any]]:
    """The parameter `of` of every result that is asked for."""
    declared = declarations(cls).get("of")
    if not of:
        if declared is not None and declared.required:
            there = ", ".join(numeric(dataset)) or "none"
            raise OptionError(f"--of is missing: which variable? (there are: {there})")
        return [{}]
    if declared is None:
        raise OptionError(f"--of: {kind} chooses its variables itself, by their roles")
    if get_origin(declared.annotation) is not tuple:
        return [{"of": text} for text in of]
    found = []
    for text in of:
        several = value_or_word(text)
        if not isinstance(several, list):
            several = [text] if text in dataset.variables else text.split(",")
        found.append({"of": [str(word).strip() for word in several]})
    return found


def _period_of(text: str) -> list[float]:
    """The numbers of --period."""
    text = text.strip()
    given = value_or_word(text if text.startswith("[") or text.endswith("]") else f"[{text}]")
    if (
        not isinstance(given, list)
        or not given
        or not all(type(each) in (int, float) for each in given)
    ):
        raise OptionError(
            f"given --period {brief(text)}, allowed: numbers > 0, as in --period 10,10"
        )
    return [float(each) for each in given]


def _with_period(
    cls: type[Diagnostic], data: dict[str, Any], box: list[float] | None, dataset: xr.Dataset
) -> dict[str, Any]:
    """The parameters with the period of the file, or of --period, where the diagnostic has one."""
    if "period" not in declarations(cls) or "period" in data:
        return data
    arrays = {str(name): each for name, each in dataset.data_vars.items()}
    try:
        found = box_of(arrays, box)
    except ValueError as error:
        raise OptionError(str(error)) from None
    return data if found is None else data | {"period": found.tolist()}


def _made(cls: type[Diagnostic], kind: str, data: dict[str, Any]) -> Diagnostic:
    if found := problems_of(cls, data):
        raise OptionError(
            "\n".join(f"{kind}.{'.'.join(map(str, path))}: {message}" for path, message in found)
        )
    try:
        return make(cls, data)
    except ValueError as error:
        raise OptionError(f"{kind}: {error}") from None
