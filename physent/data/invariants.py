"""How well a run kept its invariants: the drift of each, held against what its method gives.

One rule for everybody who says it: the end of a run, its file, the report and the comparison.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import xarray as xr

from physent.experiment.recorded import experiment_of, is_range

DRIFT = (1e-6, 1e-3)  # relative, where there is a trend: good up to the first, bad beyond the last
State = Literal["good", "fair", "bad"]
STATES: tuple[State, ...] = ("good", "fair", "bad")
BOUNDED = (1e-3, 1e-1)  # the same for round-off, and for what oscillates and does not grow
SMALL = 1e-3  # of its scale: below, an initial value says nothing of how large a drift is


@dataclass(frozen=True)
class Drift:
    """How far one invariant went: `worst` is the largest relative drift of all members."""

    name: str
    state: State
    worst: float
    sentence: str


def drifts(dataset: xr.Dataset) -> list[Drift]:
    """The drift of each invariant: round-off, a bounded oscillation, or a trend.

    It is held against what the method gives, where the solver says so (`Solver.kept`): round-off
    alone, or an error that oscillates and does not grow. Elsewhere growth is judged by its size.
    """
    solver = experiment_of(dataset.attrs).get("solver", {})
    t, steps = _times(dataset, solver)
    named = isinstance(solver.get("method"), str)
    dt = solver.get("dt")
    step = f", dt = {dt:.4g}" if isinstance(dt, int | float) else ""
    method = f" ({solver['method']}{step})" if named else ""
    found, sizes = [], scales(dataset)
    for name, scale in sizes.items():
        array = dataset[name]
        values = np.asarray(array.transpose(array.dims[0], ...).values, dtype=float)
        series = values.reshape(len(values), -1)
        limit = round_off(steps, _epsilon(dataset, array))
        first, natural = np.abs(series[:1]), np.ravel(array.attrs.get("scale", 0.0))
        drift = series - series[:1]
        # what rounding moves is a share of the parts that an invariant is the sum of
        rounded = bool(np.all(np.abs(drift) <= limit * np.fmax(first, natural)))
        drift /= np.ravel(scale)
        worst = float(np.max(np.abs(drift), initial=0.0))
        own = np.allclose(np.ravel(scale), first)
        of = "" if own else " of the largest invariant"
        if not own and "scale" in array.attrs:
            of = " of its scale"
        size, kept = f"drift {worst:.1e}{of}", str(array.attrs.get("kept", ""))
        state: State
        if not np.isfinite(worst):
            state, words = "bad", "not finite"
        elif worst == 0.0:
            state, words = "good", "no drift at all"
        elif rounded or worst <= limit:
            state, words = graded(worst, BOUNDED), f"{size}: round-off of {steps:.3g} steps"
        elif kept == "exactly":
            state = "fair" if worst <= 10 * limit else "bad"
            words = f"{size}, but the method should conserve it to round-off, {limit:.0e}{method}"
        else:
            ends, swings = trend(t, drift)
            steady = ends <= 0.25 * swings
            most = np.max(np.abs(drift), axis=0)
            each: list[State] = [
                graded(most[i], BOUNDED) if steady[i] else graded(ends[i], DRIFT)
                for i in range(len(most))
            ]
            worse = max(range(len(each)), key=lambda i: (STATES.index(each[i]), ends[i]))
            state, end, words = each[worse], ends[worse], f"largest {size}, "
            if steady[worse]:
                words += f"bounded, without a trend{method}"
            else:
                amiss = kept == "bounded" and state != "good"
                against = ", but the method should have none" if amiss else ""
                words += f"of which {end:.1e} is a trend{against}{method}"
        found.append(Drift(name.removeprefix("invariant_"), state, worst, words))
    return found


def said(found: Iterable[Drift]) -> str:
    """All drifts as a text, a line for each: `energy: good: drift 3.1e-15: round-off of ...`."""
    return "\n".join(f"{each.name}: {each.state}: {each.sentence}" for each in found)


def not_kept(found: Iterable[Drift]) -> str:
    """A sentence on the invariants that drift too far; empty if there are none."""
    words = "; ".join(f"{each.name}: {each.sentence}" for each in found if each.state == "bad")
    return f"not conserved as it should be: {words}" if words else ""


def tolerance(dataset: xr.Dataset) -> float:
    """The relative drift that rounding alone may cause in a run."""
    solver = experiment_of(dataset.attrs).get("solver", {})
    found = [
        array for array in dataset.data_vars.values() if array.attrs.get("role") == "invariant"
    ]
    epsilons = [_epsilon(dataset, array) for array in found] or [0.0]
    return round_off(_times(dataset, solver)[1], max(epsilons))


def round_off(steps: float, epsilon: float) -> float:
    """The relative drift up to which it counts as rounding: epsilon (100 + 30 steps).

    Rounding of a step is not random: the same factors of the same transforms, of modulus 1 to half
    an epsilon, multiply at every step, so that a drift grows with their number and not with its
    root. Measured for the mass of a soliton, in epsilons a step: 0.6 (strang, 512 points), 1.7
    (blanes_moan_4), 6 (blanes_moan_6), 16 with 4,096 points and 22 with 32,768; 2, 4, 9, 10 and 12
    in single precision. The first 100 are for sums over the grid.
    """
    return epsilon * (100 + 30 * steps)


def graded(value: float, limits: tuple[float, float]) -> State:
    """Good up to the first limit, fair up to the second, bad beyond."""
    return "good" if value <= limits[0] else "fair" if value <= limits[1] else "bad"


def trend(t: np.ndarray, drift: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rise of a straight line through the drift (rows, members) of each member, but no more
    than the drift reached, and the largest residual.
    """
    if len(t) < 4:
        return np.max(np.abs(drift), axis=0), np.zeros(drift.shape[1])
    slope, offset = np.polyfit(t, drift, 1)
    residual = np.max(np.abs(drift - (t[:, None] * slope + offset)), axis=0)
    return np.minimum(np.abs(slope) * (t[-1] - t[0]), np.max(np.abs(drift), axis=0)), residual


