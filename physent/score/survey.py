"""What can be said of a run before anything is learned, and whether a score can be learned from it
at all.
"""

import math
import warnings
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from physent.entropy import compare, effective_sample_size
from physent.errors import SamplesError
from physent.learning.currents import physics, stationary_rate
from physent.learning.losses import Scales
from physent.learning.model import noisy, singular
from physent.learning.splits import Part
from physent.protocol.solver import Solver
from physent.protocol.stochastic import StochasticSolver
from physent.score.samples import Samples

MOST = 4000  # samples looked at
TRAJECTORIES = 16  # enough of them to compare each with itself
SIGNIFICANT, SHIFT = 1e-4, 0.02  # a drift that is both less probable and larger is one
MOST_RATES = 200  # of a sample
FEWEST, FEW = 100, 2000  # independent samples of a particle or walker
# independent states: what all particles share, as the density, is no better known than by them
STATES = 8
TESTABLE = 8  # rows of few trajectories whose halves can be compared


class Survey(NamedTuple):
    """Of a run: scales, the solver with buffers that suffice, the exact total rate and E[div b] by
    row and trajectory, the rows between independent snapshots, how many independent samples there
    are, the parity of each variable, and whether one has no noise."""

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


def check_equation(solver: Solver) -> None:
    """Raises SamplesError for a solver of anything but dX = b dt + sqrt(2 D) dW: the state must be
    its variables.
    """
    name = type(solver).__name__
    if not isinstance(solver, StochasticSolver):
        raise SamplesError(
            f"{name} has no noise: neither a score nor entropy production exists for it"
        )
    if others := solver.other_noise():
        words = ", ".join(f"{variable} {does}" for variable, does in others.items())
        raise SamplesError(
            f"{name} is more than dX = b dt + sqrt(2 D) dW, whose score can be learned: {words}"
        )


def check_solver(solver: Solver) -> None:
    """Raises SamplesError for another equation than dX = b dt + sqrt(2 D) dW, and where there is no
    noise, no score.
    """
    check_equation(solver)
    assert isinstance(solver, StochasticSolver)
    name, state = type(solver).__name__, solver.init(jax.random.key(0))
    if not noisy(solver, state):
        raise SamplesError(
            f"{name} has D = 0 in every variable: without noise there is no score; give it a D > 0"
        )


def check_diffusion(solver: StochasticSolver, samples: Samples) -> None:
    """Raises SamplesError where D depends on the state: the equations here are those of a constant
    one.
    """
    rows = samples.rows[np.unique(np.linspace(0, len(samples.rows) - 1, 8).round().astype(int))]
    values = samples.read(rows, np.arange(min(samples.trajectories, 4)))
    seen: dict[str, np.ndarray] = {}
    for i in range(len(rows)):
        for j in range(min(samples.trajectories, 4)):
            state = solver.at({name: jnp.asarray(value[i, j]) for name, value in values.items()})
            for name, d in solver.diffusion(state).items():
                d = np.broadcast_to(np.asarray(d), values[name].shape[2:])
                if not np.allclose(d, seen.setdefault(name, d), rtol=1e-5):
                    raise SamplesError(
                        f"the diffusion coefficient of {name} depends on the state; allowed: a "
                        "constant one"
                    )


