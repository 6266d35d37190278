"""What the words for variables mean in a dataset: names, roles, complex wholes, expressions; and
along which dimension they have their time.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import xarray as xr

from physent.data.complex_parts import with_complex
from physent.data.expressions import expression
from physent.data.times import OWN, TIMES, refuse_missing, seconds_of, tells_time, time_of, times_of
from physent.protocol.declaration import declarations
from physent.protocol.diagnostic import Diagnostic
from physent.protocol.parameters import settings
from physent.protocol.variables import rows_between

HINT = "choose it with --time NAME, in Python with time="


def words_of(diagnostics: Iterable[Diagnostic]) -> list[str]:
    """Every text in the settings of diagnostics but names of outputs and of files: among them are
    the names of variables.
    """
    found: dict[str, None] = {}
    for diagnostic in diagnostics:
        declared = declarations(type(diagnostic))
        for key, value in settings(diagnostic).items():
            for word in value if isinstance(value, list) else [value]:
                if isinstance(word, str) and key != "name" and not declared[key].path:
                    found[word] = None
    return list(found)


def with_words(dataset: xr.Dataset, words: Iterable[str]) -> tuple[xr.Dataset, dict[str, str]]:
    """The dataset with complex variables joined and with the variables that expressions make, and
    the names of those by their texts.

    Raises ValueError for what looks like an expression and is none.
    """
    dataset = with_complex(dataset)
    roles = {each.attrs.get("role") for each in dataset.data_vars.values()}
    aliases: dict[str, str] = {}
    for word in words:
        if word in dataset.variables or word in roles:
            continue
        if (formula := expression(word, dataset.variables)) is not None:
            if formula.alone is not None:
                aliases[word] = str(formula.alone)
                continue
            name = formula.word
            while name in dataset.variables:
                name += "_"
            aliases[word] = name
            dataset = dataset.assign({name: formula.of(dataset).variable})
    return dataset, aliases


def meant(dataset: xr.Dataset, words: Iterable[str]) -> list[str]:
    """The variables that words mean, by name or by role; all of them if none does."""
    words = set(words)
    found = [
        str(name)
        for name, each in dataset.data_vars.items()
        if str(name) in words or each.attrs.get("role") in words
    ]
    return found or [str(name) for name, each in dataset.data_vars.items() if each.dims]


def along_time(
    dataset: xr.Dataset, names: Iterable[str], time: str | None
) -> tuple[xr.Dataset, str]:
    """The dataset, and the dimension of time of the variables named; data of one time get it.

    Raises ValueError where there is none, or several may be it.
    """
    if time is not None:
        if time not in dataset.dims and time in dataset.coords and not dataset[time].ndim:
            dataset = dataset.expand_dims(time)
        return dataset, time
    each = {name: times_of(dataset[name]) for name in names}
    for name, several in each.items():
        if len(several) > 1:
            time_of(dataset[name], HINT)
    found: dict[str, str] = {}
    for name, times in each.items():
        if times:
            found.setdefault(times[0], name)
    seldom = [name for name in found if name not in OWN and rows_between(name)]
    own = [name for name in (OWN[0], *seldom, OWN[1]) if name in found]
    if len(found) > 1 and not own:
        pairs = ", ".join(f"{name} along {dim}" for dim, name in found.items())
        raise ValueError(f"which dimension is time? {pairs}; {HINT}")
    if found:
        return dataset, own[0] if own else next(iter(found))
    single = [
        str(name)
        for name, coordinate in dataset.coords.items()
        if not coordinate.ndim and (tells_time(coordinate.variable) or name in TIMES)
    ]
    if len(single) == 1:
        return dataset.expand_dims(single[0]), single[0]
    beside = [name for name in times_of(dataset) if name not in found]
    if len(beside) == 1:
        return dataset, beside[0]
    return dataset, time_of(dataset, HINT)


def times_along(dataset: xr.Dataset, time: str) -> np.ndarray:
    """The times of the rows: numbers as they are, dates in seconds since the first, the numbers of
    the rows where there are no times. Raises ValueError where one is not a number.
    """
    times: Any = np.empty(0, object)
    if time in dataset.coords:
        refuse_missing(dataset[time].values, time)
        times = seconds_of(dataset[time].values)
    return times if times.dtype.kind in "fiu" else np.arange(dataset.sizes[time])
