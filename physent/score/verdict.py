"""How good a learned score is, without knowing the true one, and its entropy production beside the
exact one.

At stationarity E[v* . s*] = 0 for the true score s* and v* = b - D s*, so E[s* . D s*] = E[b . s*]
= -E[div b]. Hence for any s, the sum over the variables with noise but div b over all of them,

    E[(s - s*) . D (s - s*)] = E[s . D s + 2 div(D s)] - E[div b],

an absolute error that needs no s*. The same of the known part alone (of s = 0, where there is none)
is what there was to learn, and R^2 = 1 - error/error_reference.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from physent.entropy import block_bootstrap
from physent.learning.currents import Physics, added, current, stationary_rate
from physent.learning.derivatives import Learned
from physent.protocol.moved import warn

TRAJECTORIES = 16  # enough of them to be drawn again whole
GOOD, FAIR = 0.9, 0.5  # of R^2 less two standard errors
USES = {
    "good": "maps and currents may be read",
    "fair": "maps show the coarse only",
    "bad": "do not use its maps",
}
ROWS = {
    "total": "learned total rate (noisy variables)",
    "exact": "exact total by the drift, same samples",
    "exact_whole_run": "exact total by the drift, whole run",
    "learned_minus_exact": "learned - exact",
    "learned_plus_error_minus_exact": "learned + error - exact",
    "error": "error of the score, E[ds . D ds]",
    "error_reference": "error of the reference",
    "r_squared": "R^2 = 1 - error/error of the reference",
    "medium": "medium",
    "system": "system, E div v (0 where stationary)",
    "velocity_score": "E v.s (0 where stationary)",
}
PREFIXES = {
    "total_": "total of {}",
    "divergence_": "E div v of {}",
    "velocity_score_": "E v.s of {}",
    "identity_": "E[|s|^2 + div s]/E|s|^2 of {} (0)",
    "ratio_square_": "E[v^2/D] of {} over exact (1)",
    "ratio_divergence_": "E div v of {} over exact (1)",
}


class Number(NamedTuple):
    """A mean with its standard error."""

    value: float
    standard_error: float

    @property
    def error(self) -> float:
        """The former name of `standard_error`, for one release."""
        warn("Number.error is now Number.standard_error")
        return self.standard_error

    def __str__(self) -> str:
        if not np.isfinite(self.value):
            return "undefined"
        if not np.isfinite(self.standard_error) or self.standard_error <= 0:
            return f"{self.value:.4g}"
        largest = max(abs(self.value), self.standard_error)
        finest = max(self.standard_error, 1e-6 * largest)  # no more digits than anybody reads
        digits = max(0, 1 - int(np.floor(np.log10(finest))))
        return f"{self.value:.{digits}f} +- {self.standard_error:.{digits}f}"


class Table:
    """Numbers of samples by name, (rows, trajectories) each, and their means with errors that know
    of correlation.

    From 16 trajectories on these are drawn again, whole; of fewer the rows are, in blocks longer
    than the correlation.
    """

    def __init__(self, numbers: dict[str, np.ndarray], correlation: float = 1.0):
        self.numbers = numbers
        self.correlation = correlation

    def __getitem__(self, name: str) -> np.ndarray:
        return self.numbers[name]

    def __contains__(self, name: str) -> bool:
        return name in self.numbers

    def mean(self, name: str) -> Number:
        """The mean of one of them."""
        return self.number(self.numbers[name])

    def number(self, values: np.ndarray) -> Number:
        """The mean of an array like them."""
        if values.shape[1] >= TRAJECTORIES:
            series, block = values.mean(axis=0), 1
        else:
            series = values.mean(axis=1)
            block = min(len(series), max(1, round(2 * self.correlation)))
        if len(series) < max(4, 2 * block):  # not two independent pieces
            return Number(float(np.mean(values)), float("nan"))
        rate = block_bootstrap(
            jnp.asarray(series), jax.random.key(0), block=min(block, len(series) // 4)
        )
        return Number(float(np.mean(values)), float(rate.standard_error))

    def ratio(self, above: np.ndarray, below: np.ndarray) -> Number:
        """The ratio of two means, with the error of its linear part."""
        bottom = float(np.mean(below))
        if bottom == 0:
            return Number(float("nan"), float("nan"))
        value = float(np.mean(above)) / bottom
        return Number(value, self.number((above - value * below) / bottom).standard_error)


class Verdict(NamedTuple):
    """What is printed and stored of a score: numbers by name, and a sentence that claims no more
    than they do.
    """

    numbers: dict[str, Number]
    sentence: str
    state: str


def verdict(
    table: Table, everything: Table, held_out: str, singular: bool, parity: dict[str, int]
) -> Verdict:
    """The verdict from the sums of samples kept from training, and from those of the whole run.

    `everything` has `exact` and `contraction` of samples of the whole run; `held_out` says what was
    kept from training.
    """
    numbers = {
        "error": table.mean("error"),
        "error_reference": table.mean("error_reference"),
        "r_squared": _complement(table.ratio(table["error"], table["error_reference"])),
        "total": table.mean("total"),
        "exact": table.mean("exact"),
        "exact_whole_run": everything.mean("exact"),
        "medium": table.mean("medium"),
        "system": table.mean("system"),
        "learned_minus_exact": table.number(table["total"] - table["exact"]),
        "learned_plus_error_minus_exact": table.number(
            table["total"] + table["error"] - table["exact"]
        ),
    }
    noisy = [name.removeprefix("total_") for name in table.numbers if name.startswith("total_")]
    for name in noisy:
        numbers[f"total_{name}"] = table.mean(f"total_{name}")
        numbers[f"velocity_score_{name}"] = table.mean(f"velocity_score_{name}")
        square, slope = table[f"square_{name}"], table[f"slope_{name}"]
        numbers[f"identity_{name}"] = table.ratio(square + slope, square)
    for name in parity:
        numbers[f"divergence_{name}"] = table.mean(f"divergence_{name}")
    if not singular:
        numbers["velocity_score"] = table.number(
            added_up([table[f"velocity_score_{name}"] for name in noisy])
        )
    else:
        for name in noisy:
            numbers[f"ratio_square_{name}"] = table.ratio(table[f"total_{name}"], table["exact"])
            numbers[f"ratio_divergence_{name}"] = table.ratio(
                table[f"divergence_{name}"], table["exact"]
            )
    return Verdict(numbers, *_words(numbers, held_out, singular, parity))


def added_up(arrays: list[np.ndarray]) -> np.ndarray:
    """Their sum."""
    return np.sum(np.stack(arrays), axis=0)


def _complement(number: Number) -> Number:
    return Number(1 - number.value, number.standard_error)


def _words(
    numbers: dict[str, Number], held_out: str, singular: bool, parity: dict[str, int]
) -> tuple[str, str]:
    r_squared, total, exact = numbers["r_squared"], numbers["total"], numbers["exact_whole_run"]
    reference = numbers["error_reference"]
    totals = (
        f"The total is {exact} by the drift, which needs no learning: use that one. The learned "
        f"total is {total}, with "
        f"an error of {numbers['error']} in the score"
    )
    of = (
        "the part of the score that the reference leaves open"
        if reference.value > 0
        else "the score"
    )
    if not np.isfinite(numbers["error"].value):
        state, maps = (
            "bad",
            f"On {held_out} the score is not finite: it has diverged, or its network ran out of "
            "slots.",
        )
    elif reference.value <= 2 * np.nan_to_num(reference.standard_error):
        state, maps = (
            "fair",
            "There is nothing to learn beyond the reference: its error is not different from 0.",
        )
        if numbers["error"].value - 2 * np.nan_to_num(numbers["error"].standard_error) > max(
            reference.value, 0.0
        ):
            state, maps = "bad", f"{maps} That of the learned score is: do not use it."
    elif not np.isfinite(r_squared.standard_error):
        state = "fair" if r_squared.value >= FAIR else "bad"
        maps = (
            f"On {held_out} R^2 is {r_squared}; how well that is known cannot be told from so few."
        )
    elif r_squared.value - 3 * r_squared.standard_error > 1:
        state = "bad"
        maps = (
            f"On {held_out} R^2 is {r_squared}, which no score can have: the network jumps "
            "somewhere, as where "
            "neighbours come and go, or the samples are not of the stationary state: do not use "
            "its maps."
        )
    else:
        surely = r_squared.value - 2 * r_squared.standard_error
        state = "good" if surely >= GOOD else "fair" if surely >= FAIR else "bad"
        share = (
            f"explains {Number(100 * r_squared.value, 100 * r_squared.standard_error)} % of {of}"
        )
        if r_squared.value >= 1:
            share = f"has R^2 = {r_squared}, which cannot be told from perfect"
        maps = f"On {held_out} the score {share}: {USES[state]}."
    taken = ""
    if singular:
        taken = (
            " Some variables have no noise, and with theirs the total would be infinite: these are "
            "rates of the noisy "
            f"ones, with {conventions(parity)} under time reversal."
        )
    return f"{maps} {totals}.{taken}", state


def conventions(parity: dict[str, int]) -> str:
    """The parities in words."""
    return ", ".join(f"{name} {'even' if sign > 0 else 'odd'}" for name, sign in parity.items())


def label(name: str) -> str:
    """A number of the verdict in words."""
    if name in ROWS:
        return ROWS[name]
    prefix = next(prefix for prefix in PREFIXES if name.startswith(prefix))
    return PREFIXES[prefix].format(name.removeprefix(prefix))


def sums(found: Physics, learned: Learned) -> dict[str, Array]:
    """The scalars of one state whose means the verdict is made of.

    error and error_reference: sum_noisy D (s^2 + 2 ds/dx) - sum_all db/dx of the whole score and of
    its known part, with the means E[ds . D ds]; exact: the total rate by the drift alone; total,
    medium, system, and total_X, divergence_X, velocity_score_X, square_X, slope_X of every variable
    X.
    """
    flow = current(found, learned)
    score, slope = learned.score, learned.slope
    everything = added(jnp.sum(value) for value in found.divergence.values())
    error, reference = -everything, -everything
    scalars: dict[str, Array] = {}
    for name in score:
        d = found.diffusion[name]
        known = learned.known[name]
        error = error + jnp.sum(d * (score[name] ** 2 + 2 * slope[name]))
        reference = reference + jnp.sum(d * (known**2 + 2 * learned.known_slope[name]))
        scalars[f"total_{name}"] = jnp.sum(flow.total[name])
        scalars[f"velocity_score_{name}"] = jnp.sum(flow.velocity[name] * score[name])
        scalars[f"square_{name}"] = jnp.sum(score[name] ** 2)
        scalars[f"slope_{name}"] = jnp.sum(slope[name])
    for name, value in flow.divergence.items():
        scalars[f"divergence_{name}"] = jnp.sum(value)
    total = added(scalars[f"total_{name}"] for name in score)
    system = added(scalars[f"divergence_{name}"] for name in flow.divergence)
    scalars |= {"total": total, "system": system, "medium": total - system}
    scalars["exact"] = stationary_rate(found)
    return scalars | {"error": error, "error_reference": reference, "drift_divergence": everything}
