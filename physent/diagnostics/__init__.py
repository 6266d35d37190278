"""The diagnostics that come with physent, as modules for `physent.run` and kinds for a config."""

from physent.diagnostics.correlations import MeanSquareDisplacement as MeanSquareDisplacement
from physent.diagnostics.correlations import RadialDistribution as RadialDistribution
from physent.diagnostics.correlations import StructureFactor as StructureFactor
from physent.diagnostics.error import Error as Error
from physent.diagnostics.fields import Complexity as Complexity
from physent.diagnostics.fields import DifferentialEntropy as DifferentialEntropy
from physent.diagnostics.fields import Entropy as Entropy
from physent.diagnostics.history import HistogramEntropy as HistogramEntropy
from physent.diagnostics.history import PermutationEntropy as PermutationEntropy
from physent.diagnostics.information import MutualInformation as MutualInformation
from physent.diagnostics.information import TransferEntropy as TransferEntropy
from physent.diagnostics.particles import BoltzmannEntropy as BoltzmannEntropy
from physent.diagnostics.particles import NearestNeighbourEntropy as NearestNeighbourEntropy
from physent.diagnostics.particles import ParticleEntropy as ParticleEntropy
from physent.diagnostics.production import EntropyProduction as EntropyProduction
from physent.diagnostics.quantities import DyeEntropy as DyeEntropy
from physent.diagnostics.quantities import PotentialEnergy as PotentialEnergy
from physent.diagnostics.quantities import PublishedQuantity as PublishedQuantity
from physent.diagnostics.quantities import StatisticalComplexity as StatisticalComplexity
from physent.diagnostics.regularity import Regularity as Regularity
from physent.diagnostics.schooling import SchoolEntropy as SchoolEntropy
from physent.diagnostics.schooling import SchoolingEntropy as SchoolingEntropy
from physent.diagnostics.schooling import VelocityCorrelation as VelocityCorrelation
from physent.diagnostics.structure import Clusters as Clusters
from physent.diagnostics.structure import HexaticOrder as HexaticOrder
from physent.diagnostics.structure import LocalDensity as LocalDensity
