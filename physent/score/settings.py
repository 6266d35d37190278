"""What an experiment says of its learned score: the [score] table."""

from typing import Literal

from jaxtyping import Array

from physent.parameters import Declared, ParameterError, choice, param, static
from physent.score.losses import LOSSES, Loss, Stratonovich
from physent.score.network import Network
from physent.score.networks import NETWORKS


class ScoreSettings(Declared):
    """How the score of a run is learned, by `physent score`; only for a solver with noise."""

    network: Network = choice(NETWORKS, "mlp", doc="what is trained")
    loss: Loss = choice(LOSSES, "implicit", doc="what training makes small")
    reference: Literal["equilibrium", "drift", "none"] | None = static(
        None, doc="known score that the network learns the rest of; default: equilibrium, or drift for stratonovich",
        example="equilibrium",
    )  # fmt: skip
    after: Array = param(0.0, ge=0, doc="time before which snapshots are not used", units="time")
    member: int | None = static(
        None, doc="member whose system is learned, where members differ in a parameter", ge=0, example=0
    )
    odd: tuple[str, ...] | None = static(
        None, doc="variables that are odd under time reversal; default: what the solver says", example=["propulsion"]
    )
    steps: int = static(4000, doc="steps of training", ge=1)
    batch: int = static(256, doc="samples a step: snapshots, or walkers where these are independent", ge=1)
    learning_rate: Array = param(3e-3, gt=0, doc="of Adam, falling to 0 as a cosine")
    clip: Array = param(1.0, gt=0, doc="largest norm of a gradient")
    average: Array = param(0.03, ge=0, lt=1, doc="horizon of the average over parameters, as a share of the steps")
    holdout: Array = param(0.2, gt=0, lt=0.9, doc="share of the trajectories kept from training, half for the verdict")
    checks: int = static(20, doc="estimates of the error while training", ge=1)
    patience: int | None = static(
        None, doc="end after so many checks without a smaller error; default: never", ge=1, example=5
    )
    validation: int = static(2048, doc="samples a check at most", ge=2)
    test: int = static(20000, doc="samples of the verdict at most", ge=2)
    probes: int = static(1, doc="random signs a sample in checks and verdict, where the divergence is not exact", ge=1)
    drifting: Literal["refuse", "warn"] = static("refuse", doc="what to do with a run that is not stationary")
    bins: int = static(32, doc="boxes an axis of the maps", ge=2)
    seed: int = static(0, doc="seed of training", ge=0, le=2**31 - 1)
    precision: Literal["float32", "float64"] = static("float32", doc="floating point numbers of training")
    buffer: float = static(256.0, doc="snapshots held in memory at once, in MB", gt=0)
    devices: int | None = static(None, doc="devices that share a batch; default: all that divide it", ge=1, example=1)

    def __check_init__(self):
        if isinstance(self.loss, Stratonovich) and self.reference not in (None, "drift"):
            words = f"given {self.reference!r} with the stratonovich loss, which learns the current, allowed: 'drift'"
            raise ParameterError("reference", words)

    def resolved_reference(self) -> Literal["equilibrium", "drift", "none"]:
        """The reference, the default written out."""
        if self.reference is not None:
            return self.reference
        return "drift" if isinstance(self.loss, Stratonovich) else "equilibrium"
