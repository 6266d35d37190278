"""Entropies of a spectrum: of the power spectrum, and of the singular values of a delay
embedding.
"""

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike

from physent.entropy.discrete import (
    BASE,
    SHANNON,
    Measure,
    as_floating,
    compiled,
    frequencies,
    log_base,
    only_finite,
    rowwise,
    unit_of,
    with_axes,
)
from physent.entropy.entropy import entropy
from physent.entropy.outcomes.fields import Spectrum
from physent.entropy.outcomes.patterns import windows

_ONE_SIDED = Spectrum(one_sided=True, detrend="mean")


def spectral_entropy(
    x: ArrayLike,
    axis: int = -1,
    measure: Measure = SHANNON,
    base: float | None = None,
    normalise: bool = False,
) -> Array:
    """Entropy of the one-sided raw periodogram of a real series without its mean.

    p_k = |x_k|^2/sum |x_k|^2 with both signs of a frequency added, K = N//2 + 1 frequencies, the
    mean's included as in antropy and scipy. A tone has 0; white noise does not reach the maximum, H
    = ln K - (1 - gamma_E) on average, because powers of a raw periodogram scatter exponentially. A
    constant has no power, and gives NaN. Real fields on a grid: `entropy(x, outcomes=Spectrum())`.
    """
    return entropy(
        x, measure=measure, outcomes=_ONE_SIDED, axis=axis, base=base, normalise=normalise
    )


@compiled(base=BASE)
def svd_entropy(
    x: ArrayLike, order: int = 3, delay: int = 1, base: float | None = None, normalise: bool = False
) -> Array:
    """Shannon entropy of the normalised singular values of the delay embedding of series (..., N).

    s_i/sum s of the (N - (order - 1) delay) x order matrix of windows. Roberts, Penny and Rezek,
    Med. Biol. Eng. Comput. 37, 93 (1999). Not centred: a large mean makes one singular value
    dominate.
    """

    def singular_values(series: Array) -> Array:
        # a unit by some of the values, for LAPACK takes any size but the very largest; a look at
        # all of them would take half as long as the rest
        some = series[:, :: max(1, series.shape[1] // 256)]
        series = series * (1 / unit_of(some, axis=-1))
        embedded = jnp.stack(windows(series, order, delay), axis=-1)
        # those of the small triangle are the same; of the tall matrix itself the compiler reserves
        # room for N x N vectors
        small = jnp.linalg.qr(embedded, mode="r")
        return only_finite(jnp.linalg.svd(small, compute_uv=False), small, 2)

    value = SHANNON(frequencies(rowwise(singular_values, with_axes(as_floating(x), 1))))
    unit = order if normalise else base
    return value if unit is None else value / log_base(unit, value.dtype)
