"""Entropies of fields on a grid, as diagnostics; the formulas are in `physent.entropy`."""

from typing import Any, ClassVar

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
    differential_entropy,
    entropy,
    lmc_complexity,
)
from physent.protocol.diagnostic import Diagnostic, Observed
from physent.protocol.parameters import choice, kind_of, settings, static
from physent.protocol.variables import Variable


def _words(module: Any, options: dict[str, type]) -> str:
    """A module as part of a name: its kind and the parameters that are not at their defaults,
    `renyi_0p5`.
    """
    kind = kind_of(module, options)
    parts = [kind] if kind in options else [type(module).__name__.lower()]
    shown = {"renyi", "tsallis"} & {kind}  # an order is always worth reading
    usual = {} if shown else _defaults(module)
    parts += [
        _plain(value)
        for name, value in settings(module).items()
        if name not in usual or usual[name] != value
    ]
    return "_".join(parts)


def _defaults(module: Any) -> dict[str, Any]:
    try:
        return settings(type(module)())
    except TypeError:
        return {}


def _plain(value: Any) -> str:
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text.replace(".", "p").replace("-", "m").replace(" ", "").strip("[]").replace(",", "_")


def _grid(observed: Observed, of: str) -> tuple[str, tuple[int, ...], tuple[str, ...], list[Any]]:
    """The observable meant, its grid axes, the dims left when they are gone, and the grid
    spacings.
    """
    name = observed.find(of)
    grid = observed.grid(name)
    if not grid:
        dims = ", ".join(observed.variables[name].dims) or "none"
        series = (
            ": of a series in time take kind = permutation_entropy (--kind)"
            if dims == "none"
            else ""
        )
        raise ValueError(f"{name} does not live on a grid of space (its dims: {dims}){series}")
    read = {axis.name for _, axis in grid}
    left = tuple(dim for dim in observed.variables[name].dims if dim not in read)
    return name, tuple(position for position, _ in grid), left, [axis.spacing for _, axis in grid]


def _of(axes: tuple[int, ...]) -> int | tuple[int, ...]:
    return axes[0] if len(axes) == 1 else axes


class Entropy(Diagnostic[tuple[()]]):
    """The entropy of a field's outcomes, `physent.entropy.entropy`, over all its grid axes.

    In nats and not normalised unless asked. With density outcomes it depends on the grid: it grows
    by ln 2 with every doubling of the points of an axis (`differential_entropy` does not).
    """

    of: str = static(doc="observable, by name or role", example="density")
    measure: Measure = choice(MEASURES, "shannon", doc="functional of the probabilities")
    outcomes: OutcomeSpace = choice(OUTCOMES, "density", doc="what counts as an outcome")
    estimator: Estimator = choice(ESTIMATORS, "plug_in", doc="how the measure is estimated")
    base: float | None = static(None, doc="base of the logarithm; default: nats", gt=0, example=2.0)
    normalise: bool = static(False, doc="divide by the largest value there can be")
    name: str | None = static(None, doc="name of the output variable", example="entropy_density")

    def _name(self, of: str) -> str:
        if self.name:
            return self.name
        outcomes = _words(self.outcomes, OUTCOMES)
        parts = [
            "entropy",
            of,
            "" if outcomes == "density" else outcomes,
            _words(self.measure, MEASURES),
        ]
        estimator = _words(self.estimator, ESTIMATORS)
        parts += [
            "" if estimator == "plug_in" else estimator,
            "normalised" if self.normalise else "",
        ]
        return "_".join(part for part in parts if part)

    def output(self, of: str, left: tuple[str, ...]) -> tuple[str, Variable]:
        """What the entropy of an observable is called, and what it is; `left` are the dims that it
        keeps.
        """
        words = (
            f"{_words(self.measure, MEASURES)} entropy of {of} ({_words(self.outcomes, OUTCOMES)})"
        )
        if self.measure.logarithmic and not self.normalise:
            words += f" in units of ln {self.base:g}" if self.base else " in nats"
        return self._name(of), Variable(left, "entropy", "1", words.replace("_", " "))

    def variables(self, observed: Observed) -> dict[str, Variable]:
        """One series, or one with the dims that are not grid axes."""
        name, _, left, _ = _grid(observed, self.of)
        return dict([self.output(name, left)])

    def init(self, observed: Observed) -> tuple[()]:
        """No history."""
        return ()

    def __call__(self, carry: tuple[()], observed: Observed) -> tuple[tuple[()], dict[str, Array]]:
        """The entropy at this time."""
        name, axes, _, _ = _grid(observed, self.of)
        value = entropy(
            observed[name],
            self.measure,
            self.outcomes,
            self.estimator,
            _of(axes),
            self.base,
            self.normalise,
        )
        return carry, {self._name(name): value}


class DifferentialEntropy(Diagnostic[tuple[()]]):
    """The differential Shannon entropy of a density on its grid, h = -int p ln p dV, in nats.

    Unlike the entropy of the density it does not depend on the grid.
    """

    outcomes: ClassVar[OutcomeSpace] = Density()
    of: str = static(doc="observable, by name or role", example="density")
    name: str | None = static(
        None, doc="name of the output variable", example="differential_entropy_density"
    )

    def variables(self, observed: Observed) -> dict[str, Variable]:
        """One series, or one with the dims that are not grid axes."""
        name, _, left, _ = _grid(observed, self.of)
        return {
            self.name or f"differential_entropy_{name}": Variable(
                left, "entropy", "1", f"differential Shannon entropy of {name} in nats"
            )
        }

    def init(self, observed: Observed) -> tuple[()]:
        """No history."""
        return ()

    def __call__(self, carry: tuple[()], observed: Observed) -> tuple[tuple[()], dict[str, Array]]:
        """The entropy at this time."""
        name, axes, _, spacings = _grid(observed, self.of)
        spacing = spacings[0] if len(axes) == 1 else jnp.stack(spacings)
        value = differential_entropy(observed[name], spacing, _of(axes))
        return carry, {self.name or f"differential_entropy_{name}": value}


class Complexity(Diagnostic[tuple[()]]):
    """The LMC complexity of a field's density or spectrum, C = H/H_max x D
    (`physent.entropy.lmc_complexity`).
    """

    of: str = static(doc="observable, by name or role", example="density")
    outcomes: OutcomeSpace = choice(OUTCOMES, "density", doc="what counts as an outcome")
    name: str | None = static(None, doc="name of the output variable", example="complexity_density")

    def _name(self, of: str) -> str:
        outcomes = _words(self.outcomes, OUTCOMES)
        return self.name or "_".join(
            part for part in ("complexity", of, "" if outcomes == "density" else outcomes) if part
        )

    def variables(self, observed: Observed) -> dict[str, Variable]:
        """One series, or one with the dims that are not grid axes."""
        name, _, left, _ = _grid(observed, self.of)
        return {self._name(name): Variable(left, "complexity", "1", f"LMC complexity of {name}")}

    def init(self, observed: Observed) -> tuple[()]:
        """No history."""
        return ()

    def __call__(self, carry: tuple[()], observed: Observed) -> tuple[tuple[()], dict[str, Array]]:
        """The complexity at this time."""
        name, axes, _, _ = _grid(observed, self.of)
        return carry, {
            self._name(name): lmc_complexity(self.outcomes.probabilities(observed[name], _of(axes)))
        }
