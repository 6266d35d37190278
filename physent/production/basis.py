"""Functions of the state: products of powers of components and of waves around rings."""

import itertools
from typing import NamedTuple

import numpy as np

from physent.production.trajectories import Trajectories

MOST = 160  # functions


class Basis(NamedTuple):
    """Products of powers of components, and of waves around rings, up to a total order.

    `factors` (functions, components) is the power of each component, or the number of its wave,
    negative for sines. Components are taken less `shift`, in units of `scale`.
    """

    factors: np.ndarray
    shift: np.ndarray
    scale: np.ndarray
    ring: np.ndarray

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """The functions (rows, functions) of states (rows, components)."""
        y = (x - self.shift) / self.scale
        table: dict[tuple[int, int], np.ndarray] = {}
        columns = []
        for factor in self.factors:
            value = None
            for i in np.flatnonzero(factor).tolist():
                k = int(factor[i])
                if (i, k) not in table:
                    table[i, k] = _factor(y[:, i], k, bool(self.ring[i]))
                value = table[i, k] if value is None else value * table[i, k]
            columns.append(np.ones(len(x)) if value is None else value)
        return np.stack(columns, axis=1)


def _factor(y: np.ndarray, k: int, ring: bool) -> np.ndarray:
    if not ring:
        return y**k
    return np.cos(k * y) if k > 0 else np.sin(-k * y)


def basis_of(data: Trajectories, order: int) -> Basis | None:
    """All functions up to an order; None where they are more than MOST."""
    d, ring = data.components, np.isfinite(data.period)
    factors: list[tuple[int, ...]] = []
    if order == 1 or d > 12:
        if order > 1 or d + 1 > 2 * MOST:
            return None
        factors.append((0,) * d)
        for i in range(d):
            for k in (1, -1) if ring[i] else (1,):
                factors.append(tuple(k if j == i else 0 for j in range(d)))
    else:
        choices = [range(-order, order + 1) if r else range(order + 1) for r in ring]
        total = 1
        for choice in choices:
            total *= len(choice)
        if total > 200_000:
            choices = [range(-2, 3) if r else range(3) for r in ring]
            order = min(order, 2)
        for each in itertools.product(*choices):
            if sum(map(abs, each)) <= order:
                factors.append(each)
        if len(factors) > MOST:
            return None
    mean, variance = data.moments()
    scale = np.where(ring, data.period / (2 * np.pi), np.sqrt(variance))
    return Basis(np.asarray(factors), np.where(ring, 0.0, mean), scale, ring)
