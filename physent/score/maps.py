"""Where entropy is produced: local rates and currents of a trained score, averaged in boxes."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import xarray as xr

from physent.score.evaluation import Evaluation
from physent.score.local import Slopes, added, current, physics
from physent.score.network import Score
from physent.score.samples import Part, Samples
from physent.solver import StochasticSolver

MOST = 20000  # samples of walkers, and particles of a system, that go into a map
RANGE = (0.005, 0.995)  # quantiles between which a map reaches along an axis that is not periodic


def maps(
    score: Score, solver: StochasticSolver, samples: Samples, part: Part, parity: dict[str, int], slopes: Slopes,
    bins: int, batch: int,
) -> xr.Dataset:  # fmt: skip
    """Means in the boxes of a plane, and the rates of each particle in the last snapshot.

    The plane is that of space for particles, of their first two coordinates; else of the first two variables. In each
    box: `map_density`, the share of walkers or particles per unit area; `map_total`, the mean rate of one there;
    `map_divergence`, of div v; `map_velocity`, the mean of v along both axes; `map_current`, density times velocity.
    """
    parts = next(iter(samples.shapes.values()))[0]
    part = part.thinned(max(1, MOST // parts) if parts > 1 else MOST)

    def one(score: Score, state: Any, key: Any) -> dict[str, Any]:
        flow = current(physics(solver, state, parity), slopes(score, solver, state, key))
        total = added(jnp.sum(value, axis=-1) for value in flow.total.values())
        divergence = added(jnp.sum(value, axis=-1) for value in flow.divergence.values())
        each = {f"total_{name}": jnp.sum(value, axis=-1) for name, value in flow.total.items()}
        return each | {"total": total, "divergence": divergence} | {
            f"velocity_{name}": value for name, value in flow.velocity.items()
        }  # fmt: skip

    found = Evaluation(one, solver, samples, batch)(score, part)
    local = {name: value.reshape(-1, *value.shape[2:]) for name, value in found.items()}  # (samples, parts, ...)
    read = samples.read(part.rows, part.trajectories)
    values = {name: value.reshape(-1, *value.shape[2:]).astype(float) for name, value in read.items()}
    dataset = _averaged(solver, samples, values, local, bins)
    if parts > 1:
        dataset = dataset.merge(_snapshot(values, local))
    return dataset


def _coordinates(
    solver: StochasticSolver, samples: Samples, values: dict[str, np.ndarray], local: dict[str, np.ndarray]
) -> tuple[list[str], np.ndarray, np.ndarray, list[float | None]]:
    """Names, coordinates (points, axes), velocities along them, and periods of the plane of a map."""
    names, places, speeds, periods = [], [], [], []
    space = solver.domain().axes
    for name in samples.names:
        components = samples.shapes[name][-1]
        role = solver.variables()[name].role
        spatial = role == "position" and len(space) == components
        if names and next(iter(samples.shapes.values()))[0] > 1:
            break  # of particles: space only
        for i in range(components):
            label = f"{name}_{space[i].name}" if spatial else f"{name}_{i}" if components > 1 else name
            names.append(label)
            places.append(values[name][..., i].ravel())
            speeds.append(local[f"velocity_{name}"][..., i].ravel())
            axis = space[i] if spatial else None
            periods.append(
                float(axis.length) if axis is not None and axis.periodic and axis.length is not None else None
            )
    return names[:2], np.stack(places[:2], axis=1), np.stack(speeds[:2], axis=1), periods[:2]


def _averaged(
    solver: StochasticSolver, samples: Samples, values: dict[str, np.ndarray], local: dict[str, np.ndarray], bins: int
) -> xr.Dataset:
    names, places, speeds, periods = _coordinates(solver, samples, values, local)
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
    index = index[inside]
    visits = np.bincount(index, minlength=bins ** len(names)).astype(float)
    area = float(np.prod([edge[1] - edge[0] for edge in edges]))
    axes = tuple(f"map_{name}" for name in names)

    def mean(weights: np.ndarray) -> np.ndarray:
        sums = np.bincount(index, weights=weights.ravel()[inside], minlength=visits.size)
        return np.where(visits > 0, sums / np.maximum(visits, 1), np.nan).reshape(shape)

    density = (visits / len(places) / area).reshape(shape)
    velocity = np.stack([mean(speeds[:, i]) for i in range(len(names))], axis=-1)
    described = {
        "map_density": (axes, density, "1", "share of walkers or particles per unit of the plane"),
        "map_total": (axes, mean(local["total"]), "1/time", "mean total rate of one walker or particle there"),
        "map_divergence": (axes, mean(local["divergence"]), "1/time", "mean divergence of v of one there"),
        "map_velocity": ((*axes, "map_axis"), velocity, "1/time", "mean current velocity along the axes"),
        "map_current": ((*axes, "map_axis"), np.nan_to_num(velocity) * density[..., None], "1/time", "density times v"),
    }
    for name in samples.names:
        if f"total_{name}" in local:
            words = f"mean rate of {name} of one walker or particle there"
            described[f"map_total_{name}"] = (axes, mean(local[f"total_{name}"]), "1/time", words)
    coordinates = {
        axis: ((axis,), (edge[1:] + edge[:-1]) / 2, {"units": "1", "long_name": axis.removeprefix("map_")})
        for axis, edge in zip(axes, edges, strict=True)
    }
    return xr.Dataset(
        {
            name: (dims, data, {"units": units, "long_name": words})
            for name, (dims, data, units, words) in described.items()
        },
        coordinates | {"map_axis": (("map_axis",), np.asarray(names))},
    )


def _snapshot(values: dict[str, np.ndarray], local: dict[str, np.ndarray]) -> xr.Dataset:
    """The last snapshot: variables, rates, div v and velocity of each particle."""
    data: dict[str, Any] = {}
    for name, value in values.items():
        data[f"snapshot_{name}"] = (("particle", "component"), value[-1], {"long_name": f"{name} of each particle"})
    for name, value in local.items():
        dims = ("particle", "component")[: value[-1].ndim]
        words = name.replace("_", " ")
        data[f"snapshot_{name}"] = (dims, value[-1], {"units": "1/time", "long_name": f"{words} of each particle"})
    return xr.Dataset(data)
