"""Diagnostics of existing data: the file of a run, or any other."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from physent.data.times import OWN, seconds_of, time_of, uneven
from physent.entropy import OutcomeSpace
from physent.io.complex_fields import join_complex
from physent.protocol.diagnostic import Diagnostic, Observed, check_diagnostics
from physent.protocol.parameters import as_number, of_another_precision
from physent.protocol.variables import Axis, Domain, Variable

BLOCK_BYTES = 64 * 2**20
UNIFORM = 1e-4  # float32 coordinates of a uniform grid differ by about that much


def diagnose(
    dataset: xr.Dataset, diagnostics: Sequence[Diagnostic], *, time: str | None = None
) -> xr.Dataset:
    """Apply diagnostics to a Dataset row by row in time, as a run would, with the same results.

    `time` names the time dimension; by default "t_snapshot", "t", "time" or "Time", whichever there
    is. Other dimensions become axes of space, uniform where they have a coordinate that is; a
    dimension `member` is mapped over. Diagnostics that read the time see dates in seconds since the
    first, whatever their resolution. Read in blocks, so the file may be larger than memory.

    Raises ValueError when a diagnostic does not fit, when there is no time dimension, or when data
    are masked, not finite or, where a density is asked for, negative, or when times are not evenly
    spaced and a diagnostic counts rows that follow each other (ordinal patterns, ...).
    """
    diagnostics = check_diagnostics(diagnostics)
    dataset = join_complex(dataset)
    time = time or time_of(dataset, "choose it with --time NAME, in Python with time=")
    if time not in dataset.dims or not dataset.sizes[time]:
        raise ValueError(
            f"there is no dimension {time!r} with rows (dimensions: "
            f"{', '.join(map(str, dataset.dims))})"
        )
    data = {
        str(name): array
        for name, array in dataset.data_vars.items()
        if time in array.dims and array.dtype.kind in "fciub"
    }
    if not data:
        raise ValueError(f"no numeric variable has the time dimension {time!r}")
    mapped = "member" in dataset.dims
    arrays = {
        name: array.transpose(time, *[dim for dim in array.dims if dim != time])
        for name, array in data.items()
    }
    variables = {name: _variable(array, time, mapped) for name, array in arrays.items()}
    domain = _domain(dataset, time)
    times = seconds_of(dataset[time].values) if time in dataset.coords else np.empty(0, object)
    if any(each.in_order() for each in diagnostics) and (words := uneven(dataset, time)):
        raise ValueError(words[0].upper() + words[1:])
    if times.dtype.kind not in "fiu":
        times = np.arange(dataset.sizes[time])
    for key, words in of_another_precision(diagnostics):
        raise ValueError(f"{key}: {words}")
    first = Observed(_shapes(arrays, mapped), variables, domain, jnp.zeros(()))
    outputs: dict[str, Variable] = {}
    for diagnostic in diagnostics:
        for name, variable in diagnostic.variables(first).items():
            if name in outputs or name in dataset.dims or not name.isidentifier():
                raise ValueError(
                    f"the name {name!r} is taken by a variable or dimension: give the diagnostic "
                    "another name"
                )
            outputs[name] = variable
    arrays = {
        name: array
        for name, array in arrays.items()
        if name in _used(diagnostics, first, variables)
    }
    spaces = [
        (first.find(of), outcomes)
        for diagnostic in diagnostics
        if isinstance(outcomes := getattr(diagnostic, "outcomes", None), OutcomeSpace)
        and isinstance(of := getattr(diagnostic, "of", None), str)
    ]
    axes = {
        name: 0 if mapped and "member" in array.dims else None for name, array in arrays.items()
    }

    def over_members(function: Any) -> Any:
        return jax.vmap(function, in_axes=(0, axes, None)) if mapped else function

    def row(carries: tuple, values: dict[str, Any], t: Any) -> tuple[tuple, dict[str, Any]]:
        observed, following, row_outputs = Observed(values, variables, domain, t), [], {}
        for diagnostic, carry in zip(diagnostics, carries, strict=True):
            carry, named = diagnostic(carry, observed)
            following.append(carry)
            row_outputs |= named
        return tuple(following), row_outputs

    def start(_: Any, values: dict[str, Any], t: Any) -> tuple:
        return tuple(
            diagnostic.init(Observed(values, variables, domain, t)) for diagnostic in diagnostics
        )

    @jax.jit
    def block(carries, values, times):
        return jax.lax.scan(
            lambda carries, inputs: over_members(row)(carries, *inputs), carries, (values, times)
        )

    carries: Any = None
    parts = []
    for values, part_times in _blocks(arrays, times, spaces):
        if carries is None:
            beginning = {name: value[0] for name, value in values.items()}
            members = jnp.arange(dataset.sizes["member"]) if mapped else 0
            carries = over_members(start)(members, beginning, part_times[0])
        carries, part = block(carries, values, part_times)
        parts.append(jax.tree.map(np.asarray, part))
    leading = (time, "member") if mapped else (time,)
    result = {
        name: (
            (*leading, *variable.dims),
            np.concatenate([part[name] for part in parts]),
            {"units": variable.units, "long_name": variable.long_name, "role": variable.role}
            | ({"nan": variable.nan} if variable.nan else {}),
        )
        for name, variable in outputs.items()
    }
    used = {dim for dims, _, _ in result.values() for dim in dims}
    coordinates = {
        str(name): array
        for name, array in dataset.coords.items()
        if set(map(str, array.dims)) <= used
    }
    for diagnostic in diagnostics:
        for axis in diagnostic.axes(first):
            words = {"units": axis.units, "long_name": axis.long_name}
            coordinates[axis.name] = xr.DataArray(
                np.asarray(axis.points), dims=(axis.name,), attrs=words
            )
    return xr.Dataset(result, coordinates, {"source": "physent.diagnose"})


def _variable(array: xr.DataArray, time: str, mapped: bool) -> Variable:
    dims = tuple(str(dim) for dim in array.dims if dim != time and not (mapped and dim == "member"))
    attributes = array.attrs
    return Variable(
        dims,
        str(attributes.get("role", "scalar")),
        str(attributes.get("units", "1")),
        str(attributes.get("long_name", array.name)),
    )


def _domain(dataset: xr.Dataset, time: str) -> Domain:
    axes = []
    for dim in map(str, dataset.dims):
        if dim in (time, "member", *OWN):
            continue
        size = dataset.sizes[dim]
        points, attributes = np.arange(size, dtype=float), {}
        if dim in dataset.coords and dataset[dim].dtype.kind in "fiu":
            points, attributes = dataset[dim].values.astype(float), dataset[dim].attrs
        length = attributes.get("length")
        steps = np.diff(points)
        uniform = not len(steps) or bool(
            np.all(np.abs(steps - steps[0]) <= UNIFORM * np.abs(steps[0]))
        )
        axes.append(
            Axis(
                name=dim,
                points=as_number(points),
                length=None if length is None else as_number(length),
                periodic=attributes.get("periodic") == "true",
                uniform=uniform,
                units=str(attributes.get("units", "1")),
            )
        )
    return Domain(tuple(axes))


def _shapes(arrays: dict[str, xr.DataArray], mapped: bool) -> dict[str, Any]:
    return {
        name: jax.ShapeDtypeStruct(
            tuple(
                size
                for dim, size in array.isel({array.dims[0]: 0}).sizes.items()
                if not (mapped and dim == "member")
            ),
            jax.dtypes.canonicalize_dtype(array.dtype.newbyteorder("=")),
        )
        for name, array in arrays.items()
    }


class _Recording(Observed):
    """Records which observables a diagnostic reads."""

    def __init__(self, *args: Any):
        super().__init__(*args)
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.read.add(name)
        return super().__getitem__(name)


def _used(
    diagnostics: Sequence[Diagnostic], first: Observed, variables: dict[str, Variable]
) -> set[str]:
    """The observables that the diagnostics read: only these are loaded."""
    used: set[str] = set()

    def trace(values: Any, t: Any) -> Any:
        observed = _Recording(values, variables, first.domain, t)
        outputs = [diagnostic(diagnostic.init(observed), observed)[1] for diagnostic in diagnostics]
        used.update(observed.read)
        return outputs

    jax.eval_shape(trace, dict(first), first.t)
    return used


def _blocks(
    arrays: dict[str, xr.DataArray], times: np.ndarray, spaces: Sequence[tuple[str, OutcomeSpace]]
) -> Any:
    """The data in blocks of rows that fit memory, checked."""
    row_bytes = sum(array.nbytes // max(1, array.shape[0]) for array in arrays.values())
    rows = max(1, BLOCK_BYTES // max(1, row_bytes))
    for first in range(0, len(times), rows):
        values = {}
        for name, array in arrays.items():
            part = np.asarray(array[first : first + rows].values)
            part = part.astype(part.dtype.newbyteorder("="), copy=False)
            if part.dtype.kind in "fc" and not np.all(np.isfinite(part)):
                where = np.argwhere(~np.isfinite(part))[0]
                raise ValueError(
                    f"{name} is masked or not finite at row {first + where[0]}, index "
                    f"{tuple(where[1:].tolist())}: "
                    "fill or cut it first"
                )
            for words in (outcomes.misfit(part) for of, outcomes in spaces if of == name):
                if words:
                    raise ValueError(f"{name} {words}")
            values[name] = jnp.asarray(part)
        yield values, as_number(times[first : first + rows])
