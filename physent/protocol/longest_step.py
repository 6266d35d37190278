"""How long a step of a field equation may be, from its linear symbol, its method, and how fast its
nonlinear part is at the start: `dt = "auto"`.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from physent.errors import ParameterError
from physent.numerics.splitting import SPLITTINGS
from physent.protocol.parameters import member_axes

TURNS = 40  # of the power iteration, of which the last half are averaged
SHARES = {"etdrk2": 0.25, "strang": 0.25, "imex_rk3": 0.35}  # of 1/rate; of the other methods 0.5
RESONANCE = 0.9 * np.pi  # of the fastest wave, at which a kick feeds it
TIMES = (0.37, 1.23)  # at which it shows that a force varies


class Parts(NamedTuple):
    """A field equation of one member at its start: the modes of the unknowns, some others, the rate
    N(modes, t), and the symbols of the linear part, 0 for modes that do not take part.
    """

    start: Array
    others: Array
    rate: Callable[[Array, Array], Array]
    symbols: Array


def longest_step(solver: Any, parts: Callable[[Any], Parts]) -> Array:
    """The longest time step of a field equation, one for each member if they differ: the shortest
    of

    - a share of 1/r, r the largest rate of the nonlinear part at the start, |dN/du| or |N|/|u|: of
      the CFL time dx/(pi |v|) for advection, of its time scale for a reaction or a force;
    - for `imex_rk3` a share of 1/max |Im L|, for it does not follow faster waves;
    - for splittings .9 pi/max |Im L|, where kicks come into resonance with waves.

    The method `dopri8` chooses its own steps. Raises ParameterError where the start does not tell:
    where waves grow, where a field is driven from rest, and where N depends on the time.
    """
    if solver.method == "dopri8":
        return jnp.asarray(jnp.inf)
    axes = member_axes(solver)
    leaves = jax.tree.leaves(axes, is_leaf=lambda axis: axis is None)
    several = any(axis is not None for axis in leaves)
    judge = lambda solver: _judged(parts(solver))  # noqa: E731
    judge = eqx.filter_vmap(judge, in_axes=(axes,)) if several else judge
    rate, varying, symbols = map(np.asarray, eqx.filter_jit(judge)(solver))
    growing, turning = of_symbols(symbols, len(solver.basis.shape), several)
    if np.any(growing > 1e-12 * np.maximum(turning, 1)):
        _refuse("waves grow from the start, which does not tell how fast they will be later")
    if np.any(varying > 0):
        _refuse("the nonlinear part depends on the time, and the start does not tell how")
    if not np.all(np.isfinite(rate)):
        _refuse("it is driven from rest, or not finite at the start")
    share = SHARES.get(solver.method, 0.5)
    with np.errstate(divide="ignore"):
        limit = share / rate
        if solver.method == "imex_rk3":
            limit = np.minimum(limit, share / turning)
        if solver.method in SPLITTINGS:
            limit = np.minimum(limit, RESONANCE / turning)
    return jnp.asarray(limit, solver.dt.dtype)


def _refuse(words: str) -> None:
    raise ParameterError("solver.dt", f"given 'auto', but {words}, allowed: a number > 0")


def _judged(parts: Parts) -> tuple[Array, Array, Array]:
    """The largest rate of N at the start, how much N depends on the time, and the symbols."""
    t = jnp.zeros((), parts.start.real.dtype)
    _, pushed = jax.linearize(lambda modes: parts.rate(modes, t), parts.start)

    def turn(vector: Array, _: None) -> tuple[Array, Array]:
        vector = vector / jnp.maximum(_size(vector), jnp.finfo(t.dtype).tiny)
        image = pushed(vector)
        return image, _size(image)

    _, sizes = jax.lax.scan(turn, parts.others, None, TURNS)
    last = sizes[TURNS // 2 :]
    mean = jnp.exp(jnp.mean(jnp.log(jnp.where(last > 0, last, 1))))

    def change(at: float) -> Array:
        one = jnp.ones_like(t)
        return _size(jax.jvp(lambda t: parts.rate(parts.start, t), (t + at,), (one,))[1])

    own, there = _size(parts.rate(parts.start, t)), _size(parts.start)
    driven = jnp.where(own > 0, own / there, 0)  # infinite at rest
    fastest = jnp.maximum(jnp.where(jnp.all(last > 0), mean, 0), driven)
    return fastest, change(TIMES[0]) + change(TIMES[1]), parts.symbols


def _size(modes: Array) -> Array:
    return jnp.sqrt(jnp.sum(modes.real**2 + modes.imag**2))


def of_symbols(symbols: np.ndarray, axes: int, several: bool) -> tuple[Any, Any]:
    """The largest real part of the eigenvalues of L, and the largest imaginary one."""
    if symbols.ndim - axes - several == 2:  # matrices
        first = int(several)
        symbols = np.linalg.eigvals(np.moveaxis(symbols, (first, first + 1), (-2, -1)))
    flat = symbols.reshape(symbols.shape[0] if several else 1, -1)
    growing, turning = np.real(flat).max(-1), np.abs(np.imag(flat)).max(-1)
    return (growing, turning) if several else (growing[0], turning[0])
