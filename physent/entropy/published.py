"""Quantities of the reference packages under their own names and definitions.

They are here so that published numbers can be reproduced and compared. Each docstring says what the
quantity is not.
"""

from typing import Literal

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike

from physent.entropy.discrete import (
    POSITIVE,
    SHANNON,
    Renyi,
    Shannon,
    Tsallis,
    alike,
    as_floating,
    as_real,
    checked,
    compiled,
    less_mean,
    log_nonzero,
    matmul,
    nonzero,
    only_finite,
    root_mean_square,
    scaled,
    shift_free,
    squared_modulus,
    std,
    with_axes,
)
from physent.entropy.discrete.arguments import Check
from physent.entropy.entropy import entropy
from physent.entropy.outcomes.histogram import Histogram

LENGTH: tuple[Check, str] = (lambda x: x.ndim == 0 and POSITIVE[0](x), "a number > 0")
Convention = Literal["probability", "amangkurat"]


@checked(spacing=LENGTH)
def field_entropy(
    field: ArrayLike,
    spacing: ArrayLike = 1.0,
    kind: Literal["shannon", "renyi", "tsallis", "composite"] = "shannon",
    order: float = 2.0,
    convention: Convention = "probability",
) -> Array:
    """Entropy of the squared field phi^2 of a wave equation along the last axis.

    `convention = "probability"`: p = phi^2/sum phi^2, an entropy of the grid points. "composite" is
    S/2 + 3 H_2/10 + S_2/5 of Shannon, Renyi and Tsallis entropies of order 2.

    `convention = "amangkurat"`: what the Klein-Gordon package amangkurat 0.0.1 prints, p =
    phi^2/int phi^2 dx by the trapezoidal rule with the same formulas, S = -sum p ln p and so on,
    without dx. These are **not** entropies of a probability distribution: sum p = 1/dx. So S is
    neither the discrete nor the differential entropy (it is h/dx with h = -int p ln p dx), grows
    without bound as the grid is refined, Renyi entropies are shifted by ln(1/dx)/(1 - q), Tsallis
    entropies of order 2 may be negative, and the composite adds quantities that scale differently
    with dx. Use it to reproduce published tables.

    `spacing` is the grid spacing, which only "amangkurat" needs. With sum p = 1/dx the formulas of
    Renyi and Tsallis have a pole at order 1, where they are taken to be Shannon's as for
    probabilities; beside it they are large. Raises ValueError for a spacing that is not positive,
    and for orders that `Renyi` and `Tsallis` refuse.
    """
    energy = scaled(as_real(field, core=1), axis=-1) ** 2
    integral = jnp.sum(energy, axis=-1, keepdims=True) - ((energy[..., :1] + energy[..., -1:]) / 2)
    published = energy / (integral * jnp.asarray(spacing, energy.dtype))

    def of(kind: str, order: float) -> Array:
        family = {"renyi": Renyi, "tsallis": Tsallis}.get(kind)
        measure = SHANNON if family is None else family(order=order)
        if convention == "probability":
            return entropy(energy, measure=measure)
        logs = log_nonzero(published)
        shannon = -jnp.sum(published * logs, axis=-1)
        if isinstance(measure, Shannon):
            return shannon
        q = measure.number("order", published.dtype)
        simple = (q == 1) | jnp.isinf(q)
        safe = jnp.where(simple, 2, q)
        powers = jnp.where(published == 0, jnp.zeros_like(published), jnp.exp(safe * logs))
        total = jnp.sum(powers, axis=-1)
        value = jnp.log(total) / (1 - safe) if kind == "renyi" else (1 - total) / (safe - 1)
        limit = jnp.where(jnp.isinf(q), -jnp.log(jnp.max(published, axis=-1)), shannon)
        return jnp.where(simple, limit, value)

    if kind != "composite":
        return of(kind, order)
    return 0.5 * of("shannon", 2.0) + 0.3 * of("renyi", 2.0) + 0.2 * of("tsallis", 2.0)


