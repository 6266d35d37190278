"""The survey of a run before training: its statistics, and whether a score can be learned from
it.
"""

import itertools
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from physent.diagnostics.least_variance import controls_of
from physent.entropy import compare, effective_sample_size
from physent.entropy.production import control_coefficients
from physent.errors import SamplesError, warn_user
from physent.learning.currents import physics, stationary_rate
from physent.learning.losses import Scales
from physent.learning.model import Values, noisy, singular
from physent.learning.splits import Batch, Part
from physent.protocol.solver import Solver
from physent.protocol.stochastic import StochasticSolver
from physent.score.evaluation import over
from physent.score.samples import Samples
from physent.score.verdict import TRAJECTORIES

MOST = 4000  # samples looked at
SIGNIFICANT, SHIFT = 1e-4, 0.02  # a drift that is both less probable and larger is one
MOST_RATES = 200  # of a sample
FEWEST, FEW = 100, 2000  # independent samples of a particle or walker
# independent states: what all particles share, as the density, is no better known than by them
STATES = 8
TESTABLE = 8  # rows of few trajectories whose halves can be compared
SNAPSHOTS, WALKERS = 512, 65536  # samples looked at together


class Survey(NamedTuple):
    """Survey of a run: scales, the solver with sufficient buffers, the exact total rate and E[div
    b] by row and trajectory, the number of rows between independent snapshots and of independent
    samples, the parity of each variable, and whether one has no noise."""

    solver: Any
    scales: Scales
    exact: np.ndarray
    contraction: np.ndarray
    part: Part
    correlation: float
    independent: float
    parity: dict[str, int]
    singular: bool
    notes: tuple[str, ...]


def check_equation(solver: Solver) -> StochasticSolver:
    """The solver, if it is one of dX = b dt + sqrt(2 D) dW, whose state is its variables. Raises
    SamplesError otherwise.
    """
    name = type(solver).__name__
    if not isinstance(solver, StochasticSolver):
        raise SamplesError(f"{name} has no noise: its score and entropy production are not defined")
    if others := solver.other_noise():
        raise SamplesError(
            f"{name} is more than dX = b dt + sqrt(2 D) dW, whose score can be learned: "
            + ", ".join(f"{variable} {does}" for variable, does in others.items())
        )
    return solver


def check_solver(solver: Solver) -> None:
    """Raise SamplesError for an equation other than dX = b dt + sqrt(2 D) dW, and for one without
    noise.
    """
    if not noisy(check_equation(solver), solver.init(jax.random.key(0))):
        raise SamplesError(
            f"{type(solver).__name__} has D = 0 in every variable: without noise there is no "
            "score; set D > 0"
        )


def check_diffusion(solver: StochasticSolver, samples: Samples) -> None:
    """Raise SamplesError if D depends on the state: the equations here assume constant D."""
    few = Part(samples.rows, np.arange(min(samples.trajectories, 4)))
    few = few.thinned(8 * len(few.trajectories))
    values = samples.read(few.rows, few.trajectories)
    seen: dict[str, np.ndarray] = {}
    for place in np.ndindex(len(few.rows), len(few.trajectories)):
        state = solver.at({name: jnp.asarray(value[place]) for name, value in values.items()})
        for name, d in solver.diffusion(state).items():
            d = np.broadcast_to(np.asarray(d), samples.shapes[name])
            if not np.allclose(d, seen.setdefault(name, d), rtol=1e-5):
                raise SamplesError(
                    f"the diffusion coefficient of {name} depends on the state; allowed: a constant"
                )


def parity_of(solver: StochasticSolver, odd: tuple[str, ...] | None) -> dict[str, int]:
    """The parity of every variable, the solver's or the requested one. Raises SamplesError for an
    unknown name.
    """
    parity = dict(solver.parity())
    if odd is None:
        return parity
    if unknown := sorted(set(odd) - set(parity)):
        raise SamplesError(f"odd: unknown variable {unknown[0]!r} (allowed: {', '.join(parity)})")
    return {name: -1 if name in odd else 1 for name in parity}


def survey(
    solver: StochasticSolver,
    samples: Samples,
    odd: tuple[str, ...] | None,
    drifting: str = "refuse",
    learns: bool = True,
) -> Survey:
    """Survey the run without a network. Raises SamplesError if no score can be learned from it."""
    check_diffusion(solver, samples)
    parity = parity_of(solver, odd)
    part = samples.everything.thinned(
        max(MOST, 16 * samples.trajectories) if samples.walkers else MOST
    )
    solver, found = _measured(solver, samples, part, parity)
    series = np.mean(found["exact"], axis=1)
    rows = max(1.0, float(effective_sample_size(series) if len(series) > 3 else len(series)))
    states, notes = rows * len(part.trajectories), []
    for note in itertools.chain(
        _of_stationarity(found, part, drifting == "refuse"),
        _of_number(states, states * samples.parts, learns),
    ):
        notes.append(note)
        warn_user(note)
    numbers = (
        np.quantile(found["rates"], 0.95),
        max(np.mean(found["contraction"]), np.finfo(np.float32).tiny),
        samples.interval,
    )
    return Survey(
        solver,
        Scales(*(jnp.asarray(number, samples.dtype) for number in numbers)),
        _least_variance(found["exact"], found["controls"]),
        found["contraction"],
        part,
        max(1.0, len(series) / rows * part.spacing),
        states * samples.parts,
        parity,
        singular(solver, solver.at(samples.example)),
        tuple(notes),
    )


