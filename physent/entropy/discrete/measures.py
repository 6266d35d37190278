"""Measures: functionals of a probability vector.

Every measure is called as `measure(p, axis=-1)` on probabilities that sum to one along `axis` and
gives one value for every other index, in nats where the measure has a logarithm. 0 log 0 is 0, and
gradients are finite where p = 0 (the derivative there is set to 0, that of an outcome which cannot
occur). NaN stays NaN. Raises ValueError for what are no probabilities; where they are traced
nothing is known of them, and the value is that of the formula. Of counts or weights,
`entropy(x, measure=...)` takes the shares.

`weights` multiplies the summand of each outcome; estimators that correct for unseen outcomes use
it.
"""

import abc
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from physent.entropy.discrete.arrays import as_real
from physent.entropy.discrete.power_sums import excess, log_nonzero, log_power_mean, weighted_sum
from physent.protocol.parameters import (
    Declared,
    ParameterError,
    as_number,
    known,
    param,
)

_ROUNDED = 1e-3  # by how much the sum of rounded probabilities may differ from 1


def _probabilities(p: ArrayLike, axis: int, weights: Array | None) -> Array:
    """Probabilities as an array; those with weights are of estimators, which know their sum."""
    p = as_real(p)
    if weights is not None or not known(p):
        return p
    total, least = (of(np.asarray(p), axis=axis) for of in (np.sum, np.min))
    if np.any(wrong := (np.abs(total - 1) > _ROUNDED) | (least < 0)):
        raise ValueError(
            f"p: given numbers from {least[wrong][0]:.3g} on with the sum {total[wrong][0]:.6g}, "
            "allowed: probabilities, which sum to 1; entropy(x, measure=...) takes counts and "
            "weights"
        )
    return p


class Measure(Declared):
    """A functional of a probability vector, largest for equal probabilities and 0 for certainty.

    `logarithmic` says whether the value is a logarithm, so that `base` has a meaning for it.
    """

    logarithmic: ClassVar[bool] = True

    @abc.abstractmethod
    def __call__(self, p: Array, axis: int = -1, weights: Array | None = None) -> Array:
        """The measure of the probabilities along `axis`."""

    @abc.abstractmethod
    def maximum(self, n: int | Array) -> Array:
        """The value for `n` equal probabilities, the largest possible for `n` outcomes."""

    def number(self, name: str, dtype: Any) -> Array:
        """A parameter as one number.

        Raises ParameterError where it has several, which would be laid along the outcomes.
        """
        value = jnp.asarray(getattr(self, name), dtype)
        if value.ndim:
            raise ParameterError(
                name,
                f"given {value.size} numbers, allowed: one for a measure; make several measures, "
                "or map over them with jax.vmap",
            )
        return value

    def normalised(self, value: Array, n: int | Array) -> Array:
        """A value, however it was estimated, divided by the largest possible for `n` outcomes."""
        return value / self.maximum(n).astype(value.dtype)


class TraceForm(Measure):
    """A measure that is a sum over outcomes, sum_i f(p_i)."""

    @abc.abstractmethod
    def summand(self, p: Array) -> Array:
        """The term f(p) of each outcome, 0 for p = 0."""

    def __call__(self, p: Array, axis: int = -1, weights: Array | None = None) -> Array:
        """The measure of the probabilities along `axis`."""
        return weighted_sum(self.summand(_probabilities(p, axis, weights)), axis, weights)

    def maximum(self, n: int | Array) -> Array:
        """The value for `n` equal probabilities."""
        return n * self.summand(jnp.asarray(1.0 / n))


class RenyiFamily(Measure):
    """A measure that is ln n for n equal probabilities but not a sum over outcomes."""

    def maximum(self, n: int | Array) -> Array:
        """The value for `n` equal probabilities."""
        return jnp.log(jnp.asarray(n, jnp.result_type(float)))


class Shannon(TraceForm):
    """Shannon entropy, H = -sum_i p_i ln p_i.

    Shannon, Bell Syst. Tech. J. 27, 379 (1948). Of a field sampled on a grid it grows as -ln(dx):
    compare grids by `differential_entropy`, or normalise.
    """

    def summand(self, p: Array) -> Array:
        """-p ln p."""
        return -p * log_nonzero(p)


