"""Entropy of physical data: what counts as an outcome, how its probability is estimated, which functional is taken.

    entropy(x, measure=Renyi(order=2), outcomes=Ordinal(order=4), estimator=Grassberger(), axis=-1)

Everything here takes arrays and gives arrays, keeps batch axes, and can be jitted, vmapped and, where mathematics
allows, differentiated. Values are in nats and not normalised unless one asks.
"""

from physent.entropy.discrete import entropy
from physent.entropy.estimators import ESTIMATORS, Estimator, PlugIn
from physent.entropy.fields import Counts, Density, Spectrum
from physent.entropy.grid import differential_entropy, lmc_complexity
from physent.entropy.measures import (
    MEASURES,
    Curado,
    Extropy,
    Hartley,
    Kaniadakis,
    Measure,
    MinEntropy,
    Renyi,
    Shannon,
    Tsallis,
)
from physent.entropy.outcome_space import OutcomeSpace
from physent.entropy.outcomes import OUTCOMES

__all__ = [
    "ESTIMATORS",
    "MEASURES",
    "OUTCOMES",
    "Counts",
    "Curado",
    "Density",
    "Estimator",
    "Extropy",
    "Hartley",
    "Kaniadakis",
    "Measure",
    "MinEntropy",
    "OutcomeSpace",
    "PlugIn",
    "Renyi",
    "Shannon",
    "Spectrum",
    "Tsallis",
    "differential_entropy",
    "entropy",
    "lmc_complexity",
]
