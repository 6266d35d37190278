"""The weights of the cells of a dataset's variables, and which cells are left out, row by row."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array

from physent.data.blocks import checked_weights, share_left_out
from physent.data.cells import weights_of
from physent.protocol.diagnostic import Diagnostic, Observed, Weighed
from physent.protocol.variables import Variable

TAKE = (
    "entropy with outcomes density or histogram, differential_entropy, dye_entropy and "
    "histogram_entropy"
)


def weighing(
    diagnostics: Sequence[Diagnostic], first: Observed, given: str | xr.DataArray | None
) -> dict[str, list[Diagnostic]]:
    """The observables whose cells have weights or may be left out, with the diagnostics that look.

    Raises ValueError where weights are given to a diagnostic that takes none.
    """
    found: dict[str, list[Diagnostic]] = {}
    for diagnostic in diagnostics:
        if diagnostic.weighs():
            of = getattr(diagnostic, "of", "")
            found.setdefault(first.find(of), []).append(diagnostic)
        elif given is not None:
            raise ValueError(
                f"weights: {type(diagnostic).__name__} as it is set takes none ({TAKE} do)"
            )
    return found


@dataclass(frozen=True)
class Counting:
    """How cells count: those of which observables have weights, along which of their dims, and
    whether what is missing is left out.
    """

    names: tuple[str, ...]
    dims: dict[str, tuple[str, ...]]
    skip_missing: bool

    def weigh(self, name: str, values: Array, sizes: Mapping[str, Array]) -> Weighed:
        """The weights of an observable at one time; 0, or False, for what is left out."""
        weights = sizes.get(_key(name))
        if weights is not None:
            weights = jnp.broadcast_to(weights, values.shape)
        if self.skip_missing and name in self.names and jnp.issubdtype(values.dtype, jnp.inexact):
            there = jnp.isfinite(values)
            if weights is not None:
                there = jnp.where(there & jnp.isfinite(weights), weights, jnp.zeros_like(weights))
            weights = there
        return Weighed(weights, self.dims.get(name, ()))


class Cells:
    """The weights of the cells of some variables, those that change in time read with them; counts
    what is left out.
    """

    def __init__(
        self,
        dataset: xr.Dataset,
        time: str,
        variables: Mapping[str, Variable],
        names: Collection[str],
        given: str | xr.DataArray | None,
        skip_missing: bool,
    ):
        self.names = tuple(names)
        self.skip_missing = skip_missing
        self.given = given
        self.dims: dict[str, tuple[str, ...]] = {}
        self.found: dict[str, str] = {}  # what the weights are
        self.counting = Counting(self.names, self.dims, skip_missing)
        self.fixed: dict[str, np.ndarray] = {}
        self.changing: dict[str, xr.DataArray] = {}
        self._turned: dict[str, tuple[list[int], list[int]]] = {}
        self._left_out: dict[str, list[np.ndarray]] = {name: [] for name in names}
        for name in names if given is not None else ():
            dims = variables[name].dims
            found = weights_of(dataset, name, dims, given)  # pyright: ignore[reportArgumentType]
            if "member" in found.dims:
                raise ValueError("weights: one array for all members, given one with `member`")
            self.found[name] = str(found.name or "given")
            self.dims[name] = tuple(str(dim) for dim in found.dims if dim != time)
            missing = [i for i, dim in enumerate(dims) if dim not in found.dims]
            if time in found.dims:  # read as it lies in the file, and turned in memory
                own = [dim for dim in found.dims if dim != time]
                turned = [1 + own.index(dim) for dim in dims if dim in own]
                self.changing[_key(name)] = found
                self._turned[name] = [0, *turned], [i + 1 for i in missing]
            else:
                found = found.transpose(*[dim for dim in dims if dim in found.dims])
                values = np.expand_dims(found.values, missing)
                self.fixed[_key(name)] = checked_weights(values, name, skip_missing)

    def look(self, values: dict[str, np.ndarray], members: Collection[str]) -> None:
        """Check the weights of a block of rows, and count what is left out of it; `members` are
        the variables that have them.
        """
        for name in self.names:
            weights, shape = self.fixed.get(_key(name)), values[name].shape
            lead = 2 if name in members else 1
            if _key(name) in self.changing:
                order, missing = self._turned[name]
                weights = np.expand_dims(values[_key(name)].transpose(order), missing)
                along = tuple(range(1, weights.ndim))
                weights = checked_weights(weights, name, self.skip_missing, along)
                values[_key(name)] = weights
                weights = weights[:, None] if lead == 2 else weights
            if self.skip_missing:
                share = share_left_out(values[name], weights, tuple(range(lead, len(shape))))
                self._left_out[name].append(share)

    def tell(
        self,
        result: dict[str, xr.Variable],
        outputs: Mapping[str, Collection[str]],
        leading: tuple[str, ...],
    ) -> None:
        """Write what was left out, and by which weights cells counted, beside the results;
        `outputs` are the names of those of every variable.
        """
        for name in self.names:
            for output in outputs[name]:
                result[output].attrs |= told_weights(self.given, self.found.get(name))
            if not self.skip_missing:
                continue
            share = np.concatenate(self._left_out[name])
            for output in outputs[name]:
                result[output].attrs |= mean_left_out(share)
            if changes(share):
                dims = leading[: share.ndim]
                result[f"left_out_{name}"] = xr.Variable(dims, share, words_of_left_out(name))


def mean_left_out(share: np.ndarray) -> dict[str, float]:
    """The attribute of a result that says which share of the cells was left out."""
    return {"left_out": float(np.mean(share))}


def changes(share: np.ndarray) -> bool:
    """Whether another share was left out here than there, so that `left_out_...` says which."""
    return share.size > 0 and float(np.ptp(share)) > 1e-12


def words_of_left_out(name: str) -> dict[str, str]:
    """The attributes of the shares of the cells of a variable that were left out."""
    long_name = f"share of the cells of {name} left out"
    return {"units": "1", "long_name": long_name, "role": "share"}


def told_weights(given: str | xr.DataArray | None, found: Any) -> dict[str, str]:
    """The attributes of a result that say by which weights its cells counted."""
    if given is None:
        return {}
    if not isinstance(given, str):
        return {"weights": str(found or "given")}
    return {"weights": given} | ({} if found in (given, None) else {"weights_are": str(found)})


def _key(name: str) -> str:
    """Under what the weights of a variable are read with it: no variable is called so."""
    return f"weights of {name}/"


def without_weights(values: dict[str, Any], cells: Cells) -> tuple[dict[str, Any], dict[str, Any]]:
    """The values of a block, and its weights that change."""
    return (
        {name: value for name, value in values.items() if name not in cells.changing},
        {name: values[name] for name in cells.changing},
    )
