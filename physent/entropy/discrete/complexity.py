"""Statistical complexity of a probability vector, and the bounds of the entropy-complexity
plane.
"""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike

from physent.entropy.discrete.arguments import axes_of, compiled
from physent.entropy.discrete.arrays import as_real, scaled
from physent.entropy.discrete.measures import SHANNON, Measure
from physent.entropy.discrete.power_sums import nonnegative


@compiled()
def lmc_complexity(
    p: ArrayLike, axis: int = -1, times_n: bool = False, measure: Measure = SHANNON
) -> Array:
    """Lopez-Ruiz, Mancini and Calbet's complexity, C = (H/H_max) D with the disequilibrium D =
    sum_i (p_i - 1/N)^2.

    It vanishes for perfect order and for equal probabilities. Lopez-Ruiz, Mancini and Calbet, Phys.
    Lett. A 209, 321 (1995). `times_n` gives C N instead, which the tables of
    simple-idealized-1d-nlse print; N is the number of outcomes along `axis`, two at least. As in
    `entropy`, p are probabilities, or counts or weights, which are divided by their sum, and a
    negative one makes the result NaN.
    """
    p, n = _shares(p, axis)
    value = measure.normalised(measure(p, axis=axis), n) * jnp.sum((p - 1 / n) ** 2, axis=axis)
    return value * n if times_n else value


def _shares(p: ArrayLike, axis: int) -> tuple[Array, int]:
    """Probabilities, counts or weights over their sum along an axis, and the number of outcomes."""
    p = as_real(p)
    (place,) = axes_of(p, (axis,))
    if (n := p.shape[place]) < 2:
        raise ValueError(
            f"p: given the shape {p.shape}, allowed: two outcomes or more along axis {axis}"
        )
    p = nonnegative(scaled(p, place), "nan")
    return p / jnp.sum(p, axis=place, keepdims=True), n


@compiled()
def jensen_shannon_complexity(p: ArrayLike, axis: int = -1) -> Array:
    """Jensen-Shannon statistical complexity, C = Q0 J(p, u) H(p)/ln n, between 0 and 1.

    J = S((p + u)/2) - S(p)/2 - S(u)/2 is the divergence from equal probabilities u, and Q0 the
    inverse of its largest value. Lamberti, Martin, Plastino and Rosso, Physica A 334, 119 (2004).
    With ordinal patterns it makes the entropy-complexity plane of Rosso et al., Phys. Rev. Lett.
    99, 154102 (2007). Pair it with the normalised Shannon entropy of the same p. Biased by a finite
    sample: noise lies at H slightly below 1 and C slightly above 0. Of counts, weights and negative
    values as `lmc_complexity` says.
    """
    p, n = _shares(p, axis)
    divergence = SHANNON((p + 1 / n) / 2, axis) - SHANNON(p, axis) / 2 - math.log(n) / 2
    return _largest_divergence_inverse(n) * divergence * SHANNON(p, axis) / math.log(n)


def _largest_divergence_inverse(n: int) -> float:
    return -2 / ((n + 1) / n * math.log(n + 1) - 2 * math.log(2 * n) + math.log(n))


@compiled()
def complexity_bounds(entropy: ArrayLike, n: int) -> tuple[Array, Array]:
    """The least and the largest Jensen-Shannon complexity that n outcomes can have at a given
    normalised entropy.

    Args:
        entropy: H/ln n, between 0 and 1, any shape; NaN elsewhere.
        n: number of outcomes, two at least.

    Returns:
        The lower and the upper bound, of the shape of `entropy`. The lower is attained by one
        likely outcome and n - 1 equal ones, the upper by one outcome, equal ones and impossible
        ones (Martin, Plastino and Rosso, Physica A 369, 439 (2006)); the mixing parameter is found
        by bisection, to rounding.
    """
    if n < 2:
        raise ValueError(f"n: given {n}, allowed: two outcomes or more")
    normalised = as_real(entropy)
    slack = 8 * jnp.finfo(normalised.dtype).eps
    possible = (normalised >= -slack) & (normalised <= 1 + slack)
    h = jnp.where(possible, jnp.clip(normalised, 0, 1), jnp.nan) * math.log(n)
    low, high = jnp.full_like(h, 1 / n), jnp.ones_like(h)
    one = _bisect(lambda a: _grouped_entropy(a, 1.0 * n - 1, h.dtype) < h, low, high)
    lower = _grouped_complexity(one, jnp.full_like(h, n - 1), n)

    likely = jnp.clip(jnp.ceil(jnp.exp(h)), 2, n) - 1
    odd = _bisect(
        lambda a: _grouped_entropy(a, likely, h.dtype) > h, jnp.zeros_like(h), 1 / (likely + 1)
    )
    upper = _grouped_complexity(odd, likely, n)
    # the bisections end at a number even where there is none
    return jnp.where(jnp.isnan(h), h, lower), jnp.where(jnp.isnan(h), h, upper)


def _bisect(above, low: Array, high: Array) -> Array:
    """The argument between `low` and `high` at which `above` becomes true."""

    def halve(_, bounds):
        low, high = bounds
        middle = (low + high) / 2
        cut = above(middle)
        return jnp.where(cut, low, middle), jnp.where(cut, middle, high)

    return jax.lax.fori_loop(0, 2 * jnp.finfo(low.dtype).nmant, halve, (low, high))[0]


def _grouped_entropy(a: Array, others: ArrayLike, dtype) -> Array:
    """Shannon entropy of one outcome of probability a and `others` equal ones."""
    others = jnp.asarray(others, dtype)
    return SHANNON.summand(a) + others * SHANNON.summand((1 - a) / others)


def _grouped_complexity(a: Array, others: Array, n: int) -> Array:
    b, f = (1 - a) / others, SHANNON.summand
    middle = (
        f((a + 1 / n) / 2)
        + others * f((b + 1 / n) / 2)
        + (n - 1 - others) * f(jnp.full_like(a, 0.5 / n))
    )
    entropy = _grouped_entropy(a, others, a.dtype)
    divergence = middle - entropy / 2 - math.log(n) / 2
    return _largest_divergence_inverse(n) * divergence * entropy / math.log(n)
