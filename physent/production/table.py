"""Trajectories to a table of estimates."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, ArrayLike

from physent.errors import ParameterError, nearest
from physent.production.advice import recommended
from physent.production.chains import MarkovChain, MarkovRates, WaitingTimes, Words
from physent.production.estimator import Estimate, Estimator
from physent.production.findings import Findings, findings
from physent.production.forces import Forces, Uncertainty
from physent.production.grid import Grid, Neighbours
from physent.production.linear import Linear, LinearNoisy
from physent.production.symbols import Compression
from physent.production.trajectories import Trajectories, as_trajectories, positive
from physent.production.units import MaximumEntropy

ESTIMATORS: dict[str, Estimator] = {
    each.label: each
    for each in (
        Linear(),
        LinearNoisy(),
        Forces(),
        Forces(noisy=True),
        Uncertainty(),
        Grid(),
        Neighbours(),
        MarkovChain(),
        MarkovRates(),
        Words(),
        WaitingTimes(),
        Compression(),
        MaximumEntropy(),
    )
}


def estimate(
    x: ArrayLike | Sequence[ArrayLike],
    dt: float,
    *,
    period: ArrayLike | Sequence[float] | None = None,
    parity: ArrayLike | Sequence[float] | None = None,
    estimators: str | Sequence[str | Estimator] = "auto",
    seconds: float = 60.0,
    key: Array | int | None = None,
    tell: Callable[[str], None] | None = None,
) -> xr.Dataset:
    """The entropy production of trajectories, in nats per unit of time, by every estimator that
    applies.

    Args:
        x: trajectories of a stationary process: (trajectories, times, components), (times,
            components) or (times,), or a list of arrays of the last two. Whole numbers are states;
            rows that are not finite are gaps.
        dt: the time between rows; 1 for a chain whose steps have no duration.
        period: of each component, or one for all; inf where it lies on no ring.
        parity: 1 or -1 of each component under time reversal, -1 for velocities.
        estimators: "auto", or labels of `ESTIMATORS` and estimators of your own.
        seconds: on one core, by a table of costs; what would take longer is left out.
        key: of what is drawn; without one the same draws every time.
        tell: called with the label of each estimator before it begins.

    Returns a Dataset along `estimator` with `rate`, `standard_error`, `low` and `high` (an interval
    of 95 %), `is_bound` (whether it is below the truth by construction), `assumes` and `seconds`,
    and attributes `recommended` (the estimator to trust), `sentence` (why), `left_out` (those that
    do not apply, with reasons), and what was found of the data. An unbiased estimate of a rate near
    0 may be negative.

    Raises ParameterError for what cannot be taken, and where no estimator applies.
    """
    data = as_trajectories(x, dt, period, parity)
    left = positive(seconds, "seconds")
    chosen, found = _chosen(estimators), findings(data)
    rows: dict[str, Estimate] = {}
    cost: dict[str, float] = {}
    left_out: dict[str, str] = {}
    for label, each in chosen.items():
        if reason := each.refuses(data):
            left_out[label] = reason
            continue
        expected = each.seconds(data)
        if expected > left:
            left_out[label] = f"it would take {expected:.0f} s, of {left:.0f} s that are left"
            continue
        left -= expected
        if tell is not None:
            tell(label)
        begun = time.perf_counter()
        row = _tried(each, data, _draw(key, label))
        if isinstance(row, str):
            left_out[label] = row
            continue
        rows[label], cost[label] = row, time.perf_counter() - begun
    if not rows:
        said = "; ".join(f"{label}: {reason}" for label, reason in left_out.items())
        raise ParameterError("x", f"no estimator applies ({said})")
    return _dataset(data, found, {label: chosen[label] for label in rows}, rows, cost, left_out)


def _tried(each: Estimator, data: Trajectories, draw: np.random.Generator) -> Estimate | str:
    """The estimate, or why there is none."""
    try:
        with np.errstate(all="ignore"):
            row = each(data, draw)
    except np.linalg.LinAlgError:
        return "a matrix of the data cannot be inverted"
    if not np.isfinite(np.asarray(row, float)).all():
        return "it finds no process of its kind in the data (too few rows, or too coarse ones)"
    return row


def _chosen(estimators: str | Sequence[str | Estimator]) -> dict[str, Estimator]:
    every = all_estimators()
    if isinstance(estimators, str):
        if estimators == "auto":
            return every
        estimators = [estimators]
    found: dict[str, Estimator] = {}
    for each in estimators:
        if isinstance(each, str):
            if each not in every:
                raise ParameterError(
                    "estimators",
                    f"unknown {each!r}{nearest(each, every)} (allowed: auto, {', '.join(every)})",
                )
            each = every[each]
        elif not isinstance(each, Estimator):
            raise ParameterError(
                "estimators",
                f"given {type(each).__name__}, allowed: labels, and objects with label, assumes, "
                "is_bound, refuses(data), seconds(data) and __call__(data, draw)",
            )
        found[each.label] = each
    if not found:
        raise ParameterError("estimators", "given none, allowed: auto, or at least one")
    return found


def all_estimators() -> dict[str, Estimator]:
    """Every estimator of this package, by its label."""
    return dict(ESTIMATORS)


def _draw(key: Any, label: str) -> np.random.Generator:
    if key is None:
        words = [0]
    elif isinstance(key, int):
        words = [key]
    else:
        typed = jnp.issubdtype(key.dtype, jax.dtypes.prng_key)
        words = np.ravel(np.asarray(jax.random.key_data(key) if typed else key)).tolist()
    return np.random.default_rng([*words, *label.encode()])


def _dataset(
    data: Trajectories,
    found: Findings,
    estimators: dict[str, Estimator],
    rows: dict[str, Estimate],
    cost: dict[str, float],
    left_out: dict[str, str],
) -> xr.Dataset:
    bounds = {label: each.is_bound for label, each in estimators.items()}
    label, sentence = recommended(data, found, rows, bounds)
    table = np.asarray([rows[each] for each in rows], float)
    dims, unit = ("estimator",), {"units": "nats per unit of time"}
    columns: dict[str, Any] = {
        name: (dims, table[:, i], unit)
        for i, name in enumerate(("rate", "standard_error", "low", "high"))
    }
    attributes: dict[str, Any] = {
        "recommended": label,
        "sentence": sentence,
        "left_out": "; ".join(f"{each}: {reason}" for each, reason in left_out.items()),
        "notes": "; ".join(data.notes),
        "dt": data.dt,
        "rows": found.rows,
        "trajectories": found.parts,
        "duration": found.duration,
        "correlation_time": found.correlation_time,
        "independent_samples": found.independent,
        "not_stationary": found.drifts,
        "hidden": int(found.hidden),
    }
    if not data.discrete:
        attributes |= {
            "measurement_noise": found.noise,
            "correlation_of_steps": found.onward,
            "diffusion_changes": found.depends,
            "convention": "constant diffusion, where Ito and Stratonovich agree",
            "nonlinear": int(found.nonlinear),
            "inertial": int(found.inertial),
        }
        columns["diffusion"] = (
            ("component", "component_"),
            found.diffusion,
            {"units": "x^2 per unit of time"},
        )
    return xr.Dataset(
        columns
        | {
            "is_bound": (dims, np.asarray([bounds[each] for each in rows])),
            "seconds": (dims, np.asarray([cost[each] for each in rows]), {"units": "s"}),
            "assumes": (dims, np.asarray([estimators[each].assumes for each in rows], object)),
        },
        {"estimator": list(rows)},
        attributes,
    )
