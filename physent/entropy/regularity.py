"""Regularity of series: sample, approximate and multiscale entropy, how often matching segments
continue to match, and Lempel-Ziv complexity, how often a sequence shows new words.

Templates are sorted by their first value once. A template agrees only with a run of neighbours in
that order, so the comparison goes over distances in the sorted order and stops at the first at
which no pair is within the tolerance: all pairs in the worst case, a fraction 2 r times the density
of the values in practice. Memory O(m N).
"""

import math
from collections.abc import Sequence
from numbers import Integral
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from physent.entropy.discrete import (
    as_array,
    as_real,
    checked,
    compiled,
    known,
    on_host,
    only_finite,
    rowwise,
    shift_free,
    std,
)

_STEPS = 4  # distances compared in one turn of the loop


def _tolerance(x: Array, tolerance: ArrayLike | None, relative: float) -> Array:
    given = relative * std(x, axis=-1) if tolerance is None else tolerance
    return jnp.broadcast_to(jnp.asarray(given, x.dtype), x.shape[:-1])


def _sorted_templates(x: Array, m: int, count: int) -> list[Array]:
    """Columns 0 to m of the templates, in the order of their first value; values beyond the series
    are inf.
    """
    columns = [jnp.pad(x, (0, m), constant_values=jnp.inf)[i : i + count] for i in range(m + 1)]
    order = jnp.argsort(columns[0])
    return [column[order] for column in columns]


def _agreements(columns: list[Array], r: Array, both: bool) -> tuple[Array, Array]:
    """For every template the number of later ones in the order (or all others) that match in all
    columns but the last, and in all.

    Two values agree when |a - b| <= r.
    """
    n = columns[0].shape[0]
    padded = [
        jnp.pad(column, (n if both else 0, n + _STEPS), constant_values=jnp.inf)
        for column in columns
    ]
    offset = n if both else 0

    def close(column, shifted, distance):
        return jnp.abs(jax.lax.dynamic_slice(shifted, (offset + distance,), (n,)) - column) <= r

    def turn(state):
        distance, _, shorter, longer = state
        reached = jnp.zeros((), bool)
        for step in range(_STEPS):
            for sign in (1, -1) if both else (1,):
                at = sign * (distance + step)
                agree = close(columns[0], padded[0], at)
                reached = jnp.any(agree)
                for column, shifted in zip(columns[1:-1], padded[1:-1], strict=True):
                    agree &= close(column, shifted, at)
                shorter += agree
                longer += agree & close(columns[-1], padded[-1], at)
        return distance + _STEPS, reached, shorter, longer

    zeros = jnp.zeros(n, jnp.int32)
    start = (jnp.ones((), jnp.int32), jnp.ones((), bool), zeros, zeros)
    _, _, shorter, longer = jax.lax.while_loop(lambda state: state[1] & (state[0] < n), turn, start)
    return shorter, longer


def _each(function, x: Array, r: Array) -> Array:
    flat = x.reshape(-1, x.shape[-1])
    value = jax.lax.map(lambda pair: function(*pair), (flat, r.reshape(-1)))
    return only_finite(value, flat).reshape(x.shape[:-1])


def _checked(x: ArrayLike, order: int) -> Array:
    x = as_real(x, core=1)
    if order < 1 or x.shape[-1] < order + 2:
        raise ValueError(
            f"order = {order} needs at least 1 and a series of order + 2 values, given "
            f"{x.shape[-1]}"
        )
    return x


