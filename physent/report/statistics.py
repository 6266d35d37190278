"""Time averages with autocorrelation-aware error bars, and tests between two runs."""

from dataclasses import dataclass

import jax
import numpy as np
import xarray as xr

from physent.entropy import time_average
from physent.experiment.recorded import per_member, short_names
from physent.report.pictures import ENTROPIES
from physent.report.sorts import chosen, errors_of, sorts_of, thin, time_of

ENOUGH = 20  # effective samples, below which an average or a test of means says little
MOST = 20_000  # rows read of a series


@dataclass(frozen=True)
class Average:
    """Statistics of a series; `effective` is its effective sample size, NaN where the series is an
    estimate of its own: then `mean` is the last, and `standard_error` its error (NaN: unknown).
    """

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
    found, estimates = [], _estimates(names_of(dataset)) if names is None else {}
    with jax.enable_x64(True):
        for name in names_of(dataset) if names is None else names:
            if name in estimates.values():
                continue
            if name in estimates:
                found += _estimate(dataset, name, estimates[name])
                continue
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


def _estimates(names: list[str]) -> dict[str, str]:
    """The series that are running estimates of a mean, whose mean over time says nothing, with the
    name of their error, or "".
    """
    means = {name: "" for name in names if name.removesuffix("_mean") in set(names) - {name}}
    return means | errors_of(names)


def _estimate(dataset: xr.Dataset, name: str, error: str) -> list[Average]:
    """The last value of a running estimate with its error; of several members with their scatter,
    where that is larger.
    """
    values = samples(dataset, name)
    if not values.shape[1]:
        return []
    errors = samples(dataset, error) if error else np.zeros((0, 0))
    last, count = values[:, -1], len(values)
    wrong = float(np.sqrt(np.sum(errors[:, -1] ** 2)) / count) if errors.size else np.nan
    if count > 1:
        wrong = float(np.fmax(wrong, last.std(ddof=1) / np.sqrt(count)))
    ends = values[:, 0].mean(), last.mean(), values.min(), values.max()
    return [Average(name, *map(float, (*ends, last.mean(), wrong, np.nan)))]


@dataclass(frozen=True)
class Members:
    """What each of several members with parameters of their own gave: a mean with its standard
    error for each series, and the last of a running estimate.
    """

    parameters: list[str]
    series: list[str]
    rows: list[tuple[int, list[float], list[Average]]]
    total: int


def members(dataset: xr.Dataset, most: int = 40) -> Members | None:
    """The averages of each member by itself, where members have parameters of their own: they are
    different systems, and there is no mean over them. At most `most` of them, evenly spaced; None
    where they have none.
    """
    total = dataset.sizes.get("member", 1)
    own = per_member(dataset.attrs, total)
    names = names_of(dataset)
    if not own or not names:
        return None
    skipped = errors_of(names).values()
    shown = [name for name in names if name not in skipped]
    rows = []
    for i in np.unique(np.linspace(0, total - 1, min(total, most)).round().astype(int)).tolist():
        alone = dataset[names].isel(member=i)
        found = {each.name: each for each in averages(alone.assign_attrs(experiment=""))}
        known = [name for name in shown if name in found]
        rows.append((i, [float(values[i]) for _, values in own], [found[name] for name in known]))
        if len(known) < len(shown):
            shown = [name for name in shown if name in known]
    rows = [(i, own_, [each for each in some if each.name in shown]) for i, own_, some in rows]
    return Members(list(short_names([key for key, _ in own]).values()), shown, rows, total)


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
