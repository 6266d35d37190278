"""The contents of `score.nc`: the verdict, the maps, and the training history."""

import json
from typing import Any

import numpy as np
import xarray as xr

from physent.io.layout import provenance
from physent.learning.training import TrainingProgress
from physent.score.survey import Survey
from physent.score.verdict import Verdict


def dataset_of(
    found: Verdict,
    drawn: xr.Dataset,
    history: list[TrainingProgress],
    header: dict[str, Any],
    survey: Survey,
    held_out: str,
) -> xr.Dataset:
    """The whole file, from the parts of it."""
    data: dict[str, Any] = {}
    for name, (number, label, units) in found.entries.items():
        described = {"units": units, "long_name": label, "role": "verdict"}
        data[name] = ((), number.value, described)
        described = {"units": units, "long_name": f"standard error of {label}"}
        data[f"{name}_error"] = ((), number.standard_error, described)
    attributes = provenance(0, header["precision"]) | {
        "title": "learned score",
        "sentence": found.sentence,
        "state": found.state,
        "kept": held_out,
        "independent_samples": survey.independent,
        "correlation_rows": survey.correlation,
        "parity": json.dumps(survey.parity),
        "network": json.dumps(header["network"]),
        "reference": header["reference"],
        "notes": "; ".join(survey.notes) or "none",
    }
    attributes.pop("seed")
    return xr.Dataset(data | _curve(history), attrs=attributes).merge(drawn)


def _curve(history: list[TrainingProgress]) -> dict[str, Any]:
    """The training history by step; empty if there was none."""
    words = {
        f"training_{name}": f"{name.replace('_', ' ')} during training"
        for name in ("loss", "error", "standard_error", "r_squared", "seconds")
    } | {"step": "training step"}
    return {
        name: (
            "step",
            np.asarray([getattr(entry, name.removeprefix("training_")) for entry in history]),
            {"long_name": long_name},
        )
        for name, long_name in words.items()
        if history
    }
