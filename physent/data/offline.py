"""Diagnostics of existing data: the file of a run, or any other."""

import dataclasses
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from physent.data.blocks import check, check_fits, follow, longer, rows_of, rows_with_room
from physent.data.described import (
    UNWRAPPED,
    box_of,
    domain_of,
    measured_in,
    shape_of,
    unwrapping,
    variable_of,
)
from physent.data.naming import along_time, meant, times_along, with_words, words_of
from physent.data.times import uneven
from physent.data.weighing import Cells, weighing, without_weights
from physent.entropy import OutcomeSpace
from physent.protocol.diagnostic import Diagnostic, Observed, check_diagnostics
from physent.protocol.identity import key_of
from physent.protocol.parameters import check_instance, of_another_precision
from physent.protocol.reuse import made_for
from physent.protocol.variables import Variable

BLOCK_BYTES = 64 * 2**20


def diagnose(
    dataset: xr.Dataset,
    diagnostics: Sequence[Diagnostic],
    *,
    time: str | None = None,
    weights: str | xr.DataArray | None = None,
    skip_missing: bool = False,
    period: Sequence[float] | None = None,
    unwrap: bool = False,
) -> xr.Dataset:
    """Apply diagnostics to a Dataset row by row in time, as a run would, with the same results.

    Dimensions other than time are axes of space; a dimension `member` is mapped over. Complex
    variables in parts are joined, and a diagnostic may name an expression, `of="psi_abs**2"`.
    Diagnostics that read the time see dates in seconds since the first, whatever their resolution.
    Read in blocks, so the file may be larger than memory.

    Args:
        dataset: the data.
        diagnostics: what to apply.
        time: the dimension of time; by default the one of dates, of a CF attribute that says so, or
            of a usual name.
        weights: how many equal cells each cell stands for: "area" or "volume" (found by CF, by
            latitude and longitude, ...), the name of a variable, an expression, or an array.
        skip_missing: leave out cells that are masked or not finite; the attribute `left_out` says
            the share, and a variable `left_out_<name>` where it changes in time.
        period: of every component of positions, inf where they are not periodic; by default the
            attribute `period` of the positions.
        unwrap: follow particles across the edges of their box: positions become unwrapped ones.

    Raises ValueError when a diagnostic does not fit, when it is not clear which dimension is time,
    when data are masked, not finite or, where a density is asked for, negative, and when times are
    not evenly spaced and a diagnostic counts rows that follow each other (ordinal patterns, ...).
    """
    check_instance(dataset, xr.Dataset, "dataset", "; physent.open_run(path) opens that of a run")
    diagnostics = check_diagnostics(diagnostics)
    words = words_of(diagnostics)
    dataset, aliases = with_words(dataset, words)
    wanted = meant(dataset, [*words, *aliases.values()])
    dataset, time = along_time(dataset, wanted, time)
    if time not in dataset.dims or not dataset.sizes[time]:
        raise ValueError(
            f"there is no dimension {time!r} with rows (dimensions: "
            f"{', '.join(map(str, dataset.dims))})"
        )
    arrays = {
        str(name): array.transpose(time, *[dim for dim in array.dims if dim != time])
        for name, array in dataset.data_vars.items()
        if time in array.dims and array.dtype.kind in "fciub"
    }
    if not arrays:
        raise ValueError(f"no numeric variable has the time dimension {time!r}")
    for name in (name for name in wanted if name in arrays and 0 in arrays[name].shape):
        sizes = ", ".join(f"{dim}: {size}" for dim, size in arrays[name].sizes.items())
        raise ValueError(f"{name} has no values (its dimensions: {sizes})")
    mapped = "member" in dataset.dims
    variables = {name: variable_of(array, time, mapped) for name, array in arrays.items()}
    box = box_of(arrays, period)
    followed = unwrapping(arrays, wanted, box) if unwrap else []
    for name in followed:
        variables[name] = dataclasses.replace(variables[name], role=UNWRAPPED)
    domain = domain_of(dataset, time, box)
    times = times_along(dataset, time)
    if any(each.in_order() for each in diagnostics) and (said := uneven(dataset, time)):
        raise ValueError(said)
    for key, said in of_another_precision(diagnostics):
        raise ValueError(f"{key}: {said}")
    shapes = {
        name: jax.ShapeDtypeStruct(
            shape_of(array, mapped), jax.dtypes.canonicalize_dtype(array.dtype.newbyteorder("="))
        )
        for name, array in arrays.items()
    }
    first = _Foreign(aliases, shapes, variables, domain, jnp.zeros(()))
    outputs = _outputs(diagnostics, first, dataset)
    weighed = weighing(diagnostics, first, weights)
    cells = Cells(dataset, time, variables, weighed, weights, skip_missing)

    counting = cells.counting

    def observed_at(values: dict[str, Any], t: Any, sizes: dict[str, Any]) -> _Foreign:
        weigh = lambda name, value: counting.weigh(name, value, sizes)  # noqa: E731
        return _Foreign(aliases, values, variables, domain, t, weigh=weigh)

    read = [_used(diagnostic, first, cells, observed_at) for diagnostic in diagnostics]
    used = set[str]().union(*read)
    whole = {
        name
        for diagnostic, names in zip(diagnostics, read, strict=True)
        for name in names
        if not diagnostic.weighs()
    }
    arrays = {name: dataset[name] for name in arrays if name in used}
    spaces = [
        (first.find(of), outcomes)
        for diagnostic in diagnostics
        if isinstance(outcomes := getattr(diagnostic, "outcomes", None), OutcomeSpace)
        and isinstance(of := getattr(diagnostic, "of", None), str)
    ]
    with_members = [name for name, array in arrays.items() if mapped and "member" in array.dims]
    axes = {name: 0 if name in with_members else None for name in arrays}

    def over_members(function: Any) -> Any:
        return jax.vmap(function, in_axes=(0, axes, None, None)) if mapped else function

    def row(carries: tuple, values: Any, t: Any, sizes: Any) -> tuple[tuple, dict[str, Any]]:
        observed, following, row_outputs = observed_at(values, t, sizes), [], {}
        for diagnostic, carry in zip(diagnostics, carries, strict=True):
            carry, named = diagnostic(carry, observed)
            following.append(carry)
            row_outputs |= named
        return tuple(following), row_outputs

    def start(_: Any, values: Any, t: Any, sizes: Any) -> tuple:
        return tuple(diagnostic.init(observed_at(values, t, sizes)) for diagnostic in diagnostics)

    def block(carries: tuple, rows: Any, count: Any, fixed: Any) -> tuple[tuple, dict[str, Any]]:
        """The first `count` rows of a block."""

        def at(i: Any, carries: tuple) -> tuple[tuple, dict[str, Any]]:
            values, t, sizes = jax.tree.map(lambda column: column[i], rows)
            return over_members(row)(carries, values, t, fixed | sizes)

        def turn(i: Any, state: tuple) -> tuple[tuple, dict[str, Any]]:
            carries, part = at(i, state[0])
            return carries, jax.tree.map(lambda whole, one: whole.at[i].set(one), state[1], part)

        size = jax.tree.leaves(rows)[0].shape[0]
        one = jax.eval_shape(at, 0, carries)[1]
        empty = jax.tree.map(lambda each: jnp.zeros((size, *each.shape), each.dtype), one)
        return jax.lax.fori_loop(0, count, turn, (carries, empty))

    # a loop over files compiles once, however many rows they have
    made = made_for(key_of((), (diagnostics, aliases, variables, domain, counting, axes)))
    compiled = made.setdefault("diagnosed", jax.jit(block))

    size, carries, parts, turned = 0, None, [], {name: follow(np.asarray(box)) for name in followed}
    fixed = jax.tree.map(jnp.asarray, cells.fixed)
    for place, values in rows_of(arrays | cells.changing, time, len(times), BLOCK_BYTES):
        for name in arrays:
            about = [outcomes for of, outcomes in spaces if of == name]
            gaps = skip_missing and name in weighed and name not in whole
            check(values[name], name, about, gaps, place.start)
            check_fits(values[name], name)
            if name in turned:
                values[name] = turned[name](values[name])
        cells.look(values, with_members)
        given, changing = without_weights(values, cells)
        rows = given, times[place].astype(jax.dtypes.canonicalize_dtype(float)), changing
        if carries is None:
            values, t, sizes = jax.tree.map(lambda column: jnp.asarray(column[0]), rows)
            members = jnp.arange(dataset.sizes["member"]) if mapped else 0
            carries = over_members(start)(members, values, t, fixed | sizes)
        count = len(times[place])
        size = size or (count if count < len(times) else rows_with_room(rows))
        carries, part = compiled(carries, longer(rows, size - count), count, fixed)
        parts.append({name: np.asarray(each)[:count] for name, each in part.items()})
    leading = (time, "member") if mapped else (time,)
    result = {
        name: xr.Variable(
            (*leading, *variable.dims),
            np.concatenate([part[name] for part in parts]),
            {"units": variable.units, "long_name": variable.long_name, "role": variable.role}
            | ({"nan": variable.nan} if variable.nan else {}),
        )
        for name, variable in outputs.items()
    }
    for diagnostic in diagnostics:
        if diagnostic.measures_lengths():
            of = first.find(getattr(diagnostic, "of", ""))
            along = [dim for dim in variables[of].dims if dim not in cells.dims.get(of, ())]
            for name in diagnostic.variables(first):
                result[name].attrs |= measured_in(dataset, along)
    _tell_thinned(result, arrays, zip(diagnostics, read, strict=True), first)
    about = {
        name: [output for each in those for output in each.variables(first)]
        for name, those in weighed.items()
    }
    cells.tell(result, about, leading)
    coordinates = _coordinates(dataset, result, diagnostics, first)
    return xr.Dataset(result, coordinates, {"source": "physent.diagnose"})


