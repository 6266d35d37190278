"""Entropy of physical data: what counts as an outcome, how its probability is estimated, which functional is taken.

    entropy(x, measure=Renyi(order=2), outcomes=Ordinal(order=4), estimator=Grassberger(), axis=-1)

Everything here takes arrays and gives arrays, keeps batch axes, and can be jitted, vmapped and, where mathematics
allows, differentiated. Values are in nats and not normalised unless one asks.
"""

from physent.entropy.complexity import complexity_bounds, jensen_shannon_complexity, lmc_complexity
from physent.entropy.discrete import entropy
from physent.entropy.dispersion import Dispersion
from physent.entropy.estimators import (
    ESTIMATORS,
    ChaoShen,
    Estimator,
    Grassberger,
    Jackknife,
    MillerMadow,
    PlugIn,
    Shrinkage,
)
from physent.entropy.fields import Counts, Density, Spectrum
from physent.entropy.grid import differential_entropy
from physent.entropy.histogram import Histogram
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
from physent.entropy.ordinal import AmplitudeOrdinal, Ordinal, WeightedOrdinal, ordinal_symbols
from physent.entropy.outcome_space import OutcomeSpace
from physent.entropy.outcomes import OUTCOMES
from physent.entropy.particles import Cells, Headings
from physent.entropy.spatial_ordinal import SpatialOrdinal

__all__ = [
    "ESTIMATORS",
    "MEASURES",
    "OUTCOMES",
    "AmplitudeOrdinal",
    "Cells",
    "ChaoShen",
    "Counts",
    "Curado",
    "Density",
    "Dispersion",
    "Estimator",
    "Extropy",
    "Grassberger",
    "Hartley",
    "Headings",
    "Histogram",
    "Jackknife",
    "Kaniadakis",
    "Measure",
    "MillerMadow",
    "MinEntropy",
    "Ordinal",
    "OutcomeSpace",
    "PlugIn",
    "Renyi",
    "Shannon",
    "Shrinkage",
    "SpatialOrdinal",
    "Spectrum",
    "Tsallis",
    "WeightedOrdinal",
    "complexity_bounds",
    "differential_entropy",
    "entropy",
    "jensen_shannon_complexity",
    "lmc_complexity",
    "ordinal_symbols",
]
