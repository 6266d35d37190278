"""Ties: values that occur more than once, where an estimator wants continuous ones.

Nearest-neighbour estimators count distances smaller than another, and are wrong by whole nats where
many distances are equal: rounded data, counts, rain that is zero on most days. Two invertible steps
leave every information as it is and make such data continuous:

- an atom, a value with many times more copies than its neighbours, is moved out of the range of the
  others, so that it is a class of its own, as in the estimators for mixtures (B. C. Ross, PLoS ONE
  9, e87357, 2014; W. Gao et al., NIPS 30, 5986, 2017);
- the copies of a value are spread over a small part of the gap to the next value, at random but by
  a fixed key.

What is spread needs digits beside the distance to the median: of 1,000 values in float32, half of
them 1e6 standard deviations away and there rounded by that type itself to 1/16, the information
comes out .1 too large (.01 at 1e5); in float64 it is right.
"""

from collections.abc import Iterable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from physent.entropy.discrete import warn_user

_KEY = 0x7165  # another key gives values that differ by their statistical error
_SHARE = 0.05  # of the gap to the next value, over which copies are spread
_MORE = 8  # an atom has so many times more copies than either neighbour
_UNROLLED = 8  # components
_WARN = 0.05  # share of tied values that is worth a warning


def untied(points: Array, k: int, space: int, circle: Array | None) -> Array:
    """Points (N, d) without ties in any component; a component that has none keeps its bits.

    `k` is the number of neighbours, `space` tells apart the spreading of different variables, and
    atoms stay where they are on a `circle` (a circumference that is not inf). A constant stays a
    constant.
    """
    d = points.shape[1]
    circles = jnp.full(d, jnp.inf, points.dtype) if circle is None else circle

    def column(values: Array, i: Array | int, around: Array) -> Array:
        return _untied_component(values, k, jax.random.key(_KEY + 1000 * space + i), around)

    if d > _UNROLLED:  # else compiling takes a second for each component
        return jax.lax.map(lambda one: column(*one), (points.T, jnp.arange(d), circles)).T
    return jnp.stack([column(points[:, i], i, circles[i]) for i in range(d)], axis=1)


def _untied_component(x: Array, k: int, key: Array, circle: Array) -> Array:
    given, move = x, jnp.isinf(circle)
    around = jnp.where(move, 1, circle)
    x = jnp.where(move, x, x - around * jnp.floor(x / around))
    x = jnp.where(move | (x < circle), x, 0)  # both ends are one place
    order = jnp.argsort(x)
    values = x[order]
    n = x.shape[0]
    first = jnp.searchsorted(values, values, side="left")
    after = jnp.searchsorted(values, values, side="right")
    copies = after - first
    lowest, highest = first == 0, after == n
    before, beyond = jnp.maximum(first - 1, 0), jnp.minimum(after, n - 1)
    gap = jnp.minimum(
        jnp.where(lowest, jnp.inf, values - values[before]),
        jnp.where(highest, jnp.inf, values[beyond] - values),
    )
    # the first and the last value on a circle are neighbours, too
    seam = circle - (values[-1] - values[0])
    gap = jnp.where(lowest | highest, jnp.minimum(gap, seam), gap)
    noise = jax.random.uniform(key, x.shape, jnp.float32, -_SHARE, _SHARE).astype(x.dtype)
    # near 0 there are numbers between two that differ in the last digit only; but a shift must not
    # make small ones equal
    centred = values - values[n // 2]
    same = jnp.sum(jnp.diff(centred) > 0) == jnp.sum(jnp.diff(values) > 0)
    centred = jnp.where(same, centred, values)
    result = jnp.where(copies > 1, centred + gap * noise, centred)
    neighbours = jnp.maximum(
        jnp.where(lowest, 0, copies[before]), jnp.where(highest, 0, copies[beyond])
    )
    atom = (copies > k) & (copies >= _MORE * neighbours) & move
    number = jnp.cumsum(atom & (jnp.arange(n) == first)).astype(x.dtype)
    extent = values[-1] - values[0]
    result = jnp.where(atom, centred[-1] + extent * (2 * number + noise), result)
    tied = jnp.any(copies > 1) & jnp.all(copies < n)
    return jnp.where(tied, jnp.zeros_like(x).at[order].set(result), given)


def warn_of_ties(samples: Iterable[np.ndarray]) -> None:
    """Warn where more than a few per cent of the values of a component (..., N, d) are tied."""
    share = max((tied_share(each) for each in samples), default=0.0)
    if share > _WARN:
        warn_user(
            f"{share:.0%} of the values of a variable occur more than once, but nearest-neighbour "
            "estimators are for continuous values: copies are spread a little, at random with a "
            "fixed key; discrete estimators are better for symbols"
        )


def tied_share(samples: np.ndarray) -> float:
    """The largest share of tied values of a component; a constant has none."""
    ordered = np.sort(samples, axis=-2)
    same = np.diff(ordered, axis=-2) == 0
    none = np.zeros_like(same[..., :1, :])
    share = np.mean(np.concatenate([same, none], -2) | np.concatenate([none, same], -2), axis=-2)
    return float(np.max(np.where(np.all(same, axis=-2), 0, share), initial=0))