@shift_free(x=-1)
@compiled()
def sample_entropy(
    x: ArrayLike,
    order: int = 2,
    tolerance: ArrayLike | None = None,
    relative: float = 0.2,
    templates: Literal["common", "all"] = "common",
) -> Array:
    """Sample entropy of series along the last axis, -ln(A/B), in nats.

    B counts the pairs of templates of `order` values whose largest difference is at most r, A those
    that agree in the next value as well, both among the first N - order templates, no template with
    itself. Richman and Moorman, Am. J. Physiol. Heart Circ. Physiol. 278, H2039 (2000).

    Args:
        x: series (..., N).
        order: values in a template, m.
        tolerance: r, one for all or one for every series; by default `relative` times the standard
            deviation.
        relative: see `tolerance`; the standard deviation has the divisor N.
        templates: "all" takes the last template of `order` values too and divides A and B by their
            numbers of pairs, as simple-idealized-1d-nlse 0.0.5 does.

    inf if no longer pair agrees, NaN if no pair does. White Gaussian noise: -ln erf(r/2). Its
    variance is of order 1/A.
    """
    x = _checked(x, order)

    def one(series, r):
        n = series.shape[0] - order
        count = n + (templates == "all")
        shorter, longer = _agreements(_sorted_templates(series, order, count), r, both=False)
        a, b = (jnp.sum(counts.astype(series.dtype)) for counts in (longer, shorter))
        return jnp.log(b) - jnp.log(a) + math.log((n * (n - 1)) / (count * (count - 1)))

    return _each(one, x, _tolerance(x, tolerance, relative))


@shift_free(x=-1)
@compiled()
def approximate_entropy(
    x: ArrayLike, order: int = 2, tolerance: ArrayLike | None = None, relative: float = 0.2
) -> Array:
    """Approximate entropy of series along the last axis, Phi_m - Phi_(m+1), in nats.

    Phi_m is the mean logarithm of the fraction of templates of m values that agree with each,
    itself included. Pincus, Proc. Natl. Acad. Sci. USA 88, 2297 (1991). Arguments as in
    `sample_entropy`. Bias: downwards, strongly for short series, because every template agrees with
    itself; prefer sample entropy.
    """
    x = _checked(x, order)

    def one(series, r):
        n = series.shape[0] - order + 1
        columns = _sorted_templates(series, order, n)
        shorter, longer = _agreements(columns, r, both=True)
        # the last template has no next value: it counts in Phi_m only, and no longer template
        # agrees with it
        complete = jnp.isfinite(columns[-1])
        phi = jnp.mean(jnp.log((1 + shorter) / jnp.asarray(n, series.dtype)))
        log_longer = jnp.log((1 + longer) / jnp.asarray(n - 1, series.dtype))
        return phi - jnp.sum(jnp.where(complete, log_longer, jnp.zeros_like(log_longer))) / (n - 1)

    return _each(one, x, _tolerance(x, tolerance, relative))


@shift_free(x=-1)
@checked()
def multiscale_entropy(
    x: ArrayLike,
    scales: Sequence[int],
    order: int = 2,
    tolerance: ArrayLike | None = None,
    relative: float = 0.15,
) -> Array:
    """Sample entropy of the means of `scale` successive values, for every scale: (..., N) -> (...,
    len(scales)).

    The tolerance is that of the series itself at all scales. Costa, Goldberger and Peng, Phys. Rev.
    Lett. 89, 068102 (2002). White Gaussian noise: -ln erf(r sqrt(scale)/2). A series of N values
    has N/scale at a scale: few pairs make it noisy, inf or NaN. Raises ValueError for scales that
    are no whole numbers from 1 to N.
    """
    x = as_real(x, core=1)
    for scale in scales:
        true = isinstance(scale, bool)
        if true or not isinstance(scale, Integral) or not 1 <= scale <= x.shape[-1]:
            raise ValueError(f"scales: given {scale!r}, allowed: 1 to {x.shape[-1]} values")
    r = _tolerance(x, tolerance, relative)

    def at(scale: int) -> Array:
        n = x.shape[-1] // scale
        coarse = jnp.mean(x[..., : n * scale].reshape(*x.shape[:-1], n, scale), axis=-1)
        return sample_entropy(coarse, order, r)

    return jnp.stack([at(scale) for scale in scales], axis=-1)


