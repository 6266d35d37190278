"""Which estimate to trust, in one sentence."""

from collections.abc import Mapping

import numpy as np

from physent.production.estimator import Estimate
from physent.production.findings import Findings
from physent.production.trajectories import INERTIA, Trajectories

COARSE = 0.15  # of the variance, half of a mean square step: an interval that is not short
FEW = 50  # independent samples


def recommended(
    data: Trajectories, found: Findings, rows: Mapping[str, Estimate], bounds: Mapping[str, bool]
) -> tuple[str, str]:
    """The label to trust, and the sentence that says why.

    Bounds are taken where no value can be trusted: of those the highest one that is above 0 by
    twice its error, else the first.
    """
    reasons, values = _values(data, found)
    for label in values:
        if label in rows:
            return label, _sentence(label, rows[label], False, reasons, data, found, rows)
    if values:
        reasons = [*reasons, f"{values[0]} finds no process of its kind (or was not asked for)"]
    below = {label: rows[label] for label in rows if bounds[label]}
    if not below:
        label = next(iter(rows))
        words = [*reasons, "none of these is made for such data, so do not trust it alone"]
        return label, _sentence(label, rows[label], False, words, data, found, rows)
    clear = {label: each for label, each in below.items() if each.low > 0} or below
    label = max(clear, key=lambda each: clear[each].low)
    return label, _sentence(label, rows[label], True, reasons, data, found, rows)


def _values(data: Trajectories, found: Findings) -> tuple[list[str], tuple[str, ...]]:
    """What of the data decides, and the estimators whose value may be taken, the best first."""
    if found.drifts:
        return [f"the data are not stationary: {found.drifts}"], ()
    if data.discrete:
        if found.hidden:
            return ["the states before the last one matter, so something is hidden"], ()
        what = ["a state tells all that the ones before it could"]
        return what, ("markov_rates", "markov_chain")
    if (data.parity == -1).any():
        return ["velocities are among the components"], ("linear",)
    if found.inertial:
        return [INERTIA], ()
    if found.hidden:
        return ["rows before the last one matter, so something is hidden"], ()
    if found.depends:
        return [f"the diffusion changes with the state, by about {found.depends:.0%}"], ()
    noisy = found.noisy
    what = ["there is measurement noise"] if noisy else []
    if found.blurred:
        what.append("each row looks like a mean over an exposure")
    if found.nonlinear:
        where = "the components lie on a ring" if data.periodic else "mean steps are nonlinear"
        return [*what, where], ("forces_noisy",) if noisy or found.blurred else ("forces",)
    linear = ("linear_noisy", "forces_noisy") if noisy or found.blurred else ("linear", "forces")
    untested = data.components > 24
    what.append(
        "nothing speaks against a linear process"
        if not untested
        else "the process is taken to be linear, which is not tested in so many components"
    )
    return what, linear


def _sentence(
    label: str,
    row: Estimate,
    bound: bool,
    reasons: list[str],
    data: Trajectories,
    found: Findings,
    rows: Mapping[str, Estimate],
) -> str:
    unit = "a step" if data.discrete and data.dt == 1 else "per unit of time"
    number = f"{row.rate:.5g} +- {row.standard_error:.2g} nats {unit}"
    span = f"95 %: {row.low:.4g} to {row.high:.4g}"
    what = f"Trust {label} as a lower bound" if bound else f"Trust {label}"
    words = f"{what}, {number} ({span}), for {' and '.join(reasons)}"
    beside = []
    if row.low <= 0:
        beside.append("it is no different from 0")
    if not bound and found.nonlinear and not data.discrete and _coarse(data, found):
        beside.append("the interval is not short beside the relaxation, which it is not free of")
    if label == "markov_chain" and any(np.any(s[1:] == s[:-1]) for s in data.states):
        beside.append("of samples of a process in continuous time it is a lower bound only")
    if found.noisy and any(each in rows for each in ("linear", "forces", "uncertainty")):
        beside.append("linear, forces and uncertainty do not correct for the noise and are too low")
    if found.independent < FEW:
        beside.append(f"there are only about {found.independent:.0f} independent samples")
    return words + (f"; {'; '.join(beside)}." if beside else ".")


def _coarse(data: Trajectories, found: Findings) -> bool:
    """Whether a component relaxes within an interval or so."""
    _, variance = data.moments()
    for i in range(data.components):
        scale = (data.period[i] / 6) ** 2
        if data.period[i] == float("inf"):
            scale = variance[i]
        if found.diffusion[i, i] * data.dt > COARSE * scale:
            return True
    return False
