"""Derivatives of a short run along every `param` of a solver, in both modes and by differences."""

import contextlib
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import physent

# observables that are rounding, or turn on it: they take part with the weight 0, for their
# derivatives must be numbers all the same
ROUNDING = ("phase", "max_divergence")


class Derivatives(NamedTuple):
    """Of one number, along each array of numbers of a solver, by name; NaN in a mode not asked
    for.
    """

    names: list[str]
    reverse: np.ndarray
    forward: np.ndarray
    difference: np.ndarray


def number(solver: Any) -> Any:
    """A smooth function of everything that three rows of a run observe."""
    states, _ = physent.trajectory(
        solver, 2, key=jax.random.key(3), save=lambda solver, state: state
    )
    seen = jax.vmap(solver.observe)(states)
    total = jnp.zeros((), solver.dt.dtype)
    for k, name in enumerate(sorted(seen)):
        values = seen[name]
        for part in (values.real, values.imag) if jnp.iscomplexobj(values) else (values,):
            if jnp.issubdtype(part.dtype, jnp.inexact):
                weight = np.cos(1.0 + k + 1.7 * np.arange(part.size)).astype(part.dtype)
                share = jnp.mean(part.ravel() * weight)
                total = total + (0 if name in ROUNDING else 1) * share
    return total


@eqx.filter_jit
def _along(numbers: Any, way: Any, rest: Any, modes: tuple[str, ...]) -> dict[str, Any]:
    """The number, and its derivatives in both modes: all in one program."""

    def of(numbers):
        return number(eqx.combine(numbers, rest))

    found = {}
    if "forward" in modes:
        found["value"], found["forward"] = jax.jvp(of, (numbers,), (way,))
    if "reverse" in modes:
        found["value"], slopes = jax.value_and_grad(of)(numbers)
        products = jax.tree.map(lambda a, b: jnp.sum(a * b), slopes, way)
        found["reverse"] = jnp.stack(jax.tree.leaves(products))
    return found


def derivatives(
    solver: Any, modes: tuple[str, ...] = ("reverse", "forward"), h: float | None = 1e-5
) -> Derivatives:
    """Each along a direction of its own, of the size of the value; differences unless h is
    None.
    """
    numbers, rest = eqx.partition(solver, eqx.is_inexact_array)
    paths, tree = jax.tree_util.tree_flatten_with_path(numbers)
    leaves = [leaf for _, leaf in paths]
    ways = []
    for leaf in leaves:
        size = max(np.max(np.abs(leaf)), 0.1) if np.all(np.isfinite(leaf)) else 1.0
        way = size * (1 + 0.3 * np.sin(np.arange(leaf.size))).reshape(leaf.shape)
        ways.append(jnp.asarray(way.astype(leaf.dtype)))
    each = range(len(leaves))

    def at(k: int, h: float = 0.0) -> dict[str, Any]:
        """Along one leaf, or with k = -1 along all."""
        point = [leaves[j] + h * ways[j] if j == k else leaves[j] for j in each]
        way = [ways[j] if k in (j, -1) else jnp.zeros_like(ways[j]) for j in each]
        point, way = (jax.tree.unflatten(tree, part) for part in (point, way))
        return _along(point, way, rest, modes)

    absent = np.full(len(leaves), np.nan)
    return Derivatives(
        [jax.tree_util.keystr(path).lstrip(".") for path, _ in paths],
        np.asarray(at(-1)["reverse"]) if "reverse" in modes else absent,
        np.array([at(k)["forward"] for k in each]) if "forward" in modes else absent,
        absent
        if h is None
        else np.array([at(k, h)["value"] - at(k, -h)["value"] for k in each]) / (2 * h),
    )


@contextlib.contextmanager
def noise_of_float32():
    """Random numbers are those of float32 in any precision."""

    def narrow(draw):
        def drawn(key, shape=(), dtype=float, *rest, **more):
            return draw(key, shape, jnp.float32, *rest, **more).astype(jnp.dtype(dtype))

        return drawn

    with pytest.MonkeyPatch.context() as patch:
        for name in ("normal", "uniform", "exponential"):
            patch.setattr(jax.random, name, narrow(getattr(jax.random, name)))
        yield
