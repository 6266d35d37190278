"""Functions of Python that stand in the settings of a part, with the places where they are
written.
"""

import sys
from collections.abc import Callable
from typing import Any

from physent.protocol import registry


class Function(str):
    """The place of a function, 'path.py:function', together with the function: settings store the
    place, equality compares the function.

    The place of one that cannot be found by its name, as of a lambda or of what was made inside
    another function, says so by a "<".
    """

    function: Callable[..., Any]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Function) and other.function is self.function

    def __hash__(self) -> int:
        return id(self.function)


def as_function(value: Any) -> Any:
    """A function with its place; a place alone stays what it is."""
    if isinstance(value, str) or not callable(value):
        return value
    module = str(getattr(value, "__module__", None))
    name = str(getattr(value, "__qualname__", None) or f"<{type(value).__name__}>")
    if "<" not in name and getattr(sys.modules.get(module), name, None) is not value:
        name = f"<{name}>"
    named = Function(f"{registry.home_of(module)}:{name}")
    named.function = value
    return named
