"""The quality of a learned score without the true one, and its entropy production compared with the
exact one.

At stationarity E[v* . s*] = 0 for the true score s* and v* = b - D s*, so E[s* . D s*] = E[b . s*]
= -E[div b]. Hence for any s, the sum over the variables with noise but div b over all of them,

    E[(s - s*) . D (s - s*)] = E[s . D s + 2 div(D s)] - E[div b],

an absolute error that needs no s*. The same of the known part alone (of s = 0, where there is none)
is what there was to learn, and R^2 = 1 - error/error_reference.
"""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from physent.entropy import block_bootstrap
from physent.learning.currents import Physics, current, stationary_rate, summed
from physent.learning.derivatives import Learned
from physent.protocol.moved import warn

_bootstrap = eqx.filter_jit(block_bootstrap)  # traced, it leaves few samples for the survey to say
TRAJECTORIES = 16  # enough of them to be drawn again whole
GOOD, FAIR = 0.9, 0.5  # of R^2 less two standard errors
USES = {
    "good": "maps and currents are reliable",
    "fair": "maps show only coarse features",
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


PURE = {"r_squared", "identity_", "ratio_square_", "ratio_divergence_"}
RATES = (ROWS.keys() | PREFIXES.keys()) - PURE  # in units of 1/time


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
    """The `sums` of samples, (rows, trajectories) each, and their means with correlation-aware
    errors.

    From 16 trajectories on these are drawn again, whole; of fewer the rows are, in blocks whose
    length follows from the correlation of each sum.
    """

    def __init__(self, numbers: dict[str, Any], correlation: float = 1.0):
        self.numbers = numbers
        self.correlation = correlation

    def __getitem__(self, name: str) -> Any:
        return self.numbers[name]

    def mean(self, name: str) -> Number:
        """The mean of one of them."""
        return self.number(self.numbers[name])

    def number(self, values: np.ndarray) -> Number:
        """The mean of an array like them."""
        whole = values.shape[1] >= TRAJECTORIES
        series = values.mean(axis=0 if whole else 1)
        if len(series) < max(4, 0 if whole else 4 * round(self.correlation)):
            return Number(float(np.mean(values)), float("nan"))  # not two independent pieces
        rate = _bootstrap(jnp.asarray(series), jax.random.key(0), 1 if whole else None)
        return Number(float(np.mean(values)), float(rate.standard_error))

    def ratio(self, above: np.ndarray, below: np.ndarray) -> Number:
        """The ratio of two means, with the error of its linear part."""
        bottom = float(np.mean(below))
        if bottom == 0:
            return Number(float("nan"), float("nan"))
        value = float(np.mean(above)) / bottom
        return Number(value, self.number((above - value * below) / bottom).standard_error)

    def r_squared(self) -> Number:
        """R^2 = 1 - error/error of the reference."""
        share = self.ratio(self["error"], self["error_reference"])
        return Number(1 - share.value, share.standard_error)


class Entry(NamedTuple):
    """A number of the verdict, its label and its units."""

    number: Number
    label: str
    units: str


class Verdict(NamedTuple):
    """The printed and stored verdict of a score: entries by name, and a sentence that summarises
    them.
    """

    entries: dict[str, Entry]
    sentence: str
    state: str

    @property
    def numbers(self) -> dict[str, Number]:
        """The numbers by name."""
        return {name: entry.number for name, entry in self.entries.items()}


def verdict(
    table: Table, exact: Number, held_out: str, singular: bool, parity: dict[str, int]
) -> Verdict:
    """The verdict from the sums of held-out samples, and the mean of the `exact` rate over the
    whole run; `held_out` describes the held-out samples.
    """
    numbers = {
        "error": table.mean("error"),
        "error_reference": table.mean("error_reference"),
        "r_squared": table.r_squared(),
        "total": table.mean("total"),
        "exact": table.mean("exact"),
        "exact_whole_run": exact,
        "medium": table.mean("medium"),
        "system": table.mean("system"),
        "learned_minus_exact": table.number(table["total"] - table["exact"]),
        "learned_plus_error_minus_exact": table.number(
            table["total"] + table["error"] - table["exact"]
        ),
    }
    entries = _entries(numbers)
    for name, total in table["totals"].items():
        square, velocity_score = table["squares"][name], table["velocity_scores"][name]
        entries |= _entries(
            {
                "total_": table.number(total),
                "velocity_score_": table.number(velocity_score),
                "identity_": table.ratio(square + table["slopes"][name], square),
            },
            name,
        )
    for name in parity:
        entries |= _entries({"divergence_": table.number(table["divergences"][name])}, name)
    if not singular:
        velocity_score = np.sum(list(table["velocity_scores"].values()), axis=0)
        entries |= _entries({"velocity_score": table.number(velocity_score)})
    for name, total in table["totals"].items() if singular else ():
        entries |= _entries(
            {
                "ratio_square_": table.ratio(total, table["exact"]),
                "ratio_divergence_": table.ratio(table["divergences"][name], table["exact"]),
            },
            name,
        )
    return Verdict(entries, *_words(numbers, held_out, singular, parity))


def _entries(numbers: dict[str, Number], variable: str = "") -> dict[str, Entry]:
    """Entries by name, or the entries of one variable by the prefixes of its names."""
    words = PREFIXES if variable else ROWS
    return {
        f"{key}{variable}": Entry(
            number, words[key].format(variable), "1/time" if key in RATES else "1"
        )
        for key, number in numbers.items()
    }


def label(name: str) -> str:
    """The label of a name in `score.nc`; the `entries` of a verdict carry their own labels."""
    words = ROWS | PREFIXES
    key = max((key for key in words if name.startswith(key)), key=len)
    return words[key].format(name.removeprefix(key))


def _words(
    numbers: dict[str, Number], held_out: str, singular: bool, parity: dict[str, int]
) -> tuple[str, str]:
    """The sentence and the state."""
    words, state = _of_maps(numbers, held_out)
    words += (
        f" The total is {numbers['exact_whole_run']} by the drift, which needs no learning: use "
        f"that one. The learned total is {numbers['total']}, with an error of {numbers['error']} "
        "in the score."
    )
    if singular:
        words += (
            " Some variables have no noise, and including them the total would be infinite: "
            f"these are rates of the noisy ones, with {conventions(parity)} under time reversal."
        )
    return words, state


def _of_maps(numbers: dict[str, Number], held_out: str) -> tuple[str, str]:
    """The usability of the maps, in words, and the state."""
    (error, spread), reference = numbers["error"], numbers["error_reference"]
    (value, deviation), given = numbers["r_squared"], f"R^2 is {numbers['r_squared']}"
    if not np.isfinite(error):
        words = "is not finite: it has diverged, or its network ran out of slots."
        return f"On {held_out} the score {words}", "bad"
    if reference.value <= 2 * np.nan_to_num(reference.standard_error):
        words = "There is nothing to learn beyond the reference: its error does not differ from 0."
        if error - 2 * np.nan_to_num(spread) > max(reference.value, 0.0):
            return f"{words} The error of the learned score does: do not use it.", "bad"
        return words, "fair"
    if not np.isfinite(deviation):
        words = f"On {held_out} {given}; there are too few samples to estimate the error of that."
        return words, "fair" if value >= FAIR else "bad"
    if value - 3 * deviation > 1:
        return (
            f"On {held_out} {given}, which is impossible: the network is discontinuous "
            "somewhere, as where neighbours enter or leave, or the samples are not from the "
            "stationary state: do not use its maps."
        ), "bad"
    surely = value - 2 * deviation
    state = "good" if surely >= GOOD else "fair" if surely >= FAIR else "bad"
    share = (
        f"explains {Number(100 * value, 100 * deviation)} % of the part of the score that the "
        "reference leaves unexplained"
    )
    if value >= 1:
        share = f"has R^2 = {numbers['r_squared']}, which is indistinguishable from perfect"
    return f"On {held_out} the score {share}: {USES[state]}.", state


def conventions(parity: dict[str, int]) -> str:
    """Describe the parities in words."""
    return ", ".join(f"{name} {'even' if sign > 0 else 'odd'}" for name, sign in parity.items())


def sums(found: Physics, learned: Learned) -> dict[str, Any]:
    """The scalars of one state whose means make up the verdict.

    error and error_reference: sum_noisy D (s^2 + 2 ds/dx) - sum_all db/dx of the whole score and of
    its known part, with the means E[ds . D ds]; exact: the total rate by the drift alone;
    drift_divergence, total, medium and system; and by variable totals, divergences,
    velocity_scores, squares and slopes.
    """
    flow, score, slope = current(found, learned), learned.score, learned.slope
    everything = summed(found.divergence)
    error, reference = -everything, -everything
    for name in score:
        d = found.diffusion[name]
        error = error + jnp.sum(d * (score[name] ** 2 + 2 * slope[name]))
        reference = reference + jnp.sum(
            d * (learned.known[name] ** 2 + 2 * learned.known_slope[name])
        )
    total, system = summed(flow.total), summed(flow.divergence)
    return {
        "error": error,
        "error_reference": reference,
        "drift_divergence": everything,
        "exact": stationary_rate(found),
        "total": total,
        "medium": total - system,
        "system": system,
        "totals": {name: jnp.sum(flow.total[name]) for name in score},
        "divergences": {name: jnp.sum(value) for name, value in flow.divergence.items()},
        "velocity_scores": {name: jnp.sum(flow.velocity[name] * score[name]) for name in score},
        "squares": {name: jnp.sum(score[name] ** 2) for name in score},
        "slopes": {name: jnp.sum(slope[name]) for name in score},
    }
