"""What trajectories say of themselves, before anything is estimated from them."""

import math
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.special import ndtr, stdtr

from physent.production.basis import Basis, basis_of
from physent.production.chains import counts_of
from physent.production.linear import centred, lagged, noisy_process, unit_free
from physent.production.trajectories import (
    Trajectories,
    inertial,
    offset_of,
    steps_of,
)

PIECES = 32
UNLIKELY = 1e-6  # probability, after as many tests as there are, of what is called found
SHIFT = 0.1  # of a standard deviation: a smaller change of the mean is not called a drift
NOISE = 0.03  # of half of the mean square step
SHORT = 0.3, 0.15  # of the variance, half of a mean square step: to see noise, changes of D
LASTING = 0.01  # correlation of steps less their mean, 6 times its error
MODULATION = 0.1  # of D along a variable
WIDEST = 24  # components of which pairs are looked at


@dataclass(frozen=True)
class Findings:
    """What was found; times in the unit of dt, tensors in that of x^2 over it.

    Attributes:
        rows, parts, duration: of the data.
        correlation_time: integrated, of the slowest component.
        independent: duration over twice that.
        drifts: what changes between halves, as part of a sentence; empty if nothing does.
        diffusion: D (d, d) with measurement noise taken out where there is some; of states (0, 0).
        noise: variance (d,) of measurement noise; 0 where none was found.
        onward: correlation (d,) of steps that follow each other, beyond what grows as dt^2; 0
            where there is none.
        depends: how much D changes with the state, as a share of it; 0 where it is constant.
        nonlinear: whether mean steps are no linear function of the state.
        hidden: whether rows before the last one matter, too.
        inertial: whether steps go on in their direction, as those of a velocity that lasts.
    """

    rows: int
    parts: int
    duration: float
    correlation_time: float
    independent: float
    drifts: str = ""
    diffusion: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))
    noise: np.ndarray = field(default_factory=lambda: np.zeros(0))
    onward: np.ndarray = field(default_factory=lambda: np.zeros(0))
    depends: float = 0.0
    nonlinear: bool = False
    hidden: bool = False
    inertial: bool = False

    @property
    def noisy(self) -> bool:
        """Whether there is measurement noise."""
        return bool(np.any(self.noise > 0))

    @property
    def blurred(self) -> bool:
        """Whether steps go on a little in their direction."""
        return bool(np.any(self.onward > 0))


def findings(data: Trajectories) -> Findings:
    """Look at data; everything is a sum over blocks of rows."""
    time, independent = _memory(data)
    found = Findings(
        data.rows, len(data.parts), data.steps * data.dt, time, independent, _drifts(data)
    )
    if data.discrete:
        return replace(found, hidden=_remembers(data))
    nonlinear, depends, goes_on = _shape(data)
    if not np.all(_short(data, steps_of(data)[0], SHORT[1])):
        depends, goes_on = 0.0, False  # what drifts within a step looks like it
    offset = _offset(data, nonlinear)
    noise, onward = np.maximum(offset, 0), np.maximum(-offset, 0)
    return replace(
        found,
        diffusion=_diffusion(data, noise),
        noise=noise,
        onward=onward / steps_of(data)[0],
        nonlinear=nonlinear,
        depends=depends,
        hidden=(goes_on and not offset.any()) or (not nonlinear and _skips(data)),
        inertial=inertial(data),
    )


def span_of(data: Trajectories) -> float:
    """The longest time that two rows which follow each other look at: dt, or 2 dt where steps go on
    in their direction, as rows that are means over an exposure make them.
    """
    lasting = np.any(-_offset(data, True) > NOISE * steps_of(data)[0])
    return data.dt * (2 if lasting else 1)


def _memory(data: Trajectories) -> tuple[float, float]:
    """The integrated correlation time, and the number of independent samples, of the slowest
    component.
    """
    longest = max(data.parts, key=len)[: 1 << 17]
    n, best = len(longest), 1.0
    for i in range(min(data.components, 64)):
        columns = [longest[:, i]]
        if np.isfinite(data.period[i]):
            angle = 2 * np.pi / data.period[i] * longest[:, i]
            columns = [np.cos(angle), np.sin(angle)]
        for each in columns:
            power = np.abs(np.fft.rfft(each - each.mean(), 2 * n)) ** 2
            covariance = np.fft.irfft(power)[:n]
            if covariance[0] <= 0:
                continue
            sums = 2 * np.cumsum(covariance / covariance[0]) - 1
            beyond = np.flatnonzero(np.arange(n) >= 5 * sums)
            best = max(best, float(sums[beyond[0] if beyond.size else -1]))
    return best / 2 * data.dt, max(data.rows / best, float(len(data.parts)))


