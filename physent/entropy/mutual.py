"""Mutual information of samples in any dimension, with an interval and a verdict.

Nothing here trains a network. Three looks at the same samples, from the crudest on: the Gaussian
copula, nearest neighbours in all dimensions, and nearest neighbours among the few functions of x
and of y that go together most. Where they agree the first is the most precise; the last sees most.
"""

import functools
from typing import Literal, NamedTuple, get_args

import jax
import numpy as np
from jaxtyping import ArrayLike, PRNGKeyArray

from physent.entropy.continuous.corrected import Corrected, corrected_information
from physent.entropy.continuous.functions import canonical_functions
from physent.entropy.continuous.gaussianised import (
    Pairs,
    canonical_pairs,
    gaussian_information,
    gaussian_log_ratio,
    normal_scores,
)
from physent.entropy.discrete import brief, known

Looking = Literal["auto", "gaussian", "nearest", "functions"]
Verdict = Literal["trust", "lower bound", "do not trust"]

# the cost table: what `seconds` buy on two cores, whatever the machine is doing
CENTRES_A_SECOND = 300
BOTH_HALVES = 15.0  # seconds from which the two halves of the samples change places
MOST_SAMPLES = 20_000
MOST_DIMENSIONS = 12  # of x and y together in which neighbours are near
FEWEST = 20
GAUSSIAN = "Gaussian copula"

# of the verdict; chosen on the families of experiments/benchmarks/information_families.py
TRUSTED = 0.1  # nats on either side
RISING = 0.04  # nats from a quarter of the samples to all


class InformationEstimate(NamedTuple):
    """Mutual information in nats with a 95 % interval, how it was found and why so, and whether to
    trust it: "trust", "lower bound" (there is at least so much) or "do not trust".
    """

    value: float
    low: float
    high: float
    method: str
    verdict: Verdict


MISSING = InformationEstimate(
    float("nan"), float("nan"), float("nan"), "none: a value is not finite", "do not trust"
)


class _Look(NamedTuple):
    """An estimate, its standard error, what it may be off beside, how much it rose with N, and in
    words; what functions from more samples may tell more, whether more may be told in ways that
    were not looked at, and what was added for the bias.
    """

    value: float
    error: float
    off: float
    rise: float
    words: str
    unfitted: float = 0.0
    partial: bool = False
    added: float = 0.0

    @property
    def half_width(self) -> float:
        return self.tolerance + self.unfitted

    @property
    def tolerance(self) -> float:
        return 1.96 * self.error + self.off


def mutual_information(
    x: ArrayLike,
    y: ArrayLike,
    *,
    method: Looking = "auto",
    seconds: float = 60.0,
    key: PRNGKeyArray | None = None,
) -> InformationEstimate:
    """I(X; Y) = E[ln p(x, y)/(p(x) p(y))] of independent samples of continuous, discrete or mixed
    variables, in nats.

    Args:
        x, y: samples (N,) or (N, d_x) and (N, d_y), at least 20, in any units: only the ranks of
            each component count.
        method: "gaussian": the Gaussian copula; exact where ranks made normal are jointly Gaussian,
            else mostly too low. "nearest": nearest neighbours in all dimensions, corrected by
            Gaussian samples of known information; up to about five dimensions. "functions": the
            same among at most five functions of x and of y, found on one half of the samples; any
            dimension. "auto": "nearest" for two components; else "functions", or "gaussian" where
            all agree with it.
        seconds: how much work, on two cores and by a fixed table: the same samples, seconds and key
            give the same bits. More than 20,000 samples are thinned out to so many.
        key: of what is random: the order of equal values, the halves; without one always the same.

    The interval is value +- (1.96 standard errors + what the estimate may be off: half of its
    change from a quarter of the samples to all, a quarter of the correction, an eighth of what the
    functions tell more than those found with a quarter of the samples). "trust" says that this is
    at most .1 nats; "lower bound", for `low`, which is without the correction, that the value
    still rises with N by more than .04 nats, or that there are more than 12 components, among which
    dependences can hide that no linear combination and no radius shows. Samples of a time series
    are not independent: thin them out. NaN, and "do not trust", where a value is not finite. Raises
    ValueError for other shapes and for complex values.
    """
    random = np.random.default_rng(_seed(key))
    given = _as_asked({"x": x, "y": y}, method, seconds, random)
    if given is None:
        return MISSING
    samples = _Samples(given[0], given[1], seconds, random)
    look = _chosen(samples, method)
    return _judged(look._replace(partial=samples.dimensions > MOST_DIMENSIONS))


