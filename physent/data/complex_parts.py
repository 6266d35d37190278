"""Complex variables that a file holds in parts: pairs of real variables, compound types, or a
dimension of size 2. They are joined where they belong together; the parts can be named as well.
"""

from collections.abc import Iterator

import numpy as np
import xarray as xr

from physent.data.lazy import later

PAIRS = (("_re", "_im"), ("_real", "_imag"), ("_r", "_i"))  # ends of names
FIELDS = (("r", "i"), ("re", "im"), ("real", "imag"), ("real", "imaginary"))  # of a compound type
DIMS = ("ri", "complex")  # of size 2


def with_complex(dataset: xr.Dataset) -> xr.Dataset:
    """The dataset with complex variables beside their parts.

    `psi_re` and `psi_im` (or `_real`, `_imag`; `_r`, `_i`) make `psi` where they have the same
    dimensions and type and nothing else is called so. A compound type with the fields r and i (re
    and im, real and imag) becomes complex, and so does a variable with a dimension `ri` or
    `complex` of size 2; its parts are then `<name>_real` and `<name>_imag`. Nothing is read before
    it is used.
    """
    joined: dict[str, xr.Variable] = {}
    parts: dict[str, xr.Variable] = {}
    for name, variable in dataset.variables.items():
        name = str(name)
        if variable.dtype.names and _is_compound(variable.dtype):
            joined[name] = later(_of_compound, variable)
        elif (dim := _dim_of(dataset, variable)) is not None:
            pair = [variable.isel({dim: i}) for i in _order(dataset, dim)]
            joined[name] = later(_of_parts, *pair)
            parts |= {
                f"{name}_{word}": each
                for word, each in zip(("real", "imag"), pair, strict=True)
                if f"{name}_{word}" not in dataset.variables
            }
        if name in joined:
            joined[name].attrs = dict(variable.attrs)
    for name, real, imaginary in _pairs(dataset):
        a, b = dataset[real].variable, dataset[imaginary].variable
        joined[name] = later(_of_parts, a, b)
        words = str(a.attrs.get("long_name", name)).removeprefix("real part of ")
        joined[name].attrs = a.attrs | {"long_name": words}
        for part, each in ((real, a), (imaginary, b)):  # the whole has the role
            parts[part] = each.copy(deep=False)
            parts[part].attrs = {key: word for key, word in each.attrs.items() if key != "role"}
    if not joined:
        return dataset
    rest = {name: each for name, each in dataset.data_vars.items() if name not in joined | parts}
    return xr.Dataset(joined | rest | parts, dataset.coords, dataset.attrs)


def _pairs(dataset: xr.Dataset) -> Iterator[tuple[str, str, str]]:
    """The name of each whole that two variables make, and theirs."""
    taken = {str(name) for name in (*dataset.variables, *dataset.dims)}
    for real in map(str, dataset.data_vars):
        for end, other in PAIRS:
            name, imaginary = real.removesuffix(end), real.removesuffix(end) + other
            if name in ("", real) or name in taken or imaginary not in dataset.data_vars:
                continue
            a, b = dataset[real], dataset[imaginary]
            if a.dims == b.dims and a.dtype == b.dtype and a.dtype.kind == "f":
                taken.add(name)
                yield name, real, imaginary


def _is_compound(dtype: np.dtype) -> bool:
    names = tuple(name.lower() for name in dtype.names or ())
    return names in FIELDS and all(dtype[i].kind == "f" for i in range(2))


def _dim_of(dataset: xr.Dataset, variable: xr.Variable) -> str | None:
    dims = [d for d in map(str, variable.dims) if d.lower() in DIMS and dataset.sizes[d] == 2]
    return dims[0] if len(dims) == 1 and variable.ndim > 1 and variable.dtype.kind == "f" else None


def _order(dataset: xr.Dataset, dim: str) -> tuple[int, int]:
    """Where the real and the imaginary parts are along a dimension, by its labels if it has any."""
    labels = dataset[dim].values if dim in dataset.coords else np.array(["r", "i"])
    return (1, 0) if str(labels[0]).lower().startswith("i") else (0, 1)


def _of_compound(variable: xr.Variable) -> xr.Variable:
    values = np.asarray(variable.values)
    real, imaginary = values.dtype.names or ("r", "i")
    return xr.Variable(variable.dims, _complex(values[real], values[imaginary]))


def _of_parts(real: xr.Variable, imaginary: xr.Variable) -> xr.Variable:
    if real.chunks or imaginary.chunks:
        return real + 1j * imaginary
    return xr.Variable(real.dims, _complex(real.values, imaginary.values))


def _complex(real: np.ndarray, imaginary: np.ndarray) -> np.ndarray:
    """The complex array, with the sign of every zero."""
    whole = np.empty(np.shape(real), np.result_type(real.dtype.newbyteorder("="), np.complex64))
    whole.real, whole.imag = real, imaginary
    return whole