def _power(x: ArrayLike) -> tuple[Array, Array]:
    x = scaled(with_axes(as_floating(x), 1), axis=-1)
    power = squared_modulus(jnp.fft.fft(x, axis=-1))
    return power, jnp.fft.fftfreq(x.shape[-1], dtype=power.dtype)


@compiled()
def spectral_richness(x: ArrayLike, threshold: float = 0.01) -> Array:
    """The number of modes along the last axis with more than `threshold` times the largest power
    ("active modes").

    As in simple-idealized-1d-nlse 0.0.5. A count with an arbitrary threshold; `exp(entropy(x,
    outcomes=Spectrum()))` is the effective number of modes without one.
    """
    power, _ = _power(x)
    active = power > threshold * jnp.max(power, axis=-1, keepdims=True)
    return only_finite(jnp.sum(active, axis=-1).astype(power.dtype), power)


@compiled()
def mean_frequency(x: ArrayLike) -> Array:
    """Power-weighted mean of the frequency along the last axis, in cycles per grid point (numpy's
    fftfreq).
    """
    power, frequency = _power(x)
    return matmul(power, frequency) / jnp.sum(power, axis=-1)


@compiled()
def spectral_bandwidth(x: ArrayLike) -> Array:
    """Power-weighted standard deviation of the frequency along the last axis, in cycles per grid
    point.
    """
    power, frequency = _power(x)
    square = matmul(power, frequency**2) / jnp.sum(power, axis=-1)
    return jnp.sqrt(jnp.maximum(square - mean_frequency(x) ** 2, 0))


@shift_free(x=-1)
@compiled()
def histogram_differential_entropy(x: ArrayLike, bins: int = 50, published: bool = False) -> Array:
    """Differential entropy of the values along the last axis from a histogram on their range, H +
    ln w, bin width w.

    Bias: that of the counts, plus the smoothing over a bin. `published = True` adds ln w once more,
    as the tables of simple-idealized-1d-nlse 0.0.5 do, which is not an entropy.
    """
    x = as_real(x, core=1)
    log_width = jnp.log((jnp.max(x, axis=-1) - jnp.min(x, axis=-1)) / bins)
    return entropy(x, outcomes=Histogram(bins=bins)) + log_width * (2 if published else 1)


@shift_free(field=(-2, -1))
@compiled()
def complexity_index(field: ArrayLike, bins: int = 50) -> Array:
    """The complexity index of kh2d-solver 0.1.6 for fields (..., nx, nz).

    0.3 H + 0.3 std(|grad f|) + 0.2 std(f)/(max f - min f) + 0.2 ln(1 + |excess kurtosis|), with H
    the entropy of a histogram on the range of the field and gradients on a grid of unit spacing. A
    weighted sum of quantities of different units: it changes with the units of the field and with
    the resolution.
    """
    field = as_real(field, core=2)
    axes = (field.ndim - 2, field.ndim - 1)
    spread = std(field, axis=axes)
    centred = less_mean(field, axes)
    standard = centred / nonzero(spread)[..., None, None]
    kurtosis = jnp.mean(standard**4, axis=axes) - 3
    extent = jnp.max(field, axis=axes) - jnp.min(field, axis=axes)
    slopes = jnp.gradient(field, axis=axes)
    steepness = std(jnp.hypot(slopes[0], slopes[1]), axis=axes)
    return (
        0.3 * entropy(field, outcomes=Histogram(bins=bins), axis=axes)
        + 0.3 * steepness
        + 0.2 * spread / nonzero(extent)
        + 0.2 * jnp.log1p(jnp.abs(kurtosis))
    )


@shift_free(density=(-2, -1))
@compiled()
def mixing_proxy(density: ArrayLike, vorticity: ArrayLike) -> Array:
    """The mixing proxy of kh2d-solver 0.1.6, std(density) times rms(vorticity), for fields (...,
    nx, nz).

    It is largest before anything has mixed; `potential_energies` and `dye_entropy` measure mixing.
    """
    density, vorticity = as_real(density, core=2), as_real(vorticity, core=2)
    alike("density, vorticity", density, vorticity)
    return std(density, axis=(-2, -1)) * root_mean_square(vorticity, axis=(-2, -1))