def scales(dataset: xr.Dataset) -> dict[str, xr.DataArray]:
    """What the drift of each invariant is divided by, for each member: its initial value, or its
    natural scale where that is much larger.

    A momentum that is 0 but for noise says nothing of how large a drift is. The natural scale is
    recorded by the run (`physent.engine.scales`); in a file without it, it is the largest of the
    invariants.
    """
    first = {
        str(name): abs(array.isel({array.dims[0]: 0}).astype(float)).drop_vars("t", errors="ignore")
        for name, array in dataset.data_vars.items()
        if array.attrs.get("role") == "invariant" and array.size
    }
    finite = [value.where(np.isfinite(value), 0.0) for value in first.values()]
    largest = xr.concat(finite, "invariant").max("invariant") if finite else xr.DataArray(0.0)
    found = {}
    for name, value in first.items():
        natural = np.asarray(dataset[name].attrs.get("scale", 0.0), dtype=float)
        scale = largest if not np.any(natural > 0) else xr.zeros_like(value) + natural
        chosen = value.where(value > SMALL * scale, scale)
        found[name] = chosen.where(chosen > 0, 1.0)
    return found


def _times(dataset: xr.Dataset, solver: dict[str, Any]) -> tuple[np.ndarray, float]:
    """The times of the rows, and the number of steps up to the last."""
    t = np.asarray(dataset["t"].values, dtype=float) if "t" in dataset else np.zeros(1)
    t = t if t.size else np.zeros(1)
    dt = solver.get("dt")
    if isinstance(dt, dict) and is_range(dt):
        (dt,) = dt.values()
    listed = dt if isinstance(dt, list) else [dt]
    known = [float(value) for value in listed if isinstance(value, int | float)]
    shortest = min(known) if known and len(known) == len(listed) else 0.0
    return t, max(1.0, float(t[-1]) / shortest) if shortest > 0 else float(len(t))


def _epsilon(dataset: xr.Dataset, array: xr.DataArray) -> float:
    single = dataset.attrs.get("precision") == "float32" or array.dtype == np.float32
    return float(np.finfo("f4" if single else "f8").eps)
