"""What stands for a part: the name of one of its kinds, an instance, or values in its place."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, Never, TypeVar, cast, overload

import equinox as eqx
from jaxtyping import ArrayLike

T = TypeVar("T")
V = TypeVar("V")
# to the depth that parameters have: a recursive type would let a text pass, which holds texts
Numbers = (
    ArrayLike
    | Sequence[ArrayLike]
    | Sequence[Sequence[ArrayLike]]
    | Sequence[Sequence[Sequence[ArrayLike]]]
)
Values = Numbers | Mapping[str, Numbers] | Callable[..., Any]


class Unsampled(eqx.Module):
    """A function of space until its owner, which knows the grid, evaluates it
    (`physent.protocol.given.settle`).
    """

    function: Callable[..., Any] = eqx.field(static=True)


class one_of(Generic[T, V]):
    """The converter of a `choice`: the name of one of `options` becomes an instance of that class,
    and an instance is kept.

    With `given`, one of the classes of `physent.protocol.given.Given`, arrays become an instance
    of that class, and so does a function of space, once there is a grid. With `law`, one of the
    classes of `physent.protocol.law.Law`, a function becomes an instance of that.
    """

    @overload
    def __init__(self: "one_of[T, Never]", options: Mapping[str, type[T]]) -> None: ...

    @overload
    def __init__(
        self: "one_of[T, Values]", options: Mapping[str, type[T]], *, given: type[T]
    ) -> None: ...

    @overload
    def __init__(
        self: "one_of[T, Callable[..., Any]]", options: Mapping[str, type[T]], *, law: type[T]
    ) -> None: ...

    def __init__(
        self,
        options: Mapping[str, type[T]],
        *,
        given: type[T] | None = None,
        law: type[T] | None = None,
    ):
        self.options = options
        self.given = given or law

    def __call__(self, value: T | V | str) -> T:
        """The instance that `value` is, names, or gives the values of."""
        if isinstance(value, str):
            return self.options[value]() if value in self.options else cast(T, value)
        family = None if self.given is None else cast(Any, self.given)
        if family is None or family.is_made(value):
            return cast(T, value)
        return family.taken(value)
