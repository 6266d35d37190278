"""Where entropy is produced: local rates and currents of a trained score, averaged in boxes."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import xarray as xr

from physent.learning.currents import added, current, physics
from physent.learning.derivatives import Slopes
from physent.learning.model import Score
from physent.learning.splits import Part
from physent.protocol.stochastic import StochasticSolver
from physent.score.evaluation import Evaluation
from physent.score.samples import Samples

MOST = 20000  # samples of walkers, and particles of a system, that go into a map
RANGE = (0.005, 0.995)  # quantiles between which a map reaches along an axis that is not periodic
TRAJECTORIES, GROUPS, BLOCKS = (
    16,
    64,
    16,
)  # enough trajectories to compare; most groups of them, and blocks of rows


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
    parts = next(iter(samples.shapes.values()))[0]
    part = part.thinned(max(1, MOST // parts) if parts > 1 else MOST)

    def one(score: Score, state: Any, key: Any) -> dict[str, Any]:
        flow = current(physics(solver, state, parity), slopes(score, solver, state, key))
        total = added(jnp.sum(value, axis=-1) for value in flow.total.values())
        divergence = added(jnp.sum(value, axis=-1) for value in flow.divergence.values())
        each = {f"total_{name}": jnp.sum(value, axis=-1) for name, value in flow.total.items()}
        return (
            each
            | {"total": total, "divergence": divergence}
            | {f"velocity_{name}": value for name, value in flow.velocity.items()}
        )

    found = Evaluation(one, solver, samples, batch)(score, part)
    local = {
        name: value.reshape(-1, *value.shape[2:]) for name, value in found.items()
    }  # (samples, parts, ...)
    read = samples.read(part.rows, part.trajectories)
    values = {
        name: value.reshape(-1, *value.shape[2:]).astype(float) for name, value in read.items()
    }
    groups = np.repeat(_groups(part, correlation).ravel(), parts)
    dataset = _averaged(solver, samples, values, local, groups, bins)
    if parts > 1:
        dataset = dataset.merge(_snapshot(solver, values, local))
    return dataset


def _groups(part: Part, correlation: float) -> np.ndarray:
    """Samples that are drawn as one for errors: a number of each, (rows, trajectories)."""
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
    """Of each axis its own, where they differ."""
    return ", ".join(units if len(set(units)) > 1 else units[:1])


def _coordinates(
    solver: StochasticSolver,
    samples: Samples,
    values: dict[str, np.ndarray],
    local: dict[str, np.ndarray],
) -> tuple[list[str], list[str], np.ndarray, np.ndarray, list[float | None]]:
    """Names, units, coordinates (points, axes), velocities along them, and periods of the plane of
    a map.
    """
    names, units, places, speeds, periods = [], [], [], [], []
    space = solver.domain().axes
    for name in samples.names:
        components = samples.shapes[name][-1]
        role = solver.variables()[name].role
        spatial = role == "position" and len(space) == components
        if names and next(iter(samples.shapes.values()))[0] > 1:
            break  # of particles: space only
        for i in range(components):
            label = (
                f"{name}_{space[i].name}" if spatial else f"{name}_{i}" if components > 1 else name
            )
            names.append(label)
            units.append(solver.variables()[name].units)
            places.append(values[name][..., i].ravel())
            speeds.append(local[f"velocity_{name}"][..., i].ravel())
            axis = space[i] if spatial else None
            periods.append(
                float(axis.length)
                if axis is not None and axis.periodic and axis.length is not None
                else None
            )
    return (
        names[:2],
        units[:2],
        np.stack(places[:2], axis=1),
        np.stack(speeds[:2], axis=1),
        periods[:2],
    )


def _averaged(
    solver: StochasticSolver,
    samples: Samples,
    values: dict[str, np.ndarray],
    local: dict[str, np.ndarray],
    groups: np.ndarray,
    bins: int,
) -> xr.Dataset:
    names, units, places, speeds, periods = _coordinates(solver, samples, values, local)
    edges, index, inside = [], np.zeros(len(places), int), np.ones(len(places), bool)
    for i, period in enumerate(periods):
        x = places[:, i]
        if period is not None:
            low, high = (0.0, period) if x.min() >= 0 else (-period / 2, period / 2)
            x = low + np.mod(x - low, period)
        else:
            low, high = np.quantile(x, RANGE)
        high = high if high > low else low + 1.0
        edges.append(np.linspace(low, high, bins + 1))
        box = np.floor((x - low) / (high - low) * bins).astype(int)
        inside &= (box >= 0) & (box < bins)
        index = index * bins + np.clip(box, 0, bins - 1)
    shape = (bins,) * len(names)
    index, groups = index[inside], groups[inside]
    visits = np.bincount(index, minlength=bins ** len(names)).astype(float)
    area = float(np.prod([edge[1] - edge[0] for edge in edges]))
    axes = tuple(f"map_{name}" for name in names)

    cells = (int(groups.max(initial=0)) + 1, visits.size)
    visited = np.bincount(groups * visits.size + index, minlength=cells[0] * cells[1]).reshape(
        cells
    )
    several = np.count_nonzero(visited, axis=0)

    def mean(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of a box, and its standard error: the groups' sums scatter about their numbers times the
        mean.
        """
        sums = np.bincount(
            groups * visits.size + index, weights.ravel()[inside], cells[0] * cells[1]
        ).reshape(cells)
        value = np.where(visits > 0, np.sum(sums, axis=0) / np.maximum(visits, 1), np.nan)
        scatter = (
            np.sum((sums - visited * np.nan_to_num(value)) ** 2, axis=0)
            * several
            / np.maximum(several - 1, 1)
        )
        error = np.where(several > 1, np.sqrt(scatter) / np.maximum(visits, 1), np.nan)
        return value.reshape(shape), error.reshape(shape)

    density = (visits / len(places) / area).reshape(shape)
    speed = [per_time(unit) for unit in units]
    along = [mean(speeds[:, i]) for i in range(len(names))]
    velocity, its_error = (np.stack(values, axis=-1) for values in zip(*along, strict=True))
    each = [_over(*units[:i], *units[i + 1 :], "time") for i in range(len(units))]
    described: dict[str, tuple[Any, np.ndarray, str, str]] = {
        "map_density": (
            axes,
            density,
            _over(*units),
            "share of walkers or particles per unit of the plane",
        ),
        "map_samples": (
            axes,
            visits.reshape(shape),
            "1",
            "walkers or particles that were found there",
        ),
        "map_velocity": (
            (*axes, "map_axis"),
            velocity,
            _all_of(speed),
            "mean current velocity along the axes",
        ),
        "map_velocity_error": (
            (*axes, "map_axis"),
            its_error,
            _all_of(speed),
            "standard error of the mean velocity",
        ),
        "map_current": (
            (*axes, "map_axis"),
            np.nan_to_num(velocity) * density[..., None],
            _all_of(each),
            "density times v",
        ),
    }
    means = {
        "total": (local["total"], "1/time", "mean total rate of one walker or particle there"),
        "divergence": (local["divergence"], "1/time", "mean divergence of v of one there"),
    }
    if len(set(units)) == 1:
        means["speed"] = (
            np.linalg.norm(speeds, axis=1),
            speed[0],
            "mean modulus of v of one there, along the axes",
        )
    for name in samples.names:
        if f"total_{name}" in local:
            words = f"mean rate of {name} of one walker or particle there"
            means[f"total_{name}"] = (local[f"total_{name}"], "1/time", words)
    for name, (weights, unit, words) in means.items():
        value, error = mean(weights)
        described[f"map_{name}"] = (axes, value, unit, words)
        described[f"map_{name}_error"] = (axes, error, unit, f"standard error of the {words}")
    coordinates = {
        axis: (
            (axis,),
            (edge[1:] + edge[:-1]) / 2,
            {"units": unit, "long_name": axis.removeprefix("map_")},
        )
        for axis, edge, unit in zip(axes, edges, units, strict=True)
    }
    return xr.Dataset(
        {
            name: (dims, data, {"units": units, "long_name": words})
            for name, (dims, data, units, words) in described.items()
        },
        coordinates | {"map_axis": (("map_axis",), np.asarray(names))},
    )


def _snapshot(
    solver: StochasticSolver, values: dict[str, np.ndarray], local: dict[str, np.ndarray]
) -> xr.Dataset:
    """The last snapshot: variables, rates, div v and velocity of each particle."""
    data: dict[str, Any] = {}
    units = {name: solver.variables()[name].units for name in values}
    for name, value in values.items():
        described = {"units": units[name], "long_name": f"{name} of each particle"}
        data[f"snapshot_{name}"] = (("particle", "component"), value[-1], described)
    for name, value in local.items():
        dims, words = ("particle", "component")[: value[-1].ndim], name.replace("_", " ")
        unit = per_time(units.get(name.removeprefix("velocity_"), "1"))
        data[f"snapshot_{name}"] = (
            dims,
            value[-1],
            {"units": unit, "long_name": f"{words} of each particle"},
        )
    return xr.Dataset(data)
