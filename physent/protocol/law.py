"""Functions in the place of a kind: laws, such as a potential V(phi) or a force f(r).

From Python the function itself is given; an experiment names it by its place. A run folder has the
place, and a copy of the file. A function without a place, such as a lambda, runs, and its run
cannot be resumed from the folder.
"""

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from physent.errors import ParameterError, RegistryError, brief
from physent.protocol import registry
from physent.protocol.declaration import declarations, known
from physent.protocol.functions import Function
from physent.protocol.parameters import Declared


class Law(Declared):
    """A function of your own, written with jax.numpy, in the place of a kind.

    `arguments` says of what it is one; `function` is a `static(function=True)`.
    """

    from_file: ClassVar[bool] = False
    arguments: ClassVar[str]
    function: eqx.AbstractVar[Any]

    @classmethod
    def is_made(cls, value: Any) -> bool:
        """Whether a value is a part already."""
        return isinstance(value, Declared)

    @classmethod
    def words(cls) -> str:
        """What may be given, in words."""
        return f"a function of {cls.arguments}"

    @classmethod
    def misfit(cls, value: Any, allowed: str) -> str | None:
        """A message on why this can be no such function, or None; `allowed` says what a part may
        be.
        """
        if callable(value) and not isinstance(value, type | Declared):
            return None
        given = f"the class {value.__name__}" if isinstance(value, type) else brief(value)
        return f"given {given}, allowed: {allowed}"

    @classmethod
    def taken(cls, value: Any) -> Any:
        """The part that has this function."""
        return cls(function=value)

    def law(self) -> Callable[..., Any]:
        """The function. Raises RegistryError where there is none."""
        if isinstance(self.function, Function):
            return self.function.function
        if ":" not in self.function:
            words = "allowed: 'path.py:function' or 'package:function'"
            raise RegistryError(f"given {self.function!r}, {words}")
        found: Any = registry.from_place(self.function, sort="function")
        if not callable(found) or isinstance(found, type):
            raise RegistryError(f"{self.function} is no function")
        return found

    def tried(self, key: str, *points: Any, parts: int = 1) -> np.ndarray | None:
        """Its values at a few points, (points,) each, or with `parts` (parts, points); None where
        they are not known yet. Raises ParameterError about `key` unless it acts on arrays element
        by element, with real values.
        """
        try:
            law = self.law()
        except RegistryError as error:
            raise ParameterError(key, str(error)) from None

        def at(*point: Any) -> Any:
            found = law(*map(jnp.asarray, point))
            found = found if parts == 1 else jnp.stack([jnp.asarray(each) for each in found])
            return found if not known(found) else np.asarray(found)

        try:
            with jax.ensure_compile_time_eval():  # a solver may be made inside a compiled function
                values = at(*points)
                single = [at(*point) for point in zip(*points, strict=True)]
                if not known(values, *single):
                    return None
        except Exception as error:
            words = " ".join(repr(error).split())
            raise ParameterError(key, f"{self.function} cannot be evaluated: {words}") from None
        if values.dtype.kind == "c":
            words = f"{self.function} has complex values, allowed: real ones"
            raise ParameterError(key, words)
        shape = (parts,) * (parts > 1) + np.shape(points[0])
        alike = values.shape == shape and all(np.shape(each) == shape[:-1] for each in single)
        if not alike or not np.allclose(values, np.stack(single, -1), 1e-5, 1e-6, equal_nan=True):
            words = f"{self.function} must act on an array element by element"
            raise ParameterError(key, words)
        return values


def without_place(module: Any, key: str) -> Iterator[str]:
    """A sentence for each function of a module and of its choices that has no place."""
    for name, declaration in declarations(type(module)).items():
        value = getattr(module, name)
        if declaration.form == "choice":
            yield from without_place(value, f"{key}.{name}")
        elif isinstance(value, Function) and "<" in value:
            yield (
                f"{key}.{name}: {value} has no name by which it is found in a file or module: this "
                "run cannot be resumed from its folder"
            )
