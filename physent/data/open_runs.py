"""Many runs as one Dataset."""

import glob
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from physent.errors import FolderError, path_of, shortened, texts_of
from physent.experiment.recorded import experiment_of, flattened, short_names
from physent.io.complex_fields import join_complex
from physent.io.folder import RUN
from physent.protocol import hdf5

_APART = ("name", "description", "output", "sweep")  # what does not make runs different


def open_runs(
    pattern: str | Path | Iterable[str | Path], *, variables: Sequence[str] | None = None
) -> xr.Dataset | xr.DataTree:
    """Open all matching runs along a dimension `run`, with the differing parameters as coordinates.

    Args:
        pattern: a glob of run folders or their files ("data/runs/scan_*"), a folder of runs, or a
            list of them.
        variables: read only these; by default all of them.

    Everything is read at once. Runs whose dimensions, coordinates or variables differ cannot share
    arrays: then the answer is a `xarray.DataTree` with one node a run, in order, the parameters as
    attributes of each.

    Raises FolderError where nothing matches or a file cannot be read.
    """
    variables = None if variables is None else texts_of("variables", variables)
    files = _files(pattern)
    if not files:
        raise FolderError(f"{shortened(str(pattern))} matches no run")
    runs = [_read(file, variables) for file in files]
    names = _names(files)
    labels = _labels([run[2] for run in runs])
    if all(_alike(run, runs[0]) for run in runs[1:]):
        return _stacked(runs, names, labels)
    nodes = {}
    for i, (run, name) in enumerate(zip(runs, names, strict=True)):
        own = {key: values[i] for key, values in labels.items()}
        data, coordinates, attributes = run
        nodes[f"/{name}"] = join_complex(xr.Dataset(data, coordinates, attributes | own))
    return xr.DataTree.from_dict(nodes)


_Stored = tuple[dict[str, tuple], dict[str, tuple], dict[str, Any]]


def _files(pattern: Any) -> list[Path]:
    one = not isinstance(pattern, Iterable) or isinstance(pattern, str | bytes | dict | Path)
    places = [path_of("pattern", place) for place in ([pattern] if one else pattern)]
    found: list[Path] = []
    for place in places:
        matches = sorted(glob.glob(str(place))) if glob.has_magic(str(place)) else [str(place)]
        for match in map(Path, matches):
            if match.is_file():
                found += [match] if match.suffix == ".nc" else []
            elif (match / RUN).is_file():
                found.append(match / RUN)
            elif match.is_dir():
                # not what a kill left behind: half a folder, or one put aside
                runs = (
                    file for file in match.glob(f"*/{RUN}") if not file.parent.name.startswith(".")
                )
                found += sorted(file for file in runs if ".damaged" not in file.parent.name)
    return found


def _names(files: list[Path]) -> list[str]:
    """The folder name of each run, with as much of the path as distinguishes them."""
    parts = [(file.parent if file.name == RUN else file.with_suffix("")).parts for file in files]
    for count in range(1, max(map(len, parts)) + 1):
        names = ["-".join(part[-count:]) for part in parts]
        if len(set(names)) == len(names):
            return names
    raise FolderError("the same run is given twice")


def _read(file: Path, variables: Sequence[str] | None) -> _Stored:
    try:
        with hdf5.opened(file) as stored:
            stored.set_auto_mask(False)
            data, coordinates = {}, {}
            for name, variable in stored.variables.items():
                if name in stored.dimensions:
                    coordinates[name] = (variable.dimensions, variable[:], _attributes(variable))
                elif variables is None or name.removesuffix("_re").removesuffix("_im") in variables:
                    data[name] = (variable.dimensions, variable[:], _attributes(variable))
            return data, coordinates, _attributes(stored)
    except OSError as error:
        raise FolderError(f"{file}: cannot be read: {error.strerror or error}") from None


def _attributes(stored: Any) -> dict[str, Any]:
    return {name: stored.getncattr(name) for name in stored.ncattrs() if name != "_FillValue"}


def _labels(attributes: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """The parameters that differ: short name to one value per run."""
    experiments = [experiment_of(each) for each in attributes]
    flat = [
        flattened({key: part for key, part in data.items() if key not in _APART})
        for data in experiments
    ]
    keys = dict.fromkeys(key for each in flat for key in each)
    differing = [key for key in keys if any(each.get(key) != flat[0].get(key) for each in flat)]
    names = short_names(differing)
    return {names[key]: [_plain(each.get(key)) for each in flat] for key in differing}


def _plain(value: Any) -> Any:
    if value is None:
        return np.nan
    return value if isinstance(value, int | float | str) else str(value)


def _alike(run: _Stored, other: _Stored) -> bool:
    def shapes(data: dict[str, tuple]) -> dict[str, tuple]:
        return {
            name: (dims, values.shape, values.dtype) for name, (dims, values, _) in data.items()
        }

    same = shapes(run[0]) == shapes(other[0]) and shapes(run[1]) == shapes(other[1])
    return same and all(np.array_equal(run[1][name][1], other[1][name][1]) for name in run[1])


def _stacked(runs: list[_Stored], names: list[str], labels: dict[str, list[Any]]) -> xr.Dataset:
    data = {
        name: (("run", *dims), np.stack([run[0][name][1] for run in runs]), attributes)
        for name, (dims, _, attributes) in runs[0][0].items()
    }
    taken = {*data, *runs[0][1], "run"}
    along = {
        name if name not in taken else f"parameter_{name}": ("run", values)
        for name, values in labels.items()
    }
    same = {
        key: value
        for key, value in runs[0][2].items()
        if all(run[2].get(key) == value for run in runs)
    }
    return join_complex(xr.Dataset(data, runs[0][1] | {"run": names} | along, same))
