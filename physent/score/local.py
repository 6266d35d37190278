"""What a score says of one state: current velocity, divergences and rates, component by component.

For dX = b dt + sqrt(2 D) dW with constant D, the score s = grad ln p and the current velocity v = b - D s. Of variables
without noise v = b. With the parity e of each variable the part of the drift that does not turn round with time,
b_irr(X) = [b(X) + e b(e X)]/2, makes the total rate sum (b_irr - D s)^2/D (H. Risken, The Fokker-Planck Equation, 1989,
section 6.4; U. Seifert, Rep. Prog. Phys. 75, 126001, 2012); with even variables only it is b itself.
"""

import functools
import math
import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray

from physent.score.network import Score
from physent.solver import StochasticSolver, substitute

TOGETHER = 16  # derivatives taken at once


class Learned(NamedTuple):
    """Of each variable with noise the known and the learned part of the score, and d/dx_i of every component's own."""

    known: dict[str, Array]
    learned: dict[str, Array]
    known_slope: dict[str, Array]
    learned_slope: dict[str, Array]

    @property
    def score(self) -> dict[str, Array]:
        """s."""
        return {name: self.known[name] + self.learned[name] for name in self.known}

    @property
    def slope(self) -> dict[str, Array]:
        """d s_i/d x_i."""
        return {name: self.known_slope[name] + self.learned_slope[name] for name in self.known}


def exactly(score: Score, solver: StochasticSolver, state: Any, of: Array | None = None) -> Learned:
    """The score of a state and its derivatives by forward mode, one a component; independent walkers take one each.

    `of` are particles: then only the derivatives of their components are taken, and the others are 0.
    """
    known, learned = score.parts(solver, state)
    slope = {name: _diagonal(score, solver, state, name, of) for name in learned}
    return _with_slopes(score, solver, state, known, learned, slope)


def by_probes(score: Score, solver: StochasticSolver, state: Any, key: PRNGKeyArray, probes: int = 1) -> Learned:
    """As `exactly`, with the mean of xi_i (J xi)_i over random signs xi for the derivatives.

    These, and their sums, are unbiased; the variance comes from J off the diagonal. (M. F. Hutchinson, Commun. Stat.
    Simul. 19, 433, 1990.)
    """
    known, learned = score.parts(solver, state)
    values = {name: getattr(state, name) for name in learned}
    _, along = jax.linearize(lambda values: score.parts(solver, substitute(state, values))[1], values)

    def once(key: PRNGKeyArray) -> dict[str, Array]:
        keys = jax.random.split(key, len(values))
        signs = {
            name: jax.random.rademacher(own, value.shape).astype(value.dtype)
            for own, (name, value) in zip(keys, values.items(), strict=True)
        }
        return jax.tree.map(jnp.multiply, along(signs), signs)

    if probes == 1:
        slope = once(key)
    else:
        each = jax.lax.map(once, jax.random.split(key, probes), batch_size=min(probes, TOGETHER))
        slope = jax.tree.map(lambda slopes: jnp.mean(slopes, axis=0), each)
    return _with_slopes(score, solver, state, known, learned, slope)


def _with_slopes(
    score: Score, solver: StochasticSolver, state: Any, known: dict[str, Array], learned: dict[str, Array],
    slope: dict[str, Array],
) -> Learned:  # fmt: skip
    reference = score.known_divergence(solver, state)
    names = [name for name in solver.parity() if name in learned]
    return Learned(
        {name: known[name] for name in names},
        {name: learned[name] for name in names},
        {name: jnp.broadcast_to(reference[name], learned[name].shape) for name in names},
        {name: slope[name] for name in names},
    )


def _diagonal(score: Score, solver: StochasticSolver, state: Any, name: str, of: Array | None) -> Array:
    """d u_i/d x_i of one variable."""
    value = getattr(state, name)
    shape = value.shape[1:] if solver.independent() else value.shape
    count = math.prod(shape)
    _, along = jax.linearize(lambda x: score.parts(solver, substitute(state, {name: x}))[1][name], value)

    def component(i: Array) -> Array:
        one = jnp.zeros(count, value.dtype).at[i].set(1).reshape(shape)
        direction = jnp.broadcast_to(one, value.shape)  # walkers do not see each other: one direction serves all
        return along(direction) * direction

    which = jnp.arange(count)
    if of is not None:
        which = which.reshape(value.shape[0], -1)[of].ravel()
    if which.size <= TOGETHER:
        return jnp.sum(jax.vmap(component)(which), axis=0)
    return jnp.sum(jax.lax.map(component, which, batch_size=TOGETHER), axis=0)


class Physics(NamedTuple):
    """What the solver says of a state, of every stochastic variable: b, D, d b_i/d x_i, b_irr, d b_irr_i/d x_i."""

    drift: dict[str, Array]
    diffusion: dict[str, Array]
    divergence: dict[str, Array]
    irreversible: dict[str, Array]
    irreversible_divergence: dict[str, Array]


