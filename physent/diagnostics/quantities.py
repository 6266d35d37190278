"""Further quantities of fields at one time, as diagnostics; the formulas are in
`physent.entropy`.
"""

from typing import Literal

import jax.numpy as jnp
from jaxtyping import Array

from physent.diagnostics.fields import _grid, _of
from physent.diagnostics.gravity import check_upright, weight
from physent.entropy import (
    OUTCOMES,
    OutcomeSpace,
    complexity_index,
    dye_entropy,
    field_entropy,
    jensen_shannon_complexity,
    mixing_proxy,
    potential_energies,
)
from physent.entropy.published import Convention
from physent.protocol.diagnostic import Diagnostic, Observed
from physent.protocol.parameters import choice, kind_of, param, static
from physent.protocol.variables import Variable


class StatisticalComplexity(Diagnostic[tuple[()]]):
    """Jensen-Shannon statistical complexity of a field's outcomes, between 0 and 1."""

    of: str = static(doc="observable, by name or role", example="density")
    outcomes: OutcomeSpace = choice(OUTCOMES, "density", doc="what counts as an outcome")
    name: str | None = static(
        None, doc="name of the output variable", example="statistical_complexity_density"
    )

    def _name(self, of: str) -> str:
        kind = kind_of(self.outcomes, OUTCOMES)
        return self.name or "_".join(
            ["statistical_complexity", of, *([] if kind == "density" else [kind])]
        )

    def variables(self, observed: Observed) -> dict[str, Variable]:
        """One series, or one with the dims that are not grid axes."""
        name, _, left, _ = _grid(observed, self.of)
        return {
            self._name(name): Variable(
                left, "complexity", "1", f"Jensen-Shannon complexity of {name}"
            )
        }

    def init(self, observed: Observed) -> tuple[()]:
        """No history."""
        return ()

    def __call__(self, carry: tuple[()], observed: Observed) -> tuple[tuple[()], dict[str, Array]]:
        """The complexity at this time."""
        name, axes, _, _ = _grid(observed, self.of)
        p = self.outcomes.probabilities(observed[name], _of(axes))
        return carry, {self._name(name): jensen_shannon_complexity(p)}


class DyeEntropy(Diagnostic[tuple[()]]):
    """Volume-integrated entropy of a dye, -int c ln c dV (`physent.entropy.dye_entropy`)."""

    of: str = static(doc="concentration between 0 and 1, by name or role", example="dye")
    negative: Literal["nan", "clip"] = static("clip", doc="what a negative concentration becomes")
    name: str | None = static(None, doc="name of the output variable", example="dye_entropy_dye")

    def variables(self, observed: Observed) -> dict[str, Variable]:
        """One series, or one with the dims that are not grid axes."""
        name, _, left, _ = _grid(observed, self.of)
        return {
            self.name or f"dye_entropy_{name}": Variable(
                left, "entropy", "1", f"dye entropy of {name}"
            )
        }

    def init(self, observed: Observed) -> tuple[()]:
        """No history."""
        return ()

    def __call__(self, carry: tuple[()], observed: Observed) -> tuple[tuple[()], dict[str, Array]]:
        """The entropy at this time."""
        name, axes, _, spacings = _grid(observed, self.of)
        value = dye_entropy(observed[name], jnp.stack(spacings), axes, negative=self.negative)
        return carry, {self.name or f"dye_entropy_{name}": value}


class PotentialEnergy(Diagnostic[tuple[()]]):
    """Total, background and available potential energy of a density on (horizontal, vertical) cell
    centres.

    The vertical is the last of the field's two axes; energies are per unit horizontal area, g times
    the integral of density z (`physent.entropy.potential_energies`): `total` is not the series
    `potential_energy` of the solver kelvin_helmholtz, which integrates G (density - 1) z over the
    whole box.
    """

    of: str = static("density", doc="density on two grid axes, the vertical last, by name or role")
    gravity: Array | float | None = param(None, doc="g; by default the solver's buoyancy", gt=0)
    name: str | None = static(
        None, doc="prefix of the output variables", example="potential_energy_density"
    )

    def _names(self, of: str) -> list[str]:
        prefix = self.name or f"potential_energy_{of}"
        return [f"{prefix}_{part}" for part in ("total", "background", "available")]

    def variables(self, observed: Observed) -> dict[str, Variable]:
        """Three series."""
        name, _, left, _ = _grid(observed, self.of)
        check_upright(observed, name)
        weight(self.gravity, observed)
        return {
            each: Variable(left, "energy", "1", f"{each.replace('_', ' ')}, per horizontal area")
            for each in self._names(name)
        }

    def init(self, observed: Observed) -> tuple[()]:
        """No history."""
        return ()

    def __call__(self, carry: tuple[()], observed: Observed) -> tuple[tuple[()], dict[str, Array]]:
        """The energies at this time."""
        name = observed.find(self.of)
        height = observed.grid(name)[-1][1].points
        energies = potential_energies(observed[name], height, weight(self.gravity, observed))
        return carry, dict(zip(self._names(name), energies, strict=True))


class PublishedQuantity(Diagnostic[tuple[()]]):
    """A quantity of the reference packages under its own name (`physent.entropy.published` says
    what each is not).
    """

    of: str = static(doc="real observable, by name or role", example="density")
    quantity: Literal[
        "composite_entropy", "shannon", "renyi", "tsallis", "complexity_index", "mixing_proxy"
    ] = static("composite_entropy", doc="what is computed")
    convention: Convention = static("probability", doc="how a field becomes p, for the entropies")
    other: str | None = static(None, doc="vorticity, for mixing_proxy", example="vorticity")
    name: str | None = static(
        None, doc="name of the output variable", example="composite_entropy_phi"
    )

    def variables(self, observed: Observed) -> dict[str, Variable]:
        """One series, or one with the dims that are not grid axes."""
        name, axes, left, _ = _grid(observed, self.of)
        planar = self.quantity in ("complexity_index", "mixing_proxy")
        if axes != ((-2, -1) if planar else (-1,)):
            raise ValueError(
                f"{self.quantity} reads {2 if planar else 1} grid axes, the last of {name}"
            )
        if self.quantity == "mixing_proxy":
            observed.find(self.other or "vorticity")
        words = f"{self.quantity} of {name}" + ("" if planar else f" ({self.convention})")
        return {self.name or f"{self.quantity}_{name}": Variable(left, "entropy", "1", words)}

    def init(self, observed: Observed) -> tuple[()]:
        """No history."""
        return ()

    def __call__(self, carry: tuple[()], observed: Observed) -> tuple[tuple[()], dict[str, Array]]:
        """The quantity at this time."""
        name, _, _, spacings = _grid(observed, self.of)
        if self.quantity == "complexity_index":
            value = complexity_index(observed[name])
        elif self.quantity == "mixing_proxy":
            value = mixing_proxy(observed[name], observed[observed.find(self.other or "vorticity")])
        else:
            kind = "composite" if self.quantity == "composite_entropy" else self.quantity
            value = field_entropy(observed[name], spacings[-1], kind, convention=self.convention)
        return carry, {self.name or f"{self.quantity}_{name}": value}
