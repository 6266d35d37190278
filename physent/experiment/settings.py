"""The settings of an experiment's tables: [run], [output], [sweep] and [score]."""

from typing import Any, Literal

import jax
import numpy as np
from jaxtyping import Array

from physent.engine.cadence import times_at
from physent.engine.thinning import thinned
from physent.engine.until import Until
from physent.errors import ParameterError
from physent.learning.losses import LOSSES, Loss, Stratonovich
from physent.learning.model import Network
from physent.learning.networks import NETWORKS
from physent.protocol.parameters import (
    Declared,
    as_number,
    choice,
    one_of,
    param,
    static,
)

Mode = Literal["grid", "zip", "random"]


class RunSettings(Declared):
    """How long to run, how often to save, and in which precision."""

    t_end: float = static(doc="end time of the run, a multiple of save_every", gt=0, example=10.0)
    save_every: float | None = static(
        doc="time between saved rows of series and diagnostics", gt=0, example=0.1
    )
    save_at: tuple[float, ...] | dict | None = static(
        None,
        doc="times of rows and fields, instead of t_end and save_every: a list, or { logspace = "
        "[first, last, count] }, or linspace, at the nearest steps",
        example=[0.1, 1.0, 10.0],
    )
    until: dict | None = static(
        None,
        doc="end once a series is so in all members: { of = name, below = level }, above a "
        "level, or { of = name, steady = change, over = time }",
        example={"of": "invariant_mass", "below": 0.1},
    )
    snapshot_every: float | None = static(
        None,
        doc="time between saved fields, a multiple of save_every; default: save_every",
        gt=0,
        example=0.1,
    )
    seed: int = static(0, doc="seed of the random key", ge=0, le=2**63 - 1)
    precision: Literal["float64", "float32"] = static(
        "float64", doc="floating-point precision of the run"
    )
    members: int = static(1, doc="number of ensemble members, run together", ge=1)
    devices: Literal["all"] | int = static(
        1,
        doc="number of devices: members are distributed; a single member is split if its solver "
        "can",
        ge=1,
    )
    chunk: int | None = static(
        None,
        doc="maximum rows per chunk; default: about one second of computation, within 4 MiB",
        ge=1,
        example=64,
    )

    def __check_init__(self):
        if self.save_at is None:
            if self.save_every is None:
                raise ParameterError("save_every", "missing, and there is no save_at")
        else:
            last = float(times_at(self.save_at)[-1])
            if self.save_every is not None or self.snapshot_every is not None:
                key = "save_every" if self.save_every is not None else "snapshot_every"
                words = "given beside run.save_at, which lists all times; leave one out"
                raise ParameterError(key, words)
            if self.t_end != last:
                words = f"given {self.t_end!r}, but run.save_at ends at {last!r}, allowed: that"
                raise ParameterError("t_end", f"{words}, or none")
        Until.of_settings(self.until)


def completed(run: Any) -> Any:
    """The table [run] with what its `save_at` says of the other times."""
    if not isinstance(run, dict) or run.get("save_at") is None:
        return run
    given, at = {key: value for key, value in run.items() if value is not None}, run["save_at"]
    at = np.ravel(at).tolist() if isinstance(at, np.ndarray | jax.Array) else at
    try:
        last = float(times_at(at)[-1])
    except (ParameterError, ValueError, TypeError):  # which is said when the settings are made
        last = 1.0
    return {"t_end": last, "save_every": None} | given | {"save_at": at}


class OutputSettings(Declared):
    """What is written and where."""

    folder: str | None = static(
        None, doc="output folder; default: data/runs/<name>", example="data/runs/my_run"
    )
    variables: tuple[str, ...] | None = static(
        None, doc="observables to write; default: all of them", example=["density"]
    )
    fields: dict | None = static(
        None,
        doc="less to store of some fields, by name: each `every`-th snapshot, each `stride`-th "
        'point along the axes of a grid, `precision = "float32"`',
        example={"psi": {"every": 4, "stride": 2, "precision": "float32"}},
    )
    significant_digits: int | None = static(
        None,
        doc="round stored fields to this many digits; default: never round",
        ge=1,
        le=15,
        example=6,
    )
    compression: int = static(1, doc="zlib level", ge=0, le=9)

    def __check_init__(self):
        thinned(self.fields)