class Renyi(RenyiFamily):
    """Renyi entropy, H_q = ln(sum_i p_i^q)/(1 - q).

    Order 0 is Hartley's, 1 Shannon's, infinity the min-entropy; all three are taken as limits, and
    the value is smooth in the order, through 1 as well. Renyi, Proc. 4th Berkeley Symp. 1, 547
    (1961).
    """

    order: Array = param(
        default=2.0,
        converter=as_number,
        doc="order q of the Renyi entropy; 0, 1 and inf are limits",
        ge=0,
        finite=False,
    )

    def __call__(self, p: Array, axis: int = -1, weights: Array | None = None) -> Array:
        """The measure of the probabilities along `axis`; with weights, of the self-normalised power
        sum.
        """
        p = _probabilities(p, axis, weights)
        order = self.number("order", p.dtype)
        infinite = jnp.isinf(order)
        finite = jnp.where(infinite, jnp.full_like(order, 2), order)
        value = -log_power_mean(p, finite - 1, axis, weights)
        return jnp.where(infinite, -jnp.log(jnp.max(p, axis=axis)), value)


class Tsallis(TraceForm):
    """Tsallis entropy, S_q = (1 - sum_i p_i^q)/(q - 1).

    Order 1 is Shannon's, taken as a limit, and the value is smooth through it; order 0 is the
    number of outcomes that occur, less one. Not additive: S(A, B) = S(A) + S(B) + (1 - q) S(A)
    S(B). Tsallis, J. Stat. Phys. 52, 479 (1988).
    """

    logarithmic: ClassVar[bool] = False
    order: Array = param(
        default=2.0, converter=as_number, doc="order q of the Tsallis entropy; 1 is a limit", ge=0
    )

    def summand(self, p: Array) -> Array:
        """(p - p^q)/(q - 1)."""
        return excess(p, self.number("order", p.dtype) - 1)


class Hartley(RenyiFamily):
    """Hartley entropy, the logarithm of the number of outcomes that occur, H_0 = ln #{i : p_i > 0}.

    Of a field it counts every point that is not exactly zero, so rounding decides it; it suits
    counts. Its derivative is zero. Hartley, Bell Syst. Tech. J. 7, 535 (1928).
    """

    def __call__(self, p: Array, axis: int = -1, weights: Array | None = None) -> Array:
        """The measure of the probabilities along `axis`."""
        p = _probabilities(p, axis, weights)
        occurs = jnp.where(jnp.isnan(p), p, (p != 0).astype(p.dtype))
        return jnp.log(weighted_sum(occurs, axis, weights))


class MinEntropy(RenyiFamily):
    """Min-entropy, H_inf = -ln max_i p_i, the Renyi entropy of infinite order; it ignores
    weights.
    """

    def __call__(self, p: Array, axis: int = -1, weights: Array | None = None) -> Array:
        """The measure of the probabilities along `axis`."""
        return -jnp.log(jnp.max(_probabilities(p, axis, weights), axis=axis))


class Kaniadakis(TraceForm):
    """Kaniadakis entropy, S_kappa = -sum_i (p_i^(1 + kappa) - p_i^(1 - kappa))/(2 kappa).

    kappa = 0 is Shannon's, taken as a limit. Kaniadakis, Physica A 296, 405 (2001).
    """

    logarithmic: ClassVar[bool] = False
    kappa: Array = param(
        default=0.5,
        converter=as_number,
        doc="deformation of the logarithm; 0 is Shannon's",
        ge=0,
        lt=1,
    )

    def summand(self, p: Array) -> Array:
        """-p sinh(kappa ln p)/kappa."""
        kappa = self.number("kappa", p.dtype)
        return (excess(p, kappa) + excess(p, -kappa)) / 2


class Curado(TraceForm):
    """Curado-Nobre entropy, S_b = sum_i (1 - e^(-b p_i)) - (1 - e^(-b)).

    Curado and Nobre, Physica A 335, 94 (2004), eq. 20.
    """

    logarithmic: ClassVar[bool] = False
    b: Array = param(default=1.0, converter=as_number, doc="rate of the exponential", gt=0)

    def summand(self, p: Array) -> Array:
        """1 - e^(-b p) - p (1 - e^(-b)): sum p = 1 spreads the constant over the outcomes."""
        b = self.number("b", p.dtype)
        return p * jnp.expm1(-b) - jnp.expm1(-b * p)


class Extropy(TraceForm):
    """Extropy, J = -sum_i (1 - p_i) ln(1 - p_i), the dual of Shannon entropy; the two agree for two
    outcomes.

    Lad, Sanfilippo and Agro, Statist. Sci. 30, 40 (2015).
    """

    def summand(self, p: Array) -> Array:
        """-(1 - p) ln(1 - p)."""
        absent = 1 - p
        return -absent * jnp.log1p(-jnp.where(absent == 0, jnp.zeros_like(p), p))


MEASURES: dict[str, type[Measure]] = {
    "shannon": Shannon,
    "renyi": Renyi,
    "tsallis": Tsallis,
    "hartley": Hartley,
    "min": MinEntropy,
    "kaniadakis": Kaniadakis,
    "curado": Curado,
    "extropy": Extropy,
}

SHANNON = Shannon()  # for defaults
