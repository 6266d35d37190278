"""Entropy production of a few numbers by cells, and by nearest neighbours."""

from dataclasses import replace

import numpy as np

from physent.production.chains import Words
from physent.production.estimator import PIECES, Estimate, jackknifed, within
from physent.production.findings import span_of
from physent.production.trajectories import INERTIA, Trajectories, inertial

CELLS = 12  # along a component, at most
POINTS = 40_000  # whose neighbours are looked for in one and two dimensions


def _points(data: Trajectories) -> int:
    """So many that it takes a second or so: searches in many dimensions are slow."""
    return POINTS // 3 ** max(0, data.components - 2)


class Grid:
    """`Words` of cells: what is seen of the state is which cell it is in.

    Cells hold equal numbers of rows, on a ring equal lengths; there are (N/200)^(1/2d) along each
    of d components, 2 to 12. It is a bound for any size of cells, and far below the truth where a
    step crosses few of them.
    """

    label = "grid"
    assumes = "a stationary process that is even under time reversal; hidden variables may be"
    is_bound = True

    def refuses(self, data: Trajectories) -> str:
        """States, velocities, more than two components, and less than a thousand steps."""
        if data.discrete:
            return "states need no cells"
        if np.any(data.parity == -1):
            return "velocities turn round with time, and so would their cells"
        if data.components > 2:
            return f"{data.components} components are too many for cells"
        if data.steps < 1000:
            return f"{data.steps} steps are too few (at least 1000)"
        return INERTIA if inertial(data) else ""

    def seconds(self, data: Trajectories) -> float:
        """Of sorting."""
        return 2e-6 * data.rows + 0.1

    def __call__(self, data: Trajectories, draw: np.random.Generator) -> Estimate:
        """The estimate."""
        return Words()(replace(in_cells(data), dt=span_of(data)), draw)


def in_cells(data: Trajectories) -> Trajectories:
    """The sequences of the cells that trajectories are in."""
    d = data.components
    many = int(np.clip((data.rows / 200) ** (1 / (2 * d)), 2, CELLS))
    number: list[np.ndarray] = [np.zeros(len(part), np.int64) for part in data.parts]
    for i in range(d):
        columns = [part[:, i] for part in data.parts]
        if np.isfinite(data.period[i]):
            cells = [
                np.floor(many * (each / data.period[i] % 1.0)).astype(np.int64) % many
                for each in columns
            ]
        else:
            stride = max(1, data.rows // 200_000)
            some = np.concatenate([each[::stride] for each in columns])
            edges = np.quantile(some, np.arange(1, many) / many)
            cells = [np.searchsorted(edges, each) for each in columns]
        number = [one * many + other for one, other in zip(number, cells, strict=True)]
    return replace(data, states=tuple(number), labels=tuple(range(many**d)))


class Neighbours:
    """sum ln(nu/rho) of pairs of rows by the distances of their nearest neighbours.

    Of steps dX from middles X, rho is the distance to the k-th nearest other step, nu to the k-th
    nearest reversed one, in 2 d dimensions: sigma dt >= (2 d/n) sum ln(nu/rho) + ln((n - 1)/n)
    (Q. Wang, S. Kulkarni, S. Verdu, IEEE Trans. Inf. Theory 55, 2392 (2009)). Its error falls
    slowly and is that of one step, so it is of use where a step produces something like a nat.
    """

    label = "neighbours"
    assumes = "a stationary process that is even under time reversal; hidden variables may be"
    is_bound = True
    order = 5

    def refuses(self, data: Trajectories) -> str:
        """States, velocities, more than four components, and less than a thousand steps."""
        if data.discrete:
            return "states have no neighbours"
        if np.any(data.parity == -1):
            return "velocities turn round with time"
        if data.components > 4:
            return f"{data.components} components are too many for nearest neighbours"
        if data.steps < 1000:
            return f"{data.steps} steps are too few (at least 1000)"
        return INERTIA if inertial(data) else ""

    def seconds(self, data: Trajectories) -> float:
        """Of the searches."""
        return 1e-4 * min(data.steps, _points(data)) * data.components + 0.1

    def __call__(self, data: Trajectories, draw: np.random.Generator) -> Estimate:
        """The estimate."""
        from scipy.spatial import KDTree  # slow to load, and only needed here

        stride = max(1, data.steps // _points(data))
        middles, steps = [], []
        for rows in data.windows(2):
            middles.append(((rows[1:] + rows[:-1]) / 2)[::stride])
            steps.append(np.diff(rows, axis=0)[::stride])
        where, step = np.concatenate(middles), np.concatenate(steps)
        ring = np.isfinite(data.period)
        width = np.where(ring, np.where(ring, data.period, 1) / 6, where.std(axis=0))
        angle = 2 * np.pi * where[:, ring] / data.period[ring]
        circle = np.concatenate([np.cos(angle), np.sin(angle)], axis=1)
        where = np.concatenate([where[:, ~ring] / width[~ring], circle], axis=1)
        step = step / np.sqrt(np.mean(step**2, axis=0))
        forward = np.concatenate([where, step], axis=1)
        backward = np.concatenate([where, -step], axis=1)
        n, k = len(forward), self.order
        rho = KDTree(forward).query(forward, k + 1)[0][:, k]
        nu = KDTree(backward).query(forward, k)[0][:, k - 1]
        good = (rho > 0) & (nu > 0)
        each = 2 * data.components * np.log(nu[good] / rho[good]) + np.log((n - 1) / n)
        pieces = [(np.asarray(p.sum()), np.asarray(len(p))) for p in np.array_split(each, PIECES)]
        found = jackknifed(pieces, lambda sums: float(sums[0] / sums[1]))
        found = within(found.rate, found.standard_error, PIECES - 1)
        span = span_of(data)
        return Estimate(*(value / span for value in found))
