"""Time averages with autocorrelation-aware error bars, and tests between two runs."""

from dataclasses import dataclass

import jax
import numpy as np
import xarray as xr

from physent.entropy import time_average
from physent.report.configuration import per_member
from physent.report.pictures import ENTROPIES
from physent.report.sorts import chosen, sorts_of, thin, time_of

ENOUGH = 20  # effective samples, below which an average or a test of means says little
MOST = 20_000  # rows read of a series


@dataclass(frozen=True)
class Average:
    """Statistics of a series; `effective` is its effective sample size."""

    name: str
    first: float
    last: float
    low: float
    high: float
    mean: float
    standard_error: float
    effective: float

    @property
    def tells(self) -> bool:
        """Whether there are enough independent values for a meaningful mean and error."""
        return self.effective >= ENOUGH


@dataclass(frozen=True)
class Difference:
    """The difference of a series' means in two runs, with its Holm-corrected p-value."""

    name: str
    a: Average
    b: Average
    difference: float
    standard_error: float
    p_value: float
    words: str


def names_of(dataset: xr.Dataset, roles: tuple[str, ...] = (*ENTROPIES, "order")) -> list[str]:
    """The names of the series with one of these roles."""
    return chosen(sorts_of(dataset), "series", *roles)


def samples(dataset: xr.Dataset, name: str) -> np.ndarray:
    """The finite values of a series (members, rows)."""
    time = time_of(dataset[name])
    array = thin(dataset[name], time, MOST).transpose(..., time)
    values = np.asarray(array.values, dtype=np.float64).reshape(-1, array.sizes[time])
    return values[:, np.all(np.isfinite(values), axis=0)]


def averages(dataset: xr.Dataset, names: list[str] | None = None) -> list[Average]:
    """First, last, smallest and largest value and mean with standard error of each series.

    The error accounts for autocorrelation. For several members it is the error of the mean of their
    means, or the scatter of these means where it is larger: members that stay apart are one
    independent value each. Members with parameters of their own are different systems and have no
    averages.
    """
    if per_member(dataset.attrs, dataset.sizes.get("member", 1)):
        return []
    found = []
    with jax.enable_x64(True):
        for name in names_of(dataset) if names is None else names:
            values = samples(dataset, name)
            if values.shape[1] < 2:
                continue
            # the table shows the sizes: traced, it does not warn of few
            means, errors, sizes = map(np.asarray, jax.jit(time_average)(values)[:3])
            error, effective = np.sqrt(np.sum(errors**2)) / len(means), sizes.sum()
            scatter = means.std(ddof=1) / np.sqrt(len(means)) if len(means) > 1 else 0.0
            if scatter > error:
                error, effective = scatter, len(means)
            ends = values[:, 0].mean(), values[:, -1].mean(), values.min(), values.max()
            found.append(Average(name, *map(float, (*ends, means.mean(), error, effective))))
    return found


def differences(a: xr.Dataset, b: xr.Dataset) -> list[Difference]:
    """Tests for equal means of every series that both runs have, with effective sample sizes."""
    there = names_of(b)
    names = [name for name in names_of(a) if name in there]
    first, second = ({x.name: x for x in averages(dataset, names)} for dataset in (a, b))
    pairs = [(first[name], second[name]) for name in names if name in first and name in second]
    tests = [_welch(*pair) for pair in pairs]
    found = []
    corrected = holm([test[2] for test in tests])
    for (x, y), (difference, error, _), p in zip(pairs, tests, corrected, strict=True):
        words = _words(x, y, np.array_equal(samples(a, x.name), samples(b, x.name)), p)
        found.append(Difference(x.name, x, y, difference, error, p, words))
    return found


def _welch(a: Average, b: Average) -> tuple[float, float, float]:
    """The difference of two means, its standard error, and Welch's p-value for equal means."""
    from scipy.stats import t as student

    difference, error = a.mean - b.mean, float(np.hypot(a.standard_error, b.standard_error))
    if error == 0:
        return difference, error, float(difference == 0)
    freedom = error**4 / sum(x.standard_error**4 / max(x.effective - 1, 1) for x in (a, b))
    return difference, error, float(2 * student.sf(abs(difference) / error, freedom))


def holm(p_values: list[float]) -> list[float]:
    """P-values corrected for their number (Holm, Scand. J. Stat. 6, 65 (1979))."""
    p, order = np.asarray(p_values), np.argsort(p_values)
    corrected = np.zeros(len(p))
    smallest_first = np.minimum(1.0, np.arange(len(p), 0, -1) * p[order])
    corrected[order] = np.maximum.accumulate(smallest_first)
    return corrected.tolist()


def _words(a: Average, b: Average, equal: bool, p: float) -> str:
    if equal:
        return "equal"
    if not (a.tells and b.tells):
        return f"too few independent values ({min(a.effective, b.effective):.3g})"
    return "differ" if p < 0.01 else "no significant difference"
