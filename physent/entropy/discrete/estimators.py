"""Estimators: how a measure is estimated from the counts of a finite sample.

The plug-in value of a concave measure is too small on average. The others remove most of that bias
in different ways; for Shannon entropy they are the estimators of their papers, and each docstring
says what becomes of the other measures.
"""

import abc
from typing import ClassVar, Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike

from physent.entropy.discrete.arrays import as_real
from physent.entropy.discrete.grassberger import grassberger
from physent.entropy.discrete.jackknife import jackknife
from physent.entropy.discrete.measures import Hartley, Measure, MinEntropy, Renyi, TraceForm
from physent.entropy.discrete.power_sums import renyi_curvature
from physent.protocol.parameters import Declared, static


class Estimator(Declared):
    """Estimates a measure from counts; called as `estimator(counts, measure)` with the outcomes
    along the last axis.

    `corrects` says that it needs counts of a sample rather than weights. Corrected values may leave
    the range from 0 to the measure's maximum. Counts are arrays or lists of any kind of numbers;
    one that is negative makes the value NaN, and so does a fraction where the estimator corrects.
    """

    corrects: ClassVar[bool] = True

    @abc.abstractmethod
    def __call__(self, counts: ArrayLike, measure: Measure) -> Array:
        """The estimate from counts (..., outcomes)."""

    def read(self, counts: ArrayLike) -> Array:
        """Counts as an array of floating point numbers, NaN for what cannot be one.

        Raises ValueError for complex numbers, texts and arrays without outcomes.
        """
        numbers = as_real(counts, core=1)
        right = numbers >= 0
        if self.corrects:
            right &= numbers == jnp.floor(numbers)
        return jnp.where(right, numbers, jnp.asarray(jnp.nan, numbers.dtype))


def frequencies(counts: Array) -> Array:
    """n_i/N along the last axis."""
    return counts / jnp.sum(counts, axis=-1, keepdims=True)


class PlugIn(Estimator):
    """The measure of the relative frequencies, p_i = n_i/N.

    Bias for Shannon entropy: -(K - 1)/(2N) to first order, K outcomes, N samples.
    """

    corrects: ClassVar[bool] = False

    def __call__(self, counts: ArrayLike, measure: Measure) -> Array:
        """The estimate from counts or weights (..., outcomes)."""
        return measure(frequencies(self.read(counts)))


class MillerMadow(Estimator):
    """The plug-in value minus its bias to first order in 1/N, from the second derivatives of the
    measure.

    bias = (1/2N) sum_ij (p_i delta_ij - p_i p_j) d2H/dp_i dp_j at the observed p: for Shannon
    entropy -(K - 1)/(2N) with K outcomes observed (Miller, in Information Theory in Psychology,
    1955), for other measures the same expansion. It does not change Hartley's. Remaining Shannon
    bias: O(1/N^2), and what unseen outcomes cost.
    """

    def __call__(self, counts: ArrayLike, measure: Measure) -> Array:
        """The estimate from counts (..., outcomes)."""
        counts = self.read(counts)
        p = frequencies(counts)
        return measure(p) - _curvature(p, measure) / jnp.sum(counts, axis=-1)


def _curvature(p: Array, measure: Measure) -> Array:
    """N times the first-order bias of the plug-in value."""
    if isinstance(measure, Hartley):
        return jnp.zeros_like(p[..., 0])
    largest = jnp.max(p, axis=-1)
    if isinstance(measure, MinEntropy):
        return (1 - largest) / (2 * largest)
    if isinstance(measure, Renyi):
        order = measure.number("order", p.dtype)
        infinite = jnp.isinf(order)
        value = renyi_curvature(p, jnp.where(infinite, jnp.full_like(order, 2), order))
        return jnp.where(infinite, (1 - largest) / (2 * largest), value)
    if not isinstance(measure, TraceForm):
        raise TypeError(
            "MillerMadow needs a measure that is a sum over outcomes, given "
            f"{type(measure).__name__}"
        )
    seen = p != 0
    safe = jnp.where(seen, p, jnp.full_like(p, 0.5))
    slope = lambda q: jax.jvp(measure.summand, (q,), (jnp.ones_like(q),))[1]  # noqa: E731
    second = jax.jvp(slope, (safe,), (jnp.ones_like(safe),))[1]
    # a certain outcome has no variance, however sharp the measure is there
    terms = jnp.where(seen & (p != 1), second * p * (1 - p), jnp.zeros_like(p))
    return jnp.sum(terms, axis=-1) / 2