def conditional_mutual_information(
    x: ArrayLike,
    y: ArrayLike,
    z: ArrayLike,
    *,
    method: Looking = "auto",
    seconds: float = 60.0,
    key: PRNGKeyArray | None = None,
) -> InformationEstimate:
    """I(X; Y | Z) = I(X; Y, Z) - I(X; Z) of independent samples, in nats.

    Arguments, errors and the interval as in `mutual_information`, z as x and y; both terms from the
    same samples. Where the first is that of the Gaussian copula so is the second, and the standard
    error is that of the mean difference of their log-ratios; else the errors of the two add up. A
    difference of bounds is no bound: the verdict is "trust" or "do not trust", the latter also for
    more than 12 components.
    """
    random = np.random.default_rng(_seed(key))
    given = _as_asked({"x": x, "y": y, "z": z}, method, seconds, random)
    if given is None:
        return MISSING
    a, b, c = given
    both, alone = (_Samples(a, u, seconds / 2, random) for u in (np.concatenate([b, c], 1), c))
    more = _chosen(both, method)
    if more.words.startswith(GAUSSIAN) and not alone.constant:  # then a part of it is Gaussian, too
        less, words = alone.gaussian(), more.words
        apart = gaussian_log_ratio(both.pairs) - gaussian_log_ratio(alone.pairs)
        error = float(np.std(apart)) / len(a) ** 0.5
    else:
        less = _chosen(alone, method)
        words = f"{more.words}; less {less.words}"
        error = float(np.hypot(more.error, less.error))
    off = more.half_width - 1.96 * more.error + less.half_width - 1.96 * less.error
    partial = both.dimensions > MOST_DIMENSIONS
    found = _judged(_Look(more.value - less.value, error, off, 0.0, words))
    return found._replace(verdict="do not trust") if partial else found


def _as_asked(
    given: dict[str, ArrayLike], method: str, seconds: float, random: np.random.Generator
) -> list[np.ndarray] | None:
    """The samples in random order, at most so many; None where a value is not finite."""
    if method not in get_args(Looking):
        raise ValueError(f"method: given {brief(method)}, allowed: {', '.join(get_args(Looking))}")
    if not seconds > 0:
        raise ValueError(f"seconds: given {seconds}, allowed: a number > 0")
    arrays = [_on_host(name, each) for name, each in given.items()]
    sizes = [len(each) for each in arrays]
    if len(set(sizes)) > 1:
        raise ValueError(f"{', '.join(given)}: given {sizes} samples, allowed: equally many")
    if not all(np.isfinite(each).all() for each in arrays):
        return None
    order = random.permutation(sizes[0])[:MOST_SAMPLES]
    return [each[order] for each in arrays]


def _on_host(name: str, given: ArrayLike) -> np.ndarray:
    """Samples (N, d) with all their digits."""
    if not known(given):
        raise ValueError(f"{name}: given a traced array, allowed: values; call it outside of jit")
    array = np.asarray(given)
    if np.iscomplexobj(array):
        raise ValueError(f"{name}: given complex values, allowed: real ones")
    array = array[:, None] if array.ndim == 1 else array
    if array.ndim != 2 or len(array) < FEWEST or not array.size:
        raise ValueError(
            f"{name}: given shape {np.shape(given)}, allowed: (N,) or (N, d) with N >= {FEWEST}"
        )
    return array.astype(np.float64)


def _seed(key: PRNGKeyArray | None) -> list[int]:
    return [0] if key is None else np.asarray(jax.random.key_data(key)).ravel().tolist()


