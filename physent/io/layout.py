"""The layout of a run's dataset, on disk and in memory: dimensions, coordinates, variables and
attributes.
"""

import datetime
import platform
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

import equinox as eqx
import jax
import numpy as np

from physent.engine.cadence import Cadence
from physent.engine.loop import Outcome
from physent.engine.program import Program
from physent.engine.rows import Rows, grid_axes
from physent.engine.thinning import Thin
from physent.protocol.variables import Axis, Domain


@dataclass(frozen=True)
class Stored:
    """One variable of the dataset; `time` is its time dimension, `dims` those after it."""

    name: str
    time: str
    dims: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: np.dtype
    attributes: dict[str, Any]


@dataclass(frozen=True)
class Layout:
    """The structure of a run's dataset before it has rows; `coordinates` maps a name to (dims,
    values, attributes).
    """

    variables: list[Stored]
    coordinates: dict[str, tuple[tuple[str, ...], np.ndarray, dict[str, Any]]]
    sizes: dict[str, int]
    attributes: dict[str, Any] = field(default_factory=dict)

    @property
    def times(self) -> list[str]:
        """The time dimensions: t, and those of fields that have their own cadence."""
        return list(dict.fromkeys(["t", *(stored.time for stored in self.variables)]))

    @classmethod
    def of(
        cls,
        program: Program,
        cadence: Cadence,
        rows: Rows,
        attributes: dict[str, Any],
        scales: dict[str, Any] | None = None,
    ) -> "Layout":
        """The layout for a program, with the shapes of its first row; `scales` are those of its
        invariants.
        """
        snapshot_time = "t" if cadence.rows_per_snapshot == 1 else "t_snapshot"
        thinned = dict(program.thinned)
        leading = ("member",) if program.members > 1 else ()
        arrays = rows.series | rows.fields
        sizes: dict[str, int] = {}
        variables, domain = [], _domain(program)
        stored = _stored_axes(program, domain)
        period, kept = _period(domain), program.solver.kept()
        for name, variable, when in program.variables():
            array = arrays[name]
            shape, thin = array.shape[1:], thinned.get(name, Thin())
            dims = leading + tuple(stored.get((dim, thin.stride), dim) for dim in variable.dims)
            if len(dims) != len(shape):
                raise ValueError(
                    f"{name} has shape {shape[len(leading) :]}, but its dims are {variable.dims}"
                )
            for dim, size in zip(dims, shape, strict=True):
                if sizes.setdefault(dim, size) != size:
                    raise ValueError(
                        f"{name}: dimension {dim} has size {size} here and {sizes[dim]} elsewhere"
                    )
            words: dict[str, Any] = {
                "units": variable.units,
                "long_name": variable.long_name or name.replace("_", " "),
            }
            time = snapshot_time if when == "snapshot" else "t"
            time = f"t_every_{thin.every}" if thin.every > 1 else time
            words |= {"role": variable.role} | ({"nan": variable.nan} if variable.nan else {})
            if variable.role == "position" and period is not None:
                words["period"] = period
            if variable.role == "invariant":
                own = name.removeprefix("invariant_")
                told = {"kept": kept.get(own), "scale": (scales or {}).get(own)}
                words |= {key: value for key, value in told.items() if value is not None}
            words |= thin.attributes()
            variables.append(Stored(name, time, dims, shape, array.dtype, words))
        return cls(variables, _coordinates(program, domain, sizes, stored), sizes, attributes)


def _stored_axes(program: Program, domain: Domain) -> dict[tuple[str, int], str]:
    """The names, by axis and stride, of the axes of grids as they are stored: the axis' own where
    all that has it is stored with one stride, elsewhere `<axis>_every_<stride>`.
    """
    strides, thinned = {name: set[int]() for name in grid_axes(domain)}, dict(program.thinned)
    for name, variable, _ in program.variables():
        for dim in variable.dims:
            if dim in strides:
                strides[dim].add(thinned.get(name, Thin()).stride)
    return {
        (name, stride): f"{name}_every_{stride}" if stride > 1 and len(each) > 1 else name
        for name, each in strides.items()
        for stride in each
    }


