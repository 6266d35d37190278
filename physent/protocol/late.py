"""Lazy loading of the names of a package at first use."""

import importlib
import importlib.util
from collections.abc import Callable, Mapping, Sequence
from typing import Any


def late(
    package: str,
    places: Mapping[str, Sequence[str]],
    otherwise: Callable[[str, str], Any] | None = None,
) -> tuple[Callable[[str], Any], list[str]]:
    """`__getattr__` and the names of a package: `places` maps each to its module.

    A module of the package is loaded by its name, too; for any other name `otherwise` is asked.
    """
    place_of = {name: place for place, names in places.items() for name in names}

    def load(name: str) -> Any:
        if name in place_of:
            return getattr(importlib.import_module(place_of[name]), name)
        if not name.startswith("_") and importlib.util.find_spec(f"{package}.{name}"):
            return importlib.import_module(f"{package}.{name}")
        if otherwise is not None:
            return otherwise(package, name)
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return load, list(place_of)
