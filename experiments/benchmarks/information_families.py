"""Fourteen families of samples whose mutual information is known: on these, and on no public
task, the constants of `physent.entropy.mutual_information` were chosen.

Tails, mixtures, circles, discrete values, bent and twisted Gaussians. The truth is a closed form,
an integral, or for the mixture a mean over a million draws of the exact log-ratio (+- .001 nats).
"""

import functools
import math
from collections.abc import Callable

import numpy as np
from scipy import integrate, special, stats

Family = Callable[[np.random.Generator, int], tuple[np.ndarray, np.ndarray, float]]


def gaussian_truth(covariance: np.ndarray, dx: int) -> float:
    def log_det(matrix: np.ndarray) -> float:
        return float(np.linalg.slogdet(matrix)[1])

    parts = log_det(covariance[:dx, :dx]) + log_det(covariance[dx:, dx:])
    return (parts - log_det(covariance)) / 2


def student_excess(nu: float, dx: int, dy: int) -> float:
    """What Student's variables of nu degrees of freedom have in common beyond the Gaussian of the
    same scatter (R. B. Arellano-Valle, J. E. Contreras-Reyes, M. G. Genton, Scand. J. Stat. 40, 42,
    2013).
    """

    def term(d: int) -> float:
        half = (nu + d) / 2
        return float(special.gammaln(half) - half * special.digamma(half))

    return term(0) + term(dx + dy) - term(dx) - term(dy)


def paired(dx: int, dy: int, correlations: list[float]) -> np.ndarray:
    covariance = np.eye(dx + dy)
    for i, r in enumerate(correlations):
        covariance[i, dx + i] = covariance[dx + i, i] = r
    return covariance


def factors(d: int, count: int) -> np.ndarray:
    loads = np.random.default_rng(7).standard_normal((d, count))
    covariance = loads @ loads.T + np.eye(d)
    spread = np.sqrt(np.diag(covariance))
    return covariance / spread[:, None] / spread


def gaussian(random: np.random.Generator, covariance: np.ndarray, n: int) -> np.ndarray:
    return random.standard_normal((n, len(covariance))) @ np.linalg.cholesky(covariance).T


def turned(z: np.ndarray, i: int, j: int, angle: np.ndarray) -> None:
    a, b = z[:, i].copy(), z[:, j].copy()
    z[:, i], z[:, j] = a * np.cos(angle) - b * np.sin(angle), a * np.sin(angle) + b * np.cos(angle)


def _split(z: np.ndarray, dx: int, truth: float) -> tuple[np.ndarray, np.ndarray, float]:
    return z[:, :dx], z[:, dx:], truth


def factor_model(random, n):
    covariance = factors(8, 3)
    return _split(gaussian(random, covariance, n), 4, gaussian_truth(covariance, 4))


def dense_lognormal(random, n):
    covariance = factors(10, 6)
    x, y, truth = _split(gaussian(random, covariance, n), 5, gaussian_truth(covariance, 5))
    return np.exp(x), y, truth


def student(random, n):
    covariance = paired(3, 3, [0.6, 0.3])
    z = gaussian(random, covariance, n) / np.sqrt(random.chisquare(4, n) / 4)[:, None]
    return _split(z, 3, gaussian_truth(covariance, 3) + student_excess(4, 3, 3))


def heavy_tails(random, n):
    z = random.standard_normal((n, 8)) / np.sqrt(random.chisquare(1.5, n) / 1.5)[:, None]
    return _split(z, 4, student_excess(1.5, 4, 4))


CENTRES = np.array([[-2, -2, 1, 0], [2, -2, -1, 1], [0, 2.5, 0, -2.0]])
SHARES, WIDTH = np.array([0.5, 0.3, 0.2]), 0.8


def _drawn(random: np.random.Generator, n: int) -> np.ndarray:
    return CENTRES[random.choice(3, n, p=SHARES)] + WIDTH * random.standard_normal((n, 4))


@functools.cache
def _mixture_truth() -> float:
    z = _drawn(np.random.default_rng(5), 1_000_000)
    squares = (z[:, None] - CENTRES[None]) ** 2 / (2 * WIDTH**2)

    def log_density(columns: slice) -> np.ndarray:
        exponents = np.log(SHARES) - squares[..., columns].sum(-1)
        return np.logaddexp.reduce(exponents, axis=1)

    both, first, last = map(log_density, (slice(0, 4), slice(0, 2), slice(2, 4)))
    return float(np.mean(both - first - last))  # the factors of the normalisation cancel


