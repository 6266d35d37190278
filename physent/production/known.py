"""Entropy production where the force is known but not all that drives."""

from collections.abc import Callable

import numpy as np

from physent.production.estimator import PIECES, Estimate, jackknifed
from physent.production.trajectories import Trajectories

LAGS = 3


class VarianceSum:
    """The variance sum rule of a known drift b(x), of components with independent noises.

    Of each component, V the variance of displacements and D its diffusion (I. Di Terlizzi et al.,
    Science 383, 971 (2024)),

        sigma_i = [<dx/dt>^2 + V''(0)/4 + Var(b_i)/2]/D_i,

    with V'' from displacements over one to three intervals, so these have to be short. b may be
    anything that acts on the component, also a force that was measured beside it: give a function
    of the rows (rows, components) that returns as many.
    """

    label = "variance_sum"
    assumes = "a known drift, short intervals, independent noises, no measurement noise"
    is_bound = False

    def __init__(self, drift: Callable[[np.ndarray], np.ndarray]):
        self.drift = drift

    def refuses(self, data: Trajectories) -> str:
        """States, velocities, and fewer than a thousand steps."""
        if data.discrete:
            return "states have no displacements"
        if np.any(data.parity == -1):
            return "it is a rule for overdamped motion"
        return "" if data.steps >= 1000 else f"{data.steps} steps are too few (at least 1000)"

    def seconds(self, data: Trajectories) -> float:
        """Of a few passes over the data."""
        return 1e-7 * data.rows * data.components + 0.05

    def __call__(self, data: Trajectories, draw: np.random.Generator) -> Estimate:
        """The estimate."""
        pieces = [p for p in data.blocks(PIECES) if max(map(len, p.parts)) > LAGS]
        return jackknifed([self._sums(p) for p in pieces], lambda sums: _rate(sums, data.dt))

    def _sums(self, data: Trajectories) -> tuple[np.ndarray, ...]:
        d = data.components
        count, moved = np.zeros(1), np.zeros((2, LAGS, d))
        drifts = np.zeros((2, d))
        for rows in data.windows(LAGS + 1):
            n = len(rows) - LAGS
            count += n
            b = self.drift(rows[:n])
            drifts += np.stack([b.sum(axis=0), np.square(b).sum(axis=0)])
            for lag in range(LAGS):
                steps = rows[lag + 1 : lag + 1 + n] - rows[:n]
                moved[0, lag] += steps.sum(axis=0)
                moved[1, lag] += np.square(steps).sum(axis=0)
        return count, moved, drifts


def _rate(sums: tuple[np.ndarray, ...], dt: float) -> float:
    count, moved, drifts = sums
    first, second = moved / count
    one, two, three = second - first**2
    bent = (-5 * one + 4 * two - three) / dt**2
    slope = (3 * one - 1.5 * two + three / 3) / dt
    spread = drifts[1] / count - (drifts[0] / count) ** 2
    return float(np.sum((np.square(first[0] / dt) + bent / 4 + spread / 2) / (slope / 2)))