class SweepSettings(Declared):
    """The [sweep] table of an experiment, or the options of `physent sweep` that override it."""

    over: tuple[str, ...] = static(
        doc="one key=values for each key that varies", example=["solver.dt=0.01,0.02"]
    )
    mode: Mode = static("grid", doc="grid: all combinations; zip: side by side; random: drawn")
    samples: int = static(16, doc="number of random points", ge=1)
    seed: int = static(0, doc="seed of the random points", ge=0)


class ScoreSettings(Declared):
    """How `physent score` learns the score of a run; only for stochastic solvers."""

    network: Network = choice(converter=one_of(NETWORKS), default="mlp", doc="network to train")
    loss: Loss = choice(converter=one_of(LOSSES), default="implicit", doc="loss to minimise")
    reference: Literal["equilibrium", "drift", "none"] | None = static(
        None,
        doc="known score to which the network learns a correction; default: equilibrium, or "
        "drift for stratonovich",
        example="equilibrium",
    )
    after: Array = param(
        default=0.0,
        converter=as_number,
        ge=0,
        doc="snapshots before this time are not used",
        units="time",
    )
    member: int | None = static(
        None,
        doc="member to learn from, if members differ in a parameter",
        ge=0,
        example=0,
    )
    odd: tuple[str, ...] | None = static(
        None,
        doc="variables that are odd under time reversal; default: those of the solver",
        example=["propulsion"],
    )
    steps: int = static(4000, doc="training steps", ge=1)
    batch: int = static(
        256, doc="samples per step: snapshots, or walkers if they are independent", ge=1
    )
    learning_rate: Array = param(
        default=3e-3, converter=as_number, gt=0, doc="learning rate of Adam, with cosine decay to 0"
    )
    clip: Array = param(default=1.0, converter=as_number, gt=0, doc="maximum norm of the gradient")
    average: Array = param(
        default=0.03,
        converter=as_number,
        ge=0,
        lt=1,
        doc="horizon of the parameter average, as a fraction of the steps",
    )
    holdout: Array = param(
        default=0.2,
        converter=as_number,
        gt=0,
        lt=0.9,
        doc="fraction of the trajectories held out from training, half of it for the verdict",
    )
    checks: int = static(20, doc="number of error estimates during training", ge=1)
    patience: int | None = static(
        None,
        doc="stop after this many checks without a smaller error; default: never",
        ge=1,
        example=5,
    )
    validation: int = static(2048, doc="maximum samples per check", ge=2)
    test: int = static(20000, doc="maximum samples of the verdict", ge=2)
    probes: int = static(
        1,
        doc="random signs per sample in checks and verdict, if the divergence is not exact",
        ge=1,
    )
    drifting: Literal["refuse", "warn"] = static(
        "refuse", doc="what to do if the run is not stationary"
    )
    bins: int = static(32, doc="boxes per axis of the maps", ge=2)
    seed: int = static(0, doc="seed of training", ge=0, le=2**31 - 1)
    precision: Literal["float32", "float64"] = static(
        "float32", doc="floating-point precision of training"
    )
    buffer: float = static(256.0, doc="snapshots held in memory at once, in MB", gt=0)
    devices: int | None = static(
        None,
        doc="number of devices that share a batch; default: as many as divide it",
        ge=1,
        example=1,
    )

    def __check_init__(self):
        if isinstance(self.loss, Stratonovich) and self.reference not in (None, "drift"):
            words = (
                f"given {self.reference!r} with the stratonovich loss, which learns the current, "
                "allowed: 'drift'"
            )
            raise ParameterError("reference", words)

    def resolved_reference(self) -> Literal["equilibrium", "drift", "none"]:
        """The reference, the default written out."""
        if self.reference is not None:
            return self.reference
        return "drift" if isinstance(self.loss, Stratonovich) else "equilibrium"
