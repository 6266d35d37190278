"""Entropies of labelled arrays: after `import physent.data.accessor`, `ds.psi.physent.entropy(...)`
on any DataArray.

The arrays go to `physent.entropy`, the labels stay: dimensions that are read disappear, coordinates
of the others are kept, dask arrays are read in blocks and only when the result is. Precision is
that of the data, whatever JAX is configured to. What `physent diagnose` refuses is refused here:
data that are masked or not finite, negative densities.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import jax
import numpy as np
import xarray as xr

from physent.data.times import TIMES, are_dates, steps_of, time_of, uneven
from physent.diagnostics.fields import Entropy
from physent.entropy import (
    ESTIMATORS,
    MEASURES,
    OUTCOMES,
    Density,
    Estimator,
    Measure,
    OutcomeSpace,
    differential_entropy,
    entropy,
    jensen_shannon_complexity,
    sample_entropy,
    time_average,
)
from physent.entropy.discrete import native
from physent.errors import nearest

Dims = Hashable | Sequence[Hashable] | None
NEITHER = (*TIMES, "member")  # no dimensions of space


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

    def _dims(self, dim: Dims) -> list[Hashable]:
        """The dimensions to read, by default all but time and members."""
        there = ", ".join(map(str, self._array.dims))
        if dim is None:
            if not any(
                name in self._array.coords and not self._array[name].ndim for name in TIMES
            ):  # of one time
                time_of(self._array, "choose dimensions with dim=")
            dims = [d for d in self._array.dims if d not in NEITHER]
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

    def _apply(
        self,
        function: Callable,
        dims: list[Hashable],
        name: str,
        long_name: str,
        role: str = "scalar",
        outcomes: OutcomeSpace | None = None,
        in_order: bool = False,
    ) -> xr.DataArray:
        axes = tuple(range(-len(dims), 0))
        for d in dims if in_order or (outcomes is not None and outcomes.in_order) else ():
            timely = d in TIMES or (d in self._array.coords and are_dates(self._array[d].values))
            if timely and (words := uneven(self._array, str(d))):
                raise ValueError(f"{self._name}: {words}")

        def on_block(block: np.ndarray) -> np.ndarray:
            if block.dtype.kind in "fc" and not np.all(np.isfinite(block)):
                raise ValueError(f"{self._name} is masked or not finite: fill or cut it first")
            if outcomes is not None and (words := outcomes.misfit(block)):
                raise ValueError(f"{self._name} {words}")
            with jax.enable_x64(True):
                return np.asarray(function(native(block), axes))

        real = np.real(np.zeros(1, self._array.dtype)).dtype.newbyteorder("=")
        result = xr.apply_ufunc(
            on_block,
            self._array,
            input_core_dims=[dims],
            dask="parallelized",
            output_dtypes=[np.promote_types(real, "f4") if real.kind == "f" else np.dtype(float)],
            dask_gufunc_kwargs={"allow_rechunk": True},
        )
        result = result.rename(name)
        result.attrs = {"units": "1", "long_name": long_name, "role": role}
        return result

    def entropy(
        self,
        dim: Dims = None,
        measure: str | Measure = "shannon",
        outcomes: str | OutcomeSpace = "density",
        estimator: str | Estimator = "plug_in",
        base: float | None = None,
        normalise: bool = False,
    ) -> xr.DataArray:
        """`physent.entropy.entropy` over dimensions, by default all but time and members.

        Measure, outcomes and estimator are modules or the names a config gives them. Ordinal
        outcomes read one dimension, for example `dim="t"`; spatial ones and particles two, in the
        order given. The result is called what `physent diagnose` calls it.
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
        return self._apply(
            lambda block, axes: entropy(block, axis=axes, **words),
            dims,
            name,
            variable.long_name,
            variable.role,
            space,
        )

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

    def differential_entropy(self, dim: Dims = None) -> xr.DataArray:
        """`physent.entropy.differential_entropy` over dimensions with uniform coordinates.

        Its value depends on the unit of the coordinates, which the attribute `coordinate_units`
        states: dates are measured in seconds, whatever their resolution.
        """
        dims = self._dims(dim)
        spacing = [self._spacing(d) for d in dims]
        result = self._apply(
            lambda block, axes: differential_entropy(block, spacing, axes),
            dims,
            f"differential_entropy_{self._name}",
            f"differential Shannon entropy of {self._name} in nats",
            "entropy",
            Density(),
        )
        units = {d: self._unit(d) for d in dims}
        if any(units.values()):
            words = ", ".join(f"{d}: {unit or '1'}" for d, unit in units.items())
            result.attrs["coordinate_units"] = words
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

    def _spacing(self, dim: Hashable) -> float:
        if dim not in self._array.coords:
            raise ValueError(f"dimension {dim!r} has no coordinate: its spacing is not known")
        steps = steps_of(self._array[dim].values)
        if not np.allclose(steps, steps[0], rtol=1e-5, atol=0):
            raise ValueError(f"coordinate {dim!r} is not uniform")
        return abs(float(steps[0]))

    def _unit(self, dim: Hashable) -> str:
        """The unit of a coordinate, as it is measured; "" where it has none."""
        coordinate = self._array[dim]
        return "s" if are_dates(coordinate.values) else str(coordinate.attrs.get("units", ""))
