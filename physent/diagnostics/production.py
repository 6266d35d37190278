"""Entropy production of a stochastic solver during a run, without learning."""

from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from physent.diagnostics.boxes import Boxes, add_to_boxes, map_axes, map_dims, no_boxes
from physent.diagnostics.least_variance import (
    Blocks,
    add_row,
    controls_of,
    least_variance_mean,
    no_blocks,
)
from physent.entropy import medium_entropy_production
from physent.protocol.diagnostic import Diagnostic, Observed
from physent.protocol.parameters import (
    as_number,
    param,
    static,
)
from physent.protocol.stochastic import StochasticSolver
from physent.protocol.variables import Axis, Variable

Sums = tuple[Array, Boxes | None] | tuple[Array, Boxes | None, Blocks]


class EntropyProduction(Diagnostic[Sums]):
    """The entropy produced in the medium per unit time, sum of b^2/D + db/dx: at stationarity the
    total rate.

    One value a saved state, and the mean of them since the time `after`
    (`physent.entropy.medium_entropy_production`, which also says what it is where some D = 0). For
    error bars put the series through `physent.entropy`'s `block_bootstrap`. `total` adds the total
    rate of a stationary state since `after` with a standard error (NaN for fewer than 8 rows): the
    mean with the least variance, by control variates, quantities whose mean is 0
    (`physent.entropy.production`'s `stationary_controls` and `least_variance`). Before stationarity
    it means nothing. `each` adds the rate of every particle, `bins` a map of the mean rate of the
    particles found in each box of a periodic domain since `after`; box 0 begins at 0, and negative
    positions wrap to the end. A solver without noise has no entropy production, nor has one whose
    only noise are jumps (tumbling particles with eps = 0).
    """

    over: Literal["sum", "mean"] = static(
        "sum", doc="over particles or walkers; use mean for independent copies"
    )
    each: bool = static(False, doc="also return the rate of every particle")
    bins: int = static(0, doc="boxes per axis of a spatial map; 0: no map", ge=0)
    after: Array = param(
        default=0.0, converter=as_number, doc="times before this are left out of the means", ge=0
    )
    total: bool = static(
        True, doc="also return the total with the least variance, at stationarity only"
    )
    name: str | None = static(
        None, doc="name, and prefix, of the output variables", example="entropy_production"
    )

    def variables(self, observed: Observed) -> dict[str, Variable]:
        """Two series, and a field over particles and a map if requested."""
        dynamics = observed.dynamics()
        if dynamics is None:
            raise ValueError(
                "entropy production needs a stochastic solver: it is not defined without noise"
            )
        _refuse_jumps(observed)
        name = self.name or "entropy_production"
        words = "entropy production in the medium in nats per unit time"
        described: dict[str, tuple[tuple[str, ...], str]] = {
            name: ((), f"{self.over} over particles"),
            f"{name}_mean": ((), "mean over time"),
        }
        if self.total:
            words_of_total = "stationary total of least variance"
            described[f"{name}_total"] = (), words_of_total
            described[f"{name}_total_error"] = (), f"standard error of the {words_of_total}"
        if self.each:
            first = next(iter(dynamics.drift))
            described[f"{name}_each"] = observed.variables[first].dims[:-1], "of each particle"
        if self.bins:
            described[f"{name}_map"] = map_dims(observed, name), "of a particle in each box"
        few = {f"{name}_total_error": "fewer than 8 rows"}
        return {
            key: Variable(
                dims, "entropy_production", "1/time", f"{words}, {which}", few.get(key, "")
            )
            for key, (dims, which) in described.items()
        }

    def axes(self, observed: Observed) -> tuple[Axis, ...]:
        """The middles of the boxes of a map."""
        return map_axes(observed, self.name or "entropy_production", self.bins) if self.bins else ()

    def init(self, observed: Observed) -> Sums:
        """Empty sums for the total and for each box."""
        boxes = no_boxes(observed, self.bins) if self.bins else None
        sums = jnp.zeros(2, observed.t.dtype)
        if not self.total:
            return sums, boxes
        return sums, boxes, no_blocks(_controls(observed), observed.t.dtype)

    def __call__(self, carry: Sums, observed: Observed) -> tuple[Sums, dict[str, Array]]:
        """The rates at this time, and the means so far (NaN before `after`)."""
        dynamics, name = observed.dynamics(), self.name or "entropy_production"
        assert dynamics is not None
        first, *rest = (
            jnp.sum(
                medium_entropy_production(drift, dynamics.diffusion[key], dynamics.divergence[key]),
                axis=-1,
            )
            for key, drift in dynamics.drift.items()
        )
        each = sum(rest, first)
        total = jnp.sum(each) if self.over == "sum" else jnp.mean(each)
        counted = (observed.t >= self.after).astype(total.dtype)
        sums, boxes, *blocks = carry
        row = jnp.stack([total, jnp.ones_like(total)])
        sums = sums + jnp.where(counted > 0, row, 0)
        outputs = {name: total, f"{name}_mean": sums[0] / sums[1]}
        if self.each:
            outputs[f"{name}_each"] = each
        if boxes is not None:
            boxes, outputs[f"{name}_map"] = add_to_boxes(boxes, observed, self.bins, each, counted)
        if not self.total:
            return (sums, boxes), outputs
        scale = 1 if self.over == "sum" else each.size
        controls = _controls(observed) / scale
        following = add_row(blocks[0], total, controls, counted)
        outputs[f"{name}_total"], outputs[f"{name}_total_error"] = least_variance_mean(following)
        return (sums, boxes, following), outputs


def _controls(observed: Observed) -> Array:
    """The control variates at this time."""
    dynamics, system = observed.dynamics(), observed.system()
    assert dynamics is not None and system is not None
    solver, state = system
    return controls_of(solver, state, observed, dynamics.drift, dynamics.diffusion)


def _refuse_jumps(observed: Observed) -> None:
    """Raise ValueError if all noise is in jumps: minus the divergence is then not a rate."""
    solver, _ = observed.system() or (None, None)
    others = solver.other_noise() if isinstance(solver, StochasticSolver) else {}
    if "jumps" not in others.values():
        return
    diffusion = eqx.filter_jit(lambda solver: solver.diffusion(solver.init(jax.random.key(0))))(
        solver
    )
    if not any(bool(jnp.any(d > 0)) for d in diffusion.values()):
        raise ValueError(
            f"the only noise is in {' and '.join(others)}, which jumps: without diffusion "
            "entropy production is not defined"
        )
