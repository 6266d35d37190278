"""Outcome spaces of a field: its density, its power spectrum, and existing counts."""

from typing import ClassVar, Literal

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from physent.entropy.discrete import (
    as_floating,
    as_real,
    less_mean,
    nonnegative,
    squared_modulus,
)
from physent.entropy.outcomes.space import OutcomeSpace
from physent.protocol.parameters import static


class Density(OutcomeSpace):
    """A non-negative field as a probability, p_i = x_i/sum_j x_j: the outcome is the location of
    the quantity.

    Reads any number of axes. A complex field is an amplitude, its density |x|^2. A negative value
    makes the result NaN, because no probability is negative; `negative = "clip"` counts it as zero,
    for densities negative by rounding only. A field that vanishes everywhere gives NaN.
    """

    counted: ClassVar[bool] = False
    homogeneous: ClassVar[bool] = True
    weighs: ClassVar[bool] = True
    axes: ClassVar[int | None] = None
    negative: Literal["nan", "clip"] = static("nan", doc="how negative values are handled")

    def misfit(self, x: np.ndarray) -> str | None:
        """Report negative values, which have no probability, unless they are clipped."""
        if self.negative == "clip" or np.iscomplexobj(x) or not np.any(x < 0):
            return None
        return (
            "has negative values, so it is not a density: take the entropy with outcomes = "
            "histogram, spectrum or "
            'ordinal, or {kind = "density", negative = "clip"} if they are rounding errors'
        )

    def tally(self, x: Array) -> Array:
        """The field itself, flattened."""
        x = as_floating(x).reshape(x.shape[0], -1)
        return squared_modulus(x) if jnp.iscomplexobj(x) else nonnegative(x, self.negative)

    def weighted(self, x: Array, weights: Array) -> Array:
        """The field itself: what cells weigh is looked at with the measure."""
        return self.tally(x)


class Spectrum(OutcomeSpace):
    """The power spectrum as a probability, p_k = |x_k|^2/sum |x_k|^2: the outcome is the wavenumber
    or frequency.

    Reads one axis or several (an n-dimensional FFT). Two-sided by default, k and -k apart, as suits
    a complex amplitude; `one_sided` adds k and -k of a real field together (along the last axis
    read). `detrend = "mean"` leaves the mean out, k = 0 then has no power. Where there is no power
    at all, as in a constant without its mean, the result is NaN.
    """

    in_order: ClassVar[bool] = True
    counted: ClassVar[bool] = False
    homogeneous: ClassVar[bool] = True
    axes: ClassVar[int | None] = None
    one_sided: bool = static(False, doc="add the power at k and -k of a real field together")
    detrend: Literal["none", "mean"] = static("none", doc="value subtracted before the transform")

    def shiftable(self) -> bool:
        """Whether the mean is left out."""
        return self.detrend == "mean"

    def tally(self, x: Array) -> Array:
        """The power at every wavenumber, flattened, in the order of the FFT."""
        x = as_floating(x)
        axes = tuple(range(1, x.ndim))
        if self.detrend == "mean":
            x = less_mean(x, axes)
        if not self.one_sided:
            return squared_modulus(jnp.fft.fftn(x, axes=axes)).reshape(x.shape[0], -1)
        if jnp.iscomplexobj(x):
            raise ValueError("one_sided = true needs a real field, given a complex one")
        power = squared_modulus(jnp.fft.rfftn(x, axes=axes))
        n, modes = x.shape[-1], power.shape[-1]
        # k = 0 and, for even n, the Nyquist wavenumber have no partner
        partners = jnp.where(jnp.arange(modes) * 2 % n == 0, 1, 2).astype(power.dtype)
        power = power * partners.reshape((1,) * (power.ndim - 1) + (modes,))
        return power.reshape(x.shape[0], -1)


class Counts(OutcomeSpace):
    """Existing counts, one entry for every possible outcome; reads any number of axes. A negative
    one makes the result NaN.
    """

    axes: ClassVar[int | None] = None

    def misfit(self, x: np.ndarray) -> str | None:
        """Report negative counts."""
        return "has negative values, which cannot be counts" if np.any(np.real(x) < 0) else None

    def tally(self, x: Array) -> Array:
        """The counts themselves, flattened."""
        return nonnegative(as_real(x).reshape(x.shape[0], -1), "nan")


DENSITY = Density()  # for defaults