def _coordinates(
    program: Program, domain: Domain, sizes: dict[str, int], stored: dict[tuple[str, int], str]
) -> dict[str, Any]:
    coordinates: dict[str, Any] = {}
    if program.members > 1:
        sizes.setdefault("member", program.members)
        coordinates["member"] = (
            ("member",),
            np.arange(program.members),
            {"long_name": "member of the ensemble", "units": "1"},
        )
    each = {axis.name: axis for axis in domain.axes}
    for (own, stride), called in sorted(
        stored.items(), key=lambda item: list(each).index(item[0][0])
    ):
        axis = each[own]
        points, length, shared = _shared(axis, program.members)
        points = points[..., ::stride]
        attributes: dict[str, Any] = {
            "units": axis.units,
            "long_name": axis.long_name or f"coordinate {axis.name}",
        }
        attributes["periodic"] = "true" if axis.periodic else "false"
        if length is not None and length.ndim == 0:
            attributes["length"] = float(length)
        name, dims = (called, (called,)) if shared else (f"{called}_of_member", ("member", called))
        coordinates[name] = (dims, points, attributes)
    return coordinates


def _domain(program: Program) -> Domain:
    """All axes (those of the domain first), with a leading member axis if there are several
    members.
    """
    if program.members == 1:
        return program.axes_of(program.solver)
    return eqx.filter_vmap(program.axes_of, in_axes=(program.axes,), axis_size=program.members)(
        program.solver
    )


def _period(domain: Domain) -> np.ndarray | None:
    """The side lengths of the particles' box, if it is periodic and the same for all members."""
    axes = [axis for axis in domain.axes if axis.points is None]
    lengths = [
        np.unique(np.asarray(axis.length))
        for axis in axes
        if axis.periodic and axis.length is not None
    ]
    shared = axes and len(lengths) == len(axes) and all(length.size == 1 for length in lengths)
    return np.concatenate(lengths) if shared else None


def _shared(axis: Axis, members: int) -> tuple[np.ndarray, np.ndarray | None, bool]:
    """Points and length of an axis, without the member axis if all members have the same."""
    points = np.asarray(axis.points)
    length = None if axis.length is None else np.asarray(axis.length)
    if members == 1:
        return points, length, True
    if np.all(points == points[0]):
        return points[0], None if length is None else length[0], True
    return points, length, False


def provenance(seed: int, precision: str) -> dict[str, Any]:
    """The attributes that record the provenance of a run."""
    packages = ("physent", "jax", "jaxlib", "equinox", "numpy", "netCDF4", "xarray")
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    device = jax.devices()[0]
    return {
        "Conventions": "CF-1.11",
        "source": f"physent {version('physent')}",
        "history": f"{now} created by physent {version('physent')}",
        "versions": ", ".join(f"{name} {version(name)}" for name in packages)
        + f", python {platform.python_version()}",
        "device": f"{device.platform}: {device.device_kind}",
        "seed": seed,
        "precision": precision,
    }


def spread(program: Program) -> dict[str, int]:
    """How many devices and processes compute a run."""
    return {"devices": program.devices, "processes": jax.process_count()}


def attributes_of(
    experiment: Any, cadence: Cadence, program: Program, in_memory: bool
) -> dict[str, Any]:
    """The attributes of a run that begins."""
    return provenance(experiment.run.seed, experiment.run.precision) | {
        "title": experiment.name,
        "comment": experiment.description or f"physent experiment {experiment.name}",
        "experiment": experiment.toml_in_memory() if in_memory else experiment.toml(),
        "status": "running",
        "rows_per_snapshot": cadence.rows_per_snapshot,
        **spread(program),
    }


def closing_of(
    outcome: Outcome, before: Callable[[str, float], float] = lambda name, default: default
) -> dict[str, Any]:
    """The closing attributes of a run; wall times are added to those of sessions `before`."""
    seconds = {
        "wall_time": outcome.seconds,
        "wall_time_solver": outcome.seconds - outcome.diagnostic_seconds,
        "wall_time_diagnostics": outcome.diagnostic_seconds,
        "wall_time_compilation": outcome.compile_seconds,
    }
    return {
        "status": outcome.reason,
        "message": outcome.message or None,
        "until": outcome.held or None,
        "not_finite": ", ".join(outcome.undefined) or None,
        **{name: float(before(name, 0.0)) + value for name, value in seconds.items()},
    }
