"""Entropies and complexities of fields on a grid at one time, as diagnostics; the formulas are in
`physent.entropy`.
"""

import abc
from typing import Any, ClassVar, Literal, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from physent.entropy import (
    ESTIMATORS,
    MEASURES,
    OUTCOMES,
    Density,
    Estimator,
    Measure,
    OutcomeSpace,
    Spectrum,
    complexity_index,
    differential_entropy,
    entropy,
    field_entropy,
    jensen_shannon_complexity,
    lmc_complexity,
    mixing_proxy,
)
from physent.entropy.published import Convention
from physent.protocol.diagnostic import Instantaneous, Observed
from physent.protocol.parameters import (
    choice,
    kind_of,
    one_of,
    settings,
    static,
)
from physent.protocol.variables import Axis, Variable

PRINTED = {  # names as they are printed, where they are somebody's
    "shannon": "Shannon",
    "renyi": "Rényi",
    "tsallis": "Tsallis",
    "hartley": "Hartley",
    "kaniadakis": "Kaniadakis",
    "curado": "Curado",
    "min": "min-",
}


def words_of(module: Any, options: dict[str, type]) -> str:
    """A module as part of a name: its kind and its non-default parameters, `renyi_0p5`."""
    kind = kind_of(module, options)
    # an order is always worth reading
    usual = {} if kind in ("renyi", "tsallis") else _defaults(module)
    return joined(
        kind if kind in options else type(module).__name__.lower(),
        *(
            _plain(value)
            for name, value in settings(module).items()
            if name not in usual or usual[name] != value
        ),
    )


def title_of(module: Any, options: dict[str, type]) -> str:
    """A module as an author prints it, with the parameters that are not at their defaults:
    `Tsallis, q = 0.5`, `histogram, bins = 20`.
    """
    kind = kind_of(module, options)
    usual = {} if kind in ("renyi", "tsallis") else _defaults(module)
    parts = [PRINTED.get(kind, kind.replace("_", " "))]
    for name, value in settings(module).items():
        if name not in usual or usual[name] != value:
            number = f"{value:g}" if isinstance(value, float) else str(value)
            parts.append(f"{'q' if name == 'order' and not usual else name} = {number}")
    return ", ".join(parts)


def _defaults(module: Any) -> dict[str, Any]:
    try:
        return settings(type(module)())
    except TypeError:
        return {}


def _plain(value: Any) -> str:
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text.replace(".", "p").replace("-", "m").replace(" ", "").strip("[]").replace(",", "_")


def joined(*parts: str) -> str:
    """Join the non-empty parts of a name."""
    return "_".join(part for part in parts if part)


def real(observed: Observed, of: str) -> str:
    """The name of the selected observable. Raises ValueError if it is complex."""
    name = observed.find(of)
    if jnp.issubdtype(observed[name].dtype, jnp.complexfloating):
        raise ValueError(f"{name} is complex: choose a real observable")
    return name


class Gridded(NamedTuple):
    """An observable on a grid: its values, its grid axes, its other dims, and where it was
    observed.
    """

    name: str
    values: Array
    axes: tuple[int, ...]
    grid: tuple[Axis, ...]
    left: tuple[str, ...]
    observed: Observed

    @property
    def spacings(self) -> list[Array]:
        """The spacings along its axes. Raises ValueError where one is not uniform."""
        return [axis.spacing for axis in self.grid]

    @property
    def weights(self) -> Array | None:
        """The weights of its cells; None where all count the same."""
        return self.observed.weights(self.name)

    def measure(self) -> tuple[Array | None, Array | None]:
        """The spacing or spacings of a uniform grid on which all cells count the same, or else the
        volumes of the cells.
        """
        if self.weights is None and all(axis.widths is None for axis in self.grid):
            spacings = self.spacings
            return (spacings[0] if len(spacings) == 1 else jnp.stack(spacings)), None
        return None, self.observed.volumes(self.name)

    def read(self) -> int | tuple[int, ...]:
        """The grid axes, in the form that `physent.entropy` takes."""
        return self.axes[0] if len(self.axes) == 1 else self.axes


