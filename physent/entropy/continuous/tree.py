"""Nearest neighbours of large samples on the host, by a KD-tree: O(N log N), not traceable."""

import numpy as np
from scipy.spatial import KDTree

from physent.entropy.continuous.distances import Metric


def _tree(points: np.ndarray, period: np.ndarray | None) -> KDTree:
    if period is None:
        return KDTree(points)
    box = np.where(
        np.isfinite(period), period, 0
    )  # 0 is scipy's word for a direction that is not periodic
    return KDTree(np.where(box > 0, np.mod(points, np.where(box > 0, box, 1)), points), boxsize=box)


def tree_distance(
    points: np.ndarray, k: int, metric: Metric, period: np.ndarray | None
) -> np.ndarray:
    """The distance (N,) of every one of points (N, d) to its k-th nearest other point."""
    tree = _tree(np.asarray(points), period)
    distances, _ = tree.query(tree.data, k + 1, p=np.inf if metric == "maximum" else 2)
    return np.asarray(distances)[:, k]


def tree_count(points: np.ndarray, radius: np.ndarray, period: np.ndarray | None) -> np.ndarray:
    """How many other points lie closer than `radius` (N,) in the maximum metric, the radius itself
    excluded.
    """
    tree = _tree(np.asarray(points), period)
    below = np.nextafter(radius, 0)
    return tree.query_ball_point(tree.data, below, p=np.inf, return_length=True) - 1