def physics(solver: StochasticSolver, state: Any, parity: Mapping[str, int] | None = None) -> Physics:
    """The drift of a state with its divergence and its irreversible part; `parity` may differ from the solver's."""
    parity = solver.parity() if parity is None else parity
    names = list(solver.parity())
    shapes = {name: getattr(state, name).shape for name in names}

    def shaped(values: Mapping[str, Array]) -> dict[str, Array]:
        return {name: jnp.broadcast_to(values[name], shapes[name]) for name in names}

    drift, divergence = shaped(solver.drift(state)), shaped(solver.divergence(state))
    irreversible, its_divergence = drift, divergence
    if any(parity[name] < 0 for name in names):
        turned = substitute(state, {name: parity[name] * getattr(state, name) for name in names})
        back, slope = shaped(solver.drift(turned)), shaped(solver.divergence(turned))
        irreversible = {name: (drift[name] + parity[name] * back[name]) / 2 for name in names}
        its_divergence = {name: (divergence[name] + slope[name]) / 2 for name in names}
    return Physics(drift, shaped(solver.diffusion(state)), divergence, irreversible, its_divergence)


class Current(NamedTuple):
    """v of every variable, d v_i/d x_i, and of the variables with noise the total and the medium's rate, each by
    component."""

    velocity: dict[str, Array]
    divergence: dict[str, Array]
    total: dict[str, Array]
    medium: dict[str, Array]


def current(found: Physics, learned: Learned) -> Current:
    """The current velocity, its divergence, total = (b_irr - D s)^2/D and medium = total - div v, by component.

    The system's rate is the sum of the divergences; at stationarity its mean is 0.
    """
    score, slope = learned.score, learned.slope
    velocity, divergence, total = dict(found.drift), dict(found.divergence), {}
    for name in score:
        d = found.diffusion[name]
        velocity[name] = found.drift[name] - d * score[name]
        divergence[name] = found.divergence[name] - d * slope[name]
        irreversible = found.irreversible[name] - d * score[name]
        # components without noise have no rate: the whole variable may have it, or some of its components
        total[name] = jnp.where(d > 0, irreversible**2 / jnp.where(d > 0, d, jnp.ones_like(d)), jnp.zeros_like(d))
    medium = {name: total[name] - divergence[name] for name in total}
    return Current(velocity, divergence, total, medium)


def sums(found: Physics, learned: Learned) -> dict[str, Array]:
    """The scalars of one state whose means the verdict is made of.

    error and error_reference: sum_noisy D (s^2 + 2 ds/dx) - sum_all db/dx of the whole score and of its known part,
    with the means E[ds . D ds]; exact: the total rate by the drift alone; total, medium, system, and total_X,
    divergence_X, velocity_score_X, square_X, slope_X of every variable X.
    """
    flow = current(found, learned)
    score, slope = learned.score, learned.slope
    everything = added(jnp.sum(value) for value in found.divergence.values())
    error, reference, exact = -everything, -everything, -everything
    scalars: dict[str, Array] = {}
    for name in score:
        d = found.diffusion[name]
        known = learned.known[name]
        error = error + jnp.sum(d * (score[name] ** 2 + 2 * slope[name]))
        reference = reference + jnp.sum(d * (known**2 + 2 * learned.known_slope[name]))
        push, inverse = found.irreversible[name], jnp.where(d > 0, 1 / jnp.where(d > 0, d, jnp.ones_like(d)), 0 * d)
        exact = exact + jnp.sum(push**2 * inverse + 2 * jnp.where(d > 0, found.irreversible_divergence[name], 0 * d))
        scalars[f"total_{name}"] = jnp.sum(flow.total[name])
        scalars[f"velocity_score_{name}"] = jnp.sum(flow.velocity[name] * score[name])
        scalars[f"square_{name}"] = jnp.sum(score[name] ** 2)
        scalars[f"slope_{name}"] = jnp.sum(slope[name])
    for name, value in flow.divergence.items():
        scalars[f"divergence_{name}"] = jnp.sum(value)
    total = added(scalars[f"total_{name}"] for name in score)
    system = added(scalars[f"divergence_{name}"] for name in flow.divergence)
    scalars |= {"total": total, "system": system, "medium": total - system, "exact": exact}
    return scalars | {"error": error, "error_reference": reference, "drift_divergence": everything}


def added(values: Iterable[Array]) -> Array:
    """The sum of one or more arrays."""
    return functools.reduce(operator.add, values)


Slopes = Callable[[Score, StochasticSolver, Any, PRNGKeyArray], Learned]


def slopes(components: int, probes: int) -> Slopes:
    """How derivatives are taken: exactly where there are few components, else by so many probes."""
    if components <= 4 * TOGETHER:
        return lambda score, solver, state, key: exactly(score, solver, state)
    return lambda score, solver, state, key: by_probes(score, solver, state, key, probes)
