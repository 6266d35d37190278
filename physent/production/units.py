"""A bound for many binary units that needs no count of their joint states."""

from collections.abc import Iterator

import numpy as np

from physent.production.estimator import PIECES, Estimate, jackknifed, within
from physent.production.trajectories import Trajectories

MOST = 400  # pairs of units
FITTED = 200_000  # steps that the coefficients are fitted to
TURNS = 12


class MaximumEntropy:
    """The bound by correlations of pairs of units one step apart.

    Of all processes with the same means of g_ij = s_i(t) s_j(t + dt) - s_j(t) s_i(t + dt), the one
    of least irreversibility produces

        sigma dt >= max_c { c . <g> - ln <exp(-c . g)> }

    (M. Aguilera, S. Ito, A. Kolchinsky, 2025; the variational form of the divergence by Donsker and
    Varadhan). c is found by Newton's method in one half of the data and used in the other, so that
    it stays a bound whatever was fitted.
    """

    label = "maximum_entropy"
    assumes = "a stationary sequence of units with two states each; hidden ones may be"
    is_bound = True

    def refuses(self, data: Trajectories) -> str:
        """Numbers, units with more than two states, fewer than three units or too many."""
        if not data.discrete:
            return "these are numbers, no units"
        if np.any(data.parity == -1):
            return "units that turn round with time are not taken"
        if data.components < 3:
            return f"{data.components} units are too few (at least 3)"
        low, high = self._ends(data)
        if any(np.any((part != low) & (part != high)) for part in data.parts):
            return "a unit has more than two states"
        pairs = data.components * (data.components - 1) // 2
        if pairs > MOST:
            return f"{pairs} pairs of units are too many"
        return "" if data.steps > 50 * pairs else f"{data.steps} steps are too few"

    def seconds(self, data: Trajectories) -> float:
        """Of Newton's steps and of one more look at the data."""
        pairs = data.components * (data.components - 1) // 2
        fitted = min(data.steps, FITTED)
        return 1.5e-9 * pairs * (fitted * TURNS * (pairs / 3 + 10) + 20 * data.rows) + 0.05

    def _ends(self, data: Trajectories) -> tuple[np.ndarray, np.ndarray]:
        low = np.min([part.min(axis=0) for part in data.parts], axis=0)
        return low, np.max([part.max(axis=0) for part in data.parts], axis=0)

    def _currents(self, data: Trajectories, ends: tuple[np.ndarray, np.ndarray]) -> Iterator:
        i, j = np.triu_indices(data.components, 1)
        low, _ = ends
        for rows in data.windows(2, max(256, (1 << 22) // len(i))):
            s = np.where(rows == low, -1.0, 1.0)
            yield s[:-1, i] * s[1:, j] - s[:-1, j] * s[1:, i]

    def __call__(self, data: Trajectories, draw: np.random.Generator) -> Estimate:
        """The estimate."""
        ends, pieces = self._ends(data), data.blocks(PIECES)
        sums: list[tuple[np.ndarray, ...]] = [()] * len(pieces)
        for start in (0, 1):
            c = self._fitted(pieces[1 - start :: 2], ends)
            for i in range(start, len(pieces), 2):
                found = np.zeros((2, 3))
                for g in self._currents(pieces[i], ends):
                    along = g @ c
                    found[start] += len(g), along.sum(), np.exp(-along).sum()
                sums[i] = (found,)

        def rate(sums: tuple[np.ndarray, ...]) -> float:
            total = sum(
                first - n * np.log(tilted / n) for n, first, tilted in sums[0].tolist() if n > 0
            )
            return float(total / sums[0][:, 0].sum() / data.dt)

        whole = rate((np.sum([each for (each,) in sums], axis=0),))
        return within(whole, jackknifed(sums, rate).standard_error, len(pieces) - 1)

    def _fitted(
        self, pieces: list[Trajectories], ends: tuple[np.ndarray, np.ndarray]
    ) -> np.ndarray:
        """The coefficients c (pairs,) by Newton's method, with shorter steps where it goes down."""
        share = max(1, sum(piece.steps for piece in pieces) // FITTED)
        some = [g[::share] for piece in pieces for g in self._currents(piece, ends)]
        size = some[0].shape[1]
        mean = np.sum([g.sum(axis=0) for g in some], axis=0) / sum(map(len, some))

        def tilted(c: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
            total, first, second = 0.0, np.zeros(size), np.zeros((size, size))
            for g in some:
                weight = np.exp(-g @ c)
                total += weight.sum()
                first += weight @ g
                second += (g * weight[:, None]).T @ g
            average = first / total
            value = float(c @ mean - np.log(total / sum(map(len, some))))
            return value, mean + average, second / total - np.outer(average, average)

        c, step = np.zeros(size), np.zeros(size)
        best, slope, curve = tilted(c)
        for _ in range(TURNS):
            step = np.linalg.lstsq(curve + 1e-9 * np.eye(size), slope, rcond=None)[0]
            for length in (1.0, 0.3, 0.1):
                value, new_slope, new_curve = tilted(c + length * step)
                if value > best:
                    c, best, slope, curve = c + length * step, value, new_slope, new_curve
                    break
            else:
                break
            if float(slope @ slope) < 1e-12:
                break
        return c