def _copied(symbols: Array) -> Array:
    """For every position the length of the longest segment from it that also starts earlier,
    overlap allowed.

    The common length of the suffixes at i and j is one more than that at i + 1 and j + 1, or zero:
    one backward pass over i with all j at once.
    """
    n = symbols.shape[0]
    positions = jnp.arange(n, dtype=jnp.int32)

    def back(common, i):
        common = jnp.where(symbols == symbols[i], jnp.append(common[1:], 0) + 1, 0)
        # a stretch that runs to the end of the sequence cannot be longer than what is left of it
        return common, jnp.max(jnp.where(positions < i, common, 0))

    return jax.lax.scan(back, jnp.zeros(n, jnp.int32), positions, reverse=True)[1]


@checked()
def lempel_ziv_complexity(
    symbols: ArrayLike, normalise: bool = False, alphabet: int | None = None
) -> Array:
    """The number of words in the exhaustive history of symbol sequences (..., N), LZ76.

    Each word is the shortest stretch that has not occurred before (it may overlap its earlier
    copy); a last word that has is counted. Lempel and Ziv, IEEE Trans. Inf. Theory 22, 75 (1976).
    `normalise` multiplies by ln N/(N ln K), K the size of `alphabet`: 1 in the limit of a random
    sequence, from above and slowly (of order lnln N/ln N).

    Time O(N^2), memory O(N). Raises ValueError where values are not whole numbers, which are no
    symbols, and where there are more of them than the alphabet has, unless they are traced; NaN in
    numbers of floating point gives NaN.
    """
    if normalise and alphabet is None:
        raise ValueError("normalise = True needs the size of the alphabet")
    if alphabet is not None and alphabet < 2:
        raise ValueError(f"alphabet: given {alphabet}, allowed: 2 symbols or more")
    return _words(_labelled(symbols, alphabet), normalise, alphabet)


def _labelled(symbols: ArrayLike, alphabet: int | None) -> Array:
    """Labels of the symbols, told apart by all digits that were given, NaN for what is not finite;
    traced symbols as they are.

    Raises ValueError for values that are not whole numbers, and for too many different ones.
    """
    given = as_array(symbols)
    given = as_real(given) if jnp.issubdtype(given.dtype, jnp.inexact) else given
    if not known(given):
        return given
    host = on_host(symbols)
    if host is None or host.dtype.kind not in "biufO":
        host = np.asarray(given)
    values = np.ma.getdata(host).astype(float)
    missing = np.ma.getmaskarray(host) | ~np.isfinite(values)
    if np.any(broken := ~missing & (values != np.floor(values))):
        raise ValueError(
            f"symbols: given {values[broken][0]:g}, allowed: whole numbers, such as those of "
            "bin_symbols"
        )
    there, labels = np.unique(np.ma.getdata(host)[~missing], return_inverse=True)
    if alphabet is not None and len(there) > alphabet:
        raise ValueError(f"alphabet: given {alphabet} for {len(there)} different symbols")
    whole = host.dtype.kind in "biu" and not np.any(missing)
    every = np.zeros(host.shape, np.int32) if whole else np.full(host.shape, np.nan, given.dtype)
    every[~missing] = labels
    return jnp.asarray(every)


@compiled()
def _words(symbols: Array, normalise: bool, alphabet: int | None) -> Array:
    floating = jnp.issubdtype(symbols.dtype, jnp.inexact)
    n = symbols.shape[-1] if symbols.ndim else 0  # refused below

    def one(sequence):
        copied = _copied(sequence)

        def word(state):
            position, words = state
            return position + copied[position] + 1, words + 1

        zero = jnp.zeros((), jnp.int32)
        return jax.lax.while_loop(lambda state: state[0] < n, word, (zero, zero))[1]

    def of_rows(rows: Array) -> Array:
        words = jax.lax.map(one, rows)
        return only_finite(words.astype(rows.dtype), rows) if floating else words

    words = rowwise(of_rows, symbols)
    return words * (math.log(n) / (n * math.log(alphabet or 2))) if normalise else words
