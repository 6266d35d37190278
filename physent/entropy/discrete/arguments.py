"""Arguments of functions: checked once by their annotations, before anything is computed."""

import functools
import inspect
import math
import operator
from collections.abc import Callable, Sequence
from typing import Any, Literal, ParamSpec, TypeVar, get_args, get_origin

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, PRNGKeyArray

from physent.entropy.discrete.arrays import native
from physent.protocol.parameters import Declared, brief, check_instance, known

P = ParamSpec("P")
R = TypeVar("R")
Check = Callable[[np.ndarray], Any]

# of a logarithm
BASE: tuple[Check, str] = (
    lambda base: base.ndim == 0 and 1 < base < np.inf,
    "a number > 1, or None for nats",
)
# of lengths and distances
POSITIVE: tuple[Check, str] = (
    lambda value: np.all(np.isfinite(value) & (value > 0)),
    "numbers > 0",
)


def chosen(name: str, value: Any, *allowed: Any) -> None:
    """Raise ValueError unless the value of an option is one of those allowed."""
    plain = isinstance(value, str | int | np.integer) and not isinstance(value, bool)
    if not (plain and value in allowed):
        words = ", ".join(map(str, allowed))
        raise ValueError(f"{name}: given {brief(value)}, allowed: {words}")


def whole(name: str, value: Any) -> int:
    """A whole number, of Python, numpy or JAX, as an int.

    Raises ValueError for any other value: true and false, 2.5 and 2.0, and what is traced.
    """
    try:
        if not _is_truth(value):
            return operator.index(value)
    except TypeError:
        if not known(value):
            raise ValueError(
                f"{name}: given a traced value, allowed: a whole number that is known when the "
                "program is compiled"
            ) from None
    raise ValueError(f"{name}: given {brief(value)}, allowed: a whole number")


def axes_of(x: Array, axes: Sequence[int]) -> tuple[int, ...]:
    """The places, from 0 on, of different axes of an array, those from the end counted as Python
    does.

    Raises ValueError for axes that are not there, or twice, or have no values.
    """
    places = [whole("axis", axis) for axis in axes]
    there = {place % x.ndim for place in places if -x.ndim <= place < x.ndim}
    if len(there) < len(places) or not places:
        raise ValueError(
            f"axis: given {brief(tuple(axes))}, allowed: different axes of an array of shape "
            f"{x.shape}"
        )
    if any(x.shape[place] == 0 for place in places):
        raise ValueError(f"axis={tuple(places)} of an array of shape {x.shape} has no values")
    return tuple(place % x.ndim for place in places)


def _key(name: str, value: Any) -> Any:
    dtype, shape = getattr(value, "dtype", None), getattr(value, "shape", None)
    typed = dtype is not None and jnp.issubdtype(dtype, jax.dtypes.prng_key) and shape == ()
    if not typed and not (dtype == np.uint32 and len(shape or ()) == 1):  # as PRNGKey makes them
        raise ValueError(f"{name}: given {brief(value)}, allowed: a key, such as jax.random.key(0)")
    return value


def _is_truth(value: Any) -> bool:
    dtype = getattr(value, "dtype", None)
    return isinstance(value, bool) or (dtype is not None and jnp.issubdtype(dtype, np.bool_))


def _truth(name: str, value: Any) -> bool:
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{name}: given {brief(value)}, allowed: True or False")
    return bool(value)


def _member(family: type, name: str, value: Any) -> Any:
    if not isinstance(value, family):
        check_instance(value, family, name, f": {', '.join(sorted(_kinds(family)))}")
    return value


def _kinds(family: type) -> set[str]:
    """The names of the classes of a family, as they are called."""
    own = set() if inspect.isabstract(family) else {f"{family.__name__}()"}
    ours = (kind for kind in family.__subclasses__() if kind.__module__.startswith("physent."))
    return own.union(*map(_kinds, ours))


def _one_of(options: tuple[Any, ...], name: str, value: Any) -> Any:
    chosen(name, value, *options)
    return value


def _look(annotation: Any) -> Callable[[str, Any], Any] | None:
    """What looks at an argument of this annotation, and returns it; None for arrays and the
    like.
    """
    if annotation in (int, int | None):
        return whole
    if annotation is bool:
        return _truth
    if annotation is PRNGKeyArray:
        return _key
    if get_origin(annotation) is Literal:
        return functools.partial(_one_of, get_args(annotation))
    if isinstance(annotation, type) and issubclass(annotation, Declared):
        return functools.partial(_member, annotation)
    return None


def _fits(value: Any, holds: Check) -> bool:
    """Whether values, which may be traced, are numbers for which a predicate holds."""
    leaves = jax.tree.leaves(value)
    if not known(*leaves):
        return True
    try:
        strange = any(isinstance(leaf, bool | np.bool_ | str) for leaf in leaves)
        return not strange and bool(holds(np.asarray(value, float)))
    except (TypeError, ValueError, OverflowError):
        return False


def log_base(base: ArrayLike, dtype: Any) -> Array:
    """The logarithm of a base, to divide by."""
    if isinstance(base, int | float):
        return jnp.asarray(math.log(base), dtype)
    return jnp.log(jnp.asarray(base, dtype))


def checked(**allowed: tuple[Check, str]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorate a function whose arguments are to be what their annotations say.

    A whole number becomes an int; true or false, keys, the choices of a Literal, and measures,
    estimators and outcome spaces are looked at. Named arguments are numbers, for which `allowed`
    gives a predicate and what it allows in words. None passes where the annotation has it or where
    it is the default. Raises ValueError for anything else.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        looks = []
        for place, (name, parameter) in enumerate(inspect.signature(function).parameters.items()):
            look = _look(parameter.annotation)
            optional = parameter.default is None or type(None) in get_args(parameter.annotation)
            if look is not None or name in allowed:
                looks.append((place, name, look, optional))

        def seen(name: str, value: Any, look: Any, optional: bool) -> Any:
            if value is None and optional:
                return value
            if name in allowed and not _fits(value, allowed[name][0]):
                given = brief(np.asarray(value).tolist() if hasattr(value, "dtype") else value)
                raise ValueError(f"{name}: given {given}, allowed: {allowed[name][1]}")
            return value if look is None else look(name, value)

        @functools.wraps(function)
        def called(*args: P.args, **kwargs: P.kwargs) -> R:
            given: list[Any] = list(args)
            for place, name, look, optional in looks:
                if place < len(given):
                    given[place] = seen(name, given[place], look, optional)
                elif name in kwargs:
                    kwargs[name] = seen(name, kwargs[name], look, optional)
            return function(*given, **kwargs)  # pyright: ignore[reportCallIssue]

        return called

    return decorate


def compiled(**allowed: tuple[Check, str]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorate a function to be jitted, with `native` and `checked` arguments."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        jitted = eqx.filter_jit(function)

        @checked(**allowed)
        @functools.wraps(function)
        def called(*args: P.args, **kwargs: P.kwargs) -> R:
            args = tuple(map(native, args))  # pyright: ignore[reportAssignmentType]
            kwargs = {name: native(value) for name, value in kwargs.items()}  # pyright: ignore
            return jitted(*args, **kwargs)

        return called

    return decorate