def mixture(random, n):
    return _split(_drawn(random, n), 2, _mixture_truth())


def circle(random, n):
    angle = random.uniform(-np.pi, np.pi, n)
    other = np.angle(np.exp(1j * (angle + random.vonmises(0, 3.0, n))))
    return angle, other, math.log(2 * np.pi) - float(stats.vonmises(3.0).entropy())


def banana(random, n):
    covariance = paired(3, 3, [0.8, 0.8])
    x, y, truth = _split(gaussian(random, covariance, n), 3, gaussian_truth(covariance, 3))
    x[:, 2] += x[:, 0] ** 2 - 1
    x[:, 1] += np.sin(2 * x[:, 2])
    y[:, 2] += 0.7 * y[:, 1] ** 2
    return x, y, truth


def twist(random, n):
    covariance = paired(4, 4, [0.85, 0.6])
    x, y, truth = _split(gaussian(random, covariance, n), 4, gaussian_truth(covariance, 4))
    turned(x, 0, 2, 1.2 * np.tanh(x[:, 3]))
    turned(y, 0, 3, 1.2 * np.sin(y[:, 2]))
    return x, y, truth


def swirl(random, n):
    covariance = paired(5, 5, [0.9])
    x, y, truth = _split(gaussian(random, covariance, n), 5, gaussian_truth(covariance, 5))
    turned(x, 0, 1, x[:, 2].copy())
    turned(y, 0, 4, 0.8 * y[:, 1])
    return x, y, truth


def stretched_mixes(random, n):
    covariance = paired(3, 3, [0.7, 0.5])
    x, y, truth = _split(gaussian(random, covariance, n), 3, gaussian_truth(covariance, 3))
    a, b = np.random.default_rng(8).standard_normal((2, 3, 3))
    return np.sinh(1.5 * x) @ a, (y**3 + y) @ b, truth


def boxes(random, n):
    x = random.uniform(size=(n, 2))
    return x, x + random.uniform(-0.3, 0.3, (n, 2)), 2 * (0.3 - math.log(0.6))


def gamma_exponential(random, n):
    x = random.gamma(2.0, size=n)
    return x, random.exponential(1 / x), float(special.digamma(3.0)) - math.log(2.0)


def mixed(random, n):
    """Four classes, and a Gaussian about each."""
    classes = random.integers(0, 4, n)
    places = 1.5 * np.arange(4)

    def density(t: float) -> float:
        return float(np.mean(stats.norm.pdf(t - places)))

    entropy = -integrate.quad(lambda t: special.xlogy(density(t), density(t)), -8, 13, limit=200)[0]
    truth = entropy - 0.5 * math.log(2 * math.pi * math.e)
    return classes, 1.5 * classes + random.standard_normal(n), truth


def sign_blind(random, n):
    """y follows x or -x, as chance will have it."""
    x = random.standard_normal(n)
    y = 0.8 * x * random.choice([-1, 1], n) + 0.6 * random.standard_normal(n)
    t = np.linspace(-6, 6, 1201)
    step = t[1] - t[0]
    given = sum(stats.norm.pdf(t[:, None], sign * 0.8 * t[None], 0.6) for sign in (-1, 1)) / 2
    conditional = -np.sum(special.xlogy(given, given), axis=0) * step
    truth = 0.5 * math.log(2 * math.pi * math.e) - np.sum(conditional * stats.norm.pdf(t)) * step
    return x, y, float(truth)


FAMILIES: dict[str, Family] = {
    each.__name__: each
    for each in (
        factor_model,
        dense_lognormal,
        student,
        heavy_tails,
        mixture,
        circle,
        banana,
        twist,
        swirl,
        stretched_mixes,
        boxes,
        gamma_exponential,
        mixed,
        sign_blind,
    )
}


def sample(name: str, n: int, seed: int) -> tuple[np.ndarray, np.ndarray, float]:
    """x, y and the truth."""
    return FAMILIES[name](np.random.default_rng(1000 + seed), n)
