"""Entropies of labelled arrays: after `import physent.data.accessor`, `ds.psi.physent.entropy(...)`
on any DataArray, and `ds.physent.entropy("psi_abs**2", weights="area")` on a Dataset.

The arrays go to `physent.entropy`, the labels stay: dimensions that are read disappear, coordinates
of the others are kept, dask arrays are read in blocks and only when the result is, others in blocks
at once. Precision is that of the data, whatever JAX is configured to. What `physent diagnose`
refuses is refused here: data that are masked or not finite, negative densities.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import jax
import numpy as np
import xarray as xr

from physent.data.applied import applied
from physent.data.cells import bounds_of, is_even, weights_of, widths_of
from physent.data.described import measured_in
from physent.data.naming import with_words
from physent.data.times import (
    TIMES,
    are_dates,
    refuse_missing,
    tells_time,
    time_of,
    times_of,
    uneven,
)
from physent.data.weighing import told_weights
from physent.diagnostics.fields import Entropy
from physent.entropy import (
    ESTIMATORS,
    MEASURES,
    OUTCOMES,
    Density,
    Estimator,
    Measure,
    OutcomeSpace,
    Spectrum,
    differential_entropy,
    entropy,
    jensen_shannon_complexity,
    sample_entropy,
    time_average,
)
from physent.errors import nearest

Dims = Hashable | Sequence[Hashable] | None
Weights = str | xr.DataArray | None


def _part(given: Any, options: Mapping[str, type], what: str) -> Any:
    """A module, or the module that a name stands for."""
    if not isinstance(given, str):
        return given
    if given not in options:
        raise ValueError(
            f"no {what} {given!r}{nearest(given, options)} (there are: {', '.join(options)})"
        )
    return options[given]()


@xr.register_dataarray_accessor("physent")
class PhysentAccessor:
    """The entropies of one DataArray; every method returns a DataArray reduced over the dimensions
    read.
    """

    def __init__(self, array: xr.DataArray):
        self._array = array
        self._name = "data" if array.name is None else str(array.name)
        self._beside: xr.Dataset | None = None  # what is in its dataset

    def _dims(self, dim: Dims) -> list[Hashable]:
        """The dimensions to read, by default all but time and members."""
        there = ", ".join(map(str, self._array.dims))
        if dim is None:
            times = self._times()
            single = any(
                not each.ndim and (tells_time(each.variable) or name in TIMES)
                for name, each in self._array.coords.items()
            )
            if len(times) > 1 or not (times or single):
                time_of(self._array, "choose dimensions with dim=")
            dims = [d for d in self._array.dims if d not in (*times, "member")]
            if not dims:
                raise ValueError(
                    f"{self._name} has no spatial dimension (there are: {there}): for a time "
                    "series use ordinal patterns, "
                    f"dim={self._array.dims[-1]!r}, outcomes='ordinal'"
                )
        else:
            dims = [dim] if isinstance(dim, str) or not isinstance(dim, Sequence) else list(dim)
        missing = [d for d in dims if d not in self._array.dims]
        if missing or not dims:
            raise ValueError(
                f"no dimension {', '.join(map(repr, missing)) or 'to read'} (there are: {there})"
            )
        return dims

    def _times(self) -> list[str]:
        """The dimensions that may be time, as they say or as what is beside them in the dataset."""
        found = times_of(self._array)
        if not found and self._beside is not None:
            found = [dim for dim in times_of(self._beside) if dim in self._array.dims]
        return found

    def _apply(
        self,
        function: Callable[..., Any],
        dims: list[Hashable],
        name: str,
        long_name: str,
        role: str = "scalar",
        outcomes: OutcomeSpace | None = None,
        in_order: bool = False,
        weights: xr.DataArray | None = None,
        skip_missing: bool = False,
        widths: xr.DataArray | None = None,
    ) -> xr.DataArray:
        """What a function makes of the array, under a name."""
        if empty := [f"{d!r}" for d, size in self._array.sizes.items() if not size]:
            raise ValueError(f"{self._name} has no values along {', '.join(empty)}")
        self._check_order(dims, outcomes, in_order)
        array = self._array.rename(self._name)
        result = applied(function, array, dims, outcomes, weights, skip_missing, widths)
        result = result.rename(name)
        result.attrs |= {"units": "1", "long_name": long_name, "role": role}
        return result

    def _check_order(
        self, dims: list[Hashable], outcomes: OutcomeSpace | None, in_order: bool
    ) -> None:
        """Raise ValueError where a time is not a number, and where values must be evenly spaced
        along a dimension and are not.
        """
        times = self._times()
        for d in times:
            if d in self._array.coords:
                refuse_missing(self._array[d].values, d)
        for d in dims if in_order or (outcomes is not None and outcomes.in_order) else ():
            known = d in self._array.coords
            if d in times or (known and are_dates(self._array[d].values)):
                if words := uneven(self._array, str(d)):
                    raise ValueError(f"{self._name}: {words}")
            elif known and isinstance(outcomes, Spectrum) and not is_even(self._array[d].values):
                raise ValueError(
                    f"the points of axis {d!r} are not equally spaced, as a spectrum needs them: "
                    "interpolate the data first"
                )

    def _weights(self, dims: list[Hashable], given: Weights) -> xr.DataArray | None:
        """The weights of cells, found among the coordinates of the array where a name is given."""
        if given is None:
            return None
        return weights_of(self._data(), self._name, dims, given)

    def _data(self) -> xr.Dataset:
        """The array with what is beside it."""
        if self._beside is not None:
            return self._beside
        return self._array.to_dataset(name=self._name)

    def entropy(
        self,
        dim: Dims = None,
        measure: str | Measure = "shannon",
        outcomes: str | OutcomeSpace = "density",
        estimator: str | Estimator = "plug_in",
        base: float | None = None,
        normalise: bool = False,
        weights: Weights = None,
        skip_missing: bool = False,
    ) -> xr.DataArray:
        """`physent.entropy.entropy` over dimensions, by default all but time and members.

        Measure, outcomes and estimator are modules or the names a config gives them. Ordinal
        outcomes read one dimension, for example `dim="t"`; spatial ones and particles two, in the
        order given. The result is called what `physent diagnose` calls it.

        `weights`, an array or as `physent.diagnose` takes them, say how many equal cells each cell
        stands for. `skip_missing` leaves out what is masked or not finite: the attribute `left_out`
        says the share, and the coordinate `left_out_<name>` where it changes.
        """
        dims = self._dims(dim)
        space = _part(outcomes, OUTCOMES, "outcome space")
        words: dict[str, Any] = {
            "measure": _part(measure, MEASURES, "measure"),
            "outcomes": space,
            "estimator": _part(estimator, ESTIMATORS, "estimator"),
            "base": base,
            "normalise": normalise,
        }
        name, variable = Entropy(of=self._name, **words).output(self._name, ())
        found = self._weights(dims, weights)
        result = self._apply(
            lambda block, axes, sizes=None: entropy(block, axis=axes, weights=sizes, **words),
            dims,
            name,
            variable.long_name,
            variable.role,
            space,
            weights=found,
            skip_missing=skip_missing,
        )
        result.attrs |= told_weights(weights, None if found is None else found.name)
        return result

    def complexity(
        self, dim: Dims = None, outcomes: str | OutcomeSpace = "density"
    ) -> xr.DataArray:
        """`physent.entropy.jensen_shannon_complexity` of outcomes over dimensions."""
        space = _part(outcomes, OUTCOMES, "outcome space")
        return self._apply(
            lambda block, axes: jensen_shannon_complexity(space.probabilities(block, axes)),
            self._dims(dim),
            f"complexity_{self._name}",
            f"Jensen-Shannon complexity of {self._name}",
            "complexity",
            space,
        )

    def differential_entropy(
        self, dim: Dims = None, weights: Weights = None, skip_missing: bool = False
    ) -> xr.DataArray:
        """`physent.entropy.differential_entropy` over dimensions with coordinates, whose cells may
        differ in size: their edges are CF bounds, or the middles between points.

        Its value depends on the unit of the coordinates, which the attribute `coordinate_units`
        states: dates are measured in seconds, whatever their resolution. `weights` and
        `skip_missing` as in `entropy`; weights are the sizes of cells along their dimensions.
        """
        dims = self._dims(dim)
        sizes = self._weights(dims, weights)
        along = {d: self._widths(d) for d in dims if sizes is None or d not in sizes.dims}
        even = all(np.all(each == each[0]) for each in along.values())
        spacing, widths = [float(each[0]) for each in along.values()], None
        if sizes is not None or skip_missing or not even:
            spacing = None
            for d, each in along.items():
                each = xr.DataArray(each, dims=[d])
                widths = each if widths is None else widths * each
        result = self._apply(
            lambda block, axes, volumes=None: differential_entropy(block, spacing, axes, volumes),
            dims,
            f"differential_entropy_{self._name}",
            f"differential Shannon entropy of {self._name} in nats",
            "entropy",
            Density(),
            weights=sizes,
            skip_missing=skip_missing,
            widths=widths,
        )
        result.attrs |= told_weights(weights, None if sizes is None else sizes.name)
        result.attrs |= measured_in(self._array, along)
        return result

    def sample_entropy(self, dim: Hashable, order: int = 2, relative: float = 0.2) -> xr.DataArray:
        """`physent.entropy.sample_entropy` along one dimension."""
        return self._apply(
            lambda block, axes: sample_entropy(block, order, None, relative),
            self._dims(dim),
            f"sample_entropy_{self._name}",
            f"sample entropy of {self._name}",
            "entropy",
            in_order=True,
        )

    def time_average(self, dim: Hashable = "t") -> xr.Dataset:
        """`physent.entropy.time_average` along one dimension: mean, autocorrelation-aware standard
        error, effective sample size and 95 % interval.
        """
        dims, names = self._dims(dim), jax.eval_shape(time_average, np.zeros(2))._fields
        silent = jax.jit(time_average)  # few samples are said once
        results = {
            name: self._apply(
                lambda block, axes, name=name: getattr(
                    (time_average if name == names[0] else silent)(block), name
                ),
                dims,
                name,
                f"{name.replace('_', ' ')} of {self._name}",
                in_order=True,
            )
            for name in names
        }
        return xr.Dataset(results)

    def _widths(self, dim: Hashable) -> np.ndarray:
        bounds = bounds_of(self._array[dim])
        if self._beside is None and bounds is not None:
            raise ValueError(
                f"the bounds {bounds!r} of coordinate {dim!r} are not with this array: "
                f"ask the dataset, ds.physent.differential_entropy({self._name!r}), or drop the "
                "attribute `bounds`"
            )
        return widths_of(self._data(), dim)


@xr.register_dataset_accessor("physent")
class PhysentDatasetAccessor:
    """The entropies of the variables of one Dataset, with what stands beside them in it: parts of
    complex variables, bounds, areas.
    """

    def __init__(self, dataset: xr.Dataset):
        self._dataset = dataset

    def array(self, of: str) -> xr.DataArray:
        """A variable by its name, the complex one that its parts make (`psi` of `psi_re` and
        `psi_im`), or an expression, as `psi_real**2 + psi_imag**2`.

        Raises ValueError where there is none.
        """
        dataset, aliases = with_words(self._dataset, [of])
        name = aliases.get(of, of)
        if name not in dataset.variables:
            known = ", ".join(map(str, dataset.data_vars))
            raise ValueError(
                f"no variable {of!r}{nearest(of, map(str, dataset.data_vars))} (there are: {known})"
            )
        array = dataset[name]
        array.physent._beside = dataset
        return array

    def entropy(
        self,
        of: str,
        dim: Dims = None,
        *,
        weights: Weights = None,
        skip_missing: bool = False,
        **words: Any,
    ) -> xr.DataArray:
        """The entropy of a variable or an expression, as of a DataArray."""
        array = self.array(of).physent
        return array.entropy(dim, weights=weights, skip_missing=skip_missing, **words)

    def differential_entropy(
        self, of: str, dim: Dims = None, *, weights: Weights = None, skip_missing: bool = False
    ) -> xr.DataArray:
        """The differential entropy of a variable or an expression, as of a DataArray."""
        return self.array(of).physent.differential_entropy(dim, weights, skip_missing)
