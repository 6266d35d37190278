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
    Count,
    as_array,
    as_real,
    checked,
    compiled,
    first_of,
    known,
    on_host,
    only_finite,
    rowwise,
    shift_free,
    std,
    with_room,
)

_STEPS = 4  # distances compared in one turn of the loop


def _tolerance(x: Array, count: Count, tolerance: ArrayLike | None, relative: float) -> Array:
    where = first_of(x.shape[-1], count)
    given = relative * std(x, axis=-1, where=where) if tolerance is None else tolerance
    return jnp.broadcast_to(jnp.asarray(given, x.dtype), x.shape[:-1])


def _sorted_templates(x: Array, n: Count, m: int, count: Count) -> list[Array]:
    """Columns 0 to m of the templates of the first n values, in the order of their first value;
    values beyond the series are inf, and so are all templates beyond `count`.
    """
    places = x.shape[0] if not isinstance(count, int) else count
    there, first = first_of(x.shape[0], n), first_of(places, count)
    x = x if there is None else jnp.where(there, x, jnp.inf)
    columns = [jnp.pad(x, (0, m), constant_values=jnp.inf)[i : i + places] for i in range(m + 1)]
    if first is not None:
        columns[0] = jnp.where(first, columns[0], jnp.inf)
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


def _with_room(x: ArrayLike, order: int) -> tuple[ArrayLike, Count | None]:
    (longer,), count = with_room(-1, x)
    return (x, None) if count is not None and count < order + 2 else (longer, count)


@shift_free(x=-1)
@checked()
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
    return _sample_entropy(*_with_room(x, order), order, tolerance, relative, templates == "all")


@compiled()
def _sample_entropy(
    x: ArrayLike,
    count: Count | None,
    order: int,
    tolerance: ArrayLike | None,
    relative: float,
    every: bool,
) -> Array:
    x = _checked(x, order)
    size = x.shape[-1] if count is None else count

    def one(series, r):
        n = size - order
        columns = _sorted_templates(series, size, order, n + every)
        shorter, longer = _agreements(columns, r, both=False)
        a, b = (jnp.sum(counts.astype(series.dtype)) for counts in (longer, shorter))
        n = n if isinstance(n, int) else n.astype(series.dtype)
        share = (n - 1) / (n + 1) if every else 1  # of the pairs
        log = math.log(share) if isinstance(share, int | float) else jnp.log(share)
        return jnp.log(b) - jnp.log(a) + log

    return _each(one, x, _tolerance(x, size, tolerance, relative))


@shift_free(x=-1)
@checked()
def approximate_entropy(
    x: ArrayLike, order: int = 2, tolerance: ArrayLike | None = None, relative: float = 0.2
) -> Array:
    """Approximate entropy of series along the last axis, Phi_m - Phi_(m+1), in nats.

    Phi_m is the mean logarithm of the fraction of templates of m values that agree with each,
    itself included. Pincus, Proc. Natl. Acad. Sci. USA 88, 2297 (1991). Arguments as in
    `sample_entropy`. Bias: downwards, strongly for short series, because every template agrees with
    itself; prefer sample entropy.
    """
    return _approximate_entropy(*_with_room(x, order), order, tolerance, relative)


@compiled()
def _approximate_entropy(
    x: ArrayLike,
    count: Count | None,
    order: int,
    tolerance: ArrayLike | None,
    relative: float,
) -> Array:
    x = _checked(x, order)
    size = x.shape[-1] if count is None else count

    def one(series, r):
        n = size - order + 1
        columns = _sorted_templates(series, size, order, n)
        shorter, longer = _agreements(columns, r, both=True)
        # the last template has no next value: it counts in Phi_m only, and no longer template
        # agrees with it
        complete = jnp.isfinite(columns[-1])
        logs = jnp.log((1 + shorter) / jnp.asarray(n, series.dtype))
        phi = jnp.mean(logs, where=first_of(logs.shape[0], n))
        log_longer = jnp.log((1 + longer) / jnp.asarray(n - 1, series.dtype))
        return phi - jnp.sum(jnp.where(complete, log_longer, jnp.zeros_like(log_longer))) / (n - 1)

    return _each(one, x, _tolerance(x, size, tolerance, relative))


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
    (x,), count = with_room(-1, x)
    x = as_real(x, core=1)
    n = x.shape[-1] if count is None else int(count)
    for scale in scales:
        true = isinstance(scale, bool)
        if true or not isinstance(scale, Integral) or not 1 <= scale <= n:
            raise ValueError(f"scales: given {scale!r}, allowed: 1 to {n} values")
    if n // max(scales, default=1) < order + 2:
        x, count = x[..., :n], None  # refused where it is used
    r = _jitted_tolerance(x, count, tolerance, relative)

    def at(scale: int) -> Array:
        coarse = _coarse(x, scale)
        return _sample_entropy(
            coarse, None if count is None else np.asarray(count // scale), order, r, relative, False
        )

    return jnp.stack([at(scale) for scale in scales], axis=-1)


@compiled()
def _jitted_tolerance(
    x: Array, count: Count | None, tolerance: ArrayLike | None, relative: float
) -> Array:
    return _tolerance(x, x.shape[-1] if count is None else count, tolerance, relative)


@compiled()
def _coarse(x: Array, scale: int) -> Array:
    """The means of `scale` successive values."""
    n = x.shape[-1] // scale
    return jnp.mean(x[..., : n * scale].reshape(*x.shape[:-1], n, scale), axis=-1)


def _copied(symbols: Array, count: Count) -> Array:
    """For every position the length of the longest segment from it that also starts earlier,
    overlap allowed, within the first `count` symbols.

    The common length of the suffixes at i and j is one more than that at i + 1 and j + 1, or zero:
    one backward pass over i with all j at once.
    """
    n = symbols.shape[0]
    positions = jnp.arange(n, dtype=jnp.int32)
    there = first_of(n, count)

    def back(common, i):
        same = symbols == symbols[i]
        same = same if there is None else same & there & there[i]
        common = jnp.where(same, jnp.append(common[1:], 0) + 1, 0)
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
    labels = _labelled(symbols, alphabet)
    (longer,), count = with_room(-1, labels)
    words = _words(longer, count)
    n = labels.shape[-1] if labels.ndim else 0
    return words * (math.log(n) / (n * math.log(alphabet or 2))) if normalise else words


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
def _words(symbols: Array, count: Count | None) -> Array:
    """The number of words in the first `count` symbols of sequences, or in all of them."""
    floating = jnp.issubdtype(symbols.dtype, jnp.inexact)
    size = symbols.shape[-1] if symbols.ndim else 0  # refused below
    n = size if count is None else count

    def one(sequence):
        copied = _copied(sequence, n)

        def word(state):
            position, words = state
            return position + copied[position] + 1, words + 1

        zero = jnp.zeros((), jnp.int32)
        return jax.lax.while_loop(lambda state: state[0] < n, word, (zero, zero))[1]

    def of_rows(rows: Array) -> Array:
        words = jax.lax.map(one, rows)
        return only_finite(words.astype(rows.dtype), rows) if floating else words

    return rowwise(of_rows, symbols)
