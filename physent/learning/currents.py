"""Current velocity, divergences and rates of one state from a score, component by component.

For dX = b dt + sqrt(2 D) dW with constant D, the score s = grad ln p and the current velocity v = b
- D s. Of variables without noise v = b. With the parity e of each variable the part of the drift
that does not turn round with time, b_irr(X) = [b(X) + e b(e X)]/2, makes the total rate sum (b_irr
- D s)^2/D (H. Risken, The Fokker-Planck Equation, 1989, section 6.4; U. Seifert, Rep. Prog. Phys.
75, 126001, 2012); with even variables only it is b itself.
"""

import functools
import operator
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array

from physent.learning.derivatives import Learned
from physent.learning.system import System, over_diffusion
from physent.protocol.variables import substitute


class Physics(NamedTuple):
    """Quantities of the system at a state, for every stochastic variable: b, D, d b_i/d x_i, b_irr,
    d b_irr_i/d x_i.
    """

    drift: dict[str, Array]
    diffusion: dict[str, Array]
    divergence: dict[str, Array]
    irreversible: dict[str, Array]
    irreversible_divergence: dict[str, Array]


def physics(system: System, state: Any, parity: Mapping[str, int] | None = None) -> Physics:
    """The drift of a state with its divergence and its irreversible part; `parity` may differ from
    the system's.
    """
    parity = system.parity() if parity is None else parity
    names = list(system.parity())

    def shaped(values: Mapping[str, Array]) -> dict[str, Array]:
        return {name: jnp.broadcast_to(values[name], getattr(state, name).shape) for name in names}

    drift, divergence = shaped(system.drift(state)), shaped(system.divergence(state))
    irreversible, its_divergence = drift, divergence
    if any(parity[name] < 0 for name in names):
        turned = substitute(state, {name: parity[name] * getattr(state, name) for name in names})
        back, slope = shaped(system.drift(turned)), shaped(system.divergence(turned))
        irreversible = {name: (drift[name] + parity[name] * back[name]) / 2 for name in names}
        its_divergence = {name: (divergence[name] + slope[name]) / 2 for name in names}
    return Physics(drift, shaped(system.diffusion(state)), divergence, irreversible, its_divergence)


class Current(NamedTuple):
    """v of every variable, d v_i/d x_i, and of the variables with noise the total rate, each by
    component.
    """

    velocity: dict[str, Array]
    divergence: dict[str, Array]
    total: dict[str, Array]


def current(found: Physics, learned: Learned) -> Current:
    """The current velocity, its divergence and total = (b_irr - D s)^2/D, by component.

    The system's rate is the sum of the divergences, whose mean is 0 at stationarity; the medium's
    is the rest of the total.
    """
    score, slope = learned.score, learned.slope
    velocity, divergence, total = dict(found.drift), dict(found.divergence), {}
    for name in score:
        d = found.diffusion[name]
        velocity[name] = found.drift[name] - d * score[name]
        divergence[name] = found.divergence[name] - d * slope[name]
        # components without noise have no rate: the whole variable may have it, or some of its
        # components
        total[name] = over_diffusion((found.irreversible[name] - d * score[name]) ** 2, d)
    return Current(velocity, divergence, total)


class Local(NamedTuple):
    """Rates of each part of a state, particle or walker, (N,): sums over its components.

    `total` and `divergence` of all variables, `totals` of each variable with noise; and the current
    velocity of each variable, (N, d).
    """

    divergence: Array
    total: Array
    totals: dict[str, Array]
    velocity: dict[str, Array]


def local(flow: Current) -> Local:
    """The rates of each particle or walker; a variable with an axis less than others has one
    component.
    """
    axes = max(value.ndim for value in flow.total.values())
    totals, divergences = (
        {
            name: jnp.sum(value, axis=tuple(range(axes - 1, value.ndim)))
            for name, value in values.items()
        }
        for values in (flow.total, flow.divergence)
    )
    return Local(added(divergences.values()), added(totals.values()), totals, flow.velocity)


def stationary_rate(found: Physics) -> Array:
    """The total rate from the drift alone, b_irr . D^-1 b_irr + 2 div b_irr of the noisy variables,
    minus div b of all.

    Its mean is the total rate where p is stationary. With even variables that all have noise it is
    b . D^-1 b + div b, which `physent.entropy.medium_entropy_production` has by component.
    """
    rate = -summed(found.divergence)
    for name, push in found.irreversible.items():
        d = found.diffusion[name]
        slope = jnp.where(d > 0, 2 * found.irreversible_divergence[name], 0)
        rate = rate + jnp.sum(push**2 * over_diffusion(1, d) + slope)
    return rate


def added(values: Iterable[Array]) -> Array:
    """The sum of one or more arrays."""
    return functools.reduce(operator.add, values)


def summed(values: Mapping[str, Array]) -> Array:
    """The sum over all components of all variables."""
    return added(jnp.sum(value) for value in values.values())