def on_grid(observed: Observed, of: str) -> Gridded:
    """The selected observable. Raises ValueError if it does not live on a grid."""
    name = observed.find(of)
    grid, dims = observed.grid(name), observed.variables[name].dims
    if not grid:
        raise ValueError(
            f"{name} does not live on a spatial grid (its dims: {', '.join(dims) or 'none'})"
            + ("" if dims else ": for a time series use kind = permutation_entropy (--kind)")
        )
    read = {axis.name for _, axis in grid}
    return Gridded(
        name,
        observed[name],
        tuple(position for position, _ in grid),
        tuple(axis for _, axis in grid),
        tuple(dim for dim in dims if dim not in read),
        observed,
    )


class FieldQuantity(Instantaneous):
    """One number from all grid axes of a field, for each index of its other dims."""

    of: eqx.AbstractVar[str]

    @abc.abstractmethod
    def output(self, of: str, left: tuple[str, ...]) -> tuple[str, Variable]:
        """The name and the description of the output for an observable; `left` are its other
        dims.
        """

    @abc.abstractmethod
    def value(self, field: Gridded) -> Array:
        """The quantity."""

    def variables(self, observed: Observed) -> dict[str, Variable]:
        """One series, or a field over the dims that are not grid axes."""
        field = on_grid(observed, self.of)
        if isinstance(getattr(self, "outcomes", None), Spectrum):
            for axis in field.grid:
                if not axis.uniform:
                    raise ValueError(
                        f"the points of axis {axis.name!r} are not equally spaced, as a spectrum "
                        "needs them: interpolate the data first"
                    )
        return dict([self.output(field.name, field.left)])

    def values(self, observed: Observed) -> tuple[Array]:
        """The quantity at this time."""
        return (self.value(on_grid(observed, self.of)),)


class Entropy(FieldQuantity):
    """The entropy of a field's outcomes, `physent.entropy.entropy`, over all its grid axes.

    In nats and not normalised unless asked. With density outcomes it depends on the grid: it grows
    by ln 2 with every doubling of the points of an axis (`differential_entropy` does not).
    """

    of: str = static(doc="observable, by name or role", example="density")
    measure: Measure = choice(
        converter=one_of(MEASURES), default="shannon", doc="functional of the probabilities"
    )
    outcomes: OutcomeSpace = choice(
        converter=one_of(OUTCOMES), default="density", doc="outcome space"
    )
    estimator: Estimator = choice(
        converter=one_of(ESTIMATORS), default="plug_in", doc="how the measure is estimated"
    )
    base: float | None = static(None, doc="base of the logarithm; default: nats", gt=0, example=2.0)
    normalise: bool = static(False, doc="divide by the largest possible value")
    name: str | None = static(None, doc="name of the output variable", example="entropy_density")

    def output(self, of: str, left: tuple[str, ...]) -> tuple[str, Variable]:
        """The name and the description of the entropy of an observable; `left` are its other
        dims.
        """
        measure, outcomes = words_of(self.measure, MEASURES), words_of(self.outcomes, OUTCOMES)
        estimator = words_of(self.estimator, ESTIMATORS)
        name = self.name or joined(
            "entropy",
            of,
            "" if outcomes == "density" else outcomes,
            measure,
            "" if estimator == "plug_in" else estimator,
            "normalised" if self.normalise else "",
        )
        printed, space = title_of(self.measure, MEASURES), title_of(self.outcomes, OUTCOMES)
        kind, _, numbers = printed.partition(", ")
        words = f"{kind} entropy" + (f", {numbers}," if numbers else "") + f" of {of}"
        words = words.replace("- entropy", "-entropy")
        words += "" if space == "density" else f" ({space})"
        if self.measure.logarithmic and not self.normalise:
            words += f" in units of ln {self.base:g}" if self.base else " in nats"
        return name, Variable(left, "entropy", "1", words)

    def value(self, field: Gridded) -> Array:
        """The entropy."""
        return entropy(
            field.values,
            self.measure,
            self.outcomes,
            self.estimator,
            field.read(),
            self.base,
            self.normalise,
            field.weights,
        )

    def weighs(self) -> bool:
        """Whether its outcome space takes weights."""
        return self.outcomes.weighs


