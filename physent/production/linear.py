"""Entropy production of a linear process from its correlations, with no bias of the interval.

Of dX = -A X dt + sqrt(2 D) dW, seen every dt, the rows are X' = P X + noise with P = exp(-A dt)
exactly, whatever dt is. P and the covariance N of the noise are fitted; A = -ln P/dt, the
covariance S = P S P' + N and D = (A S + S A')/2 follow, and with Q = (A S - S A')/2

    sigma = tr(Q' D^-1 Q S^-1)     [X even],
    sigma = tr(R' D^-1 R S) - tr R,  R = (A + E A E)/2,  over the rows with noise   [parity E].

sigma is quadratic in Q, so errors of P raise it, by about d(d - 1)/T in d dimensions over a time T
for equal relaxation times: for many components by several times the truth. Bias and standard error
are those of the fitted process itself: P is drawn with errors of covariance S^-1 x N/n, N as
Wishart has it, in pairs of opposite sign, and sigma of the pairs compared with that of the fit.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from physent.production.estimator import PIECES, Estimate, jackknifed, within
from physent.production.trajectories import INERTIA, Trajectories, inertial

LARGEST = 192  # components
SIZES = 1.0, 0.5, 0.25  # of the errors that are drawn: smaller where larger ones leave no process


class Process(NamedTuple):
    """A linear process: A (d, d), D (d, d) and S (d, d)."""

    matrix: np.ndarray
    diffusion: np.ndarray
    covariance: np.ndarray


def linear_rate(process: Process, parity: np.ndarray | None = None) -> np.ndarray:
    """sigma (...,) of processes, with leading axes."""
    a, d, s = process
    if parity is None or np.all(parity == 1):
        q = a @ s - d
        return -np.trace(np.linalg.solve(d, q) @ np.linalg.solve(s, q), axis1=-2, axis2=-1)
    turned = (a + parity[:, None] * a * parity) / 2
    noisy = np.flatnonzero(parity == -1) if np.any(parity == -1) else np.arange(len(parity))
    rows = turned[..., noisy, :]
    inner = d[..., noisy[:, None], noisy]
    forced = np.einsum("...ia,...ij,...ja->...", rows @ s, np.linalg.inv(inner), rows)
    return forced - np.trace(rows[..., noisy], axis1=-2, axis2=-1)


def process_of(step: np.ndarray, noise: np.ndarray, dt: float) -> Process:
    """The process of P (..., d, d) and N (..., d, d), by the eigenvectors of P; NaN where P has no
    real logarithm.
    """
    w, v = (np.asarray(each, complex) for each in np.linalg.eig(step))
    back = np.linalg.inv(v)
    real = np.all((np.real(w) > 0) | (np.abs(np.imag(w)) > 1e-12 * np.abs(w)), axis=-1)
    good = real & np.all(np.abs(w) < 1, axis=-1) & np.all(np.abs(w) > 0, axis=-1)
    w = np.where(good[..., None], w, 0.5)
    matrix = -((v * np.log(w)[..., None, :]) @ back).real / dt
    turned = back @ noise @ np.swapaxes(back, -1, -2)
    s = (v @ (turned / (1 - w[..., :, None] * w[..., None, :])) @ np.swapaxes(v, -1, -2)).real
    s = (s + np.swapaxes(s, -1, -2)) / 2
    current = matrix @ s
    diffusion = (current + np.swapaxes(current, -1, -2)) / 2
    return Process(np.where(good[..., None, None], matrix, np.nan), diffusion, s)


def lagged(data: Trajectories, lags: int) -> tuple[np.ndarray, ...]:
    """The sums that covariances are made of, over windows of lags + 1 rows: their number, the sums
    of the rows (lags + 1, d), of their products with the first (lags + 1, d, d), and of the
    last row with itself (d, d).
    """
    width = data.components
    count, sums = 0, np.zeros((lags + 1, width))
    products, last = np.zeros((lags + 1, width, width)), np.zeros((width, width))
    for rows in data.windows(lags + 1):
        size = len(rows) - lags
        count += size
        for lag in range(lags + 1):
            sums[lag] += rows[lag : lag + size].sum(axis=0)
            products[lag] += rows[lag : lag + size].T @ rows[:size]
        end = rows[lags:]
        last += end.T @ end
    return np.asarray(count, float), sums, products, last


def centred(sums: tuple[np.ndarray, ...]) -> tuple[float, np.ndarray, np.ndarray]:
    """The number of windows, the covariances of rows with the first (lags + 1, d, d), and of the
    last row.
    """
    count, rows, products, last = sums
    mean = rows / count
    # one mean for all: the process is stationary
    mean = np.broadcast_to(mean.mean(axis=0), mean.shape)
    cross = lambda a, b, one, other: (  # noqa: E731
        np.outer(a, other) + np.outer(one, b) - np.outer(a, b)
    )
    covariances = np.stack(
        [
            product / count - cross(mean[lag], mean[0], rows[lag] / count, rows[0] / count)
            for lag, product in enumerate(products)
        ]
    )
    end = last / count - cross(mean[-1], mean[-1], rows[-1] / count, rows[-1] / count)
    return float(count), covariances, end


def unit_free(data: Trajectories) -> Trajectories:
    """Without the mean, in units of the spread, so that sums of squares are exact enough."""
    mean, variance = data.moments()
    scale = np.sqrt(variance)
    return replace(data, parts=tuple((part - mean) / scale for part in data.parts))


def _refuses(data: Trajectories, fewest: int) -> str:
    if data.discrete:
        return "states are no numbers"
    if data.periodic:
        return "on a ring nothing is linear"
    if data.components == 1:
        return "one component on a line has no current"
    if data.components > LARGEST:
        return f"more than {LARGEST} components"
    if data.steps < fewest:
        return f"{data.steps} steps are too few for {data.components} components"
    return INERTIA if np.all(data.parity == 1) and inertial(data) else ""


class Linear:
    """The fit above; 95 % intervals by the normal distribution of what is drawn."""

    label = "linear"
    assumes = "a stationary linear process, all of it seen, without measurement noise"
    is_bound = False

    def refuses(self, data: Trajectories) -> str:
        """Rings, states, and fewer than twenty steps for each component."""
        return _refuses(data, 20 * data.components)

    def seconds(self, data: Trajectories) -> float:
        """Of the products of rows, and of the draws."""
        d = data.components
        return 1e-9 * data.rows * d * (d + 20) + 3e-7 * _draws(d) * (d + 8) ** 3 + 0.02

    def __call__(self, data: Trajectories, draw: np.random.Generator) -> Estimate:
        """The estimate."""
        data = unit_free(data)
        count, (start, onward), end = centred(lagged(data, 1))
        return fitted(count, start, onward, end, data, draw)


def _draws(width: int) -> int:
    """Pairs that are drawn: the error of a standard error is 1/sqrt(2 pairs)."""
    return 256 if width <= 16 else 64 if width <= 64 else 24


def fitted(
    count: float,
    start: np.ndarray,
    onward: np.ndarray,
    end: np.ndarray,
    data: Trajectories,
    draw: np.random.Generator,
) -> Estimate:
    """The estimate of covariances: of the first rows of steps, onward to the second, of these."""
    d, parity = data.components, data.parity
    step = np.linalg.solve(start, onward.T).T
    noise = (end - step @ onward.T) * count / max(count - d - 1, 1)
    noise = (noise + noise.T) / 2
    rate = float(linear_rate(process_of(step, noise, data.dt), parity))
    if not np.isfinite(rate):
        return Estimate(np.nan, np.nan, np.nan, np.nan)
    roots = np.linalg.cholesky(np.linalg.inv(start)), np.linalg.cholesky(noise)
    for size in SIZES:
        pairs = _drawn(step, noise, roots, rate, data, draw, size / np.sqrt(count))
        bias, first = (each[np.isfinite(each)] for each in pairs)
        if len(bias) > 0.98 * len(pairs[0]):
            bias, first = bias / size**2, first / size
            # the variance of a sum of what is odd and what is even in the errors; of the bias
            error = np.sqrt(np.mean(first**2) + np.var(bias) * (1 + 1 / len(bias)))
            return within(rate - float(np.mean(bias)), float(error))
    return Estimate(np.nan, np.nan, np.nan, np.nan)


def _drawn(
    step: np.ndarray,
    noise: np.ndarray,
    roots: tuple[np.ndarray, np.ndarray],
    rate: float,
    data: Trajectories,
    draw: np.random.Generator,
    size: float,
) -> tuple[np.ndarray, np.ndarray]:
    """What is even and what is odd, in errors of P and N of this size, of rates about a fit."""
    of_start, of_noise = roots
    d, even, odd = len(step), [], []
    for many in _portions(_draws(d), d):
        normal = draw.standard_normal((2, many, d, d))
        steps = size * (of_noise @ normal[0] @ of_start.T)
        wishart = (normal[1] + np.swapaxes(normal[1], -1, -2)) / np.sqrt(2)
        noises = size * (of_noise @ wishart @ of_noise.T)
        plus, minus = (
            linear_rate(
                process_of(step + sign * steps, noise + sign * noises, data.dt), data.parity
            )
            for sign in (1, -1)
        )
        even.append((plus + minus) / 2 - rate)
        odd.append((plus - minus) / 2)
    return np.concatenate(even), np.concatenate(odd)


def _portions(pairs: int, width: int) -> list[int]:
    """How many are drawn at once, some megabytes."""
    most = max(1, (1 << 19) // width**2)
    return [min(most, pairs - start) for start in range(0, pairs, most)]


class LinearNoisy:
    """The same behind measurement noise, of which correlations at different times know nothing.

    With C_k = E[Y(t + k dt) Y(t)'] of what is seen, Y = X + white noise: P = C_2 C_1^-1, S is the
    symmetric part of P^-1 C_1, and C_0 - S is left to the noise. A camera that averages over its
    exposure changes P not at all, and S in second order of the exposure.
    """

    label = "linear_noisy"
    assumes = "a stationary linear process, all of it seen, with white measurement noise"
    is_bound = False

    def refuses(self, data: Trajectories) -> str:
        """As `Linear`, and where no piece would have three rows that follow each other."""
        if np.any(data.parity == -1):
            return "velocities with noise of measurement are not taken apart"
        return _refuses(data, 40 * max(data.components, 8))

    def seconds(self, data: Trajectories) -> float:
        """Of the products of rows, and of leaving out each piece."""
        d = data.components
        return 2e-9 * data.rows * d * (d + 20) + 1e-6 * PIECES * (d + 8) ** 3 + 0.02

    def __call__(self, data: Trajectories, draw: np.random.Generator) -> Estimate:
        """The estimate."""
        data = unit_free(data)
        pieces = [each for each in data.blocks(PIECES) if max(map(len, each.parts)) > 2]
        return jackknifed([lagged(each, 2) for each in pieces], lambda sums: self._rate(sums, data))

    def _rate(self, sums: tuple[np.ndarray, ...], data: Trajectories) -> float:
        process = noisy_process(sums, data.dt)
        return float(linear_rate(process)) if process is not None else np.nan


def noisy_process(sums: tuple[np.ndarray, ...], dt: float) -> Process | None:
    """The process behind noise from sums at lags 0, 1, 2; None where it has none."""
    _, (_, one, two), _ = centred(sums)
    step = np.linalg.solve(one.T, two.T).T
    s = np.linalg.solve(step, one)
    s = (s + s.T) / 2
    noise = s - step @ s @ step.T
    if np.linalg.eigvalsh(s)[0] <= 0 or np.linalg.eigvalsh((noise + noise.T) / 2)[0] <= 0:
        return None
    found = process_of(step, noise, dt)
    return found if np.isfinite(found.matrix).all() else None
