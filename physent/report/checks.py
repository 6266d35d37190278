"""What a reader wants to know first: can this run be trusted? Each check is a sentence with a
number in it.
"""

import logging
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xarray as xr

from physent.errors import FolderError
from physent.experiment.recorded import experiment_of
from physent.io.folder import CHECKPOINT, is_running, read_header
from physent.report.pictures import order_of, scale_of_invariants
from physent.report.sorts import one_member, power_spectrum, sort, sorts_of

State = Literal["good", "fair", "bad", "note"]
TAIL = (1e-5, 1e-2)  # of the amplitude: resolved below the first, not resolved above the second
DRIFT = (1e-6, 1e-3)  # relative, where there is a trend


@dataclass(frozen=True)
class Check:
    """One thing that was looked at, with a sentence."""

    name: str
    state: State
    sentence: str


def checks(dataset: xr.Dataset, folder: Path | None = None) -> list[Check]:
    """Every check of a run, in the order of a reader's questions."""
    running = folder is not None and is_running(folder)
    found = [
        finished(dataset, running),
        finite(dataset),
        *invariants(dataset),
        *resolution(dataset),
    ]
    if folder is not None:
        found += growth(folder)
    return found


def overall(found: list[Check]) -> State:
    """The worst state among the checks."""
    order: list[State] = ["bad", "fair", "good"]
    states = {check.state for check in found}
    for state in order:
        if state in states:
            return state
    return "note"


def finished(dataset: xr.Dataset, running: bool = False) -> Check:
    """Whether the run came to the end that its experiment names; `running` says that a process
    writes it now.
    """
    experiment = experiment_of(dataset.attrs)
    status = str(dataset.attrs.get("status", "unknown"))
    t = float(dataset["t"][-1]) if dataset.sizes.get("t") else 0.0
    t_end = experiment.get("run", {}).get("t_end")
    place = f"t = {t:.6g}" + (f" of {t_end:.6g}" if t_end is not None else "")
    message = str(dataset.attrs.get("message", ""))
    if status == "done":
        return Check("finished", "good", f"yes, at {place}, {dataset.sizes.get('t', 0)} rows")
    if status == "failed":
        return Check(
            "finished", "bad", f"no, it failed at {place}: {message or 'no reason was recorded'}"
        )
    if status == "interrupted":
        return Check(
            "finished",
            "fair",
            f"no, it was interrupted at {place}; physent resume goes on from there",
        )
    if status == "running" and running:
        return Check("finished", "note", f"not yet: it goes on, and {place} is saved")
    if status == "running":
        return Check(
            "finished",
            "fair",
            f"no, it was killed after {place}; physent resume goes on from there",
        )
    return Check("finished", "note", f"the file does not say; its last row is at {place}")


def finite(dataset: xr.Dataset) -> Check:
    """Values that are not numbers, in every series and in the last row of every field."""
    said = str(dataset.attrs.get("not_finite", ""))
    found = {name for name in said.split(", ") if name}
    for name in map(str, dataset.data_vars):
        array = dataset[name]
        kind = sort(array)
        if kind is not None and array.dtype.kind in "fc" and "nan" not in array.attrs:
            values = array.values if kind.kind == "series" else array.isel({kind.time: -1}).values
            good = np.isfinite(values)
            if (
                kind.kind == "series" and good.any()
            ):  # what is missing at first was waiting for its window
                good = good[int(np.argmax(good.reshape(len(good), -1).all(axis=1))) :]
            if not good.all():
                found.add(name)
    if not found:
        return Check("finite", "good", "every series at every row, every field at its last")
    return Check("finite", "fair", f"values that are not finite in {', '.join(sorted(found))}")