def _of_stationarity(found: dict[str, Any], part: Part, refused: bool) -> Iterator[str]:
    """Warnings that the run is not stationary, or could not be tested. Raises SamplesError for the
    first if it is `refused`.
    """
    series = {
        "the entropy production by the drift": found["exact"],
        "the mean of -div b": found["contraction"],
    } | {f"the mean square of {name}": values for name, values in found["squares"].items()}
    for words, values in series.items():
        if (drift := _drift(values)) is None:
            continue
        first, last, p = drift
        sentence = (
            f"the run is not stationary: {words} is {first:.4g} in the first half and {last:.4g} "
            f"in the second (p = {p:.1g}); use later snapshots (score.after) or run longer"
        )
        if refused:
            raise SamplesError(f"{sentence}, or set score.drifting = 'warn'")
        yield sentence
        break
    if not _testable(found["exact"]):
        count = len(part.trajectories)
        yield (
            f"stationarity could not be tested with {len(part.rows)} snapshots of "
            f"{count} {'trajectory' if count == 1 else 'trajectories'}: at least {TESTABLE}, or "
            f"{TRAJECTORIES} trajectories"
        )


def _of_number(states: float, independent: float, learns: bool) -> Iterator[str]:
    """Warnings of few independent samples. Raises SamplesError if they are too few to learn
    from.
    """
    if learns and (independent < FEWEST or states < STATES):
        given, least = (
            (f"{states:.0f} independent states", STATES)
            if states < STATES
            else (f"{independent:.0f} independent samples", FEWEST)
        )
        raise SamplesError(
            f"about {given} are too few to learn from (at least {least}): run longer, or use "
            "more walkers or members"
        )
    if independent < FEW or states < STATES:
        yield (
            f"about {independent:.0f} independent samples in {states:.0f} independent states are "
            "few: check the error of the verdict"
        )


def _measured(
    solver: StochasticSolver, samples: Samples, part: Part, parity: dict[str, int]
) -> tuple[StochasticSolver, dict[str, Any]]:
    """The solver, grown until no state overflows, and statistics of each sample, (rows,
    trajectories).
    """
    first: dict[str, Array] = {}

    def look(_: int, values: Batch) -> dict[str, Any]:
        first.update({name: jnp.asarray(value[0]) for name, value in values.items()})
        return measure(jax.tree.map(jnp.asarray, values))

    for _ in range(8):
        measure = eqx.filter_jit(lambda values, solver=solver: _numbers(solver, values, parity))
        found = over(samples, part, WALKERS if samples.walkers else SNAPSHOTS, look)
        if not np.any(found.pop("bits")):
            return solver, found
        solver, _ = solver.grow(solver.at(first))
    raise SamplesError(
        "the solver's buffers overflow on the snapshots of the run, however large they are"
    )


def _numbers(solver: StochasticSolver, values: Values, parity: dict[str, int]) -> dict[str, Any]:
    """The exact rate and its control variates, contraction, mean squares of non-periodic variables,
    contraction rates and error bits of each sample.
    """
    periodic = any(axis.periodic for axis in solver.domain().axes)
    kinds = solver.variables()

    def one(values):
        state = solver.at(values)
        found = physics(solver, state, parity)
        slopes = [jnp.ravel(value) for value in found.divergence.values()]
        rates = -jnp.concatenate(slopes)
        if rates.size > MOST_RATES:  # of many, so many quantiles are distributed as they are
            rates = jnp.quantile(rates, (jnp.arange(MOST_RATES) + 0.5) / MOST_RATES)
        return {
            "exact": stationary_rate(found),
            "controls": controls_of(solver, state, values, found.drift, found.diffusion),
            "contraction": -sum(jnp.sum(value) for value in slopes),
            "squares": {
                name: jnp.mean(value**2)
                for name, value in values.items()
                if not (periodic and kinds[name].role == "position")
            },
            "rates": rates,
            "bits": solver.error(state),
        }

    return jax.vmap(one)(values)


def _least_variance(exact: np.ndarray, controls: np.ndarray) -> np.ndarray:
    """The exact rate (rows, trajectories) with the combination of its controls (rows, trajectories,
    m) that lowers the variance of its mean most.
    """
    over = 0 if exact.shape[1] >= TRAJECTORIES else 1  # as the error is estimated
    means = jnp.asarray(exact.mean(axis=over)), jnp.asarray(controls.mean(axis=over))
    return exact - controls @ np.asarray(control_coefficients(*means))


def _testable(values: np.ndarray) -> bool:
    return (values.shape[1] >= TRAJECTORIES and len(values) > 1) or len(values) >= TESTABLE


def _drift(values: np.ndarray) -> tuple[float, float, float] | None:
    """Means of the two halves and the p-value of their difference, if it is significant and not
    small.
    """
    if not _testable(values):
        return None
    first, last = values[: len(values) // 2], values[-(len(values) // 2) :]
    means = float(first.mean()), float(last.mean())
    if values.shape[1] >= TRAJECTORIES:
        from scipy import stats  # slow to load, and only needed here

        shift = last.mean(axis=0) - first.mean(axis=0)
        error = float(shift.std(ddof=1)) / math.sqrt(len(shift))
        t = abs(float(shift.mean())) / error if error > 0 else 0.0
        p = float(2 * stats.t.sf(t, len(shift) - 1))
    else:
        halves = first.mean(axis=1), last.mean(axis=1)
        # traced, it does not warn of few samples: the survey does
        p = float(jax.jit(compare)(*halves).p_value)
    large = abs(means[1] - means[0]) > SHIFT * max(abs(means[0]), abs(means[1]))
    return (*means, p) if large and p < SIGNIFICANT else None
