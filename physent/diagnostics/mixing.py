"""Mixing during a run: of a dye, and of a stratified fluid by its potential energy."""

from typing import Any, Literal, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from physent.diagnostics.fields import FieldQuantity, Gridded, on_grid, real
from physent.entropy import dye_entropy, potential_energies
from physent.entropy.mixing import PotentialEnergies
from physent.protocol.diagnostic import Diagnostic, Instantaneous, Observed
from physent.protocol.parameters import (
    as_number,
    known,
    param,
    static,
)
from physent.protocol.variables import Variable


def weight(gravity: Array | float | None, observed: Observed) -> Any:
    """The weight of a density: the given value, or by default the solver's parameter `buoyancy`.

    Raises ValueError where there is neither, or where both are and differ.
    """
    live = observed.system()
    own = None if live is None else getattr(live[0], "buoyancy", None)
    if gravity is None and own is None:
        raise ValueError(
            "gravity must be given, since there is no solver with a parameter buoyancy"
        )
    if gravity is None or own is None:
        return own if gravity is None else gravity
    if known(gravity, own) and not np.allclose(gravity, own, rtol=1e-6):
        raise ValueError(
            f"gravity is {float(gravity):g}, but the solver's buoyancy is {float(own):g}: "
            "omit gravity"
        )
    return gravity


def check_upright(observed: Observed, name: str) -> None:
    """Raise ValueError unless `name` is a field over a horizontal and then a bounded vertical
    axis.
    """
    dims = observed.grid(name)
    if [position for position, _ in dims] != [-2, -1]:
        raise ValueError(
            f"{name} must have two grid axes, horizontal then vertical, and they must be its last"
        )
    if dims[-1][1].periodic:
        raise ValueError(
            f"{name} has no potential energy: its vertical axis, {dims[-1][1].name}, is periodic"
        )


class DyeEntropy(FieldQuantity):
    """Volume-integrated entropy of a dye, -int c ln c dV (`physent.entropy.dye_entropy`)."""

    of: str = static(doc="concentration between 0 and 1, by name or role", example="dye")
    negative: Literal["nan", "clip"] = static("clip", doc="how negative concentrations are handled")
    name: str | None = static(None, doc="name of the output variable", example="dye_entropy_dye")

    def variables(self, observed: Observed) -> dict[str, Variable]:
        """The entropy, of a real field."""
        real(observed, self.of)
        return super().variables(observed)

    def output(self, of: str, left: tuple[str, ...]) -> tuple[str, Variable]:
        """The entropy's name and description."""
        return self.name or f"dye_entropy_{of}", Variable(
            left, "entropy", "1", f"dye entropy of {of}"
        )

    def value(self, field: Gridded) -> Array:
        """The entropy."""
        spacing, volumes = field.measure()
        return dye_entropy(
            field.values, spacing, field.axes, negative=self.negative, weights=volumes
        )

    def weighs(self) -> bool:
        """True: weights are the volumes of cells, or their areas."""
        return True


class PotentialEnergy(Instantaneous):
    """Total, background and available potential energy of a density on (horizontal, vertical) cell
    centres.

    The vertical is the last of the field's two axes; energies are per unit horizontal area, g times
    the integral of density z (`physent.entropy.potential_energies`): `total` is not the series
    `potential_energy` of the solver kelvin_helmholtz, which integrates G (density - 1) z over the
    whole box.
    """

    of: str = static("density", doc="density on two grid axes, the vertical last, by name or role")
    gravity: Array | None = param(
        default=None, converter=as_number, doc="g; by default the solver's buoyancy", gt=0
    )
    name: str | None = static(
        None, doc="prefix of the output variables", example="potential_energy_density"
    )

    def variables(self, observed: Observed) -> dict[str, Variable]:
        """Three series."""
        field = on_grid(observed, self.of)
        check_upright(observed, field.name)
        weight(self.gravity, observed)
        prefix, named = self.name or f"potential_energy_{field.name}", {}
        for part in ("total", "background", "available"):
            words = f"{prefix}_{part}".replace("_", " ") + ", per horizontal area"
            named[f"{prefix}_{part}"] = Variable(field.left, "energy", "1", words)
        return named

    def values(self, observed: Observed) -> PotentialEnergies:
        """The energies at this time."""
        name = observed.find(self.of)
        height = observed.grid(name)[-1][1].points
        return potential_energies(observed[name], height, weight(self.gravity, observed))


class Lost(NamedTuple):
    """The initial background energy, and the energies dissipated and gained by laminar diffusion,
    with the latest rates.
    """

    start: Array
    integrals: tuple[Array, ...]
    rates: tuple[Array, ...]
    t: Array


class MixingEfficiency(Diagnostic[Lost]):
    """Gain of background potential energy divided by this gain plus the dissipated kinetic energy,
    since the start.

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
        "diffusive_gain",
        doc="series of the energy gained per time by diffusion at rest, if there is one",
    )
    gravity: Array | None = param(
        default=None,
        converter=as_number,
        doc="G, weight of the density; by default the solver's buoyancy",
        gt=0,
    )
    name: str | None = static(None, doc="name of the output variable", example="mixing_efficiency")

    def variables(self, observed: Observed) -> dict[str, Variable]:
        """One series, or two where the laminar gain is known."""
        field = on_grid(observed, self.of)
        check_upright(observed, field.name)
        if field.left:
            raise ValueError(f"{field.name} must have two axes, horizontal then vertical")
        weight(self.gravity, observed)
        observed.find(self.dissipation)
        name, words = self.name or "mixing_efficiency", "mixing efficiency since the start"
        found = {name: Variable((), "scalar", "1", words)}
        if self.laminar in observed:
            found[f"{name}_less_laminar"] = Variable(
                (), "scalar", "1", f"{words}, less laminar diffusion"
            )
        return found

    def init(self, observed: Observed) -> Lost:
        """Zero losses and gains."""
        rates = self._rates(observed)
        t = jnp.asarray(observed.t, rates[0].dtype)
        return Lost(
            self._background(observed), tuple(jnp.zeros_like(rate) for rate in rates), rates, t
        )

    def __call__(self, carry: Lost, observed: Observed) -> tuple[Lost, dict[str, Array]]:
        """The efficiencies at this time."""
        rates = self._rates(observed)
        t = jnp.asarray(observed.t, rates[0].dtype)
        dissipated, *laminar = integrals = tuple(
            sum + (t - carry.t) * (old + new) / 2
            for sum, old, new in zip(carry.integrals, carry.rates, rates, strict=True)
        )
        gain = self._background(observed) - carry.start
        gains = [gain, *(gain - each for each in laminar)]
        return Lost(carry.start, integrals, rates, t), self.named(
            observed, [_share(gain, dissipated) for gain in gains]
        )

    def _rates(self, observed: Observed) -> tuple[Array, ...]:
        dissipation = observed[observed.find(self.dissipation)]
        return (dissipation, observed[self.laminar]) if self.laminar in observed else (dissipation,)

    def _background(self, observed: Observed) -> Array:
        name = observed.find(self.of)
        (_, across), (_, upward) = observed.grid(name)
        energies = potential_energies(observed[name], upward.points, weight(self.gravity, observed))
        return energies.background * (across.spacing * observed[name].shape[-2])


def _share(part: Array, rest: Array) -> Array:
    whole = part + rest
    return jnp.where(whole == 0, 0, part / jnp.where(whole == 0, 1, whole))
