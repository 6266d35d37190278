"""Regularity and complexity of a series: along the axis of a field at each time, or over the last
rows.
"""

import abc
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array

from physent.diagnostics.fields import on_grid, real
from physent.entropy import (
    approximate_entropy,
    lempel_ziv_complexity,
    multiscale_entropy,
    sample_entropy,
    svd_entropy,
)
from physent.entropy.discrete import as_floating
from physent.protocol.diagnostic import Diagnostic, Observed
from physent.protocol.parameters import (
    Declared,
    choice,
    kind_of,
    one_of,
    static,
)
from physent.protocol.variables import Variable


class SeriesMeasure(Declared):
    """A measure of series; called with series (..., N), returns one array (...) for every
    suffix.
    """

    def suffixes(self) -> tuple[str, ...]:
        """The name suffix of each number; by default one number without suffix."""
        return ("",)

    @abc.abstractmethod
    def shortest(self) -> int:
        """The minimum length of a series."""

    def misfit(self, length: int) -> str:
        """What is too much for a series of that length, as a sentence; empty where nothing is."""
        if length >= self.shortest():
            return ""
        return (
            f"a series of {length} values is too short: {kind_of(self, SERIES_MEASURES)} with "
            f"these parameters needs {self.shortest()}"
        )

    @abc.abstractmethod
    def __call__(self, series: Array) -> tuple[Array, ...]:
        """The numbers."""


class TemplateEntropy(SeriesMeasure):
    """An entropy of templates, segments of `order` values that match or not."""

    order: int = static(2, doc="values in a template", ge=1)
    relative: float = static(0.2, doc="tolerance in standard deviations", gt=0)

    def shortest(self) -> int:
        """Two templates and the values after them."""
        return self.order + 2


class SampleEntropy(TemplateEntropy):
    """`physent.entropy.sample_entropy`, in nats."""

    def __call__(self, series: Array) -> tuple[Array]:
        """The entropy."""
        return (sample_entropy(series, self.order, None, self.relative),)


class ApproximateEntropy(TemplateEntropy):
    """`physent.entropy.approximate_entropy`, in nats."""

    def __call__(self, series: Array) -> tuple[Array]:
        """The entropy."""
        return (approximate_entropy(series, self.order, None, self.relative),)


class MultiscaleEntropy(SeriesMeasure):
    """`physent.entropy.multiscale_entropy`, in nats, one number per scale."""

    scales: tuple[int, ...] = static((1, 2, 4, 8), doc="numbers of values averaged", ge=1)
    order: int = static(2, doc="values in a template", ge=1)
    relative: float = static(
        0.15, doc="tolerance in standard deviations of the series itself", gt=0
    )

    def suffixes(self) -> tuple[str, ...]:
        """The scales."""
        return tuple(f"_scale_{scale}" for scale in self.scales)

    def shortest(self) -> int:
        """Two templates and the values after them, at the largest scale."""
        return (self.order + 2) * max(self.scales)

    def misfit(self, length: int) -> str:
        """The scales that are too large for a series of that length."""
        most = length // (self.order + 2)
        large = ", ".join(str(scale) for scale in self.scales if scale > most)
        if not large:
            return ""
        return (
            f"scales: given {large}, allowed: up to {most} for a series of {length} values: the "
            f"largest needs {self.shortest()}"
        )

    def __call__(self, series: Array) -> tuple[Array, ...]:
        """The entropy at each scale."""
        values = multiscale_entropy(series, self.scales, self.order, None, self.relative)
        return tuple(values[..., i] for i in range(len(self.scales)))


class LempelZiv(SeriesMeasure):
    """`physent.entropy.lempel_ziv_complexity` of whether values lie above the median of their
    series.
    """

    normalise: bool = static(True, doc="multiply by ln N/(N ln 2): 1 for a long random series")

    def shortest(self) -> int:
        """Two symbols."""
        return 2

    def __call__(self, series: Array) -> tuple[Array]:
        """The number of words, or its ratio to that of a random series."""
        above = (series > jnp.median(series, axis=-1, keepdims=True)).astype(jnp.int32)
        words = lempel_ziv_complexity(above, self.normalise, alphabet=2)
        words = jnp.where(jnp.any(jnp.isnan(series), axis=-1), jnp.nan, words)
        return (words.astype(series.dtype),)


