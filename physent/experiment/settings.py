"""What the tables of an experiment may say: [run], [output], [sweep] and [score]."""

from typing import Literal

from jaxtyping import Array

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
    """How long to run, how often to save, and with which numbers."""

    t_end: float = static(
        doc="time at which the run ends, a multiple of save_every", gt=0, example=10.0
    )
    save_every: float = static(
        doc="time between two saved rows of series and diagnostics", gt=0, example=0.1
    )
    snapshot_every: float | None = static(
        None,
        doc="time between two saved fields, a multiple of save_every; default: save_every",
        gt=0,
        example=0.1,
    )
    seed: int = static(0, doc="seed of the random key", ge=0, le=2**63 - 1)
    precision: Literal["float64", "float32"] = static(
        "float64", doc="floating point numbers of the run"
    )
    members: int = static(1, doc="independent members, run together along one dimension", ge=1)
    devices: Literal["all"] | int = static(
        1,
        doc="devices to run on: members are shared out, one member is cut where its solver can be",
        ge=1,
    )
    chunk: int | None = static(
        None,
        doc="rows in a chunk at most; default: about a second's worth, within 4 MiB",
        ge=1,
        example=64,
    )


class OutputSettings(Declared):
    """What is written and how."""

    folder: str | None = static(
        None, doc="output folder; default: data/runs/<name>", example="data/runs/my_run"
    )
    variables: tuple[str, ...] | None = static(
        None, doc="observables to write; default: all of them", example=["density"]
    )
    significant_digits: int | None = static(
        None,
        doc="round stored fields to this many digits; default: never round",
        ge=1,
        le=15,
        example=6,
    )
    compression: int = static(1, doc="zlib level", ge=0, le=9)


class SweepSettings(Declared):
    """The [sweep] table of an experiment, or what `physent sweep` says instead."""

    over: tuple[str, ...] = static(
        doc="key=values, one for each key that varies", example=["solver.dt=0.01,0.02"]
    )
    mode: Mode = static("grid", doc="every combination, values side by side, or drawn at random")
    samples: int = static(16, doc="number of random points", ge=1)
    seed: int = static(0, doc="seed of the random points", ge=0)


class ScoreSettings(Declared):
    """How the score of a run is learned, by `physent score`; only for a solver with noise."""

    network: Network = choice(converter=one_of(NETWORKS), default="mlp", doc="what is trained")
    loss: Loss = choice(
        converter=one_of(LOSSES), default="implicit", doc="what training makes small"
    )
    reference: Literal["equilibrium", "drift", "none"] | None = static(
        None,
        doc="known score that the network learns the rest of; default: equilibrium, or drift for "
        "stratonovich",
        example="equilibrium",
    )
    after: Array = param(
        default=0.0,
        converter=as_number,
        ge=0,
        doc="time before which snapshots are not used",
        units="time",
    )
    member: int | None = static(
        None,
        doc="member whose system is learned, where members differ in a parameter",
        ge=0,
        example=0,
    )
    odd: tuple[str, ...] | None = static(
        None,
        doc="variables that are odd under time reversal; default: what the solver says",
        example=["propulsion"],
    )
    steps: int = static(4000, doc="steps of training", ge=1)
    batch: int = static(
        256, doc="samples a step: snapshots, or walkers where these are independent", ge=1
    )
    learning_rate: Array = param(
        default=3e-3, converter=as_number, gt=0, doc="of Adam, falling to 0 as a cosine"
    )
    clip: Array = param(default=1.0, converter=as_number, gt=0, doc="largest norm of a gradient")
    average: Array = param(
        default=0.03,
        converter=as_number,
        ge=0,
        lt=1,
        doc="horizon of the average over parameters, as a share of the steps",
    )
    holdout: Array = param(
        default=0.2,
        converter=as_number,
        gt=0,
        lt=0.9,
        doc="share of the trajectories kept from training, half for the verdict",
    )
    checks: int = static(20, doc="estimates of the error while training", ge=1)
    patience: int | None = static(
        None,
        doc="end after so many checks without a smaller error; default: never",
        ge=1,
        example=5,
    )
    validation: int = static(2048, doc="samples a check at most", ge=2)
    test: int = static(20000, doc="samples of the verdict at most", ge=2)
    probes: int = static(
        1,
        doc="random signs a sample in checks and verdict, where the divergence is not exact",
        ge=1,
    )
    drifting: Literal["refuse", "warn"] = static(
        "refuse", doc="what to do with a run that is not stationary"
    )
    bins: int = static(32, doc="boxes an axis of the maps", ge=2)
    seed: int = static(0, doc="seed of training", ge=0, le=2**31 - 1)
    precision: Literal["float32", "float64"] = static(
        "float32", doc="floating point numbers of training"
    )
    buffer: float = static(256.0, doc="snapshots held in memory at once, in MB", gt=0)
    devices: int | None = static(
        None, doc="devices that share a batch; default: all that divide it", ge=1, example=1
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