def _drifts(data: Trajectories) -> str:
    """Which component's mean or mean square changes between the halves of the time."""
    many = len(data.parts) >= 2 * PIECES
    first, last = [], []
    if many:
        for part in data.parts:
            half = len(part) // 2
            if half:
                first.append(_levels(part[:half], data))
                last.append(_levels(part[-half:], data))
    else:
        pieces = [_levels(each, data) for piece in data.blocks(PIECES) for each in piece.parts]
        first, last = pieces[: len(pieces) // 2], pieces[len(pieces) // 2 :]
    if len(first) < 4:
        return ""
    one, other = np.asarray(first), np.asarray(last)
    if many:
        differences = other - one
        error = differences.std(axis=0, ddof=1) / np.sqrt(len(differences))
        freedom = len(differences) - 1
    else:
        error = np.sqrt(one.var(axis=0, ddof=1) / len(one) + other.var(axis=0, ddof=1) / len(other))
        freedom = len(one) + len(other) - 2
    change = other.mean(axis=0) - one.mean(axis=0)
    t = np.abs(change) / np.where(error > 0, error, np.inf)
    p = 2 * stdtr(freedom, -t) * t.size
    scale = _scales(data)
    large = np.abs(change) > SHIFT * scale
    at = np.argwhere((p < 1e-4) & large)
    if not len(at):
        return ""
    kind, i = at[0]
    what = ("mean", "mean square")[kind]
    a, b = one.mean(axis=0)[kind, i], other.mean(axis=0)[kind, i]
    return f"the {what} of component {i} is {a:.4g} in the first half and {b:.4g} in the second"


def _levels(rows: np.ndarray, data: Trajectories) -> np.ndarray:
    """Mean and mean square of each component, (2, d); on rings those of a cosine and a sine."""
    ring = np.isfinite(data.period)
    angle = np.where(ring, 2 * np.pi / np.where(ring, data.period, 1.0), 0.0) * rows
    low = np.where(ring, np.cos(angle), rows).mean(axis=0)
    high = np.where(ring, np.sin(angle), rows**2).mean(axis=0)
    return np.stack([low, high])


def _scales(data: Trajectories) -> np.ndarray:
    """The spreads (2, d) that changes of `_levels` are compared with."""
    mean, variance = data.moments()
    variance = np.maximum(variance, np.finfo(float).tiny)
    ring = np.isfinite(data.period)
    one = np.where(ring, 1.0, np.sqrt(variance))
    other = np.where(ring, 1.0, np.sqrt(2 * variance**2 + 4 * mean**2 * variance))
    return np.stack([one, other])


def _offset(data: Trajectories, nonlinear: bool) -> np.ndarray:
    """The variances (d,) that measurement noise adds to what is seen, negative where steps go on in
    their direction as those of a blurred or inertial motion; 0 where neither was found.

    Of a linear process it is what correlations at lags 1 and 2 do not account for. Else it is the
    part of -<dX dX_next> that does not grow as dt^2, which needs short intervals, and of a
    nonlinear process both have to say so.
    """
    mean_square = steps_of(data)[0]
    of_steps = _settled(
        [offset_of(p) for p in data.blocks(PIECES) if max(map(len, p.parts)) > 6], mean_square
    )
    of_steps = np.where(_short(data, mean_square, SHORT[0]), of_steps, 0.0)
    if data.periodic:
        return of_steps
    found = _of_lags(data)
    of_lags = None if found is None else _settled(found, mean_square)
    if of_lags is None or not nonlinear:
        return of_steps if of_lags is None else of_lags
    least = np.where(np.abs(of_steps) < np.abs(of_lags), of_steps, of_lags)
    return np.where(of_steps * of_lags > 0, least, 0.0)


def _short(data: Trajectories, mean_square: np.ndarray, share: float) -> np.ndarray:
    """Whether a step is short beside the spread of each component, that of a ring a sixth of it."""
    variance = np.where(np.isfinite(data.period), (data.period / 6) ** 2, data.moments()[1])
    return mean_square < share * 2 * variance


def _settled(values: list[np.ndarray], mean_square: np.ndarray) -> np.ndarray:
    """The mean of values of pieces where it is neither chance nor small."""
    if len(values) < 8:
        return np.zeros_like(mean_square)
    table = np.asarray(values)
    mean, error = table.mean(axis=0), table.std(axis=0, ddof=1) / math.sqrt(len(table))
    p = 2 * stdtr(len(table) - 1, -np.abs(mean) / np.where(error > 0, error, np.inf)) * mean.size
    return np.where((p < UNLIKELY * 100) & (np.abs(mean) > NOISE * mean_square / 2), mean, 0.0)


def _of_lags(data: Trajectories) -> list[np.ndarray] | None:
    """C_0 - S of a linear process, as if of pieces; None where it is none."""
    scale = np.sqrt(data.moments()[1])
    data = unit_free(data)
    sums = [lagged(p, 2) for p in data.blocks(PIECES) if max(map(len, p.parts)) > 2]
    total = tuple(np.sum([each[k] for each in sums], axis=0) for k in range(4))
    values = []
    for each in sums:
        rest = tuple(a - b for a, b in zip(total, each, strict=True))
        process = noisy_process(rest, data.dt)
        if process is None:
            return None
        _, (start, _, _), _ = centred(rest)
        values.append(np.diag(start - process.covariance) * scale**2)
    mean = np.mean(values, axis=0)
    return [mean + (len(values) - 1) * (mean - each) for each in values]


def _diffusion(data: Trajectories, noise: np.ndarray) -> np.ndarray:
    """D of steps, less the noise of their ends."""
    square, total, n = np.zeros((data.components,) * 2), np.zeros(data.components), 0
    for rows in data.windows(2):
        steps = np.diff(rows, axis=0)
        square += steps.T @ steps
        total += steps.sum(axis=0)
        n += len(steps)
    mean = total / n
    return ((square / n - np.outer(mean, mean)) - 2 * np.diag(noise)) / (2 * data.dt)


def _shape(data: Trajectories) -> tuple[bool, float, bool]:
    """Whether mean steps are nonlinear, how much mean squares change with the state, and whether
    steps less their mean go on in their direction.
    """
    wide = basis_of(data, 3) if data.components <= 6 else _own(data)
    plain = basis_of(data, 1)
    if wide is None or plain is None or data.steps < 40 * len(wide.factors):
        return False, 0.0, False
    plain_fit = _fit(data, plain)
    pieces = data.blocks(PIECES)
    size = len(wide.factors), data.components
    n, products, means = 0, np.zeros((size[0], size[0])), np.zeros((len(pieces), *size))
    for i, piece in enumerate(pieces):
        for rows in piece.windows(2, max(256, (1 << 21) // size[0])):
            steps, start = np.diff(rows, axis=0), rows[:-1]
            residual = steps - plain(start) @ plain_fit
            functions = wide(start)
            n += len(steps)
            products += functions.T @ functions
            means[i] += functions.T @ residual
    inverse = np.linalg.pinv(products, rcond=1e-10)
    # of pieces, since residuals of what has inertia or is hidden do not forget at once
    w, v = np.linalg.eigh(products)
    turned = (v[:, w > 1e-10 * w[-1]].T) @ means
    error = turned.std(axis=0, ddof=1) / math.sqrt(len(turned)) if len(turned) > 7 else np.inf
    t = np.abs(turned.mean(axis=0)) / np.where(np.asarray(error) > 0, error, np.inf)
    p = 2 * stdtr(len(turned) - 1, -t) * t.size
    nonlinear = data.periodic or bool(np.any(p < UNLIKELY))
    # of steps less all of their mean
    more, squares, left = inverse @ means.sum(axis=0), np.zeros(size), np.zeros(size[1])
    onward, pairs = np.zeros(size[1]), 0
    for rows in data.windows(2, max(256, (1 << 21) // size[0])):
        functions = wide(rows[:-1])
        residual = np.diff(rows, axis=0) - plain(rows[:-1]) @ plain_fit - functions @ more
        squares += functions.T @ residual**2
        left += (residual**2).sum(axis=0)
        onward += (residual[1:] * residual[:-1]).sum(axis=0)
        pairs += len(residual) - 1
    lasting = onward / max(pairs, 1) / (left / n)
    goes_on = bool(np.any((lasting > LASTING) & (lasting * math.sqrt(pairs) > 6)))
    depends = _modulation(products, inverse, squares, left, n)
    return nonlinear, depends, goes_on


def _modulation(
    products: np.ndarray, inverse: np.ndarray, squares: np.ndarray, left: np.ndarray, n: int
) -> float:
    """The largest change of D with the state, as a share of it, from a fit of squares of steps."""
    fit, level = inverse @ squares, left / n
    around = np.einsum("ai,ab,bi->i", fit, products / n, fit) / level**2 - 1
    # of a constant D: 2 for each function, by chance
    chance = 2 * len(products) / n
    depends = np.sqrt(np.maximum(around - 5 * chance, 0))
    return float(np.max(np.where(depends > MODULATION, depends, 0.0)))


def _own(data: Trajectories) -> Basis | None:
    """Powers of each component for itself."""
    plain = basis_of(data, 1)
    if plain is None or data.components > 64:
        return None
    more = [plain.factors]
    for k in (2, 3) if not data.periodic else (2, -2):
        more.append(k * np.eye(data.components, dtype=int))
    return plain._replace(factors=np.concatenate(more))


def _fit(data: Trajectories, basis: Basis) -> np.ndarray:
    size = len(basis.factors)
    products, onto = np.zeros((size, size)), np.zeros((size, data.components))
    for rows in data.windows(2):
        functions = basis(rows[:-1])
        products += functions.T @ functions
        onto += functions.T @ np.diff(rows, axis=0)
    return np.linalg.lstsq(products, onto, rcond=1e-10)[0]


def _skips(data: Trajectories) -> bool:
    """Whether C_3 is not C_2 C_1^-1 C_2, as it is for a linear process with or without noise."""
    if data.components > WIDEST:
        return False
    data = unit_free(data)
    sums = [lagged(p, 3) for p in data.blocks(PIECES) if max(map(len, p.parts)) > 3]
    if len(sums) < 8:
        return False
    total = tuple(np.sum([each[k] for each in sums], axis=0) for k in range(4))

    def excess(sums: tuple[np.ndarray, ...]) -> np.ndarray:
        _, (_, one, two, three), _ = centred(sums)
        return three - np.linalg.solve(one.T, two.T).T @ two

    others = np.asarray(
        [excess(tuple(a - b for a, b in zip(total, each, strict=True))) for each in sums]
    )
    n = len(others)
    error = np.sqrt((n - 1) * others.var(axis=0))
    z = np.abs(excess(total)) / np.where(error > 0, error, np.inf)
    p = 2 * stdtr(n - 1, -z) * z.size
    return bool(np.any(p < UNLIKELY * 100))


def _remembers(data: Trajectories) -> bool:
    """Whether a state depends on the one before the last, by the likelihood ratio of counts."""
    size = len(data.labels)
    if size > 60 or data.steps < 20 * size:
        return False
    counts, triples = counts_of(data), np.zeros(size**3)
    for each in data.states:
        codes = (each[:-2] * size + each[1:-1]) * size + each[2:]
        triples += np.bincount(codes, minlength=size**3)
    triples = triples.reshape(size, size, size)
    first, last = triples.sum(axis=2, keepdims=True), triples.sum(axis=0, keepdims=True)
    middle = triples.sum(axis=(0, 2))[None, :, None]
    seen = triples > 0
    expected = np.where(seen, first * last / np.maximum(middle, 1), 1.0)
    ratio = 2 * float(np.sum(triples[seen] * np.log(triples[seen] / expected[seen])))
    into, out = (counts > 0).sum(axis=0), (counts > 0).sum(axis=1)
    freedom = float(np.sum(np.maximum(into - 1, 0) * np.maximum(out - 1, 0)))
    if freedom == 0:
        return False
    # Wilson and Hilferty, for a p that is not rounded to 0 or 1
    z = ((ratio / freedom) ** (1 / 3) - (1 - 2 / (9 * freedom))) / math.sqrt(2 / (9 * freedom))
    return bool(ndtr(-z) < UNLIKELY)
