"""Checks of whether a run can be trusted, each a sentence with a number."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xarray as xr

from physent.data.invariants import DRIFT as DRIFT, drifts, graded, trend as trend
from physent.errors import FolderError, shortened
from physent.experiment.recorded import experiment_of
from physent.io.folder import CHECKPOINT, EXPERIMENT, is_running, read_header
from physent.report.pictures import ENTROPIES, order_of
from physent.report.sorts import frames, power_spectrum, sorts_of

State = Literal["good", "fair", "bad", "note"]
WORSE: tuple[State, ...] = ("note", "good", "fair", "bad")
GO_ON = "physent resume continues from there"
# how a run ended, by its status; "killed" and "going on" are both "running" in the file
ENDS: dict[str, tuple[State, str]] = {
    "done": ("good", "yes, at {place}, {rows} rows"),
    "ended": ("good", "yes, ended by run.until at {place}, {rows} rows: {held}"),
    "failed": ("bad", "no, it failed at {place}: {reason}"),
    "interrupted": ("fair", f"no, it was interrupted at {{place}}; {GO_ON}"),
    "killed": ("fair", f"no, it was killed after {{place}}; {GO_ON}"),
    "going on": ("note", "not yet: it is still running, saved up to {place}"),
    "unknown": ("note", "not recorded in the file; its last row is at {place}"),
}
TAIL = (1e-5, 1e-2)  # of the amplitude: resolved below the first, not resolved above the second
RESOLVED = {"good": "resolved", "fair": "marginal", "bad": "not resolved"}


@dataclass(frozen=True)
class Check:
    """One question about a run, with its answer."""

    name: str
    state: State
    sentence: str


def checks(dataset: xr.Dataset, folder: Path | None = None) -> list[Check]:
    """All checks of a run, in the order shown."""
    running = folder is not None and is_running(folder)
    return [
        finished(dataset, running),
        finite(dataset),
        *invariants(dataset),
        *resolution(dataset),
        *(growth(folder) if folder is not None else ()),
    ]


def overall(found: list[Check]) -> State:
    """The worst state among the checks."""
    return WORSE[max((WORSE.index(check.state) for check in found), default=0)]


def finished(dataset: xr.Dataset, running: bool = False) -> Check:
    """Whether the run reached its `t_end`; `running` means that a process is writing it now."""
    status = str(dataset.attrs.get("status", "unknown"))
    if status == "running":
        status = "going on" if running else "killed"
    rows = dataset.sizes.get("t", 0)
    t_end = experiment_of(dataset.attrs).get("run", {}).get("t_end")
    place = f"t = {float(dataset['t'][-1]) if rows else 0.0:.6g}"
    place += f" of {t_end:.6g}" if isinstance(t_end, int | float) else ""
    held = str(dataset.attrs.get("until", ""))
    status = "ended" if status == "done" and held else status
    reason = shortened(str(dataset.attrs.get("message", "")), 1000) or "no reason was recorded"
    state, words = ENDS.get(status, ENDS["unknown"])
    return Check("finished", state, words.format(place=place, rows=rows, reason=reason, held=held))


def finite(dataset: xr.Dataset) -> Check:
    """Whether every series, and the last row of every field, is finite."""
    found = set(filter(None, str(dataset.attrs.get("not_finite", "")).split(", ")))
    for name, what in sorts_of(dataset).items():
        array, whole = dataset[name], what.kind == "series"
        if array.dtype.kind in "fc" and "nan" not in array.attrs:
            good = np.isfinite((array if whole else array.isel({what.time: -1})).values)
            if whole and good.any():  # what is missing at first was waiting for its window
                good = good[int(np.argmax(good.reshape(len(good), -1).all(axis=1))) :]
            if not good.all():
                found.add(name)
    if not found:
        return Check("finite", "good", "every series at every row, every field at its last")
    return Check("finite", "fair", f"non-finite values in {', '.join(sorted(found))}")


def invariants(dataset: xr.Dataset) -> Iterator[Check]:
    """The drift of each invariant, held against what the method gives."""
    for drift in drifts(dataset):
        yield Check(drift.name, drift.state, drift.sentence)


def resolution(dataset: xr.Dataset) -> Iterator[Check]:
    """Decay of the first field's amplitude at the end of its spectrum, in the last row."""
    sorts = sorts_of(dataset)
    for name in order_of(dataset, sorts):
        found, array = sorts[name], dataset[name]
        last = frames(array, found, [-1])
        # averages over boxes and places of particles have no spectrum that a grid resolves
        unfit = found.kind in ("spectrum", "line") or found.role in ("phase", *ENTROPIES)
        if unfit or not np.all(np.isfinite(last.values)):
            continue
        tails = {}
        for axis, dim in enumerate(found.dims):
            if dim in array.coords and array.sizes[dim] >= 16:
                _, power = power_spectrum(last, last.values[0], dim, axis)
                power = _taking_part(power, last.values.dtype)
                tail = np.mean(np.sort(power[-max(2, len(power) // 10) :])[-3:])
                tails[dim] = float(np.sqrt(tail))
        if tails:
            worst = max(tails, key=lambda dim: tails[dim])
            state = graded(tails[worst], TAIL)
            yield Check(
                "resolution",
                state,
                f"{RESOLVED[state]}: the amplitude of {name} falls to {tails[worst]:.1e} at the "
                f"end of its spectrum along {worst}",
            )
            return


def _taking_part(power: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """The powers without those at the end that dealiasing has set to 0, which say nothing: an end
    of rounding errors, at most .6 of all. A field of few waves is left as it is.
    """
    there = np.flatnonzero(power > (5 * np.finfo(dtype).eps) ** 2)
    count = 1 + int(there[-1]) if there.size else 0
    return power[:count] if count >= 0.4 * len(power) else power


def growth(folder: Path) -> Iterator[Check]:
    """Whether buffers (neighbour lists and the like) had to grow, from the checkpoint."""
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
        yield Check(
            "buffers",
            "note",
            f"grown during the run ({', '.join(changed) or 'larger'}); each chunk was repeated",
        )


def experiment_solver(folder: Path) -> dict[str, Any]:
    """The solver table of a folder's experiment; empty if it cannot be read."""
    with contextlib.suppress(OSError, ValueError):
        text = (folder / EXPERIMENT).read_text(encoding="utf-8")
        return experiment_of({"experiment": text}).get("solver", {})
    return {}