def invariants(dataset: xr.Dataset) -> Iterator[Check]:
    """The drift of what the system conserves, told apart into round-off, bounded oscillation and
    trend.

    It is held against what the method gives, where the solver says so (`Solver.kept`): round-off
    alone, or an error that oscillates and does not grow. Elsewhere growth is judged by its size.
    """
    scales = scale_of_invariants(dataset)
    experiment = experiment_of(dataset.attrs)
    solver, run = experiment.get("solver", {}), experiment.get("run", {})
    epsilon = float(
        np.finfo(np.float32 if dataset.attrs.get("precision") == "float32" else np.float64).eps
    )
    t = dataset["t"].values if "t" in dataset else np.zeros(1)
    dt = solver.get("dt", run.get("save_every", 1.0))
    steps = (
        max(1.0, float(t[-1]) / float(dt))
        if isinstance(dt, int | float) and dt > 0
        else float(len(t))
    )
    round_off = 100 * epsilon * np.sqrt(steps)
    method = (
        f" ({solver['method']}, dt = {dt:.4g})" if isinstance(solver.get("method"), str) else ""
    )
    for name, scale in scales.items():
        series = (
            np.asarray(dataset[name].transpose("t", ...).values, dtype=float).reshape(len(t), -1)
            / scale
        )
        drift = series - series[:1]
        label, worst = name.removeprefix("invariant_"), float(np.max(np.abs(drift), initial=0.0))
        relative = "" if np.isclose(np.max(np.abs(series[0])), 1.0) else " of the largest invariant"
        kept = dataset[name].attrs.get("kept", "")
        if not np.isfinite(worst):
            yield Check(label, "bad", "not finite")
        elif worst == 0.0:
            yield Check(label, "good", "not a bit of drift")
        elif worst <= round_off:
            yield Check(
                label, "good", f"drift {worst:.1e}{relative}: round-off of {steps:.3g} steps"
            )
        elif kept == "exactly":
            allowed = f"where the method should leave round-off, {round_off:.0e}{method}"
            yield Check(
                label,
                "fair" if worst <= 10 * round_off else "bad",
                f"drift {worst:.1e}{relative}, {allowed}",
            )
        else:
            end, swing = trend(t, drift)
            state: State = "good" if end <= DRIFT[0] else "fair" if end <= DRIFT[1] else "bad"
            if end <= 0.25 * swing:
                state = "good" if worst <= DRIFT[1] else "fair"
                yield Check(
                    label,
                    state,
                    f"largest drift {worst:.1e}{relative}, bounded, without a trend{method}",
                )
            else:
                against = (
                    ", where the method should leave none"
                    if kept == "bounded" and state != "good"
                    else ""
                )
                words = (
                    f"largest drift {worst:.1e}{relative}, of which {end:.1e} is a "
                    f"trend{against}{method}"
                )
                yield Check(label, state, words)


def trend(t: np.ndarray, drift: np.ndarray) -> tuple[float, float]:
    """How far a straight line through the worst member's drift goes from first to last, and the
    largest residual.
    """
    worst = drift[:, int(np.argmax(np.max(np.abs(drift), axis=0)))]
    if len(t) < 4:
        return float(np.max(np.abs(worst))), 0.0
    slope, offset = np.polyfit(t, worst, 1)
    residual = worst - (slope * t + offset)
    return float(abs(slope) * (t[-1] - t[0])), float(np.max(np.abs(residual)))


def resolution(dataset: xr.Dataset) -> Iterator[Check]:
    """How small the amplitude is at the end of the spectrum, for the field that tells most, at its
    last row.
    """
    sorts = sorts_of(dataset)
    for name in order_of(dataset, sorts):
        found, array = sorts[name], dataset[name]
        if found.kind not in ("profile", "map", "volume") or found.role == "phase":
            continue
        tails = {}
        last = one_member(array).isel({found.time: -1}).transpose(*found.dims)
        values = np.asarray(last.values)
        if not np.all(np.isfinite(values)):
            continue
        for axis, dim in enumerate(found.dims):
            if dim in array.coords and array.sizes[dim] >= 16:
                _, power = power_spectrum(last, values, dim, axis)
                tail = np.mean(np.sort(power[-max(2, len(power) // 10) :])[-3:])
                tails[dim] = float(np.sqrt(tail))
        if tails:
            worst = max(tails, key=lambda dim: tails[dim])
            state: State = (
                "good" if tails[worst] <= TAIL[0] else "fair" if tails[worst] <= TAIL[1] else "bad"
            )
            word = {"good": "resolved", "fair": "marginal", "bad": "not resolved"}[state]
            words = (
                f"{word}: the amplitude of {name} falls to {tails[worst]:.1e} at the end of its "
                f"spectrum along {worst}"
            )
            yield Check("resolution", state, words)
            return


def growth(folder: Path) -> Iterator[Check]:
    """Whether buffers (neighbour lists and the like) had to grow, as the checkpoint says."""
    if not (folder / CHECKPOINT).is_file():
        return
    try:
        header: dict[str, Any] = read_header(folder)
    except FolderError as error:
        yield Check("checkpoint", "fair", str(error))
        return
    if "grown" in header:
        before = experiment_solver(folder)
        changed = [
            f"{key} {before.get(key, '?')} -> {value}"
            for key, value in header["grown"].items()
            if key != "kind" and isinstance(value, int) and value != before.get(key)
        ]
        words = (
            f"grown while running ({', '.join(changed) or 'larger'}); each time the chunk was done "
            "again"
        )
        yield Check("buffers", "note", words)


def experiment_solver(folder: Path) -> dict[str, Any]:
    """The solver's table in a folder's experiment; empty where it cannot be read."""
    try:
        return tomllib.loads((folder / "experiment.toml").read_text(encoding="utf-8")).get(
            "solver", {}
        )
    except (OSError, ValueError) as error:
        logging.getLogger(__name__).debug("%s: %s", folder, error)
        return {}