class SVDEntropy(SeriesMeasure):
    """`physent.entropy.svd_entropy` of the delay embedding, in nats."""

    order: int = static(3, doc="values in a window", ge=2)
    delay: int = static(1, doc="steps between the values of a window", ge=1)
    normalise: bool = static(False, doc="divide by ln(order)")

    def shortest(self) -> int:
        """One window."""
        return (self.order - 1) * self.delay + 1

    def __call__(self, series: Array) -> tuple[Array]:
        """The entropy."""
        return (svd_entropy(series, self.order, self.delay, normalise=self.normalise),)


SERIES_MEASURES: dict[str, type[SeriesMeasure]] = {
    "sample_entropy": SampleEntropy,
    "approximate_entropy": ApproximateEntropy,
    "multiscale_entropy": MultiscaleEntropy,
    "lempel_ziv": LempelZiv,
    "svd_entropy": SVDEntropy,
}


class Regularity(Diagnostic[Any]):
    """The regularity of a real observable: along its one grid axis at each time, or over the last
    `window` rows.

    With a window every entry of the observable (of a series its one value) is a time series of its
    own; NaN until the window is full; each row then costs what a series of `window` values costs.
    """

    of: str = static(doc="real observable, by name or role", example="density")
    measure: SeriesMeasure = choice(
        converter=one_of(SERIES_MEASURES), default="sample_entropy", doc="measure of regularity"
    )
    window: int | None = static(
        None,
        doc="number of last rows in the time series; default: along the grid axis",
        ge=2,
        example=256,
    )
    name: str | None = static(
        None, doc="name, or prefix, of the output variables", example="sample_entropy_density"
    )

    def variables(self, observed: Observed) -> dict[str, Variable]:
        """One series for every number, or a field over the remaining dims."""
        of, kind = real(observed, self.of), kind_of(self.measure, SERIES_MEASURES)
        dims, length, along = observed.variables[of].dims, self.window, "in time"
        if length is None:
            if not observed.grid(of):
                raise ValueError(
                    f"{of} has no grid axis: set window, the number of rows of the time series"
                )
            field = on_grid(observed, of)
            if len(field.axes) != 1:
                raise ValueError(
                    f"{of} has {len(field.axes)} grid axes, but a series needs one; or set window"
                )
            dims, length, along = field.left, field.values.shape[field.axes[0]], "along its axis"
        if words := self.measure.misfit(length):
            raise ValueError(words)
        name, words, found = self.name or f"{kind}_{of}", kind.replace("_", " "), {}
        for suffix in self.measure.suffixes():
            found[name + suffix] = Variable(
                dims, "entropy", "1", f"{words} of {of} {along}{suffix.replace('_', ' ')}"
            )
        return found

    def in_order(self) -> bool:
        """Whether the time series is one of rows."""
        return self.window is not None

    def init(self, observed: Observed) -> Any:
        """Nothing, or an empty window and the number of rows seen."""
        if self.window is None:
            return ()
        value = as_floating(observed[observed.find(self.of)])
        return jnp.zeros((*value.shape, self.window), value.dtype), jnp.zeros((), jnp.int32)

    def __call__(self, carry: Any, observed: Observed) -> tuple[Any, dict[str, Array]]:
        """The numbers at this time."""
        value = as_floating(observed[observed.find(self.of)])
        if self.window is None:
            series = jnp.moveaxis(value, on_grid(observed, self.of).axes[0], -1)
        else:
            last, seen = carry
            series = jnp.concatenate([last[..., 1:], value[..., None]], axis=-1)
            carry = series, seen + 1
            series = jnp.where(seen + 1 >= self.window, series, jnp.full_like(series, jnp.nan))
        return carry, self.named(observed, self.measure(series))
