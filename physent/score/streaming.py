"""Local entropy production and currents of a trained score, during a run or from its file."""

import math
from pathlib import Path
from typing import Any, Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from physent.diagnostics.boxes import Boxes, add_to_boxes, map_axes, map_dims, no_boxes
from physent.errors import FolderError
from physent.learning.currents import current, local, physics
from physent.learning.derivatives import slopes
from physent.learning.model import noisy
from physent.protocol.diagnostic import Diagnostic, Observed
from physent.protocol.parameters import (
    as_number,
    param,
    static,
)
from physent.protocol.stochastic import StochasticSolver
from physent.protocol.variables import Axis, Variable
from physent.score.maps import per_time
from physent.score.trained import Trained, load

Sums = tuple[Int[Array, ""], Boxes | None]


class LearnedEntropyProduction(Diagnostic[Sums]):
    """Entropy production by a trained score (`physent score`): total, medium and system, and local
    contributions.

    total = sum (b_irr - D s)^2/D over the variables with noise, system = div v, medium = total -
    system, v = b - D s (`physent.learning.currents`); and the total of every variable with noise,
    as `..._position`. `each` adds the total and div v of every particle or walker and their current
    velocities, `bins` a map of the mean total of those found in each box of a periodic domain since
    `after`. A learned total is biased by the error of its score, which the verdict of `physent
    score` states: for totals use `entropy_production`. Of a file it is the system that the score
    was learned from; in a run its own, of another size or density where the network allows it.
    Average the series with `physent.entropy`'s `block_bootstrap`, whose blocks follow from the
    correlation.
    """

    path: str = static(doc="the trained score", path=True, example="data/runs/my_run/score.eqx")
    over: Literal["sum", "mean"] = static(
        "sum", doc="over particles or walkers; use mean for independent copies"
    )
    each: bool = static(False, doc="also return rates and velocities of every particle")
    bins: int = static(0, doc="boxes per axis of a spatial map; 0: no map", ge=0)
    after: Array = param(
        default=0.0, converter=as_number, doc="times before this are left out of the map", ge=0
    )
    probes: int = static(
        1, doc="random signs per state for divergences, if there are many components", ge=1
    )
    name: str | None = static(
        None, doc="prefix of the output variables", example="learned_entropy_production"
    )

    def _name(self) -> str:
        return self.name or "learned_entropy_production"

    def _trained(self) -> Trained:
        try:
            return load(self.path)
        except FolderError as error:
            raise ValueError(str(error)) from None

    def variables(self, observed: Observed) -> dict[str, Variable]:
        """Series, and fields over particles or walkers if requested."""
        trained, name = self._trained(), self._name()
        shapes = trained.header["shapes"]
        for variable, shape in shapes.items():
            if variable not in observed:
                raise ValueError(
                    f"the score of {Path(self.path).name} needs the observable {variable!r}"
                )
            if observed[variable].shape[-1] != shape[-1]:
                raise ValueError(
                    f"{variable} has {observed[variable].shape[-1]} components, but "
                    f"{Path(self.path).name} needs {shape[-1]}"
                )
        if (live := observed.system()) is not None:
            trained.check(live[0], {variable: observed[variable].shape for variable in shapes})
        words = "in nats per unit time, by a learned score"

        def rate(what: str, dims: tuple[str, ...] = ()) -> Variable:
            return Variable(dims, "entropy_production", "1/time", f"{what} {words}")

        found = {
            name: rate("entropy production"),
            f"{name}_medium": rate("entropy production in the medium"),
            f"{name}_system": rate("rate of the system's entropy, div v,"),
        }
        for variable in _noisy(trained):
            found[f"{name}_{variable}"] = rate(f"entropy production of {variable}")
        if self.each:
            dims = observed.variables[next(iter(shapes))].dims
            found[f"{name}_each"] = rate("entropy production of each", dims[:-1])
            found[f"{name}_divergence_each"] = rate("div v of each", dims[:-1])
            found |= {
                f"{name}_velocity_{variable}": Variable(
                    dims,
                    "velocity",
                    per_time(observed.variables[variable].units),
                    f"v of {variable}, learned",
                )
                for variable in shapes
            }
        if self.bins:
            found[f"{name}_map"] = rate("entropy production in each box", map_dims(observed, name))
        return found

    def axes(self, observed: Observed) -> tuple[Axis, ...]:
        """The middles of the boxes of a map."""
        return map_axes(observed, self._name(), self.bins) if self.bins else ()

    def init(self, observed: Observed) -> Sums:
        """The number of states so far, which seeds the random signs, and empty sums for each
        box.
        """
        return jnp.zeros((), jnp.int32), no_boxes(observed, self.bins) if self.bins else None

    def __call__(self, carry: Sums, observed: Observed) -> tuple[Sums, dict[str, Array]]:
        """The rates at this time."""
        trained, name, (count, boxes) = self._trained(), self._name(), carry
        solver, state = self._system(trained, observed)
        first = 1 if solver.independent() else 0  # walkers are samples of their own
        shapes = [getattr(state, variable).shape[first:] for variable in trained.parity]
        taken = slopes(sum(map(math.prod, shapes)), self.probes)
        learned = taken(trained.score, solver, state, jax.random.fold_in(jax.random.key(0), count))
        rates = local(current(physics(solver, state, trained.parity), learned))
        over = jnp.sum if self.over == "sum" else jnp.mean
        total, system = over(rates.total), over(rates.divergence)
        outputs = {name: total, f"{name}_medium": total - system, f"{name}_system": system}
        outputs |= {f"{name}_{variable}": over(part) for variable, part in rates.totals.items()}
        if self.each:
            outputs |= {f"{name}_each": rates.total, f"{name}_divergence_each": rates.divergence}
            outputs |= {
                f"{name}_velocity_{variable}": value for variable, value in rates.velocity.items()
            }
        if boxes is not None:
            counted = (observed.t >= self.after).astype(rates.total.dtype)
            boxes, outputs[f"{name}_map"] = add_to_boxes(
                boxes, observed, self.bins, rates.total, counted
            )
        return (count + 1, boxes), outputs

    def _system(self, trained: Trained, observed: Observed) -> tuple[StochasticSolver, Any]:
        if (live := observed.system()) is not None:
            return live
        return trained.solver, trained.solver.at({name: observed[name] for name in trained.parity})


def _noisy(trained: Trained) -> tuple[str, ...]:
    with jax.ensure_compile_time_eval():
        return noisy(
            trained.solver,
            trained.solver.at(
                {name: jnp.zeros(shape) for name, shape in trained.header["shapes"].items()}
            ),
        )