class Grassberger(Estimator):
    """Grassberger's estimator, H = ln N - (1/N) sum_i n_i G(n_i).

    G(n) = psi(n) + ((-1)^n/2) (psi((n + 1)/2) - psi(n/2)) (Grassberger, arXiv physics/0307138, eqs.
    27-28), or psi(n) + (-1)^n/(n + 1) with `version = "1988"` (Phys. Lett. A 128, 369). Shannon
    bias: far below Miller-Madow's once N is of the order of the number of outcomes.

    Other measures: powers p^q by falling factorials, n!/(n - q)! over N!/(N - q)!, exactly unbiased
    for integer q, with small terms between the integers (ours) that make Renyi, Tsallis and
    Kaniadakis pass through the entropy above at q = 1; psi(N) - psi(N - n) for -ln(1 - p) in
    extropy; e^(-b p) by (1 - b/N)^n, exact for Poisson counts, in Curado's; -ln max p by ln N -
    psi(n_max + 1); observed outcomes in Hartley's. An order above every count gives infinity: there
    is nothing to estimate it from.
    """

    version: Literal["2003", "1988"] = static("2003", doc="the year of the form of G(n)")

    def __call__(self, counts: ArrayLike, measure: Measure) -> Array:
        """The estimate from counts (..., outcomes)."""
        return grassberger(self.read(counts), measure, self.version)


class ChaoShen(Estimator):
    """Coverage-adjusted Horvitz-Thompson estimator, H = sum_i f(C p_i)/(1 - (1 - C p_i)^N) over the
    observed outcomes.

    C = 1 - f_1/N is the estimated coverage, f_1 the number of outcomes seen once (N - 1 of them
    where all are). Chao and Shen, Environ. Ecol. Stat. 10, 429 (2003). For Renyi entropy the power
    sum is divided by the estimate of sum p = 1, which keeps the limit of order 1 finite;
    min-entropy is -ln(C max p). Estimates K too: for Hartley's, the number of outcomes. Bias: small
    for many rare outcomes, larger variance than Grassberger's.
    """

    def __call__(self, counts: ArrayLike, measure: Measure) -> Array:
        """The estimate from counts (..., outcomes)."""
        counts = self.read(counts)
        n = jnp.sum(counts, axis=-1, keepdims=True)
        once = jnp.sum(counts == 1, axis=-1, keepdims=True).astype(counts.dtype)
        once = jnp.where(once == n, n - 1, once)
        p = (1 - once / n) * counts / n
        unseen = jnp.exp(n * jnp.log1p(-jnp.where(p == 1, jnp.zeros_like(p), p)))
        weights = jnp.where(
            p == 0,
            jnp.zeros_like(p),
            1 / jnp.where((p == 0) | (p == 1), jnp.ones_like(p), 1 - unseen),
        )
        return measure(p, weights=weights)


class Shrinkage(Estimator):
    """James-Stein shrinkage towards equal probabilities, p_i = lambda/K + (1 - lambda) n_i/N.

    lambda = (1 - sum p^2)/((N - 1) sum (1/K - p)^2), at most 1; K counts all possible outcomes.
    Hausser and Strimmer, J. Mach. Learn. Res. 10, 1469 (2009). Any measure of these probabilities.
    Bias: upwards if the true distribution is far from uniform and N small.
    """

    def __call__(self, counts: ArrayLike, measure: Measure) -> Array:
        """The estimate from counts (..., outcomes)."""
        counts = self.read(counts)
        p, n, k = frequencies(counts), jnp.sum(counts, axis=-1, keepdims=True), counts.shape[-1]
        spread = (n - 1) * jnp.sum((1 / k - p) ** 2, axis=-1, keepdims=True)
        noise = 1 - jnp.sum(p**2, axis=-1, keepdims=True)
        uniform = spread == 0
        share = jnp.where(
            uniform, 1, jnp.clip(noise / jnp.where(uniform, jnp.ones_like(spread), spread), 0, 1)
        )
        return measure(share / k + (1 - share) * p)


class Jackknife(Estimator):
    """The jackknife of the plug-in value, N H - ((N - 1)/N) sum_i n_i H_(-i), one sample of outcome
    i left out.

    Zahl, Ecology 58, 907 (1977); for any measure. Removes the 1/N term of the bias; variance above
    Miller-Madow's. Right to a few units of rounding at any N; NaN for a single sample.
    """

    def __call__(self, counts: ArrayLike, measure: Measure) -> Array:
        """The estimate from counts (..., outcomes)."""
        return jackknife(self.read(counts), measure)


ESTIMATORS: dict[str, type[Estimator]] = {
    "plug_in": PlugIn,
    "miller_madow": MillerMadow,
    "grassberger": Grassberger,
    "chao_shen": ChaoShen,
    "shrinkage": Shrinkage,
    "jackknife": Jackknife,
}

PLUG_IN = PlugIn()  # for defaults
