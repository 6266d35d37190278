"""Local entropy production rates and currents of a trained score, averaged in boxes."""

import itertools
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from physent.learning.currents import Local, current, local, physics
from physent.learning.derivatives import Slopes
from physent.learning.model import Score
from physent.learning.splits import Batch, Part, flattened
from physent.protocol.stochastic import StochasticSolver
from physent.score.evaluation import Evaluation
from physent.score.samples import Samples
from physent.score.verdict import TRAJECTORIES

MOST = 20000  # samples of walkers, and particles of a system, that go into a map
RANGE = (0.005, 0.995)  # quantiles between which a map reaches along an axis that is not periodic
GROUPS, BLOCKS = 64, 16  # most groups of trajectories, and blocks of rows


def maps(
    score: Score,
    solver: StochasticSolver,
    samples: Samples,
    part: Part,
    parity: dict[str, int],
    slopes: Slopes,
    bins: int,
    batch: int,
    correlation: float = 1.0,
) -> xr.Dataset:
    """Means in the boxes of a plane, and the rates of each particle in the last snapshot.

    The plane is that of space for particles, of their first two coordinates; else of the first two
    variables. In each box: `map_density`, the share of walkers or particles per unit area;
    `map_total`, the mean rate of one there; `map_divergence`, of div v; `map_velocity`, the mean of
    v along both axes, `map_speed` of its modulus; `map_current`, density times velocity.
    `map_samples` says of how many, and `map_X_error` is the standard error of a mean, from groups
    of trajectories where there are 16 or more, else from blocks of rows that are longer than twice
    the `correlation` (rows of the file); NaN where there are no two.
    """
    part = part.thinned(max(1, MOST // samples.parts))

    def one(score: Score, state: Any, key: Any) -> Local:
        return local(current(physics(solver, state, parity), slopes(score, solver, state, key)))

    found = flattened(Evaluation(one, solver, samples, batch)(score, part))
    values = flattened(samples.read(part.rows, part.trajectories))
    values = {name: value.astype(float) for name, value in values.items()}
    groups = np.repeat(_groups(part, correlation).ravel(), samples.parts)
    plane = list(itertools.islice(_coordinates(solver, samples, values, found), 2))
    dataset = _averaged(plane, Boxes(plane, groups, bins), found, samples.names)
    return dataset.merge(_snapshot(solver, values, found)) if samples.parts > 1 else dataset


def _groups(part: Part, correlation: float) -> np.ndarray:
    """Samples resampled together for error bars: the group number of each, (rows, trajectories)."""
    rows, trajectories = np.arange(len(part.rows)), np.arange(len(part.trajectories))
    if len(trajectories) >= TRAJECTORIES:
        return np.broadcast_to(trajectories % GROUPS, (len(rows), len(trajectories)))
    blocks = int(np.clip(len(rows) * part.spacing / (2 * correlation), 1, min(BLOCKS, len(rows))))
    return (rows * blocks // len(rows))[:, None] * len(trajectories) + trajectories


def per_time(units: str) -> str:
    """The units of a velocity."""
    return "1/time" if units == "1" else f"{units}/time"


def _over(*units: str) -> str:
    left = [unit for unit in units if unit != "1"]
    return "1" if not left else f"1/{left[0]}" if len(left) == 1 else f"1/({' '.join(left)})"


def _all_of(units: list[str]) -> str:
    """One value per axis, if they differ."""
    return ", ".join(units if len(set(units)) > 1 else units[:1])


class Coordinate(NamedTuple):
    """One axis of the plane of a map: the coordinate and velocity of each walker or particle along
    it, and its period, if any.
    """

    name: str
    units: str
    place: np.ndarray
    speed: np.ndarray
    period: float | None

    def boxed(self, bins: int) -> tuple[np.ndarray, np.ndarray]:
        """The edges of the boxes, and the box of each walker or particle."""
        x, period = self.place, self.period
        if period is not None:
            low, high = (0.0, period) if x.min() >= 0 else (-period / 2, period / 2)
            x = low + np.mod(x - low, period)
        else:
            low, high = np.quantile(x, RANGE)
        high = high if high > low else low + 1.0
        boxes = np.floor((x - low) / (high - low) * bins)
        return np.linspace(low, high, bins + 1), boxes.astype(int)


def _coordinates(
    solver: StochasticSolver, samples: Samples, values: Batch, found: Any
) -> Iterator[Coordinate]:
    """The coordinates of every component of every variable; for particles those of space only."""
    space, axes = solver.domain().axes, max(map(len, samples.shapes.values()))
    names = [name for name in samples.names if len(samples.shapes[name]) == axes]
    for name in names if samples.parts == 1 else names[:1]:
        variable, components = solver.variables()[name], samples.shapes[name][-1]
        spatial = variable.role == "position" and len(space) == components
        for i in range(components):
            words, period = f"{name}_{i}" if components > 1 else name, None
            if spatial:
                words, length = f"{name}_{space[i].name}", space[i].length
                period = float(length) if space[i].periodic and length is not None else None
            place, speed = values[name][..., i].ravel(), found.velocity[name][..., i].ravel()
            yield Coordinate(words, variable.units, place, speed, period)


class Boxes:
    """Walkers or particles in the boxes of a plane, and in the groups that are resampled
    together.
    """

    def __init__(self, plane: list[Coordinate], groups: np.ndarray, bins: int):
        self.edges, boxes = zip(*(axis.boxed(bins) for axis in plane), strict=True)
        box, self.shape = np.stack(boxes), (bins,) * len(plane)
        self.inside = np.all((box >= 0) & (box < bins), axis=0)
        groups = groups[self.inside]
        self.table = (int(groups.max(initial=0)) + 1, bins ** len(plane))
        index = np.ravel_multi_index(tuple(box[:, self.inside]), self.shape)
        self.index = groups * self.table[1] + index
        self.visited = self._sums(None)
        self.visits = np.sum(self.visited, axis=0).astype(float)

    def _sums(self, weights: np.ndarray | None) -> np.ndarray:
        """Sums by group and box."""
        return np.bincount(self.index, weights, math.prod(self.table)).reshape(self.table)

    def mean(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The mean in a box, and its standard error from the scatter of the group sums about their
        counts times the mean.
        """
        sums, visits = self._sums(weights.ravel()[self.inside]), np.maximum(self.visits, 1)
        value = np.where(self.visits > 0, np.sum(sums, axis=0) / visits, np.nan)
        scatter = np.sum((sums - self.visited * np.nan_to_num(value)) ** 2, axis=0)
        several = np.count_nonzero(self.visited, axis=0)
        scatter = scatter * several / np.maximum(several - 1, 1)
        error = np.where(several > 1, np.sqrt(scatter) / visits, np.nan)
        return value.reshape(self.shape), error.reshape(self.shape)


def _averaged(
    plane: list[Coordinate], boxes: Boxes, found: Any, names: tuple[str, ...]
) -> xr.Dataset:
    axes, units = tuple(f"map_{axis.name}" for axis in plane), [axis.units for axis in plane]
    area = math.prod(float(edge[1] - edge[0]) for edge in boxes.edges)
    density = (boxes.visits / plane[0].place.size / area).reshape(boxes.shape)
    along = zip(*(boxes.mean(axis.speed) for axis in plane), strict=True)
    velocity, its_error = (np.stack(values, axis=-1) for values in along)
    speed = [per_time(unit) for unit in units]
    each = [_over(*units[:i], *units[i + 1 :], "time") for i in range(len(units))]
    both, current = (*axes, "map_axis"), np.nan_to_num(velocity) * density[..., None]
    data = {
        "map_density": _described(
            axes, density, _over(*units), "share of walkers or particles per unit of the plane"
        ),
        "map_samples": _described(
            axes,
            boxes.visits.reshape(boxes.shape),
            "1",
            "number of walkers or particles in the box",
        ),
        "map_velocity": _described(
            both, velocity, _all_of(speed), "mean current velocity along the axes"
        ),
        "map_velocity_error": _described(
            both, its_error, _all_of(speed), "standard error of the mean velocity"
        ),
        "map_current": _described(both, current, _all_of(each), "density times v"),
    }
    means = {
        "total": (found.total, "1/time", "mean total rate per walker or particle"),
        "divergence": (found.divergence, "1/time", "mean divergence of v per walker or particle"),
    }
    if len(set(units)) == 1:
        modulus = np.linalg.norm(np.stack([axis.speed for axis in plane], axis=1), axis=1)
        means["speed"] = (
            modulus,
            speed[0],
            "mean modulus of v along the axes, per walker or particle",
        )
    means |= {
        f"total_{name}": (
            found.totals[name],
            "1/time",
            f"mean rate of {name} per walker or particle",
        )
        for name in names
        if name in found.totals
    }
    for name, (weights, unit, words) in means.items():
        value, error = boxes.mean(weights)
        data[f"map_{name}"] = _described(axes, value, unit, words)
        data[f"map_{name}_error"] = _described(axes, error, unit, f"standard error of the {words}")
    middles = {
        f"map_{axis.name}": _described(
            f"map_{axis.name}", (edge[1:] + edge[:-1]) / 2, axis.units, axis.name
        )
        for axis, edge in zip(plane, boxes.edges, strict=True)
    }
    return xr.Dataset(data, middles | {"map_axis": ("map_axis", [axis.name for axis in plane])})


def _described(
    dims: str | tuple[str, ...], values: np.ndarray, units: str, words: str
) -> tuple[Any, np.ndarray, dict[str, str]]:
    return dims, values, {"units": units, "long_name": words}


def _snapshot(solver: StochasticSolver, values: Batch, found: Any) -> xr.Dataset:
    """The last snapshot: variables, rates, div v and velocity of each particle."""
    units = {name: solver.variables()[name].units for name in values}
    shown = {name: (value, units[name]) for name, value in values.items()}
    shown |= {"divergence": (found.divergence, "1/time"), "total": (found.total, "1/time")}
    shown |= {f"total_{name}": (value, "1/time") for name, value in found.totals.items()}
    shown |= {
        f"velocity_{name}": (value, per_time(units[name])) for name, value in found.velocity.items()
    }
    return xr.Dataset(
        {
            f"snapshot_{name}": _described(
                ("particle", "component")[: value[-1].ndim],
                value[-1],
                unit,
                f"{name if name in values else name.replace('_', ' ')} of each particle",
            )
            for name, (value, unit) in shown.items()
        }
    )
