"""The diagnostics shipped with physent, as modules for `physent.run` and kinds for a config."""

from physent.diagnostics.boxes import ParticleMap
from physent.diagnostics.correlations import (
    MeanSquareDisplacement,
    RadialDistribution,
    StructureFactor,
)
from physent.diagnostics.covariant import CovariantVectors, covariant_lyapunov_vectors
from physent.diagnostics.error import Error
from physent.diagnostics.fields import (
    Complexity,
    DifferentialEntropy,
    Entropy,
    PublishedQuantity,
    StatisticalComplexity,
)
from physent.diagnostics.history import HistogramEntropy, PermutationEntropy
from physent.diagnostics.information import MutualInformation, TransferEntropy
from physent.diagnostics.lyapunov import Lyapunov
from physent.diagnostics.mixing import DyeEntropy, MixingEfficiency, PotentialEnergy
from physent.diagnostics.particles import BoltzmannEntropy, NearestNeighbourEntropy, ParticleEntropy
from physent.diagnostics.production import EntropyProduction
from physent.diagnostics.regularity import Regularity
from physent.diagnostics.schools import SchoolDewiKadita, SchoolEntropy, VelocityCorrelation
from physent.diagnostics.structure import Clusters, HexaticOrder, LocalDensity

__all__ = [
    "BoltzmannEntropy",
    "Clusters",
    "Complexity",
    "CovariantVectors",
    "DifferentialEntropy",
    "DyeEntropy",
    "Entropy",
    "EntropyProduction",
    "Error",
    "HexaticOrder",
    "HistogramEntropy",
    "LocalDensity",
    "Lyapunov",
    "MeanSquareDisplacement",
    "MixingEfficiency",
    "MutualInformation",
    "NearestNeighbourEntropy",
    "ParticleEntropy",
    "ParticleMap",
    "PermutationEntropy",
    "PotentialEnergy",
    "PublishedQuantity",
    "RadialDistribution",
    "Regularity",
    "SchoolDewiKadita",
    "SchoolEntropy",
    "StatisticalComplexity",
    "StructureFactor",
    "TransferEntropy",
    "VelocityCorrelation",
    "covariant_lyapunov_vectors",
]