class DifferentialEntropy(FieldQuantity):
    """The differential Shannon entropy of a density on its grid, h = -int p ln p dV, in nats.

    Unlike the entropy of the density it does not depend on the grid, whose cells may differ in
    size.
    """

    outcomes: ClassVar[OutcomeSpace] = Density()
    of: str = static(doc="observable, by name or role", example="density")
    name: str | None = static(
        None, doc="name of the output variable", example="differential_entropy_density"
    )

    def output(self, of: str, left: tuple[str, ...]) -> tuple[str, Variable]:
        """The entropy's name and description."""
        return self.name or f"differential_entropy_{of}", Variable(
            left, "entropy", "1", f"differential Shannon entropy of {of} in nats"
        )

    def value(self, field: Gridded) -> Array:
        """The entropy."""
        spacing, volumes = field.measure()
        return differential_entropy(field.values, spacing, field.read(), volumes)

    def weighs(self) -> bool:
        """True: weights are the volumes of cells, or their areas."""
        return True

    def measures_lengths(self) -> bool:
        """True: it is the logarithm of a volume."""
        return True


class Complexity(FieldQuantity):
    """The LMC complexity of a field's density or spectrum, C = H/H_max x D
    (`physent.entropy.lmc_complexity`).
    """

    of: str = static(doc="observable, by name or role", example="density")
    outcomes: OutcomeSpace = choice(
        converter=one_of(OUTCOMES), default="density", doc="outcome space"
    )
    name: str | None = static(None, doc="name of the output variable", example="complexity_density")

    def output(self, of: str, left: tuple[str, ...]) -> tuple[str, Variable]:
        """The complexity's name and description."""
        outcomes = words_of(self.outcomes, OUTCOMES)
        name = self.name or joined("complexity", of, "" if outcomes == "density" else outcomes)
        return name, Variable(left, "complexity", "1", f"LMC complexity of {of}")

    def value(self, field: Gridded) -> Array:
        """The complexity."""
        return lmc_complexity(self.outcomes.probabilities(field.values, field.read()))


class StatisticalComplexity(FieldQuantity):
    """Jensen-Shannon statistical complexity of a field's outcomes, between 0 and 1."""

    of: str = static(doc="observable, by name or role", example="density")
    outcomes: OutcomeSpace = choice(
        converter=one_of(OUTCOMES), default="density", doc="outcome space"
    )
    name: str | None = static(
        None, doc="name of the output variable", example="statistical_complexity_density"
    )

    def output(self, of: str, left: tuple[str, ...]) -> tuple[str, Variable]:
        """The complexity's name and description."""
        kind = kind_of(self.outcomes, OUTCOMES)
        name = self.name or joined("statistical_complexity", of, "" if kind == "density" else kind)
        return name, Variable(left, "complexity", "1", f"Jensen-Shannon complexity of {of}")

    def value(self, field: Gridded) -> Array:
        """The complexity."""
        return jensen_shannon_complexity(self.outcomes.probabilities(field.values, field.read()))


class PublishedQuantity(Instantaneous):
    """A quantity of the reference packages under its own name (`physent.entropy.published` explains
    the differences).
    """

    of: str = static(doc="real observable, by name or role", example="density")
    quantity: Literal[
        "composite_entropy", "shannon", "renyi", "tsallis", "complexity_index", "mixing_proxy"
    ] = static("composite_entropy", doc="quantity to compute")
    convention: Convention = static(
        "probability", doc="how p is formed from a field, for the entropies"
    )
    other: str | None = static(None, doc="vorticity, for mixing_proxy", example="vorticity")
    name: str | None = static(
        None, doc="name of the output variable", example="composite_entropy_phi"
    )

    def variables(self, observed: Observed) -> dict[str, Variable]:
        """One series, or a field over the dims that are not grid axes."""
        field = on_grid(observed, real(observed, self.of))
        planar = self.quantity in ("complexity_index", "mixing_proxy")
        if field.axes != ((-2, -1) if planar else (-1,)):
            raise ValueError(
                f"{self.quantity} reads {2 if planar else 1} grid axes, the last of {field.name}"
            )
        if self.quantity == "mixing_proxy":
            real(observed, self.other or "vorticity")
        name = self.name or f"{self.quantity}_{field.name}"
        words = f"{self.quantity} of {field.name}" + ("" if planar else f" ({self.convention})")
        return {name: Variable(field.left, "entropy", "1", words)}

    def values(self, observed: Observed) -> tuple[Array]:
        """The quantity at this time."""
        field = on_grid(observed, self.of)
        if self.quantity == "complexity_index":
            return (complexity_index(field.values),)
        if self.quantity == "mixing_proxy":
            return (mixing_proxy(field.values, observed[observed.find(self.other or "vorticity")]),)
        kind = "composite" if self.quantity == "composite_entropy" else self.quantity
        return (field_entropy(field.values, field.spacings[-1], kind, convention=self.convention),)
