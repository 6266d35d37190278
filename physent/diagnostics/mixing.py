"""How much of the energy a stratified flow loses goes into mixing, as it runs."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array

from physent.diagnostic import Diagnostic, Observed
from physent.diagnostics.fields import _grid
from physent.entropy import potential_energies
from physent.parameters import param, static
from physent.solver import Variable


class Lost(NamedTuple):
    """The background energy at the start, and the dissipation until now with its last value and time."""

    start: Array
    dissipated: Array
    rate: Array
    t: Array


class MixingEfficiency(Diagnostic[Lost]):
    """Gain of background potential energy over that gain plus the kinetic energy dissipated, since the start.

    Both over the whole box; dissipation is integrated by the trapezoidal rule over the saved times, which must resolve
    it. Diffusion of a fluid at rest counts as mixing. 0 as long as nothing is lost. (W. R. Peltier, C. P. Caulfield,
    Annu. Rev. Fluid Mech. 35, 135, 2003.)
    """

    of: str = static("density", doc="density on two grid axes, the vertical last, by name or role")
    dissipation: str = static("dissipation", doc="series of the kinetic energy lost per time, over the box")
    gravity: Array | float = param(doc="G, the weight of the density: the solver's buoyancy", gt=0)
    name: str | None = static(None, doc="name of the output variable", example="mixing_efficiency")

    def variables(self, observed: Observed) -> dict[str, Variable]:
        """One series."""
        name, axes, left, _ = _grid(observed, self.of)
        if axes != (-2, -1) or left:
            raise ValueError(f"{name} must have two axes, horizontal then vertical")
        observed.find(self.dissipation)
        return {self.name or "mixing_efficiency": Variable((), "scalar", "1", "mixing efficiency since the start")}

    def _background(self, observed: Observed) -> Array:
        name = observed.find(self.of)
        (_, across), (_, upward) = observed.grid(name)
        area = across.spacing * observed[name].shape[-2]
        return potential_energies(observed[name], upward.points, self.gravity).background * area

    def init(self, observed: Observed) -> Lost:
        """Nothing is lost yet."""
        rate = observed[observed.find(self.dissipation)]
        return Lost(self._background(observed), jnp.zeros_like(rate), rate, jnp.asarray(observed.t, rate.dtype))

    def __call__(self, carry: Lost, observed: Observed) -> tuple[Lost, dict[str, Array]]:
        """The efficiency at this time."""
        rate = observed[observed.find(self.dissipation)]
        t = jnp.asarray(observed.t, rate.dtype)
        dissipated = carry.dissipated + (t - carry.t) * (rate + carry.rate) / 2
        gain = self._background(observed) - carry.start
        total = gain + dissipated
        value = jnp.where(total == 0, 0, gain / jnp.where(total == 0, 1, total))
        return Lost(carry.start, dissipated, rate, t), {self.name or "mixing_efficiency": value}