class _Samples:
    """Samples in random order, and the looks at them."""

    def __init__(
        self, x: np.ndarray, y: np.ndarray, seconds: float, random: np.random.Generator
    ) -> None:
        n, half = len(x), len(x) // 2
        self.random = random
        varies = [np.ptp(each, axis=0) > 0 for each in (x, y)]
        self.constant = not (varies[0].any() and varies[1].any())
        self.x, self.y = (
            normal_scores(each[:, there], random)
            for each, there in zip((x, y), varies, strict=True)
        )
        self.dimensions = self.x.shape[1] + self.y.shape[1]
        turns = 2 if seconds >= BOTH_HALVES else 1
        count = max(FEWEST // 2, min(half, int(CENTRES_A_SECOND * seconds / turns)))
        fitted, tested = slice(0, half), slice(half, n)
        self.turns = [(fitted, tested), (tested, fitted)][:turns]
        self.centres = [np.arange(test.start, test.start + count) for _, test in self.turns]

    @functools.cached_property
    def pairs(self) -> Pairs:
        """Of all samples."""
        return canonical_pairs(self.x, self.y)

    def gaussian(self) -> _Look:
        error = float(np.std(gaussian_log_ratio(self.pairs))) / len(self.x) ** 0.5
        return _Look(gaussian_information(self.pairs), error, 0.0, 0.0, GAUSSIAN)

    def nearest(self) -> _Look:
        found = [
            corrected_information(self.x, self.y, centres, self.random) for centres in self.centres
        ]
        return _together(found, f"nearest neighbours in {self.dimensions} dimensions")

    def functions(self) -> _Look | None:
        found, sizes, rises, rests = [], [], [], []
        for (fitted, tested), centres in zip(self.turns, self.centres, strict=True):
            pairs: Pairs = canonical_pairs(self.x, self.y, fitted)
            pair = canonical_functions(pairs, fitted, tested, self.random)
            if pair is None:
                return None
            found.append(corrected_information(pair.x, pair.y, centres, self.random))
            sizes.append(f"{pair.x.shape[1]} of x and {pair.y.shape[1]} of y")
            rises.append(max(pair.rise, 0.0))
            rests.append(pair.rest)
        words = " or ".join(dict.fromkeys(sizes))
        look = _together(found, f"nearest neighbours among functions, {words}")
        rise = float(np.mean(rises))
        value = look.value + float(np.mean(rests))
        return look._replace(value=value, rise=look.rise + rise / 3, unfitted=rise / 8)


def _together(found: list[Corrected], words: str) -> _Look:
    value, added, _, rise, _ = (float(each) for each in np.mean(found, axis=0))
    # the halves share their reference points, so that they are not quite independent
    error = float(np.mean([each.error for each in found])) / len(found) ** 0.5
    return _Look(value, error, abs(rise) / 2 + abs(added) / 4, rise, words, added=added)


def _chosen(samples: _Samples, method: Looking) -> _Look:
    if samples.constant:
        return _Look(0.0, 0.0, 0.0, 0.0, "none: x or y is constant, which tells nothing")
    if method == "gaussian":
        return _unchecked(samples.gaussian())
    if method == "nearest" or (method == "auto" and samples.dimensions == 2):
        return samples.nearest()
    closest = samples.functions()
    if method == "functions":
        return closest or _nothing_found(samples)
    return _of_all(samples, closest)


def _unchecked(look: _Look) -> _Look:
    return look._replace(off=float("inf"), words=look.words + ", not compared with others")


def _nothing_found(samples: _Samples) -> _Look:
    error = len(samples.x) ** -0.5
    return _Look(0.0, error, 0.05, 0.0, "no functions of x and y were found that go together")


def _of_all(samples: _Samples, closest: _Look | None) -> _Look:
    gaussian = samples.gaussian()
    near = samples.nearest() if samples.dimensions <= MOST_DIMENSIONS else None
    others = [each for each in (closest, near) if each] or [_nothing_found(samples)]
    apart = [abs(each.value - gaussian.value) for each in others]
    if all(d <= each.tolerance for d, each in zip(apart, others, strict=True)):
        beyond = [d - 1.96 * each.error for d, each in zip(apart, others, strict=True)]
        off = min(apart) / 2 + max(0.0, *beyond)
        return gaussian._replace(off=off, words=gaussian.words + ", with which neighbours agree")
    if closest and near and near.value > closest.value + 2 * closest.error:
        off = near.off + near.value - closest.value
        return near._replace(off=off, words=near.words + ", more than among functions")
    return others[0]


def _judged(look: _Look) -> InformationEstimate:
    half = look.half_width
    low, high = look.value - half, look.value + half
    verdict: Verdict = "do not trust"
    if half <= TRUSTED and not look.partial:
        verdict = "trust"
    elif np.isfinite(half) and (look.rise > RISING or look.partial):
        # neighbours uncorrected are too few, whatever the correction is worth
        low = min(low, look.value - max(look.added, 0.0) - 1.96 * look.error)
        verdict, high = "lower bound", float("inf")
    return InformationEstimate(look.value, low, high, look.words, verdict)