class _Foreign(Observed):
    """Observables of a file; a name may be an expression, which stands for a variable."""

    def __init__(self, aliases: dict[str, str], *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.aliases = aliases
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.read.add(name)
        return super().__getitem__(name)

    def find(self, of: str) -> str:
        """The observable with a given name or role, or of an expression."""
        return super().find(self.aliases.get(of, of))


def _outputs(
    diagnostics: Sequence[Diagnostic], first: Observed, dataset: xr.Dataset
) -> dict[str, Variable]:
    """What the diagnostics will give, by name."""
    outputs: dict[str, Variable] = {}
    for diagnostic in diagnostics:
        for name, variable in diagnostic.variables(first).items():
            if name in outputs or name in dataset.dims:
                raise ValueError(
                    f"the name {name!r} is taken by a variable or dimension: give the diagnostic "
                    "another name"
                )
            if not name.strip() or "/" in name:
                raise ValueError(f"the name {name!r} cannot be that of a variable: it has a slash")
            outputs[name] = variable
    return outputs


def _tell_thinned(
    result: dict[str, xr.Variable],
    arrays: dict[str, xr.DataArray],
    read: Iterable[tuple[Diagnostic, set[str]]],
    first: Observed,
) -> None:
    """Say of what was made of less than a run had that it was, as attributes and in the log."""
    told = {name: str(a.attrs["thinned"]) for name, a in arrays.items() if "thinned" in a.attrs}
    for diagnostic, names in read:
        words = "; ".join(f"{name}: {told[name]}" for name in sorted(names) if name in told)
        for output in diagnostic.variables(first) if words else ():
            result[output].attrs["of_thinned"] = words
    for name, words in told.items():
        said = "%s was stored thinned (%s): what is made of it now is not what the run saw"
        logging.getLogger("physent").warning(said, name, words)


def _used(
    diagnostic: Diagnostic, first: _Foreign, cells: Cells, observed_at: Callable[..., _Foreign]
) -> set[str]:
    """The observables that a diagnostic reads: only these are loaded."""
    used: set[str] = set()
    sizes = {
        key: jnp.ones((), bool if each.dtype == bool else float)
        for key, each in (cells.fixed | cells.changing).items()
    }

    def trace(values: Any, t: Any) -> Any:
        observed = observed_at(values, t, sizes)
        outputs = diagnostic(diagnostic.init(observed), observed)[1]
        used.update(observed.read)
        return outputs

    jax.eval_shape(trace, dict(first), first.t)
    return used


def _coordinates(
    dataset: xr.Dataset,
    result: dict[str, xr.Variable],
    diagnostics: Sequence[Diagnostic],
    first: Observed,
) -> dict[str, xr.DataArray]:
    """The coordinates of the dims of the results, of the file and of the diagnostics."""
    used = {dim for each in result.values() for dim in each.dims}
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
    return coordinates
