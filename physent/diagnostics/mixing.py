"""How much of the energy a stratified flow loses goes into mixing, as it runs."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array

from physent.diagnostics.fields import _grid
from physent.diagnostics.gravity import check_upright, weight
from physent.entropy import potential_energies
from physent.protocol.diagnostic import Diagnostic, Observed
from physent.protocol.parameters import param, static
from physent.protocol.variables import Variable


class Lost(NamedTuple):
    """The background energy at the start; what is dissipated and what laminar diffusion gained,
    with the last rates.
    """

    start: Array
    integrals: tuple[Array, ...]
    rates: tuple[Array, ...]
    t: Array


class MixingEfficiency(Diagnostic[Lost]):
    """Gain of background potential energy over that gain plus the kinetic energy dissipated, since
    the start.

    All over the whole box. Diffusion raises the background energy of a fluid at rest too, by
    `laminar` per time, G kappa length (rho_bottom - rho_top): a second series, with `_less_laminar`
    in its name, leaves that out of the gain and is the efficiency of W. R. Peltier and C. P.
    Caulfield, Annu. Rev. Fluid Mech. 35, 135 (2003). Rates are integrated by the trapezoidal rule
    over the saved times, which must resolve them. 0 as long as nothing is lost.
    """

    of: str = static("density", doc="density on two grid axes, the vertical last, by name or role")
    dissipation: str = static(
        "dissipation", doc="series of the kinetic energy lost per time, over the box"
    )
    laminar: str = static(
        "diffusive_gain", doc="series of what diffusion at rest gains per time, if there"
    )
    gravity: Array | float | None = param(
        None, doc="G, weight of the density; by default the solver's buoyancy", gt=0
    )
    name: str | None = static(None, doc="name of the output variable", example="mixing_efficiency")

    def variables(self, observed: Observed) -> dict[str, Variable]:
        """One series, or two where the laminar gain is known."""
        name, _, left, _ = _grid(observed, self.of)
        check_upright(observed, name)
        if left:
            raise ValueError(f"{name} must have two axes, horizontal then vertical")
        weight(self.gravity, observed)
        words = (
            "mixing efficiency since the start",
            "mixing efficiency since the start, less laminar diffusion",
        )
        count = len(self._series(observed))
        named = zip(self._names()[:count], words[:count], strict=True)
        return {name: Variable((), "scalar", "1", words) for name, words in named}

    def init(self, observed: Observed) -> Lost:
        """Nothing is lost yet."""
        rates = self._rates(observed)
        nothing = tuple(jnp.zeros_like(rate) for rate in rates)
        return Lost(
            self._background(observed), nothing, rates, jnp.asarray(observed.t, rates[0].dtype)
        )

    def __call__(self, carry: Lost, observed: Observed) -> tuple[Lost, dict[str, Array]]:
        """The efficiencies at this time."""
        rates = self._rates(observed)
        t = jnp.asarray(observed.t, rates[0].dtype)
        sums = zip(carry.integrals, carry.rates, rates, strict=True)
        dissipated, *laminar = integrals = tuple(
            sum + (t - carry.t) * (old + new) / 2 for sum, old, new in sums
        )
        gain = self._background(observed) - carry.start
        gains = [gain, *(gain - each for each in laminar)]
        named = zip(self._names()[: len(gains)], gains, strict=True)
        return Lost(carry.start, integrals, rates, t), {
            name: _share(gain, dissipated) for name, gain in named
        }

    def _names(self) -> tuple[str, str]:
        name = self.name or "mixing_efficiency"
        return name, f"{name}_less_laminar"

    def _series(self, observed: Observed) -> list[str]:
        return [
            observed.find(self.dissipation),
            *([self.laminar] if self.laminar in observed else []),
        ]

    def _rates(self, observed: Observed) -> tuple[Array, ...]:
        return tuple(observed[name] for name in self._series(observed))

    def _background(self, observed: Observed) -> Array:
        name = observed.find(self.of)
        (_, across), (_, upward) = observed.grid(name)
        area = across.spacing * observed[name].shape[-2]
        return (
            potential_energies(
                observed[name], upward.points, weight(self.gravity, observed)
            ).background
            * area
        )


def _share(part: Array, rest: Array) -> Array:
    whole = part + rest
    return jnp.where(whole == 0, 0, part / jnp.where(whole == 0, 1, whole))