def parity_of(solver: StochasticSolver, odd: tuple[str, ...] | None) -> dict[str, int]:
    """The parity of every variable, the solver's or the one asked for. Raises SamplesError for a
    name it has not.
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
    """Look at the run without a network. Raises SamplesError for one that no score can be learned
    from, where it is.
    """
    check_diffusion(solver, samples)
    parity = parity_of(solver, odd)
    part = samples.everything.thinned(
        max(MOST, 16 * samples.trajectories) if samples.walkers else MOST
    )
    solver, found = _measured(solver, samples, part, parity)
    notes = []
    names = {
        "exact": "the entropy production by the drift",
        "contraction": "the mean of -div b",
        **{
            f"square_{name}": f"the mean square of {name}"
            for name in samples.names
            if f"square_{name}" in found
        },
    }
    for name, words in names.items():
        if (drift := _drift(found[name])) is not None:
            first, last, p = drift
            sentence = (
                f"the run is not stationary: {words} is {first:.4g} in the first half and "
                f"{last:.4g} in the second "
                f"(p = {p:.1g}); use later snapshots (score.after) or run longer"
            )
            if drifting == "refuse":
                raise SamplesError(f"{sentence}, or say score.drifting = 'warn'")
            notes.append(sentence)
            warnings.warn(sentence, stacklevel=2)
            break
    if not _testable(found["exact"]):
        count = len(part.trajectories)
        notes.append(
            f"whether the run is stationary could not be tested with {len(part.rows)} snapshots of "
            f"{count} "
            f"{'trajectory' if count == 1 else 'trajectories'}: at least {TESTABLE}, or "
            f"{TRAJECTORIES} trajectories"
        )
        warnings.warn(notes[-1], stacklevel=2)
    series = np.mean(found["exact"], axis=1)
    rows = float(effective_sample_size(series)) if len(series) > 3 else float(len(series))
    correlation = len(series) / max(rows, 1.0) * part.spacing
    parts = next(iter(samples.shapes.values()))[0]
    states = max(rows, 1.0) * len(part.trajectories)
    independent = states * parts
    if learns and (independent < FEWEST or states < STATES):
        given, least = (
            (f"{states:.0f} independent states", STATES)
            if states < STATES
            else (f"{independent:.0f} independent samples", FEWEST)
        )
        raise SamplesError(
            f"about {given} are too few to learn from (at least {least}): run longer, or more "
            "walkers or members"
        )
    if independent < FEW or states < STATES:
        words = (
            f"about {independent:.0f} independent samples in {states:.0f} independent states are "
            "few"
        )
        notes.append(f"{words}: look at the error of the verdict")
        warnings.warn(notes[-1], stacklevel=2)
    example = {name: jnp.zeros(shape, samples.dtype) for name, shape in samples.shapes.items()}
    scales = Scales(
        jnp.asarray(np.quantile(found["rates"], 0.95), samples.dtype),
        jnp.asarray(max(np.mean(found["contraction"]), np.finfo(np.float32).tiny), samples.dtype),
        jnp.asarray(samples.interval, samples.dtype),
    )
    return Survey(
        solver,
        scales,
        found["exact"],
        found["contraction"],
        part,
        max(1.0, correlation),
        independent,
        parity,
        singular(solver, solver.at(example)),
        tuple(notes),
    )


def _measured(
    solver: StochasticSolver, samples: Samples, part: Part, parity: dict[str, int]
) -> tuple[StochasticSolver, dict[str, np.ndarray]]:
    """The solver, grown until no state overflows, and numbers of each sample, (rows,
    trajectories).
    """
    periodic = {name for name in samples.names if _periodic(solver, name)}
    for _ in range(8):
        measure = eqx.filter_jit(
            lambda values, solver=solver: _numbers(solver, values, parity, periodic)
        )
        found: dict[str, list[np.ndarray]] = {}
        overflow, values = False, {}
        for _, values in samples.blocks(part, 512 if not samples.walkers else 65536):
            flat = {name: jnp.asarray(v.reshape(-1, *v.shape[2:])) for name, v in values.items()}
            numbers = measure(flat)
            shape = next(iter(values.values())).shape[:2]
            overflow = overflow or bool(np.any(np.asarray(numbers.pop("error")) != 0))
            for name, value in numbers.items():
                found.setdefault(name, []).append(
                    np.asarray(value, float).reshape(*shape, *value.shape[1:])
                )
        if not overflow:
            return solver, {name: np.concatenate(parts) for name, parts in found.items()}
        first = {name: jnp.asarray(value[0, 0]) for name, value in values.items()}
        solver, _ = solver.grow(solver.at(first))
    raise SamplesError(
        "the solver's buffers do not suffice for the snapshots of the run, however large"
    )


def _numbers(
    solver: StochasticSolver, values: dict[str, Any], parity: dict[str, int], periodic: set[str]
) -> dict[str, Any]:
    """exact, contraction, mean squares, error bits and rates of contraction of each sample."""

    def one(values):
        state = solver.at(values)
        found = physics(solver, state, parity)
        slopes = [jnp.ravel(value) for value in found.divergence.values()]
        squares = {
            f"square_{name}": jnp.mean(values[name] ** 2) for name in values if name not in periodic
        }
        rates = -jnp.concatenate(slopes)
        if rates.size > MOST_RATES:  # of many, so many quantiles are distributed as they are
            rates = jnp.quantile(rates, (jnp.arange(MOST_RATES) + 0.5) / MOST_RATES)
        return squares | {
            "exact": stationary_rate(found),
            "contraction": -sum(jnp.sum(value) for value in slopes),
            "rates": rates,
            "error": solver.error(state),
        }

    return jax.vmap(one)(values)


def _periodic(solver: StochasticSolver, name: str) -> bool:
    return solver.variables()[name].role == "position" and any(
        axis.periodic for axis in solver.domain().axes
    )


def _testable(values: np.ndarray) -> bool:
    return (values.shape[1] >= TRAJECTORIES and len(values) > 1) or len(values) >= TESTABLE


def _drift(values: np.ndarray) -> tuple[float, float, float] | None:
    """Means of the halves and the p-value of their difference, where it is significant and not
    small.
    """
    half = len(values) // 2
    if not _testable(values):
        return None
    first, last = values[:half], values[-half:]
    means = float(first.mean()), float(last.mean())
    scale = max(abs(means[0]), abs(means[1]))
    if values.shape[1] >= TRAJECTORIES:
        from scipy import stats  # slow to load, and only needed here

        shift = last.mean(axis=0) - first.mean(axis=0)
        error = float(shift.std(ddof=1)) / math.sqrt(len(shift))
        p = (
            float(2 * stats.t.sf(abs(float(shift.mean())) / error, len(shift) - 1))
            if error > 0
            else 1.0
        )
    else:
        p = float(compare(first.mean(axis=1), last.mean(axis=1)).p_value)
    return (*means, p) if p < SIGNIFICANT and abs(means[1] - means[0]) > SHIFT * scale else None
